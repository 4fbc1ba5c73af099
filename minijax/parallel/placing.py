"""Arrays on devices: `device_put`."""

from __future__ import annotations

from typing import Any

from minijax.core import ArrayImpl
from minijax.devices import Device
from minijax.jvp import as_array
from minijax.parallel.engine import engine
from minijax.parallel.shardings import Sharding, SingleDeviceSharding
from minijax.tree_util import tree_map

__all__ = ["device_put"]


def device_put(x: Any, device: Any = None, *, donate: bool = False, may_alias: bool | None = None
               ) -> Any:
    """The arrays of a pytree on a device: NumPy arrays and scalars become `jax.Array`s.

    `device` is a device, or a sharding, which says how to divide each array among several. With
    `may_alias=False` they are new arrays in any case. `donate` allows to use the memory of `x`
    again; here this has no effect.

    >>> import minijax as jax, numpy as np
    >>> jax.device_put({"a": np.arange(2)})
    {'a': Array([0, 1], dtype=int32)}

    Raises:
      ValueError: `device` is neither, or a sharding that does not fit an array.
    """
    if device is not None and not isinstance(device, (Device, Sharding)):
        raise ValueError("Received invalid value for `device`: a Device, such as jax.devices()[0], "
                         f"or a Sharding is wanted; got {device!r}.")
    if donate and may_alias:
        raise ValueError("may_alias and donate cannot be True at the same time.")
    sharding = SingleDeviceSharding(device) if isinstance(device, Device) else device

    def put(leaf: Any) -> Any:
        copied = isinstance(leaf, ArrayImpl) and (leaf._value is None or may_alias is False)
        leaf = ArrayImpl(leaf._value.copy(), leaf.aval) if copied else as_array(leaf)
        return placed(leaf, sharding) if sharding and isinstance(leaf, ArrayImpl) else leaf

    return tree_map(put, x)


def placed(x: ArrayImpl, sharding: Sharding) -> ArrayImpl:
    """The array, divided so, where its devices see it."""
    sharding.check(x.shape)
    value = x._value if len(sharding.devices) == 1 else engine().put(x._value)
    out = ArrayImpl(value, x.aval)
    out._sharding = sharding
    return out
