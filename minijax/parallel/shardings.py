"""Which part of an array is on which device."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from minijax.core import ArrayImpl
from minijax.devices import Device

__all__ = ["PmapSharding", "Shard", "Sharding", "SingleDeviceSharding"]


class Sharding:
    """How an array is divided among devices."""

    memory_kind = "device"
    is_fully_addressable = True
    devices: tuple[Device, ...]

    device_set = property(lambda self: set(self.devices))
    addressable_devices = device_set

    @property
    def num_devices(self) -> int:
        return len(self.devices)

    @property
    def is_fully_replicated(self) -> bool:
        """Does each device have all of it?"""
        return len(self.devices) == 1

    def devices_indices_map(self, shape: Sequence[int]) -> dict[Device, tuple[slice, ...]]:
        """The part of each device, as an index into an array of this shape."""
        raise NotImplementedError

    def check(self, shape: Sequence[int]) -> None:
        """ValueError: an array of this shape cannot be divided so."""

    def shard_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of the part of one device."""
        index = next(iter(self.devices_indices_map(shape).values()))
        return tuple(len(range(*s.indices(n))) for s, n in zip(index, shape))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self.devices))


class SingleDeviceSharding(Sharding):
    """All of it on one device."""

    def __init__(self, device: Device):
        self.devices = (device,)

    def devices_indices_map(self, shape):
        return {self.devices[0]: (slice(None),) * len(shape)}

    def __repr__(self) -> str:
        return f"SingleDeviceSharding(device={self.devices[0]!r}, memory_kind={self.memory_kind})"


class PmapSharding(Sharding):
    """A row for each device, along the first axis: how `pmap` leaves its results."""

    def __init__(self, devices: Sequence[Device], axis_name: Any = None):
        self.devices, self.axis_name = tuple(devices), axis_name

    def check(self, shape):
        if not shape or shape[0] != len(self.devices):
            raise ValueError(f"{self} wants an array with a row for each device, got one of shape "
                             f"{tuple(shape)}")

    def devices_indices_map(self, shape):
        return {d: (slice(i, i + 1), *(slice(None),) * (len(shape) - 1))
                for i, d in enumerate(self.devices)}

    def __repr__(self) -> str:
        return f"PmapSharding(axis_name={self.axis_name!r}, devices={list(self.devices)})"


@dataclasses.dataclass(frozen=True)
class Shard:
    """The part of an array that one device has."""

    device: Device
    index: tuple[slice, ...]
    replica_id: int
    data: Any

    def __repr__(self) -> str:
        return (f"Shard(device={self.device!r}, index={self.index}, replica_id={self.replica_id}, "
                f"data={self.data})")


def shards(x: ArrayImpl, sharding: Sharding) -> list[Shard]:
    """The parts of an array; they share its memory."""
    return [Shard(d, index, 0, ArrayImpl(x._value[index]))
            for d, index in sharding.devices_indices_map(x.shape).items()]
