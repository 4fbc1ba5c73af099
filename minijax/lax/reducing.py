"""Reductions: maximum and minimum, their positions, logic, product.

The sum is in `families`: transposing a broadcast needs it. Any other function: `folds`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import ShapedArray, typeof
from minijax.families import Reduction, convert, mul, reduce_sum, reshape
from minijax.jvp import jvp_flat
from minijax.lax.creation import full, of_dtype
from minijax.lax.elementwise import div, eq, in_float32
from minijax.lax.shapes import replace
from minijax.lax.shaping import squeeze
from minijax.lax.signed_zeros import with_winner
from minijax.lax.slicing import pad, slice_in_dim

__all__ = [
    "argmax", "argmax_p", "argmin", "argmin_p", "reduce_and", "reduce_and_p", "reduce_max",
    "reduce_max_p", "reduce_min", "reduce_min_p", "reduce_or", "reduce_or_p", "reduce_prod",
    "reduce_prod_p", "reduce_xor", "reduce_xor_p",
]


# --- maximum and minimum ---------------------------------------------------------------------


def lowest(dtype: np.dtype) -> np.ndarray:
    """The identity of max."""
    kind = dtypes.kind(dtype)
    if kind in "iu":
        return np.asarray(dtypes.iinfo(dtype).min, dtype)
    return np.asarray(False if kind == "b" else -np.inf, dtype)


def highest(dtype: np.dtype) -> np.ndarray:
    """The identity of min."""
    kind = dtypes.kind(dtype)
    if kind in "iu":
        return np.asarray(dtypes.iinfo(dtype).max, dtype)
    return np.asarray(True if kind == "b" else np.inf, dtype)


class Extremum(Reduction):
    """The largest or the smallest element. Those that are equal to it share its cotangent."""

    def linearize(self, active, x, *, axes):
        out = self.bind(x, axes=axes)
        aval = typeof(x)
        kept = [1 if i in axes else n for i, n in enumerate(aval.shape)]
        chosen = convert(eq(x, reshape(out, kept)), aval.dtype, False)
        count = reduce_sum(chosen, axes)
        return [out], [True], lambda t: [div(reduce_sum(mul(t, chosen), axes), count)]


reduce_max_p = Extremum("reduce_max", with_winner(
    lambda x, axis: np.maximum.reduce(x, axis, initial=lowest(x.dtype)), np.any, 0.0))
reduce_min_p = Extremum("reduce_min", with_winner(
    lambda x, axis: np.minimum.reduce(x, axis, initial=highest(x.dtype)), np.any, -0.0))


def reduce_max(operand: Any, axes: Sequence[int]) -> Any:
    """The largest element along `axes`; NaN if there is one, the lowest value if there is none.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.lax.reduce_max(jnp.array([[1, 5], [3, 4]]), (1,)))
    [5 4]
    """
    return reduce_max_p.bind(operand, axes=tuple(axes))


def reduce_min(operand: Any, axes: Sequence[int]) -> Any:
    """The smallest element along `axes`; NaN if there is one, the highest value if there is none.
    """
    return reduce_min_p.bind(operand, axes=tuple(axes))


class ArgExtremum(Reduction):
    """The index of the largest or smallest element along one axis: the first one, or the first NaN.
    """

    def impl(self, x, *, axes, index_dtype):
        return self.fun(x, axis=axes[0])

    def abstract_eval(self, x, *, axes, index_dtype):
        (axis,) = axes
        if not 0 <= axis < x.ndim:
            raise ValueError(f"Invalid axis {axis} for operand shape {x.shape}")
        if x.shape[axis] < 1:
            raise ValueError("argmin and argmax require non-empty reduced dimension. "
                             f"operand.shape={x.shape} {axis=}")
        if dtypes.kind(index_dtype) not in "iu":
            raise TypeError("index_dtype must be an integer type, but got "
                            f"{dtypes.name(index_dtype)}")
        if dtypes.kind(x.dtype) not in self.accepts:
            raise TypeError(f"{self.name} does not accept dtype {dtypes.name(x.dtype)}.")
        return ShapedArray(replace(x.shape, axis), index_dtype)

    def weak_type_rule(self, avals, params):
        return False

    def linearize(self, active, x, **params):
        return [self.bind(x, **params)], [False], None


argmax_p = ArgExtremum("argmax", in_float32(np.argmax), accepts="biuf")
argmin_p = ArgExtremum("argmin", in_float32(np.argmin), accepts="biuf")


def argmax(operand: Any, axis: int, index_dtype: Any) -> Any:
    """The index of the largest element along `axis`: the first one, or that of the first NaN.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.lax.argmax(jnp.array([1.0, 3.0, 3.0]), 0, "int32"))
    1
    """
    index_dtype = dtypes.check_user_dtype_supported(index_dtype, "argmax")
    return argmax_p.bind(operand, axes=(axis,), index_dtype=index_dtype)


def argmin(operand: Any, axis: int, index_dtype: Any) -> Any:
    """The index of the smallest element along `axis`: the first one, or that of the first NaN."""
    index_dtype = dtypes.check_user_dtype_supported(index_dtype, "argmin")
    return argmin_p.bind(operand, axes=(axis,), index_dtype=index_dtype)


# --- logic -----------------------------------------------------------------------------------


class Bitwise(Reduction):
    """`and`, `or` and `xor` of the bits of integers, or of truth values."""

    def weak_type_rule(self, avals, params):
        return False


reduce_and_p = Bitwise("reduce_and", np.bitwise_and.reduce, accepts="biu")
reduce_or_p = Bitwise("reduce_or", np.bitwise_or.reduce, accepts="biu")
reduce_xor_p = Bitwise("reduce_xor", np.bitwise_xor.reduce, accepts="biu")


def reduce_and(operand: Any, axes: Sequence[int]) -> Any:
    """The bitwise AND along `axes` of an operand of integers or truth values."""
    return reduce_and_p.bind(operand, axes=tuple(axes))


def reduce_or(operand: Any, axes: Sequence[int]) -> Any:
    """The bitwise OR along `axes` of an operand of integers or truth values."""
    return reduce_or_p.bind(operand, axes=tuple(axes))


def reduce_xor(operand: Any, axes: Sequence[int]) -> Any:
    """The bitwise XOR along `axes` of an operand of integers or truth values."""
    return reduce_xor_p.bind(operand, axes=tuple(axes))


# --- product ---------------------------------------------------------------------------------


def reduce_by_halves(combine: Callable, xs: Sequence[Any], identities: Sequence[Any],
                     axes: Sequence[int]) -> list[Any]:
    """A reduction of several arrays together, as a tree: one half combined with the other.

    `combine(xs, ys)` works elementwise. This is slow, and its derivative is right everywhere.
    """
    shape = typeof(xs[0]).shape
    kept = [i for i in range(len(shape)) if i not in axes]
    sizes = [shape[i] for i in kept]
    n = math.prod(shape[i] for i in axes)
    xs = [reshape(x, (n, *sizes), (*axes, *kept)) for x in xs]
    while n > 1:
        half = (n + 1) // 2
        first = [slice_in_dim(x, 0, half) for x in xs]
        second = [slice_in_dim(x, half, None) for x in xs]
        if n % 2:
            second = [pad(x, i, [(0, 1, 0), *[(0, 0, 0)] * len(kept)])
                      for x, i in zip(second, identities)]
        xs, n = combine(first, second), half
    return [squeeze(x, (0,)) if n else full(sizes, i) for x, i in zip(xs, identities)]


class Product(Reduction):
    """The derivative divides by nothing, so that it is right where elements are zero."""

    def jvp(self, primals, tangents, *, axes):
        one = of_dtype(1, typeof(primals[0]).dtype)
        return jvp_flat(lambda x: reduce_by_halves(
            lambda xs, ys: [mul(*xs, *ys)], [x], [one], axes), primals, tangents, self.name)


reduce_prod_p = Product(
    "reduce_prod", in_float32(lambda x, axis: np.prod(x, axis, dtype=x.dtype)), accepts="iufc")


def reduce_prod(operand: Any, axes: Sequence[int]) -> Any:
    """The product along `axes`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.grad(lambda x: jax.lax.reduce_prod(x, (0,)))(jnp.array([2.0, 0.0, 3.0]))
    Array([0., 6., 0.], dtype=float32)
    """
    return reduce_prod_p.bind(operand, axes=tuple(axes))
