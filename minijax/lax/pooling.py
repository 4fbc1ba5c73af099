"""Sliding windows: where they are, and the selection in each that max-pooling is differentiated by.

A window has `window_dimensions` elements, `window_dilation` apart; the next one starts
`window_strides` further on. Before that the operand is spread out by `base_dilation` and padded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import ShapedArray, UndefinedPrimal, typeof
from minijax.families import Axiswise, LinearMap
from minijax.lax.conv_shapes import dilate
from minijax.lax.creation import of_dtype
from minijax.lax.elementwise import ge
from minijax.lax.reducing import highest, lowest
from minijax.lax.shapes import check_shapelike
from minijax.lax.slicing import pad, padded, slice as lax_slice

__all__ = ["reduce_window_shape_tuple", "select_and_gather_add_p", "select_and_scatter_add_p"]


# --- geometry --------------------------------------------------------------------------------


def reduce_window_shape_tuple(operand_shape: Sequence[int], window_dimensions: Sequence[int],
                              window_strides: Sequence[int], padding: Sequence[tuple[int, int]],
                              base_dilation: Sequence[int] | None = None,
                              window_dilation: Sequence[int] | None = None) -> tuple[int, ...]:
    """How many windows there are along each axis.

    >>> import minijax as jax
    >>> jax.lax.reduce_window_shape_tuple((5,), (2,), (2,), ((0, 1),))
    (3,)
    """
    ones = (1,) * len(operand_shape)
    spans = dilate(window_dimensions, window_dilation or ones)
    sizes = [n + low + high
             for n, (low, high) in zip(dilate(operand_shape, base_dilation or ones), padding)]
    return tuple(max(0, (n - span) // stride + 1)
                 for n, span, stride in zip(sizes, spans, window_strides))


def check_window(name: str, x: ShapedArray, *, window_dimensions: Sequence[int],
                 **others: Sequence[Any]) -> None:
    """TypeError unless everything is given once for each axis, and sizes are positive."""
    check_shapelike(name, "window_dimensions", window_dimensions, least=1)
    if x.ndim != len(window_dimensions):
        raise TypeError(f"{name} got the wrong number of window_dimensions for operand: got "
                        f"operand shape {x.shape} with window_dimensions {window_dimensions}.")
    for what, values in others.items():
        if len(values) != x.ndim:
            raise TypeError(f"{name} got inconsistent {what} and window_dimensions: got {what} "
                            f"{values} and window_dimensions {window_dimensions}.")
        if what != "padding":
            check_shapelike(name, what, values, least=1)


_NEUTRAL: dict[str, Any] = {"window_dimensions": 1, "window_strides": 1, "padding": (0, 0),
                            "base_dilation": 1, "window_dilation": 1}


def shift_window(params: dict) -> dict:
    """The params for operands with one more leading axis."""
    return {k: (_NEUTRAL[k], *v) if k in _NEUTRAL else v for k, v in params.items()}


# --- the element that max or min selects -------------------------------------------------------


class Selection(Axiswise, LinearMap):
    """Linear in its first operand; the second says which element of each window is selected.

    `select_prim` is `ge` or `le`: the element that has this relation to all that come after it.
    """

    n_linear = 1

    def shift(self, params, size):
        return shift_window(params)


def pad_config(params: dict) -> list[tuple[int, int, int]]:
    dilation = params.get("base_dilation") or (1,) * len(params["padding"])
    return [(low, high, d - 1) for (low, high), d in zip(params["padding"], dilation)]


def selected(x: np.ndarray, select_prim: Any, params: dict) -> tuple[np.ndarray, tuple[int, ...]]:
    """The position in the padded array, flat, of what is selected in each window; its shape."""
    counts = reduce_window_shape_tuple(x.shape, **params)
    x = padded(x, (lowest if select_prim is ge else highest)(x.dtype), pad_config(params))
    steps = [math.prod(x.shape[i + 1:]) for i in range(x.ndim)]
    dilation = params.get("window_dilation") or (1,) * x.ndim
    best: Any = None
    for offset in np.ndindex(*params["window_dimensions"]):
        corner = [o * d for o, d in zip(offset, dilation)]
        values = x[tuple(slice(c, c + (n - 1) * s + 1 if n else c, s)
                         for c, n, s in zip(corner, counts, params["window_strides"]))]
        here = np.full(counts, sum(c * s for c, s in zip(corner, steps)))
        if best is None:
            best, place = values, here
        else:
            keep = select_prim.fun(best, values)
            best, place = np.where(keep, best, values), np.where(keep, place, here)
    for i, (stride, step) in enumerate(zip(params["window_strides"], steps)):
        along = [-1 if j == i else 1 for j in range(x.ndim)]
        place = place + (np.arange(counts[i]) * stride * step).reshape(along)
    return place, x.shape


class SelectAndGatherAdd(Selection):
    """From each window of `tangents`, the element at which that of `operand` is selected."""

    def impl(self, tangents, operand, *, select_prim, **params):
        place, _ = selected(operand, select_prim, params)
        spread = padded(tangents, 0, pad_config(params))
        return spread.reshape(-1)[place]

    def abstract_eval(self, tangents, operand, *, select_prim, **params):
        if tangents.shape != operand.shape:
            raise TypeError("select_and_gather_add tangents and operand shapes must match, got "
                            f"{tangents.shape} and {operand.shape}.")
        check_window("select_and_gather_add", operand, **params)
        return ShapedArray(reduce_window_shape_tuple(operand.shape, **params), tangents.dtype)

    def transpose(self, cts, tangents, operand, *, base_dilation, window_dilation, **params):
        if any(d != 1 for d in window_dilation):
            raise NotImplementedError("VJP not implemented for select_and_gather (MaxPool) with "
                                      f"window dilation, got window_dilation={window_dilation}.")
        spread = any(d != 1 for d in base_dilation)
        if spread:
            identity = lowest if params["select_prim"] is ge else highest
            dtype = typeof(operand).dtype
            operand = pad(operand, of_dtype(identity(dtype), dtype),
                          [(0, 0, d - 1) for d in base_dilation])
        out = select_and_scatter_add_p.bind(cts[0], operand, **params)
        if spread:
            shape = typeof(out).shape
            out = lax_slice(out, (0,) * len(shape), shape, base_dilation)
        return [out, None]


class SelectAndScatterAdd(Selection):
    """Adds each element of `source` to the place that is selected in its window of `operand`."""

    def impl(self, source, operand, *, select_prim, **params):
        place, shape = selected(operand, select_prim, params)
        half = source.dtype.itemsize == 2 and dtypes.kind(source.dtype) == "f"
        out = np.zeros(shape, np.float32 if half else source.dtype)
        np.add.at(out.reshape(-1), place.reshape(-1), source.reshape(-1))
        return padded(out, 0, [(-low, -high, 0) for low, high in params["padding"]])

    def abstract_eval(self, source, operand, *, select_prim, **params):
        check_window("select_and_scatter_add", operand, **params)
        counts = reduce_window_shape_tuple(operand.shape, **params)
        if source.shape != counts:
            raise TypeError("select_and_scatter_add source must have one element for each window, "
                            f"got source shape {source.shape} for windows {counts}.")
        return ShapedArray(operand.shape, source.dtype)

    def transpose(self, cts, source, operand, **params):
        if not isinstance(source, UndefinedPrimal):
            return [None, None]
        ones = (1,) * len(params["padding"])
        return [select_and_gather_add_p.bind(cts[0], operand, base_dilation=ones,
                                             window_dilation=ones, **params), None]


select_and_gather_add_p = SelectAndGatherAdd("select_and_gather_add")
select_and_scatter_add_p = SelectAndScatterAdd("select_and_scatter_add")
