"""What branches and loops share: bodies as programs, and programs of programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minijax import dtypes
from minijax.api_util import is_typed
from minijax.core import ShapedArray, Tracer, to_numpy, typeof
from minijax.families import zeros
from minijax.jaxpr import Jaxpr, Var, derive, derived
from minijax.jit import Traced, programs_of, traced
from minijax.jvp import as_array
from minijax.source_info import name_of
from minijax.tree_util import keystr, tree_flatten, tree_flatten_with_path

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
    """A body made of a user's function: its programs are kept with that function.

    `maker` is what the user called.
    """

    maker: str

    def __init__(self, func: Callable):
        self.func, self.__name__ = func, name_of(func)


def program_of(fun: Callable, kind: str, avals: Sequence[ShapedArray], in_tree: Any) -> Traced:
    """The program of a body; what it closes over are its first inputs."""
    if isinstance(fun, Body):
        return traced(programs_of(fun.func), fun, fun.maker, tuple(avals), in_tree)
    return traced(programs_of(fun), fun, kind, tuple(avals), in_tree)


def typed_leaves(what: str, tree: Any) -> tuple[list[Any], Any]:
    """The leaves of a pytree as arrays, and its structure. TypeError names one that is none."""
    for path, x in tree_flatten_with_path(tree)[0]:
        if not is_typed(x):
            where = f" at path {keystr(path)}" if path else ""
            raise TypeError(f"Argument '{x}' of type {type(x)} is not a valid JAX type: {what}"
                            f"{where} must be an array or a number. Close over what is neither.")
    leaves, structure = tree_flatten(tree)
    return list(map(as_array, leaves)), structure


def concrete_int(x: Any) -> int | None:
    """The value of an integer that is known while tracing, else None."""
    if isinstance(x, Tracer):
        x = x.to_concrete_value() if dtypes.kind(x.aval.dtype) in "iu" else None
    return None if x is None else int(to_numpy(x))


# --- results that are inputs --------------------------------------------------------------------


def forwarded(jaxpr: Jaxpr) -> list[int | None]:
    """For each result of a program: which input it is, or None."""
    position = {v: i for i, v in enumerate(jaxpr.invars)}
    return [position.get(x) if isinstance(x, Var) else None for x in jaxpr.outvars]


def only(jaxpr: Jaxpr, wanted: Sequence[bool]) -> Jaxpr:
    """The program without some of its results."""
    return reordered(jaxpr, tuple(range(len(jaxpr.invars))),
                     tuple(i for i, w in enumerate(wanted) if w))


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
