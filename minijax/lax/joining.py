"""Operations that put arrays together, along an axis or along a new one, and take them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import Array, ShapedArray, UndefinedPrimal, typeof
from minijax.families import Structural, zeros
from minijax.lax.shapes import canonicalize_axis, own, replace

__all__ = [
    "concatenate", "concatenate_p", "split", "split_p", "stack", "stack_p", "unstack", "unstack_p",
]


# --- together ------------------------------------------------------------------------------


def same_dtypes(name: str, avals: Sequence[ShapedArray]) -> np.dtype:
    if len({a.dtype for a in avals}) > 1:
        raise TypeError(
            f"lax.{name} requires arguments to have the same dtypes, got "
            f"{', '.join(dtypes.name(a.dtype) for a in avals)}. (Tip: jnp.{name} is a similar "
            "function that does automatic type promotion on inputs).")
    return avals[0].dtype


def shapes_of(xs: Sequence[Any]) -> str:
    return ", ".join(str(x.shape) for x in xs)


class Concatenate(Structural):
    """Joins the operands along the axis `dimension`."""

    def impl(self, *xs, dimension):
        return np.concatenate(xs, dimension)

    def abstract_eval(self, *xs, dimension):
        if not xs:
            raise TypeError("concatenate expects at least one operand, got 0.")
        if len({x.ndim for x in xs}) > 1:
            raise TypeError("Cannot concatenate arrays with different numbers of dimensions: got "
                            f"{shapes_of(xs)}.")
        if not 0 <= dimension < xs[0].ndim:
            raise TypeError(f"concatenate dimension out of bounds: dimension {dimension} for "
                            f"shapes {shapes_of(xs)}.")
        if len({replace(x.shape, dimension) for x in xs}) > 1:
            raise TypeError("Cannot concatenate arrays with shapes that differ in dimensions "
                            "other than the one being concatenated: concatenating along "
                            f"dimension {dimension} for shapes {shapes_of(xs)}.")
        total = sum(x.shape[dimension] for x in xs)
        return ShapedArray(replace(xs[0].shape, dimension, total),
                           same_dtypes("concatenate", xs))

    def transpose(self, cts, *xs, dimension):
        linear = [isinstance(x, UndefinedPrimal) for x in xs]
        sizes = [(x.aval if u else typeof(x)).shape[dimension] for x, u in zip(xs, linear)]
        pieces = split(cts[0], sizes, dimension)
        return [ct if u else None for ct, u in zip(pieces, linear)]

    def shift(self, params, size):
        return {"dimension": params["dimension"] + 1}


concatenate_p = Concatenate("concatenate")


def concatenate(operands: Sequence[Any], dimension: int) -> Any:
    """Join arrays along the axis `dimension`; their other axes are the same.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.concatenate([jnp.zeros(2), jnp.ones(1)], 0)
    Array([0., 0., 1.], dtype=float32)

    Raises:
      TypeError: shapes or dtypes that do not go together.
    """
    if not len(operands):
        raise ValueError("concatenate requires a non-empty sequences of arrays")
    if len(operands) == 1 and isinstance(operands[0], Array):
        return operands[0]
    return concatenate_p.bind(*operands, dimension=int(dimension))


class Stack(Structural):
    """Joins operands of one shape along a new axis."""

    def impl(self, *xs, axis):
        return np.stack(xs, axis)

    def abstract_eval(self, *xs, axis):
        if not xs:
            raise ValueError("stack expects at least one operand, got 0.")
        if len({x.ndim for x in xs}) > 1:
            raise ValueError("Cannot stack arrays with different numbers of dimensions: got "
                             f"{shapes_of(xs)}.")
        if len({x.shape for x in xs}) > 1:
            raise ValueError(f"All input arrays must have the same shape. Got {shapes_of(xs)}.")
        shape = xs[0].shape
        return ShapedArray((*shape[:axis], len(xs), *shape[axis:]), same_dtypes("stack", xs))

    def transpose(self, cts, *xs, axis):
        return [ct if isinstance(x, UndefinedPrimal) else None
                for x, ct in zip(xs, unstack(cts[0], axis))]

    def shift(self, params, size):
        return {"axis": params["axis"] + 1}


stack_p = Stack("stack")


def stack(operands: Sequence[Any], axis: int = 0) -> Any:
    """Join arrays of one shape along a new axis.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.stack([jnp.array([1, 2]), jnp.array([3, 4])], axis=1)
    Array([[1, 3],
           [2, 4]], dtype=int32)
    """
    if not len(operands):
        raise ValueError("stack expects at least one operand, got 0.")
    return stack_p.bind(*operands, axis=canonicalize_axis(axis, typeof(operands[0]).ndim + 1))


# --- apart ---------------------------------------------------------------------------------


class Pieces(Structural):
    """One operand, several results, which `join` puts together again."""

    multiple_results = True

    def join(self, pieces: Sequence[Any], params: dict) -> Any:
        raise NotImplementedError

    def linearize(self, active, x, **params):
        outs = self.bind(x, **params)
        return outs, [True] * len(outs), lambda t: self.bind(t, **params)

    def transpose(self, cts, x, **params):
        avals = self.abstract_eval(x.aval, **params)
        return [self.join([zeros(a) if ct is None else ct for ct, a in zip(cts, avals)], params)]

    def shift(self, params, size):
        return {**params, "axis": params["axis"] + 1}


class Split(Pieces):
    """Pieces of `sizes` along an axis."""

    def impl(self, x, *, sizes, axis):
        return [own(p) for p in np.split(x, np.cumsum(sizes[:-1]), axis)] if sizes else []

    def abstract_eval(self, x, *, sizes, axis):
        if any(n < 0 for n in sizes):
            raise ValueError(f"Sizes passed to split must be nonnegative, got {list(sizes)}")
        if x.shape[axis] != sum(sizes):
            raise ValueError(f"Sum of sizes {sum(sizes)} must be equal to dimension {axis} of the "
                             f"operand shape {list(x.shape)}")
        return [ShapedArray(replace(x.shape, axis, n), x.dtype, x.weak_type) for n in sizes]

    def join(self, pieces, params):
        return concatenate(pieces, params["axis"])


split_p = Split("split")


def split(operand: Any, sizes: Sequence[int], axis: int = 0) -> list[Any]:
    """Cut `operand` into pieces of `sizes` along `axis`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(*jax.lax.split(jnp.arange(5), (2, 3)))
    [0 1] [2 3 4]

    Raises:
      ValueError: sizes that do not add up to that of the axis.
    """
    return split_p.bind(operand, sizes=tuple(int(n) for n in sizes),
                        axis=canonicalize_axis(axis, typeof(operand).ndim))


class Unstack(Pieces):
    """The slices along an axis, which is dropped."""

    def impl(self, x, *, axis):
        return [own(row) for row in np.moveaxis(x, axis, 0)]

    def abstract_eval(self, x, *, axis):
        piece = ShapedArray(replace(x.shape, axis), x.dtype, x.weak_type)
        return [piece] * x.shape[axis]

    def join(self, pieces, params):
        return stack(pieces, params["axis"])


unstack_p = Unstack("unstack")


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The slices of `x` along `axis`, which they no longer have.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(*jax.lax.unstack(jnp.array([[1, 2], [3, 4]]), axis=1))
    [1 3] [2 4]
    """
    return tuple(unstack_p.bind(x, axis=canonicalize_axis(axis, typeof(x).ndim)))
