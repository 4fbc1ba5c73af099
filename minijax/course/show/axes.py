"""What `vmap` does: which axes are mapped, and where they are in the arrays of the whole batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from minijax.batching import BatchTrace, BatchTracer
from minijax.core import Primitive, Trace, typeof
from minijax.course.show.drawing import EDGE, ROW, TOP, Drawing, wide
from minijax.course.show.running import Done, watching
from minijax.course.show.text import Picture, as_far_as_it_gets, picture
from minijax.jvp import JVPTracer
from minijax.source_info import name_of

LETTERS = "ijklmnopqrstuvwxyz"
CELL = 44  # pixels of one axis, at least
Axes = list[tuple[int, str]]  # sizes, each with the name of what is mapped there, or ""


@dataclasses.dataclass
class Batched:
    """A batching interpreter meets an operation."""

    name: str
    one: str  # the types that one element sees
    given: list[tuple[str, Axes]]
    made: list[tuple[str, Axes]]
    by: list[str]  # the operations of the parent

    def whole(self) -> str:
        return f"{', '.join(map(written, self.given))} -> {', '.join(map(written, self.made))}"

    def caption(self) -> str:
        return f"{self.name}: {self.one or 'nothing'} for one, {self.whole()} for all"


def written(array: tuple[str, Axes]) -> str:
    dtype, axes = array
    return f"{dtype}[{','.join(f'{name}={n}' if name else str(n) for n, name in axes)}]"


class Names:
    """Names of mapped axes: the user's, or letters."""

    def __init__(self) -> None:
        self.axes: list[tuple[Any, str]] = []

    def of(self, axis: Any) -> str:
        for known, name in self.axes:
            if known is axis:
                return name
        taken = {name for _, name in self.axes}
        name = str(axis.name) if axis.name is not None else next(
            (x for x in LETTERS if x not in taken), f"axis{len(taken)}")
        self.axes.append((axis, name))
        return name

    def array(self, x: Any) -> tuple[str, Axes]:
        """The type of the whole batch behind a value, and which of its axes are mapped."""
        if isinstance(x, JVPTracer):
            return self.array(x.primal)
        if not isinstance(x, BatchTracer):
            dtype = typeof(x).str_short(short_dtypes=True).partition("[")[0]
            return dtype, [(n, "") for n in typeof(x).shape]
        dtype, axes = self.array(x.value)
        seen = [i for i, (_, name) in enumerate(axes) if not name]  # by the inner interpreter
        axes[seen[x.dim]] = axes[seen[x.dim]][0], self.of(x._trace.axis)  # type: ignore[attr-defined]
        return dtype, axes


def axes(f: Callable, *args: Any) -> Picture:
    """Which axes `vmap` maps when `f(*args)` runs, for each operation inside of it.

    A mapped axis is written with a name, `i=3`; one element does not see it. The last column has
    the operations that do the work for all: sometimes an axis must first be moved or made.

    >>> from minijax.course import show
    >>> import minijax as jax, minijax.numpy as jnp
    >>> show.axes(jax.vmap(jnp.dot, in_axes=(1, None)), jnp.ones((4, 3)), jnp.ones(4))
    i over 3 elements
                 for one element  for all                         done by
    dot_general  f32[4], f32[4]   f32[4,i=3], f32[4] -> f32[i=3]  dot_general
    """
    names, found, active = Names(), [], []  # type: ignore[var-annotated]

    def see(trace: Trace, prim: Primitive, args: Sequence[Any]) -> Done:
        if active and active[-1]:
            active[-1].by.append(prim.name)
        met = None
        if isinstance(trace, BatchTrace):
            one = ", ".join(typeof(x).str_short(short_dtypes=True) for x in args)
            names.of(trace.axis)
            met = Batched(prim.name, one, list(map(names.array, args)), [], [])
            found.append(met)
        active.append(met)

        def done(outs: Sequence[Any] | None) -> None:
            active.pop()
            if met:
                met.made = list(map(names.array, outs or ()))

        return done

    with as_far_as_it_gets(f) as stopped, watching(see):
        f(*args)
    rows: list[Sequence[str]] = [(f"{name} over {a.size} elements",) for a, name in names.axes]
    if found:
        rows.append(("", "for one element", "for all", "done by"))
    rows += [(m.name, m.one, m.whole(), " ".join(m.by)) for m in found]
    return picture(rows or [("nothing is mapped: no vmap met an operation",)],
                   drawn_axes(name_of(f), names, found), stopped)


def cell_width(array: tuple[str, Axes]) -> float:
    """Of an array: its dtype, and a cell for each axis."""
    return wide(array[0]) + 6 + sum(max(CELL, wide(f"{name}={n}") + 10) for n, name in array[1])


def drawn_axes(name: str, names: Names, found: Sequence[Batched]) -> Drawing:
    """Each array as a row of axes; the mapped ones have a name and a thick edge."""
    over = ", ".join(f"{n} over {a.size} elements" for a, n in names.axes)
    d = Drawing(f"{name}: mapped axes" + f", {over}" * bool(over))
    given = EDGE + max([70, *(wide(m.name) for m in found)]) + 16
    made = given + max([80, *(sum(cell_width(a) + 12 for a in m.given) for m in found)]) + 30
    by = made + max([80, *(sum(cell_width(a) + 12 for a in m.made) for m in found)]) + 16
    for x, head in ((EDGE, "operation"), (given, "given"), (made, "made"), (by, "done by")):
        d.text(x, TOP + 14, head, "quiet")
    for i, m in enumerate(found):
        step, y = d.say(m.caption()), TOP + ROW + 6 + (ROW + 8) * i
        d.text(EDGE, y + 14, m.name, "strong", step)
        d.line(made - 26, y + ROW / 2, made - 8, y + ROW / 2, "blue", step, arrow=True)
        for x, arrays in ((given, m.given), (made, m.made)):
            for array in arrays:
                draw_array(d, x, y, array, step)
                x += cell_width(array) + 12
        d.text(by, y + 14, " ".join(m.by), "quiet", step, 300)
    return d


def draw_array(d: Drawing, x: float, y: float, array: tuple[str, Axes], step: int) -> None:
    d.text(x, y + 14, array[0], "quiet", step)
    x += wide(array[0]) + 6
    for n, name in array[1]:
        text = f"{name}={n}" if name else str(n)
        w = max(CELL, wide(text) + 10)
        d.box(x, y, w, ROW, "sun orange thick" if name else "stone", text, step)
        x += w
