"""bench/techniques: programs with each technique (-accel help lists them) left out, against all of them. The same
runs, images and clock as bench/compare; the variants take turns."""
import argparse
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import programs as table
from compare_lib import emulators, guests, main as compare
from compare_lib.problem import Problem

PROGRAMS = ("installer", "gzip", "python", "perl", "matrix", "sha256", "copy", "os-shell", "os-switch", "os-syscalls")
ALL = "nothing"


def techniques(mynah):
    """The names that `-accel jit,without=` takes, as the program itself lists them."""
    said = subprocess.run([mynah, "-accel", "help"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in said.partition("\ntechniques (")[2].splitlines()[1:] if line.strip()]


def variants(mynah, wanted):
    whole = emulators.mynah(mynah)
    found = [emulators.Emulator(ALL, whole.title, whole.command)]
    for name in wanted:
        found.append(emulators.Emulator(name, f"without {name}", (*whole.command, "-accel", f"jit,without={name}")))
    return found


def markdown(runs, chosen, used):
    """A row for each variant: its time by that of all techniques, a column for each program, as medians over pairs."""
    seconds = {}
    for run in runs:
        if run["seconds"] is not None:
            seconds.setdefault((run["emulator"], run["program"]), {})[run["pair"]] = run["seconds"]
    lines = ["| without | " + " | ".join(program.name for program in chosen) + " |",
             "|---" * (len(chosen) + 1) + "|"]
    for variant in used:
        cells = []
        for program in chosen:
            ours, whole = (seconds.get((name, program.name), {}) for name in (variant.name, ALL))
            if variant.name == ALL:
                cells.append(f"{statistics.median(ours.values()):.2f} s" if ours else "-")
            else:
                ratios = [ours[pair] / whole[pair] for pair in ours if pair in whole]
                cells.append(f"{statistics.median(ratios):.2f}" if ratios else "-")
        lines.append(f"| {variant.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def run(arguments):
    parser = compare.Parser(prog="bench/techniques", description="Runs programs with each technique of the translator "
                            "left out, in turns, and prints how much longer they take.",
                            formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", metavar="NAME,...", help=f"default: {','.join(PROGRAMS)}")
    parser.add_argument("--without", metavar="NAME,...", help="only these techniques (default: each)")
    parser.add_argument("--cpu", metavar="NAME", default="cortex-a57", help="processor (default cortex-a57)")
    parser.add_argument("--pairs", metavar="N", type=int, default=2, help="how many times everything runs (default 2)")
    parser.add_argument("--mynah", metavar="PATH", help="measure this program instead of building build/release/mynah")
    options = parser.parse_args(arguments)
    if options.pairs < 1:
        raise Problem(f"--pairs takes a number from 1, not {options.pairs}")
    guest = guests.GUESTS["aarch64"]
    cpu = compare.names(options.cpu, list(guest.processors), "processor")[0]
    wanted = compare.names(options.programs, [p.name for p in table.PROGRAMS], "program") if options.programs else PROGRAMS
    chosen = [program for program in table.PROGRAMS if program.name in wanted]
    held, images = compare.prepare(guest)
    mynah = options.mynah or compare.build_mynah()
    known = techniques(mynah)
    used = variants(mynah, compare.names(options.without, known, "technique") if options.without else known)
    runs = compare.measure(chosen, [cpu], used, guest, images.initramfs, options.pairs)
    held.close()
    print(f"-cpu {cpu}, {options.pairs} pairs; time without a technique by time with all:\n")
    print(markdown(runs, chosen, used))
    return 1 if any(run["problem"] for run in runs) else 0


if __name__ == "__main__":
    sys.exit(compare.main("techniques", run))
