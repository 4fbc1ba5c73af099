"""`jax.ops`: rows that belong together, combined.

`segment_ids` says for each row of `data` which segment it belongs to: an edge of a graph to the
node that it ends in, a word to its text.

In JAX: jax/_src/ops/scatter.py.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import numpy as jnp
from minijax.lax.reducing import highest, lowest
from minijax.numpy.arguments import concrete, ensure_arrays

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None,
                indices_are_sorted: bool = False, unique_indices: bool = False,
                bucket_size: int | None = None, mode: Any = None) -> Any:
    """The sum of the rows of each segment; 0 where there are none.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.ops.segment_sum(jnp.array([1, 2, 3]), jnp.array([0, 2, 0]), 3)
    Array([4, 0, 2], dtype=int32)

    Args:
      data: an array, of shape (n, ...).
      segment_ids: n integers. A row is dropped if its segment is not there, or negative.
      num_segments: how many segments there are; None: one more than the largest id.
      indices_are_sorted, unique_indices: promises that make the work cheaper.
      bucket_size: combine so many rows at a time, then the results of that: sums are more precise.
      mode: what becomes of ids out of bounds, as in `x.at[...]`.

    Returns an array of shape (num_segments, ...) and the dtype of `data`.

    Raises:
      ValueError: num_segments is negative.
      ConcretizationTypeError: it is not given under `jit`, where the ids are not known.
    """
    return Segments("segment_sum", data, segment_ids, num_segments, bucket_size).combined(
        "add", 0, jnp.sum, indices_are_sorted, unique_indices, mode)


def segment_prod(data: Any, segment_ids: Any, num_segments: int | None = None,
                 indices_are_sorted: bool = False, unique_indices: bool = False,
                 bucket_size: int | None = None, mode: Any = None) -> Any:
    """The product of the rows of each segment; 1 where there are none. See `segment_sum`."""
    return Segments("segment_prod", data, segment_ids, num_segments, bucket_size).combined(
        "multiply", 1, jnp.prod, indices_are_sorted, unique_indices, mode)


def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None,
                indices_are_sorted: bool = False, unique_indices: bool = False,
                bucket_size: int | None = None, mode: Any = None) -> Any:
    """The largest element of each segment; -inf, or the least integer, where there are none."""
    of = Segments("segment_max", data, segment_ids, num_segments, bucket_size)
    return of.combined("max", lowest(of.data.dtype), jnp.max, indices_are_sorted, unique_indices,
                       mode)


def segment_min(data: Any, segment_ids: Any, num_segments: int | None = None,
                indices_are_sorted: bool = False, unique_indices: bool = False,
                bucket_size: int | None = None, mode: Any = None) -> Any:
    """The least element of each segment; inf, or the largest integer, where there are none."""
    of = Segments("segment_min", data, segment_ids, num_segments, bucket_size)
    return of.combined("min", highest(of.data.dtype), jnp.min, indices_are_sorted, unique_indices,
                       mode)


class Segments:
    """Rows, and where they belong."""

    def __init__(self, name: str, data: Any, segment_ids: Any, num_segments: Any,
                 bucket_size: int | None):
        self.data, self.ids = ensure_arrays(name, data, segment_ids)
        if num_segments is None:
            num_segments = np.max(concrete(self.ids, f"{name}() `segment_ids` argument: give "
                                                     "num_segments, too.")) + 1
        self.count = operator.index(concrete(num_segments, f"{name}() `num_segments` argument.")
                                    .item())
        if self.count < 0:
            raise ValueError("num_segments must be non-negative.")
        self.bucket_size = bucket_size

    def combined(self, update: str, empty: Any, combine: Callable, indices_are_sorted: bool,
                 unique_indices: bool, mode: Any) -> Any:
        """The rows of each segment, combined by a method of `x.at[...]`."""
        data, ids = self.data, self.ids
        shape, where = (self.count, *data.shape[1:]), ids
        if self.bucket_size is not None:
            shape = (-(-ids.size // self.bucket_size), *shape)
            where = jnp.arange(len(ids)) // self.bucket_size, ids
        out = getattr(jnp.full(shape, empty, data.dtype).at[where], update)(
            data, indices_are_sorted=indices_are_sorted, unique_indices=unique_indices, mode=mode,
            wrap_negative_indices=False)
        return out if self.bucket_size is None else combine(out, axis=0).astype(data.dtype)
