"""Matrix products within loops. (Outside they are steps of their own: `products.py`.)

A product is a sum over k, for each row m of one operand and each column n of the other. If elements
with neighbouring n are neighbours in memory, rows of the result grow together, each step adding
multiples of a few rows of the right operand to a few of the result. What is loaded is used several
times, and LLVM makes vectors along n. Otherwise each element is a sum by itself, a vector along k.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np

from minijax import dtypes
from minijax.compiler.expressions import NARROW, kernel_type
from minijax.compiler.lowering import Op, Place, lowering
from minijax.compiler.reductions import REDUCTIONS
from minijax.compiler.views import View
from minijax.jaxpr import JaxprEqn, Var

MANY = 1 << 21  # multiply-adds: a step of its own, in several threads, is faster
ROWS, TERMS = 4, 4  # rows of the result, and terms of their sums, in one pass over n
TERMS_OF_ONE = 8  # terms in a pass for a single row


def too_large(e: JaxprEqn) -> str | None:
    (axes, _), _ = e.params["dimension_numbers"]
    n = e.outvars[0].aval.size * math.prod(e.invars[0].aval.shape[i] for i in axes)
    return f"dot_general of {n} multiply-adds is faster as a step of its own" if n > MANY else None


@dataclasses.dataclass
class Side:
    """An operand: its place, the loop that runs along each axis, and its axis of the result."""

    place: Place
    loops: dict[int, str]
    free: int | None  # the last axis that is neither of a batch nor summed
    summed: int | None  # the last axis that is summed
    result: int | None = None  # the axis of the result that `free` becomes

    @property
    def size(self) -> int:
        return 1 if self.free is None else self.place.shape[self.free]

    @property
    def by_vectors(self) -> bool:
        """Are elements that are neighbours along the free axis neighbours in memory?"""
        return self.free is not None and self.size > 1 and (
            self.place.view.strides[self.free] == 1)

    def at(self, free: str, summed: str, dtype: np.dtype) -> str:
        """An element, in the type of the result."""
        own = [self.loops.get(axis, free if axis == self.free else summed)
               for axis in range(len(self.place.shape))]
        text = self.place(*own)
        return text if self.place.dtype == dtype else f"{kernel_type(dtype)}({text})"


def sides_of(op: Op) -> tuple[list[Side], list[tuple[str, int]], list[str]]:
    """Both operands; the loops around all, by name and size; the index of the result in them."""
    contracted, batches = op.params["dimension_numbers"]
    index = [f"b{i}" for i in range(len(batches[0]))]
    outer = [(name, op.ins[0].shape[axis]) for name, axis in zip(index, batches[0])]
    sides = []
    for x, batch, summed in zip(op.ins, batches, contracted):
        loops = {axis: f"b{i}" for i, axis in enumerate(batch)}
        loops |= {axis: f"k{i}" for i, axis in enumerate(summed[:-1])}
        free = [axis for axis in range(len(x.shape)) if axis not in (*batch, *summed)]
        for axis in free[:-1]:
            loops[axis] = f"f{len(index)}"
            outer.append((loops[axis], x.shape[axis]))
            index.append(loops[axis])
        side = Side(x, loops, free[-1] if free else None, summed[-1] if summed else None)
        if free:
            side.result = len(index)
            index.append("0")
        sides.append(side)
    return sides, outer, index


class Product:
    """Writes the loops of one product."""

    def __init__(self, op: Op):
        self.op, self.w, self.out, self.dtype = op, op.w, op.outs[0], op.outs[0].dtype
        sides, self.outer, self.index = sides_of(op)
        if not sides[1].by_vectors and (sides[0].by_vectors or sides[1].size == 1):
            sides.reverse()
        self.left, self.right = sides
        contracted = [op.ins[0].shape[axis] for axis in op.params["dimension_numbers"][0][0]]
        self.k = contracted.pop() if contracted else 1
        self.sums = [(f"k{i}", n) for i, n in enumerate(contracted)]
        self.rule = REDUCTIONS["reduce_or" if self.dtype == bool else "reduce_sum"]
        kind = dtypes.kind(self.dtype)
        self.times = "{0} & {1}" if kind == "b" else (
            f"{kernel_type(self.dtype)}({{0}} * {{1}})" if kind in "iu" else "{0} * {1}")
        self.plus = "{0} + {1}" if kind in "fc" else self.rule.texts.get(kind) or next(
            text for kinds, text in self.rule.texts.items() if kind in kinds)

    def write(self) -> None:
        in_vectors = self.right.by_vectors and self.dtype.name not in NARROW
        with self.loops(self.outer):
            for m, rows in self.blocks("m", self.left.size, ROWS):
                (self.growing if in_vectors else self.single)([added(m, i) for i in range(rows)])

    @contextlib.contextmanager
    def loops(self, sizes: Sequence[tuple[str, int]]) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for name, n in sizes:
                stack.enter_context(self.w.block(f"for {name} in range({n}):"))
            yield

    def blocks(self, name: str, n: int, width: int) -> Iterator[tuple[str, int]]:
        """A loop over range(n) in blocks of `width`, then one block for what remains."""
        full = n - n % width
        if full > width:
            with self.w.block(f"for {name} in range(0, {full}, {width}):"):
                yield name, width
        elif full:
            yield "0", width
        if n > full:
            yield str(full), n - full

    def growing(self, rows: list[str]) -> None:
        """Rows of the result, to which multiples of rows of the right operand are added."""
        n, zero = self.right.size, self.rule.start(self.dtype)
        rest = len(rows)
        own = Var(self.out.view.base.aval.update(shape=(rest * n,)))
        self.w.scratch(own)
        so_far = [Place(self.w, View(own, (n,), (1,), i * n)) for i in range(rest)]
        with self.w.block(f"for n in range({n}):"):
            for row in so_far:
                row.set(zero, "n")
        with self.loops(self.sums):
            for k, terms in self.blocks("k", self.k, TERMS if rest > 1 else TERMS_OF_ONE):
                self.add_rows(rows, so_far, [added(k, i) for i in range(terms)])
        with self.w.block(f"for n in range({n}):"):
            for m, row in zip(rows, so_far):
                self.set(m, "n", row("n"))

    def add_rows(self, rows: list[str], so_far: list[Place], terms: list[str]) -> None:
        factors = [[self.w.let(self.left.at(m, k, self.dtype)) for k in terms] for m in rows]
        with self.w.block(f"for n in range({self.right.size}):"):
            loaded = [self.w.let(self.right.at("n", k, self.dtype)) for k in terms]
            for row, own in zip(so_far, factors):
                total = row("n")
                for a, b in zip(own, loaded):
                    total = self.w.let(self.plus.format(total, self.times.format(a, b),
                                                        T=kernel_type(self.dtype)))
                row.set(total, "n")

    def single(self, rows: list[str]) -> None:
        """Each element of the result by itself."""
        with self.loops([("n", self.right.size)]):
            sums = [self.w.let(self.rule.start(self.dtype)) for _ in rows]
            with self.loops([*self.sums, ("k", self.k)]):
                b = self.w.let(self.right.at("n", "k", self.dtype))
                for m, total in zip(rows, sums):
                    text = self.times.format(self.left.at(m, "k", self.dtype), b)
                    self.w.line(f"{total} = {self.rule.combine(self.dtype, total, text)}")
            for m, total in zip(rows, sums):
                self.set(m, "n", total)

    def set(self, m: str, n: str, text: str) -> None:
        index = list(self.index)
        for side, i in (self.left, m), (self.right, n):
            if side.result is not None:
                index[side.result] = i
        self.out.set(text, *index)


def added(name: str, i: int) -> str:
    """The text of a sum."""
    if name.isdigit():
        return str(int(name) + i)
    return f"({name} + {i})" if i else name


@lowering("dot_general", inside=True, unless=too_large)
def dot_general(op: Op) -> None:
    Product(op).write()
