"""The results as text for a terminal."""


def _seconds(value):
    return "-" if value is None else f"{value:.2f}"


def _ratio(value):
    return "-" if value is None else f"{value:.2f}"


def flaws_text(flaws, titles):
    """What kernels say of their processors' vulnerabilities; those that say the same stand together."""
    alike = {}
    for where, found in flaws.items():
        emulator, _, cpu = where.partition(", ")
        alike.setdefault(tuple(sorted(found.items())), []).append(
            titles.get(emulator, emulator) if cpu == "host" else f"{titles.get(emulator, emulator)} ({cpu})")
    lines = []
    for found, where in alike.items():
        lines.append(f"Vulnerabilities, as the kernel says on {', '.join(where)}:")
        affected = [(name, said) for name, said in found if said != "Not affected"]
        width = max((len(name) for name, _ in affected), default=0) + 2
        lines += [f"  {name:{width}}{said}" for name, said in affected]
        lines.append(f"  not affected by {len(found) - len(affected)} others")
        lines.append("")
    return "\n".join(lines) + ("\n" if lines else "")


def text_table(summary, titles, processors):
    """`titles`: emulator name -> title, in the order of the columns."""
    lines = []
    for cpu in processors:
        rows = [row for row in summary["programs"] if row["cpu"] == cpu]
        if not rows:
            continue
        width = max(len(row["program"]) for row in rows) + 2
        lines += [f"-cpu {cpu}: median seconds; ratio = Mynah by the faster QEMU; x native = Mynah by native", ""]
        lines.append(f"{'':{width}}" + "".join(f"{title:>13}" for title in titles.values())
                     + f"{'ratio':>8}{'pairs':>13}{'x native':>10}  checksums")
        group = None
        for row in rows:
            if row["group"] != group:
                group = row["group"]
                lines.append(f"{group}:")
            cells = "".join(f"{_seconds(row['emulators'].get(name, {}).get('median')):>13}" for name in titles)
            pairs = row["pair_ratios"]
            spread = f"{min(pairs):.2f}-{max(pairs):.2f}" if pairs else "-"
            target = "" if row["met"] is None else f"  (target {row['target']}: {'met' if row['met'] else 'MISSED'})"
            lines.append(f"  {row['program']:{width - 2}}{cells}{_ratio(row['ratio']):>8}{spread:>13}"
                         f"{_ratio(row['slowdown']):>10}  {row['checksums']}{target}")
            for name, figures in row["emulators"].items():
                lines += [f"    {titles[name]}: {problem}" for problem in figures["problems"]]
        lines += ["", f"{'group mean':16}{'ratio':>8}{'target':>8}{'x native':>10}"]
        for mean in (mean for mean in summary["groups"] if mean["cpu"] == cpu):
            verdict = "" if mean["met"] is None else "  met" if mean["met"] else "  MISSED"
            missing = "" if mean["measured"] == mean["programs"] else f"  ({mean['measured']} of {mean['programs']} programs)"
            lines.append(f"{mean['title']:16}{_ratio(mean['mean']):>8}{mean['target']:>8}{_ratio(mean['slowdown']):>10}"
                         f"{verdict}{missing}")
        for limit in (limit for limit in summary["limits"] if limit["cpu"] == cpu):
            lines.append(f"{'slowest program':16}{limit['ratio']:>8.2f}{limit['target']:>8}{'':10}"
                         f"  {'met' if limit['met'] else 'MISSED'}  ({limit['program']})")
        lines.append("")
    return "\n".join(lines)
