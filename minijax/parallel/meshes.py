"""Meshes: devices in rows and columns, whose axes have names."""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minijax.config import Flags, flags
from minijax.devices import Device, devices as all_devices

__all__ = ["AbstractDevice", "AbstractMesh", "AxisType", "BaseMesh", "Mesh", "PartitionSpec",
           "make_mesh", "use"]


class AxisType(enum.Enum):
    """Who decides how arrays are divided along an axis: the compiler, the user's types, or code.

    Along `Auto` axes `jit` decides, by rules. Along `Explicit` ones the types of arrays say it,
    such as `float32[8@x,2]`, and where a result is ambiguous, the user is asked. `Manual` are those
    inside of `shard_map`, where the program is that of one device.
    """

    Auto = enum.auto()
    Explicit = enum.auto()
    Manual = enum.auto()

    def __repr__(self) -> str:
        return self.name


class PartitionSpec:
    """For each dimension of an array, the axes of a mesh that it is divided along.

    An entry is the name of an axis, a tuple of names (the first is the slowest), or None: the
    dimension is not divided. So are dimensions without an entry. The whole array is the same along
    axes that are not mentioned. `P.UNCONSTRAINED` leaves open how a dimension is divided.

    >>> import minijax as jax
    >>> jax.P("x", None, ("y", "z"))
    P('x', None, ('y', 'z'))
    """

    __slots__ = ("partitions",)
    UNCONSTRAINED = type("UnconstrainedSingleton", (), {"__repr__": lambda _: "UNCONSTRAINED"})()

    def __init__(self, *partitions: Any):
        self.partitions = tuple(simplified(p) for p in partitions)

    def is_open(self, dim: int) -> bool:
        """May this dimension be divided in any way?"""
        return dim < len(self.partitions) and self.partitions[dim] is self.UNCONSTRAINED

    def names(self, dim: int) -> tuple:
        """The axes that a dimension is divided along."""
        entry = self.partitions[dim] if dim < len(self.partitions) else None
        if entry is None or entry is self.UNCONSTRAINED:
            return ()
        return entry if isinstance(entry, tuple) else (entry,)

    def mentioned(self) -> list:
        """All axes, dimension by dimension."""
        return [n for dim in range(len(self)) for n in self.names(dim)]

    def __len__(self) -> int:
        return len(self.partitions)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.partitions)

    def __getitem__(self, i: Any) -> Any:
        return self.partitions[i]

    def __add__(self, other: Any) -> PartitionSpec:
        return PartitionSpec(*self, *other)

    def __radd__(self, other: Any) -> PartitionSpec:
        return PartitionSpec(*other, *self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartitionSpec) and self.partitions == other.partitions

    def __hash__(self) -> int:
        return hash(self.partitions)

    def __reduce__(self) -> tuple:
        return PartitionSpec, self.partitions

    def __repr__(self) -> str:
        return f"P{self.partitions!r}"


def simplified(entry: Any) -> Any:
    """An entry of a spec: of one name, the name."""
    entry = tuple(entry) if isinstance(entry, list) else entry
    return entry[0] if isinstance(entry, tuple) and len(entry) == 1 else entry


