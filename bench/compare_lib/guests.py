"""The guests that can be compared: what Debian calls them and how a machine for them is started."""
from dataclasses import dataclass


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


_IMAGES = "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64"

GUESTS = {
    "aarch64": Guest(
        name="aarch64", debian="arm64", compiler="aarch64-linux-gnu-gcc", qemu="qemu-system-aarch64",
        qemu_package="qemu-system-arm", kernel=f"{_IMAGES}/linux", installer=f"{_IMAGES}/initrd.gz",
        console="ttyAMA0", machine=("-M", "virt"),
        # QEMU's plain max computes pointer authentication with an expensive cipher; nobody who minds speed uses it.
        processors={"cortex-a57": "cortex-a57", "max": "max,pauth-impdef=on"}),
}

MEMORY = "1024"


def arguments(guest, processor, initrd, append):
    """Options that Mynah and QEMU understand alike: one processor, no network card, the serial line on stdio."""
    return [*guest.machine, "-cpu", guest.processors[processor], "-smp", "1", "-m", MEMORY, "-nic", "none", "-display",
            "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", "-kernel", guest.kernel, "-initrd",
            str(initrd), "-append", append]
