"""x.at[...]: the immutable way to update an array.

>>> import minijax.numpy as jnp
>>> x = jnp.zeros(3)
>>> x.at[1].set(5.0), x
(Array([0., 5., 0.], dtype=float32), Array([0., 0., 0.], dtype=float32))
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.config import flags
from minijax.core import Tracer
from minijax.layouts import divisible
from minijax.numpy.creation import asarray
from minijax.numpy.gathering import plan_gather
from minijax.numpy.indexing import getitem
from minijax.numpy.parsing import expand_masks, parse
from minijax.numpy.promotion import broadcast_to, convert, promote_dtypes
from minijax.numpy.ufuncs import power, true_divide


def scatter(x: Any, index: Any, y: Any, op: Callable, indices_are_sorted: bool = False,
            unique_indices: bool = False, mode: Any = None, normalize: bool = True) -> Any:
    """x with y combined into x[index] by `op`, a function such as lax.scatter_add."""
    if type(y) is int and dtypes.kind(x.dtype) in "iu":
        info = dtypes.iinfo(x.dtype)
        y = asarray(y, x.dtype) if info.min <= y <= info.max else asarray(y)
    else:
        y = asarray(y)
    dtype, weak = x.dtype, x.weak_type
    warn_if_unsafe(x, y)
    plan = plan_gather(expand_masks(parse(index, x.shape), x.shape), x.shape, normalize)
    if 0 in plan.shape:
        return x
    x, y = promote_dtypes(x, y)
    y = broadcast_to(y, plan.shape)
    if plan.new:
        y = lax.squeeze(y, plan.new)
    if plan.reverse:
        y = lax.rev(y, plan.reverse)
    if plan.scalar_masks:
        x = lax.expand_dims(x, plan.scalar_masks)
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=plan.numbers.offset_dims,
        inserted_window_dims=plan.numbers.collapsed_slice_dims,
        scatter_dims_to_operand_dims=plan.numbers.start_index_map)
    out = op(x, plan.indices, y, numbers, indices_are_sorted=indices_are_sorted or plan.simple,
             unique_indices=unique_indices or plan.simple, mode=mode)
    if plan.scalar_masks:
        out = lax.squeeze(out, plan.scalar_masks)
    return convert(out, dtype, weak)


def warn_if_unsafe(x: Any, y: Any) -> None:
    """FutureWarning where the values of y do not fit the dtype of x."""
    joined, used = dtypes.lattice_result_type(x.aval, y.aval)[0], dtypes.canonical_dtype(x.dtype)
    if joined != used and not (y.weak_type and dtypes.kind(y.dtype) == dtypes.kind(x.dtype)):
        warnings.warn(
            "scatter inputs have incompatible types: cannot safely cast value from dtype="
            f"{dtypes.name(y.dtype)} to dtype={dtypes.name(x.dtype)} with "
            f"jax_numpy_dtype_promotion={flags.jax_numpy_dtype_promotion}. In future JAX releases "
            "this will result in an error.", FutureWarning, stacklevel=4)


class IndexUpdater:
    """`x.at`: index it to get something that can update."""

    __slots__ = ("array",)

    def __init__(self, array: Any):
        self.array = array

    def __getitem__(self, index: Any) -> IndexUpdate:
        return IndexUpdate(self.array, index)

    def __repr__(self) -> str:
        return f"_IndexUpdateHelper({self.array!r})"


def updating(name: str, op: Callable, doc: str) -> Callable:
    def method(self: IndexUpdate, values: Any, *, indices_are_sorted: bool = False,
               unique_indices: bool = False, mode: Any = None, out_sharding: Any = None,
               wrap_negative_indices: bool = True) -> Any:
        return scatter(self.array, self.index, values, op, indices_are_sorted, unique_indices,
                       mode, wrap_negative_indices)

    method.__name__, method.__doc__ = name, doc
    return method


def updating_a_copy(name: str, combine: Callable, doc: str) -> Callable:
    """For what no scatter does: multiply ones by the values, then combine with the array."""

    def method(self: IndexUpdate, values: Any, *, indices_are_sorted: bool = False,
               unique_indices: bool = False, mode: Any = None, out_sharding: Any = None,
               wrap_negative_indices: bool = True) -> Any:
        ones = lax.full_like(self.array, 1)
        return combine(self.array, scatter(
            ones, self.index, values, lax.scatter_mul, indices_are_sorted, unique_indices, mode,
            wrap_negative_indices))

    method.__name__, method.__doc__ = name, doc
    return method


class IndexUpdate:
    """`x.at[index]`. Every method returns a new array; an index out of bounds is dropped.

    Keyword arguments of all of them:
      mode: for indices out of bounds: "drop" (the default; "fill" for `get`), "clip",
        "promise_in_bounds".
      indices_are_sorted, unique_indices: promises that make the work cheaper.
      wrap_negative_indices: whether -1 is the last element.
    """

    __slots__ = ("array", "index")

    def __init__(self, array: Any, index: Any):
        self.array, self.index = array, index

    def __repr__(self) -> str:
        return f"_IndexUpdateRef({self.array!r}, {self.index!r})"

    @divisible
    def get(self, *, indices_are_sorted: bool = False, unique_indices: bool = False,
            mode: Any = None, fill_value: Any = None, out_sharding: Any = None,
            wrap_negative_indices: bool = True) -> Any:
        """x[index]; with mode="fill", `fill_value` (nan) where the index is out of bounds."""
        return getitem(self.array, self.index, mode, fill_value, indices_are_sorted,
                       unique_indices, wrap_negative_indices)

    def apply(self, func: Callable, *, indices_are_sorted: bool = False,
              unique_indices: bool = False, mode: Any = None, out_sharding: Any = None,
              wrap_negative_indices: bool = True) -> Any:
        """x with func(x[index]) there, once for each time an element is indexed."""
        x = self.array
        counts = scatter(lax.full_like(x, 0, dtype=np.int32), self.index, 1, lax.scatter_add,
                         indices_are_sorted, unique_indices, mode, wrap_negative_indices)
        for k in range(1 if unique_indices else most(counts, self.index)):
            updated = asarray(func(x))
            if updated.aval.strip_weak_type() != x.aval.strip_weak_type():
                raise ValueError(f"x.at[index].apply(func): func returned "
                                 f"{updated.aval.str_short()} for {x.aval.str_short()}; it must "
                                 "keep the shape and the dtype.")
            x = lax.select(lax.gt(counts, k), updated, x)
        return x

    set = updating("set", lax.scatter, "x with the values at x[index].")
    add = updating("add", lax.scatter_add, "x with the values added to x[index].")
    subtract = updating("subtract", lax.scatter_sub, "x with the values taken from x[index].")
    multiply = updating("multiply", lax.scatter_mul, "x with x[index] times the values.")
    min = updating("min", lax.scatter_min, "x with the smaller of x[index] and the values.")
    max = updating("max", lax.scatter_max, "x with the larger of x[index] and the values.")
    divide = updating_a_copy("divide", true_divide, "x with x[index] over the values.")
    power = updating_a_copy("power", power, "x with x[index] to the power of the values.")
    mul = multiply


def most(counts: Any, index: Any) -> int:
    """How often an element is indexed at most. Where that is traced: as often as there are indices.
    """
    if not isinstance(counts, Tracer):
        return int(np.max(np.asarray(counts), initial=0))
    arrays = index if isinstance(index, tuple) else (index,)
    return math.prod(np.broadcast_shapes(*[i.shape for i in arrays if hasattr(i, "shape")]))
