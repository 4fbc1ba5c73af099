"""Roots and powers."""

from __future__ import annotations

inf, nan = float("inf"), float("nan")


def rsqrt_f(x):
    """1 / sqrt(x). Within 2 ulp."""
    return floating(1) / sqrt(x)


def cbrt_f(x):
    """From the logarithm, and improved by a step of Newton's method. Within 1 ulp."""
    t = fabs(x)
    y = exp_times_f(log_f(t) * floating(1 / 3), 0.0)
    better = y + (t / (y * y) - y) * floating(1 / 3)
    ordinary = (t > floating(0)) & (t < floating(inf))
    return copysign(select(ordinary, better, t), x)


def power_ends_f(x, y, size):
    """x**y, of which `size` is |x|**y, with its sign and the cases of C: 1**nan = nan**0 = 1."""
    whole_y = rint(y) == y
    half = y * floating(0.5)
    odd = whole_y & (rint(half) != half)
    out = select((x < floating(0)) & (fabs(x) < floating(inf)) & (fabs(y) < floating(inf)),
                 select(whole_y, size, nan), size)
    negative = odd & (copysign(floating(1), x) < floating(0))
    out = select(negative, -out, out)
    one = (x == floating(1)) | (y == floating(0)) | (
        (x == floating(-1)) & (fabs(y) == floating(inf)))
    return select(one, floating(1), out)


LOG_SHORT = (0.08310969235902256, 0.09070092886479063, 0.11111431231899532, 0.14285712068318135,
             0.2000000000560591, 0.3333333333333104)  # (atanh(f) - f) / f**3, |f| < 0.172
EXP_SHORT = (1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1.0, 1.0)


def pow_f32(x, y):
    """e**(y log |x|) in float64, where both have to be right to 34 bits only. Within 1 ulp."""
    t = float64(fabs(x))
    b = bits(t, int64) + 0x00095f6200000000
    e = float64((b >> 52) - 1023)
    m = bits((b & 0x000fffffffffffff) + 0x3fe6a09e00000000, float64)
    f = (m - 1.0) / (m + 1.0)
    log_t = fma(e, 0.6931471805599453, odd_series_f64(f + f, horner(f * f, LOG_SHORT) * 0.25))
    log_t = select((t > 0.0) & (t < inf), log_t, select(t == 0.0, -inf, t))
    p = float64(y) * log_t
    p = select(p < -110.0, -110.0, select(p > 110.0, 110.0, p))
    n = rint(p * 1.4426950408889634)
    size = horner(fma(n, -0.6931471805599453, p), EXP_SHORT) * power_of_2_f64(n)
    return power_ends_f32(x, y, float32(size))


def pow_f64(x, y):
    """2**n e**r; log |x| in two parts, so that its product with y is right. Within 2 ulp."""
    t = fabs(x)
    high, low = log_in_two(t)
    p = y * high
    p_low = fma(y, high, -p) + y * low
    ordinary = (t > 0.0) & (t < inf)
    size = exp_f64(select(ordinary, p, y * select(t == 0.0, -inf, t)))
    size = select(ordinary & (fabs(p) < 800.0) & (size < inf), fma(size, p_low, size), size)
    return power_ends_f64(x, y, size)


ATANH = tuple(2 / n for n in range(27, 3, -2))  # beyond 2/3
TWO_THIRDS_HIGH, TWO_THIRDS_LOW = 0.6666666666666666, 3.700743415417188e-17
LOG2_MIDDLE = 1.9082149292705877e-10


def two_sum(a, b):
    """a + b, rounded, and what that lost."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def log_in_two(x):
    """log(x) as the sum of two numbers, to some 68 bits: e log(2) + 2 atanh(f), f = (m-1)/(m+1)."""
    tiny = x < 2.2250738585072014e-308
    b = bits(select(tiny, x * 18014398509481984.0, x), int64) + 0x00095f6200000000
    e = float64((b >> 52) - 1023) - select(tiny, 54.0, 0.0)
    m = bits((b & 0x000fffffffffffff) + 0x3fe6a09e00000000, float64)
    over, under = m - 1.0, m + 1.0
    under_low = m - (under - 1.0)
    f = over / under
    f_low = (fma(-f, under, over) - f * under_low) / under
    # 2/3 f**3 in two parts
    z = f * f
    z_low = fma(f, f, -z) + 2.0 * f * f_low
    c = z * TWO_THIRDS_HIGH
    c_low = fma(z, TWO_THIRDS_HIGH, -c) + (z_low * TWO_THIRDS_HIGH + z * TWO_THIRDS_LOW)
    c, c_low = two_sum(c, c_low + z * z * horner(z, ATANH))
    g = f * c
    g_low = fma(f, c, -g) + (f * c_low + f_low * c)
    s, s_low = two_sum(e * LOG2_HIGH_f64, f + f)
    s, g = two_sum(s, g)
    low = s_low + g + (g_low + (f_low + f_low) + e * LOG2_MIDDLE)
    return two_sum(s, low)
