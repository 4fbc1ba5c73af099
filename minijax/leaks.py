"""With `jax_check_tracer_leaks`: the traced values that outlive their trace, found when it ends.

Without it they are found when they are used, which may be much later, or never.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import FrameType, FunctionType, ModuleType
from typing import Any

from minijax.errors import UnexpectedTracerError
from minijax.source_info import show_line


def check_leaks(trace: Any, error_of: Callable, failed: Any, *_: object) -> None:
    """When a trace ends, and has not `failed`: the error for a tracer that the user still holds."""
    if not failed and are_held(tracers_of(trace)):
        gc.collect()  # it may be a cycle that holds itself
        for x in tracers_of(trace):
            if are_held([x]):
                error = error_of(x)
                raise type(error)(f"Leaked trace {type(trace).__name__}. {who_holds(x)}{error}")


def who_holds(x: Any) -> str:
    """Where a tracer was made, and what leads to it: an object, what holds that, and so on."""
    kind = f"{type(x).__name__} {id(x)}"
    text = (f"This {type(x).__name__} with object id {id(x)} was created on line:\n"
            f"  {show_line(x.line)}\n")
    seen = {id(x)}
    while holder := next((h for h in gc.get_referrers(x) if id(h) not in seen and not (
            isinstance(h, (FrameType, ModuleType)) or is_library(h))), None):
        seen.add(id(holder))
        name = f" ({holder.__name__})" if isinstance(holder, FunctionType) else ""
        held_by = f"{type(holder).__name__} {id(holder)}"
        text += f"<{kind}> is referred to by <{held_by}>{name}\n"
        x, kind = holder, held_by
        if isinstance(holder, FunctionType) or is_object(holder) or len(seen) > 8:
            break
    return text


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


def leaked(x: Any) -> UnexpectedTracerError:
    """The error for a tracer that has outlived its trace."""
    return UnexpectedTracerError(
        "Encountered an unexpected tracer: a function transformed by JAX had a side effect, "
        f"through which an intermediate value of type {x.aval.str_short()} escaped.\n"
        f"It was made while tracing the {x._trace.name}, and was created on line "
        f"{show_line(x.line)}.\n"
        "Return the value from the function instead of saving it in global state, or in a list.")
