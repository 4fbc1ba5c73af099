"""Signs, exponents and special values of floats; complex numbers taken apart."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.custom import custom_jvp
from minijax.jit import jit
from minijax.numpy.arguments import ensure_array, ensure_arrays
from minijax.numpy.logic import greater, isnan, less, logical_or
from minijax.numpy.promotion import (
    _where,
    convert,
    promote_args,
    promote_args_inexact,
    promote_args_numeric,
    promote_inexact,
)
from minijax.numpy.ufuncs import constant_like, exp2, is_complex


@jit
def signbit(x: Any, /) -> Any:
    """Whether the sign bit is set, as it is for -0.0."""
    (x,) = promote_args("signbit", x)
    kind = dtypes.kind(x.dtype)
    if kind == "c":
        raise ValueError(f"jax.numpy.signbit is not well defined for {x.dtype}")
    if kind in "iu":
        return lax.lt(x, 0)
    if kind == "b":
        return lax.full_like(x, False, dtype=bool)
    bits = lax.bitcast_convert_type(x, integer_of_width(x.dtype))
    return lax.convert_element_type(bits >> (8 * x.dtype.itemsize - 1), bool)


def integer_of_width(dtype: np.dtype) -> np.dtype:
    """The signed integer with as many bits."""
    if dtype.itemsize == 1:
        raise NotImplementedError("jax.numpy.signbit only supports 16, 32, and 64-bit types.")
    return np.dtype(f"int{8 * dtype.itemsize}")


@jit
def copysign(x1: Any, x2: Any, /) -> Any:
    """|x1| with the sign of x2."""
    x1, x2 = promote_args_inexact("copysign", x1, x2)
    if is_complex(x1):
        raise TypeError("copysign does not support complex-valued inputs")
    return _where(signbit(x2), -lax.abs(x1), lax.abs(x1))


def spacing(x: Any, /) -> Any:
    """The distance to the next float away from 0."""
    (x,) = promote_args_inexact("spacing", x)
    if is_complex(x):
        raise ValueError("jnp.spacing is not defined for complex inputs.")
    infinity = constant_like(x, np.inf)
    if x.dtype == np.float16:
        return lax.nextafter(x, infinity) - x
    step = lax.nextafter(x, copysign(infinity, x)) - x
    smallest = constant_like(x, dtypes.finfo(x.dtype).smallest_subnormal)
    return _where(lax.eq(step, 0), copysign(smallest, x), step)


@jit
def frexp(x: Any, /) -> tuple[Any, Any]:
    """(m, e) with x = m * 2**e and 0.5 <= |m| < 1."""
    (x,) = promote_inexact(ensure_array("frexp", x))
    if is_complex(x):
        raise TypeError("frexp does not support complex-valued inputs")
    return _frexp(x)


@custom_jvp
def _frexp(x: Any) -> tuple[Any, Any]:
    info = dtypes.finfo(x.dtype)
    integer = integer_of_width(x.dtype)
    mask, bias = (1 << info.nexp) - 1, 1 - info.minexp
    subnormal = lax.abs(x) < info.tiny
    bits = lax.bitcast_convert_type(_where(subnormal, x * 2.0**info.nmant, x), integer)
    exponent = _where(subnormal, integer.type(-info.nmant), integer.type(0))
    exponent = exponent + ((bits >> info.nmant) & mask) - bias + 1
    bits = bits & ~(mask << info.nmant) | (bias - 1) << info.nmant
    special = lax.ge(lax.abs(x), np.inf) | lax.ne(x, x) | lax.eq(x, 0)
    mantissa = lax.bitcast_convert_type(bits, x.dtype)
    return (_where(special, x, mantissa),
            lax.convert_element_type(_where(special, lax.full_like(exponent, 0), exponent),
                                     np.int32))


@_frexp.defjvp
def _frexp_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    m, e = frexp(*primals)
    (t,) = tangents
    return (m, e), (t * exp2(-e.astype(t.dtype)), np.zeros(e.shape, dtypes.float0))


@jit
def ldexp(x1: Any, x2: Any, /) -> Any:
    """x1 * 2**x2."""
    x1, x2 = ensure_arrays("ldexp", x1, x2)
    if is_complex(x1) or dtypes.is_inexact(x2.dtype):
        raise ValueError(f"ldexp not supported for input types {(x1.dtype, x2.dtype)}")
    (x1,) = promote_inexact(x1)
    m, e = frexp(x1)
    e = (e.astype(x1.dtype) + x2.astype(x1.dtype)).astype(x1.dtype)
    large = e > 0  # 2**e itself must not overflow
    m, e = _where(large, m * 2, m), _where(large, e - 1, e)
    return _where(isinf(x1) | (x1 == 0), x1, m * exp2(e))


@jit
def bitwise_count(x: Any, /) -> Any:
    """How many bits of |x| are set."""
    (x,) = promote_args_numeric("bitwise_count", x)
    if x.dtype.kind == "i":
        x = lax.abs(x)
    return lax.convert_element_type(lax.population_count(x), np.uint8)


# --- special values --------------------------------------------------------------------------


@jit
def isinf(x: Any, /) -> Any:
    """Whether x is plus or minus infinity."""
    x = ensure_array("isinf", x)
    if is_complex(x):
        return lax.bitwise_or(isinf(lax.real(x)), isinf(lax.imag(x)))
    if dtypes.is_inexact(x.dtype):
        return lax.eq(lax.abs(x), np.inf)
    return lax.full_like(x, False, dtype=bool)


@jit
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
               ) -> Any:
    """x with numbers for nan and the infinities: 0 and the largest floats unless given.

    >>> import minijax.numpy as jnp
    >>> jnp.nan_to_num(jnp.array([1.0, jnp.nan]), nan=-1.0)
    Array([ 1., -1.], dtype=float32)
    """
    x = ensure_array("nan_to_num", x)
    if dtypes.kind(x.dtype) in "biu":
        return x
    if is_complex(x):
        numbers = {"nan": nan, "posinf": posinf, "neginf": neginf}
        return lax.complex(nan_to_num(lax.real(x), **numbers), nan_to_num(lax.imag(x), **numbers))
    info = dtypes.finfo(x.dtype)
    posinf = info.max if posinf is None else posinf
    neginf = info.min if neginf is None else neginf
    for special, number in ((None, nan), (np.inf, posinf), (-np.inf, neginf)):
        found = lax.ne(x, x) if special is None else lax.eq(x, special)
        x = _where(found, lax.convert_element_type(number, x.dtype), x)
    return x


@jit
def fmax(x1: Any, x2: Any) -> Any:
    """The larger of x1 and x2; nan only if both are."""
    return _where(logical_or(greater(x1, x2), isnan(x2)), x1, x2)


@jit
def fmin(x1: Any, x2: Any) -> Any:
    """The smaller of x1 and x2; nan only if both are."""
    return _where(logical_or(less(x1, x2), isnan(x2)), x1, x2)


@jit
def heaviside(x1: Any, x2: Any, /) -> Any:
    """0 for x1 < 0, x2 for x1 == 0, 1 for x1 > 0."""
    x1, x2 = promote_inexact(*ensure_arrays("heaviside", x1, x2))
    zero, one = constant_like(x1, 0), constant_like(x1, 1)
    return _where(lax.lt(x1, zero), zero,
                  _where(lax.gt(x1, zero), one, _where(isnan(x1), x1, x2)))


# --- composed functions ----------------------------------------------------------------------


@functools.partial(jit, static_argnames="deg")
def angle(z: Any, deg: bool = False) -> Any:
    """The argument of a complex number, in radians or degrees."""
    z = ensure_array("angle", z)
    if is_complex(z):
        re, im = lax.real(z), lax.imag(z)
    else:
        (re,) = promote_inexact(z)
        re = convert(re, re.dtype)
        im = lax.full_like(re, 0)
    out = lax.atan2(im, re)
    return lax.mul(out, constant_like(out, 180 / np.pi)) if deg else out


def iscomplex(x: Any) -> Any:
    """Whether the imaginary part is not 0, elementwise."""
    x = ensure_array("iscomplex", x)
    return lax.ne(lax.imag(x), 0) if is_complex(x) else lax.full_like(x, False, dtype=bool)


def isreal(x: Any) -> Any:
    """Whether the imaginary part is 0, elementwise."""
    return lax.bitwise_not(iscomplex(x))


def iscomplexobj(x: Any) -> bool:
    """Whether the dtype of x is complex."""
    if x is None:
        return False
    return dtypes.kind(dtypes.dtype_and_weak_type(x)[0]) == "c"


def isrealobj(x: Any) -> bool:
    """Whether the dtype of x is not complex."""
    return not iscomplexobj(x)


def isscalar(element: Any) -> bool:
    """Whether x is a Python scalar or an array of rank 0."""
    if np.isscalar(element):
        return True
    return hasattr(element, "dtype") and np.ndim(element) == 0
