"""Finding elements: the largest, those that are not zero, and the place of one among others."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.core import ArrayImpl
from minijax.jit import jit
from minijax.numpy.arguments import (
    canonical_axis,
    check_arraylike,
    concrete,
    ensure_array,
    ensure_arrays,
    refuse,
)
from minijax.numpy.arithmetic import floor_divide, remainder
from minijax.numpy.creation import asarray
from minijax.numpy.cumulative import cumsum
from minijax.numpy.joining import vstack
from minijax.numpy.promotion import _where, broadcast_all, promote_dtypes
from minijax.numpy.reductions import all, sum
from minijax.numpy.selecting import clip
from minijax.numpy.shaping import atleast_1d, ravel, transpose

# --- extrema ---------------------------------------------------------------------------------


def arg_extremum(name: str, op: Any, a: Any, axis: Any, out: None, keepdims: Any) -> Any:
    refuse(name, out=out)
    a = ensure_array(name, a)
    kept = range(a.ndim)
    if axis is None:
        a, axis = ravel(a), 0
    else:
        axis = canonical_axis(axis, a.ndim)
        kept = range(axis, axis + 1)
    if a.shape[axis] == 0:
        raise ValueError(f"attempt to get {name} of an empty sequence")
    found = op(a, axis, dtypes.default_int_dtype())
    return lax.expand_dims(found, kept) if keepdims else found


def argmax(a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None) -> Any:
    """The index of the (first) largest element along `axis` (None: of the flattened array).

    >>> import minijax.numpy as jnp
    >>> jnp.argmax(jnp.array([[1, 5], [7, 3]]), axis=1)
    Array([1, 0], dtype=int32)
    """
    return arg_extremum("argmax", lax.argmax, a, axis, out, keepdims)


def argmin(a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None) -> Any:
    """The index of the (first) smallest element along `axis` (None: of the flattened array)."""
    return arg_extremum("argmin", lax.argmin, a, axis, out, keepdims)


def nan_arg_extremum(op: Any, worst: float, a: Any, axis: Any, keepdims: bool) -> Any:
    """-1 where there is nothing but nan."""
    if not dtypes.is_inexact(a.dtype):
        return op(a, axis, keepdims=keepdims)
    missing = lax.ne(a, a)
    found = op(_where(missing, worst, a), axis, keepdims=keepdims)
    return _where(all(missing, axis, keepdims=keepdims), -1, found)


def nanargmax(a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None
              ) -> Any:
    """The index of the largest element that is not nan; -1 if there is none."""
    refuse("nanargmax", out=out)
    return _nanargmax(ensure_array("nanargmax", a), axis, bool(keepdims))


def nanargmin(a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None
              ) -> Any:
    """The index of the smallest element that is not nan; -1 if there is none."""
    refuse("nanargmin", out=out)
    return _nanargmin(ensure_array("nanargmin", a), axis, bool(keepdims))


@functools.partial(jit, static_argnums=(1, 2))
def _nanargmax(a: Any, axis: int | None, keepdims: bool) -> Any:
    return nan_arg_extremum(argmax, -np.inf, a, axis, keepdims)


@functools.partial(jit, static_argnums=(1, 2))
def _nanargmin(a: Any, axis: int | None, keepdims: bool) -> Any:
    return nan_arg_extremum(argmin, np.inf, a, axis, keepdims)


# --- what is not zero ------------------------------------------------------------------------


def nonzero(a: Any, *, size: int | None = None, fill_value: Any = None) -> tuple[Any, ...]:
    """The indices of the elements that are not zero: one array for each axis.

    >>> import minijax.numpy as jnp
    >>> jnp.nonzero(jnp.array([0, 3, 4]))
    (Array([1, 2], dtype=int32),)

    Args:
      size: the size of the arrays, needed where `a` is traced; they are cut, or filled up with
        `fill_value` (0).
    """
    a = ensure_array("nonzero", a)
    if a.ndim == 0:
        raise ValueError("Calling nonzero on 0d arrays is not allowed. Use "
                         "jnp.atleast_1d(scalar).nonzero() instead.")
    if size is None:
        values = concrete(a, "The size argument of jnp.nonzero must be statically specified to use "
                             "jnp.nonzero within JAX transformations.")
        return tuple(ArrayImpl(i.astype(dtypes.default_int_dtype())) for i in np.nonzero(values))
    size = operator.index(size)
    if a.size == 0 or size == 0:
        return tuple(lax.full((size,), 0, dtypes.default_int_dtype()) for _ in a.shape)
    mask = a if a.dtype.kind == "b" else lax.ne(a, 0)
    flat = cumsum(bincount(cumsum(mask), length=size))
    strides = [np.int32(a.size // np.prod(a.shape[:i + 1])) for i in range(a.ndim)]
    out = [remainder(floor_divide(flat, s), n) for s, n in zip(strides, a.shape)]
    if fill_value is not None:
        fills = fill_value if isinstance(fill_value, tuple) else (fill_value,) * a.ndim
        if any(np.ndim(f) for f in fills):
            raise ValueError(f"fill_value must be a scalar or a tuple of length {a.ndim}; got "
                             f"{fill_value}")
        beyond = lax.iota(dtypes.default_int_dtype(), size) >= sum(mask)
        out = [_where(beyond, f, i) for f, i in zip(fills, out)]
    return tuple(out)


def where(condition: Any, x: Any = None, y: Any = None, /, *, size: int | None = None,
          fill_value: Any = None) -> Any:
    """x where the condition holds, y elsewhere; without x and y the same as `nonzero`.

    >>> import minijax.numpy as jnp
    >>> jnp.where(jnp.array([True, False]), 1.0, jnp.array([7.0, 8.0]))
    Array([1., 8.], dtype=float32)
    """
    if x is None and y is None:
        return nonzero(condition, size=size, fill_value=fill_value)
    check_arraylike("where", condition, x, y)
    if size is not None or fill_value is not None:
        raise ValueError("size and fill_value arguments cannot be used in three-term where "
                         "function.")
    return _where(condition, x, y)


def flatnonzero(a: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The indices of the elements of the flattened array that are not zero."""
    return nonzero(ravel(a), size=size, fill_value=fill_value)[0]


