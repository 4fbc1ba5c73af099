"""Elementwise operations: arithmetic, comparisons, logic, rounding, complex numbers.

Each is a name, a NumPy function and, for each argument, the partial derivative `(out, *args)`:
a coefficient, or a linear function of the tangent. Facts about names, kinds and conventions (1/2 at
the ties of max, 1 at abs(0)) are those of `jax/_src/lax/lax.py`.
"""

from __future__ import annotations

import enum
import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import typeof
from minijax.families import (
    Elementwise,
    broadcast_to,
    constant,
    convert,
    mul,
    zeros,
)
from minijax.jaxpr import JaxprEqn, Literal
from minijax.lax.creation import full_like
from minijax.lax.signed_zeros import maximum, minimum
from minijax.selection import select_n

# --- building blocks -------------------------------------------------------------------------


class Linear(Elementwise):
    """Linear in its operands together: its derivative is itself. `partials` are for each alone."""

    def linearize(self, active, *xs, **params):
        if not all(active):
            return super().linearize(active, *xs, **params)
        return [self.bind(*xs, **params)], [True], lambda *ts: [self.bind(*ts, **params)]


def in_float32(fun: Callable) -> Callable:
    """`fun`, with float16 and narrower computed in float32; evaluation rounds the result."""

    @functools.wraps(fun)
    def wide(*xs: Any, **params: Any) -> Any:
        return fun(*[x.astype(np.float32) if is_narrow(x) else x for x in xs], **params)

    return wide


def is_narrow(x: Any) -> bool:
    return (isinstance(x, np.ndarray) and x.dtype.itemsize <= 2
            and dtypes.kind(x.dtype) == "f")


def itself(out: Any, *args: Any) -> Callable:
    return lambda t: t


def over(y: Any) -> Callable:
    """The linear map that divides by y."""
    return lambda t: div(t, y)


def nonzero(x: Any) -> Any:
    """x with its zeros replaced by ones."""
    return select(eq(x, 0.0), full_like(x, 1), x)


def select(pred: Any, on_true: Any, on_false: Any) -> Any:
    """`on_true` where `pred`, else `on_false`; `pred` has their shape or is a scalar.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.select(jnp.array([True, False]), jnp.zeros(2), jnp.ones(2))
    Array([0., 1.], dtype=float32)
    """
    return select_n(pred, on_false, on_true)


# --- arithmetic ------------------------------------------------------------------------------


def _sign(x: np.ndarray) -> np.ndarray:
    real_float = dtypes.kind(x.dtype) == "f"
    return np.copysign(np.sign(x), x) if real_float else np.sign(x)  # sign(-0.0) is -0.0


def _abs_partial(out: Any, x: Any) -> Callable:
    if typeof(out).dtype == typeof(x).dtype:
        positive = ge(x, 0.0)
        return lambda t: select(positive, t, neg(t))
    direction = div(conj(x), nonzero(convert(out, typeof(x).dtype, False)))
    return lambda t: real(mul(t, direction))


def _safe(y: np.ndarray) -> np.ndarray:
    return np.where(y == 0, np.ones((), y.dtype), y)


