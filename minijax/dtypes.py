"""Element types: which there are, which are in use, and what they become together.

Every dtype is a `numpy.dtype`; bfloat16 and the narrow types are of `ml_dtypes`. A random key is
one element of a structured dtype, `key_dtype`, so shapes, indexing and broadcasting of keys are
NumPy's own. A structured dtype goes by the name of its only field.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from minijax import promotion
from minijax.config import flags
from minijax.promotion import TypePromotionError as TypePromotionError

# --- which there are -------------------------------------------------------------------------


def _dtypes(names: list[str]) -> tuple[np.dtype, ...]:
    """Those of the names that this version of ml_dtypes knows."""
    scalars = (getattr(np, n, None) or getattr(ml_dtypes, n, None) for n in names)
    return tuple(np.dtype(s) for s in scalars if s is not None)


KINDS = {
    "bool": _dtypes(["bool"]),
    "signed integer": _dtypes(promotion.INTS),
    "unsigned integer": _dtypes(promotion.UINTS),
    "real floating": _dtypes(promotion.FLOATS),
    "complex floating": _dtypes(promotion.COMPLEXES),
}
_KIND = {d: k for k, kind in zip("biufc", KINDS.values(), strict=True) for d in kind}
KINDS["integral"] = KINDS["signed integer"] + KINDS["unsigned integer"]
KINDS["numeric"] = KINDS["integral"] + KINDS["real floating"] + KINDS["complex floating"]
_KIND_NAMES = {"b": "bool", "i": "signedinteger", "u": "unsignedinteger", "n": "integer",
               "f": "floating", "c": "complexfloating", "V": "key"}

bfloat16, finfo, iinfo = ml_dtypes.bfloat16, ml_dtypes.finfo, ml_dtypes.iinfo
float0 = np.dtype([("float0", np.void, 0)])  # the tangents of integers: they carry nothing
_FRY = "key<fry>"  # JAX's name for a Threefry key
key_dtype = np.dtype([(_FRY, np.uint32, (2,))])


@functools.cache
def name(dtype: np.dtype) -> str:
    """float32, bfloat16, key<fry>, float0."""
    return dtype.names[0] if dtype.names else dtype.name


@functools.cache
def short_name(dtype: np.dtype) -> str:
    """f32, bf16, i32, u8, c64, bool, key<fry>, float0."""
    long = name(dtype)
    return long if dtype.names else (long.replace("float", "f").replace("uint", "u")
                                     .replace("int", "i").replace("complex", "c"))


short_dtype_name = short_name  # as JAX calls it


def kind(dtype: np.dtype) -> str:
    """b, i, u, f or c, also for bfloat16 and the narrow types; V for what is not a number."""
    return _KIND.get(dtype, "V")


def kind_names(kinds: str) -> str:
    """NumPy's names of some kinds, for messages.

    >>> kind_names("iuf")
    'integer, floating'
    """
    return ", ".join(_KIND_NAMES[k] for k in kinds.replace("iu", "n"))


def is_inexact(dtype: np.dtype) -> bool:
    return kind(dtype) in "fc"


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether `dtype` is of a kind: a name in `KINDS`, a dtype, or a tuple of these."""
    allowed: set = set()
    for k in kind if isinstance(kind, tuple) else (kind,):
        try:
            allowed.update(KINDS[k] if isinstance(k, str) and k in KINDS else [np.dtype(k)])
        except TypeError:
            if isinstance(k, str):
                raise ValueError(f"Unrecognized kind={k!r} expected one of {[*KINDS]}") from None
            raise TypeError(f"Expected kind to be a dtype, string, or tuple; got {kind=}") from None
    return np.dtype(dtype) in allowed


# --- keys ------------------------------------------------------------------------------------


class extended(np.generic):
    """The abstract class of elements that are not numbers, for `issubdtype`."""


class prng_key(extended):
    """The abstract class of random keys: `issubdtype(key.dtype, prng_key)`."""


class ExtendedDType:
    """How `key.dtype` looks to users: prints `key<fry>`, works as the NumPy dtype it wraps."""

    type = prng_key
    kind = "V"

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype  # np.dtype(self) finds it here
        self.name, self.itemsize = name(dtype), dtype.itemsize

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return self.dtype == getattr(other, "dtype", other)

    def __hash__(self) -> int:
        return hash(self.dtype)


_KEY_TYPE = ExtendedDType(key_dtype)


def is_key_dtype(dtype: np.dtype) -> bool:
    return dtype.names == (_FRY,)


def public_dtype(dtype: np.dtype) -> Any:
    """What `x.dtype` shows to users: the dtype, or for keys the wrapper that prints `key<fry>`."""
    return _KEY_TYPE if is_key_dtype(dtype) else dtype


def key_text(value: np.ndarray) -> str:
    """How an array of keys prints; empty for other arrays."""
    if not is_key_dtype(value.dtype):
        return ""
    return f"Array({value.shape}, dtype={_FRY}) overlaying:\n{value[_FRY]}"


