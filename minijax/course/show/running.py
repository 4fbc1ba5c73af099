"""What happens while a function runs: which interpreter meets which operation."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minijax.batching import BatchTrace
from minijax.compiler.executable import compile_after
from minijax.config import flags
from minijax.core import EvalTrace, Primitive, Trace
from minijax.course.show.drawing import EDGE, ROW, TOP, Drawing, wide
from minijax.course.show.text import Picture, as_far_as_it_gets, brief, picture
from minijax.jaxpr import JaxprTrace
from minijax.jvp import JVPTrace
from minijax.linearize import TangentTrace
from minijax.source_info import name_of

# --- watching ----------------------------------------------------------------------------------

Done = Callable[[Sequence[Any] | None], None]  # called with the results, None after an error


def interpreters() -> Iterator[Any]:
    """Every class of interpreters that there is, also the reader's own."""
    found = [Trace]
    for cls in found:
        found += cls.__subclasses__()
        if "process_primitive" in vars(cls):
            yield cls


@contextlib.contextmanager
def watching(see: Callable[[Trace, Primitive, Sequence[Any]], Done | None]) -> Iterator[None]:
    """Call `see` whenever an interpreter meets an operation; what it returns gets the results."""
    saved = {cls: vars(cls)["process_primitive"] for cls in interpreters()}

    def watched(cls: type, process: Callable) -> Callable:
        @functools.wraps(process)
        def process_primitive(self: Trace, prim: Primitive, args: Sequence[Any], params: dict
                              ) -> Any:
            # called by the method of a subclass, or nobody wants to know
            if type(self) is not cls or (done := see(self, prim, args)) is None:
                return process(self, prim, args, params)
            outs = None
            try:
                outs = process(self, prim, args, params)
            finally:
                done(outs)
            return outs

        return process_primitive

    for cls, process in saved.items():
        cls.process_primitive = watched(cls, process)
    try:
        with compile_after(flags.minijax_compile_after):  # under it, no call takes the short way
            yield
    finally:
        for cls, process in saved.items():
            cls.process_primitive = process


# --- the stack of interpreters -----------------------------------------------------------------

VERBS: dict[Any, str] = {EvalTrace: "eval", JVPTrace: "jvp", BatchTrace: "vmap",
                         JaxprTrace: "write", TangentTrace: "tangent"}
DOES = {"eval": "computes it", "jvp": "carries tangents", "grad": "splits off what is linear",
        "vmap": "does it for the whole batch", "write": "writes it down",
        "tangent": "writes it down, for the way back"}


@dataclasses.dataclass
class Meeting:
    """An interpreter meets an operation."""

    verb: str
    lane: tuple  # how far left the interpreter stands, its verb, its number among those of the verb
    depth: int  # of the call
    name: str
    given: str
    made: str = ""

    def caption(self) -> str:
        what = f"{self.verb} meets {self.name}({self.given}) and {DOES.get(self.verb, 'goes on')}"
        return what + f": {self.made}" * bool(self.made)


def verb_of(trace: Trace) -> str:
    if isinstance(trace, JVPTrace) and trace.tangent is not trace.parent:
        return "grad"
    return VERBS.get(type(trace), trace.name)


def lane_of(trace: Trace) -> tuple:
    """Evaluation stands right, before it what writes, before that the others by their height."""
    verb, height, same, outer = verb_of(trace), 0, 1, trace.parent
    while outer is not None:
        height, same, outer = height + 1, same + (verb_of(outer) == verb), outer.parent
    return {"eval": 0, "tangent": -1, "write": -2}.get(verb, -2 - height), verb, same


def stack(f: Callable, *args: Any) -> Picture:
    """Which interpreter meets which operation when `f(*args)` runs, indented by depth.

    The drawing has a lane for each interpreter, and also what came out of each operation.

    >>> from minijax.course import show
    >>> import minijax as jax, minijax.numpy as jnp
    >>> show.stack(jax.vmap(jnp.sin), jnp.array([0.0, 1.0]))
    vmap    sin  each of [0., 1.]
      eval  sin  [0., 1.]
    """
    found: list[Meeting] = []
    depth = [0]

    def see(trace: Trace, prim: Primitive, args: Sequence[Any]) -> Done:
        meeting = Meeting(verb_of(trace), lane_of(trace), depth[0], prim.name,
                          ", ".join(map(brief, args)))
        found.append(meeting)
        depth[0] += 1

        def done(outs: Sequence[Any] | None) -> None:
            depth[0] -= 1
            meeting.made = ", ".join(map(brief, outs or ()))

        return done

    with as_far_as_it_gets(f) as stopped, watching(see):
        f(*args)
    rows = [("  " * m.depth + m.verb, m.name, m.given) for m in found]
    return picture(rows or [("no operation: no interpreter was asked for anything",)],
                   drawn_stack(name_of(f), found), stopped)


LANE, WIDEST = 70, 230
GROUND = {"eval": "leaf", "vmap": "sky", "grad": "sun", "jvp": "sun", "write": "stone",
          "tangent": "rose"}


def drawn_stack(name: str, found: Sequence[Meeting]) -> Drawing:
    """A lane for each interpreter, the outermost left; from call to call, downwards, an arrow."""
    d = Drawing(f"{name}: the interpreters that meet its operations")
    lanes = {m.lane[1:]: m.lane for m in sorted(found, key=lambda m: m.lane, reverse=True)}
    where = {lane: EDGE + LANE / 2 + LANE * i
             for i, lane in enumerate(sorted(lanes, key=lanes.__getitem__))}
    words = EDGE + LANE * len(lanes) + 16
    given = words + max([64, *(wide(m.name) for m in found)]) + 14
    made = given + min(max([60, *(wide(m.given) for m in found)]), WIDEST) + 14
    end = TOP + ROW * (len(found) + 1)
    for (verb, number), x in where.items():
        label = verb + f" {number}" * (number > 1)
        d.box(x - LANE / 2 + 2, TOP, LANE - 4, ROW, GROUND.get(verb, "stone"), label, note=label)
        d.line(x, TOP + ROW, x, end, "dotted")
    for x, head in ((words, "operation"), (given, "given"), (made, "came out")):
        d.text(x, TOP + 14, head, "quiet")
    callers: list[tuple[float, float]] = []
    for i, m in enumerate(found, 1):
        step, x, y = d.say(m.caption()), where[m.lane[1:]], TOP + ROW * i + ROW / 2
        callers[m.depth:] = [(x, y)]
        if m.depth:
            from_x, from_y = callers[m.depth - 1]
            side = 0 if x == from_x else -5 if x > from_x else 5
            d.line(from_x, y if side else from_y, x + side, y, "blue", step, arrow=bool(side))
        d.dot(x, y, "full blue", step, m.caption())
        d.text(words, y + 4, m.name, "strong", step)
        d.text(given, y + 4, m.given, "", step, made - given - 8)
        d.text(made, y + 4, m.made, "quiet", step, WIDEST)
    return d
