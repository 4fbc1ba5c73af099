"""Functions of float32 numbers, bit for bit as XLA computes them on a CPU.

Random numbers are such functions of uniform ones, so these bits are what makes `jax.random` give
the same numbers here as there. XLA has the polynomials of the Cephes library, of Giles,
*Approximating the erfinv function* (GPU Computing Gems, 2011), and of Eigen (erf), and joins each
multiplication with the addition that follows it: one rounding, not two. NumPy has no such
operation. In float64 the product of two float32 is exact, so adding there and rounding once to
float32 gives the same.

They take ten times as long as NumPy's functions: other operations are within a few units of XLA's
last place, and fast.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

BLOCK = 1 << 15  # elements at a time, so that they stay in the cache

EXP = (0.000198756912, 0.00139819994, 0.00833345205, 0.0416657962, 0.166666657, 0.5)
LOG = ((7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1),
       (-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1),
       (2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1))
LOG1P_OVER = (4.5270000862445199635215e-5, 4.9854102823193375972212e-1, 6.5787325942061044846969e0,
              2.9911919328553073277375e1, 6.0949667980987787057556e1, 5.7112963590585538103336e1,
              2.0039553499201281259648e1)
LOG1P_UNDER = (1.0, 1.5062909083469192043167e1, 8.3047565967967209469434e1,
               2.2176239823732856465394e2, 3.0909872225312059774938e2, 2.1642788614495947685003e2,
               6.0118660497603843919306e1)
LOG2_HIGH, LOG2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
ERF_OVER = (0.000229050653, 0.00340829091, 0.0509556942, 0.185208321, 1.12837911)
ERF_UNDER = (-1.17916031e-07, 2.35479656e-05, 0.00101796258, 0.0140704699, 0.110985048,
             0.497469246, 1.0)
ERF_LIMIT = np.float32(3.8325069)  # from here on it is 1
ERF_INV_CENTRAL = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                   -0.00125372503, -0.00417768164, 0.246640727, 1.50140941)
ERF_INV_TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                -0.0076224613, 0.00943887047, 1.00167406, 2.83297682)


def fma(a: Any, b: Any, c: Any) -> np.ndarray:
    """a * b + c of float32, rounded once."""
    product = np.multiply(a, b, dtype=np.float64)
    out = np.empty(np.broadcast(product, c).shape, np.float32)
    return np.add(product, c, out, casting="same_kind")


def polynomial(x: np.ndarray, coefficients: Sequence[float]) -> np.ndarray:
    """By Horner's rule, in float32 with one rounding for each coefficient."""
    first, *rest = np.array(coefficients, np.float32)
    p, product = np.full_like(x, first), np.empty(x.shape)
    for c in rest:
        np.multiply(p, x, product, dtype=np.float64)
        np.add(product, np.float64(c), p, casting="same_kind")
    return p


def in_blocks(fun: Callable) -> Callable:
    """`fun`, which is elementwise, a piece of the array after the other."""

    @functools.wraps(fun)
    def whole(x: np.ndarray) -> np.ndarray:
        flat = x.reshape(-1)
        out = np.empty_like(flat)
        for start in range(0, flat.size, BLOCK):
            out[start: start + BLOCK] = fun(flat[start: start + BLOCK])
        return out.reshape(x.shape)

    return whole


@in_blocks
def exp(x: np.ndarray) -> np.ndarray:
    """2**n e**r, where n is whole and |r| < log(2) / 2; 0 where that has no normal float32."""
    x = np.clip(x, np.float32(-104), np.float32(88.8))
    n = np.clip(np.floor(fma(x, np.float32(np.log2(np.e)), np.float32(0.5))), -127, 127)
    r = fma(-LOG2_LOW, n, fma(-LOG2_HIGH, n, x))
    y = fma(polynomial(r, EXP), r * r, r) + np.float32(1)
    powers = (np.nan_to_num(n).astype(np.int32) + 127) << 23
    out = y * powers.view(np.float32)
    return np.where(out < np.finfo(np.float32).tiny, np.float32(0), out)


@in_blocks
def log(x: np.ndarray) -> np.ndarray:
    """The natural logarithm."""
    m, e = np.frexp(x)  # x = m * 2**e, 0.5 <= m < 1
    low = m < np.float32(np.sqrt(0.5))
    m = np.where(low, m + m, m) - np.float32(1)
    e = e.astype(np.float32) - low
    m2 = m * m
    m3 = m2 * m
    a, b, c = (polynomial(m, part) for part in LOG)
    y = fma(fma(a, m3, b), m3, c)
    y = fma(y, m3, LOG2_LOW * e)
    out = fma(LOG2_HIGH, e, (m - np.float32(0.5) * m2) + y)
    regular = (x > 0) & (x < np.inf)
    out[~regular] = np.log(x[~regular])
    return out


@in_blocks
def log1p(x: np.ndarray) -> np.ndarray:
    """log(1 + x)."""
    small = np.abs(x) < np.float32(np.sqrt(2) - 1)
    out = np.empty_like(x)
    s = x[small]
    s2 = s * s
    ratio = polynomial(s, LOG1P_OVER) / polynomial(s, LOG1P_UNDER)
    out[small] = s + (s * s2 * ratio - np.float32(0.5) * s2)
    out[~small] = log(x[~small] + np.float32(1))
    return out


@in_blocks
def erf(x: np.ndarray) -> np.ndarray:
    """The error function."""
    x2 = x * x
    inside = x * polynomial(x2, ERF_OVER) / polynomial(x2, ERF_UNDER)
    return np.where(np.abs(x) >= ERF_LIMIT, np.copysign(np.float32(1), x), inside)


@in_blocks
def erf_inv(x: np.ndarray) -> np.ndarray:
    """The inverse of `erf`; infinite at -1 and 1, NaN outside."""
    w = -log1p(x * -x)
    tail = w >= 5
    p = polynomial(w - np.float32(2.5), ERF_INV_CENTRAL)
    p[tail] = polynomial(np.sqrt(w[tail]) - np.float32(3), ERF_INV_TAIL)
    p *= x
    outside = ~(np.abs(x) < 1)
    p[outside] = np.where(np.abs(x[outside]) == 1, np.copysign(np.inf, x[outside]), np.nan)
    return p
