"""Random vectors and matrices."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import lax
from minijax.jit import jit
from minijax.layouts import divisible
from minijax.numpy.arguments import as_value
from minijax.numpy.promotion import promote_inexact
from minijax.random.basics import check_shape, float_dtype, normal, prepare
from minijax.random.distributions import exponential, rademacher
from minijax.random.gammas import gamma
from minijax.random.keys import check_key, shape_of, split_into


@divisible
def generalized_normal(key: Any, p: float, shape: Any = (), dtype: Any = None) -> Any:
    """Density proportional to exp(-|x|^p)."""
    key, shape, dtype = prepare("generalized_normal", key, shape, dtype)
    return _generalized_normal(key, p, shape, dtype)


@jit(static_argnums=(2, 3))
def _generalized_normal(key: Any, p: Any, shape: tuple, dtype: np.dtype) -> Any:
    first, second = split_into(key)
    g = gamma(first, 1 / p, shape, dtype)
    return rademacher(second, shape, dtype) * g ** (1 / p)


@divisible
def ball(key: Any, d: int, p: float = 2, shape: Any = (), dtype: Any = None) -> Any:
    """Points of the unit ball of the p-norm in `d` dimensions, all equally likely."""
    key, shape, dtype = prepare("ball", key, shape, dtype)
    return _ball(key, p, operator.index(d), shape, dtype)


@jit(static_argnums=(2, 3, 4))
def _ball(key: Any, p: Any, d: int, shape: tuple, dtype: np.dtype) -> Any:
    first, second = split_into(key)
    g = generalized_normal(first, p, (*shape, d), dtype)
    e = exponential(second, shape, dtype)
    return g / ((jnp.sum(jnp.abs(g) ** p, -1) + e) ** (1 / p))[..., None]


@divisible
def orthogonal(key: Any, n: int, shape: Any = (), dtype: Any = None, m: int | None = None) -> Any:
    """Matrices with orthonormal rows or columns, (*shape, n, m), all equally likely."""
    key, shape, dtype = prepare("orthogonal", key, shape, dtype, "fc")
    n = operator.index(n)
    return _orthogonal(key, n, n if m is None else operator.index(m), shape, dtype)


@jit(static_argnums=(1, 2, 3, 4))
def _orthogonal(key: Any, n: int, m: int, shape: tuple, dtype: np.dtype) -> Any:
    q, r = jnp.linalg.qr(normal(key, (*shape, max(n, m), min(n, m)), dtype))
    signs = jnp.sign(jnp.diagonal(r, axis1=-2, axis2=-1))
    q = q * signs[..., None, :]
    return jnp.swapaxes(q, -1, -2) if n < m else q


@divisible
def multivariate_normal(key: Any, mean: Any, cov: Any, shape: Sequence[int] | None = None,
                        dtype: Any = None, method: str = "cholesky") -> Any:
    """Normal vectors of a mean, (..., n), and a covariance matrix, (..., n, n).

    Args:
      shape: that of the result without its last axis.
      method: how the covariance is factored: "cholesky", "eigh" or "svd".
    """
    key, _ = check_key("multivariate_normal", key)
    mean, cov = promote_inexact(as_value(mean), as_value(cov))
    if method not in ("svd", "eigh", "cholesky"):
        raise ValueError("method must be one of {'svd', 'eigh', 'cholesky'}")
    if mean.ndim < 1:
        raise ValueError("multivariate_normal requires mean.ndim >= 1, got mean.ndim == 0")
    if cov.shape[-2:] != (n := mean.shape[-1], n):
        raise ValueError("multivariate_normal requires cov.shape == (..., n, n) for "
                         f"n={n}, but got cov.shape == {cov.shape}.")
    dtype = float_dtype("multivariate_normal", mean.dtype if dtype is None else dtype)
    batch = mean.shape[:-1], cov.shape[:-2]
    shape = lax.broadcast_shapes(*batch) if shape is None else shape_of(shape)
    check_shape("multivariate_normal", shape, *batch)
    return _multivariate_normal(key, mean, cov, shape, dtype, method)


@jit(static_argnums=(3, 4, 5))
def _multivariate_normal(key: Any, mean: Any, cov: Any, shape: tuple, dtype: np.dtype,
                         method: str) -> Any:
    if method == "cholesky":
        factor = jnp.linalg.cholesky(cov)
    elif method == "eigh":
        w, v = jnp.linalg.eigh(cov)
        factor = v * jnp.sqrt(w[..., None, :])
    else:
        u, s, _ = jnp.linalg.svd(cov)
        factor = u * jnp.sqrt(s[..., None, :])
    draws = normal(key, (*shape, mean.shape[-1]), dtype)
    return mean + jnp.einsum("...ij,...j->...i", factor, draws)
