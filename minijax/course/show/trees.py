"""Pytrees, drawn as trees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from minijax.api_util import is_typed
from minijax.course.show.drawing import EDGE, ROW, TOP, Drawing, wide
from minijax.course.show.text import LONGEST, Picture, brief, picture
from minijax.tree_util import flatten_one_level_with_keys, is_tree_node, keystr


@dataclasses.dataclass
class Node:
    """A node of a tree: what leads to it, and what it is."""

    depth: int
    key: str
    what: str
    leaf: bool
    last: bool  # of its siblings


def tree(x: Any, is_leaf: Callable[[Any], bool] | None = None) -> Picture:
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
    nodes = list(nodes_of(x, is_leaf))
    rows, open_levels = [], []  # type: ignore[var-annotated]
    for i, n in enumerate(nodes):
        open_levels[max(n.depth - 1, 0):] = [not n.last] if n.depth else []
        bars = "".join("│ " if more else "  " for more in open_levels[:-1])
        branch = f"{bars}{'└' if n.last else '├'} {n.key}: " if n.depth else ""
        rows.append((str(i), branch + n.what))
    return picture(rows, drawn_tree(nodes), [])


def nodes_of(x: Any, is_leaf: Callable[[Any], bool] | None, depth: int = 0, key: str = "",
             last: bool = True) -> Iterator[Node]:
    """A tree's outermost node, then its children's."""
    if x is None or not is_tree_node(type(x)) or (is_leaf is not None and is_leaf(x)):
        leaf = x is not None or (is_leaf is not None and is_leaf(x))
        yield Node(depth, key, brief(x) if is_typed(x) else repr(x)[:LONGEST], leaf, last)
        return
    keyed, data = flatten_one_level_with_keys(x)
    fixed = "" if isinstance(x, tuple | list | dict) or data in (None, ()) else f" {data}"
    yield Node(depth, key, type(x).__name__ + fixed, False, last)
    for left, (k, child) in zip(reversed(range(len(keyed))), keyed):
        yield from nodes_of(child, is_leaf, depth + 1, keystr((k,), simple=True), not left)


def drawn_tree(nodes: list[Node]) -> Drawing:
    """The nodes from top to bottom; on the right the list of the leaves, as flattening makes it."""
    d = Drawing(f"a tree of {len(nodes)} nodes, {sum(n.leaf for n in nodes)} of them leaves")
    texts = [f"{n.key}: {n.what}" if n.depth else n.what for n in nodes]
    end = EDGE + 30 + max((24 * n.depth + min(wide(t), 300) for n, t in zip(nodes, texts)),
                          default=0) + 30
    d.text(EDGE, TOP + 14, "node", "quiet")
    d.text(end + 40, TOP + 14, "leaves", "quiet")
    last_at, count = {}, 0  # type: ignore[var-annotated]
    for i, (n, text) in enumerate(zip(nodes, texts)):
        x, y = EDGE + 30 + 24 * n.depth, TOP + ROW + (ROW + 4) * i
        step = d.say(f"Node {i}: {text}" + (f", leaf {count}" if n.leaf else ""))
        if n.depth:
            d.line(x - 14, last_at[n.depth - 1], x - 14, y + ROW / 2, "", step)
            d.line(x - 14, y + ROW / 2, x, y + ROW / 2, "", step)
        last_at[n.depth] = y + ROW
        d.text(EDGE, y + 14, str(i), "quiet", step)
        width = min(wide(text), 300) + 10
        d.box(x, y, width, ROW, "leaf" if n.leaf else "stone", text, step)
        if n.leaf:
            d.line(x + width + 3, y + ROW / 2, end + 34, y + ROW / 2, "green dotted", step, True)
            d.box(end + 40, y, min(wide(n.what), 250) + 46, ROW, "leaf", f"[{count}] {n.what}",
                  step)
            count += 1
    return d
