"""pad: an array with a border, made in one of many ways."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.numpy.applying import apply_along_axis
from minijax.numpy.arguments import canonical_axis, ensure_array
from minijax.numpy.arithmetic import round
from minijax.numpy.creation import asarray
from minijax.numpy.flipping import _flip
from minijax.numpy.joining import repeat_evenly
from minijax.numpy.moments import mean
from minijax.numpy.promotion import broadcast_to, convert
from minijax.numpy.quantiles import median
from minijax.numpy.ranges import linspace
from minijax.numpy.reductions import max, min
from minijax.numpy.shaping import squeeze

STATISTICS: dict[str, Callable] = {"maximum": max, "minimum": min, "mean": mean, "median": median}
OPTIONS = {"constant": {"constant_values"}, "linear_ramp": {"end_values"},
           "reflect": {"reflect_type"}, "symmetric": {"reflect_type"}, "empty": set(),
           "edge": set(), "wrap": set(), **{name: {"stat_length"} for name in STATISTICS}}


def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """An array with more elements before and after, along each axis.

    >>> import minijax.numpy as jnp
    >>> jnp.pad(jnp.array([1, 2, 3]), (2, 1), mode="edge")
    Array([1, 1, 1, 2, 3, 3], dtype=int32)

    Args:
      pad_width: how many: ((before, after), ...) for each axis, (before, after) or a number.
      mode: "constant" (`constant_values`), "edge", "empty", "wrap", "reflect" and "symmetric"
        (`reflect_type` "even" or "odd"), "linear_ramp" (`end_values`), "maximum", "minimum",
        "mean" and "median" (`stat_length`), or a function as in `numpy.pad`.
    """
    array = ensure_array("pad", array)
    widths = as_pairs(pad_width, array.ndim, "pad_width")
    try:
        widths = tuple((operator.index(a), operator.index(b)) for a, b in widths)
    except TypeError:
        raise TypeError("`pad_width` must be of integral type.") from None
    if any_negative(widths):
        raise ValueError("index can't contain negative values")
    if callable(mode):
        return pad_by(array, widths, mode, kwargs)
    if mode not in OPTIONS:
        raise NotImplementedError(f"Unimplemented padding mode '{mode}' for np.pad.")
    if unsupported := set(kwargs) - OPTIONS[mode]:
        raise ValueError(f"unsupported keyword arguments for mode '{mode}': {unsupported}")
    end_values = as_pairs(kwargs.get("end_values", 0), array.ndim, "end_values")
    length = kwargs.get("stat_length")
    length = None if length is None else as_pairs(length, array.ndim, "stat_length")
    return _pad(array, widths, mode, kwargs.get("constant_values", 0), length, end_values,
                kwargs.get("reflect_type", "even"))


def any_negative(widths: tuple) -> bool:
    return min_of(n for pair in widths for n in pair) < 0 if widths else False


def min_of(values: Any) -> Any:
    return sorted(values)[0]


def as_pairs(values: Any, ndim: int, name: str) -> tuple[tuple[Any, Any], ...]:
    """(before, after) for each axis, from one number, one pair, or all of them."""
    try:
        array = np.asarray(values)
    except ValueError as e:
        raise TypeError(f"`{name}` entries must be the same shape: {values}") from e
    if array.shape == (1,):
        array = array[0]
    if array.shape not in ((), (2,), (1, 2), (ndim, 2)):
        raise ValueError(f"jnp.pad: {name} with nd={ndim} has unsupported shape {array.shape}. "
                         f"Valid shapes are ({ndim}, 2), (1, 2), (2,), (1,), or ().")
    return tuple(map(tuple, np.broadcast_to(array, (ndim, 2)).tolist()))


@functools.partial(jit, static_argnums=(1, 2, 4, 5, 6))
def _pad(array: Any, widths: tuple, mode: str, constant_values: Any, stat_length: Any,
         end_values: Any, reflect_type: str) -> Any:
    if mode in ("constant", "empty"):
        return with_constants(array, widths, asarray(constant_values))
    for axis, (before, after) in enumerate(widths):
        n = array.shape[axis]
        if n == 0:
            if before or after:
                raise ValueError(f"Cannot apply '{mode}' padding to empty axis")
        elif mode == "wrap":
            array = wrapped(array, axis, before, after)
        elif mode in ("symmetric", "reflect"):
            if before or after:
                array = mirrored(array, axis, before, mode, reflect_type, True)
                array = mirrored(array, axis, after, mode, reflect_type, False)
        else:
            if mode == "edge":
                ends = [repeat_evenly(edge(array, axis, first), k, axis)
                        for first, k in ((True, before), (False, after))]
            elif mode == "linear_ramp":
                ends = ramps(array, axis, (before, after), end_values[axis])
            else:
                length = None if stat_length is None else stat_length[axis]
                ends = statistics(array, axis, (before, after), STATISTICS[mode], length)
            array = lax.concatenate([ends[0], array, ends[1]], axis)
    return array


def edge(array: Any, axis: int, first: bool) -> Any:
    n = array.shape[axis]
    return lax.slice_in_dim(array, 0 if first else n - 1, 1 if first else n, axis=axis)


def with_constants(array: Any, widths: tuple, values: Any) -> Any:
    values = convert(values, array.dtype, array.weak_type)
    if values.shape in ((), (1,)):
        return lax.pad(array, squeeze(values) if values.ndim else values,
                       [(before, after, 0) for before, after in widths])
    if values.shape[-1] not in (1, 2):
        raise ValueError(f"jnp.pad: constant_values has unsupported shape {values.shape}. If the "
                         "shape is 1D or 2D, the last dimension must be of size 1 or 2.")
    values = broadcast_to(values, (array.ndim, 2))
    for axis, pair in enumerate(widths):
        for side, k in enumerate(pair):
            if k:
                config = [(0, 0, 0)] * array.ndim
                config[axis] = (0, k, 0) if side else (k, 0, 0)
                array = lax.pad(array, values[axis, side], config)
    return array


def wrapped(array: Any, axis: int, before: int, after: int) -> Any:
    n = array.shape[axis]
    parts = [array] * (before // n + after // n + 1)
    if before % n:
        parts.insert(0, lax.slice_in_dim(array, n - before % n, n, axis=axis))
    if after % n:
        parts.append(lax.slice_in_dim(array, 0, after % n, axis=axis))
    return lax.concatenate(parts, axis)


def mirrored(array: Any, axis: int, count: int, mode: str, reflect_type: str, before: bool) -> Any:
    """As often as it takes, the whole axis in the mirror; "reflect" does not repeat the edge."""
    n = array.shape[axis]
    skip = 1 if mode == "reflect" and n > 1 else 0
    border = edge(array, axis, before)
    while count > 0:
        k = min_of((count, n - skip))
        count -= k
        m = array.shape[axis]
        start = skip if before else m - skip - k
        image = _flip(lax.slice_in_dim(array, start, start + k, axis=axis), axis)
        if reflect_type == "odd":
            image = 2 * border - image
            if n > 1:
                border = edge(image, axis, before)
        array = lax.concatenate([image, array] if before else [array, image], axis)
    return array


def ramps(array: Any, axis: int, counts: tuple[int, int], ends: tuple[Any, Any]) -> list[Any]:
    out = []
    for first, k, end in zip((True, False), counts, ends):
        ramp = linspace(end, squeeze(edge(array, axis, first), axis), k, endpoint=False,
                        dtype=array.dtype, axis=axis)
        ramp = convert(ramp, array.dtype, array.weak_type)
        out.append(ramp if first else _flip(ramp, axis))
    return out


def statistics(array: Any, axis: int, counts: tuple[int, int], statistic: Callable, length: Any
               ) -> list[Any]:
    n = array.shape[axis]
    if length is None:
        values = [statistic(array, axis=axis, keepdims=True)] * 2
    else:
        if 0 in length:
            raise ValueError("stat_length of 0 yields no value for padding")
        before, after = (min_of((m, n)) for m in length)
        values = [statistic(lax.slice_in_dim(array, start, stop, 1, axis), axis=axis, keepdims=True)
                  for start, stop in ((0, before), (n - after, n))]
    if dtypes.kind(array.dtype) in "iu":
        values = [round(value) for value in values]
    return [repeat_evenly(convert(value, array.dtype, array.weak_type), k, axis)
            for value, k in zip(values, counts)]


def pad_by(array: Any, widths: tuple, fun: Callable, kwargs: dict) -> Any:
    """By a function of each padded vector, its widths, its axis and the other arguments."""
    array = with_constants(array, widths, asarray(0))
    for i in range(array.ndim):
        axis = canonical_axis(i, array.ndim)
        array = apply_along_axis(fun, axis, array, widths[axis], axis, kwargs)
    return array
