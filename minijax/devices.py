"""The devices of this machine: its CPU, as often as the user says.

What is not mapped by `pmap` is computed in the user's process, and counts as on the first device.
Each is also a process of its own, started when `pmap` first needs it (see `parallel/`).
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.config import flags
from minijax.core import ArrayImpl, Primitive
from minijax.layouts import There, follow
from minijax.tree_util import tree_leaves, tree_map


class Device:
    """A device. `platform` is what runs it, `id` tells it from the others of its platform."""

    platform = "cpu"
    device_kind = "cpu"
    process_index = 0

    def __init__(self, id: int):
        self.id = id

    def follow(self, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
        """The results of an operation where this is the default device."""
        return follow(self, prim, args, params)

    def __repr__(self) -> str:
        return f"CpuDevice(id={self.id})"

    def __str__(self) -> str:
        return f"cpu:{self.id}"


_cpu: list[Device] = []


def number_of_devices() -> int:
    """What `jax_num_cpu_devices` says, or XLA's flag for it in the environment, or one."""
    if flags.jax_num_cpu_devices > 0:
        return flags.jax_num_cpu_devices
    flag = r"--xla_force_host_platform_device_count=(\d+)"
    found = re.search(flag, os.environ.get("XLA_FLAGS", ""))
    return max(int(found[1]), 1) if found else 1


def devices(backend: str | None = None) -> list[Device]:
    """All devices. There is one, until an option says otherwise.

    >>> import minijax as jax
    >>> jax.devices()
    [CpuDevice(id=0)]
    >>> jax.config.update("jax_num_cpu_devices", 2)
    >>> jax.devices()
    [CpuDevice(id=0), CpuDevice(id=1)]
    >>> jax.config.update("jax_num_cpu_devices", -1)
    """
    if backend in ("gpu", "tpu"):
        raise RuntimeError(f"Unknown backend: '{backend}' requested, but no platforms that are "
                           f"instances of {backend} are present. Platforms present are: cpu")
    if backend not in (None, "cpu"):
        raise RuntimeError(f"Unknown backend {backend}. Available backends are ['cpu']")
    count = number_of_devices()
    _cpu.extend(map(Device, range(len(_cpu), count)))
    return _cpu[:count]


def local_devices(backend: str | None = None) -> list[Device]:
    """The devices of this process."""
    return devices(backend)


def device_count(backend: str | None = None) -> int:
    """How many devices there are."""
    return len(devices(backend))


def local_device_count(backend: str | None = None) -> int:
    """How many devices this process has."""
    return len(local_devices(backend))


def process_count(backend: str | None = None) -> int:
    """How many processes of the user's program there are, on several machines: here one."""
    return 1


def process_index(backend: str | None = None) -> int:
    """Which of these processes this is."""
    return 0


def default_backend() -> str:
    """The platform that computations run on."""
    return "cpu"


def asked_of_jit(device: Device | None, backend: str | None, shardings: tuple) -> tuple:
    """The shardings of arguments and results, where `jit` may be given a device instead.

    ValueError: both are given. RuntimeError: there is no such backend.
    """
    if device is None and backend is None:
        return shardings
    warnings.warn("backend and device argument on jit is deprecated. Put the inputs there, for "
                  "the same behavior: `jax.device_put(x, jax.devices('cpu')[0])`.",
                  DeprecationWarning, stacklevel=3)
    if device is not None and backend is not None:
        raise ValueError("can't specify both a device and a backend for jit, got "
                         f"device={device!r} and backend={backend!r}")
    for name, sharding in zip(("in_shardings", "out_shardings"), shardings):
        if sharding is not None:
            raise ValueError("If backend or device is specified on jit, then "
                             f"{name} should not be specified.")
    there = There(devices(backend)[0] if device is None else device)
    return there, there


def device_get(x: Any) -> Any:
    """The arrays of a pytree as NumPy arrays."""
    return tree_map(lambda leaf: np.asarray(leaf) if isinstance(leaf, ArrayImpl) else leaf, x)


def block_until_ready(x: Any) -> Any:
    """`x`, when all its arrays have been computed."""
    for leaf in tree_leaves(x):
        if hasattr(leaf, "block_until_ready"):
            leaf.block_until_ready()
    return x


def copy_to_host_async(x: Any) -> Any:
    """Start to copy the arrays of a pytree to where NumPy reads them. Here they are there."""
    for leaf in tree_leaves(x):
        if hasattr(leaf, "copy_to_host_async"):
            leaf.copy_to_host_async()
    return x
