"""Linear systems and pseudo-inverses."""

from __future__ import annotations

import builtins
import functools
import math
import operator
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.custom import custom_jvp
from minijax.jit import jit
from minijax.lax.matrix import solve as solve_matrices
from minijax.numpy import contractions
from minijax.numpy.arguments import ensure_array, ensure_arrays
from minijax.numpy.decompositions import adjoint, inexact, svd
from minijax.numpy.norms import norm
from minijax.numpy.promotion import _where, promote_inexact
from minijax.numpy.ranges import eye
from minijax.numpy.reductions import sum
from minijax.numpy.shaping import matrix_transpose, ravel
from minijax.numpy.ufuncs import conj
from minijax.numpy.vectorizing import vectorize


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
        raise ValueError("tensorinv is only possible when the product of the first `ind` "
                         "dimensions equals that of the remaining dimensions. got "
                         f"{a.shape=} with {ind=}.")
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


# --- products and numbers --------------------------------------------------------------------
