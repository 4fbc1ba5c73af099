"""What `linearize` and `transpose` do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.api_util import FlatFun, describe_function, flatten_args
from minijax.core import (
    ArrayImpl,
    EvalTrace,
    Primitive,
    Trace,
    UndefinedPrimal,
    to_numpy,
    typeof,
)
from minijax.course.show.drawing import EDGE, ROW, TOP, Drawing, wide
from minijax.course.show.programs import ShortPrinter, line, noting, returned, so_far
from minijax.course.show.running import Done, watching
from minijax.course.show.text import Picture, as_far_as_it_gets, brief, picture
from minijax.jaxpr import Jaxpr, Literal
from minijax.linearize import linearize_flat
from minijax.source_info import name_of
from minijax.transpose import add_any


@dataclasses.dataclass
class Known:
    """An operation that was evaluated."""

    text: str
    made: str
    outs: Sequence[Any]


class Halves:
    """The two halves of a function at a point, as far as they came into being."""

    def __init__(self, f: Callable, args: Sequence[Any]):
        self.name = name_of(f)
        self.known: list[Known] = []
        self.lin, self.residuals, self.whole = Jaxpr([], [], []), [], False
        traces: list[Any] = []
        with as_far_as_it_gets(f) as self.stopped:
            try:
                with watching(self.see):
                    self.split(noting(f, traces), args)
            except Exception:
                if traces:
                    self.lin = so_far(traces[0].tangent)
                    self.residuals = list(self.lin.consts)
                    self.lin = self.lin.replace(invars=[*self.lin.constvars, *self.lin.invars])
                raise
        self.printer = ShortPrinter()

    def split(self, f: Callable, args: Sequence[Any]) -> None:
        leaves, in_tree = flatten_args(args, {})
        active = [dtypes.is_inexact(typeof(x).dtype) for x in leaves]
        if True not in active:
            raise TypeError("nothing can move: no argument is a float")
        flat = FlatFun(f, in_tree, "linearize")
        _, _, self.lin, self.residuals = linearize_flat(
            flat, leaves, active, describe_function(f, "show"))
        self.whole = True

    def see(self, trace: Trace, prim: Primitive, args: Sequence[Any]) -> Done | None:
        if type(trace) is not EvalTrace:
            return None
        text = f"{prim.name} {', '.join(map(brief, args))}"

        def done(outs: Sequence[Any] | None) -> None:
            if outs is not None:
                self.known.append(Known(text, ", ".join(map(brief, outs)), outs))

        return done

    def linear_rows(self) -> list[str]:
        kept, n = dict(zip(self.lin.invars, self.residuals)), len(self.residuals)
        return [*(f"{self.printer.binder(v)} = {brief(x)} was kept" for v, x in kept.items()),
                *(f"{self.printer.binder(v)} is a tangent" for v in self.lin.invars[n:]),
                *(line(self.printer, e) for e in self.lin.eqns),
                *([returned(self.printer, self.lin)] if self.whole else [])]

    def maker(self, x: Any) -> int | None:
        """Which of the known operations made this value, or the number that stands here."""
        if isinstance(x, Literal):
            value = x.given
        else:
            value = dict(zip(self.lin.invars, self.residuals)).get(x)
            value = to_numpy(value) if type(value) is ArrayImpl else value
        return next((i for i, k in enumerate(self.known) if isinstance(value, np.ndarray) and any(
            type(o) is ArrayImpl and o._value is value for o in k.outs)), None)


def linearize(f: Callable, *args: Any) -> Picture:
    """What `linearize` does at `args`: the known half with its values, and the linear half.

    >>> from minijax.course import show
    >>> import minijax.numpy as jnp
    >>> show.linearize(jnp.sin, 2.0)
    known now
      sin 2.0  0.9092974
      cos 2.0  -0.41614684
    linear, for later
      a:f32[] is a tangent
      b:f32[] = mul a -0.41614684
      returns b
    """
    halves = Halves(f, args)
    rows: list[Sequence[str]] = [
        ("known now",), *((f"  {k.text}", k.made) for k in halves.known)]
    if halves.whole or halves.lin.eqns:
        rows += [("linear, for later",), *((f"  {row}",) for row in halves.linear_rows())]
    return picture(rows, drawn_halves(halves), halves.stopped)


def drawn_halves(halves: Halves) -> Drawing:
    """Left what is known, right what is linear; arrows for what is kept from one to the other."""
    d = Drawing(f"{halves.name}: what is known now, and what is linear")
    left = min(max([150, *(wide(f"{k.text}  = {k.made}") for k in halves.known)]) + 16, 400)
    right = EDGE + left + 70
    texts = halves.linear_rows()
    width = min(max([200, *map(wide, texts)]) + 14, 420)
    d.text(EDGE, TOP + 14, "known now", "strong")
    d.text(right, TOP + 14, "linear, for later", "strong")
    at, top = {}, TOP + ROW + 4
    for i, k in enumerate(halves.known):
        at[i] = d.say(f"{k.text} is computed now: {k.made}")
        d.box(EDGE, top + (ROW + 4) * i, left, ROW, "leaf", f"{k.text}  = {k.made}", at[i])
    inputs = len(halves.lin.invars)
    for i, text in enumerate(texts):
        y = top + (ROW + 4) * i
        e = halves.lin.eqns[i - inputs] if inputs <= i < inputs + len(halves.lin.eqns) else None
        atoms = e.invars if e else halves.lin.invars[i:i + 1]
        kept = [n for n in map(halves.maker, atoms) if n is not None]
        done = i >= inputs + len(halves.lin.eqns)
        step = (d.say(f"{text}: written down") if e else len(d.said) if done
                else max([0, *(at[n] for n in kept)]))
        d.box(right, y, width, ROW, "stone" if e else "sun", text, step)
        for n in kept:
            d.line(EDGE + left + 2, top + (ROW + 4) * n + ROW / 2, right - 3, y + ROW / 2,
                   "green dashed", step, arrow=True)
    return d


# --- backwards ---------------------------------------------------------------------------------


@dataclasses.dataclass
class Pull:
    """A linear equation, met on the way back: what it was given, what it hands on."""

    number: int  # of the equation
    name: str
    given: list[str]
    made: list[str]


def transpose(f: Callable, *args: Any) -> Picture:
    """The linear program of `f` at `args`, and its walk backwards from cotangents of one.

    >>> from minijax.course import show
    >>> import minijax.numpy as jnp
    >>> show.transpose(lambda x: jnp.sin(x) * x, 2.0)
    forwards
      a:f32[] is a tangent
      b:f32[] = mul a -0.41614684
      c:f32[] = mul b 2.0
      d:f32[] = mul a 0.9092974
      e:f32[] = add_any c d
      returns e
    backwards, from ct e = 1.0
      add_any  ct c = 1.0        ct d = 1.0
      mul      ct a = 0.9092974
      mul      ct b = 2.0
      mul      ct a = 0.07700372
    """
    halves = Halves(f, args)
    rows: list[Sequence[str]] = [("forwards",), *((f"  {row}",) for row in halves.linear_rows())]
    pulls, starts, stopped = [], "", halves.stopped
    if halves.whole:
        with as_far_as_it_gets(f) as stopped:
            cts = first_cotangents(halves.lin)
            starts = ", ".join(f"ct {halves.printer.atom(v)} = {brief(ct)}"
                               for v, ct in cts.items())
            rows.append((f"backwards, from {starts}" if cts else
                         "backwards there is nothing to do: no result moves",))
            for pull in walk_back(halves, cts):
                pulls.append(pull)
                rows.append([f"  {pull.name}", *pull.made])
    return picture(rows, drawn_walk(halves, starts, pulls), stopped)


def first_cotangents(lin: Jaxpr) -> dict[Any, Any]:
    return {v: ArrayImpl(np.ones(v.aval.shape, v.aval.dtype))
            for v in lin.outvars if not isinstance(v, Literal)}


def walk_back(halves: Halves, cts: dict[Any, Any]) -> Any:
    """What `backward` does in transpose.py, one equation after the other."""
    env, name = dict(zip(halves.lin.invars, halves.residuals)), halves.printer.atom
    for number, e in reversed(list(enumerate(halves.lin.eqns))):
        given = [cts.pop(v, None) for v in e.outvars]
        if all(ct is None for ct in given):
            continue
        ins = [ArrayImpl(x.val, x.aval) if isinstance(x, Literal)
               else env.get(x, UndefinedPrimal(x.aval)) for x in e.invars]
        pull = Pull(number, e.primitive.name, [
            f"ct {name(v)} = {brief(ct)}" for v, ct in zip(e.outvars, given) if ct is not None], [])
        for x, ct in zip(e.invars, e.primitive.transpose(given, *ins, **e.params)):
            if ct is not None:
                cts[x] = add_any(cts[x], ct) if x in cts else ct
                pull.made.append(f"ct {name(x)} = {brief(cts[x])}")
        yield pull


def drawn_walk(halves: Halves, starts: str, pulls: Sequence[Pull]) -> Drawing:
    """The linear program; on its right, to be read upwards, the cotangents."""
    d = Drawing(f"{halves.name}: its linear program, and the way back")
    texts, inputs = halves.linear_rows(), len(halves.lin.invars)
    left = min(max([150, *map(wide, texts)]) + 14, 400)
    x = EDGE + left + 40
    d.text(EDGE, TOP + 14, "forwards ↓", "strong")
    d.text(x, TOP + 14, "backwards ↑", "strong")
    step = d.say(f"The program is there. It starts backwards with {starts}.") if starts else 0
    y = [TOP + ROW + 4 + (ROW + 4) * i for i in range(len(texts))]
    for i, text in enumerate(texts):
        kind = "stone" if inputs <= i < inputs + len(halves.lin.eqns) else "sun"
        d.box(EDGE, y[i], left, ROW, kind, text)
    if starts:
        d.text(x, y[-1] + 14, starts, "strong", step, 420)
    before = y[-1] if texts else TOP
    for p in pulls:
        step = d.say(f"{p.name}, transposed, takes {', '.join(p.given)} and gives "
                     f"{', '.join(p.made) or 'nothing'}.")
        row = y[inputs + p.number]
        d.line(x - 18, before + ROW / 2, x - 18, row + ROW / 2 + 2, "blue", step, arrow=True)
        d.line(x - 18, row + ROW / 2, EDGE + left + 3, row + ROW / 2, "blue", step, arrow=True)
        d.text(x, row + 14, "   ".join(p.made), "", step, 420)
        before = row
    return d
