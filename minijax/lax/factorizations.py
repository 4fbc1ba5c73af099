"""Factorizations of matrices: Cholesky, LU, QR."""

from __future__ import annotations

from typing import Any

import numpy as np

from minijax.core import typeof
from minijax.families import add_any, convert
from minijax.lax.creation import of_dtype
from minijax.lax.elementwise import add, real, sub
from minijax.lax.index_windows import GatherDimensionNumbers
from minijax.lax.indexing import gather
from minijax.lax.joining import concatenate
from minijax.lax.matrix import (
    H,
    MatrixOperation,
    T,
    constant,
    each_matrix,
    guarded,
    lower_part,
    matmul,
    scaled,
    solve_p,
    square,
    symmetrize,
    triangular_solve,
    tril,
    upper_part,
)
from minijax.lax.shaping import expand_dims
from minijax.lax.slicing import pad, slice

__all__ = ["cholesky", "cholesky_p", "lu", "lu_p", "lu_pivots_to_permutation",
           "lu_pivots_to_permutation_p", "qr", "qr_p"]

# --- Cholesky --------------------------------------------------------------------------------


class Cholesky(MatrixOperation):
    """L, lower triangular, with L L^H = x; NaN where x is not positive definite."""

    def shapes(self, x, **params):
        square("The input to cholesky", x)
        return [(x, None)]

    def impl(self, x):
        return guarded(lambda x: (np.linalg.cholesky(x),), x)[0]

    def linearize(self, active, x):
        """dL = L phi(L^-1 dx L^-H), where phi takes the lower triangle and half of the diagonal.

        Reference: Murray, https://arxiv.org/abs/1602.07527
        """
        out = self.bind(x)
        n = typeof(x).shape[-1]
        phi = np.tri(n) - np.eye(n) / 2

        def push(t):
            t = triangular_solve(out, t, lower=True, transpose_a=True, conjugate_a=True)
            t = triangular_solve(out, t, left_side=True, lower=True)
            return [matmul(out, scaled(t, phi))]

        return [out], [True], push


cholesky_p = Cholesky("cholesky")


def cholesky(x: Any, *, symmetrize_input: bool = True) -> Any:
    """The lower triangular L with L L^H = x, for Hermitian, positive definite x.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.linalg.cholesky(jnp.array([[4.0, 2.0], [2.0, 2.0]]))
    Array([[2., 0.],
           [1., 1.]], dtype=float32)

    Args:
      x: shape [..., n, n].
      symmetrize_input: use (x + x^H) / 2; otherwise only the lower triangle is read.

    Returns:
      An array like `x`; NaN for a matrix that is not positive definite.
    """
    return tril(cholesky_p.bind(symmetrize(x) if symmetrize_input else x))


# --- LU --------------------------------------------------------------------------------------


class LU(MatrixOperation):
    """P x = L U with partial pivoting: both factors in one matrix, the swaps, the permutation."""

    multiple_results = True

    def shapes(self, x, **params):
        return [(x, None), ((min(x),), np.int32), ((x[0],), np.int32)]

    def impl(self, x):
        from scipy.linalg import get_lapack_funcs

        if x.size:
            getrf = get_lapack_funcs("getrf", (x,))
            factors, pivots = each_matrix(lambda x: getrf(x)[:2], x, ranks=(2,))
        else:
            factors, pivots = x, np.zeros((*x.shape[:-2], min(x.shape[-2:])), np.int32)
        return factors, pivots, permutation_of(pivots, x.shape[-2])

    def linearize(self, active, x):
        """From L^-1 dL + dU U^-1 = L^-1 P dx U^-1: the first is strictly lower, the other upper.

        A factor that is not square is completed with columns, or rows, of the identity.
        Reference: de Hoog, Anderssen, Lukas, "Differentiation of matrix functionals using
        triangular factorization" (2011)
        """
        factors, pivots, permutation = self.bind(x)
        m, n = typeof(x).shape[-2:]
        k, lead = min(m, n), [(0, 0, 0)] * (typeof(x).ndim - 2)
        zero = of_dtype(0, typeof(x).dtype)
        left = pad(block(factors, columns=(0, k)), zero, [*lead, (0, 0, 0), (0, m - k, 0)])
        right = pad(block(factors, rows=(0, k)), zero, [*lead, (0, n - k, 0), (0, 0, 0)])
        if k < n:
            right = add(right, constant(np.diag(np.arange(n) >= k), right))
        lower = add(lower_part(left, -1), constant(np.eye(m), left))
        upper = upper_part(right)

        def push(t):
            t = take_rows(t, permutation)
            t = triangular_solve(left, t, left_side=True, lower=True, unit_diagonal=True)
            t = triangular_solve(right, t)
            return [add_any(matmul(lower, lower_part(t, -1)), matmul(upper_part(t), upper))]

        return [factors, pivots, permutation], [True, False, False], push


