"""Shapes and axes as users give them, made canonical. There are no operations here."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.core import Tracer, typeof

__all__ = ["broadcast_shapes", "dtype"]


def canonicalize_axis(axis: Any, ndim: int) -> int:
    """`axis` counted from the front. ValueError if there is no such axis."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


def canonicalize_shape(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of Python integers. TypeError for anything that is not an integer."""
    try:
        return tuple(operator.index(n) for n in shape)
    except TypeError:
        raise not_a_shape(shape) from None


def not_a_shape(shape: Any) -> TypeError:
    """What is wrong with what a user gave as a shape."""
    message = f"Shapes must be 1D sequences of concrete values of integer type, got {shape}."
    sizes = shape if isinstance(shape, Sequence) else [shape]
    for n in sizes:
        if isinstance(n, Tracer) and n.to_concrete_value() is None:
            return n.unknown(TypeError, (
                f"{message}\nA shape cannot depend on a traced value: make the argument that it "
                "comes from static (static_argnums), or trace a smaller function."))
    return TypeError(message)


def check_shapelike(name: str, what: str, sizes: Sequence[int], least: int = 0) -> None:
    """TypeError unless all `sizes`, the `what` of the operation `name`, are at least `least`."""
    if any(n < least for n in sizes):
        kind = "strictly positive" if least else "nonnegative"
        raise TypeError(f"{name} {what} must have every element be {kind}, got {tuple(sizes)}.")


def replace(shape: Sequence[int], axis: int, *sizes: int) -> tuple[int, ...]:
    """`shape` with `sizes` in the place of one axis."""
    return (*shape[:axis], *sizes, *shape[axis + 1:])


def own(view: np.ndarray) -> np.ndarray:
    """A view of a much larger buffer is copied, so that it does not keep that buffer alive."""
    return view.copy() if getattr(view.base, "nbytes", 0) > 4 * view.nbytes else view


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The common shape by NumPy's rule: aligned at the last axis, size 1 goes with everything.

    >>> import minijax as jax
    >>> jax.lax.broadcast_shapes((3, 1), (4,))
    (3, 4)
    """
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    out = tuple(next((n for n in sizes if n != 1), 1) for sizes in zip(*padded))
    if any(n not in (1, m) for s in padded for n, m in zip(s, out)):
        raise ValueError(f"Incompatible shapes for broadcasting: shapes={list(shapes)}")
    return out


def dtype(x: Any) -> np.dtype:
    """The dtype of a value: of an array, a traced value or a Python scalar.

    >>> import minijax as jax
    >>> jax.lax.dtype(1.0)
    dtype('float32')
    """
    return typeof(x).dtype
