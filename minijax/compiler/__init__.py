"""From a program to something that runs on buffers."""

from collections.abc import Callable, Sequence
from typing import Any

from minijax.compiler import eager  # noqa: F401  it takes over large arrays
from minijax.compiler.checked import checked
from minijax.compiler.executable import executable, patience, placed_executable, whole
from minijax.compiler.statistics import timing_trace
from minijax.float_checks import checking_floats
from minijax.jaxpr import Jaxpr

__all__ = ["compiled", "compiled_into", "compiled_loop", "patience", "timing_trace"]


def compiled(jaxpr: Jaxpr, name: str = "") -> Callable:
    """The program as one function from NumPy arrays to a list of NumPy arrays."""
    return checked(jaxpr) if checking_floats() else executable(jaxpr, name)


def compiled_into(jaxpr: Jaxpr) -> tuple[Callable, Sequence[int]]:
    """The same, of operands and memory for some of the results; and for which."""
    return (checked(jaxpr), ()) if checking_floats() else placed_executable(jaxpr).chosen()


def compiled_loop(primitive: Any, jaxpr: Jaxpr, avals: Sequence[Any], params: dict
                  ) -> Callable | None:
    """A loop, with `jaxpr` as its body, as native code. None: it has to run step by step."""
    return None if checking_floats() else whole(
        jaxpr, primitive, tuple(avals), tuple(params.items()))
