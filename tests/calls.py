"""Expressions evaluated in minijax and in JAX, and what must be the same.

An expression names arrays: `f34` is of floats with shape (3, 4), `i3` of integers, `b3` of
Booleans, `c3` of complex numbers, `u3` of uint8, `n3` has a nan, `f` and `i` are scalars.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np

import minijax
from tests.both import together
from tests.test_jaxpr_text import normal

ARRAYS: dict[str, Any] = {
    "f3": np.arange(3, dtype=np.float32),
    "f4": np.array([2, -1, 0.5, 3], np.float32),
    "f34": np.arange(12, dtype=np.float32).reshape(3, 4) - 3,
    "f33": np.array([[4, 1, 2], [1, 5, 3], [2, 3, 6]], np.float32),
    "f235": np.arange(30, dtype=np.float32).reshape(2, 3, 5) / 7,
    "n3": np.array([1, np.nan, 2], np.float32),
    "i3": np.arange(3, dtype=np.int32),
    "i34": np.arange(12, dtype=np.int32).reshape(3, 4) % 4,
    "b5": np.array([3, 1, 2, 1, 3], np.int32),
    "u3": np.arange(3, dtype=np.uint8),
    "b3": np.array([True, False, True]),
    "b34": np.arange(12).reshape(3, 4) % 3 != 0,
    "c3": np.arange(3).astype(np.complex64) + 1j,
    "f": np.float32(2), "i": np.int32(2),
}
ALIASES = {"_IndexUpdateHelper": "IndexUpdater"}


WIDE = {"f": np.float64, "i": np.int64, "c": np.complex128}


class Library:
    """One of the two, with the arrays as its own; `wide`: of 64 bits, if these are enabled now."""

    def __init__(self, library: Any, wide: bool = False):
        self.library = library
        self.names = {"jax": library, "jnp": library.numpy, "lax": library.lax, "np": np}
        for name, x in ARRAYS.items():
            dtype = WIDE.get(x.dtype.kind) if wide else None
            self.names[name] = library.numpy.array(x if dtype is None else x.astype(dtype))

    def __call__(self, expression: str) -> Any:
        """The value, or the error."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return eval(expression, dict(self.names))
            except Exception as error:
                return error

    def function(self, expression: str) -> tuple[Callable, list[Any]]:
        """The expression as a function of the arrays it names, and these."""
        names = [n for n in ARRAYS if re.search(rf"\b{n}\b", expression)]
        return self(f"lambda {', '.join(names)}: {expression}"), [self.names[n] for n in names]

    def program(self, expression: str) -> Any:
        f, args = self.function(expression)
        try:
            return self.library.make_jaxpr(f)(*args)
        except Exception as error:
            return error


OURS, THEIRS = Library(minijax), Library(jax)


def expressions(text: str) -> list[str]:
    """Those in a text, separated by semicolons and ends of lines that a semicolon ends."""
    return [e.strip() for e in text.replace("\n", " ").split(";") if e.strip()]


def leaves(x: Any) -> Iterator[Any]:
    if isinstance(x, (list, tuple)):
        for y in x:
            yield from leaves(y)
    else:
        yield x


def describe(x: Any) -> Any:
    """The type of a result."""
    name = type(x).__name__
    if not hasattr(x, "dtype") or not hasattr(x, "shape"):
        return name if not isinstance(x, Exception) else f"error {name}"
    return (ALIASES.get(name, name), str(x.dtype), tuple(x.shape),
            bool(getattr(x, "weak_type", False)))


def same_value(x: Any, y: Any, tolerance: float) -> bool:
    if not hasattr(x, "dtype"):
        return isinstance(x, Exception) or repr(x) == repr(y)
    x, y = np.asarray(x), np.asarray(y)
    if x.dtype.kind in "fcV":
        x, y = x.astype(complex), y.astype(complex)
        return np.allclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True)
    return bool(np.array_equal(x, y))


def differences(theirs: Any, ours: Any, tolerance: float = 1e-4) -> str:
    """What distinguishes our result from theirs; empty if nothing does."""
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        return "" if describe(theirs) == describe(ours) else f"{theirs!r}, ours {ours!r}"[:400]
    a, b = list(leaves(theirs)), list(leaves(ours))
    if [*map(describe, a)] != [*map(describe, b)]:
        return f"{[*map(describe, a)]}, ours {[*map(describe, b)]}"
    return "" if all(same_value(x, y, tolerance) for x, y in zip(a, b)) else f"{a}, ours {b}"


def compiled(library: Library, expressions: Iterable[str]) -> dict[str, Any]:
    """JAX's values of these expressions, as lists of arrays; or errors, where there are none."""

    def call(expression: str, arrays: dict[str, Any]) -> list[Any]:
        value = list(leaves(eval(expression, library.names | arrays)))
        if not all(isinstance(x, jax.Array) for x in value):
            raise TypeError("no array")
        return value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return together({e: functools.partial(call, e) for e in expressions},
                        {name: library.names[name] for name, x in ARRAYS.items()
                         if x.dtype.kind in "fc"})  # masks and counts must be known


def disagreements(expressions: Iterable[str], tolerance: float = 1e-4, theirs: Library = THEIRS,
                  ours: Library = OURS) -> dict[str, str]:
    """What distinguishes our results from JAX's, for each expression where something does.

    JAX compiles all of them together; what needs values to be traced, what raises an error and
    what is not the same is evaluated again, alone and eagerly, and that counts.
    """
    found = {}
    for e, value in compiled(theirs, expressions).items():
        got = ours(e)
        if isinstance(value, Exception) or differences(value, got, tolerance):
            if d := differences(theirs(e), got, tolerance):
                found[e] = d
    return found


def text_of(program: Any) -> str:
    return type(program).__name__ if isinstance(program, Exception) else normal(str(program))


def equations(program: Any) -> int:
    """How many a program has, with those of the programs it calls."""
    program = getattr(program, "jaxpr", program)
    count = 0
    for e in program.eqns:
        inner = [p for v in e.params.values() for p in (v if isinstance(v, tuple) else (v,))
                 if hasattr(getattr(p, "jaxpr", p), "eqns")]
        calls = e.primitive.name in ("jit", "custom_jvp_call", "cond", "scan", "while")
        count += sum(map(equations, inner)) if inner and calls else 1
    return count


def report(found: dict[str, str]) -> str:
    """The message of a test over many expressions."""
    return "\n".join(f"{e}\n    JAX {what}" for e, what in found.items())
