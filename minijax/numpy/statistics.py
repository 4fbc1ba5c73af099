"""Differences, integrals, interpolation, histograms, covariances, convolutions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.numpy.arguments import check_arraylike, ensure_array, ensure_arrays
from minijax.numpy.contractions import dot
from minijax.numpy.diagonals import _diag
from minijax.numpy.flipping import _flip
from minijax.numpy.joining import concatenate
from minijax.numpy.moments import average
from minijax.numpy.promotion import promote_dtypes, promote_inexact
from minijax.numpy.reductions import sum
from minijax.numpy.selecting import clip
from minijax.numpy.shaping import atleast_2d, squeeze
from minijax.numpy.ufuncs import absolute, conj, real, sqrt, true_divide

# --- differences and integrals ---------------------------------------------------------------


@functools.partial(jit, static_argnames=("rowvar", "bias", "ddof", "dtype"))
def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
        fweights: Any = None, aweights: Any = None, dtype: Any = None) -> Any:
    """The covariance matrix of the rows of `m` (and `y`), each a variable.

    Args:
      rowvar: False if the variables are columns.
      bias, ddof: divide by n, by n - 1 (the default), or by n - ddof.
      fweights, aweights: how often, and with what weight, each observation counts.
    """
    m = ensure_array("cov", m)
    (x,) = promote_inexact(m) if y is None else promote_inexact(m, ensure_array("cov", y))[:1]
    if m.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    x = as_rows(x, not rowvar and m.ndim != 1)
    if y is not None:
        (_, y) = promote_inexact(m, ensure_array("cov", y))
        if y.ndim > 2:
            raise ValueError("y has more than 2 dimensions")
        y = atleast_2d(y)
        x = concatenate([x, lax.transpose(y, (1, 0)) if not rowvar and y.shape[0] != 1 else y])
    if dtype is not None:
        x = lax.convert_element_type(x, dtypes.check_user_dtype_supported(dtype, "cov"))
    if x.shape[1] == 0:
        return lax.full(() if x.shape[0] == 1 else (x.shape[0],) * 2, np.nan, x.dtype)
    if ddof is None:
        ddof = 0 if bias else 1
    w = observation_weights(x, fweights, aweights)
    mean, total = average(x, axis=1, weights=w, returned=True)
    n: Any = x.shape[1] - ddof if w is None else total[0]
    if w is not None and ddof:
        n = n - ddof if aweights is None else n - ddof * sum(w * absolute(aweights)) / total[0]
    x = x - lax.expand_dims(mean, (1,))
    right = x if w is None else x * lax.expand_dims(w, (0,))
    return squeeze(true_divide(dot(x, conj(lax.transpose(right, (1, 0)))), n))


def as_rows(x: Any, turn: bool) -> Any:
    x = atleast_2d(x)
    return lax.transpose(x, (1, 0)) if turn else x


def observation_weights(x: Any, fweights: Any, aweights: Any) -> Any:
    w = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        given = ensure_array("cov", given)
        if given.ndim > 1:
            raise RuntimeError(f"cannot handle multidimensional {name}")
        if given.shape[0] != x.shape[1]:
            raise RuntimeError(f"incompatible numbers of samples and {name}")
        if name == "fweights" and dtypes.kind(given.dtype) not in "iu":
            raise TypeError("fweights must be integer.")
        w = absolute(given) if w is None else w * absolute(given)
    return w


@functools.partial(jit, static_argnames=("rowvar", "dtype"))
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, dtype: Any = None) -> Any:
    """The matrix of correlation coefficients of the rows of `x` (and `y`)."""
    check_arraylike("corrcoef", x)
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = lax.convert_element_type(sqrt(real(_diag(c, 0))), c.dtype)
    c = c / lax.expand_dims(deviation, (1,)) / lax.expand_dims(deviation, (0,))
    if c.dtype.kind == "c":
        return lax.complex(clip(lax.real(c), -1, 1), clip(lax.imag(c), -1, 1))
    return clip(c, -1, 1)


# --- convolution -----------------------------------------------------------------------------


@functools.partial(jit, static_argnames=("mode", "op", "precision", "preferred_element_type"))
def _conv(x: Any, y: Any, mode: str, op: str, precision: Any, preferred_element_type: Any) -> Any:
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(f"{op}() only support 1-dimensional inputs.")
    promote = promote_inexact if preferred_element_type is None else promote_dtypes
    x, y = promote(x, y)
    if len(x) == 0 or len(y) == 0:
        raise ValueError(f"{op}: inputs cannot be empty, got shapes {x.shape} and {y.shape}.")
    if op == "correlate":
        y = conj(y)
    swapped = len(x) < len(y)
    if swapped:
        x, y = y, x
    if op == "convolve":
        y = _flip(y, None)
    n = len(y)
    paddings = {"valid": (0, 0), "same": (n // 2, n - n // 2 - 1), "full": (n - 1, n - 1)}
    if mode not in paddings:
        raise ValueError("mode must be one of ['full', 'same', 'valid']")
    out = lax.conv_general_dilated(
        lax.expand_dims(x, (0, 1)), lax.expand_dims(y, (0, 1)), (1,), [paddings[mode]],
        precision=precision, preferred_element_type=preferred_element_type)
    return out[0, 0, ::-1] if swapped and op == "correlate" else out[0, 0]


@functools.partial(jit, static_argnames=("mode", "precision", "preferred_element_type"))
def convolve(a: Any, v: Any, mode: str = "full", *, precision: Any = None,
             preferred_element_type: Any = None) -> Any:
    """out[n] = the sum of a[k] v[n - k]: of full length, of that of the longer, or where both lie.

    >>> import minijax.numpy as jnp
    >>> jnp.convolve(jnp.array([1.0, 2.0, 3.0]), jnp.array([1.0, 1.0]))
    Array([1., 3., 5., 3.], dtype=float32)
    """
    a, v = ensure_arrays("convolve", a, v)
    return _conv(a, v, mode=mode, op="convolve", precision=precision,
                 preferred_element_type=preferred_element_type)


@functools.partial(jit, static_argnames=("mode", "precision", "preferred_element_type"))
def correlate(a: Any, v: Any, mode: str = "valid", *, precision: Any = None,
              preferred_element_type: Any = None) -> Any:
    """out[n] = the sum of a[n + k] conj(v[k])."""
    a, v = ensure_arrays("correlate", a, v)
    return _conv(a, v, mode=mode, op="correlate", precision=precision,
                 preferred_element_type=preferred_element_type)


