"""Why one node of a tree has not the structure that was expected, as messages say it."""

from __future__ import annotations

from collections import namedtuple
from typing import Any


def other_type(kind: Any, x: Any) -> str:
    """Why `x` is no container of this kind."""
    if kind in (type(None), tuple, list, dict, namedtuple):
        names = {type(None): "None", namedtuple: "named tuple"}
        return f"Expected {names.get(kind) or kind.__name__}, got {x!r}."
    return f"Custom node type mismatch: expected type: {kind}, value: {x!r}."


def other_node(kind: Any, arity: int, data: Any, x: Any, x_arity: int, x_data: Any) -> str:
    """Why `x`, a container of the right kind, has another structure."""
    if kind is dict:
        return f"Dict key mismatch; expected keys: {[*data]}; present keys: {[*x_data]}."
    if arity != x_arity:
        name = "named tuple" if kind is namedtuple else kind.__name__
        return f"{name.capitalize()} arity mismatch: {x_arity} != {arity}; {name[-5:]}: {x!r}."
    if kind is namedtuple:
        return f"Named tuple type mismatch: expected type: {data}, tuple: {x!r}."
    return f"Mismatch custom node data: {data!r} != {x_data!r}; value: {x!r}."
