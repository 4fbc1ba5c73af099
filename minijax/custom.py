"""Functions that bring their own derivative: custom_jvp, custom_vjp."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.api_util import is_typed
from minijax.batching import AxisData, batch, batch_flat, batch_jaxpr, move_axis, move_to_front
from minijax.compiler import compiled
from minijax.core import EvalTrace, ShapedArray, UndefinedPrimal, interpreting, name_of, typeof
from minijax.errors import UnexpectedTracerError
from minijax.families import Program, reduce_sum, zeros
from minijax.jaxpr import Jaxpr, trace_to_jaxpr
from minijax.jvp import as_array, instantiate, tangent_dtype
from minijax.transpose import backward
from minijax.tree_util import tree_flatten, tree_unflatten

# --- operations that hold functions ----------------------------------------------------------


class CustomCall(Program):
    """A function with rules of its own. `call_jaxpr` is called with the operands.

    It is the user's function until a trace writes the operation down; then it is its program,
    and what the function closes over has become leading operands, `num_consts` of them.
    """

    def stage(self, args, params):
        fun = params["call_jaxpr"]
        if isinstance(fun, Jaxpr):
            return args, params
        jaxpr, consts = trace_to_jaxpr(fun, [typeof(x) for x in args], params["name"], prune=False)
        return [*consts, *args], {**params, "call_jaxpr": jaxpr, "num_consts": len(consts) or None}

    def evaluate(self, args, params):
        try:
            with interpreting(EvalTrace("evaluation")):
                return params["call_jaxpr"](*args)
        except UnexpectedTracerError as error:
            raise closes_over(params["name"]) from error

    def impl(self, *args, call_jaxpr, **params):
        return compiled(call_jaxpr)(*args)

    def abstract_eval(self, *avals, call_jaxpr, **params):
        return call_jaxpr.out_avals

    def effects_of(self, params):
        jaxpr = params["call_jaxpr"]
        return jaxpr.effects if isinstance(jaxpr, Jaxpr) else frozenset()

    def transpose(self, cts, *args, call_jaxpr, **params):
        found = iter(backward(call_jaxpr, args, cts))
        return [next(found) if isinstance(x, UndefinedPrimal) else None for x in args]

    def rule_operands(self, primals: Sequence, tangents: Sequence, num_consts: int | None, name: str
                      ) -> tuple[Sequence, Sequence]:
        """The operands without those that the function only closes over."""
        n = num_consts or 0
        if any(t is not None for t in tangents[:n]):
            raise closes_over(name)
        return primals[n:], tangents[n:]


def closes_over(name: str) -> UnexpectedTracerError:
    return UnexpectedTracerError(
        f"{name} has its own derivative, which knows nothing of the values that {name} closes "
        f"over, and one of them is being traced. Pass it to {name} as an argument.")


class Rule:
    """A user's rule, printed by its name."""

    def __init__(self, user: Callable, flat: Callable):
        self.user, self.flat = user, flat

    def __call__(self, *args: Any) -> Any:
        return self.flat(*args)

    def __str__(self) -> str:
        return name_of(self.user)


# --- custom_jvp ------------------------------------------------------------------------------


class CustomJVPCall(CustomCall):
    """`jvp(primals, tangents)` returns the results and their tangents; None is no tangent."""

    def jvp(self, primals, tangents, *, jvp, num_consts=None, name="", **params):
        return jvp(*self.rule_operands(primals, tangents, num_consts, name))


custom_jvp_call_p = CustomJVPCall("custom_jvp_call")