class BaseMesh:
    """The axes of a mesh: their sizes, names and types, and no device yet."""

    abstract_mesh: Any

    def __init__(self, sizes: Sequence[int], names: Any, types: Any):
        self.axis_sizes = tuple(sizes)
        self.axis_names = (names,) if isinstance(names, str) else tuple(names)
        types = (AxisType.Auto,) * len(self.axis_names) if types is None else types
        self.axis_types = (types,) if isinstance(types, AxisType) else tuple(types)
        kind = type(self).__name__
        if len(set(self.axis_names)) < len(self.axis_names) or None in self.axis_names:
            raise ValueError(f"{kind} needs a different name for each axis, and none may be None, "
                             f"got {self.axis_names}.")
        if not all(isinstance(t, AxisType) for t in self.axis_types):
            raise TypeError(f"axis_types passed to {kind} must be of type `jax.sharding.AxisType`."
                            f" Got {self.axis_types} of type {tuple(map(type, self.axis_types))}")
        if len(self.axis_types) != len(self.axis_names):
            raise ValueError("Number of axis names should match the number of axis_types. Got "
                             f"axis_names={self.axis_names} and axis_types={self.axis_types}")
        self._key: tuple = (self.axis_sizes, self.axis_names, self.axis_types)
        self._hash = hash(self._key)

    shape_tuple = property(lambda self: tuple(zip(self.axis_names, self.axis_sizes)))
    size = property(lambda self: math.prod(self.axis_sizes) if self.axis_names else 0)
    empty = property(lambda self: self.size == 0)

    @property
    def shape(self) -> OrderedDict[Any, int]:
        """The size of each axis, by name."""
        return OrderedDict(self.shape_tuple)

    def count(self, names: Sequence[Any]) -> int:
        """How many devices there are along these axes together."""
        return math.prod(self.shape[n] for n in names)

    def of_type(self, kind: AxisType) -> tuple:
        """The names of the axes of this type."""
        return tuple(n for n, t in zip(self.axis_names, self.axis_types) if t is kind)

    auto_axes = property(lambda self: self.of_type(AxisType.Auto))
    explicit_axes = functools.cached_property(lambda self: self.of_type(AxisType.Explicit))
    manual_axes = property(lambda self: self.of_type(AxisType.Manual))
    are_all_axes_auto = property(lambda self: not self.empty and {*self.axis_types} == {
        AxisType.Auto})
    are_all_axes_explicit = property(lambda self: not self.empty and {*self.axis_types} == {
        AxisType.Explicit})
    are_all_axes_manual = property(lambda self: not self.empty and {*self.axis_types} == {
        AxisType.Manual})

    def __eq__(self, other: object) -> bool:
        return self is other or type(other) is type(self) and self._key == other._key

    def __hash__(self) -> int:
        return self._hash


class AbstractMesh(BaseMesh):
    """A mesh without devices: the sizes of its axes, and their names.

    It stands for a mesh where a function is traced, which runs on whatever devices there are then.

    >>> import minijax as jax
    >>> mesh = jax.sharding.AbstractMesh((4, 2), ("x", "y"))
    >>> mesh.shape["x"], mesh.size
    (4, 8)
    >>> mesh.update_axis_types({"x": jax.sharding.AxisType.Explicit})
    AbstractMesh('x': 4, 'y': 2, axis_types=(Explicit, Auto))

    Raises:
      ValueError: not one name, and one type, for each axis; devices are asked for.
    """

    def __init__(self, axis_sizes: Sequence[int], axis_names: Any, axis_types: Any = None, *,
                 abstract_device: Any = None):
        super().__init__(axis_sizes, axis_names, axis_types)
        if len(self.axis_sizes) != len(self.axis_names):
            raise ValueError("Number of axis names should match the number of axis_sizes. Got "
                             f"axis_sizes={self.axis_sizes} and axis_names={self.axis_names}")
        self.abstract_device = abstract_device

    abstract_mesh = property(lambda self: self)

    def update(self, **changes: Any) -> AbstractMesh:
        """The same with other `axis_sizes`, `axis_names`, `axis_types` or `abstract_device`."""
        fields = {n: getattr(self, n) for n in ("axis_sizes", "axis_names", "axis_types",
                                                "abstract_device")}
        return AbstractMesh(**fields | changes)

    def update_axis_types(self, name_to_type: dict[Any, AxisType]) -> AbstractMesh:
        """The same with these axes of another type."""
        return self.update(axis_types=tuple(name_to_type.get(n, t) for n, t in zip(
            self.axis_names, self.axis_types)))

    def __getattr__(self, name: str) -> Any:
        raise (ValueError if hasattr(Mesh, name) or name == "devices" else AttributeError)(
            f"AbstractMesh does not implement {name}")

    def __repr__(self) -> str:
        sizes = ", ".join(f"{n!r}: {size}" for n, size in self.shape_tuple) or "()"
        device = "" if self.abstract_device is None else f", {self.abstract_device.described()}"
        return f"AbstractMesh({sizes}, axis_types={self.axis_types}{device})"


@dataclasses.dataclass(frozen=True)
class AbstractDevice:
    """A kind of device."""

    device_kind: str
    num_cores: int | None
    platform: str

    def described(self) -> str:
        return (f"device_kind={self.device_kind}, num_cores={self.num_cores}, "
                f"platform={self.platform}")

    def __repr__(self) -> str:
        return f"AbstractDevice({self.described()})"


