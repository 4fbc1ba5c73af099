"""Which Python types are containers of a pytree, and how each comes apart into children.

`tree_util` walks trees; this module holds what it asks of one node. A container comes apart into
its *children* and its *data*: whatever of it is structure (the keys of a dict, the static fields
of a dataclass). Text, names and errors as in JAX (jax/_src/tree_util.py).
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from operator import methodcaller
from typing import Any

# === the ways down from a container to one of its children =================================


@dataclass(frozen=True, slots=True)
class SequenceKey:
    """The way to element `idx` of a tuple or list."""
    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"


@dataclass(frozen=True, slots=True)
class DictKey:
    """The way to the value under `key` in a dict."""
    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"


@dataclass(frozen=True, slots=True)
class GetAttrKey:
    """The way to the attribute `name` of a named tuple or dataclass."""
    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True, slots=True)
class FlattenedIndexKey:
    """The way to child number `key` of a registered class that does not name its children."""
    key: int

    def __str__(self) -> str:
        return f"[<flat index {self.key!r}>]"


# === the registry ==========================================================================


def _numbered(data: Any, i: int) -> FlattenedIndexKey:
    return FlattenedIndexKey(i)


@dataclass(frozen=True, eq=False, slots=True)
class NodeType:
    """How containers of one type come apart and go together."""
    type: Any
    flatten: Callable[[Any], tuple[Sequence, Any]]  # container -> children, data
    unflatten: Callable[[Any, tuple], Any]  # data, children -> container
    key: Callable[[Any, int], Any] = _numbered  # data, i -> way to child i
    flatten_with_keys: Callable[[Any], tuple[Sequence, Any]] | None = None

    def __reduce__(self) -> tuple:  # by reference, so that a copied treedef equals its original
        return _registered, (self.type,)


registry: dict[Any, NodeType] = {}


def _registered(typ: Any) -> NodeType:
    return registry[typ]


def _register(*parts: Any) -> NodeType:
    if parts[0] in registry:
        raise ValueError(f"Duplicate custom PyTreeDef type registration for {parts[0]}.")
    registry[parts[0]] = node = NodeType(*parts)
    return node


def node_type(x: Any) -> NodeType | None:
    """How `x` comes apart; None if it is a leaf."""
    found = registry.get(type(x))
    if found is None and isinstance(x, tuple) and hasattr(x, "_fields"):
        return NAMEDTUPLE
    return found


def _flatten_dict(d: dict) -> tuple[list, tuple]:
    try:
        keys = tuple(sorted(d))
    except TypeError as e:
        raise ValueError(
            "Comparator raised exception while sorting pytree dictionary keys. Leaves come in the "
            f"order of the keys, so use keys that compare with each other; got {list(d)}.") from e
    return list(map(d.__getitem__, keys)), keys


def _flatten_defaultdict(d: defaultdict) -> tuple[list, tuple]:
    keys = tuple(sorted(d))
    return [d[k] for k in keys], (d.default_factory, keys)


TUPLE = _register(tuple, lambda x: (x, None), lambda _, xs: xs, lambda _, i: SequenceKey(i))
LIST = _register(list, lambda x: (x, None), lambda _, xs: list(xs), lambda _, i: SequenceKey(i))
DICT = _register(dict, _flatten_dict, lambda keys, xs: dict(zip(keys, xs)),
                 lambda keys, i: DictKey(keys[i]))
NONE = _register(type(None), lambda _: ((), None), lambda *_: None)
NAMEDTUPLE = _register(  # one entry for all of them: the data is the class
    namedtuple, lambda x: (x, type(x)), lambda cls, xs: cls(*xs),
    lambda cls, i: GetAttrKey(cls._fields[i]))
_register(OrderedDict, lambda d: (tuple(d.values()), tuple(d)),
          lambda keys, xs: OrderedDict(zip(keys, xs)), lambda keys, i: DictKey(keys[i]))
_register(defaultdict, _flatten_defaultdict,
          lambda data, xs: defaultdict(data[0], zip(data[1], xs)),
          lambda data, i: DictKey(data[1][i]))


# === registering one's own classes =========================================================


def _checked(flatten_func: Callable) -> Callable[[Any], tuple[tuple, Any]]:
    def flatten(x: Any) -> tuple[tuple, Any]:
        out = flatten_func(x)
        if not (isinstance(out, tuple) and len(out) == 2 and hasattr(out[0], "__iter__")):
            raise ValueError(f"The flatten function of the custom PyTree node {type(x)} should "
                             "return a (children, aux_data) tuple where 'children' is iterable, "
                             f"got {out!r}")
        return tuple(out[0]), out[1]

    return flatten


def register_pytree_node(nodetype: type, flatten_func: Callable, unflatten_func: Callable,
                         flatten_with_keys_func: Callable | None = None) -> None:
    """Make `nodetype` a container: `flatten_func(x)` gives `(children, aux_data)`, and
    `unflatten_func(aux_data, children)` gives `x` back. `aux_data` is part of the structure: it
    must compare with `==`, and should hash. Subclasses of `nodetype` stay leaves.

    Raises ValueError if the type is registered already.

    >>> import minijax as jax
    >>> class Interval:
    ...     def __init__(self, low, high): self.low, self.high = low, high
    >>> jax.tree_util.register_pytree_node(
    ...     Interval, lambda x: ((x.low, x.high), None), lambda _, ends: Interval(*ends))
    >>> jax.tree.map(lambda x: x + 1, Interval(2, 5)).high
    6
    """
    if not (callable(flatten_func) and callable(unflatten_func)):
        raise TypeError(f"{nodetype} needs a flatten and an unflatten function, "
                        f"got {flatten_func!r} and {unflatten_func!r}.")
    keyed = flatten_with_keys_func and _checked(flatten_with_keys_func)
    _register(nodetype, _checked(flatten_func), unflatten_func, _numbered, keyed)


def register_pytree_node_class(cls: Any) -> Any:
    """Class decorator: the class has `tree_flatten(self)` and `tree_unflatten(cls, aux, xs)`."""
    register_pytree_node(cls, methodcaller("tree_flatten"), cls.tree_unflatten)
    return cls


def register_pytree_with_keys(nodetype: type, flatten_with_keys: Callable,
                              unflatten_func: Callable,
                              flatten_func: Callable | None = None) -> None:
    """As `register_pytree_node`, with the children given as `(key, child)` pairs."""
    checked = _checked(flatten_with_keys)

    def without_keys(x: Any) -> tuple[list, Any]:
        pairs, data = checked(x)
        return [child for _, child in pairs], data

    register_pytree_node(nodetype, flatten_func or without_keys, unflatten_func, flatten_with_keys)


def register_pytree_with_keys_class(cls: Any) -> Any:
    """Class decorator: as `register_pytree_node_class`, with `tree_flatten_with_keys(self)`."""
    plain = methodcaller("tree_flatten") if hasattr(cls, "tree_flatten") else None
    register_pytree_with_keys(
        cls, methodcaller("tree_flatten_with_keys"), cls.tree_unflatten, plain)
    return cls


def register_static(cls: type) -> type:
    """Class decorator: instances have no leaves, they are structure; so they must hash."""
    register_pytree_node(cls, lambda x: ((), x), lambda x, _: x)
    return cls


def register_dataclass(nodetype: type, data_fields: Sequence[str] | None = None,
                       meta_fields: Sequence[str] | None = None,
                       drop_fields: Sequence[str] = ()) -> type:
    """Class decorator: the data fields of a dataclass are children, its meta fields structure.

    Without lists of names, the meta fields are those made with `jax.tree.static()`.
    Raises TypeError or ValueError if the lists do not fit the fields.

    >>> import minijax as jax
    >>> from dataclasses import dataclass
    >>> @jax.tree_util.register_dataclass
    ... @dataclass
    ... class Layer:
    ...     w: float
    ...     activation: str = jax.tree.static(default="relu")
    >>> jax.tree.structure(Layer(0.5))
    PyTreeDef(CustomNode(Layer[('relu',)], [*]))
    """
    data, meta = _dataclass_fields(nodetype, data_fields, meta_fields, drop_fields)

    def flatten(x: Any) -> tuple[list, tuple]:
        return [getattr(x, name) for name in data], tuple([getattr(x, name) for name in meta])

    def unflatten(values: tuple, children: tuple) -> Any:
        return nodetype(**dict(zip(data, children)), **dict(zip(meta, values)))

    _register(nodetype, flatten, unflatten, lambda _, i: GetAttrKey(data[i]))
    return nodetype


def _dataclass_fields(nodetype: type, data: Any, meta: Any, drop: Sequence[str]) -> tuple:
    if (data is None) != (meta is None):
        raise TypeError("register_dataclass: data_fields and meta_fields must both be specified "
                        f"when either is. Got data_fields={data} meta_fields={meta}.")
    if data is None and not is_dataclass(nodetype):
        raise TypeError("register_dataclass: data_fields and meta_fields are required when "
                        f"nodetype is not a dataclass. Got nodetype={nodetype}.")
    if data is None:
        meta = [f.name for f in fields(nodetype) if f.metadata.get("static", False)]
        data = [f.name for f in fields(nodetype) if f.name not in meta]
    if is_dataclass(nodetype):
        wanted = {f.name for f in fields(nodetype) if f.init} - set(drop)
        missing, unexpected = wanted - {*data, *meta}, {*data, *meta} - wanted
        if missing or unexpected:
            raise ValueError(
                "data_fields and meta_fields must include all dataclass fields with ``init=True`` "
                "and only them. Missing (or to be put in drop_fields): "
                f"{sorted(missing)}. Unexpected: {sorted(unexpected)}.")
    if overlap := {*data} & {*meta}:
        raise ValueError(f"data_fields and meta_fields must not overlap; both have {overlap}.")
    return tuple(data), tuple(meta)
