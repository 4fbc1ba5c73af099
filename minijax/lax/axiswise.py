"""A family: operations along some axes, each slice along the others by itself.

To sort, to accumulate, to slide a window: for a batch of operands the same is done, of which the
axes are one further back. `Structural` operations have this rule too; these need not be linear.
"""

from __future__ import annotations

from minijax.batching import batch, move_to_front
from minijax.core import Primitive


class Axiswise(Primitive):
    """Works along axes that its params give, on each slice along the others by itself."""

    def shift(self, params: dict, size: int) -> dict:
        """The params of the same operation on operands with one more leading axis, of `size`."""
        raise NotImplementedError(f"Batching rule for '{self.name}' not implemented")


@batch.register
def _(prim: Axiswise, axis, xs, dims, /, **params):
    xs = [move_to_front(x, d, axis.size) for x, d in zip(xs, dims)]
    outs = prim.bind(*xs, **prim.shift(params, axis.size))
    outs = outs if prim.multiple_results else [outs]
    return outs, [0] * len(outs)
