"""The collectives that combine what all elements along a named axis have: psum, pmax, pmin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import move_to_front
from minijax.core import ShapedArray, Tracer, typeof
from minijax.families import LinearMap, broadcast_in_dim, convert, mul, reduce_sum_p
from minijax.lax.collectives import (
    AxisCollective,
    as_groups,
    as_names,
    axis_size,
    group_size,
    here,
)
from minijax.tree_util import tree_map

__all__ = ["pmax", "pmax_p", "pmean", "pmin", "pmin_p", "psum", "psum_p"]

# --- the operations ------------------------------------------------------------------------------


class AllReduce(AxisCollective):
    """Combines over `axes`: names, and dimensions of the operand that were names before vmap."""

    equalizes = True

    def __init__(self, name: str, reducer: Callable, combine: np.ufunc, repeat: Callable):
        super().__init__(name)
        self.reducer, self.combine = reducer, combine  # along dimensions; of two devices
        self.repeat = repeat  # repeat(x, n): of n times the same

    def axis_names(self, params):
        return tuple(a for a in params["axes"] if not isinstance(a, int))

    def impl(self, x, *, axes, axis_index_groups):
        if dims := tuple(a for a in axes if isinstance(a, int)):
            x = self.reducer(x, dims)
        names = self.axis_names({"axes": axes})
        if not names:
            return x
        group = here.group(self, names, axis_index_groups)
        return group.all_reduce(self.name, np.asarray(x), self.combine)

    def abstract_eval(self, x, *, axes, axis_index_groups):
        dims = {a for a in axes if isinstance(a, int)}
        if dtypes.kind(x.dtype) == "V":
            raise TypeError(f"{self} does not accept dtype {dtypes.name(x.dtype)}.")
        if not dims <= set(range(x.ndim)):
            raise ValueError(f"{self} over dimensions {sorted(dims)} of an operand of shape "
                             f"{x.shape}")
        if axis_index_groups is not None and dims:
            raise ValueError("axis_index_groups can only be used with reductions over named axes, "
                             f"but got: {axes}")
        return ShapedArray([n for i, n in enumerate(x.shape) if i not in dims], x.dtype)

    def weak_type_rule(self, avals, params):
        return False

    def vma_rule(self, avals, params):
        same = () if params["axis_index_groups"] else self.axis_names(params)
        return avals[0].vma - set(same)

    def shift(self, params):
        return {**params, "axes": tuple(a + 1 if isinstance(a, int) else a
                                        for a in params["axes"])}

    def mapped(self, axis, x, *, axes, axis_index_groups):
        axes = tuple(0 if a == axis.name else a for a in self.shift({"axes": axes})["axes"])
        return self.bind(x, axes=axes, axis_index_groups=None), None

    def along(self, axis, x, dim, *, axes, axis_index_groups):
        if dim is not None:
            return self.mapped(axis, move_to_front(x, dim, axis.size), axes=axes,
                               axis_index_groups=None)
        axes = tuple(a for a in axes if a != axis.name)
        x = self.bind(x, axes=axes, axis_index_groups=None) if axes else x
        return self.repeat(x, axis.size), None


class SumReduce(AllReduce, LinearMap):
    """The sum. Its transpose sums the cotangents over the names: every element used every x.

    Where types say that the sum does not vary, it counts as one value, and so does its cotangent.
    """

    def transpose(self, cts, x, *, axes, axis_index_groups):
        names = tuple(n for n in self.axis_names({"axes": axes})
                      if axis_index_groups or n not in x.aval.vma)
        (ct,), shape = cts, x.aval.shape
        kept = [i for i in range(len(shape)) if i not in axes]
        ct = broadcast_in_dim(ct, shape, kept)
        return [self.bind(ct, axes=names, axis_index_groups=axis_index_groups) if names else ct]


psum_p = SumReduce("psum", lambda x, axes: reduce_sum_p.impl(x, axes=axes), np.add,
                   lambda x, n: mul(x, np.asarray(n, typeof(x).dtype)))
pmax_p = AllReduce("pmax", lambda x, axes: np.max(x, axes), np.maximum, lambda x, n: x)
pmin_p = AllReduce("pmin", lambda x, axes: np.min(x, axes), np.minimum, lambda x, n: x)


def psum(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The sum of `x`, an array or a pytree, over the named axis (or several, in a tuple).

    `psum(1, name)` is the size of the axis, a Python integer. Booleans are counted.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.vmap(lambda x: jax.lax.psum(x, "i"), axis_name="i")(jnp.arange(4))
    Array([6, 6, 6, 6], dtype=int32)

    Args:
      axis_index_groups: lists of indices; the sum is then over each group apart.

    Raises:
      NameError: no mapped axis of that name is in scope.
    """
    axes, names = as_names(axis_name), as_names(axis_name)
    names = tuple(a for a in axes if not isinstance(a, int))
    groups = as_groups(axis_index_groups, names)
    size = group_size(groups, names)

    def one(v: Any) -> Any:
        if not isinstance(v, Tracer) and axes == names:  # a constant, the same for all
            return size * v if isinstance(v, (int, float, complex)) else psum_p.repeat(v, size)
        if typeof(v).dtype == bool:
            v = convert(v, np.dtype(np.int32), False)
        return psum_p.bind(v, axes=axes, axis_index_groups=groups)

    return tree_map(one, x)


def pmean(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The mean of `x` over the named axis. The arguments are those of `psum`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.vmap(lambda x: jax.lax.pmean(x, "i"), axis_name="i")(jnp.arange(4.0))
    Array([1.5, 1.5, 1.5, 1.5], dtype=float32)
    """
    n = psum(1, axis_name, axis_index_groups=axis_index_groups)
    return tree_map(lambda v: v / n, psum(x, axis_name, axis_index_groups=axis_index_groups))


def all_reduce(prim: AllReduce, x: Any, axis_name: Any, axis_index_groups: Any) -> Any:
    axes = as_names(axis_name)
    names = prim.axis_names({"axes": axes})
    groups = as_groups(axis_index_groups, names)
    axis_size(names)
    return tree_map(lambda v: prim.bind(v, axes=axes, axis_index_groups=groups), x)


def pmax(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The maximum of `x` over the named axis. It has no derivative, as in JAX.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.vmap(lambda x: jax.lax.pmax(x, "i"), axis_name="i")(jnp.arange(3))
    Array([2, 2, 2], dtype=int32)
    """
    return all_reduce(pmax_p, x, axis_name, axis_index_groups)


def pmin(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The minimum of `x` over the named axis. It has no derivative, as in JAX."""
    return all_reduce(pmin_p, x, axis_name, axis_index_groups)
