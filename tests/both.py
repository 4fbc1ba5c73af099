"""Write a program once, run it in minijax and in JAX.

A function names the modules it needs as its first parameters: `jax`, `jnp`, `lax`, `random`, `np`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

MODULES: dict[str, Callable] = {
    "jax": lambda library: library,
    "jnp": lambda library: library.numpy,
    "lax": lambda library: library.lax,
    "random": lambda library: library.random,
    "np": lambda library: np,
}


def bound(f: Callable, library: Any) -> Callable:
    """`f` with the modules of one library in place."""
    parameters = list(inspect.signature(f).parameters)
    return functools.partial(f, *(MODULES[p](library) for p in parameters if p in MODULES))


def f32(*shape: int) -> np.ndarray:
    """Numbers from 0.3 to 0.8."""
    return np.linspace(0.3, 0.8, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def i32(*shape: int) -> np.ndarray:
    """0, 1, 2, ..."""
    return np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)
