"""Elementwise operations on the bits of numbers. None has a derivative of its own to speak of."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import Primitive
from minijax.families import Elementwise
from minijax.lax.elementwise import Linear

# --- integers --------------------------------------------------------------------------------
# Counts are taken as unsigned: a negative one, like any that is not less than the width, shifts
# every bit out. NumPy does the same.


def unsigned(x: np.ndarray) -> np.ndarray:
    return x.view(f"u{x.dtype.itemsize}")


def signed(x: np.ndarray) -> np.ndarray:
    return x.view(f"i{x.dtype.itemsize}")


def _clz(x: np.ndarray) -> np.ndarray:
    bits, width = unsigned(x), 8 * x.dtype.itemsize
    shift = 1
    while shift < width:  # copy the leading one into every bit below it
        bits, shift = bits | (bits >> np.asarray(shift, bits.dtype)), 2 * shift
    return width - np.bitwise_count(bits)


def _mulhi(x: np.ndarray, y: np.ndarray) -> Any:
    """By Python's integers, which have no width."""
    return (x.astype(object) * y.astype(object)) >> (8 * x.dtype.itemsize)


population_count = Elementwise("population_count", lambda x: np.bitwise_count(unsigned(x)),
                               accepts="iu")
clz = Elementwise("clz", _clz, accepts="iu")
mulhi = Elementwise("mulhi", _mulhi, accepts="iu")
shift_left = Elementwise("shift_left", np.left_shift, accepts="iu")
shift_right_arithmetic = Elementwise(
    "shift_right_arithmetic",
    lambda x, y: np.right_shift(signed(x), signed(y)).view(x.dtype), accepts="iu")
shift_right_logical = Elementwise(
    "shift_right_logical",
    lambda x, y: np.right_shift(unsigned(x), unsigned(y)).view(x.dtype), accepts="iu")

# --- floats ----------------------------------------------------------------------------------


class NoDerivative(Elementwise):
    """It has no derivative: not zero, but an error."""

    linearize = Primitive.linearize


nextafter = NoDerivative("nextafter", np.nextafter, accepts="f")


class ReducePrecision(Linear):
    """The nearest float that has fewer bits; zero and infinity where the exponent does not fit."""

    out_avals = Primitive.out_avals

    def abstract_eval(self, x, *, exponent_bits, mantissa_bits):
        if exponent_bits < 1:
            raise ValueError("reduce_precision: exponent_bits must be positive; got "
                             f"{exponent_bits}")
        if mantissa_bits < 0:
            raise ValueError("reduce_precision: mantissa_bits must be non-negative; got "
                             f"{mantissa_bits}")
        return super().abstract_eval(x)


def _reduce_precision(x: np.ndarray, exponent_bits: int, mantissa_bits: int) -> np.ndarray:
    info = dtypes.finfo(x.dtype)
    fraction, exponent = np.frexp(x.astype(np.float64))
    out = x.astype(np.float64)
    if mantissa_bits < info.nmant:
        out = np.ldexp(np.rint(np.ldexp(fraction, mantissa_bits + 1)), exponent - mantissa_bits - 1)
    if exponent_bits < info.nexp:
        bias = 2 ** (exponent_bits - 1) - 1
        size = np.absolute(out)
        out = np.where(size < 2.0 ** (1 - bias), np.copysign(0.0, out), out)
        out = np.where(size >= 2.0 ** (bias + 1), np.copysign(np.inf, out), out)
    return out


reduce_precision_p = ReducePrecision(
    "reduce_precision", _reduce_precision, accepts="f",
    transposes=(lambda ct, x, **params: reduce_precision_p.bind(ct, **params),))


def reduce_precision(operand: Any, exponent_bits: int, mantissa_bits: int) -> Any:
    """Round to the nearest float with that many bits, in the same dtype.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.lax.reduce_precision(jnp.float32(1.001), exponent_bits=5, mantissa_bits=2))
    1.0
    """
    return reduce_precision_p.bind(operand, exponent_bits=operator.index(exponent_bits),
                                   mantissa_bits=operator.index(mantissa_bits))
