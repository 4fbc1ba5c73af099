"""The collectives in which elements along a named axis send what they have to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.batching import AxisData, move_axis
from minijax.core import ShapedArray, typeof
from minijax.families import LinearMap, broadcast_in_dim, reduce_sum, transpose, zeros
from minijax.lax.all_reduce import psum_p
from minijax.lax.collectives import (
    AxisCollective,
    as_groups,
    as_names,
    axis_index,
    axis_size,
    dimension,
    group_size,
    merge_dims,
    rows,
    split_dim,
    tracked,
)
from minijax.lax.dynamic import dynamic_slice_in_dim
from minijax.lax.shaping import squeeze
from minijax.selection import select_n
from minijax.tree_util import tree_map

__all__ = [
    "all_gather", "all_gather_invariant_p", "all_gather_p", "all_to_all", "all_to_all_p",
    "pbroadcast", "pbroadcast_p", "ppermute", "ppermute_p", "pshuffle", "psum_scatter", "pswapaxes",
    "reduce_scatter_p",
]

# --- parts of the array of one device ------------------------------------------------------------


def dealt(x: np.ndarray, dim: int, count: int) -> np.ndarray:
    """`count` equal parts of the dimension `dim`, stacked in front."""
    x = x.reshape(*x.shape[:dim], count, x.shape[dim] // count, *x.shape[dim + 1:])
    return np.moveaxis(x, dim, 0)


def merged(x: np.ndarray, dim: int) -> np.ndarray:
    """The dimensions `dim` and the next one as one."""
    return x.reshape(*x.shape[:dim], x.shape[dim] * x.shape[dim + 1], *x.shape[dim + 2:])


# --- from one to one, from one to all ------------------------------------------------------------


class Permute(AxisCollective, LinearMap):
    """Element `source` goes to index `destination` for each pair in `perm`; others get zeros."""

    def abstract_eval(self, x, *, axis_name, perm):
        for ends in zip(*perm):
            if len(set(ends)) < len(ends):
                raise ValueError(f"ppermute sources and destinations must be unique, got {perm}")
        return x

    def sources(self, name: Any, size: int, perm: tuple) -> dict[int, int]:
        """From where each destination gets what it gets."""
        if not {i for pair in perm for i in pair} <= set(range(size)):
            raise ValueError(f"ppermute along axis {name!r} of size {size} names indices outside "
                             f"of it: {perm}")
        return {dst: src for src, dst in perm}

    def across(self, group, x, *, axis_name, perm):
        sources = self.sources(axis_name, group.size, perm)
        target = next((d for d, s in sources.items() if s == group.index), None)
        return group.permute(self.name, x, sources.get(group.index), target)

    def mapped(self, axis, x, *, axis_name, perm):
        source = self.sources(axis.name, axis.size, perm)
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

    equalizes = True

    def abstract_eval(self, x, *, axis_name, source):
        return x

    def across(self, group, x, *, axis_name, source):
        return group.broadcast(self.name, x, source)

    def mapped(self, axis, x, *, axis_name, source):
        if not 0 <= source < axis.size:
            raise ValueError(f"pbroadcast from index {source} of an axis of size {axis.size}")
        return squeeze(rows(x, [source]), (0,)), None

    def same_for_all(self, axis, x, **params):
        return x, None

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
    equalizes = True

    def abstract_eval(self, x, *, all_gather_dimension, axis_name, axis_index_groups, axis_size,
                      tiled):
        shape, dim = list(x.shape), all_gather_dimension
        if tiled:
            shape[dim] *= axis_size
        else:
            shape.insert(dim, axis_size)
        return ShapedArray(shape, x.dtype)

    def across(self, group, x, *, all_gather_dimension, tiled, **params):
        x = np.moveaxis(group.all_gather(self.name, x), 0, all_gather_dimension)
        return merged(x, all_gather_dimension) if tiled else x

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

    def across(self, group, x, *, scatter_dimension, tiled, **params):
        x = dealt(x, scatter_dimension, group.size)
        out = group.reduce_scatter(self.name, x, np.add)
        return out if tiled else np.squeeze(out, scatter_dimension)

    def mapped(self, axis, x, *, scatter_dimension, tiled, **params):
        return self.kept(axis, reduce_sum(x, (0,)), scatter_dimension, tiled)

    def same_for_all(self, axis, x, *, scatter_dimension, tiled, **params):
        return self.kept(axis, psum_p.repeat(x, axis.size), scatter_dimension, tiled)

    def kept(self, axis: AxisData, x: Any, dim: int, tiled: bool) -> tuple[Any, int]:
        """The sum `x` dealt out: dimension `dim`, or the first half of it, becomes the batch's."""
        return (split_dim(x, dim, [axis.size]) if tiled else x), dim

    def one_by_one(self, x, *, scatter_dimension, axis_name, tiled, **params):
        if not tiled:
            sizes = [axis_size(n) for n in axis_name]
            x = squeeze(split_dim(x, scatter_dimension, sizes), (scatter_dimension + len(sizes),))
        for name in axis_name:
            x = psum_scatter(x, name, scatter_dimension=scatter_dimension, tiled=tiled)
        return x

    def transpose(self, cts, x, *, scatter_dimension, **params):
        return [all_gather_p.bind(cts[0], all_gather_dimension=scatter_dimension, **params)]