def use(meshes: tuple) -> None:
    """In this thread the last of these is the mesh of the context."""
    flags.meshes = meshes
    Flags.state = object()


class Mesh(BaseMesh):
    """An array of devices, and a name for each of its axes.

    >>> import minijax as jax, numpy as np
    >>> jax.sharding.Mesh(np.array(jax.devices()).reshape(1, 1), ("x", "y"))
    Mesh(axis_sizes=(1, 1), axis_names=('x', 'y'), axis_types=(Auto, Auto))

    Raises:
      ValueError: not one name, and one type, for each axis; a device that is there twice.
    """

    def __init__(self, devices: Any, axis_names: Any, axis_types: Any = None):
        self.devices = np.array(devices, dtype=object)
        super().__init__(self.devices.shape, axis_names, axis_types)
        if self.devices.ndim != len(self.axis_names):
            raise ValueError("Mesh requires the ndim of its first argument (`devices`) to equal "
                             "the length of its second argument (`axis_names`), but got "
                             f"devices.ndim == {self.devices.ndim} and len(axis_names) == "
                             f"{len(self.axis_names)}.")
        if len(set(self.devices.flat)) < self.devices.size:
            raise ValueError("Mesh needs each device once, got device ids "
                             f"{self.device_ids.tolist()}.")
        self.devices.setflags(write=False)
        self._key = (*self._key, tuple(self.devices.flat))
        self._hash = hash(self._key)

    local_devices = property(lambda self: list(self.devices.flat))
    device_ids = property(lambda self: np.vectorize(lambda d: d.id, [int])(self.devices))
    local_mesh = property(lambda self: self)
    is_multi_process = False

    @functools.cached_property
    def abstract_mesh(self) -> AbstractMesh:
        """The same without devices."""
        kind = None if self.empty else AbstractDevice(
            self.devices.flat[0].device_kind, None, self.devices.flat[0].platform)
        return AbstractMesh(*self._key[:3], abstract_device=kind)

    def update(self, **changes: Any) -> Mesh:
        """The same with other `devices`, `axis_names` or `axis_types`."""
        fields = {n: getattr(self, n) for n in ("devices", "axis_names", "axis_types")}
        return Mesh(**fields | changes)

    def __enter__(self) -> Mesh:
        use((*flags.meshes, self))
        return self

    def __exit__(self, *exc: object) -> None:
        use(flags.meshes[:-1])

    def __str__(self) -> str:
        sizes = ", ".join(f"{n!r}: {size}" for n, size in self.shape.items())
        return f"Mesh({sizes}, axis_types={self.axis_types})" if sizes else "Mesh()"

    def __repr__(self) -> str:
        types = f", axis_types={self.axis_types}" if self.axis_names else ""
        return f"Mesh(axis_sizes={self.axis_sizes}, axis_names={self.axis_names}{types})"


def make_mesh(axis_shapes: Sequence[int], axis_names: Sequence[Any], axis_types: Any = None, *,
              devices: Sequence[Device] | None = None) -> Mesh:
    """A mesh of this shape, of the first devices that there are.

    >>> import minijax as jax
    >>> jax.config.update("jax_num_cpu_devices", 8)
    >>> mesh = jax.make_mesh((4, 2), ("x", "y"))
    >>> print(mesh)
    Mesh('x': 4, 'y': 2, axis_types=(Explicit, Explicit))
    >>> jax.config.update("jax_num_cpu_devices", -1)

    Raises:
      ValueError: there are not as many devices, or not one name for each axis.
    """
    shape = tuple(axis_shapes)
    if len(shape) != len(axis_names):
        raise ValueError("Number of axis names should match the number of axis_shapes. Got "
                         f"axis_shapes={shape} and axis_names={tuple(axis_names)}")
    there, size = list(all_devices() if devices is None else devices), math.prod(shape)
    if any(n < 1 for n in shape):
        raise ValueError(f"Each axis of a mesh has at least one device, got axis_shapes={shape}")
    if len(there) < size:
        raise ValueError(f"Number of devices {len(there)} must be >= the product of mesh_shape "
                         f"{shape}. Say how many devices there are, at any time, with "
                         f"jax.config.update('jax_num_cpu_devices', {size}).")
    types = (AxisType.Explicit,) * len(shape) if axis_types is None else axis_types
    return Mesh(np.array(there[:size], object).reshape(shape), axis_names, types)
