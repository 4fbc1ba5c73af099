"""Pytrees: laws of taking apart and putting together, and agreement with JAX on every printed form.

The same classes are registered with both libraries, so one list of trees serves both.
"""

import collections
import copy
import dataclasses
import functools
import gc
import inspect
import operator
import pickle
import random
import sys
import weakref
from collections import OrderedDict, defaultdict, namedtuple

import jax.flatten_util
import jax.tree_util as oracle
import numpy as np
import pytest

import minijax.flatten_util
from minijax import tree_util as ours
from minijax.tree_util import (
    broadcast_prefix,
    flatten_axes,
    tree_flatten,
    tree_leaves,
    tree_map,
    tree_structure,
    tree_unflatten,
)

BOTH = (ours, oracle)


def is_none(x):
    return x is None


# === containers known to both libraries ====================================================

Point = namedtuple("Point", "x y")
Other = namedtuple("Other", "x y")
Nothing = namedtuple("Nothing", "")
SubPoint = type("SubPoint", (Point,), {})


class Eq:
    def __eq__(self, other):
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = object.__hash__


class Pair(Eq):  # children without names, and data
    def __init__(self, a, b, note="note"):
        self.a, self.b, self.note = a, b, note

    def tree_flatten(self):
        return (self.a, self.b), self.note

    @classmethod
    def tree_unflatten(cls, note, children):
        return cls(*children, note)


class Keyed(Eq):  # children with names, in an order of their own
    def __init__(self, x, y):
        self.x, self.y = x, y

    @classmethod
    def tree_unflatten(cls, _, children):
        y, x = children
        return cls(x, y)


@dataclasses.dataclass
class Layer:
    w: object
    b: object
    act: str = dataclasses.field(default="relu", metadata={"static": True})


@dataclasses.dataclass
class Listed:
    data: object
    meta: object
    derived: object = dataclasses.field(default=0, init=False)


class Plain(Eq):  # not a dataclass
    def __init__(self, a, b):
        self.a, self.b = a, b


class Name(str):
    pass


for tu in BOTH:
    tu.register_pytree_node_class(Pair)
    tu.register_pytree_with_keys(
        Keyed, lambda k, tu=tu: (((tu.GetAttrKey("y"), k.y), ("own key", k.x)), "aux"),
        Keyed.tree_unflatten)
    assert tu.register_dataclass(Layer) is Layer
    tu.register_dataclass(Listed, data_fields=["data"], meta_fields=["meta"])
    tu.register_dataclass(Plain, ["a"], ["b"])
    assert tu.register_static(Name) is Name


def f(*args, **kwargs):
    return args, kwargs


TREES = [
    1, "abc", None, (), [], {}, (1,), [1], (1, 2), [1, None, (2,)], ((), [None], {}),
    {"b": 1, "a": [2, 3]}, {"a": None}, {2: "x", 1: "y"}, {(1, 2): 3, (0, 1): [4]},
    Point(1, 2), Point(1, (2, [3])), Nothing(), SubPoint(1, None), (Other(1, 2), Point(3, 4)),
    OrderedDict(b=1, a=2), OrderedDict(), defaultdict(int, b=1, a=(2,)), defaultdict(list),
    Pair(1, 2), Pair(1, [2], None), Pair(None, {}, ("t", 1)), [Pair(Pair(1, 2), Pair(3, 4, 5))],
    Keyed([1, 2], {"k": 3}), Layer(1, (2, None)), Layer(Layer(1, 2), 3, "tanh"),
    Listed((1, 2), "m"), Plain({"q": 1}, 7), Name("static"), (Name("s"), 1),
    [(1, 2), (3, 4), (5, 6)], (({"w": 1.5, "b": [2.5]},), {}),
    # not containers: subclasses of containers, other iterables, partial
    type("L", (list,), {})([1]), type("T", (tuple,), {})((1,)), type("D", (dict,), {})(a=1),
    collections.Counter(a=1), {1, 2}, range(3), collections.deque([1]), functools.partial(f, 1),
]
IDS = [f"{i}-{type(t).__name__}" for i, t in enumerate(TREES)]
each_tree = pytest.mark.parametrize("tree", TREES, ids=IDS)


