"""Complex numbers. Each part is within some ulp of the modulus of the result, for finite operands.

The inverse functions are those of Kahan, *Branch cuts for complex elementary functions* (1987).
"""

from __future__ import annotations

inf, nan = float("inf"), float("nan")


def abs_c(z):
    """The modulus, without overflow on the way."""
    x, y = fabs(z.real), fabs(z.imag)
    a, b = select(x > y, x, y), select(x > y, y, x)
    ratio = b / select(a > floating(0), a, 1.0)
    out = a * sqrt(fma(ratio, ratio, 1.0))
    out = select(a == floating(0), floating(0), out)
    infinite = (x == floating(inf)) | (y == floating(inf))
    return select(infinite, floating(inf), select(x == x, out, x))


def sign_c(z):
    """z / |z|; 0 for 0."""
    size = abs_c(z)
    zero = size == floating(0)
    size = select(zero, floating(1), size)
    return pair(z.real / size, z.imag / size)


def is_nan(z):
    return (z.real != z.real) | (z.imag != z.imag)


def max_c(z, w):
    """The one with the larger real part, then imaginary part; nan if one is."""
    larger = (z.real > w.real) | ((z.real == w.real) & (z.imag > w.imag))
    return select(is_nan(z) | (larger & (not is_nan(w))), z, w)


def min_c(z, w):
    """The one with the smaller real part, then imaginary part; nan if one is."""
    smaller = (z.real < w.real) | ((z.real == w.real) & (z.imag < w.imag))
    return select(is_nan(z) | (smaller & (not is_nan(w))), z, w)


def times_c(z, w):
    return pair(fma(z.real, w.real, -(z.imag * w.imag)), fma(z.real, w.imag, z.imag * w.real))


def div_c(z, w):
    """z / w, by the larger part of w first (Smith)."""
    swap = fabs(w.real) < fabs(w.imag)
    large, small = select(swap, w.imag, w.real), select(swap, w.real, w.imag)
    ratio = small / large
    scale = floating(1) / fma(small, ratio, large)
    a, b = select(swap, z.imag, z.real), select(swap, z.real, z.imag)
    sign = select(swap, floating(-1), floating(1))
    real, imag = fma(b, ratio, a) * scale, sign * fma(-a, ratio, b) * scale
    zero = large == floating(0)
    return pair(select(zero, z.real / large, real), select(zero, z.imag / large, imag))


def turned(z):
    """i z."""
    return pair(-z.imag, z.real)


def turned_back(z):
    """-i z."""
    return pair(z.imag, -z.real)


def sqrt_c(z):
    """The root with a real part that is not negative."""
    x, y = z.real, z.imag
    size = fabs(x)
    t = sqrt(floating(0.5) * size + floating(0.5) * abs_c(z))
    other = floating(0.5) * y / select(t > floating(0), t, 1.0)
    right = x >= floating(0)
    return pair(select(right, t, fabs(other)), select(right, other, copysign(t, y)))


def rsqrt_c(z):
    """1 / sqrt(z)."""
    return div_c(pair(floating(1), floating(0)), sqrt_c(z))


def exp_c(z):
    size = exp_f(z.real)
    return pair(size * cos_f(z.imag), select(z.imag == floating(0), z.imag, size * sin_f(z.imag)))


def exp2_c(z):
    """e**(z log(2))."""
    return exp_c(pair(z.real * floating(0.6931471805599453), z.imag * floating(0.6931471805599453)))


def expm1_c(z):
    """Its real part is (e**x - 1) cos(y) - 2 sin(y/2)**2."""
    small = expm1_f(z.real)
    half = sin_f(z.imag * floating(0.5))
    real = fma(small, cos_f(z.imag), floating(-2) * half * half)
    return pair(real, (small + floating(1)) * sin_f(z.imag))


def log_c(z):
    """log |z|, by `log1p` where |z| is about 1, and the angle."""
    x, y = fabs(z.real), fabs(z.imag)
    a, b = select(x > y, x, y), select(x > y, y, x)
    near = floating(0.5) * log1p_f(fma(a - floating(1), a + floating(1), b * b))
    about_1 = (a > floating(0.5)) & (a < floating(2))
    return pair(select(about_1, near, log_f(abs_c(z))), atan2_f(z.imag, z.real))


