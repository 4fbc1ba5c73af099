"""What a type says of the axes of `shard_map`: `jax.typeof(x).manual_axis_type`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ManualAxisType:
    """The axes of a mesh over which a value varies, from device to device.

    JAX has two more ways, for values that are parts of a sum (`unreduced`) and for what becomes
    such a value backwards (`reduced`). Here no value is.
    """

    varying: frozenset = frozenset()
    unreduced: frozenset = frozenset()
    reduced: frozenset = frozenset()
