"""A kernel as it comes from the writers: the source, and all that a call of it needs."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from minijax.jaxpr import JaxprEqn


@dataclasses.dataclass
class Emitted:
    """A source, the arrays it takes, its table, and the length of its outermost loop."""

    source: str
    arrays: list[Any]
    sizes: list[int | float]
    count: int
    work: int  # elements for each step of the outermost loop
    eqns: list[JaxprEqn]
    consts: dict[Any, Any] = dataclasses.field(default_factory=dict)  # values of some of the arrays

    def numbers(self) -> list[str]:
        """`sizes`, to be read."""
        return [f"{n:.7g}" if isinstance(n, float) else str(n) for n in self.sizes]

    def table(self) -> np.ndarray:
        """`sizes` as a kernel takes them; of a float, the bits."""
        return np.array([np.float64(n).view(np.int64) if isinstance(n, float) else n
                         for n in self.sizes], np.int64)
