"""Values that are the same on all devices, and values that are not.

In the program of one device (`shard_map`), a type says over which axes of the mesh a value varies:
`float32[2]{V:x}`. What is the same for all may be used wherever something varying is wanted; so it
is repeated, once for each device, and its cotangent is the sum of theirs. `pcast` repeats on
purpose, where types must agree: in the carry of a loop.
"""

from __future__ import annotations

from typing import Any

from minijax.core import typeof
from minijax.families import LinearMap
from minijax.lax.all_reduce import psum_p
from minijax.lax.collectives import AxisCollective, as_names, axis_size, tracked
from minijax.tree_util import tree_map

__all__ = ["pcast", "pvary_p"]


class PVary(AxisCollective, LinearMap):
    """Each device has what all have."""

    def impl(self, x, *, axes):
        return x

    def axis_names(self, params):
        return params["axes"]

    def abstract_eval(self, x, *, axes):
        return x

    def same_for_all(self, axis, x, **params):
        return x, None

    def mapped(self, axis, x, **params):
        return x, 0

    def along(self, axis, x, dim, **params):
        return x, dim

    def transpose(self, cts, x, *, axes):
        return [psum_p.bind(cts[0], axes=axes, axis_index_groups=None)]


pvary_p = PVary("pvary")


def pcast(x: Any, axis_name: Any, *, to: str) -> Any:
    """The arrays of a pytree, with a type that says: this varies over the named axes.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> mesh = jax.make_mesh((1,), ("i",))
    >>> def f(x):
    ...     zero = jax.lax.pcast(jnp.zeros(()), "i", to="varying")
    ...     return jax.lax.scan(lambda c, y: (c + y, c), zero, x)[1]
    >>> jax.shard_map(f, mesh=mesh, in_specs=jax.P("i"), out_specs=jax.P("i"))(jnp.arange(4.0))
    Array([0., 0., 1., 3.], dtype=float32)

    Raises:
      NameError: no axis of that name is in scope.
      ValueError: `x` varies already, or `to` is not "varying".
    """
    names = as_names(axis_name)
    axis_size(names)
    if to != "varying":
        raise ValueError(f"lax.pcast makes a value vary: to='varying', got to={to!r}. What is the "
                         "same for all comes from a sum: lax.psum.")

    def one(v: Any) -> Any:
        if both := typeof(v).vma & set(names):
            raise ValueError(f"lax.pcast to 'varying' over {names} was given a value that varies "
                             f"over {', '.join(map(repr, sorted(both)))} already: its type is "
                             f"{typeof(v)}.")
        return pvary_p.bind(v, axes=names) if tracked(names) else v

    return tree_map(one, x)
