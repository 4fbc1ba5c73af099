"""Window functions: M points of a bump, to taper a signal before a Fourier transform."""

from __future__ import annotations

from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.numpy.composed import i0
from minijax.numpy.ufuncs import absolute, cos, sqrt


def points(M: Any) -> tuple[int, Any]:
    """M and 0, 1, ..., M - 1; None where the window is constant."""
    M = int(M)
    return M, lax.iota(dtypes.default_float_dtype(), M) if M > 1 else None


def flat(M: int) -> Any:
    return lax.full((M,), 1, dtypes.default_float_dtype())


def hamming(M: int) -> Any:
    """0.54 - 0.46 cos(2 pi n / (M - 1)).

    >>> import minijax.numpy as jnp
    >>> jnp.hamming(3)
    Array([0.08000001, 1.        , 0.08000001], dtype=float32)
    """
    M, n = points(M)
    return flat(M) if n is None else 0.54 - 0.46 * cos(2 * np.pi * n / (M - 1))


def hanning(M: int) -> Any:
    """0.5 - 0.5 cos(2 pi n / (M - 1))."""
    M, n = points(M)
    return flat(M) if n is None else 0.5 * (1 - cos(2 * np.pi * n / (M - 1)))


def blackman(M: int) -> Any:
    """0.42 - 0.5 cos(2 pi n / (M - 1)) + 0.08 cos(4 pi n / (M - 1))."""
    M, n = points(M)
    if n is None:
        return flat(M)
    return 0.42 - 0.5 * cos(2 * np.pi * n / (M - 1)) + 0.08 * cos(4 * np.pi * n / (M - 1))


def bartlett(M: int) -> Any:
    """A triangle."""
    M, n = points(M)
    return flat(M) if n is None else 1 - absolute(2 * n + 1 - M) / (M - 1)


def kaiser(M: int, beta: Any) -> Any:
    """A bump whose width `beta` controls."""
    M, n = points(M)
    if n is None:
        return flat(M)
    half = 0.5 * (M - 1)
    return i0(beta * sqrt(1 - ((n - half) / half) ** 2)) / i0(beta)
