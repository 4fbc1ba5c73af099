"""Laws of the interpreters: they compose, keep apart what is nested, and clean up after errors."""

from __future__ import annotations

import gc
import itertools
import threading
import weakref

import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp
from minijax.core import EvalTrace, ShapedArray, current_trace
from minijax.families import Elementwise
from tests.tiers import thinned

# --- compositions ----------------------------------------------------------------------------

# Each function of one scalar, and its derivatives in closed form.
FUNCTIONS = {
    "sin(x) x": [
        lambda x: jnp.sin(x) * x,
        lambda x: np.cos(x) * x + np.sin(x),
        lambda x: -np.sin(x) * x + 2 * np.cos(x),
        lambda x: -np.cos(x) * x - 3 * np.sin(x),
    ],
    "polynomial": [
        lambda x: x ** 3 - 2.0 * x,
        lambda x: 3 * x ** 2 - 2,
        lambda x: 6 * x,
        lambda x: 6 + 0 * x,
    ],
    "where": [
        lambda x: jnp.where(x > 0, jnp.exp(x), x * x),
        lambda x: np.where(x > 0, np.exp(x), 2 * x),
        lambda x: np.where(x > 0, np.exp(x), 2),
        lambda x: np.where(x > 0, np.exp(x), 0),
    ],
    "reduction": [
        lambda x: jnp.sum(jnp.tanh(x * jnp.array([0.5, -1.0]))),
        lambda x: 0.5 / np.cosh(x / 2) ** 2 - 1 / np.cosh(x) ** 2,
        None, None,
    ],
    "jitted inside": [
        lambda x: jax.jit(lambda y: jnp.log(y * y + 1.0) * x)(x),
        lambda x: 2 * x * x / (x * x + 1) + np.log(x * x + 1),
        None, None,
    ],
    "custom rule": [
        lambda x: jax.nn.relu(x) * x,
        lambda x: np.where(x > 0, 2 * x, 0),
        lambda x: np.where(x > 0, 2, 0),
        None,
    ],
}


def forward_derivative(f):
    return lambda x: jax.jvp(f, (x,), (jnp.ones_like(x),))[1]


def linearized(f):
    return lambda x: jax.linearize(f, x)[1](jnp.ones_like(x))


def mapped(f):
    return lambda x: jax.vmap(f)(jnp.stack([x, x + 1.0]))[0]


STEPS = {  # a transformation, and by how many orders it differentiates
    "jit": (jax.jit, 0),
    "vmap": (mapped, 0),
    "grad": (jax.grad, 1),
    "jvp": (forward_derivative, 1),
    "linearize": (linearized, 1),
}
POINTS = [0.7, -1.3]


@pytest.mark.parametrize("case", thinned(
    itertools.product(FUNCTIONS, [1, 2, 3, 4]), kind=lambda c: c if c[1] < 4 else 4,
    name=lambda c: f"{c[0]}-{c[1]}"))
def test_compositions(case):
    name, depth = case
    f, *derivatives = FUNCTIONS[name]
    expected = [np.vectorize(lambda x: float(f(jnp.float32(x)))), *derivatives]
    for steps in itertools.product(STEPS, repeat=depth):
        order = sum(STEPS[s][1] for s in steps)
        if order >= len(expected) or expected[order] is None:
            continue
        if depth == 4 and len(set(steps)) < 3:  # the rest says little that depth three did not
            continue
        g = f
        for s in steps:
            g = STEPS[s][0](g)
        for x in POINTS:
            np.testing.assert_allclose(g(jnp.float32(x)), expected[order](x), rtol=2e-4, atol=2e-5,
                                       err_msg=f"{' of '.join(reversed(steps))} at {x}")


# --- nesting -----------------------------------------------------------------------------------


def test_perturbations_are_kept_apart():
    def outer(x):
        return x * jax.jvp(lambda y: x, (0.0,), (1.0,))[1]

    assert jax.jvp(outer, (1.0,), (1.0,)) == (0.0, 0.0)
    assert jax.grad(lambda x: x * jax.grad(lambda y: x + y)(1.0))(3.0) == 1.0
    assert jax.grad(lambda x: x * jax.grad(lambda y: x * y)(1.0))(3.0) == 6.0


