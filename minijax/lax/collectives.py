"""Collectives: what the elements along a named axis compute together.

Inside `vmap(f, axis_name="i")` the function sees one element, and a collective is where it meets
the others: `psum(x, "i")` is the sum over all of them. The name stays in the equation, as its
effect, until the interpreter of that axis meets it. To `vmap` the axis is one more dimension of an
array, so each class says what it does with the whole batch, `mapped`. On devices, which have one
element each, the same equation is a message: there each class says it in terms of a few ways to
communicate, `across`.

>>> import minijax as jax, minijax.numpy as jnp
>>> jax.vmap(lambda x: x / jax.lax.psum(x, "i"), axis_name="i")(jnp.array([1.0, 3.0]))
Array([0.25, 0.75], dtype=float32)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.batching import AxisData, batch, batch_flat, move_to_front
from minijax.core import ArrayImpl, Primitive, ShapedArray, axis_env, typeof
from minijax.families import mul, reshape, zeros
from minijax.lax.creation import iota
from minijax.lax.elementwise import add
from minijax.lax.joining import concatenate
from minijax.lax.slicing import slice_in_dim

__all__ = ["axis_index", "axis_index_p", "axis_size"]

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
    env = {n: size for n, size, _ in reversed(axis_env())}  # of two with one name, the inner one
    for name in as_names(axis_name):
        if name not in env:
            bound = ", ".join(repr(n) for n in env) or "none"
            raise NameError(
                f"unbound axis name: {name}. The names bound here: {bound}. A name is bound inside "
                f"the function that is mapped with it: jax.vmap(f, axis_name={name!r}), or "
                "jax.pmap; jax.shard_map binds those of its mesh.")
    return math.prod(env[name] for name in as_names(axis_name))


def tracked(names: Sequence[Any]) -> frozenset:
    """Those of the names for which types say what varies along them (see `parallel/mapped.py`)."""
    return frozenset(n for n, _, known in axis_env() if known and n in names)


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


def dimension(axis: int, rank: int) -> int:
    """A dimension counted from the front."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {rank}")
    return axis % rank


class Here:
    """Where this process is: in a `meeting` of devices, if it is one that runs a program."""

    meeting: Any = None

    def group(self, prim: Any, names: tuple, groups: Any = None) -> Any:
        """The devices along these axes, as `prim` needs them. NameError: there are none."""
        group = self.meeting and self.meeting.group(names, groups)
        if group is None:
            raise unbound(prim, names)
        return group


here = Here()


def unbound(prim: Any, names: tuple) -> NameError:
    return NameError(f"unbound axis name: {', '.join(map(str, names))}. {prim} is run where no "
                     "axis of that name is mapped.")


# --- the family: what vmap does ----------------------------------------------------------------


class AxisCollective(Primitive):
    """Communicates along named axes, those that `axis_names` finds in its params.

    `mapped(axis, x, **params)` does it for the whole batch, which is along dimension 0 of
    `x`. It returns the result and its batch dimension; None where all elements get the same.
    `across(group, x, **params)` does it on one device, with the others of its group.
    `positions` are the params that hold a dimension of the operand. `equalizes`: all get the same.
    """

    positions: tuple[str, ...] = ()
    equalizes = False

    def axis_names(self, params):
        return as_names(params["axis_name"])

    def effects_of(self, params):
        return frozenset(self.axis_names(params))

    def impl(self, x, **params):
        groups = params.get("axis_index_groups")
        return self.across(here.group(self, self.axis_names(params), groups), x, **params)

    def across(self, group: Any, x: np.ndarray, **params: Any) -> np.ndarray:
        raise NotImplementedError

    def vma_rule(self, avals, params):
        return super().vma_rule(avals, params) | tracked(self.axis_names(params))

    def shift(self, params: dict) -> dict:
        """The params on operands with one more leading dimension."""
        return {**params, **{k: params[k] + 1 for k in self.positions}}

    def mapped(self, axis: AxisData, x: Any, **params: Any) -> tuple[Any, int | None]:
        raise NotImplementedError

    def same_for_all(self, axis: AxisData, x: Any, **params: Any) -> tuple[Any, int | None]:
        """`mapped`, where every element has this x."""
        return self.mapped(axis, move_to_front(x, None, axis.size), **params)

    def one_by_one(self, x: Any, **params: Any) -> Any:
        """The same along several names, as operations along one each."""
        raise NotImplementedError(f"{self} along several axes that vmap maps, "
                                  f"{self.axis_names(params)}: use one name")

    def along(self, axis: AxisData, x: Any, dim: int | None, **params: Any
              ) -> tuple[Any, int | None]:
        """`mapped`, wherever the batch dimension is, and for several names too."""
        if len(self.axis_names(params)) == 1:
            if dim is None:
                return self.same_for_all(axis, x, **params)
            return self.mapped(axis, move_to_front(x, dim, axis.size), **params)
        (out,), (dim,) = batch_flat(lambda x: [self.one_by_one(x, **params)], axis, [x], [dim],
                                    "vmap")
        return out, dim


@batch.register
def _(prim: AxisCollective, axis, xs, dims, /, **params):
    (x,), (dim,) = xs, dims
    if axis.name is None or axis.name not in prim.axis_names(params):
        return [prim.bind(move_to_front(x, dim, axis.size), **prim.shift(params))], [0]
    prim.abstract_eval(one_element(typeof(x), dim), **params)  # checks what it is asked to do
    if params.get("axis_index_groups") is not None:
        return [by_groups(prim, axis, move_to_front(x, dim, axis.size), **params)], [0]
    out, dim = prim.along(axis, x, dim, **params)
    return [out], [dim]


def one_element(aval: ShapedArray, dim: int | None) -> ShapedArray:
    """The type of one element of a batch along `dim`."""
    return aval if dim is None else aval.update(shape=(*aval.shape[:dim], *aval.shape[dim + 1:]))


def by_groups(prim: AxisCollective, axis: AxisData, x: Any, axis_index_groups: tuple,
              **params: Any) -> Any:
    """Each group apart: its rows of the batch are a smaller batch."""
    outs = []
    for group in axis_index_groups:
        small = AxisData(len(group), axis.name)
        out, dim = prim.mapped(small, rows(x, group), axis_index_groups=None, **params)
        outs.append(move_to_front(out, dim, small.size))
    order = np.argsort([*itertools.chain(*axis_index_groups)])
    return rows(concatenate(outs, 0), order.tolist())


def rows(x: Any, which: Sequence[Any]) -> Any:
    """x[which], in slices, for indices that are known now; None stands for a row of zeros."""
    aval, pieces = typeof(x), []
    for _, run in itertools.groupby(
            enumerate(which), lambda p: p[1] if p[1] is None else p[1] - p[0]):
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


# --- where am I ----------------------------------------------------------------------------------


class AxisIndex(AxisCollective):
    """The index of this element. It has no operand: the batch is 0, 1, 2, ..."""

    def impl(self, *, axis_name):
        return np.array(here.group(self, (axis_name,)).index, np.int32)

    def abstract_eval(self, *, axis_name):
        return ShapedArray((), np.int32)


axis_index_p = AxisIndex("axis_index")


@batch.register
def _(prim: AxisIndex, axis, xs, dims, /, *, axis_name):
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
    index, stride = ArrayImpl(np.array(0, np.int32)), 1
    for name in reversed(axis_name):
        index = add(index, mul(axis_index(name), ArrayImpl(np.array(stride, np.int32))))
        stride *= axis_size(name)
    return index
