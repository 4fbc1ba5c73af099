"""Arrays from Python objects, and arrays filled with one value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.core import Array, ArrayImpl, Tracer
from minijax.numpy.arguments import (
    as_value,
    canonical_shape,
    check_arraylike,
    ensure_array,
    live,
    placeable,
)
from minijax.numpy.promotion import broadcast_to, convert

# --- from objects ----------------------------------------------------------------------------


@placeable
def array(object: Any, dtype: Any = None, *, copy: bool = True, order: str | None = "K",
          ndmin: int = 0, device: Any = None, out_sharding: Any = None) -> Any:
    """An array of a scalar, an array, or nested lists of them, which may be traced.

    >>> import minijax.numpy as jnp
    >>> jnp.array([[1, 2], [3, 4.5]]), jnp.array(2)
    (Array([[1. , 2. ],
           [3. , 4.5]], dtype=float32), Array(2, dtype=int32, weak_type=True))

    Args:
      dtype: 64-bit dtypes become 32-bit ones, with a warning, unless `jax_enable_x64` is set.
        Without a dtype a Python scalar keeps its weak type.

    Raises:
      TypeError: an object that no array can hold.
      OverflowError: a Python integer that does not fit.
    """
    if order not in (None, "K"):
        raise NotImplementedError("Only implemented for order='K'")
    if dtype is not None:
        dtype = dtypes.check_user_dtype_supported(dtype, "array")
    out = build(object, dtype, copy)
    if ndmin > out.ndim:
        out = lax.expand_dims(out, range(ndmin - out.ndim))
    return out


@placeable
def asarray(a: Any, dtype: Any = None, order: str | None = None, *, copy: bool | None = None,
            device: Any = None, out_sharding: Any = None) -> Any:
    """`array`, without a copy of what is already an array."""
    if dtype is None and isinstance(a, Array) and not copy:
        return live(a)
    if dtype is not None:
        dtype = dtypes.check_user_dtype_supported(dtype, "asarray")
    return array(a, dtype, copy=bool(copy), order=order)


def copy(a: Any, order: str | None = None) -> Any:
    """A copy of an array, or an array of a scalar."""
    check_arraylike("copy", a)
    return array(a, copy=True, order=order)


def build(x: Any, dtype: np.dtype | None, copy: bool) -> Any:
    """An array of `x`; with `copy`, a new one. Without a dtype, the one that its parts have."""
    if hasattr(x, "__jax_array__"):
        x = x.__jax_array__()
    if isinstance(x, Array):
        x = duplicate(x) if copy else live(x)
        return x if dtype is None else convert(x, dtype)
    if isinstance(x, (list, tuple)):
        return build_from_list(x, dtype)
    if type(x) in dtypes.PYTHON_SCALARS:
        if dtype is None:
            return as_value(x)
        return ArrayImpl(np.array(dtypes.coerce_to_array(x, dtype)))
    if x is None:
        raise ValueError("None is not a valid value for jnp.array")
    x = np.asarray(x)
    wanted = dtypes.canonicalize_value_dtype(x) if dtype is None else dtype
    return ArrayImpl(np.array(x, wanted))


def duplicate(x: Any) -> Any:
    return ArrayImpl(x._value, x.aval) if type(x) is ArrayImpl else lax.copy_p.bind(x)


def build_from_list(x: Any, dtype: np.dtype | None) -> Any:
    leaves = list(flatten(x))
    if dtype is None:
        kinds = {(dtype_of(v), type(v) in dtypes.PYTHON_SCALARS and type(v) is not bool)
                 for v in leaves}
        dtype = dtypes.lattice_result_type(*kinds)[0] if kinds else dtypes.default_float_dtype()
    if any(isinstance(v, Tracer) for v in leaves):
        return join([lax.expand_dims(build(v, dtype, False), (0,)) for v in x])
    return ArrayImpl(np.array(untie(x), dtype))


def flatten(x: Any) -> Iterator[Any]:
    """The elements of nested lists."""
    if isinstance(x, (list, tuple)):
        for v in x:
            yield from flatten(v)
    elif x is None:
        raise ValueError("None is not a valid value for jnp.array")
    else:
        yield x.__jax_array__() if hasattr(x, "__jax_array__") else x


def dtype_of(x: Any) -> np.dtype:
    try:
        return dtypes.dtype_and_weak_type(x)[0]
    except TypeError:
        return dtypes.canonicalize_value_dtype(np.asarray(x))


def untie(x: Any) -> Any:
    """Nested lists as NumPy understands them."""
    if isinstance(x, (list, tuple)):
        return [untie(v) for v in x]
    if hasattr(x, "__jax_array__"):
        x = x.__jax_array__()
    return np.asarray(x) if isinstance(x, Array) else x


def join(rows: list[Any]) -> Any:
    """Concatenate, sixteen at a time."""
    while len(rows) > 16:
        rows = [lax.concatenate(rows[i:i + 16], 0) for i in range(0, len(rows), 16)]
    return lax.concatenate(rows, 0)


@placeable
def astype(x: Any, dtype: Any, /, *, copy: bool = False, device: Any = None) -> Any:
    """`x` in another dtype; None is the default float. A complex number loses its imaginary part.

    >>> import minijax.numpy as jnp
    >>> jnp.arange(3).astype(jnp.float32)
    Array([0., 1., 2.], dtype=float32)
    """
    x = ensure_array("astype", x)
    dtype = dtypes.check_user_dtype_supported(float if dtype is None else dtype, "astype")
    if x.dtype.kind == "c" and dtype.kind == "b":
        x = lax.ne(x, 0)
    x = convert(x, dtype)
    return duplicate(x) if copy else x


@placeable
def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """An array of what another library exports by DLPack."""
    return asarray(np.from_dlpack(x))


def frombuffer(buffer: Any, dtype: Any = float, count: int = -1, offset: int = 0) -> Any:
    """The numbers in a bytes object, in one dimension."""
    return asarray(np.frombuffer(buffer, dtype, count, offset))


def fromstring(string: str, dtype: Any = float, count: int = -1, *, sep: str) -> Any:
    """The numbers written in a string, separated by `sep`."""
    return asarray(np.fromstring(string, dtype, count, sep=sep))


def fromfile(*args: Any, **kwargs: Any) -> Any:
    """Not offered: reading a file has no place in a traced function."""
    raise not_pure("fromfile")


def fromiter(*args: Any, **kwargs: Any) -> Any:
    """Not offered: an iterator can be consumed only once."""
    raise not_pure("fromiter")


def not_pure(name: str) -> NotImplementedError:
    return NotImplementedError(
        f"jnp.{name}() is not implemented because it may be non-pure and thus unsafe for use with "
        f"JIT and other JAX transformations. Consider using jnp.asarray(np.{name}(...)) instead.")


# --- filled ----------------------------------------------------------------------------------


def filled(name: str, shape: Any, value: Any, dtype: Any) -> Any:
    if isinstance(shape, int) and isinstance(dtype, int) and not isinstance(dtype, bool):
        raise TypeError(f"Cannot interpret '{dtype}' as a data type.\n\nDid you accidentally write "
                        f"`jax.numpy.{name}({shape}, {dtype})` when you meant `jax.numpy.{name}"
                        f"(({shape}, {dtype}))`, i.e. with a single tuple argument for the shape?")
    dtype = dtypes.check_user_dtype_supported(float if dtype is None else dtype, name, 4)
    return lax.full(canonical_shape(shape), value, dtype)


@placeable
def zeros(shape: Any, dtype: Any = None, *, device: Any = None, out_sharding: Any = None) -> Any:
    """An array of zeros, of float32 unless a dtype is given."""
    return filled("zeros", shape, 0, dtype)


@placeable
def ones(shape: Any, dtype: Any = None, *, device: Any = None, out_sharding: Any = None) -> Any:
    """An array of ones, of float32 unless a dtype is given."""
    return filled("ones", shape, 1, dtype)


@placeable
def empty(shape: Any, dtype: Any = None, *, device: Any = None, out_sharding: Any = None) -> Any:
    """An array of zeros: there is no uninitialised memory to see."""
    return filled("empty", shape, 0, dtype)


@placeable
def full(shape: Any, fill_value: Any, dtype: Any = None, *, device: Any = None,
         out_sharding: Any = None) -> Any:
    """An array filled with a value, or with an array that broadcasts to `shape`.

    >>> import minijax.numpy as jnp
    >>> jnp.full((2, 2), jnp.array([1, 2]))
    Array([[1, 2],
           [1, 2]], dtype=int32)
    """
    check_arraylike("full", fill_value)
    if dtype is not None:
        dtype = dtypes.check_user_dtype_supported(dtype, "full")
    if np.ndim(fill_value):
        return broadcast_to(asarray(fill_value, dtype), shape)
    return lax.full(canonical_shape(shape), fill_value, dtype)


def like(name: str, a: Any, value: Any, dtype: Any, shape: Any) -> Any:
    if not (hasattr(a, "dtype") and hasattr(a, "shape")):
        check_arraylike(name, a)
        a = as_value(a)
    if dtype is not None:
        dtype = dtypes.check_user_dtype_supported(dtype, name, 4)
    shape = None if shape is None else canonical_shape(shape)
    if np.ndim(value):
        dtype = dtypes.result_type(a) if dtype is None else dtype
        return broadcast_to(asarray(value, dtype), a.shape if shape is None else shape)
    return lax.full_like(a, value, dtype, shape)


@placeable
def zeros_like(a: Any, dtype: Any = None, shape: Any = None, *, device: Any = None,
               out_sharding: Any = None) -> Any:
    """Zeros, of the shape and dtype of `a` unless others are given."""
    return like("zeros_like", a, 0, dtype, shape)


@placeable
def ones_like(a: Any, dtype: Any = None, shape: Any = None, *, device: Any = None,
              out_sharding: Any = None) -> Any:
    """Ones, of the shape and dtype of `a` unless others are given."""
    return like("ones_like", a, 1, dtype, shape)


@placeable
def empty_like(prototype: Any, dtype: Any = None, shape: Any = None, *, device: Any = None) -> Any:
    """The same as `zeros_like`."""
    return like("empty_like", prototype, 0, dtype, shape)


@placeable
def full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None, *, device: Any = None,
              out_sharding: Any = None) -> Any:
    """Filled with a value, of the shape and dtype of `a` unless others are given."""
    check_arraylike("full_like", fill_value)
    return like("full_like", a, fill_value, dtype, shape)
