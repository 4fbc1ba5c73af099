"""`jax.scipy.signal`: convolution and correlation, directly and by Fourier transforms."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax
from minijax.batching import vmap
from minijax.lax.shapes import canonicalize_axis
from minijax.numpy.arguments import as_value, check_arraylike
from minijax.numpy.promotion import promote_inexact

MODES = ("full", "same", "valid")


def operands(name: str, in1: Any, in2: Any, mode: str, swap: bool = True) -> tuple[Any, Any, bool]:
    """Two arrays of one dtype and rank, the larger one first, and whether they were swapped."""
    check_arraylike(name, in1, in2)
    if mode not in MODES:
        raise ValueError(f"mode must be one of {list(MODES)}, got {mode!r}")
    in1, in2 = promote_inexact(as_value(in1), as_value(in2))
    if in1.ndim != in2.ndim:
        raise ValueError(f"{name}: in1 and in2 must have the same number of dimensions, got shapes "
                         f"{in1.shape} and {in2.shape}.")
    if in1.size == 0 or in2.size == 0:
        raise ValueError("zero-size arrays not supported in convolutions, got shapes "
                         f"{in1.shape} and {in2.shape}.")
    larger = all(n >= m for n, m in zip(in1.shape, in2.shape))
    smaller = all(n <= m for n, m in zip(in1.shape, in2.shape))
    if swap and not (larger or smaller):
        raise ValueError("One input must be smaller than the other in every dimension, got shapes "
                         f"{in1.shape} and {in2.shape}.")
    return (in1, in2, False) if larger or not swap else (in2, in1, True)


# --- convolution ---------------------------------------------------------------------------------


def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None
             ) -> Any:
    """out[i] = the sum over j of in1[j] in2[i - j], in any number of dimensions.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.scipy.signal.convolve(jnp.array([1.0, 2.0, 3.0]), jnp.array([1.0, 1.0]))
    Array([1., 3., 5., 3.], dtype=float32)

    Args:
      mode: "full", wherever the two overlap; "valid", where they overlap entirely; "same", the
        middle of "full", with the shape of `in1`.
      method: "direct" (also "auto"), or "fft".
    """
    if method == "fft":
        return fftconvolve(in1, in2, mode)
    if method not in ("direct", "auto"):
        raise ValueError(f"Got method={method!r}; expected 'auto', 'fft', or 'direct'.")
    return direct("convolve", in1, in2, mode, precision)


def direct(name: str, in1: Any, in2: Any, mode: str, precision: Any) -> Any:
    """Slide the smaller one, turned around, over the larger one."""
    wanted = np.shape(in1)
    large, small, _ = operands(name, in1, in2, mode)
    small = jnp.flip(small)
    padding = []
    for n, m, out in zip(large.shape, small.shape, wanted):
        cut = (n + m - 1 - out) // 2 if mode == "same" else 0  # of "full", in front
        end = n + m - 1 - out - cut if mode == "same" else 0
        full = 0 if mode == "valid" else m - 1
        padding.append((full - cut, full - end))
    out = lax.conv_general_dilated(lax.expand_dims(large, (0, 1)), lax.expand_dims(small, (0, 1)),
                                   (1,) * large.ndim, padding, precision=precision)
    return lax.squeeze(out, (0, 1))


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Sequence[int] | None = None) -> Any:
    """`convolve` by Fourier transforms: a product of the spectra. Faster where both are long.

    Args:
      axes: the dimensions to convolve along; along the others the arrays go side by side.
    """
    in1, in2, _ = operands("fftconvolve", in1, in2, mode, swap=False)
    rank = in1.ndim
    along = range(rank) if axes is None else (axes,) if isinstance(axes, int) else axes
    axes = sorted(canonicalize_axis(a, rank) for a in along)
    fun: Callable = functools.partial(fft_product, mode=mode)
    for axis in range(rank):
        if axis not in axes:
            if in1.shape[axis] != in2.shape[axis]:
                raise ValueError(f"mapped axes must have same shape; got in1.shape={in1.shape} "
                                 f"in2.shape={in2.shape} {axes=}")
            fun = vmap(fun, axis, axis)
    return fun(in1, in2)


def fft_product(in1: Any, in2: Any, mode: str) -> Any:
    full = tuple(n + m - 1 for n, m in zip(in1.shape, in2.shape))
    if mode == "valid":
        in1, in2, _ = operands("fftconvolve", in1, in2, mode)
    kind = dtypes.kind(in1.dtype)
    fft, ifft = (jnp.fft.fftn, jnp.fft.ifftn) if kind == "c" else (jnp.fft.rfftn, jnp.fft.irfftn)
    out = ifft(fft(in1, full) * fft(in2, full), full)
    shape = {"full": full, "same": in1.shape,
             "valid": tuple(n - m + 1 for n, m in zip(in1.shape, in2.shape))}[mode]
    return out[tuple(slice((n - m) // 2, (n - m) // 2 + m) for n, m in zip(full, shape))]


def convolve2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill",
               fillvalue: float = 0, precision: Any = None) -> Any:
    """`convolve` of matrices; outside of them are zeros."""
    check_2d("convolve2d", in1, in2, boundary, fillvalue)
    return direct("convolve2d", in1, in2, mode, precision)


# --- correlation ---------------------------------------------------------------------------------


def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None
              ) -> Any:
    """out[i] = the sum over j of in1[i + j] conj(in2[j]): `convolve` with `in2` turned around.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.scipy.signal.correlate(jnp.array([1.0, 2.0, 3.0]), jnp.array([0.0, 1.0]))
    Array([1., 2., 3., 0.], dtype=float32)
    """
    return convolve(in1, jnp.flip(jnp.conj(in2)), mode, method, precision)


def correlate2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill",
                fillvalue: float = 0, precision: Any = None) -> Any:
    """`correlate` of matrices; outside of them are zeros."""
    check_2d("correlate2d", in1, in2, boundary, fillvalue)
    _, _, swapped = operands("correlate2d", in1, in2, mode)
    out = jnp.flip(direct("correlate2d", jnp.flip(in1), jnp.conj(in2), mode, precision))
    return jnp.conj(out) if swapped and mode == "valid" else out


def check_2d(name: str, in1: Any, in2: Any, boundary: str, fillvalue: float) -> None:
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError(f"{name}() only supports boundary='fill', fillvalue=0")
    if np.ndim(in1) != 2 or np.ndim(in2) != 2:
        raise ValueError(f"{name}() only supports 2-dimensional inputs.")


# --- trends --------------------------------------------------------------------------------------


def detrend(data: Any, axis: int = -1, type: str = "linear", bp: Any = 0) -> Any:
    """`data` without its mean ("constant") or its best straight line ("linear") along `axis`.

    Args:
      bp: where the line may break, as indices.
    """
    if type not in ("constant", "linear"):
        raise ValueError("Trend type must be 'linear' or 'constant'.")
    check_arraylike("detrend", data)
    (data,) = promote_inexact(as_value(data))
    if type == "constant":
        return data - jnp.mean(data, axis, keepdims=True)
    size = data.shape[axis]
    breaks = np.unique(np.concatenate([[0, size], np.atleast_1d(np.asarray(bp, int))]))
    if breaks[0] < 0 or breaks[-1] > size:
        raise ValueError(f"Breakpoints must lie within the data, 0 to {size}; got bp={bp}.")
    data = jnp.moveaxis(data, axis, 0)
    parts = [without_line(data[i:j]) for i, j in zip(breaks, breaks[1:])]
    return jnp.moveaxis(jnp.concatenate(parts), 0, axis)


def without_line(x: Any) -> Any:
    """x minus its least-squares line along the first axis."""
    n = x.shape[0]
    t = np.arange(n, dtype=np.float64) - (n - 1) / 2
    slope = (t / (t @ t if n > 1 else 1)).astype(x.dtype)
    t = t.astype(x.dtype)[(slice(None), *(None,) * (x.ndim - 1))]
    return x - jnp.mean(x, 0, keepdims=True) - t * jnp.tensordot(slope, x, 1)[None]
