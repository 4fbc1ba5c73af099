"""Arrays of numbers in a range, of indices, and matrices made of them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.batching import vmap
from minijax.core import Tracer
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import (
    canonical_axis,
    canonical_shape,
    check_arraylike_or_none,
    concrete,
    ensure_array,
    ensure_arrays,
    placed,
)
from minijax.numpy.promotion import broadcast_shapes, broadcast_to, convert
from minijax.numpy.ufuncs import constant_like, log10, power, sign

# --- ranges ----------------------------------------------------------------------------------


def concrete_scalar(x: Any, name: str) -> Any:
    """An argument that decides a shape, so it cannot be traced."""
    if isinstance(x, Tracer):
        x = concrete(x, f"It arose in the jnp.arange argument '{name}': the length of the result "
                        "would depend on a value. Make the argument static (static_argnums).")
    if x is not None and np.ndim(x):
        raise ValueError(f"jax.numpy.arange: arguments must be scalars; got {name}={x}")
    return x


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None, *,
           device: Any = None, out_sharding: Any = None) -> Any:
    """The numbers from `start` (0) to `stop`, exclusive, by `step` (1).

    >>> import minijax.numpy as jnp
    >>> jnp.arange(3.0), jnp.arange(1, 7, 2)
    (Array([0., 1., 2.], dtype=float32), Array([1, 3, 5], dtype=int32))
    """
    if dtype is not None:
        dtype = dtypes.check_user_dtype_supported(dtype, "arange")
    check_arraylike_or_none("arange", start, stop, step)
    names = ["stop" if stop is None and step is None else "start", "stop", "step"]
    start, stop, step = map(concrete_scalar, (start, stop, step), names)
    given = [x for x in (start, stop, step) if x is not None]
    if not given:
        raise TypeError("arange() requires stop to be specified.")
    if dtype is None:
        dtype = dtypes.result_type(*given)
    if any(np.iscomplexobj(x) for x in given):
        raise ValueError("jnp.arange does not accept complex start, stop or step.")
    if stop is None:
        start, stop = 0, start
    if step is None:
        size = max(0, int(np.ceil(stop - start)))
        numbers = lax.broadcasted_iota(dtype, (size,), 0)
        out = numbers if start == 0 else lax.add(convert_scalar(start, dtype), numbers)
        return placed(out, device, out_sharding)
    size = max(0, int(np.ceil((stop - start) / step)))
    narrow = dtypes.kind(dtype) == "f" and dtype.itemsize < 4
    wide = np.dtype(np.float32) if narrow else dtype
    steps = lax.mul(convert_scalar(step, wide), lax.broadcasted_iota(wide, (size,), 0))
    out = lax.convert_element_type(lax.add(convert_scalar(start, wide), steps), dtype)
    return placed(out, device, out_sharding)


def convert_scalar(x: Any, dtype: np.dtype) -> np.ndarray:
    return np.asarray(x).astype(dtype)


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
             dtype: Any = None, axis: int = 0, *, device: Any = None) -> Any:
    """`num` numbers from `start` to `stop`, evenly spaced.

    >>> import minijax.numpy as jnp
    >>> jnp.linspace(0, 1, 5)
    Array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)

    Args:
      endpoint: whether `stop` is the last of them.
      retstep: return also the step.
      axis: where the new axis goes, if `start` or `stop` are arrays.
    """
    out = _linspace(start, stop, operator.index(num), endpoint, retstep, dtype,
                    operator.index(axis))
    return placed(out, device)


@functools.partial(jit, static_argnames=("num", "endpoint", "retstep", "dtype", "axis"))
def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
              dtype: Any = None, axis: int = 0) -> Any:
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    start, stop = ensure_arrays("linspace", start, stop)
    dtype = inexact_dtype("linspace", dtype, start, stop)
    wide = dtypes.to_inexact_dtype(dtype)
    start, stop = (lax.convert_element_type(x, wide) for x in (start, stop))
    shape = broadcast_shapes(start.shape, stop.shape)
    low, high = broadcast_to(start, shape), broadcast_to(stop, shape)
    axis = canonical_axis(axis, len(shape) + 1)
    n = num - 1 if endpoint else num
    if num > 1:
        delta = lax.convert_element_type(stop - start, wide) / constant_like(start, n)
        out = interpolate(low, high, n, axis, wide)
        if endpoint:
            out = lax.concatenate([out, lax.expand_dims(high, (axis,))], axis)
    else:
        delta = np.asarray(np.nan, wide) if endpoint or not num else stop - start
        out = lax.expand_dims(low, (axis,)) if num else lax.full(with_size(shape, axis, 0), 0, wide)
    if dtypes.kind(dtype) in "iu":
        out = lax.floor(out)
    out = lax.convert_element_type(out, dtype)
    return (out, lax.convert_element_type(delta, wide)) if retstep else out


def inexact_dtype(name: str, dtype: Any, *args: Any) -> np.dtype:
    """The dtype asked for, or the inexact one of the arguments."""
    if dtype is not None:
        return dtypes.check_user_dtype_supported(dtype, name, 5)
    return dtypes.to_inexact_dtype(dtypes.result_type(*args))


def with_size(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis:])


def interpolate(low: Any, high: Any, n: int, axis: int, dtype: np.dtype) -> Any:
    """(1 - t) low + t high, for t = 0, 1/n, 2/n, ... along a new axis."""
    real = dtypes.to_floating_dtype(dtype)
    column = [1] * (low.ndim + 1)
    column[axis] = n
    t = lax.reshape(lax.iota(real, n), column) / np.asarray(n, real)
    t = lax.convert_element_type(t, dtype)
    shape = with_size(low.shape, axis, 1)
    return lax.reshape(low, shape) * (1 - t) + lax.reshape(high, shape) * t


def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
             dtype: Any = None, axis: int = 0) -> Any:
    """`num` numbers from base**start to base**stop, evenly spaced on a logarithmic scale."""
    return _logspace(start, stop, operator.index(num), endpoint, base, dtype, operator.index(axis))


@functools.partial(jit, static_argnames=("num", "endpoint", "dtype", "axis"))
def _logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
              dtype: Any = None, axis: int = 0) -> Any:
    start, stop = ensure_arrays("logspace", start, stop)
    dtype = inexact_dtype("logspace", dtype, start, stop)
    wide = dtypes.to_inexact_dtype(dtype)
    start, stop = (lax.convert_element_type(x, wide) for x in (start, stop))
    exponents = linspace(start, stop, num, endpoint=endpoint, axis=axis)
    return lax.convert_element_type(power(base, exponents), dtype)


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None,
              axis: int = 0) -> Any:
    """`num` numbers from `start` to `stop`, each the same multiple of the one before."""
    return _geomspace(start, stop, operator.index(num), endpoint, dtype, operator.index(axis))


@functools.partial(jit, static_argnames=("num", "endpoint", "dtype", "axis"))
def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None,
               axis: int = 0) -> Any:
    start, stop = ensure_arrays("geomspace", start, stop)
    dtype = inexact_dtype("geomspace", dtype, start, stop)
    wide = dtypes.to_inexact_dtype(dtype)
    start, stop = (lax.convert_element_type(x, wide) for x in (start, stop))
    signs = sign(start)
    out = signs * logspace(log10(start / signs), log10(stop / signs), num, endpoint=endpoint,
                           dtype=wide)
    axis = canonical_axis(axis, out.ndim)
    if axis:
        out = lax.transpose(out, (*range(1, axis + 1), 0, *range(axis + 1, out.ndim)))
    return lax.convert_element_type(out, dtype)


# --- grids and matrices ----------------------------------------------------------------------


def fromfunction(function: Callable, shape: Any, *, dtype: Any = float, **kwargs: Any) -> Any:
    """function(i, j, ...) at every index of `shape`."""
    shape = canonical_shape(shape)
    for i in range(len(shape)):
        axes = tuple(0 if i == j else None for j in reversed(range(len(shape))))
        function = vmap(function, in_axes=axes)
    return function(*(arange(n, dtype=dtype) for n in shape), **kwargs)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> list[Any]:
    """The coordinates of a grid: one array for each axis, of the shape of the grid.

    >>> import minijax.numpy as jnp
    >>> x, y = jnp.meshgrid(jnp.arange(3), jnp.arange(2))
    >>> x
    Array([[0, 1, 2],
           [0, 1, 2]], dtype=int32)

    Args:
      sparse: return arrays that broadcast to the grid.
      indexing: "xy" (the second axis is x) or "ij" (the axes in order).
    """
    args = ensure_arrays("meshgrid", *xi)
    if not copy:
        raise ValueError("jax.numpy.meshgrid only supports copy=True")
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Valid values for indexing are 'xy' and 'ij', got {indexing}")
    if any(a.ndim != 1 for a in args):
        raise ValueError("Arguments to jax.numpy.meshgrid must be 1D, got shapes "
                         f"{[a.shape for a in args]}")
    order = list(range(len(args)))
    if indexing == "xy" and len(args) >= 2:
        order[:2] = 1, 0
    shape = [args[i].shape[0] for i in order]
    out: list[Any] = [None] * len(args)
    for axis, i in enumerate(order):
        ones = [1] * len(args)
        ones[axis] = shape[axis]
        out[i] = lax.broadcast_in_dim(args[i], ones if sparse else shape, (axis,))
    return out


def indices(dimensions: Sequence[int], dtype: Any = None, sparse: bool = False) -> Any:
    """The index of every element of an array of a shape, along each of its axes."""
    dtype = dtypes.check_user_dtype_supported(int if dtype is None else dtype, "indices")
    shape = tuple(operator.index(n) for n in dimensions)
    out = []
    for i, n in enumerate(shape):
        target = tuple(n if i == j else 1 for j in range(len(shape))) if sparse else shape
        out.append(lax.broadcast_in_dim(lax.iota(dtype, n), target, (i,)))
    if sparse:
        return tuple(out)
    return lax.stack(out) if out else lax.full((0,), 0, dtype)


def eye(N: int, M: int | None = None, k: Any = 0, dtype: Any = None, *, device: Any = None) -> Any:
    """A matrix of shape (N, M) with ones on its k-th diagonal.

    >>> import minijax.numpy as jnp
    >>> jnp.eye(2, 3, k=1)
    Array([[0., 1., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    dtype = dtypes.check_user_dtype_supported(float if dtype is None else dtype, "eye")
    offset = ensure_array("eye", k)
    if offset.shape or dtypes.kind(offset.dtype) not in "iu":
        raise ValueError(f"k must be a scalar integer; got {k}")
    n = operator.index(N)
    shape = n, n if M is None else operator.index(M)
    if min(shape) < 0:
        raise ValueError(f"negative dimensions are not allowed, got {N} and {M}")
    i, j = (lax.broadcasted_iota(offset.dtype, shape, axis) for axis in (0, 1))
    return placed(convert(lax.eq(lax.add(i, convert(offset, offset.dtype)), j), dtype), device)


def identity(n: int, dtype: Any = None) -> Any:
    """The n x n identity matrix."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """A matrix of shape (N, M) with ones on and below its k-th diagonal."""
    dtype = dtypes.check_user_dtype_supported(np.float32 if dtype is None else dtype, "tri")
    shape = N, N if M is None else M
    row = lax.add(lax.broadcasted_iota(np.int32, shape, 0), np.asarray(k, np.int32))
    return convert(lax.ge(row, lax.broadcasted_iota(np.int32, shape, 1)), dtype)


@functools.partial(jit, static_argnames="k")
def tril(m: Any, k: int = 0) -> Any:
    """The lower triangle of matrices, up to the k-th diagonal; zeros elsewhere."""
    m, mask = triangle("tril", m, k)
    return lax.select(mask, m, lax.full_like(m, 0))


@functools.partial(jit, static_argnames="k")
def triu(m: Any, k: int = 0) -> Any:
    """The upper triangle of matrices, from the k-th diagonal; zeros elsewhere."""
    m, mask = triangle("triu", m, k - 1)
    return lax.select(mask, lax.full_like(m, 0), m)


def triangle(name: str, m: Any, k: int) -> tuple[Any, Any]:
    m = ensure_array(name, m)
    if m.ndim < 2:
        raise ValueError(f"Argument to jax.numpy.{name} must be at least 2D")
    return m, lax.broadcast(tri(m.shape[-2], m.shape[-1], k, bool), m.shape[:-2])


@functools.partial(jit, static_argnames=("N", "increasing"))
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of each element, in rows: from N - 1 down to 0, or up."""
    x = ensure_array("vander", x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array")
    n = x.shape[0] if N is None else operator.index(N)
    if n < 0:
        raise ValueError("N must be nonnegative")
    exponents = lax.iota(x.dtype, n)
    if not increasing:
        exponents = lax.sub(of_dtype(n - 1, exponents.dtype), exponents)
    return power(lax.expand_dims(x, (1,)), lax.expand_dims(exponents, (0,)))
