"""Meshes: devices in rows and columns, whose axes have names."""

from __future__ import annotations

import enum
import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minijax.config import Flags, flags
from minijax.core import EvalTrace, current_trace
from minijax.devices import Device, devices as all_devices

__all__ = ["AxisType", "Mesh", "PartitionSpec", "get_mesh", "make_mesh", "set_mesh"]


class AxisType(enum.Enum):
    """Who decides how arrays are divided along an axis: the compiler, the user's types, or code.

    JAX has a mode for each. Here all axes are treated alike, and the type is what is printed.
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
    axes that are not mentioned.

    >>> import minijax as jax
    >>> jax.P("x", None, ("y", "z"))
    P('x', None, ('y', 'z'))
    """

    __slots__ = ("partitions",)
    UNCONSTRAINED = type("UnconstrainedSingleton", (), {"__repr__": lambda _: "UNCONSTRAINED"})()

    def __init__(self, *partitions: Any):
        self.partitions = tuple(simplified(p) for p in partitions)

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


class Mesh:
    """An array of devices, and a name for each of its axes.

    >>> import minijax as jax, numpy as np
    >>> jax.sharding.Mesh(np.array(jax.devices()).reshape(1, 1), ("x", "y"))
    Mesh(axis_sizes=(1, 1), axis_names=('x', 'y'), axis_types=(Auto, Auto))

    Raises:
      ValueError: not one name, and one type, for each axis; a device that is there twice.
    """

    def __init__(self, devices: Any, axis_names: Any, axis_types: Any = None):
        self.devices = np.array(devices, dtype=object)
        self.axis_names = (axis_names,) if isinstance(axis_names, str) else tuple(axis_names)
        if self.devices.ndim != len(self.axis_names):
            raise ValueError("Mesh requires the ndim of its first argument (`devices`) to equal "
                             "the length of its second argument (`axis_names`), but got "
                             f"devices.ndim == {self.devices.ndim} and len(axis_names) == "
                             f"{len(self.axis_names)}.")
        if len(set(self.axis_names)) < len(self.axis_names) or None in self.axis_names:
            raise ValueError("Mesh needs a different name for each axis, and none may be None, got "
                             f"{self.axis_names}.")
        if len(set(self.devices.flat)) < self.devices.size:
            raise ValueError("Mesh needs each device once, got device ids "
                             f"{self.device_ids.tolist()}.")
        types = axis_types or (AxisType.Auto,) * len(self.axis_names)
        self.axis_types = (types,) if isinstance(types, AxisType) else tuple(types)
        if len(self.axis_types) != len(self.axis_names):
            raise ValueError("Number of axis names should match the number of axis_types. Got "
                             f"axis_names={self.axis_names} and axis_types={self.axis_types}")
        self._key = (self.axis_names, self.axis_types, self.devices.shape,
                     tuple(self.devices.flat))
        self._hash = hash(self._key)

    axis_sizes = property(lambda self: self.devices.shape)
    shape_tuple = property(lambda self: tuple(self.shape.items()))
    size = property(lambda self: self.devices.size)
    empty = property(lambda self: self.devices.ndim == 0)
    local_devices = property(lambda self: list(self.devices.flat))
    device_ids = property(lambda self: np.vectorize(lambda d: d.id, [int])(self.devices))
    abstract_mesh = property(lambda self: self)  # JAX's has no devices
    is_multi_process = False

    @property
    def shape(self) -> OrderedDict[Any, int]:
        """The size of each axis, by name."""
        return OrderedDict(zip(self.axis_names, self.devices.shape))

    def count(self, names: Sequence[Any]) -> int:
        """How many devices there are along these axes together."""
        return math.prod(self.shape[n] for n in names)

    def __eq__(self, other: object) -> bool:
        return self is other or isinstance(other, Mesh) and self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    def __enter__(self) -> Mesh:
        use((*flags.meshes, self))
        return self

    def __exit__(self, *exc: object) -> None:
        use(flags.meshes[:-1])

    def __str__(self) -> str:
        sizes = ", ".join(f"{n!r}: {size}" for n, size in self.shape.items())
        return f"Mesh({sizes}, axis_types={self.axis_types})" if sizes else "Mesh()"

    def __repr__(self) -> str:
        return (f"Mesh(axis_sizes={self.axis_sizes}, axis_names={self.axis_names}, "
                f"axis_types={self.axis_types})")


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


# --- the mesh of the context ---------------------------------------------------------------------

NO_MESH = Mesh(np.array(None, object), ())


def use(meshes: tuple) -> None:
    """In this thread the last of these is the mesh of the context."""
    flags.meshes = meshes
    Flags.state = object()


class set_mesh:
    """Use this mesh where none is given: from now on in this thread, or in a `with` block.

    Raises:
      ValueError: it is no mesh, or this is inside of a function that is being traced.
    """

    def __init__(self, mesh: Mesh | None):
        if mesh is not None and not isinstance(mesh, Mesh):
            raise ValueError(f"Expected mesh of type `jax.sharding.Mesh`. Got {type(mesh)}")
        if type(current_trace()) is not EvalTrace:
            raise ValueError("`set_mesh` can only be used outside of `jax.jit`, and of what else "
                             "traces a function: the mesh belongs to the call.")
        self.mesh, self.before = mesh, flags.meshes
        use(() if mesh is None else (mesh,))

    def __enter__(self) -> Mesh | None:
        return self.mesh

    def __exit__(self, *exc: object) -> None:
        use(self.before)


def get_mesh() -> Mesh:
    """The mesh of the context; an empty one if there is none."""
    return flags.meshes[-1] if flags.meshes else NO_MESH
