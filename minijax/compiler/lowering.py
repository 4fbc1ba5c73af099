"""Operations that have a kernel of their own: a rule writes its loops.

    @lowering("rotate")  # each row by one place
    def _(op):
        (x,), (out,) = op.ins, op.outs
        *rows, n = x.shape
        with op.shared(math.prod(rows)) as r, op.loop(n) as i:  # lines: for r in ..., for i in ...
            row = op.split(r, rows)  # an index for each axis
            out.set(x(*row, f"(({i} + 1) % {op.w.size(n)})"), *row, i)

A rule stands in a kernel of its own, or within a loop that is compiled whole. It does not see the
difference. Where it needs all threads to have finished something, it says so (`barrier`): alone, it
is several kernels then. A result may stand in the memory of an operand that nobody else needs.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minijax.compiler.expressions import has_kernel_type
from minijax.compiler.plan import Plan
from minijax.compiler.views import View, whole
from minijax.compiler.writer import Emitted, Writer
from minijax.core import ShapedArray
from minijax.jaxpr import JaxprEqn, Literal, Var

LOWERINGS: dict[str, Callable[[Op], None]] = {}
INSIDE: dict[str, Callable[[Op], None]] = {}  # rules for operations within a loop alone
UNLESS: dict[str, Callable[[JaxprEqn], str | None]] = {}
SLOWER: dict[str, Callable[[JaxprEqn], bool]] = {}
Pairs = list[tuple[int, int]]
UPDATES: dict[str, Callable[[JaxprEqn], Pairs]] = {}


def lowering(*names: str, inside: bool = False, unless: Callable | None = None,
             updates: Callable | None = None, slower: Callable | None = None) -> Callable:
    """Makes a function the rule of the operations with these names.

    `inside`: it is for equations within a loop alone; `slower(eqn)`: for that equation it is, as
    NumPy is faster. `unless(eqn)` says why it is not for that equation, or None. `updates(eqn)` are
    pairs (operand, result) that may stand in one memory; the rule begins with
    `op.start_from(operand, result)` for each.
    """

    def register(rule: Callable) -> Callable:
        (INSIDE if inside else LOWERINGS).update(dict.fromkeys(names, rule))
        if unless:
            UNLESS.update(dict.fromkeys(names, unless))
        if updates:
            UPDATES.update(dict.fromkeys(names, updates))
        if slower:
            SLOWER.update(dict.fromkeys(names, slower))
        return rule

    return register


class Place:
    """An array in memory, by index: `x("i", "j")` is the text of an element."""

    def __init__(self, writer: Writer, view: View, start: tuple[str, ...] = ()):
        self.w, self.view, self.start = writer, view, start
        self.shape, self.dtype = view.shape, view.base.aval.dtype

    def index(self, indices: Sequence[str]) -> str:
        """Where an element is. An index is a name, a number or a sum in brackets."""
        terms = [self.w.size(self.view.offset, role="start")] if self.view.offset else []
        return " + ".join([*terms, *self.start, *self.steps(indices)]) or "0"

    def steps(self, indices: Sequence[str]) -> list[str]:
        return [i if step == 1 else f"{i} * {self.w.size(step, role='step')}"
                for i, step in zip(indices, self.view.strides) if i != "0" and step]

    def __call__(self, *indices: str) -> str:
        if isinstance(self.view.base, Literal):
            return self.w.constant(self.view.base)
        return self.w.load(self.view.base, self.index(indices))

    def element(self, at: str) -> str:
        """The element at a place that `index` told."""
        return self.w.load(self.view.base, at)

    def set(self, text: str, *indices: str) -> None:
        """Write the line that stores an element."""
        self.w.store(self.view.base, self.index(indices), text)

    def seen(self, shape: Sequence[int], strides: Sequence[int], *start: str) -> Place:
        """The same memory with other axes, which start at an element further on."""
        view = View(self.view.base, tuple(shape), tuple(strides), self.view.offset)
        return Place(self.w, view, (*self.start, *start))

    def flat(self) -> Place:
        """The same elements along one axis, of an array that is whole."""
        return self.seen((math.prod(self.shape),), (1,))

    def at(self, *indices: str) -> Place:
        """The part at these indices of the first axes."""
        n = len(indices)
        return self.seen(self.shape[n:], self.view.strides[n:], *self.steps(indices))

    def window(self, corner: Sequence[str], shape: Sequence[int]) -> Place:
        """The part of this shape that starts at the indices `corner`."""
        return self.seen(shape, self.view.strides, *self.steps(corner))

    def again(self, n: int) -> Place:
        """The same n times, along a new first axis."""
        return self.seen((n, *self.shape), (0, *self.view.strides))

    def moved(self, *order: int) -> Place:
        """The axes in another order."""
        return self.seen([self.shape[i] for i in order], [self.view.strides[i] for i in order])


def merged(*places: Place, keep: int = 0) -> list[Place]:
    """The same elements, with one axis for those that all the places walk through without a jump.

    The places have the same shape. The first `keep` axes stay.
    """
    sizes: list[int] = []
    steps: list[list[int]] = []
    for axis, n in enumerate(places[0].shape):
        here = [p.view.strides[axis] for p in places]
        if n == 1 and axis >= keep:
            continue
        if axis > keep and len(sizes) > keep and all(s == n * t for s, t in zip(steps[-1], here)):
            sizes[-1], steps[-1] = sizes[-1] * n, here
        else:
            sizes.append(n)
            steps.append(here)
    return [p.seen(sizes, [here[k] for here in steps]) for k, p in enumerate(places)]


def merged_first(n: int, *places: Place) -> list[Place]:
    """The same for the first n axes only, in which alone the shapes are the same."""
    firsts = merged(*(p.seen(p.shape[:n], p.view.strides[:n]) for p in places))
    return [f.seen((*f.shape, *p.shape[n:]), (*f.view.strides, *p.view.strides[n:]))
            for f, p in zip(firsts, places)]


def same_kind(x: Place, out: Place) -> bool:
    """Is it enough to copy bytes, row by row?"""
    rows = out.shape and x.view.strides[-1] == out.view.strides[-1] == 1
    return bool(rows) and x.dtype == out.dtype and not isinstance(x.view.base, Literal)


class Op:
    """An equation, as its rule sees it: operands and results by place, and loops to write."""

    def __init__(self, e: JaxprEqn, plan: Plan, writer: Writer, bounds: tuple[str, ...] = ()):
        self.eqn, self.params, self.w, self.bounds = e, e.params, writer, bounds
        self.name = e.primitive.name
        self.plan = plan
        self.ins = [Place(writer, plan.view(x)) for x in e.invars]
        self.outs = [Place(writer, whole(v)) for v in e.outvars]
        self.count = self.work = 1
        self.kernels: list[Emitted] = []

    def line(self, text: str) -> None:
        self.w.line(text)

    @contextlib.contextmanager
    def shared(self, n: int, name: str = "r") -> Iterator[str]:
        """The loop over range(n) that threads share out, outside all others.

        There is one, or one before and one after each `barrier`.

        What it stores at one index it must not read, or store, at another.
        """
        self.count = n
        if not self.bounds and n == 1:
            yield "0"
            return
        bounds = self.bounds or ("0", self.w.size(n))
        self.work = max(max(math.prod(p.shape) for p in [*self.ins, *self.outs]) // max(n, 1), 1)
        with self.w.block(f"for {name} in range({', '.join(bounds)}):"):
            yield name

    def barrier(self) -> None:
        """What comes now needs all that was done so far: by all threads, if there are several."""
        if self.bounds and self.w.lines:
            self.finish()

    def finish(self) -> None:
        """What is written so far is a kernel."""
        self.kernels.append(Emitted(
            self.w.source(), list(self.w.arrays), self.w.sizes, self.count, self.work,
            [self.eqn], self.w.consts))
        vars(self.w).update(vars(Writer(self.w.results)))  # the same writer: the places refer to it

    @contextlib.contextmanager
    def loop(self, n: int | str, name: str = "i") -> Iterator[str]:
        """A loop over range(n); `n` is a number, which goes to the table, or a text."""
        if n == 1 and self.w.fixed:
            yield "0"
            return
        bound = n if isinstance(n, str) else self.w.size(n)
        with self.w.block(f"for {name} in range({bound}):"):
            yield name

    @contextlib.contextmanager
    def nest(self, shape: Sequence[int], prefix: str = "i") -> Iterator[list[str]]:
        """A loop for each axis of a shape."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.loop(n, f"{prefix}{k}")) for k, n in enumerate(shape)]

    def split(self, index: str, shape: Sequence[int], prefix: str = "j") -> list[str]:
        """An index for each axis of `shape`, from one that counts all elements in order."""
        if not shape:
            return []
        names, rest = [], index
        for k in range(len(shape) - 1, 0, -1):
            n = self.w.size(shape[k])
            self.line(f"{prefix}{k}, {prefix}{k}_ = {rest} % {n}, {rest} // {n}")
            names.append(f"{prefix}{k}")
            rest = f"{prefix}{k}_"
        return [rest, *names[::-1]]

    def fill(self, out: Place, x: Place) -> None:
        """Write the loops that copy all elements, in their order; the shapes may differ."""
        if x.view.is_whole:
            out, x = out.flat(), x.flat()
        with self.nest(x.shape, "k") as index:
            out.set(x(*index), *index)

    def start_from(self, operand: int, result: int = 0) -> None:
        """The result begins as a copy of the operand, unless it stands in its memory."""
        if not self.same_memory(operand, result):
            self.fill(self.outs[result], self.ins[operand])

    def same_memory(self, operand: int, result: int) -> bool:
        x, out = self.ins[operand], self.outs[result]
        return x.view.is_whole and not isinstance(x.view.base, Literal) and (
            self.w.array(x.view.base) == self.w.array(out.view.base))

    def copy(self, x: Place, out: Place) -> None:
        """Loops that copy."""
        x, out = merged(x, out)
        block = same_kind(x, out)
        with self.nest(out.shape[:-1] if block else out.shape, "c") as index:
            if block:
                self.copy_block(x.at(*index), out.at(*index), "0", self.w.size(out.shape[-1]))
            else:
                out.set(x(*index), *index)

    def copy_block(self, x: Place, out: Place, start: str, n: str) -> None:
        self.line(f"copy_elements({self.w.array(out.view.base)}, {out.index([start])}, "
                  f"{self.w.array(x.view.base)}, {x.index([start])}, {n})")

    def copy_shared(self, x: Place, out: Place) -> None:
        """The same, by threads together."""
        x, out = merged(x, out)
        if len(out.shape) == 1 and same_kind(x, out):
            self.count, self.work = out.shape[0], 1
            start, stop = self.bounds or ("0", self.w.size(self.count))
            self.copy_block(x, out, start, f"{stop} - {start}")
        else:
            outer = out.shape[:-1] or out.shape
            with self.shared(math.prod(outer)) as r:
                index = self.split(r, outer)
                self.copy(x.at(*index), out.at(*index))

    def begin_from(self, operand: int, result: int = 0) -> None:
        """The same as `start_from`, by threads together: so outside of all loops."""
        if not self.same_memory(operand, result):
            self.copy_shared(self.ins[operand], self.outs[result])
            self.barrier()

    def scratch(self, shape: Sequence[int], dtype: np.dtype) -> Place:
        """Memory for the time of the call. Threads have to keep to their parts of it."""
        v = Var(ShapedArray(shape, dtype))
        if self.w.fixed and shape:
            self.w.scratch(v)
        return Place(self.w, whole(v))

    def table(self, values: np.ndarray) -> Place:
        """An array of constants."""
        v = Var(ShapedArray(values.shape, values.dtype))
        self.w.consts[v] = values
        return Place(self.w, whole(v))

    def number(self, value: Any, dtype: np.dtype) -> str:
        """A constant."""
        return self.w.constant(Literal(np.full((), value, dtype), ShapedArray((), dtype)))

    def let(self, text: str) -> str:
        """Write the line that gives a value a name."""
        return self.w.let(text)


