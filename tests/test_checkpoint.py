"""checkpoint: the same numbers, less memory, as much work as in JAX."""

from __future__ import annotations

import collections
import functools
import importlib
import inspect
import itertools
import operator
import re
from typing import Any

import jax
import jax.ad_checkpoint
import numpy as np
import pytest

import minijax
from minijax.ad_checkpoint import checkpoint_name, saved_residuals
from minijax.errors import TracerBoolConversionError
from minijax.families import Elementwise
from minijax.jaxpr import subprograms
from tests.both import Oracle, alike, outcome, plain
from tests.tiers import thinned

V = np.array([0.9, -0.4, 0.3], np.float32)
M = np.linspace(-0.5, 0.7, 9, dtype=np.float32).reshape(3, 3)


def module(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.ad_checkpoint")


def only_sines(prim, *avals, **params):
    return prim.name == "sin"


POLICIES = {
    "None": lambda p: None,
    "nothing": lambda p: p.nothing_saveable,
    "everything": lambda p: p.everything_saveable,
    "dots": lambda p: p.dots_saveable,
    "dots without batch": lambda p: p.dots_with_no_batch_dims_saveable,
    "the name a": lambda p: p.save_only_these_names("a"),
    "not the name a": lambda p: p.save_any_names_but_these("a"),
    "but the name a": lambda p: p.save_anything_except_these_names("a"),
    "dots or the name b": lambda p: p.save_from_both_policies(
        p.checkpoint_dots, p.save_only_these_names("b")),
    "sines": lambda p: only_sines,
}


def policy_of(lib, name):
    return POLICIES[name](lib.checkpoint_policies)


# --- programs: R^3x3, R^3 -> R^3, made of operations with the same derivatives as in JAX ---------


def plainly(lib, M, x):
    return lib.numpy.sin(lib.numpy.sin(M @ x) * x)


def named(lib, M, x):
    name = module(lib).checkpoint_name
    return lib.numpy.sin(name(lib.numpy.sin(name(M @ x, "a")) * x, "b"))


def jitted(lib, M, x):
    return lib.numpy.sin(lib.jit(lambda x: lib.numpy.sin(M @ lib.numpy.sin(x)))(x))


def batched(lib, M, x):
    rows = lib.numpy.stack([x, x * 2.0])
    return lib.vmap(lambda x: lib.numpy.sin(M @ lib.numpy.sin(x)))(rows).sum(0)


def looped(lib, M, x):
    return lib.lax.scan(lambda c, _: (lib.numpy.sin(M @ lib.numpy.sin(c)), None), x, None,
                        length=4)[0]


def branched(lib, M, x):
    return lib.lax.cond(x[0] > 0, lambda x: lib.numpy.sin(M @ lib.numpy.sin(x)),
                        lambda x: lib.numpy.sin(x), x)


def layered(lib, M, x):
    layer = lib.checkpoint(lambda M, x: lib.numpy.sin(M @ lib.numpy.sin(x)))
    return layer(M, layer(M, x))


PROGRAMS = {f.__name__: f for f in (plainly, named, jitted, batched, looped, branched, layered)}
SIMPLE = [f for f in PROGRAMS if f != "layered"]  # of nested ones, the inner policy decides here
each_simple_program = pytest.mark.parametrize("program", SIMPLE)
each_policy = pytest.mark.parametrize("policy", POLICIES)


def checkpointed(lib, program, policy):
    f = functools.partial(PROGRAMS[program], lib)
    return lib.checkpoint(f, policy=policy_of(lib, policy))


# --- the same numbers ----------------------------------------------------------------------------


def carried(lib, f):
    return lambda x: lib.lax.scan(lambda c, r: (f(M, c) * r, None), x, V)[0]


TRANSFORMS = {
    "value": lambda lib, f: f(M, V),
    "grad": lambda lib, f: lib.grad(lambda *xs: f(*xs).sum(), (0, 1))(M, V),
    "jit-grad-jit": lambda lib, f: lib.jit(lib.grad(lib.jit(lambda x: f(M, x).sum())))(V),
    "vmap-grad": lambda lib, f: lib.vmap(lib.grad(lambda x: f(M, x).sum()))(M),
    "grad-vmap": lambda lib, f: lib.grad(lambda x: lib.vmap(f, (None, 0))(M, x).sum())(M),
    "jacfwd": lambda lib, f: lib.jacfwd(f, 1)(M, V),
    "jacrev": lambda lib, f: lib.jacrev(f)(M, V),
    "linearize": lambda lib, f: lib.linearize(f, M, V)[1](M, V),
    "hessian": lambda lib, f: lib.hessian(lambda x: f(M, x).sum())(V),
    "grad-grad": lambda lib, f: lib.grad(lambda x: (lib.jit(lib.grad(
        lambda x: (f(M, x) ** 2).sum()))(x) * x).sum())(V),
    "grad-jvp": lambda lib, f: lib.grad(
        lambda x: lib.jvp(functools.partial(f, M), (x,), (x,))[1].sum())(V),
    "scan": lambda lib, f: lib.grad(lambda x: carried(lib, f)(x).sum())(V),
    "vmap-scan": lambda lib, f: lib.vmap(lib.jit(lib.grad(lambda x: carried(lib, f)(x).sum())))(M),
    "grad-grad-scan": lambda lib, f: lib.grad(lambda x: (lib.grad(
        lambda x: carried(lib, f)(x).sum())(x) * x).sum())(V),
    "cond": lambda lib, f: lib.grad(lambda x: lib.lax.cond(
        x[0] > 0, lambda x: f(M, x), lambda x: x, x).sum())(V),
}


@functools.cache
def without(program, transform):
    return plain(TRANSFORMS[transform](minijax, functools.partial(PROGRAMS[program], minijax)))


@pytest.mark.parametrize("case", thinned(
    itertools.product(PROGRAMS, ["None", "dots", "dots or the name b", "everything"], TRANSFORMS),
    kind=operator.itemgetter(0, 2), name="-".join))
def test_the_numbers_are_those_without(case):
    program, policy, transform = case
    f = checkpointed(minijax, program, policy)
    alike(plain(TRANSFORMS[transform](minijax, f)), without(program, transform))


def transformed(lib, transform):
    return TRANSFORMS[transform](lib, checkpointed(lib, "named", "the name a"))


WANTED = Oracle({t: (functools.partial(transformed, jax, t),) for t in TRANSFORMS})


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_numbers_are_those_of_jax(transform):
    alike(plain(transformed(minijax, transform)), plain(WANTED[transform]))


# --- what is saved, and what is computed again ---------------------------------------------------


def saved(lib, f, *args):
    return [f"{aval.str_short(short_dtypes=True)} {origin}" for aval, origin in
            importlib.import_module({"jax": "jax._src"}.get(lib.__name__, lib.__name__)
                                    + ".ad_checkpoint").saved_residuals(f, *args)]


@each_policy
@each_simple_program
def test_what_is_saved_is_what_jax_saves(program, policy):
    """From which operations, and where these are in the user's text."""
    ours, theirs = ([text.replace("closed_call", "scan") for text in
                     saved(lib, checkpointed(lib, program, policy), M, V)]
                    for lib in (minijax, jax))
    if program == "branched" and policy in ("everything", "but the name a"):
        # Zeros stand for what the other branch does not need: here they are saved, too.
        ours.remove(next(text for text in ours if text.startswith("f32[3,3] output of cond")))
    assert ours == theirs


@pytest.mark.parametrize("program", [p for p in SIMPLE if p != "branched"])  # see above
def test_to_save_everything_is_as_without(program):
    f = functools.partial(PROGRAMS[program], minijax)
    all_ = checkpointed(minijax, program, "everything")
    assert sorted(saved(minijax, all_, M, V)) == sorted(
        text for text in saved(minijax, f, M, V) if "literal" not in text)


def test_what_layers_save_is_what_jax_saves():
    for lib in minijax, jax:
        assert [text.split(" from")[0] for text in saved(
            lib, functools.partial(layered, lib), M, V)] == [
                "f32[3,3]", "f32[3]", "f32[3] output of sin"]


def operations(jaxpr: Any) -> collections.Counter:
    """How often each operation is in a program and those within it."""
    found: collections.Counter = collections.Counter()
    for e in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        found[e.primitive.name] += 1
        for v in e.params.values():
            for sub in v if isinstance(v, (tuple, list)) else [v]:
                if hasattr(sub, "eqns") or hasattr(sub, "jaxpr"):
                    found += operations(sub)
    return found


COUNTED = ("sin", "cos", "mul", "dot_general", "name", "scan", "cond", "remat2", "jit")


@each_policy
@each_simple_program
def test_as_much_is_computed_again_as_in_jax(program, policy):
    def count(lib):
        f = checkpointed(lib, program, policy)
        found = operations(lib.make_jaxpr(lib.grad(lambda *xs: f(*xs).sum(), (0, 1)))(M, V))
        found["scan"] += found.pop("closed_call", 0)  # JAX wraps a loop of which it saves
        return {k: found[k] for k in COUNTED}

    ours, theirs = count(minijax), count(jax)
    if program == "looped":
        assert ours.pop("scan") <= theirs.pop("scan")
    if program == "jitted":  # JAX inlines what is known
        ours.pop("jit"), theirs.pop("jit")
    assert ours == theirs


@pytest.mark.parametrize("policy", ["None", "dots"])
def test_a_loop_over_a_checkpointed_body_keeps_its_carries(policy):
    def body(lib):
        f = checkpointed(lib, "plainly", policy)
        return lambda M, x: lib.lax.scan(lambda c, _: (f(M, c), None), x, None, length=5)[0]

    assert saved(minijax, body(minijax), M, V) == saved(jax, body(jax), M, V)
    kept = [str(aval) for aval, _ in saved_residuals(body(minijax), M, V)]
    assert kept == ["float32[3,3]"] + ["float32[5,3]"] * (2 if policy == "dots" else 1)


def test_the_second_computation_happens_on_the_way_back():
    calls = []
    counted = Elementwise("counted", lambda x: (calls.append(1), np.sin(x))[1],
                          lambda out, x: minijax.numpy.cos(x))
    f = minijax.checkpoint(lambda x: counted(counted(x)))
    out, pull = minijax.vjp(f, V)
    assert len(calls) == 2
    first = pull(out)
    assert len(calls) == 3  # of the two, the derivative needs the inner one
    alike(plain(pull(out)), plain(first))
    assert len(calls) == 4
    calls.clear()
    minijax.grad(minijax.jit(lambda x: f(x).sum()))(V)
    assert len(calls) == 3
    calls.clear()
    minijax.jit(minijax.grad(lambda x: f(x).sum()))(V)
    assert len(calls) == 1  # nobody needs the value


def test_what_is_saved_is_not_computed_again():
    calls = []
    counted = Elementwise("counted", lambda x: (calls.append(1), np.sin(x))[1],
                          lambda out, x: minijax.numpy.cos(x))
    f = minijax.checkpoint(lambda x: counted(counted(x)),
                           policy=lambda prim, *_, **__: prim is counted)
    minijax.grad(lambda x: f(x).sum())(V)
    assert len(calls) == 2


def test_a_policy_sees_operations_types_and_params():
    seen = []

    def policy(prim, *avals, **params):
        seen.append((prim.name, *map(str, avals), *params))
        return False

    f = minijax.checkpoint(lambda x: checkpoint_name(minijax.numpy.sin(x), "a"), policy=policy)
    minijax.grad(lambda x: f(x).sum())(V)
    assert ("sin", "float32[3]") in seen and ("name", "float32[3]", "name") in seen


def test_of_nested_functions_the_inner_policy_decides_within():
    inner = functools.partial(minijax.checkpoint, policy=policy_of(minijax, "dots"))
    f = minijax.checkpoint(lambda M, x: inner(functools.partial(plainly, minijax))(M, x))
    assert [origin for _, origin in saved_residuals(f, M, V)] == [
        "from the argument M", "from the argument x"]
    again = operations(minijax.make_jaxpr(minijax.grad(lambda x: f(M, x).sum()))(V))
    assert again["remat2"] == 2 and again["dot_general"] == 3  # once there, once more, once back


# --- everything else works in it -----------------------------------------------------------------


class Inside:
    def custom_rules(lib):
        f = lib.custom_jvp(lambda x: lib.numpy.sin(x))
        f.defjvp(lambda p, t: (f(*p), 7.0 * t[0]))
        g = lib.custom_vjp(lambda x: lib.numpy.sin(x))
        g.defvjp(lambda x: (g(x), x), lambda x, ct: (5.0 * ct * x,))
        return lib.grad(lib.checkpoint(lambda x: g(f(lib.numpy.sin(x))).sum()))(V)

    def a_while_loop(lib):
        f = lib.checkpoint(lambda x: lib.lax.while_loop(
            lambda s: s[0] < 3, lambda s: (s[0] + 1, lib.numpy.sin(s[1])), (0, x))[1])
        return lib.jvp(f, (V,), (V,))

    def a_while_loop_of_constants(lib):
        f = lib.checkpoint(lambda x: x * lib.lax.while_loop(
            lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * 2.0),
            (0, lib.lax.stop_gradient(x)))[1])
        return lib.grad(lambda x: f(x).sum())(V)

    def integers(lib):
        f = lib.checkpoint(lambda x, n: (lib.numpy.sin(x) * n, n + 1))
        return lib.grad(lambda x, n: f(x, n)[0].sum())(V, 3), f(V, 3)

    def random_numbers(lib):
        f = lib.checkpoint(lambda x, key: lib.numpy.sin(x) * lib.random.normal(key, (3,)))
        return lib.grad(lambda x: f(x, lib.random.key(0)).sum())(V)

    def a_collective(lib):
        f = lib.checkpoint(lambda x: lib.numpy.sin(lib.lax.psum(lib.numpy.sin(x), "i")) * x)
        return lib.vmap(lib.grad(lambda x: f(x).sum()), axis_name="i")(M)

    def a_closure(lib):
        def outer(y):
            return lib.checkpoint(lambda x: lib.numpy.sin(x * y))(V).sum()

        return (lib.grad(outer)(V), lib.jit(lib.grad(outer))(V), lib.vmap(lib.grad(outer))(M),
                lib.grad(lambda y: lib.grad(outer)(y).sum())(V))

    def pytrees_and_keywords(lib):
        f = lib.checkpoint(lambda d, *, k=2.0, none=None: {
            "o": lib.numpy.sin(d["x"]) * k, "n": none})
        return (lib.grad(lambda d: f(d)["o"].sum())({"x": V}),
                lib.grad(lambda d: f(d, k=3.0, none=None)["o"].sum())({"x": V}))

    def no_arguments(lib):
        f = lib.checkpoint(lambda: lib.numpy.sin(V))
        return f(), lib.grad(lambda x: (f() * x).sum())(V)

    def recursion(lib):
        def chain(fs):
            if len(fs) == 1:
                return fs[0]
            first, second = chain(fs[:len(fs) // 2]), chain(fs[len(fs) // 2:])
            return lambda x: first(lib.checkpoint(second)(x))

        f = chain([lib.numpy.sin, lib.numpy.cos, lib.numpy.sin, lib.numpy.cos])
        return lib.grad(lambda x: f(x).sum())(V)

    def nothing_to_differentiate(lib):
        return lib.grad(lambda x: (lib.checkpoint(lib.numpy.floor)(x) * x).sum())(V)

    def effects(lib):
        seen = []

        def f(x):
            lib.debug.callback(lambda x: seen.append(np.round(float(x), 4)), x.sum())
            return lib.numpy.sin(lib.numpy.sin(x))

        f, counts = lib.checkpoint(f), []
        for use in (f, lib.grad(lambda x: f(x).sum()), lib.jit(lib.grad(lambda x: f(x).sum())),
                    lib.grad(lambda x: lib.lax.scan(lambda c, _: (f(c), None), x, None, length=2)[
                        0].sum())):
            use(V)
            lib.effects_barrier()
            counts.append(str(len(seen)))
            seen.clear()
        return counts  # what is computed again is shown again

    def effects_that_must_not_happen_twice(lib):
        like = lib.ShapeDtypeStruct((3,), np.float32)
        io_callback = importlib.import_module(f"{lib.__name__}.experimental").io_callback
        f = lib.checkpoint(lambda x: x * io_callback(np.sin, like, lib.lax.stop_gradient(x)))
        return lib.grad(lambda x: f(x).sum())(V)

    def one_result_of_two(lib):
        f = lib.checkpoint(lambda x: (lib.numpy.sin(x), lib.numpy.cos(x)))
        return lib.grad(lambda x: f(x)[1].sum())(V), lib.grad(lib.jit(lambda x: f(x)[0].sum()))(V)


@pytest.mark.parametrize("scenario", [
    pytest.param(f, id=k) for k, f in vars(Inside).items() if not k.startswith("_")])
def test_inside_a_checkpoint(scenario):
    alike(outcome(scenario, minijax), outcome(scenario, jax))


# --- the function for users ----------------------------------------------------------------------


def test_static_arguments():
    @functools.partial(minijax.checkpoint, static_argnums=(1, -1))
    def f(x, positive, y, options):
        x = minijax.numpy.sin(x) if positive else minijax.numpy.cos(x)
        return x * len(options) * y

    assert minijax.grad(f)(0.0, True, 1.0, ["not hashable"]) == 1.0
    assert minijax.grad(f)(0.0, False, 1.0, ()) == 0.0
    by_name = minijax.checkpoint(lambda x, n: x ** n, static_argnames="n")
    assert minijax.grad(lambda x: by_name(x, n=2))(3.0) == 6.0
    with pytest.raises(ValueError, match="static_argnums"):
        minijax.checkpoint(lambda x: x, static_argnums=(3,))(1.0)
    with pytest.raises(TracerBoolConversionError, match="static_argnums"):
        minijax.checkpoint(lambda x, flag: x if flag else -x)(1.0, True)


def test_a_function_is_traced_once():
    calls = []

    def f(x):
        calls.append(1)
        return minijax.numpy.sin(x)

    for _ in range(3):
        minijax.grad(minijax.checkpoint(f))(1.0)
        minijax.jit(lambda x: minijax.checkpoint(f)(x))(1.0)
    assert len(calls) == 1


def test_misuse():
    with pytest.raises(NotImplementedError, match="static_argnums"):
        minijax.checkpoint(lambda x: x, concrete=True)
    with pytest.raises(TypeError, match="prevent_cse"):
        minijax.checkpoint(lambda x: x, prevent_cse=1.0)
    either = minijax.checkpoint_policies.save_from_both_policies(
        lambda *_, **__: None, lambda *_, **__: True)
    with pytest.raises(ValueError, match="bool"):
        minijax.grad(minijax.checkpoint(minijax.numpy.sin, policy=either))(1.0)


def test_the_policies_of_jax():
    missing = vars(jax.checkpoint_policies).keys() - vars(minijax.checkpoint_policies).keys()
    assert missing == {"offload_dot_with_no_batch_dims", "save_and_offload_only_these_names"}
    assert set(inspect.signature(minijax.checkpoint).parameters) == set(
        inspect.signature(jax.checkpoint).parameters)


def printed(lib: Any) -> list[str]:
    def f(x):
        return lib.numpy.sin(lib.numpy.sin(x))

    c = lib.checkpoint(f)
    dots = lib.checkpoint(f, policy=lib.checkpoint_policies.dots_saveable, prevent_cse=False)
    all_ = lib.checkpoint(f, policy=lib.checkpoint_policies.everything_saveable)
    one = np.float32(1)
    return [str(lib.make_jaxpr(g)(x)) for g, x in [
        (c, one), (dots, one), (all_, one), (lib.grad(c), one), (lib.grad(dots), one),
        (lib.vmap(c), V), (lib.jit(c), one),
        (lib.checkpoint(lambda x: x * lib.numpy.asarray(V)), one),
        (lambda x: module(lib).checkpoint_name({"a": x * 2.0}, "name"), one),
        (lambda x: lib.lax.scan(lambda y, _: (c(y), None), x, None, length=3), one)]]


def test_programs_are_printed_as_in_jax():
    for ours, theirs in itertools.zip_longest(printed(minijax), printed(jax)):
        assert ours == re.sub(r"\n *\w+:f32\[\] = reduce_precision.*", "", theirs)


def test_saved_residuals_are_printed_as_in_jax(capsys):
    @minijax.jit
    def ours(x):
        return minijax.numpy.sin(x)

    def program(lib, h, x, *ys):
        return module(lib).checkpoint_name(h(x["a"]) * 2.0 * ys[0], "n") * lib.numpy.sin(ys[0]) * V

    theirs = jax.jit(lambda x: jax.numpy.sin(x))
    theirs.__name__ = "ours"
    texts = []
    for lib, h in (minijax, ours), (jax, theirs):
        module(lib).print_saved_residuals(functools.partial(program, lib, h), {"a": V}, V)
        texts.append(capsys.readouterr().out.replace("<lambda>", "ours"))
    assert texts[0] == texts[1]
    assert len(texts[0].splitlines()) > 5


def test_programs_within_are_found():
    """A test of `operations`: it counts what the library's own walk finds."""
    jaxpr = minijax.make_jaxpr(minijax.grad(lambda x: looped(minijax, M, x).sum()))(V)
    queue, n = [jaxpr], 0
    for j in queue:
        n += len(j.eqns)
        queue += [s for e in j.eqns for s in subprograms(e.params)]
    assert operations(jaxpr).total() == n
