"""Random keys: every operation on them is elementwise, if its operands are seen in the right way.

A key stands for all that is made of it, and is made of two words that lie next to each other.
"""

from __future__ import annotations

from minijax.compiler.numbering import OF_A_KEY
from minijax.compiler.plan import Planner, rewriting
from minijax.compiler.views import View
from minijax.jaxpr import JaxprEqn


@rewriting("random_wrap")
def _(planner: Planner, e: JaxprEqn) -> JaxprEqn:
    words = planner.view(e.invars[0])
    steps, last = words.strides[:-1], words.strides[-1]
    halves = [View(words.base, words.shape[:-1], steps, words.offset + i * last) for i in (0, 1)]
    return JaxprEqn(e.primitive, planner.named(halves), e.params, e.outvars, e.line)


@rewriting(*OF_A_KEY)
def _(planner: Planner, e: JaxprEqn) -> JaxprEqn:
    key, shape = planner.view(e.invars[0]), e.outvars[0].aval.shape
    same = (0,) * (len(shape) - len(key.shape))
    for_each = View(key.base, shape, key.strides + same, key.offset)
    return JaxprEqn(e.primitive, planner.named([for_each]), e.params, e.outvars, e.line)
