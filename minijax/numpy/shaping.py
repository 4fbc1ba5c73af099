"""Reshaping and moving axes; nothing is computed."""

from __future__ import annotations

import functools
import math
import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import lax
from minijax.jit import jit
from minijax.layouts import divisible
from minijax.numpy.arguments import (
    canonical_axes,
    canonical_axis,
    canonical_shape,
    check_arraylike,
    ensure_array,
    ensure_arrays,
    is_arraylike,
)
from minijax.numpy.promotion import broadcast_all, raise_rank


def shape(a: Any) -> tuple[int, ...]:
    """The shape of an array or of a scalar; of a list, with a DeprecationWarning."""
    if hasattr(a, "shape"):
        return a.shape
    if not is_arraylike(a):
        warnings.warn(f"shape requires ndarray or scalar arguments, got {type(a)}. In a future JAX "
                      "release this will be an error.", DeprecationWarning, stacklevel=2)
    return np.shape(a)


def ndim(a: Any) -> int:
    """The number of axes of an array; 0 for a scalar."""
    return a.ndim if hasattr(a, "ndim") else len(shape(a))


def size(a: Any, axis: Any = None) -> int:
    """The number of elements of an array, or along `axis`."""
    sizes = shape(a)
    return math.prod(sizes[i] for i in canonical_axes(axis, len(sizes)))


# --- reshaping -------------------------------------------------------------------------------


@divisible
def reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None,
            out_sharding: Any = None) -> Any:
    """The same elements, in row-major order, in another shape; one size may be -1.

    >>> import minijax.numpy as jnp
    >>> jnp.reshape(jnp.arange(6), (2, -1))
    Array([[0, 1, 2],
           [3, 4, 5]], dtype=int32)

    Args:
      order: "C" (the last axis runs fastest) or "F" (the first one does).
    """
    a = ensure_array("reshape", a)
    sizes = complete_shape(a.shape, shape)
    if order == "C":
        return lax.reshape(a, sizes)
    if order == "F":
        return transpose(lax.reshape(a, sizes[::-1], range(a.ndim)[::-1]))
    if order == "A":
        raise NotImplementedError("np.reshape order=A is not implemented.")
    raise ValueError(f"Unexpected value for 'order' argument: {order}.")


