"""What a program costs: operations on numbers, and bytes to and from memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.jaxpr import Jaxpr, JaxprEqn, derived, live_eqns, subprograms

__all__ = ["accessed", "cost_of", "flops", "operations", "size_in_bytes"]

TRANSCENDENTAL = set("""atan2 cbrt cos erf erf_inv erfc exp exp2 expm1 log log1p logistic pow rsqrt
                        sin sqrt tan tanh""".split())
MOVES = set("""broadcast_in_dim concatenate copy dynamic_slice dynamic_update_slice gather iota name
               pad reshape rev slice split squeeze stack stop_gradient tile transpose
               unstack""".split())


def size_in_bytes(aval: Any) -> int:
    return aval.size * aval.dtype.itemsize


def flops(e: JaxprEqn) -> int:
    """The operations on numbers of one equation, one for each transcendental function."""
    name, params = e.primitive.name, e.params
    if not e.outvars or name in MOVES:
        return 0
    out = e.outvars[0].aval
    if name == "dot_general":
        (contracting, _), _ = params["dimension_numbers"]
        return 2 * out.size * math.prod(e.invars[0].aval.shape[i] for i in contracting)
    if name == "conv_general_dilated":
        return of_convolution(e)
    if name.startswith("reduce_window"):
        return out.size * (math.prod(params["window_dimensions"]) - 1)
    if name.startswith("reduce") and name != "reduce_precision" or name in ("argmax", "argmin"):
        return max(e.invars[0].aval.size - out.size, 0)
    if name == "integer_pow":  # by squaring
        n = abs(params["y"])
        return out.size * max(n.bit_length() + n.bit_count() - 2, 1)
    if name == "sort":
        return out.size * max(out.size - 1, 0).bit_length()
    return out.size


def of_convolution(e: JaxprEqn) -> int:
    """Two for each product of an element of the input and one of the kernel; padding is none."""
    lhs, rhs = (x.aval for x in e.invars)
    numbers, p = e.params["dimension_numbers"], e.params
    total = 2 * lhs.shape[numbers.lhs_spec[0]] * math.prod(
        rhs.shape[i] for i in numbers.rhs_spec[:2])
    for k, (low, _) in enumerate(p["padding"]):
        outs = np.arange(e.outvars[0].aval.shape[numbers.out_spec[2 + k]])
        taps = np.arange(rhs.shape[numbers.rhs_spec[2 + k]])
        at = outs[:, None] * p["window_strides"][k] + taps * p["rhs_dilation"][k] - low
        n, dilation = lhs.shape[numbers.lhs_spec[2 + k]], p["lhs_dilation"][k]
        total *= int(np.sum((at >= 0) & (at % dilation == 0) & (at // dilation < n)))
    return total // p["batch_group_count"]


def accessed(reads: Sequence[int], written: int) -> dict[str, float]:
    """JAX's keys for the bytes of each operand and of the results."""
    return {"bytes accessed": float(sum(reads) + written), "bytes accessedout{}": float(written),
            **{f"bytes accessed{i}{{}}": float(n) for i, n in enumerate(reads)}}


def operations(e: JaxprEqn) -> dict[str, float]:
    """JAX's keys for the operations on numbers of one equation."""
    return {"transcendentals" if e.primitive.name in TRANSCENDENTAL else "flops": float(flops(e))}


@derived
def cost_of(jaxpr: Jaxpr) -> Counter[str]:
    """What the equations cost one by one, with JAX's keys. A loop's body counts once, as in JAX."""
    cost: Counter[str] = Counter({"flops": 0.0, "transcendentals": 0.0, "bytes accessed": 0.0})
    for e in live_eqns(jaxpr.eqns, jaxpr.outvars):
        inner = [cost_of(j) for j in subprograms(e.params)]
        for part in inner or (operations(e), accessed(
                [size_in_bytes(x.aval) for x in e.invars],
                sum(size_in_bytes(v.aval) for v in e.outvars))):
            cost.update(part)
    return cost
