"""Objects to index: `mgrid[0:3, 0:2]`, `r_[1:4, 10]`, `s_[::2]`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minijax.numpy.creation import array
from minijax.numpy.joining import concatenate, stack
from minijax.numpy.promotion import promote_dtypes
from minijax.numpy.ranges import arange, linspace, meshgrid
from minijax.numpy.shaping import expand_dims, transpose


def grid_of(s: slice) -> Any:
    """start:stop:step as `arange`; with an imaginary step, that many points as `linspace`."""
    start, step = s.start or 0, s.step or 1
    if np.iscomplexobj(step):
        return linspace(start, s.stop, int(abs(step)))
    return arange(start, s.stop, step)


class Grid:
    """Indexing makes the coordinates of a grid, full (`mgrid`) or ready to broadcast (`ogrid`)."""

    def __init__(self, sparse: bool):
        self.sparse = sparse

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return grid_of(key)
        axes = promote_dtypes(*map(grid_of, key)) if key else []
        out = meshgrid(*axes, indexing="ij", sparse=self.sparse)
        if self.sparse:
            return out
        return stack(out) if out else arange(0)


class Concatenator:
    """Indexing joins slices (as ranges), scalars and arrays along an axis.

    A leading string "axis,ndmin,trans1d" changes how, as in NumPy.
    """

    def __init__(self, axis: int, ndmin: int, trans1d: int):
        self.options = [axis, ndmin, trans1d]

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        (axis, ndmin, trans1d), matrix = self.options, -1
        if parts and isinstance(parts[0], str):
            directive, parts = parts[0], parts[1:]
            if directive in ("r", "c"):
                matrix = "rc".index(directive)
            else:
                axis, ndmin, trans1d = self.parse(directive)
        arrays = [self.piece(p, ndmin, trans1d) for p in parts]
        out = concatenate(arrays, axis)
        return expand_dims(out, matrix) if matrix != -1 and out.ndim == 1 else out

    def parse(self, directive: str) -> list[int]:
        words = directive.split(",")
        try:
            return [*map(int, words), *self.options[len(words):]][:3]
        except ValueError:
            raise ValueError(f"could not understand directive {directive!r}") from None

    def piece(self, item: Any, ndmin: int, trans1d: int) -> Any:
        if isinstance(item, str):
            raise ValueError("string directive must be placed at the beginning")
        x = grid_of(item) if isinstance(item, slice) else array(item, copy=False)
        rank = 0 if isinstance(item, slice) else x.ndim
        x = array(x, copy=False, ndmin=ndmin)
        if trans1d == -1 or ndmin <= rank:
            return x
        shift = ndmin - abs(ndmin + trans1d + 1) % ndmin
        order = list(range(ndmin))
        return transpose(x, order[shift:] + order[:shift])

    def __len__(self) -> int:
        return 0


mgrid, ogrid = Grid(sparse=False), Grid(sparse=True)
r_, c_ = Concatenator(0, 1, -1), Concatenator(-1, 2, 0)
s_, index_exp = np.s_, np.index_exp
