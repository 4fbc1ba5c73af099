"""Polynomials as arrays of coefficients, the highest power first."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.numpy import linalg
from minijax.numpy.arguments import concrete, ensure_array, ensure_arrays
from minijax.numpy.contractions import dot, outer
from minijax.numpy.creation import asarray
from minijax.numpy.diagonals import _diag
from minijax.numpy.editing import trim_zeros
from minijax.numpy.flipping import roll
from minijax.numpy.joining import concatenate
from minijax.numpy.promotion import _where, broadcast_shapes, promote_dtypes, promote_inexact
from minijax.numpy.ranges import arange, vander
from minijax.numpy.reductions import all, prod, sum
from minijax.numpy.searching import argmin
from minijax.numpy.shaping import atleast_1d
from minijax.numpy.statistics import convolve
from minijax.numpy.ufuncs import maximum, sqrt, true_divide


@functools.partial(jit, static_argnames="unroll")
def polyval(p: Any, x: Any, *, unroll: int = 16) -> Any:
    """The value at x, by Horner's rule.

    >>> import minijax.numpy as jnp
    >>> jnp.polyval(jnp.array([1.0, 0.0, 2.0]), 3.0)
    Array(11., dtype=float32)
    """
    p, x = promote_dtypes(*ensure_arrays("polyval", p, x))
    y = lax.full_like(x, 0, shape=broadcast_shapes(p.shape[1:], x.shape))
    for i in range(p.shape[0]):
        y = y * x + p[i]
    return y


@jit
def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials."""
    a1, a2 = promote_dtypes(*ensure_arrays("polyadd", a1, a2))
    if a1.shape[0] < a2.shape[0]:
        a1, a2 = a2, a1
    return a1.at[a1.shape[0] - a2.shape[0]:].add(a2)


@jit
def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials."""
    a1, a2 = promote_dtypes(*ensure_arrays("polysub", a1, a2))
    return polyadd(a1, -a2)


def polymul(a1: Any, a2: Any, *, trim_leading_zeros: bool = False) -> Any:
    """The product of two polynomials."""
    a1, a2 = promote_inexact(*ensure_arrays("polymul", a1, a2))
    if trim_leading_zeros and (len(a1) > 1 or len(a2) > 1):
        a1, a2 = trim_zeros(a1, trim="f"), trim_zeros(a2, trim="f")
    a1, a2 = (a if len(a) else lax.full((1,), 0, a.dtype) for a in (a1, a2))
    return convolve(a1, a2)


def polydiv(u: Any, v: Any, *, trim_leading_zeros: bool = False) -> tuple[Any, Any]:
    """(quotient, remainder) of two polynomials; the remainder has the size of `u`."""
    u, v = promote_inexact(*ensure_arrays("polydiv", u, v))
    m, n = len(u), len(v)
    q = lax.full((max(m - n + 1, 1),), 0, u.dtype)
    scale = 1.0 / v[0]
    for k in range(m - n + 1):
        d = scale * u[k]
        q = q.at[k].set(d)
        u = u.at[k:k + n].add(-d * v)
    if trim_leading_zeros:
        small = np.abs(concrete(u, "jnp.polydiv with trim_leading_zeros")) <= np.sqrt(
            dtypes.finfo(u.dtype).eps)
        u = u[int(np.argmin(small)):] if not small.all() else u[m:]
    return q, u


@functools.partial(jit, static_argnames="m")
def polyder(p: Any, m: int = 1) -> Any:
    """The m-th derivative."""
    (p,) = promote_inexact(ensure_array("polyder", p))
    if m < 0:
        raise ValueError("Order of derivative must be positive")
    if m == 0:
        return p
    factors = falling(arange(m, len(p), dtype=p.dtype), m)
    return p[:-m] * factors[::-1]


def falling(x: Any, m: int) -> Any:
    """x (x - 1) ... (x - m + 1)."""
    return prod(x[None, :] - arange(m, dtype=x.dtype)[:, None], 0)


@functools.partial(jit, static_argnames="m")
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The m-th integral, with the integration constants `k` (0)."""
    p, k = promote_inexact(*ensure_arrays("polyint", p, 0 if k is None else k))
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    k = atleast_1d(k)
    if len(k) == 1:
        k = lax.full((m,), k[0], k.dtype)
    if k.shape != (m,):
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or m.")
    if m == 0:
        return p
    powers = arange(len(p) + m, dtype=p.dtype)[None, :] - arange(m, dtype=p.dtype)[:, None]
    factors = prod(maximum(1, powers), 0)[::-1]
    return true_divide(concatenate([p, k]), factors)


