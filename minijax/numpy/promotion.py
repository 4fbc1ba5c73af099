"""What a NumPy function does before its work: its arguments become arrays of one dtype and rank.

Python scalars take the dtype of the arrays they meet; constants of rank 0 are converted at once, so
that a program shows them as literals; lists are refused, as their elements could be traced values.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.config import flags
from minijax.core import Array, ArrayImpl, ShapedArray
from minijax.families import broadcast_in_dim, convert_element_type_p
from minijax.jit import jit
from minijax.layouts import divisible
from minijax.numpy.arguments import (
    as_value,
    canonical_shape,
    check_arraylike,
    ensure_array,
    ensure_arrays,
)

# --- arguments -------------------------------------------------------------------------------


def convert(x: Any, dtype: np.dtype, weak: bool = False) -> Any:
    """`x` of a dtype, with an equation only for what is traced or has a rank."""
    if isinstance(x, Array):
        have = x.aval
        if have.dtype == dtype and have.weak_type == weak:
            return x
        if have.shape or type(x) is not ArrayImpl or dtypes.is_key_dtype(have.dtype):
            return convert_element_type_p.bind(x, new_dtype=dtype, weak_type=weak)
        return ArrayImpl(x._value.astype(dtype), ShapedArray((), dtype, weak))
    if isinstance(x, np.ndarray) and x.ndim:
        if dtypes.canonicalize_value_dtype(x) == dtype and not weak:
            return x
        return convert_element_type_p.bind(x, new_dtype=dtype, weak_type=weak)
    if type(x) is not float:  # an integer that does not fit wraps around
        x = np.asarray(x) if isinstance(x, (np.ndarray, np.generic)) else dtypes.coerce_to_array(x)
        return ArrayImpl(x.astype(dtype), ShapedArray((), dtype, weak))
    return ArrayImpl(np.array(x, dtype), ShapedArray((), dtype, weak))


def promote_dtypes(*args: Any) -> list[Any]:
    """To the dtype that all of `args` become together."""
    if any(isinstance(x, Array) and dtypes.is_key_dtype(x.aval.dtype) for x in args):
        return [*map(as_value, args)]  # nothing is common to keys and numbers: to be refused
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
        dtype = np.dtype(np.int32)
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


@divisible
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
    if not (isinstance(x, Array) and isinstance(y, Array)):
        return False
    a, b = x.aval, y.aval
    return (a.dtype is b.dtype and a.weak_type is b.weak_type
            and (len(a.shape) == len(b.shape) or not a.shape or not b.shape))


def unwrap(name: str, args: Sequence[Any]) -> list[Any]:
    """The arguments checked, and the arrays of those that stand for one."""
    check_arraylike(name, *args)
    return [x.__jax_array__() if hasattr(x, "__jax_array__") else x for x in args]


def with_scalar(x: Any, y: Any) -> Any:
    """y, a Python number, as an array of the dtype of x, if that is a floating one in use."""
    if isinstance(x, Array) and (type(y) is float or type(y) is int):
        aval = x.aval
        if aval.dtype.kind == "f" and dtypes.canonical_dtype(aval.dtype) is aval.dtype:
            y = y if type(y) is float else dtypes.coerce_to_array(y)  # no integer that is too large
            return ArrayImpl(np.array(y, aval.dtype), ShapedArray((), aval.dtype, aval.weak_type))
    return None


def promote_args(name: str, *args: Any) -> Sequence[Any]:
    """Check the arguments of function `name`, promote their dtypes and ranks."""
    if len(args) == 2:
        x, y = args
        if same_type(x, y):
            return args
        if (scalar := with_scalar(x, y)) is not None:
            return x, scalar
        if (scalar := with_scalar(y, x)) is not None:
            return scalar, y
    return promote_shapes(name, *promote_dtypes(*unwrap(name, args)))


def promote_args_inexact(name: str, *args: Any) -> Sequence[Any]:
    """The same; integers become floats."""
    if is_ready(args, "fc"):
        return args
    if len(args) == 2:
        x, y = args
        if (scalar := with_scalar(x, y)) is not None:
            return x, scalar
        if (scalar := with_scalar(y, x)) is not None:
            return scalar, y
    return promote_shapes(name, *promote_inexact(*unwrap(name, args)))


def promote_args_numeric(name: str, *args: Any) -> Sequence[Any]:
    """The same; Booleans become integers."""
    if is_ready(args, "fciu"):
        return args
    return promote_shapes(name, *promote_numeric(*unwrap(name, args)))


def is_ready(args: Sequence[Any], kinds: str) -> bool:
    first = args[0]
    return (isinstance(first, Array) and first.aval.dtype.kind in kinds
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
