"""The systems that the programs run in: the same files as an initramfs for the guest and as a folder for the host.

    build/bench/aarch64/pool   the packages, unpacked            build/bench/native/pool
    build/bench/aarch64/root   what the programs need of them    build/bench/native/root
    build/bench/aarch64/initramfs.cpio

A guest whose programs the host runs itself (amd64, i386) needs no twin: its root is that folder.
"""
import hashlib
import os
import platform
import re
import shutil
import stat
import subprocess
from pathlib import Path

import programs
from compare_lib import packages
from compare_lib.problem import Problem

BENCH = Path(__file__).resolve().parent.parent
# Debian's architectures whose programs a host runs.
RUN_HERE = {"x86_64": ("amd64", "i386"), "aarch64": ("arm64",)}.get(platform.machine(), ())
HOST_DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

# Nothing that a program reads: documentation, and the parts of Python's library that are no library.
EXCLUDED = re.compile(r"/(test|tests|idlelib|ensurepip|lib2to3|turtledemo|tkinter|pydoc_data|__pycache__)/|/config-3[^/]*/")
TEXT_SOURCES = "usr/lib/python3.11/**/*.py"


def closure(pool, patterns):
    """Paths under `pool` that match `patterns`, with the libraries that they need, and theirs."""
    chosen, pending = set(), []

    def choose(path):
        if path not in chosen and not EXCLUDED.search("/" + path):
            chosen.add(path)
            pending.append(path)

    for pattern in patterns:
        # glob does not see a link whose target is not on the host.
        paths = [pool / pattern] if os.path.lexists(pool / pattern) else pool.glob(pattern)
        found = [path for path in paths if path.is_symlink() or path.is_file()]
        if not found:
            raise Problem(f"no package that was unpacked into {pool} has {pattern}; see TOOLS in bench/programs.py")
        for path in found:
            choose(str(path.relative_to(pool)))
    libraries = {}
    for folder in ("usr/lib", "usr/lib/*-linux-gnu*"):
        for path in pool.glob(f"{folder}/*.so*"):
            libraries.setdefault(path.name, str(path.relative_to(pool)))
    while pending:
        batch, pending = pending, []
        for path in batch:
            if (pool / path).is_symlink():
                target = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(pool / path))).lstrip("/")
                if (pool / target).exists():
                    choose(target)
        linkers, names = needed([pool / path for path in batch])
        for path in linkers:  # as in /lib64/ld-linux-x86-64.so.2
            choose("usr" + path)
        for name in names:
            if name not in libraries:
                raise Problem(f"no package that was unpacked into {pool} has the library {name}")
            choose(libraries[name])
    return sorted(chosen)


def needed(files):
    """Paths of the dynamic linkers and names of the libraries that ELF files ask for."""
    files = [file for file in files if file.is_file() and not file.is_symlink() and is_elf(file)]
    if not files:
        return set(), set()
    text = subprocess.run(["readelf", "-W", "-l", "-d", *files], capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C"), check=False).stdout
    return (set(re.findall(r"program interpreter: (\S+?)\]", text)),
            set(re.findall(r"\(NEEDED\).*\[(\S+)\]", text)))


def is_elf(file):
    with open(file, "rb") as stream:
        return stream.read(4) == b"\x7fELF"


def write_cpio(root, output):
    """`root` in the newc format. Owners, times and inode numbers do not depend on the host."""
    paths = sorted(root.rglob("*"))
    with open(output, "wb") as stream:
        def entry(number, name, mode, data, device=(0, 0)):
            fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
            header = b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
            stream.write(header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4))

        # The kernel opens it before anything could make it.
        entry(1, b"dev", stat.S_IFDIR | 0o755, b"")
        entry(2, b"dev/console", stat.S_IFCHR | 0o600, b"", (5, 1))
        for number, path in enumerate(paths, 3):
            name = str(path.relative_to(root)).encode()
            mode = path.lstat().st_mode
            if name == b"dev":
                continue
            if stat.S_ISLNK(mode):
                entry(number, name, stat.S_IFLNK | 0o777, os.readlink(path).encode())
            elif stat.S_ISDIR(mode):
                entry(number, name, stat.S_IFDIR | 0o755, b"")
            else:
                entry(number, name, stat.S_IFREG | (0o755 if mode & 0o111 else 0o644), path.read_bytes())
        entry(0, b"TRAILER!!!", 0, b"")


