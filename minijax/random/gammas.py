"""Gamma numbers and what is made of them: beta, chi-square, Student, Dirichlet; Poisson numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax
from minijax.jit import jit
from minijax.lax import exact
from minijax.lax.rejection import random_gamma_p, random_poisson_p
from minijax.layouts import divisible
from minijax.random.basics import (
    cast,
    check_shape,
    float_dtype,
    like,
    normal,
    prepare_for,
    result_shape,
)
from minijax.random.keys import check_key, shape_of, split_into


@divisible
def gamma(key: Any, a: Any, shape: Any = None, dtype: Any = None) -> Any:
    """Density proportional to x^(a-1) exp(-x). It has a derivative with respect to `a`.

    >>> import minijax as jax
    >>> jax.random.gamma(jax.random.key(0), 2.0, (2,))
    Array([1.5897877, 1.7599413], dtype=float32)
    """
    return _gamma(*prepare_for("gamma", key, shape, dtype, a), log_space=False)


@divisible
def loggamma(key: Any, a: Any, shape: Any = None, dtype: Any = None) -> Any:
    """The logarithm of what `gamma` gives, also where that is too small for a number."""
    return _gamma(*prepare_for("loggamma", key, shape, dtype, a), log_space=True)


@jit(static_argnames=("shape", "dtype", "log_space"))
def _gamma(key: Any, a: Any, shape: tuple, dtype: np.dtype, log_space: bool) -> Any:
    return random_gamma_p.bind(key, cast(a, dtype, shape), log_space=log_space)


@divisible
def beta(key: Any, a: Any, b: Any, shape: Any = None, dtype: Any = None) -> Any:
    """Density proportional to x^(a-1) (1-x)^(b-1) between 0 and 1."""
    return _beta(*prepare_for("beta", key, shape, dtype, a, b))


@jit(static_argnums=(3, 4))
def _beta(key: Any, a: Any, b: Any, shape: tuple, dtype: np.dtype) -> Any:
    logs = [loggamma(k, cast(x, dtype, shape), shape, dtype)
            for k, x in zip(split_into(key), (a, b))]
    largest = lax.max(*logs)
    x, y = (exact.exp(lax.sub(g, largest)) for g in logs)
    return lax.div(x, lax.add(x, y))


@divisible
def dirichlet(key: Any, alpha: Any, shape: Any = None, dtype: Any = None) -> Any:
    """Vectors of positive numbers with sum 1; `alpha` runs along the last axis.

    `shape` is that of the result without its last axis.
    """
    key, _ = check_key("dirichlet", key)
    dtype = float_dtype("dirichlet", dtype)
    if np.ndim(alpha) < 1:
        raise ValueError("dirichlet requires alpha.ndim >= 1, got alpha.ndim == 0")
    *batch, size = np.shape(alpha)
    shape = tuple(batch) if shape is None else shape_of(shape)
    check_shape("dirichlet", shape, tuple(batch))
    return _dirichlet(key, alpha, (*shape, size), dtype)


@jit(static_argnums=(2, 3))
def _dirichlet(key: Any, alpha: Any, shape: tuple, dtype: np.dtype) -> Any:
    logs = loggamma(key, alpha, shape, dtype)
    weights = exact.exp(logs - lax.stop_gradient(jnp.max(logs, axis=-1, keepdims=True)))
    return weights / jnp.sum(weights, axis=-1, keepdims=True)


@divisible
def chisquare(key: Any, df: Any, shape: Any = None, dtype: Any = None) -> Any:
    """The sum of the squares of `df` normal numbers."""
    return _chisquare(*prepare_for("chisquare", key, shape, dtype, df))


@jit(static_argnums=(2, 3))
def _chisquare(key: Any, df: Any, shape: tuple, dtype: np.dtype) -> Any:
    df = lax.convert_element_type(df, dtype)
    half = lax.div(df, like(df, 2))
    return lax.mul(exact.exp(loggamma(key, half, shape, dtype)), like(df, 2))


@divisible
def f(key: Any, dfnum: Any, dfden: Any, shape: Any = None, dtype: Any = None) -> Any:
    """The ratio of two chi-square numbers, each divided by its degrees of freedom."""
    return _f(*prepare_for("f", key, shape, dtype, dfnum, dfden))


@jit(static_argnums=(3, 4))
def _f(key: Any, dfnum: Any, dfden: Any, shape: tuple, dtype: np.dtype) -> Any:
    dfnum, dfden = (lax.convert_element_type(x, dtype) for x in (dfnum, dfden))
    below, above = split_into(key)
    return (chisquare(above, dfnum, shape, dtype) / dfnum) / (
        chisquare(below, dfden, shape, dtype) / dfden)


@divisible
def t(key: Any, df: Any, shape: Any = None, dtype: Any = None) -> Any:
    """Student's distribution with `df` degrees of freedom."""
    return _t(*prepare_for("t", key, shape, dtype, df))


@jit(static_argnums=(2, 3))
def _t(key: Any, df: Any, shape: tuple, dtype: np.dtype) -> Any:
    df = lax.convert_element_type(df, dtype)
    above, below = split_into(key)
    n, half = normal(above, shape, dtype), lax.div(df, like(df, 2))
    return n * jnp.sqrt(half / gamma(below, half, shape, dtype))


@divisible
def poisson(key: Any, lam: Any, shape: Any = None, dtype: Any = None) -> Any:
    """How many events there are, where `lam` are expected.

    >>> import minijax as jax
    >>> jax.random.poisson(jax.random.key(0), 3.0, (5,))
    Array([0, 0, 4, 4, 1], dtype=int32)
    """
    key, _ = check_key("poisson", key)
    dtype = dtypes.check_user_dtype_supported(int if dtype is None else dtype)
    lam = cast(lam, np.dtype(np.float32), result_shape("poisson", shape, lam))
    return random_poisson_p.bind(key, lam, dtype=dtype)
