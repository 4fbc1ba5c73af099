"""The table of operations and rules: `python -m minijax.lax`.

An operation states its mathematics (value, type, derivative, transpose) itself; its batching rule
is that of its family. A test fails on a hole that `HOLES` does not explain.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from minijax.batching import batch
from minijax.core import Primitive
from minijax.families import Elementwise, LinearMap, constant
from minijax.lax.elementwise import Linear

RULES = ("value", "type", "derivative", "transpose", "batch")
HOLE = "-"


def explained(reason: str, operations: str, *rules: str) -> dict[tuple[str, str], str]:
    return {(op, rule): reason for op in operations.split() for rule in rules}


HOLES: dict[tuple[str, str], str] = {  # (operation, rule): why it has none
    **explained("JAX has none either", "nextafter zeta igamma_grad_a random_gamma_grad pmax pmin",
                "derivative"),
    **explained("the compiler makes it, of a program that is differentiated already", "fma",
                "derivative"),
    **explained("it takes no array", "iota empty axis_index", "derivative"),
    **explained("it takes no array", "iota empty", "batch"),
    **explained("it takes integers, which have no tangent", "reduce_and reduce_or reduce_xor "
                "random_wrap lu_pivots_to_permutation", "derivative"),
    **explained("a device asks for it, when its program is derived", "ask", "derivative", "batch"),
    **explained("it takes keys, which have no tangent", "random_bits random_clone random_split "
                "random_unwrap", "derivative"),
    **explained("it is the linear map of a custom_vjp function, of which the user gave only the "
                "transpose", "custom_lin", "derivative"),
}


def operations() -> dict[str, Primitive]:
    """Every operation of the library by name, in alphabetical order."""
    found = {x.name: x for name, module in list(sys.modules.items())
             if name.split(".")[0] == "minijax" and not name.startswith("minijax.course")
             for x in vars(module).values() if isinstance(x, Primitive)}
    return dict(sorted(found.items()))


def states(prim: Primitive, *methods: str) -> bool:
    """Whether the operation, or its family, replaces one of these methods of `Primitive`."""
    return any(getattr(type(prim), m) is not getattr(Primitive, m) for m in methods)


def has_transpose(prim: Primitive) -> bool:
    if type(prim).transpose is Elementwise.transpose:
        return bool(prim.transposes)  # type: ignore[attr-defined]
    return states(prim, "transpose")


def derivative(prim: Primitive) -> str:
    if type(prim).linearize is Elementwise.linearize:
        partials, moves = prim.partials, not prim.dtype and {*prim.accepts} & {*"fc"}  # type: ignore
        if {*partials} <= {constant}:
            return "zero" if partials or not moves else HOLE
    if prim.jvp is not None:
        return "jvp"
    if not states(prim, "linearize"):
        return HOLE
    return "itself" if isinstance(prim, (Linear, LinearMap)) else "yes"


def transpose(prim: Primitive) -> str:
    """An operation that is not linear has none and needs none."""
    if has_transpose(prim):
        return "yes"
    return HOLE if isinstance(prim, LinearMap) else ""


def batching(prim: Primitive) -> str:
    """The family whose rule is used."""
    rule = batch.dispatch(type(prim))
    if rule is batch.dispatch(object):
        return HOLE
    return next(c.__name__ for c in type(prim).__mro__ if batch.registry.get(c) is rule)


def rules(prim: Primitive) -> dict[str, str]:
    """What the operation has for each of `RULES`; `HOLE` where there is nothing."""
    return dict(zip(RULES, (
        "yes" if states(prim, "impl", "evaluate") else HOLE,
        "yes" if states(prim, "abstract_eval", "out_avals") else HOLE,
        derivative(prim), transpose(prim), batching(prim))))


def holes() -> Iterator[tuple[str, str]]:
    for name, prim in operations().items():
        yield from ((name, rule) for rule, has in rules(prim).items() if has == HOLE)


def table() -> str:
    """
    >>> print(table())  # doctest: +ELLIPSIS
    operation ...  family ...  value  type  derivative  transpose  batch
    abs ...        Elementwise ...  yes    yes   yes                    Elementwise
    ...
    """
    rows = [["operation", "family", *RULES]]
    for name, prim in operations().items():
        rows.append([name, type(prim).__name__, *rules(prim).values()])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(x.ljust(w) for x, w in zip(row, widths)).rstrip() for row in rows)


def main() -> None:
    print(table())
    found = list(holes())
    print(f"\n{len(operations())} operations. {HOLE} is a hole; an operation that is not linear "
          "needs no transpose.")
    for name, rule in found:
        print(f"  {name} has no {rule}: {HOLES.get((name, rule), 'not explained')}")


if __name__ == "__main__":
    main()
