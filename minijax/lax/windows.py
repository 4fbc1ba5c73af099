"""Reductions over sliding windows: sums, extrema (pooling) and any associative function."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import batch, move_to_front
from minijax.compiler import compiled
from minijax.core import ShapedArray, typeof
from minijax.families import Axiswise, LinearMap, Program
from minijax.jvp import jvp_flat
from minijax.lax.conv_shapes import dilate, padtype_to_pads
from minijax.lax.creation import of_dtype
from minijax.lax.elementwise import add, ge, in_float32, le, max, min
from minijax.lax.folds import elementwise, flatten_operands, is_monoid, over_axes, scalar_program
from minijax.lax.pooling import (
    check_window,
    pad_config,
    reduce_window_shape_tuple,
    select_and_gather_add_p,
    shift_window,
)
from minijax.lax.reducing import highest, lowest
from minijax.lax.shaping import broadcast
from minijax.lax.signed_zeros import maximum, minimum
from minijax.lax.slicing import integers, pad, padded, slice_in_dim
from minijax.tree_util import tree_structure, tree_unflatten

__all__ = ["reduce_window", "reduce_window_max_p", "reduce_window_min_p", "reduce_window_p",
           "reduce_window_sum_p"]


def slide(combine: Callable, cut: Callable, xs: Sequence[Any], params: dict) -> Sequence[Any]:
    """The windows of padded arrays combined, one axis after the other.

    `cut(x, start, limit, step, axis)` takes a slice, `combine` works elementwise on two lists.
    """
    counts = reduce_window_shape_tuple(xs[0].shape, **{
        **params, "padding": ((0, 0),) * xs[0].ndim, "base_dilation": None})
    for axis, (count, size, stride, dilation) in enumerate(zip(
            counts, params["window_dimensions"], params["window_strides"],
            params["window_dilation"])):
        span = (count - 1) * stride + 1
        starts = [i * dilation for i in range(size)] if count else [0]
        xs = functools.reduce(combine, [
            [cut(x, s, s + span if count else s, stride, axis) for x in xs] for s in starts])
    return xs


def numpy_slice(x: np.ndarray, start: int, limit: int, step: int, axis: int) -> np.ndarray:
    return x[(*[slice(None)] * axis, slice(start, limit, step))]


# --- sums and extrema --------------------------------------------------------------------------


class WindowReduction(Axiswise):
    """`fun` of the elements in each window; padding is its identity."""

    def __init__(self, name: str, fun: Callable, identity: Callable, accepts: str = "biufc"):
        super().__init__(name)
        self.fun, self.identity, self.accepts = fun, identity, accepts

    def impl(self, x, **params):
        x = in_float32(np.asarray)(x)
        x = padded(x, self.identity(x.dtype), pad_config(params))
        return slide(lambda xs, ys: [self.fun(*xs, *ys)], numpy_slice, [x], params)[0]

    def abstract_eval(self, x, **params):
        if dtypes.kind(x.dtype) not in self.accepts:
            raise TypeError(f"operand to {self.name} must have a number dtype, got "
                            f"{dtypes.name(x.dtype)}")
        check_window("reduce_window", x, **params)
        return ShapedArray(reduce_window_shape_tuple(x.shape, **params), x.dtype)

    def shift(self, params, size):
        return shift_window(params)


class WindowSum(WindowReduction, LinearMap):
    """Its transpose adds up the cotangents of all windows that an element is in."""

    def transpose(self, cts, x, *, window_dimensions, window_strides, padding, base_dilation,
                  window_dilation):
        (ct,), ones = cts, (1,) * x.aval.ndim
        spans = dilate(window_dimensions, window_dilation)
        config = [
            (span - 1 - low, size + low - counted, stride - 1)
            for span, stride, (low, _), size, counted in zip(
                spans, window_strides, padding, dilate(x.aval.shape, base_dilation),
                dilate(typeof(ct).shape, window_strides))]
        ct = pad(ct, of_dtype(0, x.aval.dtype), config)
        return [self.bind(ct, window_dimensions=window_dimensions, window_strides=base_dilation,
                          padding=((0, 0),) * len(ones), base_dilation=ones,
                          window_dilation=window_dilation)]


class WindowExtremum(WindowReduction):
    """The tangent is that of the first element which is the largest, or the smallest."""

    def linearize(self, active, x, **params):
        select_prim = ge if self.fun is maximum else le
        return [self.bind(x, **params)], [True], lambda t: [
            select_and_gather_add_p.bind(t, x, select_prim=select_prim, **params)]


reduce_window_sum_p = WindowSum("reduce_window_sum", np.add,
                                lambda dtype: np.zeros((), dtype), accepts="iufc")
reduce_window_max_p = WindowExtremum("reduce_window_max", maximum, lowest)
reduce_window_min_p = WindowExtremum("reduce_window_min", minimum, highest)

WINDOW_REDUCTIONS: dict[Callable, WindowReduction] = {
    add: reduce_window_sum_p, max: reduce_window_max_p, min: reduce_window_min_p}


# --- by an associative function ----------------------------------------------------------------


class ReduceWindow(Program):
    """Combines the elements in each window by a program of scalars, from initial values on.

    The param `consts` is empty: the program cannot close over arrays.
    """

    def impl(self, *args, jaxpr, consts, **params):
        def combine(xs: Sequence[Any], ys: Sequence[Any]) -> list[np.ndarray]:
            shape = ys[0].shape
            run = compiled(elementwise(jaxpr, ys[0].size))
            flat = [np.broadcast_to(x, shape).reshape(-1) for x in (*xs, *ys)]
            return [out.reshape(shape) for out in run(*flat)]

        xs, inits = halves(args)
        xs = [padded(x, i, pad_config(params)) for x, i in zip(xs, inits)]
        return combine(inits, slide(combine, numpy_slice, xs, params))

    def abstract_eval(self, *avals, jaxpr, consts, **params):
        xs, inits = halves(avals)
        if any(x.dtype != i.dtype for x, i in zip(xs, inits)):
            raise TypeError("reduce_window got inconsistent dtypes for operands and init_values: "
                            f"got operand dtypes {[x.dtype for x in xs]} and init_value dtypes "
                            f"{[i.dtype for i in inits]}.")
        if any(i.shape for i in inits):
            raise TypeError("reduce_window expected init_values to be scalars but init_values "
                            f"have shapes {[i.shape for i in inits]}.")
        check_window("reduce_window", xs[0], **params)
        shape = reduce_window_shape_tuple(xs[0].shape, **params)
        return [ShapedArray(shape, x.dtype) for x in xs]

    def jvp(self, primals, tangents, *, jaxpr, consts, **params):
        (xs, inits), (ts, init_ts) = halves(primals), halves(tangents)
        if any(t is not None for t in init_ts):
            raise TypeError("reduce_window jvp does not support non-zero init_value_tangent.")
        combine, config = over_axes(jaxpr, typeof(xs[0]).ndim), pad_config(params)

        def unrolled(*xs: Any) -> Sequence[Any]:
            if any(map(any, config)):
                xs = tuple(pad(x, i, config) for x, i in zip(xs, inits))
            outs = slide(combine, slice_in_dim, xs, params)
            return combine([broadcast(i, typeof(outs[0]).shape) for i in inits], outs)

        return jvp_flat(unrolled, xs, ts, self.name)


def halves(args: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """The operands and the initial values."""
    return args[: len(args) // 2], args[len(args) // 2:]


reduce_window_p = ReduceWindow("reduce_window")


@batch.register
def _(prim: ReduceWindow, axis, xs, dims, /, *, jaxpr, **params):
    (xs, inits), (dims, init_dims) = halves(xs), halves(dims)
    if any(d is not None for d in init_dims):
        raise NotImplementedError("vmap of lax.reduce_window over its initial values: combine "
                                  "them with the result instead, and start from the identity.")
    xs = [move_to_front(x, d, axis.size) for x, d in zip(xs, dims)]
    return prim.bind(*xs, *inits, jaxpr=jaxpr, **shift_window(params)), [0] * len(xs)


def reduce_window(operand: Any, init_value: Any, computation: Callable,
                  window_dimensions: Sequence[int], window_strides: Sequence[int] | None = None,
                  padding: str | Sequence[tuple[int, int]] = "VALID",
                  base_dilation: Sequence[int] | None = None,
                  window_dilation: Sequence[int] | None = None) -> Any:
    """Combine the elements in each window that slides over the operand.

    Max-pooling is `reduce_window(x, -jnp.inf, lax.max, ...)`, average pooling a division of
    `reduce_window(x, 0.0, lax.add, ...)`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.reduce_window(jnp.array([3, 1, 4, 1, 5]), 0, jax.lax.add, (2,))
    Array([4, 5, 5, 6], dtype=int32)

    Args:
      operand: an array, or a pytree of arrays of one shape that are reduced together.
      init_value: scalars in the same structure, the identity of `computation`; padding too.
      computation: an associative function of two scalars, or structures of them.
      window_dimensions: the size of a window along each axis.
      window_strides: how far apart windows start; 1 by default.
      padding: "VALID", "SAME", "SAME_LOWER", or a pair (before, after) for each axis.
      base_dilation, window_dilation: how far apart the elements of the operand are put, and those
        of a window are taken; 1 by default.

    Raises:
      TypeError: anything that is not given once for each axis, or is not positive.
    """
    xs, inits = flatten_operands("reduce_window", operand, init_value)
    sizes = integers(window_dimensions)
    strides, base, dilation = ((1,) * len(sizes) if v is None else integers(v)
                               for v in (window_strides, base_dilation, window_dilation))
    if isinstance(padding, str):
        padding = padtype_to_pads(typeof(xs[0]).shape, dilate(sizes, dilation), strides, padding)
    params = {"window_dimensions": sizes, "window_strides": strides,
              "padding": tuple((int(low), int(high)) for low, high in padding),
              "base_dilation": base, "window_dilation": dilation}
    if is_monoid(computation, inits) and computation in WINDOW_REDUCTIONS:
        return WINDOW_REDUCTIONS[computation].bind(xs[0], **params)
    jaxpr = scalar_program("reduce_window", computation, init_value)
    return tree_unflatten(tree_structure(init_value), reduce_window_p.bind(
        *xs, *inits, jaxpr=jaxpr, consts=(), **params))
