"""The plan of a program as a drawing: steps from top to bottom, beside them the life of arrays.

Each array is a line from the step that writes it to the last that reads it: what is cut by a
horizontal line is in memory at that time.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from minijax.course.show.text import counted, human

WIDTH, ROW, GAP, LANE = 640, 18, 14, 84  # of the boxes; heights; the distance of two arrays
LETTERS = 84  # on one line of a box
LINES = 5  # of the user's, in one box

STYLE = """
.mj-plan text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1b1f24 }
.mj-plan .page { fill: #ffffff } .mj-plan .quiet { fill: #57606a }
.mj-plan .strong { font-weight: bold } .mj-plan .life { stroke-width: 3 }
.mj-plan .box { stroke: #8c959f } .mj-plan .kernel { fill: #ddf4ff }
.mj-plan .BLAS { fill: #dafbe1 } .mj-plan .NumPy { fill: #fff8c5 }
.mj-plan .argument { stroke: #8c959f; fill: #8c959f }
.mj-plan .between { stroke: #bc4c00; fill: #bc4c00 }
.mj-plan .result { stroke: #0969da; fill: #0969da }
.mj-plan .read { fill: #ffffff; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
.mj-plan text { fill: #e6edf3 } .mj-plan .page, .mj-plan .read { fill: #0d1117 }
.mj-plan .quiet { fill: #9198a1 } .mj-plan .kernel { fill: #0c2d4a }
.mj-plan .BLAS { fill: #0f3820 } .mj-plan .NumPy { fill: #3d3200 }
.mj-plan .between { stroke: #f0883e; fill: #f0883e }
.mj-plan .result { stroke: #58a6ff; fill: #58a6ff } }
"""


def cut(text: str, letters: int = LETTERS) -> str:
    return text if len(text) <= letters else text[:letters - 1] + "…"


def words(step: Any) -> list[tuple[str, str]]:
    """The lines in a step's box, with their classes."""
    out = [("strong", f"{step.number}  {step.name}"), ("quiet", step.how)]
    for place, eqns in step.lines[:LINES]:
        out.append(("", str(place) if place else "of no line of yours"))
        again = [name for name, _, note in eqns if note == "computed again"]
        done = [name for name, _, note in eqns if not note or note.startswith("around")]
        out.append(("quiet", "  " + (counted(done) or "views") + (
            f"   again: {counted(again)}" if again else "")))
    if left := len(step.lines) - LINES:
        if left > 0:
            out.append(("quiet", f"and {left} more lines; {step.size()} equations in all"))
    return [(kind, cut(text)) for kind, text in out]


class Life:
    """An array: the step that writes it (-1: it is an argument), and those that read it."""

    def __init__(self, name: str, kind: str, size: int, born: int):
        self.name, self.kind, self.size, self.born = name, kind, size, born
        self.reads: list[int] = []
        self.freed = born  # after this step
        self.result = False

    def last(self, steps: int) -> int:
        return steps if self.result else max([self.freed, *self.reads])


def lives(steps: Sequence[Any], results: Sequence[str]) -> list[Life]:
    found: dict[str, Life] = {}
    for i, step in enumerate(steps):
        for name, kind, size in step.reads:
            found.setdefault(name, Life(name, kind, size, -1)).reads.append(i)
        for name, kind, size in [*step.writes, *step.scratch]:
            found.setdefault(name, Life(name, kind, size, i))
        for name in found.keys() & set(step.dead):
            found[name].freed = i
    for name in found.keys() & set(results):
        found[name].result = True
    return list(found.values())


def in_lanes(found: Sequence[Life], steps: int) -> list[tuple[int, Life]]:
    """Each array in the first lane that is free while it lives."""
    ends: list[int] = []
    out = []
    for life in sorted(found, key=lambda x: x.born):
        lane = next((i for i, end in enumerate(ends) if end < life.born), len(ends))
        ends[lane:lane + 1] = [life.last(steps)]
        out.append((lane, life))
    return out


def drawn_life(life: Life, x: int, middles: Sequence[int], height: int) -> list[str]:
    steps = len(middles)
    top = 44 if life.born < 0 else middles[life.born]
    last = life.last(steps)
    bottom = height - 8 if last == steps else middles[last] if last >= 0 else top
    kind = "result" if life.result else "argument" if life.born < 0 else "between"
    out = [f'<line class="life {kind}" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>',
           f'<text x="{x + 7}" y="{top - 4}">{escape(life.name)}</text>',
           f'<text class="quiet" x="{x + 7}" y="{top + 10}">{human(life.size)}</text>']
    if life.born >= 0:
        out.append(f'<circle class="{kind}" cx="{x}" cy="{top}" r="5"/>')
    out += [f'<circle class="{kind} read" cx="{x}" cy="{middles[i]}" r="4"/>' for i in life.reads]
    whole = f"{life.name} {life.kind}, {human(life.size)}: " + (
        "a result" if life.result else "an argument" if life.born < 0 else "between steps")
    return [f"<g><title>{escape(whole)}</title>", *out, "</g>"]


def svg(title: str, steps: Sequence[Any], results: Sequence[str], text: str) -> str:
    """The drawing. It has a title and, as its description, the plan in words."""
    y, boxes, middles = 60, [], []
    for step in steps:
        lines = words(step)
        height = ROW * len(lines) + 12
        boxes.append(f'<rect class="box {step.kind}" x="8" y="{y}" width="{WIDTH}" '
                     f'height="{height}" rx="6"/>')
        boxes += [f'<text class="{kind}" xml:space="preserve" x="18" y="{y + 18 + ROW * i}">'
                  f"{escape(line)}</text>" for i, (kind, line) in enumerate(lines)]
        middles.append(y + height // 2)
        y += height + GAP
    height = y + 20
    placed = in_lanes(lives(steps, results), len(steps))
    width = WIDTH + 40 + LANE * max([1, *(lane + 1 for lane, _ in placed)])
    drawn = [part for lane, life in placed
             for part in drawn_life(life, WIDTH + 30 + LANE * lane, middles, height)]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mj-plan" role="img" '
        f'aria-label="{escape(title, quote=True)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">',
        f"<title>{escape(title)}</title>", f"<desc>{escape(text)}</desc>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        f'<text class="strong" x="8" y="20">{escape(cut(title, 110))}</text>',
        '<text class="quiet" x="8" y="40">● writes  ○ reads  │ lives; grey: arguments, '
        "orange: between, blue: results</text>",
        *boxes, *drawn, "</svg>"])


def html(picture: str, steps: Sequence[Any]) -> str:
    """The drawing, and under it for each kernel the user's lines beside its source."""
    out = [f'<figure style="margin:0;overflow-x:auto">{picture}</figure>']
    for step in steps:
        left = "\n".join(row for place, eqns in step.lines for row in (
            str(place or "of no line of yours"),
            *(f"  {text}" + f"   # {note}" * bool(note) for _, text, note in eqns)))
        right = step.source or f"{step.name}: {step.how}"
        cells = "".join(f'<pre style="margin:0;overflow-x:auto">{escape(cell)}</pre>'
                        for cell in (left, right))
        out.append(
            f"<details><summary>{escape(step.name)}: your lines, and what runs</summary>"
            '<div style="display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:1em">'
            f"{cells}</div></details>")
    return "\n".join(out)
