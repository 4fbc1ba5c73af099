"""Operations outside of `jit`, on large arrays: by the same kernels.

An operation on a million elements is worth a kernel: it uses all processors, and memory that is
there already. What is known of an operation is kept by its operands' types, for the most recent.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from minijax.compiler.executable import executable
from minijax.core import Primitive, ShapedArray
from minijax.families import Elementwise
from minijax.jaxpr import Jaxpr, JaxprEqn, Var

LARGE = 1 << 17  # elements
KEPT = 256

_programs: OrderedDict[Hashable, Jaxpr] = OrderedDict()


def large_impl(prim: Primitive, avals: Sequence[ShapedArray], params: dict,
               outs: Sequence[ShapedArray]) -> Callable[..., np.ndarray] | None:
    """The operation as a function of NumPy arrays, or None if it needs no kernel."""
    if math.prod(outs[0].shape) < LARGE:
        return None
    key: Any = prim, tuple(avals), tuple(params.items())
    try:
        program = _programs.get(key)
    except TypeError:  # a parameter that cannot be hashed
        return None
    if program is None:
        ins, made = list(map(Var, avals)), list(map(Var, outs))
        program = _programs[key] = Jaxpr(ins, [JaxprEqn(prim, list(ins), params, made)], made)
        while len(_programs) > KEPT:
            _programs.popitem(last=False)
    return lambda *xs, **_: executable(program, prim.name)(*xs)[0]


Elementwise.large_impl = large_impl
