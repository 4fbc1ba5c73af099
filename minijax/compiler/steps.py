"""A program as a list of steps over a table of buffers: each operation by its own `impl`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.core import to_numpy
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, derived, live_eqns


def simplified(eqns: Sequence[JaxprEqn]) -> list[JaxprEqn]:
    """Each equation, or what its operation makes of it, given those that made its operands."""
    made: dict[Any, JaxprEqn] = {}
    out = []
    for e in eqns:
        if rule := getattr(e.primitive, "simplify", None):
            e = rule(e, made)
        made |= dict.fromkeys(e.outvars, e)
        out.append(e)
    return out


@derived
def compiled(jaxpr: Jaxpr) -> Callable:
    """The program as one function from NumPy arrays to a list of NumPy arrays.

    A buffer is dropped after its last use.
    """
    slots: dict[Any, int] = {v: i for i, v in enumerate([*jaxpr.constvars, *jaxpr.invars])}
    literals: dict[int, np.ndarray] = {}

    def slot(x: Any) -> int:
        if isinstance(x, Literal):
            literals[len(slots)] = x.val
            return slots.setdefault(object(), len(slots))
        return slots.setdefault(x, len(slots))

    steps = [(e.primitive.impl, [slot(x) for x in e.invars], e.params, e.primitive.multiple_results,
              [(slot(v), v.aval.dtype) for v in e.outvars])
             for e in live_eqns(simplified(jaxpr.eqns), jaxpr.outvars)]
    outputs = [slot(x) for x in jaxpr.outvars]
    last_use = {i: n for n, step in enumerate(steps) for i in [*step[1], *(s for s, _ in step[4])]}
    dead: list[list[int]] = [[] for _ in steps]
    kept = {*outputs, *literals}
    for i, n in last_use.items():
        if i not in kept:
            dead[n].append(i)
    template: list[Any] = [None] * len(slots)
    for i, value in literals.items():
        template[i] = value

    consts = jaxpr.consts  # not the program, whose memo holds what is compiled here

    def run(*args: np.ndarray) -> list[np.ndarray]:
        table = template.copy()
        table[: len(consts) + len(args)] = [*map(to_numpy, consts), *args]
        for (impl, ins, params, several, outs), done in zip(steps, dead):
            values = impl(*[table[i] for i in ins], **params)
            for (i, dtype), value in zip(outs, values if several else (values,)):
                table[i] = np.asarray(value, dtype)
            for i in done:
                table[i] = None
        return [table[i] for i in outputs]

    return run
