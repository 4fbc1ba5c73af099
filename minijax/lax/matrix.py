"""Operations on the matrices in the last two axes: the family, and solving linear systems."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import batch, move_axis
from minijax.core import ArrayImpl, ShapedArray, typeof
from minijax.families import (
    Axiswise,
    add_any,
    broadcast_in_dim,
    mul,
    reduce_sum,
    reshape,
    transpose,
    zeros,
)
from minijax.lax.contraction import Precision, batch_matmul, dot
from minijax.lax.creation import broadcasted_iota, of_dtype
from minijax.lax.elementwise import add, conj, div, ge, neg
from minijax.lax.shaping import expand_dims, squeeze
from minijax.selection import select_n

__all__ = ["triangular_solve", "triangular_solve_p"]

# --- the family ------------------------------------------------------------------------------


class MatrixOperation(Axiswise):
    """Acts on the last axes of its operands, `ranks` of each; those before are a batch."""

    ranks: tuple[int, ...] = (2,)
    accepts = "fc"

    def shift(self, params, size):
        return params

    def shapes(self, *shapes: tuple[int, ...], **params: Any) -> list[tuple[tuple[int, ...], Any]]:
        """The shape and dtype (None: that of the operands) of each result, without the batch."""
        raise NotImplementedError

    def abstract_eval(self, *avals, **params):
        self.check_dtypes(avals)
        for i, (a, rank) in enumerate(zip(avals, self.ranks)):
            if a.ndim < rank:
                raise TypeError(f"Input {i} to {self.name} must have rank at least {rank}, but got "
                                f"shape={a.shape}")
        leads = [a.shape[:a.ndim - rank] for a, rank in zip(avals, self.ranks)]
        if len(set(leads)) > 1:
            raise TypeError(f"All inputs to {self.name} must have the same batch dimensions, but "
                            f"got {', '.join(map(str, leads))}.")
        cores = [a.shape[a.ndim - rank:] for a, rank in zip(avals, self.ranks)]
        outs = [ShapedArray((*leads[0], *shape), dtype or avals[0].dtype)
                for shape, dtype in self.shapes(*cores, dtype=avals[0].dtype, **params)]
        return outs if self.multiple_results else outs[0]

    def check_dtypes(self, avals: Sequence[ShapedArray]) -> None:
        for i, a in enumerate(avals):
            if dtypes.kind(a.dtype) not in self.accepts:
                raise TypeError(f"{self.name} does not accept dtype {dtypes.name(a.dtype)} at "
                                f"position {i}. Accepted dtypes at position {i} are subtypes of "
                                f"{dtypes.kind_names(self.accepts)}.")
            if a.dtype != avals[0].dtype:
                raise TypeError(f"lax.{self.name} requires arguments to have the same dtypes, got "
                                f"{', '.join(dtypes.name(b.dtype) for b in avals)}.")
            if dtypes.is_inexact(a.dtype) and a.dtype.kind not in "fc" or a.dtype.itemsize < 4:
                raise NotImplementedError(f"{self.name}: Unsupported dtype {dtypes.name(a.dtype)}; "
                                          "convert it to float32 first.")


def square(name: str, shape: tuple[int, ...]) -> int:
    if shape[0] != shape[1]:
        raise ValueError(f"{name} must be a square matrix. Got shape {shape}.")
    return shape[0]


def each_matrix(f: Callable, *xs: np.ndarray, ranks: Sequence[int]) -> list[np.ndarray]:
    """f, which takes and returns tuples of single matrices or vectors, for a whole batch."""
    lead = xs[0].shape[:xs[0].ndim - ranks[0]]
    rows = [x.reshape(-1, *x.shape[x.ndim - r:]) for x, r in zip(xs, ranks)]
    outs = [f(*row) for row in zip(*rows, strict=True)]
    return [np.stack(out).reshape(*lead, *out[0].shape) for out in zip(*outs)]


def guarded(f: Callable, *xs: np.ndarray) -> Any:
    """f of matrices, which returns a tuple; a matrix for which LAPACK fails gives NaN."""
    def one(*xs: np.ndarray) -> Any:
        try:
            return f(*xs)
        except np.linalg.LinAlgError:
            outs = f(*[np.eye(*x.shape, dtype=x.dtype) for x in xs])
            return [np.full_like(out, np.nan) for out in outs]

    try:
        return f(*xs)
    except np.linalg.LinAlgError:
        return each_matrix(one, *xs, ranks=[2] * len(xs))


# --- small things that derivatives are made of -------------------------------------------------


def T(x: Any) -> Any:
    n = typeof(x).ndim
    return transpose(x, (*range(n - 2), n - 1, n - 2))


def H(x: Any) -> Any:
    """The conjugate transpose."""
    return conj(T(x)) if typeof(x).dtype.kind == "c" else T(x)


def matmul(x: Any, y: Any) -> Any:
    product = dot if typeof(x).ndim == 2 else batch_matmul
    return product(x, y, precision=Precision.HIGHEST)


def constant(matrix: np.ndarray, like: Any) -> ArrayImpl:
    """The matrix with the dtype and the rank of `like`."""
    aval = typeof(like)
    return of_dtype(matrix.reshape((1,) * (aval.ndim - 2) + matrix.shape), aval.dtype)


def scaled(x: Any, factors: np.ndarray) -> Any:
    """Every matrix of `x` times the same constant factors, element by element."""
    return mul(x, constant(factors, x))


def lower_part(x: Any, k: int = 0) -> Any:
    """The lower triangle, for derivatives: what is above the k-th diagonal times zero."""
    m, n = typeof(x).shape[-2:]
    return scaled(x, np.tri(m, n, k))


def upper_part(x: Any, k: int = 0) -> Any:
    m, n = typeof(x).shape[-2:]
    return scaled(x, 1 - np.tri(m, n, k - 1))


def diagonal(x: Any) -> Any:
    m, n = typeof(x).shape[-2:]
    return reduce_sum(scaled(x, np.eye(m, n)), (typeof(x).ndim - 1,))


def symmetrize(x: Any) -> Any:
    return div(add(x, H(x)), of_dtype(2, typeof(x).dtype))


def tril(x: Any) -> Any:
    """The lower triangle; the rest is zero, also where it was NaN."""
    aval = typeof(x)
    index = dtypes.default_int_dtype()
    rows = add(broadcasted_iota(index, aval.shape[-2:], 0), np.zeros((), index))
    mask = ge(rows, broadcasted_iota(index, aval.shape[-2:], 1))
    if aval.ndim > 2:
        mask = broadcast_in_dim(mask, aval.shape, (aval.ndim - 2, aval.ndim - 1))
    return select_n(mask, zeros(aval), x)


# --- triangular systems ----------------------------------------------------------------------


class TriangularSolve(MatrixOperation):
    """x with op(a) x = b, or x op(a) = b, for a triangular matrix a. Linear in b."""

    ranks = (2, 2)

    def shapes(self, a, b, *, left_side, **params):
        square("The first input to triangular_solve", a)
        if a[0] != b[0 if left_side else 1]:
            raise ValueError(f"Incompatible shapes for arguments to triangular_solve: {a} and {b}.")
        return [(b, None)]

    def impl(self, a, b, *, left_side, lower, transpose_a, conjugate_a, unit_diagonal):
        from scipy.linalg import get_blas_funcs

        if not b.size:
            return np.zeros_like(b)
        trsm = get_blas_funcs("trsm", (a, b))
        if conjugate_a and not transpose_a:
            a = a.conj()
        # BLAS stores columns, NumPy rows, so it is given the transposes of everything.
        solve = functools.partial(trsm, 1, side=left_side, lower=not lower, diag=unit_diagonal,
                                  trans_a=transpose_a * (2 if conjugate_a else 1))
        return each_matrix(lambda a, b: [solve(a.T, b.T).T], a, b, ranks=(2, 2))[0]

    def linearize(self, active, a, b, *, left_side, lower, transpose_a, conjugate_a,
                  unit_diagonal):
        inverse = functools.partial(
            self.bind, a, left_side=left_side, lower=lower, transpose_a=transpose_a,
            conjugate_a=conjugate_a, unit_diagonal=unit_diagonal)
        out = inverse(b)
        m, n = typeof(b).shape[-2:]
        mask = np.tri(typeof(a).shape[-1], k=-1 if unit_diagonal else 0)
        mask = mask if lower else mask.T

        def push_a(t):  # - a^-1 ta x, multiplied in the cheaper order
            t = neg(scaled(t, mask))
            t = T(t) if transpose_a else t
            t = conj(t) if conjugate_a and typeof(t).dtype.kind == "c" else t
            if left_side:
                return inverse(matmul(t, out)) if m > n else matmul(inverse(t), out)
            return inverse(matmul(out, t)) if m < n else matmul(out, inverse(t))

        maps = [f for f, is_active in zip((push_a, inverse), active) if is_active]
        return [out], [True], lambda *ts: [functools.reduce(
            add_any, [f(t) for f, t in zip(maps, ts)])]

    def transpose(self, cts, a, b, *, transpose_a, **params):
        return [None, self.bind(a, cts[0], transpose_a=not transpose_a, **params)]


@batch.register
def _(prim: TriangularSolve, axis, xs, dims, /, *, left_side, **params):
    if dims[0] is not None:
        return batch.dispatch(Axiswise)(prim, axis, xs, dims, left_side=left_side, **params)
    # One matrix for all: the batch is more columns, or rows, of one system.
    (a, b), rank = xs, typeof(xs[1]).ndim
    dim = rank - 1 if left_side else rank - 2
    b = move_axis(b, dims[1], dim)
    shape = typeof(b).shape
    merged = (*shape[:-2], shape[-2] * shape[-1]) if left_side else (
        *shape[:-3], shape[-3] * shape[-2], shape[-1])
    out = prim.bind(a, reshape(b, merged), left_side=left_side, **params)
    return [reshape(out, shape)], [dim]


triangular_solve_p = TriangularSolve("triangular_solve")


def triangular_solve(a: Any, b: Any, *, left_side: bool = False, lower: bool = False,
                     transpose_a: bool = False, conjugate_a: bool = False,
                     unit_diagonal: bool = False) -> Any:
    """x with x op(a) = b or, if `left_side`, op(a) x = b. Only one triangle of `a` is read.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> a, b = jnp.array([[2.0, 0.0], [1.0, 1.0]]), jnp.array([[2.0], [3.0]])
    >>> jax.lax.linalg.triangular_solve(a, b, left_side=True, lower=True)
    Array([[1.],
           [2.]], dtype=float32)

    Args:
      a: shape [..., n, n].
      b: shape [..., n, m], without `left_side` [..., m, n]; or one vector, [..., n].
      lower: which triangle is read.
      transpose_a, conjugate_a: what op does.
      unit_diagonal: take the diagonal of `a` to be ones.

    Raises:
      ValueError: shapes that do not fit. TypeError: dtypes that differ, batches that differ.
    """
    params = {"left_side": left_side, "lower": lower, "transpose_a": transpose_a,
              "conjugate_a": conjugate_a and typeof(a).dtype.kind == "c",
              "unit_diagonal": unit_diagonal}
    rank = typeof(b).ndim
    if typeof(a).ndim != rank + 1:
        return triangular_solve_p.bind(a, b, **params)
    axis = rank if left_side else rank - 1
    x = triangular_solve_p.bind(a, expand_dims(b, (axis,)), **params)
    return squeeze(x, (axis,))


# --- general systems -------------------------------------------------------------------------


class Solve(MatrixOperation):
    """x with a x = b, for a general square matrix a. Linear in b."""

    ranks = (2, 2)

    def shapes(self, a, b, **params):
        if square("The first input to solve", a) != b[0]:
            raise ValueError(f"Incompatible shapes for arguments to solve: {a} and {b}.")
        return [(b, None)]

    def impl(self, a, b):
        return guarded(lambda a, b: (np.linalg.solve(a, b),), a, b)[0]

    def linearize(self, active, a, b):
        out = self.bind(a, b)

        def push(*tangents):
            ts = iter(tangents)
            rhs = neg(matmul(next(ts), out)) if active[0] else next(ts)
            if active[0] and active[1]:
                rhs = add_any(rhs, next(ts))
            return [self.bind(a, rhs)]

        return [out], [True], push

    def transpose(self, cts, a, b):
        return [None, self.bind(T(a), cts[0])]


solve_p = Solve("solve")


def solve(a: Any, b: Any) -> Any:
    """x with a x = b, for a of shape [..., n, n] and b of shape [..., n, m] or [..., n].

    Batches broadcast. A singular matrix gives NaN. `jax.numpy.linalg.solve` is written in this.
    """
    (*lead_a, n, m), rank = typeof(a).shape, typeof(b).ndim
    vector = rank == len(lead_a) + 1
    b = expand_dims(b, (rank,)) if vector else b
    *lead_b, rows, columns = typeof(b).shape
    if n != m or n != rows or len(lead_a) != len(lead_b):
        raise ValueError("The arguments to solve must have shapes a=[..., m, m] and b=[..., m, k] "
                         f"or b=[..., m]; got a={typeof(a).shape} and b={typeof(b).shape}")
    lead = np.broadcast_shapes(lead_a, lead_b)
    axes = range(len(lead) + 2)
    out = solve_p.bind(broadcast_in_dim(a, (*lead, n, n), axes),
                       broadcast_in_dim(b, (*lead, n, columns), axes))
    return squeeze(out, (len(lead) + 1,)) if vector else out
