"""pmap: `shard_map` over one axis, whose elements the function sees without that axis.

An argument that is mapped has a row for each device; None in `in_axes` means the same for all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.api_util import check_callable, flatten_args, positions
from minijax.batching import move_axis, place
from minijax.core import typeof
from minijax.devices import Device, local_devices
from minijax.donation import give_up, offered
from minijax.fast_path import Shortened
from minijax.jit import jit, programs_of, split_static, traced
from minijax.jvp import as_array
from minijax.lax.slicing import index_in_dim
from minijax.make_jaxpr import abstract
from minijax.mapped_axes import check_axes, input_axes
from minijax.parallel.mapped import axes_in_scope, shard_map_p
from minijax.parallel.meshes import Mesh, PartitionSpec
from minijax.parallel.shardings import NamedSharding
from minijax.source_info import name_of
from minijax.tree_util import flatten_axes, tree_structure, tree_unflatten

__all__ = ["pmap"]

UNNAMED = "_internal_pmap_axis_name"  # as JAX prints it


def chosen_devices(devices: Sequence[Device] | None, backend: str | None, count: int, name: str
                   ) -> Sequence[Device]:
    """The devices for an axis of size `count`. ValueError: there are not as many."""
    there = local_devices(backend) if devices is None else devices
    if len(there) < count and devices is not None:
        raise ValueError(f"pmap of {name} over an axis of size {count} was given {len(there)} "
                         f"devices: {list(there)}")
    if len(there) < count:
        raise ValueError(
            f"compiling computation `{name}` that requires {count} logical devices, but only "
            f"{len(there)} devices are available. Say how many there are, at any time, with "
            f"jax.config.update('jax_num_cpu_devices', {count}), or in the environment with "
            f"JAX_NUM_CPU_DEVICES={count}.")
    return there[:count]


class Pmapped(Shortened):
    """A function that is traced once for each type of its arguments, then run on devices."""

    def __init__(self, fun: Callable, axis_name: Any, in_axes: Any, out_axes: Any, static: tuple,
                 devices: Sequence[Device] | None, backend: str | None, axis_size: int | None,
                 donated: tuple):
        super().__init__(fun)
        self.axis_name, self.axis_size = UNNAMED if axis_name is None else axis_name, axis_size
        self.in_axes, self.out_axes, self.static, self.donated = in_axes, out_axes, static, donated
        self.devices, self.backend = None if devices is None else tuple(devices), backend
        self.programs = programs_of(fun)
        self.lower = jit(self).lower

    def long_way(self, args: tuple, kwargs: dict) -> Any:
        static, rest, _ = split_static(self.static, (), args, kwargs)
        in_axes = self.in_axes
        if isinstance(in_axes, tuple) and static and len(in_axes) == len(args):
            in_axes = tuple(d for i, d in enumerate(in_axes) if i not in dict(static))
        leaves, in_tree = flatten_args(rest, kwargs)
        dims, size = input_axes(self.fun, in_axes, self.axis_size, rest, kwargs, leaves, in_tree,
                                "pmap")
        name = name_of(self.fun)
        devices = chosen_devices(self.devices, self.backend, size, name)
        given, leaves = leaves, [x if d is None else move_axis(as_array(x), d, 0)
                                 for x, d in zip(leaves, dims)]
        avals = tuple(a if d is None else a.update(shape=a.shape[1:])
                      for a, d in zip(map(abstract, leaves), dims))
        mesh = Mesh(np.array(devices, object), (self.axis_name,))
        with axes_in_scope(mesh, mesh.axis_names, False):
            found = traced(self.programs, self.fun, "pmap", avals, in_tree, static)
        params = {"jaxpr": found.jaxpr, "name": name, "mesh": mesh, "axes": mesh.axis_names,
                  "check_vma": False}
        outs = shard_map_p.bind(*found.captured, *leaves, **params)
        wanted = flatten_axes("pmap out_axes", found.out_tree.unflatten(outs), self.out_axes)
        out = tree_unflatten(found.out_tree, [
            index_in_dim(x, 0, 0, keepdims=False) if w is None else place(x, 0, w, size)
            for x, w in zip(outs, wanted)])
        if self.donated:
            give_up(offered(*split_static(self.donated, (), args, kwargs)), out)
        elif all(x is y for x, y in zip(given, leaves)) and set(wanted) <= {0} and (
                in_tree == tree_structure((args, {}))):
            run = functools.partial(shard_map_p.impl, **params)
            self.remember(found, run, list(map(typeof, leaves)), list(map(typeof, outs)),
                          NamedSharding(mesh, PartitionSpec(self.axis_name)))
        return out


def pmap(fun: Callable, axis_name: Any = None, *, in_axes: Any = 0, out_axes: Any = 0,
         static_broadcasted_argnums: Any = (), devices: Sequence[Device] | None = None,
         backend: str | None = None, axis_size: int | None = None, donate_argnums: Any = (),
         global_arg_shapes: Any = None) -> Callable:
    """`fun` for every element along an axis of its arguments, each on a device of its own.

    A device is a process on this machine. There are as many as `jax.devices()` lists: one, until
    `jax.config.update("jax_num_cpu_devices", n)` says otherwise. Results stay in memory that all
    devices see, so nothing is copied when they are arguments of the next call, or are read.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.config.update("jax_num_cpu_devices", 2)
    >>> normalize = jax.pmap(lambda x: x / jax.lax.psum(x, "i"), axis_name="i")
    >>> normalize(jnp.array([1.0, 3.0]))
    Array([0.25, 0.75], dtype=float32)
    >>> jax.config.update("jax_num_cpu_devices", -1)

    Args:
      axis_name: a name by which collectives such as `lax.psum` refer to the axis.
      in_axes: the axis to map, for each argument: an int, None (the same for all), or a pytree
        of them that is a prefix of the arguments. Keyword arguments are mapped along axis 0.
      out_axes: where the mapped axis goes in the results, likewise; None: the first device's.
      static_broadcasted_argnums: arguments that are not traced, hashable, the same for all.
      devices: which devices: the first of these, as many as the axis is long.
      backend: or those of this platform; there is "cpu".
      axis_size: the size of the axis, if it is to be checked.
      donate_argnums: arguments whose memory may be reused.

    Raises:
      ValueError: more elements than devices, sizes that differ, a wrong prefix.
      JaxRuntimeError: a device has failed. The next call has new ones.
    """
    check_callable(fun)
    if devices is not None and not devices:
        raise ValueError("'devices' argument to pmap must be non-empty, or None.")
    check_axes("in_axes", in_axes, "pmap")
    check_axes("out_axes", out_axes, "pmap")
    in_axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes
    return Pmapped(fun, axis_name, in_axes, out_axes, positions(static_broadcasted_argnums),
                   devices, backend, axis_size, positions(donate_argnums))
