"""Cases of linear algebra."""

import jax
import numpy as np

import minijax
from minijax.lax import matrix
from tests.operations import arr, case

C = "complex128"


def linalg(op, call, *args, **options):
    return case(op, lambda lax, *xs: call(lax.linalg, *xs), *args, **{"rtol": 1e-9} | options)


def well_conditioned(*shape, dtype="float64"):
    """Square matrices far from singular."""
    def values(rng):
        x = rng.normal(size=shape)
        x = x + 1j * rng.normal(size=shape) if dtype == C else x
        return x + 3 * np.eye(shape[-1])

    return arr(*shape, dtype=dtype, values=values)


def positive(*shape, dtype="float64"):
    """Hermitian, positive definite matrices."""
    def values(rng):
        x = rng.normal(size=shape)
        x = x + 1j * rng.normal(size=shape) if dtype == C else x
        return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(shape[-1])

    return arr(*shape, dtype=dtype, values=values)


def triangular(label, dtype, n, left_side=False, **options):
    return linalg("triangular_solve",
                  lambda la, a, b: la.triangular_solve(a, b, left_side=left_side, **options),
                  well_conditioned(3, 3, dtype=dtype),
                  arr(*(3, n) if left_side else (n, 3), dtype=dtype), label=label)


TRIANGULAR = [
    triangular("", "float64", 2, left_side=True, lower=True),
    triangular("wide", "float64", 4, left_side=True, lower=True),
    triangular("right", "float64", 2),
    triangular("right-tall", "float64", 4, lower=True, transpose_a=True),
    triangular("transpose", "float64", 2, left_side=True, transpose_a=True),
    triangular("unit", "float64", 2, left_side=True, lower=True, transpose_a=True,
               unit_diagonal=True),
    triangular("complex", C, 2, left_side=True, lower=True),
    triangular("conjugate", C, 2, left_side=True, conjugate_a=True),
    triangular("adjoint", C, 4, lower=True, transpose_a=True, conjugate_a=True,
               unit_diagonal=True),
    linalg("triangular_solve", lambda la, a, b: la.triangular_solve(a, b, left_side=True),
           well_conditioned(2, 3, 3), arr(2, 3, 4), label="batch"),
    linalg("triangular_solve", lambda la, a, b: la.triangular_solve(a, b), well_conditioned(3, 3),
           arr(3), label="vector"),
    linalg("triangular_solve", lambda la, a, b: la.triangular_solve(a, b), well_conditioned(3, 3),
           arr(0, 3), label="no-rows"),
]

FACTORIZATIONS = [
    linalg("cholesky", lambda la, x: la.cholesky(x), positive(3, 3)),
    linalg("cholesky", lambda la, x: la.cholesky(x), positive(2, 3, 3, dtype=C), label="complex"),
    linalg("cholesky", lambda la, x: la.cholesky(x, symmetrize_input=False), positive(3, 3),
           label="lower-only", order=0),
    linalg("cholesky", lambda la, x: la.cholesky(x), arr(0, 0), label="empty"),
    linalg("cholesky", lambda la, x: la.cholesky(x), arr(
        2, 2, 2, values=lambda rng: [np.eye(2), -np.eye(2)]), label="not-positive", order=0),
    linalg("lu", lambda la, x: la.lu(x), well_conditioned(3, 3)),
    linalg("lu", lambda la, x: la.lu(x), arr(4, 3), label="tall"),
    linalg("lu", lambda la, x: la.lu(x), arr(2, 3, 4, dtype=C), label="wide-complex"),
    linalg("lu", lambda la, x: la.lu(x), arr(0, 3), label="empty"),
    linalg("lu_pivots_to_permutation", lambda la, p: la.lu_pivots_to_permutation(p, 5), arr(
        2, 3, dtype="int32", values=lambda rng: [[2, 2, 2], [1, 1, 4]])),
    linalg("qr", lambda la, x: la.qr(x), well_conditioned(3, 3)),
    linalg("qr", lambda la, x: la.qr(x), arr(5, 3), label="tall-full"),
    linalg("qr", lambda la, x: la.qr(x), arr(2, 4, 3, dtype=C), label="tall-full-complex"),
    linalg("qr", lambda la, x: la.qr(x, full_matrices=False), arr(2, 5, 3, dtype=C),
           label="tall-complex"),
    linalg("qr", lambda la, x: la.qr(x), arr(3, 4), label="wide"),
    linalg("qr", lambda la, x: la.qr(x, full_matrices=False), arr(2, 3, 5, dtype=C),
           label="wide-complex"),
    linalg("qr", lambda la, x: la.qr(x, pivoting=True, full_matrices=False), arr(4, 3),
           label="pivoting"),
    linalg("qr", lambda la, x: la.qr(x), arr(0, 3), label="no-rows"),
    linalg("qr", lambda la, x: la.qr(x), arr(3, 0), label="no-columns"),
]

