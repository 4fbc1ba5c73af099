"""Gather and scatter: reading and writing windows of an array at computed places."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import batch, move_to_front
from minijax.core import Primitive, ShapedArray, UndefinedPrimal, typeof
from minijax.families import LinearMap, add_any, convert, full, mul, reshape, zeros
from minijax.jaxpr import Jaxpr, trace_to_jaxpr
from minijax.lax.creation import iota, of_dtype
from minijax.lax.elementwise import add, div, eq, lt, max, min, neg, rem, sub
from minijax.lax.index_windows import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
    Windows,
    check_gather,
    check_scatter,
    interleave,
    window_sizes,
)
from minijax.lax.joining import concatenate
from minijax.lax.shaping import expand_dims
from minijax.selection import select_n

__all__ = ["GatherDimensionNumbers", "GatherScatterMode", "ScatterDimensionNumbers", "gather",
           "gather_p", "index_take", "scatter", "scatter_add", "scatter_add_p", "scatter_max",
           "scatter_max_p", "scatter_min", "scatter_min_p", "scatter_mul", "scatter_mul_p",
           "scatter_p", "scatter_sub", "scatter_sub_p"]


# --- gather ----------------------------------------------------------------------------------


class Gather(LinearMap):
    """The windows of an operand that start at the given indices."""

    n_linear = 1

    def impl(self, operand, indices, *, dimension_numbers, slice_sizes, mode, fill_value, **_):
        windows = Windows(operand.shape, slice_sizes, indices, dimension_numbers)
        inside = windows.inside() if mode is GatherScatterMode.FILL_OR_DROP else None
        windows.clip()
        view, index = windows.view(operand)
        out = view[index]
        if inside is not None and not inside.all():
            out[~inside] = fill_value
        rank, n = indices.ndim - 1 + len(windows.sizes), indices.ndim - 1
        out = out.reshape([*windows.batch_shape, *windows.sizes])
        return out.transpose(interleave(range(n, rank), dimension_numbers.offset_dims, range(n)))

    def abstract_eval(self, operand, indices, *, dimension_numbers, slice_sizes, **_):
        check_index_dtype(indices)
        shape = check_gather(operand, indices, dimension_numbers, slice_sizes)
        return ShapedArray(shape, operand.dtype)

    def weak_type_rule(self, avals, params):
        return avals[0].weak_type

    def linearize(self, active, operand, indices, **params):
        out = self.bind(operand, indices, **params)
        if params["fill_value"] is not None:  # constant, so its tangent is zero
            params["fill_value"] = 0
        return [out], [active[0]], lambda t: [self.bind(t, indices, **params)]

    def transpose(self, cts, operand, indices, *, dimension_numbers, unique_indices,
                  indices_are_sorted, mode, **_):
        blank = full(operand.aval.shape, 0, operand.aval.dtype)
        return [scatter_add(blank, indices, cts[0], ScatterDimensionNumbers(*dimension_numbers),
                            indices_are_sorted=indices_are_sorted, unique_indices=unique_indices,
                            mode=mode), None]


gather_p = Gather("gather")


def gather(operand: Any, start_indices: Any, dimension_numbers: GatherDimensionNumbers,
           slice_sizes: Sequence[int], *, unique_indices: bool = False,
           indices_are_sorted: bool = False, mode: Any = None, fill_value: Any = None) -> Any:
    """The windows of `operand`, of sizes `slice_sizes`, that start at `start_indices`.

    The last axis of `start_indices` holds the coordinates of one window. Indexing with brackets,
    as in NumPy, is written in terms of this.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> rows = jax.lax.GatherDimensionNumbers((1,), (0,), (0,))
    >>> jax.lax.gather(jnp.eye(3), jnp.array([[2], [0]]), rows, slice_sizes=(1, 3))
    Array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)

    Args:
      unique_indices, indices_are_sorted: promises that may make the derivative faster.
      mode: what to do with a window that is not inside, a `GatherScatterMode` or its name:
        "clip", "fill", "promise_in_bounds" (the default).
      fill_value: for "fill"; by default NaN, or the extreme integer.

    Raises:
      TypeError: dimension numbers that do not fit the shapes, or each other.
    """
    mode = GatherScatterMode.from_any("promise_in_bounds" if mode is None else mode)
    if mode is not GatherScatterMode.FILL_OR_DROP:
        fill_value = None
    elif fill_value is None:
        fill_value = default_fill(typeof(operand).dtype)
    return gather_p.bind(operand, start_indices, dimension_numbers=as_tuples(dimension_numbers),
                         slice_sizes=tuple(map(int, slice_sizes)), mode=mode,
                         unique_indices=bool(unique_indices),
                         indices_are_sorted=bool(indices_are_sorted), fill_value=fill_value)


def as_tuples(numbers: Any) -> Any:
    return type(numbers)(*map(tuple, numbers))


def default_fill(dtype: np.dtype) -> Any:
    kind = dtypes.kind(dtype)
    if kind in "iu":
        return int(dtypes.iinfo(dtype).min if kind == "i" else dtypes.iinfo(dtype).max)
    return {"b": True, "V": np.iinfo(np.uint32).max}.get(kind, np.nan)


def check_index_dtype(indices: ShapedArray) -> None:
    if dtypes.kind(indices.dtype) not in "iu":
        raise ValueError("indices must have an integer type")


def index_take(src: Any, idxs: Sequence[Any], axes: Sequence[int]) -> Any:
    """The elements of `src` at the indices `idxs`, one vector of them for each of `axes`."""
    shape = typeof(src).shape
    coordinates = [wrap(i, shape[a]) for i, a in zip(idxs, axes)]
    indices = concatenate([expand_dims(i, (1,)) for i in coordinates], 1)
    numbers = GatherDimensionNumbers(tuple(range(1, len(shape) - len(axes) + 1)), tuple(axes),
                                     tuple(axes))
    sizes = [1 if a in axes else n for a, n in enumerate(shape)]
    return gather(src, indices, numbers, sizes)


def wrap(index: Any, size: int) -> Any:
    """index modulo size."""
    n, zero = (of_dtype(i, typeof(index).dtype) for i in (size, 0))
    index = rem(index, n)
    return select_n(lt(index, zero), index, add(index, n))


# --- scatter ---------------------------------------------------------------------------------


class Write(Primitive):
    """An operand with updates written into windows of it."""

    ufunc: Any = None  # how a value and its update combine; None: the update replaces it

    def impl(self, operand, indices, updates, *, dimension_numbers, mode, unique_indices, **_):
        numbers = GatherDimensionNumbers(*dimension_numbers)
        inner = numbers.offset_dims
        sizes = window_sizes(operand.shape, [updates.shape[d] for d in inner], numbers)
        windows = Windows(operand.shape, sizes, indices, numbers)
        outer = [d for d in range(updates.ndim) if d not in inner]
        updates = updates.transpose([*outer, *inner]).reshape([windows.count, *windows.sizes])
        out = np.array(operand, order="C")
        if not updates.size or not out.size:
            return out
        if mode is GatherScatterMode.CLIP:
            windows.clip()
        elif not (inside := windows.inside()).all():
            windows.keep(inside)
            updates = updates[inside]
        self.write(out, windows, updates, unique_indices)
        return out

    def write(self, out: np.ndarray, windows: Windows, updates: np.ndarray, unique: bool) -> None:
        view, index = windows.view(out)
        if self.ufunc is None:
            view[index] = updates
        elif unique:
            view[index] = self.ufunc(view[index], updates)
        else:  # NumPy does this fast only for flat arrays
            self.ufunc.at(out.reshape(-1), windows.positions(out.shape).reshape(-1),
                          updates.reshape(-1))

    def abstract_eval(self, operand, indices, updates, *, dimension_numbers, **_):
        check_index_dtype(indices)
        if operand.dtype != updates.dtype:
            raise TypeError("lax.scatter requires arguments to have the same dtypes, got "
                            f"{dtypes.name(operand.dtype)}, {dtypes.name(updates.dtype)}.")
        check_scatter(operand, indices, updates, dimension_numbers)
        return ShapedArray(operand.shape, operand.dtype)

    def weak_type_rule(self, avals, params):
        return avals[0].weak_type


class Scatter(Write, LinearMap):
    """Later updates replace earlier ones. Linear in the operand and the updates together."""

    def linearize(self, active, operand, indices, updates, **params):
        """The same scatter, of the tangents."""
        out = self.bind(operand, indices, updates, **params)

        def push(*tangents):
            ts = iter(tangents)
            t, u = (next(ts) if a else zeros(typeof(x))
                    for x, a in ((operand, active[0]), (updates, active[2])))
            return [self.bind(t, indices, u, **params)]

        return [out], [active[0] or active[2]], push

    def transpose(self, cts, operand, indices, updates, **params):
        (ct,) = cts
        return [self.transpose_operand(ct, indices, updates, params)
                if isinstance(operand, UndefinedPrimal) else None, None,
                self.transpose_updates(ct, indices, updates.aval, params)
                if isinstance(updates, UndefinedPrimal) else None]

    def transpose_operand(self, ct: Any, indices: Any, updates: Any, params: dict) -> Any:
        """What is overwritten does not matter."""
        blank = zeros(updates.aval if isinstance(updates, UndefinedPrimal) else typeof(updates))
        return self.bind(ct, indices, blank, **params)

    def transpose_updates(self, ct: Any, indices: Any, updates: ShapedArray, params: dict) -> Any:
        """An update that a later one replaces does not matter: numbering them shows which."""
        found = read_back(ct, indices, updates.shape, params, fill_value=0)
        if params["unique_indices"]:
            return found
        numbers = reshape(iota(np.int32, updates.size), updates.shape)
        blank = full(typeof(ct).shape, -1, np.int32)
        last = read_back(self.bind(blank, indices, numbers, **params), indices, updates.shape,
                         params)
        return select_n(eq(last, numbers), zeros(updates), found)


def read_back(x: Any, indices: Any, shape: Sequence[int], params: dict, fill_value: Any = None
              ) -> Any:
    """The elements of `x` that a scatter of updates of `shape` would write."""
    numbers = GatherDimensionNumbers(*params["dimension_numbers"])
    sizes = window_sizes(typeof(x).shape, [shape[d] for d in numbers.offset_dims], numbers)
    return gather(x, indices, numbers, sizes, mode=params["mode"], fill_value=fill_value)


class ScatterAdd(Scatter):
    """Adds updates to an operand: linear in both, the adjoint of gather."""

    ufunc: Any = np.add

    def linearize(self, active, operand, indices, updates, **params):
        if active[2]:
            return super().linearize(active, operand, indices, updates, **params)
        return [self.bind(operand, indices, updates, **params)], [True], lambda t: [t]

    def transpose_operand(self, ct, indices, updates, params):
        return ct

    def transpose_updates(self, ct, indices, updates, params):
        return read_back(ct, indices, updates.shape, params, fill_value=0)


class ScatterSub(ScatterAdd):
    ufunc = np.subtract

    def transpose_updates(self, ct, indices, updates, params):
        return neg(super().transpose_updates(ct, indices, updates, params))


class ScatterMul(Write):
    """Multiplies an operand by updates. Linear in the operand."""

    ufunc = np.multiply

    def linearize(self, active, operand, indices, updates, **params):
        if active[2] and not params["unique_indices"]:
            raise NotImplementedError(
                "scatter_mul gradients are only implemented if `unique_indices=True`")
        out = self.bind(operand, indices, updates, **params)
        place = {**params, "update_jaxpr": combination(add, typeof(out).dtype)}
        blank = zeros(typeof(operand)) if active[2] else None

        def push(*tangents):
            ts = iter(tangents)
            terms = [self.bind(next(ts), indices, updates, **params)] if active[0] else []
            if active[2]:
                placed = scatter_add_p.bind(blank, indices, next(ts), **place)
                terms.append(mul(placed, operand))
            return [functools.reduce(add_any, terms)]

        return [out], [True], push

    def transpose(self, cts, operand, indices, updates, **params):
        return [self.bind(cts[0], indices, updates, **params), None, None]


class ScatterExtremum(Write):
    """The derivative is shared equally by those that attain the extremum, as in JAX."""

    def __init__(self, name: str, ufunc: Any):
        super().__init__(name)
        self.ufunc = ufunc

    def linearize(self, active, operand, indices, updates, **params):
        out = self.bind(operand, indices, updates, **params)
        aval, shape = typeof(out), typeof(updates).shape
        one = of_dtype(1, aval.dtype)
        add_params = {**params, "update_jaxpr": combination(add, aval.dtype)}
        kept = convert(eq(operand, out), aval.dtype, False)
        hits = convert(eq(updates, read_back(out, indices, shape, params)), aval.dtype, False)
        count = scatter_add_p.bind(kept, indices, hits, **add_params)
        share = div(hits, max(read_back(count, indices, shape, params, fill_value=1), one))
        kept = div(kept, max(count, one))
        blank = zeros(aval) if not active[0] else None

        def push(*tangents):
            ts = iter(tangents)
            t = mul(next(ts), kept) if active[0] else blank
            if not active[2]:
                return [t]
            return [scatter_add_p.bind(t, indices, mul(next(ts), share), **add_params)]

        return [out], [True], push


scatter_p = Scatter("scatter")
scatter_add_p, scatter_sub_p = ScatterAdd("scatter-add"), ScatterSub("scatter-sub")
scatter_mul_p = ScatterMul("scatter-mul")
scatter_min_p = ScatterExtremum("scatter-min", np.minimum)
scatter_max_p = ScatterExtremum("scatter-max", np.maximum)


@functools.lru_cache(256)
def combination(op: Any, dtype: np.dtype) -> Jaxpr:
    """The program that combines a value and its update, which JAX shows as `update_jaxpr`."""
    scalar = ShapedArray((), dtype)
    return trace_to_jaxpr(lambda x, y: [op(x, y)], [scalar, scalar], op.name)[0]


def bind_scatter(prim: Write, op: Any, operand: Any, indices: Any, updates: Any, numbers: Any,
                 indices_are_sorted: bool, unique_indices: bool, mode: Any) -> Any:
    program = None if op is None else combination(op, typeof(operand).dtype)
    return prim.bind(operand, indices, updates, dimension_numbers=as_tuples(numbers),
                     indices_are_sorted=indices_are_sorted, unique_indices=unique_indices,
                     mode=GatherScatterMode.from_any(mode), update_jaxpr=program, update_consts=())


def scatter(operand: Any, scatter_indices: Any, updates: Any,
            dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
            unique_indices: bool = False, mode: Any = None) -> Any:
    """`operand` with `updates` written into the windows that start at `scatter_indices`.

    `x.at[i].set(y)` is written in terms of this. Where windows overlap, the last one is seen.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> points = jax.lax.ScatterDimensionNumbers((), (0,), (0,))
    >>> jax.lax.scatter(jnp.zeros(4), jnp.array([[2], [0]]), jnp.array([5.0, 7.0]), points)
    Array([7., 0., 5., 0.], dtype=float32)

    Args:
      indices_are_sorted, unique_indices: promises; the latter makes the derivative cheaper.
      mode: what to do with a window that is not inside, a `GatherScatterMode` or its name:
        "clip", "drop" (the default), "promise_in_bounds".

    Raises:
      TypeError: dimension numbers that do not fit the shapes, or dtypes that differ.
    """
    return bind_scatter(scatter_p, None, operand, scatter_indices, updates, dimension_numbers,
                        indices_are_sorted, unique_indices, mode)


def scatter_add(operand: Any, scatter_indices: Any, updates: Any,
                dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
                unique_indices: bool = False, mode: Any = None) -> Any:
    """`scatter` that adds the updates. `x.at[i].add(y)` is written in terms of this."""
    return bind_scatter(scatter_add_p, add, operand, scatter_indices, updates, dimension_numbers,
                        indices_are_sorted, unique_indices, mode)


def scatter_sub(operand: Any, scatter_indices: Any, updates: Any,
                dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
                unique_indices: bool = False, mode: Any = None) -> Any:
    """`scatter` that subtracts the updates."""
    return bind_scatter(scatter_sub_p, sub, operand, scatter_indices, updates, dimension_numbers,
                        indices_are_sorted, unique_indices, mode)


def scatter_mul(operand: Any, scatter_indices: Any, updates: Any,
                dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
                unique_indices: bool = False, mode: Any = None) -> Any:
    """`scatter` that multiplies by the updates.

    Differentiable with respect to the updates only with `unique_indices`, as in JAX.
    """
    return bind_scatter(scatter_mul_p, mul, operand, scatter_indices, updates, dimension_numbers,
                        indices_are_sorted, unique_indices, mode)


def scatter_min(operand: Any, scatter_indices: Any, updates: Any,
                dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
                unique_indices: bool = False, mode: Any = None) -> Any:
    """`scatter` that keeps the smaller of a value and its updates."""
    return bind_scatter(scatter_min_p, min, operand, scatter_indices, updates, dimension_numbers,
                        indices_are_sorted, unique_indices, mode)


def scatter_max(operand: Any, scatter_indices: Any, updates: Any,
                dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
                unique_indices: bool = False, mode: Any = None) -> Any:
    """`scatter` that keeps the larger of a value and its updates."""
    return bind_scatter(scatter_max_p, max, operand, scatter_indices, updates, dimension_numbers,
                        indices_are_sorted, unique_indices, mode)


# --- batching --------------------------------------------------------------------------------


def shifted(numbers: Any, window: bool, together: bool) -> Any:
    """Dimension numbers for operands with one more leading axis.

    The axis of the operand runs within the windows, or together with one of the indices. Else the
    operand has none, and the axis is one of the indices alone.
    """
    inner, dropped, index_map, along, index_along = numbers
    own = window or together
    return type(numbers)(
        (*(0,) * window, *plus(inner, 1)), plus(dropped, own), plus(index_map, own),
        (*(0,) * together, *plus(along, own)), (*(0,) * together, *plus(index_along, not window)))


def plus(dims: Sequence[int], n: int) -> tuple[int, ...]:
    return tuple(d + n for d in dims)


@batch.register
def _(prim: Gather, axis, xs, dims, /, *, dimension_numbers, slice_sizes, **params):
    window, together = dims[1] is None, None not in dims
    operand, indices = (x if d is None else move_to_front(x, d, axis.size)
                        for x, d in zip(xs, dims))
    if window:
        slice_sizes = (axis.size, *slice_sizes)
    elif together:
        slice_sizes = (1 if axis.size else 0, *slice_sizes)
    else:  # the same operand is read again and again
        params |= {"unique_indices": False, "indices_are_sorted": False}
    numbers = shifted(dimension_numbers, window, together)
    return [prim.bind(operand, indices, dimension_numbers=numbers, slice_sizes=slice_sizes,
                      **params)], [0]


@batch.register
def _(prim: Write, axis, xs, dims, /, *, dimension_numbers, **params):
    window = dims[1] is None
    operand, indices, updates = (x if i == 1 and window else move_to_front(x, d, axis.size)
                                 for i, (x, d) in enumerate(zip(xs, dims)))
    numbers = shifted(dimension_numbers, window, not window)
    return [prim.bind(operand, indices, updates, dimension_numbers=numbers, **params)], [0]
