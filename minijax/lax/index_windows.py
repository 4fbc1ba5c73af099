"""Where gather reads and scatter writes: the windows of an array that start at given indices.

The last axis of `indices` holds the coordinates of one window's corner. A window has the axes of
the operand, without those that are collapsed (size 1) and those that go along with an axis of
`indices` (batching). Reference: https://openxla.org/stablehlo/spec#gather
"""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minijax.core import ShapedArray


class GatherDimensionNumbers(NamedTuple):
    """Which axes of operand, indices and result of a gather belong together.

    offset_dims: the axes of the result that run within a window.
    collapsed_slice_dims: the axes of the operand, of window size 1, that the result lacks.
    start_index_map: the axis of the operand that each coordinate is for.
    operand_batching_dims, start_indices_batching_dims: axes that run together.
    """

    offset_dims: tuple[int, ...]
    collapsed_slice_dims: tuple[int, ...]
    start_index_map: tuple[int, ...]
    operand_batching_dims: tuple[int, ...] = ()
    start_indices_batching_dims: tuple[int, ...] = ()


class ScatterDimensionNumbers(NamedTuple):
    """Which axes of operand, indices and updates of a scatter belong together.

    The mirror image of `GatherDimensionNumbers`: what there is the result, here are the updates.
    """

    update_window_dims: tuple[int, ...]
    inserted_window_dims: tuple[int, ...]
    scatter_dims_to_operand_dims: tuple[int, ...]
    operand_batching_dims: tuple[int, ...] = ()
    scatter_indices_batching_dims: tuple[int, ...] = ()


class GatherScatterMode(enum.Enum):
    """What happens to a window that is not entirely inside.

    CLIP: it is moved inside. FILL_OR_DROP: a gather reads `fill_value`, a scatter leaves it out.
    PROMISE_IN_BOUNDS: there is none; if there is, a gather clips and a scatter drops.
    """

    CLIP = enum.auto()
    FILL_OR_DROP = enum.auto()
    PROMISE_IN_BOUNDS = enum.auto()

    @staticmethod
    def from_any(s: Any) -> GatherScatterMode:
        if isinstance(s, GatherScatterMode):
            return s
        names = {"clip": "CLIP", None: "FILL_OR_DROP", "fill": "FILL_OR_DROP",
                 "drop": "FILL_OR_DROP", "promise_in_bounds": "PROMISE_IN_BOUNDS"}
        if s not in names:
            raise ValueError(f'Unknown gather mode "{s}"')
        return GatherScatterMode[names[s]]


# --- on buffers ------------------------------------------------------------------------------


class Windows:
    """The windows of arrays of one shape, of sizes `sizes`, at `indices`."""

    def __init__(self, shape: Sequence[int], sizes: Sequence[int], indices: np.ndarray,
                 numbers: GatherDimensionNumbers):
        _, collapsed, self.indexed, self.along, index_along = numbers
        self.axes = [d for d in range(len(shape)) if d not in collapsed and d not in self.along]
        self.sizes = [sizes[d] for d in self.axes]
        self.places = [*(shape[d] - sizes[d] + 1 for d in self.indexed),
                       *(shape[d] for d in self.along)]
        self.batch_shape, self.count = indices.shape[:-1], math.prod(indices.shape[:-1])
        corners = indices.astype(np.intp, copy=False).reshape(self.count, indices.shape[-1])
        grid = np.indices(self.batch_shape, sparse=True) if index_along else ()
        self.index = [*corners.T, *(np.broadcast_to(grid[d], self.batch_shape).ravel()
                                    for d in index_along)]

    def inside(self) -> np.ndarray:
        """For each window, whether it is entirely inside."""
        checks = [(i >= 0) & (i < n) for i, n in zip(self.index, self.places)]
        return functools.reduce(np.logical_and, checks, np.ones(self.count, bool))

    def clip(self) -> None:
        self.index = [np.minimum(np.maximum(i, 0), n - 1) for i, n in zip(self.index, self.places)]

    def keep(self, which: np.ndarray) -> None:
        self.index, self.count = [i[which] for i in self.index], int(which.sum())

    def view(self, x: np.ndarray) -> tuple[np.ndarray, tuple]:
        """A view of `x` and an index into it: the windows are `view[index]`, one after another."""
        if not self.index:  # every window is at the origin
            x, index, dims, places = x[None], (np.zeros(self.count, np.intp),), [0], [1]
            axes = [d + 1 for d in self.axes]
        else:
            index, dims, places = tuple(self.index), [*self.indexed, *self.along], self.places
            axes = self.axes
        strides = [x.strides[d] for d in [*dims, *axes]]
        return np.lib.stride_tricks.as_strided(x, [*places, *self.sizes], strides), index

    def positions(self, shape: Sequence[int]) -> np.ndarray:
        """The elements of the windows as positions in the flat operand, one window a row."""
        steps = np.cumprod([1, *shape[:0:-1]])[::-1]
        corner = sum((i * steps[d] for i, d in zip(self.index, [*self.indexed, *self.along])),
                     np.zeros(self.count, np.intp))
        within = [np.arange(n) * steps[d] for n, d in zip(self.sizes, self.axes)]
        return functools.reduce(np.add.outer, within, corner)