@batch.register
def _(prim: CustomJVPCall, axis, xs, dims, /, *, call_jaxpr, jvp, num_consts=None, **params):
    n = len(call_jaxpr.outvars)
    batched, dims_out = batch_jaxpr(call_jaxpr, axis, tuple(dims), (True,) * n)
    arg_dims = dims[num_consts or 0:]

    def batched_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list, list]:
        active = [t is not None for t in tangents]
        present: list[bool] = []

        def both(*flat: Any) -> list[Any]:
            ts = iter(flat[len(primals):])
            outs, outs_dot = jvp(flat[: len(primals)], [next(ts) if a else None for a in active])
            present[:] = [t is not None for t in outs_dot]
            return [*outs, *(t for t in outs_dot if t is not None)]

        flat = [*primals, *(t for t in tangents if t is not None)]
        flat_dims = [*arg_dims, *(d for d, a in zip(arg_dims, active) if a)]
        outs, out_dims = batch_flat(both, axis, flat, flat_dims, "vmap")
        outs = [move_to_front(x, d, axis.size) for x, d in zip(outs, out_dims)]
        ts = iter(outs[n:])
        return outs[:n], [next(ts) if p else None for p in present]

    return prim.bind(*xs, call_jaxpr=batched, jvp=Rule(jvp.user, batched_jvp),
                     num_consts=num_consts, **params), dims_out


class custom_jvp:
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
      nondiff_argnums: positions of arguments that are not differentiated; the rule gets them
        first, before `primals` and `tangents`.
    """

    def __init__(self, fun: Callable, nondiff_argnums: Sequence[int] = ()):
        functools.update_wrapper(self, fun)
        self.fun, self.nondiff_argnums = fun, tuple(nondiff_argnums)
        self.jvp: Callable | None = None

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def defjvp(self, jvp: Callable, symbolic_zeros: bool = False) -> Callable:
        """Set the rule: jvp(primals, tangents) -> (primals_out, tangents_out)."""
        self.jvp = jvp
        return jvp

    def defjvps(self, *jvps: Callable | None) -> None:
        """Set a rule for each argument: jvp(tangent, out, *primals) -> tangent_out."""

        def jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
            out = self(*primals)
            terms = [rule(t, out, *primals) for rule, t in zip(jvps, tangents) if rule]
            return out, functools.reduce(lambda a, b: a + b, terms)

        self.defjvp(jvp)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.jvp is None:
            raise AttributeError(f"No JVP defined for custom_jvp function {name_of(self.fun)} "
                                 "using defjvp.")
        call = FlatCall(self.fun, self.nondiff_argnums, args, kwargs)
        rule = functools.partial(flat_jvp, call, self.jvp)
        outs = custom_jvp_call_p.bind(*call.leaves, call_jaxpr=call, jvp=Rule(self.jvp, rule),
                                      name=name_of(self.fun), symbolic_zeros=False)
        return tree_unflatten(call.out_tree, [as_array(x) for x in outs])


class FlatCall:
    """One call of a custom function, on leaves: `fun` without the arguments that are set aside."""

    def __init__(self, fun: Callable, nondiff_argnums: tuple[int, ...], args: tuple, kwargs: dict):
        self.fun, self.__name__ = fun, name_of(fun)
        args = resolve_kwargs(fun, args, kwargs)
        nums = {n % len(args) for n in nondiff_argnums}
        self.nondiff = [args[n] for n in sorted(nums)]
        self.fixed = {n: args[n] for n in nums}
        self.n_args = len(args)
        self.leaves, self.in_tree = tree_flatten([x for n, x in enumerate(args) if n not in nums])
        self.out_tree: Any = None
        self.leaves = list(map(as_array, self.leaves))

    def __call__(self, *leaves: Any) -> list[Any]:
        rest = iter(tree_unflatten(self.in_tree, leaves))
        full = [self.fixed[n] if n in self.fixed else next(rest) for n in range(self.n_args)]
        outs, self.out_tree = tree_flatten(self.fun(*full))
        return outs

    def set_out_tree(self, tree: Any, what: str) -> None:
        if self.out_tree is not None and tree != self.out_tree:
            raise TypeError(f"{what} for function {self.__name__} must produce an output with the "
                            f"same container (pytree) structure as {self.__name__}: got {tree}, "
                            f"expected {self.out_tree}.")
        self.out_tree = tree


def resolve_kwargs(fun: Callable, args: tuple, kwargs: dict) -> tuple:
    """The arguments by position, with defaults filled in."""
    try:
        bound = inspect.signature(fun).bind(*args, **kwargs)
    except ValueError:  # no signature to be had
        return args
    bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(f"The following keyword arguments could not be resolved to positions: "
                        f"{', '.join(bound.kwargs)}")
    return bound.args


def flat_jvp(call: FlatCall, jvp: Callable, primals: Sequence[Any], tangents: Sequence[Any]
             ) -> tuple[list[Any], list[Any]]:
    """A user's rule on leaves, its results checked against each other."""
    full = [instantiate(t, x) for x, t in zip(primals, tangents)]
    result = jvp(*call.nondiff, tuple(tree_unflatten(call.in_tree, map(as_array, primals))),
                 tuple(tree_unflatten(call.in_tree, full)))
    rule = f"Custom JVP rule {name_of(jvp)}"
    if not isinstance(result, (list, tuple)) or len(result) != 2:
        raise TypeError(f"{rule} for function {call.__name__} must produce a pair (list or tuple "
                        "of length two) representing primal and tangent outputs, but got "
                        f"{result!r}.")
    (outs, tree), (outs_dot, tree_dot) = map(tree_flatten, result)
    if tree != tree_dot:
        raise TypeError(f"{rule} for function {call.__name__} must produce primal and tangent "
                        f"outputs with equal container (pytree) structures, but got {tree} and "
                        f"{tree_dot} respectively.")
    call.set_out_tree(tree, rule)
    for x, t in zip(outs, outs_dot):
        aval, aval_dot = typeof(x), typeof(t)
        expected = ShapedArray(aval.shape, tangent_dtype(aval))
        if aval_dot.strip_weak_type() != expected and aval_dot.dtype != dtypes.float0:
            raise TypeError(f"{rule} for function {call.__name__} must produce primal and tangent "
                            "outputs with corresponding shapes and dtypes. Expected a tangent of "
                            f"type {expected.str_short()} for a primal output of type "
                            f"{aval.str_short()}, but got {aval_dot.str_short()}.")
    return outs, [None if typeof(t).dtype == dtypes.float0 else t for t in outs_dot]