def random_tree(rng, depth=4):
    kind = rng.choice(["leaf", "leaf", tuple, list, dict, Point, Pair, None]) if depth else "leaf"
    if kind in ("leaf", None):
        return rng.random() if kind else None
    children = [random_tree(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind is dict:
        return {f"k{rng.randrange(100)}": c for c in children}
    return kind(children) if kind in (tuple, list) else kind(children, rng.random())


RANDOM = [random_tree(random.Random(seed)) for seed in range(150)]


# === agreement with JAX ====================================================================


@each_tree
def test_structure_and_leaves_are_jax_s(tree):
    leaves, treedef = tree_flatten(tree)
    jax_leaves, jax_treedef = oracle.tree_flatten(tree)
    assert leaves == jax_leaves
    assert repr(treedef) == str(treedef) == repr(jax_treedef)
    assert treedef.num_leaves == jax_treedef.num_leaves == len(leaves)
    assert treedef.num_nodes == jax_treedef.num_nodes
    assert treedef.node_data() == jax_treedef.node_data()
    assert list(map(repr, treedef.children())) == list(map(repr, jax_treedef.children()))
    assert ours.treedef_is_leaf(treedef) == oracle.treedef_is_leaf(jax_treedef)
    assert ours.is_tree_node(type(tree)) == oracle.is_tree_node(type(tree))


@each_tree
def test_key_paths_are_jax_s(tree):
    mine, theirs = ours.tree_leaves_with_path(tree), oracle.tree_leaves_with_path(tree)
    assert [x for _, x in mine] == [x for _, x in theirs] == tree_leaves(tree)
    for (path, _), (jax_path, _) in zip(mine, theirs, strict=True):
        assert repr(path) == repr(jax_path)
        for options in ({}, {"simple": True, "separator": "/"}):
            assert ours.keystr(path, **options) == oracle.keystr(jax_path, **options)
    assert ours.tree_flatten_with_path(tree)[1] == tree_structure(tree)


@each_tree
def test_one_level_is_jax_s(tree):
    def one_level(tu):
        pairs, data = tu.flatten_one_level_with_keys(tree)
        assert tu.flatten_one_level(tree)[1] == data
        assert list(tu.flatten_one_level(tree)[0]) == [child for _, child in pairs]
        return [(repr(key), child) for key, child in pairs], data

    if not ours.is_tree_node(type(tree)):
        with pytest.raises(ValueError, match="can't tree-flatten type: <class"):
            one_level(ours)
    elif not isinstance(tree, tuple) or type(tree) is tuple:  # JAX repeats a namedtuple's first key
        assert one_level(ours) == one_level(oracle)
    else:
        keys = [repr(ours.GetAttrKey(name)) for name in tree._fields]
        assert one_level(ours) == (list(zip(keys, tree, strict=True)), type(tree))


def test_equality_is_jax_s_on_all_pairs_and_hash_follows():
    for a in TREES:
        for b in TREES:
            mine, other = tree_structure(a), tree_structure(b)
            same = oracle.tree_structure(a) == oracle.tree_structure(b)
            assert (mine == other) is same and (mine != other) is not same
            assert not same or hash(mine) == hash(other)
    assert tree_structure((1, 2)) != (1, 2)


@pytest.mark.parametrize("tree", RANDOM)
def test_random_trees_are_jax_s(tree):
    leaves, treedef = tree_flatten(tree)
    assert (leaves, repr(treedef)) == (oracle.tree_leaves(tree), repr(oracle.tree_structure(tree)))
    paths = [ours.keystr(p) for p, _ in ours.tree_leaves_with_path(tree)]
    assert paths == [oracle.keystr(p) for p, _ in oracle.tree_leaves_with_path(tree)]
    assert tree_leaves(tree, is_none) == oracle.tree_leaves(tree, is_none)
    stop = lambda x: isinstance(x, (dict, Pair))  # noqa: E731
    assert tree_leaves(tree, stop) == oracle.tree_leaves(tree, stop)


@pytest.mark.parametrize("call", [
    lambda t: t.tree_leaves((1, None, {"a": ()}), is_none),
    lambda t: t.tree_map(lambda x, y: (x, y), (1, None), (2, (3,)), is_leaf=is_none),
    lambda t: t.tree_map(lambda x, y: (x, y), {"a": 1, "b": [2]}, {"b": [(3, 4)], "a": None}),
    lambda t: list(t.tree_map(str, {"b": 1, "a": 2})),
    lambda t: list(t.tree_map(str, OrderedDict(b=1, a=2))),
    lambda t: t.tree_map_with_path(lambda p, x, y: (t.keystr(p), x, y),
                                   [1, {"a": 2}], [3, {"a": 4}]),
    lambda t: t.tree_map_with_path(lambda p, x: len(p), [1, [[2]]],
                                   is_leaf=lambda p, _: len(p) == 2, is_leaf_takes_path=True),
    lambda t: [x for _, x in t.tree_flatten_with_path((1, None, [2]), is_none)[0]],
    lambda t: t.tree_all([True, {"a": 1}]), lambda t: t.tree_all([True, {"a": 0}]),
    lambda t: t.tree_all([None]), lambda t: t.tree_all((None, 1), is_leaf=is_none),
    lambda t: t.tree_reduce(operator.sub, (10, [2, {"a": 3}])),
    lambda t: t.tree_reduce(operator.add, (), 7),
    lambda t: t.tree_reduce_associative(lambda a, b: (a, b), (1, [2, 3], 4, 5)),
    lambda t: t.tree_reduce_associative(operator.add, (), identity=0),
    lambda t: t.tree_transpose(t.tree_structure((1, 2)), t.tree_structure([0, 0, 0]),
                               ((1, 2, 3), (4, 5, 6))),
    lambda t: t.tree_transpose(t.tree_structure({"a": 0}), None, {"a": (1, [2])}),
    lambda t: repr(t.treedef_tuple([t.tree_structure(1), t.tree_structure([1, None])])),
    lambda t: repr(t.treedef_children(t.tree_structure([(1, 2), {"a": 4}]))),
    lambda t: repr(t.tree_structure((1, {"a": 2})).compose(t.tree_structure([1, None]))),
    lambda t: t.tree_structure((1, {"a": 2})).flatten_up_to(([3], {"a": (4, 5)})),
    lambda t: t.tree_structure(Layer(1, 2)).flatten_up_to(Layer(3, None)),
    lambda t: t.all_leaves([1, 2]), lambda t: t.all_leaves([1, None]), lambda t: t.all_leaves([]),
    lambda t: t.all_leaves([[1, 2], 3]), lambda t: t.all_leaves([1, (2,)], lambda x: x == (2,)),
    lambda t: t.tree_broadcast((1, {"a": 2}), ([0, 0], {"a": (0, None, 0)})),
    lambda t: t.tree_broadcast((None, 1), ([0, 0], (0,)), is_leaf=is_none),
    lambda t: t.tree_broadcast(Layer(1, 2), Layer((0, 0), 0)),
    lambda t: t.keystr((t.SequenceKey(1), t.DictKey("a"), t.GetAttrKey("x"), "own")),
    lambda t: t.SequenceKey(1) == t.FlattenedIndexKey(1), lambda t: repr(t.DictKey(key=(1, "a"))),
    lambda t: {t.DictKey("a"): 1}[t.DictKey("a")],
    lambda t: t.tree_leaves(t.Partial(f, 1, (2, 3), k=4)),
    lambda t: repr(t.tree_structure(t.Partial(f, 1, k=4))),
    lambda t: t.tree_leaves(t.Partial(t.Partial(f, 1), 2)),
    lambda t: t.tree_map(lambda x: x + 1, t.Partial(functools.partial(f, 1), 2))(3, k=4),
    lambda t: repr(t.Partial(f, 1)).replace("minijax", "jax"),
])
def test_same_result_as_jax(call):
    assert call(ours) == call(oracle)


def test_is_leaf_is_asked_at_every_node_in_order():
    def asked(tu):
        seen = []
        tu.tree_flatten((1, {"b": [2], "a": None}), is_leaf=lambda x: seen.append(x))
        return seen

    assert asked(ours) == asked(oracle)


@pytest.mark.parametrize("call", [
    lambda t: t.tree_structure({1: 2, "a": 3}),
    lambda t: t.tree_structure(defaultdict(int, {1: 2, "a": 3})),
    lambda t: t.tree_unflatten(t.tree_structure((1, 2)), [1]),
    lambda t: t.tree_unflatten(t.tree_structure((1, [2])), [1, 2, 3]),
    lambda t: t.tree_unflatten(t.tree_structure(1), []),
    lambda t: t.tree_unflatten(t.tree_structure(()), [1]),
    lambda t: t.tree_unflatten(t.tree_structure(1), 5),
    lambda t: t.tree_structure((1, 2)).flatten_up_to((1, 2, 3)),
    lambda t: t.tree_structure([1, 2]).flatten_up_to((1, 2)),
    lambda t: t.tree_structure(Point(1, 2)).flatten_up_to(Other(1, 2)),
    lambda t: t.tree_structure((1, 2)).flatten_up_to(Point(1, 2)),
    lambda t: t.tree_structure({"a": 1}).flatten_up_to({"b": 1}),
    lambda t: t.tree_structure(None).flatten_up_to(5),
    lambda t: t.tree_structure(Layer(1, 2)).flatten_up_to(Layer(1, 2, "tanh")),
    lambda t: t.tree_structure(Name("a")).flatten_up_to(Name("b")),
    lambda t: t.tree_reduce(operator.add, ()),
    lambda t: t.tree_reduce_associative(operator.add, []),
    lambda t: t.tree_transpose(t.tree_structure((1, 2)), t.tree_structure([0, 0]), [1, 2, 3]),
    lambda t: t.tree_map(len), lambda t: t.tree_map(len, (1,)),
    lambda t: t.flatten_one_level(3), lambda t: t.flatten_one_level_with_keys(3),
    lambda t: t.register_pytree_node(list, None, None),
    lambda t: t.register_pytree_node(tuple, f, f), lambda t: t.register_dataclass(Layer),
    lambda t: t.register_static(Name), lambda t: t.register_dataclass(int),
    lambda t: t.register_dataclass(int, data_fields=["a"]),
    lambda t: setattr(t.DictKey("a"), "key", 3),
])
def test_same_error_class_as_jax(call):
    with pytest.raises(Exception) as theirs:
        call(oracle)
    with pytest.raises(theirs.type) as mine:
        call(ours)
    assert str(mine.value)


@pytest.mark.parametrize("fields", [
    {"data_fields": ["a"], "meta_fields": []}, {"data_fields": ["a", "b", "z"], "meta_fields": []},
    {"data_fields": ["a", "b"], "meta_fields": ["b"]}, {}, {"drop_fields": ["b"]},
])
def test_dataclass_fields_that_do_not_fit(fields):
    @dataclasses.dataclass
    class D:
        a: int
        b: int
        c: int = dataclasses.field(default=3, init=False)

    for tu in BOTH:
        with pytest.raises(ValueError, match="data_fields and meta_fields must"):
            tu.register_dataclass(D, **fields)
    for tu in BOTH:  # nothing was registered by the failed attempts
        tu.register_dataclass(D, data_fields=["a"], meta_fields=[], drop_fields=["b"])
        assert repr(tu.tree_structure(D(1, 2))) == "PyTreeDef(CustomNode(D[()], [*]))"


@pytest.mark.parametrize("returned", [3, ([], None, 1), (5, 1), [1, 2]])
def test_flatten_functions_that_return_nonsense(returned):
    for tu in BOTH:
        cls = type("Bad", (), {})
        tu.register_pytree_node(cls, lambda _: returned, lambda *_: None)
        with pytest.raises(ValueError, match=r"should return a \(children, aux_data\) tuple"):
            tu.tree_flatten(cls())


MISMATCHES = [  # a tree, and one of which it is not a prefix
    ({"a": (1, 2)}, {"a": (1, 2, 3)}), ({"a": (1, 2)}, {"a": [1, 2]}), ({"a": 1}, {"b": 1}),
    ({"a": 1}, {"a": 1, "b": 2}), ((1, None), (1, 2)), ([1, Pair(1, 2)], [1, Pair(1, 2, "x")]),
    (Point(1, 2), Other(1, 2)), ((1, 2), Point(1, 2)), ((1, (2, 3)), (1, 2)), ([1], 3),
    (Keyed(1, [2]), Keyed(1, {"a": 2})), (Layer(1, 2), Layer(1, 2, "tanh")),
    (OrderedDict(a=1, b=2), OrderedDict(b=1, a=2)), (Pair((1,), [2, 3]), Pair((1,), [2])),
    (Keyed(1, {"q": [2]}), Keyed(1, {"q": 2})), ({"a": 1}, OrderedDict(a=1)),
    (defaultdict(int, a=1), defaultdict(list, a=1)), ((1, [(2, ())]), (1, [(2, 3)])),
]


@pytest.mark.parametrize(("prefix", "full"), MISMATCHES)
def test_mismatch_names_the_same_problem_and_path_as_jax(prefix, full):
    def lines(call):
        with pytest.raises(ValueError, match="pytree structure error") as e:
            call()
        problem, path, *_ = str(e.value).splitlines()
        return problem.split(" (")[0].removesuffix(" at key path"), path.strip()

    for call in (lambda t: t.tree_map(f, prefix, full),
                 lambda t: t.tree_map(f, prefix, prefix, full),
                 lambda t: t.tree_map_with_path(f, prefix, full),
                 lambda t: t.tree_broadcast(prefix, full)):
        assert lines(lambda c=call: c(ours)) == lines(lambda c=call: c(oracle))


def test_a_mismatch_inside_a_named_tuple_names_its_field():  # JAX names the first field for all
    with pytest.raises(ValueError, match=r"different types at key path\n    tree_map tree\.y\n"):
        tree_map(f, Point(1, [2]), Point(1, {"a": 2}))


def test_mismatch_shows_both_structures_and_what_to_do():
    with pytest.raises(ValueError) as e:
        tree_map(f, [{"a": 1, "b": 2}], [{"a": 1, "c": (2, 3), "b": 2}])
    assert str(e.value) == (
        "pytree structure error: different numbers of pytree children at key path\n"
        "    tree_map tree[0]\n"
        "where the prefix has structure\n    PyTreeDef({'a': *, 'b': *})\n"
        "and the full pytree has structure\n    PyTreeDef({'a': *, 'b': *, 'c': (*, *)})\n"
        "They have different keys, so the symmetric difference on key sets is\n    c")
    assert e.value.__suppress_context__
    with pytest.raises(ValueError, match="is_leaf=lambda x: x is None"):
        tree_map(f, [None], [1])


def test_a_mismatch_is_named_where_is_leaf_takes_the_path():  # JAX calls it without the path
    with pytest.raises(ValueError, match=r"different types at key path\n.*_with_path tree\[1\]"):
        ours.tree_map_with_path(f, (1, [2]), (1, {}), is_leaf=lambda path, x: False,
                                is_leaf_takes_path=True)


def test_a_mismatch_of_lengths_says_them():
    with pytest.raises(ValueError, match="different lengths of list at key path") as e:
        tree_map(f, [[1]], [[1, 2]])
    assert str(e.value).endswith("They have 1 and 2 children.")


def test_an_error_of_the_mapped_function_passes_through():
    with pytest.raises(ZeroDivisionError):
        tree_map(lambda x, y: x / y, (1, 2), (1, 0))


def test_public_names_and_parameters_are_jax_s():
    def public(module):
        return {n for n in dir(module) if not n.startswith("_")}

    assert public(jax.tree_util) - public(ours) == {"default_registry"}
    assert set(minijax.tree.__all__) == public(jax.tree)
    for name in public(jax.tree_util) - {"default_registry", "Partial", "PyTreeDef"}:
        if inspect.isfunction(theirs := getattr(jax.tree_util, name)):
            mine = getattr(ours, name)
            assert list(inspect.signature(mine).parameters) == list(
                inspect.signature(theirs).parameters), name
    for name in public(jax.tree):
        mine, theirs = getattr(minijax.tree, name), getattr(jax.tree, name)
        assert list(inspect.signature(mine).parameters) == list(
            inspect.signature(theirs).parameters), name


# === laws ==================================================================================


@pytest.mark.parametrize("tree", [*TREES, *RANDOM])
def test_round_trips(tree):
    leaves, treedef = tree_flatten(tree)
    again = tree_unflatten(treedef, iter(leaves))
    assert type(again) is type(tree) and again == tree and tree_structure(again) == treedef
    numbers = list(range(len(leaves)))
    assert tree_flatten(treedef.unflatten(numbers)) == (numbers, treedef)
    assert treedef.flatten_up_to(tree) == leaves
    assert copy.deepcopy(treedef) == treedef and hash(copy.deepcopy(treedef)) == hash(treedef)


@pytest.mark.parametrize("tree", RANDOM)
def test_map_is_a_functor_and_children_make_the_whole(tree):
    double, inc = (lambda x: 2 * x), (lambda x: x + 1)
    assert tree_map(lambda x: x, tree) == tree
    assert tree_map(inc, tree_map(double, tree)) == tree_map(lambda x: inc(double(x)), tree)
    treedef = tree_structure(tree)
    whole = ours.treedef_tuple(treedef.children())
    assert whole.children() == treedef.children() and whole.num_nodes == treedef.num_nodes
    children = ours.flatten_one_level(tree)[0] if ours.is_tree_node(type(tree)) else ()
    assert treedef.children() == [tree_structure(child) for child in children]


@pytest.mark.parametrize("tree", RANDOM)
def test_cutting_leaves_off_gives_a_prefix(tree):
    rng = random.Random(0)
    cut = lambda x: x is None or rng.random() < 0.3  # noqa: E731
    leaves, treedef = tree_flatten(tree, cut)
    prefix = treedef.unflatten(range(len(leaves)))
    subtrees = tree_structure(prefix).flatten_up_to(tree)
    expected = [i for i, sub in enumerate(subtrees) for _ in tree_leaves(sub)]
    assert broadcast_prefix(prefix, tree) == expected
    assert tree_leaves(ours.tree_broadcast(prefix, tree)) == expected
    assert flatten_axes("axes", tree, prefix) == expected


def test_transpose_is_an_involution():
    outer, inner = tree_structure({"a": 0, "b": 0}), tree_structure((0, [0, None, 0]))
    tree = outer.compose(inner).unflatten(range(6))
    once = ours.tree_transpose(outer, inner, tree)
    assert tree_structure(once) == inner.compose(outer) and once != tree
    assert ours.tree_transpose(inner, outer, once) == tree


def test_a_tree_of_treedefs_and_a_treedef_as_a_leaf():
    treedef = tree_structure((1, 2))
    assert tree_flatten([treedef]) == ([treedef], tree_structure([0]))


# === structures as keys ====================================================================


def test_unhashable_data_still_gives_a_key():
    treedefs = [tree_structure(Pair(1, 2, note)) for note in ([1], [1], [2])]
    assert treedefs[0] == treedefs[1] != treedefs[2]
    assert len(set(treedefs)) == 2


@pytest.mark.parametrize("array", [np.arange(3), minijax.numpy.arange(3)])
def test_data_that_does_not_compare_is_named_as_the_cause(array):
    a, b = (tree_structure(Pair(1, 2, x)) for x in (array, array + 0))
    assert hash(a) and tree_structure([Pair(1, 2, array)]) == tree_structure([Pair(3, 4, array)])
    with pytest.raises(ValueError, match="while checking equality of metadata fields of pytree"):
        assert a == b
    f = minijax.jit(lambda x: x)
    f(Pair(1, 2, array))
    with pytest.raises(ValueError, match="arrays cannot be passed as metadata fields"):
        f(Pair(1, 2, array + 0))


def test_treedefs_pickle():
    for tree in (1, None, (1, {"a": Point(1, Pair(2, 3))}), OrderedDict(a=1), Layer(1, 2)):
        treedef = tree_structure(tree)
        hash(treedef)
        again = pickle.loads(pickle.dumps(treedef))
        assert again == treedef and hash(again) == hash(treedef)
        assert again.unflatten(tree_leaves(tree)) == tree
        assert again.compose(tree_structure((1, 2))) == treedef.compose(tree_structure((1, 2)))


# === axes: prefixes in which None is a leaf =================================================


@pytest.mark.parametrize(("axes", "expected"), [
    (0, [0, 0, 0]), (None, [None] * 3), ((0, None), [0, 0, None]), (([1, None], 2), [1, None, 2]),
])
def test_flatten_axes(axes, expected):
    assert flatten_axes("vmap in_axes", ([5, 6], 7), axes) == expected


@pytest.mark.parametrize(("axes", "value", "path"), [
    ((0, (1, 2)), (1, 2), "vmap in_axes[1]"), (({"a": 0}, 0), ((1, 2), 3), "vmap in_axes[0]"),
    (({"a": (0, None)}, 0), ({"a": (1, 2, 3)}, 3), "vmap in_axes[0]['a']"),
    ((0, 1, 2), (1, 2), "vmap in_axes"), ((Point(0, [None]),), (Point(1, 2),), "vmap in_axes[0].y"),
])
def test_axes_that_do_not_fit_name_the_argument_and_both_structures(axes, value, path):
    treedef = tree_structure(value)
    with pytest.raises(ValueError, match="vmap in_axes specification must be a tree prefix") as e:
        flatten_axes("vmap in_axes", value, axes)
    assert f"\n    {path}\n" in str(e.value) and f"    {treedef}\n" in str(e.value)
    assert f"    {tree_structure(axes, is_none)}\n" in str(e.value)


def test_every_mismatch_is_listed():
    with pytest.raises(ValueError, match=r"\(2 found\)") as e:
        flatten_axes("vmap out_axes", (1, 2, [3]), ((0,), 0, {}))
    assert "vmap out_axes[0]\n" in str(e.value) and "vmap out_axes[2]\n" in str(e.value)


# === Partial ===============================================================================


def test_partial_is_a_function_and_a_container():
    p = ours.Partial(f, 1, (2, 3), k=4)
    assert isinstance(p, functools.partial) and p(5) == ((1, (2, 3), 5), {"k": 4})
    q = tree_map(lambda x: 10 * x, p)
    assert type(q) is ours.Partial and q() == ((10, (20, 30)), {"k": 40})
    assert tree_structure(p) == tree_structure(q)
    assert tree_structure(p) != tree_structure(ours.Partial(len, 1, (2, 3), k=4))


def test_partial_of_a_partial_keeps_its_own_arguments_only():
    inner = functools.partial(f, 1)
    assert ours.Partial(inner, 2).func == inner and inner == ours.Partial(inner, 2).func
    assert pickle.loads(pickle.dumps(ours.Partial(inner, 2)))(5) == ((1, 2, 5), {})
    a, b = ours.Partial(inner, 2), ours.Partial(inner, 3)
    assert a(5) == ((1, 2, 5), {}) and tree_leaves(a) == [2]
    assert len({tree_structure(a), tree_structure(b)}) == 1
    assert tree_structure(a) != tree_structure(ours.Partial(functools.partial(f, 1), 2))
    assert tree_map(lambda x: -x, tree_map(lambda x: -x, a))(5) == a(5)


# === registration ==========================================================================


def test_a_named_tuple_can_be_registered_with_its_own_rule():
    Own = namedtuple("Own", "x y")
    assert tree_leaves(Own(1, 2)) == [1, 2]
    ours.register_pytree_node(Own, lambda p: ((p.x,), p.y), lambda y, x: Own(x[0], y))
    assert tree_leaves(Own(1, 2)) == [1] and tree_map(str, Own(1, 2)) == Own("1", 2)


def test_keys_class_decorator_uses_the_plain_flatten_where_there_is_one():
    @ours.register_pytree_with_keys_class
    class Box(Keyed):
        def tree_flatten_with_keys(self):
            return ((ours.DictKey("x"), self.x), (ours.DictKey("y"), self.y)), "keys"

        def tree_flatten(self):
            return (self.x, self.y), "plain"

    assert tree_structure(Box(1, 2)).node_data() == (Box, "plain")
    paths = [ours.keystr(path) for path, _ in ours.tree_leaves_with_path(Box(1, [2]))]
    assert paths == ["['x']", "['y'][0]"]


def test_static_field_helper_and_partial_use_as_decorator():
    @ours.register_dataclass
    @dataclasses.dataclass
    class A:
        x: int
        op: str = minijax.tree.static(default="add", metadata={"doc": "the operation"})

    @functools.partial(ours.register_dataclass, data_fields=["x"], meta_fields=["op"])
    @dataclasses.dataclass
    class B:
        op: str
        x: int

    assert dataclasses.fields(A)[1].metadata == {"static": True, "doc": "the operation"}
    assert tree_map(str, A(1)) == A("1", "add") and tree_map(str, B("mul", 1)) == B("mul", "1")


def test_a_generator_of_children_is_read_once():
    Gen = type("Gen", (Plain,), {})
    ours.register_pytree_node(Gen, lambda g: (iter((g.a, g.b)), None), lambda _, xs: Gen(*xs))
    assert tree_map(lambda x: x + 1, Gen(1, 2)) == Gen(2, 3)


# === in and out of transformations =========================================================

V = np.arange(3, dtype=np.float32)
CONTAINERS = [
    Pair(V, [V, None], "note"), Layer(V, None), Layer(Point(V, V), {2: V, 1: V}, "tanh"),
    Plain({"q": V}, 7), OrderedDict(b=V, a=V), defaultdict(list, b=V, a=(V,)), SubPoint(V, V),
    {"b": V, "a": None}, [Name("s"), V], [V] * 2, (V, ((), {}, [])),
]


def same(mine, theirs):
    """Whether two results are the same containers, with the same numbers."""
    assert repr(tree_structure(mine)) == repr(oracle.tree_structure(theirs))
    for a, b in zip(tree_leaves(mine), oracle.tree_leaves(theirs), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    return True


@pytest.mark.parametrize("transform", [
    lambda j, double, x: j.jit(double)(x), lambda j, double, x: j.vmap(double)(x),
    lambda j, double, x: j.jvp(double, (x,), (x,)),
    lambda j, double, x: j.vjp(double, x)[1](x),
    lambda j, double, x: j.grad(
        lambda y: sum(j.numpy.sum(leaf) for leaf in j.tree.leaves(double(y))))(x),
    lambda j, double, x: j.linearize(double, x)[1](x), lambda j, double, x: j.jacrev(double)(x),
    lambda j, double, x: j.lax.scan(lambda c, y: (double(c), y), x, x),
    lambda j, double, x: j.lax.cond(True, double, lambda y: y, x),
    lambda j, double, x: j.device_get(j.device_put(x)),
], ids="jit vmap jvp vjp grad linearize jacrev scan cond put".split())
@pytest.mark.parametrize("tree", CONTAINERS, ids=range(len(CONTAINERS)))
def test_containers_go_into_transformations_and_come_out(transform, tree):
    def double(j):
        return lambda t: j.tree.map(lambda x: x * 2, t)

    assert same(transform(minijax, double(minijax), tree), transform(jax, double(jax), tree))


def test_static_fields_are_part_of_what_is_traced():
    traced = []
    f = minijax.jit(lambda layer: (traced.append(layer.act), layer.w)[1])
    for act in ("relu", "relu", "tanh", "relu"):
        f(Layer(V, None, act))
    assert traced == ["relu", "tanh"]


def test_axes_never_make_a_container_of_something_else_than_the_arguments():
    """A class may check what it holds: no number is put in its place to look at a structure."""
    class Strict(Plain):
        def __init__(self, a):
            assert a is None or hasattr(a, "shape")
            self.a = a

    ours.register_pytree_node(Strict, lambda s: ((s.a,), None), lambda _, xs: Strict(*xs))
    out = minijax.vmap(lambda s, x: (Strict(s.a + x), x), in_axes=(0, None), out_axes=(0, None))(
        Strict(minijax.numpy.arange(3.0)), 1.0)
    np.testing.assert_array_equal(out[0].a, V + 1)


def test_block_until_ready_returns_its_argument():
    tree = {"b": minijax.numpy.ones(2), "a": None}
    assert minijax.block_until_ready(tree) is tree


# === as one vector =========================================================================


@pytest.mark.parametrize("tree", [
    [], None, 3, [1, 2.5], {"b": V, "a": [np.ones((2, 3), np.float32), None]}, [1j, 2], (True, 4),
    [[], np.zeros((0, 3), np.float32)], np.float16(3), Layer(V, V[None])])
def test_ravel_pytree_is_jax_s(tree):
    mine, unravel = minijax.flatten_util.ravel_pytree(tree)
    theirs, jax_unravel = jax.flatten_util.ravel_pytree(tree)
    assert repr(mine) == repr(theirs)
    assert same(unravel(mine), jax_unravel(theirs))
    for wrong in (np.zeros(mine.size + 1, mine.dtype), np.zeros(mine.size, np.int8)):
        try:
            expected = jax_unravel(jax.numpy.asarray(wrong))
        except (TypeError, ValueError) as e:
            with pytest.raises(type(e), match="expected dtype|Sum of sizes"):
                unravel(minijax.numpy.asarray(wrong))
        else:
            assert same(unravel(minijax.numpy.asarray(wrong)), expected)


def test_unravel_is_a_static_argument_that_is_traced_once():
    traced = []
    f = minijax.jit(lambda flat, unravel: (traced.append(1), unravel(flat + 1))[1],
                    static_argnums=1)
    for _ in range(2):
        out = f(*minijax.flatten_util.ravel_pytree(Layer(V, V[None])))
    assert len(traced) == 1 and out.b.shape == (1, 3)


# === size, depth, cost =====================================================================


def test_deep_and_wide_trees():
    tree = 0
    for _ in range(5_000):
        tree = (tree, None)
    leaves, treedef = tree_flatten(tree)
    assert leaves == [0] and treedef.num_nodes == 10_001
    assert tree_structure(treedef.unflatten([1])) == treedef
    assert tree_map(lambda x: x + 1, [(i, i) for i in range(5_000)])[-1] == (5_000, 5_000)


def test_a_tree_of_ten_thousand_levels():
    tree = 0
    for _ in range(10_000):
        tree = [tree]
    treedef = tree_structure(tree)
    assert repr(treedef) == f"PyTreeDef({10_000 * '['}*{10_000 * ']'})"
    ((path, leaf),) = ours.tree_leaves_with_path(tree)
    assert (len(path), leaf) == (10_000, 0)
    assert tree_leaves(tree_map(lambda x: x + 1, tree)) == [1]
    with pytest.raises(ValueError, match="Too many leaves"):
        treedef.unflatten([1, 2])


def test_a_mismatch_deep_down():
    trees = [[1], (1,)]
    for _ in range(1_200):
        trees = [[tree] for tree in trees]
    with pytest.raises(ValueError, match=r"at key path\n    tree_map tree(\[0\]){1200}\n"):
        tree_map(f, *trees)


def test_a_shared_part_is_a_part_twice():
    part = [1, 2]
    tree = tree_map(lambda x: x + 1, (part, part))
    assert tree == ([2, 3], [2, 3]) and tree[0] is not tree[1]


def test_a_container_that_holds_itself_is_an_error():
    loop = []
    loop.append((1, loop))
    for flatten in (tree_flatten, ours.tree_flatten_with_path):
        with pytest.raises(RecursionError, match="contain itself"):
            flatten(loop)


def test_nothing_is_kept_alive():
    class Leaf:
        pass

    gc.disable()
    try:
        leaf = Leaf()
        gone = weakref.ref(leaf)
        tree = {"a": (leaf, [leaf])}
        treedef = tree_structure(tree)
        ours.tree_leaves_with_path(tree)
        tree_map(f, tree, tree)
        broadcast_prefix(tree, tree)
        del tree, leaf
        assert gone() is None and treedef.num_leaves == 2
    finally:
        gc.enable()


def python_calls(thunk):
    calls = []
    sys.setprofile(lambda frame, event, _: event == "call" and calls.append(frame.f_code.co_name))
    try:
        thunk()
    finally:
        sys.setprofile(None)
    return len(calls) - 1  # the thunk itself


@pytest.mark.parametrize(("tree", "flatten", "unflatten"), [
    (1.0, 1, 2), ((1.0,), 2, 2), ([(1, 2)] * 3, 2, 2), (((1.0,), {}), 3, 3), ([(1, 2)] * 100, 2, 2),
], ids=lambda x: str(x)[:20])
def test_python_calls_do_not_grow_with_tuples_lists_and_leaves(tree, flatten, unflatten):
    leaves, treedef = tree_flatten(tree)
    assert python_calls(lambda: tree_flatten(tree)) <= flatten
    assert python_calls(lambda: tree_unflatten(treedef, leaves)) <= unflatten
