"""How long values live, as lines beside the steps that make and read them.

What a horizontal line cuts is in memory at that time.
"""

from __future__ import annotations

from collections.abc import Sequence

from minijax.course.show.drawing import Drawing
from minijax.course.show.text import human

KEY = "● makes  ○ reads  lives: dotted an argument, dashed in between, solid a result"
KINDS = {"argument": "edge dotted", "between": "orange dashed", "result": "blue"}
ROLES = {"argument": "an argument", "between": "in between", "result": "a result"}


class Life:
    """A value: the step that makes it (-1: it is an argument), and those that read it."""

    def __init__(self, name: str, kind: str, size: int, born: int):
        self.name, self.kind, self.size, self.born = name, kind, size, born
        self.reads: list[int] = []
        self.freed = born  # after this step
        self.result = False

    def last(self, steps: int) -> int:
        return steps if self.result else max([self.freed, *self.reads])

    @property
    def role(self) -> str:
        return "result" if self.result else "argument" if self.born < 0 else "between"

    def __str__(self) -> str:
        return f"{self.name} {self.kind}, {human(self.size)}: {ROLES[self.role]}"


def in_lanes(found: Sequence[Life], steps: int) -> list[tuple[int, Life]]:
    """Each value in the first lane that is free while it lives."""
    ends: list[int] = []
    out = []
    for life in sorted(found, key=lambda x: x.born):
        lane = next((i for i, end in enumerate(ends) if end < life.born), len(ends))
        ends[lane:lane + 1] = [life.last(steps)]
        out.append((lane, life))
    return out


def draw_lives(d: Drawing, found: Sequence[Life], x: float, top: float, middles: Sequence[float],
               bottom: float, lane: float, named: bool) -> None:
    """The lines, from `x` on, so far from each other. `middles` are the heights of the steps."""
    steps = len(middles)
    for i, life in in_lanes(found, steps):
        at, last, kind = x + lane * i, life.last(steps), KINDS[life.role]
        start = top if life.born < 0 else middles[life.born]
        end = bottom if last >= steps else middles[last] if last >= 0 else start
        d.line(at, start, at, end, f"{kind} thick", life.born + 1)
        if life.born >= 0:
            d.dot(at, start, f"full {kind.split()[0]}", life.born + 1, str(life))
        for step in life.reads:
            d.dot(at, middles[step], f"open {kind.split()[0]}", step + 1, str(life))
        if named:
            d.text(at + 7, start - 4, life.name, "", life.born + 1, lane - 8)
            d.text(at + 7, start + 10, human(life.size), "quiet", life.born + 1)
