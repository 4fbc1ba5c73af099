"""Every operation, listed once. `tests/test_operations.py` states the laws for all of them.

Each module here holds `CASES`. A case calls one operation through the module `lax` it is given,
minijax's or JAX's, on arguments described by `arr`; the two must agree, and ours obey the laws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Arg:
    """An argument: its shape and dtype, and where its values come from."""

    shape: tuple[int, ...]
    dtype: str = "float64"
    low: float = -2.0
    high: float = 2.0
    values: Callable | None = None  # rng -> array, instead of uniform values in [low, high)
    diff: bool = True  # differentiate with respect to it, if its dtype is inexact
    batch: bool = True  # map over it

    def make(self, rng: np.random.Generator) -> np.ndarray:
        if self.values is not None:
            return np.asarray(self.values(rng), self.dtype)
        kind = np.dtype(self.dtype).kind
        if kind == "b":
            return rng.random(self.shape) < 0.5
        if kind in "iu":
            return rng.integers(self.low, self.high, self.shape).astype(self.dtype)
        x = rng.uniform(self.low, self.high, self.shape)
        if kind == "c":
            x = x + 1j * rng.uniform(self.low, self.high, self.shape)
        return x.astype(self.dtype)


def arr(*shape: int, dtype: str = "float64", **options: Any) -> Arg:
    return Arg(shape, dtype, **options)


@dataclass(frozen=True)
class Case:
    """`fun(lax, *args)` calls the operation `op` (a primitive's name)."""

    op: str
    fun: Callable
    args: tuple[Arg, ...]
    label: str = ""
    order: int = 2  # how often it can be differentiated at these points
    rtol: float = 1e-6  # of values; derivatives get 100 times as much
    oracle: str = ""  # JAX's function, as "nn.soft_sign", where jax.lax has no such operation
    options: dict = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.op}-{self.label}" if self.label else self.op


def case(op: str, fun: Callable, *args: Arg, **options: Any) -> Case:
    return Case(op, fun, args, **options)
