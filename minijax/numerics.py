"""What NumPy does not do as XLA does: immutable arrays, accurate sums, saturating conversions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from minijax import dtypes


def read_only(x: np.ndarray) -> np.ndarray:
    """A view of a read-only array, without the array behind it: that could be made writable."""
    hidden = SimpleNamespace(__array_interface__=x.__array_interface__, owner=x)
    return np.asarray(hidden).view(x.dtype)  # the interface has no name for bfloat16


def add_up(x: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    """The sum along axes: 16-bit floats in float32, and floats with small errors on every axis.

    NumPy adds in pairs along the last axis only. Along another we add blocks of 64 first.
    """
    kind = dtypes.kind(x.dtype)
    if kind == "f" and x.dtype.itemsize <= 2:
        x = x.astype(np.float32)
    for a in axis if kind in "fc" and len(axis) < x.ndim else ():
        while a != x.ndim - 1 and x.shape[a] > 64:
            n, before = x.shape[a] // 64, (slice(None),) * a
            head = x[(*before, slice(64 * n))]
            blocks = head.reshape(*x.shape[:a], n, 64, *x.shape[a + 1:]).sum(a + 1)
            rest = x[(*before, slice(64 * n, None))]
            x = np.concatenate([blocks, rest], a) if rest.size else blocks
    return np.sum(x, axis, dtype=x.dtype)


def saturate(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Floats as integers: what is too large becomes the largest, nan becomes 0."""
    info, wide = np.iinfo(dtype), x.astype(np.float64)
    low, high = wide <= info.min, wide >= info.max
    out = np.where(low | high | np.isnan(wide), 0, wide).astype(dtype)
    return np.where(low, info.min, np.where(high, info.max, out)).astype(dtype)
