"""Pytrees: nested containers (tuples, lists, dicts, ...) taken apart into leaves, put together.

What a container is, is in `tree_registry`; the structure of a tree and the loop that flattens
one are in `treedef`; here is what follows from them: maps, reductions, key paths, prefixes.

Names, printed forms and error classes as in `jax.tree_util` (JAX: jax/_src/tree_util.py).
"""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from minijax.partial import Partial as Partial
from minijax.tree_registry import (
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    SequenceKey,
    container_kind,
    register_dataclass as register_dataclass,
    register_pytree_node as register_pytree_node,
    register_pytree_node_class as register_pytree_node_class,
    register_pytree_with_keys as register_pytree_with_keys,
    register_pytree_with_keys_class as register_pytree_with_keys_class,
    register_static as register_static,
    registry,
)
from minijax.treedef import LEAF, MAX_DEPTH, IsLeaf, Node, PyTreeDef, too_deep, tree_flatten

KeyEntry = Any  # SequenceKey, DictKey, GetAttrKey, FlattenedIndexKey, or a class's own
KeyPath = tuple[KeyEntry, ...]
_MISSING = object()

# === leaves, with and without their paths ==================================================


def tree_flatten_with_path(tree: Any, is_leaf: IsLeaf = None, is_leaf_takes_path: bool = False
                           ) -> tuple[list[tuple[KeyPath, Any]], PyTreeDef]:
    """As `tree_flatten`, with `(key path, leaf)` for every leaf."""
    pairs: list[tuple[KeyPath, Any]] = []
    nodes: list[Node] = []
    stack: list[tuple[KeyPath, Any]] = [((), tree)]
    while stack:
        path, x = stack.pop()
        kind = container_kind(type(x))
        if len(path) > MAX_DEPTH:
            raise too_deep()
        stop = is_leaf and (is_leaf(path, x) if is_leaf_takes_path else is_leaf(x))
        if stop or kind is None:
            pairs.append((path, x))
            nodes += LEAF.nodes
        else:
            keyed, data = flatten_one_level_with_keys(x)
            nodes.append((kind, len(keyed), data))
            stack += [((*path, key), child) for key, child in reversed(keyed)]
    return pairs, PyTreeDef(tuple(nodes))


def flatten_one_level(tree: Any) -> tuple[Sequence, Any]:
    """The immediate children of a container, and its data. Raises ValueError for a leaf."""
    kind = container_kind(type(tree))
    if kind is None:
        raise ValueError(f"can't tree-flatten type: {type(tree)}")
    return registry[kind].flatten(tree)


def flatten_one_level_with_keys(tree: Any) -> tuple[list[tuple[KeyEntry, Any]], Any]:
    """As `flatten_one_level`, with `(key, child)` for every child."""
    children, data = flatten_one_level(tree)
    keys = registry[container_kind(type(tree))].keys(tree, data)
    return list(zip(keys, children)), data


def tree_unflatten(treedef: PyTreeDef, leaves: Iterable) -> Any:
    """The inverse of `tree_flatten`. Raises ValueError if the number of leaves is wrong."""
    return treedef.unflatten(leaves)


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list:
    """The leaves of a tree from left to right."""
    return tree_flatten(tree, is_leaf)[0]


def tree_leaves_with_path(tree: Any, is_leaf: IsLeaf = None, is_leaf_takes_path: bool = False
                          ) -> list[tuple[KeyPath, Any]]:
    """The leaves of a tree from left to right, each as `(key path, leaf)`."""
    return tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> PyTreeDef:
    """The structure of a tree, without its leaves."""
    return tree_flatten(tree, is_leaf)[1]


# === maps and reductions ===================================================================


def tree_map(f: Callable, tree: Any, *rest: Any, is_leaf: IsLeaf = None) -> Any:
    """The tree of `f(leaf, *others)`; `others` are the subtrees of `rest` at the leaf's place.

    Raises ValueError, with the key path, if `tree` is not a prefix of every tree in `rest`.

    >>> import minijax as jax
    >>> jax.tree.map(lambda w, g: w - g, {"w": 5, "b": (1, 2)}, {"w": 3, "b": (0, 1)})
    {'b': (1, 1), 'w': 2}
    """
    leaves, treedef = tree_flatten(tree, is_leaf)
    others = rest and _flatten_up_to("tree_map tree", treedef, rest)
    return treedef.unflatten(map(f, leaves, *others))


