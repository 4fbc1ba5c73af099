"""Comparisons, logic, bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.numpy.arguments import ensure_array
from minijax.numpy.promotion import promote_args, promote_args_numeric
from minijax.numpy.ufuncs import binary, comparison, is_complex, to_bool, unary

# --- comparison, logic, bits -----------------------------------------------------------------

equal = binary("equal", lax.eq, "x == y.")
not_equal = binary("not_equal", lax.ne, "x != y.")
less = binary("less", comparison(lax.lt), "x < y.")
less_equal = binary("less_equal", comparison(lax.le), "x <= y.")
greater = binary("greater", comparison(lax.gt), "x > y.")
greater_equal = binary("greater_equal", comparison(lax.ge), "x >= y.")
bitwise_and = binary("bitwise_and", lax.bitwise_and, "x & y, bit by bit.")
bitwise_or = binary("bitwise_or", lax.bitwise_or, "x | y, bit by bit.")
bitwise_xor = binary("bitwise_xor", lax.bitwise_xor, "x ^ y, bit by bit.")
bitwise_not = unary("bitwise_not", lax.bitwise_not, "~x, bit by bit.", promote_args)
bitwise_invert = unary("bitwise_invert", lax.bitwise_not, "~x, bit by bit.", promote_args)
invert = unary("invert", lax.bitwise_not, "~x, bit by bit.", promote_args)
left_shift = binary("left_shift", lax.shift_left, "x << y.", promote_args_numeric)
bitwise_left_shift = binary("bitwise_left_shift", lax.shift_left, "x << y.", promote_args_numeric)
logical_and = binary("logical_and", lambda x, y: lax.bitwise_and(to_bool(x), to_bool(y)),
                     "Whether both are not zero.")
logical_or = binary("logical_or", lambda x, y: lax.bitwise_or(to_bool(x), to_bool(y)),
                    "Whether at least one is not zero.")
logical_xor = binary("logical_xor", lambda x, y: lax.bitwise_xor(to_bool(x), to_bool(y)),
                     "Whether exactly one is not zero.")
logical_not = unary("logical_not", lambda x: lax.bitwise_not(to_bool(x)), "Whether x is zero.",
                    promote_args)


def right_shift(x1: Any, x2: Any, /) -> Any:
    """x1 >> x2; copies of the sign come in from the left."""
    x1, x2 = promote_args_numeric("right_shift", x1, x2)
    unsigned = x1.dtype.kind == "u"
    return (lax.shift_right_logical if unsigned else lax.shift_right_arithmetic)(x1, x2)


def bitwise_right_shift(x1: Any, x2: Any, /) -> Any:
    """The same as `right_shift`."""
    return right_shift(x1, x2)


def isfinite(x: Any, /) -> Any:
    """Whether x is neither infinite nor nan."""
    x = ensure_array("isfinite", x)
    if is_complex(x):
        return lax.bitwise_and(lax.is_finite(lax.real(x)), lax.is_finite(lax.imag(x)))
    return lax.is_finite(x) if dtypes.is_inexact(x.dtype) else lax.full_like(x, True, dtype=bool)


def isnan(x: Any, /) -> Any:
    """Whether x is nan."""
    x = ensure_array("isnan", x)
    return lax.ne(x, x)


def isposinf(x: Any, /, out: None = None) -> Any:
    """Whether x is plus infinity."""
    return is_infinity("isposinf", x, np.inf)


def isneginf(x: Any, /, out: None = None) -> Any:
    """Whether x is minus infinity."""
    return is_infinity("isneginf", x, -np.inf)


def is_infinity(name: str, x: Any, infinity: float) -> Any:
    x = ensure_array(name, x)
    if is_complex(x):
        raise ValueError("isposinf/isneginf are not well defined for complex types")
    if dtypes.is_inexact(x.dtype):
        return lax.eq(x, infinity)
    return lax.full_like(x, False, dtype=bool)
