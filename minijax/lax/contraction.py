"""Matrix products: `dot_general`, of which every matrix, vector and tensor product is a case."""

from __future__ import annotations

import enum
import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import batch
from minijax.config import config
from minijax.core import ShapedArray, typeof
from minijax.families import Contraction, convert, transpose
from minijax.layouts import divisible

__all__ = ["DotDimensionNumbers", "Precision", "batch_matmul", "canonicalize_precision", "dot",
           "dot_general", "dot_general_p"]


# --- precision -------------------------------------------------------------------------------


class Precision(enum.Enum):
    """How exact a matrix product of float32 is to be. On a CPU all are full precision."""

    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2

    @classmethod
    def _missing_(cls, value: object) -> Precision | None:
        return _PRECISION_NAMES.get(value)

    def __repr__(self) -> str:
        return f"Precision.{self.name}"

    def __str__(self) -> str:
        return self.name


_PRECISION_NAMES: dict[object, Precision] = {
    "highest": Precision.HIGHEST, "float32": Precision.HIGHEST, "high": Precision.HIGH,
    "bfloat16_3x": Precision.HIGH, "tensorfloat32": Precision.HIGH, "default": Precision.DEFAULT,
    "bfloat16": Precision.DEFAULT, "fastest": Precision.DEFAULT, None: Precision.DEFAULT}


def canonicalize_precision(precision: Any) -> tuple[Precision, Precision] | None:
    """One precision for each operand, from a `Precision`, its name, or a pair of these."""
    given = config.jax_default_matmul_precision if precision is None else precision
    if given is None:
        return None
    pair = tuple(given) if isinstance(given, (tuple, list)) else (given, given)
    if len(pair) != 2 or not all(isinstance(p, (str, Precision)) for p in pair):
        pair = ("", "")
    try:
        return Precision(pair[0]), Precision(pair[1])
    except ValueError:
        raise ValueError(
            "Precision argument must be one of:\n- None,\n"
            f"- a string in {list(_PRECISION_NAMES)},\n- a lax.Precision value,\n"
            f"- a tuple of two lax.Precision values or strings;\nbut got {given}.") from None


# --- the operation ---------------------------------------------------------------------------


class DotDimensionNumbers(tuple):
    """((lhs contracting, rhs contracting), (lhs batch, rhs batch)); the axes print as lists."""

    __slots__ = ()

    def __str__(self) -> str:
        return str(tuple(tuple(map(list, pair)) for pair in self))


def free_axes(ndim: int, contracting: Sequence[int], batch: Sequence[int]) -> tuple[int, ...]:
    """The axes of an operand that are in the result and not in the other operand."""
    return tuple(i for i in range(ndim) if i not in contracting and i not in batch)


class DotGeneral(Contraction):
    """Sum over the contracting axes; the result has the batch axes, then the free axes of both."""

    def impl(self, lhs, rhs, *, dimension_numbers, precision, preferred_element_type):
        (lc, rc), (lb, rb) = dimension_numbers
        dtype = sum_dtype(lhs.dtype, rhs.dtype, preferred_element_type)
        lhs, rhs = lhs.astype(dtype, copy=False), rhs.astype(dtype, copy=False)
        lf, rf = free_axes(lhs.ndim, lc, lb), free_axes(rhs.ndim, rc, rb)
        shape = [*(lhs.shape[i] for i in (*lb, *lf)), *(rhs.shape[i] for i in rf)]
        k = size_of(lhs, lc)
        stack = [size_of(lhs, lb)] if lb else []
        a = lhs.transpose(*lb, *lf, *lc).reshape(*stack, size_of(lhs, lf), k)
        b = rhs.transpose(*rb, *rc, *rf).reshape(*stack, k, size_of(rhs, rf))
        product = np.multiply if not lc else np.matmul if lb else np.dot
        return product(a, b).reshape(shape)

    def abstract_eval(self, lhs, rhs, *, dimension_numbers, precision, preferred_element_type):
        (lc, rc), (lb, rb) = dimension_numbers
        check_axes("lhs", lhs, lc, lb)
        check_axes("rhs", rhs, rc, rb)
        if len(lb) != len(rb):
            raise TypeError("dot_general requires equal numbers of lhs_batch and rhs_batch "
                            f"dimensions, got lhs_batch {lb} and rhs_batch {rb}.")
        pairs = [(lb, rb, "lhs batch dimensions and rhs batch"), (lc, rc, "contracting")]
        for left, right, what in pairs:
            shapes = tuple(lhs.shape[i] for i in left), tuple(rhs.shape[i] for i in right)
            if shapes[0] != shapes[1]:
                raise TypeError(f"dot_general requires {what} dimensions to have the same shape, "
                                f"got {shapes[0]} and {shapes[1]}.")
        return ShapedArray([*(lhs.shape[i] for i in lb),
                            *(lhs.shape[i] for i in free_axes(lhs.ndim, lc, lb)),
                            *(rhs.shape[i] for i in free_axes(rhs.ndim, rc, rb))],
                           dot_dtype(lhs.dtype, rhs.dtype, preferred_element_type))

    def transpose_lhs(self, ct, lhs, rhs, *, dimension_numbers, **params):
        (lc, rc), (lb, rb) = dimension_numbers
        lf, rf = free_axes(lhs.ndim, lc, lb), free_axes(typeof(rhs).ndim, rc, rb)
        ct_rf = range(len(lb) + len(lf), len(lb) + len(lf) + len(rf))
        return self.product_with_ct(ct, rhs, ct_rf, rf, rb, lhs, [*lb, *lf, *by(rc, lc)], params)

    def transpose_rhs(self, ct, lhs, rhs, *, dimension_numbers, **params):
        (lc, rc), (lb, rb) = dimension_numbers
        lf, rf = free_axes(typeof(lhs).ndim, lc, lb), free_axes(rhs.ndim, rc, rb)
        ct_lf = range(len(lb), len(lb) + len(lf))
        return self.product_with_ct(ct, lhs, ct_lf, lf, lb, rhs, [*rb, *rf, *by(lc, rc)], params)

    def product_with_ct(self, ct: Any, other: Any, ct_free: Sequence[int], other_free: tuple,
                        other_batch: tuple, aval: ShapedArray, made: list[int], params: dict):
        """Contract the cotangent with the operand that is known, over the free axes of the latter.

        `made` has the axes of the unknown operand in the order in which they come out.
        """
        dims = dot_dimension_numbers(((ct_free, other_free),
                                      (range(len(other_batch)), other_batch)))
        out = self.bind(ct, other, dimension_numbers=dims, **params)
        return convert(transpose(out, np.argsort(made)), aval.dtype, False)


