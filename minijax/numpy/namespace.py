"""What is not about arrays: dtypes, printing, files, and the description of the namespace."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.config import config
from minijax.devices import devices
from minijax.numpy.arguments import check_arraylike
from minijax.numpy.creation import asarray

__array_api_version__ = "2024.12"


def finfo(dtype: Any) -> Any:
    """The limits of a floating dtype: bits, eps, max, min, tiny, ..."""
    return dtypes.finfo(getattr(dtype, "dtype", dtype))


def iinfo(dtype: Any) -> Any:
    """The limits of an integer dtype: bits, max, min."""
    return dtypes.iinfo(getattr(dtype, "dtype", dtype))


def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    """Whether values of one dtype can be cast to another by NumPy's rules."""
    return np.can_cast(from_, to, casting=casting)  # type: ignore[arg-type]


def save(file: Any, arr: Any, allow_pickle: bool = True) -> None:
    """Write an array to a `.npy` file."""
    np.save(file, np.asarray(arr), allow_pickle)


def savez(file: Any, *args: Any, allow_pickle: bool = True, **kwds: Any) -> None:
    """Write arrays to a `.npz` file."""
    np.savez(file, *map(np.asarray, args), allow_pickle=allow_pickle,
             **{k: np.asarray(v) for k, v in kwds.items()})


def load(file: str | os.PathLike | Any, *args: Any, **kwargs: Any) -> Any:
    """Read an array from a `.npy` file; what `savez` wrote is read as by `numpy.load`."""
    out = np.load(file, *args, **kwargs)
    if not isinstance(out, np.ndarray):
        return out
    if out.dtype == "V2":  # NumPy does not know bfloat16
        out = out.view(dtypes.bfloat16)
    try:
        return asarray(out)
    except TypeError:
        return out


def array_repr(arr: Any, max_line_width: Any = None, precision: Any = None,
               suppress_small: Any = None) -> str:
    """The text that NumPy shows for an array."""
    check_arraylike("array_repr", arr)
    return np.array_repr(np.asarray(arr), max_line_width, precision, suppress_small)


def array_str(a: Any, max_line_width: Any = None, precision: Any = None,
              suppress_small: Any = None) -> str:
    """The text that NumPy prints for an array."""
    check_arraylike("array_str", a)
    return np.array_str(np.asarray(a), max_line_width, precision, suppress_small)


class ArrayNamespaceInfo:
    """What the Python array API wants to know."""

    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": False, "data-dependent shapes": False, "max dimensions": 64}

    def default_device(self) -> None:
        return None

    def devices(self) -> list[Any]:
        return [None, *devices()]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        real = dtypes.default_float_dtype()
        return {"real floating": real, "complex floating": dtypes.to_complex_dtype(real),
                "integral": dtypes.default_int_dtype(), "indexing": dtypes.default_int_dtype()}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        names = ["bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float32",
                 "complex64"]
        if config.jax_enable_x64:
            names += ["int64", "uint64", "float64", "complex128"]
        wanted = {n: np.dtype(n) for n in names}
        if kind is None:
            return wanted
        return {n: d for n, d in wanted.items() if dtypes.isdtype(d, kind)}


def __array_namespace_info__() -> ArrayNamespaceInfo:
    return ArrayNamespaceInfo()
