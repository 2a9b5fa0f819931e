"""bench/compare: Mynah, QEMU and the host itself, program by program. See bench/README.md."""
import argparse
import datetime
import difflib
import fcntl
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import programs as table
from compare_lib import emulators, guests, image, page, runner, summary, table as text
from compare_lib.problem import Problem

PROJECT = Path(__file__).resolve().parent.parent.parent
OUTPUT = PROJECT / "build/bench"

EPILOG = """
emulators: mynah; qemu (the installed one); qemu-backports (unpacked beside it); native (the same programs on this
machine). Ratios are by the faster QEMU of the two.

One run of everything takes about 25 minutes on an idle machine. Programs are rows of bench/programs.py.
Exit code: 0 when every program ran and all checksums agree, else 1.
"""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"{Path(self.prog).name}: {message}; --help lists the options", file=sys.stderr)
        sys.exit(1)


def say(message):
    print(message, file=sys.stderr, flush=True)


def names(value, known, what):
    """The comma-separated names of `value`, each one known."""
    chosen = [name for name in value.split(",") if name]
    for name in chosen:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise Problem(f"there is no {what} '{name}'; " + (f"did you mean '{near[0]}'?" if near else
                                                             f"there are {', '.join(known)}"))
    if not chosen:
        raise Problem(f"no {what} is named; there are {', '.join(known)}")
    return chosen