def window_sizes(operand: Sequence[int], window: Sequence[int], numbers: GatherDimensionNumbers
                 ) -> tuple[int, ...]:
    """The size of a window along every axis of the operand, from those it has in the result."""
    sizes = iter(window)
    dropped = (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)
    return tuple(1 if d in dropped else next(sizes) for d in range(len(operand)))


# --- on types --------------------------------------------------------------------------------


def check_dims(op: str, name: str, dims: Sequence[int], rank: int, ordered: bool = True) -> None:
    if ordered and list(dims) != sorted(dims):
        raise TypeError(f"{name} in {op} op must be sorted; got {dims}")
    for d in dims:
        if not 0 <= d < rank:
            raise TypeError(f"Invalid {name} set in {op} op; valid range is [0, {rank}); got: {d}.")
    if len(set(dims)) != len(dims):
        raise TypeError(f"{name} in {op} op must not repeat; got: {dims}.")


def check_disjoint(op: str, first: str, a: Sequence[int], second: str, b: Sequence[int]) -> None:
    if set(a) & set(b):
        raise TypeError(f"{first} and {second} in {op} op must be disjoint; got: {a} and {b}.")


def check_index_axes(op: str, names: Sequence[str], operand: ShapedArray, indices: ShapedArray,
                     numbers: GatherDimensionNumbers) -> None:
    """What gather and scatter have in common; `names` are the fields of their own numbers."""
    _, collapsed, index_map, along, index_along = numbers
    if not indices.ndim:
        raise TypeError(f"{op.capitalize()} indices must have a last axis that holds the "
                        "coordinates of a window, got indices of rank 0.")
    check_dims(op, names[1], collapsed, operand.ndim)
    check_dims(op, names[2], index_map, operand.ndim, ordered=False)
    check_dims(op, names[3], along, operand.ndim)
    check_dims(op, names[4], index_along, indices.ndim, ordered=False)
    check_disjoint(op, names[1], collapsed, names[3], along)
    check_disjoint(op, names[2], index_map, names[3], along)
    if len(index_map) != indices.shape[-1]:
        raise TypeError(f"{op.capitalize()} op has {len(index_map)} elements in {names[2]} and the "
                        f"bound of dimension index_vector_dim={indices.ndim - 1} of indices is "
                        f"{indices.shape[-1]}. These two numbers must be equal.")
    if indices.ndim - 1 in index_along:
        raise TypeError(f"{op.capitalize()} op cannot have the index vector dimension as a "
                        f"batching dimension; got {index_along}.")
    if len(along) != len(index_along):
        raise TypeError(f"{op.capitalize()} op requires equal numbers of {names[3]} and "
                        f"{names[4]}, got {along} and {index_along}.")
    shapes = (tuple(operand.shape[d] for d in along), tuple(indices.shape[d] for d in index_along))
    if shapes[0] != shapes[1]:
        raise TypeError(f"{op.capitalize()} op requires operand batching dimensions and indices "
                        f"batching dimensions to have the same shape, got {shapes[0]} and "
                        f"{shapes[1]}.")


