"""What bench/compare runs: the one table to add a program to.

A Program is a shell command with fixed work whose standard output is the same on every machine: its MD5 is the
checksum. It runs in a scratch folder under /tmp of a system that holds the files of all TOOLS, workloads/ (as $W),
the programs compiled from workloads/*.c (as $W/NAME) and the data that compare_lib/image.py makes (as $D). Give
it work for about a second on Mynah; `prepare` is run before it and not timed. A tool that Debian packages is a row in TOOLS.
"""
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Group:
    title: str
    target: float  # the most that Mynah may take, as a fraction of the faster QEMU's time


GROUPS = {
    "boot": Group("Installer boot", 0.6),
    "integer": Group("Integer", 0.8),
    "interpreters": Group("Interpreters", 0.8),
    "fp": Group("Floating point", 0.4),
    "crypto": Group("Crypto, SIMD", 0.35),
    "memory": Group("Memory", 0.8),
    "os": Group("OS", 0.5),
    "rewriting": Group("Code that changes", 0.8),
}

# The same by guest, where it differs.
GUEST_TARGETS = {
    "amd64": {"boot": 0.30, "integer": 0.40, "interpreters": 0.35, "fp": 0.20, "crypto": 0.20, "memory": 0.38, "os": 0.30},
    "i386": {"boot": 0.30, "integer": 0.40, "interpreters": 0.38, "fp": 0.12, "crypto": 0.28, "memory": 0.35, "os": 0.40},
}


def groups(guest):
    targets = GUEST_TARGETS.get(guest, {})
    return {name: replace(group, target=targets.get(name, group.target)) for name, group in GROUPS.items()}


# The most that any single program may take, and targets of single programs by processor.
ANY_PROGRAM_TARGET = 1.1
GUEST_ANY_PROGRAM_TARGETS = {"amd64": 0.75, "i386": 0.75}
PROGRAM_TARGETS = {("os-syscalls", "cortex-a57"): 0.2}


def any_program_target(guest):
    return GUEST_ANY_PROGRAM_TARGETS.get(guest, ANY_PROGRAM_TARGET)


@dataclass(frozen=True)
class Tool:
    packages: tuple[str, ...]
    files: tuple[str, ...]  # patterns under the root; the libraries that these need come by themselves


TOOLS = {
    "busybox": Tool(("busybox-static",), ("usr/bin/busybox",)),
    "bzip2": Tool(("bzip2",), ("usr/bin/bzip2",)),
    "coreutils": Tool(("coreutils",), ("usr/bin/sort", "usr/bin/true", "usr/bin/expr")),
    "dash": Tool(("dash",), ("usr/bin/dash",)),  # the shell of all commands; BusyBox's prefers its own applets
    "gzip": Tool(("gzip",), ("usr/bin/gzip",)),
    "jpeg": Tool(("libjpeg-turbo-progs",), ("usr/bin/cjpeg", "usr/bin/djpeg")),
    "lua": Tool(("lua5.4",), ("usr/bin/lua5.4",)),
    "openssl": Tool(("openssl", "libssl3"), ("usr/bin/openssl", "usr/lib/*/libcrypto.so.3")),
    "perl": Tool(("perl-base",), ("usr/bin/perl", "usr/lib/*/perl-base/**/*")),
    "python": Tool(("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"),
                   ("usr/bin/python3.11", "usr/lib/python3.11/**/*")),
    "sqlite": Tool(("sqlite3",), ("usr/bin/sqlite3",)),
    "stress-ng": Tool(("stress-ng",), ("usr/bin/stress-ng",)),
    "sysbench": Tool(("sysbench",), ("usr/bin/sysbench",)),
    "xz": Tool(("xz-utils",), ("usr/bin/xz",)),
    "zstd": Tool(("zstd",), ("usr/bin/zstd",)),
}


@dataclass(frozen=True)
class Program:
    name: str
    group: str
    what: str
    command: str
    prepare: str = ""
    limit: int = 150  # seconds, on any emulator
    until: str = ""  # boots the installer instead of the bench's own system, until its screen shows this


def _sysbench(test):
    # Keeps what does not depend on time.
    return f"sysbench {test} --threads=1 --time=0 run | grep -E 'total number|Total operations' | sed 's/(.*//'"


