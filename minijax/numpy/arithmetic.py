"""The functions that work element by element and are made of several operations.

JAX traces most of them by themselves: they appear in a program as `jit[name=...]`.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.custom import custom_jvp
from minijax.families import Elementwise
from minijax.jit import jit
from minijax.numpy.promotion import (
    _where,
    ensure_array,
    ensure_arrays,
    promote_args,
    promote_args_inexact,
    promote_args_numeric,
    promote_inexact,
)
from minijax.numpy.ufuncs import (
    ceil,
    constant_like,
    exp2,
    floor,
    greater,
    is_complex,
    isnan,
    isposinf,
    less,
    logical_or,
    maximum,
    minimum,
    scalar_like,
)

# --- division ------------------------------------------------------------------------------------


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
        x2 = _where(lax.eq(x2, 0), constant_like(x2, 1), x2)
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


# --- rounding ------------------------------------------------------------------------------------


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
    factor = constant_like(wide, 10**decimals)
    out = lax.div(lax.round(lax.mul(wide, factor), lax.RoundingMethod.TO_NEAREST_EVEN), factor)
    return lax.convert_element_type(out, x.dtype)


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


# --- signs and bits of floats --------------------------------------------------------------------


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


# --- special values ------------------------------------------------------------------------------


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


# --- composed functions --------------------------------------------------------------------------


@jit
def arccosh(x: Any, /) -> Any:
    """The inverse of cosh, not negative."""
    out = lax.acosh(*promote_args_inexact("arccosh", x))
    return _where(lax.lt(lax.real(out), 0), lax.neg(out), out) if is_complex(out) else out


def acosh(x: Any, /) -> Any:
    """The same as `arccosh`."""
    return arccosh(x)


@jit
def hypot(x1: Any, x2: Any, /) -> Any:
    """sqrt(x1**2 + x2**2), without overflow."""
    x1, x2 = promote_args_inexact("hypot", x1, x2)
    if is_complex(x1):
        raise ValueError("jnp.hypot is not well defined for complex-valued inputs. Please convert "
                         "to real values first, such as by using abs(x)")
    x1, x2 = lax.abs(x1), lax.abs(x2)
    infinite = lax.bitwise_or(isposinf(x1), isposinf(x2))
    x1, x2 = maximum(x1, x2), minimum(x1, x2)
    out = _where(lax.eq(x1, 0), x1, x1 * lax.sqrt(1 + lax.square(lax.div(
        x2, _where(lax.eq(x1, 0), lax.full_like(x1, 1), x1)))))
    return _where(infinite, scalar_like(out, np.inf), out)


@jit
def sinc(x: Any, /) -> Any:
    """sin(pi x) / (pi x), and 1 at 0, where all its derivatives are right too."""
    (x,) = promote_inexact(ensure_array("sinc", x))
    at_zero = lax.eq(x, 0)
    pi_x = lax.mul(constant_like(x, np.pi), x)
    safe = _where(at_zero, constant_like(x, 1), pi_x)
    return _where(at_zero, _sinc_maclaurin(0, pi_x), lax.div(lax.sin(safe), safe))


@functools.partial(custom_jvp, nondiff_argnums=(0,))
def _sinc_maclaurin(k: int, x: Any) -> Any:
    """The k-th derivative of sin(x) / x at 0."""
    value = 0.0 if k % 2 else (-1) ** (k // 2) / (k + 1)
    return x * 0 if k % 2 else x * 0 + constant_like(x, value)


@_sinc_maclaurin.defjvp
def _sinc_maclaurin_jvp(k: int, primals: Any, tangents: Any) -> tuple[Any, Any]:
    (x,), (t,) = primals, tangents
    return _sinc_maclaurin(k, x), _sinc_maclaurin(k + 1, x) * t


@custom_jvp
def _logaddexp(x1: Any, x2: Any) -> Any:
    return add_exponents(x1, x2, lax.exp, 1.0)


@custom_jvp
def _logaddexp2(x1: Any, x2: Any) -> Any:
    return add_exponents(x1, x2, lax.exp2, 1 / np.log(2))


def add_exponents(x1: Any, x2: Any, exp: Any, scale: float) -> Any:
    """max + log(1 + base**-|difference|); equal infinities have no difference."""
    if is_complex(x1):
        larger = lax.select(lax.real(x1) > lax.real(x2), x1, x2)
        difference = lax.select(lax.real(x1) > lax.real(x2), x2 - x1, x1 - x2)
        return larger + lax.log1p(exp(difference)) * constant_like(x1, scale)
    larger, difference = lax.max(x1, x2), lax.sub(x1, x2)
    undefined, total = lax.ne(difference, difference), lax.add(x1, x2)
    rest = lax.log1p(exp(lax.neg(lax.abs(difference))))
    if scale != 1.0:
        rest = lax.mul(constant_like(x1, scale), rest)
    return lax.select(undefined, total, lax.add(larger, rest))


def _logaddexp_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    return weighted_tangent(_logaddexp, lax.exp, primals, tangents)


def _logaddexp2_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    return weighted_tangent(_logaddexp2, lax.exp2, primals, tangents)


def weighted_tangent(fun: Any, exp: Any, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Each tangent times base**(x - out); where both are infinite, base**0."""
    out = fun(*primals)

    def weight(x: Any) -> Any:
        finite = [v if is_complex(v) else lax.select(isposinf(v), lax.full_like(v, 0), v)
                  for v in (x, out)]
        return exp(lax.sub(*finite))

    terms = [lax.mul(t, weight(x)) for x, t in zip(primals, tangents)]
    return out, lax.add(*terms)


_logaddexp.defjvp(_logaddexp_jvp)
_logaddexp2.defjvp(_logaddexp2_jvp)
_logaddexp.fun.__name__, _logaddexp2.fun.__name__ = "logaddexp", "logaddexp2"  # as in programs


def logaddexp(x1: Any, x2: Any, /) -> Any:
    """log(exp(x1) + exp(x2)), without overflow."""
    return _logaddexp(*promote_args_inexact("logaddexp", x1, x2))


def logaddexp2(x1: Any, x2: Any, /) -> Any:
    """log2(2**x1 + 2**x2), without overflow."""
    return _logaddexp2(*promote_args_inexact("logaddexp2", x1, x2))


@jit
def i0(x: Any) -> Any:
    """The modified Bessel function of the first kind, of order 0."""
    (x,) = promote_args_inexact("i0", x)
    if is_complex(x):
        raise ValueError(f"Unsupported input type to jax.numpy.i0: {x.dtype}")
    return _i0(x)


@custom_jvp
def _i0(x: Any) -> Any:
    size = lax.abs(x)
    return lax.mul(lax.exp(size), lax.bessel_i0e(size))


@_i0.defjvp
def _i0_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """I0' = I1."""
    (x,), (t,) = primals, tangents
    return _i0(x), lax.mul(t, lax.mul(lax.exp(lax.abs(x)), lax.bessel_i1e(x)))


# --- complex -------------------------------------------------------------------------------------


@functools.partial(jit, static_argnames="deg")
def angle(z: Any, deg: bool = False) -> Any:
    """The argument of a complex number, in radians or degrees."""
    z = ensure_array("angle", z)
    if is_complex(z):
        re, im = lax.real(z), lax.imag(z)
    else:
        (re,) = promote_inexact(z)
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
