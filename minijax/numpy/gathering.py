"""Index arrays: the plan by which a gather reads x[...] and a scatter writes x.at[...]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minijax import dtypes, lax
from minijax.core import ArrayImpl, typeof
from minijax.lax.creation import of_dtype
from minijax.numpy.creation import asarray
from minijax.numpy.parsing import Part, check_slices, spell_out
from minijax.numpy.promotion import broadcast_all

INDEX_DTYPE = np.dtype(np.int32)


class GatherPlan(NamedTuple):
    """How a gather reads x[...], and how a scatter writes it."""

    indices: Any  # the positions: one index vector along the last axis
    numbers: Any  # lax.GatherDimensionNumbers
    slice_sizes: tuple[int, ...]
    shape: tuple[int, ...]  # of the result
    reverse: tuple[int, ...]  # axes of what is gathered that are to be reversed
    new: tuple[int, ...]  # axes of size 1 to add to it
    scalar_masks: tuple[int, ...]  # axes of size 1 to add to x before, for True and False
    simple: bool  # one window, so the indices are sorted and unique


def gather(x: Any, parts: Sequence[Part], mode: Any, fill_value: Any, indices_are_sorted: bool,
           unique_indices: bool, normalize: bool) -> Any:
    """x[parts], by one gather."""
    fill_value = check_fill_value(fill_value)
    plan = plan_gather(parts, x.shape, normalize)
    if plan.scalar_masks:
        x = lax.expand_dims(x, plan.scalar_masks)
    if 0 in plan.shape:
        return lax.full_like(x, 0, shape=plan.shape)
    if np.size(plan.indices):
        x = lax.gather(x, plan.indices, plan.numbers, plan.slice_sizes, mode=mode,
                       fill_value=fill_value, unique_indices=unique_indices or plan.simple,
                       indices_are_sorted=indices_are_sorted or plan.simple)
    if plan.reverse:
        x = lax.rev(x, plan.reverse)
    return lax.expand_dims(x, plan.new) if plan.new else x


def check_fill_value(value: Any) -> Any:
    if np.ndim(value):
        raise ValueError("fill_value argument to indexed get() must be a scalar")
    return value.item() if isinstance(value, (np.ndarray, np.generic, ArrayImpl)) else value


def plan_gather(parts: Sequence[Part], shape: tuple[int, ...], normalize: bool = True
                ) -> GatherPlan:
    """Index arrays broadcast together; their axes stand where they stand in the expression.

    If something stands between them, the axes come first, as in NumPy.
    """
    check_slices(parts)
    parts = [p._replace(index=asarray(p.index)) if isinstance(p.index, (list, tuple)) else p
             for p in parts]
    where = [i for i, p in enumerate(parts) if p.kind in ("array", "integer")]
    together = bool(where) and where[-1] - where[0] == len(where) - 1
    parts, shape, scalar_masks = expand_scalar_masks(spell_out(parts, len(shape)), shape)
    if normalize:
        parts = [p._replace(index=from_front(p.index, shape[p.axes[0]]))
                 if p.kind in ("array", "integer") else p for p in parts]
    arrays = [i for i, p in enumerate(parts) if p.kind in ("array", "integer")]
    if not any(np.ndim(parts[i].index) for i in arrays):
        arrays = []
    planner = Planner(shape)
    for i, p in enumerate(parts):
        if arrays and i == (arrays[0] if together else 0):
            planner.add_arrays([parts[j] for j in arrays])
        if i in arrays:
            planner.slice_sizes.append(1)
        else:
            planner.add(p)
    return planner.finish(not arrays, scalar_masks)


def expand_scalar_masks(parts: Sequence[Part], shape: tuple[int, ...]
                        ) -> tuple[list[Part], tuple[int, ...], tuple[int, ...]]:
    """True and False index a new axis of size 1: all of it, or nothing."""
    sizes, out, where, axis = list(shape), [], [], 0
    for i, p in enumerate(parts):
        n = len(p.axes)
        if p.kind == "mask":
            where.append(i)
            sizes.insert(i, 1)
            p = Part("array", np.arange(int(p.index), dtype=INDEX_DTYPE))
            n = 1
        out.append(p._replace(axes=tuple(range(axis, axis + n))))
        axis += n
    return out, tuple(sizes), tuple(where)


def from_front(i: Any, n: int) -> Any:
    """An index or an index array, with negative indices counted from the front."""
    if isinstance(i, (int, np.integer)):
        return int(i) + n if i < 0 else int(i)
    if dtypes.kind(i.dtype) == "u":
        return i
    return lax.select(i < 0, lax.add(i, of_dtype(n, typeof(i).dtype)), i)


class Planner:
    """Collects a `GatherPlan`, part by part."""

    def __init__(self, shape: tuple[int, ...]):
        self.x_shape = shape
        self.index_parts: list[tuple[Any, int]] = []  # each with its first axis in the indices
        self.index_shape: list[int] = []
        self.slice_sizes: list[int] = []
        self.shape: list[int] = []
        self.offset_dims: list[int] = []
        self.collapsed: list[int] = []
        self.index_map: list[int] = []
        self.new: list[int] = []
        self.reverse: list[int] = []

    def add_arrays(self, parts: Sequence[Part]) -> None:
        """The index arrays, together."""
        arrays = broadcast_all(*[asarray(p.index) for p in parts])
        start = len(self.index_shape)
        for array, p in zip(arrays, parts):
            self.read_at(lax.convert_element_type(array, INDEX_DTYPE), start, p.axes[0], True)
        self.index_shape.extend(arrays[0].shape)
        self.shape.extend(arrays[0].shape)

    def read_at(self, index: Any, start: int, axis: int, collapse: bool) -> None:
        self.index_parts.append((index, start))
        self.index_map.append(axis)
        if collapse:
            self.collapsed.append(axis)

    def add(self, p: Part) -> None:
        if p.kind == "none":
            self.new.append(len(self.shape))
            self.shape.append(1)
        elif p.kind == "slice":
            self.add_slice(p.index, p.axes[0])
        else:
            axis = p.axes[0]
            if self.x_shape[axis] == 0:
                raise IndexError(f"index is out of bounds for axis {axis} with size 0")
            self.read_at(convert_index(p.index), len(self.index_shape), axis, True)
            self.slice_sizes.append(1)

    def add_slice(self, s: slice, axis: int) -> None:
        start, stop, step = s.indices(self.x_shape[axis])
        size = len(range(start, stop, step))
        here = len(self.shape) - len(self.new)  # the axis in what is gathered
        self.shape.append(size)
        if step == 1:
            if size != self.x_shape[axis]:
                self.read_at(convert_index(start), len(self.index_shape), axis, False)
            self.slice_sizes.append(size)
            self.offset_dims.append(here)
            return
        steps = lax.mul(np.asarray(step, INDEX_DTYPE), lax.iota(INDEX_DTYPE, size))
        index = lax.add(np.asarray(start, INDEX_DTYPE), steps)
        if step < 0:
            self.reverse.append(here)
            index = lax.rev(index, (0,))
        self.read_at(index, len(self.index_shape), axis, True)
        self.slice_sizes.append(1)
        self.index_shape.append(size)

    def finish(self, simple: bool, scalar_masks: tuple[int, ...]) -> GatherPlan:
        numbers = lax.GatherDimensionNumbers(
            offset_dims=tuple(self.offset_dims), collapsed_slice_dims=tuple(sorted(self.collapsed)),
            start_index_map=tuple(self.index_map))
        return GatherPlan(self.indices(), numbers, tuple(self.slice_sizes), tuple(self.shape),
                          tuple(self.reverse), tuple(self.new), scalar_masks, simple)

    def indices(self) -> Any:
        """The index vectors, along a last axis."""
        if not self.index_parts:
            return np.zeros((0,), INDEX_DTYPE)
        if len(self.index_parts) == 1:
            index = self.index_parts[0][0]
            return lax.expand_dims(index, (np.ndim(index),))
        shape = [*self.index_shape, 1]
        columns = [lax.broadcast_in_dim(i, shape, range(start, start + np.ndim(i)))
                   for i, start in self.index_parts]
        return lax.concatenate(columns, len(shape) - 1)


def convert_index(i: Any) -> Any:
    return np.asarray(i, INDEX_DTYPE) if isinstance(i, int) else lax.convert_element_type(
        i, INDEX_DTYPE)
