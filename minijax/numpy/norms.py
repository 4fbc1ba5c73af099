"""Norms of vectors and matrices."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import canonical_axis, ensure_array
from minijax.numpy.decompositions import svd
from minijax.numpy.promotion import promote_inexact
from minijax.numpy.reductions import max, min, sum
from minijax.numpy.shaping import moveaxis
from minijax.numpy.ufuncs import absolute, conj, power, real, sqrt


@functools.partial(jit, static_argnames=("ord", "axis", "keepdims"))
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of all elements, of the vectors along one axis, or of the matrices in two.

    >>> import minijax.numpy as jnp
    >>> jnp.linalg.norm(jnp.array([3.0, 4.0]))
    Array(5., dtype=float32)

    Args:
      ord: for vectors the p of the p-norm (2); for matrices "fro" (the default), "nuc", 1, -1, 2,
        -2, inf or -inf.
    """
    (x,) = promote_inexact(ensure_array("jnp.linalg.norm", x))
    if axis is None and ord is None:
        return euclidean(x, None, keepdims)
    if axis is None:
        axes = tuple(range(x.ndim))
    else:
        axes = tuple(canonical_axis(i, x.ndim) for i in (
            axis if isinstance(axis, tuple) else (axis,)))
    if len(axes) == 1:
        return vector_norm(x, ord=2 if ord is None else ord, axis=axes, keepdims=keepdims)
    if len(axes) == 2:
        return norm_of_matrix(x, ord, axes, keepdims)
    raise ValueError(f"Improper number of axes for norm: axis={axes}. Pass one axis to compute a "
                     "vector-norm, or two axes to compute a matrix-norm.")


def euclidean(x: Any, axis: Any, keepdims: bool) -> Any:
    return sqrt(sum(real(x * conj(x)), axis=axis, keepdims=keepdims))


def norm_of_matrix(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord in (None, "f", "fro"):
        return euclidean(x, axes, keepdims)
    if ord in ("nuc", 2, -2):
        s = svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
        if ord == "nuc":
            out = sum(s, axis=-1)
        else:
            out = max(s, axis=-1, initial=0) if ord == 2 else min(s, axis=-1)
        return lax.expand_dims(out, axes) if keepdims else out
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"Invalid order '{ord}' for matrix norm.")
    rows, columns = axes if abs(ord) == 1 else axes[::-1]
    sums = sum(absolute(x), axis=rows, keepdims=keepdims)
    columns -= not keepdims and columns > rows
    if ord > 0:
        return max(sums, axis=columns, keepdims=keepdims, initial=0)
    return min(sums, axis=columns, keepdims=keepdims)


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The p-norm, for p = `ord`, over `axis` (None: of all elements)."""
    (x,) = promote_inexact(ensure_array("jnp.linalg.vector_norm", x))
    if ord is None or ord == 2:
        return euclidean(x, axis, keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid order '{ord}' for vector norm. For infinity use jax.numpy.inf.")
    size = absolute(x)
    if ord == np.inf:
        return max(size, axis=axis, keepdims=keepdims, initial=0)
    if ord == -np.inf:
        return min(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return sum(x != 0, axis=axis, keepdims=keepdims,
                   dtype=dtypes.to_floating_dtype(x.dtype))
    if ord == 1:
        return sum(size, axis=axis, keepdims=keepdims)
    p = np.asarray(ord, size.dtype)
    total = sum(power(size, of_dtype(p, p.dtype)), axis=axis, keepdims=keepdims)
    return power(total, of_dtype(1.0 / p, p.dtype))


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of the matrices in the last two axes."""
    return norm(ensure_array("jnp.linalg.matrix_norm", x), ord=ord, keepdims=keepdims,
                axis=(-2, -1))
