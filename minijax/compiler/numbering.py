"""Operations that number what they make, so that element i depends on i and on scalars alone.

`iota` does, and so do the operations that make several things of one random key. A key is a number
in a kernel, a uint64, and moves as numbers do.
"""

from __future__ import annotations

import math

from minijax.compiler.views import contiguous
from minijax.jaxpr import JaxprEqn

OF_A_KEY = {"random_bits", "random_split", "random_unwrap"}


def numbering(e: JaxprEqn) -> tuple[int, ...] | None:
    """The strides, along the axes of the result, of the numbers; None: there are none."""
    shape = e.outvars[0].aval.shape
    if e.primitive.name == "iota":
        return tuple(int(i == e.params["dimension"]) for i in range(len(shape)))
    if e.primitive.name not in OF_A_KEY:
        return None
    each = 2 if e.primitive.name == "random_unwrap" else math.prod(e.params["shape"])
    return tuple(s if s < each else 0 for s in contiguous(shape))
