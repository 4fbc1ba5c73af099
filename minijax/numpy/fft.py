"""Discrete Fourier transforms: `minijax.numpy.fft`."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.lax import FftType
from minijax.numpy.arguments import canonical_axis, ensure_array, placeable
from minijax.numpy.arithmetic import remainder
from minijax.numpy.flipping import roll
from minijax.numpy.padding import pad
from minijax.numpy.ranges import arange
from minijax.numpy.shaping import as_tuple, moveaxis
from minijax.numpy.ufuncs import conj


def transform(name: str, kind: FftType, a: Any, s: Any, axes: Any, norm: str | None) -> Any:
    """The transform over `axes`, brought to the end for it, of sizes `s` after cutting or padding.
    """
    name = f"jax.numpy.fft.{name}"
    a = ensure_array(name, a)
    sizes = None if s is None else [operator.index(n) for n in s]
    if sizes is not None and any(n <= 0 for n in sizes):
        raise ValueError("Shape should be positive.")
    if sizes is not None and axes is not None and len(sizes) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    count = len(axes) if axes is not None else a.ndim if sizes is None else len(sizes)
    last = list(range(a.ndim - count, a.ndim))
    given = last if axes is None else [canonical_axis(i, a.ndim) for i in axes]
    if len(set(given)) != len(given):
        raise ValueError(f"{name} does not support repeated axes. Got axes {axes}.")
    a = moveaxis(a, given, last)
    inverse_real = kind is FftType.IRFFT
    if sizes is None:
        sizes = list(a.shape[a.ndim - count:])
        if inverse_real and sizes:
            sizes[-1] = max(0, 2 * (sizes[-1] - 1))
    else:
        needed = [*sizes[:-1], sizes[-1] // 2 + 1] if inverse_real else sizes
        a = fit(a, (*a.shape[: a.ndim - count], *needed))
    out = lax.fft(a, kind, tuple(sizes))
    if norm is not None:
        out = out * np.asarray(scale(sizes, inverse=".i" in name, norm=norm),
                               dtypes.to_floating_dtype(out.dtype))
    return moveaxis(out, last, given)


def fit(a: Any, shape: tuple[int, ...]) -> Any:
    """Cut or padded with zeros at the ends."""
    a = a[tuple(slice(n) for n in shape)]
    return a if a.shape == shape else pad(a, [(0, n - m) for n, m in zip(shape, a.shape)])


def scale(sizes: Sequence[int], inverse: bool, norm: str) -> float:
    """What to multiply with, the inverse having been divided by the number of elements."""
    if norm not in ("backward", "ortho", "forward"):
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    n = math.prod(sizes)
    factor = {"backward": 1.0, "ortho": math.sqrt(n), "forward": float(n)}[norm]
    return factor if inverse else 1 / factor


def one_axis(name: str, kind: FftType, a: Any, n: Any, axis: Any, norm: str | None) -> Any:
    if isinstance(axis, (list, tuple)):
        name = f"jax.numpy.fft.{name}"
        raise ValueError(f"{name} does not support multiple axes. Please use {name}n. Got axis = "
                         f"{axis!r}.")
    return transform(name, kind, a, None if n is None else [n], None if axis is None else [axis],
                     norm)


def two_axes(name: str, kind: FftType, a: Any, s: Any, axes: Any, norm: str | None) -> Any:
    if len(axes) != 2:
        raise ValueError(f"jax.numpy.fft.{name} only supports 2 axes. Got axes = {axes!r}.")
    return transform(name, kind, a, s, axes, norm)


# --- one axis --------------------------------------------------------------------------------


def fft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """out[k] = the sum over m of a[m] exp(-2 pi i k m / n).

    >>> import minijax.numpy as jnp
    >>> jnp.fft.fft(jnp.array([1.0, 0.0, 0.0, 0.0]))
    Array([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j], dtype=complex64)

    Args:
      n: the size of the result: `a` is cut or padded with zeros.
      norm: "backward" (the inverse divides by n), "ortho" (both by sqrt(n)) or "forward".
    """
    return one_axis("fft", FftType.FFT, a, n, axis, norm)


def ifft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `fft`."""
    return one_axis("ifft", FftType.IFFT, a, n, axis, norm)


def rfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The first n // 2 + 1 elements of the transform of real numbers; the rest mirrors them."""
    return one_axis("rfft", FftType.RFFT, a, n, axis, norm)


def irfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `rfft`: n real numbers, by default an even number."""
    return one_axis("irfft", FftType.IRFFT, a, n, axis, norm)


def hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The real transform of numbers of which the other half mirrors these, conjugated."""
    a = conj(a)
    out = one_axis("hfft", FftType.IRFFT, a, n, axis, norm)
    return out * ((a.shape[axis] - 1) * 2 if n is None else n)


def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `hfft`."""
    out = one_axis("ihfft", FftType.RFFT, a, n, axis, norm)
    return conj(out) * (1 / (np.shape(a)[axis] if n is None else n))


# --- several axes ----------------------------------------------------------------------------


def fftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """`fft` over several axes (None: all)."""
    return transform("fftn", FftType.FFT, a, s, axes, norm)


def ifftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The inverse of `fftn`."""
    return transform("ifftn", FftType.IFFT, a, s, axes, norm)


def rfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """`rfft` over the last of several axes, `fft` over the others."""
    return transform("rfftn", FftType.RFFT, a, s, axes, norm)


def irfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The inverse of `rfftn`."""
    return transform("irfftn", FftType.IRFFT, a, s, axes, norm)


def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """`fftn` over two axes."""
    return two_axes("fft2", FftType.FFT, a, s, axes, norm)


def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """`ifftn` over two axes."""
    return two_axes("ifft2", FftType.IFFT, a, s, axes, norm)


def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """`rfftn` over two axes."""
    return two_axes("rfft2", FftType.RFFT, a, s, axes, norm)


def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """`irfftn` over two axes."""
    return two_axes("irfft2", FftType.IRFFT, a, s, axes, norm)


# --- frequencies -----------------------------------------------------------------------------


def check_frequency_arguments(name: str, n: Any, d: Any) -> None:
    if isinstance(n, (list, tuple)):
        raise ValueError(f"The n argument of jax.numpy.fft.{name} only takes an int. Got n = "
                         f"{list(n)}.")
    if isinstance(d, (list, tuple)):
        raise ValueError(f"The d argument of jax.numpy.fft.{name} only takes a single value. Got d "
                         f"= {list(d)}.")


@placeable
def fftfreq(n: int, d: Any = 1.0, *, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies that the elements of `fft` stand for, for samples at distance `d`."""
    check_frequency_arguments("fftfreq", n, d)
    dtype = np.dtype(dtype or dtypes.default_float_dtype())
    real = dtypes.to_floating_dtype(dtype)
    k = remainder(arange(n, dtype=real) + n // 2, n) - n // 2
    return (k / np.asarray(d * n, real)).astype(dtype)


@placeable
def rfftfreq(n: int, d: Any = 1.0, *, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies that the elements of `rfft` stand for."""
    check_frequency_arguments("rfftfreq", n, d)
    dtype = np.dtype(dtype or dtypes.default_float_dtype())
    return arange(0, n // 2 + 1, dtype=dtype) / np.asarray(d * n, dtype)


def fftshift(x: Any, axes: Any = None) -> Any:
    """With frequency 0 in the middle."""
    x = ensure_array("fftshift", x)
    axes = tuple(range(x.ndim)) if axes is None else as_tuple(axes)
    return roll(x, [x.shape[i] // 2 for i in axes], axes)


def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of `fftshift`."""
    x = ensure_array("ifftshift", x)
    axes = tuple(range(x.ndim)) if axes is None else as_tuple(axes)
    return roll(x, [-(x.shape[i] // 2) for i in axes], axes)
