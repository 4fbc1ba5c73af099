"""x[...]: an index expression becomes slice, dynamic_slice or gather.

An expression is parsed once, into one `Part` for each of its pieces. Then the simplest operation
that can do the work is found: integers and slices are a `slice`, with a traced integer they are a
`dynamic_slice`, and index arrays and masks are a `gather`, planned in `gathering.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import lax
from minijax.core import Array, ArrayImpl
from minijax.numpy.creation import asarray
from minijax.numpy.gathering import gather
from minijax.numpy.parsing import Part, bounds, check_slices, expand_masks, parse, spell_out
from minijax.numpy.promotion import convert

PLAIN = (lax.GatherScatterMode.PROMISE_IN_BOUNDS, lax.GatherScatterMode.CLIP)


def getitem(x: Any, index: Any, mode: Any = None, fill_value: Any = None,
            indices_are_sorted: bool = False, unique_indices: bool = False,
            normalize: bool = True) -> Any:
    """x[index]."""
    parts = parse(index, x.shape)
    plain = mode is None or lax.GatherScatterMode.from_any(mode) in PLAIN
    if plain and all(p.kind in ("integer", "slice", "none", "ellipsis") for p in parts):
        check_slices(parts)
        full = spell_out(parts, x.ndim)
        if mode is not None or in_bounds(full, x.shape, normalize):
            return static_slice(x, full, normalize)
    if plain and all(fits_dynamic_slice(p) for p in parts):
        check_slices(parts)
        return dynamic_slice(x, spell_out(parts, x.ndim), normalize)
    return gather(x, expand_masks(parts, x.shape), mode, fill_value, indices_are_sorted,
                  unique_indices, normalize)


def in_bounds(parts: Sequence[Part], shape: tuple[int, ...], normalize: bool) -> bool:
    """Whether the integers lie in the array. IndexError if it has no element at all there."""
    for p in parts:
        if p.kind == "integer":
            n = shape[p.axes[0]]
            if n == 0:
                raise IndexError(f"index is out of bounds for axis {p.axes[0]} with size 0")
            if not (-n if normalize else 0) <= p.index < n:
                return False
    return True


def fits_dynamic_slice(p: Part) -> bool:
    if p.kind == "array":
        return isinstance(p.index, (Array, np.ndarray)) and not p.index.ndim
    if p.kind == "slice":
        return p.index.step in (None, 1, -1)
    return p.kind != "mask"


def arrange(x: Any, reverse: Sequence[int], drop: Sequence[int], new: Sequence[int]) -> Any:
    """What remains to do after slicing."""
    if reverse:
        x = lax.rev(x, reverse)
    if drop:
        x = lax.squeeze(x, drop)
    return lax.expand_dims(x, new) if new else x


def static_slice(x: Any, parts: Sequence[Part], normalize: bool) -> Any:
    starts: list[Any] = []
    limits, steps, reverse = [], [], []
    drop: list[int] = []
    new: list[int] = []
    for p in parts:
        if p.kind == "none":
            new.append(len(starts) - len(drop) + len(new))
            continue
        (axis,) = p.axes
        n = x.shape[axis]
        if p.kind == "integer":
            i = int(p.index)
            i = min(max(i + n if normalize and i < 0 else i, 0), n - 1)
            start, stop, step = i, i + 1, 1
            drop.append(axis)
        else:
            start, stop, step = bounds(p.index, n)
        if step < 0:  # the same elements, counted upwards
            count = -(-(start - stop) // -step)
            start, stop = start + (count - 1) * step if count else start + 1, start + 1
            reverse.append(axis)
        starts.append(start)
        limits.append(max(start, stop))
        steps.append(abs(step))
    strides = None if all(s == 1 for s in steps) else steps
    if strides or any(s or n != m for s, n, m in zip(starts, limits, x.shape)):
        x = lax.slice(x, starts, limits, strides)
    return arrange(x, reverse, drop, new)


def position(index: Any) -> Any:
    """A rank-0 index; what is known needs no equation to lose its weak type."""
    index = asarray(index)
    return convert(index, index.dtype) if isinstance(index, ArrayImpl) else index


def dynamic_slice(x: Any, parts: Sequence[Part], normalize: bool) -> Any:
    starts: list[Any] = []
    sizes, reverse = [], []
    drop: list[int] = []
    new: list[int] = []
    for p in parts:
        if p.kind == "none":
            new.append(len(starts) - len(drop) + len(new))
            continue
        (axis,) = p.axes
        n = x.shape[axis]
        if p.kind == "slice":
            start, stop, step = bounds(p.index, n)
            if step < 0:
                start, stop = stop + 1, start + 1
                reverse.append(axis)
            starts.append(start)
            sizes.append(max(0, stop - start))
        else:
            if n == 0:
                raise IndexError(f"index is out of bounds for axis {axis} with size 0")
            static = p.kind == "integer"
            starts.append(np.asarray(p.index, np.int32) if static else position(p.index))
            sizes.append(1)
            drop.append(axis)
    if len(starts) > 1:
        starts = [lax.convert_element_type(i, np.int32) for i in starts]
    x = lax.dynamic_slice(x, starts, sizes, allow_negative_indices=normalize)
    return arrange(x, reverse, drop, new)
