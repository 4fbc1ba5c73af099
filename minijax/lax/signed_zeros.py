"""Maxima and minima in which 0 is larger than -0, as in XLA. For NumPy the two are equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import dtypes


def with_winner(extremum: Callable, any_of: Callable, winner: float) -> Callable:
    """`extremum`, whose result is the zero `winner` wherever any of the operands is that."""
    sign = np.signbit(winner)

    def f(*xs: np.ndarray, **axis: Any) -> Any:
        out = extremum(*xs, **axis)
        if dtypes.kind(out.dtype) != "f" or np.all(out):
            return out
        won = any_of(*[(x == 0) & (np.signbit(x) == sign) for x in xs], **axis)
        return np.where(out == 0, np.where(won, winner, -winner).astype(out.dtype), out)

    return f


maximum = with_winner(np.maximum, np.logical_or, 0.0)
minimum = with_winner(np.minimum, np.logical_or, -0.0)
