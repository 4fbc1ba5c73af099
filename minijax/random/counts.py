"""How often something happens: binomial and multinomial numbers."""

from __future__ import annotations

from typing import Any

import minijax.numpy as jnp
from minijax import lax
from minijax.lax.rejection import random_binomial_p
from minijax.numpy.promotion import promote_inexact
from minijax.random.basics import cast, float_dtype, result_shape
from minijax.random.keys import check_key, split


def binomial(key: Any, n: Any, p: Any, shape: Any = None, dtype: Any = None) -> Any:
    """How many of `n` trials succeed, each with probability `p`. NaN where these make no sense.

    >>> import minijax as jax
    >>> jax.random.binomial(jax.random.key(0), 10, 0.3, (4,))
    Array([2., 2., 1., 2.], dtype=float32)
    """
    key, _ = check_key("binomial", key)
    dtype, shape = float_dtype("binomial", dtype), result_shape("binomial", shape, n, p)
    (p,) = promote_inexact(p)
    out = random_binomial_p.bind(key, cast(n, p.dtype, shape), cast(p, p.dtype, shape))
    return lax.convert_element_type(out, dtype)


def multinomial(key: Any, n: Any, p: Any, *, shape: Any = None, dtype: Any = None,
                unroll: int | bool = 1) -> Any:
    """How often each outcome occurs in `n` trials; the probabilities `p` are along the last axis.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.random.multinomial(jax.random.key(0), 10, jnp.array([0.2, 0.3, 0.5]))
    Array([1., 1., 8.], dtype=float32)

    Args:
      shape: that of the result without its last axis.
    """
    key, _ = check_key("multinomial", key)
    dtype = float_dtype("multinomial", dtype)
    n, p = promote_inexact(n, p)
    shape = p.shape if shape is None else tuple(shape)
    n, p = jnp.broadcast_to(n, shape[:-1]), jnp.moveaxis(jnp.broadcast_to(p, shape), -1, 0)
    left = lax.cumsum(p, 0, reverse=True)

    def outcome(trials: Any, ratio_and_key: tuple) -> tuple[Any, Any]:
        ratio, key = ratio_and_key  # of this outcome, if it was none of those before
        count = binomial(key, trials, jnp.clip(ratio, 0, 1), dtype=trials.dtype)
        return trials - count, count

    ratios = p / jnp.where(left == 0, 1, left)
    _, counts = lax.scan(outcome, n, (ratios, split(key, p.shape[0])), unroll=unroll)
    return lax.convert_element_type(jnp.moveaxis(counts, 0, -1), dtype)
