"""Operations on the shape and the order of one operand: add and drop axes, repeat, reverse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.batching import batch
from minijax.core import Array, ShapedArray, typeof
from minijax.families import (
    Structural,
    Transpose,
    broadcast_in_dim,
    reduce_sum,
    reshape,
    transpose,
)
from minijax.jvp import as_array
from minijax.lax.shapes import canonicalize_axis, check_shapelike

__all__ = [
    "broadcast", "broadcast_like", "broadcast_to_rank", "collapse", "expand_dims", "rev", "rev_p",
    "squeeze", "squeeze_p", "tile", "tile_p",
]


@batch.register
def _(prim: Transpose, axis, xs, dims, /, *, permutation):
    """One transpose instead of two: it can also bring the batch to the front."""
    (x,), (dim,) = xs, dims
    return [transpose(x, (dim, *(i + (i >= dim) for i in permutation)))], [0]


# --- axes of size 1 --------------------------------------------------------------------------


class Squeeze(Structural):
    """Drops the axes `dimensions`, which have size 1."""

    def impl(self, x, *, dimensions):
        return x.squeeze(dimensions)

    def abstract_eval(self, x, *, dimensions):
        if len(set(dimensions)) != len(dimensions):
            raise ValueError(f"dimensions are not unique: {dimensions}")
        if not all(0 <= d < x.ndim for d in dimensions):
            raise ValueError(f"dimensions outside range [0, ndim): {dimensions}")
        if any(x.shape[d] != 1 for d in dimensions):
            raise ValueError("cannot select an axis to squeeze out which has size not equal to "
                             f"one, got shape={x.shape} and dimensions={dimensions}")
        return ShapedArray([n for i, n in enumerate(x.shape) if i not in dimensions], x.dtype)

    def transpose(self, cts, x, *, dimensions):
        return [expand_dims(cts[0], dimensions)]

    def shift(self, params, size):
        return {"dimensions": tuple(d + 1 for d in params["dimensions"])}


squeeze_p = Squeeze("squeeze")


def squeeze(array: Any, dimensions: Sequence[int]) -> Any:
    """Drop axes of size 1.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.squeeze(jnp.ones((1, 3, 1)), (0, -1)).shape
    (3,)

    Raises:
      ValueError: an axis that is not there, or whose size is not 1.
    """
    ndim = typeof(array).ndim
    dimensions = tuple(sorted(canonicalize_axis(d, ndim) for d in dimensions))
    if not dimensions and isinstance(array, Array):
        return array
    return squeeze_p.bind(array, dimensions=dimensions)


def expand_dims(array: Any, dimensions: Sequence[int]) -> Any:
    """Insert axes of size 1; `dimensions` says where they are in the result.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.expand_dims(jnp.ones(3), (0, -1)).shape
    (1, 3, 1)
    """
    shape = typeof(array).shape
    ndim = len(shape) + len(dimensions)
    new = {canonicalize_axis(d, ndim) for d in dimensions}
    if len(new) != len(dimensions):
        raise ValueError(f"repeated axis in lax.expand_dims: {tuple(dimensions)}")
    kept = [i for i in range(ndim) if i not in new]
    sizes = iter(shape)
    return broadcast_in_dim(array, [1 if i in new else next(sizes) for i in range(ndim)], kept)


# --- repetition ------------------------------------------------------------------------------


def broadcast(operand: Any, sizes: Sequence[int]) -> Any:
    """Repeat `operand` along new leading axes of `sizes`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.broadcast(jnp.arange(3), (2,))
    Array([[0, 1, 2],
           [0, 1, 2]], dtype=int32)
    """
    shape = typeof(operand).shape
    if not len(sizes):
        return as_array(operand)
    check_shapelike("broadcast_in_dim", "shape", (*sizes, *shape))
    return broadcast_in_dim(operand, (*sizes, *shape),
                            range(len(sizes), len(sizes) + len(shape)))


def broadcast_to_rank(x: Any, rank: int) -> Any:
    """Add leading axes of size 1, so that `x` has `rank` axes."""
    return broadcast(x, (1,) * (rank - typeof(x).ndim))


def broadcast_like(arr: Any, like_arr: Any) -> Any:
    """Repeat `arr`, by NumPy's rule, to the shape of `like_arr`."""
    have, want = typeof(arr), typeof(like_arr).shape
    new = len(want) - have.ndim
    if new < 0:
        raise ValueError("Cannot broadcast to shape with fewer dimensions: "
                         f"arr_shape={have.shape} shape={want}")
    if any(n not in (1, m) for n, m in zip(have.shape, want[new:])):
        raise ValueError(f"Incompatible types for broadcasting: input type={have} and requested "
                         f"type={ShapedArray(want, have.dtype)}")
    return as_array(arr) if want == have.shape else broadcast_in_dim(
        arr, want, range(new, len(want)))