class AllGatherInvariant(AllGather):
    """The same where types say that it is the same for all; so its cotangent is, too."""

    def vma_rule(self, avals, params):
        return avals[0].vma - set(params["axis_name"])

    def transpose(self, cts, x, *, all_gather_dimension, axis_name, tiled, **params):
        size = x.aval.shape[all_gather_dimension] if tiled else 1
        part = dynamic_slice_in_dim(cts[0], axis_index(axis_name) * size, size,
                                    all_gather_dimension)
        return [part if tiled else squeeze(part, (all_gather_dimension,))]


all_gather_p = AllGather("all_gather")
all_gather_invariant_p = AllGatherInvariant("all_gather_invariant")
reduce_scatter_p = ReduceScatter("reduce_scatter")


def all_gather(x: Any, axis_name: Any, *, axis_index_groups: Any = None, axis: int = 0,
               tiled: bool = False, to: str = "varying") -> Any:
    """Everything along the named axis: a new dimension `axis` that holds the `x` of all elements.

    With `tiled` they are laid one after the other along the dimension `axis` that is there. In
    `shard_map`, the type of the result says that it may vary from device to device, or, with
    `to="invarying"`, that it does not.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.vmap(lambda x: jax.lax.all_gather(x, "i"), axis_name="i")(jnp.arange(3))
    Array([[0, 1, 2],
           [0, 1, 2],
           [0, 1, 2]], dtype=int32)
    """
    names = as_names(axis_name)
    groups = as_groups(axis_index_groups, names)
    size = group_size(groups, names)
    if to not in ("varying", "invarying") or to == "invarying" and groups:
        raise ValueError("all_gather to='varying', or, without groups, to='invarying'; got "
                         f"to={to!r}")
    prim = all_gather_invariant_p if to == "invarying" and tracked(names) else all_gather_p

    def one(v: Any) -> Any:
        dim = dimension(axis, typeof(v).ndim + (not tiled))
        return prim.bind(v, all_gather_dimension=dim, axis_name=names,
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


# --- everything to everyone ----------------------------------------------------------------------


class AllToAll(AxisCollective, LinearMap):
    """Dimension `split_axis` is dealt out along the axis; what arrives is laid along `concat_axis`.
    """

    positions = ("split_axis", "concat_axis")

    def abstract_eval(self, x, *, split_axis, concat_axis, axis_name, axis_index_groups, axis_size,
                      tiled):
        shape = list(x.shape)
        if shape[split_axis] % axis_size:
            raise ValueError(f"The size of all_to_all split_axis ({shape[split_axis]}) has to be "
                             f"divisible by the size of the named axis {axis_name} ({axis_size})")
        shape[split_axis] //= axis_size
        shape[concat_axis] *= axis_size
        return ShapedArray(shape, x.dtype)

    def across(self, group, x, *, split_axis, concat_axis, **params):
        x = group.all_to_all(self.name, dealt(x, split_axis, group.size))
        return merged(np.moveaxis(x, 0, concat_axis), concat_axis)

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
                                axis_index_groups=groups, axis_size=size, tiled=tiled)
        return squeeze(out, (split,)) if not tiled and split != concat else out

    return tree_map(one, x)


def pswapaxes(x: Any, axis_name: Any, axis: int, *, axis_index_groups: Any = None) -> Any:
    """Swap the named axis with the dimension `axis` of `x`, which must be of the same size."""
    return all_to_all(x, axis_name, axis, axis, axis_index_groups=axis_index_groups)
