"""smap: `shard_map` along one axis of the mesh of the context, with axes as `vmap` has them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minijax.parallel.meshes import PartitionSpec
from minijax.parallel.shard_map import Infer, shard_map
from minijax.tree_util import tree_leaves, tree_map

__all__ = ["smap"]


def smap(f: Callable | None = None, /, *, in_axes: Any = Infer, out_axes: Any, axis_name: Any
         ) -> Callable:
    """`f` on the devices along one axis of a mesh, each with its part of the arguments.

    The mesh is that of the context, and the other axes are left alone: `f` may itself be an `smap`
    along another one.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.config.update("jax_num_cpu_devices", 2)
    >>> share = jax.smap(lambda x: x / jax.lax.psum(x.sum(), "x"), in_axes=0, out_axes=0,
    ...                  axis_name="x")
    >>> with jax.set_mesh(jax.make_mesh((2,), ("x",), (jax.sharding.AxisType.Auto,))):
    ...     share(jnp.array([1.0, 2.0, 2.0, 5.0]))
    Array([0.1, 0.2, 0.2, 0.5], dtype=float32)
    >>> jax.config.update("jax_num_cpu_devices", -1)

    Args:
      in_axes: the dimension that is divided, for each argument: an int, None (all devices get the
        same), or a tuple of these. By default as the arguments are divided already.
      out_axes: where the parts of the results are put together, likewise.

    Raises:
      TypeError: another kind of axes, or more than one name.
      ValueError: there is no mesh in the context, or what `shard_map` says of its specs.
    """
    if f is None:
        return functools.partial(smap, in_axes=in_axes, out_axes=out_axes, axis_name=axis_name)
    if isinstance(axis_name, (list, tuple)):
        raise TypeError(f"smap axis_name should be a `str` or a `Hashable`, but got {axis_name}")
    if not (in_axes is Infer or isinstance(in_axes, (int, tuple, type(None)))):
        raise TypeError("smap in_axes must be an int, None, jax.sharding.Infer, or a tuple of "
                        "entries corresponding to the positional arguments passed to the function, "
                        f"but got {in_axes}.")
    return shard_map(f, axis_names={axis_name}, out_specs=specs("out_axes", out_axes, axis_name),
                     in_specs=in_axes if in_axes is Infer else specs("in_axes", in_axes, axis_name))


def specs(what: str, axes: Any, name: Any) -> Any:
    """A spec for each axis of a pytree. TypeError: something else is among them."""
    if not all(isinstance(axis, int) for axis in tree_leaves(axes)):
        raise TypeError(f"smap {what} must be an int, None, or (nested) container with those types "
                        f"as leaves, but got {axes}.")
    return tree_map(lambda axis: PartitionSpec() if axis is None else
                    PartitionSpec(*[None] * axis, name), axes, is_leaf=lambda axis: axis is None)
