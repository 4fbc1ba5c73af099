"""What custom_jvp and custom_vjp share: an operation that holds functions of the user.

In JAX: jax/_src/custom_derivatives.py.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from minijax.api_util import is_typed, positional_names
from minijax.batching import batch, batch_flat, batch_jaxpr, move_to_front
from minijax.compiler import compiled
from minijax.core import (
    EvalTrace,
    ShapedArray,
    UndefinedPrimal,
    current_trace,
    interpreting,
    typeof,
)
from minijax.errors import UnexpectedTracerError
from minijax.families import Program, zeros
from minijax.jaxpr import Jaxpr, trace_to_jaxpr
from minijax.jvp import as_array
from minijax.linearize import TangentTrace
from minijax.source_info import name_of
from minijax.transpose import backward
from minijax.tree_util import (
    keystr,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_map,
    tree_unflatten,
)

# --- the operation ---------------------------------------------------------------------------


class HeldProgram(Program):
    """Runs `call_jaxpr`, and holds a function of the user that says what becomes of that."""

    def evaluate(self, args, params):
        return params["call_jaxpr"](*args)

    def impl(self, *args, call_jaxpr, **params):
        return compiled(call_jaxpr)(*args)

    def abstract_eval(self, *avals, call_jaxpr, **params):
        return call_jaxpr.out_avals

    def effects_of(self, params):
        jaxpr = params["call_jaxpr"]
        return jaxpr.effects if isinstance(jaxpr, Jaxpr) else frozenset()


class CustomCall(HeldProgram):
    """A function with a derivative of its own: `call_jaxpr` is called with the operands.

    It is the user's function until a trace writes the operation down. Then it is its program, and
    what the function closes over has become leading operands, `num_consts` of them.

    The param named `rule` is the derivative: (primals, tangents) -> (results, their tangents), all
    flat, None for no tangent. It remains a function for as long as nobody differentiates.
    """

    def __init__(self, name: str, rule: str):
        super().__init__(name)
        self.rule = rule

    def stage(self, trace, args, params):
        fun, name = params["call_jaxpr"], params["name"]
        if isinstance(fun, Jaxpr):
            return args, params
        with telling_closures(name), interpreting(trace):
            jaxpr, consts = trace_to_jaxpr(fun, list(map(typeof, args)), name, prune=False)
        return [*consts, *args], {**params, "call_jaxpr": jaxpr, "num_consts": len(consts) or None}

    def evaluate(self, args, params):
        with telling_closures(params["name"]), interpreting(EvalTrace("evaluation")):
            return super().evaluate(args, params)

    def jvp(self, primals, tangents, *, name, num_consts=None, **params):
        n = num_consts or 0
        if any(t is not None for t in tangents[:n]):
            raise closes_over(name)
        outs, outs_dot = params[self.rule](primals[n:], tangents[n:])
        trace = current_trace()
        if isinstance(trace, TangentTrace) and any(map(trace.is_mine, outs)):
            raise ValueError(
                f"The custom JVP rule of {name} must produce primal outputs that do not depend on "
                "the tangents, else the linear part of the function cannot be told from the rest.")
        return outs, outs_dot

    def transpose(self, cts, *args, call_jaxpr, **params):
        found = iter(backward(call_jaxpr, args, cts))
        return [next(found) if isinstance(x, UndefinedPrimal) else None for x in args]


@batch.register
def _(prim: CustomCall, axis, xs, dims, /, *, call_jaxpr, num_consts=None, **params):
    # All results are batches, also those that do not depend on the batch: their derivative may.
    n = len(call_jaxpr.outvars)
    batched, dims_out = batch_jaxpr(call_jaxpr, axis, tuple(dims), (True,) * n)
    rule, arg_dims = params[prim.rule], dims[num_consts or 0:]

    def one_element(*values: Any) -> list[Any]:
        outs, tangents = rule(values[:len(arg_dims)], values[len(arg_dims):])
        return [*outs, *tangents]

    def batched_rule(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list, list]:
        tangent_dims = [None if t is None else d for t, d in zip(tangents, arg_dims)]
        outs, out_dims = batch_flat(one_element, axis, [*primals, *tangents],
                                    [*arg_dims, *tangent_dims], "vmap")
        outs = [None if x is None else move_to_front(x, d, axis.size)
                for x, d in zip(outs, out_dims)]
        return outs[:n], outs[n:]

    params[prim.rule] = Rule(rule.user, batched_rule)
    return prim.bind(*xs, call_jaxpr=batched, num_consts=num_consts, **params), dims_out


@contextlib.contextmanager
def telling_closures(name: str) -> Iterator[None]:
    """A traced value that does not belong here is one that the function closes over."""
    try:
        yield
    except UnexpectedTracerError as error:
        raise closes_over(name) from error


def closes_over(name: str) -> UnexpectedTracerError:
    return UnexpectedTracerError(
        f"{name} has its own derivative, which knows nothing of the values that {name} closes "
        f"over, and one of them is being traced. Pass it to {name} as an argument.")


class Rule:
    """A user's rule, printed by its name, and what calls it."""

    def __init__(self, user: Callable, flat: Callable, out_avals: Sequence[ShapedArray] = ()):
        self.user, self.flat, self.out_avals = user, flat, out_avals

    def __call__(self, *args: Any) -> Any:
        return self.flat(*args)

    def __str__(self) -> str:
        return name_of(self.user)


