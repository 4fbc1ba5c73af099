"""Matrix products before a loop: one large product of all rows instead of a small one per step.

In `h = tanh(h @ w + x @ u)`, a step of a recurrent network, `x @ u` does not depend on the carry.
The step falls into two programs, and what is known without the carry is computed for all steps at
once, by all threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minijax.batching import AxisData, batch_jaxpr
from minijax.compiler.executable import elements
from minijax.jaxpr import Jaxpr, JaxprEqn, derive, derived, subprograms

ROOM = 1 << 24  # elements, at most, that are computed before the loop
LARGE = 1 << 13  # elements of a matrix
FEW = 4  # vectors


def ahead(e: JaxprEqn) -> Jaxpr | None:
    """The program of a scan with products before the loop, if there are any such products."""
    p = e.params
    if p["num_carry"]:
        return split(p["jaxpr"], e.primitive, tuple(x.aval for x in e.invars), tuple(p.items()))
    if not pays(p["jaxpr"], p["length"]):
        return None
    dims = (None,) * p["num_consts"] + (0,) * (len(e.invars) - p["num_consts"])
    return batch_jaxpr(p["jaxpr"], AxisData(p["length"]), dims, (True,) * len(e.outvars))[0]


@derived
def split(jaxpr: Jaxpr, scan: Any, avals: tuple, params: tuple) -> Jaxpr | None:
    """Two loops: the first, which has no carry, makes what does not depend on one."""
    p = dict(params)
    first = p["num_consts"]
    unknown = [first <= i < first + p["num_carry"] for i in range(len(avals))]

    def run(*args: Any) -> list[Any]:
        halves = scan.split(unknown, args, p)
        if halves is None:
            return scan.bind(*args, **p)
        known, unknown_out, rest, second = halves
        outs = iter(known), iter(scan.bind(*rest, **second))
        return [next(outs[late]) for late in unknown_out]

    program = derive(run, avals, "scan")
    loops = [e.params for e in program.eqns if e.primitive is scan]
    before = [p for p in loops if not p["num_carry"]]
    return program if any(pays(p["jaxpr"], p["length"]) for p in before) else None


def pays(known: Jaxpr, length: int) -> bool:
    """Is there a product that is faster for all rows at once, and room for all that is known?"""
    eqns = list(equations(known))
    return any(map(slow_by_itself, eqns)) and not known.effects and length > 1 and (
        elements(known) * length <= ROOM) and not any(
            e.primitive.name in ("while", "scan", "cond") for e in eqns)


def slow_by_itself(e: JaxprEqn) -> bool:
    """Is it a product of a matrix and a few vectors? To read the matrix takes most of the time."""
    if e.primitive.name != "dot_general":
        return False
    out = e.outvars[0].aval.size
    large, small = sorted((x.aval.size for x in e.invars), reverse=True)
    return large >= LARGE and out * small < FEW ** 2 * large  # of (m, k) and (k, n): m < FEW


def equations(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """Those of the program and of the programs in it."""
    for e in jaxpr.eqns:
        yield e
        for inner in subprograms(e.params):
            yield from equations(inner)
