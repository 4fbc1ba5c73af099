"""`vjp` in two functions: a forward pass returns residuals, a backward pass takes them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minijax.api_util import argnums_partial
from minijax.jit import jit
from minijax.transpose import vjp


def fwd_and_bwd(fun: Callable, argnums: int | Sequence[int], has_aux: bool = False,
                jitted: bool = True) -> tuple[Callable, Callable]:
    """`(fwd, bwd)`: `fwd(*args)` returns `fun(*args)` and residuals, `bwd(residuals, ct)` returns
    the cotangents of the arguments `argnums`.

    Each is traced once, where `vjp` traces `fun` at every call. With `has_aux`, `fun` returns a
    pair, and `fwd` returns its second half last.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> fwd, bwd = jax.fwd_and_bwd(lambda x, w: x @ w, argnums=(0, 1))
    >>> y, residuals = fwd(jnp.ones((2, 3)), jnp.ones((3, 4)))
    >>> [ct.shape for ct in bwd(residuals, jnp.ones((2, 4)))]
    [(2, 3), (3, 4)]
    """
    @functools.wraps(fun)
    def fwd(*args: Any, **kwargs: Any) -> tuple:
        f, chosen = argnums_partial(fun, argnums, args, kwargs)
        return vjp(f, *chosen, has_aux=has_aux)

    def bwd(residuals: Any, ct: Any) -> Any:
        cts = residuals(ct)
        return cts[0] if isinstance(argnums, int) else cts

    return (jit(fwd), jit(bwd)) if jitted else (fwd, bwd)
