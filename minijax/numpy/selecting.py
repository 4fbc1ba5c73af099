"""Choosing between values, and comparing whole arrays."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.numpy.arguments import check_arraylike, ensure_array, ensure_arrays
from minijax.numpy.creation import array, asarray
from minijax.numpy.logic import equal, isfinite, isnan, logical_and, logical_or
from minijax.numpy.promotion import (
    _where,
    broadcast_all,
    broadcast_to,
    promote_args_inexact,
    promote_dtypes,
)
from minijax.numpy.reductions import all
from minijax.numpy.ufuncs import maximum, minimum


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """At each position the choice of the first condition that holds there, else `default`.

    >>> import minijax.numpy as jnp
    >>> x = jnp.arange(4)
    >>> jnp.select([x < 1, x > 2], [x - 10, x + 10], 0)
    Array([-10,   0,   0,  13], dtype=int32)
    """
    if len(condlist) != len(choicelist):
        raise ValueError("condlist must have length equal to choicelist "
                         f"({len(condlist)} vs {len(choicelist)})")
    if not len(condlist):
        raise ValueError("condlist must be non-empty")
    check_arraylike("select", *condlist, *choicelist, default)
    choices = promote_dtypes(default, *map(asarray, choicelist))
    conditions = broadcast_all(np.asarray(False), *map(asarray, condlist))
    which = lax.argmax(lax.stack([lax.convert_element_type(c, bool) for c in conditions]), 0,
                       np.int32)
    return lax.select_n(*broadcast_all(which, *map(asarray, choices)))


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Each function (or constant) where its condition holds, the one left over elsewhere (or 0).

    If several conditions hold, the last one counts.
    """
    x = ensure_array("piecewise", x)
    conditions = list(map(asarray, condlist))
    n = len(conditions)
    if len(funclist) == n + 1:
        *funclist, otherwise = funclist
    elif len(funclist) == n:
        otherwise = 0
    else:
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected; "
                         f"got {len(funclist)}")
    out = piece(otherwise, x, args, kw)
    for condition, fun in zip(conditions, funclist):
        out = _where(condition, piece(fun, x, args, kw), out)
    return out


def piece(fun: Any, x: Any, args: tuple, kw: dict) -> Any:
    value = fun(x, *args, **kw) if callable(fun) else fun
    return lax.convert_element_type(broadcast_to(asarray(value), x.shape), x.dtype)


@jit
def clip(arr: Any = None, /, min: Any = None, max: Any = None) -> Any:
    """No smaller than `min` and no larger than `max`; None is no bound.

    >>> import minijax.numpy as jnp
    >>> jnp.clip(jnp.arange(5), 1, 3)
    Array([1, 1, 2, 3, 3], dtype=int32)
    """
    if arr is None:
        raise ValueError("No input was provided to the clip function.")
    arr = ensure_array("clip", arr)
    given = [x for x in (arr, min, max) if x is not None]
    if any(dtypes.kind(dtypes.dtype_and_weak_type(x)[0]) == "c" for x in given):
        raise ValueError("Clip received a complex value either through the input or the min/max "
                         "keywords. Complex values have no ordering and cannot be clipped. Please "
                         "convert to a real value or array by taking the real or imaginary "
                         "components via jax.numpy.real/imag respectively.")
    if min is not None:
        arr = maximum(min, arr)
    return arr if max is None else minimum(max, arr)


# --- comparing -------------------------------------------------------------------------------


@functools.partial(jit, static_argnames="equal_nan")
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Whether |a - b| <= atol + rtol |b|, elementwise."""
    check_arraylike("isclose", a, b)
    a, b = promote_args_inexact("isclose", a, b)
    real = dtypes.to_floating_dtype(a.dtype)
    rtol, atol = (lax.convert_element_type(x, real) for x in (rtol, atol))
    both_nan = logical_and(isnan(a), isnan(b))
    finite = isfinite(b)
    near = lax.le(lax.abs(lax.sub(a, b)), lax.add(atol, lax.mul(rtol, lax.abs(b))))
    out = logical_or(lax.eq(a, b), logical_and(finite, near))
    return logical_or(out, both_nan) if equal_nan else out


@functools.partial(jit, static_argnames="equal_nan")
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Whether |a - b| <= atol + rtol |b| for all elements."""
    check_arraylike("allclose", a, b)
    return all(isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """Whether two arrays have the same shape and the same elements."""
    a1, a2 = asarray(a1), asarray(a2)
    if a1.shape != a2.shape:
        return array(False, dtype=bool)
    same = equal(a1, a2)
    if equal_nan:
        same = logical_or(same, logical_and(isnan(a1), isnan(a2)))
    return all(same)


def array_equiv(a1: Any, a2: Any) -> Any:
    """Whether two arrays are equal after broadcasting."""
    try:
        return all(equal(*ensure_arrays("array_equiv", asarray(a1), asarray(a2))))
    except ValueError:
        return array(False)
