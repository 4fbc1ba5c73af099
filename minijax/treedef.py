"""The structure of a pytree, and the loop that takes one apart.

Every transformation takes and returns pytrees but works on flat lists, so this lies on the path
of every call. A `PyTreeDef` is therefore one flat tuple: the nodes in the order in which one
meets them (preorder). Flattening, unflattening and matching are one loop each, without a Python
call per tuple, list or leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minijax.tree_registry import DICT, LIST, NAMEDTUPLE, NONE, TUPLE, node_type, registry

IsLeaf = Callable[..., bool] | None

MAX_DEPTH = 10_000  # a container that holds itself would otherwise be walked for ever
Node = tuple[Any, int, Any]  # node type (None for a leaf), arity, data
_LEAF: Node = (None, 0, None)


class PyTreeDef:
    """The structure of a pytree: its nodes in preorder."""

    __slots__ = ("_hash", "nodes", "num_leaves")

    def __init__(self, nodes: tuple[Node, ...]):
        self.nodes, self.num_leaves = nodes, nodes.count(_LEAF)
        self._hash: int | None = None

    @property
    def num_nodes(self) -> int:
        return len(self.nodes)

    def unflatten(self, leaves: Iterable) -> Any:
        """The tree with these leaves. Raises ValueError if there are too few or too many."""
        leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            amount = "few" if len(leaves) < self.num_leaves else "many"
            raise ValueError(f"Too {amount} leaves for PyTreeDef; expected {self.num_leaves}, "
                             f"got {len(leaves)}. The structure is {self}")
        stack: list = []  # built from the end, so a node finds its first child on top
        for kind, arity, data in reversed(self.nodes):
            if kind is None:
                stack.append(leaves.pop())
            else:
                children = tuple(stack[:-arity - 1:-1])
                del stack[len(stack) - arity:]
                stack.append(children if kind is TUPLE else list(children) if kind is LIST
                             else kind.unflatten(data, children))
        return stack[0]

    def flatten_up_to(self, tree: Any) -> list:
        """The subtrees of `tree` where this structure has its leaves.

        Raises ValueError if this structure is not a prefix of the tree's.
        """
        subtrees, stack = [], [tree]
        for node in self.nodes:
            x, kind = stack.pop(), node[0]
            if kind is None:
                subtrees.append(x)
            elif (kind is TUPLE or kind is LIST) and type(x) is kind.type and len(x) == node[1]:
                stack += x[::-1]  # the common case, without a call
            else:
                stack += _children_like(node, x)[::-1]
        return subtrees

    def subtree(self, start: int) -> PyTreeDef:
        """The structure that begins at node number `start`."""
        stop, missing = start, 1
        while missing:
            missing += self.nodes[stop][1] - 1
            stop += 1
        return PyTreeDef(self.nodes[start:stop])

    def children(self) -> list[PyTreeDef]:
        out, start = [], 1
        for _ in range(self.nodes[0][1]):
            out.append(self.subtree(start))
            start += out[-1].num_nodes
        return out

    def node_data(self) -> tuple[type, Any] | None:
        """The type and the data of the outermost node; None for a leaf."""
        kind, _, data = self.nodes[0]
        if kind is None or kind is NAMEDTUPLE:
            return None if kind is None else (data, None)
        return kind.type, list(data) if kind is DICT else data

    def compose(self, inner: PyTreeDef) -> PyTreeDef:
        """This structure, with `inner` in the place of every leaf."""
        parts = [inner.nodes if node[0] is None else (node,) for node in self.nodes]
        return PyTreeDef(sum(parts, ()))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, PyTreeDef) and self.nodes == other.nodes)

    def __hash__(self) -> int:
        if self._hash is None:
            try:
                self._hash = hash(self.nodes)
            except TypeError:  # a class whose data does not hash; equality still looks at it
                self._hash = hash(tuple([node[:2] for node in self.nodes]))
        return self._hash

    def __reduce__(self) -> tuple:  # without the hash, which is valid in one process only
        return PyTreeDef, (self.nodes,)

    def __repr__(self) -> str:
        return f"PyTreeDef({_text(self)})"


LEAF = PyTreeDef((_LEAF,))


def _text(treedef: PyTreeDef) -> str:
    kind, arity, data = treedef.nodes[0]
    texts = [_text(child) for child in treedef.children()]
    inside = ", ".join(texts)
    if kind is None or kind is NONE:
        return "*" if kind is None else "None"
    if kind is TUPLE:
        return f"({inside},)" if arity == 1 else f"({inside})"
    if kind is LIST:
        return f"[{inside}]"
    if kind is DICT:
        return "{" + ", ".join([f"{k!r}: {text}" for k, text in zip(data, texts)]) + "}"
    label = data.__name__ if kind is NAMEDTUPLE else data
    return f"CustomNode({kind.type.__name__}[{label!s}], [{inside}])"


def _children_like(node: Node, x: Any) -> Sequence:
    """The children of `x` if it is a node like `node`; else ValueError."""
    kind, arity, data = node
    found = node_type(x)
    if found is None or found is not kind:
        raise ValueError(f"Expected {kind.type.__name__}, got {x!r}.")
    children, x_data = found.flatten(x)
    if (kind, len(children), x_data) != node:
        raise ValueError(f"Mismatch of {kind.type.__name__}: expected {arity} children and data "
                         f"{data!r}, got {len(children)} and {x_data!r}; value: {x!r}.")
    return children


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list, PyTreeDef]:
    """The leaves of a tree from left to right, and its structure.

    A leaf is what is not a registered container, or for which `is_leaf` says so. None is a
    container without children; the children of a dict come in the order of its sorted keys.
    Raises ValueError if these do not compare with each other.

    >>> import minijax as jax
    >>> jax.tree_util.tree_flatten({"b": 1, "a": (2, None, [3])})
    ([2, 3, 1], PyTreeDef({'a': (*, None, [*]), 'b': *}))
    """
    if is_leaf is None and type(tree) not in registry and not isinstance(tree, tuple):
        return [tree], LEAF
    leaves: list[Any] = []
    nodes: list[Node] = []
    stack = [iter((tree,))]
    while stack:
        for x in stack[-1]:
            kind = registry.get(type(x))
            if kind is None and isinstance(x, tuple):
                kind = node_type(x)
            if (is_leaf is not None and is_leaf(x)) or kind is None:
                leaves.append(x)
                nodes.append(_LEAF)
                continue
            children, data = (x, None) if kind is TUPLE or kind is LIST else kind.flatten(x)
            nodes.append((kind, len(children), data))
            stack.append(iter(children))
            break  # go down; this level goes on when those below are done
        else:
            stack.pop()
        if len(stack) > MAX_DEPTH:
            raise too_deep()
    return leaves, PyTreeDef(tuple(nodes))


def too_deep() -> RecursionError:
    return RecursionError(f"pytree nested more than {MAX_DEPTH} deep; does it contain itself?")
