"""The diagonals of matrices."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import canonical_axis, ensure_array, refuse
from minijax.numpy.promotion import _where
from minijax.numpy.ranges import arange, eye, tril, triu
from minijax.numpy.reductions import sum
from minijax.numpy.searching import nonzero
from minijax.numpy.shaping import moveaxis, ravel


@functools.partial(jit, static_argnames=("offset", "axis1", "axis2"))
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of the matrices in two axes; they run along the last axis of the result.

    >>> import minijax.numpy as jnp
    >>> jnp.diagonal(jnp.arange(6).reshape(2, 3), offset=1)
    Array([1, 5], dtype=int32)
    """
    a = ensure_array("diagonal", a)
    if a.ndim < 2:
        raise ValueError("diagonal requires an array of at least two dimensions.")
    n, m = (a.shape[canonical_axis(i, a.ndim)] for i in (axis1, axis2))
    a = moveaxis(a, (axis1, axis2), (-2, -1))
    size = max(0, min(n + min(offset, 0), m - max(offset, 0)))
    near, far = arange(size), arange(abs(offset), abs(offset) + size)
    return a[..., near, far] if offset >= 0 else a[..., far, near]


def diag(v: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix with a vector on its k-th diagonal."""
    return _diag(ensure_array("diag", v), operator.index(k))


@functools.partial(jit, static_argnums=1)
def _diag(v: Any, k: int) -> Any:
    if v.ndim == 2:
        return diagonal(v, offset=k)
    if v.ndim != 1:
        raise ValueError("diag input must be 1d or 2d")
    zero = of_dtype(0, v.dtype)
    v = lax.pad(v, zero, ((max(0, -k), max(0, k), 0),))
    return _where(eye(v.shape[0], k=k, dtype=bool), lax.expand_dims(v, (1,)), zero)


def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with the elements of `v` on its k-th diagonal."""
    return _diag(ravel(v), operator.index(k))


@functools.partial(jit, static_argnames=("offset", "axis1", "axis2", "dtype"))
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None,
          out: None = None) -> Any:
    """The sum of the diagonal of the matrices in two axes."""
    refuse("trace", out=out)
    a = ensure_array("trace", a)
    i, j = canonical_axis(axis1, a.ndim), canonical_axis(axis2, a.ndim)
    if i == j:
        raise ValueError(f"axis1 and axis2 can not be same. axis1={axis1} and axis2={axis2}")
    if dtype is not None:
        dtype = dtypes.check_user_dtype_supported(dtype, "trace")
    a = moveaxis(a, (i, j), (-2, -1))
    on_it = eye(a.shape[-2], a.shape[-1], offset, bool)
    return sum(_where(on_it, a, lax.full_like(a, 0)), axis=(-2, -1), dtype=dtype)


# --- their indices ---------------------------------------------------------------------------


def diag_indices(n: int, ndim: int = 2) -> tuple[Any, ...]:
    """The indices of the diagonal of an array with `ndim` axes of size n."""
    if n < 0 or ndim < 0:
        raise ValueError(f"arguments to diag_indices must be nonnegative, got {n} and {ndim}")
    return (lax.iota(dtypes.default_int_dtype(), operator.index(n)),) * ndim


def diag_indices_from(arr: Any) -> tuple[Any, ...]:
    """The indices of the diagonal of `arr`."""
    arr = ensure_array("diag_indices_from", arr)
    if arr.ndim < 2:
        raise ValueError("input array must be at least 2-d")
    if len(set(arr.shape)) != 1:
        raise ValueError("All dimensions of input must be of equal length")
    return diag_indices(arr.shape[0], arr.ndim)


def mask_indices(n: int, mask_func: Any, k: int = 0, *, size: int | None = None
                 ) -> tuple[Any, ...]:
    """The indices where mask_func(ones((n, n)), k) is not zero."""
    return nonzero(mask_func(lax.full((n, n), 1.0, np.float32), k), size=size)


def triangle_indices(fun: Any, n: int, k: int, m: int | None) -> tuple[Any, ...]:
    shape = operator.index(n), operator.index(n if m is None else m)
    size = int(np.sum(getattr(np, fun.__name__)(np.ones(shape, bool), k)))
    return nonzero(fun(lax.full(shape, 1.0, np.float32), k=k), size=size)


def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Any, ...]:
    """The indices of the lower triangle of a matrix of shape (n, m)."""
    return triangle_indices(tril, n, k, m)


def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Any, ...]:
    """The indices of the upper triangle of a matrix of shape (n, m)."""
    return triangle_indices(triu, n, k, m)


def matrix_shape(arr: Any) -> tuple[int, ...]:
    shape = arr.shape if hasattr(arr, "shape") else ensure_array("tril_indices_from", arr).shape
    if len(shape) != 2:
        raise ValueError("Only 2-D inputs are accepted")
    return shape


def tril_indices_from(arr: Any, k: int = 0) -> tuple[Any, ...]:
    """The indices of the lower triangle of `arr`."""
    n, m = matrix_shape(arr)
    return tril_indices(n, k, m)


def triu_indices_from(arr: Any, k: int = 0) -> tuple[Any, ...]:
    """The indices of the upper triangle of `arr`."""
    n, m = matrix_shape(arr)
    return triu_indices(n, k, m)
