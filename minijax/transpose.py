"""Reverse mode: run the linear part of a function backwards."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.api_util import (
    FlatFun,
    argnums_partial,
    check_callable,
    chosen_names,
    describe_function,
)
from minijax.core import ArrayImpl, ShapedArray, UndefinedPrimal, current_trace, typeof
from minijax.derivative_checks import check_cotangent, check_grad_inputs, check_grad_output
from minijax.families import add_any, zeros
from minijax.jaxpr import Jaxpr, derive, derived, read, trace_to_jaxpr
from minijax.jvp import as_array, instantiate
from minijax.layouts import put
from minijax.linearize import linearize_flat
from minijax.make_jaxpr import duck_aval
from minijax.partial import Partial
from minijax.scopes import unspoken
from minijax.source_info import name_of
from minijax.tree_util import tree_flatten, tree_unflatten

# --- a linear program, backwards -------------------------------------------------------------


@unspoken()
def backward(jaxpr: Jaxpr, args: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
    """Cotangents of the `UndefinedPrimal` inputs of a program that is linear in them, in order.

    `cts` are those of the outputs. A missing cotangent, in or out, is None.
    """
    env: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*jaxpr.consts, *args]))
    linear = {v for v, x in zip(jaxpr.invars, args) if isinstance(x, UndefinedPrimal)}
    late = []
    for e in jaxpr.eqns:  # forwards: what touches no linear input is known
        ins = read(env, e.invars)
        if linear.isdisjoint(e.invars):
            outs = current_trace().process_primitive(e.primitive, ins, e.params)
        else:
            outs = [UndefinedPrimal(v.aval) for v in e.outvars]
            linear.update(e.outvars)
            late.append((e, ins))
        env.update(zip(e.outvars, outs))

    ct_env: dict[Any, Any] = {}
    for x, ct in zip(jaxpr.outvars, cts, strict=True):
        accumulate(ct_env, x, ct)
    for e, ins in reversed(late):  # backwards: from the cotangents of results to those of operands
        if not ct_env.keys().isdisjoint(e.outvars):
            outs = [ct_env.pop(v, None) for v in e.outvars]
            for x, ct in zip(e.invars, e.primitive.transpose(outs, *ins, **e.params)):
                accumulate(ct_env, x, ct)
    return [ct_env.get(v) for v, x in zip(jaxpr.invars, args) if isinstance(x, UndefinedPrimal)]


def accumulate(ct_env: dict, x: Any, ct: Any) -> None:
    """Add to the cotangent that a variable has: a value that was used twice gets two."""
    if ct is not None:
        if typeof(ct).vma != x.aval.vma:  # it varies over devices exactly as the variable does
            ct = current_trace().vary(ct, x.aval.vma)
        if (have := typeof(ct).divided) != (want := x.aval.divided):
            ct = put(want or have.undivided, ct)  # and is divided exactly as it is
        ct_env[x] = add_any(ct_env[x], ct) if x in ct_env else ct


# --- vjp -------------------------------------------------------------------------------------


def pull_flat(lin: Jaxpr, active: Sequence[bool], active_out: Sequence[bool],
              residuals: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
    """Cotangents of the active primals from those of the results; None for the others.

    The first arguments are what `linearize_flat` returns.
    """
    args = [*residuals, *(UndefinedPrimal(a) for a in lin.in_avals[len(residuals):])]
    found = iter(backward(lin, args, [ct for ct, a in zip(cts, active_out) if a]))
    return [next(found) if a else None for a in active]


def vjp(fun: Callable, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """`fun(*primals)`, and the map from cotangents of the result to a tuple of those of `primals`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> y, f_vjp = jax.vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> print(*f_vjp(1.0))
    4.0 3.0

    Raises:
      ValueError: a cotangent whose shape or dtype is not that of the output.
    """
    check_callable(fun)
    leaves, in_tree = tree_flatten((tuple(primals), {}))
    flat = FlatFun(fun, in_tree, "vjp", has_aux)
    active = [dtypes.is_inexact(typeof(x).dtype) for x in leaves]
    outs, active_out, lin, residuals = linearize_flat(
        flat, leaves, active, describe_function(fun, "vjp"))
    types = [typeof(x) for x in leaves], [typeof(x) for x in outs]
    f_vjp = Partial(functools.partial(pull_trees, name_of(fun), lin, active, active_out,
                                      in_tree, flat.out_tree, *types), residuals)
    out = tree_unflatten(flat.out_tree, [as_array(x) for x in outs])
    return (out, f_vjp, flat.aux) if has_aux else (out, f_vjp)


def pull_trees(name: str, lin: Jaxpr, active: Sequence[bool], active_out: Sequence[bool],
               in_tree: Any, out_tree: Any, in_avals: Sequence[ShapedArray],
               out_avals: Sequence[ShapedArray], residuals: Sequence[Any], *args: Any) -> Any:
    """The function that `vjp` returns: a pytree whose leaves are the residuals."""
    if len(args) != 1:
        raise TypeError(f"The function returned by jax.vjp applied to {name} was called with "
                        f"{len(args)} arguments. It takes one: the cotangent of the result, which "
                        "is a tuple where the result is a tuple.")
    cts, tree = tree_flatten(args[0])
    if tree != out_tree:
        raise ValueError("unexpected tree structure of argument to vjp function: got "
                         f"{tree}, but expected to match {out_tree}")
    for a, ct in zip(out_avals, cts):
        check_cotangent(a, ct)
    found = pull_flat(lin, active, active_out, residuals, cts)
    return tree_unflatten(in_tree, [instantiate(ct, a) for a, ct in zip(in_avals, found)])[0]


def linear_transpose(fun: Callable, *primals: Any) -> Callable:
    """The transpose of a linear function, at the shapes and dtypes of `primals`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(*jax.linear_transpose(lambda x: 2.0 * x, 1.0)(3.0))
    6.0
    """
    check_callable(fun)
    leaves, in_tree = tree_flatten((tuple(primals), {}))
    flat = FlatFun(fun, in_tree, "linear_transpose")
    avals = [duck_aval(x).strip_weak_type() for x in leaves]
    jaxpr, consts = trace_to_jaxpr(flat, avals, describe_function(fun, "linear_transpose"))
    kinds = [{dtypes.is_inexact(a.dtype) for a in side} for side in (avals, jaxpr.out_avals)]
    if len(kinds[0] | kinds[1]) > 1:
        raise TypeError("linear_transpose only supports [float or complex] -> [float or complex], "
                        f"and integer -> integer functions, but got {[a.dtype for a in avals]} -> "
                        f"{[a.dtype for a in jaxpr.out_avals]}.")
    return Partial(functools.partial(transpose_trees, jaxpr, avals, in_tree, flat.out_tree), consts)


def transpose_trees(jaxpr: Jaxpr, avals: Sequence[ShapedArray], in_tree: Any, out_tree: Any,
                    consts: Sequence[Any], ct: Any) -> Any:
    """The function that `linear_transpose` returns."""
    cts, tree = tree_flatten(ct)
    if tree != out_tree:
        raise TypeError(f"cotangent tree does not match function output, expected {out_tree} but "
                        f"got {tree}")
    for a, c in zip(jaxpr.out_avals, cts):
        if typeof(c).strip_weak_type() != a.strip_weak_type():
            raise TypeError("cotangent type does not match function output, expected "
                            f"{a.strip_weak_type()} but got {typeof(c)}")
    found = backward(jaxpr, [*consts, *map(UndefinedPrimal, avals)], cts)
    found = [zeros(a) if c is None else as_array(c) for a, c in zip(avals, found)]
    return tree_unflatten(in_tree, found)[0]


# --- grad ------------------------------------------------------------------------------------


def value_and_grad(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False,
                   holomorphic: bool = False, allow_int: bool = False) -> Callable:
    """A function that returns the value of `fun` and its gradient.

    Args:
      fun: returns a scalar (with `has_aux`, a pair of a scalar and anything else).
      argnums: which positional arguments to differentiate; a tuple gives a tuple of gradients.
      holomorphic: promise that `fun` is holomorphic; inputs and output are then complex.
      allow_int: allow integer inputs; their gradient is a zero of dtype `float0`.

    Raises:
      TypeError: a result that is not a real scalar, or an input that is not differentiable.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.value_and_grad(lambda x: jnp.sum(x ** 2))(jnp.array([1.0, 2.0]))
    (Array(5., dtype=float32), Array([2., 4.], dtype=float32))
    """
    check_callable(fun)

    @functools.wraps(fun)
    def value_and_grad_f(*args: Any, **kwargs: Any) -> Any:
        f, chosen = argnums_partial(fun, argnums, args, kwargs)
        leaves, in_tree = tree_flatten((chosen, {}))
        check_grad_inputs(leaves, holomorphic, allow_int, "grad",
                          lambda: chosen_names(fun, argnums, args))
        flat = FlatFun(f, in_tree, "grad", has_aux)
        active = [dtypes.is_inexact(typeof(x).dtype) for x in leaves]
        outs, active_out, lin, residuals = linearize_flat(
            flat, leaves, active, describe_function(fun, "grad"))
        out = check_grad_output(outs, flat.out_tree, holomorphic)
        one = ArrayImpl(np.ones((), typeof(out).dtype), typeof(out))
        cts = pull_flat(lin, active, active_out, residuals, [one])
        grads = [instantiate(c, typeof(x)) for x, c in zip(leaves, cts)]
        grads = tree_unflatten(in_tree, grads)[0]
        grad_out = grads[0] if isinstance(argnums, int) else grads
        return ((as_array(out), flat.aux) if has_aux else as_array(out)), grad_out

    return value_and_grad_f


def grad(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False,
         holomorphic: bool = False, allow_int: bool = False) -> Callable:
    """A function that returns the gradient of the scalar-valued `fun`.

    The arguments are those of `value_and_grad`. With `has_aux`, it returns `(gradient, aux)`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.grad(jnp.tanh)(2.0))
    0.07065082
    """
    value_and_grad_f = value_and_grad(fun, argnums, has_aux, holomorphic, allow_int)

    @functools.wraps(fun)
    def grad_f(*args: Any, **kwargs: Any) -> Any:
        value, gradient = value_and_grad_f(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return grad_f


# --- the same for programs --------------------------------------------------------------------


@derived
def transpose_jaxpr(jaxpr: Jaxpr, undefined: tuple[bool, ...], given: tuple[bool, ...],
                    wanted: tuple[bool, ...] | None = None) -> tuple[Jaxpr, tuple[bool, ...]]:
    """(bwd, which): `bwd` takes the known inputs, then the `given` cotangents of the outputs.

    It returns cotangents for the inputs marked in `which`, among them all those in `wanted`.
    """
    made: list[bool] = []

    def backwards(*known_and_cts: Any) -> list[Any]:
        values = iter(known_and_cts)
        args = [UndefinedPrimal(a) if u else next(values)
                for a, u in zip(jaxpr.in_avals, undefined)]
        cts = [next(values) if g else None for g in given]
        found = iter(backward(jaxpr, args, cts))
        full = [next(found) if u else None for u in undefined]
        if wanted:
            full = [zeros(a) if ct is None and w else ct
                    for a, ct, w in zip(jaxpr.in_avals, full, wanted)]
        made[:] = [ct is not None for ct in full]
        return [ct for ct in full if ct is not None]

    known = [a for a, u in zip(jaxpr.in_avals, undefined) if not u]
    cts = [a for a, g in zip(jaxpr.out_avals, given) if g]
    bwd = derive(backwards, [*known, *cts], "transpose")
    return bwd, tuple(made)


def transpose_call(bind: Callable, cts: Sequence[Any], args: Sequence[Any], jaxpr: Jaxpr
                   ) -> list[Any]:
    """The `transpose` rule of an operation that runs one program; `bind(jaxpr, *args)` runs it."""
    undefined = tuple(isinstance(x, UndefinedPrimal) for x in args)
    bwd, which = transpose_jaxpr(jaxpr, undefined, tuple(ct is not None for ct in cts))
    known = [x for x in args if not isinstance(x, UndefinedPrimal)]
    found = iter(bind(bwd, *known, *[ct for ct in cts if ct is not None]))
    return [next(found) if w else None for w in which]