def obstacle(e: JaxprEqn, inside: bool = False) -> str | None:
    """Why an equation has no kernel; None: it has one. `inside` of a loop more of them have."""
    name = e.primitive.name
    if name not in LOWERINGS and not (inside and name in INSIDE):
        return f"{name} has no kernel"
    if e.effects:
        return f"{name} has effects"
    for x in (*e.invars, *e.outvars):
        if not has_kernel_type(x.aval.dtype):
            return f"{name} of {x.aval.dtype.name} has no kernel"
    return UNLESS[name](e) if name in UNLESS else None


def lowerable(e: JaxprEqn) -> bool:
    """Is there a rule for the equation?"""
    return obstacle(e) is None


def write_alone(e: JaxprEqn, plan: Plan, writer: Writer) -> None:
    """Write an equation of a loop's body."""
    name = e.primitive.name
    (INSIDE.get(name) or LOWERINGS[name])(Op(e, plan, writer))


def faster_alone(e: JaxprEqn) -> bool:
    """Is its own kernel faster than NumPy?"""
    return e.primitive.name not in SLOWER or not SLOWER[e.primitive.name](e)


def only(test: Callable[[JaxprEqn], bool]) -> Callable[[JaxprEqn], str | None]:
    """What `lowering` takes as `unless`, of a test that an equation has to pass."""
    return lambda e: None if test(e) else (
        f"{e.primitive.name} of {e.invars[0].aval.str_short()} has no kernel")


def emit_alone(e: JaxprEqn, plan: Plan) -> list[Emitted]:
    """The source of an equation's own kernel, or of several that follow each other."""
    writer = Writer(e.outvars)
    op = Op(e, plan, writer, ("lo", "hi"))
    LOWERINGS[e.primitive.name](op)
    op.barrier()
    return op.kernels
