"""Some operations once more, for random numbers: in float32 with XLA's own bits.

They have the names and the derivatives of the operations they stand for, which are faster and may
differ from XLA's in the last places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minijax.families import Elementwise, mul as plain_mul
from minijax.jaxpr import JaxprEqn
from minijax.lax import elementwise, special, transcendental, xla_float32


def exact(op: Elementwise, single: Callable) -> Elementwise:
    """`op`, which computes float32 by the function `single`."""
    return Elementwise(
        op.name, lambda *xs: single(*xs) if xs[0].dtype == np.float32 else op.impl(*xs),
        *op.partials, accepts=op.accepts, transposes=op.transposes)


exp = exact(transcendental.exp, xla_float32.exp)
log = exact(transcendental.log, xla_float32.log)
log1p = exact(transcendental.log1p, xla_float32.log1p)
mul = exact(plain_mul, np.multiply)
add = exact(elementwise.add, np.add)
erf = exact(special.erf, xla_float32.erf)


def _fma(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    plain = a.dtype != np.float32 or (c.size == 1 and c == 0)
    return a * b + c if plain else xla_float32.fma(a, b, c)


fma = Elementwise("fma", _fma, accepts="fc")


def _join(eqn: JaxprEqn, made: dict[Any, JaxprEqn]) -> JaxprEqn:
    """A program that multiplies, then adds, rounds once; numbers of 16 bits it rounds twice."""
    first, *rest = eqn.invars
    if first.aval.dtype.itemsize > 2 and first in made and made[first].primitive is mul:
        return JaxprEqn(fma, [*made[first].invars, *rest], {}, eqn.outvars, eqn.line)
    return eqn


add.simplify = _join
