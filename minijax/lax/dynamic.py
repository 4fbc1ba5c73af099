"""Slices whose start is computed: `dynamic_slice` and `dynamic_update_slice`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import batch, move_axis, move_to_front
from minijax.core import ShapedArray, UndefinedPrimal, typeof
from minijax.families import LinearMap, broadcast_in_dim, convert, full, zeros
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.lax.elementwise import add, lt
from minijax.lax.index_windows import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
)
from minijax.lax.indexing import gather_p, scatter_p
from minijax.lax.joining import concatenate
from minijax.lax.shaping import expand_dims, squeeze
from minijax.selection import select_n

__all__ = ["dynamic_index_in_dim", "dynamic_slice", "dynamic_slice_in_dim", "dynamic_slice_p",
           "dynamic_update_index_in_dim", "dynamic_update_slice", "dynamic_update_slice_in_dim",
           "dynamic_update_slice_p"]

# --- the operations --------------------------------------------------------------------------


def region(shape: Sequence[int], sizes: Sequence[int], starts: Sequence[np.ndarray]) -> tuple:
    """The slices of `sizes` at `starts`, moved inside."""
    corner = [min(max(int(s), 0), n - size) for s, n, size in zip(starts, shape, sizes)]
    return tuple(slice(s, s + size) for s, size in zip(corner, sizes))


def check_starts(name: str, rank: int, starts: Sequence[ShapedArray]) -> None:
    if len(starts) != rank:
        raise TypeError(f"{name} start_indices must have length equal to the rank of operand, got "
                        f"{len(starts)} indices for an operand of rank {rank}.")
    if any(s.ndim for s in starts):
        raise TypeError(f"start_indices arguments to {name} must be scalars, got indices "
                        f"{', '.join(map(str, starts))}.")
    kinds = {s.dtype for s in starts}
    if len(kinds) > 1 or any(dtypes.kind(k) not in "iu" for k in kinds):
        raise TypeError(f"index arguments to {name} must be integers of the same type, got: "
                        f"{', '.join(dtypes.name(s.dtype) for s in starts)}")


class DynamicSlice(LinearMap):
    """The part of an operand of sizes `slice_sizes` that starts at the indices."""

    n_linear = 1

    def impl(self, operand, *starts, slice_sizes):
        return operand[region(operand.shape, slice_sizes, starts)].copy()

    def abstract_eval(self, operand, *starts, slice_sizes):
        if len(slice_sizes) != operand.ndim or any(
                size > n for size, n in zip(slice_sizes, operand.shape)):
            raise TypeError("slice slice_sizes must be less than or equal to operand shape, got "
                            f"slice_sizes {slice_sizes} for operand shape {operand.shape}.")
        if any(size < 0 for size in slice_sizes):
            raise TypeError("slice slice_sizes must be greater than or equal to zero, got "
                            f"slice_sizes of {slice_sizes}.")
        check_starts("dynamic_slice", operand.ndim, starts)
        return ShapedArray(slice_sizes, operand.dtype)

    def weak_type_rule(self, avals, params):
        return avals[0].weak_type

    def transpose(self, cts, operand, *starts, slice_sizes):
        blank = full(operand.aval.shape, 0, operand.aval.dtype)
        return [dynamic_update_slice_p.bind(blank, cts[0], *starts), *(None for _ in starts)]


class DynamicUpdateSlice(LinearMap):
    """An operand in which the part that starts at the indices is replaced by `update`."""

    n_linear = 2

    def impl(self, operand, update, *starts):
        out = np.array(operand, order="C")
        out[region(operand.shape, update.shape, starts)] = update
        return out

    def abstract_eval(self, operand, update, *starts):
        if operand.dtype != update.dtype:
            raise TypeError("lax.dynamic_update_slice requires arguments to have the same dtypes, "
                            f"got {dtypes.name(operand.dtype)}, {dtypes.name(update.dtype)}.")
        if operand.ndim != update.ndim:
            raise TypeError("dynamic_update_slice update must have the same rank as operand, got "
                            f"update shape {update.shape} for operand shape {operand.shape}.")
        if any(m > n for m, n in zip(update.shape, operand.shape)):
            raise TypeError("dynamic_update_slice update shape must be smaller than operand shape, "
                            f"got update shape {update.shape} for operand shape {operand.shape}.")
        check_starts("dynamic_update_slice", operand.ndim, starts)
        return ShapedArray(operand.shape, operand.dtype)

    def weak_type_rule(self, avals, params):
        return avals[0].weak_type and avals[1].weak_type

    def transpose(self, cts, operand, update, *starts):
        (ct,) = cts
        aval = update.aval if isinstance(update, UndefinedPrimal) else typeof(update)
        return [self.bind(ct, zeros(aval), *starts)
                if isinstance(operand, UndefinedPrimal) else None,
                dynamic_slice_p.bind(ct, *starts, slice_sizes=aval.shape)
                if isinstance(update, UndefinedPrimal) else None, *(None for _ in starts)]


dynamic_slice_p = DynamicSlice("dynamic_slice")
dynamic_update_slice_p = DynamicUpdateSlice("dynamic_update_slice")


# --- batching --------------------------------------------------------------------------------


@batch.register
def _(prim: DynamicSlice, axis, xs, dims, /, *, slice_sizes):
    (operand, *starts), (dim, *start_dims) = xs, dims
    if all(d is None for d in start_dims):  # the same slice of all, whole along the new axis
        starts, sizes = inserted(starts, dim, 0), inserted(slice_sizes, dim, axis.size)
        return [prim.bind(operand, *starts, slice_sizes=tuple(sizes))], [dim]
    every = tuple(range(len(starts)))
    return batch(gather_p, axis, [operand, coordinates(axis.size, starts, start_dims)], [dim, 0],
                 dimension_numbers=GatherDimensionNumbers(every, (), every),
                 slice_sizes=slice_sizes, unique_indices=True, indices_are_sorted=True,
                 mode=GatherScatterMode.CLIP, fill_value=None)


@batch.register
def _(prim: DynamicUpdateSlice, axis, xs, dims, /):
    (operand, update, *starts), (dim, update_dim, *start_dims) = xs, dims
    if all(d is None for d in start_dims):
        dim, update_dim = (0 if d is None else d for d in (dim, update_dim))
        operand, update = (move_to_front(x, None, axis.size) if d is None else x
                           for x, d in zip(xs[:2], dims[:2]))
        update = move_axis(update, update_dim, dim)
        return [prim.bind(operand, update, *inserted(starts, dim, 0))], [dim]
    every = tuple(range(len(starts)))
    return batch(scatter_p, axis,
                 [operand, coordinates(axis.size, starts, start_dims), update],
                 [dim, 0, update_dim],
                 dimension_numbers=ScatterDimensionNumbers(every, (), every),
                 indices_are_sorted=True, unique_indices=True, mode=GatherScatterMode.CLIP,
                 update_jaxpr=None, update_consts=())


def inserted(xs: Sequence[Any], position: int, x: Any) -> list[Any]:
    """`xs` with one more at `position`; where it is to be an index, of the dtype of the others."""
    if xs and x == 0 and not isinstance(xs[0], int):
        x = of_dtype(0, typeof(xs[0]).dtype)
    return [*xs[:position], x, *xs[position:]]


def coordinates(size: int, starts: Sequence[Any], dims: Sequence[int | None]) -> Any:
    """The starts of a batch as the rows of a matrix."""
    columns = [broadcast_in_dim(s, (size, 1), () if d is None else (0,))
               for s, d in zip(starts, dims)]
    return columns[0] if len(columns) == 1 else concatenate(columns, 1)


# --- what users call -------------------------------------------------------------------------


def start_indices_of(operand: Any, start_indices: Any, allow_negative: bool | Sequence[bool]
                     ) -> list[Any]:
    """The starts as scalars; the negative ones, where allowed, count from the end."""
    shape = typeof(operand).shape
    if len(start_indices) != len(shape):
        raise ValueError("Length of slice indices must match number of operand dimensions "
                         f"({len(start_indices)} vs {shape})")
    if getattr(start_indices, "ndim", 1) != 1:
        raise ValueError(f"Slice indices must be a 1D sequence, got {start_indices.shape}")
    start_indices = list(start_indices)
    allowed = [allow_negative] * len(shape) if isinstance(allow_negative, bool) else allow_negative
    return [from_front(i, n, a) for i, n, a in zip(start_indices, shape, allowed)]


def from_front(i: Any, size: int, allow_negative: bool) -> Any:
    dtype = typeof(i).dtype
    if isinstance(i, (int, np.integer)):
        if i < 0 and not allow_negative:
            raise ValueError(f"Index {i} is out of bounds for dimension {size} if "
                             "allow_negative_indices=False")
        return np.asarray(i + size if i < 0 else i, dtype)
    if not allow_negative or dtypes.kind(dtype) != "i":
        return i
    negative = lt(i, of_dtype(0, dtype))
    return select_n(negative, i, add(convert(i, dtype, False), of_dtype(size, dtype)))


def dynamic_slice(operand: Any, start_indices: Any, slice_sizes: Sequence[int], *,
                  allow_negative_indices: bool | Sequence[bool] = True) -> Any:
    """The part of `operand` of sizes `slice_sizes` that starts at `start_indices`.

    A part that would reach over the edge is moved inside.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.dynamic_slice(jnp.arange(5), (jnp.array(4),), (3,))
    Array([2, 3, 4], dtype=int32)

    Args:
      start_indices: one integer for each axis, traced or not.
      slice_sizes: known sizes, one for each axis.
      allow_negative_indices: count negative starts from the end.

    Raises:
      TypeError: sizes larger than the operand, or starts that are not integers of one dtype.
      ValueError: not one start for each axis.
    """
    starts = start_indices_of(operand, start_indices, allow_negative_indices)
    return dynamic_slice_p.bind(operand, *starts, slice_sizes=tuple(map(int, slice_sizes)))


def dynamic_update_slice(operand: Any, update: Any, start_indices: Any, *,
                         allow_negative_indices: bool | Sequence[bool] = True) -> Any:
    """`operand` with the part that starts at `start_indices` replaced by `update`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.dynamic_update_slice(jnp.zeros(5), jnp.ones(2), (1,))
    Array([0., 1., 1., 0., 0.], dtype=float32)
    """
    starts = start_indices_of(operand, start_indices, allow_negative_indices)
    return dynamic_update_slice_p.bind(operand, update, *starts)


def along_axis(operand: Any, index: Any, axis: int, allow_negative: bool) -> tuple[list, list]:
    """Starts, and which of them may be negative, for a slice that is whole but for one axis."""
    rank = typeof(operand).ndim
    starts: list[Any] = [of_dtype(0, typeof(index).dtype)] * rank
    allowed = [False] * rank
    starts[axis], allowed[axis] = index, allow_negative
    return starts, allowed


def dynamic_slice_in_dim(operand: Any, start_index: Any, slice_size: int, axis: int = 0, *,
                         allow_negative_indices: bool = True) -> Any:
    """`operand[..., start_index : start_index + slice_size]` along one axis."""
    starts, allowed = along_axis(operand, start_index, int(axis), allow_negative_indices)
    sizes = list(typeof(operand).shape)
    sizes[axis] = int(slice_size)
    return dynamic_slice(operand, starts, sizes, allow_negative_indices=allowed)


@functools.partial(jit, static_argnames=("axis", "keepdims", "allow_negative_indices"))
def dynamic_index_in_dim(operand: Any, index: Any, axis: int = 0, keepdims: bool = True, *,
                         allow_negative_indices: bool = True) -> Any:
    """`operand[..., index]` along one axis, which stays with size 1 if `keepdims`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.dynamic_index_in_dim(jnp.arange(5), -1, keepdims=False)
    Array(4, dtype=int32)
    """
    out = dynamic_slice_in_dim(operand, index, 1, axis,
                               allow_negative_indices=allow_negative_indices)
    return out if keepdims else squeeze(out, (axis,))


def dynamic_update_slice_in_dim(operand: Any, update: Any, start_index: Any, axis: int, *,
                                allow_negative_indices: bool = True) -> Any:
    """`operand` with `update` written at `start_index` along one axis, at 0 along the others."""
    starts, allowed = along_axis(operand, start_index, int(axis), allow_negative_indices)
    return dynamic_update_slice(operand, update, starts, allow_negative_indices=allowed)


@functools.partial(jit, static_argnames=("axis", "allow_negative_indices"))
def dynamic_update_index_in_dim(operand: Any, update: Any, index: Any, axis: int, *,
                                allow_negative_indices: bool = True) -> Any:
    """`operand` with `update` written at `index` along one axis.

    `update` has size 1 along that axis, or lacks it.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.dynamic_update_index_in_dim(jnp.zeros(4), 1.0, 2, 0)
    Array([0., 0., 1., 0.], dtype=float32)
    """
    if typeof(update).ndim != typeof(operand).ndim:
        update = expand_dims(update, (axis,))
    return dynamic_update_slice_in_dim(operand, update, index, axis,
                                       allow_negative_indices=allow_negative_indices)
