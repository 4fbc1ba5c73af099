"""`jax.scipy.linalg`: linear algebra with SciPy's conventions, over `jax.numpy.linalg`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax
from minijax.custom import custom_jvp
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import as_value
from minijax.numpy.linalg import det as det, inv as inv
from minijax.numpy.promotion import promote_inexact

# --- factors and solutions -----------------------------------------------------------------------


def inexact(*args: Any) -> list[Any]:
    return promote_inexact(*map(as_value, args))


def cholesky(a: Any, lower: bool = False) -> Any:
    """The triangular factor: upper, with a = R^H R, or lower, with a = L L^H.

    Only that triangle of `a` is read.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.scipy.linalg.cholesky(jnp.array([[4.0, 2.0], [2.0, 2.0]]))
    Array([[2., 1.],
           [0., 1.]], dtype=float32)
    """
    (a,) = inexact(a)
    factor = lax.linalg.cholesky(a if lower else jnp.conj(a.mT), symmetrize_input=False)
    return factor if lower else jnp.conj(factor.mT)


def cho_factor(a: Any, lower: bool = False) -> tuple[Any, bool]:
    """What `cho_solve` takes: the factor, and whether it is the lower one."""
    return cholesky(a, lower), lower


def cho_solve(c_and_lower: tuple[Any, bool], b: Any) -> Any:
    """x with a x = b, from `cho_factor(a)`."""
    factor, lower = c_and_lower
    y = solve_triangular(factor, b, trans=0 if lower else 2, lower=lower)
    return solve_triangular(factor, y, trans=2 if lower else 0, lower=lower)


def lu_factor(a: Any) -> tuple[Any, Any]:
    """What `lu_solve` takes: both factors in one matrix, and the row exchanges."""
    (a,) = inexact(a)
    return lax.linalg.lu(a)[:2]


def lu_solve(lu_and_piv: tuple[Any, Any], b: Any, trans: int = 0) -> Any:
    """x with a x = b (a^T x = b for trans 1, a^H x = b for 2), from `lu_factor(a)`."""
    lu, pivots = lu_and_piv
    lu, b = inexact(lu, b)
    order = lax.linalg.lu_pivots_to_permutation(pivots, lu.shape[-1])
    if trans == 0:
        y = solve_triangular(lu, jnp.take(b, order, 0), lower=True, unit_diagonal=True)
        return solve_triangular(lu, y)
    y = solve_triangular(lu, b, trans=trans)
    y = solve_triangular(lu, y, trans=trans, lower=True, unit_diagonal=True)
    return jnp.take(y, jnp.argsort(order), 0)


def lu(a: Any, permute_l: bool = False) -> tuple[Any, ...]:
    """(p, l, u) with a = p l u, a permutation and two triangular matrices; (p l, u) if asked."""
    (a,) = inexact(a)
    packed, _, order = lax.linalg.lu(a)
    m, n = a.shape[-2:]
    k = min(m, n)
    lower = jnp.tril(packed[..., :k], -1) + jnp.eye(m, k, dtype=a.dtype)
    upper = jnp.triu(packed[..., :k, :])
    p = (order[..., None, :] == jnp.arange(m)[:, None]).astype(a.dtype)
    return (p @ lower, upper) if permute_l else (p, lower, upper)


def qr(a: Any, mode: str = "full", pivoting: bool = False) -> tuple[Any, ...]:
    """(q, r) with a = q r, orthonormal columns and a triangle.

    Args:
      mode: "full", square q; "economic", as many columns as needed; "r", only r.
    """
    if pivoting:
        raise NotImplementedError("qr with pivoting=True")
    if mode == "r":
        return (jnp.linalg.qr(a, "r"),)
    names = {"full": "complete", "economic": "reduced"}
    if mode not in names:
        raise ValueError(f"Unsupported QR decomposition mode '{mode}'")
    return tuple(jnp.linalg.qr(a, names[mode]))


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """(u, s, vh) with a = u diag(s) vh, or s alone."""
    out = jnp.linalg.svd(a, full_matrices=full_matrices, compute_uv=compute_uv)
    return tuple(out) if compute_uv else out


def eigh(a: Any, b: Any = None, lower: bool = True, eigvals_only: bool = False) -> Any:
    """The eigenvalues, ascending, and eigenvectors of a symmetric or Hermitian matrix."""
    if b is not None:
        raise NotImplementedError("Only the b=None case of eigh is implemented")
    values, vectors = jnp.linalg.eigh(a, "L" if lower else "U")
    return values if eigvals_only else (values, vectors)


def solve(a: Any, b: Any, lower: bool = False, assume_a: str = "gen") -> Any:
    """x with a x = b; assume_a="pos" for a positive definite matrix is faster."""
    if assume_a == "pos":
        a, b = inexact(a, b)
        if a.ndim < 2 or b.ndim not in (a.ndim, a.ndim - 1):
            raise ValueError("The arguments to solve must have shapes a=[..., m, m] and "
                             f"b=[..., m, k] or b=[..., m]; got a={a.shape} and b={b.shape}")
        if b.ndim == a.ndim:
            return solve_positive(a, b, lower)
        return solve_positive(a, b[..., None], lower)[..., 0]
    if assume_a not in ("gen", "sym", "her"):
        raise ValueError(f"Expected assume_a to be one of ['gen', 'sym', 'her', 'pos']; "
                         f"got {assume_a!r}")
    return jnp.linalg.solve(a, b)


@functools.partial(custom_jvp, nondiff_argnums=(2,))
def solve_positive(a: Any, b: Any, lower: bool) -> Any:
    """x with a x = b, of which `cho_factor` reads one triangle; its derivative is that of a x."""
    return cho_solve(cho_factor(a, lower), b)


@solve_positive.defjvp
def _(lower: bool, primals: Any, tangents: Any) -> tuple[Any, Any]:
    (a, b), (da, db) = primals, tangents
    x = solve_positive(a, b, lower)
    return x, solve_positive(a, db - da @ x, lower)


def solve_triangular(a: Any, b: Any, trans: int | str = 0, lower: bool = False,
                     unit_diagonal: bool = False) -> Any:
    """x with a x = b, where only one triangle of `a` is looked at.

    Args:
      trans: 0 or "N"; 1 or "T" for a^T x = b; 2 or "C" for a^H x = b.
      lower: which triangle.
      unit_diagonal: take the diagonal for ones.
    """
    codes = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}
    if trans not in codes:
        raise ValueError(f"Invalid 'trans' value {trans}")
    a, b = inexact(a, b)
    vectors = b.ndim == 1 or (a.ndim == b.ndim + 1 and a.shape[-1] == b.shape[-1])
    one = functools.partial(
        lax.linalg.triangular_solve, left_side=True, lower=lower, transpose_a=codes[trans] > 0,
        conjugate_a=codes[trans] == 2, unit_diagonal=unit_diagonal)
    return jnp.vectorize(one, signature=f"(n,n),{'(n)->(n)' if vectors else '(n,k)->(n,k)'}")(a, b)


# --- functions of matrices -----------------------------------------------------------------------

PADE = (64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
        129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0,
        40840800.0, 960960.0, 16380.0, 182.0, 1.0)


@jit(static_argnames=("upper_triangular", "max_squarings"))
def expm(A: Any, *, upper_triangular: bool = False, max_squarings: int = 16) -> Any:
    """The exponential of square matrices, (..., n, n); NaN for a norm beyond `max_squarings`.

    Higham, *The scaling and squaring method for the matrix exponential revisited* (2005).
    """
    (a,) = inexact(A)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"expected A to be a (batched) square matrix, got A.shape={a.shape}.")
    norm = lax.stop_gradient(jnp.max(jnp.sum(jnp.abs(a), -2), -1))
    limit = 5.371920351148152 if a.dtype.itemsize // (1 + (a.dtype.kind == "c")) == 8 else 3.92572
    times = jnp.maximum(0, jnp.ceil(jnp.log2(norm / limit)))  # so often halved, then squared
    a = a / (2.0**times)[..., None, None].astype(a.dtype)
    eye, a2 = jnp.eye(a.shape[-1], dtype=a.dtype), a @ a
    power, even, odd = eye, jnp.zeros_like(a), jnp.zeros_like(a)
    for i in range(0, len(PADE), 2):
        even, odd = even + PADE[i] / PADE[0] * power, odd + PADE[i + 1] / PADE[0] * power
        power = power @ a2
    odd = a @ odd
    out = jnp.linalg.solve(even - odd, even + odd)
    for i in range(max_squarings):
        out = jnp.where((i < times)[..., None, None], out @ out, out)
    return jnp.where((times > max_squarings)[..., None, None], np.nan, out)


# --- special matrices ----------------------------------------------------------------------------


def block_diag(*arrs: Any) -> Any:
    """A matrix with the given ones along its diagonal, zeros elsewhere.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.scipy.linalg.block_diag(jnp.eye(1), 2 * jnp.ones((1, 2)))
    Array([[1., 0., 0.],
           [0., 2., 2.]], dtype=float32)
    """
    blocks = [jnp.atleast_2d(x) for x in arrs or (jnp.zeros((1, 0)),)]
    if bad := [i for i, x in enumerate(blocks) if x.ndim > 2]:
        raise ValueError("Arguments to jax.scipy.linalg.block_diag must have at most 2 dimensions, "
                         f"got {blocks[bad[0]]} at argument {bad[0]}.")
    dtype = dtypes.result_type(*blocks)
    width, rows, left = sum(x.shape[1] for x in blocks), [], 0
    for x in blocks:
        right = width - left - x.shape[1]
        rows.append(lax.pad(x.astype(dtype), of_dtype(0, dtype), [(0, 0, 0), (left, right, 0)]))
        left += x.shape[1]
    return jnp.concatenate(rows)


def toeplitz(c: Any, r: Any = None) -> Any:
    """A matrix that is constant along its diagonals: first column `c`, first row `r`."""
    c = as_value(c).ravel()
    r = jnp.conj(c) if r is None else as_value(r).ravel()
    values = jnp.concatenate([jnp.flip(c), r[1:]])
    i, j = np.arange(c.size)[:, None], np.arange(r.size)[None]
    return values[c.size - 1 - i + j]


def hilbert(n: int) -> Any:
    """1 / (i + j + 1) for i, j < n."""
    a = np.arange(n)
    return jnp.array(1 / (a[:, None] + a + 1), dtypes.default_float_dtype())


def polar(a: Any, side: str = "right") -> tuple[Any, Any]:
    """(u, p) with a = u p (or p u, on the left): orthonormal times positive semidefinite."""
    if side not in ("left", "right"):
        raise ValueError(f"The argument `side` must be either 'right' or 'left'; got {side!r}")
    u, s, vh = jnp.linalg.svd(a, full_matrices=False)
    if side == "right":
        return u @ vh, jnp.conj(vh.mT) * s[..., None, :] @ vh
    return u @ vh, u * s[..., None, :] @ jnp.conj(u.mT)