PROGRAMS = (
    Program("installer", "boot", "Debian installer, from the start of the emulator to its first screen", "",
            until="Select a language", limit=240),

    Program("xz", "integer", "xz -6 of text", "xz -6 -T1 -c text", prepare="head -c 400000 $D/text > text"),
    Program("gzip", "integer", "gzip -9 of text", "gzip -9nc text", prepare="head -c 2500000 $D/text > text"),
    Program("bunzip2", "integer", "bzip2 -d of text", "bzip2 -dc text.bz2",
            prepare="bzip2 -1 < $D/text > text.bz2"),
    Program("zstd", "integer", "zstd -12 of text", "zstd -q -12 --single-thread -c text",
            prepare="head -c 1500000 $D/text > text"),
    Program("sort", "integer", "sort of lines", "sort $D/text $D/text"),
    Program("primes", "integer", "sysbench cpu", _sysbench("cpu --cpu-max-prime=4000 --events=800")),
    Program("sqlite", "integer", "inserts, joins and an index in memory", "sqlite3 :memory: < $W/queries.sql"),

    Program("python", "interpreters", "objects, dictionaries, strings, big numbers", "python3.11 $W/mixed.py"),
    Program("perl", "interpreters", "regular expressions and hashes over text", "perl $W/words.pl text",
            prepare="head -c 400000 $D/text > text"),
    Program("lua", "interpreters", "queens, binary trees, string building", "lua5.4 $W/mixed.lua"),
    Program("awk", "interpreters", "word counts in BusyBox awk", "busybox awk -f $W/words.awk text",
            prepare="head -c 250000 $D/text > text"),

    Program("matrix", "fp", "stress-ng matrix products", "sh $W/stress.sh matrix --matrix-method prod --matrix-ops 30"),
    Program("double", "fp", "stress-ng cpu, method double", "sh $W/stress.sh cpu --cpu-method double --cpu-ops 150"),
    Program("fft", "fp", "stress-ng cpu, method fft", "sh $W/stress.sh cpu --cpu-method fft --cpu-ops 200"),
    Program("nbody", "fp", "planets: divisions, square roots, double", "$W/float nbody 700000"),
    Program("mandelbrot", "fp", "scalar double with branches", "$W/float mandelbrot 1000"),
    Program("libm", "fp", "sin, exp, log, pow and atan from Lua", "lua5.4 $W/libm.lua"),

    Program("sha1", "crypto", "SHA-1 by OpenSSL", "python3.11 $W/crypto.py sha1 1000"),
    Program("sha256", "crypto", "SHA-256 by OpenSSL", "python3.11 $W/crypto.py sha256 800"),
    Program("sha512", "crypto", "SHA-512 by OpenSSL", "python3.11 $W/crypto.py sha512 500"),
    Program("aes-gcm", "crypto", "AES-128-GCM by OpenSSL", "python3.11 $W/crypto.py aes-128-gcm 1000"),
    Program("chacha20", "crypto", "ChaCha20-Poly1305 by OpenSSL", "python3.11 $W/crypto.py chacha20-poly1305 500"),
    Program("pbkdf2", "crypto", "PBKDF2 with SHA-256 by OpenSSL",
            "openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:mynah -kdfopt salt:parrot"
            " -kdfopt iter:200000 PBKDF2"),
    Program("jpeg", "crypto", "JPEG encode and decode, libjpeg-turbo",
            "for q in 50 60 70 80 90; do cjpeg -quality $q $D/photo.ppm > q.jpg && cat q.jpg && djpeg q.jpg || exit; done"),
    Program("vecmath", "crypto", "stress-ng vecmath: 128-bit integer vectors",
            "sh $W/stress.sh vecmath --vecmath-ops 500"),

    Program("mem-write", "memory", "sysbench memory, 1 KiB blocks in sequence",
            _sysbench("memory --memory-block-size=1K --memory-total-size=512M --memory-oper=write")),
    Program("mem-random", "memory", "sysbench memory, random reads in 8 MiB",
            _sysbench("memory --memory-block-size=8M --memory-total-size=24M --memory-access-mode=rnd"
                      " --memory-oper=read")),
    Program("copy", "memory", "memcpy, 64 bytes to 4 MiB", "$W/memory copy 1200"),
    Program("chase", "memory", "pointers chased through 16 MiB", "$W/memory chase 2000000"),
    Program("triad", "memory", "a[i] = b[i] + k * c[i] over 12 MiB", "$W/memory triad 150"),

    Program("os-syscalls", "os", "reads and writes of one byte",
            "busybox dd if=/dev/zero of=/dev/null bs=1 count=200000 2> count; head -n 2 count"),
    Program("os-fork-exec", "os", "fork and exec of a static and a dynamic program",
            "i=0; while [ $i -lt 80 ]; do busybox true && /usr/bin/true && i=$((i + 1)) || exit; done; echo $i"),
    Program("os-shell", "os", "a configure-like script: substitutions, pipes, small tools", "sh $W/configure.sh 25"),
    Program("os-faults", "os", "mmap, first touch of each page, munmap", "$W/kernel faults 25"),
    Program("os-pipe", "os", "4 KiB blocks from one process to another", "$W/kernel pipe 15000"),
    Program("os-switch", "os", "two processes that pass one byte to and fro", "$W/kernel switch 8000"),
    Program("os-signals", "os", "signals sent and handled", "$W/kernel signals 40000"),
    Program("os-files", "os", "a tree of files copied, listed, read and removed",
            "busybox cp -r /usr/lib/python3.11 tree && busybox find tree -name '[a-z]*.py' | busybox sort | "
            "busybox head -n 250 | busybox xargs busybox md5sum && busybox rm -r tree"),

    Program("rewrite-new", "rewriting", "a function rewritten each time it is called, a million times",
            "$W/rewrite new 1000000"),
    Program("rewrite-turn", "rewriting", "the same with two versions in turn", "$W/rewrite turn 1000000"),
    Program("rewrite-among", "rewriting", "one of a page's 256 functions rewritten, two called",
            "$W/rewrite among 1000000"),
    Program("rewrite-beside", "rewriting", "data beside the code that changes it", "$W/rewrite beside 1000000"),
)
