"""Cumulative operations along an axis: each result combines all elements up to one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.control_flow.associative import associative_scan
from minijax.core import ShapedArray, typeof
from minijax.custom import custom_jvp
from minijax.families import Axiswise, LinearMap, mul
from minijax.jvp import jvp_flat
from minijax.lax.creation import full_like
from minijax.lax.elementwise import (
    abs,
    add,
    eq,
    in_float32,
    max,
    min,
    ne,
    neg,
    real,
    select,
    sub,
)
from minijax.lax.signed_zeros import with_winner
from minijax.lax.transcendental import exp, log1p

__all__ = [
    "cumlogsumexp", "cumlogsumexp_p", "cummax", "cummax_p", "cummin",
    "cummin_p", "cumprod", "cumprod_p", "cumsum", "cumsum_p",
]


# --- the operations --------------------------------------------------------------------------


class Cumulative(Axiswise):
    """out[i] combines x[0] to x[i], or with `reverse` x[i] to x[-1], along one axis."""

    def __init__(self, name: str, fun: Callable):
        super().__init__(name)
        self.fun = fun

    def impl(self, x, *, axis, reverse):
        out = self.fun(np.flip(x, axis) if reverse else x, axis=axis)
        return np.flip(out, axis) if reverse else out

    def abstract_eval(self, x, *, axis, reverse):
        if axis < 0:
            raise ValueError(f"the axis of lax.{self.name} cannot be negative, got {axis}")
        if axis >= x.ndim:
            raise ValueError(f"axis {axis} is out of bounds for array of shape {x.shape}")
        if dtypes.kind(x.dtype) not in "iufc":
            raise TypeError(f"{self.name} does not accept dtype {dtypes.name(x.dtype)}. Accepted "
                            "dtypes are subtypes of number.")
        return ShapedArray(x.shape, x.dtype)

    def shift(self, params, size):
        return {**params, "axis": params["axis"] + 1}


class CumulativeSum(Cumulative, LinearMap):
    """The sum is linear: it is its own derivative."""

    def transpose(self, cts, x, *, axis, reverse):
        return [cumsum(cts[0], axis, not reverse)]


class CumulativeScan(Cumulative):
    """Differentiated as an associative scan by `combine`, the function of two elements."""

    def __init__(self, name: str, fun: Callable, combine: Callable):
        super().__init__(name, fun)
        self.combine = combine

    def jvp(self, primals, tangents, *, axis, reverse):
        return jvp_flat(lambda x: [associative_scan(self.combine, x, reverse, axis)],
                        primals, tangents, self.name)


def _add_up(x: np.ndarray, axis: int) -> np.ndarray:
    """Floats in twice the width: one after the other, small errors add up too."""
    wide = {"f": np.float64, "c": np.complex128}.get(dtypes.kind(x.dtype), x.dtype)
    return np.cumsum(x, axis, dtype=wide)


def _add_exponentials(x: np.ndarray, axis: int) -> np.ndarray:
    if x.dtype.kind != "c":
        return np.logaddexp.accumulate(x, axis)
    rows = itertools.accumulate(np.moveaxis(x, axis, 0), _complex_logaddexp)
    return np.stack([*rows], axis) if x.shape[axis] else x


def _complex_logaddexp(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    top = np.maximum(x, y)
    out = top + np.log1p(np.exp(x + y - 2 * top))
    return out.real + 1j * np.angle(np.exp(1j * out.imag))  # the phase, between -pi and pi


@custom_jvp
def logaddexp(x: Any, y: Any) -> Any:
    """log(exp(x) + exp(y)), without overflow."""
    top = max(x, y)
    if typeof(x).dtype.kind == "c":
        return add(top, log1p(exp(sub(add(x, y), mul(top, 2.0)))))
    difference = sub(x, y)
    return select(ne(difference, difference), add(x, y),  # NaN, or infinities of one sign
                  add(top, log1p(exp(neg(abs(difference))))))


@logaddexp.defjvp
def _logaddexp_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    out = logaddexp(*primals)

    def finite(x: Any) -> Any:
        size = real(x) if typeof(x).dtype.kind == "c" else x
        return select(eq(size, np.inf), full_like(x, 0), x)

    terms = [mul(t, exp(sub(finite(x), finite(out)))) for x, t in zip(primals, tangents)]
    return out, add(*terms)


cumsum_p = CumulativeSum("cumsum", _add_up)
cumprod_p = CumulativeScan(
    "cumprod", in_float32(lambda x, axis: np.cumprod(x, axis, dtype=x.dtype)), mul)
cummax_p = CumulativeScan("cummax", with_winner(
    np.maximum.accumulate, np.logical_or.accumulate, 0.0), max)
cummin_p = CumulativeScan("cummin", with_winner(
    np.minimum.accumulate, np.logical_or.accumulate, -0.0), min)
cumlogsumexp_p = CumulativeScan("cumlogsumexp", in_float32(_add_exponentials), logaddexp)


def cumsum(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """The sums of the elements up to each one along `axis`, or with `reverse` from each one on.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.lax.cumsum(jnp.arange(4)), jax.lax.cumsum(jnp.arange(4), reverse=True))
    [0 1 3 6] [6 6 5 3]

    Raises:
      ValueError: an axis that the operand does not have; it cannot be negative.
    """
    return cumsum_p.bind(operand, axis=int(axis), reverse=bool(reverse))


def cumprod(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """The products of the elements up to each one along `axis`; the rest as in `cumsum`."""
    return cumprod_p.bind(operand, axis=int(axis), reverse=bool(reverse))


def cummax(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """The largest of the elements up to each one along `axis`; the rest as in `cumsum`."""
    return cummax_p.bind(operand, axis=int(axis), reverse=bool(reverse))


def cummin(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """The smallest of the elements up to each one along `axis`; the rest as in `cumsum`."""
    return cummin_p.bind(operand, axis=int(axis), reverse=bool(reverse))


def cumlogsumexp(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """log(sum(exp(x))) of the elements up to each one along `axis`; the rest as in `cumsum`."""
    return cumlogsumexp_p.bind(operand, axis=int(axis), reverse=bool(reverse))
