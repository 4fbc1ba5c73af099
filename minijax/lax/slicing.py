"""Cutting out and padding: `slice` and `pad`, each the transpose of the other."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import batch, move_to_front
from minijax.core import ShapedArray, UndefinedPrimal, typeof
from minijax.families import Structural, broadcast_in_dim, full, reduce_sum
from minijax.lax.creation import of_dtype
from minijax.lax.elementwise import sub
from minijax.lax.shapes import check_shapelike, own, replace
from minijax.lax.shaping import squeeze
from minijax.selection import select_n

__all__ = ["index_in_dim", "pad", "pad_p", "slice", "slice_in_dim", "slice_p"]


# --- slice -----------------------------------------------------------------------------------


class Slice(Structural):
    """Every `strides[i]`-th element from `start_indices[i]` up to `limit_indices[i]`."""

    def impl(self, x, *, start_indices, limit_indices, strides):
        strides = strides or (1,) * x.ndim
        return own(x[tuple(map(builtins.slice, start_indices, limit_indices, strides))])

    def abstract_eval(self, x, *, start_indices, limit_indices, strides):
        check_slice(x.shape, start_indices, limit_indices, strides)
        spans = [b - a for a, b in zip(start_indices, limit_indices)]
        return ShapedArray([-(-n // s) for n, s in zip(spans, strides or [1] * x.ndim)], x.dtype)

    def transpose(self, cts, x, *, start_indices, limit_indices, strides):
        config = []
        for n, m, start, step in zip(x.aval.shape, typeof(cts[0]).shape, start_indices,
                                     strides or (1,) * x.aval.ndim):
            covered = (m - 1) * step + 1 if m else 0
            config.append((start, n - start - covered, step - 1))
        return [pad(cts[0], of_dtype(0, x.aval.dtype), config)]

    def shift(self, params, size):
        strides = params["strides"]
        return {"start_indices": (0, *params["start_indices"]),
                "limit_indices": (size, *params["limit_indices"]),
                "strides": strides and (1, *strides)}


def check_slice(shape: Sequence[int], starts: Sequence[int], limits: Sequence[int],
                strides: Sequence[int] | None) -> None:
    if len(shape) != len(starts):
        raise TypeError("slice start_indices must have length equal to the number of dimensions "
                        f"of the operand, got indices {starts} for operand shape {shape}.")
    if len(starts) != len(limits):
        raise TypeError("slice limit_indices must have the same length as start_indices, got "
                        f"start_indices {starts} and limit_indices {limits}.")
    if any(n < b for n, b in zip(shape, limits)):
        raise TypeError("slice limit_indices must be less than or equal to operand shape, got "
                        f"limit_indices {limits} for operand shape {shape}.")
    if any(a < 0 for a in starts):
        raise TypeError("slice start_indices must be greater than or equal to zero, got "
                        f"start_indices of {starts}.")
    if any(b < a for a, b in zip(starts, limits)):
        raise TypeError("slice limit_indices must be greater than or equal to start_indices, got "
                        f"start_indices {starts} and limit_indices {limits}.")
    if strides is not None:
        if len(strides) != len(shape):
            raise TypeError("slice strides must have length equal to the number of dimensions of "
                            f"the operand, got strides {strides} for operand shape {shape}.")
        check_shapelike("slice", "strides", strides, least=1)


slice_p = Slice("slice")


def slice(operand: Any, start_indices: Sequence[int], limit_indices: Sequence[int],
          strides: Sequence[int] | None = None) -> Any:
    """The elements from `start_indices` up to `limit_indices`, along each axis.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.slice(jnp.arange(6), (1,), (6,), (2,))
    Array([1, 3, 5], dtype=int32)

    Raises:
      TypeError: indices that are not within the operand, or not one for each axis.
    """
    return slice_p.bind(operand, start_indices=integers(start_indices),
                        limit_indices=integers(limit_indices),
                        strides=None if strides is None else integers(strides))


def integers(xs: Sequence[Any]) -> tuple[int, ...]:
    return tuple(operator.index(x) for x in xs)


def slice_in_dim(operand: Any, start_index: int | None, limit_index: int | None,
                 stride: int = 1, axis: int = 0) -> Any:
    """`slice` along one axis. As in Python, indices may be None or count from the end.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.slice_in_dim(jnp.arange(6), -2, None)
    Array([4, 5], dtype=int32)
    """
    shape = typeof(operand).shape
    axis, size = range(len(shape))[axis], shape[axis]
    start = 0 if start_index is None else operator.index(start_index)
    limit = size if limit_index is None else operator.index(limit_index)
    ones = (1,) * len(shape)
    return slice(operand, replace((0,) * len(shape), axis, start + size * (start < 0)),
                 replace(shape, axis, limit + size * (limit < 0)), replace(ones, axis, stride))


def index_in_dim(operand: Any, index: int, axis: int = 0, keepdims: bool = True) -> Any:
    """The elements at one index along one axis, which stays (with size 1) or is dropped.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.index_in_dim(jnp.array([[1, 2], [3, 4]]), -1, keepdims=False)
    Array([3, 4], dtype=int32)

    Raises:
      IndexError: an index that is not within the axis.
    """
    shape = typeof(operand).shape
    index, axis = operator.index(index), range(len(shape))[axis]
    size = shape[axis]
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of bounds for axis {axis} with size {size}")
    out = slice_in_dim(operand, index % size, index % size + 1, 1, axis)
    return out if keepdims else squeeze(out, (axis,))


# --- pad -------------------------------------------------------------------------------------


def padded(x: np.ndarray, value: Any, config: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """`pad` of a NumPy array."""
    out = np.full(padded_shape(x.shape, config), value, x.dtype)
    source, target = [], []
    for n, (low, _, interior), size in zip(x.shape, config, out.shape):
        step = interior + 1
        first = max(0, -(low // step))  # the first and last elements that end up inside
        last = max(first, min(n, -((low - size) // step)))
        source.append(builtins.slice(first, last))
        start = low + first * step
        target.append(builtins.slice(start, start + (last - first) * step, step))
    out[tuple(target)] = x[tuple(source)]
    return out


def padded_shape(shape: Sequence[int], config: Sequence[tuple[int, int, int]]) -> list[int]:
    return [low + high + (n and (n - 1) * (interior + 1) + 1)
            for n, (low, high, interior) in zip(shape, config)]


class Pad(Structural):
    """Puts a value before, after and between the elements. Negative amounts cut elements off."""

    def impl(self, x, value, *, padding_config):
        return padded(x, value, padding_config)

    def abstract_eval(self, x, value, *, padding_config):
        if x.dtype != value.dtype:
            raise TypeError("pad operand and padding_value must be same dtype: got "
                            f"{dtypes.name(x.dtype)} and {dtypes.name(value.dtype)}.")
        if value.ndim:
            raise ValueError(f"padding_value must be a scalar; got shape {value.shape}")
        if len(padding_config) != x.ndim:
            raise ValueError("length of padding_config must equal the number of axes of operand, "
                             f"got padding_config {padding_config} for operand shape {x.shape}")
        if any(interior < 0 for _, _, interior in padding_config):
            raise ValueError("interior padding in padding_config must be nonnegative, got "
                             f"padding_config {padding_config}")
        shape = padded_shape(x.shape, padding_config)
        if any(n < 0 for n in shape):
            raise ValueError("Dimension size after padding is not at least 0, got result shape "
                             f"{tuple(shape)}, for padding_config {padding_config} and operand "
                             f"shape {x.shape}")
        return ShapedArray(shape, x.dtype)

    def transpose(self, cts, x, value, *, padding_config):
        ct_x = unpad(cts[0], padding_config)
        ct_value = None
        if isinstance(value, UndefinedPrimal):
            ct_value = sub(total(cts[0]), total(ct_x))
        return [ct_x if isinstance(x, UndefinedPrimal) else None, ct_value]

    def shift(self, params, size):
        return {"padding_config": ((0, 0, 0), *params["padding_config"])}


def total(x: Any) -> Any:
    return reduce_sum(x, tuple(range(typeof(x).ndim)))


def unpad(ct: Any, config: Sequence[tuple[int, int, int]]) -> Any:
    """The elements of a padded array that come from the operand; zero for those cut off."""
    low, high, interior = zip(*config) if config else ((), (), ())
    if min((*low, *high), default=0) < 0:
        ct = pad(ct, of_dtype(0, typeof(ct).dtype), [(-a, -b, 0) for a, b, _ in config])
        low = high = (0,) * len(config)
    limits = [n - b for n, b in zip(typeof(ct).shape, high)]
    if not any((*low, *high, *interior)):
        return ct
    return slice(ct, low, limits, [i + 1 for i in interior] if any(interior) else None)


pad_p = Pad("pad")


@batch.register
def _(prim: Pad, axis, xs, dims, /, *, padding_config):
    """Padded by one value for all; where the value is mapped too, it is selected afterwards."""
    x, value = move_to_front(xs[0], dims[0], axis.size), xs[1]
    config = ((0, 0, 0), *padding_config)
    if dims[1] is None:
        return [prim.bind(x, value, padding_config=config)], [0]
    aval = typeof(x)
    out = prim.bind(x, of_dtype(0, aval.dtype), padding_config=config)
    inside = prim.bind(full(aval.shape, True, np.bool_), np.False_, padding_config=config)
    return [select_n(inside, broadcast_in_dim(value, typeof(out).shape, (0,)), out)], [0]


def pad(operand: Any, padding_value: Any, padding_config: Sequence[tuple[int, int, int]]) -> Any:
    """Put `padding_value` around and between the elements of `operand`.

    `padding_config` has `(low, high, interior)` for each axis: how much before the first element,
    after the last one, and between any two. Negative `low` and `high` cut elements off.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.pad(jnp.array([1, 2, 3]), 0, [(2, -1, 1)])
    Array([0, 0, 1, 0, 2, 0], dtype=int32)

    Raises:
      ValueError: a configuration that does not fit the operand.
      TypeError: a padding value of another dtype.
    """
    return pad_p.bind(operand, padding_value, padding_config=tuple(map(integers, padding_config)))
