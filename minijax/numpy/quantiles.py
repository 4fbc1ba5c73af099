"""Quantiles, percentiles, medians, with and without nan."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import canonical_axes, ensure_array, ensure_arrays
from minijax.numpy.cumulative import cumsum
from minijax.numpy.promotion import _where, promote_inexact
from minijax.numpy.reductions import any, sum
from minijax.numpy.taking import take_along_axis

METHODS = ["linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf"]


def compute_quantile(name: str, a: Any, q: Any, axis: Any, out: Any, overwrite_input: bool,
                     method: str, keepdims: bool, weights: Any, skip_nan: bool) -> Any:
    """The quantiles `q` of the elements along `axis`; the axes of `q` come first."""
    a, q = ensure_arrays(name, a, q)
    if overwrite_input or out is not None:
        raise ValueError(f"jax.numpy.{name} does not support overwrite_input=True or out != None")
    check_method(method, weights)
    if q.ndim > 1:
        raise ValueError(f"q must be have rank <= 1, got shape {q.shape}")
    axes = canonical_axes(axis, a.ndim)
    if weights is None:
        (a,) = promote_inexact(a)
    else:
        a, weights = promote_inexact(a, ensure_array(name, weights))
        weights = spread_weights(weights, a, axis, axes)
    if dtypes.kind(a.dtype) == "c":
        raise ValueError("quantile does not support complex input, as the operation is poorly "
                         "defined.")
    kept = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    if method == "inverted_cdf":
        weights = lax.full_like(a, 1) if weights is None else weights
        result = inverted_cdf(in_front(a, axes), in_front(weights, axes), q, skip_nan)
    else:
        result = between_neighbours(in_front(a, axes), q, method, skip_nan)
    if keepdims:
        result = lax.reshape(result, q.shape + kept)
    return lax.convert_element_type(result, a.dtype)


def check_method(method: str, weights: Any) -> None:
    if method not in METHODS:
        raise ValueError("method can only be 'linear', 'lower', 'higher', 'midpoint', 'nearest' or "
                         "'inverted_cdf'")
    if weights is None:
        return
    if dtypes.kind(dtypes.dtype_and_weak_type(weights)[0]) == "c":
        raise ValueError("Weights cannot be complex types.")
    if method != "inverted_cdf":
        raise NotImplementedError(f"{method} doesn't support weights. Only method 'inverted_cdf' "
                                  "supports weights.")


def spread_weights(weights: Any, a: Any, axis: Any, axes: tuple[int, ...]) -> Any:
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise ValueError("Weights shape must match 'a' shape when axis is None.")
    expected = tuple(a.shape[i] for i in axes)
    if weights.shape != expected:
        raise ValueError(f"Weights shape {weights.shape} must match reduction axes {expected}")
    return lax.broadcast_in_dim(weights, a.shape, axes)


def in_front(a: Any, axes: tuple[int, ...]) -> Any:
    """With `axes` as one leading axis."""
    rest = [i for i in range(a.ndim) if i not in axes]
    a = lax.transpose(a, (*axes, *rest))
    sizes = a.shape[: len(axes)]
    return lax.reshape(a, (math.prod(sizes), *a.shape[len(axes):]))


def between_neighbours(a: Any, q: Any, method: str, skip_nan: bool) -> Any:
    """From the two elements of the sorted array beside position q * (n - 1)."""
    missing = lax.ne(a, a)
    if not skip_nan:
        a = _where(any(missing, axis=0, keepdims=True), np.nan, a)
    a = lax.sort(a, dimension=0)  # nan comes last
    (q,) = promote_inexact(q)
    if skip_nan:
        n = sum(lax.bitwise_not(missing), axis=0, dtype=q.dtype)
        last = lax.expand_dims(n - 1, range(q.ndim))
        position = lax.expand_dims(q, range(q.ndim, last.ndim)) * last
    else:
        last = of_dtype(a.shape[0] - 1, q.dtype)
        position = lax.mul(q, last)
    low, high = lax.floor(position), lax.ceil(position)
    high_weight = lax.sub(position, low)
    low_value, high_value = (take_sorted(a, lax.max(lax.min(i, last), of_dtype(0, q.dtype)),
                                         skip_nan, q.ndim) for i in (low, high))
    if method == "lower":
        return low_value
    if method == "higher":
        return high_value
    if method == "midpoint":
        return lax.mul(lax.add(low_value, high_value), of_dtype(0.5, a.dtype))
    if not skip_nan:
        high_weight = lax.expand_dims(high_weight, range(q.ndim, low_value.ndim))
    if method == "nearest":
        return _where(lax.le(high_weight, of_dtype(0.5, q.dtype)), low_value, high_value)
    low_value, high_value = low_value.astype(q.dtype), high_value.astype(q.dtype)
    return low_value * (1 - high_weight) + high_value * high_weight


def take_sorted(a: Any, position: Any, each: bool, q_ndim: int) -> Any:
    """a[position]; with `each`, at a position of its own for each trailing element."""
    position = lax.convert_element_type(position, int)
    if not each:
        return a.at[position].get(mode="promise_in_bounds", wrap_negative_indices=False)
    index = position if q_ndim else lax.expand_dims(position, (0,))
    out = take_along_axis(a, index, axis=0)
    return out if q_ndim else lax.squeeze(out, (0,))


def inverted_cdf(a: Any, weights: Any, q: Any, skip_nan: bool) -> Any:
    """The first element at which the weights so far reach q times their sum."""
    a, weights = lax.sort_key_val(a, weights, dimension=0)
    missing = lax.ne(a, a)
    bad = lax.bitwise_or(lax.lt(weights, 0), lax.ne(weights, weights))
    weights = _where(lax.bitwise_or(bad, missing), 0, weights)
    so_far = cumsum(weights, axis=0)
    total = so_far[-1]
    target = lax.expand_dims(q, range(q.ndim, q.ndim + total.ndim)) * total
    below = so_far < lax.expand_dims(target, (q.ndim,))
    index = sum(below, axis=q.ndim)
    n = sum(lax.bitwise_not(missing), axis=0) if skip_nan else a.shape[0]
    index = lax.expand_dims(index, (0,)) if q.ndim == 0 else index
    index = lax.max(index * 0, _where(index < n, index, n - 1))
    out = take_along_axis(a, index, axis=0)
    out = lax.squeeze(out, (0,)) if q.ndim == 0 else out
    undefined = any(bad, axis=0) | ((n == 0) if skip_nan else any(missing, axis=0))
    return _where(undefined, np.nan, out)


@functools.partial(jit, static_argnames=("axis", "overwrite_input", "keepdims", "method"))
def quantile(a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
             method: str = "linear", keepdims: bool = False, *, weights: Any = None) -> Any:
    """The quantiles `q` (in [0, 1]) along `axis`; nan if there is a nan.

    >>> import minijax.numpy as jnp
    >>> jnp.quantile(jnp.arange(5.0), jnp.array([0.25, 0.5]))
    Array([1., 2.], dtype=float32)
    """
    return compute_quantile("quantile", a, q, axis, out, overwrite_input, method, keepdims, weights,
                            False)


@functools.partial(jit, static_argnames=("axis", "overwrite_input", "keepdims", "method"))
def nanquantile(a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
                method: str = "linear", keepdims: bool = False, *, weights: Any = None) -> Any:
    """The quantiles of what is not nan."""
    return compute_quantile("nanquantile", a, q, axis, out, overwrite_input, method, keepdims,
                            weights, True)


@functools.partial(jit, static_argnames=("axis", "overwrite_input", "keepdims", "method"))
def percentile(a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
               method: str = "linear", keepdims: bool = False, *, weights: Any = None,
               out_sharding: None = None) -> Any:
    """The quantiles `q / 100`."""
    a, q = ensure_arrays("percentile", a, q)
    (q,) = promote_inexact(q)
    return quantile(a, q / 100, axis=axis, out=out, overwrite_input=overwrite_input, method=method,
                    keepdims=keepdims, weights=weights)


@functools.partial(jit, static_argnames=("axis", "overwrite_input", "keepdims", "method"))
def nanpercentile(a: Any, q: Any, axis: Any = None, out: None = None,
                  overwrite_input: bool = False, method: str = "linear", keepdims: bool = False, *,
                  weights: Any = None) -> Any:
    """The quantiles `q / 100` of what is not nan."""
    a, q = ensure_arrays("nanpercentile", a, q)
    (q,) = promote_inexact(q)
    return nanquantile(a, q / 100, axis=axis, out=out, overwrite_input=overwrite_input,
                       method=method, keepdims=keepdims, weights=weights)


@functools.partial(jit, static_argnames=("axis", "overwrite_input", "keepdims"))
def median(a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
           keepdims: bool = False) -> Any:
    """The middle of the sorted elements along `axis`."""
    return quantile(ensure_array("median", a), 0.5, axis=axis, out=out,
                    overwrite_input=overwrite_input, keepdims=keepdims, method="midpoint")


@functools.partial(jit, static_argnames=("axis", "overwrite_input", "keepdims"))
def nanmedian(a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
              keepdims: bool = False) -> Any:
    """The middle of the sorted elements that are not nan."""
    return nanquantile(ensure_array("nanmedian", a), 0.5, axis=axis, out=out,
                       overwrite_input=overwrite_input, keepdims=keepdims, method="midpoint")
