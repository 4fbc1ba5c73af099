"""Operations that return their operands, and mean something only to an interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import typeof
from minijax.families import Structural, stop_gradient_p
from minijax.lax.elementwise import Linear
from minijax.tree_util import tree_flatten, tree_map, tree_unflatten

copy_p = Linear("copy", np.copy, accepts="biufcV", transposes=(lambda ct, x: ct,))


def stop_gradient(x: Any) -> Any:
    """x, of any structure, as a constant: nothing is differentiated through it.

    >>> import minijax as jax
    >>> print(jax.grad(lambda x: x * jax.lax.stop_gradient(x))(3.0))
    3.0
    """
    return tree_map(
        lambda leaf: leaf if dtypes.kind(typeof(leaf).dtype) == "V" else stop_gradient_p.bind(leaf),
        x)


class OptimizationBarrier(Structural):
    """Its operands; a compiler moves no operation across it."""

    multiple_results = True

    def impl(self, *xs):
        return xs

    def abstract_eval(self, *avals):
        return avals

    def linearize(self, active, *xs):
        return self.bind(*xs), list(active), lambda *ts: self.bind(*ts)

    def transpose(self, cts, *xs):
        passed = iter(self.bind(*[ct for ct in cts if ct is not None]))
        return [None if ct is None else next(passed) for ct in cts]

    def shift(self, params, size):
        return params


optimization_barrier_p = OptimizationBarrier("optimization_barrier")


def optimization_barrier(operand: Any) -> Any:
    """The operand, of any structure; a compiler moves no operation across this one."""
    leaves, tree = tree_flatten(operand)
    return tree_unflatten(tree, optimization_barrier_p.bind(*leaves))
