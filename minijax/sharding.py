"""`jax.sharding`: meshes of devices, and how arrays are divided among them."""

from minijax.parallel.constraint import reshard
from minijax.parallel.meshes import (
    AxisType,
    Mesh,
    PartitionSpec,
    get_mesh,
    get_mesh as get_abstract_mesh,  # JAX's has no devices
    set_mesh,
)
from minijax.parallel.shardings import NamedSharding, Sharding, SingleDeviceSharding

__all__ = ["AxisType", "Mesh", "NamedSharding", "PartitionSpec", "Sharding",
           "SingleDeviceSharding", "get_abstract_mesh", "get_mesh", "reshard", "set_mesh"]