class SymbolicZero:
    """A tangent or cotangent that is zero, for rules with `symbolic_zeros`: its type is all."""

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    shape = property(lambda self: self.aval.shape)
    dtype = property(lambda self: self.aval.dtype)
    ndim = property(lambda self: self.aval.ndim)
    size = property(lambda self: self.aval.size)
    weak_type = property(lambda self: self.aval.weak_type)

    def __repr__(self) -> str:
        return f"SymbolicZero({self.aval})"


def zero_tangent(aval: ShapedArray, symbolic: bool) -> Any:
    """The zero tangent, or cotangent, of a value of this type, as a rule gets it."""
    zero = aval.to_tangent_aval()
    return SymbolicZero(zero) if symbolic else zeros(zero)


def zero_from_primal(x: Any, symbolic_zeros: bool = False) -> Any:
    """The zero tangents of the values in a pytree."""
    return tree_map(lambda leaf: zero_tangent(typeof(leaf), symbolic_zeros), x)


# --- the decorated function --------------------------------------------------------------------


class CustomFunction:
    """A function, and which of its arguments are set aside: the rules get these first."""

    __call__: Callable

    def __init__(self, fun: Callable, nondiff_argnums: Sequence[int] = (),
                 nondiff_argnames: Sequence[str] = ()):
        functools.update_wrapper(self, fun, updated=())
        self.fun, self.symbolic_zeros = fun, False
        names = positional_names(fun, 0)
        if unknown := [n for n in nondiff_argnames if n not in names]:
            raise ValueError(f"{name_of(fun)} has no parameters {unknown}, which nondiff_argnames "
                             f"lists: it has {names}.")
        self.nondiff_argnums = tuple(sorted({*nondiff_argnums,
                                             *map(names.index, nondiff_argnames)}))

    def resolve(self, args: tuple, kwargs: dict) -> tuple:
        """The arguments by position, with defaults filled in."""
        try:
            bound = inspect.signature(self.fun).bind(*args, **kwargs)
        except ValueError:  # no signature to be had
            return args
        except TypeError as error:
            raise self.not_positional(error) from None
        bound.apply_defaults()
        if given := [k for k in bound.kwargs if k in kwargs]:
            raise self.not_positional("The following keyword arguments could not be resolved to "
                                      f"positions: {', '.join(given)}")
        return bound.args

    def not_positional(self, why: Any) -> TypeError:
        return TypeError(f"The input arguments to the {type(self).__name__}-decorated function "
                         f"{name_of(self.fun)} could not be resolved to positions, by which its "
                         f"rules get them:\n{why}")

    def no_rule(self, kind: str) -> AttributeError:
        name = name_of(self.fun)
        return AttributeError(f"No {kind.upper()} defined for custom_{kind} function {name} using "
                              f"def{kind}. Set its rule with {name}.def{kind}(...)")


