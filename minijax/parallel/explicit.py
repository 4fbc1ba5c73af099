"""Sharding in types: along axes of type `Explicit`, an array's type says how it is divided.

`float32[8@x,2]` is cut along its first dimension, along the axis `x` of a mesh. The types of
results follow from those of operands by the rules of `partition.py`. Where these would have to
choose, or to move an array to other devices, the user is asked instead: by an error, whose answer
is `reshard` or `out_sharding=`. What is not asked for by the user (derivatives, programs that run
again) is divided as the rules say.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from minijax.core import Primitive, ShapedArray, typeof
from minijax.errors import ShardingTypeError
from minijax.families import Elementwise, Program, Reshape
from minijax.jaxpr import subprograms
from minijax.lax.contraction import DotGeneral, free_axes
from minijax.lax.indexing import Gather
from minijax.layouts import typed
from minijax.parallel.constraint import Constraint, constrained, reshard
from minijax.parallel.context import concrete, context_mesh, use_abstract_mesh
from minijax.parallel.following import layout_by, plan_of
from minijax.parallel.mapped import get_abstract_mesh
from minijax.parallel.meshes import AxisType, BaseMesh, PartitionSpec
from minijax.parallel.partition import Layout, merged, reshaped
from minijax.parallel.shardings import NamedSharding, explicit_part, sized
from minijax.scopes import spoken, unspoken
from minijax.selection import Select
from minijax.tree_util import tree_map

__all__ = ["ManualAxisType", "auto_axes", "explicit_axes"]


@typed.register
def _(mesh: BaseMesh, prim: Primitive, avals: Sequence[ShapedArray], params: dict,
      outs: list[ShapedArray]) -> list[ShapedArray]:
    """By the plan that `jit` makes of the operation; of programs, what they say themselves."""
    if isinstance(prim, (Constraint, Program)) or any(subprograms(params)):
        return outs
    layouts = tuple(layout_by(a.divided, a.ndim, mesh) for a in avals)
    if spoken():
        refuse(prim, mesh, params, avals, layouts)
    plan = plan_of(prim, params, [a.update(divided=None) for a in avals], mesh, layouts)
    return [a.update(divided=explicit_part(mesh, s, a.ndim))
            for a, s in zip(outs, plan.out_specs)]


@dataclass(frozen=True)
class ManualAxisType:
    """The axes of a mesh over which a value varies, from device to device, inside of `shard_map`.

    JAX has two more ways, for values that are parts of a sum (`unreduced`), and for what becomes
    such a value backwards (`reduced`). Here no value is.
    """

    varying: frozenset = frozenset()
    unreduced: frozenset = frozenset()
    reduced: frozenset = frozenset()


def sharding_of(aval: ShapedArray) -> NamedSharding:
    """The sharding of a type; of what is not divided, along the mesh of the context."""
    return aval.divided or NamedSharding(get_abstract_mesh(), PartitionSpec(*[None] * aval.ndim))


ShapedArray.sharding = property(sharding_of)  # type: ignore[attr-defined]
ShapedArray.manual_axis_type = property(  # type: ignore[attr-defined]
    lambda aval: ManualAxisType(aval.vma))

# --- what is ambiguous ---------------------------------------------------------------------------


CUTTING = {"dynamic_slice": "dynamic_slice", "pad": "padding", "slice": "slicing"}


@singledispatch
def refuse(prim: Primitive, mesh: BaseMesh, params: dict, avals: Sequence[ShapedArray],
           layouts: Sequence[Layout]) -> None:
    """ShardingTypeError: it does not follow from the operands how the result is divided."""
    x, names = avals[0], layouts[0]
    if prim.name in CUTTING:
        shape = prim.abstract_eval(*avals, **params).shape
        for axes, n, size in zip(names, x.shape, shape):
            if axes and n != size and size % mesh.count(axes):
                raise ShardingTypeError(
                    f"{CUTTING[prim.name]} on sharded dims where out dim ({size}) is not divisible "
                    f"by mesh axes ({mesh.count(axes)}) with spec ({','.join(axes)}) is not "
                    f"implemented. Got input type={x.str_short(True)} and output shape={shape}. "
                    "Use `.at[...].get(out_sharding=)` to say how the result is divided.")
    if prim.name == "sort" and names[params["dimension"]]:
        raise ShardingTypeError("Arguments to sort must be unsharded over the sorting dimension. "
                                f"Got {x} and sorting dimension={params['dimension']}")
    if prim.name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"):
        if names[params["axis"]]:
            raise ShardingTypeError("Input should be unsharded over the axis being reduced. Got "
                                    f"input type={x} and axis={params['axis']}")
    if prim.name in ("concatenate", "stack") and len(set(layouts)) > 1:
        raise ShardingTypeError("All operands should have the same sharding. Got "
                                f"{', '.join(map(str, avals))}")


@refuse.register
def _(prim: Gather, mesh, params, avals, layouts):
    numbers, (names, others) = params["dimension_numbers"], layouts
    batch = dict(zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims))
    for i, (axes, n, size) in enumerate(zip(names, avals[0].shape, params["slice_sizes"])):
        apart = others[batch[i]] not in ((), axes) if i in batch else n != size
        if axes and apart:
            raise ShardingTypeError(
                "Use `.at[...].get(out_sharding=)` to provide output PartitionSpec for the gather "
                "indexing as out sharding could not be resolved unambiguously (or would require "
                "collectives on inputs). It takes parts of a dimension that is divided, of "
                f"{avals[0]}.")


@refuse.register
def _(prim: Elementwise, mesh, params, avals, layouts):
    rank = max(len(names) for names in layouts)
    full = [names for names in layouts if len(names) == rank]
    dims = [{axes for axes in entries if axes} for entries in zip(*full)]
    if any(len(entries) > 1 for entries in dims):
        specs = (str(PartitionSpec(*(axes or None for axes in names)).partitions)
                 for names in full)
        raise ShardingTypeError(f"{prim} got incompatible shardings for broadcasting: "
                                f"{', '.join(specs)}.")
    check_once(prim, params, mesh, avals, [next(iter(entries), ()) for entries in dims])


@refuse.register
def _(prim: Select, mesh, params, avals, layouts):
    if any(a and b and a != b for entries in layouts[2:] for a, b in zip(layouts[1], entries)):
        raise ShardingTypeError("select cases must have the same shardings, got "
                                f"{', '.join(map(str, avals[1:]))}")


@refuse.register
def _(prim: DotGeneral, mesh, params, avals, layouts):
    (lc, rc), (lb, rb) = params["dimension_numbers"]
    left, right = layouts
    sides = [tuple(left[i] for i in lc), tuple(right[i] for i in rc)]
    specs = [PartitionSpec(*(axes or None for axes in side)).partitions for side in sides]
    if any(a and b for a, b in zip(*sides)):
        if sides[0] != sides[1]:
            raise ShardingTypeError(
                "dot_general requires contracting dimensions to have consistent sharding, got "
                f"{specs[0]} and {specs[1]}.")
        raise ShardingTypeError(
            "Contracting dimensions are sharded and it is ambiguous how the output should be "
            "sharded. Please specify the output sharding via the `out_sharding` parameter. Got "
            f"lhs_contracting_spec={specs[0]} and rhs_contracting_spec={specs[1]}")
    check_once(prim, params, mesh, avals, [
        *(left[i] or right[j] for i, j in zip(lb, rb)),
        *(left[i] for i in free_axes(len(left), lc, lb)),
        *(right[i] for i in free_axes(len(right), rc, rb))])


@refuse.register
def _(prim: Reshape, mesh, params, avals, layouts):
    (x,), sizes, order = avals, params["new_sizes"], params["dimensions"] or range(avals[0].ndim)
    shape, layout = (tuple(entries[i] for i in order) for entries in (x.shape, layouts[0]))
    if (reshaped(shape, layout, sizes, mesh.shape)[0] != layout
            and not merged(shape, layout, sizes)):
        raise ShardingTypeError(
            "This reshape is not supported. Please specify the sharding of the output via the "
            f"`out_sharding` argument of jax.numpy.reshape. Got operand type: {x}, new sizes: "
            f"{sizes}")


def check_once(prim: Primitive, params: dict, mesh: BaseMesh, avals: Sequence[ShapedArray],
               layout: Sequence[tuple]) -> None:
    """ShardingTypeError: a result would be cut along one axis in two dimensions."""
    names = [n for axes in layout for n in axes]
    if len(set(names)) < len(names):
        out = prim.abstract_eval(*avals, **params)
        sizes = ",".join(sized(n, axes) for n, axes in zip(out.shape, layout))
        raise ShardingTypeError(
            f"{prim} operation with inputs: {', '.join(a.str_short(True) for a in avals)} produces "
            f"an illegally sharded result: {out.update(shape=()).str_short(True)[:-1]}{sizes}]")


# --- regions -------------------------------------------------------------------------------------


def auto_axes(f: Callable | None = None, /, *, axes: Any = None, out_sharding: Any = None
              ) -> Callable:
    """`f`, in which nothing is ambiguous: its arrays are divided by rules, as along `Auto` axes.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> square = jax.sharding.auto_axes(lambda x: x.T @ x, out_sharding=jax.P("x"))
    >>> with jax.set_mesh(jax.make_mesh((1,), ("x",))):
    ...     jax.typeof(square(jnp.ones((8, 2), out_sharding=jax.P("x"))))
    ShapedArray(float32[2@x,2])

    Args:
      out_sharding: how the results are divided; here, or as a keyword argument of the call.
      axes: a name or names of axes; by default all. Types inside do not name them.
    """
    if f is None:
        return functools.partial(auto_axes, axes=axes, out_sharding=out_sharding)

    @functools.wraps(f)
    def with_rules(*args: Any, **kwargs: Any) -> Any:
        wanted = out_sharding
        if wanted is None:
            if "out_sharding" not in kwargs:
                raise TypeError("Missing required keyword argument: 'out_sharding'")
            wanted = kwargs.pop("out_sharding")
        with unspoken():
            with use_abstract_mesh(get_abstract_mesh().update_axis_types(of_type(
                    AxisType.Auto, axes))):
                here = functools.partial(taken_to, get_abstract_mesh())
                out = f(*tree_map(here, args), **tree_map(here, kwargs))
            return reshard(out, wanted)

    return with_rules


def of_type(kind: AxisType, axes: Any) -> dict:
    """These axes of the mesh of the context, by default all, and that type."""
    names = get_abstract_mesh().axis_names if axes is None else axes
    return dict.fromkeys((names,) if isinstance(names, str) else names, kind)


def taken_to(mesh: BaseMesh, x: Any) -> Any:
    """A value, divided as its type says, along a mesh with axes of other types."""
    there = None if mesh.empty else typeof(x).divided
    return x if there is None else constrained(x, NamedSharding(concrete(mesh), there.spec))


def explicit_axes(f: Callable | None = None, /, *, axes: Any = None, in_sharding: Any = None
                  ) -> Callable:
    """`f`, in which axes of the mesh of the context are `Explicit`: types say what is divided.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> show = jax.sharding.explicit_axes(lambda x: print(jax.typeof(x)), in_sharding=jax.P("x"))
    >>> with jax.set_mesh(jax.make_mesh((1,), ("x",), (jax.sharding.AxisType.Auto,))):
    ...     show(jnp.zeros((8, 2)))
    float32[8@x,2]

    Args:
      in_sharding: how the arguments are divided; here, or as a keyword argument of the call.
      axes: a name or names of axes; by default all.
    """
    if f is None:
        return functools.partial(explicit_axes, axes=axes, in_sharding=in_sharding)

    @functools.wraps(f)
    def with_types(*args: Any, **kwargs: Any) -> Any:
        wanted = kwargs.pop("in_sharding", None) if in_sharding is None else in_sharding
        if wanted is None:
            raise TypeError("Missing required keyword argument: 'in_sharding'")
        if context_mesh().empty:
            raise ValueError("Context mesh cannot be empty. Please use `jax.set_mesh` API to enter "
                             "into a mesh context when using `explicit_axes` API.")
        mesh = get_abstract_mesh()
        with use_abstract_mesh(mesh.update_axis_types(of_type(AxisType.Explicit, axes))):
            out = f(*reshard(args, wanted), **kwargs)
        return tree_map(functools.partial(back_in, concrete(mesh)), out)

    return with_types


def back_in(mesh: BaseMesh, x: Any) -> Any:
    """A value, divided along a mesh with axes of other types as its own type says."""
    there = x.aval.divided
    return constrained(x, NamedSharding(mesh, PartitionSpec() if there is None else there.spec))