def block(x: Any, rows: tuple[int, int] | None = None, columns: tuple[int, int] | None = None
          ) -> Any:
    """Some rows and columns of every matrix."""
    *lead, m, n = typeof(x).shape
    (r0, r1), (c0, c1) = rows or (0, m), columns or (0, n)
    return slice(x, (*(0 for _ in lead), r0, c0), (*lead, r1, c1))


def take_rows(x: Any, indices: Any) -> Any:
    """Row indices[..., i] of every matrix as its i-th row."""
    *lead, _, n = typeof(x).shape
    r, along = len(lead), tuple(range(len(lead)))
    numbers = GatherDimensionNumbers((r + 1,), (r,), (r,), along, along)
    return gather(x, expand_dims(indices, (r + 1,)), numbers, (*(1 for _ in lead), 1, n))


def permutation_of(pivots: np.ndarray, size: int) -> np.ndarray:
    """The permutation that results from swapping i with pivots[..., i], one after another."""
    out = np.broadcast_to(np.arange(size, dtype=np.int32), (*pivots.shape[:-1], size)).copy()
    for i in range(pivots.shape[-1]):
        j = pivots[..., i:i + 1]
        there = np.take_along_axis(out, j, -1)
        np.put_along_axis(out, j, out[..., i:i + 1].copy(), -1)
        out[..., i:i + 1] = there
    return out


lu_p = LU("lu")


def lu(x: Any) -> tuple[Any, Any, Any]:
    """P x = L U, with P a permutation of the rows, L lower triangular and U upper triangular.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> factors, pivots, permutation = jax.lax.linalg.lu(jnp.array([[1.0, 2.0], [2.0, 2.0]]))
    >>> print(factors, pivots, permutation)
    [[2.  2. ]
     [0.5 1. ]] [1 1] [1 0]

    Returns:
      L and U in one array like `x` of shape [..., m, n] (the ones on the diagonal of L are not
      there); the int32 swaps that were done, [..., min(m, n)]; and the permutation, [..., m].
    """
    return tuple(lu_p.bind(x))


class PivotsToPermutation(MatrixOperation):
    ranks, accepts = (1,), "i"

    def shapes(self, pivots, *, permutation_size, **params):
        if permutation_size < pivots[0]:
            raise ValueError(f"Output permutation size {permutation_size} has to exceed the "
                             f"trailing dimension of the pivots. Got pivots size {pivots[0]}")
        return [((permutation_size,), np.int32)]

    def impl(self, pivots, *, permutation_size):
        return permutation_of(pivots, permutation_size)


lu_pivots_to_permutation_p = PivotsToPermutation("lu_pivots_to_permutation")


def lu_pivots_to_permutation(pivots: Any, permutation_size: int) -> Any:
    """The permutation of `permutation_size` rows that swaps i with pivots[..., i], in order."""
    return lu_pivots_to_permutation_p.bind(pivots, permutation_size=int(permutation_size))


# --- QR --------------------------------------------------------------------------------------


