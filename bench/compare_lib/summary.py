"""From runs to medians, ratios, group means and verdicts. Nothing here runs or prints anything."""
import math
import statistics

QEMUS = ("qemu", "qemu-backports")


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def summarize(runs, programs, groups, processors, any_target, program_targets):
    """{"programs": [...], "groups": [...], "limits": [...]} of plain values, ready for JSON.

    A program's ratio is the median over the pairs of Mynah's time by the time, in the same pair, of the QEMU whose
    median is smaller. A group's is the geometric mean of its programs' ratios.
    """
    rows = [_program(program, cpu, runs, program_targets) for cpu in processors for program in programs]
    rows = [row for row in rows if row["emulators"]]
    means = []
    for cpu in processors:
        for name, group in groups.items():
            ours = [row for row in rows if row["group"] == name and row["cpu"] == cpu]
            ratios = [row["ratio"] for row in ours if row["ratio"] is not None]
            to_native = [row["slowdown"] for row in ours if row["slowdown"] is not None]
            if ours:
                mean = geometric_mean(ratios) if ratios else None
                means.append({"group": name, "title": group.title, "cpu": cpu, "target": group.target, "mean": mean,
                              "slowdown": geometric_mean(to_native) if to_native else None, "measured": len(ratios),
                              "programs": len(ours), "met": None if mean is None else mean <= group.target})
    limits = []
    for cpu in processors:
        ratios = [(row["ratio"], row["program"]) for row in rows if row["cpu"] == cpu and row["ratio"] is not None]
        if ratios:
            worst, name = max(ratios)
            limits.append({"cpu": cpu, "program": name, "ratio": worst, "target": any_target, "met": worst <= any_target})
    return {"programs": rows, "groups": means, "limits": limits}


def _program(program, cpu, runs, program_targets):
    ours = [run for run in runs if run["program"] == program.name and run["cpu"] in (cpu, "host")]
    emulators, by_pair = {}, {}
    for run in ours:
        emulators.setdefault(run["emulator"], []).append(run)
        if run["seconds"] is not None:
            by_pair.setdefault(run["emulator"], {})[run["pair"]] = run["seconds"]
    medians = {name: statistics.median(seconds.values()) for name, seconds in by_pair.items()}
    qemus = [name for name in QEMUS if name in medians]
    ratio, pair_ratios, faster = None, [], None
    if qemus:
        faster = min(qemus, key=medians.get)
        if "mynah" in medians:
            pair_ratios = [seconds / by_pair[faster][pair] for pair, seconds in sorted(by_pair["mynah"].items())
                           if pair in by_pair[faster]]
            ratio = statistics.median(pair_ratios) if pair_ratios else None
    target = program_targets.get((program.name, cpu))
    if all(run["cpu"] == "host" for run in ours):
        emulators = {}  # only native figures: nothing to compare with this processor
    return {
        "program": program.name, "group": program.group, "what": program.what, "cpu": cpu,
        "emulators": {name: {"median": medians.get(name), "runs": sorted(by_pair.get(name, {}).values()),
                             "guest_median": _median(run["guest_seconds"] for run in runs_of),
                             "resident_mib": _median(run["resident_mib"] for run in runs_of),
                             "problems": sorted({run["problem"] for run in runs_of if run["problem"]})}
                      for name, runs_of in emulators.items()},
        "faster_qemu": faster, "ratio": ratio, "pair_ratios": pair_ratios, "target": target,
        "met": None if target is None or ratio is None else ratio <= target,
        "slowdown": medians["mynah"] / medians["native"] if {"mynah", "native"} <= medians.keys() else None,
        "checksums": agreement(ours),
    }


def _median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def agreement(runs):
    """"agree", "differ: who says what", "single" (nothing to compare with) or "none"."""
    sums = {}
    for run in runs:
        if run["checksum"]:
            sums.setdefault(run["checksum"], set()).add(run["emulator"])
    if len(sums) > 1:
        return "differ: " + ", ".join(f"{'+'.join(sorted(names))} {checksum[:8]}" for checksum, names in sums.items())
    if not sums:
        return "none"
    return "agree" if len(next(iter(sums.values()))) > 1 else "single"
