"""Sines and cosines, and their inverses. Large angles are reduced exactly (Payne and Hanek)."""

from __future__ import annotations

import numpy as np

inf, nan = float("inf"), float("nan")
HALF_PI, HALF_PI_LOW = 1.5707963267948966, 6.123233995736766e-17
HALF_PI_f32, HALF_PI_REST_f32 = 1.5707963705062866, -4.371139000186241e-08
HALF_PI_f64, HALF_PI_REST_f64 = HALF_PI, HALF_PI_LOW

# --- how often an angle holds a right one ----------------------------------------------------
# x 2/pi modulo 4 is wanted, but x can be 2**1000. Let x = y 2**k with a whole y: then the integer
# part of 2**k 2/pi that is divisible by 4 can go, as it adds to the product multiples of 4 only.
# What is left of 2**k 2/pi is kept as a sum of several float64.


def _two_over_pi(digits: int) -> int:
    """2/pi 2**digits, by Machin's formula: pi = 16 atan(1/5) - 4 atan(1/239)."""
    one = 1 << (digits + 64)

    def atan_of_inverse(n: int) -> int:
        total, power, k, sign = 0, one // n, 1, 1
        while power:
            total, power, k, sign = total + sign * (power // k), power // (n * n), k + 2, -sign
        return total

    pi = 16 * atan_of_inverse(5) - 4 * atan_of_inverse(239)
    return ((2 * one) << digits) // pi


def _parts(k: int, count: int) -> tuple[float, ...]:
    """2**k 2/pi modulo 4 as a sum of `count` float64, the largest first."""
    rest = (_TWO_OVER_PI << k) % (4 << _DIGITS)
    out = []
    for _ in range(count):
        drop = max(rest.bit_length() - 53, 0)
        out.append(float(rest >> drop) * 2.0 ** (drop - _DIGITS))
        rest &= (1 << drop) - 1
    return tuple(out)


_DIGITS = 1024 + 320
_TWO_OVER_PI = _two_over_pi(_DIGITS)
NEAR_A, NEAR_B, NEAR_C = _parts(0, 3)
FAR_A, FAR_B, FAR_C = _parts(74, 3)
PARTS_A, PARTS_B, PARTS_C = np.array([_parts(8 * i, 3) for i in range(122)]).T.copy()


def modulo_4(x):
    """What is left of x, from -2 to 2; exactly."""
    return fma(rint(x * 0.25), -4.0, x)


def quarters_f32(x):
    """The nearest whole number of right angles in x, modulo 4, and the rest as an angle, float64.

    Two values of k suffice, 0 and 74.
    """
    x = float64(x)
    far = fabs(x) >= 1.5845632502852868e29
    x = select(far, x * 5.293955920339377e-23, x)
    a, b = select(far, FAR_A, NEAR_A), select(far, FAR_B, NEAR_B)
    t, u = x * a, x * b
    t_low, u_low = fma(x, a, -t), fma(x, b, -u)
    t, t_low, u = modulo_4(t), modulo_4(t_low), modulo_4(u)
    n = rint(t + t_low + u)
    rest = ((t - n) + t_low + u) + fma(x, select(far, FAR_C, NEAR_C), u_low)
    return whole(n), rest * HALF_PI


def quarters_f64(x):
    """The nearest whole number of right angles in x, modulo 4, and the rest as an angle.

    k is a multiple of 8, so that |y| < 2**61.
    """
    i = (bits(fabs(x), int64) >> 52) - 1075
    i = select(i > 0, i, 0) >> 3
    i = select(i > 121, 121, i)
    y = x * bits((1023 - 8 * i) << 52, float64)
    a, b = lookup(PARTS_A, i), lookup(PARTS_B, i)
    t, u = y * a, y * b
    t_low, u_low = fma(y, a, -t), fma(y, b, -u)
    t = modulo_4(t)
    n = rint(t)
    s, s_low = two_sum(t_low, u)
    m = rint((t - n) + s)
    rest, rest_low = two_sum((t - n) - m, s)
    low = rest_low + (s_low + fma(y, lookup(PARTS_C, i), u_low))
    angle = fma(rest, HALF_PI, fma(rest, HALF_PI_LOW, low * HALF_PI))
    small = fabs(x) < 0.7853981633974483
    return select(small, 0, whole(n + m)), select(small, x, angle)


SIN_f32 = (-2.505210838544172e-08, 2.7557319223985893e-06, -0.0001984126984126984,
           0.008333333333333333, -0.16666666666666666)
COS_f32 = (-2.755731922398589e-07, 2.48015873015873e-05, -0.001388888888888889,
           0.041666666666666664, -0.5)
SIN_f64 = (2.8114572543455206e-15, -7.647163731819816e-13, 1.6059043836821613e-10, *SIN_f32)
COS_f64 = (-1.5619206968586225e-16, 4.779477332387385e-14, -1.1470745597729725e-11,
           2.08767569878681e-09, *COS_f32)


def sine_f(k, r):
    """The sine of k right angles and r, |r| <= pi/4, float64: a series of r**2, with its sign."""
    z = r * r
    y = select((k & 1) == 1, fma(horner(z, COS_f), z, 1.0), fma(horner(z, SIN_f) * z, r, r))
    return bits(bits(y, int64) ^ ((k & 2) << 62), float64)


def sin_f(x):
    """The sine. Within 2 ulp; if |x| > 1e18 and the result is below 1e-13, within 1e-29."""
    k, r = quarters_f(x)
    return select(x == floating(0), x, floating(sine_f(k, r)))


def cos_f(x):
    """The cosine. Within 2 ulp; if |x| > 1e18 and the result is below 1e-13, within 1e-29."""
    k, r = quarters_f(x)
    return floating(sine_f(k + 1, r))


def tan_f(x):
    """The sine divided by the cosine. Within 3 ulp, if both of them are within 2 ulp."""
    k, r = quarters_f(x)
    return select(x == floating(0), x, floating(sine_f(k, r) / sine_f(k + 1, r)))


# --- inverses --------------------------------------------------------------------------------

ATAN_f32 = (-0.0023869972, 0.013507771, -0.03587154, 0.06250169, -0.0865688, 0.110337645,
            -0.14278568, 0.1999974, -0.3333333)  # (atan(z) - z) / z**3, |z| <= 1
ATAN_f64 = (-1.1832505417555692e-05, 0.0001368724853148122, -0.0007518472526973822,
            0.002622977891906089, -0.006575683344151699, 0.012756172907694298,
            -0.020238706986393514, 0.027567942297344678, -0.033750132001619734,
            0.03872640214042632, -0.04308119655330471, 0.04752086773576656, -0.05261265735709454,
            0.05882074956371294, -0.06666636435777692, 0.07692305354678655, -0.09090908969557403,
            0.11111111107234799, -0.14285714285648404, 0.19999999999999554, -0.3333333333333333)
ASIN_f32 = (0.038085025, 0.026554542, 0.04500138, 0.07498855, 0.16666673)  # |z| <= 1/2
ASIN_f64 = (0.028757851367421566, -0.014851887071247204, 0.01740087944269402,
            0.005457506718640358, 0.01032281435018578, 0.011479177415184906,
            0.013971212973552933, 0.017352392720869973, 0.02237217294214989, 0.030381944138531247,
            0.04464285714635543, 0.07499999999998433, 0.16666666666666669)


def odd_series_f(z, p):
    """z + z**3 p."""
    return fma(p, z * z * z, z)


def less_from_right_f(y):
    """A right angle less y, with what is lost in rounding pi/2."""
    return floating(HALF_PI_f) - (y - floating(HALF_PI_REST_f))


def atan_f(x):
    """The arc whose tangent is x; of 1/x where x > 1. Within 2 ulp."""
    t = fabs(x)
    z = select(t > floating(1), floating(1) / t, t)
    y = odd_series_f(z, horner(z * z, ATAN_f))
    return copysign(select(t > floating(1), less_from_right_f(y), y), x)


def atan2_f(y, x):
    """The angle of the point (x, y), from -pi to pi. Within 3 ulp."""
    a, b = fabs(y), fabs(x)
    steep = a > b
    z = select(steep, b, a) / select(steep, a, b)
    z = select(a == b, select(a == floating(0), floating(0), floating(1)), z)
    r = odd_series_f(z, horner(z * z, ATAN_f))
    r = select(steep, less_from_right_f(r), r)
    left = floating(2 * HALF_PI_f) - (r - floating(2 * HALF_PI_REST_f))
    r = select(copysign(floating(1), x) < floating(0), left, r)
    return select((x != x) | (y != y), x + y, copysign(r, y))


def arc_f(z):
    """The arc whose sine is z, |z| <= 1/2."""
    return odd_series_f(z, horner(z * z, ASIN_f))


def asin_f(x):
    """The arc whose sine is x; of sqrt((1-x)/2) where x > 1/2. Within 3 ulp."""
    t = fabs(x)
    near = t < floating(0.5)
    y = arc_f(select(near, t, sqrt((floating(1) - t) * floating(0.5))))
    return copysign(select(near, y, less_from_right_f(y + y)), x)


def acos_f(x):
    """The arc whose cosine is x. Within 2 ulp."""
    t = fabs(x)
    near = t < floating(0.5)
    y = arc_f(select(near, x, sqrt((floating(1) - t) * floating(0.5))))
    far = select(x < floating(0), floating(2 * HALF_PI_f) - (y + y), y + y)
    return select(near, less_from_right_f(y), far)