# --- the hierarchy of kinds --------------------------------------------------------------------

_ABSTRACT = {"i": np.signedinteger, "u": np.unsignedinteger, "f": np.floating}
_PARENT = {d.type: _ABSTRACT[k] for d, k in _KIND.items()  # ml_dtypes stands outside of NumPy's
           if not issubclass(d.type, (np.number, np.bool_))}


def _scalar_class(x: Any) -> type:
    if isinstance(x, type) and issubclass(x, np.generic):
        return x
    dtype = np.dtype(x)
    return prng_key if is_key_dtype(dtype) else dtype.type


@functools.lru_cache(1024)
def issubdtype(a: Any, b: Any) -> bool:
    """Whether dtype `a` is, or is a kind of, `b`.

    >>> issubdtype("bfloat16", np.floating)
    True
    """
    a, b = _scalar_class(a), _scalar_class(b)
    return issubclass(a, b) or issubclass(_PARENT.get(a, a), b)


# --- which are in use: 64 bits only with jax_enable_x64 ----------------------------------------

_ALL = {d: d for d in (*_KIND, float0, key_dtype)}
_CANONICAL = (_ALL | {  # indexed by jax_enable_x64
    np.dtype("int64"): np.dtype("int32"), np.dtype("uint64"): np.dtype("uint32"),
    np.dtype("float64"): np.dtype("float32"), np.dtype("complex128"): np.dtype("complex64"),
}, _ALL)
_WIDEST = {bool: np.dtype("bool"), int: np.dtype("int64"), float: np.dtype("float64"),
           complex: np.dtype("complex128")}
_SCALAR_DTYPES = tuple({t: table[d] for t, d in _WIDEST.items()} for table in _CANONICAL)
PYTHON_SCALARS = _WIDEST.keys()


def python_scalar(cls: type) -> np.dtype | None:
    """The dtype of a Python scalar of exactly this class, else None. Weak, except for bool."""
    return _SCALAR_DTYPES[flags.jax_enable_x64].get(cls)


def can_hold(dtype: np.dtype, cls: type) -> bool:
    """Is a Python scalar of this class, as an element of `dtype`, still what it was?

    >>> can_hold(np.dtype("float32"), int), can_hold(np.dtype("int32"), float)
    (True, False)
    """
    order = "biufc"
    return order.find(kind(dtype)) >= order.index(_WIDEST[cls].kind)


default_int_dtype: Callable[[], Any] = functools.partial(python_scalar, int)
default_float_dtype: Callable[[], Any] = functools.partial(python_scalar, float)


def canonical_dtype(dtype: np.dtype, value: Any = None) -> np.dtype:
    """The dtype used for `dtype`: float32 for float64, unless x64 is enabled.

    TypeError, which shows `value` if there is one, for a dtype that arrays cannot have.
    """
    try:
        return _CANONICAL[flags.jax_enable_x64][dtype]
    except KeyError:
        shown = "" if value is None else (
            f"Argument '{value}' of type {type(value)} is not a valid JAX type: ")
        advice = ("Its byte order is foreign; use x.astype(x.dtype.newbyteorder('='))."
                  if dtype.newbyteorder("=") in _ALL
                  else "Only arrays of numeric types are supported by JAX.")
        raise TypeError(f"{shown}dtype {dtype} is not a valid JAX array type. {advice}") from None


def canonicalize_value_dtype(x: np.ndarray | np.generic) -> np.dtype:
    """`canonical_dtype` of a NumPy value. ValueError: masked elements have no counterpart here."""
    if isinstance(x, np.ma.MaskedArray):
        raise ValueError("numpy masked arrays are not supported as direct inputs to JAX functions. "
                         "Use x.filled(value) to fill in the masked elements.")
    return canonical_dtype(x.dtype, x)


def canonicalize_dtype(dtype: Any, allow_extended_dtype: bool = False) -> np.dtype:
    """`canonical_dtype` of whatever names a dtype."""
    dtype = np.dtype(dtype)
    if is_key_dtype(dtype) and not allow_extended_dtype:
        raise ValueError(f"canonicalize_dtype: {name(dtype)} is not a dtype of numbers")
    return _CANONICAL[flags.jax_enable_x64].get(dtype, dtype)


def check_user_dtype_supported(dtype: Any, fun_name: str = "", stacklevel: int = 3) -> np.dtype:
    """The dtype used for the one a user asked for, with a warning if it is narrower.

    TypeError if arrays cannot have it. `stacklevel` as in `warnings.warn`: 3 blames the caller of
    our caller. Python's `int`, `float` and `complex` mean the default width, without a warning.
    """
    where = f" in {fun_name}" if fun_name else ""
    if dtype is None:
        raise ValueError(f"dtype must be specified{where}.")
    if hasattr(dtype, "aval"):
        raise ValueError(f"dtype{where} is an array; use dtype=arr.dtype instead of dtype=arr.")
    if isinstance(dtype, type) and (default := python_scalar(dtype)) is not None:
        return default
    wanted = np.dtype(dtype)
    if wanted not in _ALL:
        raise TypeError(f"JAX only supports number and bool dtypes, got dtype {dtype}{where}")
    used = canonical_dtype(wanted)
    if used != wanted:
        warnings.warn(f"Explicitly requested dtype {wanted}{' requested' * bool(where)}{where} is "
                      f"not available, and will be truncated to dtype {used}. For 64-bit types "
                      "call jax.config.update('jax_enable_x64', True) first, or set the "
                      "environment variable JAX_ENABLE_X64=1.", stacklevel=stacklevel)
    return used


