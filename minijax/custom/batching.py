"""custom_vmap: a function with its own rule for batches.

In JAX: jax/_src/custom_batching.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minijax import dtypes, lax
from minijax.api_util import describe_function
from minijax.batching import AxisData, batch, batch_flat, move_axis, move_to_front
from minijax.control_flow.programs import marked, spaced
from minijax.core import typeof
from minijax.custom.calls import CustomFunction, FlatCall, HeldProgram, Rule
from minijax.errors import UnexpectedTracerError
from minijax.jaxpr import closed, trace_to_jaxpr
from minijax.jvp import as_array, fill_tangents, jvp_flat, jvp_jaxpr
from minijax.source_info import name_of
from minijax.tree_util import tree_flatten, tree_map, tree_unflatten


class CustomVmapCall(HeldProgram):
    """Runs `call_jaxpr`. `rule` runs it for a batch: (size, batched, *values) -> (outs, batched).

    Its derivative is that of the program, with a rule that differentiates the rule. Reverse mode
    has none: the batch of a linear part need not be the linear part of the batch.
    """

    def jvp(self, primals, tangents, *, call_jaxpr, rule):
        active = tuple(t is not None for t in tangents)
        wanted = tuple(dtypes.is_inexact(a.dtype) for a in call_jaxpr.out_avals)
        pushed, _ = jvp_jaxpr(call_jaxpr, active, wanted)
        n = len(wanted)
        outs = self.bind(*primals, *marked(tangents, active), call_jaxpr=pushed, rule=Rule(
            rule.user, functools.partial(jvp_of_rule, rule, active, wanted)))
        return outs[:n], spaced(outs[n:], wanted)


custom_vmap_p = CustomVmapCall("custom_vmap_call")


@batch.register
def _(prim: CustomVmapCall, axis, xs, dims, /, *, call_jaxpr, rule):
    xs = [x if d is None else move_axis(x, d, 0) for x, d in zip(xs, dims)]
    outs, batched = rule(axis.size, [d is not None for d in dims], *xs)
    return outs, [0 if b else None for b in batched]


def jvp_of_rule(rule: Rule, active: Sequence[bool], wanted: Sequence[bool], size: int,
                batched: Sequence[bool], *values: Any) -> tuple[list[Any], list[bool]]:
    """The rule of the derivative. A primal and its tangent are both a batch, or none is.

    Where the tangents alone are a batch, the rule runs once, and its derivative is mapped.
    """
    n = len(active)
    tangents, moving = spaced(values[n:], active), spaced(batched[n:], active)
    alone = not any(batched[:n])
    both = [p or (bool(t) and not alone) for p, t in zip(batched, moving)]
    primals = [x if p or not b else move_to_front(x, None, size)
               for x, p, b in zip(values, batched, both)]
    tangents = [t if t is None or m or not b else move_to_front(t, None, size)
                for t, m, b in zip(tangents, moving, both)]
    made: list[bool] = []

    def batch_of(*xs: Any) -> list[Any]:
        outs, made[:] = rule(size, both, *xs)
        return outs

    def derivative(*ts: Any) -> list[Any]:
        outs, outs_dot = jvp_flat(batch_of, primals, spaced(ts, active), "custom_vmap")
        return [*outs, *marked(fill_tangents(outs, outs_dot, wanted), wanted)]

    outs, dims = batch_flat(derivative, AxisData(size), marked(tangents, active),
                            [0 if b and alone else None for b in batched[n:]], "vmap")
    return ([x if d is None else move_axis(x, d, 0) for x, d in zip(outs, dims)],
            [b or d is not None for b, d in zip([*made, *marked(made, wanted)], dims)])


class custom_vmap(CustomFunction):
    """A function with its own rule for `vmap`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> @jax.custom_batching.custom_vmap
    ... def solve(a, b):
    ...     return jnp.linalg.solve(a, b)
    >>> @solve.def_vmap
    ... def solve_vmap(axis_size, in_batched, a, b):
    ...     a_batched, b_batched = in_batched
    ...     if not a_batched:  # one matrix for all: one factorization
    ...         return jnp.linalg.solve(a, b.T).T, True
    ...     return jax.vmap(jnp.linalg.solve, (0, 0 if b_batched else None))(a, b), True
    >>> jax.vmap(solve, (None, 0))(2 * jnp.eye(2), jnp.ones((3, 2))).shape
    (3, 2)
    """

    rule: Any = None

    def def_vmap(self, rule: Callable) -> Callable:
        """Set the rule: rule(axis_size, in_batched, *args) -> (out, out_batched).

        What is batched is so along its first axis. `in_batched` has an entry for each argument, of
        its structure; `out_batched` has the structure of `out`.
        """
        self.rule = rule
        return rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = name_of(self.fun)
        if self.rule is None:
            raise AttributeError(f"No batching rule defined for custom_vmap function {name} using "
                                 f"def_vmap. Set it with {name}.def_vmap(...)")
        call = FlatCall(self, self.resolve(args, kwargs), {})
        jaxpr, free = closed(*trace_to_jaxpr(call, list(map(typeof, call.leaves)),
                                             describe_function(self.fun, "custom_vmap")))
        if free:
            raise UnexpectedTracerError(
                f"The custom_vmap function {name} closes over a value that is being traced, of "
                f"which its rule would know nothing. Pass it to {name} as an argument.")
        rule = Rule(self.rule, functools.partial(flat_rule, call, self.rule))
        outs = custom_vmap_p.bind(*call.leaves, call_jaxpr=jaxpr, rule=rule)
        return tree_unflatten(call.out[0], [as_array(x) for x in outs])


def flat_rule(call: FlatCall, rule: Callable, size: int, batched: Sequence[bool], *values: Any
              ) -> tuple[list[Any], list[bool]]:
    """A user's rule on leaves, its results checked."""
    out, out_batched = rule(size, list(call.unflatten(batched)), *call.unflatten(values))
    outs, tree = tree_flatten(out)
    flags, flag_tree = tree_flatten(out_batched)
    if tree != flag_tree:
        raise ValueError("structure of output value and output batching specification returned by "
                         f"custom vmap rule ({name_of(rule)}) do not match: {tree} and {flag_tree}")
    if tree != call.out[0]:
        raise ValueError(f"structure of output returned by custom vmap rule ({name_of(rule)}) does "
                         f"not match that of original custom-vmapped function {call.__name__}: "
                         f"{tree} and {call.out[0]}")
    return outs, flags


def sequential_vmap(fun: Callable) -> custom_vmap:
    """`fun`, whose `vmap` is a loop over the batch, for what cannot do more at once.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.vmap(jax.custom_batching.sequential_vmap(lambda x: x + 1))(jnp.arange(3)))
    [1 2 3]
    """
    f = custom_vmap(fun)

    @f.def_vmap
    def rule(axis_size: int, in_batched: list[Any], *args: Any) -> tuple[Any, Any]:
        leaves, tree = tree_flatten(args)
        flags = tree_flatten(tuple(in_batched))[0]

        def one(elements: Sequence[Any]) -> Any:
            mapped = iter(elements)
            return f(*tree_unflatten(tree, [next(mapped) if b else x
                                            for x, b in zip(leaves, flags)]))

        out = lax.map(one, marked(leaves, flags))
        return out, tree_map(lambda _: True, out)

    return f