SPECTRA = [
    linalg("eigh", lambda la, x: la.eigh(x), positive(3, 3)),
    linalg("eigh", lambda la, x: la.eigh(x), positive(2, 3, 3, dtype=C), label="complex", order=0),
    linalg("eigh", lambda la, x: la.eigh(x, lower=False, symmetrize_input=False), positive(3, 3),
           label="upper-only", order=0),
    linalg("eigh", lambda la, x: la.eigh(x), arr(0, 0), label="empty"),
    linalg("eig", lambda la, x: la.eig(x, compute_left_eigenvectors=False,
                                       compute_right_eigenvectors=False), arr(3, 3), order=1),
    linalg("eig", lambda la, x: la.eig(x, compute_left_eigenvectors=False,
                                       compute_right_eigenvectors=False), arr(2, 3, 3, dtype=C),
           label="complex", order=1),
    linalg("eig", lambda la, x: la.eig(x), arr(3, 3), label="vectors", order=0),
    linalg("eig", lambda la, x: la.eig(x, enable_eigvec_derivs=True), arr(3, 3),
           label="vector-derivatives"),
    linalg("eig", lambda la, x: la.eig(x, compute_left_eigenvectors=False,
                                       enable_eigvec_derivs=True), arr(2, 3, 3, dtype=C),
           label="right-complex"),
    linalg("svd", lambda la, x: la.svd(x), well_conditioned(3, 3)),
    linalg("svd", lambda la, x: la.svd(x, full_matrices=False), arr(4, 3), label="tall"),
    linalg("svd", lambda la, x: la.svd(x, full_matrices=False), arr(3, 4), label="wide"),
    linalg("svd", lambda la, x: la.svd(x, full_matrices=False), arr(2, 4, 3, dtype=C),
           label="complex", order=0),
    linalg("svd", lambda la, x: la.svd(x), arr(4, 3), label="full", order=0),
    linalg("svd", lambda la, x: la.svd(x, compute_uv=False), arr(2, 4, 3, dtype=C),
           label="values-complex"),
    linalg("svd", lambda la, x: la.svd(x), arr(3, 0), label="empty", order=0),
]


def solve(lax, a, b):
    """In JAX it is no function of lax."""
    return matrix.solve(a, b) if lax is minijax.lax else jax.numpy.linalg.solve(a, b)


SOLVE = [
    case("solve", solve, well_conditioned(3, 3), arr(3, 2), rtol=1e-9),
    case("solve", solve, well_conditioned(3, 3, dtype=C), arr(3, dtype=C), rtol=1e-9,
         label="complex-vector"),
    case("solve", solve, well_conditioned(2, 3, 3), arr(2, 3, 2), rtol=1e-9, label="batch"),
    case("solve", solve, arr(0, 0), arr(0, 2), label="empty"),
]

CASES = [*TRIANGULAR, *FACTORIZATIONS, *SPECTRA, *SOLVE]
