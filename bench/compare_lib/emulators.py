"""What is compared: Mynah, the host's QEMU, the QEMU of the backports unpacked beside it, and the host itself."""
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from compare_lib import packages
from compare_lib.problem import Problem

NAMES = ("mynah", "qemu", "qemu-backports", "native")


@dataclass(frozen=True)
class Emulator:
    name: str
    title: str  # with the version
    command: tuple[str, ...]
    environment: dict = field(default_factory=dict)

    @property
    def is_qemu(self):
        return self.name.startswith("qemu")


def _version(command, environment):
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, **environment})
    except OSError as error:
        raise Problem(f"cannot run {command[0]}: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise Problem(f"{command[0]} does not run: {said[0]}")
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout)
    return found.group(0) if found else "of unknown version"


def mynah(path):
    command = (str(Path(path).resolve()),)
    return Emulator("mynah", f"Mynah {_version(command, {})}", command)


def qemu(guest):
    path = shutil.which(guest.qemu)
    if not path:
        raise Problem(f"{guest.qemu} is not installed; install {guest.qemu_package}")
    return Emulator("qemu", f"QEMU {_version((path,), {})}", (path,))


def qemu_backports(guest, folder, say):
    """Unpacks the backports' QEMU below `folder`, once. Problem when they can't be reached."""
    folder = Path(folder).resolve() / guest.qemu_package
    root = folder / "root"
    program = root / "usr/bin" / guest.qemu
    if not program.exists():
        say("Downloading QEMU of the backports")
        suite = f"{packages.RELEASE}-backports"
        # With the host's status, so that only what the host lacks in this version comes.
        apt = packages.Apt(folder / "apt", _host_architecture(), status="/var/lib/dpkg/status", backports=True)
        packages.unpack(apt.fetch([guest.qemu_package], "-t", suite), root)
    libraries = [str(path) for path in root.glob("usr/lib/*-linux-gnu*") if path.is_dir()]
    environment = {"LD_LIBRARY_PATH": ":".join([*libraries, str(root / "usr/lib")])}
    command = (str(program), "-L", str(root / "usr/share/qemu"), "-L", str(root / "usr/share/seabios"),
               "-L", str(root / "usr/lib/ipxe/qemu"))
    return Emulator("qemu-backports", f"QEMU {_version(command[:1], environment)}", command, environment)


def _host_architecture():
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


# Mounts what programs expect, in a mount namespace of its own, and runs the same script as the guest.
_NATIVE = """
root=$1; shift
for folder in dev proc sys; do mount --rbind "/$folder" "$root/$folder" || exit; done
mount -t tmpfs tmpfs "$root/tmp" || exit
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" /bench/run "$@"
"""


def native(root):
    """Problem where this process may not mount, as in some containers."""
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    command = ("unshare", "--mount", *user, "--", "sh", "-c", _NATIVE, "native", str(root))
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # runs no program
    if done.returncode:
        raise Problem((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    return Emulator("native", "Native", command)