def photo(width, height):
    """A picture in the PPM format with smooth parts, edges and noise, the same on every machine."""
    pixels = bytearray()
    noise = 1
    for y in range(height):
        for x in range(width):
            noise = (noise * 1103515245 + 12345) & 0x7FFFFFFF
            grain = noise >> 27
            inside = (x - width // 2) ** 2 + (y - height // 2) ** 2 < (height // 3) ** 2
            pixels += bytes((x * 239 // width + grain, y * 239 // height + grain,
                             (200 if inside else (x ^ y) & 127) + grain))
    return b"P6\n%d %d\n255\n" % (width, height) + bytes(pixels)


def make_data(folder, text_pool):
    """Input of the programs: text (4 MiB of Python source) and photo.ppm."""
    folder.mkdir(parents=True)
    text = b"".join(path.read_bytes() for path in sorted(text_pool.glob(TEXT_SOURCES))
                    if not EXCLUDED.search(str(path)) and "_sysconfigdata" not in path.name)
    size = 4 << 20
    if len(text) < size:
        raise Problem(f"the packages hold only {len(text)} bytes of text, not {size}")
    (folder / "text").write_bytes(text[:size])
    (folder / "photo.ppm").write_bytes(photo(640, 480))


def fingerprint(guest):
    """Changes whenever the images have to be made anew."""
    digest = hashlib.sha256(repr((programs.TOOLS, guest)).encode())
    for file in (Path(__file__), BENCH / "compare_lib/packages.py", *sorted((BENCH / "workloads").iterdir()),
                 *sorted((BENCH / "guest").iterdir())):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


class Images:
    """Builds what is missing or old below `folder` (build/bench)."""

    def __init__(self, folder, guest, say):
        self.folder, self.guest, self.say = Path(folder).resolve(), guest, say

    @property
    def initramfs(self):
        return self.folder / self.guest.name / "initramfs.cpio"

    @property
    def native_folder(self):
        return self.folder / (self.guest.name if self.guest.debian in RUN_HERE else "native")

    @property
    def native_root(self):
        return self.native_folder / "root"

    def make(self):
        stamp = self.folder / self.guest.name / "stamp"
        mark = fingerprint(self.guest) + repr(programs.PROGRAMS)
        mark = hashlib.sha256(mark.encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == mark and self.initramfs.exists() and self.native_root.exists():
            return
        self._make_pool(self.folder / self.guest.name, self.guest.debian)
        twin = self.native_folder != self.folder / self.guest.name
        if twin:
            self._make_pool(self.native_folder, HOST_DEBIAN)
        self.say("Making the initramfs" + (" and its native twin" if twin else ""))
        self._make_root(self.folder / self.guest.name, self.guest.compiler, self.guest)
        if twin:
            self._make_root(self.native_folder, "gcc", self.guest)
        making = self.initramfs.with_suffix(".making")
        write_cpio(self.folder / self.guest.name / "root", making)
        making.rename(self.initramfs)
        stamp.write_text(mark)

    def _make_pool(self, folder, architecture):
        wanted = sorted({package for tool in programs.TOOLS.values() for package in tool.packages})
        stamp = folder / "pool-stamp"
        if stamp.exists() and stamp.read_text() == repr(wanted):
            return
        self.say(f"Downloading {len(wanted)} packages and what they need for {architecture}")
        archives = packages.Apt(folder / "apt", architecture).fetch(wanted)
        packages.unpack(archives, folder / "pool")
        stamp.write_text(repr(wanted))

    def _make_root(self, folder, compiler, guest):
        pool, root = folder / "pool", folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        packages.make_merged(root)
        for name in ("dev", "proc", "sys", "tmp", "etc", "bench/programs"):
            (root / name).mkdir(parents=True)
        for path in closure(pool, [file for tool in programs.TOOLS.values() for file in tool.files]):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(pool / path, root / path, follow_symlinks=False)
        (root / "usr/bin/sh").symlink_to("dash")
        # The applet list comes from the host's own twin; both are one version.
        applets = subprocess.run([self.native_folder / "pool/usr/bin/busybox", "--list"], capture_output=True,
                                 text=True, check=True).stdout.split()
        for applet in applets:
            if not (root / "usr/bin" / applet).is_symlink() and not (root / "usr/bin" / applet).exists():
                (root / "usr/bin" / applet).symlink_to("busybox")
        (root / "etc/passwd").write_text("root::0:0:root:/:/bin/sh\n")
        make_data(root / "bench/data", self.folder / guest.name / "pool")
        workloads = root / "bench/workloads"
        workloads.mkdir()
        for source in sorted((BENCH / "workloads").iterdir()):
            if source.suffix == ".c":
                self._compile(compiler, source, workloads / source.stem)
            elif source.is_file():
                shutil.copy(source, workloads / source.name)
        for source in sorted((BENCH / "guest").iterdir()):
            shutil.copy(source, root / "bench" / source.name)
            (root / "bench" / source.name).chmod(0o755)
        (root / "init").symlink_to("bench/init")
        for program in programs.PROGRAMS:
            if not program.until:
                (root / "bench/programs" / program.name).write_text(program.command + "\n")
                if program.prepare:
                    (root / "bench/programs" / f"{program.name}.prepare").write_text(program.prepare + "\n")

    def _compile(self, compiler, source, output):
        done = subprocess.run([compiler, "-std=gnu17", "-O2", "-ffp-contract=off", "-static", "-o", output, source, "-lm"],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Problem(f"{compiler} does not compile {source}: {done.stderr.strip().splitlines()[0]}")
