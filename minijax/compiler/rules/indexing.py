"""Windows at computed places: gather, scatter and dynamic slices.

A scatter, and `dynamic_update_slice`, write into a copy of the operand. Where a loop lets go of the
operand, the plan sees the result as a view of it, and there is nothing to copy.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence

from minijax import dtypes
from minijax.compiler.expressions import binary
from minijax.compiler.lowering import Op, Place, lowering, merged_first, only
from minijax.jaxpr import JaxprEqn
from minijax.lax.index_windows import (
    GatherDimensionNumbers,
    GatherScatterMode,
    interleave,
    window_sizes,
)

# --- dynamic slices --------------------------------------------------------------------------


def clipped(op: Op, index: Place, last: int, *at: str) -> str:
    """The name of an index, moved between 0 and `last`."""
    wide = "uint64" if dtypes.kind(index.dtype) == "u" else "int64"
    return op.let(f"int64(min(max({wide}({index(*at)}), {wide}(0)), {wide}({op.w.size(last)})))")


@lowering("dynamic_slice")
def _(op: Op) -> None:
    x, out = op.ins[0], op.outs[0]
    corner = [clipped(op, start, n - size)
              for start, n, size in zip(op.ins[1:], x.shape, out.shape)]
    op.copy_shared(x.window(corner, out.shape), out)


@lowering("dynamic_update_slice", updates=lambda e: [(0, 0)])
def _(op: Op) -> None:
    x, update, out = op.ins[0], op.ins[1], op.outs[0]
    op.begin_from(0)
    corner = [clipped(op, start, n - size)
              for start, n, size in zip(op.ins[2:], x.shape, update.shape)]
    op.copy_shared(update, out.window(corner, update.shape))


# --- windows ---------------------------------------------------------------------------------


class Windows:
    """The windows of an operand, one for each index of the batch axes of `indices`."""

    def __init__(self, op: Op, shape: Sequence[int], sizes: Sequence[int],
                 numbers: GatherDimensionNumbers):
        self.op, self.indices, self.clip = op, op.ins[1], True
        _, collapsed, self.indexed, self.along, self.index_along = numbers
        self.axes = [d for d in range(len(shape)) if d not in collapsed and d not in self.along]
        self.sizes = [sizes[d] for d in self.axes]
        self.last = [n - size for n, size in zip(shape, sizes)]

    def corner(self, batch: Sequence[str]) -> dict[int, str]:
        """The coordinates of a window's first element, as names, along the axes that have any."""
        found = dict(zip(self.along, (batch[d] for d in self.index_along)))
        for k, axis in enumerate(self.indexed):
            at = (*batch, self.op.w.size(k) if k else "0")
            found[axis] = (clipped(self.op, self.indices, self.last[axis], *at) if self.clip else
                           self.op.let(f"int64({self.indices(*at)})"))
        return found

    def inside(self, corner: dict[int, str]) -> str:
        """The condition that a window is inside."""
        return " and ".join(f"0 <= {corner[d]} <= {self.op.w.size(self.last[d])}"
                            for d in self.indexed if not self.clip) or "True"

    @contextlib.contextmanager
    def elements(self, corner: dict[int, str]) -> Iterator[tuple[list[str], list[str]]]:
        """A loop over a window: where in it, and where in the operand."""
        with self.op.nest(self.sizes, "w") as window:
            place = dict.fromkeys(range(len(self.last)), "0") | corner
            for d, i in zip(self.axes, window):
                place[d] = f"({corner[d]} + {i})" if d in corner else i
            yield window, [place[d] for d in range(len(self.last))]


@lowering("gather")
def _(op: Op) -> None:
    (x, indices), (out,), numbers = op.ins, op.outs, op.params["dimension_numbers"]
    offset = numbers.offset_dims
    outer = [d for d in range(len(out.shape)) if d not in offset]
    out = out.moved(*outer, *offset)
    batch_shape = indices.shape[:-1]
    if not numbers.operand_batching_dims:  # then no axis of the batch has a meaning of its own
        indices, out = merged_first(len(outer), indices, out)
        batch_shape = indices.shape[:-1]
    windows = Windows(op, x.shape, op.params["slice_sizes"], numbers)
    windows.indices, windows.clip = indices, op.params["mode"] is not GatherScatterMode.FILL_OR_DROP
    with op.shared(math.prod(batch_shape)) as r:
        batch = op.split(r, batch_shape)
        corner = windows.corner(batch)
        with (op.w.block(f"if {windows.inside(corner)}:"),
              windows.elements(corner) as (window, place)):
            out.set(x(*place), *batch, *window)
        if not windows.clip:
            fill = op.number(op.params["fill_value"], x.dtype)
            with op.w.block("else:"), op.nest(windows.sizes, "w") as window:
                out.set(fill, *batch, *window)


COMBINED = {"scatter-add": "add", "scatter-sub": "sub", "scatter-mul": "mul",
            "scatter-min": "min", "scatter-max": "max"}


def combines(e: JaxprEqn) -> bool:
    return e.primitive.name == "scatter" or binary(
        COMBINED[e.primitive.name], e.invars[0].aval.dtype, "x", "y") is not None


@lowering("scatter", *COMBINED, unless=only(combines), updates=lambda e: [(0, 0)])
def _(op: Op) -> None:
    """One update after the other, as they may meet. Threads share what is never met: a batch."""
    x, indices, updates, out = *op.ins, op.outs[0]
    numbers = GatherDimensionNumbers(*op.params["dimension_numbers"])
    inner, along = numbers.offset_dims, numbers.operand_batching_dims
    sizes = window_sizes(x.shape, [updates.shape[d] for d in inner], numbers)
    windows = Windows(op, x.shape, sizes, numbers)
    windows.clip = op.params["mode"] is GatherScatterMode.CLIP
    shape, together = list(indices.shape[:-1]), along and along[0] == 0
    op.begin_from(0)
    if together:
        shape[windows.index_along[0]] = 1
    with op.shared(x.shape[0] if together else 1) as r, op.nest(shape, "b") as batch:
        if together:
            batch[windows.index_along[0]] = r
        corner = windows.corner(batch)
        with (op.w.block(f"if {windows.inside(corner)}:"),
              windows.elements(corner) as (window, place)):
            new = updates(*interleave(window, inner, batch))
            if op.name in COMBINED:
                new = str(binary(COMBINED[op.name], x.dtype, out(*place), new))
            out.set(new, *place)
