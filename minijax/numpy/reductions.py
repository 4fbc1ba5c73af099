"""Sums, extrema and moments along axes."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minijax import dtypes, lax
from minijax.core import Tracer
from minijax.jit import jit
from minijax.numpy.promotion import (
    _where,
    broadcast_to,
    canonical_axes,
    canonical_axis,
    concrete,
    ensure_array,
    ensure_arrays,
    promote_inexact,
    promote_numeric,
    refuse,
)

# --- one reduction -------------------------------------------------------------------------------


class Reducer(NamedTuple):
    """What a reduction does: `reduce(x, axes)`, and `combine(x, y)` of two results."""

    name: str
    reduce: Callable
    combine: Callable
    identity: Any
    prepare: Callable = lambda x: x
    has_identity: bool = True
    promotes: bool = False  # narrow integers sum up in the default integer dtype
    upcast: bool = False  # and 16-bit floats in float32
    bool_reduce: Callable | None = None  # for Booleans

    @property
    def on_bool(self) -> Callable:
        return self.bool_reduce or self.reduce


def numeric(x: Any) -> Any:
    return promote_numeric(x)[0]


def as_bool(x: Any) -> Any:
    return lax.convert_element_type(lax.real(x) if x.dtype.kind == "c" else x, np.bool_)


SUM = Reducer("sum", lax.reduce_sum, lax.add, 0, numeric, promotes=True, upcast=True,
              bool_reduce=lax.reduce_or)
PROD = Reducer("prod", lax.reduce_prod, lax.mul, 1, numeric, promotes=True, upcast=True,
               bool_reduce=lax.reduce_and)
MAX = Reducer("max", lax.reduce_max, lax.max, -np.inf, has_identity=False)
MIN = Reducer("min", lax.reduce_min, lax.min, np.inf, has_identity=False)
ALL = Reducer("all", lax.reduce_and, lax.bitwise_and, True, as_bool)
ANY = Reducer("any", lax.reduce_or, lax.bitwise_or, False, as_bool)


def reduce(kind: Reducer, a: Any, axis: Any, dtype: Any = None, out: None = None,
           keepdims: bool = False, initial: Any = None, where: Any = None,
           promote_integers: bool = True) -> Any:
    """Reduce over `axis` (None: all), where `where` holds, starting from `initial`."""
    name = kind.name
    if out is not None:
        refuse(name, out=out)
    a = ensure_array(name, a)
    where = check_where(name, where)
    axes = concrete_axes(axis, a.ndim, name)
    if initial is None and not kind.has_identity:
        if where is not None:
            raise ValueError(f"reduction operation {name} does not have an identity, so to use a "
                             "where mask one has to specify 'initial'")
        if 0 in [a.shape[i] for i in axes]:
            raise ValueError(f"zero-size array to reduction operation {name} which has no identity")
    a = kind.prepare(a)
    result_dtype = a.dtype
    if dtype is not None:
        result_dtype = dtypes.check_user_dtype_supported(dtype, name, 5)
    elif kind.promotes and promote_integers:
        result_dtype = promote_integer_dtype(result_dtype)
    wide = upcast_f16(result_dtype) if kind.upcast and dtype is None else result_dtype
    a = lax.convert_element_type(a, wide)
    if where is not None:
        a = _where(where, a, identity_value(kind.identity, a.dtype))
    result = (kind.on_bool if a.dtype.kind == "b" else kind.reduce)(a, axes)
    if initial is not None:
        initial = lax.convert_element_type(initial, a.dtype)
        if np.shape(initial):
            raise ValueError("initial value must be a scalar. Got array of shape "
                             f"{np.shape(initial)}")
        result = kind.combine(initial, result)
    if keepdims:
        result = lax.expand_dims(result, axes)
    return lax.convert_element_type(result, result_dtype)


def check_where(name: str, where: Any) -> Any:
    if where is None:
        return None
    where = ensure_array(name, where)
    if where.dtype.kind != "b":
        raise ValueError(f"jnp.{name}: where must be None or a boolean array; got "
                         f"where.dtype={where.dtype}.")
    return where


def concrete_axes(axis: Any, ndim: int, name: str) -> tuple[int, ...]:
    """The axes to reduce, from the front. They cannot be traced."""
    if isinstance(axis, Tracer):
        axis = concrete(axis, f"The axis argument of jnp.{name} must be known: make it static "
                              "(static_argnums).")
    if axis is None:
        return tuple(range(ndim))
    try:
        axes: Any = (operator.index(axis),)
    except TypeError:
        axes = tuple(axis)
    out = tuple(canonical_axis(i, ndim) for i in axes)
    if len(set(out)) != len(out):
        raise ValueError(f"duplicate value in 'axis': {axes}")
    return out


def promote_integer_dtype(dtype: np.dtype) -> np.dtype:
    """At least as wide as the default integer."""
    kind, default = dtypes.kind(dtype), dtypes.default_int_dtype()
    if kind == "b":
        return default
    if kind in "iu" and dtype.itemsize < default.itemsize:
        return default if kind == "i" else np.dtype(f"u{default.name}")
    return dtype


def upcast_f16(dtype: np.dtype) -> np.dtype:
    wide = dtypes.kind(dtype) == "f" and dtype.itemsize == 2
    return np.dtype(np.float32) if wide else dtype


def identity_value(value: Any, dtype: np.dtype) -> np.ndarray:
    """The identity of a reduction in a dtype: infinity becomes its largest number."""
    kind = dtypes.kind(dtype)
    if kind in "biu" and np.isinf(value):
        if kind == "b":
            return np.array(value > 0)
        info = dtypes.iinfo(dtype)
        return np.array(info.max if value > 0 else info.min, dtype)
    return np.array(value, dtype)


# --- the functions -------------------------------------------------------------------------------


def sum(a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
        initial: Any = None, where: Any = None, promote_integers: bool = True) -> Any:
    """The sum over `axis`: one axis, several, or (None) all of them.

    >>> import minijax.numpy as jnp
    >>> jnp.sum(jnp.arange(6).reshape(2, 3), axis=1)
    Array([ 3, 12], dtype=int32)
    """
    return reduce(SUM, a, axis, dtype, out, keepdims, initial, where, promote_integers)


def prod(a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
         initial: Any = None, where: Any = None, promote_integers: bool = True) -> Any:
    """The product over `axis`."""
    return reduce(PROD, a, axis, dtype, out, keepdims, initial, where, promote_integers)


def max(a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
        where: Any = None) -> Any:
    """The largest element along `axis`; nan if there is one."""
    return reduce(MAX, a, axis, None, out, keepdims, initial, where)


def min(a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
        where: Any = None) -> Any:
    """The smallest element along `axis`; nan if there is one."""
    return reduce(MIN, a, axis, None, out, keepdims, initial, where)


amax, amin = max, min


def all(a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = None
        ) -> Any:
    """Whether all elements along `axis` are not zero."""
    return reduce(ALL, a, axis, None, out, keepdims, None, where)


def any(a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = None
        ) -> Any:
    """Whether any element along `axis` is not zero."""
    return reduce(ANY, a, axis, None, out, keepdims, None, where)


def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """Peak to peak: max - min."""
    refuse("ptp", out=out)
    return _ptp(ensure_array("ptp", a), static_axis(axis), keepdims)


@functools.partial(jit, static_argnames=("axis", "keepdims"))
def _ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return lax.sub(max(a, axis, keepdims=keepdims), min(a, axis, keepdims=keepdims))


@functools.partial(jit, static_argnames=("axis", "keepdims"))
def count_nonzero(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """How many elements along `axis` are not zero."""
    a = ensure_array("count_nonzero", a)
    return sum(lax.ne(a, 0), axis, dtype=dtypes.default_int_dtype(), keepdims=keepdims)


def static_axis(axis: Any) -> Any:
    """`axis` as a hashable value."""
    if axis is None or isinstance(axis, (int, Tracer)):
        return axis
    try:
        return operator.index(axis)
    except TypeError:
        return tuple(operator.index(i) for i in axis)


# --- moments -------------------------------------------------------------------------------------


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
