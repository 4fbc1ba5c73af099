"""`jax.experimental.shard_map`: where `jax.shard_map` was before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minijax.parallel import shard_map as _shard_map
from minijax.parallel.meshes import Mesh

__all__ = ["shard_map"]


def shard_map(f: Callable, mesh: Mesh, in_specs: Any, out_specs: Any, check_rep: bool = True
              ) -> Callable:
    """`jax.shard_map`, with the arguments in another order; `check_rep` is now `check_vma`."""
    return _shard_map.shard_map(f, mesh=mesh, in_specs=in_specs, out_specs=out_specs,
                                check_vma=check_rep)
