"""`with_sharding_constraint`: how a value inside of a program is to be divided."""

from __future__ import annotations

from typing import Any

from minijax.core import ArrayImpl, ShapedArray, Tracer, typeof
from minijax.families import Structural
from minijax.jvp import as_array
from minijax.layouts import There, put
from minijax.parallel.context import concrete, context_mesh
from minijax.parallel.engine import engine
from minijax.parallel.meshes import PartitionSpec
from minijax.parallel.shardings import NamedSharding, Sharding, SingleDeviceSharding
from minijax.scopes import spoken
from minijax.tree_util import flatten_axes, tree_flatten, tree_unflatten

__all__ = ["Constraint", "as_sharding", "constraint_p", "placed", "reshard",
           "reshard_p", "with_sharding_constraint"]


class Constraint(Structural):
    """The same value; its param says how it is divided."""

    def impl(self, x, *, sharding):
        return x

    def abstract_eval(self, x, *, sharding):
        sharding.check(x.shape)
        return settled(sharding, x).in_type(x)

    def transpose(self, cts, x, *, sharding):
        return [self.bind(cts[0], sharding=x.aval.divided or sharding)]

    def shift(self, params, size):
        sharding = params["sharding"]
        if isinstance(sharding, NamedSharding):
            spec = PartitionSpec(PartitionSpec.UNCONSTRAINED, *sharding.spec)
            sharding = sharding.update(spec=spec)
        return {"sharding": sharding}


def settled(sharding: Sharding, x: ShapedArray) -> Sharding:
    """Where a spec leaves a dimension open, it stays as the type says."""
    if not isinstance(sharding, NamedSharding) or PartitionSpec.UNCONSTRAINED not in sharding.spec:
        return sharding
    have = [None] * x.ndim if x.divided is None else x.divided.spec
    return sharding.update(spec=PartitionSpec(*(
        old if new is PartitionSpec.UNCONSTRAINED else new
        for old, new in zip(have, sharding.spec))))


constraint_p = Constraint("sharding_constraint")
reshard_p = Constraint("reshard")


def with_sharding_constraint(x: Any, shardings: Any) -> Any:
    """The arrays of a pytree, divided as `shardings` say: one for all, or a pytree prefix of them.

    Inside `jit` this says how the devices divide the value, and what is computed from it. Where
    types say that (all axes are `Explicit`), it changes nothing: the type must be the same.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> mesh = jax.make_mesh((1,), ("x",), (jax.sharding.AxisType.Auto,))
    >>> rows = jax.NamedSharding(mesh, jax.P("x"))
    >>> y = jax.jit(lambda x: jax.lax.with_sharding_constraint(x + 1, rows))(jnp.zeros(2))
    >>> print(y, y.sharding.spec)
    [1. 1.] P('x',)

    Raises:
      ValueError: an array that cannot be divided so.
      RuntimeError: a `PartitionSpec` where the context has no mesh (`jax.set_mesh`).
      AssertionError: the type of an array says that it is divided in another way.
    """
    leaves, tree = tree_flatten(x)
    wanted = flatten_axes("with_sharding_constraint shardings", x, shardings)
    return tree_unflatten(tree, [leaf if s is None else asserted(leaf, as_sharding(
        s, "with_sharding_constraint")) for leaf, s in zip(leaves, wanted)])


def asserted(x: Any, sharding: Sharding) -> Any:
    """The value, divided so. AssertionError: its type says otherwise."""
    if not (isinstance(sharding, NamedSharding) and sharding.mesh.are_all_axes_explicit
            and spoken()):
        return constrained(x, sharding)
    have, want = typeof(x), sharding.in_type(typeof(x))
    if have.divided != want.divided:
        raise AssertionError(
            "`with_sharding_constraint` acts as an assert when all axes of mesh are of type "
            f"`Explicit`. The type {have} did not match the sharding provided: {sharding.spec}. "
            "Please use `jax.sharding.reshard` to shard your input to the sharding you want.")
    return x if isinstance(x, Tracer) else constrained(x, sharding)


def reshard(xs: Any, out_shardings: Any) -> Any:
    """The arrays of a pytree, divided in another way, along axes of type `Explicit`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> with jax.set_mesh(jax.make_mesh((1,), ("x",))):
    ...     jax.typeof(jax.reshard(jnp.zeros((8, 2)), jax.P("x")))
    ShapedArray(float32[8@x,2])

    Raises:
      ValueError: no sharding, one along other axes, or one that does not fit an array.
    """
    leaves, tree = tree_flatten(xs)
    out = []
    for x, wanted in zip(leaves, flatten_axes("reshard out_shardings", xs, out_shardings)):
        sharding = wanted if wanted is None else as_sharding(wanted, "reshard")
        if not isinstance(sharding, NamedSharding):
            raise ValueError("Reshard should only be used with out_shardings which are non-None "
                             f"and have a non-empty mesh. Got sharding {sharding}.")
        for name in sharding.spec.mentioned():
            if name not in sharding.mesh.explicit_axes:
                kind = dict(zip(sharding.mesh.axis_names, sharding.mesh.axis_types))[name]
                raise ValueError("PartitionSpec passed to reshard cannot contain axis names that "
                                 "are of type Auto or Manual. Got PartitionSpec: "
                                 f"{sharding.spec} with axis name: {name} of type: {kind}.")
        out.append(reshard_p.bind(x, sharding=sharding) if isinstance(x, Tracer) else
                   placed(as_array(x), sharding))
    return tree_unflatten(tree, out)


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
