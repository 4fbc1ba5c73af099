"""Names for parts of a program, which errors show beside the line: `named_scope`, `named_call`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any


class Names(threading.local):
    stack: tuple[str, ...] = ()
    line: Any = None  # where a program is evaluated, the lines are those of its equations
    unspoken = 0  # blocks whose operations the user has not asked for one by one


names = Names()


class named_scope(contextlib.ContextDecorator):
    """A name for the operations in this block, or in the function that this decorates.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> with jax.debug_nans(True), jax.named_scope("loss"):
    ...     jnp.log(-1.0)
    Traceback (most recent call last):
    ...
    FloatingPointError: invalid value (nan) encountered in log
    at <doctest minijax.scopes.named_scope[1]>:2:4 (<module>) in the scope loss
    """

    def __init__(self, name: str):
        if not isinstance(name, str):
            raise TypeError(f"named_scope name argument must be a string, got {name!r}.")
        self.name = name

    def __enter__(self) -> None:
        names.stack = (*names.stack, self.name)

    def __exit__(self, *exc: Any) -> None:
        names.stack = names.stack[:-1]


class unspoken(contextlib.ContextDecorator):
    """In this block, whoever asks for operations cannot say how their results are to be divided."""

    def __enter__(self) -> None:
        names.unspoken += 1

    def __exit__(self, *exc: Any) -> None:
        names.unspoken -= 1


def spoken() -> bool:
    """Does the user ask for the operations that come now, one by one?"""
    return names.line is None and not names.unspoken


def named_call(fun: Callable, *, name: str | None = None) -> Callable:
    """`fun` in a scope of its own name, or another."""
    return named_scope(fun.__name__ if name is None else name)(fun)