def interleave(window: Sequence[Any], window_dims: Sequence[int], batch: Sequence[Any]
               ) -> tuple[Any, ...]:
    """The shape with the sizes `window` at `window_dims`, and `batch` in the other places."""
    inner, outer = iter(window), iter(batch)
    return tuple(next(inner if d in window_dims else outer)
                 for d in range(len(window) + len(batch)))


@functools.lru_cache(4096)
def check_gather(operand: ShapedArray, indices: ShapedArray, numbers: GatherDimensionNumbers,
                 sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the result of a gather."""
    check_index_axes("gather", GatherDimensionNumbers._fields, operand, indices, numbers)
    offset, collapsed, _, along, _ = numbers
    check_dims("gather", "offset_dims", offset, len(offset) + indices.ndim - 1)
    if len(sizes) != operand.ndim:
        raise TypeError("Gather op must have one slice size for every input dimension; got: "
                        f"len(slice_sizes)={len(sizes)}, input_shape.rank={operand.ndim}")
    if len(sizes) != len(offset) + len(collapsed) + len(along):
        raise TypeError("All components of the offset index in a gather op must either be a offset "
                        "dimension or explicitly collapsed/batching; got "
                        f"len(slice_sizes)={len(sizes)}, output_slice_sizes={offset}, "
                        f"collapsed_slice_dims={collapsed}, operand_batching_dims={along}.")
    for i, (n, size) in enumerate(zip(operand.shape, sizes)):
        if 0 not in indices.shape and not 0 <= size <= n:
            raise TypeError(f"Slice size at index {i} in gather op is out of range, must be within "
                            f"[0, {n} + 1), got {size}.")
        if (i in collapsed and size != 1) or (i in along and size > 1):
            raise TypeError("Gather op can only collapse slice dims with bound 1, but bound is "
                            f"{size} for index {i}.")
    window = [n for d, n in enumerate(sizes) if d not in collapsed and d not in along]
    return interleave(window, offset, indices.shape[:-1])


@functools.lru_cache(4096)
def check_scatter(operand: ShapedArray, indices: ShapedArray, updates: ShapedArray,
                  numbers: GatherDimensionNumbers) -> None:
    check_index_axes("scatter", ScatterDimensionNumbers._fields, operand, indices, numbers)
    window, inserted, _, along, _ = numbers
    rank = indices.ndim - 1 + len(window)
    if updates.ndim != rank:
        raise TypeError(f"Updates tensor must be of rank {rank}; got {updates.ndim}.")
    check_dims("scatter", "update_window_dims", window, updates.ndim)
    if len(window) + len(inserted) + len(along) != operand.ndim:
        raise TypeError(f"Scatter op has window of size {len(window) + len(inserted) + len(along)};"
                        f" doesn't match operand of rank {operand.ndim}.")
    bounds = [n for d, n in enumerate(operand.shape) if d not in inserted and d not in along]
    batch = [n for d, n in enumerate(updates.shape) if d not in window]
    for d, bound in zip(window, bounds):
        if updates.shape[d] > bound:
            raise TypeError("Bounds of the window dimensions of updates must not exceed the bounds "
                            f"of the corresponding dimensions of operand. For dimension {d}, "
                            f"updates bound is {updates.shape[d]}, operand bound is {bound}.")
    for d, (n, m) in enumerate(zip(batch, indices.shape)):
        if n != m:
            raise TypeError("Bounds of the scatter dimensions of updates must be the same as the "
                            "bounds of the corresponding dimensions of scatter indices. For "
                            f"scatter dimension {d}, updates bound is {n}, indices bound is {m}.")
