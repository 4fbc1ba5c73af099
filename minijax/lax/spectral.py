"""Eigenvalues, singular values, and their vectors.

Derivatives: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), https://people.maths.ox.ac.uk/gilesm/files/NA-08-01.pdf
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import typeof
from minijax.families import add_any, convert, mul, reduce_sum
from minijax.lax.creation import iota_p, of_dtype
from minijax.lax.elementwise import abs, add, complex, conj, div, eq, imag, neg, real, sub
from minijax.lax.matrix import (
    H,
    MatrixOperation,
    T,
    constant,
    diagonal,
    each_matrix,
    guarded,
    matmul,
    scaled,
    solve_p,
    square,
    symmetrize,
)
from minijax.lax.reducing import argmax
from minijax.lax.shaping import expand_dims

__all__ = ["eig", "eig_p", "eigh", "eigh_p", "svd", "svd_p"]

# --- eigenvalues -----------------------------------------------------------------------------


class Eigh(MatrixOperation):
    """x v = v w for Hermitian x; the eigenvalues w are real and ascend."""

    multiple_results = True

    def shapes(self, x, *, dtype, **params):
        if x[0] != x[1]:
            raise ValueError("Argument to symmetric eigendecomposition must have shape "
                             f"[..., n, n], got shape {x}")
        return [(x, None), (x[:1], dtypes.to_floating_dtype(dtype))]

    def impl(self, x, *, lower, sort_eigenvalues):
        w, v = guarded(lambda x: np.linalg.eigh(x, "L" if lower else "U"), x)
        return v, w

    def linearize(self, active, x, **params):
        v, w = self.bind(x, **params)
        w_full = convert(w, typeof(v).dtype, False)
        inverse_gaps = reciprocal(sub(as_row(w_full), as_column(w_full)))

        def push(t):
            t = matmul(matmul(H(v), t), v)
            dw = diagonal(real(t) if typeof(t).dtype.kind == "c" else t)
            return [matmul(v, mul(inverse_gaps, t)), dw]

        return [v, w], [True, True], push


def reciprocal(gaps: Any) -> Any:
    """1 / gaps, and 0 on the diagonal, where there is no gap."""
    eye = constant(np.eye(typeof(gaps).shape[-1]), gaps)
    return sub(div(of_dtype(1, eye.dtype), add(gaps, eye)), eye)


def as_row(w: Any) -> Any:
    return expand_dims(w, (typeof(w).ndim - 1,))


def as_column(w: Any) -> Any:
    return expand_dims(w, (typeof(w).ndim,))


eigh_p = Eigh("eigh")


def eigh(x: Any, *, lower: bool = True, symmetrize_input: bool = True,
         sort_eigenvalues: bool = True) -> tuple[Any, Any]:
    """(v, w) with x v = v w, for Hermitian x of shape [..., n, n].

    >>> import minijax as jax, minijax.numpy as jnp
    >>> v, w = jax.lax.linalg.eigh(jnp.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> print(w)
    [1. 3.]

    Args:
      lower: which triangle is read, without `symmetrize_input`.
      symmetrize_input: use (x + x^H) / 2.

    Returns:
      The eigenvectors, as the columns of an array like `x`, and the real eigenvalues, ascending.
      The derivative needs eigenvalues that differ.
    """
    v, w = eigh_p.bind(symmetrize(x) if symmetrize_input else x, lower=lower,
                       sort_eigenvalues=sort_eigenvalues)
    return v, w


class Eig(MatrixOperation):
    """Eigenvalues of a general matrix, and its left and right eigenvectors if wanted."""

    multiple_results = True

    def shapes(self, x, *, dtype, compute_left_eigenvectors, compute_right_eigenvectors,
               **params):
        n = square("The input to eig", x)
        complex_dtype = dtypes.to_complex_dtype(dtype)
        vectors = compute_left_eigenvectors + compute_right_eigenvectors
        return [((n,), complex_dtype), *[(x, complex_dtype)] * vectors]

    def impl(self, x, *, compute_left_eigenvectors, compute_right_eigenvectors, **_):
        if not compute_left_eigenvectors:
            outs = guarded(np.linalg.eig, x)
            return outs[:1 + compute_right_eigenvectors]
        outs = guarded(lambda x: each_matrix(eig_both, x, ranks=(2,)), x)
        return outs[:2 + compute_right_eigenvectors]

    def linearize(self, active, x, *, compute_left_eigenvectors, compute_right_eigenvectors,
                  enable_eigvec_derivs):
        left, right = compute_left_eigenvectors, compute_right_eigenvectors
        if (left or right) and not enable_eigvec_derivs:
            raise NotImplementedError(
                "Derivatives of non-symmetric eigenvectors are only valid under assumptions on "
                "the input that cannot be checked: that the eigenvalues differ, and in each "
                "eigenvector the largest component is unique. Pass enable_eigvec_derivs=True to "
                "jax.lax.linalg.eig to opt in.")
        outs = self.bind(x, compute_left_eigenvectors=left, compute_right_eigenvectors=True,
                         enable_eigvec_derivs=enable_eigvec_derivs)
        w, vr = outs[0], outs[-1]
        push_right = eigenvector_map(w, vr) if right else None
        push_left = eigenvector_map(conj(w), outs[1]) if left else None

        def push(t):
            t = convert(t, typeof(vr).dtype, False)
            dw = reduce_sum(mul(solve_p.bind(vr, t), T(vr)), (typeof(t).ndim - 1,))
            return [dw, *([push_left(H(t))] if left else []), *([push_right(t)] if right else [])]

        return outs[:1 + left + right], [True] * (1 + left + right), push


def eig_both(x: np.ndarray) -> Any:
    from scipy.linalg import eig

    return eig(x, left=True, right=True)


def eigenvector_map(w: Any, v: Any) -> Any:
    """How the eigenvectors v follow the matrix, if their length stays 1, and the largest component
    of each stays real: LAPACK's normalisation.
    """
    inverse_gaps, n = reciprocal(sub(as_row(w), as_column(w))), typeof(v).ndim
    largest = as_row(argmax(abs(v), n - 2, np.int32))
    rows = iota_p.bind(dtype=np.dtype(np.int32), shape=typeof(v).shape, dimension=n - 2)
    mask = convert(eq(rows, largest), typeof(v).dtype, False)
    inverse_largest = div(of_dtype(1, typeof(real(v)).dtype), real(total(mul(mask, v))))

    def push(t):
        t = matmul(v, mul(inverse_gaps, matmul(solve_p.bind(v, t), v)))
        shift = complex(neg(real(total(mul(t, conj(v))))),
                        neg(mul(imag(total(mul(t, mask))), inverse_largest)))
        return add_any(t, mul(as_row(shift), v))

    return push


def total(x: Any) -> Any:
    """The sums of the columns."""
    return reduce_sum(x, (typeof(x).ndim - 2,))


eig_p = Eig("eig")


def eig(x: Any, *, compute_left_eigenvectors: bool = True, compute_right_eigenvectors: bool = True,
        enable_eigvec_derivs: bool = False) -> list[Any]:
    """[w, vl, vr] with x vr = vr w and vl^H x = w vl^H, for general x of shape [..., n, n].

    Everything is complex. The eigenvectors are columns of length 1.

    Args:
      compute_left_eigenvectors, compute_right_eigenvectors: whether vl and vr are returned.
      enable_eigvec_derivs: differentiate the eigenvectors too. That is right only if the
        eigenvalues differ, and in each eigenvector the largest component is unique.
    """
    return eig_p.bind(x, compute_left_eigenvectors=compute_left_eigenvectors,
                      compute_right_eigenvectors=compute_right_eigenvectors,
                      enable_eigvec_derivs=enable_eigvec_derivs)


# --- singular values -------------------------------------------------------------------------


class SVD(MatrixOperation):
    """x = U diag(s) V^H, with s real and descending."""

    multiple_results = True

    def shapes(self, x, *, dtype, full_matrices, compute_uv, **params):
        (m, n), k = x, min(x)
        s = ((k,), dtypes.to_floating_dtype(dtype))
        if not compute_uv:
            return [s]
        return [s, ((m, m if full_matrices else k), None), ((n if full_matrices else k, n), None)]

    def impl(self, x, *, full_matrices, compute_uv):
        if not compute_uv:
            return guarded(lambda x: (np.linalg.svd(x, compute_uv=False),), x)
        u, s, vh = guarded(lambda x: np.linalg.svd(x, full_matrices), x)
        return s, u, vh

    def linearize(self, active, x, *, full_matrices, compute_uv):
        m, n = typeof(x).shape[-2:]
        if compute_uv and full_matrices and m != n:
            raise NotImplementedError(
                "Singular value decomposition JVP not implemented for full matrices: use "
                "full_matrices=False")
        s, u, vh = self.bind(x, full_matrices=False, compute_uv=True)
        uh, v = H(u), H(vh)
        is_complex = typeof(x).dtype.kind == "c"
        move = singular_vector_map(s, u, v, uh, vh, m, n) if compute_uv else None

        def push(t):
            both = matmul(matmul(uh, t), v)
            ds = diagonal(real(both) if is_complex else both)
            return [ds, *(move(t, both) if compute_uv else [])]

        outs = [s, u, vh] if compute_uv else [s]
        return outs, [True] * len(outs), push


def singular_vector_map(s: Any, u: Any, v: Any, uh: Any, vh: Any, m: int, n: int) -> Any:
    """How U and V^H follow x, given U^H dx V as `both`. The singular values have to differ."""
    s = convert(s, typeof(u).dtype, False)
    row, column = as_row(s), as_column(s)
    gaps = reciprocal(mul(add(row, column), sub(row, column)))
    is_complex = typeof(u).dtype.kind == "c"
    half_inverse = div(np.asarray(0.5, typeof(s).dtype), row) if is_complex else None

    def push(t, both):
        left, right = mul(both, row), mul(both, column)
        du = mul(gaps, add_any(left, H(left)))
        dv = matmul(v, mul(gaps, add_any(right, H(right))))
        if is_complex:  # the phase of each pair of vectors is free: U takes what must move
            du = add_any(du, mul(scaled(sub(both, H(both)), np.eye(min(m, n))), half_inverse))
        du = matmul(u, du)
        if m > n:
            du = add_any(du, div(outside(matmul(t, v), u, uh), row))
        if n > m:
            dv = add_any(dv, div(outside(matmul(H(t), u), v, vh), row))
        return [du, H(dv)]

    return push


def outside(x: Any, u: Any, uh: Any) -> Any:
    """The part of x that is orthogonal to the columns of u."""
    return sub(x, matmul(u, matmul(uh, x)))


svd_p = SVD("svd")


def svd(x: Any, *, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """(u, s, vh) with x = u diag(s) vh, the columns of u and the rows of vh orthonormal.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.lax.linalg.svd(jnp.array([[3.0, 0.0], [4.0, 0.0]]), compute_uv=False))
    [5. 0.]

    Args:
      x: shape [..., m, n].
      full_matrices: u is [..., m, m] and vh [..., n, n]; otherwise, with k = min(m, n),
        [..., m, k] and [..., k, n]. The derivative needs the latter, and values that differ.
      compute_uv: otherwise only s is returned, of shape [..., k], real and descending.
    """
    s, *vectors = svd_p.bind(x, full_matrices=full_matrices, compute_uv=compute_uv)
    return (vectors[0], s, vectors[1]) if compute_uv else s
