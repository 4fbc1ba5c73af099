"""Index expressions: what stands between the brackets, in parts, each with the axes it uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minijax import dtypes
from minijax.core import Array, Tracer
from minijax.errors import NonConcreteBooleanIndexError
from minijax.numpy.creation import asarray

# --- parsing ---------------------------------------------------------------------------------


class Part(NamedTuple):
    """One piece of an index expression, and the axes of the array that it uses up."""

    kind: str  # "none", "ellipsis", "slice", "integer", "array", "mask"
    index: Any
    axes: tuple[int, ...] = ()


def parse(index: Any, shape: tuple[int, ...]) -> list[Part]:
    """The parts of an index expression into an array of `shape`."""
    pieces = index if isinstance(index, tuple) else (check_not_list(index),)
    kinds = [kind_of(i) for i in pieces]
    if kinds.count("ellipsis") > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    used = [0 if k in ("none", "ellipsis") else np.ndim(i) if k == "mask" else 1
            for k, i in zip(kinds, pieces)]
    if sum(used) > len(shape):
        raise IndexError(f"Too many indices: array is {len(shape)}-dimensional, but {sum(used)} "
                         "were indexed")
    if "ellipsis" in kinds:
        used[kinds.index("ellipsis")] = len(shape) - sum(used)
    parts, axis = [], 0
    for kind, i, n in zip(kinds, pieces, used):
        parts.append(Part(kind, i, tuple(range(axis, axis + n))))
        axis += n
    return parts


def check_not_list(index: Any) -> Any:
    """TypeError for a list: NumPy took it for a tuple once, for an array later."""
    if isinstance(index, Sequence) and not isinstance(index, (str, Array)):
        several = any(isinstance(i, (Sequence, slice)) or i is Ellipsis or i is None
                      or (isinstance(i, (np.ndarray, Array)) and i.ndim) for i in index)
        right = "tuple" if several else "array"
        raise TypeError("Using a non-tuple sequence for multidimensional indexing is not allowed; "
                        f"use `arr[{right}(seq)]` instead of `arr[seq]`. See "
                        "https://github.com/jax-ml/jax/issues/4564 for more information.")
    return index


def kind_of(i: Any) -> str:
    if i is None:
        return "none"
    if i is Ellipsis:
        return "ellipsis"
    if isinstance(i, slice):
        return "slice"
    if isinstance(i, (bool, np.bool_)):
        return "mask"
    if isinstance(i, (int, np.integer)):
        return "integer"
    if isinstance(i, (Array, np.ndarray)):
        return kind_of_dtype(i.dtype)
    if isinstance(i, str):
        raise TypeError(f"JAX does not support string indexing; got idx={i!r}")
    if isinstance(i, Sequence):
        return kind_of_dtype(asarray(i).dtype) if i else "array"
    if isinstance(i, (float, complex, np.generic)):
        return kind_of_dtype(np.dtype(type(i)))
    raise IndexError("only integers, slices (`:`), ellipsis (`...`), newaxis (`None`) and integer "
                     f"or boolean arrays are valid indices. Got {i}")


def kind_of_dtype(dtype: np.dtype) -> str:
    kind = dtypes.kind(dtype)
    if kind == "b":
        return "mask"
    if kind in "iu":
        return "array"
    raise TypeError("Indexer must have integer or boolean type, got indexer with type "
                    f"{dtypes.name(dtype)}")


def spell_out(parts: Sequence[Part], ndim: int) -> list[Part]:
    """Full slices for the ellipsis, and for the axes that are not mentioned."""
    out: list[Part] = []
    for p in parts:
        if p.kind == "ellipsis":
            out.extend(Part("slice", slice(None), (axis,)) for axis in p.axes)
        else:
            out.append(p)
    used = sum(len(p.axes) for p in out)
    return [*out, *(Part("slice", slice(None), (axis,)) for axis in range(used, ndim))]


def bounds(s: slice, n: int) -> tuple[int, int, int]:
    """(start, stop, step) of a slice of an axis of size n, with start <= stop in the end."""
    start, stop, step = s.indices(n)
    return (start, max(start, stop), step) if step > 0 else (start, min(start, stop), step)


def check_slices(parts: Sequence[Part]) -> None:
    """IndexError for a slice with a traced bound: its size would depend on a value."""
    for position, p in enumerate(parts):
        if p.kind == "slice":
            for bound in (p.index.start, p.index.stop, p.index.step):
                if isinstance(bound, Tracer) and bound.to_concrete_value() is None:
                    raise IndexError(f"Slice entries must be static integers. Got {p.index} at "
                                     f"position {position}. Use lax.dynamic_slice for a slice of "
                                     "a fixed size at a traced position.")


def expand_masks(parts: Sequence[Part], shape: tuple[int, ...]) -> list[Part]:
    """A mask becomes the arrays of indices where it holds; only one of rank 0 stays."""
    out: list[Part] = []
    for position, p in enumerate(parts):
        if p.kind != "mask":
            out.append(p)
            continue
        mask = p.index
        if isinstance(mask, Tracer) and mask.to_concrete_value() is None:
            raise NonConcreteBooleanIndexError(
                f"Array boolean indices must be concrete; got {mask.aval.str_short()}\nSee "
                "https://docs.jax.dev/en/latest/errors.html"
                "#jax.errors.NonConcreteBooleanIndexError\nThe size of the result would depend on "
                "values: use jnp.where(mask, x, other) instead.")
        if isinstance(mask, Tracer):
            mask = mask.to_concrete_value()
        mask = np.asarray(mask)
        if not mask.ndim:
            out.append(Part("mask", bool(mask)))
            continue
        expected = [shape[axis] for axis in p.axes]
        if any(n not in (0, m) for n, m in zip(mask.shape, expected)):
            raise IndexError("boolean index did not match shape of indexed array in index "
                             f"{position}: got {mask.shape}, expected {expected}")
        out.extend(Part("array", i, (axis,)) for i, axis in zip(np.nonzero(mask), p.axes))
    return out
