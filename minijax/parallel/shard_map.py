"""shard_map: the program of one device, written by the user, run by all devices of a mesh."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minijax.api_util import check_callable, flatten_args, leaf_names
from minijax.core import ArrayImpl, typeof
from minijax.jit import programs_of, traced
from minijax.jvp import as_array
from minijax.parallel.constraint import constraint_p
from minijax.parallel.context import concrete, context_mesh
from minijax.parallel.dividing import divided, joined, part_of
from minijax.parallel.mapped import axes_in_scope, axis_traces, mesh_in_scope, shard_map_p
from minijax.parallel.meshes import AxisType, BaseMesh, Mesh, PartitionSpec
from minijax.parallel.shardings import NamedSharding, check_devices
from minijax.source_info import name_of
from minijax.tree_util import (
    flatten_axes,
    keystr,
    tree_flatten_with_path,
    tree_leaves_with_path,
    tree_unflatten,
)

__all__ = ["Infer", "shard_map"]

Infer = type("InferFromArgs", (), {"__repr__": lambda _: "Infer"})()


def shard_map(f: Callable | None = None, /, *, out_specs: Any, in_specs: Any = Infer,
              mesh: BaseMesh | None = None, axis_names: Any = frozenset(), check_vma: bool = True
              ) -> Callable:
    """`f` on every device of a mesh, each with its part of the arguments.

    Inside `f` the axes of the mesh have names, for collectives such as `lax.psum`. What `f` returns
    on the devices is put together again.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.config.update("jax_num_cpu_devices", 4)
    >>> mesh = jax.make_mesh((2, 2), ("x", "y"))
    >>> @jax.shard_map(mesh=mesh, in_specs=jax.P("x", "y"), out_specs=jax.P("x"))
    ... def row_sums(block):
    ...     return jax.lax.psum(block.sum(1), "y")
    >>> row_sums(jnp.arange(8.0).reshape(2, 4))
    Array([ 6., 22.], dtype=float32)
    >>> jax.config.update("jax_num_cpu_devices", -1)

    Args:
      in_specs: for each argument a `PartitionSpec`, or a pytree of them that is a prefix of the
        argument: which dimension is divided along which axis. Along axes that are not mentioned,
        all devices get the same. By default as the arguments are divided already, along axes of
        type `Explicit` (those of `jax.make_mesh`). None: any value,
        which `f` gets as it is.
      out_specs: likewise how the results are put together. Along axes that are not mentioned they
        must be the same on all devices.
      mesh: by default that of the `shard_map` around it, or of the context, `jax.set_mesh`. One
        without devices (`AbstractMesh`) is on those of the arguments, or of the context.
      axis_names: the axes that have names inside; by default all. Along the others every device
        has the same.
      check_vma: follow in types (`float32[2]{V:x}`) what varies over which axis, and refuse
        results that are not the same on all devices where `out_specs` says so. If not, the first
        device's result is taken, and inside `f`, `grad` counts what every device has for itself.

    Raises:
      ValueError: a spec that does not fit an argument or a result, sizes that cannot be divided.
    """
    options = {"out_specs": out_specs, "in_specs": in_specs, "mesh": mesh,
               "axis_names": axis_names, "check_vma": check_vma}
    if f is None:
        return functools.partial(shard_map, **options)
    check_callable(f)
    for what, specs in ("in_specs", in_specs), ("out_specs", out_specs):
        check_types(what, specs)
    sharded = ShardMapped(f, **options)
    sharded.check_mesh(mesh)
    return sharded


class ShardMapped:
    """A function of whole arrays that is run in parts."""

    def __init__(self, f: Callable, out_specs: Any, in_specs: Any, mesh: BaseMesh | None,
                 axis_names: Any, check_vma: bool):
        functools.update_wrapper(self, f)
        self.f, self.mesh, self.check_vma = f, mesh, check_vma
        self.in_specs = tuple(in_specs) if isinstance(in_specs, list) else in_specs
        self.out_specs, self.programs = out_specs, programs_of(f)
        self.axis_names = {axis_names} if isinstance(axis_names, str) else set(axis_names)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def check_mesh(self, mesh: BaseMesh | None) -> tuple:
        """The axes that have names inside, in the order of the mesh, checked as far as possible."""
        if mesh is None:
            return ()
        if not isinstance(mesh, BaseMesh):
            raise TypeError("shard_map requires a `jax.sharding.Mesh` or a "
                            f"`jax.sharding.AbstractMesh`, got {mesh!r} of type {type(mesh)}.")
        if not self.axis_names <= set(mesh.axis_names):
            raise ValueError(f"jax.shard_map requires axis_names={self.axis_names} to be a subset "
                             f"of mesh.axis_names={mesh.axis_names}")
        axes = tuple(n for n in mesh.axis_names if not self.axis_names or n in self.axis_names)
        check_names("in_specs", self.in_specs, axes)
        check_names("out_specs", self.out_specs, axes)
        return axes

    def check_context(self, mesh: Mesh, axes: Sequence[Any]) -> None:
        """ValueError: another mesh is that of the context. TypeError: specs cannot be inferred."""
        there = context_mesh().abstract_mesh
        if not there.empty and not axis_traces() and there != mesh.abstract_mesh:
            raise ValueError(f"The context mesh {there} should match the mesh passed to shard_map "
                             f"{mesh}")
        types = {n: t for n, t in zip(mesh.axis_names, mesh.axis_types) if n in axes}
        if self.in_specs is Infer and set(types.values()) != {AxisType.Explicit}:
            raise TypeError("shard_map in_specs argument must be a pytree of "
                            "`jax.sharding.PartitionSpec` instances, but it was not specified when "
                            f"axis_names={set(types)} are of type "
                            f"{', '.join(map(str, types.values()))}. Only where arrays have "
                            "Explicit axes do their types say how they are divided.")

    def __call__(self, *args: Any) -> Any:
        leaves, in_tree = flatten_args(args, {})
        mesh = mesh_in_scope() if self.mesh is None else with_devices(self.mesh, leaves)
        if mesh.empty:
            raise ValueError("The context mesh cannot be empty: give shard_map a mesh, or use "
                             "`jax.set_mesh(mesh)` to enter into a mesh context")
        axes = self.check_mesh(mesh)
        self.check_context(mesh, axes)
        specs = ([spec_of(x, mesh, axes) for x in leaves] if self.in_specs is Infer else
                 flatten_axes("shard_map in_specs", args, self.in_specs))
        if None in specs:
            return self.with_constants(leaves, specs, in_tree, mesh)
        self.check_arguments(leaves, specs, in_tree, mesh)
        check_devices(name_of(self.f), mesh.devices.flat, leaves)
        leaves = [as_array(x) for x in leaves]
        avals = tuple(part_of(a, s, mesh).update(vma=a.vma | set(s.mentioned()))
                      for a, s in zip(map(typeof, leaves), specs))
        with axes_in_scope(mesh, axes, self.check_vma):
            if not self.check_vma:
                avals = tuple(a.update(vma=a.vma - set(axes)) for a in avals)
            found = traced(self.programs, self.f, "shard_map", avals, in_tree)
        out = tree_unflatten(found.out_tree, found.jaxpr.out_avals)
        out_specs = flatten_axes("shard_map out_specs", out, self.out_specs)
        self.check_results(out, out_specs, mesh, axes)
        operands = [divided(x, s, mesh, axes) for x, s in zip(leaves, specs)]
        outs = shard_map_p.bind(*found.captured, *operands, jaxpr=found.jaxpr,
                                name=name_of(self.f), mesh=mesh, axes=axes,
                                check_vma=self.check_vma)
        return tree_unflatten(found.out_tree, [
            labelled(joined(x, s, mesh, axes), s, mesh) for x, s in zip(outs, out_specs)])

    def with_constants(self, leaves: Sequence[Any], specs: Sequence[Any], in_tree: Any, mesh: Mesh
                       ) -> Any:
        """The result where some arguments have no spec: `f` closes over them."""
        @functools.wraps(self.f)
        def f(*values: Any) -> Any:
            given = iter(values)
            args, _ = tree_unflatten(in_tree, [x if s is None else next(given)
                                               for x, s in zip(leaves, specs)])
            return self.f(*args)

        wanted = [(x, s) for x, s in zip(leaves, specs) if s is not None]
        mapped = ShardMapped(f, self.out_specs, tuple(s for _, s in wanted), mesh,
                             self.axis_names, self.check_vma)
        return mapped(*(x for x, _ in wanted))

    def check_arguments(self, leaves: Sequence[Any], specs: Sequence[PartitionSpec], in_tree: Any,
                        mesh: Mesh) -> None:
        names = leaf_names(self.f, in_tree)
        for x, spec, name in zip(leaves, specs, names):
            aval = typeof(x)
            if len(spec) > aval.ndim:
                raise ValueError(
                    f"shard_map applied to the function '{name_of(self.f)}' was given an in_specs "
                    "entry which is too long to be compatible with the corresponding input value: "
                    f"{spec}, which has length {len(spec)}, but the argument {name} has shape "
                    f"{aval.str_short()}, which has rank {aval.ndim}. Make the spec shorter. For "
                    "scalar values (rank 0), consider using an in_specs entry of `P()`.")
            for i, n in enumerate(aval.shape):
                if n % mesh.count(spec.names(i)):
                    raise ValueError(
                        f"shard_map applied to the function '{name_of(self.f)}' was given argument "
                        "arrays with axis sizes that are not evenly divisible by the corresponding "
                        f"mesh axis sizes: the argument {name} of shape {aval.str_short()} "
                        f"corresponds to in_specs of value {spec}, which maps array axis {i} (of "
                        f"size {n}) to {described(spec.names(i), mesh)}, but "
                        f"{mesh.count(spec.names(i))} does not evenly divide {n}. Pad the array, "
                        "or use another spec or mesh.")

    def check_results(self, out: Any, specs: Sequence[PartitionSpec], mesh: Mesh, axes: tuple
                      ) -> None:
        """ValueError: a result is not what its spec says."""
        name = name_of(self.f)
        for (path, aval), spec in zip(tree_leaves_with_path(out), specs):
            if len(spec) > aval.ndim:
                raise ValueError(
                    f"shard_map applied to the function '{name}' was given an out_specs entry "
                    "which is too long to be compatible with the corresponding output value from "
                    f"the function: {spec}, which has length {len(spec)}, but {name}(*args)"
                    f"{keystr(path)} has shape {aval.str_short()}, which has rank {aval.ndim}. "
                    "Make the spec shorter: P() for what is the same on all devices; or return "
                    "x[None], which can be put together along its new axis.")
            extra = sorted((aval.vma & set(axes)) - set(spec.mentioned()), key=str)
            if self.check_vma and extra:
                raise ValueError(
                    f"shard_map applied to the function '{name}' was given out_specs which require "
                    "replication which can't be statically inferred given the mesh:\n\n"
                    f"The mesh given has shape {mesh.axis_sizes} with corresponding axis names "
                    f"{mesh.axis_names}.\n\nout_specs{keystr(path)} is {spec}, so the result must "
                    f"be the same along {', '.join(map(repr, extra))}, but it has type "
                    f"{aval.str_short()}: it may vary there.\n\nMention the axis in out_specs, or "
                    "combine the values along it first, for example with lax.psum. If you know "
                    "that they are equal, pass check_vma=False to `jax.shard_map`.")


def described(names: Sequence[Any], mesh: Mesh) -> str:
    """Axes and their sizes, in words."""
    if len(names) == 1:
        return f"mesh axis {names[0]!r} (of size {mesh.shape[names[0]]})"
    return (f"mesh axes {tuple(names)!r} (of total size {mesh.count(names)})")


def check_types(what: str, specs: Any) -> None:
    """TypeError: something among the specs is no PartitionSpec."""
    for path, spec in tree_flatten_with_path(specs)[0]:
        if not isinstance(spec, PartitionSpec) and spec is not Infer:
            raise TypeError(f"shard_map {what} argument must be a pytree of "
                            f"`jax.sharding.PartitionSpec` instances, but:\n\n  {what}"
                            f"{keystr(path)} is {spec} of type {type(spec).__name__}\n\n"
                            f"Check the {what} values passed to shard_map.")


def check_names(what: str, specs: Any, axes: Sequence[Any]) -> None:
    """ValueError: a spec names an axis that has no name inside, or one axis twice."""
    for path, spec in tree_flatten_with_path(specs)[0]:
        names = spec.mentioned() if isinstance(spec, PartitionSpec) else []
        for n in names:
            if n not in axes:
                raise ValueError(f"shard_map {what} argument must refer to an axis marked as "
                                 f"manual ({', '.join(map(repr, axes))}), but:\n\n  "
                                 f"{what}{keystr(path)} refers to {n!r}\n\n"
                                 f"Check the {what} values passed to shard_map.")
            if names.count(n) > 1:
                raise ValueError(f"shard_map {what}{keystr(path)} is {spec}, which divides two "
                                 f"dimensions along one axis, {n!r}.")


def with_devices(mesh: BaseMesh, args: Sequence[Any]) -> Mesh:
    """The mesh; one without devices is on those of the arguments, if they say so."""
    meshes = (getattr(getattr(x, "_sharding", None), "mesh", None) for x in args)
    return next((m for m in meshes if m is not None and m.abstract_mesh == mesh), concrete(mesh))


def spec_of(x: Any, mesh: Mesh, axes: Sequence[Any]) -> PartitionSpec:
    """How an argument is divided along these axes of the mesh."""
    sharding = getattr(x, "_sharding", typeof(x).divided)
    if not isinstance(sharding, NamedSharding) or sharding.mesh.axis_names != mesh.axis_names:
        return PartitionSpec()
    spec = sharding.spec
    entries = [tuple(n for n in spec.names(i) if n in axes) or None for i in range(len(spec))]
    return PartitionSpec(*entries)


def labelled(x: Any, spec: PartitionSpec, mesh: Mesh) -> Any:
    """A result says how it is divided: if it is not there yet, its type does."""
    where = NamedSharding(mesh, spec)
    if isinstance(x, ArrayImpl):
        return where.array(x._value, x.aval)
    typed = mesh.explicit_axes and not axis_traces()
    return constraint_p.bind(x, sharding=where) if typed else x
