"""Collectives: what the elements along a named axis compute together.

Inside `vmap(f, axis_name="i")` the function sees one element, and a collective is where it meets
the others: `psum(x, "i")` is the sum over all of them. The name stays in the equation, as its
effect, until the interpreter of that axis meets it. To `vmap` the axis is one more dimension of an
array, so each class says what it does with the whole batch, `mapped`. On devices the same equation
is a message.

>>> import minijax as jax, minijax.numpy as jnp
>>> jax.vmap(lambda x: x / jax.lax.psum(x, "i"), axis_name="i")(jnp.array([1.0, 3.0]))
Array([0.25, 0.75], dtype=float32)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.batching import AxisData, batch, batch_flat, move_axis, move_to_front
from minijax.core import Array, ShapedArray, Tracer, axis_env, typeof
from minijax.families import (
    Collective,
    LinearMap,
    broadcast_in_dim,
    convert,
    mul,
    reduce_sum,
    reduce_sum_p,
    reshape,
    transpose,
    zeros,
)
from minijax.lax.creation import iota
from minijax.lax.joining import concatenate
from minijax.lax.shaping import squeeze
from minijax.lax.slicing import slice_in_dim
from minijax.selection import select_n
from minijax.tree_util import tree_map

__all__ = [
    "all_gather", "all_gather_p", "all_to_all", "all_to_all_p", "axis_index", "axis_index_p",
    "axis_size", "pbroadcast", "pbroadcast_p", "pmax", "pmax_p", "pmean", "pmin", "pmin_p",
    "ppermute", "ppermute_p", "pshuffle", "psum", "psum_p", "psum_scatter", "pswapaxes",
    "reduce_scatter_p",
]

# --- names -----------------------------------------------------------------------------------


def as_names(axis_name: Any) -> tuple:
    return tuple(axis_name) if isinstance(axis_name, (tuple, list)) else (axis_name,)


def axis_size(axis_name: Any) -> int:
    """The size of a named axis, a Python integer; of several names, the product.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.vmap(lambda x: x * jax.lax.axis_size("i"), axis_name="i")(jnp.arange(3))
    Array([0, 3, 6], dtype=int32)

    Raises:
      NameError: no mapped axis of that name is in scope.
    """
    env = dict(reversed(axis_env()))  # of two axes with one name, the inner one counts
    for name in as_names(axis_name):
        if name not in env:
            bound = ", ".join(repr(n) for n in env) or "none"
            raise NameError(
                f"unbound axis name: {name}. The names bound here: {bound}. A name is bound inside "
                f"the function that is mapped with it: jax.vmap(f, axis_name={name!r}).")
    return math.prod(env[name] for name in as_names(axis_name))


def as_groups(groups: Any, names: tuple) -> tuple[tuple[int, ...], ...] | None:
    """`axis_index_groups` as tuples, if it divides the indices of the axis among its groups."""
    if groups is None:
        return None
    groups = tuple(map(tuple, groups))
    if sorted(itertools.chain(*groups)) != list(range(axis_size(names))):
        raise ValueError("axis_index_groups must cover all indices exactly once, got "
                         f"{groups} for an axis of size {axis_size(names)}")
    return groups


def group_size(groups: Sequence[Sequence[int]] | None, names: tuple) -> int:
    return axis_size(names) if groups is None else len(groups[0])


def unbound(prim: Any, names: tuple) -> NameError:
    return NameError(f"unbound axis name: {', '.join(map(str, names))}. {prim} is run where no "
                     "axis of that name is mapped.")


# --- the family: what vmap does ----------------------------------------------------------------


class AxisCollective(Collective):
    """`mapped(axis, x, **params)` does it for the whole batch, which is along dimension 0 of `x`.

    It returns the result and its batch dimension; None where all elements get the same.
    `positions` are the params that hold a dimension of the operand.
    """

    positions: tuple[str, ...] = ()

    def axis_names(self, params):
        return as_names(params["axis_name"])

    def impl(self, x, **params):
        raise unbound(self, self.axis_names(params))

    def shift(self, params: dict) -> dict:
        """The params on operands with one more leading dimension."""
        return {**params, **{k: params[k] + 1 for k in self.positions}}

    def mapped(self, axis: AxisData, x: Any, **params: Any) -> tuple[Any, int | None]:
        raise NotImplementedError

    def one_by_one(self, x: Any, **params: Any) -> Any:
        """The same along several names, as operations along one each."""
        raise NotImplementedError(f"{self} along several axes that vmap maps, "
                                  f"{self.axis_names(params)}: use one name")

    def along(self, axis: AxisData, x: Any, dim: int | None, **params: Any
              ) -> tuple[Any, int | None]:
        """`mapped`, wherever the batch dimension is, and for several names too."""
        if len(self.axis_names(params)) == 1:
            return self.mapped(axis, move_to_front(x, dim, axis.size), **params)
        (out,), (dim,) = batch_flat(lambda x: [self.one_by_one(x, **params)], axis, [x], [dim],
                                    "vmap")
        return out, dim


@batch.register
def _(prim: AxisCollective, axis, xs, dims, **params):
    (x,), (dim,) = xs, dims
    if axis.name is None or axis.name not in prim.axis_names(params):
        return [prim.bind(move_to_front(x, dim, axis.size), **prim.shift(params))], [0]
    if params.get("axis_index_groups") is not None:
        return [by_groups(prim, axis, move_to_front(x, dim, axis.size), **params)], [0]
    out, dim = prim.along(axis, x, dim, **params)
    return [out], [dim]


def by_groups(prim: AxisCollective, axis: AxisData, x: Any, axis_index_groups: tuple,
              **params: Any) -> Any:
    """Each group apart: its rows of the batch are a smaller batch."""
    outs = []
    for group in axis_index_groups:
        small = AxisData(len(group), axis.name)
        out, dim = prim.mapped(small, rows(x, group), axis_index_groups=None, **params)
        outs.append(move_to_front(out, dim, small.size))
    return rows(concatenate(outs, 0), np.argsort([*itertools.chain(*axis_index_groups)]))


def rows(x: Any, which: Sequence[int | None]) -> Any:
    """x[which], in slices, for indices that are known now; None stands for a row of zeros."""
    aval, pieces = typeof(x), []
    for _, run in itertools.groupby(
            enumerate(which), lambda p: None if p[1] is None else p[1] - p[0]):
        indices = [i for _, i in run]
        if indices[0] is None:
            pieces.append(zeros(aval.update(shape=(len(indices), *aval.shape[1:]))))
        else:
            pieces.append(slice_in_dim(x, indices[0], indices[-1] + 1))
    return concatenate(pieces, 0) if len(pieces) > 1 else pieces[0]


def split_dim(x: Any, dim: int, sizes: Sequence[int]) -> Any:
    """Dimension `dim` as several: those of `sizes`, and what is left."""
    shape = typeof(x).shape
    left = shape[dim] // math.prod(sizes)
    return reshape(x, (*shape[:dim], *sizes, left, *shape[dim + 1:]))


def merge_dims(x: Any, dim: int, count: int) -> Any:
    """`count` dimensions from `dim` on as one."""
    shape = typeof(x).shape
    return reshape(x, (*shape[:dim], math.prod(shape[dim: dim + count]), *shape[dim + count:]))


# --- reductions: psum, pmax, pmin ----------------------------------------------------------------


class AllReduce(AxisCollective):
    """Combines over `axes`: names, and dimensions of the operand that were names before vmap."""

    def __init__(self, name: str, reducer: Callable, repeat: Callable):
        super().__init__(name)
        self.reducer, self.repeat = reducer, repeat  # repeat(x, n): of n times the same

    def axis_names(self, params):
        return tuple(a for a in params["axes"] if not isinstance(a, int))

    def impl(self, x, *, axes, axis_index_groups):
        if names := self.axis_names({"axes": axes}):
            raise unbound(self, names)
        return self.reducer(x, axes)

    def abstract_eval(self, x, *, axes, axis_index_groups):
        dims = {a for a in axes if isinstance(a, int)}
        if not dims <= set(range(x.ndim)):
            raise ValueError(f"{self} over dimensions {sorted(dims)} of an operand of shape "
                             f"{x.shape}")
        if axis_index_groups is not None and dims:
            raise ValueError("axis_index_groups can only be used with reductions over named axes, "
                             f"but got: {axes}")
        return ShapedArray([n for i, n in enumerate(x.shape) if i not in dims], x.dtype)

    def weak_type_rule(self, avals, params):
        return False

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
    """The sum. Its transpose sums the cotangents over the names: every element used every x."""

    def transpose(self, cts, x, *, axes, axis_index_groups):
        names = self.axis_names({"axes": axes})
        (ct,), shape = cts, x.aval.shape
        kept = [i for i in range(len(shape)) if i not in axes]
        ct = broadcast_in_dim(ct, shape, kept)
        return [self.bind(ct, axes=names, axis_index_groups=axis_index_groups) if names else ct]


psum_p = SumReduce("psum", lambda x, axes: reduce_sum_p.impl(x, axes=axes),
                   lambda x, n: mul(x, np.asarray(n, typeof(x).dtype)))
pmax_p = AllReduce("pmax", lambda x, axes: np.max(x, axes), lambda x, n: x)
pmin_p = AllReduce("pmin", lambda x, axes: np.min(x, axes), lambda x, n: x)


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


# --- where am I ----------------------------------------------------------------------------------


class AxisIndex(AxisCollective):
    """The index of this element. It has no operand: the batch is 0, 1, 2, ..."""

    def impl(self, *, axis_name):
        raise unbound(self, (axis_name,))

    def abstract_eval(self, *, axis_name):
        return ShapedArray((), np.int32)


axis_index_p = AxisIndex("axis_index")


@batch.register
def _(prim: AxisIndex, axis, xs, dims, *, axis_name):
    return [iota(np.int32, axis.size)], [0]


def axis_index(axis_name: Any) -> Any:
    """Where this element is along the named axis, an int32; in a tuple, the last name is fastest.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.vmap(lambda x: x + jax.lax.axis_index("i"), axis_name="i")(jnp.zeros(3))
    Array([0., 1., 2.], dtype=float32)
    """
    axis_size(axis_name)
    if not isinstance(axis_name, (tuple, list)):
        return axis_index_p.bind(axis_name=axis_name)
    index, stride = Array(np.array(0, np.int32)), 1
    for name in reversed(axis_name):
        index = index + axis_index(name) * stride
        stride *= axis_size(name)
    return index


# --- exchanging ----------------------------------------------------------------------------------


class Permute(AxisCollective, LinearMap):
    """Element `source` goes to index `destination` for each pair in `perm`; others get zeros."""

    def abstract_eval(self, x, *, axis_name, perm):
        for ends in zip(*perm):
            if len(set(ends)) < len(ends):
                raise ValueError(f"ppermute sources and destinations must be unique, got {perm}")
        return x

    def mapped(self, axis, x, *, axis_name, perm):
        ends = {i for pair in perm for i in pair}
        if not ends <= set(range(axis.size)):
            raise ValueError(f"ppermute along axis {axis.name!r} of size {axis.size} names indices "
                             f"outside of it: {perm}")
        source = {dst: src for src, dst in perm}
        return rows(x, [source.get(i) for i in range(axis.size)]), 0

    def transpose(self, cts, x, *, axis_name, perm):
        return [self.bind(cts[0], axis_name=axis_name, perm=tuple((d, s) for s, d in perm))]


ppermute_p = Permute("ppermute")


def ppermute(x: Any, axis_name: Any, perm: Sequence[tuple[int, int]]) -> Any:
    """Send `x` along the named axis, from index to index as the pairs (source, destination) say.

    An index that is no destination gets zeros.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> ring = [(0, 1), (1, 2), (2, 0)]
    >>> jax.vmap(lambda x: jax.lax.ppermute(x, "i", ring), axis_name="i")(jnp.arange(3))
    Array([2, 0, 1], dtype=int32)

    Raises:
      ValueError: two pairs with one source or with one destination.
    """
    names, pairs = as_names(axis_name), tuple((int(s), int(d)) for s, d in perm)
    axis_size(names)
    return tree_map(lambda v: ppermute_p.bind(v, axis_name=names, perm=pairs), x)


def pshuffle(x: Any, axis_name: Any, perm: Sequence[int]) -> Any:
    """`ppermute`, where index i gets what index perm[i] has.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.vmap(lambda x: jax.lax.pshuffle(x, "i", [2, 0, 1]), axis_name="i")(jnp.arange(3))
    Array([2, 0, 1], dtype=int32)
    """
    if set(perm) != set(range(len(perm))):
        raise ValueError(f"`perm` does not represent a permutation: {perm}")
    return ppermute(x, axis_name, list(zip(perm, range(len(perm)))))


class Broadcast(AxisCollective, LinearMap):
    """Every element gets what the one at index `source` has."""

    def abstract_eval(self, x, *, axis_name, source):
        return x

    def mapped(self, axis, x, *, axis_name, source):
        if not 0 <= source < axis.size:
            raise ValueError(f"pbroadcast from index {source} of an axis of size {axis.size}")
        return squeeze(rows(x, [source]), (0,)), None

    def transpose(self, cts, x, *, axis_name, source):
        total = psum_p.bind(cts[0], axes=as_names(axis_name), axis_index_groups=None)
        return [select_n(axis_index(axis_name) == source, zeros(x.aval), total)]


pbroadcast_p = Broadcast("pbroadcast")


def pbroadcast(x: Any, axis_name: Any, source: int) -> Any:
    """What the element at index `source` of the named axis has, for all.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.vmap(lambda x: jax.lax.pbroadcast(x, "i", 1), axis_name="i")(jnp.arange(3))
    Array([1, 1, 1], dtype=int32)
    """
    axis_size(axis_name)
    return tree_map(lambda v: pbroadcast_p.bind(v, axis_name=axis_name, source=source), x)


# --- gathering and scattering ------------------------------------------------------------------


class AllGather(AxisCollective, LinearMap):
    """The whole axis, as a dimension; with `tiled`, as a longer one."""

    positions = ("all_gather_dimension",)

    def abstract_eval(self, x, *, all_gather_dimension, axis_name, axis_index_groups, axis_size,
                      tiled):
        shape, dim = list(x.shape), all_gather_dimension
        if tiled:
            shape[dim] *= axis_size
        else:
            shape.insert(dim, axis_size)
        return ShapedArray(shape, x.dtype)

    def mapped(self, axis, x, *, all_gather_dimension, tiled, **params):
        x = move_axis(x, 0, all_gather_dimension)
        return (merge_dims(x, all_gather_dimension, 2) if tiled else x), None

    def one_by_one(self, x, *, all_gather_dimension, axis_name, tiled, **params):
        for name in reversed(axis_name):
            x = all_gather(x, name, axis=all_gather_dimension, tiled=tiled)
        return x if tiled else merge_dims(x, all_gather_dimension, len(axis_name))

    def transpose(self, cts, x, *, all_gather_dimension, **params):
        return [reduce_scatter_p.bind(cts[0], scatter_dimension=all_gather_dimension, **params)]


class ReduceScatter(AxisCollective, LinearMap):
    """The sum over the axis, of which every element keeps its own part."""

    positions = ("scatter_dimension",)

    def abstract_eval(self, x, *, scatter_dimension, axis_name, axis_index_groups, axis_size,
                      tiled):
        shape, dim = list(x.shape), scatter_dimension
        if tiled and shape[dim] % axis_size:
            raise ValueError(f"tiled reduce_scatter operand scatter dimension size {shape[dim]} "
                             f"must be divisible by shard_count {axis_size}")
        if not tiled and shape[dim] != axis_size:
            raise ValueError(f"reduce_scatter operand scatter dimension size {shape[dim]} must "
                             f"match shard count {axis_size}")
        shape[dim: dim + 1] = [shape[dim] // axis_size] if tiled else []
        return ShapedArray(shape, x.dtype)

    def mapped(self, axis, x, *, scatter_dimension, tiled, **params):
        x = reduce_sum(x, (0,))
        return (split_dim(x, scatter_dimension, [axis.size]) if tiled else x), scatter_dimension

    def one_by_one(self, x, *, scatter_dimension, axis_name, tiled, **params):
        if not tiled:
            sizes = [axis_size(n) for n in axis_name]
            x = squeeze(split_dim(x, scatter_dimension, sizes), (scatter_dimension + len(sizes),))
        for name in axis_name:
            x = psum_scatter(x, name, scatter_dimension=scatter_dimension, tiled=tiled)
        return x

    def transpose(self, cts, x, *, scatter_dimension, **params):
        return [all_gather_p.bind(cts[0], all_gather_dimension=scatter_dimension, **params)]


all_gather_p = AllGather("all_gather")
reduce_scatter_p = ReduceScatter("reduce_scatter")


def dimension(axis: int, rank: int) -> int:
    """A dimension counted from the front."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {rank}")
    return axis % rank


