"""Elementwise powers, exponentials, logarithms, trigonometric and hyperbolic functions."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import Primitive, typeof
from minijax.families import (
    Elementwise,
    broadcast_shapes,
    broadcast_to,
    convert,
    mul,
    zeros,
)
from minijax.lax.creation import of_dtype
from minijax.lax.elementwise import (
    add,
    div,
    eq,
    in_float32,
    itself,
    neg,
    nonzero,
    over,
    select,
    sub,
)


class Transcendental(Elementwise):
    """Computed in float64, then rounded, where an array is small enough to be printed whole.

    In the last digit NumPy's own float32 functions differ from one processor to the next, and from
    JAX's: sin(1.0), exp(1.0). But they take a fraction of the time.
    """

    def impl(self, *xs, **params):
        small = xs[0].size <= 1000 and xs[-1].size <= 1000
        wide = np.float64 if small else np.float32
        return self.fun(*[x.astype(wide, copy=False) if x.dtype.itemsize < 8 and
                          x.dtype.kind not in "biu" else x for x in xs], **params)


# --- powers ----------------------------------------------------------------------------------


class IntegerPow(Elementwise):
    """x to the power y, a Python integer."""

    out_avals = Primitive.out_avals

    def abstract_eval(self, x, *, y):
        if y < 0 and dtypes.kind(x.dtype) in "iu":
            raise TypeError("Integers cannot be raised to negative powers, got "
                            f"integer_pow({x.strip_weak_type()}, {y})")
        return super().abstract_eval(x)


def _integer_pow(x: np.ndarray, y: int) -> np.ndarray:
    """By repeated squaring."""
    out, factor, n = np.ones_like(x), x, y if y >= 0 else -y
    while n:
        if n & 1:
            out = out * factor
        factor, n = factor * factor if n > 1 else factor, n >> 1
    return out if y >= 0 else np.ones_like(x) / out


def _integer_pow_partial(out: Any, x: Any, *, y: int) -> Any:
    if y in (0, 1):
        return itself(out) if y else None
    return mul(float(y), x if y == 2 else integer_pow(x, y - 1))


integer_pow_p = IntegerPow("integer_pow", in_float32(_integer_pow), _integer_pow_partial,
                           accepts="iufc")


def integer_pow(x: Any, y: int) -> Any:
    """x to the power y, a Python integer; integers take no negative powers (TypeError).

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.grad(lambda x: jax.lax.integer_pow(x, 3))(2.0))
    12.0
    """
    return integer_pow_p.bind(x, y=operator.index(y))


def reciprocal(x: Any) -> Any:
    """1 / x."""
    return integer_pow(x, -1)


class Pow(Transcendental):
    """x to the power y; y has the dtype of x, or is an integer."""

    out_avals = Primitive.out_avals

    def __call__(self, x, y):
        return self.bind(x, y) if type(y) is int else super().__call__(x, y)

    def abstract_eval(self, x, y):
        if dtypes.kind(y.dtype) in "iu":
            y = y.update(dtype=x.dtype)
        return super().abstract_eval(x, y)


def _pow_base_partial(out: Any, x: Any, y: Any) -> Any:
    if dtypes.is_inexact(typeof(y).dtype):
        return mul(y, pow(x, sub(y, of_dtype(1, typeof(y).dtype))))
    shape = broadcast_shapes("pow", [typeof(x).shape, typeof(y).shape])
    x, y = broadcast_to(x, shape), broadcast_to(convert(y, typeof(x).dtype, False), shape)
    return select(eq(y, 0.0), zeros(typeof(y)), mul(y, pow(x, sub(y, 1.0))))


pow = Pow("pow", lambda x, y: np.power(x, y.astype(x.dtype)), _pow_base_partial,
          lambda out, x, y: mul(log(nonzero(x)), out))

square = Elementwise("square", np.square, lambda out, x: mul(2.0, x), accepts="iufc")
sqrt = Elementwise("sqrt", np.sqrt, lambda out, x: div(0.5, out))
rsqrt = Transcendental("rsqrt", lambda x: 1 / np.sqrt(x),
                       lambda out, x: mul(-0.5, div(out, x)))
cbrt = Transcendental("cbrt", np.cbrt, lambda out, x: mul(1 / 3, integer_pow(out, -2)),
                      accepts="f")

# --- exponentials and trigonometry -----------------------------------------------------------


def _atan2(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    if y.dtype.kind != "c":
        return np.arctan2(y, x)
    return -1j * np.log((x + 1j * y) / np.sqrt(x * x + y * y))


exp = Transcendental("exp", np.exp, lambda out, x: out)
exp2 = Transcendental("exp2", np.exp2, lambda out, x: mul(float(np.log(2)), out))
expm1 = Transcendental("expm1", np.expm1, lambda out, x: add(out, 1.0))
log = Transcendental("log", np.log, lambda out, x: over(x))
log1p = Transcendental("log1p", np.log1p, lambda out, x: over(add(x, 1.0)))
logistic = Transcendental("logistic", lambda x: 1 / (1 + np.exp(-x)),
                          lambda out, x: mul(out, sub(1.0, out)))

sin = Transcendental("sin", np.sin, lambda out, x: cos(x))
cos = Transcendental("cos", np.cos, lambda out, x: neg(sin(x)))
tan = Transcendental("tan", np.tan, lambda out, x: add(1.0, square(out)))
asin = Transcendental("asin", np.arcsin, lambda out, x: rsqrt(sub(1.0, square(x))))
acos = Transcendental("acos", np.arccos, lambda out, x: neg(rsqrt(sub(1.0, square(x)))))
atan = Transcendental("atan", np.arctan, lambda out, x: over(add(1.0, square(x))))
atan2 = Transcendental("atan2", _atan2, lambda out, y, x: div(x, add(square(x), square(y))),
                       lambda out, y, x: div(neg(y), add(square(x), square(y))))

sinh = Transcendental("sinh", np.sinh, lambda out, x: cosh(x))
cosh = Transcendental("cosh", np.cosh, lambda out, x: sinh(x))
tanh = Transcendental("tanh", np.tanh, lambda out, x: mul(add(1.0, out), sub(1.0, out)))
asinh = Transcendental("asinh", np.arcsinh, lambda out, x: rsqrt(add(square(x), 1.0)))
acosh = Transcendental("acosh", np.arccosh, lambda out, x: rsqrt(sub(square(x), 1.0)))
atanh = Transcendental("atanh", np.arctanh, lambda out, x: over(mul(add(1.0, x), sub(1.0, x))))
