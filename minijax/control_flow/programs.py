"""What branches and loops share: bodies as programs, and programs made to agree."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from minijax import dtypes
from minijax.api_util import describe_function, is_typed
from minijax.core import ShapedArray, Tracer, name_of, to_numpy, typeof
from minijax.families import convert, zeros
from minijax.jaxpr import Jaxpr, Var, derive, derived
from minijax.jit import Traced, programs_of, traced
from minijax.jvp import as_array
from minijax.tree_util import (
    keystr,
    tree_flatten,
    tree_flatten_with_path,
    tree_unflatten,
)

# --- lists and marks -------------------------------------------------------------------------


def marked(xs: Sequence[Any], marks: Sequence[bool]) -> list[Any]:
    return [x for x, m in zip(xs, marks) if m]


def unmarked(xs: Sequence[Any], marks: Sequence[bool]) -> list[Any]:
    return [x for x, m in zip(xs, marks) if not m]


def spaced(xs: Sequence[Any], marks: Sequence[bool]) -> list[Any]:
    """The values where the marks are, None elsewhere."""
    values = iter(xs)
    return [next(values) if m else None for m in marks]


def parts(xs: Sequence[Any], *sizes: int) -> list[list[Any]]:
    """Consecutive pieces of these sizes, and what remains."""
    out, start = [], 0
    for n in sizes:
        out.append(list(xs[start:start + n]))
        start += n
    return [*out, list(xs[start:])]


# --- from functions to programs --------------------------------------------------------------


class Body:
    """A body made of a user's function: its programs are kept with that function."""

    def __init__(self, func: Callable):
        self.func, self.__name__ = func, name_of(func)


def program_of(fun: Callable, kind: str, avals: Sequence[ShapedArray], in_tree: Any) -> Traced:
    """The program of a body; what it closes over are its first inputs."""
    if isinstance(fun, Body):
        return traced(programs_of(fun.func), fun, f"{type(fun).__name__} {kind}", tuple(avals),
                      in_tree)
    return traced(programs_of(fun), fun, kind, tuple(avals), in_tree)


def typed_leaves(what: str, tree: Any) -> tuple[list[Any], Any]:
    """The leaves of a pytree as arrays, and its structure. TypeError names one that is none."""
    for path, x in tree_flatten_with_path(tree)[0]:
        if not is_typed(x):
            raise TypeError(f"{what}{keystr(path)} is of type {type(x)}, which is not a valid JAX "
                            "type: pass arrays and numbers, and close over the rest.")
    leaves, structure = tree_flatten(tree)
    return list(map(as_array, leaves)), structure


def concrete_int(x: Any) -> int | None:
    """The value of an integer that is known while tracing, else None."""
    value = x.to_concrete_value() if isinstance(x, Tracer) else x
    return None if value is None else int(to_numpy(value))


# --- carries that must keep their types --------------------------------------------------------


def same_type(a: ShapedArray, b: ShapedArray) -> bool:
    return a.strip_weak_type() == b.strip_weak_type()


def settled(init: Sequence[Any], outs: Sequence[ShapedArray]) -> list[Any]:
    """Initial carries, those of weak type in the dtype that the body gives them.

    `fori_loop(0, n, lambda i, total: total + x[i], 0)` starts with an integer and adds floats.
    """
    def settle(x: Any, out: ShapedArray) -> Any:
        aval = typeof(x)
        if not aval.weak_type or aval.shape != out.shape or aval.dtype == out.dtype:
            return x
        promoted = dtypes.lattice_result_type(aval, out)[0]
        return convert(x, out.dtype, out.weak_type) if promoted == out.dtype else x

    return list(map(settle, init, outs))


def check_carry(what: str, fun: Callable, tree: Any, ins: Sequence[ShapedArray], out_tree: Any,
                outs: Sequence[ShapedArray]) -> None:
    """TypeError, which names the paths, unless a carry keeps its structure and its types."""
    name = carry_name(fun)
    if out_tree != tree:
        raise TypeError(
            f"{what} function carry input and carry output must have the same pytree structure, "
            f"but they differ:\n\nThe input carry {name} has structure {tree}, and the carry "
            f"output has structure {out_tree}.\n\nRevise the function so that the carry output "
            "has the same pytree structure as the carry input.")
    paths = [path for path, _ in tree_flatten_with_path(tree_unflatten(tree, ins))[0]]
    lines = [f"the input carry {'component ' * bool(path)}{name}{keystr(path)} has type "
             f"{a.str_short()} but the corresponding output carry component has type "
             f"{b.str_short()}, so {difference(a, b)} do not match"
             for path, a, b in zip(paths, ins, outs) if not same_type(a, b)]
    if lines:
        raise TypeError(f"{what} function carry input and carry output must have equal types, but "
                        f"they differ:\n\n{itemized(lines)}\n\nRevise the function so that all "
                        "output types match the corresponding input types, for example with "
                        "x.astype(...), or start from another carry.")


def carry_name(fun: Callable) -> str:
    try:
        return next(iter(inspect.signature(fun).parameters), "")
    except (TypeError, ValueError):
        return ""