def all_gather(x: Any, axis_name: Any, *, axis_index_groups: Any = None, axis: int = 0,
               tiled: bool = False) -> Any:
    """Everything along the named axis: a new dimension `axis` that holds the `x` of all elements.

    With `tiled` they are laid one after the other along the dimension `axis` that is there.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.vmap(lambda x: jax.lax.all_gather(x, "i"), axis_name="i")(jnp.arange(3))
    Array([[0, 1, 2],
           [0, 1, 2],
           [0, 1, 2]], dtype=int32)
    """
    names = as_names(axis_name)
    groups = as_groups(axis_index_groups, names)
    size = group_size(groups, names)

    def one(v: Any) -> Any:
        dim = dimension(axis, typeof(v).ndim + (not tiled))
        return all_gather_p.bind(v, all_gather_dimension=dim, axis_name=names,
                                 axis_index_groups=groups, axis_size=size, tiled=tiled)

    return tree_map(one, x)


def psum_scatter(x: Any, axis_name: Any, *, scatter_dimension: int = 0,
                 axis_index_groups: Any = None, tiled: bool = False) -> Any:
    """`psum(x, axis_name)`, of which index i keeps only row i of `scatter_dimension`.

    With `tiled` the dimension stays, and every element keeps an equal part of it.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> x = jnp.array([[1, 2], [30, 40]])
    >>> jax.vmap(lambda x: jax.lax.psum_scatter(x, "i"), axis_name="i")(x)
    Array([31, 42], dtype=int32)
    """
    names = as_names(axis_name)
    groups = as_groups(axis_index_groups, names)
    size = group_size(groups, names)

    def one(v: Any) -> Any:
        dim = dimension(scatter_dimension, typeof(v).ndim)
        return reduce_scatter_p.bind(v, scatter_dimension=dim, axis_name=names,
                                     axis_index_groups=groups, axis_size=size, tiled=tiled)

    return tree_map(one, x)


