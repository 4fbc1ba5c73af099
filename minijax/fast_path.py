"""The short way of a call of `jit` or `pmap`: arrays of types it has seen, nobody tracing.

Such a call needs no keys and no interpreter: compare the types, run the program, wrap the results.
It takes less time, which a loop of small calls notices.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minijax.config import flags
from minijax.core import ArrayImpl, EvalTrace, ShapedArray, _state
from minijax.donation import gone
from minijax.float_checks import checking_floats
from minijax.jaxpr import Jaxpr
from minijax.tree_util import tree_flatten, tree_structure, tree_unflatten
from minijax.treedef import LEAF, PyTreeDef


class FastPath:
    """A program that takes its arguments as they are: arrays, or pytrees of arrays."""

    __slots__ = ("avals", "in_tree", "jaxpr", "out_avals", "out_tree", "run", "sharding", "state")

    def __init__(self, jaxpr: Jaxpr, run: Any, avals: Sequence[ShapedArray],
                 out_avals: Sequence[ShapedArray], in_tree: PyTreeDef, out_tree: PyTreeDef,
                 sharding: Any = None):
        self.jaxpr = jaxpr  # kept, because `run` may not keep it
        self.in_tree = None if in_tree == tree_structure((tuple(avals), {})) else in_tree
        self.run, self.avals, self.out_avals, self.sharding = run, avals, out_avals, sharding
        self.state = flags.state
        self.out_tree = None if out_tree == LEAF else out_tree

    def __call__(self, args: Sequence[Any]) -> Any:
        """The result, or NotImplemented if these arguments need the long way."""
        if type(_state.trace) is not EvalTrace or flags.state is not self.state:
            return NotImplemented
        avals = self.avals
        if self.in_tree is not None:
            args = self.leaves(args)
        if len(args) != len(avals):
            return NotImplemented
        values = []
        for x, a in zip(args, avals):
            if type(x) is not ArrayImpl and not (self.sharding and isinstance(x, ArrayImpl)):
                return NotImplemented  # with divided arrays, jit looks for another way
            b = x.aval
            if b is not a and (b.dtype is not a.dtype or b.shape != a.shape
                               or b.weak_type is not a.weak_type):
                return NotImplemented
            try:
                values.append(x._value)
            except RuntimeError:
                raise gone(x) from None
        make = ArrayImpl if self.sharding is None else self.sharding.array
        outs = [make(x, a) for x, a in zip(self.run(*values), self.out_avals)]
        return outs[0] if self.out_tree is None else tree_unflatten(self.out_tree, outs)

    def leaves(self, args: Sequence[Any]) -> Sequence[Any]:
        """The leaves of arguments of the right structure; of others, something that does not fit"""
        try:
            leaves, in_tree = tree_flatten((args, {}))
        except (TypeError, ValueError):  # of which the long way says more
            return [None]
        return leaves if in_tree == self.in_tree else [None]


class Shortened:
    """A function of the user that takes the short way where it can, and otherwise the long one."""

    def __init__(self, fun: Callable):
        functools.update_wrapper(self, fun)
        self.fun = self.__wrapped__ = fun
        self.paths: list[FastPath] = []

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            for path in self.paths:
                if (out := path(args)) is not NotImplemented:
                    return out
        return self.long_way(args, kwargs)

    def long_way(self, args: tuple, kwargs: dict) -> Any:
        raise NotImplementedError

    def remember(self, found: Any, run: Callable, avals: Sequence[ShapedArray],
                 out_avals: Sequence[ShapedArray], sharding: Any = None) -> None:
        """Let the next calls with arguments like these take the short way, to `run`."""
        usual = flags.state is not None and flags.jax_default_device is None
        if usual and not found.captured and not checking_floats():
            path = FastPath(found.jaxpr, run, avals, out_avals, found.in_tree, found.out_tree,
                            sharding)
            self.paths = [path, *self.paths[:3]]