class FlatCall:
    """One call of a custom function, on leaves. The function and its rules must agree on `out`."""

    def __init__(self, custom: CustomFunction, args: tuple, fixed: dict[int, Any]):
        self.fun, self.__name__, self.kind = custom.fun, name_of(custom.fun), type(custom).__name__
        self.fixed = {n % len(args): x for n, x in fixed.items()}
        self.moving = [n for n in range(len(args)) if n not in self.fixed]
        leaves, self.in_tree = tree_flatten(tuple(args[n] for n in self.moving))
        for i, x in enumerate(leaves):
            if not is_typed(x):
                raise TypeError(f"{self.__name__} got the argument {self.leaf_name(i)} of type "
                                f"{type(x)}, which is not a valid JAX type: name it in "
                                "nondiff_argnums, if it is not to be differentiated.")
        self.leaves = list(map(as_array, leaves))
        self.out: Any = None  # (structure, types), once someone has produced results

    nondiff = property(lambda self: [self.fixed[n] for n in sorted(self.fixed)])

    def unflatten(self, leaves: Iterable[Any]) -> tuple:
        return tree_unflatten(self.in_tree, leaves)

    def arguments(self, leaves: Iterable[Any]) -> list[Any]:
        """What the user's function takes, those set aside included."""
        full = {**self.fixed, **dict(zip(self.moving, self.unflatten(leaves)))}
        return [full[n] for n in range(len(full))]

    def leaf_name(self, i: int) -> str:
        """What the user calls a leaf: `params['w']`."""
        path, _ = tree_flatten_with_path(self.unflatten(range(self.in_tree.num_leaves)))[0][i]
        names = positional_names(self.fun, len(self.fixed) + len(self.moving))
        return names[self.moving[path[0].idx]] + keystr(path[1:])

    def __call__(self, *leaves: Any) -> list[Any]:
        return self.results(self.__name__, self.fun(*self.arguments(leaves)))

    def results(self, who: str, out: Any) -> list[Any]:
        """The leaves of what `who` returned. TypeError where someone returned something else."""
        outs, tree = tree_flatten(out)
        check_typed(f"{who} returned a value", out)
        out_type = tree, [typeof(x).strip_weak_type() for x in outs]
        if self.out is not None and out_type != self.out:
            raise TypeError(self.other_output(who, out_type))
        self.out = out_type
        return outs

    def other_output(self, who: str, out_type: tuple) -> str:
        """The message where a rule returned another sort of result than the function."""
        what, like = (("container/pytree structure", "of the same container/pytree structure")
                      if out_type[0] != self.out[0] else
                      ("shapes/dtypes of", "with leaves of the same shape/dtype"))
        rule, equal, second = (
            ("JVP", f"equal in value to the output of the {self.kind}-decorated function "
             f"{self.__name__}, and in particular {like}", "") if self.kind == "custom_jvp" else
            ("fwd", f"equal to the output of the {self.kind}-decorated function {self.__name__}",
             " and the second element represents residuals (i.e. values stored from the forward "
             "pass for use on the backward pass)"))
        return (f"{who} must produce a pair (list or tuple of length two) where the first element "
                f"represents the primal output ({equal}){second}, but instead the {rule} rule "
                f"output's first element had {what}:\n    {type_tree(*out_type)}\nwhile the "
                f"{self.kind}-decorated function {self.__name__} had output {what}:\n"
                f"    {type_tree(*self.out)}.")


def check_typed(what: str, tree: Any) -> None:
    """TypeError, which names the path, unless the leaves are arrays, or numbers."""
    if not all(map(is_typed, tree_leaves(tree))):
        path, x = next(p for p in tree_flatten_with_path(tree)[0] if not is_typed(p[1]))
        raise TypeError(f"{what}{f' at {keystr(path)}' if path else ''} of type {type(x)}, which "
                        "is not a valid JAX type.")


def type_tree(tree: Any, avals: Sequence[ShapedArray]) -> str:
    return str(tree_unflatten(tree, [a.str_short() for a in avals])).replace("'", "")


def pair(rule: str, what: str, result: Any) -> Any:
    """The result of a rule, if it is a pair."""
    if not isinstance(result, (list, tuple)) or len(result) != 2:
        raise TypeError(f"{rule} must produce a pair (list or tuple of length two) representing "
                        f"{what}, but got {result}.")
    return result
