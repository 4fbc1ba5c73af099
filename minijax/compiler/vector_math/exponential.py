"""Exponentials, logarithms, and the hyperbolic functions made of them."""

from __future__ import annotations

inf, nan = float("inf"), float("nan")

# --- exponentials ----------------------------------------------------------------------------

XLA_EXP = (0.000198756912, 0.00139819994, 0.00833345205, 0.0416657962, 0.166666657, 0.5)
EXP_f32 = (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5)  # (e**r - 1 - r) / r**2
EXP_f64 = (1 / 6227020800, 1 / 479001600, 1 / 39916800, 1 / 3628800, 1 / 362880, 1 / 40320,
           1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5)
LOG2_HIGH_f32, LOG2_LOW_f32 = 0.693359375, -2.12194440e-4  # log(2); the first has few bits
LOG2_HIGH_f64, LOG2_LOW_f64 = 0.6931471803691238, 1.9082149292705877e-10
LOWEST_f32, HIGHEST_f32 = -104.0, 90.0  # where e**x is 0, and e**x / 2 infinite
LOWEST_f64, HIGHEST_f64 = -746.0, 711.0


def exp_f32(x):
    """2**n e**r, |r| < log(2) / 2. XLA's own bits: 0 for what is not normal.

    Within 1 ulp, but 6 ulp above 88.4.
    """
    x = select(x < float32(-104), float32(-104), x)
    x = select(x > float32(88.8), float32(88.8), x)
    n = floor(fma(x, 1.4426950408889634, 0.5))
    n = select(n < float32(-127), float32(-127), n)
    n = select(n > float32(127), float32(127), n)
    r = fma(n, -LOG2_LOW_f32, fma(n, -LOG2_HIGH_f32, x))
    y = fma(horner(r, XLA_EXP), r * r, r) + float32(1)
    y = y * power_of_2_f32(n)
    return select(y < float32(1.1754943508222875e-38), float32(0), y)


def power_of_2_f32(n):
    """2**n for a whole n from -126 to 127; 0 for -127."""
    return bits(int32((whole(n) + 127) << 23), float32)


def power_of_2_f64(n):
    """2**n for a whole n from -1022 to 1023."""
    return bits((whole(n) + 1023) << 52, float64)


def scaled_f(y, n):
    """y 2**n, where 2**n itself may be too large, or too small: in two steps."""
    half = floor(n * floating(0.5))
    return y * power_of_2_f(half) * power_of_2_f(n - half)


def exp_times_f(x, k):
    """e**x 2**k for a small whole k. Within 1 ulp."""
    x = select(x < floating(LOWEST_f), floating(LOWEST_f), x)
    x = select(x > floating(HIGHEST_f), floating(HIGHEST_f), x)
    n = rint(x * floating(1.4426950408889634))
    r = fma(n, -LOG2_LOW_f, fma(n, -LOG2_HIGH_f, x))
    y = fma(horner(r, EXP_f), r * r, r) + floating(1)
    return scaled_f(y, n + floating(k))


def exp_f64(x):
    """2**n e**r, |r| <= log(2) / 2, by the series of e**r. Within 1 ulp."""
    return exp_times_f64(x, 0.0)


def exp2_f(x):
    """2**n 2**r, |r| <= 1/2. Within 2 ulp."""
    x = select(x < floating(LOWEST_f * 1.5), floating(LOWEST_f * 1.5), x)
    x = select(x > floating(HIGHEST_f * 1.5), floating(HIGHEST_f * 1.5), x)
    n = rint(x)
    r = (x - n) * floating(0.6931471805599453)
    y = fma(horner(r, EXP_f), r * r, r) + floating(1)
    return scaled_f(y, n)


