"""Operations that compute nothing: their results are other ways to look at the same memory.

A view is a shape, a stride for each axis and an offset, in elements. What an operation does to them
we ask NumPy, on an array that has the strides and no memory.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minijax.jaxpr import JaxprEqn

__all__ = ["View", "contiguous", "view_of", "whole"]

_ANCHOR = np.zeros(1, np.uint8)  # one element is one byte: strides in bytes are in elements
_ADDRESS = _ANCHOR.__array_interface__["data"][0]


@dataclasses.dataclass(frozen=True)
class View:
    """Element (i, j, ...) is element offset + i * strides[0] + j * strides[1] + ... of `base`."""

    base: Any  # a variable, or a constant
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def is_whole(self) -> bool:
        """The elements of the base in their order, perhaps in another shape."""
        steps = contiguous(self.shape)
        return self.offset == 0 and all(
            n == 1 or s == t for n, s, t in zip(self.shape, self.strides, steps)) and (
                int(np.prod(self.shape)) == self.base.aval.size)

    @property
    def elements(self) -> int:
        """How many elements of the base it shows at most."""
        return math.prod(n for n, s in zip(self.shape, self.strides) if s)


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array in row-major order."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


def whole(x: Any) -> View:
    return View(x, x.aval.shape, contiguous(x.aval.shape))


def _reshape(x: np.ndarray, new_sizes: Any, dimensions: Any = None) -> np.ndarray:
    return np.reshape(x.transpose(dimensions or range(x.ndim)), new_sizes, copy=False)


def _slice(x: np.ndarray, start_indices: Any, limit_indices: Any, strides: Any) -> np.ndarray:
    return _part(x, map(slice, start_indices, limit_indices, strides or (1,) * x.ndim))


def _rev(x: np.ndarray, dimensions: Any) -> np.ndarray:
    return _part(x, (slice(None, None, -1 if i in dimensions else 1) for i in range(x.ndim)))


def _part(x: np.ndarray, slices: Iterable[slice]) -> np.ndarray:
    index: tuple = (*slices, ...)  # with `...` it is a view of rank 0 as well, and not a number
    return x[index]


def _broadcast(x: np.ndarray, shape: Any, broadcast_dimensions: Any) -> np.ndarray:
    missing = [d for d in range(len(shape)) if d not in broadcast_dimensions]
    return np.broadcast_to(np.expand_dims(x, missing), shape)


PIECES: dict[str, Callable] = {  # an operation's results, as views of its operand
    "broadcast_in_dim": lambda x, **params: [_broadcast(x, **params)],
    "reshape": lambda x, **params: [_reshape(x, **params)],
    "rev": lambda x, **params: [_rev(x, **params)],
    "slice": lambda x, **params: [_slice(x, **params)],
    "split": lambda x, sizes, axis: np.split(x, np.cumsum(sizes[:-1]), axis) if sizes else [],
    "squeeze": lambda x, dimensions: [x.squeeze(dimensions)],
    "transpose": lambda x, permutation: [x.transpose(permutation)],
    "unstack": lambda x, axis: [np.moveaxis(x, axis, 0)[i, ...] for i in range(x.shape[axis])],
}


def view_of(e: JaxprEqn, operand: View) -> list[View] | None:
    """Each result as a view of what the operand is a view of, or None: elements have to move."""
    pieces = PIECES.get(e.primitive.name)
    if pieces is None:
        return None
    dummy = np.lib.stride_tricks.as_strided(_ANCHOR, operand.shape, operand.strides)
    try:
        found = pieces(dummy, **e.params)
    except ValueError:  # a reshape that no strides describe
        return None
    return [View(operand.base, v.aval.shape, p.strides,
                 operand.offset + p.__array_interface__["data"][0] - _ADDRESS)
            for v, p in zip(e.outvars, found)]
