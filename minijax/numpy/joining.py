"""Joining arrays, splitting them, and repeating their elements."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import lax
from minijax.batching import vmap
from minijax.core import Array
from minijax.jit import jit
from minijax.layouts import divisible
from minijax.numpy.arguments import (
    canonical_axis,
    check_arraylike,
    concrete,
    ensure_array,
    ensure_arrays,
    refuse,
)
from minijax.numpy.creation import asarray
from minijax.numpy.cumulative import cumsum
from minijax.numpy.flipping import roll
from minijax.numpy.promotion import broadcast_to, promote_dtypes, raise_rank
from minijax.numpy.shaping import atleast_1d, atleast_2d, atleast_3d, ravel, transpose
from minijax.numpy.taking import take


def is_array(x: Any) -> bool:
    return isinstance(x, (Array, np.ndarray))


def same_dtype(arrays: Sequence[Any], dtype: Any) -> list[Any]:
    if dtype is not None:
        return [asarray(a, dtype) for a in arrays]
    return promote_dtypes(*arrays)


# --- joining ---------------------------------------------------------------------------------


def concatenate(arrays: Any, axis: int | None = 0, dtype: Any = None) -> Any:
    """Arrays one after the other along `axis` (None: all flattened).

    >>> import minijax.numpy as jnp
    >>> jnp.concatenate([jnp.zeros(2), jnp.arange(2)])
    Array([0., 0., 0., 1.], dtype=float32)
    """
    arrays = [asarray(arrays)[i] for i in range(len(arrays))] if is_array(arrays) else arrays
    arrays = ensure_arrays("concatenate", *arrays)
    if not arrays:
        raise ValueError("Need at least one array to concatenate.")
    if axis is None:
        return concatenate([ravel(a) for a in arrays], 0, dtype)
    if arrays[0].ndim == 0:
        raise ValueError("Zero-dimensional arrays cannot be concatenated.")
    return lax.concatenate(same_dtype(arrays, dtype), canonical_axis(axis, arrays[0].ndim))


def concat(arrays: Any, /, *, axis: int | None = 0) -> Any:
    """The same as `concatenate`."""
    return concatenate(arrays, axis)


def stack(arrays: Any, axis: int = 0, out: None = None, dtype: Any = None) -> Any:
    """Arrays of one shape side by side, along a new axis.

    >>> import minijax.numpy as jnp
    >>> jnp.stack([jnp.arange(2), jnp.ones(2)], axis=1)
    Array([[0., 1.],
           [1., 1.]], dtype=float32)
    """
    refuse("stack", out=out)
    if not len(arrays):
        raise ValueError("Need at least one array to stack.")
    arrays = [asarray(arrays)[i] for i in range(len(arrays))] if is_array(arrays) else arrays
    arrays = same_dtype(ensure_arrays("stack", *arrays), dtype)
    return lax.stack(arrays, canonical_axis(axis, arrays[0].ndim + 1))


def each(name: str, fun: Any, tup: Any) -> list[Any]:
    """`fun` of each array; the rows of one array are mapped over."""
    if is_array(tup):
        rows = vmap(fun)(tup)
        return [rows[i] for i in range(len(rows))]
    check_arraylike(name, *tup)
    return [fun(x) for x in tup]


def vstack(tup: Any, dtype: Any = None) -> Any:
    """Arrays below each other: along axis 0, a vector being a row."""
    return concatenate(each("vstack", atleast_2d, tup), 0, dtype)


def hstack(tup: Any, dtype: Any = None) -> Any:
    """Arrays beside each other: along axis 1, or axis 0 for vectors."""
    arrays = each("hstack", atleast_1d, tup)
    return concatenate(arrays, 0 if arrays[0].ndim == 1 else 1, dtype)


def dstack(tup: Any, dtype: Any = None) -> Any:
    """Arrays behind each other: along axis 2."""
    return concatenate(each("dstack", atleast_3d, tup), 2, dtype)


def column_stack(tup: Any) -> Any:
    """Vectors as columns, and matrices, beside each other."""
    return concatenate(each("column_stack", as_columns, tup), 1)


def as_columns(x: Any) -> Any:
    x = ensure_array("column_stack", x)
    return transpose(atleast_2d(x)) if x.ndim < 2 else x


@functools.partial(jit, static_argnames="axis")
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """`arr` followed by `values` along `axis` (None: both flattened)."""
    if axis is None:
        return concatenate([ravel(arr), ravel(values)], 0)
    return concatenate([arr, values], axis)


@jit
def block(arrays: Any) -> Any:
    """A matrix from nested lists of blocks: the innermost lists go along the last axis."""
    return assemble(arrays)[0]


def assemble(x: Any) -> tuple[Any, int]:
    """A block, and the axis from the end along which its list goes."""
    if isinstance(x, tuple):
        raise ValueError(f"jax.numpy.block does not allow tuples, got {x}")
    if not isinstance(x, list):
        return asarray(x), 1
    if not x:
        raise ValueError("jax.numpy.block does not allow empty list arguments")
    parts, depths = zip(*map(assemble, x))
    if len(set(depths)) > 1:
        raise ValueError("Mismatched list depths in jax.numpy.block")
    rank = max(depths[0], *[p.ndim for p in parts])
    return concatenate([raise_rank(p, rank) for p in parts], -depths[0]), depths[0] + 1


# --- splitting -------------------------------------------------------------------------------


def cut(name: str, ary: Any, where: Any, axis: int, even: bool = True) -> list[Any]:
    """Into parts of equal size, or at given indices."""
    ary = ensure_array(name, ary)
    axis = canonical_axis(axis, ary.ndim)
    n = ary.shape[axis]
    if np.ndim(where):
        sizes = np.diff([0, *map(operator.index, where), n]).tolist()
    else:
        parts = operator.index(where)
        size, rest = divmod(n, parts)
        if rest and even:
            raise ValueError(f"array split does not result in an equal division: rest is {rest}")
        sizes = [size + 1] * rest + [size] * (parts - rest)
    return list(lax.split(ary, sizes, axis))


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Into a number of equal parts, or at given indices along `axis`.

    >>> import minijax.numpy as jnp
    >>> jnp.split(jnp.arange(4), [1])
    [Array([0], dtype=int32), Array([1, 2, 3], dtype=int32)]
    """
    return cut("split", ary, indices_or_sections, axis)


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """The same as `split`, but the parts need not be equal."""
    return cut("array_split", ary, indices_or_sections, axis, even=False)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along axis 0."""
    return cut("vsplit", ary, indices_or_sections, 0)


def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along axis 1, or axis 0 for vectors."""
    return cut("hsplit", ary, indices_or_sections, 0 if np.ndim(ary) == 1 else 1)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along axis 2."""
    return cut("dsplit", ary, indices_or_sections, 2)


@functools.partial(jit, static_argnames="axis")
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The arrays along `axis`: the inverse of `stack`."""
    x = ensure_array("unstack", x)
    if x.ndim == 0:
        raise ValueError("Unstack requires arrays with rank > 0, however a scalar array was "
                         "passed.")
    return tuple(lax.unstack(x, canonical_axis(axis, x.ndim)))


