"""Pytrees, drawn as trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minijax.api_util import is_typed
from minijax.course.show.text import LONGEST, Text, brief, columns
from minijax.tree_util import flatten_one_level_with_keys, is_tree_node, keystr


def tree(x: Any, is_leaf: Callable[[Any], bool] | None = None) -> Text:
    """A pytree with one node on each line, numbered as in the `nodes` of its structure.

    >>> from minijax.course import show
    >>> import numpy as np
    >>> show.tree({"b": [1.0, None], "a": np.zeros((64, 32))})
    0  dict
    1  ├ a: f32[64,32]
    2  └ b: list
    3    ├ 0: 1.0
    4    └ 1: None
    """
    return columns([(str(i), line) for i, line in enumerate(tree_lines(x, is_leaf))])


def tree_lines(x: Any, is_leaf: Callable[[Any], bool] | None) -> list[str]:
    """The line of a tree's outermost node, then those of its children."""
    if x is None or not is_tree_node(type(x)) or (is_leaf is not None and is_leaf(x)):
        return [brief(x) if is_typed(x) else repr(x)[:LONGEST]]
    keyed, data = flatten_one_level_with_keys(x)
    fixed = "" if isinstance(x, tuple | list | dict) or data in (None, ()) else f" {data}"
    lines = [type(x).__name__ + fixed]
    for left, (key, child) in zip(reversed(range(len(keyed))), keyed):
        first, *rest = tree_lines(child, is_leaf)
        lines.append(f"{'├' if left else '└'} {keystr((key,), simple=True)}: {first}")
        lines += [f"{'│' if left else ' '} {line}" for line in rest]
    return lines
