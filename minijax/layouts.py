"""What `jit` knows of sharding: who asks for it, in its arguments or in a program.

Who asks is a sharding, a spec or a mesh. How to do it is known in `parallel/`, where `put` and
`follow` have a rule for each of these.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any

from minijax.core import Primitive, ShapedArray
from minijax.jaxpr import Jaxpr, derived, subprograms
from minijax.scopes import unspoken
from minijax.tree_util import flatten_axes, tree_flatten, tree_leaves, tree_unflatten
from minijax.treedef import PyTreeDef


@singledispatch
def put(where: Any, x: Any) -> Any:
    """A value, divided among devices as `where` says."""
    raise TypeError(f"jit wants shardings or PartitionSpecs, got {where!r} of type "
                    f"{type(where).__name__}")


def divisible(f: Callable) -> Callable:
    """A function whose result is divided as `out_sharding` says, where it is not clear how."""
    @functools.wraps(f)
    def divided(*args: Any, out_sharding: Any = None, **kwargs: Any) -> Any:
        if out_sharding is None:
            return f(*args, **kwargs)
        with unspoken():
            return put(out_sharding, f(*args, **kwargs))

    return divided


@singledispatch
def follow(where: Any, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
    """The results of an operation on what is divided as `where` says, or of a program with such
    a value in it."""
    raise NotImplementedError(f"a rule of follow for {type(where)}")


@singledispatch
def typed(where: Any, prim: Primitive, avals: Sequence[ShapedArray], params: dict,
          outs: list[ShapedArray]) -> list[ShapedArray]:
    """The types of results, saying how they are divided; that of an operand is, along `where`."""
    raise NotImplementedError(f"a rule of typed for {type(where)}")


@singledispatch
def shardings_of(where: Any, jaxpr: Jaxpr, ins: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Of arguments and results of a program, one of which is divided as `where` says: how all are.

    `ins` is known of the arguments; None: nothing is.
    """
    raise NotImplementedError(f"a rule of shardings_of for {type(where)}")


@derived
def wanted_sharding(jaxpr: Jaxpr) -> Any:
    """How a value of the program is to be divided among devices; None: it does not say."""
    found = (s for e in jaxpr.eqns for s in (
        e.params.get("sharding"), e.params.get("mesh"),
        *map(wanted_sharding, subprograms(e.params))))
    types = (a.divided for a in jaxpr.out_avals)
    return next((s for s in (*found, *types) if s is not None), None)


@dataclasses.dataclass(frozen=True)
class There:
    """What is asked for by `jit(f, device=...)`: everything is brought to this device."""

    device: Any


def place_of(x: Any) -> Any:
    """The sharding that an array was given; None: it may go where it is wanted."""
    sharding = getattr(x, "_sharding", None)
    return sharding if getattr(sharding, "committed", True) else None


def given(leaves: list[Any], in_tree: PyTreeDef, shardings: Any) -> list[Any]:
    """Traced arguments, divided as `in_shardings` say. ValueError: one is divided otherwise."""
    if shardings is None:
        return leaves
    if isinstance(shardings, There):
        return [put(shardings, x) for x in leaves]
    args, kwargs = tree_unflatten(in_tree, leaves)
    if kwargs:
        raise ValueError("jit does not support kwargs when in_shardings is specified: there is no "
                         f"sharding for {', '.join(kwargs)}. Pass it by position.")
    laid = tree_leaves(laid_out("jit in_shardings", args, shardings))
    for x, y in zip(leaves, laid):
        have = place_of(x)
        if have is not None and not y._sharding.is_equivalent_to(have, x.ndim):
            raise ValueError(
                "Sharding passed to jit does not match the sharding on the respective arg. Got jit "
                f"sharding: {y._sharding},\narg sharding: {have} for arg type: "
                f"{x.aval.str_short()}. Divide it anew before: jax.device_put(x, sharding).")
    return laid


def laid_out(what: str, tree: Any, shardings: Any) -> Any:
    """A pytree of arrays, each divided as its sharding in a prefix says; None: as it is."""
    if shardings is None:
        return tree
    leaves, structure = tree_flatten(tree)
    return tree_unflatten(structure, [x if s is None else put(s, x) for x, s in zip(
        leaves, flatten_axes(what, tree, shardings))])
