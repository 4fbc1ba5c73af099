"""What functions accept: arrays and scalars, axes, shapes; and what they refuse."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import Array, ArrayImpl, Tracer, typeof
from minijax.lax.shapes import not_a_shape
from minijax.leaks import leaked
from minijax.parallel.placing import device_put
from minijax.parallel.shardings import by_default

ARRAYLIKE = (Array, np.ndarray, np.generic, int, float, complex)


def is_arraylike(x: Any) -> bool:
    return isinstance(x, ARRAYLIKE) or hasattr(x, "__jax_array__")


def check_arraylike(name: str, *args: Any) -> None:
    """TypeError for a list, a string or whatever else is not an array."""
    for i, x in enumerate(args):
        if not is_arraylike(x):
            raise TypeError(f"{name} requires ndarray or scalar arguments, got {type(x)} at "
                            f"position {i}.")


def check_arraylike_or_none(name: str, *args: Any) -> None:
    for i, x in enumerate(args):
        if x is not None and not is_arraylike(x):
            raise TypeError(f"{name} requires ndarray, scalar, or None arguments, got {type(x)} "
                            f"at position {i}.")


def live(x: Array) -> Any:
    """`x` itself. UnexpectedTracerError if its trace has ended and no operation may see it."""
    if isinstance(x, Tracer) and not x._trace.alive:
        raise leaked(x)
    return x


def as_value(x: Any) -> Any:
    """An argument as an `Array` or a tracer; it must be arraylike."""
    if isinstance(x, Array):
        return live(x)
    if hasattr(x, "__jax_array__"):
        return x.__jax_array__()
    aval = typeof(x)
    return ArrayImpl(np.array(dtypes.coerce_to_array(x, aval.dtype)), aval)


def ensure_array(name: str, x: Any) -> Any:
    """`x` as an `Array` or a tracer. TypeError for a list."""
    if not isinstance(x, Array):
        check_arraylike(name, x)
    return as_value(x)


def ensure_arrays(name: str, *args: Any) -> list[Any]:
    check_arraylike(name, *args)
    return [as_value(x) for x in args]


def refuse(name: str, **unsupported: Any) -> None:
    """NotImplementedError for an argument that only NumPy can honour."""
    for argument, value in unsupported.items():
        if value is not None:
            raise NotImplementedError(f"The '{argument}' argument to jnp.{name} is not supported.")


def concrete(x: Any, why: str) -> np.ndarray:
    """The value of an argument that cannot be traced."""
    return np.asarray(x.concrete_or_error(why) if isinstance(x, Tracer) else x)


# --- axes ------------------------------------------------------------------------------------


def canonical_axis(axis: Any, ndim: int, name: str = "") -> int:
    """`axis` counted from the front. ValueError if there is no such axis."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        where = f"{name} " if name else ""
        raise ValueError(f"{where}axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


def canonical_axes(axis: Any, ndim: int, name: str = "") -> tuple[int, ...]:
    """One axis, several, or (None) all of them."""
    if axis is None:
        return tuple(range(ndim))
    if isinstance(axis, Sequence):
        axes = tuple(canonical_axis(a, ndim, name) for a in axis)
        if len(set(axes)) != len(axes):
            raise ValueError(f"repeated axis in {name or 'axis'}: {axis}")
        return axes
    return (canonical_axis(axis, ndim, name),)


def canonical_shape(shape: Any, name: str = "") -> tuple[int, ...]:
    """A shape from one integer or from several. TypeError for anything that is not an integer."""
    try:
        return (operator.index(shape),)
    except TypeError:
        pass
    try:
        sizes = tuple(operator.index(n) for n in shape)
    except TypeError:
        raise not_a_shape(shape) from None
    return sizes


# --- places ----------------------------------------------------------------------------------


def placeable(f: Callable) -> Callable:
    """A function that makes an array, which goes where `device` or `out_sharding` say.

    Both are a device, a sharding, or a spec for the mesh of the context.
    """
    @functools.wraps(f)
    def put(*args: Any, device: Any = None, out_sharding: Any = None, **kwargs: Any) -> Any:
        out, where = f(*args, **kwargs), out_sharding if device is None else device
        if where is not None:
            return device_put(out, where)
        return out if any(out is x for x in args) else by_default(out)

    return put