def by(key: Sequence[int], values: Sequence[int]) -> list[int]:
    """The values in the order of their keys."""
    return [v for _, v in sorted(zip(key, values))]


def size_of(x: np.ndarray, axes: Sequence[int]) -> int:
    n = 1
    for i in axes:
        n *= x.shape[i]
    return n


def check_axes(side: str, aval: ShapedArray, contracting: tuple, batch: tuple) -> None:
    if not all(0 <= i < aval.ndim for i in (*contracting, *batch)):
        raise TypeError(f"dot_general requires {side} dimension numbers to be nonnegative and less "
                        f"than the number of axes of the {side} value, got {side}_batch of {batch} "
                        f"and {side}_contracting of {contracting} for {side} of rank {aval.ndim}")
    for name, axes in ("batch", batch), ("contracting", contracting):
        if len(set(axes)) != len(axes):
            raise TypeError(f"dot_general requires {side} {name} dimensions to be distinct, got "
                            f"{side}_{name} {axes}.")
    if set(contracting) & set(batch):
        raise TypeError(f"dot_general requires {side} batch dimensions to be disjoint from "
                        f"contracting dimensions, got {side}_batch {batch} and "
                        f"{side}_contracting {contracting}.")


# --- dtypes ----------------------------------------------------------------------------------


def precedence(dtype: np.dtype) -> tuple:
    """Complex over real, float over integer, then range, digits, bits, sign: XLA's order."""
    kind = dtypes.kind(dtype)
    if kind in "fc":
        info = dtypes.finfo(dtype)
        return kind == "c", info.maxexp, info.nmant, info.bits, True
    return False, -1, -1, 1 if kind == "b" else dtypes.iinfo(dtype).bits, kind != "u"


@functools.lru_cache(1024)
def dot_dtype(lhs: np.dtype, rhs: np.dtype, preferred: np.dtype | None) -> np.dtype:
    """The dtype of a product: that of the operand which takes precedence, or the one asked for."""
    if lhs != rhs and precedence(lhs) == precedence(rhs):
        raise TypeError(f"lax.dot_general argument type error: {dtypes.name(lhs)}, "
                        f"{dtypes.name(rhs)}")
    own = max(lhs, rhs, key=precedence)
    if preferred is None or preferred == own:
        return own
    if dtypes.kind(own) != "f" and bit_width(preferred) < bit_width(own):
        raise TypeError("`preferred_element_type` must not be narrower than the original type, got "
                        f"preferred_element_type of {dtypes.name(preferred)} for result type of "
                        f"{dtypes.name(own)}.")
    return preferred


def bit_width(dtype: np.dtype) -> int:
    return precedence(dtype)[3]


@functools.lru_cache(1024)
def sum_dtype(lhs: np.dtype, rhs: np.dtype, preferred: np.dtype | None) -> np.dtype:
    """The dtype that products are summed in: narrow floats in float32."""
    own = dot_dtype(lhs, rhs, None)
    out = preferred or own
    widest = max(own, out, key=precedence)
    return np.dtype(np.float32) if dtypes.kind(widest) == "f" and widest.itemsize < 4 else widest