def expm1_f(x):
    """2 (s p + s - 1/2), p = e**r - 1, s = 2**(n-1). Within 2 ulp."""
    t = select(x < floating(-40), floating(-40), x)
    t = select(t > floating(HIGHEST_f - 1.0), floating(HIGHEST_f - 1.0), t)
    n = rint(t * floating(1.4426950408889634))
    r = fma(n, -LOG2_LOW_f, fma(n, -LOG2_HIGH_f, t))
    p = fma(horner(r, EXP_f), r * r, r)
    s = power_of_2_f(n - floating(1))
    y = fma(s, p, s - floating(0.5))
    return select(x == floating(0), x, y + y)


# --- logarithms ------------------------------------------------------------------------------

XLA_LOG_A = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1)
XLA_LOG_B = (-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1)
XLA_LOG_C = (2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
XLA_LOG1P_OVER = (
    4.5270000862445199635215e-5, 4.9854102823193375972212e-1, 6.5787325942061044846969e0,
    2.9911919328553073277375e1, 6.0949667980987787057556e1, 5.7112963590585538103336e1,
    2.0039553499201281259648e1)
XLA_LOG1P_UNDER = (
    1.0, 1.5062909083469192043167e1, 8.3047565967967209469434e1, 2.2176239823732856465394e2,
    3.0909872225312059774938e2, 2.1642788614495947685003e2, 6.0118660497603843919306e1)
LOG_f64 = (1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1,
           2.222219843214978396e-1, 2.857142874366239149e-1, 3.999999999940941908e-1,
           6.666666666666735130e-1)


def log_f32(x):
    """log(m) + e log(2), sqrt(1/2) <= m < sqrt(2). XLA's own bits; within 2 ulp."""
    tiny = x < float32(1.1754943508222875e-38)
    b = bits(select(tiny, x * float32(8388608.0), x), int32)
    low = int32(b & 0x7fffff) < 0x3504f3
    m = bits(int32((b & 0x7fffff) | 0x3f000000), float32)
    m = select(low, m + m, m) - float32(1)
    e = float32(int32((b >> 23) - 126)) - select(tiny, float32(23), float32(0))
    e = e - select(low, float32(1), float32(0))
    m2 = m * m
    m3 = m2 * m
    y = fma(fma(horner(m, XLA_LOG_A), m3, horner(m, XLA_LOG_B)), m3, horner(m, XLA_LOG_C))
    y = fma(y, m3, float32(LOG2_LOW_f32) * e)
    y = fma(e, LOG2_HIGH_f32, (m - float32(0.5) * m2) + y)
    return log_ends_f32(x, y)


def log_ends_f(x, y):
    """y, the logarithm of x, where that is an ordinary number."""
    y = select(x > floating(0), y, select(x == floating(0), floating(-inf), nan))
    return select(x == floating(inf), x, y)


def log_f64(x):
    """log(m) + e log(2), sqrt(1/2) <= m < sqrt(2). Within 1 ulp."""
    tiny = x < 2.2250738585072014e-308
    b = bits(select(tiny, x * 18014398509481984.0, x), int64) + 0x00095f6200000000
    e = float64((b >> 52) - 1023) - select(tiny, 54.0, 0.0)
    f = bits((b & 0x000fffffffffffff) + 0x3fe6a09e00000000, float64) - 1.0
    s = f / (f + 2.0)
    z = s * s
    h = 0.5 * f * f
    low = fma(s, fma(z, horner(z, LOG_f64), h), e * LOG2_LOW_f64)
    return log_ends_f64(x, fma(e, LOG2_HIGH_f64, f - (h - low)))


def log1p_f32(x):
    """log(1 + x). XLA's own bits; within 3 ulp."""
    s2 = x * x
    ratio = horner(x, XLA_LOG1P_OVER) / horner(x, XLA_LOG1P_UNDER)
    near = x + (x * s2 * ratio - float32(0.5) * s2)
    return select(fabs(x) < float32(0.41421356237309515), near, log_f32(x + float32(1)))


def log1p_f64(x):
    """log(u) of u = 1 + x, and what was lost in rounding u. Within 2 ulp."""
    u = 1.0 + x
    y = log_f64(u)
    y = select((u > 0.0) & (u < inf), y + (x - (u - 1.0)) / u, y)
    return select(fabs(x) < 1e-17, x, y)


# --- hyperbolic functions --------------------------------------------------------------------

TANH_f32 = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1,
            -3.33332819422e-1)
