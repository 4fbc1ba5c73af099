"""Which part of an array is on which device."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minijax.config import flags
from minijax.core import ArrayImpl, Primitive, ShapedArray
from minijax.devices import Device
from minijax.layouts import follow, place_of, typed
from minijax.parallel.meshes import BaseMesh, Mesh, PartitionSpec

__all__ = ["DuplicateSpecError", "IndivisibleError", "NamedSharding", "Shard", "Sharding",
           "SingleDeviceSharding", "Uncommitted", "by_default", "check_devices", "shards"]

Index = tuple[slice, ...]


class DividedArray(ArrayImpl):
    """An array that is not just where values are computed. So `follow` evaluates operations on it,
    and says where the results are."""

    __slots__ = ()

    def follow(self, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
        places = [s for s in map(place_of, args) if s is not None]
        where = places[0] if places else flags.jax_default_device
        return prim.evaluate(args, params) if where is None else follow(where, prim, args, params)

    def __iter__(self):
        return (self[i] for i in range(len(self)))


class IndivisibleError(ValueError):
    """A dimension cannot be cut into as many equal parts as a sharding asks for."""


class DuplicateSpecError(ValueError):
    """A spec names an axis twice."""


class Sharding:
    """How an array is divided among devices."""

    memory_kind = "device"
    is_fully_addressable = True
    committed = True  # arrays stay there
    devices: tuple[Device, ...]

    @property
    def device_set(self) -> set[Device]:
        """The devices that have a part. ValueError: it is along a mesh without devices."""
        if not self.devices:
            raise ValueError(f"`device_set` is not implemented for {self}: its mesh has no devices")
        return set(self.devices)

    addressable_devices = device_set

    @property
    def num_devices(self) -> int:
        return len(self.devices)

    @property
    def is_fully_replicated(self) -> bool:
        """Does each device have all of it?"""
        return True

    def devices_indices_map(self, shape: Sequence[int]) -> dict[Device, Index]:
        """The part of each device, as an index into an array of this shape."""
        raise NotImplementedError

    def addressable_devices_indices_map(self, shape: Sequence[int]) -> dict[Device, Index]:
        """The same for the devices of this process."""
        return self.devices_indices_map(shape)

    def check(self, shape: Sequence[int]) -> None:
        """ValueError: an array of this shape cannot be divided so."""

    def check_compatible_aval(self, shape: Sequence[int]) -> None:
        """The same; JAX's name."""
        self.check(shape)

    def shard_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of the part of one device."""
        index = next(iter(self.devices_indices_map(shape).values()))
        return tuple(len(range(*s.indices(n))) for s, n in zip(index, shape))

    def array(self, value: np.ndarray, aval: ShapedArray) -> ArrayImpl:
        """A new array that is divided so."""
        out = DividedArray(value, self.in_type(aval))
        out._sharding = self
        return out

    def in_type(self, aval: ShapedArray) -> ShapedArray:
        """The type of an array that is divided so: it says how along `Explicit` axes."""
        return aval if aval.divided is None else aval.update(divided=None)

    def is_equivalent_to(self, other: Sharding, ndim: int) -> bool:
        """Does an array of so many dimensions have the same parts on the same devices?"""
        shape = (self.num_devices * other.num_devices,) * ndim
        return self.devices_indices_map(shape) == other.devices_indices_map(shape)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self.devices))


class SingleDeviceSharding(Sharding):
    """All of it on one device."""

    def __init__(self, device: Device, *, memory_kind: str | None = None):
        self.devices = (device,)

    def devices_indices_map(self, shape):
        return {self.devices[0]: (slice(None),) * len(shape)}

    def array(self, value, aval):
        kind = DividedArray if self.devices[0].id else ArrayImpl
        out = kind(value, self.in_type(aval))
        out._sharding = self
        return out

    def __repr__(self) -> str:
        return f"SingleDeviceSharding(device={self.devices[0]!r}, memory_kind={self.memory_kind})"


class Uncommitted(SingleDeviceSharding):
    """On one device, where it was made; it may go where it is wanted."""

    committed = False

    def array(self, value, aval):
        out = DividedArray(value, aval)
        out._sharding = self
        return out


def by_default(x: Any) -> Any:
    """A new array that nobody has put anywhere: it is on the default device."""
    device = flags.jax_default_device
    if device is None or type(x) is not ArrayImpl or hasattr(x, "_sharding"):
        return x
    return Uncommitted(device).array(x._value, x.aval)


class NamedSharding(Sharding):
    """Divided along the axes of a mesh, as a `PartitionSpec` says.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.config.update("jax_num_cpu_devices", 4)
    >>> mesh = jax.make_mesh((2, 2), ("x", "y"))
    >>> rows = jax.NamedSharding(mesh, jax.P("x"))
    >>> rows.shard_shape((6, 4))
    (3, 4)
    >>> x = jax.device_put(jnp.arange(6), rows)
    >>> for shard in x.addressable_shards:
    ...     print(shard.device, shard.data)
    cpu:0 [0 1 2]
    cpu:1 [0 1 2]
    cpu:2 [3 4 5]
    cpu:3 [3 4 5]
    >>> jax.config.update("jax_num_cpu_devices", -1)

    Raises:
      ValueError: the spec names an axis that the mesh does not have.
      DuplicateSpecError: it names an axis twice.
    """

    def __init__(self, mesh: BaseMesh, spec: PartitionSpec, *, memory_kind: str | None = None):
        if not isinstance(spec, PartitionSpec):
            raise TypeError("Unexpected type of spec for NamedSharding: a PartitionSpec is wanted, "
                            f"such as jax.P('x'), got {spec!r} of type {type(spec)}")
        self.mesh, self.spec = mesh, spec
        self.devices = tuple(mesh.devices.flat) if isinstance(mesh, Mesh) else ()
        names = spec.mentioned()
        for n in names:
            if n not in mesh.axis_names:
                raise ValueError(f"Resource axis: {n} of {spec} is not found in mesh: "
                                 f"{mesh.axis_names}.")
            if names.count(n) > 1:
                raise DuplicateSpecError(
                    "A single NamedSharding spec specification can map every mesh axis to at most "
                    f"one positional dimension, but {spec} has duplicate entries for `{n}`")

    num_devices = property(lambda self: self.mesh.size)

    @property
    def undivided(self) -> NamedSharding:
        """All of it on each device of the mesh."""
        return self.update(spec=PartitionSpec())

    def in_type(self, aval):
        if self.mesh.explicit_axes:
            return aval.update(divided=explicit_part(self.mesh, self.spec, aval.ndim))
        return super().in_type(aval)

    def sizes(self, shape: Sequence[int]) -> list[str]:
        """The sizes of dimensions as a type shows them: `8@x`."""
        return [sized(n, self.spec.names(i)) for i, n in enumerate(shape)]

    def without(self, dim: int) -> NamedSharding | None:
        """The same of an array that does not have this dimension; None: it is not divided."""
        entries = [entry for i, entry in enumerate(self.spec) if i != dim]
        return explicit_part(self.mesh, PartitionSpec(*entries), len(entries))

    def within(self, dim: int) -> NamedSharding:
        """The same of an array that has one more dimension, here, which is not divided."""
        entries = [*self.spec[:dim], None, *self.spec[dim:]]
        return NamedSharding(self.mesh, PartitionSpec(*entries))

    def typed(self, *operation: Any) -> list[ShapedArray]:
        """The types of the results of an operation, one of whose operands is divided so."""
        return typed(self.mesh, *operation)

    @property
    def is_fully_replicated(self):
        return self.mesh.count(self.spec.mentioned()) == 1

    def check(self, shape):
        if len(shape) < len(self.spec):
            raise ValueError(f"Sharding {self} is only valid for values of rank at least "
                             f"{len(self.spec)}, but was applied to a value of rank {len(shape)}.")
        tiles = [self.mesh.count(self.spec.names(i)) for i in range(len(shape))]
        for i, (n, count) in enumerate(zip(shape, tiles)):
            if n % count:
                raise IndivisibleError(
                    f"Sharding {self} implies that array axis {i} is partitioned {count} times, "
                    f"but the dimension size is {n} (full shape: {tuple(shape)}, per-dimension "
                    f"tiling factors: {tiles} should evenly divide the shape)")

    def devices_indices_map(self, shape):
        self.check(shape)
        names, sizes = self.mesh.axis_names, self.mesh.devices.shape
        out = {}
        for place, device in zip(np.ndindex(*sizes), self.devices):
            where, index = dict(zip(names, place)), []
            for i, n in enumerate(shape):
                part, count = 0, self.mesh.count(self.spec.names(i))
                for name in self.spec.names(i):
                    part = part * self.mesh.shape[name] + where[name]
                step = n // count
                index.append(slice(part * step, (part + 1) * step) if count > 1 else slice(None))
            out[device] = tuple(index)
        return out

    def shard_shape(self, shape):
        self.check(shape)
        return tuple(n // self.mesh.count(self.spec.names(i)) for i, n in enumerate(shape))

    def update(self, **changes: Any) -> NamedSharding:
        """The same with another `mesh` or `spec`."""
        return NamedSharding(changes.get("mesh", self.mesh), changes.get("spec", self.spec))

    def with_memory_kind(self, kind: str) -> NamedSharding:
        return self

    def __repr__(self) -> str:
        memory = f", memory_kind={self.memory_kind}" if self.devices else ""
        return f"NamedSharding(mesh={self.mesh}, spec={self.spec}{memory})"


def sized(n: int, axes: tuple) -> str:
    """The size of a dimension, and along which axes it is divided: `8@x`."""
    return f"{n}@({','.join(map(str, axes))})" if len(axes) > 1 else "@".join(map(str, (n, *axes)))


@functools.lru_cache(1024)
def explicit_part(mesh: BaseMesh, spec: PartitionSpec, ndim: int) -> NamedSharding | None:
    """What the type of an array says: an entry for each dimension, with the `Explicit` axes."""
    axes = mesh.explicit_axes
    entries = [tuple(n for n in spec.names(i) if n in axes) or None for i in range(ndim)]
    return NamedSharding(mesh.abstract_mesh, PartitionSpec(*entries)) if any(entries) else None


def check_devices(name: str, devices: Iterable[Device], given: Iterable[Any]) -> None:
    """ValueError: not these are the devices of what is given, arrays and shardings.

    Arrays that the user has not put anywhere go where they are wanted.
    """
    there = set(devices)
    for x in given:
        sharding = x if isinstance(x, Sharding) else place_of(x)
        if sharding is not None and sharding.device_set != there:
            ids, others = (sorted(d.id for d in s) for s in (sharding.device_set, there))
            raise ValueError("Received incompatible devices for jitted computation. What is given "
                             f"to {name} is partly on the device ids {ids} and partly on {others}. "
                             "Bring it together first: jax.device_put(x, y.sharding).")


@dataclasses.dataclass(frozen=True)
class Shard:
    """The part of an array that one device has."""

    device: Device
    index: Index
    replica_id: int
    data: Any

    def __repr__(self) -> str:
        return (f"Shard(device={self.device!r}, index={self.index}, replica_id={self.replica_id}, "
                f"data={self.data})")


def shards(x: ArrayImpl, sharding: Sharding) -> list[Shard]:
    """The parts of an array; they share its memory."""
    out: list[Shard] = []
    for device, index in sharding.devices_indices_map(x.shape).items():
        part = np.asarray(x._value[index])
        aval = x.aval.update(shape=part.shape)
        data = (SingleDeviceSharding(device).array if hasattr(x, "_sharding") else ArrayImpl)(
            part, aval)
        out.append(Shard(device, index, sum(s.index == index for s in out), data))
    return out
