"""What reverse mode keeps from the forward pass to the backward pass, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minijax import dtypes
from minijax.api_util import FlatFun, describe_function, leaf_names
from minijax.core import ShapedArray, typeof
from minijax.jaxpr import JaxprEqn, Literal, trace_to_jaxpr
from minijax.linearize import linearize_flat
from minijax.source_info import show_line
from minijax.tree_util import tree_flatten


def saved_residuals(f: Callable, *args: Any, **kwargs: Any) -> list[tuple[ShapedArray, str]]:
    """The type of each value that the backward pass of `f` needs, and its origin."""
    leaves, in_tree = tree_flatten((args, kwargs))
    flat, name = FlatFun(f, in_tree, "saved_residuals"), describe_function(f, "saved_residuals")
    avals = list(map(typeof, leaves))
    active = [dtypes.is_inexact(a.dtype) for a in avals]
    literals: list[Literal] = []

    def forward(*xs: Any) -> list[Any]:
        _, _, lin, residuals = linearize_flat(flat, xs, active, name)
        literals.extend(x for e in lin.eqns for x in e.invars if isinstance(x, Literal))
        return residuals

    jaxpr, captured = trace_to_jaxpr(forward, avals, name)
    origins = dict.fromkeys(jaxpr.invars[:len(captured)], "from a constant")
    origins |= {v: f"from the argument {name}" for v, name in zip(
        jaxpr.invars[len(captured):], leaf_names(f, in_tree))}
    origins |= {v: origin(e) for e in jaxpr.eqns for v in e.outvars}
    kept = set(jaxpr.outvars)
    return [*((x.aval, "from a literal") for x in literals),
            *((v.aval, text) for v, text in origins.items() if v in kept)]


def origin(e: JaxprEqn) -> str:
    """Which operation made a value, and where."""
    match e.primitive.name:
        case "name":
            what = f"named '{e.params['name']}'"
        case "jit":
            what = f"output of jitted function '{e.params['name']}'"
        case other:
            what = f"output of {other}"
    return f"{what} from {show_line(e.line)}"


def print_saved_residuals(f: Callable, *args: Any, **kwargs: Any) -> None:
    """Print what the backward pass of `f` needs, with origins; see `checkpoint`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.ad_checkpoint.print_saved_residuals(lambda x, y: jnp.sin(x) * y, jnp.ones(2), 2.0)
    ... # doctest: +ELLIPSIS
    f32[] from the argument y
    f32[2] output of sin from ...
    f32[2] output of cos from ...
    """
    for aval, text in saved_residuals(f, *args, **kwargs):
        print(f"{aval.str_short(short_dtypes=True)} {text}")