# --- repeating -------------------------------------------------------------------------------


def tile(A: Any, reps: Any) -> Any:
    """The whole array repeated `reps` times along each axis."""
    A = ensure_array("tile", A)
    try:
        counts = tuple(map(operator.index, reps))
    except TypeError:
        counts = (operator.index(reps),)
    counts = (1,) * (A.ndim - len(counts)) + counts
    return lax.tile(raise_rank(A, len(counts)), counts)


@divisible
def repeat(a: Any, repeats: Any, axis: int | None = None, *, total_repeat_length: int | None = None,
           out_sharding: Any = None) -> Any:
    """Each element repeated in place, along `axis` (None: of the flattened array).

    >>> import minijax.numpy as jnp
    >>> jnp.repeat(jnp.array([7, 8]), jnp.array([1, 3]))
    Array([7, 8, 8, 8], dtype=int32)

    Args:
      repeats: how often: one integer, or one for each element.
      total_repeat_length: the size of the result, needed where `repeats` is traced.
    """
    check_arraylike("repeat", a, repeats)
    a = ensure_array("repeat", a)
    if axis is None:
        a, axis = ravel(a), 0
    axis = canonical_axis(axis, a.ndim)
    if np.ndim(repeats) == 0 and total_repeat_length is None:
        return repeat_evenly(a, operator.index(repeats), axis)
    repeats = ravel(repeats)
    if repeats.size == 1:
        repeats = broadcast_to(repeats, (a.shape[axis],))
    if repeats.shape[0] != a.shape[axis]:
        raise ValueError(f"repeat: repeats has {repeats.shape[0]} elements, but axis {axis} of an "
                         f"array of shape {a.shape} has {a.shape[axis]}")
    if total_repeat_length is None:
        total_repeat_length = int(np.sum(concrete(
            repeats, "The size of the result of jnp.repeat() depends on `repeats`. Pass a static "
                     "`total_repeat_length`.")))
    if a.shape[axis] == 0:
        return a
    return take(a, source_of_repeat(repeats, total_repeat_length), axis=axis)


def repeat_evenly(a: Any, n: int, axis: int) -> Any:
    shape = (*a.shape[: axis + 1], n, *a.shape[axis + 1:])
    kept = [i for i in range(len(shape)) if i != axis + 1]
    out = lax.broadcast_in_dim(a, shape, kept)
    return lax.reshape(out, (*a.shape[:axis], a.shape[axis] * n, *a.shape[axis + 1:]))


def source_of_repeat(repeats: Any, total: int) -> Any:
    """For each element of the result, which one it repeats: count the starts so far."""
    starts = cumsum(roll(repeats, 1).at[0].set(0))
    marks = lax.full((total,), 0, np.int32).at[starts].add(1)
    return cumsum(marks) - 1
