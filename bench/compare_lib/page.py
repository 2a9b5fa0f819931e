"""The results as one HTML page: no scripts, nothing loaded, SVG drawn here. Light and dark follow the reader."""
import math
from html import escape

COLOURS = {"boot": "#8d6cd9", "integer": "#3d86c6", "interpreters": "#2b9c8e", "fp": "#cf8a1d", "crypto": "#c14d8c",
           "memory": "#7b9a34", "os": "#d2583f"}
OTHER_COLOUR = "#808890"

LABELS, PANEL, GAP, MARGIN = 128, 392, 44, 18  # widths
ROW, HEADING, AXIS, BOTTOM = 19, 27, 44, 14  # heights

STYLE = """
:root { --paper: #fbfaf7; --card: #ffffff; --ink: #23262b; --soft: #6c727a; --line: #dedbd3; --strong: #9a978f;
  --good: #1f7a4d; --bad: #b3392b; --band: #f3f1ea; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171a; --card: #1d2024; --ink: #e7e5df; --soft: #9aa0a8;
  --line: #32363c; --strong: #6d727a; --good: #5cc48d; --bad: #f0806f; --band: #1b1e22; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 1060px; padding: 28px 20px 60px; }
h1 { font-size: 27px; font-weight: 650; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 19px; font-weight: 620; margin: 42px 0 2px; }
p { margin: 4px 0 12px; max-width: 76ch; }
.soft, figcaption { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(215px, 1fr)); gap: 12px; margin-top: 20px; }
.card { background: var(--card); border: 1px solid var(--line); border-top: 4px solid; border-radius: 8px;
  padding: 11px 14px 12px; }
.card h3 { font-size: 14px; margin: 0 0 4px; font-weight: 620; display: flex; justify-content: space-between; }
.card h3 span { color: var(--soft); font-weight: 400; font-size: 12px; }
.figure { display: flex; align-items: baseline; gap: 8px; font-variant-numeric: tabular-nums; }
.figure b { font-size: 25px; font-weight: 620; min-width: 58px; }
.figure .cpu { color: var(--soft); font-size: 12.5px; }
.met { color: var(--good); } .missed { color: var(--bad); }
.mark { font-size: 12.5px; margin-left: auto; white-space: nowrap; }
figure { margin: 12px 0 0; overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
svg { display: block; min-width: 780px; width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .soft { fill: var(--soft); } svg .small { font-size: 10.5px; } svg .bold { font-weight: 620; }
svg .grid { stroke: var(--line); } svg .one { stroke: var(--strong); stroke-width: 1.4; }
svg .dot { fill: var(--card); stroke: var(--ink); stroke-width: 1.1; }
svg .band { fill: var(--band); }
svg .qemu { fill: var(--card); stroke: var(--soft); stroke-width: 1.5; } svg .newer { fill: var(--soft); stroke: none; }
svg .link { stroke: var(--strong); stroke-width: 1.4; }
.key { display: inline-flex; gap: 6px; align-items: center; margin-right: 18px; font-size: 13px; color: var(--soft); }
.key svg { min-width: 0; width: 16px; height: 12px; }
details { margin-top: 34px; } summary { cursor: pointer; font-weight: 620; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin-top: 10px; }
th, td { padding: 3px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:nth-child(-n+2), td:nth-child(-n+2), td:last-child, th:last-child { text-align: left; }
td.problem { color: var(--bad); white-space: normal; }
"""


class Scale:
    """A logarithmic axis that covers `values` in steps of 1, 2, 5."""

    def __init__(self, values, width, always=()):
        values = [value for value in (*values, *always) if value and value > 0]
        steps = [base * 10.0 ** power for power in range(-4, 6) for base in (1, 2, 5)]
        low, high = (min(values), max(values)) if values else (0.5, 2)
        self.low = max(step for step in steps if step <= low * 0.97)
        self.high = min(step for step in steps if step >= high * 1.03)
        self.ticks = [step for step in steps if self.low <= step <= self.high * 1.001]
        self.width = width

    def __call__(self, value):
        return self.width * math.log(value / self.low) / math.log(self.high / self.low)