def _div(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """As on XLA: floats are multiplied by the reciprocal of a divisor that is for several of them.

    Integers truncate; by zero every bit of the quotient is set.
    """
    if dtypes.is_inexact(x.dtype):
        shared = y.shape != x.shape and x.dtype.kind == "f" and y.size < np.broadcast(x, y).size
        return x * (1 / y) if shared else np.divide(x, y)
    quotient = (x - np.fmod(x, _safe(y))) // _safe(y)
    return np.where(y == 0, ~np.zeros((), x.dtype), quotient)


def _by_reciprocal(eqn: JaxprEqn, made: dict[Any, JaxprEqn]) -> JaxprEqn:
    """Programs do the same for a constant divisor."""
    x, y = eqn.invars
    if not isinstance(y, Literal) or y.aval.dtype.kind != "f":
        return eqn
    return JaxprEqn(mul, [x, Literal(1 / y.val, y.aval)], {}, eqn.outvars, eqn.line)


def _rem(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The remainder has the sign of x; by zero it is x for integers."""
    if dtypes.is_inexact(x.dtype):
        return np.fmod(x, y)
    return np.where(y == 0, x, np.fmod(x, _safe(y)))


def _rem_partial(out: Any, x: Any, y: Any) -> Any:
    quotient = div(x, y)
    return neg(mul(sign(quotient), floor(abs(quotient))))


def _nonlinear(ct: Any, x: Any, y: Any) -> Any:
    raise RuntimeError("nonlinear div can't be transposed: it is not linear in the denominator")


def _share(x: Any, out: Any, y: Any) -> Any:
    """1 where max or min chose x, 1/2 where x and y are equal, else 0."""
    aval = typeof(out)
    mine = convert(eq(x, out), aval.dtype, aval.weak_type)
    return div(mine, select(eq(y, out), full_like(out, 2), full_like(out, 1)))


neg = Linear("neg", np.negative, accepts="iufc", transposes=(lambda ct, x: neg(ct),))
sign = Elementwise("sign", _sign, constant, accepts="iufc")
abs = Elementwise("abs", np.absolute, _abs_partial, accepts="ifc",
                  dtype=lambda d: dtypes.to_floating_dtype(d) if d.kind == "c" else d)
add = Linear("add", np.add, itself, itself, accepts="iufc",
             transposes=(lambda ct, x, y: ct, lambda ct, x, y: ct))
sub = Linear("sub", np.subtract, itself, lambda out, x, y: neg, accepts="iufc",
             transposes=(lambda ct, x, y: ct, lambda ct, x, y: neg(ct)))
div = Elementwise("div", _div, lambda out, x, y: over(y), lambda out, x, y: neg(div(out, y)),
                  accepts="iufc", transposes=(lambda ct, x, y: div(ct, y), _nonlinear))
rem = Elementwise("rem", _rem, itself, _rem_partial, accepts="iuf")
div.simplify = _by_reciprocal
max = Elementwise("max", maximum, lambda out, x, y: _share(x, out, y),
                  lambda out, x, y: _share(y, out, x), accepts="biufc")
min = Elementwise("min", minimum, lambda out, x, y: _share(x, out, y),
                  lambda out, x, y: _share(y, out, x), accepts="biufc")


def _where(mask: Any, x: Any) -> Callable:
    """The linear map that keeps the tangent, widened to the shape of x, where `mask`."""
    aval, mask = typeof(x), broadcast_to(mask, typeof(x).shape)
    return lambda t: select(mask, broadcast_to(t, aval.shape), zeros(aval))


clamp_p = Elementwise(
    "clamp", lambda low, x, high: minimum(maximum(low, x), high),
    lambda out, low, x, high: _where(bitwise_and(gt(low, x), lt(low, high)), x),
    lambda out, low, x, high: _where(bitwise_and(gt(x, low), lt(x, high)), x),
    lambda out, low, x, high: _where(lt(high, x), x), accepts="biufc")


def clamp(min: Any, x: Any, max: Any) -> Any:
    """x between `min` and `max`, which have its shape or are scalars.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.clamp(0, jnp.array([-1, 2, 5]), 3)
    Array([0, 2, 3], dtype=int32)
    """
    shape = typeof(x).shape
    for name, bound in (("min", typeof(min)), ("max", typeof(max))):
        if bound.shape not in ((), shape):
            raise TypeError(f"clamp requires {name}.shape == operand.shape or {name}.shape == (), "
                            f"got {name}.shape={bound.shape}, operand.shape={shape}.")
    return clamp_p(min, x, max)


# --- comparisons and logic -------------------------------------------------------------------

_BOOL = np.dtype(bool)

eq = Elementwise("eq", operator.eq, accepts="biufcV", dtype=_BOOL)
ne = Elementwise("ne", operator.ne, accepts="biufcV", dtype=_BOOL)
ge = Elementwise("ge", np.greater_equal, accepts="biuf", dtype=_BOOL)
gt = Elementwise("gt", np.greater, accepts="biuf", dtype=_BOOL)
le = Elementwise("le", np.less_equal, accepts="biuf", dtype=_BOOL)
lt = Elementwise("lt", np.less, accepts="biuf", dtype=_BOOL)
is_finite = Elementwise("is_finite", np.isfinite, accepts="f", dtype=_BOOL)

bitwise_not = Elementwise("not", np.invert, accepts="biu")
bitwise_and = Elementwise("and", np.bitwise_and, accepts="biu")
bitwise_or = Elementwise("or", np.bitwise_or, accepts="biu")
bitwise_xor = Elementwise("xor", np.bitwise_xor, accepts="biu")

# --- rounding --------------------------------------------------------------------------------


class RoundingMethod(enum.IntEnum):
    """Where `lax.round` sends what is halfway between two integers."""

    AWAY_FROM_ZERO = 0
    TO_NEAREST_EVEN = 1


def _round(x: np.ndarray, rounding_method: RoundingMethod) -> np.ndarray:
    if rounding_method is RoundingMethod.TO_NEAREST_EVEN:
        return np.rint(x)
    whole = np.trunc(x)
    return whole + np.copysign((np.absolute(x - whole) >= 0.5).astype(x.dtype), x)


floor = Elementwise("floor", np.floor, constant, accepts="f")
ceil = Elementwise("ceil", np.ceil, constant, accepts="f")
round_p = Elementwise("round", _round, constant, accepts="f")


def round(x: Any, rounding_method: RoundingMethod = RoundingMethod.AWAY_FROM_ZERO) -> Any:
    """The nearest whole number, as a float.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.round(jnp.array([-0.5, 0.5, 2.5]))
    Array([-1.,  1.,  3.], dtype=float32)
    """
    return round_p.bind(x, rounding_method=RoundingMethod(rounding_method))


# --- complex numbers -------------------------------------------------------------------------


def _complex_of(dtype: np.dtype) -> np.dtype:
    if dtype.kind != "c" and dtype.name not in ("float32", "float64"):
        raise TypeError(f"complex numbers have parts of float32 or float64, not of {dtype.name}.")
    return dtypes.to_complex_dtype(dtype)


def _complex(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), dtypes.to_complex_dtype(x.dtype))
    out.real, out.imag = x, y
    return out


real = Linear("real", np.real, accepts="c", dtype=dtypes.to_floating_dtype,
              transposes=(lambda ct, z: complex(ct, 0.0),))
imag = Linear("imag", np.imag, accepts="c", dtype=dtypes.to_floating_dtype,
              transposes=(lambda ct, z: complex(0.0, neg(ct)),))
complex = Linear(
    "complex", _complex, lambda out, x, y: lambda t: complex(t, 0.0),
    lambda out, x, y: lambda t: complex(0.0, t), accepts="f", dtype=_complex_of,
    transposes=(lambda ct, x, y: real(ct), lambda ct, x, y: neg(imag(ct))))
conj_p = Linear(
    "conj", lambda z, input_dtype: np.conj(z), dtype=_complex_of,
    transposes=(lambda ct, z, input_dtype: conj(ct) if input_dtype.kind == "c" else real(ct),))


def conj(x: Any) -> Any:
    """The complex conjugate, of a complex number or of a float32 or float64."""
    return conj_p.bind(x, input_dtype=typeof(x).dtype)
