"""map: one element after the other, by a scan that carries nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minijax.batching import vmap
from minijax.control_flow.programs import Body
from minijax.control_flow.scan import scan, scan_length
from minijax.core import typeof
from minijax.families import reshape
from minijax.lax.joining import concatenate
from minijax.lax.slicing import slice_in_dim
from minijax.tree_util import tree_leaves, tree_map


class Mapped(Body):
    """The body of a scan that carries nothing."""

    maker = "map"

    def __call__(self, _: tuple, x: Any) -> tuple:
        return (), self.func(x)


class MappedBatch(Body):
    """The same, for a batch in each step."""

    maker = "batched map"

    def __call__(self, _: tuple, x: Any) -> tuple:
        return (), vmap(self.func)(x)


def map(f: Callable, xs: Any, *, batch_size: int | None = None) -> Any:
    """`f` for each x along the leading axes of `xs`, one after the other, results stacked.

    Like `vmap(f)(xs)`, with the memory of one step; with `batch_size`, of that many (0: of all).

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.map(lambda x: x ** 2, jnp.arange(4))
    Array([0, 1, 4, 9], dtype=int32)

    Raises:
      ValueError: arrays without a leading axis, or of different sizes along it.
      TypeError: a negative `batch_size`.
    """
    if not callable(f):
        raise TypeError("lax.map: f argument should be a callable.")
    if batch_size is None:
        return scan(Mapped(f), (), xs)[1]
    if batch_size < 0:
        raise TypeError(f"lax.map: batch_size must be positive, got {batch_size}.")
    n = scan_length(tree_leaves(xs), None)
    steps = n // batch_size if batch_size else 0  # 0 is one batch of all
    whole = steps * batch_size
    if not steps:
        return vmap(f)(xs)
    batches = tree_map(lambda x: reshape(
        slice_in_dim(x, 0, whole), (steps, batch_size, *typeof(x).shape[1:])), xs)
    ys = scan(MappedBatch(f), (), batches)[1]
    ys = tree_map(lambda y: reshape(y, (whole, *typeof(y).shape[2:])), ys)
    if whole == n:
        return ys
    rest = vmap(f)(tree_map(lambda x: slice_in_dim(x, whole, n), xs))
    return tree_map(lambda y, r: concatenate([y, r], 0), ys, rest)
