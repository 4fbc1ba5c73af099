"""Elementary functions of one number, written so that a loop over them becomes vector instructions.

There is no branch (`select` computes both sides), almost no table and no call of a library. They
are compiled by `intrinsics.py`, which also has the names they use; `fma`, `horner` and `select`
take their constants in the type of the other operands. `floating` is float32 or float64: a function
whose name ends in `_f` stands for two, `_f32` and `_f64`, and so does a table; one in `_c`, of
complex numbers, stands for `_c64` and `_c128`.

The bounds in ulp (units in the last place of the result) hold over the whole range, infinities, nan
and subnormal numbers included, if nothing else is said.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable
from types import FunctionType
from typing import Any

import numpy as np

from minijax.compiler.vector_math import (
    bits,
    complex_numbers,
    exponential,
    powers,
    special,
    threefry,
    trigonometric,
)

MODULES = (bits, exponential, powers, trigonometric, special, complex_numbers, threefry)
WIDTHS = ({"_f": "_f32", "_c": "_c64", "floating": "float32"},
          {"_f": "_f64", "_c": "_c128", "floating": "float64"})


def renamed(text: str, width: dict[str, str]) -> str:
    """Text of functions for one width of floating-point numbers."""
    return re.sub(r"_[fc]\b|\bfloating\b", lambda m: width[m[0]], text)


def widths(name: str) -> Iterable[dict[str, str]]:
    return WIDTHS if name.endswith(("_f", "_c")) else WIDTHS[:1]


@functools.cache
def definitions() -> dict[str, Any]:
    """The functions and the tables by name.

    The functions are not to be called: they lack the names of `intrinsics.py`.
    """
    found: dict[str, Any] = {}
    for module in MODULES:
        for name, value in vars(module).items():
            mine = isinstance(value, FunctionType) and value.__module__ == module.__name__
            if name[0] != "_" and (mine or isinstance(value, (float, tuple, np.ndarray))):
                for width in widths(name):
                    found[renamed(name, width)] = at_width(value, width) if mine else value
    return found


def at_width(fun: FunctionType, width: dict[str, str]) -> FunctionType:
    code = fun.__code__
    names = tuple(renamed(n, width) for n in code.co_names)
    name = renamed(fun.__name__, width)
    return FunctionType(code.replace(co_names=names, co_name=name), {}, name)


def sources(names: Iterable[str]) -> str:
    """The text of the named functions and of all that they use, each after what it uses.

    >>> print(sources(["logistic_f64"]).splitlines()[-1])
        return 1.0 / (1.0 + exp_f64(-x))
    """
    known, texts = definitions(), {}

    def visit(name: str) -> None:
        if name not in known or name in texts:
            return
        value = known[name]
        if isinstance(value, FunctionType):
            for used in value.__code__.co_names:
                visit(used)
        texts[name] = "@inline\n" + source(name) if isinstance(value, FunctionType) else (
            f"{name} = {table(value)}\n")

    for name in names:
        visit(name)
    return "\n".join(texts.values())


def table(value: Any) -> str:
    return f"np.array({value.tolist()})" if isinstance(value, np.ndarray) else repr(value)


def source(name: str) -> str:
    """The text of one function."""
    for module in MODULES:
        for own, value in vars(module).items():
            for width in widths(own):
                if renamed(own, width) == name and isinstance(value, FunctionType):
                    return renamed(inspect.getsource(value), width)
    raise KeyError(name)
