"""Linear algebra: `minijax.numpy.linalg`. Functions of matrices work on stacks of them.

The factorisations and their derivatives are operations of `lax.linalg`.
"""

from __future__ import annotations

import builtins
import functools
import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minijax import dtypes, lax
from minijax.custom import custom_jvp
from minijax.jit import jit
from minijax.lax.matrix import solve as solve_matrices
from minijax.numpy import contractions, diagonals
from minijax.numpy.determinants import det as det, slogdet as slogdet
from minijax.numpy.einsum import einsum
from minijax.numpy.norms import matrix_norm as matrix_norm, norm as norm, vector_norm as vector_norm
from minijax.numpy.promotion import (
    _where,
    broadcast_to,
    ensure_array,
    ensure_arrays,
    promote_inexact,
)
from minijax.numpy.ranges import eye
from minijax.numpy.reductions import any, max, sum
from minijax.numpy.shaping import matrix_transpose as matrix_transpose, ravel
from minijax.numpy.taking import take_along_axis
from minijax.numpy.ufuncs import conj, isnan
from minijax.numpy.vectorizing import vectorize


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


# --- factorisations ------------------------------------------------------------------------------


@functools.partial(jit, static_argnames=("upper", "symmetrize_input"))
def cholesky(a: Any, *, upper: bool = False, symmetrize_input: bool = True) -> Any:
    """L with a = L L^H, lower triangular; nan where `a` is not positive definite.

    >>> import minijax.numpy as jnp
    >>> jnp.linalg.cholesky(jnp.array([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 0.],
           [1., 2.]], dtype=float32)
    """
    lower = lax.linalg.cholesky(inexact("cholesky", a), symmetrize_input=symmetrize_input)
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


# --- systems -------------------------------------------------------------------------------------


@jit
def solve(a: Any, b: Any) -> Any:
    """x with a x = b, for b a vector, a matrix, or a stack of matrices.

    >>> import minijax.numpy as jnp
    >>> jnp.linalg.solve(jnp.array([[2.0, 0.0], [0.0, 4.0]]), jnp.array([2.0, 2.0]))
    Array([1. , 0.5], dtype=float32)
    """
    a, b = promote_inexact(*ensure_arrays("jnp.linalg.solve", a, b))
    if a.ndim < 2:
        raise ValueError("left hand array must be at least two dimensional; got "
                         f"a.shape={a.shape}")
    if (b.ndim > 1 and a.ndim == b.ndim + 1 and a.shape[-1] == b.shape[-1]
            and a.shape[-1] != b.shape[-2]):
        raise ValueError(f"Invalid shapes for solve: {a.shape}, {b.shape}. For a stack of vectors "
                         "use solve(a, b[..., None]).squeeze(-1).")
    signature = "(m,m),(m)->(m)" if b.ndim == 1 else "(m,m),(m,n)->(m,n)"
    return vectorize(solve_matrices, signature=signature)(a, b)


@jit
def inv(a: Any) -> Any:
    """The inverse of square matrices."""
    a = inexact("inv", a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"Argument to inv must have shape [..., n, n], got {a.shape}.")
    return solve(a, lax.broadcast(eye(a.shape[-1], dtype=a.dtype), a.shape[:-2]))


def pinv(a: Any, rtol: Any = None, hermitian: bool = False, *, rcond: Any = None) -> Any:
    """The pseudo-inverse; singular values below `rtol` times the largest count as zero."""
    if rcond is not None and rtol is not None:
        raise ValueError("pinv: only one of rtol and rcond may be specified.")
    a = inexact("pinv", a)
    return _pinv(a, rtol if rcond is None else rcond, hermitian)


@functools.partial(custom_jvp, nondiff_argnums=(1, 2))
def _pinv(a: Any, rtol: Any, hermitian: bool) -> Any:
    m, n = a.shape[-2:]
    if not a.size:
        return lax.full((*a.shape[:-2], n, m), 0, a.dtype)
    u, s, vh = svd(conj(a), full_matrices=False, hermitian=hermitian)
    if rtol is None:
        rtol = 10.0 * builtins.max(m, n) * float(dtypes.finfo(a.dtype).eps)
    rtol = lax.convert_element_type(rtol, s.dtype)
    cutoff = lax.expand_dims(rtol, (np.ndim(rtol),)) * s[..., :1]
    s = _where(s > cutoff, s, np.inf).astype(u.dtype)
    return contractions.matmul(matrix_transpose(vh), matrix_transpose(u) / s[..., None],
                               precision=lax.Precision.HIGHEST)


