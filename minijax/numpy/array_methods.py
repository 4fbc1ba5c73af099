"""The operators and methods of arrays and traced values: one table, attached to both.

`x + y` is `add(x, y)`, `x.sum()` is `sum(x)`, and so on. `install` puts them on `core.Array`, so
the spine knows nothing of NumPy's surface.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.core import Array, ArrayImpl, Primitive
from minijax.devices import Device, devices
from minijax.layouts import place_of
from minijax.numpy import (
    arithmetic,
    contractions,
    creation,
    cumulative,
    diagonals,
    joining,
    logic,
    moments,
    reductions,
    searching,
    selecting,
    shaping,
    sorting,
    taking,
    ufuncs,
)
from minijax.numpy.arguments import ensure_array
from minijax.numpy.indexing import getitem
from minijax.numpy.scalar_types import ScalarMeta
from minijax.numpy.scattering import IndexUpdater
from minijax.parallel.placing import device_put
from minijax.parallel.shardings import Shard, Sharding, SingleDeviceSharding, shards

# --- operators -------------------------------------------------------------------------------

OPERANDS = (Array, int, float, complex, np.ndarray, np.generic)
# Each with its function; an operation that needs no promotion when both types are the same; and
# how Python writes it.
BINARY: dict[str, tuple[Callable, Primitive | None, str]] = {
    "add": (ufuncs.add, lax.add, "+"),
    "sub": (ufuncs.subtract, lax.sub, "-"),
    "mul": (ufuncs.multiply, lax.mul, "*"),
    "truediv": (ufuncs.true_divide, None, "/"),
    "floordiv": (arithmetic.floor_divide, None, "//"),
    "mod": (arithmetic.remainder, None, "%"),
    "divmod": (arithmetic.divmod, None, "divmod()"),
    "pow": (ufuncs.power, None, "**"),
    "matmul": (contractions.matmul, None, "@"),
    "and": (logic.bitwise_and, None, "&"),
    "or": (logic.bitwise_or, None, "|"),
    "xor": (logic.bitwise_xor, None, "^"),
    "lshift": (logic.left_shift, None, "<<"),
    "rshift": (logic.right_shift, None, ">>"),
}
COMPARISONS = {"eq": (logic.equal, "=="), "ne": (logic.not_equal, "!="),
               "lt": (logic.less, "<"), "le": (logic.less_equal, "<="),
               "gt": (logic.greater, ">"), "ge": (logic.greater_equal, ">=")}
UNARY = {"neg": ufuncs.negative, "pos": ufuncs.positive, "abs": ufuncs.absolute,
         "invert": logic.invert}


def forward(fun: Callable, symbol: str, direct: Primitive | None = None) -> Callable:
    """The method for `self <symbol> other`."""

    def method(self: Any, other: Any) -> Any:
        if isinstance(other, Array):
            a, b = self.aval, other.aval
            if (direct is not None and a.dtype is b.dtype and a.shape == b.shape
                    and a.weak_type is b.weak_type and a.dtype.kind in "fiuc"):
                return direct.bind(self, other)  # the common case: nothing to promote
            return fun(self, other)
        if isinstance(other, OPERANDS) or hasattr(other, "__jax_array__"):
            return fun(self, other)
        refuse_list(symbol, self, other, other)
        return NotImplemented

    return method


def reflected(fun: Callable, symbol: str) -> Callable:
    """The method for `other <symbol> self`."""

    def method(self: Any, other: Any) -> Any:
        if isinstance(other, OPERANDS) or hasattr(other, "__jax_array__"):
            return fun(other, self)
        refuse_list(symbol, other, self, other)
        return NotImplemented

    return method


def refuse_list(symbol: str, left: Any, right: Any, suspect: Any) -> None:
    """TypeError here, because a list would take a scalar array for a number of repetitions."""
    if type(suspect) in (list, tuple, dict, set):
        raise TypeError(f"unsupported operand type(s) for {symbol}: {type(left).__name__!r} and "
                        f"{type(right).__name__!r}")


def contains(self: Any, other: Any) -> Any:
    if other is None or isinstance(other, str):
        raise TypeError(f"Array.__contains__: unsupported operand type {type(other)}.")
    other = ensure_array("Array.__contains__", other)
    if self.ndim != 1 or other.ndim:
        raise ValueError("Array.__contains__: looks for a scalar in a one-dimensional array, got "
                         f"shapes {other.shape} and {self.shape}.")
    return bool(reductions.any(self == other))


def round_(self: Any, ndigits: int | None = None) -> Any:
    out = arithmetic.round(self, 0 if ndigits is None else ndigits)
    return creation.astype(out, int) if ndigits is None else out


# --- methods whose arguments differ from the function's --------------------------------------


def reshape(self: Any, *args: Any, order: str = "C", out_sharding: Any = None) -> Any:
    """The same elements in another shape: x.reshape(2, 3) or x.reshape((2, 3))."""
    return shaping.reshape(self, args[0] if len(args) == 1 else args, order,
                           out_sharding=out_sharding)


def transpose(self: Any, *args: Any) -> Any:
    """The axes reordered: x.transpose(1, 0), x.transpose((1, 0)) or x.transpose()."""
    axes = args[0] if len(args) == 1 and not isinstance(args[0], int) else args or None
    return shaping.transpose(self, axes)


def clip(self: Any, min: Any = None, max: Any = None) -> Any:
    """No smaller than `min` and no larger than `max`."""
    return selecting.clip(self, min=min, max=max)


def compress(self: Any, condition: Any, axis: int | None = None, **options: Any) -> Any:
    """The slices along `axis` where the condition holds."""
    return taking.compress(condition, self, axis, **options)


def to_device(self: Any, device: Any, *, stream: None = None) -> Any:
    """The array on a device."""
    if stream is not None:
        raise NotImplementedError("stream argument of array.to_device()")
    return device_put(self, device)


def view(self: Any, dtype: Any = None, type: None = None) -> Any:
    """The same bits as another dtype; a width ratio goes into the last axis."""
    if type is not None:
        raise NotImplementedError("`type` argument of array.view() is not supported.")
    if dtype is None:
        return self
    dtype = dtypes.check_user_dtype_supported(dtype, "view")
    old, new = self.dtype.itemsize, dtype.itemsize
    if self.ndim == 0:
        if old != new:
            raise ValueError("view() of a 0d array is only supported if the itemsize is unchanged.")
        return lax.squeeze(view(lax.expand_dims(self, (0,)), dtype), (0,))
    if self.shape[-1] * old % new:
        raise ValueError("When changing to a larger dtype, its size must be a divisor of the total "
                         "size in bytes of the last axis of the array.")
    if self.dtype == dtype:
        return self
    if self.dtype.kind == "b":
        return view(creation.astype(self, np.uint8), dtype)
    if dtype.kind == "b":
        return creation.astype(view(self, np.uint8), bool)
    if self.dtype.kind == "c":
        pairs = lax.stack([lax.real(self), lax.imag(self)], self.ndim)
        return view(lax.reshape(pairs, (*self.shape[:-1], -1 + 1 + 2 * self.shape[-1])), dtype)
    if dtype.kind == "c":
        pairs = view(self, dtypes.to_floating_dtype(dtype))
        return lax.complex(pairs[..., 0::2], pairs[..., 1::2])
    if old < new:
        factor = new // old
        self = lax.reshape(self, (*self.shape[:-1], self.shape[-1] // factor, factor))
        return lax.bitcast_convert_type(self, dtype)
    out = lax.bitcast_convert_type(self, dtype)
    return out if old == new else lax.reshape(
        out, (*out.shape[:-2], out.shape[-2] * out.shape[-1]))


def byteswap(self: Any) -> Any:
    """The bytes of each element in reverse order."""
    if self.dtype.kind == "c":
        return lax.complex(byteswap(lax.real(self)), byteswap(lax.imag(self)))
    if self.dtype.itemsize == 1:
        return self
    bytes_ = lax.bitcast_convert_type(self, np.uint8)
    return lax.bitcast_convert_type(lax.rev(bytes_, (self.ndim,)), self.dtype)


def flat(self: Any) -> Any:
    raise NotImplementedError("JAX Arrays do not implement the arr.flat property: consider "
                              "arr.flatten() instead.")


# --- where an array is -----------------------------------------------------------------------


def sharding(self: Any) -> Sharding:
    """How the array is divided among devices."""
    found = getattr(self, "_sharding", None)
    if found is None or not found.committed:
        return SingleDeviceSharding(found.devices[0] if found else devices()[0])
    return found


def device(self: Any) -> Device | Sharding:
    """The device that holds the array, or how several do."""
    where = sharding(self)
    return where.devices[0] if len(where.devices) == 1 else where


def on_devices(self: Any) -> set[Device]:
    """The devices that hold the array."""
    return sharding(self).device_set


def addressable_shards(self: Any) -> list[Shard]:
    """The parts of the array, one for each device. They share its memory."""
    return shards(self, sharding(self))


def addressable_data(self: Any, index: int) -> Array:
    """The part of the array that is on the device at this position."""
    return addressable_shards(self)[index].data


def delete(self: Any) -> None:
    """Give the memory back now. Whatever needs the elements afterwards is a RuntimeError."""
    if not is_deleted(self):
        del self._value


def is_deleted(self: Any) -> bool:
    """Have the elements been given back, by `delete` or as a donated argument?"""
    try:
        return self._value is None
    except RuntimeError:
        return True


def array_namespace(self: Any, *, api_version: str | None = None) -> ModuleType:
    """The module `minijax.numpy`, by the rules of the Python array API."""
    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        raise ValueError(f"api_version='{api_version}' is not available")
    return sys.modules[__package__]


METHODS: dict[str, Callable] = {
    "all": reductions.all, "any": reductions.any, "argmax": searching.argmax,
    "argmin": searching.argmin, "argpartition": sorting.argpartition, "argsort": sorting.argsort,
    "astype": creation.astype, "byteswap": byteswap, "choose": taking.choose, "clip": clip,
    "compress": compress, "conj": ufuncs.conj, "conjugate": ufuncs.conjugate,
    "copy": creation.copy, "cumprod": cumulative.cumprod, "cumsum": cumulative.cumsum,
    "devices": on_devices, "diagonal": diagonals.diagonal, "dot": contractions.dot,
    "flatten": shaping.ravel, "max": reductions.max, "mean": moments.mean,
    "min": reductions.min, "nonzero": searching.nonzero, "prod": reductions.prod,
    "ptp": reductions.ptp, "ravel": shaping.ravel, "repeat": joining.repeat, "reshape": reshape,
    "round": arithmetic.round, "searchsorted": searching.searchsorted, "sort": sorting.sort,
    "squeeze": shaping.squeeze, "std": moments.std, "sum": reductions.sum,
    "swapaxes": shaping.swapaxes, "take": taking.take, "to_device": to_device,
    "trace": diagonals.trace, "transpose": transpose, "var": moments.var, "view": view,
    "__array_namespace__": array_namespace, "__contains__": contains, "__getitem__": getitem,
    "__round__": round_,
}
PROPERTIES: dict[str, Callable] = {
    "T": shaping.transpose, "mT": shaping.matrix_transpose, "real": ufuncs.real,
    "imag": ufuncs.imag, "at": IndexUpdater, "flat": flat, "device": device,
}
ARRAY_PROPERTIES: dict[str, Callable] = {
    "addressable_shards": addressable_shards, "global_shards": addressable_shards,
    "sharding": sharding, "committed": lambda self: place_of(self) is not None,
    "is_fully_addressable": lambda self: True,
    "is_fully_replicated": lambda self: sharding(self).is_fully_replicated,
}
ARRAY_METHODS: dict[str, Callable] = {  # for values that are there
    "addressable_data": addressable_data,
    "unsafe_buffer_pointer": lambda self: self._value.ctypes.data,
    "__buffer__": lambda self, flags: memoryview(self.__array__()),  # from Python 3.12 on
    "__dlpack__": lambda self, **options: self._value.__dlpack__(**options),
    "__dlpack_device__": lambda self: self._value.__dlpack_device__(),
    "is_deleted": is_deleted,
    "is_ready": lambda self: True,
    "copy_to_host_async": lambda self: None,
    "delete": delete,
    "tobytes": lambda self, order="C": self._value.tobytes(order),
    "on_device_size_in_bytes": lambda self: self.nbytes,
}


def install() -> None:
    """Attach everything to `Array`, the base of known and of traced arrays."""
    ScalarMeta.make_array = staticmethod(creation.asarray)
    for name, (fun, direct, symbol) in BINARY.items():
        setattr(Array, f"__{name}__", forward(fun, symbol, direct))
        setattr(Array, f"__r{name}__", reflected(fun, symbol))
    for name, (fun, symbol) in COMPARISONS.items():
        setattr(Array, f"__{name}__", forward(fun, symbol))
    for name, fun in UNARY.items():
        setattr(Array, f"__{name}__", lambda self, fun=fun: fun(self))
    for name, method in METHODS.items():
        setattr(Array, name, method)
    for name, method in PROPERTIES.items():
        setattr(Array, name, property(method))
    for name, method in ARRAY_METHODS.items():
        setattr(ArrayImpl, name, method)
    for name, method in ARRAY_PROPERTIES.items():
        setattr(ArrayImpl, name, property(method))
