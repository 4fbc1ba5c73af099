"""Functions of vectors applied along an axis; bits packed into bytes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.batching import vmap
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import canonical_axis, check_arraylike, ensure_array
from minijax.numpy.reductions import sum
from minijax.numpy.shaping import expand_dims, ravel, swapaxes


def apply_along_axis(func1d: Callable, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """func1d(vector, *args, **kwargs) of every vector along `axis`.

    >>> import minijax.numpy as jnp
    >>> jnp.apply_along_axis(jnp.sum, 0, jnp.ones((2, 3)))
    Array([2., 2., 2.], dtype=float32)
    """
    check_arraylike("apply_along_axis", arr)
    rank = np.ndim(arr)
    axis = canonical_axis(axis, rank)

    def fun(vector: Any) -> Any:
        return func1d(vector, *args, **kwargs)

    for i in range(1, rank - axis):
        fun = vmap(fun, in_axes=i, out_axes=-1)
    for _ in range(axis):
        fun = vmap(fun)
    return fun(arr)


def apply_over_axes(func: Callable, a: Any, axes: Sequence[int]) -> Any:
    """func(a, axis) for one axis after the other; an axis that it drops becomes one of size 1."""
    a = ensure_array("apply_over_axes", a)
    for axis in axes:
        out = func(a, axis)
        if out.ndim not in (a.ndim, a.ndim - 1):
            raise ValueError("function is not returning an array of the correct shape")
        a = out if out.ndim == a.ndim else expand_dims(out, axis)
    return a


def bit_places(bitorder: str) -> Any:
    if bitorder not in ("little", "big"):
        raise ValueError("'order' must be either 'little' or 'big'")
    places = lax.iota(np.uint8, 8)
    return lax.rev(places, (0,)) if bitorder == "big" else places


@functools.partial(jit, static_argnames=("axis", "bitorder"))
def packbits(a: Any, axis: int | None = None, bitorder: str = "big") -> Any:
    """Bytes of eight elements each along `axis`, a bit being whether one is not zero."""
    a = ensure_array("packbits", a)
    if dtypes.kind(a.dtype) not in "biu":
        raise TypeError("Expected an input array of integer or boolean data type")
    a, axis = (ravel(a), 0) if axis is None else (a, axis)
    bits = swapaxes(lax.convert_element_type(lax.ne(a, of_dtype(0, a.dtype)), np.uint8), axis, -1)
    places = bit_places(bitorder)
    missing = -bits.shape[-1] % 8
    if missing:
        bits = lax.pad(bits, np.uint8(0), [(0, 0, 0)] * (bits.ndim - 1) + [(0, missing, 0)])
    bits = lax.reshape(bits, (*bits.shape[:-1], bits.shape[-1] // 8, 8))
    packed = sum(bits << places, -1)
    return swapaxes(lax.convert_element_type(packed, np.uint8), axis, -1)


@functools.partial(jit, static_argnames=("axis", "count", "bitorder"))
def unpackbits(a: Any, axis: int | None = None, count: int | None = None, bitorder: str = "big"
               ) -> Any:
    """The bits of bytes along `axis`: the first `count` of them, or zeros after them."""
    a = ensure_array("unpackbits", a)
    if a.dtype != np.uint8:
        raise TypeError("Expected an input array of unsigned byte data type")
    a, axis = (ravel(a), 0) if axis is None else (a, axis)
    a = swapaxes(a, axis, -1)
    bits = lax.expand_dims(a, (a.ndim,)) >> bit_places(bitorder) & 1
    bits = lax.reshape(bits, (*a.shape[:-1], a.shape[-1] * 8))
    if count is not None:
        extra = (count if count >= 0 else bits.shape[-1] + count) - bits.shape[-1]
        bits = lax.pad(bits, np.uint8(0), [(0, 0, 0)] * (bits.ndim - 1) + [(0, extra, 0)])
    return swapaxes(bits, axis, -1)