@jit
def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with these roots, or the characteristic polynomial of a matrix."""
    (z,) = promote_inexact(ensure_array("poly", seq_of_zeros))
    z = atleast_1d(z)
    if z.ndim == 2 and z.shape[0] == z.shape[1] and z.size:
        z = linalg.eigvals(z)
    if z.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    if not len(z):
        return lax.full((), 1, z.dtype)
    out = lax.full((1,), 1, z.dtype)
    for k in range(len(z)):
        out = convolve(out, asarray([1, -z[k]], z.dtype))
    return out


def roots(p: Any, *, strip_zeros: bool = True) -> Any:
    """The complex roots: the eigenvalues of the companion matrix.

    Args:
      strip_zeros: leave out roots for leading zeros, which needs a concrete `p`; else these are
        nan.
    """
    (p,) = promote_inexact(ensure_array("roots", p))
    p = atleast_1d(p)
    if p.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    if p.size < 2:
        return lax.full((0,), 0, dtypes.to_complex_dtype(p.dtype))
    zeros = _where(all(p == 0), len(p), argmin(p == 0))
    if strip_zeros:
        zeros = concrete(zeros, "The error occurred in the jnp.roots() function. To use this "
                                "within a JIT-compiled context, pass strip_zeros=False, but be "
                                "aware that leading zeros will result in some returned roots "
                                "being set to NaN.")
        return _roots_no_zeros(p[int(zeros):])
    return _roots_with_zeros(p, zeros)


@jit
def _roots_no_zeros(p: Any) -> Any:
    if p.size < 2:
        return lax.full((0,), 0, dtypes.to_complex_dtype(p.dtype))
    companion = _diag(lax.full((p.size - 2,), 1, p.dtype), -1)
    return linalg.eigvals(companion.at[0, :].set(-p[1:] / p[0]))


@jit
def _roots_with_zeros(p: Any, zeros: Any) -> Any:
    """Leading zeros are rolled to the end, where each makes a root 0; those come last, as nan."""
    p = _where(zeros == len(p), 1.0, p)
    found = _roots_no_zeros(roll(p, -zeros))
    found = lax.sort_key_val(found == 0, found)[1]
    return _where(arange(found.size) < found.size - zeros, found, complex(np.nan, np.nan))


@functools.partial(jit, static_argnames=("deg", "rcond", "full", "cov"))
def polyfit(x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None,
            cov: Any = False) -> Any:
    """The polynomial of degree `deg` that fits the points (x, y) best, by least squares.

    Args:
      w: weights of the points.
      full: return also (residuals, rank, singular values, rcond).
      cov: return also the covariance matrix of the coefficients ("unscaled": not scaled by the
        residuals).
    """
    x, y = ensure_arrays("polyfit", x, y)
    check_points(x, y, deg)
    order = deg + 1
    if rcond is None:
        rcond = len(x) * float(dtypes.finfo(dtypes.to_inexact_dtype(x.dtype)).eps)
    (lhs, rhs) = vander(x, order), y
    if w is not None:
        (w,) = promote_inexact(ensure_array("polyfit", w))
        if w.ndim != 1:
            raise TypeError("expected a 1-d array for weights")
        if w.shape[0] != y.shape[0]:
            raise TypeError("expected w and y to have the same length")
        lhs = lhs * w[:, None]
        rhs = rhs * (w[:, None] if rhs.ndim == 2 else w)
    scale = sqrt(sum(lhs * lhs, axis=0))
    lhs = lhs / scale[None, :]
    c, resid, rank, s = linalg.lstsq(lhs, rhs, rcond)
    c = c / (scale[:, None] if c.ndim > 1 else scale)
    if full:
        return c, resid, rank, s, asarray(rcond)
    if not cov:
        return c
    base = linalg.inv(dot(lhs.T, lhs)) / outer(scale, scale)
    if cov == "unscaled":
        factor = asarray(1.0)
    else:
        if len(x) <= order:
            raise ValueError("the number of data points must exceed order to scale the covariance "
                             "matrix")
        factor = resid / (len(x) - order)
    factor = atleast_1d(factor)
    return c, base * factor[None] if y.ndim == 1 else base[:, :, None] * factor[None, None, :]


def check_points(x: Any, y: Any, deg: int) -> None:
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if x.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if x.size == 0:
        raise TypeError("expected non-empty vector for x")
    if y.ndim not in (1, 2):
        raise TypeError("expected 1D or 2D array for y")
    if x.shape[0] != y.shape[0]:
        raise TypeError("expected x and y to have same length")
