"""The functions that work element by element and are one operation each.

Each is made by `unary` or `binary` from an operation of `lax` and the promotion it needs. They are
what JAX shows inline in a program; `arithmetic.py` has the ones that are made of several.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.core import ArrayImpl, Primitive, ShapedArray, Tracer
from minijax.lax import integer_pow
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import as_value, check_arraylike, ensure_array
from minijax.numpy.promotion import (
    _where,
    convert,
    promote_args,
    promote_args_inexact,
    promote_args_numeric,
    promote_numeric,
    promote_shapes,
)

# --- makers ----------------------------------------------------------------------------------


def named(name: str, doc: str, fun: Callable) -> Callable:
    fun.__name__ = fun.__qualname__ = name
    fun.__module__ = "jax.numpy"
    fun.__doc__ = doc
    return fun


def unary(name: str, op: Any, doc: str, promote: Callable = promote_args_inexact) -> Callable:
    """The function that applies `op` to its promoted argument."""
    apply = op.bind if isinstance(op, Primitive) else op

    def fun(x: Any, /) -> Any:
        return apply(*promote(name, x))

    return named(name, doc, fun)


def binary(name: str, op: Any, doc: str, promote: Callable = promote_args) -> Callable:
    """The function that applies `op` to its two promoted arguments."""
    apply = op.bind if isinstance(op, Primitive) else op

    def fun(x1: Any, x2: Any, /) -> Any:
        x1, x2 = promote(name, x1, x2)
        return apply(x1, x2)

    return named(name, doc, fun)


def on_bool(op: Any, bool_op: Any) -> Callable:
    """`op`, and for Booleans another one."""
    return lambda x, y: (bool_op if x.dtype.kind == "b" else op).bind(x, y)


def comparison(op: Any) -> Callable:
    """`op`; complex numbers compare by their real parts, then by their imaginary parts."""

    def compare(x: Any, y: Any) -> Any:
        if x.dtype.kind != "c":
            return op.bind(x, y)
        x, y = convert(x, x.dtype), convert(y, y.dtype)
        return lax.select(lax.eq(lax.real(x), lax.real(y)), op(lax.imag(x), lax.imag(y)),
                          op(lax.real(x), lax.real(y)))

    return compare


def to_bool(x: Any) -> Any:
    return x if x.dtype.kind == "b" else lax.ne(x, 0)


# --- powers, exponentials, logarithms --------------------------------------------------------

exp = unary("exp", lax.exp, "e**x.")
exp2 = unary("exp2", lax.exp2, "2**x.")
expm1 = unary("expm1", lax.expm1, "e**x - 1, accurate for small x.")
log = unary("log", lax.log, "The natural logarithm: -inf at 0, nan below.")
log1p = unary("log1p", lax.log1p, "log(1 + x), accurate for small x.")
sqrt = unary("sqrt", lax.sqrt, "The square root: nan below 0.")
cbrt = unary("cbrt", lax.cbrt, "The real cube root.")
square = unary("square", lax.square, "x * x.", promote_args_numeric)
reciprocal = unary("reciprocal", lambda x: lax.integer_pow(x, -1), "1 / x.")
float_power = binary("float_power", lax.pow, "x1**x2, always in floats.", promote_args_inexact)


def log2(x: Any, /) -> Any:
    """The logarithm to base 2."""
    (x,) = promote_args_inexact("log2", x)
    return scale_log(x, lambda r: lax.div(r, lax.log(constant_like(r, 2))))


def log10(x: Any, /) -> Any:
    """The logarithm to base 10."""
    (x,) = promote_args_inexact("log10", x)
    return scale_log(x, lambda r: lax.mul(r, constant_like(r, 1 / np.log(10))))


def scale_log(x: Any, scale: Callable) -> Any:
    r = lax.log(x)
    return lax.complex(scale(lax.real(r)), scale(lax.imag(r))) if r.dtype.kind == "c" else scale(r)


def constant_like(x: Any, value: Any) -> ArrayImpl:
    return of_dtype(value, x.dtype)


def scalar_like(x: Any, value: Any) -> ArrayImpl:
    """The same, and weakly typed if x is."""
    return ArrayImpl(np.array(value, x.dtype), ShapedArray((), x.dtype, x.weak_type))


def power(x1: Any, x2: Any, /) -> Any:
    """x1**x2. A Python integer or concrete integer exponent becomes repeated multiplication.

    >>> import minijax.numpy as jnp
    >>> jnp.power(jnp.arange(4), 2), jnp.power(2.0, jnp.arange(3))
    (Array([0, 1, 4, 9], dtype=int32), Array([1., 2., 4.], dtype=float32))
    """
    check_arraylike("power", x1, x2)
    if not isinstance(x2, Tracer) and np.ndim(x2) == 0:
        try:
            exponent = operator.index(x2)
        except TypeError:
            pass
        else:
            return integer_pow(promote_numeric(x1)[0], exponent)
    p1, p2 = promote_args_numeric("power", x1, x2)
    if p1.dtype.kind in "iu":
        return power_of_integers(p1, p2)
    x1, x2 = promote_shapes("power", as_value(x1), as_value(x2))
    if dtypes.is_inexact(x1.dtype) and dtypes.kind(x2.dtype) in "iu":
        return lax.pow(x1, x2)  # an integer exponent stays one
    return lax.pow(p1, p2)


def power_of_integers(x: Any, y: Any) -> Any:
    """By squaring: the exponent has at most six bits that matter."""
    zero, one = constant_like(y, 0), constant_like(y, 1)
    out = _where(lax.bitwise_and(lax.eq(x, zero), lax.ne(y, zero)), zero, one)
    for _ in range(6):
        out = _where(lax.bitwise_and(y, one), lax.mul(out, x), out)
        x = lax.mul(x, x)
        y = lax.shift_right_logical(y, one)
    return out


def pow(x1: Any, x2: Any, /) -> Any:
    """The same as `power`."""
    return power(x1, x2)


# --- trigonometry ----------------------------------------------------------------------------

sin = unary("sin", lax.sin, "The sine, of radians.")
cos = unary("cos", lax.cos, "The cosine, of radians.")
tan = unary("tan", lax.tan, "The tangent, of radians.")
arcsin = unary("arcsin", lax.asin, "The angle in [-pi/2, pi/2] whose sine is x.")
arccos = unary("arccos", lax.acos, "The angle in [0, pi] whose cosine is x.")
arctan = unary("arctan", lax.atan, "The angle in [-pi/2, pi/2] whose tangent is x.")
sinh = unary("sinh", lax.sinh, "The hyperbolic sine.")
cosh = unary("cosh", lax.cosh, "The hyperbolic cosine.")
tanh = unary("tanh", lax.tanh, "The hyperbolic tangent.")
arcsinh = unary("arcsinh", lax.asinh, "The inverse of sinh.")
arctanh = unary("arctanh", lax.atanh, "The inverse of tanh.")
arctan2 = binary("arctan2", lax.atan2, "The angle of the point (x2, x1), in [-pi, pi].",
                 promote_args_inexact)
deg2rad = unary("deg2rad", lambda x: lax.mul(x, scalar_like(x, np.pi / 180)),
                "Degrees to radians.")
rad2deg = unary("rad2deg", lambda x: lax.mul(x, scalar_like(x, 180 / np.pi)),
                "Radians to degrees.")
asin = unary("asin", lax.asin, "The same as `arcsin`.")
acos = unary("acos", lax.acos, "The same as `arccos`.")
atan = unary("atan", lax.atan, "The same as `arctan`.")
asinh = unary("asinh", lax.asinh, "The same as `arcsinh`.")
atanh = unary("atanh", lax.atanh, "The same as `arctanh`.")
atan2 = binary("atan2", lax.atan2, "The same as `arctan2`.", promote_args_inexact)


def radians(x: Any, /) -> Any:
    """The same as `deg2rad`."""
    return deg2rad(x)


def degrees(x: Any, /) -> Any:
    """The same as `rad2deg`."""
    return rad2deg(x)


# --- arithmetic ------------------------------------------------------------------------------

add = binary("add", on_bool(lax.add, lax.bitwise_or), "x + y; for Booleans x or y.")
multiply = binary("multiply", on_bool(lax.mul, lax.bitwise_and), "x * y; for Booleans x and y.")
subtract = binary("subtract", lax.sub, "x - y.")
true_divide = binary("true_divide", lax.div, "x1 / x2, in floats.", promote_args_inexact)
negative = unary("negative", lax.neg, "-x.", promote_args)
maximum = binary("maximum", lax.max, "The larger of x and y; nan if either is.")
minimum = binary("minimum", lax.min, "The smaller of x and y; nan if either is.")
sign = unary("sign", lax.sign, "-1, 0 or 1; z / |z| for a complex number.", promote_args)
nextafter = binary("nextafter", lax.nextafter, "The next float after x in the direction of y.",
                   promote_args_inexact)


def divide(x1: Any, x2: Any, /) -> Any:
    """The same as `true_divide`."""
    return true_divide(x1, x2)


def positive(x: Any, /) -> Any:
    """x itself."""
    return ensure_array("positive", x)


def absolute(x: Any, /) -> Any:
    """|x|; the modulus of a complex number.

    >>> import minijax.numpy as jnp
    >>> jnp.absolute(jnp.array([-1, 2])), jnp.absolute(3 + 4j)
    (Array([1, 2], dtype=int32), Array(5., dtype=float32, weak_type=True))
    """
    x = ensure_array("absolute", x)
    return x if x.dtype.kind in "bu" else lax.abs(x)


def abs(x: Any, /) -> Any:
    """The same as `absolute`."""
    return absolute(x)


def fabs(x: Any, /) -> Any:
    """|x| as a float. TypeError for complex numbers."""
    (x,) = promote_args_inexact("fabs", x)
    if x.dtype.kind == "c":
        raise TypeError("ufunc 'fabs' does not support complex dtypes")
    return lax.abs(x)


def floor(x: Any, /) -> Any:
    """The largest integer not above x."""
    x = ensure_array("floor", x)
    return x if x.dtype.kind in "biu" else lax.floor(x)


def ceil(x: Any, /) -> Any:
    """The smallest integer not below x."""
    x = ensure_array("ceil", x)
    return x if x.dtype.kind in "biu" else lax.ceil(x)


# --- complex numbers -------------------------------------------------------------------------


def is_complex(x: Any) -> bool:
    return x.dtype.kind == "c"


def conjugate(x: Any, /) -> Any:
    """The complex conjugate."""
    x = ensure_array("conjugate", x)
    return lax.conj(x) if is_complex(x) else x


def conj(x: Any, /) -> Any:
    """The same as `conjugate`."""
    return conjugate(x)


def real(val: Any, /) -> Any:
    """The real part."""
    val = ensure_array("real", val)
    return lax.real(val) if is_complex(val) else val


def imag(val: Any, /) -> Any:
    """The imaginary part: 0 for real numbers."""
    val = ensure_array("imag", val)
    return lax.imag(val) if is_complex(val) else lax.full_like(val, 0)
