"""What a program asks of Python (prints, callbacks), where the program runs on a device.

A function of the user never leaves its process. In the program that is sent, an operation that
calls one is an `ask`, with a number: the device sends the operands to the parent, which does it,
and returns the results.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minijax.core import Primitive
from minijax.effects.debugging import Debug
from minijax.effects.kinds import ordered_debug_effect
from minijax.effects.results import Callback
from minijax.jaxpr import Jaxpr, JaxprEqn

__all__ = ["ask_p", "as_question", "check_order", "is_question"]


class Ask(Primitive):
    """Asks the parent. `parent` is how, in a process that is a device."""

    multiple_results = True
    parent: Callable[[int, Sequence[Any]], list[Any]]

    def impl(self, *buffers, number, **params):
        return self.parent(number, buffers)

    def abstract_eval(self, *avals, result_avals, **params):
        return result_avals

    def effects_of(self, params):
        return params["effects"]


ask_p = Ask("ask")


def is_question(e: JaxprEqn) -> bool:
    """Does this equation call a function of the user's, or print?"""
    return isinstance(e.primitive, (Debug, Callback))


def as_question(e: JaxprEqn, number: int) -> tuple[dict, Callable]:
    """The params of an `ask`, and what the parent does with the operands."""
    params = {"number": number, "effects": e.effects,
              "result_avals": [v.aval for v in e.outvars]}
    return params, functools.partial(e.primitive.impl, **e.params)


def check_order(jaxpr: Jaxpr, devices: Sequence[int]) -> None:
    """ValueError: there is an order to keep, and several devices that know nothing of it."""
    if ordered_debug_effect in jaxpr.effects and len(devices) > 1:
        raise ValueError("The following ordered effects are not supported for more than 1 device: "
                         f"[{ordered_debug_effect}]. Each device prints in the order of its "
                         "program: leave out ordered=True.")
