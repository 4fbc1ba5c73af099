"""Choosing among things: permutations, samples with and without replacement, categories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax
from minijax.core import typeof
from minijax.jit import jit
from minijax.lax.random_bits import random_bits_p
from minijax.lax.shapes import canonicalize_axis
from minijax.layouts import divisible
from minijax.numpy.arguments import as_value, check_arraylike
from minijax.numpy.promotion import promote_inexact
from minijax.random.basics import check_shape, randint, uniform
from minijax.random.distributions import gumbel
from minijax.random.keys import check_key, shape_of, split_into


def concrete_size(x: Any, where: str) -> int:
    """A rank-0 array as a Python integer; an error that names the argument if it is traced."""
    if dtypes.kind(typeof(x).dtype) not in "iu":
        raise TypeError(f"{where} must be an integer or at least 1-dimensional")
    return int(x)


# --- permutations ----------------------------------------------------------------------------


@divisible
def permutation(key: Any, x: Any, axis: int = 0, independent: bool = False) -> Any:
    """`x` with the rows along `axis` in random order; for an integer, a permutation of its range.

    With `independent`, each line along `axis` gets an order of its own.

    >>> import minijax as jax
    >>> jax.random.permutation(jax.random.key(0), 5)
    Array([0, 1, 4, 3, 2], dtype=int32)
    """
    key, _ = check_key("permutation", key)
    check_arraylike("permutation", x)
    axis = canonicalize_axis(axis, np.ndim(x) or 1)
    if not np.ndim(x):
        return _shuffle(key, jnp.arange(concrete_size(x, "x")), axis)
    x = as_value(x)
    if independent or x.ndim == 1:
        return _shuffle(key, x, axis)
    order = _shuffle(key, jnp.arange(x.shape[axis]), 0)
    return jnp.take(x, order, axis, unique_indices=True)


@jit(static_argnums=(2,))
def _shuffle(key: Any, x: Any, axis: int) -> Any:
    """Sort by random bits. Equal bits keep their old order, so sort until there are enough bits."""
    rounds = math.ceil(3 * math.log(max(1, x.size)) / math.log(2**32 - 1))
    for _ in range(rounds):
        key, now = split_into(key)
        _, x = lax.sort_key_val(random_bits_p.bind(now, bit_width=32, shape=x.shape), x, axis)
    return x


# --- samples ---------------------------------------------------------------------------------


def choice(key: Any, a: Any, shape: Any = (), replace: bool = True, p: Any = None, axis: int = 0,
           mode: str | None = None) -> Any:
    """A random sample of the rows of `a` along `axis`; for an integer, of its range.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.random.choice(jax.random.key(0), jnp.array([10, 20, 30]), (4,))
    Array([20, 10, 30, 20], dtype=int32)

    Args:
      replace: whether one row can be chosen twice.
      p: the probability of each row; without it all are equally likely.
    """
    key, _ = check_key("choice", key)
    if not isinstance(shape, Sequence):
        raise TypeError("shape argument of jax.random.choice must be a sequence, got "
                        f"{shape}")
    check_arraylike("choice", a)
    shape, arr = shape_of(shape), as_value(a)
    if arr.ndim:
        axis = canonicalize_axis(axis, arr.ndim)
        count = arr.shape[axis]
    else:
        count = concrete_size(a, "a")
    draws = math.prod(shape)
    if draws == 0:
        return jnp.zeros(shape, dtype=arr.dtype)
    if count <= 0:
        raise ValueError("a must be greater than 0 unless no samples are taken")
    if not replace and draws > count:
        raise ValueError(f"Cannot take a larger sample (size {draws}) than population (size "
                         f"{count}) when 'replace=False'")
    if p is None and not replace:
        rows = (slice(None),) * axis + (slice(draws),)
        out = permutation(key, arr if arr.ndim else count, axis)[rows]
    else:
        chosen = randint(key, shape, 0, count) if p is None else by_weight(
            key, p, count, shape, replace, mode)
        out = jnp.take(arr, chosen, axis) if arr.ndim else chosen
    full = (*arr.shape[:axis], *shape, *arr.shape[axis + 1:]) if arr.ndim else shape
    return lax.reshape(out, full)


def by_weight(key: Any, p: Any, count: int, shape: tuple, replace: bool, mode: str | None) -> Any:
    """Indices below `count`, index i with probability p[i]."""
    check_arraylike("choice", p)
    (p,) = promote_inexact(p)
    if p.shape != (count,):
        raise ValueError("p must be None or a 1D vector with the same size as a.shape[axis]. p has "
                         f"shape {p.shape} and a.shape[axis] is {count}.")
    index = dtypes.default_int_dtype()
    if not replace:  # the largest of log p + Gumbel noise
        noisy = gumbel(key, (count,), dtype=p.dtype, mode=mode) + jnp.log(p)
        return lax.convert_element_type(lax.top_k(noisy, math.prod(shape))[1], index)
    steps = jnp.cumsum(p)
    u = steps[-1] * (1 - uniform(key, shape, dtype=steps.dtype))
    return lax.convert_element_type(jnp.searchsorted(steps, u), index)


@divisible
def categorical(key: Any, logits: Any, axis: int = -1, shape: Any = None, replace: bool = True,
                mode: str | None = None) -> Any:
    """Indices along `axis`, drawn with probabilities proportional to exp(logits).

    The largest of logits + Gumbel noise, so the probabilities are never computed.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.random.categorical(jax.random.key(0), jnp.log(jnp.array([0.1, 0.9])), shape=(6,))
    Array([1, 1, 1, 1, 1, 0], dtype=int32)

    Args:
      shape: the shape of the result; it ends with that of `logits` without `axis`.
      replace: without it, the leading part of `shape` holds categories that differ.
    """
    key, _ = check_key("categorical", key)
    check_arraylike("categorical", logits)
    logits = as_value(logits)
    axis = canonicalize_axis(axis, logits.ndim)
    rest = (*logits.shape[:axis], *logits.shape[axis + 1:])
    shape = rest if shape is None else shape_of(shape)
    check_shape("categorical", shape, rest)
    prefix = shape[: len(shape) - len(rest)]
    if replace:
        noise = gumbel(key, (*prefix, *logits.shape), logits.dtype, mode)
        logits = lax.expand_dims(logits, range(len(prefix)))
        return jnp.argmax(noise + logits, axis=len(prefix) + axis)
    count = math.prod(prefix)
    if count > logits.shape[axis]:
        raise ValueError(f"Number of samples without replacement ({count}) cannot exceed number of "
                         f"categories ({logits.shape[axis]}).")
    noisy = logits + gumbel(key, logits.shape, logits.dtype, mode)
    _, chosen = lax.top_k(jnp.moveaxis(noisy, axis, -1), count)
    return lax.reshape(jnp.moveaxis(chosen, -1, 0), shape)
