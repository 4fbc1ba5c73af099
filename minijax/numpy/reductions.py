"""Sums, extrema and moments along axes."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minijax import dtypes, lax
from minijax.core import ArrayImpl, Tracer
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import canonical_axis, concrete, ensure_array, refuse
from minijax.numpy.promotion import _where, promote_numeric

# --- one reduction ---------------------------------------------------------------------------


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


def identity_value(value: Any, dtype: np.dtype) -> ArrayImpl:
    """The identity of a reduction in a dtype: infinity becomes its largest number."""
    kind = dtypes.kind(dtype)
    if kind in "biu" and np.isinf(value):
        if kind == "b":
            return of_dtype(value > 0, dtype)
        info = dtypes.iinfo(dtype)
        return of_dtype(info.max if value > 0 else info.min, dtype)
    return of_dtype(value, dtype)


# --- the functions ---------------------------------------------------------------------------


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
    nonzero = lax.ne(a, of_dtype(0, a.dtype))
    return sum(nonzero, axis, dtype=dtypes.default_int_dtype(), keepdims=keepdims)


def static_axis(axis: Any) -> Any:
    """`axis` as a hashable value."""
    if axis is None or isinstance(axis, (int, Tracer)):
        return axis
    try:
        return operator.index(axis)
    except TypeError:
        return tuple(operator.index(i) for i in axis)


# --- moments ---------------------------------------------------------------------------------
