"""Operations that make arrays out of nothing, of one value, or of the bits of another array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import ArrayImpl, Primitive, ShapedArray, Tracer, typeof
from minijax.families import Axiswise, broadcast_in_dim, convert
from minijax.lax.shapes import canonicalize_shape, check_shapelike
from minijax.layouts import divisible, put
from minijax.parallel.shardings import DividedArray

__all__ = [
    "bitcast_convert_type", "bitcast_convert_type_p", "broadcasted_iota", "empty", "empty_p",
    "full", "full_like", "iota", "iota_p",
]


# --- counting --------------------------------------------------------------------------------


class Iota(Primitive):
    """0, 1, 2, ... along the axis `dimension`."""

    def impl(self, *, dtype, shape, dimension):
        along = [-1 if i == dimension else 1 for i in range(len(shape))]
        return np.broadcast_to(np.arange(shape[dimension]).astype(dtype).reshape(along), shape)

    def abstract_eval(self, *, dtype, shape, dimension):
        check_shapelike("iota", "shape", shape)
        if dtypes.kind(dtype) not in "iufc":
            raise TypeError(f"iota does not accept dtype {dtypes.name(dtype)}. Accepted dtypes are "
                            "subtypes of integer, floating, complexfloating.")
        if not 0 <= dimension < len(shape):
            raise ValueError("iota dimension must be between 0 and len(shape), got "
                             f"{dimension=} for {shape=}")
        return ShapedArray(shape, dtype)


iota_p = Iota("iota")


def iota(dtype: Any, size: int) -> Any:
    """The numbers 0, 1, ..., size - 1.

    >>> import minijax as jax
    >>> jax.lax.iota("int32", 3)
    Array([0, 1, 2], dtype=int32)
    """
    return broadcasted_iota(dtype, (size,), 0)


@divisible
def broadcasted_iota(dtype: Any, shape: Sequence[int], dimension: int, *, out_sharding: Any = None
                     ) -> Any:
    """An array of `shape` whose element is its own index along the axis `dimension`.

    >>> import minijax as jax
    >>> jax.lax.broadcasted_iota("int32", (2, 3), 1)
    Array([[0, 1, 2],
           [0, 1, 2]], dtype=int32)
    """
    dtype = dtypes.check_user_dtype_supported(dtype, "broadcasted_iota")
    return iota_p.bind(dtype=dtype, shape=canonicalize_shape(shape), dimension=int(dimension))


# --- one value -------------------------------------------------------------------------------


def of_dtype(value: Any, dtype: np.dtype) -> ArrayImpl:
    """A constant of just this dtype. (A NumPy one of 64 bits counts as one of 32.)"""
    return ArrayImpl(np.array(value, dtype))


def full(shape: Sequence[int], fill_value: Any, dtype: Any = None) -> Any:
    """An array of `shape` whose elements are all `fill_value`.

    >>> import minijax as jax
    >>> jax.lax.full((2, 2), 7, "float32")
    Array([[7., 7.],
           [7., 7.]], dtype=float32)

    Args:
      fill_value: a scalar.
      dtype: that of the result; by default that of `fill_value`, and weak as it is.
    """
    aval = typeof(fill_value)
    if aval.shape:
        raise TypeError("full must be called with scalar fill_value, got fill_value.shape "
                        f"{aval.shape}.")
    if dtype is not None:
        aval = ShapedArray((), dtypes.check_user_dtype_supported(dtype, "full"))
    return filled(shape, fill_value, aval)


def filled(shape: Sequence[int], fill_value: Any, aval: ShapedArray) -> Any:
    """The value as an element of type `aval`, repeated."""
    shape = canonicalize_shape(shape)
    check_shapelike("broadcast_in_dim", "shape", shape)
    return broadcast_in_dim(convert(fill_value, aval.dtype, aval.weak_type), shape, ())


def full_like(x: Any, fill_value: Any, dtype: Any = None, shape: Sequence[int] | None = None
              ) -> Any:
    """An array like `x`, in shape and dtype, whose elements are all `fill_value`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.full_like(jnp.ones(3), 7)
    Array([7., 7., 7.], dtype=float32)
    """
    aval = x.aval if hasattr(x, "aval") else typeof(x)
    wanted = aval.shape if shape is None else shape
    if dtype is not None:
        aval = ShapedArray((), dtypes.check_user_dtype_supported(dtype, "full_like"))
    out = filled(wanted, fill_value, aval)
    if shape is None and isinstance(x, DividedArray) and isinstance(out, ArrayImpl):
        return x._sharding.array(out._value, out.aval)  # divided like x
    if shape is None and isinstance(x, Tracer) and aval.divided:
        return put(aval.divided, out)
    return out


class Empty(Primitive):
    """An array of any values; here they are zeros."""

    def impl(self, *, dtype, shape):
        return np.broadcast_to(np.zeros((), dtype), shape)

    def abstract_eval(self, *, dtype, shape):
        check_shapelike("empty", "shape", shape)
        return ShapedArray(shape, dtype)


empty_p = Empty("empty")


def empty(shape: Sequence[int], dtype: Any) -> Any:
    """An array of `shape` of which only the type matters; the values happen to be zeros."""
    shape = canonicalize_shape(shape if isinstance(shape, Sequence) else (shape,))
    return empty_p.bind(dtype=dtypes.check_user_dtype_supported(dtype, "empty"), shape=shape)


# --- the same bits ---------------------------------------------------------------------------


class BitcastConvertType(Axiswise):
    """The same bits as another dtype: a narrower one adds an axis, a wider one takes the last."""

    def impl(self, x, *, new_dtype):
        shape = self.abstract_eval(x, new_dtype=new_dtype).shape
        return np.ascontiguousarray(x).reshape(-1).view(new_dtype).reshape(shape)

    def abstract_eval(self, x, *, new_dtype):
        old, new = x.dtype, new_dtype
        if old != new and not set(map(dtypes.kind, (old, new))) <= set("iuf"):
            raise TypeError("lax.bitcast_convert_type does not support bool or complex values "
                            "unless the operand and destination types match. Got operand dtype="
                            f"{dtypes.name(old)}, new_dtype={dtypes.name(new)}. Consider using "
                            "the arr.view() method instead.")
        if old.itemsize >= new.itemsize:
            ratio = old.itemsize // new.itemsize
            return ShapedArray((*x.shape, ratio) if ratio > 1 else x.shape, new)
        last = x.shape[-1] if x.shape else 1
        if last * old.itemsize != new.itemsize:
            raise ValueError(
                f"Attempting to convert array of shape {x.shape} from {dtypes.name(old)} of size "
                f"{8 * old.itemsize} bits to {dtypes.name(new)} of size {8 * new.itemsize} bits, "
                f"but {last} * {8 * old.itemsize} != {8 * new.itemsize}")
        return ShapedArray(x.shape[:-1], new)

    def weak_type_rule(self, avals, params):
        return False

    def linearize(self, active, x, *, new_dtype):
        return [self.bind(x, new_dtype=new_dtype)], [False], None

    def shift(self, params, size):
        return params


bitcast_convert_type_p = BitcastConvertType("bitcast_convert_type")


def bitcast_convert_type(operand: Any, new_dtype: Any) -> Any:
    """The bits of `operand`, read as `new_dtype`.

    The shape stays if the dtypes have the same size. A narrower dtype adds a last axis; for a
    wider one the last axis holds the parts of one element, and is gone.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.bitcast_convert_type(jnp.float32(1.0), "uint8")
    Array([  0,   0, 128,  63], dtype=uint8)

    Raises:
      ValueError: a last axis that does not make up one element of the wider dtype.
      TypeError: bool and complex, except to the same dtype.
    """
    new_dtype = dtypes.check_user_dtype_supported(new_dtype, "bitcast_convert_type")
    return bitcast_convert_type_p.bind(operand, new_dtype=new_dtype)
