"""Cumulative sums and products, and the reductions that ignore nan."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy import reductions
from minijax.numpy.arguments import canonical_axis, ensure_array, refuse
from minijax.numpy.moments import mean, square_modulus, variance_dtypes
from minijax.numpy.promotion import _where
from minijax.numpy.reductions import (
    all,
    check_where,
    identity_value,
    numeric,
    promote_integer_dtype,
)

# --- cumulative reductions -------------------------------------------------------------------


def cumulate(name: str, op: Callable, a: Any, axis: Any, dtype: Any, promote: bool = False,
             nan: Any = None) -> Any:
    """`op` of the elements so far along `axis`; `nan` takes the place of nan."""
    a = ensure_array(name, a)
    if axis is None or a.ndim == 0:
        a, axis = lax.reshape(a, (a.size,)), axis or 0
    axis = canonical_axis(axis, a.ndim)
    if nan is not None:
        a = _where(lax.ne(a, a), of_dtype(nan, a.dtype), a)
    result = a.dtype if dtype is None else dtypes.check_user_dtype_supported(dtype, name, 4)
    if dtype is None and (promote or result.kind == "b"):
        result = promote_integer_dtype(result)
    if result.kind == "b":
        a = lax.ne(a, of_dtype(0, a.dtype))
        return lax.convert_element_type(op(numeric(a), axis), result)
    return op(lax.convert_element_type(a, result), axis)


@functools.partial(jit, static_argnames=("axis", "dtype"))
def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """The sums of the elements so far along `axis` (None: of the flattened array).

    >>> import minijax.numpy as jnp
    >>> jnp.cumsum(jnp.array([1, 2, 3]))
    Array([1, 3, 6], dtype=int32)
    """
    refuse("cumsum", out=out)
    return cumulate("cumsum", lax.cumsum, a, axis, dtype)


@functools.partial(jit, static_argnames=("axis", "dtype"))
def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """The products of the elements so far along `axis` (None: of the flattened array)."""
    refuse("cumprod", out=out)
    return cumulate("cumprod", lax.cumprod, a, axis, dtype)


@functools.partial(jit, static_argnames=("axis", "dtype"))
def _cumsum_with_promotion(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return cumulate("cumulative_sum", lax.cumsum, a, axis, dtype, promote=True)


def cumulative_sum(x: Any, /, *, axis: int | None = None, dtype: Any = None,
                   include_initial: bool = False) -> Any:
    """`cumsum` of an array with one axis or a given one, with a leading 0 if asked for."""
    x, axis = one_axis("cumulative_sum", x, axis)
    out = _cumsum_with_promotion(x, axis=axis, dtype=dtype)
    return with_initial(out, 0, axis) if include_initial else out


def cumulative_prod(x: Any, /, *, axis: int | None = None, dtype: Any = None,
                    include_initial: bool = False) -> Any:
    """`cumprod` of an array with one axis or a given one, with a leading 1 if asked for."""
    x, axis = one_axis("cumulative_prod", x, axis)
    out = cumulate("cumulative_prod", lax.cumprod, x, axis, dtype, promote=True)
    return with_initial(out, 1, axis) if include_initial else out


def one_axis(name: str, x: Any, axis: int | None) -> tuple[Any, int]:
    x = ensure_array(name, x)
    if x.ndim == 0:
        raise ValueError(f"The input must be non-scalar to take a cumulative "
                         f"{'sum' if name.endswith('sum') else 'product'}, however a scalar value "
                         "or scalar array was given.")
    if axis is None:
        if x.ndim > 1:
            raise ValueError(f"The input array has rank {x.ndim}, however axis was not set to an "
                             "explicit value. The axis argument is only optional for "
                             "one-dimensional arrays.")
        axis = 0
    return x, canonical_axis(axis, x.ndim)


def with_initial(x: Any, value: int, axis: int) -> Any:
    shape = tuple(1 if i == axis else n for i, n in enumerate(x.shape))
    return lax.concatenate([lax.full_like(x, value, shape=shape), x], axis)


# --- without nan -----------------------------------------------------------------------------


@functools.partial(jit, static_argnames=("axis", "dtype"))
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """`cumsum` with nan counted as 0."""
    refuse("nancumsum", out=out)
    return cumulate("nancumsum", lax.cumsum, a, axis, dtype, nan=0)


@functools.partial(jit, static_argnames=("axis", "dtype"))
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """`cumprod` with nan counted as 1."""
    refuse("nancumprod", out=out)
    return cumulate("nancumprod", lax.cumprod, a, axis, dtype, nan=1)


def without_nan(name: str, kind: reductions.Reducer, a: Any, axis: Any, keepdims: bool, where: Any,
                dtype: Any = None, initial: Any = None, mark: bool = False) -> Any:
    """A reduction to which nan is the identity. With `mark`, what had only nan is nan."""
    a, where = ensure_array(name, a), check_where(name, where)
    if not dtypes.is_inexact(a.dtype):
        return reductions.reduce(kind, a, axis, dtype, None, keepdims, initial, where)
    filled = _where(lax.ne(a, a), identity_value(kind.identity, a.dtype), a)
    out = reductions.reduce(kind, filled, axis, dtype, None, keepdims, initial, where)
    if not mark:
        return out
    missing = all(lax.ne(a, a), axis, keepdims=keepdims)
    return _where(missing, of_dtype(np.nan, a.dtype), out)


@functools.partial(jit, static_argnames=("axis", "keepdims"))
def nanmin(a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
           where: Any = None) -> Any:
    """The smallest element that is not nan; nan if there is none."""
    refuse("nanmin", out=out)
    return without_nan("nanmin", reductions.MIN, a, axis, keepdims, where, None, initial,
                       mark=initial is None)


@functools.partial(jit, static_argnames=("axis", "keepdims"))
def nanmax(a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
           where: Any = None) -> Any:
    """The largest element that is not nan; nan if there is none."""
    refuse("nanmax", out=out)
    return without_nan("nanmax", reductions.MAX, a, axis, keepdims, where, None, initial,
                       mark=initial is None)


@functools.partial(jit, static_argnames=("axis", "dtype", "keepdims"))
def nansum(a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
           initial: Any = None, where: Any = None) -> Any:
    """The sum of what is not nan."""
    refuse("nansum", out=out)
    return without_nan("nansum", reductions.SUM, a, axis, keepdims, where, dtype, initial)


@functools.partial(jit, static_argnames=("axis", "dtype", "keepdims"))
def nanprod(a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
            initial: Any = None, where: Any = None) -> Any:
    """The product of what is not nan."""
    refuse("nanprod", out=out)
    return without_nan("nanprod", reductions.PROD, a, axis, keepdims, where, dtype, initial)


@functools.partial(jit, static_argnames=("axis", "dtype", "keepdims"))
def nanmean(a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
            where: Any = None) -> Any:
    """The mean of what is not nan.

    >>> import minijax.numpy as jnp
    >>> jnp.nanmean(jnp.array([1.0, jnp.nan, 3.0]))
    Array(2., dtype=float32)
    """
    refuse("nanmean", out=out)
    a, where = ensure_array("nanmean", a), check_where("nanmean", where)
    if not dtypes.is_inexact(a.dtype):
        return mean(a, axis, dtype, keepdims=keepdims, where=where)
    dtype = a.dtype if dtype is None else dtypes.check_user_dtype_supported(dtype, "mean")
    present = lax.bitwise_not(lax.ne(a, a))
    n = reductions.sum(present, axis, dtype=dtype, keepdims=keepdims, where=where)
    return lax.div(nansum(a, axis, dtype=dtype, keepdims=keepdims, where=where), n)


@functools.partial(jit, static_argnames=("axis", "dtype", "keepdims"))
def nanvar(a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: Any = 0,
           keepdims: bool = False, where: Any = None, mean: Any = None) -> Any:
    """The variance of what is not nan."""
    refuse("nanvar", out=out)
    a, where = ensure_array("nanvar", a), check_where("nanvar", where)
    if dtype is not None:
        dtype = dtypes.check_user_dtype_supported(dtype, "nanvar")
    wide, dtype = variance_dtypes(a.dtype, dtype)
    a = lax.convert_element_type(a, wide)
    if mean is None:
        mean = nanmean(a, axis, dtype=wide, keepdims=True, where=where)
    deviations = _where(lax.ne(a, a), 0, lax.sub(a, lax.convert_element_type(mean, wide)))
    squares = square_modulus(deviations)
    n = reductions.sum(lax.bitwise_not(lax.ne(a, a)), axis, keepdims=keepdims, where=where) - ddof
    undefined = lax.le(n, 0)
    total = reductions.sum(squares, axis, keepdims=keepdims, where=where)
    total, n = _where(undefined, np.nan, total), _where(undefined, 1, n)
    return lax.convert_element_type(lax.div(total, lax.convert_element_type(n, total.dtype)), dtype)


@functools.partial(jit, static_argnames=("axis", "dtype", "keepdims"))
def nanstd(a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: Any = 0,
           keepdims: bool = False, where: Any = None, mean: Any = None) -> Any:
    """The standard deviation of what is not nan."""
    refuse("nanstd", out=out)
    return lax.sqrt(nanvar(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean))