def test_functions_close_over_values_of_every_enclosing_interpreter():
    def f(x):
        @jax.jit
        def bar(y):
            def baz(w):
                q = jax.jit(lambda x: y)(x)
                q = q + jax.jit(lambda: y)()
                q = q + jax.jit(lambda y: w + y)(y)
                return jax.jit(lambda w: jax.jit(jnp.sin)(x) * y)(1.0) + q

            p, t = jax.jvp(baz, (x + 1.0,), (y,))
            return t + x * p

        return bar(x)

    def expected(x):
        return x + x * (x + x + (x + 1 + x) + np.sin(x) * x)

    step = 1e-3
    slope = (expected(3 + step) - expected(3 - step)) / (2 * step)
    np.testing.assert_allclose(f(3.0), expected(3.0), rtol=1e-6)
    np.testing.assert_allclose(jax.jit(f)(3.0), expected(3.0), rtol=1e-6)
    for derivative in (jax.grad(f), jax.grad(jax.jit(f)), jax.jit(jax.grad(f))):
        np.testing.assert_allclose(derivative(3.0), slope, rtol=1e-4)
    xs = jnp.array([1.0, 3.0])
    np.testing.assert_allclose(jax.vmap(jax.grad(f))(xs)[1], slope, rtol=1e-4)


def test_a_program_that_closes_over_a_traced_value_is_not_kept():
    def outer(x):
        return jax.jit(lambda y: x * y)(2.0)

    xs = jnp.arange(3.0)
    np.testing.assert_allclose(jax.vmap(outer)(xs), 2 * xs)
    np.testing.assert_allclose(jax.vmap(jax.grad(outer))(xs), [2, 2, 2])

    def g(z):
        return z * state[0]

    state = [2.0]
    state[0] = jnp.float32(5.0)
    assert jax.jit(g)(1.0) == 5.0


def test_python_control_flow_works_where_values_are_known():
    def f(x):
        return x * x if x > 0 else -x

    assert jax.grad(f)(3.0) == 6.0
    assert jax.grad(f)(-3.0) == -1.0
    assert jax.jvp(f, (3.0,), (1.0,)) == (9.0, 6.0)
    assert jax.grad(jax.grad(f))(3.0) == 2.0
    with pytest.raises(jax.errors.TracerBoolConversionError, match="argument x"):
        jax.jit(f)(3.0)
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.vmap(f)(jnp.arange(3.0))
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.jit(jax.grad(f))(3.0)


def test_everything_is_staged():
    jaxpr = jax.make_jaxpr(lambda: jnp.multiply(2.0, 2.0))()
    assert len(jaxpr.eqns) == 1 and not jaxpr.invars


# --- traces end ----------------------------------------------------------------------------------


@pytest.mark.parametrize("transform", [
    jax.jit, jax.grad, lambda f: jax.vmap(f), jax.make_jaxpr,
    lambda f: lambda x: jax.jvp(f, (x,), (x,)), lambda f: lambda x: jax.linearize(f, x)])
def test_a_leaked_tracer_is_an_error_at_first_use(transform):
    box = []

    def leaky(x):
        box.append(x * 2.0)
        return jnp.sum(x)

    x = jnp.ones(3) if transform is not jax.grad else 1.0
    transform(leaky)(x)
    for use in (lambda: box[0] + 1.0, lambda: jnp.sin(box[0]), lambda: jax.jit(jnp.sin)(box[0]),
                lambda: jax.grad(lambda y: y * jnp.sum(box[0]))(1.0),
                lambda: jax.jit(lambda y: y + box[0])(1.0), lambda: jnp.asarray(box[0]),
                lambda: jnp.array(box[0]), lambda: jnp.array([box[0], box[0]]),
                lambda: jnp.stack([box[0], box[0]]), lambda: jnp.ravel(box[0]).real,
                lambda: jnp.ones(3).at[0].set(box[0]), lambda: box[0].T):
        with pytest.raises(jax.errors.UnexpectedTracerError, match="leaky.*test_spine.py"):
            use()
    assert jnp.sin(0.0) == 0.0