def tree_map_with_path(f: Callable, tree: Any, *rest: Any, is_leaf: IsLeaf = None,
                       is_leaf_takes_path: bool = False) -> Any:
    """As `tree_map`, of `f(key path, leaf, *others)`."""
    pairs, treedef = tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)
    others = _flatten_up_to("tree_map_with_path tree", treedef, rest)
    return treedef.unflatten([f(*pair, *xs) for pair, *xs in zip(pairs, *others)])


def _flatten_up_to(name: str, treedef: PyTreeDef, trees: Sequence) -> list[list]:
    try:
        return [treedef.flatten_up_to(tree := x) for x in trees]
    except ValueError as e:
        raise next(_prefix_errors(name, treedef, tree), e) from None


def tree_all(tree: Any, *, is_leaf: IsLeaf = None) -> bool:
    """Whether all leaves are true."""
    return all(tree_leaves(tree, is_leaf))


def tree_reduce(function: Callable, tree: Any, initializer: Any = _MISSING,
                is_leaf: IsLeaf = None) -> Any:
    """`functools.reduce` over the leaves. Raises TypeError if there is nothing to start with."""
    start = () if initializer is _MISSING else (initializer,)
    return functools.reduce(function, tree_leaves(tree, is_leaf), *start)


def tree_reduce_associative(operation: Callable, tree: Any, *, identity: Any = _MISSING,
                            is_leaf: IsLeaf = None) -> Any:
    """The leaves combined half with half, as an associative operation allows."""
    leaves = tree_leaves(tree, is_leaf)
    if not leaves and identity is _MISSING:
        raise TypeError("Must specify identity for parallel reduction of empty sequence.")
    return _reduce_halves(operation, leaves) if leaves else identity