def log1p_c(z):
    """log(1 + z)."""
    x, y = z.real, z.imag
    u = fma(x, x + floating(2), y * y)
    far = log_f(abs_c(pair(x + floating(1), y)))
    real = select((fabs(x) < floating(0.5)) & (fabs(y) < floating(0.5)),
                  floating(0.5) * log1p_f(u), far)
    return pair(real, atan2_f(y, x + floating(1)))


def logistic_c(z):
    """1 / (1 + e**-z)."""
    e = exp_c(pair(-z.real, -z.imag))
    return div_c(pair(floating(1), floating(0)), pair(e.real + floating(1), e.imag))


def pow_c(z, w):
    """e**(w log(z)); 0**0 is 1."""
    out = exp_c(times_c(w, log_c(z)))
    zero = (z.real == floating(0)) & (z.imag == floating(0))
    nothing = (w.real == floating(0)) & (w.imag == floating(0))
    real = select(zero, floating(w.real == floating(0)), out.real)
    return pair(select(nothing, floating(1), real),
                select(zero | nothing, floating(0), out.imag))


def sin_c(z):
    return pair(sin_f(z.real) * cosh_f(z.imag), cos_f(z.real) * sinh_f(z.imag))


def cos_c(z):
    return pair(cos_f(z.real) * cosh_f(z.imag), -(sin_f(z.real) * sinh_f(z.imag)))


def sinh_c(z):
    return pair(sinh_f(z.real) * cos_f(z.imag), cosh_f(z.real) * sin_f(z.imag))


def cosh_c(z):
    return pair(cosh_f(z.real) * cos_f(z.imag), sinh_f(z.real) * sin_f(z.imag))


def tanh_c(z):
    """sinh(2x) + i sin(2y), over cosh(2x) + cos(2y); where that is huge, 1 in the limit."""
    x, y = z.real, z.imag
    t = tan_f(y)
    s = sinh_f(select(fabs(x) > floating(20), floating(20), x))
    slope = fma(t, t, 1.0)
    under = fma(slope, s * s, 1.0)
    real = slope * sqrt(fma(s, s, 1.0)) * s / under
    far = fabs(x) > floating(20)
    faint = floating(4) * sin_f(y) * cos_f(y) * exp_f(floating(-2) * fabs(x))
    return pair(select(far, copysign(floating(1), x), real), select(far, faint, t / under))


def tan_c(z):
    """-i tanh(i z)."""
    return turned_back(tanh_c(turned(z)))


def asin_c(z):
    x, y = z.real, z.imag
    a, b = sqrt_c(pair(floating(1) - x, -y)), sqrt_c(pair(floating(1) + x, y))
    real = atan2_f(x, fma(a.real, b.real, -(a.imag * b.imag)))
    return pair(real, asinh_f(fma(a.real, b.imag, -(a.imag * b.real))))


def acos_c(z):
    x, y = z.real, z.imag
    a, b = sqrt_c(pair(floating(1) - x, -y)), sqrt_c(pair(floating(1) + x, y))
    real = floating(2) * atan2_f(a.real, b.real)
    return pair(real, asinh_f(fma(b.real, a.imag, -(b.imag * a.real))))


def acosh_c(z):
    x, y = z.real, z.imag
    a, b = sqrt_c(pair(x - floating(1), y)), sqrt_c(pair(x + floating(1), y))
    real = asinh_f(fma(a.real, b.real, a.imag * b.imag))
    return pair(real, floating(2) * atan2_f(a.imag, b.real))


def asinh_c(z):
    """-i asin(i z)."""
    return turned_back(asin_c(turned(z)))


def atanh_c(z):
    x, y = z.real, z.imag
    s = fma(floating(1) - x, floating(1) - x, y * y)
    real = floating(0.25) * log1p_f(floating(4) * x / s)
    imag = floating(0.5) * atan2_f(y + y, fma(floating(1) - x, floating(1) + x, -(y * y)))
    return pair(real, imag)


def atan_c(z):
    """-i atanh(i z)."""
    return turned_back(atanh_c(turned(z)))


def atan2_c(z, w):
    """-i log((w + i z) / sqrt(w**2 + z**2))."""
    root = sqrt_c(pair(
        fma(z.real, z.real, -(z.imag * z.imag)) + fma(w.real, w.real, -(w.imag * w.imag)),
        floating(2) * (z.real * z.imag + w.real * w.imag)))
    return turned_back(log_c(div_c(pair(w.real - z.imag, w.imag + z.real), root)))
