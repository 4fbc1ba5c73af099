"""Matrix decompositions; they and their derivatives are operations of `lax.linalg`."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from minijax import lax
from minijax.jit import jit
from minijax.numpy.arguments import ensure_array
from minijax.numpy.determinants import square_matrix
from minijax.numpy.promotion import promote_inexact
from minijax.numpy.shaping import matrix_transpose
from minijax.numpy.taking import take_along_axis
from minijax.numpy.ufuncs import conj


class EigResult(NamedTuple):
    eigenvalues: Any
    eigenvectors: Any


class EighResult(NamedTuple):
    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    Q: Any
    R: Any


class SVDResult(NamedTuple):
    U: Any
    S: Any
    Vh: Any


def inexact(name: str, a: Any) -> Any:
    return promote_inexact(ensure_array(f"jnp.linalg.{name}", a))[0]


def adjoint(x: Any) -> Any:
    return conj(matrix_transpose(x))


# --- factorisations --------------------------------------------------------------------------


@functools.partial(jit, static_argnames=("upper", "symmetrize_input"))
def cholesky(a: Any, *, upper: bool = False, symmetrize_input: bool = True) -> Any:
    """L with a = L L^H, lower triangular; nan where `a` is not positive definite.

    >>> import minijax.numpy as jnp
    >>> jnp.linalg.cholesky(jnp.array([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 0.],
           [1., 2.]], dtype=float32)
    """
    lower = lax.linalg.cholesky(square_matrix("cholesky", a), symmetrize_input=symmetrize_input)
    return adjoint(lower) if upper else lower


@functools.partial(jit, static_argnames="mode")
def qr(a: Any, mode: str = "reduced") -> Any:
    """(Q, R) with a = Q R, Q unitary and R upper triangular.

    Args:
      mode: "reduced", "complete" (Q is square) or "r" (R alone).
    """
    if mode not in ("reduced", "r", "full", "complete"):
        raise ValueError(f"Unsupported QR decomposition mode '{mode}'")
    q, r = lax.linalg.qr(inexact("qr", a), full_matrices=mode == "complete")
    return r if mode == "r" else QRResult(q, r)


@functools.partial(jit, static_argnames=("full_matrices", "compute_uv", "hermitian"))
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False,
        subset_by_index: None = None) -> Any:
    """(U, S, Vh) with a = U diag(S) Vh, S in descending order; or S alone."""
    a = inexact("svd", a)
    if hermitian:
        return svd_by_eigh(a, compute_uv)
    if not compute_uv:
        return lax.linalg.svd(a, full_matrices=full_matrices, compute_uv=False)
    u, s, vh = lax.linalg.svd(a, full_matrices=full_matrices, compute_uv=True)
    return SVDResult(u, s, vh)


def svd_by_eigh(a: Any, compute_uv: bool) -> Any:
    """From the eigenvalues, sorted by their size; the signs go to Vh."""
    v, w = lax.linalg.eigh(a)
    axis = w.ndim - 1
    if not compute_uv:
        return lax.rev(lax.sort(lax.abs(w)), (axis,))
    index = lax.broadcasted_iota(np.int32, w.shape, axis)
    s, index, signs = (lax.rev(x, (axis,)) for x in lax.sort(
        (lax.abs(w), index, lax.sign(w)), num_keys=1))
    u = take_along_axis(v, index[..., None, :], axis=-1)
    return SVDResult(u, s, adjoint(u * signs[..., None, :].astype(u.dtype)))


def svdvals(x: Any, /) -> Any:
    """The singular values, in descending order."""
    return svd(x, compute_uv=False)


@functools.partial(jit, static_argnames=("UPLO", "symmetrize_input"))
def eigh(a: Any, UPLO: str | None = None, symmetrize_input: bool = True) -> EighResult:
    """The eigenvalues of Hermitian matrices, ascending, and the eigenvectors as columns."""
    if UPLO not in (None, "L", "U"):
        raise ValueError(f"UPLO must be one of None, 'L', or 'U', got {UPLO}")
    v, w = lax.linalg.eigh(inexact("eigh", a), lower=UPLO != "U",
                           symmetrize_input=symmetrize_input)
    return EighResult(w, v)


@functools.partial(jit, static_argnames=("UPLO", "symmetrize_input"))
def eigvalsh(a: Any, UPLO: str | None = "L", *, symmetrize_input: bool = True) -> Any:
    """The eigenvalues of Hermitian matrices, ascending."""
    return eigh(inexact("eigvalsh", a), UPLO, symmetrize_input=symmetrize_input)[0]


def eig(a: Any) -> EigResult:
    """The eigenvalues and eigenvectors, always complex, of square matrices."""
    w, v = lax.linalg.eig(inexact("eig", a), compute_left_eigenvectors=False)
    return EigResult(w, v)


@jit
def eigvals(a: Any) -> Any:
    """The eigenvalues, always complex, of square matrices."""
    return lax.linalg.eig(inexact("eigvals", a), compute_left_eigenvectors=False,
                          compute_right_eigenvectors=False)[0]


# --- systems ---------------------------------------------------------------------------------
