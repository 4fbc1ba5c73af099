"""Reversing, rotating and rolling."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import lax
from minijax.core import Array
from minijax.jit import jit
from minijax.numpy.arguments import canonical_axes, canonical_axis, ensure_array
from minijax.numpy.reductions import static_axis
from minijax.numpy.shaping import as_tuple, ravel, swapaxes


def flip(m: Any, axis: Any = None) -> Any:
    """The elements in reverse order along `axis` (None: along all axes)."""
    return _flip(ensure_array("flip", m), static_axis(axis))


@functools.partial(jit, static_argnames="axis")
def _flip(m: Any, axis: Any = None) -> Any:
    return lax.rev(m, canonical_axes(axis, m.ndim))


def fliplr(m: Any) -> Any:
    """In reverse order along axis 1."""
    return _flip(ensure_array("fliplr", m), 1)


def flipud(m: Any) -> Any:
    """In reverse order along axis 0."""
    return _flip(ensure_array("flipud", m), 0)


@functools.partial(jit, static_argnames=("k", "axes"))
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turned by 90 degrees `k` times, from the first of two axes towards the second."""
    m = ensure_array("rot90", m)
    if m.ndim < 2:
        raise ValueError("rot90 requires its first argument to have ndim at least two, but got "
                         f"first argument of shape {m.shape}, which has ndim {m.ndim}")
    i, j = (canonical_axis(a, m.ndim) for a in axes)
    if i == j:
        raise ValueError("Axes must be different")
    k %= 4
    if k == 0:
        return m
    if k == 2:
        return flip(flip(m, i), j)
    return swapaxes(flip(m, j), i, j) if k == 1 else flip(swapaxes(m, i, j), j)


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """The elements moved along `axis`; what leaves at one end comes in at the other.

    >>> import minijax.numpy as jnp
    >>> jnp.roll(jnp.arange(5), 2)
    Array([3, 4, 0, 1, 2], dtype=int32)
    """
    a = ensure_array("roll", a)
    if axis is None:
        return lax.reshape(roll(ravel(a), shift, 0), a.shape)
    axes = tuple(canonical_axis(i, a.ndim) for i in as_tuple(axis))
    try:
        return _roll_static(a, as_tuple(shift), axes)
    except TypeError:
        if not isinstance(shift, Array):
            raise
        return _roll_dynamic(a, shift, axes)


def pair_up(shift: Any, axes: tuple[int, ...]) -> list[tuple[int, Any]]:
    """Each axis with its shift."""
    shape = np.broadcast_shapes(np.shape(shift), (len(axes),))
    if len(shape) != 1:
        raise ValueError("'shift' and 'axis' arguments to roll must be scalars or 1D arrays")
    return list(zip(np.broadcast_to(axes, shape).tolist(), np.broadcast_to(shift, shape).tolist()))


@functools.partial(jit, static_argnums=(1, 2))
def _roll_static(a: Any, shift: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    for axis, n in pair_up(shift, axes):
        size = a.shape[axis]
        if size:
            i = -n % size
            a = lax.concatenate([lax.slice_in_dim(a, i, size, axis=axis),
                                 lax.slice_in_dim(a, 0, i, axis=axis)], axis)
    return a


@functools.partial(jit, static_argnums=2)
def _roll_dynamic(a: Any, shift: Any, axes: tuple[int, ...]) -> Any:
    """By a traced amount: a slice of the array beside itself."""
    for axis, i in pair_up(np.arange(shift.size).reshape(shift.shape), axes):
        size = a.shape[axis]
        n = lax.convert_element_type(ravel(shift)[i], np.int32) % max(size, 1)
        twice = lax.concatenate([a, a], axis)
        a = lax.dynamic_slice_in_dim(twice, size - n, size, axis=axis)
    return a
