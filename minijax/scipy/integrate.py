"""`jax.scipy.integrate`."""

from __future__ import annotations

from typing import Any

import minijax.numpy as jnp
from minijax.jit import jit


@jit(static_argnames=("axis",))
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of y by trapezoids, at the points x or at distance dx."""
    return jnp.trapezoid(y, x, dx, axis)
