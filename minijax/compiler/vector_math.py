"""Elementary functions of one number, written so that a loop over them becomes vector instructions.

There is no branch (`select` computes both sides), no table and no call of a library. Numba compiles
them (`intrinsics.py` has the names they use); a constant is rounded to the type it meets.
"""

from __future__ import annotations

import functools
from typing import Any

inf, nan = float("inf"), float("nan")

# --- exponentials ----------------------------------------------------------------------------


EXP_F32 = (0.000198756912, 0.00139819994, 0.00833345205, 0.0416657962, 0.166666657, 0.5)


def exp_f32(x):
    """2**n e**r, |r| < log(2) / 2. XLA's own bits; within 1 ulp; 0 for what is not normal."""
    x = select(x < float32(-104), float32(-104), x)
    x = select(x > float32(88.8), float32(88.8), x)
    n = floor(fma(x, 1.4426950408889634, 0.5))
    n = select(n < float32(-127), float32(-127), n)
    n = select(n > float32(127), float32(127), n)
    r = fma(n, 2.12194440e-4, fma(n, -0.693359375, x))
    y = fma(horner(r, EXP_F32), r * r, r) + float32(1)
    y = y * bits(int32((whole(n) + 127) << 23), float32)
    return select(y < float32(1.1754943508222875e-38), float32(0), y)


EXP_F64 = (1 / 6227020800, 1 / 479001600, 1 / 39916800, 1 / 3628800, 1 / 362880, 1 / 40320, 1 / 5040,
           1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1.0)


def power_of_2_f64(n):
    """2**n for a whole n from -1022 to 1023."""
    return bits((whole(n) + 1023) << 52, float64)


def exp_f64(x):
    """2**n e**r, |r| <= log(2) / 2, by the series of e**r. Within 1 ulp."""
    x = select(x < -746.0, -746.0, x)
    x = select(x > 710.0, 710.0, x)
    n = rint(x * 1.4426950408889634)
    r = fma(n, -1.9082149292705877e-10, fma(n, -0.6931471803691238, x))
    y = fma(horner(r, EXP_F64), r, 1.0)
    half = floor(n * 0.5)  # 2**n itself may be too large, or too small
    return y * power_of_2_f64(half) * power_of_2_f64(n - half)


LOG_A_F32 = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1)
LOG_B_F32 = (-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1)
LOG_C_F32 = (2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)


def log_f32(x):
    """The natural logarithm. XLA's own bits; within 1 ulp."""
    tiny = x < float32(1.1754943508222875e-38)
    b = bits(select(tiny, x * float32(8388608.0), x), int32)
    low = int32(b & 0x7fffff) < 0x3504f3
    m = bits(int32((b & 0x7fffff) | 0x3f000000), float32)
    m = select(low, m + m, m) - float32(1)
    e = float32(int32((b >> 23) - 126)) - select(tiny, float32(23), float32(0))
    e = e - select(low, float32(1), float32(0))
    m2 = m * m
    m3 = m2 * m
    y = fma(fma(horner(m, LOG_A_F32), m3, horner(m, LOG_B_F32)), m3, horner(m, LOG_C_F32))
    y = fma(y, m3, float32(-2.12194440e-4) * e)
    y = fma(e, 0.693359375, (m - float32(0.5) * m2) + y)
    y = select(x > float32(0), y, select(x == float32(0), float32(-inf), float32(nan)))
    return select(x == float32(inf), x, y)


LOG_F64 = (1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1,
           2.222219843214978396e-1, 2.857142874366239149e-1, 3.999999999940941908e-1,
           6.666666666666735130e-1)


def log_f64(x):
    """log(m) + e log(2), sqrt(1/2) <= m < sqrt(2). Within 1 ulp."""
    tiny = x < 2.2250738585072014e-308
    b = bits(select(tiny, x * 18014398509481984.0, x), int64) + 0x00095f6200000000
    e = float64((b >> 52) - 1023) - select(tiny, 54.0, 0.0)
    f = bits((b & 0x000fffffffffffff) + 0x3fe6a09e00000000, float64) - 1.0
    s = f / (f + 2.0)
    z = s * s
    r = z * horner(z, LOG_F64)
    h = 0.5 * f * f
    y = fma(e, 0.6931471803691238, f - (h - fma(s, h + r, e * 1.9082149292705877e-10)))
    y = select(x > 0.0, y, select(x == 0.0, -inf, nan))
    return select(x == inf, x, y)


def tanh_f32(x):
    """Odd, so of |x|: 1 - 2 / (e**2x + 1), or the series where that would cancel."""
    t = fabs(x)
    y = float32(1) - float32(2) / (exp_f32(t + t) + float32(1))
    z = t * t
    small = fma(horner(z, TANH_F32), z * t, t)
    return copysign(select(t < float32(0.625), small, y), x)


TANH_F32 = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1,
            -3.33332819422e-1)
TANH_OVER_F64 = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
TANH_UNDER_F64 = (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3)


def tanh_f64(x):
    """Odd, so of |x|: 1 - 2 / (e**2x + 1), or a quotient of polynomials where that would cancel."""
    t = fabs(x)
    y = 1.0 - 2.0 / (exp_f64(t + t) + 1.0)
    z = t * t
    small = fma(horner(z, TANH_OVER_F64) / horner(z, TANH_UNDER_F64), z * t, t)
    return copysign(select(t < 0.625, small, y), x)


def logistic_f32(x):
    """1 / (1 + e**-x)."""
    return float32(1) / (float32(1) + exp_f32(-x))


def logistic_f64(x):
    """1 / (1 + e**-x)."""
    return 1.0 / (1.0 + exp_f64(-x))


# --- the text --------------------------------------------------------------------------------


@functools.cache
def definitions() -> dict[str, Any]:
    """The functions of a number, and their constants, by name."""
    own = {"definitions", "sources", "functools", "annotations", "Any"}
    return {k: v for k, v in globals().items() if not k.startswith("__") and k not in own}
