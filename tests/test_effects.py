"""What programs do besides computing: once per execution, in order, and as JAX does it."""

from __future__ import annotations

import functools
import importlib
import io
import itertools
import re
import types
from typing import Any

import jax
import numpy as np
import pytest

import minijax
from tests.test_jaxpr_text import normal
from tests.tiers import thinned

LIBRARIES = (minijax, jax)
SCALAR = np.float32(0.5)


def io_callback(lib: Any, *args: Any, **params: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.experimental").io_callback(*args, **params)


def struct(lib: Any, *shape: int) -> Any:
    return lib.ShapeDtypeStruct(shape, np.float32)


# --- programs: the same function in both libraries; `say(lib, x)` shows x -------------------------


def plain(lib, say, x):
    y = lib.numpy.sin(x)
    say(lib, y)
    return y * x


def unused(lib, say, x):
    say(lib, x * 2.0)
    return x ** 2


def jitted(lib, say, x):
    @lib.jit
    def inner(y):
        say(lib, y)
        return lib.numpy.sin(y)

    return inner(x) * inner(x + 1.0)


def scanned(lib, say, x):
    def step(carry, row):
        say(lib, carry)
        carry = carry * x + row
        say(lib, row * carry)
        return carry, carry

    carry, ys = lib.lax.scan(step, x, np.arange(1.0, 3.0, dtype=np.float32))
    return carry + ys.sum()


def branching(lib, say, x):
    def yes(y):
        say(lib, y)
        return y * x

    def no(y):
        say(lib, -y)
        return lib.numpy.cos(y)

    return lib.lax.cond(x > 0.7, yes, no, x)


def counted(lib, say, x):
    def body(i, c):
        say(lib, c)
        return lib.lax.cond(c > 1.0, lambda c: [c * x, say(lib, c)][0], lambda c: c + x, c)

    return lib.lax.fori_loop(0, 3, body, x)


def custom(lib, say, x):
    @lib.custom_jvp
    def f(x):
        say(lib, x)
        return lib.numpy.sin(x)

    @f.defjvp
    def rule(primals, tangents):
        return f(primals[0]), tangents[0] * lib.numpy.cos(primals[0])

    return f(x) * x


def custom_backward(lib, say, x):
    @lib.custom_vjp
    def f(x):
        say(lib, x)
        return x * 2.0

    def bwd(res, ct):
        say(lib, res)
        return (ct * lib.numpy.cos(res),)

    f.defvjp(lambda x: (f(x), x), bwd)
    return f(x) * x


def searching(lib, say, x):
    def body(state):
        i, y = state
        say(lib, y)
        return i + 1, lib.jit(lambda y: [y * x, say(lib, y + 1.0)][0])(y)

    return lib.lax.while_loop(lambda s: s[0] < 2, body, (0, x))[1]


PROGRAMS = {f.__name__: f for f in (plain, unused, jitted, scanned, branching, counted, custom,
                                    custom_backward, searching)}

# --- transformations of functions of a scalar ----------------------------------------------------


def forward(lib, f):
    return lambda x: lib.jvp(f, (x,), (lib.numpy.ones_like(x),))[1]


def linearized(lib, f):
    return lambda x: lib.linearize(f, x)[1](lib.numpy.ones_like(x))


def batched(lib, f):
    return lambda x: lib.vmap(f)(lib.numpy.stack([x, x + 0.5])).sum()


STEPS = {"jit": lambda lib, f: lib.jit(f), "vmap": batched, "jvp": forward, "grad":
         lambda lib, f: lib.grad(f), "linearize": linearized}
TOWERS = [(), *((s,) for s in STEPS), *itertools.product(STEPS, repeat=2)]


def tower_of(lib, program, say, tower):
    f = functools.partial(program, lib, say)
    for step in tower:
        f = STEPS[step](lib, f)
    return f


def outcome(lib, program, say, tower) -> Any:
    try:
        value = float(tower_of(lib, program, say, tower)(SCALAR))
        lib.effects_barrier()
        return value
    except (ValueError, TypeError) as error:
        return type(error)


def alike(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, type):
        return ours is theirs
    return ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)


def printed(lib, x):
    lib.debug.print("{x}", x=x, ordered=True)


def called(lib, x):
    lib.debug.callback(lambda x, end: print(x, end=end), x, end="\n", ordered=True)


def told(lib, x):
    """The program is told nothing, so that JAX has no derivative to miss."""
    io_callback(lib, lambda x: print(float(x)), None, lib.lax.stop_gradient(x))


def numbers(text: str) -> list[float]:
    return list(map(float, text.split()))


def compare(name, tower, capsys, ours, theirs, order=list) -> None:
    """The same result, or the same kind of error, and the same lines."""
    their_tower = tower
    if name == "searching":  # JAX has the linear map of a loop print again what the loop printed
        their_tower = tuple("jvp" if s == "linearize" else s for s in tower)
    got = outcome(minijax, PROGRAMS[name], ours, tower), numbers(capsys.readouterr().out)
    want = outcome(jax, PROGRAMS[name], theirs, their_tower), numbers(capsys.readouterr().out)
    assert alike(got[0], want[0])
    assert order(got[1]) == pytest.approx(order(want[1]), rel=1e-5)


