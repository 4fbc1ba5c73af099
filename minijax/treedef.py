"""The structure of a pytree, and the loop that takes one apart.

Every transformation takes and returns pytrees but works on flat lists, so this lies on the path
of every call. A `PyTreeDef` is therefore one flat tuple: the nodes in the order in which one
meets them (preorder). Flattening, unflattening and matching are one loop each, without a Python
call per tuple, list or leaf.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from minijax.tree_mismatch import other_node, other_type
from minijax.tree_registry import container_kind, registry

IsLeaf = Callable[..., bool] | None

MAX_DEPTH = 10_000  # a container that holds itself would otherwise be walked for ever
Node = tuple[Any, int, Any]  # kind of container (None for a leaf), number of children, data
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
        stack: list = []  # built from the end, so that a node finds its first child on top
        for kind, arity, data in reversed(self.nodes):
            if kind is None:
                stack.append(leaves.pop())
            else:
                children = tuple(stack[:-arity - 1:-1])
                del stack[len(stack) - arity:]
                stack.append(children if kind is tuple else list(children) if kind is list
                             else registry[kind].unflatten(data, children))
        return stack[0]

    def __repr__(self) -> str:
        texts: list[str] = []  # from the end, as in `unflatten`
        for kind, arity, data in reversed(self.nodes):
            children = texts[:-arity - 1:-1]
            del texts[len(texts) - arity:]
            texts.append("*" if kind is None else _text(kind, data, children))
        return f"PyTreeDef({texts[0]})"

    def __eq__(self, other: object) -> bool:
        try:
            return self is other or (isinstance(other, PyTreeDef) and self.nodes == other.nodes)
        except Exception as e:
            raise ValueError(
                "Exception raised while checking equality of metadata fields of pytree. Make sure "
                "that metadata fields are hashable and have simple equality semantics. (Note: "
                "arrays cannot be passed as metadata fields!)") from e

    def __hash__(self) -> int:
        if self._hash is None:
            try:
                self._hash = hash(self.nodes)
            except TypeError:  # a class whose data does not hash; equality still looks at it
                self._hash = hash(tuple([node[:2] for node in self.nodes]))
        return self._hash

    def __reduce__(self) -> tuple:  # without the hash, which is valid in one process only
        return PyTreeDef, (self.nodes,)

    def flatten_up_to(self, tree: Any) -> list:
        """The subtrees of `tree` where this structure has its leaves.

        Raises ValueError if this structure is not a prefix of the tree's.
        """
        subtrees, stack = [], [tree]
        for kind, arity, data in self.nodes:
            x = stack.pop()
            if kind is None:
                subtrees.append(x)
                continue
            if type(x) is not kind and container_kind(type(x)) is not kind:
                raise ValueError(other_type(kind, x))
            children, x_data = ((x, None) if kind is tuple or kind is list else
                                registry[kind].flatten(x))
            if len(children) != arity or x_data != data:
                raise ValueError(other_node(kind, arity, data, x, len(children), x_data))
            stack += children[::-1]
        return subtrees

    def children(self) -> list[PyTreeDef]:
        """The structures of the immediate children."""
        out, start = [], 1
        while start < len(self.nodes):
            stop, missing = start, 1
            while missing:
                missing += self.nodes[stop][1] - 1
                stop += 1
            out.append(PyTreeDef(self.nodes[start:stop]))
            start = stop
        return out

    def node_data(self) -> tuple[type, Any] | None:
        """The type and the data of the outermost node; None for a leaf."""
        kind, _, data = self.nodes[0]
        if kind is None or kind is namedtuple:
            return kind and (data, None)
        return kind, list(data) if kind is dict else data

    def compose(self, inner: PyTreeDef) -> PyTreeDef:
        """This structure, with `inner` in the place of every leaf."""
        parts = [inner.nodes if node[0] is None else (node,) for node in self.nodes]
        return PyTreeDef(tuple(chain(*parts)))


LEAF = PyTreeDef((_LEAF,))


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
            kind: Any = type(x)
            if kind not in registry:
                kind = container_kind(kind) if isinstance(x, tuple) else None
            if (is_leaf is not None and is_leaf(x)) or kind is None:
                leaves.append(x)
                nodes.append(_LEAF)
                continue
            children, data = ((x, None) if kind is tuple or kind is list else
                              registry[kind].flatten(x))
            nodes.append((kind, len(children), data))
            stack.append(iter(children))
            break  # go down; this level goes on when those below are done
        else:
            stack.pop()
        if len(stack) > MAX_DEPTH + 1:
            raise too_deep()
    return leaves, PyTreeDef(tuple(nodes))


def too_deep() -> RecursionError:
    return RecursionError(f"pytree nested more than {MAX_DEPTH} deep; does it contain itself?")


def _text(kind: Any, data: Any, children: list[str]) -> str:
    inside = ", ".join(children)
    if kind is type(None):
        return "None"
    if kind is tuple:
        return f"({inside},)" if len(children) == 1 else f"({inside})"
    if kind is list:
        return f"[{inside}]"
    if kind is dict:
        return "{" + ", ".join([f"{k!r}: {text}" for k, text in zip(data, children)]) + "}"
    label = data.__name__ if kind is namedtuple else data
    return f"CustomNode({kind.__name__}[{label!s}], [{inside}])"