def test_device_get_leaves_what_is_traced():
    assert jax.grad(lambda x: jax.device_get({"x": x})["x"] ** 2)(3.0) == 6.0


def test_an_exception_mid_trace_leaves_nothing_behind():
    def broken(x):
        raise ZeroDivisionError

    for transform in (jax.jit, jax.grad, jax.make_jaxpr, lambda f: jax.jit(jax.grad(f))):
        with pytest.raises(ZeroDivisionError):
            transform(broken)(1.0)
        assert type(current_trace()) is EvalTrace
    with pytest.raises(ZeroDivisionError):
        jax.vmap(broken)(jnp.ones(2))
    assert jax.jit(jax.grad(lambda x: x * x))(3.0) == 6.0


def test_threads_do_not_see_each_other():
    results, errors = [], []

    def work(i):
        try:
            for _ in range(20):
                results.append(float(jax.jit(jax.grad(lambda x: jnp.sin(x) * i))(0.0)) - i)
        except Exception as error:  # reported below, in the main thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors and len(results) == 80 and max(map(abs, results)) < 1e-5


# --- caches --------------------------------------------------------------------------------------


def test_a_function_is_traced_once_for_each_type():
    calls = []

    def f(x):
        calls.append(x.aval)
        return x * 2

    for _ in range(3):
        jax.jit(f)(1.0)
    assert len(calls) == 1
    jax.jit(f)(2.5)
    assert len(calls) == 1
    jax.jit(f)(1)
    jax.jit(f)(jnp.ones(3))
    jax.jit(f)(np.ones(3, np.float32))
    assert len(calls) == 3
    with jax.enable_x64(True):
        jax.jit(f)(1.0)
    assert len(calls) == 4


def test_caches_die_with_what_they_describe():
    def use_and_drop():
        big = jnp.arange(1000.0)
        f = jax.jit(lambda x: jnp.sum(x * big))
        assert jax.grad(f)(jnp.ones(1000)).shape == (1000,)
        assert jax.jit(jax.vmap(jax.grad(f)))(jnp.ones((2, 1000))).shape == (2, 1000)
        return weakref.ref(big)

    alive = use_and_drop()
    gc.collect()
    assert alive() is None


# --- programs ------------------------------------------------------------------------------------


def test_a_linear_program_holds_only_linear_operations():
    def f(x):
        return jnp.sum(jnp.tanh(jnp.exp(x) @ jnp.ones((3, 2))) * x[:2])

    _, f_jvp = jax.linearize(f, jnp.arange(3.0))
    jaxpr = f_jvp.jaxpr
    nonlinear = {"exp", "tanh", "sin", "cos", "log", "div", "pow"}
    assert not nonlinear & {e.primitive.name for e in jaxpr.eqns}, jaxpr


def test_linearize_does_not_run_the_function_again():
    calls = []

    def f(x):
        calls.append(1)
        return jnp.sin(x) * x

    _, f_jvp = jax.linearize(f, 2.0)
    out = [float(f_jvp(t)) for t in (1.0, 2.0, 3.0)]
    assert len(calls) == 1
    np.testing.assert_allclose(out, np.array([1, 2, 3]) * (2 * np.cos(2) + np.sin(2)), rtol=1e-6)


def test_a_jaxpr_is_a_function():
    jaxpr = jax.make_jaxpr(lambda x, y: (jnp.sin(x) * y, y))(1.0, 2.0)
    a, b = jaxpr(jnp.float32(1.0), jnp.float32(2.0))
    np.testing.assert_allclose(a, np.sin(1.0) * 2, rtol=1e-6)
    assert b == 2.0
    np.testing.assert_allclose(jax.grad(lambda x: jaxpr(x, jnp.float32(2.0))[0])(1.0),
                               2 * np.cos(1.0), rtol=1e-6)


