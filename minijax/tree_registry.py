"""Which Python types are containers of a pytree, and how each comes apart into children.

`tree_util` walks trees; this module holds what it asks of one node. A container comes apart into
its *children* and its *data*: whatever of it is structure (the keys of a dict, the static fields
of a dataclass). Text, names and errors as in JAX (jax/_src/tree_util.py).
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import count
from operator import methodcaller
from typing import Any, NamedTuple

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

    def __hash__(self) -> int:  # not that of the element `key` of a list
        return hash((FlattenedIndexKey, self.key))

    def __str__(self) -> str:
        return f"[<flat index {self.key!r}>]"


# === the registry ==========================================================================


class NodeType(NamedTuple):
    """How containers of one type come apart and go together."""
    flatten: Callable[[Any], tuple[Sequence, Any]]  # container -> children, data
    unflatten: Callable[[Any, tuple], Any]  # data, children -> container
    keys: Callable[[Any, Any], Iterable]  # container, data -> the way to each child


registry: dict[Any, NodeType] = {}


def register(kind: Any, *parts: Callable) -> None:
    if kind in registry:
        raise ValueError(f"Duplicate custom PyTreeDef type registration for {kind}.")
    registry[kind] = NodeType(*parts)


def container_kind(cls: type) -> Any:
    """Under what the registry holds the containers of a class; None if its instances are leaves."""
    if cls in registry:
        return cls
    return namedtuple if issubclass(cls, tuple) and hasattr(cls, "_fields") else None


def _flatten_dict(d: dict) -> tuple[list, tuple]:
    try:
        keys = tuple(sorted(d))
    except TypeError as e:
        raise ValueError(
            "Comparator raised exception while sorting pytree dictionary keys. Leaves come in the "
            f"order of the keys, so use keys that compare with each other; got {list(d)}.") from e
    return list(map(d.__getitem__, keys)), keys


def _positions(*_: Any) -> Iterable:
    return map(SequenceKey, count())


register(type(None), lambda _: ((), None), lambda *_: None, lambda *_: ())
register(tuple, lambda x: (x, None), lambda _, xs: xs, _positions)
register(list, lambda x: (x, None), lambda _, xs: list(xs), _positions)
register(dict, _flatten_dict, lambda keys, xs: dict(zip(keys, xs)),
         lambda _, keys: map(DictKey, keys))
register(OrderedDict, lambda d: (tuple(d.values()), tuple(d)),
         lambda keys, xs: OrderedDict(zip(keys, xs)), lambda _, keys: map(DictKey, keys))
register(defaultdict,
         lambda d: ([d[k] for k in sorted(d)], (d.default_factory, tuple(sorted(d)))),
         lambda data, xs: defaultdict(data[0], zip(data[1], xs)),
         lambda _, data: map(DictKey, data[1]))
register(namedtuple, lambda x: (x, type(x)), lambda cls, xs: cls(*xs),
         lambda _, cls: map(GetAttrKey, cls._fields))  # one entry for all: the data is the class


# === registering one's own classes =========================================================


def _checked(flatten_func: Callable) -> Callable[[Any], tuple[tuple, Any]]:
    def flatten(x: Any) -> tuple[tuple, Any]:
        out, problem = flatten_func(x), ""
        if not (isinstance(out, tuple) and len(out) == 2):
            problem = "tuple"
        elif not isinstance(out[0], Iterable):
            problem = "tuple where 'children' is iterable"
        if problem:
            raise ValueError("The to_iterable function for a custom PyTree node should return a "
                             f"(children, aux_data) {problem}, got {out!r} from a {type(x)}.")
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
    keys = ((lambda *_: map(FlattenedIndexKey, count())) if flatten_with_keys_func is None else
            (lambda x, _: [key for key, _ in flatten_with_keys_func(x)[0]]))
    register(nodetype, _checked(flatten_func), unflatten_func, keys)


def register_pytree_node_class(cls: Any) -> Any:
    """Class decorator: the class has `tree_flatten(self)` and `tree_unflatten(cls, aux, xs)`."""
    register_pytree_node(cls, methodcaller("tree_flatten"), cls.tree_unflatten)
    return cls


def register_pytree_with_keys(nodetype: type, flatten_with_keys: Callable,
                              unflatten_func: Callable,
                              flatten_func: Callable | None = None) -> None:
    """As `register_pytree_node`, with the children given as `(key, child)` pairs."""
    def without_keys(x: Any) -> tuple[list, Any]:
        pairs, data = flatten_with_keys(x)
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

    register(nodetype, flatten, unflatten, lambda *_: map(GetAttrKey, data))
    return nodetype


def _dataclass_fields(nodetype: type, data_fields: Any, meta_fields: Any, drop_fields: Sequence[str]
                      ) -> tuple:
    if (data_fields is None) != (meta_fields is None):
        raise TypeError("register_dataclass: data_fields and meta_fields must both be specified "
                        f"when either is specified. Got {data_fields=} {meta_fields=}.")
    if data_fields is None and not is_dataclass(nodetype):
        raise TypeError("register_dataclass: data_fields and meta_fields are required when "
                        f"nodetype is not a dataclass. Got {nodetype=}.")
    if data_fields is None:
        meta_fields = [f.name for f in fields(nodetype) if f.metadata.get("static", False)]
        data_fields = [f.name for f in fields(nodetype) if f.name not in meta_fields]
    given = {*data_fields, *meta_fields}
    if is_dataclass(nodetype):
        wanted = {f.name for f in fields(nodetype) if f.init} - {*drop_fields}
        if given != wanted:
            raise ValueError(
                "data_fields and meta_fields must include all dataclass fields with ``init=True`` "
                f"and only them. Missing fields: {wanted - given or 'none'} (those in drop_fields "
                f"may be). Unexpected fields: {given - wanted or 'none'}.")
    if overlap := {*data_fields} & {*meta_fields}:
        raise ValueError("data_fields and meta_fields must not overlap. Overlapping fields: "
                         f"{overlap}.")
    return tuple(data_fields), tuple(meta_fields)
