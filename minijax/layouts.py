"""What `jit` knows of sharding: who asks for it, in its arguments or in a program.

A sharding (see `parallel/shardings.py`) knows how to do what it asks for: `put` divides an array,
`take` one that the user has not divided in another way, `follow` evaluates a program. So does a
mesh, which `shard_map` has.
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


def arguments_laid_out(args: Any, kwargs: dict, shardings: Any) -> Any:
    """The arguments of `jit`, each divided as its `in_shardings` say.

    ValueError: one is divided in another way already, or is given by name.
    """
    if shardings is not None and kwargs:
        raise ValueError("pjit does not support kwargs when in_shardings is specified: give "
                         f"{', '.join(kwargs)} by position.")
    return laid_out("jit in_shardings", args, shardings, "take")


def results_laid_out(out: Any, shardings: Any) -> Any:
    """The results of `jit`, each divided as its `out_shardings` say."""
    return laid_out("jit out_shardings", out, shardings, "put")


def laid_out(what: str, tree: Any, shardings: Any, how: str) -> Any:
    """A pytree of arrays, each divided as its sharding in a prefix says; None: as it is."""
    if shardings is None:
        return tree
    leaves, structure = tree_flatten(tree)
    wanted = flatten_axes(what, tree, shardings)
    for s in wanted:
        if s is not None and not hasattr(s, how):
            raise TypeError(f"{what} leaf specifications are expected to be shardings, "
                            f"PartitionSpecs or None, but got {s!r}")
    return tree_unflatten(structure, [x if s is None else getattr(s, how)(x)
                                      for x, s in zip(leaves, wanted)])
