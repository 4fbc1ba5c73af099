"""Which results of a program are the same on all devices: those need to be stored only once."""

from __future__ import annotations

from typing import Any

from minijax.compiler.flatten import called
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, derived
from minijax.lax.collectives import AxisCollective

__all__ = ["same_everywhere"]


@derived
def same_everywhere(jaxpr: Jaxpr, same_in: tuple[bool, ...], axis_name: Any) -> tuple[bool, ...]:
    """Is it certain of each result, if it is of the operands, that all devices get the same?

    What is computed from the same is the same; what communicates, or does something besides
    computing, differs, but for collectives that give everybody the same.
    """
    same = {v for v, s in zip(jaxpr.invars, same_in) if s} | set(jaxpr.constvars)

    def known(x: Any) -> bool:
        return isinstance(x, Literal) or x in same

    for e in jaxpr.eqns:
        inner = called(e)
        if inner is not None and len(inner.invars) == len(e.invars):
            found = same_everywhere(inner, tuple(map(known, e.invars)), axis_name)
            same.update(v for v, s in zip(e.outvars, found) if s)
        elif equalizes(e, axis_name) or is_quiet(e, axis_name) and all(map(known, e.invars)):
            same.update(e.outvars)
    return tuple(map(known, jaxpr.outvars))


def is_quiet(e: JaxprEqn, axis_name: Any) -> bool:
    """Is there nothing along this axis that it does besides computing?"""
    return not e.effects or isinstance(e.primitive, AxisCollective) and axis_name not in e.effects


def equalizes(e: JaxprEqn, axis_name: Any) -> bool:
    """Does this operation give all devices the same, whatever they had?"""
    return (isinstance(e.primitive, AxisCollective) and e.primitive.equalizes
            and axis_name in e.effects and e.params.get("axis_index_groups") is None)