def _reduce_halves(operation: Callable, xs: list) -> Any:
    if len(xs) == 1:
        return xs[0]
    left, right = xs[:len(xs) // 2], xs[len(xs) // 2:]
    return operation(_reduce_halves(operation, left), _reduce_halves(operation, right))


def tree_transpose(outer_treedef: PyTreeDef, inner_treedef: PyTreeDef | None,
                   pytree_to_transpose: Any) -> Any:
    """An outer tree of inner trees as an inner tree of outer trees.

    >>> import minijax as jax
    >>> jax.tree.transpose(jax.tree.structure([0, 0]), None, [(1, 2, 3), (4, 5, 6)])
    ([1, 4], [2, 5], [3, 6])
    """
    leaves, treedef = tree_flatten(pytree_to_transpose)
    if inner_treedef is None:
        inner_treedef = tree_structure(outer_treedef.flatten_up_to(pytree_to_transpose)[0])
    n = inner_treedef.num_leaves
    if len(leaves) != outer_treedef.num_leaves * n:
        raise TypeError(f"Mismatch\n{treedef}\n != \n{outer_treedef.compose(inner_treedef)}")
    return inner_treedef.unflatten([outer_treedef.unflatten(leaves[i::n]) for i in range(n)])


# === structures ============================================================================


def treedef_tuple(treedefs: Iterable[PyTreeDef]) -> PyTreeDef:
    """The structure of a tuple of trees, from theirs."""
    parts = [treedef.nodes for treedef in treedefs]
    return PyTreeDef(((tuple, len(parts), None), *chain(*parts)))


def treedef_children(treedef: PyTreeDef) -> list[PyTreeDef]:
    """The structures of the immediate children."""
    return treedef.children()


def treedef_is_leaf(treedef: PyTreeDef) -> bool:
    """Whether the structure is one node: a leaf or, as in JAX, an empty container."""
    return treedef.num_nodes == 1


def all_leaves(iterable: Iterable, is_leaf: IsLeaf = None) -> bool:
    """Whether no element is a container."""
    items = list(iterable)
    leaves = tree_leaves(items, is_leaf)
    return len(leaves) == len(items) and all(x is y for x, y in zip(items, leaves))


def is_tree_node(typ: type) -> bool:
    """Whether instances of `typ` are containers."""
    return container_kind(typ) is not None


def keystr(keys: KeyPath, *, simple: bool = False, separator: str = "") -> str:
    """A key path as text; `simple` leaves brackets and quotes out.

    >>> import minijax as jax
    >>> ((path, _),) = jax.tree.leaves_with_path({"w": [3]})
    >>> jax.tree_util.keystr(path), jax.tree_util.keystr(path, simple=True, separator="/")
    ("['w'][0]", 'w/0')
    """
    bare = (SequenceKey, DictKey, GetAttrKey, FlattenedIndexKey) if simple else ()
    parts = [getattr(k, k.__match_args__[0]) if isinstance(k, bare) else k for k in keys]
    return separator.join(map(str, parts))


# === prefixes: trees whose leaves stand for whole subtrees of another ======================


def tree_broadcast(prefix_tree: Any, full_tree: Any, is_leaf: IsLeaf = None) -> Any:
    """The full tree, with every leaf replaced by the leaf of the prefix that stands for it.

    >>> import minijax as jax
    >>> jax.tree.broadcast((1, 2), (None, {"a": 0, "b": [0]}))
    (None, {'a': 2, 'b': [2]})
    """
    leaves = broadcast_prefix(prefix_tree, full_tree, is_leaf)
    return tree_structure(full_tree).unflatten(leaves)


def broadcast_prefix(prefix_tree: Any, full_tree: Any, is_leaf: IsLeaf = None) -> list:
    """One leaf of the prefix for every leaf of the full tree, or ValueError with the key path."""
    leaves, treedef = tree_flatten(prefix_tree, is_leaf)
    (subtrees,) = _flatten_up_to("broadcast_prefix prefix_tree", treedef, [full_tree])
    return [leaf for leaf, subtree in zip(leaves, subtrees) for _ in tree_leaves(subtree)]


def flatten_axes(name: str, tree: Any, axis_tree: Any) -> list:
    """One axis for every leaf of a tree; None is an axis too. Errors speak of `name`.

    >>> flatten_axes("vmap in_axes", ([1, 2], 3), (0, None))
    [0, 0, None]
    """
    if axis_tree is None or type(axis_tree) is int:
        return [axis_tree] * len(tree_leaves(tree))
    try:
        return broadcast_prefix(axis_tree, tree, lambda x: x is None)
    except ValueError:
        prefix = tree_structure(axis_tree, lambda x: x is None)
        errors = list(_prefix_errors(name, prefix, tree))
        raise ValueError(
            f"{name} specification must be a tree prefix of the corresponding value; {name} is\n"
            f"    {prefix}\nand the value is\n    {tree_structure(tree)}\n"
            f"  Mismatch details ({len(errors)} found):\n  " + "\n  ".join(map(str, errors))
        ) from None


def _prefix_errors(name: str, prefix: PyTreeDef, full_tree: Any) -> Iterator[ValueError]:
    """What keeps a structure from being a prefix of a tree: one error per place."""
    stack: list[tuple[KeyPath, PyTreeDef, Any]] = [((), prefix, full_tree)]
    while stack:
        path, prefix, full = stack.pop()
        (kind, arity, data), found, hint = prefix.nodes[0], container_kind(type(full)), ""
        if kind is None:  # a leaf is a prefix of everything
            continue
        keyed, full_data = flatten_one_level_with_keys(full) if found else ([], None)
        if (found, len(keyed), full_data) == (kind, arity, data):
            pairs = zip(prefix.children(), keyed)
            stack += [((*path, key), sub, child) for sub, (key, child) in pairs][::-1]
            continue
        if kind is not found or (kind is namedtuple and data is not full_data):
            problem = "different types"
            if kind is type(None):
                hint = "\nNone is an empty pytree; with is_leaf=lambda x: x is None it is a leaf."
        elif arity != len(keyed):
            of = ("numbers of pytree children" if kind not in (tuple, list) else
                  f"lengths of {kind.__name__}")
            problem = f"different {of}"
            hint = f"\nThey have {arity} and {len(keyed)} children."
        else:
            problem = "different pytree metadata"
        if kind is dict is found:
            only = "".join(f"\n    {k}" for k in sorted({*data} ^ {*full}, key=repr))
            hint = f"\nThey have different keys, so the symmetric difference on key sets is{only}"
        yield ValueError(f"pytree structure error: {problem} at key path\n    {name}{keystr(path)}"
                         f"\nwhere the prefix has structure\n    {prefix}\n"
                         f"and the full pytree has structure\n    {tree_structure(full)}{hint}")