@_pinv.defjvp
def _pinv_jvp(rtol: Any, hermitian: bool, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Golub and Pereyra, The differentiation of pseudo-inverses (1973), equation 4.12."""
    (a,), (t,) = primals, tangents
    p = pinv(a, rtol, hermitian)
    if hermitian:
        a, t = (a + adjoint(a)) / 2, (t + adjoint(t)) / 2
    rows = (p @ adjoint(p)) @ adjoint(t)
    columns = adjoint(t) @ (adjoint(p) @ p)
    return p, -(p @ t) @ p + rows - rows @ a @ p + columns - p @ a @ columns


def lstsq(a: Any, b: Any, rcond: Any = None, *, numpy_resid: bool = False) -> tuple[Any, ...]:
    """(x, squared residuals, rank, singular values) of the x that minimises |a x - b|.

    Args:
      rcond: singular values below `rcond` times the largest count as zero.
      numpy_resid: return no residuals where NumPy returns none; does not work under `jit`.
    """
    a, b = ensure_arrays("jnp.linalg.lstsq", a, b)
    x, resid, rank, s = _lstsq(a, b, rcond)
    if numpy_resid and (int(rank) < a.shape[1] or a.shape[0] <= a.shape[1]):
        resid = lax.full((0,), 0, resid.dtype)
    return x, resid, rank, s


@jit
def _lstsq(a: Any, b: Any, rcond: Any) -> tuple[Any, ...]:
    a, b = promote_inexact(a, b)
    if a.shape[0] != b.shape[0]:
        raise ValueError("Leading dimensions of input arrays must match")
    if a.ndim != 2:
        raise TypeError(f"{a.ndim}-dimensional array given. Array must be two-dimensional")
    if b.ndim > 2:
        raise TypeError(f"{b.ndim}-dimensional array given. Array must be one or two-dimensional")
    vector = b.ndim == 1
    b = lax.expand_dims(b, (1,)) if vector else b
    eps = float(dtypes.finfo(a.dtype).eps)
    rcond = eps * builtins.max(a.shape) if rcond is None else _where(rcond < 0, eps, rcond)
    u, s, vh = svd(a, full_matrices=False)
    mask = (s > 0) & (s >= lax.convert_element_type(rcond, s.dtype) * s[0])
    rank = sum(mask)
    inverse = _where(mask, 1 / _where(mask, s, 1).astype(a.dtype), 0)
    highest = lax.Precision.HIGHEST
    x = contractions.matmul(adjoint(vh), lax.expand_dims(inverse, (1,)) * contractions.matmul(
        adjoint(u), b, precision=highest), precision=highest)
    resid = norm(b - contractions.matmul(a, x, precision=highest), axis=0) ** 2
    return ravel(x) if vector else x, resid, rank, s


def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of `tensordot(a, ., ind)`."""
    a = ensure_array("tensorinv", a)
    if operator.index(ind) <= 0:
        raise ValueError(f"ind must be a positive integer; got {ind=}")
    first, second = a.shape[:ind], a.shape[ind:]
    if math.prod(first) != math.prod(second):
        raise ValueError("tensorinv is only possible when the product of the first `ind` dimensions "
                         f"equals that of the remaining dimensions. got {a.shape=} with {ind=}.")
    return lax.reshape(inv(lax.reshape(a, (math.prod(first), math.prod(second)))),
                       (*second, *first))


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """x with tensordot(a, x, x.ndim) = b."""
    a, b = ensure_arrays("tensorsolve", a, b)
    if axes is not None:
        kept = [i for i in range(a.ndim) if i not in axes]
        a = lax.transpose(a, (*kept, *axes))
    shape = a.shape[b.ndim:]
    if a.shape[:b.ndim] != b.shape:
        raise ValueError("After moving axes to end, leading shape of a must match shape of b. got "
                         f"{a.shape=}, {b.shape=}")
    if b.size != math.prod(shape):
        raise ValueError("Input arrays must have prod(a.shape[:b.ndim]) == prod(a.shape[b.ndim:]); "
                         f"got {a.shape=}, {b.ndim=}.")
    return lax.reshape(solve(lax.reshape(a, (b.size, b.size)), ravel(b)), shape)


# --- products and numbers ------------------------------------------------------------------------


@functools.partial(jit, static_argnames="n")
def matrix_power(a: Any, n: int) -> Any:
    """Square matrices to an integer power, by repeated squaring."""
    a = ensure_array("jnp.linalg.matrix_power", a)
    if a.ndim < 2:
        raise TypeError(f"{a.ndim}-dimensional array given. Array must be at least two-dimensional")
    if a.shape[-2] != a.shape[-1]:
        raise TypeError("Last 2 dimensions of the array must be square")
    if n == 0:
        return broadcast_to(eye(a.shape[-1], dtype=a.dtype), a.shape)
    if n < 0:
        a, n = inv(a), -n
    if n == 3:
        return a @ a @ a
    out = None
    while n:
        if n % 2:
            out = a if out is None else out @ a
        n //= 2
        a = a @ a if n else a
    return out


@functools.partial(jit, static_argnames="hermitian")
def matrix_rank(M: Any, rtol: Any = None, *, hermitian: bool = False, tol: Any = None) -> Any:
    """How many singular values are not zero (at least `rtol`)."""
    if tol is not None and rtol is not None:
        raise ValueError("matrix_rank: only one of tol or rtol may be specified.")
    rtol = tol if rtol is None else rtol
    M = inexact("matrix_rank", M)
    if M.ndim < 2:
        return any(M != 0).astype(np.int32)
    s = svd(M, full_matrices=False, compute_uv=False, hermitian=hermitian)
    if rtol is None:
        size = np.asarray(builtins.max(M.shape[-2:]), s.dtype)
        rtol = max(s, -1) * size * np.asarray(dtypes.finfo(s.dtype).eps, s.dtype)
    return sum(s > lax.expand_dims(rtol, (np.ndim(rtol),)), axis=-1)


@functools.partial(jit, static_argnames="p")
def cond(x: Any, p: Any = None) -> Any:
    """The condition number in a norm: by default the ratio of the extreme singular values."""
    x = ensure_array("cond", x)
    if x.ndim < 2:
        raise ValueError(f"jnp.linalg.cond: input array must be at least 2D; got {x.shape=}")
    if 0 in x.shape[-2:]:
        raise ValueError(f"jnp.linalg.cond: input array must not be empty; got {x.shape=}")
    if p is None or p in (2, -2):
        s = svdvals(x)
        if p != -2:
            return s[..., 0] / s[..., -1]
        out = s[..., -1] / s[..., 0]
    else:
        if x.shape[-1] != x.shape[-2]:
            raise ValueError(f"jnp.linalg.cond: for {p=}, array must be square; got {x.shape=}")
        out = norm(x, ord=p, axis=(-2, -1)) * norm(inv(x), ord=p, axis=(-2, -1))
    return _where(isnan(out) & ~any(isnan(x), axis=(-2, -1)), np.inf, out)


def multi_dot(arrays: Sequence[Any], *, precision: Any = None) -> Any:
    """The product of matrices, in the cheapest order; the first and last may be vectors."""
    arrays = ensure_arrays("jnp.linalg.multi_dot", *arrays)
    shapes = [a.shape for a in arrays]
    if len(arrays) < 2:
        raise ValueError(f"multi_dot requires at least two arrays; got {len(arrays)=}")
    ranks = [a.ndim for a in arrays]
    if {*ranks[1:-1]} - {2} or {ranks[0], ranks[-1]} - {1, 2}:
        raise ValueError("multi_dot: input arrays must all be two-dimensional, except for the first "
                         "and last array which may be 1 or 2 dimensional. Got array shapes "
                         f"{shapes}")
    if [a[-1] for a in shapes[:-1]] != [b[0] for b in shapes[1:]]:
        raise ValueError("multi_dot: last dimension of each array must match first dimension of "
                         f"following array. Got array shapes {shapes}")
    axes: list[Any] = [(i, i + 1) for i in range(len(arrays))]
    if ranks[0] == 1:
        axes[0] = axes[0][1:]
    if ranks[-1] == 1:
        axes[-1] = axes[-1][:1]
    return einsum(*itertools.chain(*zip(arrays, axes)), precision=precision)


def matmul(x1: Any, x2: Any, /, *, precision: Any = None, preferred_element_type: Any = None
           ) -> Any:
    """The same as `jnp.matmul`."""
    return contractions.matmul(x1, x2, precision=precision,
                               preferred_element_type=preferred_element_type)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1, precision: Any = None,
           preferred_element_type: Any = None) -> Any:
    """The same as `jnp.vecdot`."""
    return contractions.vecdot(x1, x2, axis=axis, precision=precision,
                               preferred_element_type=preferred_element_type)


def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2, precision: Any = None,
              preferred_element_type: Any = None, out_sharding: Any = None) -> Any:
    """The same as `jnp.tensordot`."""
    return contractions.tensordot(x1, x2, axes, precision=precision,
                                  preferred_element_type=preferred_element_type)


def outer(x1: Any, x2: Any, /) -> Any:
    """The outer product of two vectors."""
    x1, x2 = ensure_arrays("jnp.linalg.outer", x1, x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError("Input arrays must be one-dimensional, but they are "
                         f"{x1.ndim=} {x2.ndim=}")
    return contractions.outer(x1, x2)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The cross product of vectors with three components."""
    x1, x2 = ensure_arrays("jnp.linalg.cross", x1, x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError("Both input arrays must be (arrays of) 3-dimensional vectors, but they "
                         f"have {x1.shape[axis]=} and {x2.shape[axis]=}")
    return contractions.cross(x1, x2, axis=axis)


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of the matrices in the last two axes."""
    return diagonals.diagonal(x, offset=offset, axis1=-2, axis2=-1)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of the diagonals of the matrices in the last two axes."""
    return diagonals.trace(x, offset=offset, axis1=-2, axis2=-1, dtype=dtype)
