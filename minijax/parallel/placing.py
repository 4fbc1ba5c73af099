"""Arrays on devices: `device_put`, and arrays made of their parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import ArrayImpl, Tracer
from minijax.devices import Device
from minijax.jvp import as_array
from minijax.parallel.constraint import as_sharding, constrained
from minijax.parallel.meshes import PartitionSpec
from minijax.parallel.shardings import Sharding, SingleDeviceSharding, by_default
from minijax.tree_util import (
    broadcast_prefix,
    flatten_axes,
    tree_flatten,
    tree_leaves,
    tree_unflatten,
)

__all__ = ["device_put", "make_array_from_callback", "make_array_from_process_local_data",
           "make_array_from_single_device_arrays"]


def device_put(x: Any, device: Any = None, *, donate: bool = False, may_alias: bool | None = None
               ) -> Any:
    """The arrays of a pytree on a device: NumPy arrays and scalars become `jax.Array`s.

    `device` is a device, or a sharding, which says how to divide each array among several, or a
    pytree of them that is a prefix of `x`. With `may_alias=False` they are new arrays in any case.
    `donate` allows to use the memory of `x` again; here this has no effect.

    >>> import minijax as jax, numpy as np
    >>> jax.device_put({"a": np.arange(2)})
    {'a': Array([0, 1], dtype=int32)}

    Raises:
      ValueError: `device` is neither, or a sharding that does not fit an array.
    """
    if donate and may_alias:
        raise ValueError("may_alias and donate cannot be True at the same time.")
    leaves, tree = tree_flatten(x)
    wanted = flatten_axes("device_put device", x, device)
    return tree_unflatten(tree, [on_devices(leaf, where_to(d), may_alias)
                                 for leaf, d in zip(leaves, wanted)])


def where_to(device: Any) -> Sharding | None:
    if device is None or isinstance(device, Sharding):
        return device
    if isinstance(device, Device):
        return SingleDeviceSharding(device)
    if isinstance(device, PartitionSpec):
        return as_sharding(device, "device_put")
    raise ValueError("Received invalid value for `device`: a Device, such as jax.devices()[0], "
                     f"or a Sharding is wanted; got {device!r}.")


def on_devices(x: Any, sharding: Sharding | None, may_alias: bool | None) -> Any:
    if isinstance(x, ArrayImpl) and (x._value is None or may_alias is False):
        x = ArrayImpl(x._value.copy(), x.aval)
    if sharding is None or isinstance(x, Tracer) and sharding.num_devices == 1:
        return x if isinstance(x, ArrayImpl) else by_default(as_array(x))
    return constrained(x, sharding)


def make_array_from_callback(shape: Sequence[int], sharding: Sharding, data_callback: Callable,
                             dtype: Any = None) -> ArrayImpl:
    """The array whose parts are `data_callback(index)`, one for each device of the sharding.

    >>> import minijax as jax, numpy as np
    >>> mesh = jax.make_mesh((1,), ("x",))
    >>> sharding = jax.NamedSharding(mesh, jax.P("x"))
    >>> jax.make_array_from_callback((3,), sharding, lambda index: np.arange(3)[index])
    Array([0, 1, 2], dtype=int32)

    Raises:
      ValueError: a part of another shape or dtype than that of the device's part.
    """
    indices = sharding.devices_indices_map(shape)
    return assembled(shape, sharding, [np.asarray(data_callback(i)) for i in indices.values()],
                     dtype)


def make_array_from_single_device_arrays(shape: Sequence[int], sharding: Sharding,
                                         arrays: Sequence[Any], *, dtype: Any = None) -> ArrayImpl:
    """The array that has these parts, each on its device.

    Raises:
      ValueError: not one part for each device of the sharding, or one of a wrong shape or dtype.
      TypeError: a part that is not a `jax.Array`.
    """
    if len(arrays) != sharding.num_devices:
        raise ValueError(f"Expected {sharding.num_devices} per-device arrays (this is how many "
                         "devices are addressable by the sharding), but got "
                         f"{len(arrays)}")
    for x in arrays:
        if not isinstance(x, ArrayImpl):
            raise TypeError("Unsupported type for elements in `arrays`: each part is a jax.Array "
                            f"on its device, jax.device_put(x, device); got {type(x)}")
    parts = {device: np.asarray(x) for x in arrays for device in x.devices()}
    if len(parts) != len(arrays):
        raise ValueError("When making an array from single-device arrays, the input arrays must be "
                         f"from distinct devices, got them from {[*parts]}")
    missing, extra = ({d.id for d in s} for s in (
        sharding.device_set - set(parts), set(parts) - sharding.device_set))
    if missing or extra:
        raise ValueError(
            "Addressable devices and per-device arrays devices do not match. Sharding contains "
            f"devices {missing} that are not present in per-device arrays. Per-device arrays "
            f"contain devices {extra} that are not present in the sharding.")
    return assembled(shape, sharding, [parts[d] for d in sharding.devices], dtype)


def make_array_from_process_local_data(sharding: Any, local_data: Any, global_shape: Any = None
                                       ) -> Any:
    """The arrays that this process has loaded, divided: there is one process, and it has all.

    >>> import minijax as jax, numpy as np
    >>> mesh = jax.make_mesh((1,), ("x",))
    >>> rows = jax.NamedSharding(mesh, jax.P("x"))
    >>> jax.make_array_from_process_local_data(rows, np.arange(3))
    Array([0, 1, 2], dtype=int32)

    Args:
      sharding: one for all arrays of the pytree `local_data`, or a prefix of it.
      global_shape: the shape of the whole, if it is to be checked; likewise.

    Raises:
      ValueError: the whole is larger than the data, or cannot be divided so.
    """
    shapes = broadcast_prefix(global_shape, local_data, lambda s: s is None or type(s) is tuple)
    for x, shape in zip(tree_leaves(local_data), shapes):
        if shape is not None and shape != x.shape:
            raise ValueError(
                "When calling `make_array_from_process_local_data` on a single process, "
                f"global_shape should be None or equal to local_data.shape. Got {shape} and "
                f"{x.shape}. One process loads the data of all devices here.")
    return device_put(local_data, sharding)


def assembled(shape: Sequence[int], sharding: Sharding, parts: Sequence[np.ndarray], dtype: Any
              ) -> ArrayImpl:
    found = [dtypes.canonicalize_value_dtype(part) for part in parts]
    dtype = found[0] if dtype is None else np.dtype(dtype)
    if set(found) != {dtype}:
        raise ValueError("The parts of an array must have its dtype. Got parts of "
                         f"{sorted({str(d) for d in found})} for an array of {dtype}.")
    out, local = np.empty(shape, dtype), sharding.shard_shape(shape)
    for index, part in zip(sharding.devices_indices_map(shape).values(), parts):
        if part.shape != local:
            raise ValueError(f"Expected shard shape {local} doesn't match the single device array "
                             f"shape {part.shape}. Shape of the array is {tuple(shape)} with "
                             f"sharding {sharding}")
        out[index] = part
    return constrained(ArrayImpl(out), sharding)
