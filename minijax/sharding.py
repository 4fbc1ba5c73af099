"""`jax.sharding`: meshes of devices, and how arrays are divided among them."""

from minijax.parallel.constraint import reshard
from minijax.parallel.context import get_mesh, set_mesh, use_abstract_mesh
from minijax.parallel.explicit import ManualAxisType, auto_axes, explicit_axes
from minijax.parallel.mapped import get_abstract_mesh
from minijax.parallel.meshes import AbstractDevice, AbstractMesh, AxisType, Mesh, PartitionSpec
from minijax.parallel.shardings import NamedSharding, Sharding, SingleDeviceSharding

__all__ = ["AbstractDevice", "AbstractMesh", "AxisType", "ManualAxisType", "Mesh", "NamedSharding",
           "PartitionSpec", "Sharding", "SingleDeviceSharding", "auto_axes", "explicit_axes",
           "get_abstract_mesh", "get_mesh", "reshard", "set_mesh", "use_abstract_mesh"]
