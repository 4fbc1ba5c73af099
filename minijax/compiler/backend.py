"""The way of a program through the compiler: flatten, plan, emit, load."""

from __future__ import annotations

from collections.abc import Callable

import minijax.compiler.rules  # noqa: F401  they register themselves
from minijax.compiler.driver import DriverWriter, Source, built
from minijax.compiler.flatten import flatten
from minijax.compiler.plan import plan
from minijax.jaxpr import Jaxpr


def build(jaxpr: Jaxpr) -> tuple[Callable, Source]:
    """The program as a function of NumPy arrays, and the source of that."""
    return built(plan(flatten(jaxpr)))


def write(jaxpr: Jaxpr) -> Source:
    """The source of the program, which is not compiled."""
    return DriverWriter(plan(flatten(jaxpr))).write()