class AllToAll(AxisCollective, LinearMap):
    """Dimension `split_axis` is dealt out along the axis; what arrives is laid along `concat_axis`.
    """

    positions = ("split_axis", "concat_axis")

    def abstract_eval(self, x, *, split_axis, concat_axis, axis_name, axis_index_groups, tiled):
        size, shape = group_size(axis_index_groups, as_names(axis_name)), list(x.shape)
        if shape[split_axis] % size:
            raise ValueError(f"The size of all_to_all split_axis ({shape[split_axis]}) has to be "
                             f"divisible by the size of the named axis {axis_name} ({size})")
        shape[split_axis] //= size
        shape[concat_axis] *= size
        return ShapedArray(shape, x.dtype)

    def mapped(self, axis, x, *, split_axis, concat_axis, **params):
        x = split_dim(x, split_axis + 1, [axis.size])  # source, ..., destination, ...
        return self.lay(x, [split_axis + 1], [0], concat_axis), 0

    def one_by_one(self, x, *, split_axis, concat_axis, axis_name, **params):
        x = split_dim(x, split_axis, [axis_size(n) for n in axis_name])
        dims = [split_axis + i for i in range(len(axis_name))]
        for dim, name in zip(dims, axis_name):
            x = pswapaxes(x, name, dim)
        return self.lay(x, [], dims, concat_axis)

    def lay(self, x: Any, first: list[int], sources: list[int], concat_axis: int) -> Any:
        """The dimensions `first` in front, and `sources` merged into `concat_axis` of the rest."""
        rest = [i for i in range(typeof(x).ndim) if i not in (*first, *sources)]
        x = transpose(x, [*first, *rest[:concat_axis], *sources, *rest[concat_axis:]])
        return merge_dims(x, len(first) + concat_axis, len(sources) + 1)

    def transpose(self, cts, x, *, split_axis, concat_axis, **params):
        return [self.bind(cts[0], split_axis=concat_axis, concat_axis=split_axis, **params)]


