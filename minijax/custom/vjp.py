"""custom_vjp: a function with its own rule for reverse mode, and none for forward mode."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

from minijax import dtypes
from minijax.batching import batch, batch_flat, move_axis, move_to_front, widen
from minijax.control_flow.programs import marked, spaced
from minijax.core import ShapedArray, Tracer, typeof
from minijax.custom.calls import (
    CustomCall,
    CustomFunction,
    FlatCall,
    Rule,
    SymbolicZero,
    check_typed,
    pair,
    zero_tangent,
)
from minijax.errors import UnexpectedTracerError
from minijax.families import Program, convert, reduce_sum
from minijax.jvp import as_array
from minijax.source_info import name_of
from minijax.tree_util import (
    flatten_axes,
    keystr,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_map,
    tree_structure,
    tree_unflatten,
)

# --- the operations --------------------------------------------------------------------------


class CustomLin(Program):
    """The linear map of a custom_vjp function, of which only the transpose is known: `bwd`.

    custom_lin(*residuals, *tangents); `bwd` is (residuals, cts of the results) -> cts of all
    arguments, all flat, None for a zero. `in_zeros` says which arguments have no tangent here.
    """

    def impl(self, *args, **params):
        raise TypeError("can't apply forward-mode autodiff (jvp) to a custom_vjp function.")

    def abstract_eval(self, *avals, bwd, **params):
        return bwd.out_avals

    def transpose(self, cts, *args, num_res, bwd, in_zeros, **params):
        found = bwd(args[:num_res], cts)
        return [None] * num_res + [ct for ct, zero in zip(found, in_zeros) if not zero]


custom_vjp_call_p = CustomCall("custom_vjp_call", rule="fwd")
custom_lin_p = CustomLin("custom_lin")


@batch.register
def _(prim: CustomLin, axis, xs, dims, /, *, num_res, bwd, in_zeros, **params):
    tangent_dims = spaced(dims[num_res:], [not zero for zero in in_zeros])

    def batched_bwd(residuals: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        found, out_dims = batch_flat(
            lambda *values: bwd(values[:num_res], values[num_res:]), axis, [*residuals, *cts],
            [*dims[:num_res], *(None if ct is None else 0 for ct in cts)], "vmap")
        found = [None if ct is None else move_to_front(ct, d, axis.size)
                 for ct, d in zip(found, out_dims)]
        # The cotangent of what is the same for all is the sum of those of the batch.
        return [None if ct is None or zero else reduce_sum(ct, (0,)) if d is None
                else move_axis(ct, 0, d) for ct, d, zero in zip(found, tangent_dims, in_zeros)]

    avals = [widen(a, axis.size, 0) for a in bwd.out_avals]
    return prim.bind(*xs, num_res=num_res, bwd=Rule(bwd.user, batched_bwd, avals),
                     in_zeros=in_zeros, **params), [0] * len(avals)


# --- the decorated function ------------------------------------------------------------------


class custom_vjp(CustomFunction):
    """A function with its own rule for reverse mode; it has no forward mode.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> @jax.custom_vjp
    ... def clip_gradient(x):
    ...     return x
    >>> clip_gradient.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -1.0, 1.0),))
    >>> print(jax.grad(lambda x: 10.0 * clip_gradient(x))(0.0))
    1.0

    Args:
      nondiff_argnums, nondiff_argnames: arguments that are not differentiated, such as functions;
        `bwd` gets them first. They cannot be traced: what is an array is an argument like others,
        with the cotangent None.
    """

    fwd: Any = None
    bwd: Any = None

    def defvjp(self, fwd: Callable, bwd: Callable, symbolic_zeros: bool = False,
               optimize_remat: bool = False) -> None:
        """Set the rule: fwd(*args) -> (out, residuals); bwd(residuals, ct) -> cts of the args.

        With `symbolic_zeros`, `fwd` gets a `CustomVJPPrimal` for each leaf, and a cotangent that
        is zero is a `SymbolicZero`. `optimize_remat` is accepted, and changes nothing here.
        """
        if symbolic_zeros and optimize_remat:
            raise NotImplementedError("optimize_remat does not go together with symbolic_zeros.")
        self.fwd, self.bwd, self.symbolic_zeros = fwd, bwd, symbolic_zeros

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fwd is None or self.bwd is None:
            raise self.no_rule("vjp")
        args = self.resolve(args, kwargs)
        fixed = {n: args[n] for n in self.nondiff_argnums}
        if any(isinstance(x, Tracer) for x in tree_leaves(fixed)):
            raise UnexpectedTracerError(
                f"An argument of the custom_vjp function {name_of(self.fun)} that nondiff_argnums "
                "lists is being traced. These positions are for what cannot be traced, such as "
                "functions: take an array out of nondiff_argnums, and return None for its "
                "cotangent from the bwd rule.")
        call = FlatCall(self, args, fixed)
        rule = functools.partial(derivative, call, self.fwd, self.bwd, self.symbolic_zeros)
        outs = custom_vjp_call_p.bind(
            *call.leaves, call_jaxpr=call, fwd=Rule(self.fwd, rule), bwd=Rule(self.bwd, self.bwd),
            name=call.__name__, symbolic_zeros=self.symbolic_zeros)
        return tree_unflatten(call.out[0], [as_array(x) for x in outs])


@dataclasses.dataclass
class CustomVJPPrimal:
    """A leaf of an argument, to a `fwd` rule with `symbolic_zeros`: is it differentiated?"""

    value: Any
    perturbed: bool


def custom_vjp_primal_tree_values(tree: Any) -> Any:
    """The values of a pytree of `CustomVJPPrimal`."""
    return tree_map(lambda x: x.value, tree)


# --- the rules, on leaves ----------------------------------------------------------------------


def derivative(call: FlatCall, fwd: Callable, bwd: Callable, symbolic_zeros: bool,
               primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """What `fwd` returns, and its tangents: they stay unknown until `bwd` is used instead."""
    rule = f"Custom VJP fwd rule {name_of(fwd)} for function {call.__name__}"
    in_zeros = [t is None for t in tangents]
    values = list(map(as_array, primals))
    if symbolic_zeros:
        values = [CustomVJPPrimal(x, not zero) for x, zero in zip(values, in_zeros)]
    out, residuals = pair(rule, "the primal output and the residuals (what bwd needs from the "
                          "forward pass)", fwd(*call.arguments(values)))
    outs = call.results(rule, out)
    check_typed(f"{rule} returned a residual", residuals)
    known, res_tree = tree_flatten(residuals)
    avals, out_avals = list(map(typeof, primals)), [typeof(x).strip_weak_type() for x in outs]
    inexact = [dtypes.is_inexact(a.dtype) for a in out_avals]

    def flat_bwd(res: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        full = [zero_tangent(a, symbolic_zeros) if ct is None else ct
                for a, ct in zip(out_avals, spaced(cts, inexact))]
        result = bwd(*call.nondiff, tree_unflatten(res_tree, res),
                     tree_unflatten(call.out[0], full))
        return cotangents(call, f"Custom VJP bwd rule {name_of(bwd)} for function {call.__name__}",
                          avals, result)

    outs_dot = custom_lin_p.bind(
        *known, *[t for t in tangents if t is not None], num_res=len(known), in_zeros=in_zeros,
        bwd=Rule(bwd, flat_bwd, marked(out_avals, inexact)), symbolic_zeros=symbolic_zeros)
    return outs, spaced(outs_dot, inexact)


def cotangents(call: FlatCall, rule: str, avals: Sequence[ShapedArray], result: Any) -> list[Any]:
    """What `bwd` returned, one for each leaf; None stands for the zeros of a whole argument."""
    if not isinstance(result, (list, tuple)):
        raise TypeError(f"{rule} must produce a tuple of cotangents, one for each differentiable "
                        f"argument, but got {type(result).__name__}: {result!r}. For one argument "
                        "return a tuple of length one: `return (ct,)`.")
    try:
        cts = flatten_axes("the cotangent", tree_unflatten(call.in_tree, avals), tuple(result))
    except ValueError as error:
        raise TypeError(
            "Custom VJP bwd rule must produce an output with the same container (pytree) structure "
            "as the args tuple of the primal function, and in particular must produce a tuple of "
            "length equal to the number of arguments to the primal function, but got bwd output "
            f"structure {tree_structure(result)} for primal input structure {call.in_tree}. "
            "Return the cotangent of each argument, or None for it where it is zero.\n"
            f"{rule}: {error}") from None
    return [cotangent(call, rule, i, a, ct) for i, (a, ct) in enumerate(zip(avals, cts))]


def cotangent(call: FlatCall, rule: str, i: int, aval: ShapedArray, ct: Any) -> Any:
    """A cotangent in the dtype of its argument; None for a zero."""
    if isinstance(ct, SymbolicZero) and ct.shape != aval.shape:
        raise ValueError(f"{rule} produced a SymbolicZero of type {ct.aval.str_short()} as the "
                         f"cotangent of the argument {call.leaf_name(i)} of type "
                         f"{aval.str_short()}. Consider just returning a None here.")
    if ct is None or isinstance(ct, SymbolicZero) or not dtypes.is_inexact(aval.dtype):
        return None
    have = typeof(ct)
    loses = dtypes.kind(have.dtype) == "c" and dtypes.kind(aval.dtype) != "c"
    if have.shape != aval.shape or have.dtype == dtypes.float0 or loses:
        path, _ = tree_flatten_with_path(call.unflatten(range(call.in_tree.num_leaves)))[0][i]
        raise ValueError(
            f"{rule} must produce an output with the same type as the args tuple of the primal "
            f"function, but at output{keystr(path)} the bwd rule produced an output of type "
            f"{have.str_short()} corresponding to an input of type {aval.str_short()}, the "
            f"argument {call.leaf_name(i)}. Return None where the cotangent is zero.")
    return ct if have.dtype == aval.dtype else convert(ct, aval.dtype, False)
