"""Random keys in kernels. A key is a number there, a uint64, so keys move as numbers do.

Every operation on keys is elementwise, if its operands are seen in the right way: a key stands for
all the bits that are made of it, and a key is made of two words that lie next to each other. What
is made of one key is numbered, and element i of it depends on the key and on i alone.
"""

from __future__ import annotations

import math

from minijax.compiler.views import View, contiguous
from minijax.jaxpr import JaxprEqn

PIECES = {"random_bits", "random_split", "random_unwrap"}  # they make several of a key


def operands(e: JaxprEqn, view: View) -> list[View] | None:
    """What an operation on keys takes for each element of its result; None: it is another."""
    if e.primitive.name == "random_wrap":
        return [View(view.base, view.shape[:-1], view.strides[:-1],
                     view.offset + i * view.strides[-1]) for i in (0, 1)]
    if e.primitive.name in PIECES:
        shape = e.outvars[0].aval.shape
        same = (0,) * (len(shape) - len(view.shape))
        return [View(view.base, shape, view.strides + same, view.offset)]
    return None


def numbering(e: JaxprEqn) -> tuple[int, ...] | None:
    """An operation that numbers its elements: the strides of the numbers; None: it does not."""
    shape = e.outvars[0].aval.shape
    if e.primitive.name == "iota":
        return tuple(int(i == e.params["dimension"]) for i in range(len(shape)))
    if e.primitive.name not in PIECES:
        return None
    steps = contiguous(shape)
    each = 2 if e.primitive.name == "random_unwrap" else math.prod(e.params["shape"])
    return tuple(s if s < each else 0 for s in steps)
