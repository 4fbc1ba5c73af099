"""Sorting, and the order that sorting would bring about."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.batching import vmap
from minijax.jit import jit
from minijax.numpy.arguments import canonical_axis, ensure_array, ensure_arrays
from minijax.numpy.shaping import ravel, swapaxes


def prepare(name: str, a: Any, axis: Any, kind: Any, order: Any) -> tuple[Any, int]:
    a = ensure_array(name, a)
    if kind is not None:
        raise TypeError(f"'kind' argument to {name} is not supported. Use stable=True or "
                        "stable=False to specify sort stability.")
    if order is not None:
        raise TypeError(f"'order' argument to {name} is not supported.")
    return (ravel(a), 0) if axis is None else (a, canonical_axis(axis, a.ndim))


@functools.partial(jit, static_argnames=("axis", "kind", "order", "stable", "descending"))
def sort(a: Any, axis: int | None = -1, *, kind: None = None, order: None = None,
         stable: bool = True, descending: bool = False) -> Any:
    """The elements along `axis` (None: of the flattened array) in ascending order; nan is last.

    >>> import minijax.numpy as jnp
    >>> jnp.sort(jnp.array([3, 1, 2]), descending=True)
    Array([3, 2, 1], dtype=int32)
    """
    a, axis = prepare("sort", a, axis, kind, order)
    out = lax.sort(a, dimension=axis, is_stable=stable)
    return lax.rev(out, (axis,)) if descending else out


@functools.partial(jit, static_argnames=("axis", "kind", "order", "stable", "descending", "dtype"))
def argsort(a: Any, axis: int | None = -1, *, kind: None = None, order: None = None,
            stable: bool = True, descending: bool = False, dtype: Any = None) -> Any:
    """The indices that sort along `axis` (None: the flattened array)."""
    a, axis = prepare("argsort", a, axis, kind, order)
    dtype = dtypes.check_user_dtype_supported(int if dtype is None else dtype, "argsort")
    index = lax.broadcasted_iota(dtype, a.shape, axis)
    if descending and stable:  # so that equal elements keep their order after `rev` below
        a, index = lax.rev(a, (axis,)), lax.rev(index, (axis,))
    index = lax.sort_key_val(a, index, dimension=axis, is_stable=stable)[1]
    return lax.rev(index, (axis,)) if descending else index


@functools.partial(jit, static_argnames="axis")
def lexsort(keys: Any, axis: int = -1) -> Any:
    """The indices that sort by the last key, then by the one before, and so on."""
    arrays = ensure_arrays("lexsort", *keys)
    if not arrays:
        raise TypeError("need sequence of keys with len > 0 in lexsort")
    shape = arrays[0].shape
    if any(a.shape != shape for a in arrays):
        raise ValueError("all keys need to be the same shape")
    if not shape:
        return lax.full((), 0, dtypes.default_int_dtype())
    axis = canonical_axis(axis, len(shape))
    index = lax.broadcasted_iota(dtypes.default_int_dtype(), shape, axis)
    return lax.sort((*arrays[::-1], index), dimension=axis, num_keys=len(arrays))[-1]


@jit
def sort_complex(a: Any) -> Any:
    """Sorted along the last axis, as complex numbers."""
    a = lax.sort(ensure_array("sort_complex", a))
    return lax.convert_element_type(a, dtypes.to_complex_dtype(a.dtype))


def prepare_partition(name: str, a: Any, kth: int, axis: int) -> tuple[Any, int, int]:
    """The array with `axis` last, and `kth` and `axis` counted from the front."""
    a = ensure_array("partition", a)
    if a.dtype.kind == "c":
        raise NotImplementedError(f"jnp.{name} for complex dtype is not implemented.")
    axis = canonical_axis(axis, a.ndim)
    return swapaxes(a, axis, -1), canonical_axis(kth, a.shape[axis]), axis


def negated(a: Any) -> Any:
    """In reverse order, also for unsigned integers."""
    return lax.bitwise_not(a) if a.dtype.kind in "bu" else lax.neg(a)


@functools.partial(jit, static_argnames=("kth", "axis"))
def partition(a: Any, kth: int, axis: int = -1) -> Any:
    """Rearranged along `axis` so that what is before the k-th smallest element is not larger."""
    a, kth, axis = prepare_partition("partition", a, kth, axis)
    bottom = negated(lax.top_k(negated(a), kth + 1)[0])
    top = lax.top_k(a, a.shape[-1] - kth - 1)[0]
    return swapaxes(lax.concatenate([bottom, top], a.ndim - 1), -1, axis)


@functools.partial(jit, static_argnames=("kth", "axis"))
def argpartition(a: Any, kth: int, axis: int = -1) -> Any:
    """The indices that bring about `partition`."""
    a, kth, axis = prepare_partition("argpartition", a, kth, axis)
    bottom = lax.top_k(negated(a), kth + 1)[1]

    def unmark(flags: Any, index: Any) -> Any:
        return flags.at[index].set(0)

    for _ in range(a.ndim - 1):
        unmark = vmap(unmark)
    others = unmark(lax.full(a.shape, 1.0, np.float32), bottom)
    top = lax.top_k(others, a.shape[-1] - kth - 1)[1]
    return swapaxes(lax.concatenate([bottom, top], a.ndim - 1), -1, axis)