def argwhere(a: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The indices of the elements that are not zero, one in each row."""
    a = ensure_array("argwhere", a)
    out = transpose(vstack(nonzero(atleast_1d(a), size=size, fill_value=fill_value)))
    return lax.slice_in_dim(out, 0, 0, axis=1) if a.ndim == 0 else out


# --- among sorted elements -------------------------------------------------------------------


@functools.partial(jit, static_argnames=("side", "method"))
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None, *, method: str = "scan"
                 ) -> Any:
    """Where `v` would go in the sorted `a`: before equal elements ("left") or after them.

    >>> import minijax.numpy as jnp
    >>> jnp.searchsorted(jnp.array([1, 2, 2, 3]), jnp.array([2, 5]))
    Array([1, 4], dtype=int32)

    Args:
      method: "scan" or "scan_unrolled" (binary search), "compare_all" (faster for a small `a`),
        or "sort" (faster for many `v`).
    """
    a, v = ensure_arrays("searchsorted", a, v)
    if side not in ("left", "right"):
        raise ValueError(f"{side!r} is an invalid value for keyword 'side'. Expected one of "
                         "['left', 'right'].")
    if method not in SEARCHES:
        raise ValueError(f"{method!r} is an invalid value for keyword 'method'. Expected one of "
                         f"{[*SEARCHES]}.")
    if a.ndim != 1:
        raise ValueError("a should be 1-dimensional")
    a, v = promote_dtypes(a, v)
    if sorter is not None:
        a = a[sorter]
    if a.size == 0:
        return lax.full_like(v, 0, dtype=np.int32)
    return SEARCHES[method](a, v, side)


def comes_before(x: Any, v: Any, side: str) -> Any:
    """Whether x stands before the place of v. nan is larger than everything."""
    if side == "left":
        before = x < v
        return before | ((v != v) & (x == x)) if dtypes.is_inexact(x.dtype) else before
    after = v < x
    return ~(after | ((x != x) & (v == v)) if dtypes.is_inexact(x.dtype) else after)


def binary_search(a: Any, v: Any, side: str) -> Any:
    """How many elements come before, found bit by bit from the highest."""
    n = a.shape[0]
    found = lax.full_like(v, 0, dtype=np.int32)
    for bit in reversed(range(n.bit_length())):
        step = found + (1 << bit)
        x = a.at[lax.min(step, np.int32(n)) - 1].get(mode="promise_in_bounds",
                                                     wrap_negative_indices=False)
        found = _where((step <= n) & comes_before(x, v, side), step, found)
    return found


def compare_all(a: Any, v: Any, side: str) -> Any:
    x, v = broadcast_all(lax.expand_dims(a, range(1, v.ndim + 1)), v)
    return sum(comes_before(x, v, side), axis=0, dtype=np.int32)


def search_by_sorting(a: Any, v: Any, side: str) -> Any:
    """Sort both together: the place of v is its place there, less the other v before it."""
    flat = ravel(v)
    n, m = a.shape[0], flat.shape[0]
    joined = lax.concatenate([flat, a] if side == "left" else [a, flat], 0)
    index = lax.iota(np.int32, n + m)
    is_v = index < m if side == "left" else index >= n
    _, is_v, index = lax.sort((joined, is_v, index), num_keys=1)
    before = cumsum(lax.bitwise_not(is_v))
    place = lax.full((n + m,), 0, np.int32).at[index].set(before)
    return lax.reshape(place[:m] if side == "left" else place[n:], v.shape)


SEARCHES = {"scan": binary_search, "scan_unrolled": binary_search, "compare_all": compare_all,
            "sort": search_by_sorting}


@functools.partial(jit, static_argnames=("right", "method"))
def digitize(x: Any, bins: Any, right: bool = False, *, method: str | None = None) -> Any:
    """Which of the bins between sorted edges each element falls into.

    Args:
      right: whether a bin contains its right edge instead of its left one.
    """
    x, bins = ensure_arrays("digitize", x, bins)
    if bins.ndim != 1:
        raise ValueError(f"digitize: bins must be a 1-dimensional array; got {bins=}")
    n = bins.shape[0]
    if n == 0:
        return lax.full_like(x, 0, dtype=np.int32)
    side, method = "left" if right else "right", method or "scan"
    rising = bins[-1] >= bins[0]
    return _where(rising, searchsorted(bins, x, side=side, method=method),
                  n - searchsorted(bins[::-1], x, side=side, method=method))


def bincount(x: Any, weights: Any = None, minlength: int = 0, *, length: int | None = None,
             out_sharding: Any = None) -> Any:
    """How often each of 0, 1, 2, ... occurs in `x`, or the sum of its weights.

    Args:
      length: the size of the result, needed where `x` is traced; larger elements are dropped.
    """
    x = ensure_array("bincount", x)
    if x.dtype.kind == "b":
        x = lax.convert_element_type(x, np.int32)
    if dtypes.kind(x.dtype) not in "iu":
        raise TypeError(f"x argument to bincount must have an integer type; got {x.dtype}")
    if x.ndim != 1:
        raise ValueError("only 1-dimensional input supported.")
    if length is None:
        values = concrete(x, "The error occurred because of argument 'x' of jnp.bincount. To avoid "
                             "this error, pass a static `length` argument.")
        length = max(operator.index(minlength), max(0, int(values.max())) + 1 if x.size else 0)
    if weights is None:
        weights = np.array(1, dtypes.default_int_dtype())
    else:
        weights = asarray(weights)
        if weights.shape != x.shape:
            raise ValueError("shape of weights must match shape of x.")
    zeros = lax.full((operator.index(length),), 0, weights.dtype)
    return zeros.at[clip(x, 0)].add(weights, mode="drop")