def number(value):
    return "-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def tick(value):
    return f"{value:g}"


def colour(group):
    return COLOURS.get(group, OTHER_COLOUR)


def render(result):
    """The page of a result as main.measure makes it, with its summary."""
    summary, titles = result["summary"], result["titles"]
    processors = [cpu for cpu in result["processors"] if any(row["cpu"] == cpu for row in summary["programs"])]
    parts = [_head(result), _cards(summary)]
    if any(row["ratio"] is not None for row in summary["programs"]):
        parts += ["<h2>Against the faster QEMU</h2>",
                  "<p class=soft>Time of Mynah as a fraction of QEMU's; left of 1 Mynah is faster, and half as long a time "
                  "is as far from 1 as twice. Circles are the single pairs; the dashed lines are the most that a group's "
                  "mean may be.</p>", _ratio_plot(summary, processors)]
    if any(row["slowdown"] is not None for row in summary["programs"]):
        parts += ["<h2>Against the host itself</h2>",
                  "<p class=soft>How many times as long as the same program of the same Debian release, for the host's own "
                  "processor.</p>", _keys(titles), _native_plot(summary, processors, titles)]
    parts.append(_table(summary, processors, titles))
    return ("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport "
            f"content=\"width=device-width\"><title>Mynah and QEMU, program by program</title><style>{STYLE}</style></head>"
            f"<body>\n{chr(10).join(parts)}\n</body></html>\n")


def _head(result):
    about = result["machine"]
    lines = [f"{escape(str(about['processor']))}, {about['cores']} cores, Linux {escape(about['kernel'])}",
             f"load {about['load']} at the start, {escape(about['date'])}",
             f"{result['pairs']} interleaved pair{'s' if result['pairs'] != 1 else ''}, medians",
             " / ".join(escape(title) for title in result["titles"].values())]
    if about.get("commit"):
        lines.append(f"tree {escape(about['commit'])}")
    options = "; ".join(f"-cpu {value}" for value in result["processors"].values())
    return ("<h1>Mynah and QEMU, program by program</h1>"
            f"<p class=soft>Guest {escape(result['guest'])}, one processor ({escape(options)}), the same kernel, system and "
            f"options on each.<br>{' &middot; '.join(lines)}</p>")


def _cards(summary):
    cards, groups = [], []
    for mean in summary["groups"]:
        if mean["group"] not in groups:
            groups.append(mean["group"])
    for group in groups:
        means = [mean for mean in summary["groups"] if mean["group"] == group]
        figures = "".join(_figure(mean["mean"], mean["cpu"], mean["met"]) for mean in means)
        cards.append(f"<div class=card style=\"border-top-color:{colour(group)}\"><h3>{escape(means[0]['title'])}"
                     f"<span>at most {means[0]['target']:g}</span></h3>{figures}</div>")
    for name, target, figures in _single_limits(summary):
        cards.append(f"<div class=card style=\"border-top-color:var(--strong)\"><h3>{escape(name)}"
                     f"<span>at most {target:g}</span></h3>{figures}</div>")
    return f"<div class=cards>{''.join(cards)}</div>"


def _single_limits(summary):
    for row in summary["programs"]:
        if row["target"] is not None and row["ratio"] is not None:
            yield row["program"], row["target"], _figure(row["ratio"], row["cpu"], row["met"])
    if summary["limits"]:
        yield ("Slowest program", summary["limits"][0]["target"],
               "".join(_figure(limit["ratio"], f"{limit['program']}, {limit['cpu']}", limit["met"])
                       for limit in summary["limits"]))


def _figure(value, label, met):
    verdict = "" if met is None else "<span class='mark met'>&#10003; met</span>" if met else \
        "<span class='mark missed'>&#10007; missed</span>"
    return f"<div class=figure><b>{number(value)}</b><span class=cpu>{escape(label)}</span>{verdict}</div>"


