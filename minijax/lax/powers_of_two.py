"""Division of integers by a power of two, as one operation on bits.

Python's `x // 8` and `x % 8` round downwards, machines divide towards zero, so NumPy's functions
divide and then correct what is negative: some ten operations (Warren, *Hacker's Delight*, 10-1).
Here a compiler finds them, and writes a shift or a mask instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minijax import dtypes
from minijax.jaxpr import JaxprEqn, Literal
from minijax.lax.bits import shift_right_arithmetic
from minijax.lax.elementwise import bitwise_and
from minijax.selection import select_n

# Programs with operands x and n, a constant: (operation, operands)
LESS = ("ne", ("sign", "x"), ("sign", "n"))
QUOTIENT = ("div", "x", "n")
REST = ("rem", "x", "n")
INEXACT = ("ne", REST, 0)
FLOOR_DIVIDE = ("select_n", ("and", LESS, INEXACT), QUOTIENT, ("sub", QUOTIENT, 1))
REMAINDER = ("select_n", ("and", ("ne", ("lt", REST, 0), ("lt", "n", 0)), INEXACT), REST,
             ("add", REST, "n"))


def constant(x: Any, made: dict[Any, JaxprEqn]) -> int | None:
    """The number that all elements of x are, if that is written down."""
    if isinstance(x, Literal):
        return int(x.val) if dtypes.kind(x.aval.dtype) in "biu" else None
    e = made.get(x)
    if e is None or e.primitive.name not in ("broadcast_in_dim", "convert_element_type"):
        return None
    n = constant(e.invars[0], made)
    return n if n is None else int(np.asarray(n).astype(e.outvars[0].aval.dtype))


def known(pattern: Any, n: int) -> int | None:
    """The value of a pattern without x."""
    return {"n": n, ("sign", "n"): 1, ("lt", "n", 0): 0}.get(pattern, pattern if isinstance(
        pattern, int) else None)


def matches(value: Any, pattern: Any, made: dict[Any, JaxprEqn], x: Any, n: int) -> bool:
    """Is the value made as the pattern says?"""
    if pattern == "x":
        return value is x
    if (number := known(pattern, n)) is not None and constant(value, made) == number:
        return True
    e = made.get(value)
    return (e is not None and isinstance(pattern, tuple) and e.primitive.name == pattern[0]
            and len(e.invars) == len(pattern) - 1
            and all(matches(v, p, made, x, n) for v, p in zip(e.invars, pattern[1:])))


def _by_bits(eqn: JaxprEqn, made: dict[Any, JaxprEqn]) -> JaxprEqn:
    """A quotient or a remainder of a number and a power of two, both rounded downwards."""
    first = made.get(eqn.invars[1])
    aval = eqn.outvars[0].aval
    if first is None or first.primitive.name not in ("div", "rem") or aval.dtype.kind != "i":
        return eqn
    x, divisor = first.invars
    n = constant(divisor, made)
    if n is None or n < 1 or n & n - 1:
        return eqn
    pattern, op, number = (
        (FLOOR_DIVIDE, shift_right_arithmetic, n.bit_length() - 1) if first.primitive.name == "div"
        else (REMAINDER, bitwise_and, n - 1))
    if not all(matches(v, p, made, x, n) for v, p in zip(eqn.invars, pattern[1:], strict=True)):
        return eqn
    return JaxprEqn(op, [x, Literal(np.asarray(number, aval.dtype), aval.update(shape=()))], {},
                    eqn.outvars, eqn.line)


select_n.simplify = _by_bits
