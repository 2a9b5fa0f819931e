"""The guests that can be compared: what Debian calls them and how a machine for them is started."""
import functools
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Guest:
    name: str
    debian: str  # the architecture's name in Debian
    compiler: str  # of the workloads in C
    qemu: str  # QEMU's program
    qemu_package: str
    kernel: str  # the same for the bench's own system and for the installer
    installer: str
    console: str  # what the kernel calls the serial line
    machine: tuple[str, ...]
    processors: dict[str, str]  # the name that the bench prints -> what -cpu takes, the same on every emulator
    setup: str = "bench"  # what scripts/setup calls the packages
    append: dict[str, str] = field(default_factory=dict)  # by processor: what the kernel's command line has beside
    only_groups: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by processor, where not all groups run on it
    qemu_needs_tsc: bool = False  # see scripts/host-tsc


_IMAGES = "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64"


def _x86(debian, compiler, program):
    images = f"/usr/lib/debian-installer/images/12/{debian}/text/debian-installer/{debian}"
    # What a kernel does against flaws of a processor depends on what the processor says of itself. The second row has
    # none of it, on every emulator; it shows in what enters the kernel.
    return Guest(
        name=debian, debian=debian, compiler=compiler, qemu=program, qemu_package="qemu-system-x86",
        kernel=f"{images}/linux", installer=f"{images}/initrd.gz", console="ttyS0", machine=("-M", "microvm"),
        processors={"max": "max", "max-unmitigated": "max"}, setup=f"bench-{debian}",
        append={"max-unmitigated": "mitigations=off"}, only_groups={"max-unmitigated": ("os",)}, qemu_needs_tsc=True)


GUESTS = {
    "aarch64": Guest(
        name="aarch64", debian="arm64", compiler="aarch64-linux-gnu-gcc", qemu="qemu-system-aarch64",
        qemu_package="qemu-system-arm", kernel=f"{_IMAGES}/linux", installer=f"{_IMAGES}/initrd.gz",
        console="ttyAMA0", machine=("-M", "virt"),
        # QEMU's plain max computes pointer authentication with an expensive cipher; nobody who minds speed uses it.
        processors={"cortex-a57": "cortex-a57", "max": "max,pauth-impdef=on"}),
    "amd64": _x86("amd64", "gcc", "qemu-system-x86_64"),
    "i386": _x86("i386", "i686-linux-gnu-gcc", "qemu-system-i386"),
}

MEMORY = "1024"


@functools.cache
def _host_tsc():
    program = Path(__file__).resolve().parent.parent.parent / "scripts/host-tsc"
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.strip()


def arguments(guest, emulator, processor, initrd, append):
    """Options that Mynah and QEMU understand alike: one processor, no network card, the serial line on stdio."""
    append = " ".join(filter(None, (append, guest.append.get(processor))))
    if guest.qemu_needs_tsc and emulator.is_qemu:
        append += f" tsc=reliable tsc_early_khz={_host_tsc()}"
    return [*guest.machine, "-cpu", guest.processors[processor], "-smp", "1", "-m", MEMORY, "-nic", "none", "-display",
            "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", "-kernel", guest.kernel, "-initrd",
            str(initrd), "-append", append]