class QR(MatrixOperation):
    """x = Q R, or with pivoting x[:, p] = Q R."""

    multiple_results = True

    def shapes(self, x, *, pivoting, full_matrices, **params):
        m, n = x
        k = m if full_matrices else min(m, n)
        return [((m, k), None), ((k, n), None), ((n,), np.int32)][:3 if pivoting else 2]

    def impl(self, x, *, pivoting, full_matrices):
        if not pivoting:
            return guarded(lambda x: np.linalg.qr(x, "complete" if full_matrices else "reduced"), x)
        from scipy.linalg import qr

        mode = "full" if full_matrices else "economic"
        return each_matrix(lambda x: qr(x, mode=mode, pivoting=True), x, ranks=(2,))

    def linearize(self, active, x, **params):
        outs = q, r, *p = self.bind(x, **params)
        m, n = typeof(x).shape[-2:]

        def push(t):
            t = T(take_rows(T(t), p[0])) if p else t
            if m < n:
                return wide_qr(q, r, t)
            if m > n and params["full_matrices"]:
                return full_qr(q, r, t)
            return thin_qr(q, r, t)

        return outs, [True, True, *(False for _ in p)], push


def thin_qr(q: Any, r: Any, t: Any) -> list[Any]:
    """dQ and dR for a square R. Q^H dx R^-1 is skew-Hermitian (from Q) plus upper (from R).

    Reference: Townsend, https://j-towns.github.io/papers/qr-derivative.pdf
    """
    t = triangular_solve(r, t)
    both = matmul(H(q), t)
    low = lower_part(both, -1)
    skew = sub(low, H(low))
    if typeof(t).dtype.kind == "c":  # the diagonal of R is real, so what is imaginary is from Q
        on = scaled(both, np.eye(typeof(both).shape[-1]))
        skew = add_any(skew, sub(on, convert(real(on), typeof(on).dtype, False)))
    rest = sub(both, skew)
    return [sub(t, matmul(q, rest)), matmul(rest, r)]


def wide_qr(q: Any, r: Any, t: Any) -> list[Any]:
    """The first columns alone give Q; the others are R2 = Q^H x2, and x2 = Q R2."""
    m, n = typeof(t).shape[-2:]
    dq, dr = thin_qr(q, block(r, columns=(0, m)), block(t, columns=(0, m)))
    rest = block(r, columns=(m, n))
    dr2 = add_any(matmul(H(dq), matmul(q, rest)), matmul(H(q), block(t, columns=(m, n))))
    return [dq, concatenate([dr, dr2], typeof(dr).ndim - 1)]


def full_qr(q: Any, r: Any, t: Any) -> list[Any]:
    """The further columns of Q follow the first ones, in the way Householder reflections do.

    Reference: https://arxiv.org/abs/2409.13374, equations 32 and 33
    """
    m, n = typeof(t).shape[-2:]
    q1, q2 = block(q, columns=(0, n)), block(q, columns=(n, m))
    dq1, dr = thin_qr(q1, block(r, rows=(0, n)), t)
    top = block(q1, rows=(0, n))
    zh = solve_p.bind(H(sub(top, constant(np.eye(n), top))), H(block(q1, rows=(n, m))))
    z = H(zh)
    below = sub(block(dq1, rows=(n, m)), matmul(z, block(dq1, rows=(0, n))))
    dq2 = sub(matmul(dq1, zh), matmul(add(q1, matmul(q2, z)), H(below)))
    last = typeof(q).ndim - 1
    zero = of_dtype(0, typeof(r).dtype)
    grown = [*[(0, 0, 0)] * (last - 1), (0, m - n, 0), (0, 0, 0)]
    return [concatenate([dq1, dq2], last), pad(dr, zero, grown)]


qr_p = QR("qr")


def qr(x: Any, *, pivoting: bool = False, full_matrices: bool = True) -> tuple[Any, ...]:
    """x = Q R with the columns of Q orthonormal and R upper triangular.

    Args:
      x: shape [..., m, n].
      pivoting: return also a permutation p of the columns, with x[:, p] = Q R and a diagonal of R
        that does not increase.
      full_matrices: Q is [..., m, m] and R [..., m, n]; otherwise with k = min(m, n), [..., m, k]
        and [..., k, n].
    """
    return tuple(qr_p.bind(x, pivoting=pivoting, full_matrices=full_matrices))