# --- custom_vjp ------------------------------------------------------------------------------


class CustomVJPCall(CustomCall):
    """`fwd(primals)` returns results, residuals and `bwd(residuals, cts)`, in the end in leaves."""

    def jvp(self, primals, tangents, *, fwd, num_consts=None, name="", **params):
        primals, tangents = self.rule_operands(primals, tangents, num_consts, name)
        outs, residuals, bwd = fwd(primals)
        avals = [typeof(x).strip_weak_type() for x in outs]
        given = [instantiate(t, x) for x, t in zip(primals, tangents)]
        outs_dot = iter(custom_lin_p.bind(
            *residuals, *given, num_res=len(residuals), bwd=Rule(params["bwd"].user, bwd),
            out_avals=tuple(a for a in avals if dtypes.is_inexact(a.dtype)),
            present=tuple(dtypes.is_inexact(a.dtype) for a in avals)))
        return outs, [next(outs_dot) if dtypes.is_inexact(a.dtype) else None for a in avals]


class CustomLin(Program):
    """The linear map of a custom_vjp function: only its transpose is known."""

    def impl(self, *args, **params):
        raise TypeError("can't apply forward-mode autodiff (jvp) to a custom_vjp function.")

    def abstract_eval(self, *avals, out_avals, **params):
        return out_avals

    def transpose(self, cts, *args, num_res, bwd, out_avals, present):
        full = iter([zeros(a) if ct is None else ct for a, ct in zip(out_avals, cts)])
        cts_in = bwd(args[:num_res], [next(full) if p else None for p in present])
        return [None] * num_res + [ct if isinstance(x, UndefinedPrimal) else None
                                   for x, ct in zip(args[num_res:], cts_in)]


custom_vjp_call_p = CustomVJPCall("custom_vjp_call")
custom_lin_p = CustomLin("custom_lin")