def test_cost_is_linear_and_nothing_recurses():
    def f(x):
        for _ in range(10_000):
            x = jnp.sin(x)
        return x

    jaxpr = jax.make_jaxpr(f)(1.0)
    assert len(jaxpr.eqns) == 10_000 and len(str(jaxpr).splitlines()) == 10_002
    assert np.isfinite(jax.grad(f)(1.0)) and np.isfinite(jax.jit(jax.grad(f))(1.0))
    assert jax.vmap(jax.jit(f))(jnp.ones(3)).shape == (3,)


# --- what reviews found -----------------------------------------------------------------------


@pytest.mark.parametrize("convert", [float, complex, lambda x: x.tolist()])
def test_a_python_number_is_refused_where_it_would_lose_the_tangent(convert):
    def use(x):
        return convert(x) * x

    for call in (lambda: jax.grad(use)(2.0), lambda: jax.jit(use)(2.0),
                 lambda: jax.vmap(use)(jnp.ones(2)), lambda: jax.jvp(use, (2.0,), (1.0,))):
        with pytest.raises(jax.errors.ConcretizationTypeError):
            call()
    assert jax.grad(lambda x: x * x.item())(2.0) == 2.0


def test_static_arguments_of_different_types_are_different():
    f = jax.jit(lambda n: jnp.zeros(1, type(n)), static_argnums=0)
    assert [f(n).dtype for n in (1, 1.0, True)] == [np.int32, np.float32, np.bool_]


def test_floats_become_integers_as_in_xla():
    x = jnp.array([1e10, np.nan, -1.5, np.inf, -3e9])
    big = 2 ** 31 - 1
    assert x.astype(jnp.int32).tolist() == [big, 0, -1, big, -big - 1]
    assert x.astype(jnp.uint8).tolist() == [255, 0, 0, 255, 0]


def test_methods_of_arrays_are_methods_of_tracers():
    x = jnp.arange(4.0)
    np.testing.assert_allclose(jax.jit(lambda x: x.var())(x), 1.25)
    assert jax.jacfwd(jnp.sin)(x).shape == (4, 4)
    assert all(type(n) is int for n in jax.jacrev(jnp.sin)(x).shape)


def test_an_argument_is_differentiated_once():
    with pytest.raises(TypeError, match="twice"):
        jax.grad(lambda x, y: x * y, argnums=(0, 0))(1.0, 2.0)


def test_custom_functions_take_python_scalars():
    np.testing.assert_allclose(jax.grad(jnp.logaddexp)(1.0, 2.0), 0.26894143, rtol=1e-5)


def test_a_forgotten_partial_derivative_is_an_error():
    product = Elementwise("product", np.multiply, lambda out, x, y: y)
    with pytest.raises(TypeError, match="product takes 2 operands"):
        jax.grad(product, argnums=1)(2.0, 3.0)
    with pytest.raises(NotImplementedError, match="Differentiation rule for 'bad'"):
        jax.grad(Elementwise("bad", np.sin))(1.0)


def test_an_operation_s_own_typing_rule_is_heard():
    class Positive(Elementwise):
        def abstract_eval(self, x):
            return ShapedArray(x.shape, np.bool_)

    positive = Positive("positive", lambda x: x > 0)
    assert positive(jnp.ones(2)).dtype == np.bool_


def test_a_tracer_is_an_array_with_every_method():
    seen = []
    jax.jit(lambda x: seen.append((isinstance(x, jax.Array), x.trace())))(jnp.eye(2))
    assert seen[0][0]
    np.testing.assert_allclose(jax.jit(lambda x: x.trace())(jnp.eye(3)), 3.0)


@pytest.mark.parametrize("call", [
    lambda: jax.lax.lt(jnp.arange(3), 1.5), lambda: jax.lax.mul(jnp.arange(3), 0.5),
    lambda: jax.lax.clamp(0.5, jnp.arange(3), 1.5), lambda: jax.lax.add(jnp.arange(3.0), 1j),
    lambda: jax.lax.select(True, jnp.array(1), 2.5)])
def test_a_python_number_is_not_cut_to_the_dtype_of_an_array(call):
    with pytest.raises(TypeError):
        call()
