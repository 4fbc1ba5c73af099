"""Sums of exponentials, and what is normalised by them: softmax, logsumexp, one-hot vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax
from minijax.core import typeof
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import (
    as_value,
    canonical_axes,
    canonical_axis,
    check_arraylike,
    check_arraylike_or_none,
    ensure_array,
)
from minijax.numpy.promotion import promote_args_inexact

# --- log of a sum of exponentials ---------------------------------------------------------------


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False,
              return_sign: bool = False, where: Any = None) -> Any:
    """log(sum(b exp(a))). The largest `a` is taken out first, so that nothing overflows.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.nn.logsumexp(jnp.array([1000.0, 1000.0]))
    Array(1000.6932, dtype=float32)

    Args:
      axis: the axis or axes of the sum; None for all.
      b: factors, which broadcast against `a`.
      return_sign: return the logarithm of the absolute value of the sum, and its sign.
      where: a mask of the elements that count.
    """
    if where is not None:
        a = jnp.where(where, a, 0)
    if b is None:
        (a,) = promote_args_inexact("logsumexp", a)
    else:
        a, b = promote_args_inexact("logsumexp", a, b)
        a = jnp.where(b != 0, a, -np.inf)
    is_complex = dtypes.kind(a.dtype) == "c"
    axes = canonical_axes(axis, typeof(a).ndim)
    most = jnp.max(lax.real(a) if is_complex else a, axis=axes, keepdims=keepdims, where=where,
                   initial=-np.inf)
    most = lax.stop_gradient(lax.select(lax.is_finite(most), most, lax.full_like(most, 0)))
    most_of_all = most if keepdims else lax.expand_dims(most, axes)
    terms = lax.exp(lax.sub(a, lax.convert_element_type(most_of_all, a.dtype)))
    if b is not None:
        terms = lax.mul(terms, b)
    total = jnp.sum(terms, axis=axes, keepdims=keepdims, where=where)
    sign = lax.sign(total)
    if return_sign or not is_complex:
        total = lax.abs(total)
    out = lax.add(lax.log(total), lax.convert_element_type(most, total.dtype))
    if return_sign:
        return out, sign
    if b is not None and not is_complex:
        return jnp.where(sign < 0, of_dtype(np.nan, out.dtype), out)
    return out


@jit(static_argnames=("axis", "keepdims"))
def logmeanexp(x: Any, axis: Any = None, where: Any = None, keepdims: bool = False) -> Any:
    """log(mean(exp(x)))."""
    total = logsumexp(x, axis=axis, where=where, keepdims=keepdims)
    if where is not None:
        mask = jnp.broadcast_to(where, np.shape(x))
        return total - jnp.log(jnp.sum(mask, axis=axis, keepdims=keepdims, dtype=total.dtype))
    count = math.prod(np.shape(x)[i] for i in canonical_axes(axis, np.ndim(x)))
    return total - jnp.log(of_dtype(count, total.dtype))


# --- softmax ------------------------------------------------------------------------------------


def softmax(x: Any, axis: Any = -1, where: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along `axis`: positive numbers with sum 1.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.nn.softmax(jnp.array([0.0, 1.0, 1.0]))
    Array([0.15536241, 0.42231882, 0.42231882], dtype=float32)

    Args:
      where: a mask of the elements that count; the others get 0.
    """
    most = jnp.max(x, axis, where=where, initial=-np.inf, keepdims=True)
    safe = x if where is None else jnp.where(where, x, -np.inf)
    weights = jnp.exp(safe - lax.stop_gradient(most))
    out = weights / jnp.sum(weights, axis, where=where, keepdims=True)
    return out if where is None else jnp.where(where, out, 0)


@jit(static_argnames=("axis",))
def log_softmax(x: Any, axis: Any = -1, where: Any = None) -> Any:
    """log(softmax(x)), without taking the logarithm of a small number.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.nn.log_softmax(jnp.array([0.0, 1000.0]))
    Array([-1000.,     0.], dtype=float32)
    """
    x = ensure_array("log_softmax", x)
    most = jnp.max(x, axis, where=where, initial=-np.inf, keepdims=True)
    safe = x if where is None else jnp.where(where, x, -np.inf)
    shifted = safe - lax.stop_gradient(most)
    out = shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis, where=where, keepdims=True))
    return out if where is None else jnp.where(where, out, -np.inf)


# --- others -------------------------------------------------------------------------------------


@jit(static_argnames=("axis", "algorithm"))
def standardize(x: Any, axis: Any = -1, mean: Any = None, variance: Any = None,
                epsilon: Any = 1e-5, where: Any = None, *, algorithm: str = "fast") -> Any:
    """x with mean 0 and variance 1 along `axis`: (x - mean) / sqrt(variance + epsilon).

    Args:
      mean, variance: used instead of those of x.
      algorithm: how the variance is found: "fast", as mean(x^2) - mean(x)^2, or "stable".
    """
    check_arraylike("standardize", x)
    check_arraylike_or_none("standardize", mean, variance, where)
    if mean is None:
        mean = jnp.mean(x, axis, keepdims=True, where=where)
    if variance is None:
        variance = variance_of(x, axis, mean, where, algorithm)
    return jnp.subtract(x, mean) * lax.rsqrt(variance + epsilon)


def variance_of(x: Any, axis: Any, mean: Any, where: Any, algorithm: str) -> Any:
    if algorithm == "stable":
        return jnp.mean(jnp.square(jnp.subtract(x, mean)), axis, keepdims=True, where=where)
    if algorithm == "fast":
        squares = jnp.mean(jnp.square(x), axis, keepdims=True, where=where)
        return jnp.clip(squares - jnp.square(mean), 0)
    raise ValueError(f"Unknown algorithm '{algorithm}'. Expected 'fast' or 'stable'.")


def one_hot(x: Any, num_classes: int, *, dtype: Any = None, axis: Any = -1) -> Any:
    """Vectors that are 1 at index x and 0 elsewhere, along a new axis; 0 for an x out of range.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.nn.one_hot(jnp.array([0, 2]), 3)
    Array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)

    Args:
      axis: where the new axis goes, or the name of a mapped axis of that size.
    """
    dtype = dtypes.default_float_dtype() if dtype is None else np.dtype(dtype)
    return _one_hot(as_value(jnp.asarray(x)), int(num_classes), dtype=dtype, axis=axis)


@jit(static_argnames=("num_classes", "dtype", "axis"))
def _one_hot(x: Any, num_classes: int, *, dtype: np.dtype, axis: Any) -> Any:
    if not hasattr(axis, "__index__"):  # each element along the named axis holds one class
        if num_classes != (size := lax.axis_size(axis)):
            raise ValueError(f"Expected num_classes to match the size of axis {axis}, but "
                             f"{num_classes} != {size}")
        return lax.convert_element_type(x == lax.axis_index(axis), dtype)
    axis = canonical_axis(axis, x.ndim + 1)
    shape = [1] * x.ndim
    shape.insert(axis, num_classes)
    x = lax.expand_dims(x, (axis,))
    classes = lax.broadcasted_iota(x.dtype, shape, axis)
    return lax.convert_element_type(x == classes, dtype)
