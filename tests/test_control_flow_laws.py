"""What loops and branches promise: memory, the work of tracing, caches, errors."""

from __future__ import annotations

import functools
import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import minijax
from minijax import lax, numpy as jnp
from minijax.linearize import linearize_flat
from tests.both import f32

V = f32(3)

# --- memory --------------------------------------------------------------------------------------


def chain(n: int) -> Callable:
    """n steps on a vector, of which each needs what the step before made."""
    return lambda x: lax.scan(lambda c, _: (jnp.sin(c) * x, None), x, None, length=n)[0]


def residual_bytes(f: Callable, x: Any) -> int:
    _, _, _, residuals = linearize_flat(lambda x: [f(x)], [x], [True], "f")
    return sum(minijax.typeof(r).size * 4 for r in residuals)


def test_reverse_mode_keeps_the_same_for_each_step():
    few, more, most = (residual_bytes(chain(n), jnp.ones(1000)) for n in (10, 20, 40))
    assert most - more == 2 * (more - few) > 0
    assert (more - few) / 10 <= 2 * 4000  # for each step the sine and the cosine, at most


def test_what_is_the_same_in_each_step_is_kept_once():
    def f(w):
        return lax.scan(lambda c, _: (jnp.tanh(w) * c, None), 1.0, None, length=50)[0].sum()

    # The derivative of tanh(w), and of each step no more than its carry.
    assert residual_bytes(lambda w: f(w[0]), jnp.ones(1)) <= 50 * 4 + 100


def peak_bytes(f: Callable) -> int:
    """The least of several calls: in the first ones caches are filled, and loops compiled."""
    peaks = []
    for _ in range(4):
        tracemalloc.start()
        try:
            f()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return min(peaks)


FORWARD = {
    "value": lambda f, x: f(x),
    "jvp": lambda f, x: minijax.jvp(f, (x,), (x,)),
    "jvp of jvp": lambda f, x: minijax.jvp(
        lambda x: minijax.jvp(f, (x,), (x,))[1], (x,), (x,)),
    "jit of vmap of jvp": lambda f, x: minijax.jit(minijax.vmap(
        lambda x: minijax.jvp(f, (x,), (x,))))(x[None]),
}


@pytest.mark.parametrize("name", FORWARD)
def test_forward_mode_needs_no_more_for_more_steps(name):
    x = jnp.ones(10_000)
    few, many = (peak_bytes(functools.partial(FORWARD[name], chain(n), x)) for n in (5, 100))
    assert abs(many - few) < 40_000  # one array


def test_a_while_loop_needs_no_more_for_more_steps():
    x = jnp.ones(10_000)

    def f(n):
        return lambda: lax.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, jnp.sin(s[1])),
                                      (0, x))

    assert abs(peak_bytes(f(100)) - peak_bytes(f(5))) < 40_000


# --- the work of tracing -------------------------------------------------------------------------


