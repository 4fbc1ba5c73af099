"""What a program costs at least: operations on numbers, and bytes to and from memory."""

from __future__ import annotations

import math
from typing import Any

from minijax.jaxpr import Jaxpr, JaxprEqn, derived, subprograms

TRANSCENDENTAL = {"exp", "exp2", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "logistic",
                  "pow", "erf", "erfc", "erf_inv", "sqrt", "rsqrt", "cbrt", "atan2"}


def size_in_bytes(aval: Any) -> int:
    return aval.size * aval.dtype.itemsize


def flops(e: JaxprEqn) -> int:
    """The operations on numbers of one equation."""
    out = e.outvars[0].aval if e.outvars else None
    if out is None:
        return 0
    if e.primitive.name == "dot_general":
        (contracting, _), _ = e.params["dimension_numbers"]
        return 2 * out.size * math.prod(e.invars[0].aval.shape[i] for i in contracting)
    if e.primitive.name == "conv_general_dilated":
        kernel = e.invars[1].aval
        return 2 * out.size * kernel.size // max(
            kernel.shape[e.params["dimension_numbers"].rhs_spec[0]], 1)
    if e.primitive.name.startswith("reduce"):
        return e.invars[0].aval.size
    return out.size if e.primitive.name not in MOVES else 0


MOVES = {"broadcast_in_dim", "reshape", "transpose", "slice", "squeeze", "rev", "concatenate",
         "pad", "gather", "iota", "copy", "split", "unstack", "stack", "tile"}


@derived
def cost_of(jaxpr: Jaxpr) -> dict[str, float]:
    """With JAX's keys. A loop's body counts once, as in JAX."""
    cost = {"flops": 0.0, "transcendentals": 0.0, "bytes accessed": float(
        sum(map(size_in_bytes, [*jaxpr.in_avals, *jaxpr.out_avals])))}
    for e in jaxpr.eqns:
        inner = [cost_of(j) for j in subprograms(e.params)]
        for key in ("flops", "transcendentals"):
            cost[key] += sum(c[key] for c in inner)
        if not inner:
            kind = "transcendentals" if e.primitive.name in TRANSCENDENTAL else "flops"
            cost[kind] += flops(e)
    return cost