class Plot:
    """Rows of programs under headings of their groups, one panel a processor."""

    def __init__(self, summary, processors, shown, values, always):
        """`shown`: the rows that have something to draw; `values`: what the axis has to cover, with `always`."""
        self.groups = {}
        for row in shown:
            names = self.groups.setdefault(row["group"], [])
            if row["program"] not in names:
                names.append(row["program"])
        self.titles = {mean["group"]: mean["title"] for mean in summary["groups"]}
        self.rows = {(row["program"], row["cpu"]): row for row in summary["programs"]}
        self.processors = processors
        panels = max(1, len(processors))
        self.panel = (2 * PANEL + GAP - GAP * (panels - 1)) / panels
        self.scale = Scale(values, self.panel, always)
        self.height = AXIS + BOTTOM + sum(HEADING + ROW * len(names) for names in self.groups.values())
        self.width = MARGIN * 2 + LABELS + 2 * PANEL + GAP
        self.out = []

    def left(self, index):
        return MARGIN + LABELS + index * (self.panel + GAP)

    def draw(self, axis, mark_one, cell, heading=None):
        """`cell(x, y, row)` draws one program in one panel; `heading(x, top, bottom, group, cpu)` a group's extras."""
        for index, cpu in enumerate(self.processors):
            left = self.left(index)
            self.text(left + self.panel / 2, 17, f"-cpu {cpu}", "bold", "middle")
            for value in self.scale.ticks:
                x = left + self.scale(value)
                kind = "one" if mark_one and value == 1 else "grid"
                self.out.append(f"<line class={kind} x1={x:.1f} x2={x:.1f} y1={AXIS - 6} y2={self.height - BOTTOM} />")
                self.text(x, AXIS - 11, axis(value), "small soft", "middle")
        y = AXIS
        for group, names in self.groups.items():
            self.out.append(f"<circle cx={MARGIN + 5} cy={y + 15} r=4.5 fill=\"{colour(group)}\" />")
            self.text(MARGIN + 15, y + 19, self.titles.get(group, group), "bold")
            top, bottom = y + HEADING - 3, y + HEADING + ROW * len(names) - 3
            if heading:
                for index, cpu in enumerate(self.processors):
                    heading(self.left(index), top, bottom, group, cpu)
            y += HEADING
            for index_in_group, name in enumerate(names):
                if index_in_group % 2 == 0:
                    self.out.insert(0, f"<rect class=band x={MARGIN} y={y - 3} width={self.width - 2 * MARGIN} "
                                       f"height={ROW} />")
                self.text(MARGIN + LABELS - 12, y + 10.5, name, "", "end")
                for index, cpu in enumerate(self.processors):
                    row = self.rows.get((name, cpu))
                    if row:
                        cell(self.left(index), y + ROW / 2 - 3, row)
                y += ROW
        return (f"<figure><svg viewBox=\"0 0 {self.width} {self.height}\" role=img>{''.join(self.out)}</svg></figure>")

    def text(self, x, y, words, kind="", anchor="start"):
        self.out.append(f"<text x={x:.1f} y={y:.1f} class=\"{kind}\" text-anchor={anchor}>{escape(words)}</text>")

    def titled(self, shapes, words):
        self.out.append(f"<g><title>{escape(words)}</title>{shapes}</g>")