# --- batching --------------------------------------------------------------------------------


@batch.register
def _(prim: DotGeneral, axis, xs, dims, /, *, dimension_numbers, **params):
    """A batch of both operands is one more batch axis; of one operand, one more free axis."""
    (lhs, rhs), (ld, rd) = xs, dims
    (lc, rc), (lb, rb) = dimension_numbers
    lc, lb, rc, rb = shift(lc, ld), shift(lb, ld), shift(rc, rd), shift(rb, rd)
    if ld is not None and rd is not None:
        lb, rb, dim = (ld, *lb), (rd, *rb), 0
    elif ld is not None:
        dim = len(lb) + free_axes(typeof(lhs).ndim, lc, lb).index(ld)
    else:
        dim = typeof(lhs).ndim - len(lc) + free_axes(typeof(rhs).ndim, rc, rb).index(rd)
    dims = dot_dimension_numbers(((lc, rc), (lb, rb)))
    return [prim.bind(lhs, rhs, dimension_numbers=dims, **params)], [dim]


def shift(axes: Sequence[int], dim: int | None) -> tuple[int, ...]:
    """The same axes of an operand that has one more, at `dim`."""
    return tuple(i + (dim is not None and i >= dim) for i in axes)


# --- what users call -------------------------------------------------------------------------

dot_general_p = DotGeneral("dot_general")


def dot_dimension_numbers(numbers: Any) -> DotDimensionNumbers:
    return DotDimensionNumbers(
        tuple((i.__index__(),) if hasattr(i, "__index__") else tuple(map(operator.index, i))
              for i in pair) for pair in numbers)


@divisible
def dot_general(lhs: Any, rhs: Any, dimension_numbers: Any, precision: Any = None,
                preferred_element_type: Any = None, *, out_sharding: Any = None) -> Any:
    """A sum of products over the contracting axes, for each index of the batch axes.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> x, y = jnp.ones((5, 2, 3)), jnp.ones((5, 3, 4))
    >>> jax.lax.dot_general(x, y, (((2,), (1,)), ((0,), (0,)))).shape
    (5, 2, 4)

    Args:
      dimension_numbers: `((lhs contracting, rhs contracting), (lhs batch, rhs batch))`.
      precision: a `Precision`, its name, or one for each operand.
      preferred_element_type: the dtype of the result, and of the sums where it is wider.

    Returns:
      An array with the batch axes, then the other axes of `lhs`, then those of `rhs`. Its dtype is
      that of the operand with more range; narrow floats are summed in float32.

    Raises:
      TypeError: axes that do not exist, appear twice, or differ in size.
    """
    if preferred_element_type is not None:
        preferred_element_type = dtypes.check_user_dtype_supported(preferred_element_type, "dot")
    return dot_general_p.bind(lhs, rhs, dimension_numbers=dot_dimension_numbers(dimension_numbers),
                              precision=canonicalize_precision(precision),
                              preferred_element_type=preferred_element_type)


def dot(lhs: Any, rhs: Any, *, dimension_numbers: Any = None, precision: Any = None,
        preferred_element_type: Any = None) -> Any:
    """The product of two vectors or matrices; with `dimension_numbers`, `dot_general`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.lax.dot(jnp.arange(3), jnp.arange(3)))
    5
    """
    lhs_shape, rhs_shape = typeof(lhs).shape, typeof(rhs).shape
    if dimension_numbers is None:
        simple = 1 <= len(lhs_shape) <= 2 and 1 <= len(rhs_shape) <= 2
        if not simple or lhs_shape[-1] != rhs_shape[0]:
            raise ValueError(
                "jax.lax.dot: dimension_numbers must be specified when not performing simple "
                "un-batched matrix-matrix, matrix-vector, or vector-vector products; got "
                f"{lhs_shape=} {rhs_shape=}")
        dimension_numbers = (((len(lhs_shape) - 1,), (0,)), ((), ()))
    return dot_general(lhs, rhs, dimension_numbers, precision, preferred_element_type)


def batch_matmul(lhs: Any, rhs: Any, precision: Any = None) -> Any:
    """The matrix products of the last two axes, for each index of the axes before them."""
    ndims = typeof(lhs).ndim, typeof(rhs).ndim
    if min(ndims) < 2:
        raise ValueError(f"Arguments to batch_matmul must be at least 2D, got {ndims[0]}, "
                         f"{ndims[1]}")
    if ndims[0] != ndims[1]:
        raise ValueError(f"Arguments to batch_matmul must have same ndim, got {ndims[0]}, "
                         f"{ndims[1]}")
    n, lead = ndims[0], tuple(range(ndims[0] - 2))
    return dot_general(lhs, rhs, (((n - 1,), (n - 2,)), (lead, lead)), precision)
