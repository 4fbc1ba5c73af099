"""`jax.experimental.mesh_utils`: devices in a grid, for `jax.sharding.Mesh`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minijax.devices import Device, devices as all_devices

__all__ = ["create_device_mesh"]


def create_device_mesh(mesh_shape: Sequence[int], devices: Sequence[Device] | None = None
                       ) -> np.ndarray:
    """All devices, or those given, as an array of this shape. (`jax.make_mesh` is shorter.)

    Processes of one machine are all equally near to each other, so they stand in their order.

    >>> import minijax as jax
    >>> from minijax.experimental import mesh_utils
    >>> jax.config.update("jax_num_cpu_devices", 4)
    >>> print(jax.sharding.Mesh(mesh_utils.create_device_mesh((2, 2)), ("x", "y")).device_ids)
    [[0 1]
     [2 3]]
    >>> jax.config.update("jax_num_cpu_devices", -1)

    Raises:
      ValueError: there are more devices, or fewer.
    """
    there, shape = list(all_devices() if devices is None else devices), tuple(mesh_shape)
    if len(there) != np.prod(shape):
        raise ValueError(f"Number of devices {len(there)} must equal the product of mesh_shape "
                         f"{shape}")
    return np.array(there, object).reshape(shape)
