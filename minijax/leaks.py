"""With `jax_check_tracer_leaks`: the traced values that outlive their trace, found when it ends.

Without it they are found when they are used, which may be much later, or never.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import FrameType, FunctionType, ModuleType
from typing import Any


def check_leaks(trace: Any, error_of: Callable, failed: Any, *_: object) -> None:
    """When a trace ends, and has not `failed`: the error for a tracer that the user still holds."""
    if not failed and are_held(tracers_of(trace)):
        gc.collect()  # it may be a cycle that holds itself
        for x in tracers_of(trace):
            if are_held([x]):
                raise error_of(x)


def tracers_of(trace: Any) -> list[Any]:
    return [x for x in gc.get_referrers(trace) if getattr(x, "_trace", None) is trace]


def are_held(level: list[Any]) -> bool:
    """Does a module, a function or an object of the user lead to one of these?

    Variables of running functions are not seen: those of ours still hold tracers of the trace.
    """
    seen = set(map(id, level))
    while level:
        holders = [x for x in gc.get_referrers(*level) if not (
            x is level or id(x) in seen or isinstance(x, FrameType) or is_library(x))]
        if any(isinstance(x, (ModuleType, FunctionType, type)) or is_object(x) for x in holders):
            return True
        seen.update(map(id, holders))
        level = holders
    return False


def is_library(x: Any) -> bool:
    """A module, a function or a class of the library, or an object of such a class."""
    named = x if isinstance(x, (FunctionType, type)) else type(x)
    name = x.__name__ if isinstance(x, ModuleType) else getattr(named, "__module__", "")
    return str(name).partition(".")[0] == __name__.partition(".")[0]


def is_object(x: Any) -> bool:
    """An object of a class written in Python: not a list, a cell, or a bound method."""
    return hasattr(type(x), "__dict__") and type(x).__module__ not in (
        "builtins", "collections", "functools", "itertools", "types")
