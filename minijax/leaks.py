"""With `jax_check_tracer_leaks`: the traced values that outlive their trace, found when it ends.

Without it they are found when they are used, which may be much later, or never.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import FrameType, FunctionType, ModuleType
from typing import Any

from minijax.config import flags


def check_leaks(trace: Any, error_of: Callable, failed: Any, *_: object) -> None:
    """When a trace ends, and has not `failed`: the error for a tracer that the user still holds."""
    if not flags.jax_check_tracer_leaks or failed:
        return
    gc.collect()
    for x in gc.get_referrers(trace):
        if getattr(x, "_trace", None) is trace and is_held(x):
            raise error_of(x)


def is_held(x: Any) -> bool:
    """Does a module, a function or an object of the user lead to `x`?

    Variables of running functions are not seen: those of ours still hold tracers of the trace.
    """
    seen, queue = {id(x)}, [x]
    for x in queue:
        for holder in gc.get_referrers(x):
            if id(holder) in seen or isinstance(holder, FrameType) or is_library(holder):
                continue
            if isinstance(holder, (ModuleType, FunctionType, type)) or is_object(holder):
                return True
            seen.add(id(holder))
            queue.append(holder)
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
