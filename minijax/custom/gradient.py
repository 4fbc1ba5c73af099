"""custom_gradient, and closures turned into arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minijax import dtypes
from minijax.api_util import FlatFun, describe_function
from minijax.batching import BatchTracer
from minijax.control_flow.programs import marked
from minijax.core import Tracer, typeof
from minijax.custom.vjp import custom_vjp
from minijax.jaxpr import JaxprTracer, trace_to_jaxpr
from minijax.tree_util import Partial, tree_flatten, tree_unflatten


def custom_gradient(fun: Callable) -> custom_vjp:
    """A function with its own rule for reverse mode: `fun(*args)` returns the result and the rule.

    The rule takes the cotangent of the result and returns those of the arguments. It may close
    over what `fun` has computed, but not decide by it in Python.

    >>> import minijax as jax
    >>> f = jax.custom_gradient(lambda x: (x ** 2, lambda ct: (ct * 100.0,)))
    >>> print(f(3.0), jax.grad(f)(3.0))
    9.0 100.0
    """

    def result(*args: Any, **kwargs: Any) -> Any:
        out, _ = fun(*args, **kwargs)
        return out

    def fwd(*args: Any) -> tuple[Any, Any]:
        out, rule = fun(*args)
        converted, values = opened(rule, (out,), lambda x: True)
        return out, (Partial(converted), values)

    def bwd(residuals: Any, ct: Any) -> Any:
        converted, values = residuals
        cts = converted(ct, *values)
        return cts if isinstance(cts, (tuple, list)) else (cts,)

    result.__wrapped__ = fun  # type: ignore[attr-defined]
    wrapped = custom_vjp(result)
    wrapped.defvjp(fwd, bwd)
    return wrapped


def closure_convert(fun: Callable, *example_args: Any) -> tuple[Callable, list[Any]]:
    """(converted, values): `fun` without its closure, and the values it closes over.

    `converted(*args, *values)` is `fun(*args)` for arguments of the types of `example_args`. The
    values are those that may be differentiated: pass them to a custom_jvp or custom_vjp function
    as arguments, because its rule knows nothing of what a function closes over.

    >>> import minijax as jax
    >>> def outer(y):
    ...     f, values = jax.closure_convert(lambda x: x * y, 1.0)
    ...     return f(2.0, *values)
    >>> print(jax.grad(outer)(3.0))
    2.0
    """
    converted, values = opened(fun, example_args, may_have_tangent)
    return converted, values


def opened(fun: Callable, example_args: tuple, chosen: Callable[[Any], bool]
           ) -> tuple[Callable, list[Any]]:
    """`fun` with some of the values it closes over as further arguments, and these values."""
    leaves, in_tree = tree_flatten((example_args, {}))
    flat = FlatFun(fun, in_tree, "closure_convert")
    jaxpr, captured = trace_to_jaxpr(flat, list(map(typeof, leaves)),
                                     describe_function(fun, "closure_convert"))
    marks = list(map(chosen, captured))

    def converted(*args: Any) -> Any:
        args, values = args[:len(example_args)], iter(given := args[len(example_args):])
        leaves, tree = tree_flatten((args, {}))
        if tree != in_tree or len(given) != marks.count(True):
            raise TypeError(
                "The inputs to the closure produced by closure_convert must have the structure of "
                f"the example arguments, {in_tree.children()[0]}, followed by {marks.count(True)} "
                f"values, but got {tree.children()[0]} and {len(given)} values.")
        full = [next(values) if m else x for x, m in zip(captured, marks)]
        return tree_unflatten(flat.out_tree, jaxpr(*full, *leaves))

    return converted, marked(captured, marks)


def may_have_tangent(x: Any) -> bool:
    """Whether a value may be differentiated: now, or when the program it is part of is."""
    if isinstance(x, BatchTracer):
        return may_have_tangent(x.value)
    if isinstance(x, JaxprTracer):
        return dtypes.is_inexact(x.aval.dtype)
    return isinstance(x, Tracer)