def parse(arguments):
    parser = Parser(prog="bench/compare", description="Runs the same programs on Mynah, on QEMU and natively, in "
                    "interleaved pairs, and prints how they compare.", epilog=EPILOG,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", metavar="NAME,...", help="only these programs")
    parser.add_argument("--groups", metavar="NAME,...", help="only programs of these groups")
    parser.add_argument("--pairs", metavar="N", type=int, help="how many times everything runs (default 3)")
    parser.add_argument("--cpu", metavar="NAME,...", help="processors (default: all of the guest)")
    parser.add_argument("--emulators", metavar="NAME,...", help="default: mynah,qemu,qemu-backports,native")
    parser.add_argument("--guest", metavar="NAME", default="aarch64", help="kind of guest (default aarch64)")
    parser.add_argument("--mynah", metavar="PATH", help="measure this program instead of building build/release/mynah")
    parser.add_argument("--json", metavar="FILE", help="write all runs and the summary here")
    parser.add_argument("--html", metavar="FILE", help="write the page with plots here (default build/bench/compare.html)")
    parser.add_argument("--from-json", metavar="FILE", help="run nothing; print table and page of an earlier --json")
    parser.add_argument("--quick", action="store_true", help="one pair, -cpu max, the first program of each group")
    parser.add_argument("--list", action="store_true", help="list the programs and stop")
    return parser.parse_args(arguments)


def select(options, guest):
    """The programs and processors that the options ask for."""
    chosen = list(table.PROGRAMS)
    if options.groups is not None:
        groups = names(options.groups, list(table.GROUPS), "group")
        chosen = [program for program in chosen if program.group in groups]
    if options.programs is not None:
        wanted = names(options.programs, [program.name for program in table.PROGRAMS], "program")
        chosen = [program for program in chosen if program.name in wanted]
    if not chosen:
        raise Problem("no program is in all of --programs and --groups")
    processors = names(options.cpu, list(guest.processors), "processor") if options.cpu else list(guest.processors)
    if options.quick:
        first = {}
        for program in chosen:
            first.setdefault(program.group, program)
        if options.programs is None:
            chosen = list(first.values())
        processors = processors if options.cpu else ["max"]
    return chosen, processors


def set_up(*groups):
    done = subprocess.run([PROJECT / "scripts/setup", *groups], check=False, stdout=sys.stderr)
    if done.returncode:
        raise Problem(f"scripts/setup {' '.join(groups)} failed; its message is above")


def build_mynah():
    build = PROJECT / "build/release"
    configure = ["cmake", "--preset", "release"]
    if not (build / "CMakeCache.txt").exists():
        configure.append("-DMYNAH_TESTS=OFF")
    say("Building build/release/mynah")
    for command in (configure, ["cmake", "--build", "--preset", "release", "--target", "mynah"]):
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
            raise Problem("Mynah does not build; the compiler's messages are above")
    return build / "mynah"


def lock():
    """Held until the process ends: two runs would disturb each other's times and images."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    held = open(OUTPUT / "lock", "w", encoding="utf-8")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Problem("another bench/compare runs in this tree; wait for its end") from None
    return held


def optional(what, find, *arguments):
    try:
        return [find(*arguments)]
    except Problem as problem:
        say(f"Going on without {what}: {problem}")
        return []


def prepare(guest):
    """Packages and images; the lock, which is to be closed after the runs."""
    set_up("build", guest.setup)
    held = lock()
    images = image.Images(OUTPUT, guest, say)
    images.make()
    return held, images


def find_emulators(wanted, options, guest, images):
    found = []
    for name in wanted:
        if name == "mynah":
            found.append(emulators.mynah(options.mynah or build_mynah()))
        elif name == "qemu":
            found.append(emulators.qemu(guest))
        elif name == "qemu-backports":
            found += optional("QEMU of the backports", emulators.qemu_backports, guest, OUTPUT / "qemu-backports", say)
        elif name == "native":
            found += optional("native runs", emulators.native, images.native_root)
    if not found:
        raise Problem("there is nothing left to measure")
    return found


def machine():
    """What a reader must know of the host."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith(("model name", "Model")):
            model = line.split(":", 1)[1].strip()
            break
    try:
        commit = subprocess.run(["git", "-C", PROJECT, "describe", "--always", "--dirty"], capture_output=True, text=True,
                                check=False).stdout.strip()
    except FileNotFoundError:  # no git, as where the tree came as an archive
        commit = ""
    return {"processor": model, "cores": os.cpu_count(), "kernel": platform.release(), "commit": commit,
            "load": round(os.getloadavg()[0], 1), "date": datetime.datetime.now().isoformat(" ", "minutes")}


def measure(chosen, processors, used, guest, initramfs, pairs, flaws=None):
    """All runs, as dictionaries. The order interleaves the emulators: A B C A B C.

    `flaws` takes what each kernel says of its processor's vulnerabilities: {"emulator, processor": {name: text}}.
    """
    runs, width = [], max(len(program.name) for program in chosen)
    begun = time.monotonic()

    def done(run):
        runs.append(run.as_dict())
        result = f"{run.seconds:8.2f} s" if run.seconds is not None else run.problem
        say(f"[{time.monotonic() - begun:5.0f} s] pair {run.pair + 1} {run.cpu:11} {run.emulator:15}"
            f"{run.program:{width}} {result}")

    def of(name, cpu):
        return None if flaws is None else flaws.setdefault(f"{name}, {cpu}", {})

    def on(cpu, programs):
        groups = guest.only_groups.get(cpu)
        return [program for program in programs if groups is None or program.group in groups]

    inside = [program for program in chosen if not program.until]
    try:
        for pair in range(pairs):
            for emulator in used:
                if emulator.name == "native" and inside:
                    runner.run_programs(inside, emulator, guest, initramfs, "host", pair, done,
                                        flaws=of(emulator.name, "host"))
            for cpu in processors:
                for program in on(cpu, [program for program in chosen if program.until]):
                    for emulator in used:
                        if emulator.name != "native":
                            done(runner.run_installer(program, emulator, guest, cpu, pair))
                for emulator in used:
                    if emulator.name != "native" and on(cpu, inside):
                        runner.run_programs(on(cpu, inside), emulator, guest, initramfs, cpu, pair, done,
                                            flaws=of(emulator.name, cpu))
    except KeyboardInterrupt:
        say("\nInterrupted; what follows is of the runs until now.")
        if not runs:
            raise
    return runs


def run(options):
    guest = guests.GUESTS[names(options.guest, list(guests.GUESTS), "guest")[0]]
    chosen, processors = select(options, guest)
    if options.list:
        for program in chosen:
            print(f"{program.name:14} {program.group:13} {program.what}")
        return 0
    pairs = options.pairs if options.pairs is not None else 1 if options.quick else 3
    if pairs < 1:
        raise Problem(f"--pairs takes a number from 1, not {pairs}")
    if options.mynah and not os.access(options.mynah, os.X_OK):
        raise Problem(f"--mynah {options.mynah} is no program; leave the option out to build and measure this tree's")
    for option, file in (("--json", options.json), ("--html", options.html)):
        if file and not Path(file).resolve().parent.is_dir():
            raise Problem(f"{option} {file}: there is no such folder")

    if options.from_json:
        result = load(options.from_json)
    else:
        wanted = names(options.emulators, emulators.NAMES, "emulator") if options.emulators else emulators.NAMES
        held, images = prepare(guest)
        used = find_emulators(wanted, options, guest, images)
        about = machine()
        flaws = {}
        runs = measure(chosen, processors, used, guest, images.initramfs, pairs, flaws)
        held.close()
        result = {"machine": about, "guest": guest.name, "pairs": pairs,
                  "processors": {cpu: guest.processors[cpu] for cpu in processors},
                  "titles": {emulator.name: emulator.title for emulator in used}, "runs": runs, "flaws": flaws}
    name = result.get("guest", "aarch64")
    result["summary"] = summary.summarize(result["runs"], table.PROGRAMS, table.groups(name), list(result["processors"]),
                                          table.any_program_target(name), table.PROGRAM_TARGETS)
    return report(result, options)


def load(file):
    try:
        result = json.loads(Path(file).read_text(encoding="utf-8"))
        if {"machine", "runs", "titles", "processors", "pairs"} <= result.keys():
            return result
    except OSError as error:
        raise Problem(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, AttributeError):
        pass
    raise Problem(f"{file} is no result of bench/compare --json")


def report(result, options):
    print(text.text_table(result["summary"], result["titles"], list(result["processors"])))
    print(text.flaws_text(result.get("flaws", {}), result["titles"]), end="")
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    html = Path(options.html) if options.html else OUTPUT / "compare.html"
    html.parent.mkdir(parents=True, exist_ok=True)
    html.write_text(page.render(result), encoding="utf-8")
    print(f"Plots: {html}")
    failed = sorted({run["program"] for run in result["runs"] if run["problem"]})
    differ = sorted({row["program"] for row in result["summary"]["programs"] if row["checksums"].startswith("differ")})
    if failed:
        print(f"Did not run everywhere: {', '.join(failed)}")
    if differ:
        print(f"Checksums differ: {', '.join(differ)}")
    return 1 if failed or differ else 0


def main(name, run):
    """The exit code of run() with the command line; what went wrong is said in one sentence."""
    try:
        return run(sys.argv[1:])
    except Problem as problem:
        say(f"{name}: {problem}")
    except OSError as error:
        say(f"{name}: {error.filename or 'a file'}: {error.strerror}")
    except KeyboardInterrupt:
        say(f"{name}: interrupted")
    return 1


if __name__ == "__main__":
    sys.exit(main("compare", lambda arguments: run(parse(arguments))))
