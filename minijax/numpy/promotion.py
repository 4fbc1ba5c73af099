"""What a NumPy function does before its work: its arguments become arrays of one dtype and rank.

Python scalars take the dtype of the arrays they meet; constants of rank 0 are converted at once, so
that a program shows them as literals; lists are refused, as their elements could be traced values.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.config import flags
from minijax.core import Array, ShapedArray, Tracer, Value, typeof
from minijax.families import broadcast_in_dim, convert_element_type_p
from minijax.jit import jit
from minijax.lax.shapes import not_a_shape

ARRAYLIKE = (Value, np.ndarray, np.generic, int, float, complex)

# --- arguments -------------------------------------------------------------------------------


def is_arraylike(x: Any) -> bool:
    return isinstance(x, ARRAYLIKE) or hasattr(x, "__jax_array__")


def check_arraylike(name: str, *args: Any) -> None:
    """TypeError for a list, a string or whatever else is not an array."""
    for i, x in enumerate(args):
        if not is_arraylike(x):
            raise TypeError(f"{name} requires ndarray or scalar arguments, got {type(x)} at "
                            f"position {i}.")


def check_arraylike_or_none(name: str, *args: Any) -> None:
    for i, x in enumerate(args):
        if x is not None and not is_arraylike(x):
            raise TypeError(f"{name} requires ndarray, scalar, or None arguments, got {type(x)} "
                            f"at position {i}.")


def as_value(x: Any) -> Any:
    """An argument as an `Array` or a tracer; it must be arraylike."""
    if isinstance(x, Value):
        return x
    if hasattr(x, "__jax_array__"):
        return x.__jax_array__()
    aval = typeof(x)
    return Array(np.array(dtypes.coerce_to_array(x, aval.dtype)), aval)


def ensure_array(name: str, x: Any) -> Any:
    """`x` as an `Array` or a tracer. TypeError for a list."""
    if isinstance(x, Value):
        return x
    check_arraylike(name, x)
    return as_value(x)


def ensure_arrays(name: str, *args: Any) -> list[Any]:
    check_arraylike(name, *args)
    return [as_value(x) for x in args]


def refuse(name: str, **unsupported: Any) -> None:
    """NotImplementedError for an argument that only NumPy can honour."""
    for argument, value in unsupported.items():
        if value is not None:
            raise NotImplementedError(f"The '{argument}' argument to jnp.{name} is not supported.")


def concrete(x: Any, why: str) -> np.ndarray:
    """The value of an argument that cannot be traced."""
    return np.asarray(x.concrete_or_error(why) if isinstance(x, Tracer) else x)


# --- axes ------------------------------------------------------------------------------------


def canonical_axis(axis: Any, ndim: int, name: str = "") -> int:
    """`axis` counted from the front. ValueError if there is no such axis."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        where = f"{name} " if name else ""
        raise ValueError(f"{where}axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


def canonical_axes(axis: Any, ndim: int, name: str = "") -> tuple[int, ...]:
    """One axis, several, or (None) all of them."""
    if axis is None:
        return tuple(range(ndim))
    if isinstance(axis, Sequence):
        axes = tuple(canonical_axis(a, ndim, name) for a in axis)
        if len(set(axes)) != len(axes):
            raise ValueError(f"repeated axis in {name or 'axis'}: {axis}")
        return axes
    return (canonical_axis(axis, ndim, name),)


def canonical_shape(shape: Any, name: str = "") -> tuple[int, ...]:
    """A shape from one integer or from several. TypeError for anything that is not an integer."""
    try:
        return (operator.index(shape),)
    except TypeError:
        pass
    try:
        sizes = tuple(operator.index(n) for n in shape)
    except TypeError:
        raise not_a_shape(shape) from None
    return sizes


# --- dtypes ----------------------------------------------------------------------------------


def convert(x: Any, dtype: np.dtype, weak: bool = False) -> Any:
    """`x` of a dtype, with an equation only for what is traced or has a rank."""
    if isinstance(x, Value):
        have = x.aval
        if have.dtype == dtype and have.weak_type == weak:
            return x
        if have.shape or type(x) is not Array or dtypes.is_key_dtype(have.dtype):
            return convert_element_type_p.bind(x, new_dtype=dtype, weak_type=weak)
        return Array(x._value.astype(dtype), ShapedArray((), dtype, weak))
    if isinstance(x, np.ndarray) and x.ndim:
        if dtypes.canonicalize_value_dtype(x) == dtype and not weak:
            return x
        return convert_element_type_p.bind(x, new_dtype=dtype, weak_type=weak)
    if hasattr(x, "__jax_array__"):
        return convert(x.__jax_array__(), dtype, weak)
    if type(x) is not float:  # an integer that does not fit wraps around
        x = np.asarray(x) if isinstance(x, (np.ndarray, np.generic)) else dtypes.coerce_to_array(x)
        return Array(x.astype(dtype), ShapedArray((), dtype, weak))
    return Array(np.array(x, dtype), ShapedArray((), dtype, weak))


def promote_dtypes(*args: Any) -> list[Any]:
    """To the dtype that all of `args` become together."""
    dtype, weak = dtypes.lattice_result_type(*map(dtypes.dtype_and_weak_type, args))
    return [convert(x, dtype, weak) for x in args]


def promote_inexact(*args: Any) -> list[Any]:
    """The same, to a floating or complex dtype."""
    dtype, weak = dtypes.lattice_result_type(*map(dtypes.dtype_and_weak_type, args))
    dtype = dtypes.to_inexact_dtype(dtype)
    return [convert(x, dtype, weak) for x in args]


def promote_numeric(*args: Any) -> list[Any]:
    """The same, to a dtype that is not bool."""
    dtype, weak = dtypes.lattice_result_type(*map(dtypes.dtype_and_weak_type, args))
    if dtype.kind == "b":
        dtype = dtypes.default_int_dtype()
    return [convert(x, dtype, weak) for x in args]


def promote_complex(*args: Any) -> list[Any]:
    """The same, to a complex dtype."""
    dtype, weak = dtypes.lattice_result_type(*map(dtypes.dtype_and_weak_type, args))
    dtype = dtypes.to_complex_dtype(dtype)
    return [convert(x, dtype, weak) for x in args]


# --- ranks -----------------------------------------------------------------------------------


def promote_shapes(name: str, *args: Any) -> list[Any]:
    """To one rank: leading axes of size 1 are added; rank 0 stays, operations take it as it is."""
    shapes = [np.shape(x) for x in args]
    if len({len(s) for s in shapes if s}) < 2:
        return list(args)
    if flags.jax_numpy_rank_promotion != "allow":
        complain_of_rank_promotion(name, shapes)
    rank = len(broadcast_shapes(*shapes))
    return [raise_rank(x, rank) for x in args]


def complain_of_rank_promotion(name: str, shapes: Sequence[tuple[int, ...]]) -> None:
    shown = " ".join(map(str, shapes))
    advice = "see https://docs.jax.dev/en/latest/rank_promotion_warning.html."
    if flags.jax_numpy_rank_promotion == "warn":
        warnings.warn(f"Following NumPy automatic rank promotion for {name} on shapes {shown}. Set "
                      "the jax_numpy_rank_promotion config option to 'allow' to disable this "
                      f"warning; for more information, {advice}", stacklevel=4)
    else:
        raise ValueError(f"Operands could not be broadcast together for {name} on shapes {shown} "
                         "and with the config option jax_numpy_rank_promotion='raise'. For more "
                         f"information, {advice}")


def raise_rank(x: Any, rank: int) -> Any:
    """With leading axes of size 1."""
    shape = np.shape(x)
    if len(shape) == rank:
        return x
    new = rank - len(shape)
    return broadcast_in_dim(x, (1,) * new + shape, range(new, rank))


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that arrays of these shapes broadcast to. ValueError if they do not.

    >>> broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    full = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    rank = max(map(len, full), default=0)
    out = [1] * rank
    for shape in full:
        for i, n in enumerate(shape, rank - len(shape)):
            if out[i] == 1:
                out[i] = n
            elif n not in (1, out[i]):
                raise ValueError("Incompatible shapes for broadcasting: "
                                 f"shapes={[*map(tuple, full)]}")
    return tuple(out)


def broadcast_to(array: Any, shape: Any, *, out_sharding: Any = None) -> Any:
    """`array` repeated along axes of size 1, and along new leading ones, to `shape`.

    >>> import minijax.numpy as jnp
    >>> jnp.broadcast_to(jnp.arange(2), (2, 2))
    Array([[0, 1],
           [0, 1]], dtype=int32)
    """
    x = ensure_array("broadcast_to", array)
    shape = canonical_shape(shape)
    if x.shape == shape:
        return x
    new = len(shape) - x.ndim
    if new < 0 or any(n not in (1, m) for n, m in zip(x.shape, shape[new:])):
        raise ValueError(f"Incompatible shapes for broadcasting: {x.shape} and requested shape "
                         f"{shape}")
    return broadcast_in_dim(x, shape, range(new, len(shape)))


# --- all together ----------------------------------------------------------------------------


def same_type(x: Any, y: Any) -> bool:
    """Whether two arguments need no promotion. This is the common case, so it comes first."""
    if not (isinstance(x, Value) and isinstance(y, Value)):
        return False
    a, b = x.aval, y.aval
    return (a.dtype is b.dtype and a.weak_type is b.weak_type
            and (len(a.shape) == len(b.shape) or not a.shape or not b.shape))


def promote_args(name: str, *args: Any) -> Sequence[Any]:
    """Check the arguments of function `name`, promote their dtypes and ranks."""
    if len(args) == 2 and same_type(*args):
        return args
    check_arraylike(name, *args)
    return promote_shapes(name, *promote_dtypes(*args))


def promote_args_inexact(name: str, *args: Any) -> Sequence[Any]:
    """The same; integers become floats."""
    if is_ready(args, "fc"):
        return args
    check_arraylike(name, *args)
    return promote_shapes(name, *promote_inexact(*args))


def promote_args_numeric(name: str, *args: Any) -> Sequence[Any]:
    """The same; Booleans become integers."""
    if is_ready(args, "fciu"):
        return args
    check_arraylike(name, *args)
    return promote_shapes(name, *promote_numeric(*args))


def is_ready(args: Sequence[Any], kinds: str) -> bool:
    first = args[0]
    return (isinstance(first, Value) and first.aval.dtype.kind in kinds
            and (len(args) == 1 or (len(args) == 2 and same_type(first, args[1]))))


# --- choosing --------------------------------------------------------------------------------


def broadcast_all(*args: Any) -> list[Any]:
    shape = broadcast_shapes(*map(np.shape, args))
    return [broadcast_to(x, shape) for x in args]


@jit
def _where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, y elsewhere; the three broadcast."""
    condition, x, y = ensure_arrays("where", condition, x, y)
    if condition.dtype.kind != "b":
        condition = lax.ne(condition, 0)
    x, y = promote_dtypes(x, y)
    if condition.ndim:
        condition, x, y = broadcast_all(condition, x, y)
    else:
        x, y = broadcast_all(x, y)
    return lax.select(condition, x, y) if x.size else x
