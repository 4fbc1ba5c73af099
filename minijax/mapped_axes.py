"""What `vmap` and `pmap` are told about axes: `in_axes`, `out_axes`, `axis_size`, with all errors.

An axis is counted from the front; None stands for a value that is the same for the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minijax.api_util import leaf_names
from minijax.core import typeof
from minijax.tree_util import flatten_axes, keystr, tree_flatten_with_path, tree_leaves


def check_axes(what: str, axes: Any, kind: str = "vmap") -> None:
    """TypeError for what can be no specification of axes, whatever the arguments will be."""
    if axes is None or type(axes) is int:
        return
    if what == "in_axes" and not isinstance(axes, (int, tuple, list)):
        raise TypeError(f"{kind} in_axes must be an int, None, or a tuple of entries corresponding "
                        f"to the positional arguments passed to the function, but got {axes}.")
    for d in tree_leaves(axes):
        if type(d) is not int:
            raise TypeError(f"{kind} {what} must be an int, None, or (nested) container with those "
                            f"types as leaves, but got {axes}.")


def input_axes(fun: Callable, in_axes: Any, axis_size: int | None, args: tuple, kwargs: dict,
               leaves: Sequence[Any], in_tree: Any, kind: str = "vmap"
               ) -> tuple[list[int | None], int]:
    """The mapped axis of each leaf of the arguments, and the size that all of them have."""
    if isinstance(in_axes, tuple) and len(in_axes) != len(args):
        raise ValueError(f"{kind} in_axes must be an int, None, or a tuple of entries "
                         "corresponding to the positional arguments passed to the function, but "
                         f"got {len(in_axes)=}, {len(args)=}")
    if not leaves and axis_size is None:
        raise ValueError(f"{kind} wrapped function must be passed at least one argument containing "
                         "an array or axis_size must be specified, got empty "
                         f"*args={args} and **kwargs={kwargs}")
    dims = flatten_axes(f"{kind} in_axes", args, in_axes)
    n = len(dims)
    dims += [0] * (len(leaves) - n)  # keyword arguments
    for i, (x, d) in enumerate(zip(leaves, dims)):
        if d is not None:  # None goes with any object
            rank = typeof(x).ndim
            if not -rank <= d < rank:
                raise ValueError(rank_message(leaf_names(fun, in_tree)[i], typeof(x), d, kind))
            dims[i] = d % rank
    sizes = {typeof(x).shape[d] for x, d in zip(leaves, dims) if d is not None}
    sizes.update(() if axis_size is None else (axis_size,))
    if not sizes:
        raise ValueError(f"{kind} must have at least one non-None value in in_axes or axis_size "
                         "must be specified")
    if len(sizes) > 1:
        names = [f"argument {name}" for name in leaf_names(fun, in_tree)[:n]]
        names += [f"kwargs{keystr(path)}" for path, _ in tree_flatten_with_path(kwargs)[0]]
        raise ValueError(size_message(names, leaves, dims, axis_size, kind))
    return dims, sizes.pop()


def output_axes(out_axes: Any, out_tree: Any, outs: Sequence[Any], dims: Sequence[int | None],
                axis_name: Any) -> list[int | None]:
    """Where the mapped axis of each result goes: None for what is the same for the whole batch."""
    out = out_tree.unflatten(outs)
    wanted = flatten_axes("vmap out_axes", out, out_axes)
    for i, (d, w) in enumerate(zip(dims, wanted)):
        if w is None and d is not None:
            raise ValueError(
                f"vmap has mapped output (axis_name={axis_name}) but out_axes is None: at vmap "
                f"out_axes{keystr(tree_flatten_with_path(out)[0][i][0])}, got axis spec None but "
                f"output was batched on axis {d}: it depends on the mapped arguments.")
    return wanted


def rank_message(name: str, aval: Any, axis: int, kind: str) -> str:
    return (f"{kind} was requested to map its argument along axis {axis}, which implies that its "
            f"rank should be at least {axis + 1 if axis >= 0 else -axis}, but is only {aval.ndim} "
            f"(its shape is {aval.shape}). It is the argument {name}.")


def size_message(names: Sequence[str], leaves: Sequence[Any], dims: Sequence[int | None],
                 axis_size: int | None, kind: str) -> str:
    """Which axes have which size, the most frequent size first."""
    having: dict[int, list[str]] = {}
    for name, x, d in zip(names, leaves, dims):
        if d is not None:
            axis = f"axis {d} of {name} of type {typeof(x).str_short()}"
            having.setdefault(typeof(x).shape[d], []).append(axis)
    lines = [f"  * the `axis_size` argument was {axis_size}"] if axis_size is not None else []
    for i, (size, axes) in enumerate(sorted(having.items(), key=lambda item: -len(item[1]))):
        if len(axes) == 1:
            lines.append(f"  * one axis had size {size}: {axes[0]}")
        else:
            lines.append(f"  * {'some' if i else 'most'} axes ({len(axes)} of them) had size "
                         f"{size}, e.g. {axes[0]}")
    return f"{kind} got inconsistent sizes for array axes to be mapped:\n" + ";\n".join(lines)
