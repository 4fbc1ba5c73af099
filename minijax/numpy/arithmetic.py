"""The functions that work element by element and are made of several operations.

JAX traces most of them by themselves: they appear in a program as `jit[name=...]`.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.families import Elementwise
from minijax.jit import jit
from minijax.numpy.arguments import ensure_array, ensure_arrays
from minijax.numpy.promotion import _where, promote_args, promote_args_numeric, promote_inexact
from minijax.numpy.ufuncs import ceil, constant_like, floor, scalar_like

# --- division --------------------------------------------------------------------------------


@jit
def floor_divide(x1: Any, x2: Any, /) -> Any:
    """The largest integer not above x1 / x2.

    >>> import minijax.numpy as jnp
    >>> jnp.floor_divide(jnp.array([-7, 7]), 2)
    Array([-4,  3], dtype=int32)
    """
    x1, x2 = promote_args_numeric("floor_divide", x1, x2)
    kind = dtypes.kind(x1.dtype)
    if kind == "c":
        raise TypeError("floor_divide does not support complex-valued inputs")
    if kind == "u":
        return lax.div(x1, x2)
    if kind == "f":
        return float_divmod(x1, x2)[0]
    quotient = lax.div(x1, x2)
    inexact = lax.ne(lax.sign(x1), lax.sign(x2)) & lax.ne(lax.rem(x1, x2), 0)
    return _where(inexact, quotient - 1, quotient)


@jit
def remainder(x1: Any, x2: Any, /) -> Any:
    """What is left of x1 after division by x2, with the sign of x2."""
    x1, x2 = promote_args_numeric("remainder", x1, x2)
    if dtypes.kind(x2.dtype) in "iu":
        x2 = _where(lax.eq(x2, 0), lax.full_like(x2, 1), x2)
    left = lax.rem(x1, x2)
    is_left = lax.ne(left, 0)
    opposite = lax.ne(lax.lt(left, 0), lax.lt(x2, 0))
    return lax.select(lax.bitwise_and(opposite, is_left), lax.add(left, x2), left)


def mod(x1: Any, x2: Any, /) -> Any:
    """The same as `remainder`."""
    return remainder(x1, x2)


@jit
def fmod(x1: Any, x2: Any, /) -> Any:
    """What is left of x1 after division by x2, with the sign of x1."""
    x1, x2 = ensure_arrays("fmod", x1, x2)
    if dtypes.kind(dtypes.result_type(x1, x2)) in "iu":
        x2 = _where(lax.eq(x2, 0), constant_like(x2, 1), x2)
    return lax.rem(*promote_args_numeric("fmod", x1, x2))


@jit
def divmod(x1: Any, x2: Any, /) -> tuple[Any, Any]:
    """(floor_divide(x1, x2), remainder(x1, x2))."""
    x1, x2 = promote_args_numeric("divmod", x1, x2)
    if dtypes.kind(x1.dtype) in "iu":
        return floor_divide(x1, x2), remainder(x1, x2)
    return float_divmod(x1, x2)


def float_divmod(x1: Any, x2: Any) -> tuple[Any, Any]:
    left = lax.rem(x1, x2)
    whole = lax.div(_where(lax.eq(x2, 0), x1, lax.sub(x1, left)), x2)
    below = lax.bitwise_and(lax.ne(left, 0), lax.ne(lax.sign(x2), lax.sign(left)))
    left = lax.select(below, left + x2, left)
    whole = lax.select(below, whole - 1.0, whole)
    return lax.round(whole), left


@jit
def modf(x: Any, /, out: None = None) -> tuple[Any, Any]:
    """The fractional and the whole part, both with the sign of x."""
    (x,) = promote_inexact(ensure_array("modf", x))
    whole = _where(lax.ge(x, 0), floor(x), ceil(x))
    return x - whole, whole


gcd_p = Elementwise("gcd", np.gcd, accepts="iu")
lcm_p = Elementwise("lcm", np.lcm, accepts="iu")


@jit
def gcd(x1: Any, x2: Any) -> Any:
    """The greatest common divisor. ValueError for numbers that are not integers."""
    return gcd_p(*promote_integers("gcd", x1, x2))


@jit
def lcm(x1: Any, x2: Any) -> Any:
    """The least common multiple. ValueError for numbers that are not integers."""
    return lcm_p(*promote_integers("lcm", x1, x2))


def promote_integers(name: str, x1: Any, x2: Any) -> Any:
    x1, x2 = promote_args(name, *ensure_arrays(name, x1, x2))
    if dtypes.kind(x1.dtype) not in "iu":
        raise ValueError(f"Arguments to jax.numpy.{name} must be integers.")
    return x1, x2


# --- rounding --------------------------------------------------------------------------------


@functools.partial(jit, static_argnames="decimals")
def round(a: Any, decimals: int = 0, out: None = None) -> Any:
    """To the nearest number with so many decimals; halves go to the even one.

    >>> import minijax.numpy as jnp
    >>> jnp.round(jnp.array([0.5, 1.5, 2.345]), 1)
    Array([0.5, 1.5, 2.3], dtype=float32)
    """
    a = ensure_array("round", a)
    if out is not None:
        raise NotImplementedError("The 'out' argument to jnp.round is not supported.")
    kind = dtypes.kind(a.dtype)
    if kind in "biu":
        if decimals < 0:
            raise NotImplementedError("integer np.round not implemented for decimals < 0")
        return a
    if kind == "c":
        return lax.complex(round_float(lax.real(a), decimals), round_float(lax.imag(a), decimals))
    return round_float(a, decimals)


def round_float(x: Any, decimals: int) -> Any:
    if decimals == 0:
        return lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)
    wide = lax.convert_element_type(x, np.float32) if x.dtype == np.float16 else x
    factor = scalar_like(wide, 10**decimals)
    out = lax.div(lax.round(lax.mul(wide, factor), lax.RoundingMethod.TO_NEAREST_EVEN), factor)
    return out if wide is x else lax.convert_element_type(out, x.dtype)


def around(a: Any, decimals: int = 0, out: None = None) -> Any:
    """The same as `round`."""
    return round(a, decimals, out)


@jit
def rint(x: Any, /) -> Any:
    """To the nearest integer, as a float; halves go to the even one."""
    x = ensure_array("rint", x)
    kind = dtypes.kind(x.dtype)
    if kind in "biu":
        return lax.convert_element_type(x, dtypes.default_float_dtype())
    if kind == "c":
        return lax.complex(rint(lax.real(x)), rint(lax.imag(x)))
    return lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN)


@jit
def trunc(x: Any) -> Any:
    """The integer part: towards 0."""
    x = ensure_array("trunc", x)
    if dtypes.kind(x.dtype) in "biu":
        return x
    return _where(lax.lt(x, 0), ceil(x), floor(x))


# --- signs and bits of floats ----------------------------------------------------------------