FORWARD = {"jvp", "linearize"}  # of which a custom_vjp function has none


def all_of(names: Any) -> Any:
    """Each program under each tower; those of two steps, but for one, are in the slow tier."""
    cases = [(name, t) for name in names for t in TOWERS
             if not (name == "custom_backward" and FORWARD & set(t))]
    return pytest.mark.parametrize("case", thinned(
        cases, lambda c: (c[0], c[1] if len(c[1]) < 2 else 2), lambda c: "-".join((c[0], *c[1]))))


@all_of(PROGRAMS)
def test_prints_are_those_of_jax(case, capsys):
    compare(*case, capsys, printed, printed)


@all_of(["plain", "scanned", "branching"])
def test_callbacks_are_those_of_jax(case, capsys):
    compare(*case, capsys, called, called)


@all_of(["unused", "jitted", "scanned"])
def test_io_is_done_where_jax_calls_back(case, capsys):
    """Not compared with JAX's io_callback, which vanishes from a scan that is linearized."""
    compare(*case, capsys, told, called, order=sorted)


def rule_that_prints(lib, x):
    @lib.custom_jvp
    def f(x):
        return lib.numpy.sin(x)

    @f.defjvp
    def rule(primals, tangents):
        (x,), (t,) = primals, tangents
        lib.debug.print("primal {}", x, ordered=True)
        lib.debug.print("tangent {}", t, ordered=True)
        return f(x), t * lib.numpy.cos(x)

    return f(x)