def complete_shape(old: tuple[int, ...], new: Any) -> tuple[int, ...]:
    """`new` with the size that -1 stands for. TypeError where the number of elements differs."""
    sizes = canonical_shape(new)
    total = math.prod(old)
    unknown = [i for i, n in enumerate(sizes) if n == -1]
    if len(unknown) > 1:
        raise TypeError("can only specify one unknown axis size with a `-1` value, got "
                        f"{new}")
    if not unknown:
        if math.prod(sizes) != total:
            raise TypeError(f"cannot reshape array of shape {old} (size {total}) into shape "
                            f"{new} (size {math.prod(sizes)})")
        return sizes
    known = math.prod(n for n in sizes if n != -1)
    if known == 0 or total % known:
        raise TypeError(f"cannot reshape array of shape {old} (size {total}) into shape {new} "
                        f"because the product of specified axis sizes ({known}) does not evenly "
                        f"divide {total}")
    return tuple(total // known if n == -1 else n for n in sizes)


@divisible
def ravel(a: Any, order: str = "C", *, out_sharding: Any = None) -> Any:
    """The elements in one dimension."""
    a = ensure_array("ravel", a)
    if order == "K":
        raise NotImplementedError("Ravel not implemented for order='K'.")
    return reshape(a, (a.size,), order)


def expand_dims(a: Any, axis: Any) -> Any:
    """With new axes of size 1, at the positions `axis` of the result."""
    a = ensure_array("expand_dims", a)
    axes = as_tuple(axis)
    return lax.expand_dims(a, [canonical_axis(i, a.ndim + len(axes)) for i in axes])


def squeeze(a: Any, axis: Any = None) -> Any:
    """Without axes of size 1: all of them, or those given. ValueError if one is larger."""
    a = ensure_array("squeeze", a)
    if axis is None:
        axis = [i for i, n in enumerate(a.shape) if n == 1]
    return lax.squeeze(a, as_tuple(axis))


def as_tuple(x: Any) -> tuple[int, ...]:
    """One integer or several, as a tuple."""
    try:
        return (operator.index(x),)
    except TypeError:
        return tuple(map(operator.index, x))


def at_least(name: str, rank: int, arys: tuple) -> Any:
    check_arraylike(name, *arys)
    out = [raise_rank(ensure_array(name, x), max(rank, np.ndim(x))) for x in arys]
    return out[0] if len(out) == 1 else out


@jit
def atleast_1d(*arys: Any) -> Any:
    """Scalars become arrays with one axis."""
    return at_least("atleast_1d", 1, arys)


@jit
def atleast_2d(*arys: Any) -> Any:
    """With new leading axes, so that there are two."""
    return at_least("atleast_2d", 2, arys)


@jit
def atleast_3d(*arys: Any) -> Any:
    """With new axes, so that there are three: shape (n,) becomes (1, n, 1), (m, n) (m, n, 1)."""
    new = {0: (0, 1, 2), 1: (0, 2), 2: (2,)}
    values = ensure_arrays("atleast_3d", *arys)
    out = [lax.expand_dims(x, new[x.ndim]) if x.ndim < 3 else x for x in values]
    return out[0] if len(out) == 1 else out


def broadcast_arrays(*args: Any) -> list[Any]:
    """All arguments, of the shape that they broadcast to."""
    return broadcast_all(*ensure_arrays("broadcast_arrays", *args))


@functools.partial(jit, static_argnames="new_shape")
def resize(a: Any, new_shape: Any) -> Any:
    """The elements in another shape, repeated or cut to its size."""
    a = ravel(ensure_array("resize", a))
    sizes = canonical_shape(new_shape)
    if any(n < 0 for n in sizes):
        raise ValueError("all elements of `new_shape` must be non-negative")
    total = math.prod(sizes)
    if 0 in (a.size, total):
        return lax.full_like(a, 0, shape=sizes)
    repeated = lax.tile(a, (-(-total // a.size),))
    return lax.reshape(repeated[:total], sizes)


# --- moving axes -----------------------------------------------------------------------------


def transpose(a: Any, axes: Sequence[int] | None = None) -> Any:
    """Axis i of the result is axis axes[i] of `a`; without `axes` their order is reversed."""
    a = ensure_array("transpose", a)
    if axes is None:
        return lax.transpose(a, range(a.ndim)[::-1])
    return lax.transpose(a, [canonical_axis(i, a.ndim) for i in axes])


def permute_dims(a: Any, /, axes: Sequence[int]) -> Any:
    """The same as `transpose`, with all axes given."""
    a = ensure_array("permute_dims", a)
    return lax.transpose(a, [canonical_axis(i, a.ndim) for i in axes])


def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged."""
    x = ensure_array("matrix_transpose", x)
    if x.ndim < 2:
        raise ValueError("x must be at least two-dimensional for matrix_transpose; got "
                         f"ndim={x.ndim}")
    return lax.transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    a = ensure_array("swapaxes", a)
    order = list(range(a.ndim))
    i, j = canonical_axis(axis1, a.ndim), canonical_axis(axis2, a.ndim)
    order[i], order[j] = j, i
    return lax.transpose(a, order)


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes `source` at the positions `destination`; the others keep their order.

    >>> import minijax.numpy as jnp
    >>> jnp.moveaxis(jnp.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    a = ensure_array("moveaxis", a)
    sources = [canonical_axis(i, a.ndim) for i in as_tuple(source)]
    targets = [canonical_axis(i, a.ndim) for i in as_tuple(destination)]
    if len(sources) != len(targets):
        raise ValueError(f"Inconsistent number of elements: {len(sources)} vs {len(targets)}")
    order = [i for i in range(a.ndim) if i not in sources]
    for target, i in sorted(zip(targets, sources)):
        order.insert(target, i)
    return lax.transpose(a, order)


@functools.partial(jit, static_argnames=("axis", "start"))
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """Axis `axis` moved to the place before `start`."""
    a = ensure_array("rollaxis", a)
    axis = canonical_axis(axis, a.ndim)
    if not -a.ndim <= start <= a.ndim:
        raise ValueError(f"start={start} must satisfy {-a.ndim}<=start<={a.ndim}")
    start += a.ndim * (start < 0)
    return moveaxis(a, axis, start - (start > axis))


# --- reversing and rotating ------------------------------------------------------------------
