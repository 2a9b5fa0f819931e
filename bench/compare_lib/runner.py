"""Runs programs on an emulator and takes the time between their marks on the serial line by the host's clock."""
import os
import re
import select
import signal
import subprocess
import time
from dataclasses import asdict, dataclass

from compare_lib import guests

BOOT_LIMIT = 120  # seconds until the bench's own system says that it is ready
_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78]|\x0f|\x0e")


@dataclass
class Run:
    """One run of one program. `seconds` is None when it did not end well; `problem` says why."""
    program: str
    cpu: str
    emulator: str
    pair: int
    seconds: float | None = None
    guest_seconds: float | None = None
    checksum: str | None = None
    problem: str | None = None
    resident_mib: float | None = None  # of the emulator's process at the end, where it runs nothing else

    def as_dict(self):
        return asdict(self)


class Console:
    """A process and what it prints. The process gets a session of its own and dies with `close`."""

    def __init__(self, command, environment, one_cpu=False):
        def prepare():
            if one_cpu:  # as the guest has one
                os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

        self.started = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={**os.environ, "TERM": "vt100", **environment}, start_new_session=True,
                                        preexec_fn=prepare)
        self.output = self.process.stdout.fileno()
        self.last_line = ""
        self._rest = b""
        self._lines = []

    def chunk(self, deadline):
        """Bytes as they come; b"" at the end of the output; None at the deadline."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.output], [], [], left)[0]:
            return None
        return os.read(self.output, 1 << 16)

    def line(self, deadline):
        """(time, text) of the next line; ("end", None) or ("late", None)."""
        while not self._lines:
            chunk = self.chunk(deadline)
            now = time.monotonic()
            if chunk is None:
                return "late", None
            if not chunk:
                return "end", None
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            self._lines = [(now, line.decode(errors="replace").rstrip("\r")) for line in whole]
        at, text = self._lines.pop(0)
        if text.strip() and not text.startswith("@bench"):
            self.last_line = text.strip()
        return at, text

    def resident_mib(self):
        try:
            with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
                return round(int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024, 1)
        except (OSError, AttributeError):
            return None

    def ending(self):
        """Why the output ended, for a person."""
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            code = "unknown"
        how = f"by {signal.Signals(-code).name}" if isinstance(code, int) and code < 0 else f"with exit code {code}"
        return f"the emulator ended {how}" + (f"; last line: {self.last_line[:120]}" if self.last_line else "")

    def close(self):
        for kind, wait in ((signal.SIGTERM, 3), (signal.SIGKILL, 10)):
            try:
                os.killpg(self.process.pid, kind)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(wait)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.stdin.close()
        self.process.stdout.close()


def run_installer(program, emulator, guest, cpu, pair):
    """From the start of the process to the first screen that shows program.until."""
    run = Run(program.name, cpu, emulator.name, pair)
    command = [*emulator.command, *guests.arguments(guest, emulator, cpu, guest.installer,
                                                     f"console={guest.console}")]
    console = Console(command, emulator.environment)
    wanted, seen = program.until.encode(), b""
    try:
        while True:
            chunk = console.chunk(console.started + program.limit)
            if not chunk:
                said = " ".join(_ESCAPES.sub(b" ", seen).decode(errors="replace").split())[-120:]
                run.problem = console.ending() if chunk is not None else \
                    f"\"{program.until}\" did not come within {program.limit} s; last output: {said or 'none'}"
                return run
            # Cursor movements between words are no part of the text.
            seen = (seen + chunk)[-65536:]
            if wanted in _ESCAPES.sub(b"", seen):
                run.seconds = time.monotonic() - console.started
                run.resident_mib = console.resident_mib()
                return run
    finally:
        console.close()


def run_programs(selected, emulator, guest, initramfs, cpu, pair, done, boot_limit=BOOT_LIMIT, flaws=None):
    """Runs `selected` one after another in one system; calls done(Run) for each as soon as it is known.

    When one hangs or takes the system with it, a new system runs those behind it. `flaws` takes what the kernel says of
    the processor's vulnerabilities, by name.
    """
    remaining = list(selected)
    while remaining:
        run = Run(remaining[0].name, cpu, emulator.name, pair)
        names = [program.name for program in remaining]
        if emulator.name == "native":
            console = Console([*emulator.command, *names], emulator.environment, one_cpu=True)
        else:
            append = f"console={guest.console} quiet panic=-1 bench={','.join(names)}"
            console = Console([*emulator.command, *guests.arguments(guest, emulator, cpu, initramfs, append)],
                              emulator.environment)
        try:
            booted = _follow(console, remaining, run, boot_limit, done, {} if flaws is None else flaws)
        finally:
            console.close()
        if not booted:  # the others would fare no better
            for program in remaining:
                done(Run(program.name, cpu, emulator.name, pair, problem=run.problem))
            return


def _follow(console, remaining, run, boot_limit, done, flaws):
    """Reads marks, taking programs off `remaining` as they end. False when the system did not even start."""
    ready = False
    deadline = console.started + boot_limit
    started = None
    while remaining:
        at, line = console.line(deadline)
        if line is None:
            if at == "end":
                run.problem = console.ending()
            elif ready:
                run.problem = f"did not end within {remaining[0].limit} s"
            else:
                run.problem = f"the system was not ready within {boot_limit} s"
            if ready:
                done(Run(**{**run.as_dict(), "program": remaining.pop(0).name, "seconds": None}))
            return ready
        # A message of the kernel may stand before a mark on the same line.
        words = line[line.find("@bench"):].split() if "@bench" in line else []
        kind, about = (words[1] if len(words) > 1 else ""), words[2:]
        if kind == "ready":
            ready = True
            deadline = at + remaining[0].limit
        elif kind == "flaw" and len(about) > 1:
            flaws[about[0]] = " ".join(about[1:])
        elif kind in ("start", "stop", "sum", "note") and (not about or about[0] != remaining[0].name):
            continue  # torn by something else on the line; the time limit will tell
        elif kind == "start":
            started, deadline = at, at + remaining[0].limit
        elif kind == "stop" and started is not None and len(about) == 4:
            run = Run(remaining[0].name, run.cpu, run.emulator, run.pair, seconds=at - started,
                      guest_seconds=round(float(about[3]) - float(about[2]), 2))
            if about[1] != "0":
                run.problem, run.seconds = f"ended with status {about[1]}", None
        elif kind in ("sum", "note"):
            if kind == "sum":
                run.checksum = about[1] if len(about) > 1 else None
            else:
                run.seconds = None
                run.problem = ": ".join(text for text in (run.problem, " ".join(about[1:])) if text)
            done(run)
            remaining.pop(0)
            started = None
            run = Run(remaining[0].name if remaining else "", run.cpu, run.emulator, run.pair)
            if remaining:
                deadline = at + remaining[0].limit
    return True
