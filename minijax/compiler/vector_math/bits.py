"""Rounding, remainders, and functions of the bits of floating-point numbers."""

from __future__ import annotations

inf, nan = float("inf"), float("nan")


def round_away_f(x):
    """The nearest whole number; away from zero, where two are."""
    n = trunc(x)
    return n + copysign(floating(fabs(x - n) >= floating(0.5)), x)


def nextafter_f32(x, y):
    """The next number after x on the way to y."""
    b = bits(x, int32)
    up = (x < y) == (x > float32(0))  # away from zero
    b = int32(b + select(up, int32(1), int32(-1)))
    step = select(x == float32(0), copysign(bits(int32(1), float32), y), bits(b, float32))
    return select(x == y, y, select((x != x) | (y != y), x + y, step))


def nextafter_f64(x, y):
    """The next number after x on the way to y."""
    b = bits(x, int64)
    up = (x < y) == (x > 0.0)
    b = b + select(up, int64(1), int64(-1))
    step = select(x == 0.0, copysign(5e-324, y), bits(b, float64))
    return select(x == y, y, select((x != x) | (y != y), x + y, step))


def rem_f64(x, y):
    """x - n y, exactly, with the sign of x. Pieces of n of 40 bits, the leading ones first."""
    a, b = fabs(x), fabs(y)
    if (a == inf) | (b == 0.0) | (a != a) | (b != b):
        return nan
    while a >= b:
        step = b
        while step * 1099511627776.0 <= a:
            step = step * 1099511627776.0
        a = fma(-trunc(a / step), step, a)
        a = select(a < 0.0, a + step, a)
    return copysign(a, x)


def rem_f32(x, y):
    """x - n y, exactly, with the sign of x."""
    return float32(rem_f64(float64(x), float64(y)))


def gcd(x, y):
    """The greatest common divisor of two integers, by Euclid's algorithm."""
    while y != 0:
        x, y = y, remainder(x, y)
    return select(x >= 0, x, -x)


def lcm(x, y):
    """The least common multiple of two integers of one type, in that type."""
    out = select(False, x, quotient(x, gcd(x, y)) * y)  # the product in the type of x
    return select((x == 0) | (y == 0), x ^ x, select(out >= 0, out, -out))


# --- 16 bits ---------------------------------------------------------------------------------
# In memory they are uint16, in a kernel float32.


def widen_bf16(u):
    """The bfloat16 with the bits u as float32: its upper half."""
    return bits(uint32(uint32(u) << uint32(16)), float32)


def narrow_bf16(x):
    """The bits of the nearest bfloat16, an even one where two are."""
    b = bits(x, uint32)
    odd = uint32((b >> uint32(16)) & uint32(1))
    rounded = uint32(b + odd + uint32(0x7fff))
    return uint16(select(x != x, uint32(b | uint32(0x400000)), rounded) >> uint32(16))


def widen_f16(u):
    """The float16 with the bits u as float32."""
    u = uint32(u)
    size = uint32((u & uint32(0x7fff)) << uint32(13))  # now exponent and fraction are in place
    special = size >= uint32(0x0f800000)
    b = uint32(size + select(special, uint32(0x70000000), uint32(0x38000000)))
    # below the normal numbers: u * 2**-24, exactly
    y = select(size < uint32(0x00800000), float32(u & uint32(0x7fff)) * float32(2.0 ** -24),
               bits(b, float32))
    return bits(uint32(bits(y, uint32) | uint32((u & uint32(0x8000)) << uint32(16))), float32)


def narrow_f16(x):
    """The bits of the nearest float16, an even one where two are."""
    b = bits(x, uint32)
    size = uint32(b & uint32(0x7fffffff))
    sign = uint32((b >> uint32(16)) & uint32(0x8000))
    odd = uint32((size >> uint32(13)) & uint32(1))
    normal = uint32((size - uint32(0x38000000) + odd + uint32(0xfff)) >> uint32(13))
    # below the normal numbers adding 1/2 rounds to a multiple of 2**-24
    small = uint32(bits(bits(size, float32) + float32(0.5), uint32) - uint32(0x3f000000))
    y = select(size < uint32(0x38800000), small, normal)
    y = select(size >= uint32(0x477ff000), uint32(0x7c00), y)  # infinity
    y = select(x != x, uint32(0x7e00), y)
    return uint16(y | sign)


def reduce_precision_f64(x, exponent_bits, mantissa_bits):
    """The nearest number with so few bits; zero and infinity where the exponent does not fit."""
    b = bits(fabs(x), int64)
    drop = 52 - mantissa_bits
    if drop > 0:
        b = b + (((b >> drop) & 1) + (int64(1) << (drop - 1)) - 1)
        b = (b >> drop) << drop
    y = bits(b, float64)
    bias = (int64(1) << (exponent_bits - 1)) - 1
    if exponent_bits < 11:
        y = select(y < bits((1 - bias + 1023) << 52, float64), 0.0, y)
        y = select(y >= bits((bias + 1 + 1023) << 52, float64), inf, y)
    return copysign(select(x == x, y, x), x)


def reduce_precision_f32(x, exponent_bits, mantissa_bits):
    """The nearest number with so few bits; zero and infinity where the exponent does not fit."""
    return float32(reduce_precision_f64(float64(x), exponent_bits, mantissa_bits))


def total_order_f32(x):
    """An integer in the order of x, where -nan < -inf < -0.0 < 0.0 < inf < nan."""
    b = bits(x, int32)
    return select(b < int32(0), int32(b ^ int32(0x7fffffff)), b)


def total_order_f64(x):
    """An integer in the order of x, where -nan < -inf < -0.0 < 0.0 < inf < nan."""
    b = bits(x, int64)
    return select(b < int64(0), b ^ int64(0x7fffffffffffffff), b)
