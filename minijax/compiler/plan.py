"""Which equations become one kernel.

A kernel walks over a domain, all elements of one shape, and does several equations for each of
them. Memory is what costs time, so equations share a kernel where one uses what the other makes.

- Elementwise equations of one shape share a kernel; views (`views.py`) are how it reads.
- A reduction joins the kernel of its operand. If it runs along the inner axes, so do those that use
  its result: a *row* is read, reduced, read again while it is in the cache, and written. These
  `row` values stand once per row, `full` ones once per element, `scalar` ones once.
- What is cheap to compute is computed again rather than written and read.
- Everything else is a step of its own, by the operation's `impl` or a kernel of its own.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from minijax.compiler.expressions import NARROW, expression
from minijax.compiler.flatten import Flat
from minijax.compiler.reductions import REDUCTIONS
from minijax.compiler.views import View, contiguous, view_of, whole
from minijax.core import ShapedArray
from minijax.families import Reduction, convert_element_type_p, mul, reshape_p, stop_gradient_p
from minijax.jaxpr import Atom, JaxprEqn, Var

LONG = 1 << 17  # elements: a longer reduction may be done in blocks (`is_long`)
BLOCKS = 64  # at most so many
MANY = 80  # equations in one kernel: the time to compile grows faster than their number
PASSES = 4  # over a row: each computes again what those before it had
NEAR = 8  # steps to look back for a kernel to join


@dataclasses.dataclass(eq=False)
class Step:
    """One equation by itself, on views of whole arrays."""

    eqns: list[JaxprEqn]

    @property
    def made(self) -> list[Var]:
        return [v for e in self.eqns for v in e.outvars]


@dataclasses.dataclass(eq=False)
class Kernel(Step):
    """Equations done together, element by element of `shape`.

    `reduced` are the axes that its reductions run along, None if it has none yet. `blocks`: a
    reduction of everything, or along the outer axes, in so many parts, of which a second kernel
    makes one.
    """

    shape: tuple[int, ...]
    reduced: tuple[int, ...] | None = None
    blocks: int = 0
    outputs: list[Var] = dataclasses.field(default_factory=list)

    @property
    def kept(self) -> tuple[int, ...]:
        return tuple(i for i in range(len(self.shape)) if i not in (self.reduced or ()))

    @property
    def by_rows(self) -> bool:
        """Is a reduction's result known when its row has been read?"""
        last = [i for i, n in enumerate(self.shape) if n > 1]
        return self.reduced is None or not last or last[-1] in self.reduced

    def level(self, shape: tuple[int, ...]) -> str | None:
        """How often a value of this shape stands in the domain; None: it does not fit."""
        if shape == self.shape:
            return "full"
        sizes = [n for n in shape if n > 1]
        if not sizes:
            return "scalar"
        if self.reduced is not None and self.by_rows:
            if sizes == [self.shape[i] for i in self.kept if self.shape[i] > 1]:
                return "row"
        return None

    def axes(self, shape: tuple[int, ...]) -> dict[int, int]:
        """Axis of a value in the domain -> axis of the domain."""
        if shape == self.shape:
            return {i: i for i in range(len(shape))}
        wide = [i for i in self.kept if self.shape[i] > 1]
        return dict(zip((i for i, n in enumerate(shape) if n > 1), wide))

    def strides(self, view: View, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The strides along the domain of an operand, for an equation whose result has `shape`."""
        out = [0] * len(self.shape)
        if len(view.shape) == len(shape):
            for i, axis in self.axes(shape).items():
                if view.shape[i] > 1:
                    out[axis] = view.strides[i]
        return tuple(out)

    def natural(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The strides along the domain of a value that the kernel itself makes."""
        out = [0] * len(self.shape)
        for i, axis in self.axes(shape).items():
            out[axis] = contiguous(shape)[i] if shape[i] > 1 else 0
        return tuple(out)


@dataclasses.dataclass(eq=False)
class Plan:
    flat: Flat
    steps: list[Step]
    views: dict[Var, View]
    outputs: list[View]
    refused: set[Var]  # results for which there is no kernel
    order: dict[Var, int]  # the number of the equation, of the program's, that a value is for

    def view(self, x: Any) -> View:
        """An operand, as a view of an array in memory."""
        return self.views.get(x) or whole(x)


def elementwise(e: JaxprEqn) -> bool:
    return expression(e, ["x"] * (len(e.invars) + 1)) is not None


def outer_product(e: JaxprEqn) -> bool:
    """Is it a product of matrices that multiplies elements, and adds none up?"""
    dtypes = {x.aval.dtype for x in (*e.invars, *e.outvars)}
    if e.primitive.name != "dot_general" or len(dtypes) > 1:
        return False
    (contracting, _), _ = e.params["dimension_numbers"]
    return not contracting


def domain_of(e: JaxprEqn) -> tuple[int, ...]:
    return (e.invars if reduces(e) else e.outvars)[0].aval.shape


def reduces(e: JaxprEqn) -> bool:
    return isinstance(e.primitive, Reduction) and e.primitive.name in REDUCTIONS and (
        REDUCTIONS[e.primitive.name].accepts(e.invars[0].aval.dtype))


# operations that are others, on views: a function of the planner and the equation
REWRITTEN: dict[str, Callable[[Planner, JaxprEqn], JaxprEqn]] = {}


def rewriting(*names: str) -> Callable:
    """Makes a function what rewrites the operations with these names."""

    def register(rewrite: Callable) -> Callable:
        REWRITTEN.update(dict.fromkeys(names, rewrite))
        return rewrite

    return register


class Planner:
    """Takes the equations in order; each joins a kernel that is there, or starts a step."""

    def __init__(self, flat: Flat, refused: Iterable[Var]):
        self.flat, self.refused = flat, set(refused)
        self.steps: list[Step] = [Kernel([], ())]  # for scalars made of the inputs alone
        self.now = 0  # the number of the equation that is added
        self.order: dict[Any, int] = {}
        self.views: dict[Any, View] = {}
        self.place: dict[Any, int] = {}  # the step that makes a value
        self.passes: dict[Var, int] = {}
        self.eqn: dict[Var, JaxprEqn] = {}  # what makes it, if that is a kernel's

    def view(self, x: Atom) -> View:
        return self.views.get(x) or whole(x)

    def plan(self) -> Plan:
        for i, e in enumerate(self.flat.eqns):
            self.now = i
            self.order.update(dict.fromkeys(e.outvars, self.now))
            self.add(e)
        for j, step in enumerate(self.steps):
            if isinstance(step, Kernel) and j:
                self.merge(j, step)
        outputs = [self.output(x) for x in self.flat.outvars]
        self.settle([v.base for v in outputs])
        steps = [s for s in self.steps if s.eqns]
        return Plan(self.flat, steps, self.views, outputs, self.refused, self.order)

    def output(self, x: Atom) -> View:
        """A result of the program: an array by itself."""
        view = self.view(x)
        if not view.is_whole:
            copy = Var(x.aval)
            self.now = self.order[x]
            self.fuse(JaxprEqn(stop_gradient_p, [x], {}, [copy]))
            view = whole(copy)
        return view

    def add(self, e: JaxprEqn) -> None:
        if not self.refused.isdisjoint(e.outvars):
            return self.start(Step([e]))
        if e.primitive.name in REWRITTEN:
            e = REWRITTEN[e.primitive.name](self, e)
        if outer_product(e):
            e = self.multiplied(e)
        if reduces(e) and all(domain_of(e)[i] == 1 for i in e.params["axes"]):
            e = JaxprEqn(reshape_p, e.invars, {"new_sizes": e.outvars[0].aval.shape}, e.outvars)
        if reduces(e) and e.outvars[0].aval.dtype.name in NARROW:
            return self.widened(e)
        if len(e.invars) == 1 and (found := view_of(e, self.view(e.invars[0]))) is not None:
            self.views.update(zip(e.outvars, found))
        elif elementwise(e) or reduces(e):
            self.fuse(e)
        else:
            self.start(Step([e]))

    def named(self, views: Sequence[View]) -> list[Atom]:
        """Variables that stand for views."""
        names: list[Atom] = [Var(ShapedArray(v.shape, v.base.aval.dtype)) for v in views]
        self.views.update(zip(names, views))
        return names

    def widened(self, e: JaxprEqn) -> None:
        """A reduction of numbers of 16 bits is done in 32, and rounded at the end."""
        single, short = np.dtype(np.float32), e.outvars[0].aval.dtype
        x, y = (Var(v.aval.update(dtype=single)) for v in (*e.invars, *e.outvars))
        for new in (JaxprEqn(convert_element_type_p, e.invars,
                             {"new_dtype": single, "weak_type": False}, [x], e.line),
                    JaxprEqn(e.primitive, [x], e.params, [y], e.line),
                    JaxprEqn(convert_element_type_p, [y],
                             {"new_dtype": short, "weak_type": False}, e.outvars, e.line)):
            self.add(new)

    def multiplied(self, e: JaxprEqn) -> JaxprEqn:
        """A product that sums nothing, as one of elements; the factors are repeated by views."""
        _, (lb, rb) = e.params["dimension_numbers"]
        out, factors = e.outvars[0].aval, []
        n_left = e.invars[0].aval.ndim - len(lb)
        for x, batch, start in ((e.invars[0], lb, len(lb)), (e.invars[1], rb, len(lb) + n_left)):
            view, strides = self.view(x), [0] * out.ndim
            free = [i for i in range(len(view.shape)) if i not in batch]
            for axis, i in [*enumerate(batch), *enumerate(free, start)]:
                strides[axis] = view.strides[i]
            factors.append(View(view.base, out.shape, tuple(strides), view.offset))
        return JaxprEqn(mul, self.named(factors), {}, e.outvars, e.line)

    def start(self, step: Step) -> None:
        self.place.update(dict.fromkeys(step.made, len(self.steps)))
        self.order |= dict.fromkeys(step.made, self.now)
        self.steps.append(step)

    def fuse(self, e: JaxprEqn) -> None:
        shape = domain_of(e)
        axes = tuple(sorted(e.params["axes"])) if reduces(e) else None
        if axes and self.is_long(shape, axes):
            return self.in_blocks(e, shape, axes)
        earliest = max((self.place.get(self.view(x).base, 0) for x in e.invars), default=0)
        one = math.prod(shape) == 1 and axes is None
        if earliest == 0 and one and len(self.steps[0].eqns) < MANY:
            self.steps[0].eqns.append(e)
            return self.note(e, 0)
        for i in range(len(self.steps) - 1, max(earliest - 1, len(self.steps) - NEAR, 0), -1):
            step = self.steps[i]
            if isinstance(step, Kernel) and self.joins(e, axes, step, i):
                step.eqns.append(e)
                step.reduced = axes if axes is not None else step.reduced
                break
        else:
            i = len(self.steps)
            self.steps.append(Kernel([e], shape, axes))
        self.note(e, i)

    def note(self, e: JaxprEqn, i: int) -> None:
        self.place[e.outvars[0]] = i
        self.order.setdefault(e.outvars[0], self.now)
        self.eqn[e.outvars[0]] = e
        self.passes[e.outvars[0]] = self.passes_before(e, i) + reduces(e)

    def passes_before(self, e: JaxprEqn, i: int) -> int:
        """How often kernel i has walked over a row when it has what this equation takes."""
        return max((self.passes[b] for x in e.invars if self.place.get(b := self.view(x).base) == i
                    and b in self.passes), default=0)

    def is_long(self, shape: tuple[int, ...], axes: tuple[int, ...]) -> bool:
        """Too long for one thread, and no other axis to share out."""
        n = math.prod(shape)
        columns = shape[max(axes) + 1:]
        return n > LONG and math.prod(shape[i] for i in axes) > 4 and (
            math.prod(shape[i] for i in range(len(shape)) if i not in axes) <= math.prod(columns))

    def in_blocks(self, e: JaxprEqn, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
        """A long reduction: one kernel for the parts of it, one for the whole."""
        out = e.outvars[0].aval
        blocks = min(BLOCKS, math.prod(shape[i] for i in axes))
        parts = Var(ShapedArray((blocks, *out.shape), out.dtype))
        first = JaxprEqn(e.primitive, e.invars, e.params, [parts], e.line)
        for i in range(len(self.steps) - 1, max(len(self.steps) - NEAR, -1), -1):
            step = self.steps[i]
            if isinstance(step, Kernel) and step.blocks == blocks and self.joins(
                    first, axes, step, i):
                step.eqns.append(first)
                break
        else:
            i = len(self.steps)
            self.steps.append(Kernel([first], shape, axes, blocks))
        self.note(first, i)
        self.note(JaxprEqn(e.primitive, [parts], {**e.params, "axes": (0,)}, e.outvars, e.line),
                  len(self.steps))
        self.steps.append(Kernel([self.eqn[e.outvars[0]]], parts.aval.shape, (0,)))

    # --- may it join? -----------------------------------------------------------------------

    def joins(self, e: JaxprEqn, axes: tuple[int, ...] | None, k: Kernel, i: int,
              shares: bool = False) -> bool:
        """Do the operands stand ready where the kernel would do this equation?"""
        if len(k.eqns) >= MANY or any(self.place.get(self.view(x).base, -1) > i for x in e.invars):
            return False
        if axes is not None:  # a reduction
            if e.invars[0].aval.shape != k.shape or k.reduced not in (None, axes):
                return False
            if self.passes_before(e, i) >= PASSES:
                return False
            if k.reduced is None and any(k.level(v.aval.shape) is None for v in k.made):
                return False
            k = dataclasses.replace(k, reduced=axes)
        shape = k.shape if axes is not None else e.outvars[0].aval.shape
        level = "full" if axes is not None else k.level(shape)
        if level is None or (level == "scalar" and k.shape != shape and not self.row_of_one(k)):
            return False
        if k.reduced is not None and not self.rows_fit(k):
            if any(self.place.get(self.view(x).base) == i and reduces(self.eqn[self.view(x).base])
                   for x in e.invars):
                return False
        own = [self.view(x) for x in e.invars if self.place.get(self.view(x).base) == i]
        if not all(self.reads(k, v, shape) for v in own):
            return False
        return bool(own) or shares or self.shares(e, k) or math.prod(k.shape) <= 1

    def row_of_one(self, k: Kernel) -> bool:
        return k.reduced is not None and all(k.shape[i] == 1 for i in k.kept)

    def rows_fit(self, k: Kernel) -> bool:
        """Are there rows, enough for several threads or short ones?"""
        rows = math.prod(k.shape[i] for i in k.kept)
        return k.by_rows and not k.blocks and (rows >= 16 or math.prod(k.shape) <= LONG)

    def reads(self, k: Kernel, view: View, shape: tuple[int, ...]) -> bool:
        """Is a value that the kernel makes, seen like this, the one that it has just made?"""
        made = view.base.aval.shape
        if k.blocks and reduces(self.eqn[view.base]):
            return False
        level = k.level(made)
        if level is None or (level == "scalar" and not all(n == 1 for n in made)):
            return False
        return view.offset == 0 and k.strides(view, shape) == k.natural(made)

    def shares(self, e: JaxprEqn, k: Kernel) -> bool:
        """Does the kernel read a large operand of the equation anyway?"""
        mine = {self.view(x).base for x in e.invars if x.aval.size == math.prod(k.shape)}
        return any(self.view(x).base in mine for other in k.eqns for x in other.invars)

    def merge(self, j: int, step: Kernel) -> None:
        """Move a kernel's equations to the kernel before it that it depends on, if all can go."""
        i = max((p for b in self.operands(step) if (p := self.place.get(b, 0)) < j), default=0)
        into = self.steps[i]
        if not i or not isinstance(into, Kernel) or into.blocks or step.blocks:
            return
        tried = dataclasses.replace(into, eqns=[*into.eqns], outputs=[])
        moved: list[Var] = []
        for e in step.eqns:
            axes = tuple(sorted(e.params["axes"])) if reduces(e) else None
            if not self.joins(e, axes, tried, i, shares=True):
                self.place.update(dict.fromkeys(moved, j))
                return
            tried.eqns.append(e)
            tried.reduced = axes if axes is not None else tried.reduced
            moved.append(e.outvars[0])
            self.note(e, i)
        into.eqns[:], into.reduced = tried.eqns, tried.reduced
        step.eqns.clear()

    # --- what is written, and what is computed again ------------------------------------------

    def settle(self, results: Sequence[Any]) -> None:
        """Decide which values of a kernel are written to memory, for others to read."""
        written = {v for v in results if v in self.eqn}
        for step in self.steps:
            if not isinstance(step, Kernel):
                written |= {b for b in self.operands(step) if b in self.eqn}
        for i, step in enumerate(self.steps):
            if isinstance(step, Kernel):
                for base in dict.fromkeys(self.operands(step)):
                    if base in self.eqn and self.place[base] != i and base not in written:
                        if (copies := self.again(base, step, written, 8)) is None:
                            written.add(base)
                        else:
                            mine = set(step.made)
                            step.eqns[:0] = [c for c in copies if c.outvars[0] not in mine]
                            step.eqns.sort(key=lambda e: self.order[e.outvars[0]])
        for i, step in reversed(list(enumerate(self.steps))):
            if isinstance(step, Kernel):
                self.drop(step, [v for v in written if self.place.get(v) == i])

    def operands(self, step: Step) -> Iterator[Var]:
        for e in step.eqns:
            for x in e.invars:
                if isinstance(x, Var):
                    yield self.view(x).base

    def again(self, v: Var, k: Kernel, written: set[Var], budget: int) -> list[JaxprEqn] | None:
        """The equations that make a value once more in another kernel, if they are few."""
        e = self.eqn[v]
        uses = [(view, other) for other in k.eqns for x in other.invars
                if (view := self.view(x)).base is v]
        if reduces(e) or e.primitive.name not in CHEAP or budget <= 0 or k.level(
                v.aval.shape) not in ("full", "scalar"):
            return None
        for view, other in uses:
            shape = domain_of(other)
            if not self.reads(k, view, shape):
                return None
        copies: list[JaxprEqn] = []
        for x in e.invars:
            base = self.view(x).base
            if base in self.eqn and base not in written:
                if self.view(x).base is not x:
                    return None
                more = self.again(base, k, written, budget - len(copies) - 1)
                if more is None:
                    return None
                copies += [c for c in more if c not in copies]
        if len(copies) >= budget or len(self.large(copies, e)) > 1:
            return None
        return [*copies, e]

    def large(self, copies: Sequence[JaxprEqn], e: JaxprEqn) -> set[Any]:
        """The operands in memory, as large as the result, of the equations."""
        made = {c.outvars[0] for c in copies}
        return {self.view(x).base for c in [*copies, e] for x in c.invars
                if x not in made and 1 < x.aval.size >= e.outvars[0].aval.size}

    def drop(self, k: Kernel, outputs: list[Var]) -> None:
        """Keep what the outputs need."""
        needed: set[Any] = set(outputs)
        kept = []
        for e in reversed(k.eqns):
            if e.outvars[0] in needed:
                kept.append(e)
                needed |= {self.view(x).base for x in e.invars}
        k.eqns[:] = kept[::-1]
        k.outputs[:] = [v for v in k.made if v in set(outputs)]


CHEAP = set("""add add_any sub mul div neg max min select_n convert_element_type eq ne lt le gt ge
               not and or iota abs square copy stop_gradient name""".split())


def plan(flat: Flat, refused: Iterable[Var] = ()) -> Plan:
    """The steps of a program; for `refused` results there is no kernel."""
    return Planner(flat, refused).plan()
