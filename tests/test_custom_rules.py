"""Rules that users write, against JAX: they are kept, and called as they should be, everywhere.

The rules are wrong on purpose, seven times too large, so that a lost rule shows.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
import pytest

import minijax
from minijax.errors import UnexpectedTracerError
from tests.both import alike, f32, outcome, plain

V, X, Y = f32(3), np.float32(0.5), np.float32(3.0)


def agree(f):
    """In minijax it is as in JAX: the result, or the class of the exception."""
    alike(outcome(f, minijax), outcome(f, jax))


def table(*groups):
    """Scenarios, functions of a library, by name."""
    return pytest.mark.parametrize("scenario", [
        pytest.param(f, id=name) for group in groups for name, f in vars(group).items()
        if not name.startswith("_")])


def with_jvp(lib, fun, rule, symbolic_zeros=False, **options):
    f = lib.custom_jvp(fun, **options)
    f.defjvp(rule, symbolic_zeros=symbolic_zeros)
    return f


def with_vjp(lib, fun, fwd, bwd, symbolic_zeros=False, **options):
    f = lib.custom_vjp(fun, **options)
    f.defvjp(fwd, bwd, symbolic_zeros=symbolic_zeros)
    return f


def marked(lib, kind):
    """sin, with a derivative seven times too large."""
    sin, cos = lib.numpy.sin, lib.numpy.cos
    if kind == "jvp":
        f = with_jvp(lib, lambda x: sin(x), lambda p, t: (f(*p), 7.0 * cos(p[0]) * t[0]))
    else:
        f = with_vjp(lib, lambda x: sin(x), lambda x: (f(x), cos(x)),
                     lambda c, ct: (7.0 * c * ct,))
    return f


# --- rules are not lost --------------------------------------------------------------------------


def loop(lib, f):
    return lambda x: lib.lax.scan(lambda c, y: (f(c) * y, c), x, V)[0]


def disabled(lib, f):
    with lib.disable_jit():
        return lib.grad(lib.jit(f))(X)


TOWERS = {
    "value": lambda lib, f: f(X),
    "jit": lambda lib, f: lib.jit(f)(X),
    "grad": lambda lib, f: lib.grad(f)(X),
    "grad-jit": lambda lib, f: lib.grad(lib.jit(lib.jit(f)))(X),
    "jit-grad": lambda lib, f: lib.jit(lib.grad(f))(X),
    "disable_jit": disabled,
    "vmap": lambda lib, f: lib.vmap(f)(V),
    "vmap-grad": lambda lib, f: lib.vmap(lib.grad(f))(V),
    "grad-vmap": lambda lib, f: lib.grad(lambda x: lib.vmap(f)(x).sum())(V),
    "grad-vmap-jit": lambda lib, f: lib.grad(lambda x: lib.vmap(lib.jit(f))(x).sum())(V),
    "grad-jit-vmap": lambda lib, f: lib.grad(lambda x: lib.jit(lib.vmap(f))(x).sum())(V),
    "vmap-vmap-grad": lambda lib, f: lib.vmap(lib.vmap(lib.grad(f)))(np.stack([V, V])),
    "grad-vmap-vmap": lambda lib, f: lib.grad(
        lambda x: lib.vmap(lib.vmap(f))(x).sum())(np.stack([V, V])),
    "vmap of a constant": lambda lib, f: lib.vmap(lambda x: f(X) * x)(V),
    "vmap, one argument the same": lambda lib, f: lib.vmap(
        lambda x, w: lib.grad(lambda x: f(x * w))(x), (0, None))(V, Y),
    "grad-grad": lambda lib, f: lib.grad(lib.grad(f))(X),
    "vmap-grad-grad": lambda lib, f: lib.vmap(lib.grad(lib.grad(f)))(V),
    "grad-vmap-jit-grad": lambda lib, f: lib.grad(
        lambda x: lib.vmap(lib.jit(lib.grad(f)))(x).sum())(V),
    "grad-grad-vmap": lambda lib, f: lib.grad(
        lambda x: lib.grad(lambda x: lib.vmap(f)(x).sum())(x).sum())(V),
    "jacrev-jacrev": lambda lib, f: lib.jacrev(lib.jacrev(f))(V),
    "jvp": lambda lib, f: lib.jvp(f, (X,), (X,)),
    "jvp-jit": lambda lib, f: lib.jvp(lib.jit(f), (X,), (X,)),
    "jvp-grad": lambda lib, f: lib.jvp(lib.grad(f), (X,), (X,)),
    "vmap of tangents": lambda lib, f: lib.vmap(lambda t: lib.jvp(f, (X,), (t,))[1])(V),
    "vmap of cotangents": lambda lib, f: lib.vmap(lib.vjp(f, X)[1])(V),
    "jacfwd": lambda lib, f: lib.jacfwd(f)(V),
    "hessian": lambda lib, f: lib.hessian(lambda x: f(x).sum())(V),
    "linearize": lambda lib, f: lib.linearize(f, X)[1](X),
    "vjp": lambda lib, f: lib.vjp(f, X)[1](X),
    "scan": lambda lib, f: lib.grad(loop(lib, f))(X),
    "vmap-scan": lambda lib, f: lib.vmap(lib.grad(loop(lib, f)))(V),
    "jit-scan-vmap": lambda lib, f: lib.grad(
        lambda x: lib.jit(loop(lib, lib.vmap(f)))(x).sum())(V),
    "fori_loop": lambda lib, f: lib.grad(
        lambda x: lib.lax.fori_loop(0, 3, lambda i, c: f(c), x))(X),
    "while_loop": lambda lib, f: lib.jvp(lambda x: lib.lax.while_loop(
        lambda s: s[0] < 3, lambda s: (s[0] + 1, f(s[1])), (0, x))[1], (X,), (X,)),
    "cond": lambda lib, f: lib.grad(lambda x: lib.lax.cond(x > 0, f, lambda x: x, x))(X),
    "vmap-cond": lambda lib, f: lib.vmap(
        lib.grad(lambda x: lib.lax.cond(x > 0.4, f, lambda x: x, x)))(V),
}


@pytest.mark.parametrize("kind", ["jvp", "vjp"])
@pytest.mark.parametrize("tower", TOWERS.values(), ids=TOWERS)
def test_a_rule_is_kept(tower, kind):
    agree(lambda lib: tower(lib, marked(lib, kind)))


def test_a_rule_is_kept_to_second_order_in_a_loop():
    f = marked(minijax, "jvp")

    def unrolled(x):
        for y in V:
            x = f(x) * y
        return x

    want = minijax.grad(minijax.grad(unrolled))(X)
    alike(plain(minijax.grad(minijax.grad(loop(minijax, f)))(X)), plain(want))


@pytest.mark.parametrize("kind", ["jvp", "vjp"])
def test_a_result_that_does_not_depend_on_the_batch_has_a_derivative_for_each_element(kind):
    """JAX counts 6 for some of these: each cotangent of a result that all share."""
    zero, lib = np.float32(0), minijax
    f = (with_jvp(lib, lambda x: zero, lambda p, t: (zero, 2.0 * t[0])) if kind == "jvp" else
         with_vjp(lib, lambda x: zero, lambda x: (zero, None), lambda _, ct: (2.0 * ct,)))
    for g in lib.vmap(f), lib.vmap(lib.jit(f)), lib.jit(lib.vmap(f)):
        assert lib.grad(lambda x: g(x).sum())(V).tolist() == [2.0] * 3  # noqa: B023


# --- values that rules close over ----------------------------------------------------------------


class Closures:
    """`make(lib)(y)` is a custom function that closes over y, in itself or in its rules."""

    def jvp_all(lib):
        return lambda y: (f := with_jvp(lib, lambda x: x * y,
                                        lambda p, t: (f(*p), 3.0 * y * t[0])))

    def jvp_rule(lib):
        return lambda y: (f := with_jvp(lib, lambda x: x * 2.0,
                                        lambda p, t: (f(*p), 3.0 * y * t[0])))

    def jvp_function(lib):
        return lambda y: (f := with_jvp(lib, lambda x: x * y, lambda p, t: (f(*p), 3.0 * t[0])))

    def vjp_all(lib):
        return lambda y: (f := with_vjp(lib, lambda x: x * y, lambda x: (f(x), x),
                                        lambda x, ct: (3.0 * y * ct,)))

    def vjp_bwd(lib):
        return lambda y: (f := with_vjp(lib, lambda x: x * 2.0, lambda x: (f(x), x),
                                        lambda x, ct: (3.0 * y * ct,)))

    def vjp_fwd(lib):
        return lambda y: (f := with_vjp(lib, lambda x: x * 2.0, lambda x: (f(x), x * y),
                                        lambda r, ct: (3.0 * r * ct,)))


USES = {
    "jit": lambda lib, f: lib.jit(f)(X, Y),
    "vmap": lambda lib, f: lib.vmap(f)(V, V),
    "vmap of the closure": lambda lib, f: lib.vmap(f, (None, 0))(X, V),
    "grad": lambda lib, f: lib.grad(f)(X, Y),
    "grad of the closure": lambda lib, f: lib.grad(f, 1)(X, Y),
    "grad of both": lambda lib, f: lib.grad(f, (0, 1))(X, Y),
    "jit-grad": lambda lib, f: lib.jit(lib.grad(f))(X, Y),
    "jit-grad of the closure": lambda lib, f: lib.jit(lib.grad(f, 1))(X, Y),
    "vmap-grad": lambda lib, f: lib.vmap(lib.grad(f))(V, V),
    "jit-vmap-grad": lambda lib, f: lib.jit(lib.vmap(lib.grad(f)))(V, V),
    "grad-vmap, the closure the same": lambda lib, f: lib.grad(
        lambda x: lib.vmap(f, (0, None))(x, Y).sum())(V),
    "grad in grad": lambda lib, f: lib.grad(lambda y: lib.grad(f)(X, y) * y)(Y),
    "scan": lambda lib, f: lib.grad(
        lambda x: lib.lax.scan(lambda c, _: (f(c, Y), c), x, None, length=2)[0])(X),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@table(Closures)
def test_closures(scenario, use):
    agree(lambda lib: use(lib, lambda x, y: scenario(lib)(y)(x)))


@table(Closures)
def test_closures_over_a_value_traced_outside_of_a_loop_or_branch(scenario):
    """JAX can do half of these; a value that the rule of a body needs becomes an operand."""
    lib, make = minijax, scenario(minijax)

    def looped(x, y):
        return lib.lax.scan(lambda c, _: (make(y)(c), c), x, None, length=2)[0]

    def branched(x, y):
        return lib.lax.cond(x > 0, lambda x: make(y)(x), lambda x: x, x)

    def called(x, y):
        return lib.jit(lambda x: make(y)(x))(x)

    def repeated(x, y):
        return lib.lax.fori_loop(0, 2, lambda i, c: make(y)(c), x)

    once = lib.grad(lambda x, y: make(y)(x))
    for f, n in (looped, 2), (branched, 1), (called, 1), (repeated, 2):
        want = float(once(X, Y))
        if n == 2:
            want *= float(once(make(Y)(X), Y))
        for g in lib.jit(lib.grad(f)), lib.grad(f), lib.jit(lib.jit(lib.grad(f))):
            np.testing.assert_allclose(g(X, Y), want, rtol=1e-5)
        batch = lib.vmap(lambda y: lib.grad(f)(X, y))(np.stack([Y, Y]))  # noqa: B023
        np.testing.assert_allclose(batch, [want, want], rtol=1e-5)


@table(Closures)
def test_grad_of_vmap_of_a_closure(scenario):
    """y is a batch where the function is called, and its rule runs later, in another trace."""
    lib, make = minijax, scenario(minijax)
    got = lib.grad(lambda x: lib.vmap(lambda x, y: make(y)(x))(x, V).sum())(V)
    want = [lib.grad(make(y))(x) for x, y in zip(V, V)]
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_a_closed_over_value_that_is_differentiated_is_an_error_that_says_so():
    for kind in "jvp", "vjp":
        make = getattr(Closures, f"{kind}_all")(minijax)
        for transform in minijax.grad, lambda f: minijax.jit(minijax.grad(f)), lambda f: (
                minijax.grad(minijax.jit(f))):
            with pytest.raises(UnexpectedTracerError, match="closes over.*as an argument"):
                transform(lambda y: make(y)(X))(Y)  # noqa: B023


# --- arguments that are set aside ----------------------------------------------------------------


class SetAside:
    def function(lib):
        f = with_jvp(lib, lambda g, x: g(x), lambda g, p, t: (f(g, *p), 7.0 * t[0]),
                     nondiff_argnums=(0,))
        grad = lib.grad(lambda x: f(lib.numpy.sin, x))
        return grad(X), lib.jit(grad)(X), lib.vmap(grad)(V)

    def by_name(lib):
        f = with_jvp(lib, lambda x, n: x ** n, lambda n, p, t: (f(*p, n), 7.0 * n * t[0]),
                     nondiff_argnames=("n",))
        return lib.grad(lambda x: f(x, 3))(X), lib.grad(lambda x: f(x, n=3))(X)

    def two_unsorted(lib):
        f = with_jvp(lib, lambda x, a, b: x * a - b,
                     lambda a, b, p, t: (f(*p, a, b), (7.0 * a - b) * t[0]),
                     nondiff_argnums=(2, 1))
        return lib.grad(lambda x: f(x, 10, 1))(X)

    def out_of_range(lib):
        return with_jvp(lib, lambda x: x, lambda n, p, t: (*p, *t), nondiff_argnums=(5,))(X)

    def not_hashable(lib):
        f = with_jvp(lib, lambda x, xs: x * len(xs), lambda xs, p, t: (f(*p, xs), 7.0 * t[0]),
                     nondiff_argnums=(1,))
        return lib.grad(f)(X, [1, 2]), lib.jit(lambda x: lib.grad(f)(x, [1, 2]))(X)

    def of_custom_vjp(lib):
        f = with_vjp(lib, lambda g, x, n: g(x) * n, lambda g, x, n: (f(g, x, n), x),
                     lambda g, n, x, ct: (g(x) * n * ct * 7.0,), nondiff_argnames=("g", "n"))
        grad = lib.grad(lambda x: f(lib.numpy.sin, x, n=3))
        return grad(X), lib.jit(grad)(X), lib.vmap(grad)(V)


def scaled(lib, kind):
    if kind == "jvp":
        f = with_jvp(lib, lambda x, s: x * s, lambda s, p, t: (f(*p, s), 7.0 * s * t[0]),
                     nondiff_argnums=(1,))
    else:
        f = with_vjp(lib, lambda x, s: x * s, lambda x, s: (f(x, s), None),
                     lambda s, _, ct: (7.0 * s * ct,), nondiff_argnums=(1,))
    return f


class SetAsideAndTraced:
    """custom_jvp takes them, as constants; custom_vjp refuses them."""

    def jit(lib, f):
        return lib.jit(lib.grad(f))(X, Y)

    def grad(lib, f):
        return lib.grad(f, (0, 1))(X, Y)

    def vmap(lib, f):
        return lib.vmap(f)(V, V), lib.vmap(lib.grad(f))(V, V), lib.vmap(lambda s: f(X, s))(V)

    def grad_vmap(lib, f):
        return lib.grad(lambda x, s: lib.vmap(f)(x, s).sum(), (0, 1))(V, V)

    def scan(lib, f):
        return lib.grad(lambda x: lib.lax.scan(lambda c, s: (f(c, s), c), x, V)[0])(X)

    def array(lib, f):
        return lib.grad(lambda x: f(x, lib.numpy.asarray(V)).sum())(X)


@table(SetAside)
def test_arguments_set_aside(scenario):
    agree(scenario)


@pytest.mark.parametrize("kind", ["jvp", "vjp"])
@table(SetAsideAndTraced)
def test_traced_arguments_set_aside(scenario, kind):
    agree(lambda lib: scenario(lib, scaled(lib, kind)))


def test_a_name_of_no_argument_is_an_error():
    with pytest.raises(ValueError, match=r"\['m'\].*\['x', 'n'\]"):
        minijax.custom_jvp(lambda x, n: x, nondiff_argnames=("m",))


# --- what rules get and return -------------------------------------------------------------------


class JVP:
    def integers(lib):
        f = with_jvp(lib, lambda x, n: x * n, lambda p, t: (f(*p), 7.0 * t[0]))
        return (lib.grad(f)(X, 2), lib.grad(lib.jit(f))(X, 2),
                lib.vmap(lib.grad(f))(V, np.arange(3)))

    def tangents_of_integers(lib):
        seen = []
        f = with_jvp(lib, lambda x, n: x * n, lambda p, t: (
            seen.append(str(t[1].dtype)), (f(*p), 7.0 * t[0]))[1])
        lib.grad(f)(X, 2)
        lib.jit(lib.grad(f))(X, np.int32(2))
        return seen

    def integer_results(lib):
        f = with_jvp(lib, lambda x: (x * 2, lib.numpy.int32(3)), lambda p, t: (
            f(*p), (7.0 * t[0], np.zeros((), lib.dtypes.float0))))
        return lib.grad(lambda x: f(x)[0])(X)

    def integer_tangents(lib):
        f = with_jvp(lib, lambda x: (x * 2, lib.numpy.int32(3)), lambda p, t: (
            f(*p), (7.0 * t[0], lib.numpy.int32(0))))
        return lib.grad(lambda x: f(x)[0])(X)

    def float0_tangent_of_a_float(lib):
        f = with_jvp(lib, lambda x: x, lambda p, t: (*p, np.zeros((), lib.dtypes.float0)))
        return lib.grad(f)(X)

    def none(lib):
        f = with_jvp(lib, lambda x, n: x * 2, lambda p, t: (f(*p), 7.0 * t[0]))
        return lib.grad(f)(X, None)

    def none_for_a_tangent(lib):
        return lib.grad(with_jvp(lib, lambda x: x, lambda p, t: (*p, None)))(X)

    def keywords_and_defaults(lib):
        f = with_jvp(lib, lambda x, y=Y: x * y, lambda p, t: (f(*p), 7.0 * t[0] + 5.0 * t[1]))
        return (lib.grad(lambda x: f(x))(X), lib.grad(lambda y: f(X, y=y))(X),
                lib.grad(lambda y: f(y=y, x=X))(X))

    def keyword_only(lib):
        def g(x, *, y=Y):
            return x * y

        return with_jvp(lib, g, lambda p, t: (*p, *t))(X, y=Y)

    def keyword_only_by_default(lib):
        def g(x, *, y=Y):
            return x * y

        f = with_jvp(lib, g, lambda p, t: (f(*p), 7.0 * t[0]))
        return lib.grad(f)(X)

    def unknown_keyword(lib):
        return with_jvp(lib, lambda x: x, lambda p, t: (*p, *t))(X, z=Y)

    def too_many_arguments(lib):
        return with_jvp(lib, lambda x: x, lambda p, t: (*p, *t))(X, Y)

    def variadic(lib):
        f = with_jvp(lib, lambda *xs: sum(xs), lambda p, t: (f(*p), 7.0 * t[1]))
        return lib.grad(f, (0, 1, 2))(X, X, X)

    def no_arguments(lib):
        f = with_jvp(lib, lambda: Y, lambda p, t: (Y, Y))
        return (f(), lib.jit(f)(), lib.grad(lambda x: x * f())(X), lib.vmap(lambda x: x * f())(V),
                lib.jit(lib.grad(lambda x: x * f()))(X))

    def one_rule_for_each_argument(lib):
        f = lib.custom_jvp(lambda x, y: lib.numpy.sin(x) * y)
        f.defjvps(lambda t, out, x, y: 7.0 * t * y, lambda t, out, x, y: 5.0 * t * out)
        return lib.grad(f, (0, 1))(X, Y), lib.jvp(lib.jit(f), (X, Y), (X, X))

    def one_rule_is_none(lib):
        f = lib.custom_jvp(lambda x, y: {"a": x * y})
        f.defjvps(lambda t, out, x, y: {"a": 7.0 * t}, None)
        return lib.grad(lambda *xs: f(*xs)["a"], (0, 1))(X, Y)

    def too_few_rules(lib):
        f = lib.custom_jvp(lambda x, y: x * y)
        f.defjvps(lambda t, out, x, y: t)
        return lib.grad(f)(X, Y)

    def rules_and_arguments_set_aside(lib):
        lib.custom_jvp(lambda x, y: x, nondiff_argnums=(1,)).defjvps(lambda t, out, x, y: t)

    def a_list_is_a_pair(lib):
        return lib.grad(with_jvp(lib, lambda x: x, lambda p, t: [p[0], 7.0 * t[0]]))(X)

    def results_of_another_structure(lib):
        return lib.grad(lib.jit(with_jvp(lib, lambda x: x, lambda p, t: (p, t))))(X)

    def results_of_another_shape(lib):
        return lib.grad(lib.jit(with_jvp(lib, lambda x: x, lambda p, t: (V, V))))(X)

    def results_of_another_dtype(lib):
        half = np.float16(1)
        return lib.grad(lib.jit(with_jvp(lib, lambda x: x, lambda p, t: (half, half))))(X)

    def no_array(lib):
        return with_jvp(lib, lambda x, s: x, lambda p, t: (*p, *t))(X, "text")

    def primal_that_depends_on_the_tangent(lib):
        return lib.grad(with_jvp(lib, lambda x: x, lambda p, t: (p[0] + t[0], t[0])))(X)

    def calls(lib):
        seen = []
        f = with_jvp(lib, lambda x: x, lambda p, t: (seen.append(1), (f(*p), t[0]))[1])
        f(X), lib.jit(f)(X), lib.vmap(f)(V)
        before = len(seen)
        lib.grad(f)(X)
        return str((before, len(seen)))

    def of_another_custom_function(lib):
        f = with_jvp(lib, lib.numpy.sin, lambda p, t: (f(*p), 7.0 * t[0]))
        g = with_vjp(lib, lambda x: f(x) * x, lambda x: (g(x), x),
                     lambda x, ct: (lib.grad(lambda x: f(x) * x)(x) * ct * 10.0,))
        return lib.grad(g)(X), lib.grad(lambda x: f(g(x)))(X), lib.grad(lib.grad(g))(X)


class VJP:
    def integers(lib):
        f = with_vjp(lib, lambda x, n: x * n, lambda x, n: (x * n, n),
                     lambda n, ct: (7.0 * ct, None))
        return (lib.grad(f)(X, 2), lib.jit(lib.grad(f))(X, 2),
                lib.vmap(lib.grad(f))(V, np.arange(3)))

    def cotangents_of_integers(lib):
        f = with_vjp(lib, lambda x, n: x * n, lambda x, n: (x * n, n),
                     lambda n, ct: (7.0 * ct, np.zeros((), lib.dtypes.float0)))
        return lib.grad(f)(X, 2), str(lib.grad(f, 1, allow_int=True)(X, 2).dtype)

    def integer_results(lib):
        seen = []

        def bwd(_, ct):
            seen.append(str(ct[1].dtype))
            return 7.0 * ct[0],

        f = with_vjp(lib, lambda x: (x * 2, lib.numpy.int32(3)), lambda x: (f(x), None), bwd)
        return lib.grad(lambda x: f(x)[0])(X), lib.grad(lib.jit(lambda x: f(x)[0]))(X), seen

    def unused_results(lib):
        f = with_vjp(lib, lambda x: (x * 2, x * 3), lambda x: (f(x), None),
                     lambda _, ct: (7.0 * ct[0] + 100.0 * ct[1],))
        return lib.grad(lambda x: f(x)[0])(X), lib.grad(lib.jit(lambda x: f(x)[1]))(X)

    def none(lib):
        f = with_vjp(lib, lambda x, n: x * 2, lambda x, n: (x * 2, n), lambda n, ct: (7.0 * ct, n))
        return lib.grad(f)(X, None)

    def none_for_a_cotangent(lib):
        f = with_vjp(lib, lambda d: d["a"] * d["b"], lambda d: (f(d), None),
                     lambda _, ct: ({"a": 7.0 * ct, "b": None},))
        return lib.grad(f)({"a": X, "b": Y})

    def none_for_all(lib):
        f = with_vjp(lib, lambda d: d["a"] * d["b"], lambda d: (f(d), None), lambda _, ct: (None,))
        return lib.grad(f)({"a": X, "b": Y}), lib.vmap(lib.grad(f))({"a": V, "b": V})

    def one_cotangent_for_a_pytree(lib):
        f = with_vjp(lib, lambda d: d["a"] * d["b"], lambda d: (f(d), None), lambda _, ct: (ct,))
        return lib.grad(f)({"a": X, "b": Y})

    def a_list_is_a_tuple(lib):
        return lib.grad(with_vjp(lib, lambda x: x, lambda x: (x, x), lambda _, ct: [7.0 * ct]))(X)

    def a_number_as_cotangent(lib):
        f = with_vjp(lib, lambda x: x, lambda x: (x, x), lambda _, ct: (np.float32(7),))
        return (lib.grad(f)(X), lib.vmap(lib.grad(f))(V),
                lib.grad(lambda x: lib.vmap(f)(x).sum())(V))

    def keywords_and_defaults(lib):
        f = with_vjp(lib, lambda x, y=Y: x * y, lambda x, y=Y: (x * y, None),
                     lambda _, ct: (7.0 * ct, 5.0 * ct))
        return (lib.grad(lambda x: f(x))(X), lib.grad(lambda y: f(X, y=y))(X),
                lib.grad(lambda y: f(y=y, x=X))(X))

    def unknown_keyword(lib):
        return with_vjp(lib, lambda x: x, lambda x: (x, x), lambda _, ct: (ct,))(X, z=Y)

    def no_arguments(lib):
        f = with_vjp(lib, lambda: Y, lambda: (Y, None), lambda _, ct: ())
        return (f(), lib.jit(f)(), lib.grad(lambda x: x * f())(X), lib.vmap(lambda x: x * f())(V),
                lib.jit(lib.grad(lambda x: x * f()))(X))

    def residuals(lib):
        f = with_vjp(lib, lambda x: x * 2, lambda x: (x * 2, {"n": 3, "x": x, "none": None}),
                     lambda r, ct: (r["n"] * r["x"] * ct,))
        return lib.grad(f)(X), lib.jit(lib.grad(f))(X), lib.vmap(lib.grad(f))(V)

    def residual_with_a_function(lib):
        f = with_vjp(lib, lambda x: x * 2,
                     lambda x: (x * 2, lib.tree_util.Partial(lambda y, ct: 7.0 * y * ct, x)),
                     lambda r, ct: (r(ct),))
        return lib.grad(f)(X), lib.jit(lib.grad(f))(X), lib.vmap(lib.grad(f))(V)

    def residual_that_is_no_array(lib):
        f = with_vjp(lib, lambda x: x, lambda x: (x, ("text", x)), lambda r, ct: (ct,))
        return lib.grad(f)(X)

    def fwd_of_another_structure(lib):
        f = with_vjp(lib, lambda x: x, lambda x: ((x,), x), lambda r, ct: (ct,))
        return lib.grad(lib.jit(f))(X)

    def fwd_of_another_shape(lib):
        f = with_vjp(lib, lambda x: x, lambda x: (V, x), lambda r, ct: (ct,))
        return lib.grad(lib.jit(f))(X)

    def a_tuple_for_a_dict(lib):
        f = with_vjp(lib, lambda d: d["a"], lambda d: (f(d), None), lambda _, ct: ((ct, ct),))
        return lib.grad(f)({"a": X, "b": Y})

    def forward_mode(lib):
        return lib.jvp(marked(lib, "vjp"), (X,), (X,))

    def forward_mode_under_jit(lib):
        return lib.jvp(lib.jit(marked(lib, "vjp")), (X,), (X,))

    def forward_mode_of_what_does_not_depend(lib):
        return lib.jvp(lambda x: marked(lib, "vjp")(X) * x, (X,), (X,))

    def complex_numbers(lib):
        f = with_vjp(lib, lambda z: z * z, lambda z: (z * z, z), lambda z, ct: (7.0 * z * ct,))
        return (lib.grad(f, holomorphic=True)(np.complex64(1 + 2j)),
                lib.grad(lambda x: lib.numpy.real(f(x + 1j)))(X))

    def along_another_axis(lib):
        f = with_vjp(lib, lambda x: lib.numpy.sin(x), lambda x: (f(x), x),
                     lambda x, ct: (7.0 * ct * x,))
        m = f32(3, 2)
        return (lib.vmap(lib.grad(lambda x: f(x).sum()), 1, 1)(m),
                lib.grad(lambda m: lib.vmap(f, 1)(m).sum())(m))

    def the_same_for_all(lib):
        f = with_vjp(lib, lambda x, w: x * w, lambda x, w: (x * w, (x, w)),
                     lambda r, ct: (7.0 * ct * r[1], 5.0 * ct * r[0]))
        return (lib.grad(lambda w: lib.vmap(f, (0, None))(V, w).sum())(X),
                lib.vmap(lib.grad(f, (0, 1)), (0, None))(V, X))

    def calls(lib):
        seen = []
        f = with_vjp(lib, lambda x: x, lambda x: (seen.append("fwd"), (x, x))[1],
                     lambda r, ct: (seen.append("bwd"), (ct,))[1])
        f(X), lib.jit(f)(X), lib.vmap(f)(V)
        before = len(seen)
        pull = lib.vjp(f, X)[1]
        middle = len(seen)
        pull(X)
        return str((before, middle, len(seen)))


class Boom(Exception):
    pass


def boom(*_):
    raise Boom("in a rule")


class Exceptions:
    """An exception in a rule passes through as it is, and the next call works."""

    def in_jvp(lib):
        return lib.grad(with_jvp(lib, lambda x: x, boom))(X)

    def in_jvp_under_all(lib):
        f = with_jvp(lib, lambda x: x, boom)
        return lib.jit(lib.vmap(lib.grad(lib.jit(f))))(V)

    def in_fwd(lib):
        return lib.vmap(lib.grad(with_vjp(lib, lambda x: x, boom, boom)))(V)

    def in_bwd(lib):
        return lib.grad(lib.jit(with_vjp(lib, lambda x: x, lambda x: (x, x), boom)))(X)

    def in_the_function(lib):
        return lib.jit(with_vjp(lib, boom, boom, boom))(X)


class SymbolicZeros:
    def jvp(lib):
        seen = []

        def rule(p, t):
            seen.append([type(x).__name__ == "SymbolicZero" for x in t])
            return f(*p), t[0] if seen[-1][0] else 7.0 * t[0]

        f = with_jvp(lib, lambda x, y: x * y, rule, symbolic_zeros=True)
        return lib.grad(f)(X, Y), lib.grad(f, 1)(X, Y), lib.grad(f, (0, 1))(X, Y), seen

    def jvp_everywhere(lib):
        f = with_jvp(lib, lambda x, y: x * y, lambda p, t: (f(*p), 7.0 * t[0]), symbolic_zeros=True)
        return (lib.grad(lib.jit(f))(X, Y), lib.vmap(lib.grad(f))(V, V),
                lib.grad(lambda x: lib.vmap(f, (0, None))(x, Y).sum())(V),
                lib.grad(lambda x: lib.lax.scan(lambda c, y: (f(c, y), None), x, V)[0])(X))

    def jvp_type(lib):
        seen = []

        def rule(p, t):
            seen.append([str(t[1].shape), str(t[1].dtype), str(t[1].ndim)])
            return f(*p), 7.0 * t[0]

        f = with_jvp(lib, lambda x, y: x * y.sum(), rule, symbolic_zeros=True)
        lib.grad(f)(X, V)
        return seen

    def vjp(lib):
        seen = []

        def fwd(x, y):
            seen.append([x.perturbed, y.perturbed])
            return x.value * y.value, None

        f = with_vjp(lib, lambda x, y: x * y, fwd, lambda _, ct: (7.0 * ct, 5.0 * ct),
                     symbolic_zeros=True)
        return (lib.grad(f)(X, Y), lib.grad(f, 1)(X, Y), lib.grad(f, (0, 1))(X, Y),
                lib.grad(lib.jit(f))(X, Y),
                lib.grad(lambda x: lib.vmap(f, (0, None))(x, Y).sum())(V), seen)

    def bwd(lib):
        seen = []

        def bwd(_, ct):
            seen.append([type(x).__name__ == "SymbolicZero" for x in ct])
            return 7.0 * ct[0],

        f = with_vjp(lib, lambda x: (x * 2, x * 3), lambda x: ((x.value * 2, x.value * 3), None),
                     bwd, symbolic_zeros=True)
        out = (lib.grad(lambda x: f(x)[0])(X), lib.grad(lib.jit(lambda x: f(x)[0]))(X),
               lib.grad(lambda x: lib.vmap(f)(x)[0].sum())(V))
        return *out, seen[0], seen[-1]

    def bwd_returns_one(lib):
        f = with_vjp(lib, lambda x: (x * 2, x * 3), lambda x: ((x.value * 2, x.value * 3), None),
                     lambda _, ct: (ct[1],), symbolic_zeros=True)
        return lib.grad(lambda x: f(x)[0])(X)

    def values_of_a_pytree(lib):
        module = __import__(f"{lib.__name__}.custom_derivatives", fromlist=["_"])

        def fwd(d):
            d = module.custom_vjp_primal_tree_values(d)
            return d["a"] * d["b"], None

        f = with_vjp(lib, lambda d: d["a"] * d["b"], fwd,
                     lambda _, ct: ({"a": 7.0 * ct, "b": ct},), symbolic_zeros=True)
        return lib.grad(f)({"a": X, "b": Y})

    def with_optimize_remat(lib):
        f = lib.custom_vjp(lambda x: x)
        f.defvjp(lambda x: (x, None), lambda _, ct: (ct,), symbolic_zeros=True, optimize_remat=True)


class ProgramsInRules:
    """Calls, branches and loops in a rule mix primals and tangents; they are taken apart."""

    def jit(lib):
        f = with_jvp(lib, lib.numpy.sin, lib.jit(lambda p, t: (lib.numpy.sin(p[0]),
                                                               7.0 * p[0] * t[0])))
        return lib.grad(f)(X), lib.vmap(lib.grad(f))(V), lib.grad(lib.grad(f))(X)

    def jit_in_jit(lib):
        inner = lib.jit(lambda x, t: (lib.numpy.sin(x), 7.0 * x * t))
        outer = lib.jit(lambda x, t: inner(x, t))
        f = with_jvp(lib, lib.numpy.sin, lambda p, t: outer(*p, *t))
        return (lib.grad(f)(X), lib.vmap(lib.grad(f))(V), lib.grad(lib.grad(f))(X),
                lib.grad(lib.jit(f))(X))

    def cond(lib):
        f = with_jvp(lib, lib.numpy.sin, lambda p, t: lib.lax.cond(
            p[0] > 0.4, lib.jit(lambda x, t: (lib.numpy.sin(x), 7.0 * x * t)),
            lambda x, t: (x, t), *p, *t))
        return lib.grad(f)(X), lib.vmap(lib.grad(f))(V), lib.grad(lib.jit(f))(X)

    def scan(lib):
        step = lib.jit(lambda c, _: ((lib.numpy.sin(c[0]), 7.0 * c[0] * c[1]), None))
        f = with_jvp(lib, lambda x: lib.numpy.sin(lib.numpy.sin(x)), lambda p, t: lib.lax.scan(
            step, (*p, *t), None, length=2)[0])
        return lib.grad(f)(X), lib.vmap(lib.grad(f))(V), lib.grad(lib.jit(f))(X)

    def while_loop(lib):
        f = with_jvp(lib, lambda x: lib.numpy.sin(lib.numpy.sin(x)), lambda p, t: (
            lib.lax.while_loop(lambda s: s[0] < 2, lambda c: (
                c[0] + 1, lib.numpy.sin(c[1]), 7.0 * c[1] * c[2]), (0, *p, *t))[1:]))
        return lib.jvp(f, (X,), (X,)), lib.linearize(f, X)[1](X)

    def checkpoint(lib):
        f = with_jvp(lib, lib.numpy.sin, lambda p, t: lib.checkpoint(
            lambda x, t: (lib.numpy.sin(x), 7.0 * lib.numpy.cos(x) * t))(*p, *t))
        return lib.grad(f)(X), lib.vmap(lib.grad(f))(V), lib.grad(lib.jit(f))(X)


class CustomGradient:
    def everywhere(lib):
        f = lib.custom_gradient(lambda x: (x ** 2, lambda ct: (ct * x,)))
        return (f(X), lib.grad(f)(X), lib.jit(lib.grad(f))(X), lib.vmap(lib.grad(f))(V),
                lib.grad(lib.jit(f))(X),
                lib.grad(lambda x: lib.lax.scan(lambda c, y: (f(c) * y, None), x, V)[0])(X))

    def two_arguments(lib):
        f = lib.custom_gradient(lambda x, y: (x * y, lambda ct: (ct * y, ct * 7.0)))
        return lib.grad(f, (0, 1))(X, Y)

    def bare_cotangent(lib):
        return lib.grad(lib.custom_gradient(lambda x: (x ** 2, lambda ct: ct * x)))(X)

    def pytrees(lib):
        f = lib.custom_gradient(lambda d: ({"o": d["a"] * d["b"]}, lambda ct: (
            {"a": ct["o"] * 5.0, "b": ct["o"] * 7.0},)))
        return lib.grad(lambda d: f(d)["o"])({"a": X, "b": Y})

    def second_order(lib):
        f = lib.custom_gradient(lambda x: (lib.numpy.sin(x), lambda ct: (ct * lib.numpy.cos(x),)))
        return lib.grad(lib.grad(f))(X)

    def closure(lib):
        def outer(y):
            return lib.grad(lib.custom_gradient(lambda x: (x * y, lambda ct: (ct * y * 7.0,))))(X)

        return lib.jit(outer)(Y), lib.vmap(outer)(V)

    def no_pair(lib):
        return lib.grad(lib.custom_gradient(lambda x: x))(X)


class ClosureConvert:
    def derivatives(lib):
        def outer(x, y):
            f, values = lib.closure_convert(lambda z: z * y + lib.numpy.sin(y), x)
            return f(x, *values)

        grad = lib.grad(outer, (0, 1))
        return outer(X, Y), grad(X, Y), lib.jit(grad)(X, Y), lib.vmap(grad)(V, V)

    def what_is_hoisted(lib):
        counts = []

        def outer(x, y, k):
            f, values = lib.closure_convert(lambda z: z * y + k.sum() + 3.0, x)
            counts.append(str(len(values)))
            return f(x, *values)

        outer(X, Y, V)
        lib.grad(outer)(X, Y, V)
        lib.grad(outer, 1)(X, Y, V)
        lib.jit(outer)(X, Y, V)
        lib.vmap(outer, (None, 0, None))(X, V, V)
        lib.vmap(lib.grad(outer, 1), (None, 0, None))(X, V, V)
        lib.jit(lambda x, y: outer(x, y, lib.numpy.arange(3)))(X, Y)
        return counts

    def for_a_custom_rule(lib):
        @functools.partial(lib.custom_vjp, nondiff_argnums=(0,))
        def apply(f, x, *values):
            return f(x, *values)

        apply.defvjp(lambda f, x, *values: (apply(f, x, *values), values),
                     lambda f, values, ct: (7.0 * ct, *(5.0 * ct for _ in values)))

        def outer(x, y):
            f, values = lib.closure_convert(lambda z: z * y, x)
            return apply(f, x, *values)

        return lib.grad(outer, (0, 1))(X, Y)

    def other_arguments(lib):
        f, values = lib.closure_convert(lambda z: z * 2, X)
        return f((X, Y), *values)

    def pytrees(lib):
        f, values = lib.closure_convert(lambda d: {"o": d["a"] * 2}, {"a": X})
        return f({"a": Y}, *values)


@table(JVP, VJP, Exceptions, SymbolicZeros, ProgramsInRules, CustomGradient, ClosureConvert)
def test_scenarios(scenario):
    agree(scenario)


def test_an_exception_in_a_rule_leaves_nothing_behind():
    f = with_jvp(minijax, lambda x: x * x, boom)
    for transform in minijax.grad, lambda f: minijax.jit(minijax.grad(minijax.jit(f))), (
            lambda f: lambda x: minijax.vmap(minijax.grad(f))(np.stack([x, x]))):
        with pytest.raises(Boom, match="in a rule"):
            transform(f)(X)
        assert f(X) == X * X
        assert minijax.grad(lambda x: x * x)(X) == 2 * X


def test_closure_convert_takes_keywords_of_custom_gradient():
    f = minijax.custom_gradient(lambda x, y=Y: (x * y, lambda ct: (ct * y, ct * x)))
    assert minijax.grad(lambda x: f(x, y=X))(Y) == X


# --- messages ------------------------------------------------------------------------------------


def params_rule(bwd):
    def use(lib):
        def network(params, x):
            return params["w"] * x

        f = with_vjp(lib, network, lambda params, x: (network(params, x), x), bwd)
        return lib.grad(f)({"w": X, "b": V}, Y)

    return use


MESSAGES = {
    "the path of an argument": (params_rule(lambda x, ct: ({"w": V, "b": None}, None)),
                                r"params\['w'\]", r"float32\[\]", r"float32\[3\]", "network"),
    "the path in a pytree": (params_rule(lambda x, ct: ({"w": ct}, None)),
                             "network", "structure", r"'b'", "None for it"),
    "a bare cotangent": (params_rule(lambda x, ct: ct), "network", r"return \(ct,\)"),
    "a complex cotangent": (params_rule(lambda x, ct: ({"w": 1j * ct, "b": None}, None)),
                            r"params\['w'\]", r"complex64\[\]"),
    "a variadic argument": (lambda lib: lib.grad(with_vjp(
        lib, lambda *xs: xs[0], lambda *xs: (xs[0], None), lambda _, ct: (ct, V)), 1)(X, Y),
        r"argument xs\[1\]"),
    "the path of a tangent": (lambda lib: lib.grad(lambda x: with_jvp(
        lib, lambda x: {"a": x}, lambda p, t: ({"a": p[0]}, {"a": V}))(x)["a"])(X),
        r"\['a'\]", r"float32\[\]", r"float32\[3\]"),
    "what the function returns": (lambda lib: lib.grad(lib.jit(with_jvp(
        lib, lambda x: (x, x), lambda p, t: (V, V))))(X), r"float32\[3\]",
        r"\(float32\[\], float32\[\]\)"),
    "a residual": (lambda lib: lib.grad(with_vjp(
        lib, lambda x: x, lambda x: (x, {"a": "text"}), lambda _, ct: (ct,)))(X),
        r"residual at \['a'\]", "str"),
    "a result": (lambda lib: with_jvp(lib, lambda x: {"a": "text"}, boom)(X), r"\['a'\]", "str"),
    "keywords": (lambda lib: with_jvp(lib, lambda x: x, boom)(X, z=Y), "z", "positions"),
}


@pytest.mark.parametrize("misuse", MESSAGES.values(), ids=MESSAGES)
def test_messages(misuse):
    use, *words = misuse
    with pytest.raises((TypeError, ValueError)) as error:
        use(minijax)
    for word in words:
        error.match(word)


def test_a_rule_of_another_function_is_not_taken_over():
    inner = with_jvp(minijax, lambda x: x, lambda p, t: (*p, *t))
    with pytest.raises(AttributeError, match="defjvp"):
        minijax.custom_jvp(inner)(X)


# --- the programs --------------------------------------------------------------------------------


def printed(lib: Any) -> list[str]:
    f = with_jvp(lib, lambda x, y: x * y, lambda p, t: (f(*p), t[0]))
    g = with_vjp(lib, lambda x, y: x * y, lambda x, y: (g(x, y), x), lambda r, ct: (r * ct, ct))
    return [str(lib.make_jaxpr(h)(X, Y)) for h in (
        f, g, lib.jit(f), lib.grad(f), lib.grad(g),
        lambda x, y: lib.jvp(lambda x: g(x, y), (x,), (x,)))] + [
        str(lib.make_jaxpr(lib.vmap(h))(V, V)) for h in (f, g)]


def test_programs_are_printed_as_in_jax():
    assert printed(minijax) == printed(jax)