def _ratio_plot(summary, processors):
    rows = [row for row in summary["programs"] if row["ratio"] is not None]
    values = [value for row in rows for value in (row["ratio"], *row["pair_ratios"])]
    targets = {(mean["group"], mean["cpu"]): mean["target"] for mean in summary["groups"]}
    plot = Plot(summary, processors, rows, values, (1, 1.9, *targets.values()))

    def cell(left, y, row):
        if row["ratio"] is None:
            plot.text(left + plot.scale(1) + 5, y + 4, "not measured", "small soft")
            return
        one, at = left + plot.scale(1), left + plot.scale(row["ratio"])
        shapes = (f"<rect x={min(one, at):.1f} y={y - 5:.1f} width={max(1.0, abs(one - at)):.1f} height=10 rx=2 "
                  f"fill=\"{colour(row['group'])}\" fill-opacity=0.85 />")
        if len(row["pair_ratios"]) > 1:
            shapes += "".join(f"<circle class=dot cx={left + plot.scale(value):.1f} cy={y:.1f} r=2.4 />"
                              for value in row["pair_ratios"])
        pairs = ", ".join(number(value) for value in row["pair_ratios"])
        plot.titled(shapes, f"{row['program']}: {row['what']}\n{number(row['ratio'])} of QEMU's time (pairs: {pairs})")
        if row["ratio"] < 1:
            plot.text(one + 5, y + 4, number(row["ratio"]), "small")
        else:
            plot.text(at + 6, y + 4, number(row["ratio"]), "small bold")

    def heading(left, top, bottom, group, cpu):
        target = targets.get((group, cpu))
        if target:
            x = left + plot.scale(target)
            plot.out.append(f"<line x1={x:.1f} x2={x:.1f} y1={top - 5} y2={bottom} stroke=\"{colour(group)}\" "
                            "stroke-width=1.4 stroke-dasharray=\"4 3\" />")
            plot.text(x, top - 7, f"{target:g}", "small soft", "middle")

    return plot.draw(tick, True, cell, heading)


def _native_plot(summary, processors, titles):
    def times(row):
        native = row["emulators"].get("native", {}).get("median")
        return {name: figures["median"] / native for name, figures in row["emulators"].items()
                if native and figures["median"] and name != "native"}

    rows = [row for row in summary["programs"] if times(row)]
    plot = Plot(summary, processors, rows, [value for row in rows for value in times(row).values()], (1,))

    def cell(left, y, row):
        slower = times(row)
        if not slower:  # it has on the other processor
            return
        places = {name: left + plot.scale(value) for name, value in slower.items()}
        shapes = (f"<line class=link x1={min(places.values()):.1f} x2={max(places.values()):.1f} y1={y:.1f} y2={y:.1f} />")
        for name in ("qemu", "qemu-backports", "mynah"):
            if name in places:
                shapes += _symbol(name, places[name], y, colour(row["group"]))
        plot.titled(shapes, f"{row['program']}: {row['what']}\n" + "\n".join(
            f"{titles[name]}: {number(value)} times native" for name, value in slower.items()))

    return plot.draw(lambda value: f"{tick(value)}x", True, cell)


def _symbol(name, x, y, fill):
    if name == "mynah":
        return f"<circle cx={x:.1f} cy={y:.1f} r=5 fill=\"{fill}\" />"
    if name == "qemu":
        return f"<circle class=qemu cx={x:.1f} cy={y:.1f} r=3.8 />"
    return f"<path class=\"qemu newer\" d=\"M{x:.1f} {y - 4.6:.1f}l4.6 4.6l-4.6 4.6l-4.6 -4.6z\" />"


def _keys(titles):
    return "".join(f"<span class=key><svg viewBox=\"0 0 16 12\">{_symbol(name, 8, 6, OTHER_COLOUR)}</svg>"
                   f"{escape(titles[name])}</span>" for name in ("mynah", "qemu", "qemu-backports") if name in titles)


def _table(summary, processors, titles):
    columns = "".join(f"<th>{escape(title)}, s</th>" for title in titles.values())
    lines = []
    for cpu in processors:
        for row in (row for row in summary["programs"] if row["cpu"] == cpu):
            cells = "".join(f"<td>{number(row['emulators'].get(name, {}).get('median'))}</td>" for name in titles)
            lines.append(f"<tr><td>{escape(row['program'])}</td><td>{escape(cpu)}</td>{cells}<td>{number(row['ratio'])}</td>"
                         f"<td>{number(row['slowdown'])}</td><td>{escape(row['checksums'])}</td></tr>")
            for name, figures in row["emulators"].items():
                lines += [f"<tr><td></td><td class=problem colspan={len(titles) + 4}>{escape(titles[name])}: {escape(text)}"
                          "</td></tr>" for text in figures["problems"]]
    return ("<details><summary>All figures</summary><div class=scroll><table><tr><th>program</th><th>-cpu</th>"
            f"{columns}<th>ratio</th><th>times native</th><th>checksums</th></tr>{''.join(lines)}</table></div></details>")
