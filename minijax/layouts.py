"""What `jit` knows of sharding: who asks for it, in its arguments or in a program.

A sharding (see `parallel/shardings.py`) knows how to do what it asks for: `put` divides an array,
`follow` evaluates a program. So does a mesh, which `shard_map` has.
"""

from __future__ import annotations

from typing import Any

from minijax.jaxpr import Jaxpr, derived, subprograms
from minijax.tree_util import flatten_axes, tree_flatten, tree_unflatten


@derived
def wanted_sharding(jaxpr: Jaxpr) -> Any:
    """How a value of the program is to be divided among devices; None: it does not say."""
    found = (s for e in jaxpr.eqns for s in (
        e.params.get("sharding"), e.params.get("mesh"),
        *map(wanted_sharding, subprograms(e.params))))
    return next((s for s in found if s is not None), None)


def laid_out(what: str, tree: Any, shardings: Any) -> Any:
    """A pytree of arrays, each divided as its sharding in a prefix says; None: as it is."""
    if shardings is None:
        return tree
    leaves, structure = tree_flatten(tree)
    return tree_unflatten(structure, [x if s is None else s.put(x) for x, s in zip(
        leaves, flatten_axes(what, tree, shardings))])
