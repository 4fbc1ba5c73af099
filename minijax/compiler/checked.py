"""With `jax_debug_nans` or `jax_debug_infs`: a program, equation by equation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax.float_checks import bad_number, invalid_value
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, live_eqns


class Running(threading.local):
    """How many programs run inside each other, and their first equation with a bad result."""

    depth = 0
    first: JaxprEqn | None = None


running = Running()


def checked(jaxpr: Jaxpr) -> Callable:
    """The program as a function of NumPy arrays. FloatingPointError: its results are bad numbers.

    What is only met on the way is no error (`jnp.where(x > 0, jnp.log(x), 0.0)`). The error names
    the first equation with a bad result, also one in the body of a loop.
    """

    def run(*args: np.ndarray) -> list[np.ndarray]:
        running.first = running.first if running.depth else None
        running.depth += 1
        try:
            outs = run_checked(jaxpr, args)
        finally:
            running.depth -= 1
        if not running.depth and (what := bad_number(outs)):
            raise (invalid_value(what, running.first.primitive.name, running.first.line)
                   if running.first else FloatingPointError(
                       f"invalid value ({what}) in the results of a program. No operation made "
                       "it. It came with an argument, or is a constant."))
        return outs

    return run


def run_checked(jaxpr: Jaxpr, args: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    env: dict[Any, np.ndarray] = dict(zip(
        [*jaxpr.constvars, *jaxpr.invars], [*map(np.asarray, jaxpr.consts), *args]))

    def read(x: Any) -> np.ndarray:
        return x.val if isinstance(x, Literal) else env[x]

    for e in live_eqns(jaxpr.eqns, jaxpr.outvars):
        out = e.primitive.impl(*map(read, e.invars), **e.params)
        outs = [np.asarray(x, v.aval.dtype)
                for x, v in zip(out if e.primitive.multiple_results else [out], e.outvars)]
        if running.first is None and bad_number(outs):
            running.first = e
        env.update(zip(e.outvars, outs))
    return list(map(read, jaxpr.outvars))
