"""Distributions by name, from uniform and normal numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax
from minijax.jit import jit
from minijax.lax import exact
from minijax.layouts import divisible
from minijax.numpy.promotion import promote_inexact
from minijax.random.basics import (
    _uniform,
    cast,
    like,
    normal,
    prepare,
    prepare_for,
    result_shape,
    uniform,
)
from minijax.random.keys import check_key, shape_of, split_into

# Private functions, which a program shows by their names, do the work on checked arguments.


# --- without parameters ------------------------------------------------------------------------


@divisible
def exponential(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """Density exp(-x) for x >= 0."""
    return _exponential(*prepare("exponential", key, shape, dtype))


@jit(static_argnums=(1, 2))
def _exponential(key: Any, shape: tuple, dtype: np.dtype) -> Any:
    return lax.neg(exact.log1p(lax.neg(uniform(key, shape, dtype))))


@divisible
def gumbel(key: Any, shape: Any = (), dtype: Any = None, mode: str | None = None) -> Any:
    """Density exp(-x - exp(-x)): the distribution of the largest of many numbers.

    Args:
      mode: "low", the default, or "high", which reaches larger numbers at twice the cost.
    """
    mode = mode or "low"
    if mode not in ("high", "low"):
        raise ValueError(f"Must provide valid mode for gumbel got: {mode}")
    return _gumbel(*prepare("gumbel", key, shape, dtype), mode=mode)


@jit(static_argnums=(1, 2, 3))
def _gumbel(key: Any, shape: tuple, dtype: np.dtype, mode: str) -> Any:
    info = dtypes.finfo(dtype)
    if mode == "low":
        tiny = np.array(info.tiny, dtype)
        u = _uniform(key, minval=tiny, maxval=1.0, shape=shape, dtype=dtype)
        return lax.neg(exact.log(lax.neg(exact.log(u))))
    both = _uniform(key, minval=0.0, maxval=1.0, shape=(2, *shape), dtype=dtype)
    high, low = both[0], both[1]
    x = jnp.where(high >= 0.5, high, high + 2.0**-info.nmant * low + float(info.tiny))
    return lax.neg(exact.log(lax.neg(exact.log1p(lax.neg(x)))))


@divisible
def laplace(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """Density exp(-|x|) / 2."""
    return _laplace(*prepare("laplace", key, shape, dtype))


@jit(static_argnums=(1, 2))
def _laplace(key: Any, shape: tuple, dtype: np.dtype) -> Any:
    low = np.array(-1 + dtypes.finfo(dtype).epsneg, dtype)
    u = uniform(key, shape, dtype, low, 1.0)
    return lax.mul(lax.sign(u), exact.log1p(lax.neg(lax.abs(u))))


@divisible
def logistic(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """The distribution whose distribution function is 1 / (1 + exp(-x))."""
    return _logistic(*prepare("logistic", key, shape, dtype))


@jit(static_argnums=(1, 2))
def _logistic(key: Any, shape: tuple, dtype: np.dtype) -> Any:
    u = uniform(key, shape, dtype, dtypes.finfo(dtype).tiny, 1.0)
    return lax.sub(exact.log(u), exact.log1p(lax.neg(u)))


@divisible
def cauchy(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """Density 1 / (pi (1 + x^2))."""
    return _cauchy(*prepare("cauchy", key, shape, dtype))


@jit(static_argnums=(1, 2))
def _cauchy(key: Any, shape: tuple, dtype: np.dtype) -> Any:
    u = uniform(key, shape, dtype, dtypes.finfo(dtype).eps, 1.0)
    return lax.tan(lax.mul(like(u, np.pi), lax.sub(u, like(u, 0.5))))


@divisible
def maxwell(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """The length of a vector of three normal numbers."""
    return _maxwell(*prepare("maxwell", key, shape, dtype))


@jit(static_argnums=(1, 2))
def _maxwell(key: Any, shape: tuple, dtype: np.dtype) -> Any:
    return jnp.linalg.norm(normal(key, (*shape, 3), dtype), axis=-1)


def double_sided_maxwell(key: Any, loc: Any, scale: Any, shape: Any = (), dtype: Any = None
                         ) -> Any:
    """`maxwell`, times `scale` with a random sign, plus `loc`; `shape` is that of each of them."""
    key, shape, dtype = prepare("double_sided_maxwell", key, shape, dtype)
    return _double_sided_maxwell(key, loc, scale, shape, dtype)


@jit(static_argnums=(3, 4))
def _double_sided_maxwell(key: Any, loc: Any, scale: Any, shape: tuple, dtype: np.dtype) -> Any:
    each = lax.broadcast_shapes(np.shape(loc), np.shape(scale))
    shape = (*(shape or each), *each)
    first, second = split_into(key)
    return rademacher(second, shape, dtype) * maxwell(first, shape, dtype) * scale + loc


# --- coins -------------------------------------------------------------------------------------


@divisible
def bernoulli(key: Any, p: Any = 0.5, shape: Any = None, mode: str = "low") -> Any:
    """True with probability `p`.

    >>> import minijax as jax
    >>> jax.random.bernoulli(jax.random.key(0), 0.5, (4,))
    Array([False, False,  True,  True], dtype=bool)

    Args:
      mode: "low", or "high", which is exact to more digits of `p`.
    """
    if mode not in ("high", "low"):
        raise ValueError(f"got mode={mode!r}, expected 'high' or 'low'")
    key, _ = check_key("bernoulli", key)
    dtype = dtypes.dtype_and_weak_type(p)[0]
    if dtypes.kind(dtype) != "f":
        raise TypeError("bernoulli probability `p` must have a floating dtype, got "
                        f"{dtypes.name(dtype)}.")
    p = lax.convert_element_type(p, dtype)
    return _bernoulli(key, p, result_shape("bernoulli", shape, p), mode)


@jit(static_argnums=(2, 3))
def _bernoulli(key: Any, p: Any, shape: tuple, mode: str) -> Any:
    if mode == "low":
        return uniform(key, shape, p.dtype) < p
    both = uniform(key, (2, *shape), p.dtype)
    return both[1] * 2.0 ** -dtypes.finfo(p.dtype).nmant < p - both[0]


@divisible
def rademacher(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """-1 or 1, equally likely."""
    key, _ = check_key("rademacher", key)
    dtype = dtypes.check_user_dtype_supported(int if dtype is None else dtype)
    return _rademacher(key, shape_of(shape), dtype)


@jit(static_argnums=(1, 2))
def _rademacher(key: Any, shape: tuple, dtype: np.dtype) -> Any:
    coins = lax.convert_element_type(bernoulli(key, 0.5, shape), dtype)
    return lax.convert_element_type(2 * coins - 1, dtype)


# --- other parameters --------------------------------------------------------------------------


@divisible
def pareto(key: Any, b: Any, shape: Any = None, dtype: Any = None) -> Any:
    """Density b / x^(b+1) for x >= 1."""
    return _pareto(*prepare_for("pareto", key, shape, dtype, b))


@jit(static_argnums=(2, 3))
def _pareto(key: Any, b: Any, shape: tuple, dtype: np.dtype) -> Any:
    return exact.exp(exponential(key, shape, dtype) / lax.convert_element_type(b, dtype))


@divisible
def rayleigh(key: Any, scale: Any, shape: Any = None, dtype: Any = None) -> Any:
    """The length of a vector of two normal numbers, times `scale`."""
    return _rayleigh(*prepare_for("rayleigh", key, shape, dtype, scale))


@jit(static_argnums=(2, 3))
def _rayleigh(key: Any, scale: Any, shape: tuple, dtype: np.dtype) -> Any:
    u, scale = uniform(key, shape, dtype), cast(scale, dtype, shape)
    return lax.mul(scale, lax.sqrt(lax.mul(exact.log(u), like(scale, -2))))


def weibull_min(key: Any, scale: Any, concentration: Any, shape: Any = (), dtype: Any = None
                ) -> Any:
    """`scale` times an exponential number to the power 1 / `concentration`."""
    return _weibull_min(key, scale, concentration, *prepare("weibull_min", key, shape, dtype)[1:])


@jit(static_argnums=(3, 4))
def _weibull_min(key: Any, scale: Any, concentration: Any, shape: tuple, dtype: np.dtype) -> Any:
    u = uniform(key, shape, dtype, 0, 1)
    return jnp.power(-exact.log1p(-u), 1.0 / concentration) * scale


@divisible
def triangular(key: Any, left: Any, mode: Any, right: Any, shape: Any = None, dtype: Any = None
               ) -> Any:
    """A density that rises from `left` to `mode` and falls to `right`, in straight lines."""
    key, left, mode, right, shape, dtype = prepare_for(
        "triangular", key, shape, dtype, left, mode, right)
    left, mode, right = (cast(x, dtype, shape) for x in (left, mode, right))
    u = uniform(key, shape, dtype)
    rising = left + lax.sqrt(u * (right - left) * (mode - left))
    falling = right - lax.sqrt((1 - u) * (right - left) * (right - mode))
    return lax.select(u < (mode - left) / (right - left), rising, falling)


@divisible
def lognormal(key: Any, sigma: Any = 1.0, shape: Any = None, dtype: Any = None) -> Any:
    """exp(sigma x) for normal x."""
    key, sigma, shape, dtype = prepare_for("lognormal", key, shape, dtype, sigma)
    return exact.exp(normal(key, shape, dtype) * lax.convert_element_type(sigma, dtype))


@divisible
def geometric(key: Any, p: Any, shape: Any = None, dtype: Any = None) -> Any:
    """How many trials it takes until one succeeds, each with probability `p`."""
    key, _ = check_key("geometric", key)
    dtype = dtypes.check_user_dtype_supported(int if dtype is None else dtype)
    if dtypes.kind(dtype) not in "iu":
        raise ValueError("dtype argument to `geometric` must be an int dtype, got "
                         f"{dtypes.name(dtype)}")
    return _geometric(key, p, result_shape("geometric", shape, p), dtype)


@jit(static_argnums=(2, 3))
def _geometric(key: Any, p: Any, shape: tuple, dtype: np.dtype) -> Any:
    (p,) = promote_inexact(p)
    u = uniform(key, shape, p.dtype)
    u = jnp.where(u == 0, 1, u)
    fails = lax.floor(exact.log(u) / jnp.broadcast_to(exact.log1p(-p), shape))
    return lax.convert_element_type(fails + 1, dtype)


@divisible
def wald(key: Any, mean: Any, shape: Any = None, dtype: Any = None) -> Any:
    """The inverse Gaussian distribution, of scale 1 and the given mean."""
    return _wald(*prepare_for("wald", key, shape, dtype, mean))


@jit(static_argnums=(2, 3))
def _wald(key: Any, mean: Any, shape: tuple, dtype: np.dtype) -> Any:
    """Michael, Schucany, Haas, *Generating random variates* (The American Statistician, 1976)."""
    first, second = split_into(key)
    mean = cast(mean, dtype, shape)
    y, z = lax.square(normal(first, shape, dtype)), uniform(second, shape, dtype)
    root = lax.sqrt(4 * mean * y + lax.square(mean) * lax.square(y))
    x = mean + lax.square(mean) * y / 2 - mean / 2 * root
    return lax.select(z <= mean / (mean + x), x, lax.square(mean) / x)
