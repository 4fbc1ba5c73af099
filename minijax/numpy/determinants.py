"""Determinants, and the adjugate that is their derivative."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from minijax import lax
from minijax.custom import custom_jvp
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.lax.matrix import solve
from minijax.numpy.arguments import ensure_array
from minijax.numpy.diagonals import diagonal, trace
from minijax.numpy.logic import isfinite
from minijax.numpy.promotion import _where, promote_inexact
from minijax.numpy.reductions import any, count_nonzero, prod, sum
from minijax.numpy.taking import take_along_axis
from minijax.numpy.ufuncs import absolute, exp, log, real, sign


class SlogdetResult(NamedTuple):
    sign: Any
    logabsdet: Any


def square_matrix(name: str, a: Any) -> Any:
    (a,) = promote_inexact(ensure_array(f"jnp.linalg.{name}", a))
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"Argument to {name}() must have shape [..., n, n], got {a.shape}")
    return a


@jit
def det(a: Any) -> Any:
    """The determinant of square matrices.

    >>> import minijax.numpy as jnp
    >>> jnp.linalg.det(jnp.array([[1.0, 2.0], [3.0, 4.0]]))
    Array(-2., dtype=float32)
    """
    a = square_matrix("det", a)
    n = a.shape[-1]
    if n == 2:
        return a[..., 0, 0] * a[..., 1, 1] - a[..., 0, 1] * a[..., 1, 0]
    if n == 3:  # the rule of Sarrus
        plus, minus = ([a[..., 0, i] * a[..., 1, (i + s) % 3] * a[..., 2, (i + 2 * s) % 3]
                        for i in range(3)] for s in (1, -1))
        return plus[0] + plus[1] + plus[2] - minus[2] - minus[0] - minus[1]
    return _det(a)


@custom_jvp
def _det(a: Any) -> Any:
    s, logdet = slogdet(a)
    return s * exp(logdet).astype(s.dtype)


@_det.defjvp
def _det_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The trace of the adjugate times the tangent, which is right for singular matrices too."""
    value, product = times_adjugate(*primals, *tangents)
    return value, trace(product, axis1=-1, axis2=-2)


def times_adjugate(a: Any, b: Any) -> tuple[Any, Any]:
    """det(a), and adj(a) b = det(a) solve(a, b), without dividing by the last pivot."""
    if a.shape[-1] == 1:
        return a[..., 0, 0], b
    lu, pivots, permutation = lax.linalg.lu(a)
    partial = lax.cumprod(diagonal(lu, axis1=-2, axis2=-1), axis=a.ndim - 2)
    partial = partial * parity(pivots, a.dtype)[..., None]
    lu = lu.at[..., -1, -1].set(1.0 / partial[..., -2])
    ones = lax.full((*a.shape[:-1], 1), 1, a.dtype)
    probe = lax.linalg.triangular_solve(lu, ones, left_side=True, lower=False)
    lost = any(~isfinite(probe), axis=(-2, -1))[..., None, None]  # two pivots are zero
    x = _where(lost, 0, take_along_axis(b, permutation[..., None], axis=-2))
    x = lax.linalg.triangular_solve(lu, x, left_side=True, lower=True, unit_diagonal=True)
    x = lax.concatenate([x[..., :-1, :] * partial[..., -1, None, None], x[..., -1:, :]], a.ndim - 2)
    x = lax.linalg.triangular_solve(lu, x, left_side=True, lower=False)
    return partial[..., -1], _where(lost, 0, x)


def parity(pivots: Any, dtype: np.dtype) -> Any:
    """1 for an even permutation, -1 for an odd one."""
    index = lax.broadcasted_iota(pivots.dtype, pivots.shape, pivots.ndim - 1)
    return (1 - 2 * (count_nonzero(pivots != index, axis=-1) % 2)).astype(dtype)


@functools.partial(jit, static_argnames="method")
def slogdet(a: Any, *, method: str | None = None) -> SlogdetResult:
    """The sign of the determinant, and the logarithm of its modulus: -inf for a singular matrix."""
    a = square_matrix("slogdet", a)
    if method in (None, "lu"):
        return SlogdetResult(*_slogdet(a))
    if method == "qr":
        return SlogdetResult(*_slogdet_qr(a))
    raise ValueError(f"Unknown slogdet method '{method}'. Supported methods are 'lu' (`None`), and "
                     "'qr'.")


@custom_jvp
def _slogdet(a: Any) -> tuple[Any, Any]:
    lu, pivots, _ = lax.linalg.lu(a)
    d = diagonal(lu, axis1=-2, axis2=-1)
    singular = any(lax.eq(d, 0), axis=-1)
    signs = prod(sign(d), axis=-1) * parity(pivots, a.dtype)
    return (_where(singular, of_dtype(0, a.dtype), signs),
            real(_where(singular, of_dtype(-np.inf, a.dtype),
                        sum(log(absolute(d)).astype(a.dtype), axis=-1))))


@custom_jvp
def _slogdet_qr(a: Any) -> tuple[Any, Any]:
    """By Householder reflections, each of which has determinant -1; their number is that of the
    columns that are not already reduced, so it is read off the sign of det Q."""
    if a.dtype.kind == "c":
        raise NotImplementedError("slogdet method='qr' not implemented for complex inputs")
    q, r = lax.linalg.qr(a)
    d = diagonal(r, axis1=-2, axis2=-1)
    return (prod(sign(d), axis=-1) * sign(det(q)), sum(log(absolute(d)), axis=-1))


def _slogdet_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """d log det(a) = trace(a^-1 da)."""
    (a,), (t,) = primals, tangents
    signs, logdet = _slogdet(a)
    slope = trace(solve(a, t), axis1=-1, axis2=-2)
    turn = lax.full_like(signs, 0)
    if a.dtype.kind == "c":
        turn = (slope - real(slope).astype(slope.dtype)) * signs
    return (signs, logdet), (turn, real(slope))


_slogdet.defjvp(_slogdet_jvp)
_slogdet_qr.defjvp(_slogdet_jvp)
