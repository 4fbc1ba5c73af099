"""Linear algebra: `minijax.numpy.linalg`. Functions of matrices work on stacks of them.

`decompositions`, `systems`, `norms` and `determinants` hold most of them; the rest is here.
"""

from __future__ import annotations

import builtins
import functools
import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy import contractions, diagonals
from minijax.numpy.arguments import ensure_array, ensure_arrays
from minijax.numpy.decompositions import (
    cholesky as cholesky,
    eig as eig,
    eigh as eigh,
    eigvals as eigvals,
    eigvalsh as eigvalsh,
    inexact,
    qr as qr,
    svd as svd,
    svdvals as svdvals,
)
from minijax.numpy.determinants import det as det, slogdet as slogdet
from minijax.numpy.einsum import einsum
from minijax.numpy.logic import isnan
from minijax.numpy.norms import matrix_norm as matrix_norm, norm as norm, vector_norm as vector_norm
from minijax.numpy.promotion import _where, broadcast_to
from minijax.numpy.ranges import eye
from minijax.numpy.reductions import any, max, sum
from minijax.numpy.shaping import matrix_transpose as matrix_transpose
from minijax.numpy.systems import (
    inv as inv,
    lstsq as lstsq,
    pinv as pinv,
    solve as solve,
    tensorinv as tensorinv,
    tensorsolve as tensorsolve,
)


@functools.partial(jit, static_argnames="n")
def matrix_power(a: Any, n: int) -> Any:
    """Square matrices to an integer power, by repeated squaring."""
    a = ensure_array("jnp.linalg.matrix_power", a)
    if a.ndim < 2:
        raise TypeError(f"{a.ndim}-dimensional array given. Array must be at least two-dimensional")
    if a.shape[-2] != a.shape[-1]:
        raise TypeError("Last 2 dimensions of the array must be square")
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"exponent must be an integer, got {n}") from None
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
        rtol = max(s, -1) * size * of_dtype(dtypes.finfo(s.dtype).eps, s.dtype)
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
        raise ValueError("multi_dot: input arrays must all be two-dimensional, except for the "
                         "first and last array which may be 1 or 2 dimensional. Got array shapes "
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
