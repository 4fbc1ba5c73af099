"""From a program to something that runs on buffers."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from minijax.compiler import eager  # noqa: F401  it takes over large arrays
from minijax.compiler.checked import checked
from minijax.compiler.executable import executable, patience, whole
from minijax.config import flags
from minijax.float_checks import checking_floats
from minijax.jaxpr import Jaxpr

__all__ = ["compiled", "compiled_loop", "log_compile", "patience"]

logger = logging.getLogger(__name__)


def compiled(jaxpr: Jaxpr) -> Callable:
    """The program as one function from NumPy arrays to a list of NumPy arrays."""
    return checked(jaxpr) if checking_floats() else executable(jaxpr)


def compiled_loop(primitive: Any, jaxpr: Jaxpr, avals: Sequence[Any], params: dict
                  ) -> Callable | None:
    """A loop, with `jaxpr` as its body, as native code. None: it has to run step by step."""
    return None if checking_floats() else whole(
        jaxpr, primitive, tuple(avals), tuple(params.items()))


def log_compile(name: str, avals: Sequence[Any]) -> None:
    """With `jax_log_compiles`: say that a function is traced and compiled, and for which types."""
    if flags.jax_log_compiles:
        logger.warning("Compiling jit(%s) with global shapes and types %s.", name, avals)
