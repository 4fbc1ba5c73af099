"""Forward mode: carry a tangent beside every primal value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.api_util import FlatFun, check_callable, describe_function
from minijax.core import (
    Array,
    ArrayImpl,
    Primitive,
    ShapedArray,
    Trace,
    Tracer,
    current_trace,
    interpreting,
    tracing,
    typeof,
)
from minijax.derivative_checks import check_tangent
from minijax.families import zeros
from minijax.jaxpr import Jaxpr, derive, derived
from minijax.tree_util import tree_flatten, tree_structure, tree_unflatten

# --- the interpreter -----------------------------------------------------------------------


class JVPTracer(Tracer):
    """A primal value and its tangent."""

    __slots__ = ("primal", "tangent")

    def __init__(self, trace: Trace, primal: Any, tangent: Any):
        super().__init__(trace, typeof(primal))
        self.primal, self.tangent = primal, tangent

    def to_concrete_value(self) -> Any:
        if isinstance(self.primal, Tracer):
            return self.primal.to_concrete_value()
        return self.primal

    def __repr__(self) -> str:
        if self._trace.tangent is not self._trace.parent:  # type: ignore[attr-defined]
            tangent = typeof(self.tangent).str_short(short_dtypes=True)
            return f"GradTracer(primal={self.primal!s}, typeof(tangent)={tangent})"
        return f"JVPTracer(primal={self.primal!s}, tangent={self.tangent!s})"


class JVPTrace(Trace):
    """Do each operation on the primals in `parent`, and its derivative in the trace `tangent`.

    The two are the same in `jvp`. In `linearize`, `tangent` writes the linear work down.
    """

    def __init__(self, name: str, parent: Trace, tangent: Trace | None = None):
        super().__init__(name, parent)
        self.tangent = tangent or parent

    def origin(self, x: Any) -> str:
        if isinstance(x.primal, Tracer):
            return x.primal._trace.origin(x.primal)
        return f"Its value here is {x.primal}, but a Python number has no tangent."

    def dual(self, x: Any) -> tuple[Any, Any]:
        """The primal and the tangent of a value. What is not my tracer is constant: no tangent."""
        if isinstance(x, JVPTracer) and x._trace is self:
            return x.primal, x.tangent
        return x, None

    def leave(self, f: Callable, outs: Sequence[Any]) -> list[tuple[Any, Any]]:
        """The duals of what `f` returned. Of what it set aside (`has_aux`) the primals remain."""
        if isinstance(f, FlatFun):
            f.map_aux(lambda x: self.dual(x)[0])
        return [self.dual(x) for x in outs]

    def process_primitive(self, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
        primals, tangents = zip(*map(self.dual, args)) if args else ((), ())
        active = tuple(t is not None for t in tangents)
        if True not in active:
            return self.parent.process_primitive(prim, primals, params)  # type: ignore[union-attr]
        outs, tangents_out = self.derivative(prim, active, primals, tangents, params)
        return [x if t is None else JVPTracer(self, x, t) for x, t in zip(outs, tangents_out)]

    def derivative(self, prim: Primitive, active: tuple, primals: Any, tangents: Any,
                   params: dict) -> tuple[Sequence[Any], Sequence[Any]]:
        """The results, and their tangents or None."""
        only_jvp = type(prim).linearize is Primitive.linearize
        if prim.jvp is not None and (only_jvp or self.tangent is self.parent):
            with interpreting(self.tangent):
                return prim.jvp(primals, tangents, **params)
        with interpreting(self.parent):  # type: ignore[arg-type]
            outs, active_out, push = prim.linearize(active, *primals, **params)
        if True not in active_out:
            return outs, [None] * len(outs)
        with interpreting(self.tangent):
            pushed = iter(push(*[t for t in tangents if t is not None]))
        return outs, [next(pushed) if a else None for a in active_out]


# --- the transformation --------------------------------------------------------------------


def jvp_flat(f: Callable, primals: Sequence[Any], tangents: Sequence[Any], name: str
             ) -> tuple[list[Any], list[Any]]:
    """The results of `f` and their tangents; None stands for no tangent, in and out."""
    with tracing(JVPTrace(name, current_trace())) as trace:
        outs = f(*[x if t is None else JVPTracer(trace, x, t)
                   for x, t in zip(primals, tangents, strict=True)])
        duals = trace.leave(f, outs)
    return [x for x, _ in duals], [t for _, t in duals]


def jvp(fun: Callable, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
        ) -> tuple[Any, ...]:
    """`fun` at `primals`, and its derivative there in the direction `tangents`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.jvp(jnp.sin, (0.0,), (2.0,))
    (Array(0., dtype=float32, weak_type=True), Array(2., dtype=float32, weak_type=True))

    Args:
      primals: a tuple, the arguments of `fun`.
      tangents: a tuple of the same pytrees, shapes and dtypes (`float0` zeros for integers).
      has_aux: `fun` returns a pair, of which only the first half is differentiated.

    Returns:
      `(primals_out, tangents_out)`, with `has_aux` followed by the second half.

    Raises:
      TypeError or ValueError where primals and tangents do not match.
    """
    check_callable(fun)
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError("primal and tangent arguments to jax.jvp must be tuples or lists; found "
                        f"{type(primals).__name__} and {type(tangents).__name__}.")
    leaves, in_tree = tree_flatten((tuple(primals), {}))
    tangent_leaves, tangent_tree = tree_flatten((tuple(tangents), {}))
    if in_tree != tangent_tree or type(primals) is not type(tangents):
        raise TypeError("primal and tangent arguments to jax.jvp must have the same tree "
                        f"structure; primals have {tree_structure(primals)}, tangents have "
                        f"{tree_structure(tangents)}.")
    for x, t in zip(leaves, tangent_leaves):
        check_tangent(x, t)
    flat = FlatFun(fun, in_tree, "jvp", has_aux)
    ts = [None if typeof(t).dtype == dtypes.float0 else t for t in tangent_leaves]
    outs, outs_dot = jvp_flat(flat, leaves, ts, describe_function(fun, "jvp"))
    out = tree_unflatten(flat.out_tree, [as_array(x) for x in outs])
    out_dot = tree_unflatten(flat.out_tree, [
        instantiate(t, typeof(x)) for x, t in zip(outs, outs_dot)])
    return (out, out_dot, flat.aux) if has_aux else (out, out_dot)


def instantiate(tangent: Any, aval: ShapedArray) -> Any:
    """A tangent where the user sees it: a missing one is a zero."""
    if tangent is None:
        return zeros(aval.to_tangent_aval())
    return as_array(tangent)


def fill_tangents(outs: Sequence[Any], tangents: Sequence[Any], wanted: Sequence[bool]
                  ) -> list[Any]:
    """A zero for each missing tangent that is `wanted`."""
    return [zeros(typeof(x).strip_weak_type()) if t is None and w else t
            for x, t, w in zip(outs, tangents, wanted)]


def as_array(x: Any) -> Any:
    """A value as the user gets it: an `Array`."""
    if isinstance(x, Array) or getattr(x, "dtype", None) == dtypes.float0:
        return x
    aval = typeof(x)
    return ArrayImpl(np.array(x, aval.dtype), aval)


# --- the same for programs -----------------------------------------------------------------


@derived
def jvp_jaxpr(jaxpr: Jaxpr, active: tuple[bool, ...], wanted: tuple[bool, ...] | None = None
              ) -> tuple[Jaxpr, tuple[bool, ...]]:
    """(pushed, active_out): `pushed` takes the inputs, then the tangents of the active ones.

    It returns the outputs, then the tangents of those in `active_out`, among them all in `wanted`.
    """
    made: list[bool] = []

    def push(*values: Any) -> list[Any]:
        given = iter(values[len(active):])
        outs, tangents = jvp_flat(jaxpr, values[: len(active)],
                                  [next(given) if a else None for a in active], "jvp")
        if wanted:
            tangents = fill_tangents(outs, tangents, wanted)
        made[:] = [t is not None for t in tangents]
        return [*outs, *(t for t in tangents if t is not None)]

    tangents = [x for x, a in zip(jaxpr.in_avals, active) if a]
    return derive(push, [*jaxpr.in_avals, *tangents], "jvp"), tuple(made)


def jvp_call(bind: Callable, primals: Sequence[Any], tangents: Sequence[Any], jaxpr: Jaxpr
             ) -> tuple[list[Any], list[Any]]:
    """The `jvp` rule of an operation that runs one program; `bind(jaxpr, *args)` runs it."""
    pushed, active_out = jvp_jaxpr(jaxpr, tuple(t is not None for t in tangents))
    outs = bind(pushed, *primals, *(t for t in tangents if t is not None))
    n = len(active_out)
    found = iter(outs[n:])
    return outs[:n], [next(found) if a else None for a in active_out]