TANH_OVER_f64 = (-9.64399179425052238628e-1, -9.92877231001918586564e1,
                 -1.61468768441708447952e3)
TANH_UNDER_f64 = (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3,
                  4.84406305325125486048e3)
SINH_f32 = (2.8062802e-06, 0.00019838102, 0.008333339, 0.16666667)  # (sinh(x) - x) / x**3
SINH_f64 = (7.746178593018827e-13, 1.6057679623801638e-10, 2.5052117695907823e-08,
            2.7557319191381816e-06, 0.00019841269841324198, 0.008333333333333299,
            0.16666666666666666)


def tanh_f32(x):
    """Odd, so of |x|: 1 - 2 / (e**2x + 1), or a series where that would cancel. Within 2 ulp."""
    t = fabs(x)
    y = float32(1) - float32(2) / (exp_f32(t + t) + float32(1))
    z = t * t
    near = fma(horner(z, TANH_f32), z * t, t)
    return copysign(select(t < float32(0.625), near, y), x)


def tanh_f64(x):
    """Odd, so of |x|: 1 - 2 / (e**2x + 1), or polynomials where that would cancel. Within 2 ulp."""
    t = fabs(x)
    y = 1.0 - 2.0 / (exp_f64(t + t) + 1.0)
    z = t * t
    near = fma(horner(z, TANH_OVER_f64) / horner(z, TANH_UNDER_f64), z * t, t)
    return copysign(select(t < 0.625, near, y), x)


def logistic_f32(x):
    """1 / (1 + e**-x). Within 3 ulp; 0 below -88.7."""
    return float32(1) / (float32(1) + exp_f32(-x))


def logistic_f64(x):
    """1 / (1 + e**-x). Within 3 ulp; 0 below -709.8."""
    return 1.0 / (1.0 + exp_f64(-x))


def cosh_f(x):
    """h + 1/(4 h), h = e**|x| / 2. Within 2 ulp."""
    h = exp_times_f(fabs(x), -1.0)
    return h + floating(0.25) / h


def sinh_f(x):
    """h - 1/(4 h), h = e**|x| / 2, or a series where that would cancel. Within 2 ulp."""
    t = fabs(x)
    h = exp_times_f(t, -1.0)
    z = t * t
    near = fma(horner(z, SINH_f), z * t, t)
    return copysign(select(t < floating(1), near, h - floating(0.25) / h), x)


LARGE_f32, LARGE_f64 = 1e9, 1e18  # they swallow 1, and have a square


def asinh_f(x):
    """log(t + sqrt(t**2 + 1)), t = |x|, by `log1p`. Within 4 ulp."""
    t = fabs(x)
    large = t > floating(LARGE_f)
    z = t * t
    u = t + z / (floating(1) + sqrt(z + floating(1)))
    y = log1p_f(select(large, t, u)) + select(large, floating(0.6931471805599453), 0.0)
    return copysign(y, x)


def acosh_f(x):
    """log(x + sqrt(x**2 - 1)), by `log1p`. Within 4 ulp."""
    t = x - floating(1)
    large = t > floating(LARGE_f)
    u = select(large, x, t + sqrt(t * (t + floating(2))))
    y = log1p_f(u) + select(large, floating(0.6931471805599453), 0.0)
    return select(x < floating(1), floating(nan), y)


def atanh_f(x):
    """log((1 + t) / (1 - t)) / 2, t = |x|, by `log1p`. Within 4 ulp."""
    t = fabs(x)
    y = floating(0.5) * log1p_f((t + t) / (floating(1) - t))
    return copysign(y, x)


def logaddexp_f(x, y):
    """log(e**x + e**y), from the larger of them on."""
    d = fabs(x - y)
    return select(d == d, maximum(x, y) + log1p_f(exp_f(-d)), x + y)  # infinities of one sign, nan
