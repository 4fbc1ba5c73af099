"""The plan of a program as a drawing: steps from top to bottom, beside them the life of arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from minijax.course.show.drawing import EDGE, ROW, TOP, Drawing, folded_away
from minijax.course.show.lives import KEY, Life, draw_lives
from minijax.course.show.text import counted

WIDTH, GAP, LANE = 520, 14, 78  # of the boxes; heights; the distance of two arrays
LINES = 5  # of the user's, in one box
GROUND = {"kernel": "sky", "product": "leaf", "NumPy": "sun"}


def words(step: Any) -> list[tuple[str, str]]:
    """The lines in a step's box, with their classes."""
    out = [("strong", f"{step.number}  {step.name}"), ("quiet", step.how)]
    for place, eqns in step.lines[:LINES]:
        out.append(("", str(place) if place else "of no line of yours"))
        again = [name for name, _, note in eqns if note == "computed again"]
        done = [name for name, _, note in eqns if not note or note.startswith("around")]
        out.append(("quiet", "  " + (counted(done) or "views") + (
            f"   again: {counted(again)}" if again else "")))
    left = len(step.lines) - LINES
    if left > 0:
        out.append(("quiet", f"and {left} more lines; {step.size()} equations in all"))
    return out


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


def drawn_plan(title: str, steps: Sequence[Any], results: Sequence[str]) -> Drawing:
    d = Drawing(title)
    d.text(EDGE, TOP + 12, KEY, "quiet")
    y, middles = float(TOP + 2 * ROW), []
    for i, step in enumerate(steps, 1):
        lines = words(step)
        height = ROW * len(lines) + 8
        d.say(f"{step.name}, {step.how}: {counted([n for _, e in step.lines for n, _, _ in e])}")
        d.box(EDGE, y, WIDTH, height, GROUND[step.kind], at=i)
        for k, (kind, text) in enumerate(lines):
            d.text(EDGE + 10, y + 18 + ROW * k, text, kind, i, WIDTH - 16)
        middles.append(y + height / 2)
        y += height + GAP
    draw_lives(d, lives(steps, results), WIDTH + 34, TOP + ROW + 12, middles, y, LANE, True)
    return d


def sources(steps: Sequence[Any]) -> Iterator[str]:
    """For each step, folded away: the user's lines beside its source."""
    for step in steps:
        left = "\n".join(row for place, eqns in step.lines for row in (
            str(place or "of no line of yours"),
            *(f"  {text}" + f"   # {note}" * bool(note) for _, text, note in eqns)))
        right = step.source or f"{step.name}: {step.how}"
        cells = "".join(f"<pre>{escape(cell)}</pre>" for cell in (left, right))
        yield folded_away(
            f"{step.name}: your lines, and what runs",
            '<div style="display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:1em">'
            f"{cells}</div>")
