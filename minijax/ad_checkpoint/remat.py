"""The operation `remat2`, whose derivative computes again what a policy does not save.

Reverse mode keeps the residuals, the values that the linear part of a function needs, from the
forward pass to the backward pass. Of a checkpointed function it keeps the inputs, and runs the
function once more on the way back. A *policy* names operations whose results are kept as well.

How a program is split, and those within it: it is linearized, so that what is linear in the
tangents stands apart, and run by a `RecomputingTrace`. This does now what is known, and also writes
it down, before the linear part, which waits for the tangents. What the policy saves it does only
now. Of what is written, what the linear part does not need is dropped. So the second program starts
from the inputs and the saved values. It is a `remat2` of its own, which nothing merges with the
first program.

In JAX: jax/_src/ad_checkpoint.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from functools import singledispatch
from typing import Any

from minijax.api_util import keywords, positions
from minijax.control_flow.cond import Cond
from minijax.control_flow.programs import joined, marked, reordered, unmarked
from minijax.control_flow.scan import Scan
from minijax.core import Primitive, ShapedArray, tracing, typeof
from minijax.effects.kinds import IOEffect, OrderedIOEffect
from minijax.families import Elementwise
from minijax.jaxpr import (
    Jaxpr,
    JaxprTrace,
    JaxprTracer,
    Var,
    closed,
    derive,
    derived,
    used_inputs,
)
from minijax.jit import Call, Traced, programs_of, split_static, traced
from minijax.linearize import TangentTrace, linearize_jaxpr
from minijax.make_jaxpr import abstract
from minijax.source_info import name_of
from minijax.tree_util import tree_flatten, tree_map, tree_unflatten

# --- a program in two: now, and once more ------------------------------------------------------


class Recomputed(JaxprTracer):
    """A value that is known now, and a variable of the program that computes it once more."""

    __slots__ = ("value",)

    def __init__(self, trace: JaxprTrace, var: Var, value: Any):
        super().__init__(trace, var)
        self.value = value


class RecomputingTrace(TangentTrace):
    """Does what is known, and writes it down as well, unless `policy` saves its results."""

    def __init__(self, policy: Callable | None):
        super().__init__("recomputation of a checkpoint")
        self.policy = policy

    def now(self, x: Any) -> Any:
        return x.value if isinstance(x, Recomputed) and x._trace is self else x

    def process_primitive(self, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
        values = list(map(self.now, args))
        if any(map(self.is_mine, values)):
            return super().process_primitive(prim, args, params)
        first, again, n_saved = halves(prim, list(map(typeof, values)), params, self.policy)
        outs = self.parent.process_primitive(prim, values, first)  # type: ignore[union-attr]
        shown = not outs and all(isinstance(x, Recomputed) and x._trace is self for x in args)
        if again is None and not shown:  # what only shows values shows them again if they are made
            return outs
        n = len(outs) - n_saved
        written = JaxprTrace.process_primitive(self, prim, [*args, *outs[n:]], again or params)
        self.eqns[-1] = prim.narrow(self.eqns[-1], (True,) * n)  # of the operands what is not saved
        return [Recomputed(self, t.variable, x) for t, x in zip(written, outs[:n])]


@singledispatch
def halves(prim: Primitive, avals: Sequence[ShapedArray], params: dict, policy: Callable | None
           ) -> tuple[dict, dict | None, int]:
    """With which params to bind an operation on known values now, and again (None: not again).

    An operation with programs saves some of what is in them: now it has `n_saved` more results,
    and again it takes these, after its operands.
    """
    saved = policy is not None and policy(prim, *avals, **params)
    return params, None if saved else params, 0


def halves_of_program(prim: Primitive, avals: Sequence[ShapedArray], params: dict,
                      policy: Callable | None) -> tuple[dict, dict | None, int]:
    first, again = split_for_policy(params["jaxpr"], (False,) * len(avals), policy, True)
    n_saved = len(again.invars) - len(avals)
    return {**params, "jaxpr": first}, {**params, "jaxpr": saved_last(again, n_saved)}, n_saved


halves.register(Call, halves_of_program)
halves.register(Scan, halves_of_program)  # what a step saves is one more y, then one more x


@halves.register
def halves_of_branches(prim: Cond, avals: Sequence[ShapedArray], params: dict,
                       policy: Callable | None) -> tuple[dict, dict | None, int]:
    unknown, n = (False,) * (len(avals) - 1), len(params["branches"][0].outvars)
    firsts, agains = zip(*(split_for_policy(jaxpr, unknown, policy, True)
                           for jaxpr in params["branches"]))
    firsts, agains = joined(firsts, n, agains)
    n_saved = len(firsts[0].outvars) - n
    return {"branches": firsts}, {"branches": tuple(saved_last(again, n_saved)
                                                    for again in agains)}, n_saved


def saved_last(again: Jaxpr, n_saved: int) -> Jaxpr:
    return reordered(again, (*range(n_saved, len(again.invars)), *range(n_saved)))


@derived
def split_for_policy(jaxpr: Jaxpr, unknown: tuple[bool, ...], policy: Callable | None,
                     whole: bool) -> tuple[Jaxpr, Jaxpr]:
    """(first, again): `first` takes the known inputs, and returns the known results and the saved.

    `again` takes what is saved, then all inputs, and returns the unknown results; with `whole` all.
    """
    programs: list[Jaxpr] = []

    def first(*known: Any) -> list[Any]:
        with tracing(RecomputingTrace(policy)) as late:
            ins, values = list(map(late.input, jaxpr.in_avals)), iter(known)
            outs = jaxpr(*[t if u else Recomputed(late, t.variable, next(values))
                           for t, u in zip(ins, unknown)])
            waits = [late.is_mine(late.now(x)) for x in outs]
            again, saved = closed(*late.build(ins, outs if whole else marked(outs, waits), True))
        programs.append(again)
        return [*map(late.now, unmarked(outs, waits)), *saved]

    return derive(first, unmarked(jaxpr.in_avals, unknown), "checkpoint"), programs[0]


@derived
def linearized(jaxpr: Jaxpr, active: tuple[bool, ...]) -> tuple[Jaxpr, tuple[bool, ...]]:
    """The program of results and tangents, in which linear parts stand apart, at all levels.

    It takes the inputs, then the tangents of the `active` ones. Also: which results have tangents.
    """
    fwd, lin, active_out = linearize_jaxpr(jaxpr, active)
    n_in, n_out = len(jaxpr.invars), len(jaxpr.outvars)

    def both(*values: Any) -> list[Any]:
        outs = fwd(*values[:n_in])
        return [*outs[:n_out], *lin(*outs[n_out:], *values[n_in:])]

    return derive(both, [*jaxpr.in_avals, *marked(jaxpr.in_avals, active)], "linearize"), active_out


# --- the operation -----------------------------------------------------------------------------


class Remat(Call):
    """Run one program; its derivative computes again what `policy` does not save."""

    def linearize(self, active, *xs, jaxpr, policy, **params):
        both, active_out = linearized(jaxpr, tuple(active))
        if unrepeatable := [e for e in jaxpr.effects if isinstance(e, (IOEffect, OrderedIOEffect))]:
            raise NotImplementedError(
                f"Effects not supported in partial-eval of `checkpoint`/`remat`: {unrepeatable}. "
                "The derivative of a function under jax.checkpoint runs it once more, and what it "
                "does to the world must not happen twice.")
        unknown = (False,) * len(xs) + (True,) * sum(active)
        first, again = split_for_policy(both, unknown, policy, False)
        again, used = used_inputs(again)
        outs, n = first(*xs), len(active_out)

        def push(*tangents):
            operands = marked([*outs[n:], *xs, *tangents], used)
            return self.bind(*operands, jaxpr=again, policy=policy,
                             **params | {"differentiated": True})

        return outs[:n], active_out, push

    def split(self, unknown, args, params):
        """What is to be computed again waits with the tangents, although it is known."""
        return None if params["differentiated"] else super().split(unknown, args, params)


remat_p = Remat("remat2")
name_p = Elementwise("name", lambda x, *, name: x, lambda out, x, *, name: lambda t: t,
                     accepts="biufcV", transposes=(lambda ct, x, *, name: ct,))


# --- for users ---------------------------------------------------------------------------------

_ABSENT: Any = object()


def checkpoint(fun: Callable, *, prevent_cse: bool | Sequence[bool] = True,
               policy: Callable | None = None, static_argnums: int | Iterable[int] = (),
               static_argnames: str | Iterable[str] = (), concrete: Any = _ABSENT) -> Callable:
    """`fun`, which computes its intermediate values again for the backward pass.

    It saves memory: of a loop over a checkpointed body, the carries remain.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> layer = jax.checkpoint(lambda W, x: jnp.sin(jnp.sin(W @ x)))
    >>> jax.ad_checkpoint.print_saved_residuals(layer, jnp.ones((2, 3)), jnp.ones(3))
    f32[2,3] from the argument W
    f32[3] from the argument x

    Args:
      policy: says which results of operations are saved, one of `jax.checkpoint_policies` or a
        function (operation, *types, **params) -> bool. None: no results, only the inputs.
      prevent_cse: keep compilers from merging what is computed twice.
      static_argnums, static_argnames: arguments that are not traced.
    """
    if concrete is not _ABSENT:
        raise NotImplementedError("jax.checkpoint has no option `concrete` any more: name the "
                                  "arguments that Python looks at in `static_argnums`.")
    if not isinstance(prevent_cse, (bool, Sequence)):
        raise TypeError("prevent_cse must be a bool or a tuple of bools, got "
                        f"{type(prevent_cse).__name__}.")
    cse = prevent_cse if isinstance(prevent_cse, bool) else tuple(prevent_cse)
    nums, names = positions(static_argnums), keywords(static_argnames)

    @functools.wraps(fun)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if outside := [n for n in nums if not -len(args) <= n < len(args)]:
            raise ValueError(f"checkpoint of {name_of(fun)} has static_argnums {outside}, but was "
                             f"called with {len(args)} positional arguments.")
        static, args, kwargs = split_static(nums, names, args, kwargs)
        leaves, in_tree = tree_flatten((args, kwargs))
        avals = tuple(map(abstract, leaves))
        found = traced(programs_of(fun), fun, "checkpoint", avals, in_tree, static) if hashable(
            static) else Traced(fun, "checkpoint", static, avals, in_tree)
        outs = remat_p.bind(*found.captured, *leaves, jaxpr=found.jaxpr, differentiated=False,
                            policy=policy, prevent_cse=cse)
        return tree_unflatten(found.out_tree, outs)

    return checkpointed


remat = checkpoint


def hashable(x: Any) -> bool:
    try:
        hash(x)
    except TypeError:
        return False
    return True


def checkpoint_name(x: Any, name: str) -> Any:
    """x, of any structure, with a name by which a policy can save it.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> f = lambda x: jnp.cos(jax.ad_checkpoint.checkpoint_name(jnp.sin(x), "sine"))
    >>> policy = jax.checkpoint_policies.save_only_these_names("sine")
    >>> print(jax.grad(jax.checkpoint(f, policy=policy))(0.0))
    -0.0
    """
    return tree_map(functools.partial(name_p.bind, name=name), x)