def difference(a: ShapedArray, b: ShapedArray) -> str:
    """What differs between two types: `the shapes`, `the dtypes`."""
    names = [n for n in ("shape", "dtype") if getattr(a, n) != getattr(b, n)]
    return " and ".join(f"the {n}s" for n in names)


def itemized(lines: Sequence[str]) -> str:
    if len(lines) == 1:
        return f"{lines[0][0].upper()}{lines[0][1:]}."
    return "\n".join(f"  * {line};" for line in lines[:-1]) + f"\n  * {lines[-1]}."


def check_branches(what: str, names: Sequence[str], funs: Sequence[Callable],
                   programs: Sequence[Traced]) -> None:
    """TypeError unless the results of all branches have one structure and one type."""
    first = programs[0]
    for name, fun, other in zip(names[1:], funs[1:], programs[1:]):
        who = (f"{names[0]} is {describe_function(funs[0], what)}, {name} is "
               f"{describe_function(fun, what)}")
        if other.out_tree != first.out_tree:
            raise TypeError(
                f"{what} branch outputs must have the same pytree structure, but they differ "
                f"({who}):\n\n{names[0]} output has structure {first.out_tree}, and {name} output "
                f"has structure {other.out_tree}.\n\nRevise {names[0]} and/or {name} so that they "
                "have the same pytree structure.")
        avals, others = first.jaxpr.out_avals, other.jaxpr.out_avals
        paths = [p for p, _ in tree_flatten_with_path(tree_unflatten(first.out_tree, avals))[0]]
        lines = [f"the output of {names[0]}{f' at path {keystr(p)}' * bool(p)} has type "
                 f"{a.str_short()} but the corresponding output of {name} has type "
                 f"{b.str_short()}, so {difference(a, b)} do not match"
                 for p, a, b in zip(paths, avals, others) if not same_type(a, b)]
        if lines:
            raise TypeError(f"{what} branches must have equal output types but they differ "
                            f"({who}).\n\n{itemized(lines)}\n\nRevise {names[0]} and/or {name} so "
                            "that all output types match.")


# --- programs that must agree ------------------------------------------------------------------


@derived
def reordered(jaxpr: Jaxpr, order: tuple[int, ...], outs: tuple[int, ...] | None = None) -> Jaxpr:
    """The program with its inputs, and results, in another order; those left out are not used."""
    return jaxpr.replace(
        invars=[jaxpr.invars[i] for i in order],
        outvars=None if outs is None else [jaxpr.outvars[i] for i in outs])


@derived
def placed(jaxpr: Jaxpr, avals: tuple[ShapedArray, ...], places: tuple[int, ...]) -> Jaxpr:
    """The program with inputs of the types `avals` first, of which its own are at `places`."""
    taken = list(map(Var, avals))
    for v, i in zip(jaxpr.invars, places):
        taken[i] = v
    return jaxpr.replace(invars=[*taken, *jaxpr.invars[len(places):]])


def with_common_captures(programs: Sequence[tuple[Jaxpr, Sequence[Any]]]
                         ) -> tuple[list[Any], list[Jaxpr]]:
    """From programs and what each closes over: all these values, and programs that take them."""
    common = {id(x): x for _, captured in programs for x in captured}
    position = {key: i for i, key in enumerate(common)}
    avals = tuple(map(typeof, common.values()))
    return list(common.values()), [
        placed(jaxpr, avals, tuple(position[id(x)] for x in captured))
        for jaxpr, captured in programs]


def joined(firsts: Sequence[Jaxpr], n_outs: int, seconds: Sequence[Jaxpr]
           ) -> tuple[tuple[Jaxpr, ...], tuple[Jaxpr, ...]]:
    """Pairs of programs, the second of which takes the residuals of the first, with equal types.

    Residuals of one type in different pairs share a place; what a pair does not use is zero.
    """
    slots: list[ShapedArray] = []
    places = []
    for first in firsts:
        free, mine = list(range(len(slots))), []
        for v in first.outvars[n_outs:]:
            aval = v.aval.strip_weak_type()
            place = next((i for i in free if slots[i] == aval), len(slots))
            if place in free:
                free.remove(place)
            else:
                slots.append(aval)
            mine.append(place)
        places.append(tuple(mine))
    return (tuple(filled(f, n_outs, tuple(slots), p) for f, p in zip(firsts, places)),
            tuple(placed(s, tuple(slots), p) for s, p in zip(seconds, places)))


@derived
def filled(jaxpr: Jaxpr, n_outs: int, slots: tuple[ShapedArray, ...], places: tuple[int, ...]
           ) -> Jaxpr:
    """The program with its results after the first n at `places`, and zeros at the others."""

    def run(*xs: Any) -> list[Any]:
        outs = jaxpr(*xs)
        at = dict(zip(places, outs[n_outs:]))
        return [*outs[:n_outs], *(at[i] if i in at else zeros(a) for i, a in enumerate(slots))]

    return derive(run, jaxpr.in_avals, "cond")
