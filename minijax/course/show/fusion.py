"""What the compiler makes of a function: which operations are done together, and where arrays are.

A step is a kernel, a matrix product, or an operation by NumPy. Only what stands under
`reads` and `writes` is in memory; all other values live for one element, or for one row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minijax.compiler.costs import size_in_bytes
from minijax.compiler.executable import executable
from minijax.compiler.printing import Place, by_place, printed
from minijax.compiler.writer import Emitted
from minijax.course.show.fusion_drawing import drawn_plan, sources
from minijax.course.show.programs import ShortPrinter, line, program_of, several
from minijax.course.show.text import (
    FEW,
    Picture,
    as_far_as_it_gets,
    counted,
    human,
    picture,
)
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, subprograms
from minijax.source_info import name_of


@dataclasses.dataclass
class Step:
    """One step, in words. Arrays are (name, type, bytes)."""

    number: int
    name: str
    kind: str  # kernel, product, NumPy
    how: str
    reads: list[tuple[str, str, int]]
    writes: list[tuple[str, str, int]]
    scratch: list[tuple[str, str, int]]
    dead: list[str]
    lines: list[tuple[Place | None, list[tuple[str, str, str]]]]  # equations: operation, text, note
    source: str

    def size(self) -> int:
        return sum(len(eqns) for _, eqns in self.lines)


class Describer:
    """Tells the steps of a compiled program."""

    def __init__(self, jaxpr: Jaxpr):
        self.source = executable(jaxpr).written()
        self.plan = self.source.plan
        self.made = {v: e for e in self.plan.flat.eqns for v in e.outvars}
        self.printer = ShortPrinter()
        self.printer.names.update(self.source.names)
        for v, view in self.plan.views.items():  # the compiler's own views have no equation
            if v not in self.made and view.base in self.source.names:
                self.printer.names[v] = self.source.names[view.base]
        self.seen: set[Any] = set()

    def array(self, v: Any) -> tuple[str, str, int]:
        return (self.source.names[v], v.aval.str_short(short_dtypes=True), size_in_bytes(v.aval))

    def steps(self) -> list[Step]:
        launches = self.source.launches
        numbers = {launch.name: i for i, launch in enumerate(launches, 1)}
        out = []
        for launch in launches:
            emitted = self.source.kernels.get(launch.name)
            product = launch.name.startswith("matmul")
            kind = "kernel" if emitted else "product" if product else "NumPy"
            how = (f"over {walk(emitted)} elements" if emitted else
                   "a matrix product" if product else "by NumPy")
            if launch.then:
                then = numbers[launch.then.name]
                how += f"; each tile goes to step {then} while it is in the cache"
            reads = [(name, kind, n) for (name, kind, _), n in zip(
                map(self.array, launch.reads), launch.read_bytes(self.plan))]
            out.append(Step(
                numbers[launch.name], launch.name, kind, how, reads,
                list(map(self.array, launch.writes)), list(map(self.array, launch.scratch)),
                [self.source.names[v] for v in launch.dead], list(self.lines(launch.eqns)),
                printed(launch.name, emitted, self.source.names) if emitted else ""))
        return out

    def lines(self, eqns: Sequence[JaxprEqn]) -> Iterator[tuple[Place | None, list]]:
        """The user's lines, and under each its equations; views stand where they are used."""
        own = {v for e in eqns for v in e.outvars}
        whole: list[JaxprEqn] = []
        for e in eqns:
            for view in reversed(list(self.views(e, own))):
                if view not in whole:
                    whole.append(view)
            whole.append(e)
        for place, group in by_place(whole):
            yield place, [(e.primitive.name, line(self.printer, e), self.note(e)) for e in group]
        self.seen |= own

    def views(self, e: JaxprEqn, own: set[Any]) -> Iterator[JaxprEqn]:
        """The equations through which an equation looks at its operands."""
        for x in e.invars:
            if not isinstance(x, Literal) and x in self.plan.views and x not in own:
                if x in self.made:
                    yield self.made[x]
                    yield from self.views(self.made[x], own)

    def note(self, e: JaxprEqn) -> str:
        if e.outvars and e.outvars[0] in self.plan.views:
            return "a view: no work"
        if self.seen.intersection(e.outvars):
            return "computed again"
        inside = [x.primitive.name for j in subprograms(e.params) for x in j.eqns]
        return f"around {counted(inside)}" if inside else ""