DERIVATIVES = {
    "jvp": lambda lib, f: lib.jvp(f, (1.0,), (2.0,)),
    "grad": lambda lib, f: lib.grad(f)(1.0),
    "jit of grad": lambda lib, f: lib.jit(lib.grad(f))(1.0),
    "grad of jit": lambda lib, f: lib.grad(lib.jit(f))(1.0),
    "linearize, twice": lambda lib, f: list(map(lib.linearize(f, 1.0)[1], (2.0, 3.0))),
    "jvp of scan": lambda lib, f: lib.jvp(lambda x: lib.lax.scan(
        lambda c, _: (f(c), None), x, None, length=2)[0], (1.0,), (2.0,)),
    "grad of scan": lambda lib, f: lib.grad(lambda x: lib.lax.scan(
        lambda c, _: (f(c), None), x, None, length=2)[0])(1.0),
    "vmap of jvp": lambda lib, f: lib.vmap(lambda x: lib.jvp(f, (x,), (2.0,)))(
        lib.numpy.arange(2.0)),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_tangents_are_printed_when_they_are_pushed(name, capsys):
    out = []
    for lib in LIBRARIES:
        DERIVATIVES[name](lib, functools.partial(rule_that_prints, lib))
        lib.effects_barrier()
        out.append(capsys.readouterr().out)
    assert out[0] == out[1] and "primal" in out[0]


# --- once per execution, in order, never dropped -------------------------------------------------


def test_each_call_prints_once(capsys):
    f = minijax.jit(lambda x: [x * 2.0, minijax.debug.print("f {}", x)][0])
    for i in range(3):
        f(float(i))
    minijax.grad(f)(3.0)
    assert capsys.readouterr().out.split("\n") == ["f 0.0", "f 1.0", "f 2.0", "f 3.0", ""]


def everything(x):
    """Every kind of effect, none of whose results is needed."""
    minijax.debug.print("print {}", x)
    minijax.debug.callback(lambda x: print("callback", x), x)
    io_callback(minijax, lambda x: print("io", x), None, minijax.lax.stop_gradient(x))
    minijax.debug.print("last")


LAST = ["print 1.0", "callback 1.0", "io 1.0", "last"]
USES = {
    "eager": lambda: everything(1.0),
    "jit": lambda: minijax.jit(everything)(1.0),
    "jit of jit": lambda: minijax.jit(lambda x: [x, minijax.jit(everything)(x)][0])(1.0),
    "vmap": lambda: minijax.vmap(everything)(np.ones(1, np.float32)),
    "grad": lambda: minijax.grad(lambda x: [x, everything(x)][0])(1.0),
    "grad of jit": lambda: minijax.grad(lambda x: [x, minijax.jit(everything)(x)][0])(1.0),
    "jit of jvp": lambda: minijax.jit(lambda x: minijax.jvp(
        lambda y: [y, everything(y)][0], (x,), (x,)))(1.0),
    "linear map": lambda: minijax.linearize(lambda x: [x, everything(x)][0], 1.0)[1](2.0),
    "scan": lambda: minijax.lax.scan(lambda c, _: (c, everything(c)), 1.0, None, length=1),
    "unused scan": lambda: minijax.jit(lambda x: [x, minijax.lax.scan(
        lambda c, _: (c, [c * 2, everything(c)][0]), x, None, length=1)][0])(1.0),
    "grad of scan": lambda: minijax.grad(lambda x: minijax.lax.scan(
        lambda c, _: (c * x, everything(c)), 1.0, None, length=1)[0])(3.0),
    "unused cond": lambda: minijax.jit(lambda x: [x, minijax.lax.cond(
        x > 0, lambda x: [x, everything(x)][0], lambda x: x, x)][0])(1.0),
    "grad of cond": lambda: minijax.grad(lambda x: minijax.lax.cond(
        x > 0, lambda x: [x, everything(x)][0], lambda x: x, x))(1.0),
    "unused while": lambda: minijax.jit(lambda x: [x, minijax.lax.while_loop(
        lambda c: c < 2, lambda c: [c + 1, everything(c)][0], x)][0])(1.0),
    "jvp of while": lambda: minijax.jvp(lambda x: minijax.lax.while_loop(
        lambda c: c < 2, lambda c: [c + 1, everything(c)][0], x), (1.0,), (1.0,)),
}


@pytest.mark.parametrize("name", USES)
def test_effects_happen_once_and_in_order(name, capsys):
    USES[name]()
    assert capsys.readouterr().out.splitlines() == LAST


def test_a_program_says_what_it_does():
    jaxpr = minijax.make_jaxpr(lambda x: minijax.jit(everything)(x))(1.0)
    assert sorted(map(str, jaxpr.effects)) == ["Debug", "IO"]
    assert not minijax.make_jaxpr(lambda x: x * 2)(1.0).effects
    kinds = minijax.debug.DebugEffect, minijax.debug.OrderedDebugEffect
    for ordered, kind in zip((False, True), kinds):
        jaxpr = minijax.make_jaxpr(lambda: minijax.debug.print("", ordered=ordered))()  # noqa: B023
        assert [type(e) for e in jaxpr.effects] == [kind]


def test_what_is_the_same_in_each_step_is_printed_in_each_step(capsys):
    """JAX takes it out of the loop when it differentiates, and prints it once."""
    def f(x):
        def step(c, _):
            minijax.debug.print("same {}", x)
            minijax.debug.print("none")
            minijax.debug.print("c {}", c)
            return c * x, None
        return minijax.lax.scan(step, 1.0, None, length=2)[0]

    for run in (f, minijax.grad(f), minijax.grad(minijax.jit(f)), minijax.jit(minijax.grad(f))):
        run(2.0)
        assert capsys.readouterr().out.splitlines() == ["same 2.0", "none", "c 1.0",
                                                        "same 2.0", "none", "c 2.0"]


def test_the_linear_map_of_a_loop_prints_nothing_again(capsys):
    y, f_jvp = minijax.linearize(functools.partial(searching, minijax, printed), 0.5)
    assert float(y) == 0.125 and len(capsys.readouterr().out.splitlines()) == 4
    assert float(f_jvp(1.0)) == pytest.approx(0.75)
    assert capsys.readouterr().out == ""


def test_a_loop_that_is_told_something_is_not_run_twice():
    draws = iter(range(100))

    def f(x):
        def body(state):
            i, y = state
            return i + 1, y * io_callback(minijax, lambda: np.float32(next(draws)), struct(minijax))
        return minijax.lax.while_loop(lambda s: s[0] < 3, body, (0, x))[1]

    primal, tangent = minijax.jvp(f, (1.0,), (2.0,))
    assert next(draws) == 3 and float(tangent) == 2 * float(primal)
    with pytest.raises(NotImplementedError, match="IO effect not supported in linearize"):
        minijax.linearize(f, 1.0)


def test_a_batch_chooses_no_branch_with_io():
    def f(x):
        return minijax.lax.cond(x > 0, lambda: io_callback(minijax, print, None), lambda: None)

    with pytest.raises(NotImplementedError, match="IO effect not supported in vmap-of-cond"):
        minijax.vmap(f)(np.arange(2.0))
    with pytest.raises(NotImplementedError, match="vmap-of-while"):
        minijax.vmap(lambda n: minijax.lax.while_loop(
            lambda i: i < n, lambda i: [i + 1, io_callback(minijax, print, None)][0], 0))(
                np.arange(2))

# --- results from Python -------------------------------------------------------------------------


def python_sin(lib, x, method="sequential"):
    """sin by NumPy, with its derivative by NumPy's cos."""
    @lib.custom_jvp
    def f(x):
        return lib.pure_callback(np.sin, lib.ShapeDtypeStruct(x.shape, x.dtype), x,
                                 vmap_method=method)

    @f.defjvp
    def rule(primals, tangents):
        (x,), (t,) = primals, tangents
        return f(x), t * lib.pure_callback(np.cos, x, x, vmap_method=method)

    return f(x)


@pytest.mark.parametrize("tower", TOWERS, ids="-".join)
def test_a_function_of_numpy_is_transformed_by_its_own_rule(tower):
    def program(lib, say, x):
        return python_sin(lib, x) * x if lib is minijax else lib.numpy.sin(x) * x

    if len([s for s in tower if s in ("jvp", "grad", "linearize")]) == 2:
        assert outcome(minijax, program, None, tower) is ValueError  # the rule has no rule
        assert outcome(jax, lambda lib, say, x: python_sin(lib, x), None, tower) is ValueError
    else:
        assert alike(outcome(minijax, program, None, tower), outcome(jax, program, None, tower))


METHODS = ["sequential", "sequential_unrolled", "expand_dims", "broadcast_all",
           "legacy_vectorized", None]


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_vmap_methods_call_with_the_shapes_of_jax(method, jit):
    seen = {lib: [] for lib in LIBRARIES}

    def call(lib, x, y, z):
        def add(x, y, z):
            seen[lib].append([np.shape(v) for v in (x, y, z["z"])])
            return np.asarray(x + y + z["z"])

        return lib.pure_callback(add, struct(lib), x, y, z={"z": z}, vmap_method=method)

    def run(lib):
        def f(x, y, z):
            inner = lib.vmap(functools.partial(call, lib), in_axes=(0, None, None))
            return lib.vmap(inner, in_axes=(1, None, 0))(x, y, z)

        f = lib.jit(f) if jit else f
        return np.asarray(f(np.arange(6, dtype=np.float32).reshape(3, 2), np.float32(10),
                            np.arange(2, dtype=np.float32)))

    if method is None:
        for lib in LIBRARIES:
            with pytest.raises(NotImplementedError, match="vmap is only supported for the pure_"):
                run(lib)
        return
    try:
        want = run(jax)
    except jax.errors.JaxRuntimeError:  # NumPy could not broadcast what this method gives it
        with pytest.raises(minijax.errors.JaxRuntimeError):
            run(minijax)
        return
    np.testing.assert_array_equal(run(minijax), want)
    assert seen[minijax] == seen[jax]


def test_results_are_pytrees():
    def f(lib, x):
        shapes = {"a": struct(lib, 3), "b": (struct(lib), lib.ShapeDtypeStruct((), np.int32))}
        return lib.pure_callback(lambda x, *, n: {"a": np.full(3, x, np.float32), "b": (1.0, n)},
                                 shapes, x, n=7)

    for run in (lambda lib: f(lib, 2.0), lambda lib: lib.jit(functools.partial(f, lib))(2.0)):
        got, want = run(minijax), run(jax)
        assert str(minijax.tree.structure(got)) == str(jax.tree.structure(want))
        assert [str(x) for x in minijax.tree.leaves(got)] == [str(x) for x in jax.tree.leaves(want)]
    assert io_callback(minijax, lambda: None, None) is None


def test_a_pure_callback_may_be_left_out():
    calls = []
    f = minijax.jit(lambda x: [x, minijax.pure_callback(calls.append, None, x)][0])
    assert f(2.0) == 2.0 and calls == []


def test_callbacks_own_what_they_get_and_give():
    kept, given = [], np.zeros(3, np.float32)

    @minijax.jit
    def f(x):
        x = x + 1.0
        minijax.debug.callback(kept.append, x)
        x = x + minijax.pure_callback(lambda: given, struct(minijax, 3))
        minijax.debug.callback(kept.append, x)
        return x

    out = f(np.zeros(3, np.float32))
    given[:] = 5.0  # ours is a copy, and theirs stays writable
    assert [x.tolist() for x in kept] == [[1.0] * 3] * 2 and out.tolist() == [1.0] * 3
    assert all(isinstance(x, minijax.Array) for x in kept)


def test_callbacks_may_use_every_operation():
    found = []

    def look(x):
        found.append(float(minijax.jit(minijax.grad(minijax.numpy.sin))(x)))
        minijax.debug.print("inside")

    for run in (minijax.jit, minijax.grad, lambda f: minijax.jit(minijax.grad(f)),
                lambda f: lambda x: minijax.vmap(f)(minijax.numpy.stack([x]))):
        run(lambda x: [x, minijax.debug.callback(look, x)][0])(0.0)
    assert found == [1.0] * 4


# --- what goes wrong -----------------------------------------------------------------------------


def broken(*args):
    raise KeyError("oops")


CALLS = {
    "callback": lambda lib, x: lib.debug.callback(broken, x),
    "pure": lambda lib, x: lib.pure_callback(broken, struct(lib), x),
    "io": lambda lib, x: io_callback(lib, broken, struct(lib), x),
    "format": lambda lib, x: lib.debug.print("{x:d}", x=x),
    "shape": lambda lib, x: lib.pure_callback(lambda x: np.ones(3, np.float32), struct(lib), x),
    "dtype": lambda lib, x: lib.pure_callback(lambda x: 1, struct(lib), x),
    "number": lambda lib, x: lib.pure_callback(lambda x: (x, x), struct(lib), x),
    "no array": lambda lib, x: lib.pure_callback(lambda x: "a", struct(lib), x),
    "result of io": lambda lib, x: io_callback(lib, lambda x: x, None, x),
    "64 bits": lambda lib, x: lib.pure_callback(np.sin, lib.ShapeDtypeStruct((), "float64"), x),
    "method": lambda lib, x: lib.pure_callback(np.sin, struct(lib), x, vmap_method="loop"),
    "argument": lambda lib, x: lib.pure_callback(np.sin, struct(lib), "x"),
    "no function": lambda lib, x: lib.debug.callback(3, x),
    "no place": lambda lib, x: lib.debug.print("hello", x),
    "f-string": lambda lib, x: lib.debug.print(f"x = {3}", x=x),
    "no value": lambda lib, x: lib.debug.print("{} {}", x),
    "no name": lambda lib, x: lib.debug.print("{y}", x=x),
    "two forms": lambda lib, x: lib.debug.print(ordered=True, x=x),
    "derivative": lambda lib, x: lib.grad(lambda x: lib.pure_callback(np.sin, x, x))(x),
    "derivative of io": lambda lib, x: lib.grad(lambda x: io_callback(lib, np.sin, x, x))(x),
    "ordered batch": lambda lib, x: lib.vmap(
        lambda x: io_callback(lib, np.sin, x, x, ordered=True))(lib.numpy.stack([x])),
}
SENTENCES = {
    "callback": "callback: KeyError: 'oops'\nin the callback broken that jax.debug.callback was",
    "pure": "KeyError.*in the callback broken that pure_callback was given at .*test_effects.py",
    "format": r"jax.debug.print\('{x:d}'\)",
    "shape": r"Expected: \(\), Actual: \(3,\)",
    "dtype": "Expected: float32, Actual: int32",
    "number": "Expected: 1, Actual: 2",
    "64 bits": "cannot specify 64-bit types when `jax_enable_x64` is disabled",
    "method": "vmap_method must be one of",
    "no place": r"Unused positional arguments to `jax.debug.print`: \[.*needs a place",
    "f-string": "You may be passing an f-string",
    "derivative": "Pure callbacks do not support JVP.*custom_jvp",
    "ordered batch": "Cannot `vmap` ordered IO callback.*jax.lax.map",
}


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_errors_are_of_jax_s_class(name, jit):
    found = []
    for lib in LIBRARIES:
        f = functools.partial(CALLS[name], lib)
        with pytest.raises(Exception) as caught:
            (lib.jit(f) if jit else f)(1.0)
            lib.effects_barrier()
        found.append(caught.value)
        assert float(lib.jit(lambda x: x + 1.0)(1.0)) == 2.0  # and the next call works
    classes = [type(e).__name__ for e in found]
    assert classes[0] == classes[1]
    assert re.search(SENTENCES.get(name, "") if jit else "", str(found[0]), re.DOTALL)
    if jit and classes[0] == "JaxRuntimeError":
        assert found[0].__cause__ is not None


def test_an_error_of_a_callback_by_itself_says_where_it_comes_from():
    with pytest.raises(KeyError, match="oops") as caught:
        minijax.debug.callback(broken, 1.0)
    (note,) = caught.value.__notes__
    assert note.startswith("in the callback broken that jax.debug.callback was given at /")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_ends_python_is_no_error_of_the_program(stop):
    def halt():
        raise stop

    with pytest.raises(stop):
        minijax.jit(lambda: minijax.debug.callback(halt))()
    assert minijax.jit(lambda x: x)(1.0) == 1.0


@pytest.mark.parametrize("transform", ["jit", "grad", "vmap", "scan"])
@pytest.mark.parametrize("leak", [
    lambda x: minijax.debug.callback(lambda: x + 1.0),
    lambda x: minijax.pure_callback(lambda: x, struct(minijax)) * 2.0,
    lambda x: io_callback(minijax, lambda: print(float(x + 1)), None)])
def test_a_callback_that_closes_over_a_traced_value_says_so(transform, leak):
    def f(x):
        y = leak(x)
        return x if y is None else y

    run = {"jit": minijax.jit(f), "grad": minijax.grad(f),
           "vmap": lambda x: minijax.vmap(f)(np.ones(2, np.float32)),
           "scan": lambda x: minijax.lax.scan(lambda c, _: (f(c), None), x, None, length=1)}
    with pytest.raises(minijax.errors.UnexpectedTracerError, match="test_effects.py"):
        run[transform](1.0)
    assert minijax.numpy.sin(0.0) == 0.0


def test_an_escaped_tracer_is_not_printed():
    escaped = []
    minijax.jit(lambda x: escaped.append(x))(1.0)
    for call in (lambda: minijax.debug.print("{}", escaped[0]),
                 lambda: minijax.jit(lambda: minijax.debug.print("{}", escaped[0]))(),
                 lambda: minijax.pure_callback(np.sin, struct(minijax), escaped[0])):
        with pytest.raises(minijax.errors.UnexpectedTracerError):
            call()


def test_every_error_of_jax_is_here():
    names = [n for n in vars(jax.errors) if not n.startswith("_")]
    for name in names:
        ours, theirs = getattr(minijax.errors, name), getattr(jax.errors, name)
        python = [c for c in theirs.__mro__ if c.__module__ == "builtins"]
        assert [c for c in ours.__mro__ if c.__module__ == "builtins"] == python, name


# --- numbers that are errors ---------------------------------------------------------------------


def masked(lib, x):
    return lib.numpy.where(x > 0, lib.numpy.log(x), 0.0)


FLOATS = {  # (the option, a function of a scalar, its argument, the operation with the bad number)
    "log": ("nans", lambda lib, x: lib.numpy.log(x) + 1.0, -1.0, "log"),
    "sub": ("nans", lambda lib, x: x - x, np.inf, "sub"),
    "masked": ("nans", masked, -1.0, "log"),
    "good": ("nans", lambda lib, x: lib.numpy.sqrt(x), 4.0, None),
    "infinity": ("nans", lambda lib, x: 1.0 / x, 0.0, None),
    "div": ("infs", lambda lib, x: lib.numpy.sin(x) / x ** 2, 1e-30, "div"),
    "exp": ("infs", lambda lib, x: lib.numpy.exp(x), 100.0, "exp"),
    "no nan": ("infs", lambda lib, x: lib.numpy.log(x), -1.0, None),
    "comparison": ("nans", lambda lib, x: x * np.float32(0) > 1, 1.0, None),
    "vmap": ("nans", lambda lib, x: lib.vmap(lib.numpy.log)(lib.numpy.stack([x])), -1.0, "log"),
    "grad": ("nans", lambda lib, x: lib.grad(lambda x: lib.numpy.sqrt(x) * 0.0)(x), 0.0, "mul"),
    "callback": ("nans", lambda lib, x: lib.pure_callback(lambda x: np.full((), np.nan), x, x), 1.0,
                 "pure_callback"),
    "scan": ("nans", lambda lib, x: lib.lax.scan(
        lambda c, _: (lib.numpy.log(c), None), x, None, length=3)[0], 1.0, "log"),
    "cond": ("nans", lambda lib, x: lib.lax.cond(x > 0, lib.numpy.sin, lib.numpy.log, x), -1.0,
             "log"),
    "while": ("nans", lambda lib, x: lib.lax.while_loop(lambda c: c < 1, lib.numpy.log, x), 0.5,
              "log"),
    "jit": ("nans", lambda lib, x: lib.jit(lambda x: lib.jit(lib.numpy.log)(x) * 2.0)(x), -1.0,
            "log"),
    "masked in jit": ("nans", lambda lib, x: lib.jit(masked, static_argnums=0)(lib, x), -1.0, None),
    "masked in inner jit": ("nans", lambda lib, x: lib.jit(lambda x: lib.numpy.where(
        x > 0, lib.jit(lib.numpy.log)(x), 0.0))(x), -1.0, None),
    "argument": ("nans", lambda lib, x: lib.jit(lambda x: x)(x), np.nan, "jit"),
    "constant": ("nans", lambda lib, x: lib.jit(lambda x: np.float32(np.nan))(x), 1.0,
                 "jit"),
}


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("name", FLOATS)
def test_bad_numbers_are_errors_where_they_are_in_jax(name, jit, capsys):
    option, program, x, operation = FLOATS[name]
    raised = []
    for lib in LIBRARIES:
        f = functools.partial(program, lib)
        f, x = lib.jit(f) if jit else f, lib.numpy.float32(x)
        try:
            with getattr(lib, f"debug_{option}")(True):
                f(x)
            raised.append(None)
        except FloatingPointError as error:
            raised.append(str(error))
        f(x)  # without the option it is no error
    assert (raised[0] is None) == (raised[1] is None)
    if raised[0] is not None:
        assert raised[0].startswith(f"invalid value ({option[:-1]}) ")
        where = rf"encountered in {operation}\nat .*test_effects.py"
        assert re.search(where, raised[0]) or "jit" == operation and (
            "It came with an argument, or is a constant" in raised[0])


def test_the_error_names_the_line():
    @minijax.jit
    def f(x):
        y = x * 2.0
        y = minijax.numpy.log(y)  # this one
        return y + 1.0

    line = f.fun.__code__.co_firstlineno + 3
    with minijax.debug_nans(True), pytest.raises(FloatingPointError, match=rf":{line}:12 \(.*f\)"):
        f(-1.0)
    assert np.isnan(f(-1.0))


def test_a_checked_program_runs_once(capsys):
    with minijax.debug_nans(True), pytest.raises(FloatingPointError):
        minijax.jit(lambda x: [minijax.debug.print("x {}", x), minijax.numpy.log(x)][1])(-1.0)
    assert capsys.readouterr().out == "x -1.0\n"


@pytest.mark.parametrize("case", thinned(
    [(name, (step,)) for step in STEPS for name in reversed(PROGRAMS)],
    lambda c: c[1], lambda c: "-".join((c[0], *c[1]))))
def test_checks_change_nothing_else(case, capsys):
    """With all of them on, a sound program gives the same results and does the same."""
    name, tower = case
    want = outcome(minijax, PROGRAMS[name], printed, tower), capsys.readouterr().out
    with minijax.debug_nans(True), minijax.debug_infs(True), minijax.checking_leaks():
        found = outcome(minijax, PROGRAMS[name], printed, tower), capsys.readouterr().out
    assert found == want


# --- tracers that escape -------------------------------------------------------------------------


class Holder:
    x: Any = None


def into_a_closure():
    box = []
    return lambda tracer: box.append(tracer)


def into_an_attribute():
    holder = Holder()
    return lambda tracer: setattr(holder, "x", tracer)


def into_a_global():
    module = types.ModuleType("somewhere")
    exec("HOLDERS = []\ndef store(tracer): HOLDERS.append((0, {'deep': [tracer]}))", vars(module))
    return module.store


@pytest.mark.parametrize("transform", ["jit", "grad", "vmap", "jvp", "make_jaxpr", "scan"])
@pytest.mark.parametrize("place", [into_a_closure, into_an_attribute, into_a_global])
def test_escapes_are_found_when_the_trace_ends(transform, place):
    store = place()

    def f(x):
        store(x * 2.0)
        return x

    x = np.float32(1.0)
    run = {"jit": lambda: minijax.jit(f)(x), "grad": lambda: minijax.grad(f)(x),
           "vmap": lambda: minijax.vmap(f)(np.ones(2, np.float32)),
           "jvp": lambda: minijax.jvp(f, (x,), (x,)),
           "make_jaxpr": lambda: minijax.make_jaxpr(f)(x),
           "scan": lambda: minijax.lax.scan(lambda c, _: (f(c), None), x, None, length=1)}
    run[transform]()  # not looked for, not found
    with minijax.checking_leaks(), pytest.raises(
            minijax.errors.UnexpectedTracerError, match=r"(?s)escaped.*test_effects.py"):
        minijax.clear_caches()
        run[transform]()


# --- to stop and look ----------------------------------------------------------------------------


def dialogue(f: Any, *lines: str) -> str:
    """What the debugger says to these lines."""
    stdin, stdout = io.StringIO("".join(f"{line}\n" for line in lines)), io.StringIO()
    f(stdin=stdin, stdout=stdout)
    assert stdin.read() == ""
    return stdout.getvalue()


def stopping(lib, x, **files):
    def inner(y):
        z = y + 1.0
        lib.debug.breakpoint(ordered=True, **files)
        return z

    name = "outer"
    return lib.jit(inner)(x) * len(name)


COMMANDS = ["p z", "y", "pp [z, y]", "p nothing", "1 +", "u", "name", "x", "d", "d", "l", "w", "",
            "help p", "c"]


def test_a_breakpoint_shows_the_values_in_scope():
    text = dialogue(functools.partial(stopping, minijax, 2.0), *COMMANDS)
    assert text.startswith("Entering jdb:\n(jdb) Array(3., dtype=float32)\n")
    assert "(jdb) Array(2., dtype=float32)\n" in text
    assert "*** NameError: name 'nothing' is not defined" in text and "*** SyntaxError" in text
    assert "At bottommost frame." in text and "->" in text and "'outer'" in text
    assert "lib.debug.breakpoint(ordered=True, **files)" in text and "in stopping" in text
    assert text.endswith("(jdb) ")


@pytest.mark.filterwarnings("ignore:Python iterable type")  # in JAX, of the tests' frames
@pytest.mark.parametrize("command", ["p z", "y", "pp [z, y]", "p nothing", "name"])
def test_the_debugger_answers_as_jax_s(command):
    answers = []
    for lib in LIBRARIES:
        lines = ["u", command, "c"] if command == "name" else [command, "c"]
        text = dialogue(lambda **files: [stopping(lib, 2.0, **files),  # noqa: B023
                                         lib.effects_barrier()], *lines)  # noqa: B023
        answers.append(text.split("(jdb) ")[-2])
    assert answers[0] == answers[1]


def test_a_breakpoint_stops_once_for_each_element_and_each_run():
    def f(x, **files):
        minijax.debug.breakpoint(**files)
        return x

    def mapped(**files):
        minijax.vmap(functools.partial(f, **files))(np.arange(2.0, dtype=np.float32))
        minijax.grad(functools.partial(f, **files))(2.0)

    text = dialogue(mapped, "x", "c", "x", "c", "x", "c")
    assert re.findall(r"Array\((\d)", text) == ["0", "1", "2"]


def test_a_breakpoint_can_wait_for_a_value():
    def f(x, **files):
        y = minijax.debug.breakpoint(token=x * 2.0, **files)
        return y + x

    f = minijax.jit(f, static_argnames=("stdin", "stdout"))
    assert "Array(1.," in dialogue(lambda **files: f(1.0, **files), "x", "c")
    with pytest.raises(ValueError, match="mutually exclusive"):
        minijax.debug.breakpoint(token=1.0, ordered=True)


def test_a_breakpoint_can_end_python(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("q\n"))
    with pytest.raises(SystemExit):
        minijax.jit(lambda x: minijax.debug.breakpoint())(1.0)
    assert "(jdb) " in capsys.readouterr().out
    assert minijax.jit(lambda x: x)(1.0) == 1.0


# --- names, and what is known while tracing ------------------------------------------------------


def test_scopes_are_named_in_errors():
    @minijax.named_scope("layer")
    def layer(x):
        with minijax.named_scope("activation"):
            return minijax.numpy.log(x)

    for f in (layer, minijax.jit(layer)):
        with minijax.debug_nans(True), pytest.raises(FloatingPointError,
                                                     match="in the scope layer/activation$"):
            f(-1.0)
    named = minijax.named_call(lambda x: minijax.numpy.log(x), name="inner")
    with minijax.debug_nans(True), pytest.raises(FloatingPointError, match="in the scope inner$"):
        minijax.jit(named)(-1.0)
    with pytest.raises(TypeError, match="must be a string"):
        minijax.named_scope(3)
    assert str(minijax.make_jaxpr(layer)(1.0)) == str(jax.make_jaxpr(jax.named_scope("layer")(
        jax.numpy.log))(1.0))


def test_known_values_are_computed_while_tracing():
    def f(lib, x):
        with lib.ensure_compile_time_eval():
            y = lib.numpy.sin(3.0)
            loop = lib.lax.fori_loop(0, 3, lambda i, c: c * 2.0, lib.jit(lib.numpy.cos)(y))
            slopes = lib.vmap(lib.grad(lib.numpy.sin))(lib.numpy.arange(2.0))
            twice = x * 2.0
            known = y > 0 and loop > 7 and slopes[0] == 1
        return twice if known else -x

    programs = [str(lib.make_jaxpr(functools.partial(f, lib))(1.0)) for lib in LIBRARIES]
    assert programs[0] == programs[1] and "sin" not in programs[0]
    for tower in TOWERS:
        assert alike(outcome(minijax, lambda lib, _, x: f(lib, x), None, tower),
                     outcome(jax, lambda lib, _, x: 2.0 * x, None, tower))
    with pytest.raises(minijax.errors.TracerBoolConversionError):
        minijax.jit(lambda x: [minijax.ensure_compile_time_eval().__enter__(), bool(x)])(1.0)


def test_compilations_are_logged(caplog):
    with minijax.log_compiles():
        f = minijax.jit(lambda x: x * 1.7193 + 1)
        f(1.0)
        traced = [r.getMessage() for r in caplog.records]
        f(2.0), f(3.0)
    minijax.jit(lambda x: x - 1)(1.0)
    messages = [re.sub(r"[\d.]+ sec", "T sec", r.getMessage()) for r in caplog.records]
    assert all(r.levelname == "WARNING" for r in caplog.records)
    assert len(traced) == 1  # what is called once is not worth a kernel
    assert messages[:2] == [
        "Finished tracing <lambda> for jit in T sec",
        "Compiling jit(<lambda>) with global shapes and types (ShapedArray(float32[], "
        "weak_type=True),)."]
    assert messages[-1].startswith("Finished compilation of jit(<lambda>) in T sec: ")


def test_the_log_begins_as_that_of_jax(caplog):
    messages = []
    for lib in LIBRARIES:
        def double(x):
            return x * 2.5

        caplog.clear()
        with lib.log_compiles():
            lib.jit(double).lower(lib.numpy.ones((2, 3))).compile()
        texts = [re.sub(r"[\d.]+ sec", "T sec", r.getMessage()) for r in caplog.records
                 if "double" in r.getMessage()]
        messages.append([t.partition(" Argument mapping")[0] for t in texts[:2]])
    assert messages[0] == messages[1] and len(messages[0]) == 2


def test_debug_log_goes_to_the_log(caplog):
    with caplog.at_level("INFO"):
        minijax.jit(lambda x: minijax.debug.log("x is {}", x))(3.0)
    assert "x is 3.0" in caplog.text and "test_effects.py" in caplog.text


# --- what is printed of them ---------------------------------------------------------------------


def texts(lib):
    def f(x):
        lib.debug.print("x={x} {} {s}", 3.0, x=x, s="text")
        lib.debug.print(ordered=True)("none")
        y = lib.pure_callback(broken, struct(lib), x, vmap_method="sequential")
        return io_callback(lib, broken, (struct(lib, 3), None), x, y, ordered=True)

    return f


FUNCTION = re.compile(r"<function [\w.<>]+ at \w+>")


def test_equations_are_printed_as_jax_prints_them():
    ours, theirs = (FUNCTION.sub("function", normal(str(lib.make_jaxpr(texts(lib))(1.0))))
                    for lib in LIBRARIES)
    assert ours == theirs
    eqns = [lib.make_jaxpr(lambda x: lib.debug.callback(broken, x, ordered=True))(1.0).eqns[0]  # noqa: B023
            for lib in LIBRARIES]
    assert [e.primitive.name for e in eqns] == ["debug_callback"] * 2
    assert eqns[0].params.keys() == eqns[1].params.keys()


FORMATS = [("{}", 3.0), ("{:.2f}", np.float32(1.25)), ("{!r}", np.arange(3)), ("{x}", None),
           ("{0} {0}", 2.0), ("{} {}", (True, [1, 2])), ("{x.shape}", None),
           ("{x[1]}", None), ("", None), ("plain", None), ("{:>8}|", 1.5)]


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("fmt, arg", FORMATS)
def test_formats_are_those_of_python(fmt, arg, jit, capsys):
    out = []
    for lib in LIBRARIES:
        def f(x):
            args = [] if arg is None else list(arg) if isinstance(arg, tuple) else [arg]
            lib.debug.print(fmt, *args, **({"x": x} if "x" in fmt else {}))  # noqa: B023

        (lib.jit(f) if jit else f)(lib.numpy.arange(12.0) * 0.125)
        lib.effects_barrier()
        out.append(capsys.readouterr().out)
    assert out[0] == out[1]


def test_braces_are_printed(capsys):
    minijax.debug.print("{{}} {}", 1)  # JAX takes a format that begins with braces for text
    assert capsys.readouterr().out == "{} 1\n"


def test_printing_follows_numpy_s_options_where_it_was_asked_for(capsys):
    out = []
    for lib in LIBRARIES:
        with np.printoptions(precision=2, linewidth=20):
            f = lib.jit(lambda x: lib.debug.print("{}", x))  # noqa: B023
            f(np.linspace(0.0, 1.0, 7, dtype=np.float32))
        f(np.linspace(0.0, 1.0, 7, dtype=np.float32))
        lib.effects_barrier()
        out.append(capsys.readouterr().out)
    assert out[0] == out[1]
