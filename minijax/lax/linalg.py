"""Linear algebra on the matrices in the last two axes: the namespace `jax.lax.linalg`."""

from minijax.lax.factorizations import (
    cholesky,
    cholesky_p,
    lu,
    lu_p,
    lu_pivots_to_permutation,
    lu_pivots_to_permutation_p,
    qr,
    qr_p,
)
from minijax.lax.matrix import triangular_solve, triangular_solve_p
from minijax.lax.spectral import eig, eig_p, eigh, eigh_p, svd, svd_p

__all__ = ["cholesky", "cholesky_p", "eig", "eig_p", "eigh", "eigh_p", "lu", "lu_p",
           "lu_pivots_to_permutation", "lu_pivots_to_permutation_p", "qr", "qr_p", "svd", "svd_p",
           "triangular_solve", "triangular_solve_p"]
