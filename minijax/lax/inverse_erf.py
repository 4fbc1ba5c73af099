"""The inverse error function in float32, bit for bit as XLA computes it on a CPU.

Normal random numbers are `erf_inv` of uniform ones, so these bits are what makes
`jax.random.normal` give the same numbers here as there. XLA uses the polynomials of Giles,
*Approximating the erfinv function* (GPU Computing Gems, 2011), with the log1p and log of the Cephes
library inside, and joins each multiplication with the addition that follows it: one rounding, not
two. NumPy has no such operation. In float64 the product of two float32 is exact, so adding there
and rounding once to float32 gives the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

BLOCK = 1 << 15  # elements at a time, so that they stay in the cache

CENTRAL = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
           -0.00125372503, -0.00417768164, 0.246640727, 1.50140941)
TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
        -0.0076224613, 0.00943887047, 1.00167406, 2.83297682)
LOG1P_OVER = (4.5270000862445199635215e-5, 4.9854102823193375972212e-1, 6.5787325942061044846969e0,
              2.9911919328553073277375e1, 6.0949667980987787057556e1, 5.7112963590585538103336e1,
              2.0039553499201281259648e1)
LOG1P_UNDER = (1.0, 1.5062909083469192043167e1, 8.3047565967967209469434e1,
               2.2176239823732856465394e2, 3.0909872225312059774938e2, 2.1642788614495947685003e2,
               6.0118660497603843919306e1)
LOG = ((7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1),
       (-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1),
       (2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1))
LOG2_HIGH, LOG2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)


def fma(a: Any, b: Any, c: Any) -> np.ndarray:
    """a * b + c of float32, rounded once."""
    return (np.asarray(a, np.float64) * b + c).astype(np.float32)


def polynomial(x: np.ndarray, coefficients: Sequence[float]) -> np.ndarray:
    """By Horner's rule, in float32 with one rounding for each coefficient."""
    first, *rest = np.array(coefficients, np.float32)
    wide, out = x.astype(np.float64), np.empty_like(x)
    p = np.full_like(wide, first)
    for c in rest:
        p *= wide
        p += np.float64(c)
        out[...] = p  # the rounding
        p[...] = out
    return out


def log(x: np.ndarray) -> np.ndarray:
    """The natural logarithm of positive float32 numbers."""
    m, e = np.frexp(x)  # x = m * 2**e, 0.5 <= m < 1
    low = m < np.float32(np.sqrt(0.5))
    m = np.where(low, m + m, m) - np.float32(1)
    e = e.astype(np.float32) - low
    m2 = m * m
    m3 = m2 * m
    a, b, c = (polynomial(m, part) for part in LOG)
    y = fma(fma(a, m3, b), m3, c)
    y = fma(y, m3, LOG2_LOW * e)
    return fma(LOG2_HIGH, e, (m - np.float32(0.5) * m2) + y)


def log1p(x: np.ndarray) -> np.ndarray:
    """log(1 + x) of float32 numbers x > -1."""
    small = np.abs(x) < np.float32(np.sqrt(2) - 1)
    out = np.empty_like(x)
    s = x[small]
    s2 = s * s
    ratio = polynomial(s, LOG1P_OVER) / polynomial(s, LOG1P_UNDER)
    out[small] = s + (s * s2 * ratio - np.float32(0.5) * s2)
    out[~small] = log(x[~small] + np.float32(1))
    return out


def erf_inv(x: np.ndarray) -> np.ndarray:
    """The inverse of `erf`, of float32 numbers; infinite at -1 and 1, NaN outside."""
    flat = x.reshape(-1)
    out = np.empty_like(flat)
    for start in range(0, flat.size, BLOCK):
        u = flat[start: start + BLOCK]
        w = -log1p(u * -u)
        tail = w >= 5
        p = polynomial(w - np.float32(2.5), CENTRAL)
        p[tail] = polynomial(np.sqrt(w[tail]) - np.float32(3), TAIL)
        p *= u
        outside = ~(np.abs(u) < 1)
        p[outside] = np.where(np.abs(u[outside]) == 1, np.copysign(np.inf, u[outside]), np.nan)
        out[start: start + BLOCK] = p
    return out.reshape(x.shape)
