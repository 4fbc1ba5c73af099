"""Programs that must agree: a carry keeps its type, branches return the same types.

Where they do not, the message says where, what there is on both sides, and what to do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minijax import dtypes
from minijax.api_util import place_of
from minijax.core import ShapedArray, typeof
from minijax.families import convert
from minijax.jit import Traced
from minijax.tree_util import (
    all_leaves,
    flatten_one_level_with_keys,
    keystr,
    tree_flatten_with_path,
    tree_unflatten,
)


def same_type(a: ShapedArray, b: ShapedArray) -> bool:
    return a.strip_weak_type() == b.strip_weak_type()


# --- carries -----------------------------------------------------------------------------------


def settled(init: Sequence[Any], outs: Sequence[ShapedArray]) -> list[Any]:
    """Initial carries, those of weak type in the dtype that the body gives them.

    `fori_loop(0, n, lambda i, total: total + x[i], 0)` starts with an integer and adds floats.
    """
    def settle(x: Any, out: ShapedArray) -> Any:
        aval = typeof(x)
        if not aval.weak_type or aval.dtype == out.dtype:
            return x
        promoted = dtypes.lattice_result_type(aval, out)[0]
        return convert(x, out.dtype, False) if promoted == out.dtype else x

    return list(map(settle, init, outs))


def check_carry(what: str, fun: Callable, tree: Any, ins: Sequence[ShapedArray], out_tree: Any,
                outs: Sequence[ShapedArray]) -> None:
    """TypeError, which names the paths, unless a carry keeps its structure and its types."""
    lines = [f"{carry_component(fun, path)} is a {a} but the corresponding component of the "
             f"carry output is a {b}, so {why}"
             for path, a, b, why in structure_differences(tree, out_tree)]
    if lines:
        raise TypeError(
            f"{what} function carry input and carry output must have the same pytree structure, "
            f"but they differ:\n\n{itemized(lines)}\n\nRevise the function so that the carry "
            "output has the same pytree structure as the carry input.")
    lines = [f"{carry_component(fun, path)} has type {a.str_short()} but the corresponding output "
             f"carry component has type {b.str_short()}, so {mismatch(a, b)}"
             for path, a, b in zip(leaf_paths(tree), ins, outs)
             if not same_type(a, b) or not b.vma <= a.vma]
    if lines:
        raise TypeError(f"{what} function carry input and carry output must have equal types, but "
                        f"they differ:\n\n{itemized(lines)}\n\nRevise the function so that all "
                        "output types match the corresponding input types, for example with "
                        "x.astype(...), or start from another carry.")


def carry_component(fun: Callable, path: tuple) -> str:
    """What the user calls a part of the carry: the first parameter of the body, and the path."""
    try:
        name = next(iter(inspect.signature(fun).parameters), "")
    except (TypeError, ValueError):
        name = ""
    if not name:
        return f"the input carry{' at path ' * bool(path)}{keystr(path)}"
    return f"the input carry {'component ' * bool(path)}{name}{keystr(path)}"


# --- branches ----------------------------------------------------------------------------------


def check_branches(what: str, names: Sequence[str], funs: Sequence[Callable],
                   programs: Sequence[Traced]) -> None:
    """TypeError unless the results of all branches have one structure and one type."""
    first = programs[0]
    for name, fun, other in zip(names[1:], funs[1:], programs[1:]):
        both = [(names[0], funs[0]), (name, fun)]
        who = "\n".join(f"{n} is {place_of(f)}" for n, f in both)
        lines = [f"{names[0]} output{at(path)} is a {a} but {name} output{at(path)} is a {b}, so "
                 f"{why}" for path, a, b, why in structure_differences(first.out_tree,
                                                                       other.out_tree)]
        if lines:
            raise TypeError(
                f"{what} branch outputs must have the same pytree structure, but they differ:\n\n"
                f"{who}\n\n{itemized(lines)}\n\nRevise {names[0]} and/or {name} so that they have "
                "the same pytree structure.")
        lines = [f"the output of {names[0]}{at(path)} has type {a.str_short()} but the "
                 f"corresponding output of {name} has type {b.str_short()}, so {mismatch(a, b)}"
                 for path, a, b in zip(leaf_paths(first.out_tree), first.jaxpr.out_avals,
                                       other.jaxpr.out_avals) if not same_type(a, b)]
        if lines:
            raise TypeError(f"{what} branches must have equal output types but they differ.\n\n"
                            f"{who}\n\n{itemized(lines)}\n\nRevise {names[0]} and/or {name} so "
                            "that all output types match.")


def at(path: tuple) -> str:
    return f" at path {keystr(path)}" if path else ""


# --- what differs ------------------------------------------------------------------------------


def mismatch(a: ShapedArray, b: ShapedArray) -> str:
    """What differs between two types."""
    fields = [n for n in ("dtype", "shape") if getattr(a, n) != getattr(b, n)]
    if not fields:
        names = ", ".join(map(repr, sorted(b.vma - a.vma)))
        return ("the axes over which they vary do not match: start from jax.lax.pcast(..., "
                f"({names},), to='varying')")
    return ", and ".join(f"the {n}s do not match" for n in fields)


def leaf_paths(tree: Any) -> list[tuple]:
    return [path for path, _ in tree_flatten_with_path(placeholders(tree))[0]]


def placeholders(tree: Any) -> Any:
    """A pytree of this structure."""
    return tree_unflatten(tree, [_LEAF] * tree.num_leaves)


_LEAF = object()


def structure_differences(tree: Any, other: Any) -> Iterator[tuple[tuple, str, str, str]]:
    """Where two structures part: the path, what each has there, and why it does not match."""
    if tree != other:
        yield from differences(placeholders(tree), placeholders(other), ())


def differences(x: Any, y: Any, path: tuple) -> Iterator[tuple[tuple, str, str, str]]:
    if type(x) is not type(y):
        yield path, kind(x), kind(y), "their Python types differ"
    elif isinstance(x, (list, tuple)) and len(x) != len(y):
        name = type(x).__name__
        yield (path, f"{name} of length {len(x)}", f"{name} of length {len(y)}",
               "the lengths do not match")
    elif not all_leaves([x]):
        (xs, data), (ys, other) = map(flatten_one_level_with_keys, (x, y))
        if len(xs) != len(ys):
            yield (path, f"{kind(x)} with {children(xs)}", f"{kind(y)} with {children(ys)}",
                   f"the numbers of children do not match{different_keys(xs, ys)}")
        elif data != other:
            yield (path, f"{kind(x)} with pytree metadata {data}",
                   f"{kind(y)} with pytree metadata {other}",
                   "the pytree node metadata does not match")
        else:
            for (key, a), (_, b) in zip(xs, ys):
                yield from differences(a, b, (*path, key))


def kind(x: Any) -> str:
    return "pytree leaf" if x is _LEAF else str(type(x))


def children(pairs: Sequence[Any]) -> str:
    return f"{len(pairs)} child{'ren' if len(pairs) > 1 else ''}"


def different_keys(xs: Sequence[Any], ys: Sequence[Any]) -> str:
    """The keys that only one of two dicts has."""
    keys = [[getattr(key, "key", None) for key, _ in pairs] for pairs in (xs, ys)]
    odd = [k for own, others in (keys, keys[::-1]) for k in own if k not in others]
    names = " ".join(map(repr, odd))
    return f", with the symmetric difference of key sets: {{{names}}}" if odd else ""


def itemized(lines: Sequence[str]) -> str:
    if len(lines) == 1:
        return f"{lines[0].replace('the ', 'The ', lines[0].startswith('the '))}."
    return "\n".join(f"  * {line};" for line in lines[:-1]) + f"\n  * {lines[-1]}."
