"""Arrays and their parts: from the whole to one part for each device, and back.

The parts stand in leading dimensions, one for each axis of the mesh. Along the axes that a spec
does not mention, all devices have the same, and the dimension has size 1. What is not divided at
all is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minijax.core import ShapedArray, typeof
from minijax.families import broadcast_in_dim, reshape, transpose
from minijax.lax.slicing import slice_in_dim
from minijax.parallel.meshes import BaseMesh, PartitionSpec

__all__ = ["divided", "joined", "part_of"]


def part_of(aval: ShapedArray, spec: PartitionSpec, mesh: BaseMesh) -> ShapedArray:
    """The type of the part of one device."""
    return aval.update(shape=[n // mesh.count(spec.names(i)) for i, n in enumerate(aval.shape)])


def divided(x: Any, spec: PartitionSpec, mesh: BaseMesh, axes: Sequence[Any]) -> Any:
    """The parts of an array, along `axes`."""
    if not spec.mentioned():
        return x
    aval = typeof(x)
    local, names, shape = part_of(aval, spec, mesh).shape, [], []
    for i, n in enumerate(local):
        names += [*spec.names(i), None]
        shape += [*(mesh.shape[a] for a in spec.names(i)), n]
    order = [names.index(a) for a in axes if a in names]
    order += [i for i, a in enumerate(names) if a is None]
    lead = [mesh.shape[a] if a in names else 1 for a in axes]
    return rearranged(x, shape, order, [*lead, *local])


def joined(x: Any, spec: PartitionSpec, mesh: BaseMesh, axes: Sequence[Any]) -> Any:
    """The whole, from the parts along `axes`; along those not mentioned, from the first device."""
    mentioned = spec.mentioned()
    for i, a in enumerate(axes):
        if a not in mentioned and typeof(x).shape[i] > 1:
            x = slice_in_dim(x, 0, 1, axis=i)
    local = typeof(x).shape[len(axes):]
    lead = [mesh.shape[a] if a in mentioned else 1 for a in axes]  # what is the same, repeated
    x = broadcast_in_dim(x, (*lead, *local), range(typeof(x).ndim))
    present = [a for a in axes if a in mentioned]
    order: list[int] = []
    for i in range(len(local)):
        order += [*(present.index(a) for a in spec.names(i)), len(present) + i]
    shape = [n * mesh.count(spec.names(i)) for i, n in enumerate(local)]
    return rearranged(x, [*(mesh.shape[a] for a in present), *local], order, shape)


def rearranged(x: Any, before: Sequence[int], order: Sequence[int], after: Sequence[int]) -> Any:
    """An array in the shape `before`, its dimensions in this order, in the shape `after`."""
    if list(order) != sorted(order):
        x = transpose(reshape(x, tuple(before)), list(order))
    return x if typeof(x).shape == tuple(after) else reshape(x, tuple(after))