all_to_all_p = AllToAll("all_to_all")


def all_to_all(x: Any, axis_name: Any, split_axis: int, concat_axis: int, *,
               axis_index_groups: Any = None, tiled: bool = False) -> Any:
    """Map the dimension `split_axis` instead of the named axis, which becomes `concat_axis`.

    Index i gets row i of `split_axis` of all elements. With `tiled` no dimension comes or goes:
    `split_axis` is cut into equal parts and `concat_axis` grows.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> x = jnp.arange(4).reshape(2, 2)
    >>> jax.vmap(lambda x: jax.lax.all_to_all(x, "i", 0, 0), axis_name="i")(x)
    Array([[0, 2],
           [1, 3]], dtype=int32)

    Raises:
      ValueError: `split_axis` does not have the size of the named axis, or a multiple of it.
    """
    groups = as_groups(axis_index_groups, as_names(axis_name))
    size = group_size(groups, as_names(axis_name))

    def one(v: Any) -> Any:
        shape = typeof(v).shape
        split, concat = (dimension(a, len(shape)) for a in (split_axis, concat_axis))
        if not tiled:
            if shape[split] != size:
                raise ValueError("all_to_all requires the size of the mapped axis axis_name to "
                                 f"equal x.shape[split_axis], but they are {size} and "
                                 f"{shape[split]} respectively.")
            if split != concat:  # a dimension of size 1, to grow
                concat += split < concat
                v = broadcast_in_dim(v, (*shape[:concat], 1, *shape[concat:]),
                                     [i for i in range(len(shape) + 1) if i != concat])
                split += concat <= split
        out = all_to_all_p.bind(v, split_axis=split, concat_axis=concat, axis_name=axis_name,
                                axis_index_groups=groups, tiled=tiled)
        return squeeze(out, (split,)) if not tiled and split != concat else out

    return tree_map(one, x)


def pswapaxes(x: Any, axis_name: Any, axis: int, *, axis_index_groups: Any = None) -> Any:
    """Swap the named axis with the dimension `axis` of `x`, which must be of the same size."""
    return all_to_all(x, axis_name, axis, axis, axis_index_groups=axis_index_groups)