class Tile(Structural):
    """The operand `reps[i]` times along each axis i."""

    def impl(self, x, *, reps):
        return np.tile(x, reps)

    def abstract_eval(self, x, *, reps):
        if x.ndim != len(reps):
            raise TypeError(f"reps length must be equal to the ndim of x, got {len(reps)=} and "
                            f"{x.ndim=}.")
        check_shapelike("tile", "reps", reps)
        return ShapedArray([n * r for n, r in zip(x.shape, reps)], x.dtype)

    def transpose(self, cts, x, *, reps):
        apart = [n for pair in zip(reps, x.aval.shape) for n in pair]
        return [reduce_sum(reshape(cts[0], apart), range(0, len(apart), 2))]

    def shift(self, params, size):
        return {"reps": (1, *params["reps"])}


tile_p = Tile("tile")


def tile(operand: Any, reps: Sequence[int]) -> Any:
    """The operand, repeated `reps[i]` times along each axis i.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.tile(jnp.arange(3), (2,))
    Array([0, 1, 2, 0, 1, 2], dtype=int32)
    """
    return tile_p.bind(operand, reps=tuple(int(r) for r in reps))


# --- order -----------------------------------------------------------------------------------


class Rev(Structural):
    """Reverses the axes `dimensions`."""

    def impl(self, x, *, dimensions):
        return np.flip(x, dimensions)

    def abstract_eval(self, x, *, dimensions):
        check_shapelike("rev", "dimensions", dimensions)
        if len(set(dimensions)) != len(dimensions):
            raise TypeError(f"rev dimensions must be unique, got {dimensions}.")
        if dimensions and max(dimensions) >= x.ndim:
            raise TypeError("rev dimensions must all be less than operand ndim, got dimensions "
                            f"{dimensions} for operand ndim {x.ndim}.")
        return ShapedArray(x.shape, x.dtype)

    def transpose(self, cts, x, *, dimensions):
        return [rev(cts[0], dimensions)]

    def shift(self, params, size):
        return {"dimensions": tuple(d + 1 for d in params["dimensions"])}


rev_p = Rev("rev")


def rev(operand: Any, dimensions: Sequence[int]) -> Any:
    """Reverse the order of the elements along each of `dimensions`."""
    return rev_p.bind(operand, dimensions=tuple(dimensions))


def collapse(operand: Any, start_dimension: int, stop_dimension: int | None = None) -> Any:
    """Join the axes from `start_dimension` up to `stop_dimension` into one.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.collapse(jnp.ones((2, 3, 4)), 0, 2).shape
    (6, 4)
    """
    shape = typeof(operand).shape
    lo, hi, _ = slice(start_dimension, stop_dimension).indices(len(shape))
    if hi < lo:
        raise ValueError(f"Invalid dimension range passed to collapse: {shape}"
                         f"[{start_dimension}:{stop_dimension}]")
    return reshape(operand, (*shape[:lo], math.prod(shape[lo:hi]), *shape[hi:]))
