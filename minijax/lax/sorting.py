"""Sorting: by one key or by several, and the k largest elements."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import ShapedArray, typeof
from minijax.families import Axiswise
from minijax.lax.creation import broadcasted_iota
from minijax.lax.elementwise import in_float32
from minijax.lax.index_windows import GatherDimensionNumbers
from minijax.lax.indexing import gather
from minijax.lax.shapes import canonicalize_axis, replace
from minijax.lax.shaping import expand_dims

__all__ = ["sort", "sort_key_val", "sort_p", "top_k", "top_k_p"]


def taking(indices: Any, axis: int) -> Callable:
    """The linear map that takes, along `axis`, the elements at `indices`."""
    ndim = typeof(indices).ndim
    others = tuple(i for i in range(ndim) if i != axis)
    numbers = GatherDimensionNumbers((), (axis,), (axis,), others, others)
    indices = expand_dims(indices, (ndim,))
    return lambda x: gather(x, indices, numbers, (1,) * ndim)


# --- sort ------------------------------------------------------------------------------------


class Sort(Axiswise):
    """Orders the operands together, by the first `num_keys` of them."""

    multiple_results = True

    def impl(self, *xs, dimension, is_stable, num_keys):
        if len(xs) == 1 and dtypes.kind(xs[0].dtype) != "c":
            (x,) = real_parts(xs[0])
            mixed = x.dtype.kind == "f" and np.any((x == 0) & np.signbit(x))  # -0.0, equal to 0.0
            return [np.sort(x, dimension, kind="stable" if mixed else None)]  # much faster
        keys = [part for x in xs[:num_keys] for part in real_parts(x)]
        order = np.lexsort(keys[::-1], dimension)
        return [np.take_along_axis(x, order, dimension) for x in xs]

    def abstract_eval(self, *avals, dimension, is_stable, num_keys):
        if len({a.shape for a in avals}) > 1:
            raise TypeError("Arguments to sort must have equal shapes, got: "
                            f"{' '.join(str(a.shape) for a in avals)}")
        return avals

    def linearize(self, active, *xs, **params):
        dimension, shape = params["dimension"], typeof(xs[0]).shape
        index = broadcasted_iota(np.uint32, shape, dimension)
        *outs, order = self.bind(*xs, index, **params)
        take = taking(order, dimension)
        return outs, active, lambda *tangents: [take(t) for t in tangents]

    def shift(self, params, size):
        return {**params, "dimension": params["dimension"] + 1}


def real_parts(x: np.ndarray) -> list[np.ndarray]:
    """The keys to sort by: complex numbers go by their real, then by their imaginary parts."""
    return [x.real, x.imag] if x.dtype.kind == "c" else [in_float32(np.asarray)(x)]


sort_p = Sort("sort")


def sort(operand: Any, dimension: int = -1, is_stable: bool = True, num_keys: int = 1) -> Any:
    """An array in ascending order, or several arrays in the order of the first of them.

    NaN comes last, -0.0 and 0.0 are equal, complex numbers go by their real parts first.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> keys, values = jnp.array([2, 1, 2]), jnp.array([5.0, 6.0, 4.0])
    >>> print(*jax.lax.sort((keys, values), num_keys=2))
    [1 2 2] [6. 4. 5.]

    Args:
      operand: an array, or a sequence of arrays of one shape; then the result is a tuple.
      is_stable: keep the order of elements whose keys are equal (done in any case).
      num_keys: how many operands are keys; where the first ones are equal, the second decide.
    """
    several = isinstance(operand, Sequence)
    xs = operand if several else [operand]
    if not xs:
        raise TypeError("Sort requires at least one operand")
    if not several and num_keys != 1:
        raise ValueError(f"{num_keys=} must equal 1 for a single operand.")
    if not 1 <= num_keys <= len(xs):
        raise ValueError(f"{num_keys=} must be between 1 and len(operand)={len(xs)}")
    outs = sort_p.bind(*xs, dimension=canonicalize_axis(dimension, typeof(xs[0]).ndim),
                       is_stable=is_stable, num_keys=num_keys)
    return tuple(outs) if several else outs[0]


def sort_key_val(keys: Any, values: Any, dimension: int = -1, is_stable: bool = True
                 ) -> tuple[Any, Any]:
    """The keys in ascending order, and the values in the same order."""
    return sort((keys, values), dimension, is_stable)


# --- top_k -----------------------------------------------------------------------------------


class TopK(Axiswise):
    """The k largest elements along an axis, and their indices."""

    multiple_results = True

    def impl(self, x, *, k, axis):
        indices = np.moveaxis(largest(np.moveaxis(x, axis, -1), k), -1, axis)
        return [np.take_along_axis(x, indices, axis), indices]

    def abstract_eval(self, x, *, k, axis):
        if dtypes.kind(x.dtype) == "c":
            raise ValueError("top_k is not compatible with complex inputs.")
        if not 0 <= axis < x.ndim:
            raise ValueError(f"axis argument out of range: {axis=} for operand.shape={x.shape}")
        if k > x.shape[axis]:
            raise ValueError("k argument to top_k must be no larger than size along axis; got "
                             f"{k=} with shape={[*x.shape]} and {axis=}")
        shape = replace(x.shape, axis, k)
        return [ShapedArray(shape, x.dtype, x.weak_type),
                ShapedArray(shape, np.int32, x.weak_type)]

    def linearize(self, active, x, *, k, axis):
        outs = self.bind(x, k=k, axis=axis)
        take = taking(outs[1], axis)
        return outs, [True, False], lambda t: [take(t)]

    def shift(self, params, size):
        return {**params, "axis": params["axis"] + 1}


def largest(x: np.ndarray, k: int) -> np.ndarray:
    """The indices of the k largest elements along the last axis, in descending order."""
    descending = ~total_order(x)
    if x.dtype.itemsize == 8:
        return np.argsort(descending, kind="stable")[..., :k]
    n = x.shape[-1]
    pairs = descending.astype(np.int64) << 32 | np.arange(n)  # with its index no two are equal
    if 0 < k < n:
        pairs = np.partition(pairs, k - 1)[..., :k]
    return np.sort(pairs)[..., :k] & 0xFFFFFFFF


def total_order(x: np.ndarray) -> np.ndarray:
    """Signed integers in the order of x, where -NaN < -inf < -0.0 < 0.0 < inf < NaN."""
    if x.dtype == bool:
        return x.astype(np.int8)
    bits = x.view(f"i{x.dtype.itemsize}")
    lowest = np.iinfo(bits.dtype).min
    if dtypes.kind(x.dtype) == "u":
        return bits ^ lowest
    return np.where(bits < 0, bits ^ ~lowest, bits) if dtypes.kind(x.dtype) == "f" else bits


top_k_p = TopK("top_k")


def top_k(operand: Any, k: int, *, axis: int = -1) -> tuple[Any, Any]:
    """The k largest elements along `axis`, in descending order, and their indices (int32).

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(*jax.lax.top_k(jnp.array([3.0, 9.0, 4.0, 9.0]), 3))
    [9. 9. 4.] [1 3 2]

    Raises:
      ValueError: k negative or larger than the axis, or a complex operand.
    """
    k = operator.index(k)
    if k < 0:
        raise ValueError(f"k argument to top_k must be nonnegative, got {k}")
    axis = canonicalize_axis(axis, typeof(operand).ndim)
    return tuple(top_k_p.bind(operand, k=k, axis=axis))