def walk(emitted: Emitted) -> str:
    """The steps of a kernel's outermost loop, and the elements of each."""
    return f"{emitted.count} x {emitted.work}" if emitted.work > 1 else str(emitted.count)


def arrays(found: Sequence[tuple[str, str, int]]) -> str:
    return ", ".join(f"{name}:{kind} {human(n)}" for name, kind, n in found)


def rows_of(step: Step) -> Iterator[Sequence[str]]:
    yield (f"{step.number}  {step.name}, {step.how}",)
    for label, found in (
            ("reads  ", step.reads), ("writes ", step.writes), ("scratch", step.scratch)):
        if found:
            yield (f"   {label} {arrays(found)}",)
    for place, eqns in step.lines:
        yield (f"   {place or 'of no line of yours'}",)
        if len(eqns) > FEW:
            yield (f"     {counted([name for name, _, _ in eqns])}",)
        else:
            width = max(len(text) for _, text, _ in eqns)
            for _, text, note in eqns:
                yield (f"     {text.ljust(width)}  {note}".rstrip(),)
    if step.dead:
        yield (f"   free    {', '.join(step.dead)}",)


def plan(f: Callable, *args: Any, **kwargs: Any) -> Picture:
    """What the compiler makes of `f` at arguments of these types: which operations share a kernel.

    `.drawn` has the kernels' sources, beside the lines that they come from.

    >>> from minijax.course import show
    >>> import minijax as jax, minijax.numpy as jnp
    >>> def scaled(x):
    ...     e = jnp.exp(x - 1.0)
    ...     return e / jnp.sum(e)
    >>> show.plan(scaled, jax.ShapeDtypeStruct((1000,), jnp.float32))
    scaled: 4 equations in 1 step
    1  kernel_0, over 1 x 1000 elements
       reads   x0:f32[1000] 4 kB
       writes  b1:f32[1000] 4 kB
       line 2 of scaled: e = jnp.exp(x - 1.0)
         a:f32[1000] = sub x0 1.0
         b:f32[1000] = exp a
       line 3 of scaled: return e / jnp.sum(e)
         c:f32[] = reduce_sum b
         b1:f32[1000] = div b c
    returns b1
    """
    rows: list[Sequence[str]] = []
    steps, title, results = [], name_of(f), []
    jaxpr, stopped = program_of(f, args, kwargs)
    with as_far_as_it_gets(f) as later:
        describer = Describer(with_results(jaxpr) if stopped else jaxpr)
        steps, title = describer.steps(), headline(name_of(f), describer)
        results = [describer.source.names.get(v.base, "") for v in describer.plan.outputs]
        if not stopped or steps:
            rows = [(title,), *(row for step in steps for row in rows_of(step))]
        if not stopped:
            rows.append((returned(describer),))
    return picture(rows, drawn_plan(title, steps, results), stopped + later, sources(steps))


def with_results(jaxpr: Jaxpr) -> Jaxpr:
    """A program that ended early: what nobody has read yet counts as its result."""
    read = {x for e in jaxpr.eqns for x in e.invars}
    return jaxpr.replace(outvars=[v for e in jaxpr.eqns for v in e.outvars if v not in read])


def headline(name: str, describer: Describer) -> str:
    source = describer.source
    between = f", {human(source.temporary)} between arguments and results" * bool(source.temporary)
    return (f"{name}: {several(len(describer.plan.flat.eqns), 'equation')} in "
            f"{several(len(source.launches), 'step')}{between}")


def returned(describer: Describer) -> str:
    outs = [str(v.base.val) if isinstance(v.base, Literal) else describer.source.names[v.base]
            for v in describer.plan.outputs]
    return f"returns {', '.join(outs) or 'nothing'}"
