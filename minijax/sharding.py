"""`jax.sharding`: meshes of devices, and how arrays are divided among them."""

from minijax.parallel.meshes import AxisType, Mesh, PartitionSpec, get_mesh, set_mesh
from minijax.parallel.shardings import NamedSharding, Sharding, SingleDeviceSharding

__all__ = ["AxisType", "Mesh", "NamedSharding", "PartitionSpec", "Sharding",
           "SingleDeviceSharding", "get_mesh", "set_mesh"]
