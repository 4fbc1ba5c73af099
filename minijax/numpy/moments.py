"""Means, variances and standard deviations along axes."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.numpy.arguments import canonical_axes, ensure_array, ensure_arrays, refuse
from minijax.numpy.promotion import _where, broadcast_to, promote_inexact
from minijax.numpy.reductions import check_where, concrete_axes, static_axis, sum, upcast_f16


def mean(a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False, *,
         where: Any = None) -> Any:
    """The mean over `axis`, in floats.

    >>> import minijax.numpy as jnp
    >>> jnp.mean(jnp.arange(6).reshape(2, 3), axis=0)
    Array([1.5, 2.5, 3.5], dtype=float32)
    """
    refuse("mean", out=out)
    a, where = ensure_array("mean", a), check_where("mean", where)
    if dtype is None:
        result_dtype = dtypes.to_inexact_dtype(a.dtype)
        wide = upcast_f16(result_dtype)
    else:
        wide = result_dtype = dtypes.check_user_dtype_supported(dtype, "mean")
    n = count(a, axis, keepdims, where, wide)
    total = sum(a, axis, dtype=wide, keepdims=keepdims, where=where)
    return lax.convert_element_type(lax.div(total, n), result_dtype)


def count(a: Any, axis: Any, keepdims: bool, where: Any, dtype: np.dtype) -> Any:
    """How many elements are reduced to one."""
    if where is not None:
        return sum(broadcast_to(where, a.shape), axis, dtype=dtype, keepdims=keepdims)
    return np.array(math.prod(a.shape[i] for i in concrete_axes(axis, a.ndim, "mean")), dtype)


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False,
            keepdims: bool = False) -> Any:
    """The mean, or with `weights` (of the shape of `a`, or of its `axis`) the weighted mean."""
    if weights is None:
        (a,) = promote_inexact(ensure_array("average", a))
        out = mean(a, axis, keepdims=keepdims)
        total = lax.full((), count(a, axis, False, None, out.dtype), out.dtype)
    else:
        a, weights = promote_inexact(*ensure_arrays("average", a, weights))
        if a.shape != weights.shape:
            weights = spread_weights(a, weights, axis)
        total = sum(weights, axis, keepdims=keepdims)
        out = sum(a * weights, axis, keepdims=keepdims) / total
    return (out, broadcast_to(total, out.shape)) if returned else out


def spread_weights(a: Any, weights: Any, axis: Any) -> Any:
    if axis is None:
        raise ValueError("Axis must be specified when shapes of a and weights differ.")
    axes = canonical_axes(axis, a.ndim)
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise ValueError("Shape of weights must be consistent with shape of a along specified "
                         "axis.")
    shape = [n if i in axes else 1 for i, n in enumerate(a.shape)]
    order = sorted(range(len(axes)), key=lambda i: axes[i])
    return lax.reshape(weights, shape, order if weights.ndim > 1 else None)


def var(a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: int = 0,
        keepdims: bool = False, *, where: Any = None, mean: Any = None, correction: Any = None
        ) -> Any:
    """The variance over `axis`: the sum of squared deviations, over the number less `ddof`."""
    refuse("var", out=out)
    return _var(ensure_array("var", a), axis=static_axis(axis), dtype=dtype,
                correction=one_correction(ddof, correction), keepdims=keepdims, where=where,
                a_mean=mean)


def one_correction(ddof: Any, correction: Any) -> Any:
    if correction is None:
        return ddof
    if not isinstance(ddof, int) or ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return correction


@functools.partial(jit, static_argnames=("axis", "dtype", "keepdims"))
def _var(a: Any, *, axis: Any = None, dtype: Any = None, correction: Any = 0,
         keepdims: bool = False, where: Any = None, a_mean: Any = None) -> Any:
    where = check_where("var", where)
    if dtype is not None:
        dtype = dtypes.check_user_dtype_supported(dtype, "var")
    wide, result_dtype = variance_dtypes(a.dtype, dtype)
    a = lax.convert_element_type(a, wide)
    if a_mean is None:
        a_mean = mean(a, axis, dtype=wide, keepdims=True, where=where)
    squares = square_modulus(lax.sub(a, lax.convert_element_type(a_mean, wide)))
    wide = squares.dtype
    n = count(a, axis, keepdims, where, wide)
    n = lax.sub(n, lax.convert_element_type(correction, wide))
    total = sum(squares, axis, dtype=wide, keepdims=keepdims, where=where)
    out = lax.convert_element_type(lax.div(total, n), result_dtype)
    return _where(lax.gt(n, 0), out, np.nan)


def square_modulus(x: Any) -> Any:
    """|x|**2, of a real dtype."""
    return lax.real(lax.mul(x, lax.conj(x))) if x.dtype.kind == "c" else lax.square(x)


def variance_dtypes(dtype: np.dtype, asked: Any) -> tuple[np.dtype, np.dtype]:
    """The dtype to compute a variance in, and that of the result."""
    if asked is not None:
        if dtypes.kind(dtype) == "c" != dtypes.kind(asked):
            raise ValueError("jax.numpy.var does not yet support real dtype parameters when "
                             "computing the variance of an array of complex values.")
        return upcast_f16(asked), asked
    inexact = dtypes.to_inexact_dtype(dtype)
    result = dtypes.to_floating_dtype(inexact) if dtypes.kind(inexact) == "c" else inexact
    return upcast_f16(inexact), result


def std(a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: int = 0,
        keepdims: bool = False, *, where: Any = None, mean: Any = None, correction: Any = None
        ) -> Any:
    """The standard deviation over `axis`: the square root of `var`."""
    refuse("std", out=out)
    return _std(ensure_array("std", a), axis=static_axis(axis), dtype=dtype,
                correction=one_correction(ddof, correction), keepdims=keepdims, where=where,
                mean=mean)


@functools.partial(jit, static_argnames=("axis", "dtype", "keepdims"))
def _std(a: Any, *, axis: Any = None, dtype: Any = None, correction: Any = 0,
         keepdims: bool = False, where: Any = None, mean: Any = None) -> Any:
    if dtype is not None:
        dtype = dtypes.check_user_dtype_supported(dtype, "std")
        if not dtypes.is_inexact(dtype):
            raise ValueError(f"dtype argument to jnp.std must be inexact; got {dtype}")
    return lax.sqrt(var(a, axis, dtype, correction=correction, keepdims=keepdims, where=where,
                        mean=mean))
