"""associative_scan: all partial results of an associative function, in logarithmic depth.

In JAX: jax/_src/lax/control_flow/loops.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minijax.control_flow.agreement import itemized, leaf_paths, structure_differences
from minijax.control_flow.programs import typed_leaves
from minijax.core import typeof
from minijax.lax.creation import of_dtype
from minijax.lax.elementwise import add, bitwise_or
from minijax.lax.joining import concatenate
from minijax.lax.shapes import canonicalize_axis, replace
from minijax.lax.shaping import rev
from minijax.lax.slicing import pad, slice_in_dim
from minijax.tree_util import keystr, tree_flatten, tree_unflatten


def associative_scan(fn: Callable, elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All partial results of an associative function along an axis, in logarithmic depth.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.associative_scan(jnp.add, jnp.arange(5))
    Array([ 0,  1,  3,  6, 10], dtype=int32)

    Args:
      fn: `fn(a, b)`, for a and b like `elems` but of any size along `axis`, works elementwise
        along it and returns the same. `fn(a, fn(b, c))` must be `fn(fn(a, b), c)`.
      elems: an array, or a pytree of arrays of one size along `axis`.
      reverse: combine from the last element on.

    Raises:
      ValueError: no arrays, or arrays of different sizes along `axis`, or without that axis.
      TypeError: `fn` does not return what it takes.

    Source: G. E. Blelloch, Prefix Sums and Their Applications, 1990.
    """
    if not callable(fn):
        raise TypeError("lax.associative_scan: fn argument should be callable.")
    xs, tree = typed_leaves("elems of associative_scan", elems)
    if not xs:
        raise ValueError("associative_scan got no arrays to scan over.")
    axes = {canonicalize_axis(axis, typeof(x).ndim) for x in xs}
    axis = axes.pop()
    if axes or len({typeof(x).shape[axis] for x in xs}) > 1:
        raise ValueError("Array inputs to associative_scan must have the same first dimension. "
                         f"(saw: {[typeof(x).shape for x in xs]}, to scan along axis {axis})")

    def combine(xs: Sequence[Any], ys: Sequence[Any]) -> list[Any]:
        outs, out_tree = tree_flatten(fn(tree_unflatten(tree, xs), tree_unflatten(tree, ys)))
        check_combined(tree, xs, out_tree, outs)
        return outs

    def turned(xs: Sequence[Any]) -> list[Any]:
        return [rev(x, (axis,)) if reverse else x for x in xs]

    return tree_unflatten(tree, turned(scan_pairs(combine, turned(xs), axis)))


def check_combined(tree: Any, xs: Sequence[Any], out_tree: Any, outs: Sequence[Any]) -> None:
    """TypeError unless the function returned what it takes."""
    lines = [f"the input{keystr(path)} is a {a} but the output{keystr(path)} is a {b}, so {why}"
             for path, a, b, why in structure_differences(tree, out_tree)]
    if not lines:
        pairs = zip(leaf_paths(tree), map(typeof, xs), map(typeof, outs))
        lines = [f"the input{keystr(path)} has type {a.str_short()} but the output{keystr(path)} "
                 f"has type {b.str_short()}" for path, a, b in pairs
                 if (a.shape, a.dtype) != (b.shape, b.dtype)]
    if lines:
        raise TypeError("The function of associative_scan must return what it takes, but they "
                        f"differ:\n\n{itemized(lines)}\n\nRevise the function, or convert elems, "
                        "so that inputs and outputs have the same structure, shapes and dtypes.")


def scan_pairs(combine: Callable, xs: Sequence[Any], axis: int) -> Sequence[Any]:
    """Scan the combined pairs: these are every second result. Combine them with what is between."""
    size = typeof(xs[0]).shape[axis]
    if size < 2:
        return xs

    def cut(xs: Sequence[Any], start: int, limit: int | None, step: int = 1) -> list[Any]:
        return [slice_in_dim(x, start, limit, step, axis) for x in xs]

    odd = scan_pairs(combine, combine(cut(xs, 0, -1, 2), cut(xs, 1, None, 2)), axis)
    even = combine(cut(odd, 0, -1) if size % 2 == 0 else odd, cut(xs, 2, None, 2))
    even = [concatenate([*cut([x], 0, 1), y], axis) for x, y in zip(xs, even)]
    return [interleave(x, y, axis) for x, y in zip(even, odd)]


def interleave(even: Any, odd: Any, axis: int) -> Any:
    """Elements of both in turn."""
    aval, zero = typeof(even), of_dtype(0, typeof(even).dtype)
    more = aval.shape[axis] - typeof(odd).shape[axis]  # 0 or 1
    none = ((0, 0, 0),) * aval.ndim
    join = bitwise_or if aval.dtype == bool else add
    return join(pad(even, zero, replace(none, axis, (0, 1 - more, 1))),  # type: ignore[arg-type]
                pad(odd, zero, replace(none, axis, (1, more, 1))))  # type: ignore[arg-type]