def coerce_to_array(x: Any, dtype: np.dtype | None = None) -> np.ndarray:
    """A NumPy array of `x`; a Python scalar has its default dtype. OverflowError if too large.

    >>> coerce_to_array(2**31)
    Traceback (most recent call last):
    ...
    OverflowError: Python int 2147483648 too large to convert to int32
    """
    if dtype is None:
        dtype = python_scalar(type(x))
        if type(x) is int and not iinfo(dtype).min <= x <= iinfo(dtype).max:
            raise OverflowError(f"Python int {x} too large to convert to {dtype}")
    return np.asarray(x, dtype)


# --- what they become --------------------------------------------------------------------------

_WEAK_NAME = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}

@functools.lru_cache(4096)
def _join(mode: str, x64: bool, *types: tuple[np.dtype, bool]) -> tuple[np.dtype, bool]:
    dtypes, all_weak = {d for d, _ in types}, all(weak for _, weak in types)
    if len(types) == 1 or (len(dtypes) == 1 and not all_weak):
        return types[0][0], all_weak and types[0][0].kind != "b"
    # Weak types by themselves combine as their dtypes do: weak int16 stays int16.
    stay_weak = all_weak and mode != "strict"
    joined = promotion.least_upper_bound(
        {_WEAK_NAME[kind(d)] if weak and not stay_weak else name(d) for d, weak in types},
        mode == "strict", x64)
    return (_CANONICAL[x64][np.dtype(joined)],
            joined in promotion.WEAK or (stay_weak and joined != "bool"))


def lattice_result_type(*types: Any) -> tuple[np.dtype, bool]:
    """(dtype, weak_type) of an operation on `types`: avals or (dtype, weak_type) pairs."""
    pairs = [t if type(t) is tuple else (t.dtype, t.weak_type) for t in types]
    return _join(flags.jax_numpy_dtype_promotion, flags.jax_enable_x64, *pairs)


def dtype_and_weak_type(x: Any) -> tuple[np.dtype, bool]:
    """(dtype, weak_type) of a value, or of a dtype or class that stands for a value."""
    if hasattr(x, "aval"):
        return x.aval.dtype, x.aval.weak_type
    scalar = x if isinstance(x, type) else type(x)
    if (dtype := python_scalar(scalar)) is not None:
        return dtype, scalar is not bool
    if isinstance(x, (str, np.dtype, type, ExtendedDType)):
        return check_user_dtype_supported(x, "result_type", 4), False
    if isinstance(getattr(x, "dtype", None), np.dtype):
        return canonicalize_value_dtype(x), False
    raise TypeError(f"Cannot determine dtype of {x}")


def result_type(*args: Any, return_weak_type_flag: bool = False) -> Any:
    """The dtype of an operation on values or dtypes.

    >>> result_type("int32", 1.0), result_type("bfloat16", "float16")
    (dtype('float32'), dtype('float32'))
    """
    if not args:
        raise ValueError("at least one array or dtype is required")
    dtype, weak = lattice_result_type(
        *[dtype_and_weak_type(default_float_dtype() if x is None else x) for x in args])
    if weak:
        dtype = canonical_dtype(np.dtype(_WEAK_NAME[kind(dtype)]))
    return (dtype, weak) if return_weak_type_flag else dtype


def promote_types(a: Any, b: Any) -> np.dtype:
    """The lowest dtype above two; the classes `int`, `float` and `complex` are weak.

    >>> promote_types("uint8", int), promote_types("int32", "float16")
    (dtype('uint8'), dtype('float16'))
    """
    names = {t.__name__ if any(t is s for s in (int, float, complex)) else name(np.dtype(t))
             for t in (a, b)}  # `is`: dtype("int64") == int
    return np.dtype(promotion.least_upper_bound(
        names, flags.jax_numpy_dtype_promotion == "strict", flags.jax_enable_x64))


def to_inexact_dtype(dtype: Any) -> np.dtype:
    """The dtype of `sin(x)` for an x of this dtype: integers become floats."""
    dtype = np.dtype(dtype)
    if kind(dtype) not in "biu":
        return dtype
    return np.dtype("float64" if dtype.itemsize == 8 else "float32")


def to_floating_dtype(dtype: Any) -> np.dtype:
    """The dtype of `abs(x)` for an inexact x."""
    return finfo(to_inexact_dtype(dtype)).dtype


def to_complex_dtype(dtype: Any) -> np.dtype:
    return np.dtype("complex128" if to_floating_dtype(dtype).itemsize == 8 else "complex64")
