"""custom_jvp: a function with its own rule for forward mode, and through it for reverse mode."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minijax import dtypes
from minijax.core import Tracer, typeof
from minijax.custom.calls import (
    CustomCall,
    CustomFunction,
    FlatCall,
    Rule,
    SymbolicZero,
    pair,
    zero_from_primal,
)
from minijax.families import add_any, stop_gradient_p
from minijax.jvp import as_array
from minijax.source_info import name_of
from minijax.tree_util import keystr, tree_flatten, tree_flatten_with_path, tree_map, tree_unflatten

custom_jvp_call_p = CustomCall("custom_jvp_call", rule="jvp")


class custom_jvp(CustomFunction):
    """A function with its own rule for forward mode, and through it for reverse mode.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> @jax.custom_jvp
    ... def log1pexp(x):
    ...     return jnp.log(1.0 + jnp.exp(x))
    >>> @log1pexp.defjvp
    ... def log1pexp_jvp(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), (1.0 - 1.0 / (1.0 + jnp.exp(x))) * t
    >>> print(jax.grad(log1pexp)(100.0))
    1.0

    Args:
      nondiff_argnums, nondiff_argnames: arguments that are not differentiated, such as functions;
        the rule gets them first, before `primals` and `tangents`.
    """

    jvp: Any = None

    def defjvp(self, jvp: Callable, symbolic_zeros: bool = False) -> Callable:
        """Set the rule: jvp(primals, tangents) -> (primals_out, tangents_out).

        With `symbolic_zeros`, a tangent that is zero is a `SymbolicZero`, not an array of zeros.
        """
        self.jvp, self.symbolic_zeros = jvp, symbolic_zeros
        return jvp

    def defjvps(self, *jvps: Callable | None) -> None:
        """Set a rule for each argument: jvp(tangent, out, *primals) -> tangent_out, or None."""
        if self.nondiff_argnums:
            raise TypeError("Can't use `defjvps` with `nondiff_argnums`: use `defjvp`.")

        def jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
            if len(jvps) != len(primals):
                raise ValueError(f"{name_of(self.fun)} has {len(primals)} arguments and "
                                 f"{len(jvps)} rules: defjvps takes one, or None, for each.")
            out = self(*primals)
            terms = [rule(t, out, *primals) for rule, t in zip(jvps, tangents) if rule]
            terms = terms or [zero_from_primal(out)]
            return out, functools.reduce(functools.partial(tree_map, add_any), terms)

        self.defjvp(jvp)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.jvp is None:
            raise self.no_rule("jvp")
        args = self.resolve(args, kwargs)
        call = FlatCall(self, args, {n: tree_map(constant, args[n]) for n in self.nondiff_argnums})
        rule = Rule(self.jvp, functools.partial(flat_jvp, call, self.jvp, self.symbolic_zeros))
        outs = custom_jvp_call_p.bind(*call.leaves, call_jaxpr=call, jvp=rule,
                                      name=call.__name__, symbolic_zeros=self.symbolic_zeros)
        return tree_unflatten(call.out[0], [as_array(x) for x in outs])


def constant(x: Any) -> Any:
    """A value that is set aside: whatever it is, nothing is differentiated through it."""
    has_tangent = isinstance(x, Tracer) and dtypes.is_inexact(x.aval.dtype)
    return stop_gradient_p.bind(x) if has_tangent else x


def flat_jvp(call: FlatCall, jvp: Callable, symbolic_zeros: bool, primals: Sequence[Any],
             tangents: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """A user's rule on leaves, its results checked."""
    full = [zero_from_primal(x, symbolic_zeros) if t is None else as_array(t)
            for x, t in zip(primals, tangents)]
    rule = f"Custom JVP rule {name_of(jvp)} for function {call.__name__}"
    out, out_dot = pair(rule, "primal and tangent outputs", jvp(
        *call.nondiff, call.unflatten(map(as_array, primals)), call.unflatten(full)))
    outs = call.results(rule, out)
    outs_dot, tree_dot = tree_flatten(out_dot)
    if tree_dot != call.out[0]:
        raise TypeError(f"{rule} must produce primal and tangent outputs with equal container "
                        f"(pytree) structures, but got {call.out[0]} and {tree_dot} respectively.")
    for i, (x, t) in enumerate(zip(outs, outs_dot)):
        aval = typeof(x)
        expected = aval.to_tangent_aval().strip_weak_type()
        have = t.aval if isinstance(t, SymbolicZero) else typeof(t)
        if have.strip_weak_type() != expected:
            path, _ = tree_flatten_with_path(out)[0][i]
            raise TypeError(
                "Custom JVP rule must produce primal and tangent outputs with corresponding shapes "
                f"and dtypes. Expected {expected.str_short()} (tangent type of {aval.str_short()}) "
                f"but got {have.str_short()}. It is the output{keystr(path)} of the rule "
                f"{name_of(jvp)} for function {call.__name__}.")
    return outs, [None if isinstance(t, SymbolicZero) or typeof(t).dtype == dtypes.float0 else t
                  for t in outs_dot]
