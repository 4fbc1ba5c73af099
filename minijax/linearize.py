"""Split a function at a point: do what is known now, write down what is linear in the tangents.

`linearize` is `jvp` whose tangents are followed by another trace, one that writes a program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minijax import dtypes
from minijax.api_util import FlatFun, check_callable, describe_function
from minijax.core import Primitive, ShapedArray, interpreting, tracing, typeof
from minijax.derivative_checks import check_linear_input
from minijax.families import Program
from minijax.jaxpr import Jaxpr, JaxprTrace, JaxprTracer, closed, derive, derived, narrow_jaxpr
from minijax.jvp import JVPTrace, JVPTracer, as_array, fill_tangents, instantiate
from minijax.partial import Partial
from minijax.tree_util import tree_flatten, tree_structure, tree_unflatten

# --- the linear part -----------------------------------------------------------------------


class TangentTrace(JaxprTrace):
    """Writes down what touches a tangent. Everything else is known and is done by the parent."""

    def is_mine(self, x: Any) -> bool:
        return isinstance(x, JaxprTracer) and x._trace is self

    def process_primitive(self, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
        unknown = [isinstance(x, JaxprTracer) and x._trace is self for x in args]
        if True not in unknown:
            return self.parent.process_primitive(prim, args, params)  # type: ignore[union-attr]
        with interpreting(self.parent):  # type: ignore[arg-type]
            halves = prim.split(unknown, args, params)
        if halves is None:
            return super().process_primitive(prim, args, params)
        known_outs, unknown_out, args, params = halves
        outs = super().process_primitive(prim, args, params)
        known, linear = iter(known_outs), iter(outs[len(outs) - unknown_out.count(True):])
        return [next(linear if u else known) for u in unknown_out]


def linearize_flat(f: Callable, primals: Sequence[Any], active: Sequence[bool], name: str,
                   wanted: Sequence[bool] | None = None
                   ) -> tuple[list[Any], tuple[bool, ...], Jaxpr, list[Any]]:
    """(outs, active_out, lin, residuals): the tangent program `lin` takes residuals, then tangents.

    The outputs in `wanted` get a tangent even where it is zero, so that programs can agree.
    """
    with tracing(TangentTrace(f"the tangent of {name}")) as tangent:
        with tracing(JVPTrace(name, tangent.parent, tangent)) as trace:
            ins = [tangent.input(typeof(x)) if a else None for x, a in zip(primals, active)]
            outs = f(*[x if t is None else JVPTracer(trace, x, t) for x, t in zip(primals, ins)])
            duals = trace.leave(f, outs)
        outs, tangents = [x for x, _ in duals], [t for _, t in duals]
        if wanted:
            tangents = fill_tangents(outs, tangents, wanted)
        lin, residuals = tangent.build([t for t in ins if t is not None],
                                       [t for t in tangents if t is not None], prune=True)
    return outs, tuple(t is not None for t in tangents), lin, residuals


# --- the transformation --------------------------------------------------------------------


def linearize(fun: Callable, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """`fun(*primals)`, and the linear map from tangents there to tangents of the result.

    The map does not run `fun` again, however often it is called.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> y, f_jvp = jax.linearize(lambda x: x ** 2, 3.0)
    >>> print(y, f_jvp(1.0), f_jvp(10.0))
    9.0 6.0 60.0
    """
    check_callable(fun)
    leaves, in_tree = tree_flatten((tuple(primals), {}))
    flat = FlatFun(fun, in_tree, "linearize", has_aux)
    active = [dtypes.is_inexact(typeof(x).dtype) for x in leaves]
    outs, active_out, lin, residuals = linearize_flat(
        flat, leaves, active, describe_function(fun, "linearize"))
    out = tree_unflatten(flat.out_tree, [as_array(x) for x in outs])
    types = [typeof(x) for x in leaves], [typeof(x) for x in outs]
    push = functools.partial(push_trees, lin, in_tree, flat.out_tree, active, active_out, *types)
    f_jvp = Partial(push, residuals)
    f_jvp.jaxpr = lin  # type: ignore[attr-defined]
    return (out, f_jvp, flat.aux) if has_aux else (out, f_jvp)


def push_trees(lin: Jaxpr, in_tree: Any, out_tree: Any, active: Sequence[bool],
               active_out: Sequence[bool], in_avals: Sequence[ShapedArray],
               out_avals: Sequence[ShapedArray], residuals: Sequence[Any], *tangents: Any) -> Any:
    """The linear map of `linearize`: a pytree whose leaves are the residuals."""
    ts, tree = tree_flatten((tangents, {}))
    if tree != in_tree:
        raise TypeError("the linearized function takes tangents with the tree structure of "
                        f"the primals: expected {in_tree.children()[0]}, got "
                        f"{tree_structure(tangents)}.")
    for a, t in zip(in_avals, ts):
        check_linear_input(a, t)
    pushed = iter(lin(*residuals, *[t for t, a in zip(ts, active) if a]))
    return tree_unflatten(out_tree, [
        instantiate(next(pushed) if is_out else None, a)
        for a, is_out in zip(out_avals, active_out)])


# --- the same for programs -----------------------------------------------------------------


@derived
def linearize_jaxpr(jaxpr: Jaxpr, active: tuple[bool, ...], wanted: tuple[bool, ...] | None = None
                    ) -> tuple[Jaxpr, Jaxpr, tuple[bool, ...]]:
    """(fwd, lin, active_out): `fwd` returns the outputs, then the residuals; `lin` takes these."""
    made: list[Any] = []

    def forward(*xs: Any) -> list[Any]:
        outs, active_out, lin, residuals = linearize_flat(jaxpr, xs, active, "linearize", wanted)
        made.extend((lin, active_out))
        return [*outs, *residuals]

    fwd = derive(forward, jaxpr.in_avals, "linearize")
    return fwd, *made


@derived
def all_depends(jaxpr: Jaxpr, unknown: tuple[bool, ...]) -> bool:
    """Does every equation and every output depend on an unknown input? Not if it is hard to say."""
    late = {v for v, u in zip(jaxpr.invars, unknown) if u}
    for e in jaxpr.eqns:
        inside = isinstance(e.primitive, Program) and not late.issuperset(e.invars)
        if inside or late.isdisjoint(e.invars):
            return False
        late.update(e.outvars)
    return late.issuperset(jaxpr.outvars)


@derived
def split_jaxpr(jaxpr: Jaxpr, unknown: tuple[bool, ...], wanted: tuple[bool, ...] | None = None
                ) -> tuple[Jaxpr, Jaxpr, tuple[bool, ...]]:
    """(known, rest, unknown_out): what the known inputs decide, and what they do not.

    `known` takes the known inputs and returns the known outputs, then residuals; `rest` takes
    the residuals, then the unknown inputs, and returns the unknown outputs. The outputs in
    `wanted` count as unknown in any case, so that programs can agree.
    """
    made: list[Any] = []

    def known(*xs: Any) -> list[Any]:
        with tracing(TangentTrace("the rest")) as late:
            given = iter(xs)
            ins = [late.input(a) if u else next(given) for a, u in zip(jaxpr.in_avals, unknown)]
            outs = jaxpr(*ins)
            forced = wanted or (False,) * len(outs)
            unknown_out = tuple(late.is_mine(x) or w for x, w in zip(outs, forced))
            rest, residuals = closed(*late.build([x for x, u in zip(ins, unknown) if u],
                                                 [x for x, u in zip(outs, unknown_out) if u], True))
        made.extend((rest, unknown_out))
        return [*(x for x, u in zip(outs, unknown_out) if not u), *residuals]

    first = derive(known, [a for a, u in zip(jaxpr.in_avals, unknown) if not u], "split")
    return first, *made


def linearize_call(bind: Callable, active: Sequence[bool], xs: Sequence[Any], jaxpr: Jaxpr
                   ) -> tuple[list[Any], tuple[bool, ...], Callable]:
    """The `linearize` rule of an operation that runs one program; `bind(jaxpr, *args)` runs it."""
    fwd, lin, active_out = linearize_jaxpr(jaxpr, tuple(active))
    given: dict[Any, Any] = dict(zip(fwd.invars, xs))  # what is an operand needs no call
    made = iter(bind(narrow_jaxpr(fwd, tuple(v not in given for v in fwd.outvars)), *xs))
    outs = [given[v] if v in given else next(made) for v in fwd.outvars]
    n = len(jaxpr.outvars)
    return outs[:n], active_out, functools.partial(bind, lin, *outs[n:])
