"""The functions that are `jnp.ufunc` objects: how each reduces, accumulates and scatters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import lax
from minijax.numpy import composed, cumulative, logic, reductions, ufuncs
from minijax.numpy.promotion import promote_inexact
from minijax.numpy.ufunc_api import ufunc


def scatter_at(method: str) -> Callable:
    """`at` by a scatter; Booleans are added as integers."""

    def at(a: Any, indices: Any, b: Any) -> Any:
        if a.dtype.kind != "b":
            return getattr(a.at[indices], method)(b)
        wide, b = lax.convert_element_type(a, np.int32), lax.convert_element_type(b, bool)
        out = getattr(wide.at[indices], method)(lax.convert_element_type(b, np.int32))
        return lax.ne(out, 0)

    return at


def reduction(kind: reductions.Reducer) -> Callable:
    return functools.partial(reductions.reduce, kind)


def bitwise(name: str, op: Callable, combine: Callable, identity: int) -> Callable:
    return reduction(reductions.Reducer(f"reduce_{name}", op, combine, identity))


def without_dtype(fun: Callable) -> Callable:
    def reduce(a: Any, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Any:
        return fun(a, axis=axis, keepdims=keepdims, initial=initial, where=where)

    return reduce


def log_of_sum(exp: Callable, log: Callable, combine: Callable) -> Callable:
    """The reduction of `combine(x, y) = log(exp(x) + exp(y))`, with the largest element apart."""

    def reduce(a: Any, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Any:
        (a,) = promote_inexact(a)
        top = reductions.max(ufuncs.real(a), axis, keepdims=True, where=where, initial=-np.inf)
        top = lax.stop_gradient(lax.select(lax.is_finite(top), top, lax.full_like(top, 0)))
        total = reductions.sum(exp(a - top), axis, keepdims=True, where=where)
        out = log(total) + top
        if not keepdims:
            out = lax.squeeze(out, reductions.concrete_axes(axis, a.ndim, "logaddexp"))
        return out if initial is None else combine(initial, out)

    return reduce


def of(fun: Callable, nin: int = 2, **options: Any) -> ufunc:
    return ufunc(fun, nin, 1, name=fun.__name__, call=fun, **options)


negative = of(ufuncs.negative, 1)
subtract = of(ufuncs.subtract, at=scatter_at("subtract"))
add = of(ufuncs.add, identity=0, reduce=reductions.sum, accumulate=cumulative.cumsum,
         at=scatter_at("add"))
multiply = of(ufuncs.multiply, identity=1, reduce=reductions.prod, accumulate=cumulative.cumprod,
              at=scatter_at("mul"))
maximum = of(ufuncs.maximum, reduce=without_dtype(reductions.max))
minimum = of(ufuncs.minimum, reduce=without_dtype(reductions.min))
logaddexp = of(composed.logaddexp, identity=-np.inf,
               reduce=log_of_sum(ufuncs.exp, ufuncs.log, composed.logaddexp))
logaddexp2 = of(composed.logaddexp2, identity=-np.inf,
                reduce=log_of_sum(ufuncs.exp2, ufuncs.log2, composed.logaddexp2))
bitwise_and = of(logic.bitwise_and, identity=-1,
                 reduce=bitwise("bitwise_and", lax.reduce_and, lax.bitwise_and, -1))
bitwise_or = of(logic.bitwise_or, identity=0,
                reduce=bitwise("bitwise_or", lax.reduce_or, lax.bitwise_or, 0))
bitwise_xor = of(logic.bitwise_xor, identity=0,
                 reduce=bitwise("bitwise_xor", lax.reduce_xor, lax.bitwise_xor, 0))
logical_and = of(logic.logical_and, identity=True, reduce=reduction(reductions.ALL))
logical_or = of(logic.logical_or, identity=False, reduce=reduction(reductions.ANY))
logical_xor = of(logic.logical_xor, identity=False, reduce=reduction(
    reductions.Reducer("reduce_logical_xor", lax.reduce_xor, lax.bitwise_xor, False,
                       reductions.as_bool)))
