"""Taking elements by index along an axis, and putting them."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import (
    as_value,
    canonical_axis,
    check_arraylike,
    concrete,
    ensure_array,
    ensure_arrays,
    refuse,
)
from minijax.numpy.arithmetic import divmod, mod
from minijax.numpy.creation import asarray
from minijax.numpy.promotion import _where, broadcast_all, broadcast_shapes, promote_dtypes
from minijax.numpy.selecting import clip
from minijax.numpy.shaping import ravel

FILL, CLIP, PROMISE = (lax.GatherScatterMode.FILL_OR_DROP, lax.GatherScatterMode.CLIP,
                       lax.GatherScatterMode.PROMISE_IN_BOUNDS)


def wrap_negative(index: Any, size: int) -> Any:
    """Indices counted from the front."""
    if dtypes.kind(index.dtype) == "u":
        return index
    return lax.select(lax.lt(index, 0), lax.add(index, of_dtype(size, index.dtype)), index)


# --- taking ----------------------------------------------------------------------------------


def take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str | None = None,
         unique_indices: bool = False, indices_are_sorted: bool = False, fill_value: Any = None
         ) -> Any:
    """The elements at `indices` along `axis` (None: of the flattened array).

    >>> import minijax.numpy as jnp
    >>> jnp.take(jnp.array([5.0, 6.0]), jnp.array([1, 2]))
    Array([ 6., nan], dtype=float32)

    Args:
      mode: what an index out of bounds gives: "fill" (nan, or `fill_value`; the default), "clip"
        (the nearest element) or "wrap" (counting on from the other end).
    """
    refuse("take", out=out)
    return _take(a, indices, None if axis is None else operator.index(axis), mode=mode,
                 unique_indices=unique_indices, indices_are_sorted=indices_are_sorted,
                 fill_value=fill_value)


@functools.partial(jit, static_argnames=("axis", "mode", "unique_indices", "indices_are_sorted",
                                         "fill_value"))
def _take(a: Any, indices: Any, axis: int | None = None, mode: str | None = None,
          unique_indices: bool = False, indices_are_sorted: bool = False, fill_value: Any = None
          ) -> Any:
    a, indices = ensure_arrays("take", a, indices)
    a, axis = (ravel(a), 0) if axis is None else (a, canonical_axis(axis, a.ndim))
    n = a.shape[axis]
    shape = (*a.shape[:axis], *indices.shape, *a.shape[axis + 1:])
    if n == 0 and indices.size:
        raise IndexError("Cannot do a non-empty jnp.take() from an empty axis.")
    indices, gather_mode = with_mode(indices, n, mode)
    if indices.size == 0:
        return lax.full_like(a, 0, shape=shape)
    after = range(axis + indices.ndim, a.ndim + indices.ndim - 1)
    numbers = lax.GatherDimensionNumbers(offset_dims=(*range(axis), *after),
                                         collapsed_slice_dims=(axis,), start_index_map=(axis,))
    sizes = tuple(1 if i == axis else m for i, m in enumerate(a.shape))
    return lax.gather(a, lax.expand_dims(indices, (indices.ndim,)), numbers, sizes,
                      mode=gather_mode, unique_indices=unique_indices,
                      indices_are_sorted=indices_are_sorted, fill_value=fill_value)


def with_mode(indices: Any, n: int, mode: str | None) -> tuple[Any, Any]:
    """The indices, and how `gather` shall treat those out of bounds."""
    if mode in (None, "fill"):
        return _where(indices < 0, indices + n, indices), FILL
    if mode == "wrap":
        return mod(indices, of_dtype(n, indices.dtype)), PROMISE
    if mode == "clip":
        return indices, CLIP
    if mode == "raise":
        raise NotImplementedError("The 'raise' mode to jnp.take is not supported.")
    raise ValueError(f"Invalid mode '{mode}' for np.take")


@functools.partial(jit, static_argnames=("axis", "mode", "fill_value", "wrap_negative_indices"))
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1, mode: Any = None,
                    fill_value: Any = None, *, wrap_negative_indices: bool | None = None) -> Any:
    """At each position, the element whose index along `axis` is given there.

    >>> import minijax.numpy as jnp
    >>> x = jnp.array([[3, 1], [2, 4]])
    >>> jnp.take_along_axis(x, jnp.argsort(x, axis=1), axis=1)
    Array([[1, 3],
           [2, 4]], dtype=int32)
    """
    a, indices = ensure_arrays("take_along_axis", arr, indices)
    if dtypes.kind(indices.dtype) not in "iu":
        raise TypeError("take_along_axis indices must be of integer type, got "
                        f"{dtypes.name(indices.dtype)}")
    if axis is None:
        if indices.ndim != 1:
            raise ValueError("take_along_axis indices must be 1D if axis=None, got shape "
                             f"{indices.shape}")
        a, axis = ravel(a), 0
    if a.ndim != indices.ndim:
        raise ValueError("indices and arr must have the same number of dimensions; "
                         f"{indices.ndim} vs. {a.ndim}")
    axis = canonical_axis(axis, a.ndim)
    n = a.shape[axis]
    across = tuple(1 if i == axis else m for i, m in enumerate(a.shape))
    shape = broadcast_shapes(indices.shape, across)
    if n == 0:
        return lax.full_like(a, 0, shape=shape)
    if wrap_negative_indices or (wrap_negative_indices is None and mode != "promise_in_bounds"):
        indices = wrap_negative(indices, n)
    return gather_along(a, indices, axis, shape, "fill" if mode is None else mode, fill_value)


def gather_along(a: Any, indices: Any, axis: int, shape: tuple[int, ...], mode: Any,
                 fill_value: Any) -> Any:
    """Axes on which `indices` has size 1 are taken whole, the others are batch dimensions."""
    whole = [i for i in range(a.ndim) if i != axis and indices.shape[i] == 1]
    dropped = [i for i in range(a.ndim) if i != axis and i not in whole and a.shape[i] == 1]
    in_index = [i for i in range(a.ndim) if i not in whole]
    indices = lax.reshape(indices, [*(shape[i] for i in in_index), 1])
    kept = [i for i in range(a.ndim) if i not in dropped]
    batch = [i for i in kept if i != axis and i not in whole]
    numbers = lax.GatherDimensionNumbers(
        offset_dims=tuple(whole), collapsed_slice_dims=(kept.index(axis),),
        start_index_map=(kept.index(axis),),
        operand_batching_dims=tuple(kept.index(i) for i in batch),
        start_indices_batching_dims=tuple(in_index.index(i) for i in batch))
    sizes = tuple(a.shape[i] if i in whole else min(1, a.shape[i]) for i in kept)
    return lax.gather(lax.squeeze(a, dropped), indices, numbers, sizes, mode=mode,
                      fill_value=fill_value)


def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """At each position, the element there of choices[a]."""
    refuse("choose", out=out)
    check_arraylike("choose", a)
    choices = list(choices)
    check_arraylike("choose", *choices)
    a = as_value(a)
    if dtypes.kind(a.dtype) not in "iu":
        raise ValueError("`a` array must be integer typed")
    n = len(choices)
    if mode == "raise":
        index = concrete(a, "jnp.choose with mode='raise' must look at the indices. Use "
                            "mode='wrap' or mode='clip'.")
        if np.any((index < 0) | (index >= n)):
            raise ValueError("invalid entry in choice array")
    elif mode == "wrap":
        a = mod(a, n)
    elif mode == "clip":
        a = lax.clamp(of_dtype(0, a.dtype), a, of_dtype(n - 1, a.dtype))
    else:
        raise ValueError(f"mode={mode!r} not understood. Must be 'raise', 'wrap', or 'clip'")
    a, *choices = broadcast_all(a, *promote_dtypes(*choices))
    return lax.select_n(lax.convert_element_type(a, np.int32), *choices)


def compress(condition: Any, a: Any, axis: int | None = None, *, size: int | None = None,
             fill_value: Any = 0, out: None = None) -> Any:
    """The slices along `axis` (None: of the flattened array) where the condition holds.

    Args:
      size: the size of the result, filled up with `fill_value`; without it the condition
        cannot be traced.
    """
    refuse("compress", out=out)
    condition, a, fill_value = ensure_arrays("compress", condition, a, fill_value)
    if condition.ndim != 1:
        raise ValueError("condition must be a 1D array")
    a, axis = (ravel(a), 0) if axis is None else (a, canonical_axis(axis, a.ndim))
    n = a.shape[axis]
    if condition.shape[0] > n:
        if np.any(concrete(condition[n:], "jnp.compress must look at what lies out of bounds.")):
            raise ValueError("condition contains entries that are out of bounds")
        condition = condition[:n]
    a = lax.slice_in_dim(a, 0, condition.shape[0], axis=axis)
    condition = condition if condition.dtype.kind == "b" else lax.ne(condition, 0)
    if size is None:
        return a[(slice(None),) * axis + (condition,)]
    column = lax.expand_dims(condition, [i for i in range(a.ndim) if i != axis])
    a = _where(column, a, lax.convert_element_type(fill_value, a.dtype))
    order = lax.sort_key_val(lax.bitwise_not(condition), lax.iota(np.int32, condition.size))[1]
    return lax.slice_in_dim(take(a, order, axis=axis), 0, size, axis=axis)


def extract(condition: Any, arr: Any, *, size: int | None = None, fill_value: Any = 0) -> Any:
    """The elements where the condition holds, in one dimension."""
    return compress(ravel(condition), ravel(arr), size=size, fill_value=fill_value)


# --- putting ---------------------------------------------------------------------------------


def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """The indices along each axis of flat indices into an array of a shape."""
    indices = ensure_array("unravel_index", indices)
    if dtypes.kind(indices.dtype) not in "iu":
        raise TypeError(f"unravel_index: indices must be integers, got {indices.dtype}")
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    out, rest = [], indices
    for n in reversed(shape):
        rest, i = divmod(rest, n)
        out.append((i, n))
    high, low = rest > 0, rest < -1
    return tuple(_where(high, n - 1, _where(low, 0, i)) for i, n in reversed(out))


def ravel_multi_index(multi_index: Any, dims: Any, mode: str = "raise", order: str = "C", *,
                      dtype: Any = None) -> Any:
    """Flat indices from indices along each axis: the inverse of `unravel_index`."""
    if len(multi_index) != len(dims):
        raise ValueError(f"len(multi_index)={len(multi_index)} != len(dims)={len(dims)}")
    sizes = tuple(map(operator.index, dims))
    parts = ensure_arrays("ravel_multi_index", *multi_index)
    if any(dtypes.kind(p.dtype) not in "iu" for p in parts):
        raise TypeError("only int indices permitted")
    if order not in ("C", "F"):
        raise ValueError(f"invalid order={order!r}. Expected 'C' or 'F'")
    parts = [in_bounds(p, n, mode) for p, n in zip(parts, sizes)]
    strides = [math.prod(sizes[i + 1:]) if order == "C" else math.prod(sizes[:i])
               for i in range(len(sizes))]
    total = np.asarray(0, dtypes.result_type(*parts) if dtype is None else dtype)
    out: Any = asarray(total)
    for p, stride in zip(parts, strides):
        out = out + lax.mul(p, of_dtype(stride, p.dtype))
    return out


def in_bounds(index: Any, n: int, mode: str) -> Any:
    if mode == "clip":
        return clip(index, 0, n - 1)
    if mode == "wrap":
        return mod(index, n)
    if mode != "raise":
        raise ValueError(f"invalid mode={mode!r}. Expected 'raise', 'wrap', or 'clip'")
    values = concrete(index, "jnp.ravel_multi_index with mode='raise' must look at the indices. "
                             "Use mode='wrap' or mode='clip'.")
    if np.any((values < 0) | (values >= n)):
        raise ValueError("invalid entry in coordinates array")
    return index


def ix_(*args: Any) -> tuple[Any, ...]:
    """Index arrays that broadcast against each other, for a rectangle of an array."""
    arrays = ensure_arrays("ix", *args)
    out = []
    for i, a in enumerate(arrays):
        if a.ndim != 1:
            raise ValueError("Arguments to jax.numpy.ix_ must be 1-dimensional, got shape "
                             f"{a.shape}")
        if a.dtype.kind == "b":
            raise NotImplementedError("Boolean arguments to jax.numpy.ix_ are not implemented")
        shape = [a.shape[0] if i == j else 1 for j in range(len(arrays))]
        out.append(lax.broadcast_in_dim(a, shape, (i,)))
    return tuple(out)
