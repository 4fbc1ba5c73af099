"""The pictures: of right functions, of every kind of value, and of functions not yet right."""

import typing

import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp
from minijax.core import EvalTrace, Trace, current_trace, interpreting
from minijax.course import show
from minijax.tree_util import Partial

PICTURES = [show.stack, show.values, show.linearize, show.transpose]


@pytest.mark.parametrize(("value", "text"), [
    (2.0, "2.0"), (2, "2"), (True, "True"), (1 / 3, "0.33333334"), (1 + 2j, "(1+2j)"),
    (jnp.float32(2.0), "2.0"), (jnp.bfloat16(2.5), "2.5"), (np.float32(0.1), "0.1"),
    (jnp.array([1.0, 0.25]), "[1., 0.25]"), (jnp.array([1, 2], jnp.bfloat16), "[1, 2]"),
    (jnp.array([1 + 2j]), "[1.+2.j]"), (jnp.zeros((0, 2)), "[]"),
    (jnp.array([-1.0, 10.5]), "[-1., 10.5]"), (jnp.arange(8.0).reshape(2, 4) / 3, "f32[2,4]"),
    (jnp.ones(33, bool), "bool[33]"), (jax.random.key(0), "key<fry>[]"),
    (jax.random.split(jax.random.key(0), 3), "key<fry>[3]"),
    (np.zeros((), jax.dtypes.float0), "float0[]"), (np.zeros(3, jax.dtypes.float0), "float0[3]"),
])
def test_a_value_is_shown_by_its_elements_or_its_type(value, text):
    assert show.brief(value) == text


def test_a_jitted_function_that_ran_before_is_shown_too():
    double = jax.jit(lambda x: x + x)
    for _ in range(3):
        double(jnp.arange(3.0))
    assert show.stack(double, jnp.arange(3.0)) == "eval  jit  [0., 1., 2.]"


def test_who_does_what_under_grad():
    assert str(show.stack(jax.grad(jnp.sin), 2.0)).splitlines() == [
        "grad       sin  2.0 moving f32[]",
        "  eval     sin  2.0",
        "  eval     cos  2.0",
        "  tangent  mul  f32[], -0.41614684",
        "eval       mul  1.0, -0.41614684",
    ]


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(("f", "said"), [
    (lambda x: jnp.sin(x) + undefined, "NameError: name 'undefined' is not defined"),  # noqa: F821
    (lambda x: x @ jnp.ones((4, 4)), "got (3,) and (4,)"),
    (lambda x: jnp.sin(x).lenght, "lenght"),
    (lambda x, y: x + y, "missing 1 required positional argument: 'y'"),
    (lambda x: int("three"), "invalid literal for int()"),
])
def test_a_function_that_is_not_right_yet_is_shown_as_far_as_it_gets(picture, f, said):
    saved = EvalTrace.process_primitive
    *_, stopped, message = str(picture(f, jnp.ones(3))).splitlines()
    if "missing" in said:
        assert stopped == "stopped"
    else:
        assert stopped.startswith("stopped in line ") and "of <lambda>: (lambda x:" in stopped
    assert said in message
    assert EvalTrace.process_primitive is saved and type(current_trace()) is EvalTrace
    assert jax.grad(jnp.sin)(0.0) == 1.0


def test_what_was_done_before_it_stopped_is_shown():
    def wrong(x):
        y = jnp.cos(x)
        return y.reshape(2)

    stack, halves = (str(p(wrong, 1.0)).splitlines() for p in (show.stack, show.linearize))
    assert stack[0] == "eval  cos  1.0"
    assert [line.split()[:2] for line in halves[:-2]] == [
        ["known", "now"], ["cos", "1.0"], ["sin", "1.0"], ["neg", "0.84147096"],
        ["linear,", "for"], ["a:f32[]", "is"], ["b:f32[]", "="]]
    for lines in (stack, halves):
        assert lines[-2].endswith(": return y.reshape(2)") and "cannot reshape" in lines[-1]


def test_the_rule_that_is_wrong_may_be_in_the_readers_own_interpreter():
    class Mine(Trace):
        def process_primitive(self, prim, args, params):
            raise ValueError(f"I have no rule for {prim}")

    def under_mine(x):
        with interpreting(Mine("mine", current_trace())):
            return jnp.sin(x)

    assert str(show.stack(under_mine, 1.0)).splitlines()[0] == "mine  sin  1.0"
    assert "of process_primitive: raise ValueError" in str(show.stack(under_mine, 1.0))


@pytest.mark.parametrize("picture", PICTURES)
def test_a_value_in_the_place_of_the_function_is_refused(picture):
    with pytest.raises(TypeError, match=r"show.stack\(f, 2.0\), not show.stack\(f\(2.0\)\)"):
        picture(jnp.sin(2.0))


def test_a_function_in_which_nothing_moves_is_said_to_be_so():
    for picture in (show.linearize, show.transpose):
        assert "nothing can move: no argument is a float" in picture(lambda n: n * n, 3)
    constant = lambda x: 1.0  # noqa: E731
    assert "returns nothing" in show.linearize(constant, 3.0)
    assert "nothing to do: no result moves" in show.transpose(constant, 3.0)
    assert show.stack(constant, 3.0) == "no operation: no interpreter was asked for anything"
    assert str(show.values(constant, 3.0)).splitlines()[-1] == "returns 1.0"


@pytest.mark.parametrize("f", [
    lambda x: jnp.sum(jnp.tanh(x) * x), lambda x: jnp.sum(x[1:] * x[:-1]),
    lambda x: jnp.sum(jax.jit(jnp.sin)(x) * 2), lambda x: (x / jnp.sum(x))[0]])
def test_the_walk_backwards_ends_at_the_gradient(f):
    x = jnp.array([1.0, 2.0, 4.0])
    last = str(show.transpose(f, x)).splitlines()[-1]
    assert last.endswith(f"= {show.brief(jax.grad(f)(x))}")


def test_a_tree_has_a_line_for_each_node_of_its_structure():
    class Point(typing.NamedTuple):
        x: object
        y: object

    tree = {"b": [1.0, None, ()], "a": Point(np.zeros((64, 32)), "text"), "k": Partial(abs, 2)}
    assert str(show.tree(tree)).splitlines() == [
        "0   dict",
        "1   ├ a: Point",
        "2   │ ├ x: f32[64,32]",
        "3   │ └ y: 'text'",
        "4   ├ b: list",
        "5   │ ├ 0: 1.0",
        "6   │ ├ 1: None",
        "7   │ └ 2: tuple",
        "8   └ k: Partial <built-in function abs>",
        "9     ├ 0: tuple",
        "10    │ └ 0: 2",
        "11    └ 1: dict",
    ]
    assert jax.tree.structure(tree).num_nodes == 12
    shallow = show.tree(tree, is_leaf=lambda x: isinstance(x, list | Partial))
    assert str(shallow).splitlines()[4:] == [
        "4  ├ b: [1.0, None, ()]",
        "5  └ k: Partial(<built-in function abs>,",
    ]
    assert str(show.tree(None)) == "0  None"
