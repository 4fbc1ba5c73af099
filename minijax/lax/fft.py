"""Discrete Fourier transforms over the last axes, complex and real, with their transposes."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import ShapedArray, typeof
from minijax.families import Axiswise, LinearMap, convert_element_type, mul
from minijax.jit import jit
from minijax.lax.creation import full, of_dtype
from minijax.lax.elementwise import conj
from minijax.lax.slicing import pad

__all__ = ["FftType", "fft", "fft_p"]


class FftType(enum.IntEnum):
    """Forwards or inverse, of complex numbers or between real and complex ones."""

    FFT = 0
    IFFT = 1
    RFFT = 2
    IRFFT = 3


class FFT(Axiswise, LinearMap):
    """The transform over the last `len(fft_lengths)` axes."""

    def impl(self, x, *, fft_type, fft_lengths):
        import scipy.fft

        if 0 in (*x.shape, *fft_lengths):
            aval = self.abstract_eval(x, fft_type=fft_type, fft_lengths=fft_lengths)
            return np.zeros(aval.shape, aval.dtype)
        transform = getattr(scipy.fft, f"{fft_type.name.lower()}n")  # these keep float32
        return transform(x, fft_lengths, range(-len(fft_lengths), 0))

    def abstract_eval(self, x, *, fft_type, fft_lengths):
        n, name = len(fft_lengths), fft_type.name
        if n > x.ndim:
            raise ValueError(f"FFT input shape {x.shape} must have at least as many input "
                             f"dimensions as fft_lengths {fft_lengths}.")
        kind, minor = ("real", "f") if fft_type is FftType.RFFT else ("complex", "c")
        if x.dtype.kind != minor or x.dtype.itemsize < 4:
            allowed = "float32 or float64" if minor == "f" else "complex64 or complex128"
            raise ValueError(f"{name} input must be {allowed}, got {dtypes.name(x.dtype)}")
        half = (*fft_lengths[:-1], fft_lengths[-1] // 2 + 1)  # of a real array, by its symmetry
        expected = half if fft_type is FftType.IRFFT else fft_lengths
        if x.shape[-n:] != expected:
            raise ValueError(f"{name} input shape {x.shape} minor dimensions must be equal to "
                             f"{expected} for {fft_lengths=}")
        if fft_type is FftType.RFFT:
            return ShapedArray((*x.shape[:-n], *half), dtypes.to_complex_dtype(x.dtype))
        if fft_type is FftType.IRFFT:
            return ShapedArray((*x.shape[:-n], *fft_lengths), dtypes.to_floating_dtype(x.dtype))
        return ShapedArray(x.shape, x.dtype)

    def transpose(self, cts, x, *, fft_type, fft_lengths):
        (ct,) = cts
        count = math.prod(fft_lengths)
        if fft_type is FftType.RFFT:
            ct = mul(conj(ct), weights(typeof(ct), fft_lengths[-1], count, count / 2))
            return [fft_p.bind(ct, fft_type=FftType.IRFFT, fft_lengths=fft_lengths)]
        if fft_type is FftType.IRFFT:
            out = fft_p.bind(ct, fft_type=FftType.RFFT, fft_lengths=fft_lengths)
            return [conj(mul(out, weights(x.aval, fft_lengths[-1], 1 / count, 2 / count)))]
        return [fft_p.bind(ct, fft_type=fft_type, fft_lengths=fft_lengths)]

    def shift(self, params, size):
        return params


def weights(aval: ShapedArray, n: int, alone: float, paired: float) -> Any:
    """A weight for each column of half a transform of n real numbers.

    The left out half mirrors it: each column stands for a pair, but the first and, for an even n,
    the last one, which are alone.
    """
    ends = 2 - n % 2
    pairs = full((1,) * (aval.ndim - 1) + (aval.shape[-1] - ends,), paired, aval.dtype)
    return pad(pairs, of_dtype(alone, aval.dtype), [*[(0, 0, 0)] * (aval.ndim - 1),
                                                       (1, ends - 1, 0)])


fft_p = FFT("fft")


@jit(static_argnums=(1, 2))
def fft(x: Any, fft_type: FftType | str, fft_lengths: Sequence[int]) -> Any:
    """The discrete Fourier transform of x over its last `len(fft_lengths)` axes.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.fft(jnp.array([1.0, 0.0, 0.0, 0.0]), "RFFT", (4,))
    Array([1.+0.j, 1.+0.j, 1.+0.j], dtype=complex64)

    Args:
      fft_type: an `FftType` or its name: FFT, IFFT, RFFT (of real numbers, of whose transform half
        is enough) or IRFFT (back to real numbers).
      fft_lengths: the sizes of the transformed axes; for IRFFT those of the result.

    Raises:
      ValueError: lengths that do not fit the shape, or a complex operand of RFFT.
    """
    if isinstance(fft_type, str):
        if fft_type.upper() not in FftType.__members__:
            raise ValueError(f"Unknown FFT type '{fft_type}'")
        fft_type = FftType[fft_type.upper()]
    if not isinstance(fft_type, FftType):
        raise TypeError(f"Unknown FFT type value '{fft_type}'")
    dtype = typeof(x).dtype
    if fft_type is FftType.RFFT:
        if dtype.kind == "c":
            raise ValueError("only real valued inputs supported for rfft")
        x = convert_element_type(x, dtypes.to_inexact_dtype(dtype))
    else:
        x = convert_element_type(x, dtypes.to_complex_dtype(dtype))
    return fft_p.bind(x, fft_type=fft_type, fft_lengths=tuple(fft_lengths)) if fft_lengths else x
