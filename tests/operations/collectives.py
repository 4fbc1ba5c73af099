"""What is left of a collective when vmap has met its axis: a sum, maximum or minimum over it.

The others become operations of other families; they are in tests/test_collectives.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.operations import arr, case
from tests.operations.random_bits import library


def mapped(f: Callable, in_axes: int = 0) -> Callable:
    """f(lax, element) on each element along a named axis."""
    return lambda lax, x: library(lax).vmap(lambda y: f(lax, y), in_axes, axis_name="i")(x)


def twice(f: Callable) -> Callable:
    """f(lax, element) on each element along two named axes."""
    return lambda lax, x: library(lax).vmap(
        lambda y: library(lax).vmap(lambda z: f(lax, z), axis_name="j")(y), axis_name="i")(x)


def total(lax: Any, x: Any) -> Any:
    return lax.psum(x, "i")


CASES = [
    case("psum", mapped(total), arr(4)),
    case("psum", mapped(total, 1), arr(2, 3), label="axis"),
    case("psum", mapped(total), arr(3, 2, dtype="complex128"), label="complex"),
    case("psum", mapped(total), arr(3, dtype="int32", low=-9, high=9), label="int"),
    case("psum", mapped(total), arr(3, 2, dtype="bool"), label="bool"),
    case("psum", mapped(total), arr(3, 0), label="none"),
    case("psum", twice(lambda lax, x: lax.psum(x, ("i", "j"))), arr(2, 3, 2), label="two"),
    case("psum", twice(lambda lax, x: lax.psum(x, "i") * lax.psum(x, "j")), arr(2, 3),
         label="one-each"),
    case("pmax", mapped(lambda lax, x: lax.pmax(x, "i")), arr(3, 2), order=0),
    case("pmax", mapped(lambda lax, x: lax.pmax(x, "i")), arr(4, dtype="int32", low=-9, high=9),
         label="int"),
    case("pmin", mapped(lambda lax, x: lax.pmin(x, "i"), 1), arr(3, 2), order=0),
]