@batch.register
def _(prim: CustomVJPCall, axis, xs, dims, /, *, call_jaxpr, fwd, num_consts=None, **params):
    n = len(call_jaxpr.outvars)
    batched, dims_out = batch_jaxpr(call_jaxpr, axis, tuple(dims), (True,) * n)
    arg_dims = dims[num_consts or 0:]

    def batched_fwd(primals: Sequence[Any]) -> tuple[list[Any], list[Any], Callable]:
        made: list[Any] = []

        def forward(*flat: Any) -> list[Any]:
            outs, residuals, bwd = fwd(flat)
            made.append(bwd)
            return [*outs, *residuals]

        outs, dims_all = batch_flat(forward, axis, primals, arg_dims, "vmap")
        outs[:n] = [move_to_front(x, d, axis.size) for x, d in zip(outs[:n], dims_all)]
        bwd = batched_bwd(made[0], axis, dims_all[n:], arg_dims)
        return outs[:n], outs[n:], bwd

    return prim.bind(*xs, call_jaxpr=batched, fwd=Rule(fwd.user, batched_fwd),
                     num_consts=num_consts, **params), dims_out


def batched_bwd(bwd: Callable, axis: AxisData, res_dims: Sequence[Any], arg_dims: Sequence[Any],
                ct_dims: Sequence[Any] | None = None) -> Callable:
    """`bwd` for a batch; the cotangent of what is the same for all is summed over the batch."""

    def run(residuals: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        given = [ct is not None for ct in cts]
        dims = ct_dims or [0] * len(cts)
        present: list[bool] = []

        def back(*flat: Any) -> list[Any]:
            values = iter(flat[len(residuals):])
            outs = bwd(flat[: len(residuals)], [next(values) if g else None for g in given])
            present[:] = [ct is not None for ct in outs]
            return [ct for ct in outs if ct is not None]

        flat = [*residuals, *(ct for ct in cts if ct is not None)]
        flat_dims = [*res_dims, *(d for d, g in zip(dims, given) if g)]
        outs, out_dims = batch_flat(back, axis, flat, flat_dims, "vmap")
        outs = [move_to_front(x, d, axis.size) for x, d in zip(outs, out_dims)]
        found = iter(outs)
        return [None if not p else reduce_sum(next(found), (0,)) if d is None
                else move_axis(next(found), 0, d) for p, d in zip(present, arg_dims)]

    return run


@batch.register
def _(prim: CustomLin, axis, xs, dims, /, *, num_res, bwd, out_avals, present):
    run = batched_bwd(bwd, axis, dims[:num_res], dims[num_res:])
    avals = tuple(a.update(shape=(axis.size, *a.shape)) for a in out_avals)
    outs = prim.bind(*xs, num_res=num_res, bwd=Rule(bwd.user, run), out_avals=avals,
                     present=present)
    return outs, [0] * len(outs)


class custom_vjp:
    """A function with its own rule for reverse mode; it has no forward mode.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> @jax.custom_vjp
    ... def clip_gradient(x):
    ...     return x
    >>> clip_gradient.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -1.0, 1.0),))
    >>> print(jax.grad(lambda x: 10.0 * clip_gradient(x))(0.0))
    1.0

    Args:
      nondiff_argnums: positions of arguments that are not differentiated; `bwd` gets them first.
    """

    def __init__(self, fun: Callable, nondiff_argnums: Sequence[int] = ()):
        functools.update_wrapper(self, fun)
        self.fun, self.nondiff_argnums = fun, tuple(nondiff_argnums)
        self.fwd: Callable | None = None
        self.bwd: Callable | None = None

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def defvjp(self, fwd: Callable, bwd: Callable, symbolic_zeros: bool = False) -> None:
        """Set the rule: fwd(*args) -> (out, residuals); bwd(residuals, ct) -> cts of the args."""
        self.fwd, self.bwd = fwd, bwd

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fwd is None or self.bwd is None:
            raise AttributeError(f"No VJP defined for custom_vjp function {name_of(self.fun)} "
                                 "using defvjp.")
        call = FlatCall(self.fun, self.nondiff_argnums, args, kwargs)
        fwd = functools.partial(flat_fwd, call, self.fwd, self.bwd)
        outs = custom_vjp_call_p.bind(
            *call.leaves, call_jaxpr=call, fwd=Rule(self.fwd, fwd), bwd=Rule(self.bwd, self.bwd),
            name=name_of(self.fun), symbolic_zeros=False)
        return tree_unflatten(call.out_tree, [as_array(x) for x in outs])


def flat_fwd(call: FlatCall, fwd: Callable, bwd: Callable, primals: Sequence[Any]
             ) -> tuple[list[Any], list[Any], Callable]:
    """A user's rules on leaves."""
    rest = iter(tree_unflatten(call.in_tree, map(as_array, primals)))
    full = [call.fixed[n] if n in call.fixed else next(rest) for n in range(call.n_args)]
    result = fwd(*full)
    rule = f"Custom VJP fwd rule {name_of(fwd)}"
    if not isinstance(result, (list, tuple)) or len(result) != 2:
        raise TypeError(f"{rule} for function {call.__name__} must produce a pair (list or tuple "
                        "of length two) where the first element represents the primal output and "
                        "the second element represents residuals (i.e. values stored from the "
                        f"forward pass for use on the backward pass), but got {result!r}.")
    outs, tree = tree_flatten(result[0])
    call.set_out_tree(tree, rule)
    residuals, res_tree = tree_flatten(result[1])
    arrays = [is_typed(x) for x in residuals]  # a residual may be anything: a string, a function
    avals, out_avals = [typeof(x) for x in primals], [typeof(x) for x in outs]

    def flat_bwd(known: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        values = iter(known)
        res = tree_unflatten(res_tree, [next(values) if a else x
                                        for x, a in zip(residuals, arrays)])
        full = [np.zeros(a.shape, dtypes.float0) if ct is None else ct
                for a, ct in zip(out_avals, cts)]
        return check_cts(call, bwd, avals, bwd(*call.nondiff, res, tree_unflatten(tree, full)))

    return outs, [x for x, a in zip(residuals, arrays) if a], flat_bwd


def check_cts(call: FlatCall, bwd: Callable, avals: Sequence[ShapedArray], result: Any
              ) -> list[Any]:
    """The cotangents that `bwd` returned, one for each leaf; None stands for a whole argument."""
    rule = f"Custom VJP bwd rule {name_of(bwd)} for function {call.__name__}"
    if not isinstance(result, (list, tuple)):
        raise TypeError(f"{rule} must produce a tuple of cotangents, one for each differentiable "
                        f"argument, but got {type(result).__name__}: {result!r}. For one argument "
                        "return a tuple of length one: `return (ct,)`.")
    args = tree_unflatten(call.in_tree, list(range(len(avals))))
    if len(result) != len(args):
        raise TypeError(f"{rule} must produce one cotangent for each of its {len(args)} "
                        f"arguments, but got {len(result)}.")
    cts: list[Any] = []
    for n, (arg, ct) in enumerate(zip(args, result)):
        positions, arg_tree = tree_flatten(arg)
        leaves, tree = tree_flatten(ct, is_leaf=lambda x: x is None)
        if ct is None:
            leaves = [None] * len(positions)
        elif len(leaves) != len(positions):
            raise TypeError(f"{rule} must produce a cotangent of the structure of argument {n}, "
                            f"{arg_tree}, but got {tree}.")
        for i, leaf in zip(positions, leaves):
            cts.append(check_ct(rule, n, avals[i], leaf))
    return cts


def check_ct(rule: str, n: int, aval: ShapedArray, ct: Any) -> Any:
    if ct is None or typeof(ct).dtype == dtypes.float0 or not dtypes.is_inexact(aval.dtype):
        return None
    have = typeof(ct)
    if have.shape != aval.shape or have.dtype != aval.dtype:
        raise ValueError(f"{rule} must produce cotangents of the types of the arguments: argument "
                         f"{n} has type {aval.str_short()}, but its cotangent has type "
                         f"{have.str_short()}.")
    return ct
