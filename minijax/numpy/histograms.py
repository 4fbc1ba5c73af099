"""Counting how many elements fall between edges."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.numpy.arguments import check_arraylike, ensure_array, ensure_arrays
from minijax.numpy.creation import asarray
from minijax.numpy.differences import diff
from minijax.numpy.promotion import _where, promote_inexact
from minijax.numpy.ranges import linspace
from minijax.numpy.reductions import max, min, ptp, sum
from minijax.numpy.searching import bincount, searchsorted
from minijax.numpy.taking import ix_, ravel_multi_index


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """The edges of `bins` bins of equal width over `range`, or over all elements of `a`."""
    if isinstance(bins, str):
        raise NotImplementedError("string values for `bins` not implemented.")
    check_arraylike("histogram_bin_edges", a, bins)
    a = asarray(a)
    dtype = dtypes.to_inexact_dtype(a.dtype)
    if np.ndim(bins) == 1:
        return asarray(bins, dtype)
    limits = asarray([min(a), max(a)] if range is None else range, dtype)
    if limits.shape != (2,):
        raise ValueError(f"`range` must be either None or a sequence of scalars, got {range}")
    point = ptp(limits) == 0
    low = _where(point, limits[0] - 0.5, limits[0])
    high = _where(point, limits[1] + 0.5, limits[1])
    return linspace(low, high, operator.index(bins) + 1, dtype=dtype)


def histogram(a: Any, bins: Any = 10, range: Any = None, weights: Any = None,
              density: bool | None = None) -> tuple[Any, Any]:
    """(counts, edges): how many elements, or how much weight, each bin has.

    >>> import minijax.numpy as jnp
    >>> jnp.histogram(jnp.array([1.0, 2.0, 2.5]), bins=2)
    (Array([1., 2.], dtype=float32), Array([1.  , 1.75, 2.5 ], dtype=float32))

    Args:
      bins: their number, or their edges.
      density: whether the integral over all bins shall be 1.
    """
    check_arraylike("histogram", a, bins)
    if weights is None:
        (a,) = promote_inexact(ensure_array("histogram", a))
        weights = lax.full_like(a, 1)
    else:
        a, weights = promote_inexact(*ensure_arrays("histogram", a, weights))
        if a.shape != weights.shape:
            raise ValueError("weights should have the same shape as a.")
    edges = histogram_bin_edges(a, bins, range, weights)
    n = len(edges)
    index = _where(a == edges[-1], n - 1, searchsorted(edges, a, side="right"))
    counts = lax.full((n,), 0, weights.dtype).at[index].add(weights)[1:]
    if density:
        counts = counts / diff(edges) / sum(counts)
    return counts, edges


def histogram2d(x: Any, y: Any, bins: Any = 10, range: Any = None, weights: Any = None,
                density: bool | None = None) -> tuple[Any, Any, Any]:
    """(counts, edges of x, edges of y) of the points (x, y)."""
    x, y = ensure_arrays("histogram2d", x, y)
    if np.ndim(bins) == 1 and len(bins) not in (1, 2):
        bins = [asarray(bins), asarray(bins)]
    counts, edges = histogramdd(lax.transpose(asarray([x, y]), (1, 0)), bins, range, weights,
                                density)
    return counts, edges[0], edges[1]


def histogramdd(sample: Any, bins: Any = 10, range: Any = None, weights: Any = None,
                density: bool | None = None) -> tuple[Any, list[Any]]:
    """(counts, edges for each axis) of points with any number of coordinates, one in each row."""
    if weights is None:
        (sample,) = promote_inexact(ensure_array("histogramdd", sample))
    else:
        sample, weights = promote_inexact(*ensure_arrays("histogramdd", sample, weights))
        if weights.shape != sample.shape[:1]:
            raise ValueError("should have one weight for each sample.")
    columns = [sample[:, i] for i in np.arange(sample.shape[1]).tolist()]
    n = len(columns)
    if range is not None and (len(range) != n or [r for r in range
                                                  if r is not None and np.shape(r)[0] != 2]):
        raise ValueError(f"For sample.shape={sample.shape}, range must be a sequence of {n} pairs "
                         f"or Nones; got {range=}")
    each = list(bins) if np.ndim(bins) or isinstance(bins, (list, tuple)) else [bins] * n
    if len(each) != n:
        raise ValueError("should be a bin for each dimension.")
    edges, index = [], []
    for x, b, r in zip(columns, each, range or [None] * n):
        e = histogram_bin_edges(x, b, r)
        i = searchsorted(e, x, side="right")
        edges.append(e)
        index.append(_where(x == e[-1], i - 1, i))
    shape = [len(e) + 1 for e in edges]  # with a bin for what is outside, on both sides
    flat = ravel_multi_index(index, shape, mode="clip")
    counts = lax.reshape(bincount(flat, weights, length=math.prod(shape)), shape)
    counts = counts[(slice(1, -1),) * n]
    if density:
        counts = lax.convert_element_type(counts, sample.dtype)
        counts = counts / sum(counts)
        for width in ix_(*map(diff, edges)):
            counts = counts / width
    return counts, edges
