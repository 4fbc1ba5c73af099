"""`with_sharding_constraint`: how a value inside of a program is to be divided."""

from __future__ import annotations

from typing import Any

from minijax.core import ArrayImpl, Tracer
from minijax.families import Structural
from minijax.jvp import as_array
from minijax.layouts import There, put
from minijax.parallel.context import concrete, context_mesh
from minijax.parallel.engine import engine
from minijax.parallel.meshes import PartitionSpec
from minijax.parallel.shardings import NamedSharding, Sharding, SingleDeviceSharding
from minijax.tree_util import flatten_axes, tree_flatten, tree_unflatten

__all__ = ["Constraint", "as_sharding", "constraint_p", "placed", "reshard",
           "with_sharding_constraint"]


class Constraint(Structural):
    """The same value; its param says how it is divided."""

    def impl(self, x, *, sharding):
        return x

    def abstract_eval(self, x, *, sharding):
        sharding.check(x.shape)
        return x

    def transpose(self, cts, x, *, sharding):
        return [self.bind(cts[0], sharding=sharding)]

    def shift(self, params, size):
        sharding = params["sharding"]
        if isinstance(sharding, NamedSharding):
            sharding = sharding.update(spec=PartitionSpec(None, *sharding.spec))
        return {"sharding": sharding}


constraint_p = Constraint("sharding_constraint")


def with_sharding_constraint(x: Any, shardings: Any) -> Any:
    """The arrays of a pytree, divided as `shardings` say: one for all, or a pytree prefix of them.

    Inside `jit` this says how the devices divide the value, and what is computed from it.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> mesh = jax.make_mesh((1,), ("x",))
    >>> rows = jax.NamedSharding(mesh, jax.P("x"))
    >>> y = jax.jit(lambda x: jax.lax.with_sharding_constraint(x + 1, rows))(jnp.zeros(2))
    >>> print(y, y.sharding.spec)
    [1. 1.] P('x',)

    Raises:
      ValueError: an array that cannot be divided so.
      RuntimeError: a `PartitionSpec` where the context has no mesh (`jax.set_mesh`).
    """
    leaves, tree = tree_flatten(x)
    wanted = flatten_axes("with_sharding_constraint shardings", x, shardings)
    return tree_unflatten(tree, [leaf if s is None else constrained(leaf, as_sharding(
        s, "with_sharding_constraint")) for leaf, s in zip(leaves, wanted)])


def reshard(xs: Any, out_shardings: Any) -> Any:
    """The arrays of a pytree, divided in another way: `with_sharding_constraint`."""
    return with_sharding_constraint(xs, out_shardings)


def constrained(x: Any, sharding: Sharding) -> Any:
    if isinstance(x, Tracer):
        return constraint_p.bind(x, sharding=sharding)
    return placed(as_array(x), sharding)


def placed(x: ArrayImpl, sharding: Sharding) -> ArrayImpl:
    """The array, divided so, where its devices see it."""
    sharding.check(x.shape)
    value = x._value if sharding.num_devices == 1 else engine().put(x._value)
    return sharding.array(value, x.aval)


def as_sharding(wanted: Any, what: str) -> Sharding:
    """A sharding on devices; a spec means the mesh of the context."""
    if isinstance(wanted, NamedSharding):
        return wanted.update(mesh=concrete(wanted.mesh))
    if isinstance(wanted, Sharding):
        return wanted
    if not isinstance(wanted, PartitionSpec):
        raise TypeError(f"{what} wants shardings or PartitionSpecs, got {wanted!r} of type "
                        f"{type(wanted).__name__}")
    if context_mesh().empty:
        kind = ValueError if what == "device_put" else RuntimeError
        raise kind(f"{what} requires a non-empty mesh in context if you are passing a "
                   "`PartitionSpec`. You can define a context mesh via `jax.set_mesh(mesh)`, or "
                   "pass jax.NamedSharding(mesh, spec).")
    return NamedSharding(concrete(context_mesh()), wanted)


@put.register
def _(where: There, x: Any) -> Any:
    return x if isinstance(x, Tracer) else placed(as_array(x), SingleDeviceSharding(where.device))


@put.register(Sharding)
@put.register(PartitionSpec)
def _(where: Any, x: Any) -> Any:
    return constrained(x, as_sharding(where, "jit"))