def python_calls(f: Callable) -> int:
    """How many Python functions are called."""
    count = 0

    def profile(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event == "call"

    f()
    gc.collect()
    gc.disable()
    sys.setprofile(profile)
    try:
        f()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def loops(n: int) -> dict[str, Callable]:
    def step(c, x):
        return jnp.sin(c) * x, c

    return {
        "scan": lambda x: lax.scan(step, x, jnp.ones((n, 3)))[1][0],
        "fori_loop": lambda x: lax.fori_loop(0, n, lambda i, c: c * jnp.cos(x) + i, x),
        "map": lambda x: lax.map(lambda r: jnp.sin(r * x), jnp.ones((n, 3)))[0],
        "nested": lambda x: lax.scan(lambda c, _: (lax.fori_loop(
            0, n, lambda i, c: c * x, c), None), x, None, length=n)[0],
    }


TRACED = {
    "trace": lambda f: f,
    "jvp": lambda f: lambda x: minijax.jvp(f, (x,), (x,)),
    "grad": lambda f: minijax.grad(lambda x: f(x).sum()),
    "vmap": lambda f: lambda x: minijax.vmap(f)(x[None] * jnp.ones((2, 1))),
    "hessian": lambda f: minijax.hessian(lambda x: f(x).sum()),
}


@pytest.mark.parametrize("transform", TRACED)
@pytest.mark.parametrize("name", loops(1))
def test_the_work_of_tracing_does_not_grow_with_the_steps(name, transform):
    few, many = (python_calls(functools.partial(
        minijax.make_jaxpr(TRACED[transform](loops(n)[name])), V)) for n in (7, 700))
    assert few == many


# --- caches --------------------------------------------------------------------------------------


class Counted:
    """A function that counts its calls, that is, how often it is traced."""

    def __init__(self, f: Callable):
        self.f, self.calls = f, 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        return self.f(*args)


EAGER = {
    "scan": (lambda c, x: (c + x, c * x), lambda f, x: lax.scan(f, x, jnp.ones((4, 3)))),
    "map": (lambda x: x * 2.0, lambda f, x: lax.map(f, x)),
    "fori_loop": (lambda i, c: c * i, lambda f, x: lax.fori_loop(0, 4, f, x)),
    "fori_loop up to n": (lambda i, c: c * i, lambda f, x: minijax.jit(
        lambda n: lax.fori_loop(0, n, f, x))(4)),
    "while_loop": (lambda c: c * 2.0, lambda f, x: lax.while_loop(lambda c: c.sum() < 99.0, f, x)),
    "while_loop's condition": (lambda c: c.sum() < 99.0, lambda f, x: lax.while_loop(
        f, lambda c: c * 2.0, x)),
    "cond": (lambda x: x * 2.0, lambda f, x: lax.cond(True, f, jnp.sin, x)),
    "cond, not taken": (lambda x: x * 2.0, lambda f, x: lax.cond(False, f, jnp.sin, x)),
    "switch": (lambda x: x * 2.0, lambda f, x: lax.switch(2, [jnp.sin, jnp.cos, f], x)),
}


@pytest.mark.parametrize("name", EAGER)
def test_an_eager_loop_traces_its_function_once(name):
    body, run = EAGER[name]
    counted = Counted(body)
    for k in range(3):
        run(counted, jnp.ones(3) * k + 1.0)
    assert counted.calls == 1
    run(counted, jnp.ones((3, 3)))  # another type: traced again
    assert counted.calls == 2


@pytest.mark.parametrize("name", EAGER)
def test_programs_die_with_their_function(name):
    function, array = used(name)
    gc.collect()
    assert function() is None and array() is None


def used(name: str) -> tuple[weakref.ref, weakref.ref]:
    """A function that closes over an array, used in a loop; nothing else holds either."""
    body, run = EAGER[name]
    data = jnp.ones(3) * 2.0

    def closing_over(*args):
        out = body(*args)
        zero = jnp.sum(data) * 0
        return minijax.tree.map(lambda x: x if x.dtype == bool else x + zero, out)

    run(closing_over, jnp.ones(3))
    minijax.jvp(lambda x: run(closing_over, x), (jnp.ones(3),), (jnp.ones(3),))
    minijax.vmap(lambda x: run(closing_over, x))(jnp.ones((2, 3)))
    return weakref.ref(closing_over), weakref.ref(data)


# --- without jit, in Python ----------------------------------------------------------------------


def test_disable_jit_runs_loops_in_python():
    seen = []

    def note(x):
        seen.append(float(x))
        return x

    with minijax.disable_jit():
        lax.scan(lambda c, x: (note(c) + x, None), 0.0, jnp.arange(3.0))
        assert seen == [0.0, 0.0, 1.0]
        lax.scan(lambda c, x: (c, note(x)), 0.0, jnp.arange(3.0), reverse=True)
        assert seen[3:] == [2.0, 1.0, 0.0]
        lax.while_loop(lambda c: note(c) < 2, lambda c: c + 1, 0)
        assert seen[6:] == [0.0, 1.0, 2.0]
        lax.fori_loop(5, 7, lambda i, c: note(i), 0)
        assert seen[9:] == [5.0, 6.0]
        lax.cond(True, note, lambda x: note(-x), 8.0)
        lax.switch(1, [lambda x: note(-x), note], 9.0)
        lax.map(note, jnp.arange(2.0))
        assert seen[11:] == [8.0, 9.0, 0.0, 1.0]
        assert lax.fori_loop(0, 0, lambda i, c: note(i), 3.0) == 3.0
    assert len(seen) == 15


def test_disable_jit_gives_the_same_results():
    def f(x):
        carry, ys = lax.scan(lambda c, r: (c * r, c + r), x, jnp.ones((2, 3)) * 0.5, reverse=True)
        out = lax.fori_loop(0, 3, lambda i, c: c + ys[0] * i, carry)
        return lax.cond(x[0] > 0.0, lambda: out, lambda: -out)

    want, slope = f(V), minijax.grad(lambda x: f(x).sum())(V)
    with minijax.disable_jit():
        np.testing.assert_allclose(f(V), want, rtol=1e-6)
        np.testing.assert_allclose(minijax.grad(lambda x: f(x).sum())(V), slope, rtol=1e-6)
        assert minijax.vmap(f)(jnp.ones((2, 3))).shape == (2, 3)


# --- misuse --------------------------------------------------------------------------------------

# The first sentence is JAX's; then what the message must name: paths, both types, what to do.
MISUSE: dict[str, tuple[Callable, list[str]]] = {
    "cond: predicate of rank 1": (
        lambda lax, jnp: lax.cond(jnp.ones(2), jnp.sin, jnp.cos, 1.0), ["shape (2,)"]),
    "cond: None": (lambda lax, jnp: lax.cond(None, jnp.sin, jnp.cos, 1.0), ["a boolean"]),
    "cond: a string": (lambda lax, jnp: lax.cond("yes", jnp.sin, jnp.cos, 1.0), ["yes", "str"]),
    "cond: an object": (lambda lax, jnp: lax.cond(print, jnp.sin, jnp.cos, 1.0), ["print"]),
    "cond: a tuple": (
        lambda lax, jnp: lax.cond((1.0, 2.0), jnp.sin, jnp.cos, 1.0), ["(1.0, 2.0)", "tuple"]),
    "cond: complex": (lambda lax, jnp: lax.cond(1j, jnp.sin, jnp.cos, 1.0), ["complex64"]),
    "cond: no functions": (lambda lax, jnp: lax.cond(True, 1.0, 2.0), ["true_fun"]),
    "cond: an operand": (
        lambda lax, jnp: lax.cond(True, jnp.sin, jnp.cos, "x"), ["path [0]", "close over"]),
    "cond: types": (
        lambda lax, jnp: lax.cond(True, lambda: {"a": [1.0]}, lambda: {"a": [jnp.ones(2)]}),
        ["['a'][0]", "float32[]", "float32[2]", "shapes do not match", "revise"]),
    "cond: structures": (
        lambda lax, jnp: lax.cond(True, lambda: {"a": 1.0}, lambda: {"a": (1.0, 2.0)}),
        ["['a']", "a pytree leaf", "<class 'tuple'>", "revise"]),
    "cond: lengths": (
        lambda lax, jnp: lax.cond(True, lambda: (1.0,), lambda: (1.0, 2.0)),
        ["tuple of length 1", "tuple of length 2", "revise"]),
    "switch: a float": (
        lambda lax, jnp: lax.switch(1.0, [jnp.sin, jnp.cos], 1.0), ["1.0", "float32"]),
    "switch: rank 1": (
        lambda lax, jnp: lax.switch(jnp.arange(2), [jnp.sin, jnp.cos], 1.0), ["(2,)"]),
    "switch: no branches": (lambda lax, jnp: lax.switch(0, [], 1.0), []),
    "switch: no functions": (lambda lax, jnp: lax.switch(0, [1.0, 2.0]), ["callables"]),
    "switch: types": (
        lambda lax, jnp: lax.switch(0, [lambda: 1.0, lambda: 2.0, lambda: 3]),
        ["branch 0", "branch2", "float32[]", "int32[]", "revise"]),
    "while_loop: no functions": (lambda lax, jnp: lax.while_loop(1, 2, 3), ["body_fun"]),
    "while_loop: condition's type": (
        lambda lax, jnp: lax.while_loop(lambda c: c, lambda c: c, 1), ["int32[]", "compare"]),
    "while_loop: condition's shape": (
        lambda lax, jnp: lax.while_loop(lambda c: c > 0, lambda c: c, jnp.ones(2)),
        ["bool[2]", "jnp.any"]),
    "while_loop: condition's structure": (
        lambda lax, jnp: lax.while_loop(lambda c: (True, True), lambda c: c, 1), ["(*, *)"]),
    "while_loop: carry": (
        lambda lax, jnp: lax.while_loop(lambda c: True, lambda c: (c[0], c[1][:1]),
                                        (0, jnp.ones(2))),
        ["c[1]", "float32[2]", "float32[1]", "shapes do not match", "revise"]),
    "while_loop: structure": (
        lambda lax, jnp: lax.while_loop(lambda c: True, lambda c: [c[0], c[1]], (0, 1)),
        ["<class 'tuple'>", "<class 'list'>", "revise"]),
    "while_loop: a string": (
        lambda lax, jnp: lax.while_loop(lambda c: True, lambda c: c, {"a": "x"}), ["['a']"]),
    "fori_loop: no function": (lambda lax, jnp: lax.fori_loop(0, 1, 2, 3), ["body_fun"]),
    "fori_loop: two types": (
        lambda lax, jnp: lax.fori_loop(np.int16(0), np.int32(3), lambda i, c: c, 0),
        ["int16", "int32"]),
    "fori_loop: a float": (
        lambda lax, jnp: lax.fori_loop(0, 3.0, lambda i, c: c, 0), ["int32", "float32"]),
    "fori_loop: carry": (
        lambda lax, jnp: lax.fori_loop(0, 3, lambda i, c: c.astype(int), 0.5 * jnp.ones(())),
        ["float32[]", "int32[]", "dtypes do not match", "revise"]),
    "scan: no function": (lambda lax, jnp: lax.scan(1, 2, 3), ["callable"]),
    "scan: no pair": (lambda lax, jnp: lax.scan(lambda c, x: c, 0.0, V), ["float32[]"]),
    "scan: carry": (
        lambda lax, jnp: lax.scan(lambda c, x: ({"w": c["w"] + x, "n": 0.5}, x),
                                  {"w": jnp.ones(()), "n": jnp.arange(2)}, V),
        ["c['n']", "int32[2]", "float32[]", "and the shapes do not match", "revise"]),
    "scan: two carries": (
        lambda lax, jnp: lax.scan(lambda c, x: ((c[0][:1], c[1][:1]), x),
                                  (jnp.ones(2), jnp.ones(3)), V),
        ["  * the input carry component c[0]", "  * the input carry component c[1]"]),
    "scan: keys": (
        lambda lax, jnp: lax.scan(lambda c, x: ({"b": c["a"]}, x), {"a": 1.0}, V),
        ["pytree metadata ('a',)", "pytree metadata ('b',)", "revise"]),
    "scan: more keys": (
        lambda lax, jnp: lax.scan(lambda c, x: ({"a": 1.0, "b": 2.0}, x), {"a": 1.0}, V),
        ["1 child", "2 children", "{'b'}"]),
    "scan: lengths": (
        lambda lax, jnp: lax.scan(lambda c, x: (c, x), 0, (V, jnp.ones(2))), ["3, 2"]),
    "scan: length": (
        lambda lax, jnp: lax.scan(lambda c, x: (c, x), 0, V, length=2), ["2", "[3]"]),
    "scan: no length": (lambda lax, jnp: lax.scan(lambda c, x: (c, x), 0, None), ["length"]),
    "scan: no axis": (lambda lax, jnp: lax.scan(lambda c, x: (c, x), 0, [1.0, 2.0]), ["1.0, 2.0"]),
    "scan: unroll": (lambda lax, jnp: lax.scan(lambda c, x: (c, x), 0, V, unroll=-1), ["`int`"]),
    "scan: a string": (lambda lax, jnp: lax.scan(lambda c, x: (c, x), ["s"], V), ["path [0]"]),
    "scan: returns a string": (
        lambda lax, jnp: lax.scan(lambda c, x: (c, "s"), 0, V), ["component [1]"]),
    "map: lengths": (lambda lax, jnp: lax.map(jnp.add, (V, jnp.ones(2))), ["3, 2"]),
    "map: no arrays": (lambda lax, jnp: lax.map(lambda x: x, ()), []),
    "associative_scan: no function": (lambda lax, jnp: lax.associative_scan(1, V), ["callable"]),
    "associative_scan: lengths": (
        lambda lax, jnp: lax.associative_scan(lambda a, b: a, (V, jnp.ones(2))),
        ["(3,)", "(2,)", "axis 0"]),
    "associative_scan: axis": (
        lambda lax, jnp: lax.associative_scan(jnp.add, V, axis=1), ["axis 1"]),
}
TRACED_MISUSE: dict[str, tuple[Callable, list[str]]] = {
    "fori_loop: unroll": (
        lambda lib: lib.jit(lambda n: lib.lax.fori_loop(0, n, lambda i, c: c, 0, unroll=2))(3),
        ["statically known"]),
    "scan: length": (
        lambda lib: lib.jit(lambda n: lib.lax.scan(lambda c, x: (c, x), 0, None, n))(3),
        ["argument n", "while_loop"]),
    "scan: unroll": (
        lambda lib: lib.jit(lambda n: lib.lax.scan(lambda c, x: (c, x), 0, V, unroll=n))(3),
        ["argument n", "`bool`"]),
    "fori_loop: carry": (
        lambda lib: lib.jit(lambda n: lib.lax.fori_loop(0, n, lambda i, c: c > 0, 1.0))(3),
        ["loop_carry[2]", "float32[]", "bool[]"]),
    "while_loop: gradient": (
        lambda lib: lib.grad(lambda x: lib.lax.while_loop(
            lambda c: c < 9.0, lambda c: c * 2.0, x))(1.0), ["lax.scan"]),
    "fori_loop: gradient": (
        lambda lib: lib.jit(lib.grad(lambda x, n: lib.lax.fori_loop(
            0, n, lambda i, c: c * 2.0, x)))(1.0, 3), ["lax.scan"]),
}


def raised(f: Callable, *args: Any) -> Exception:
    try:
        f(*args)
    except (TypeError, ValueError) as error:
        return error
    raise AssertionError("no error")


def check_message(ours: Exception, theirs: Exception, words: list[str]) -> None:
    """JAX's class, JAX's first line, and the words."""
    assert type(ours).__name__ == type(theirs).__name__
    text, first = str(ours), str(theirs).split("\n")[0]
    assert text.startswith(first.split(". ")[0].rstrip("."))
    assert not [w for w in words if w not in text and w.capitalize() not in text]
    assert lax.scan(lambda c, x: (c + x, x), 0.0, V)[0] > 0  # the next call works


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_raises_jax_s_error_and_says_what_to_do(name):
    f, words = MISUSE[name]
    check_message(*[raised(f, lib.lax, lib.numpy) for lib in (minijax, jax)], words)


@pytest.mark.parametrize("name", TRACED_MISUSE)
def test_misuse_of_traced_values(name):
    f, words = TRACED_MISUSE[name]
    check_message(*[raised(f, lib) for lib in (minijax, jax)], words)


OURS = {  # where JAX stumbles over something else, or goes on with a wrong result
    "associative_scan: another shape": (
        lambda: lax.associative_scan(lambda a, b: a[:1], f32(6)), TypeError,
        r"input has type float32\[3\] .*output has type float32\[1\]"),
    "associative_scan: another dtype": (
        lambda: lax.associative_scan(lambda a, b: {"w": a["w"].astype(int)}, {"w": V}), TypeError,
        r"input\['w'\] has type .*output\['w'\] has type int32"),
    "associative_scan: another structure": (
        lambda: lax.associative_scan(lambda a, b: (a, b), V), TypeError, "pytree leaf"),
    "associative_scan: nothing": (
        lambda: lax.associative_scan(jnp.add, ()), ValueError, "no arrays"),
    "associative_scan: a number": (
        lambda: lax.associative_scan(jnp.add, 1.0), ValueError, "axis 0 is out of bounds"),
    "fori_loop: bounds of rank 1": (
        lambda: lax.fori_loop(jnp.arange(2), 3, lambda i, c: c, 0), TypeError, "must be a scalar"),
    "fori_loop: a complex bound": (
        lambda: lax.fori_loop(1j, 2j, lambda i, c: c, 0), TypeError, "must be integers"),
    "map: a batch of -1": (
        lambda: lax.map(jnp.sin, V, batch_size=-1), TypeError, "must be positive"),
    "map: no function": (lambda: lax.map(1, V), TypeError, "callable"),
    "platform_dependent: no function": (
        lambda: lax.platform_dependent(1.0, tpu=jnp.sin), NotImplementedError,
        "translation rule not found for platform cpu"),
}


@pytest.mark.parametrize("name", OURS)
def test_misuse_that_jax_does_not_name(name):
    f, error, text = OURS[name]
    with pytest.raises(error, match=f"(?s){text}"):
        f()


class WithoutParameters:
    __signature__ = "unknown"

    def __call__(self, carry):
        return carry[0] > 0, 1


def test_a_body_whose_parameters_are_unknown():
    with pytest.raises(TypeError, match=r"The input carry at path \[0\] has type"):
        lax.while_loop(lambda c: True, WithoutParameters(), (1, 1))
