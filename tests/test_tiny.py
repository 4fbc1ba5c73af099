"""The whole library on one screen or two. Start here: each test is something that one can do.

Everything runs in two seconds. The other files state laws of the same things, for many cases.
"""

import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp


def f(x):
    return jnp.sin(x) * x


# --- run it, write it down ---------------------------------------------------------------------


def test_run():
    x = jnp.arange(3.0)
    assert f(x).tolist() == pytest.approx([0, np.sin(1), 2 * np.sin(2)])
    assert repr(x + 1) == "Array([1., 2., 3.], dtype=float32)"
    assert x.at[0].set(5).tolist() == [5, 1, 2] and x.tolist() == [0, 1, 2]  # arrays do not change


def test_trace_print_and_evaluate():
    jaxpr = jax.make_jaxpr(f)(2.0)
    assert str(jaxpr) == "{ lambda ; a:f32[]. let b:f32[] = sin a; c:f32[] = mul b a in (c,) }"
    assert jaxpr(jnp.float32(2.0)) == [f(2.0)]


# --- differentiate it --------------------------------------------------------------------------


def test_jvp_pushes_a_tangent_forwards():
    y, t = jax.jvp(f, (2.0,), (1.0,))
    assert y == f(2.0) and t == pytest.approx(np.cos(2) * 2 + np.sin(2))


def test_linearize_splits_off_the_linear_part():
    y, f_lin = jax.linearize(f, 2.0)
    assert y == f(2.0) and f_lin(3.0) == pytest.approx(3 * float(f_lin(1.0)))
    assert {str(e.primitive) for e in f_lin.jaxpr.eqns} <= {"mul", "add_any"}


def test_vjp_pulls_a_cotangent_back():
    y, pull = jax.vjp(lambda x, w: x @ w, jnp.ones((2, 3)), jnp.ones((3, 4)))
    dx, dw = pull(jnp.ones_like(y))
    assert dx.shape == (2, 3) and dw.tolist() == [[2] * 4] * 3


def test_grad():
    df, d2f = jax.grad(f), jax.grad(jax.grad(f))
    assert df(2.0) == pytest.approx(np.cos(2) * 2 + np.sin(2))
    assert d2f(2.0) == pytest.approx(2 * np.cos(2) - 2 * np.sin(2))
    assert jax.hessian(lambda x: x @ x)(jnp.ones(2)).tolist() == [[2, 0], [0, 2]]


def test_custom_rule():
    @jax.custom_jvp
    def log1pexp(x):
        return jnp.log(1 + jnp.exp(x))

    log1pexp.defjvps(lambda t, out, x: t * jax.nn.sigmoid(x))
    assert jax.grad(log1pexp)(100.0) == 1  # by the formula above it were inf / inf


# --- map it, compile it, loop ------------------------------------------------------------------


def test_vmap():
    xs, w = jnp.arange(6.0).reshape(3, 2), jnp.ones(2)
    assert jax.vmap(jnp.dot, (0, None))(xs, w).tolist() == [1, 5, 9]
    share = jax.vmap(lambda x: x / jax.lax.psum(x, "i"), axis_name="i")
    assert share(jnp.array([1.0, 3.0])).tolist() == [0.25, 0.75]


def test_jit_traces_once_for_each_type():
    traced = []

    @jax.jit
    def g(x):
        traced.append(x.shape)
        return f(x)

    assert g(1.0) == g(1.0) == f(1.0) and g(jnp.ones(2)).shape == (2,)
    assert traced == [(), (2,)]


def test_they_compose():
    slopes = jax.jit(jax.vmap(jax.grad(f)))
    assert slopes(jnp.arange(3.0)).tolist() == pytest.approx(
        [float(jax.grad(f)(float(x))) for x in range(3)])


def test_loops_and_branches():
    def power(x, n):
        return jax.lax.fori_loop(0, n, lambda i, y: y * x, 1.0)

    assert jax.jit(power)(2.0, 10) == 1024
    assert jax.lax.scan(lambda s, x: (s + x, s), 0.0, jnp.arange(4.0))[1].tolist() == [0, 0, 1, 3]
    assert jax.grad(lambda x: jax.lax.cond(x > 0, jnp.square, jnp.negative, x))(3.0) == 6


# --- pytrees, random numbers, and a network that learns ------------------------------------------


def test_pytrees():
    params = {"w": jnp.ones(2), "b": (1.0, None)}
    g = jax.grad(lambda p: jnp.sum(p["w"]) * p["b"][0])(params)
    assert g["w"].tolist() == [1, 1] and g["b"] == (2.0, None)
    assert jax.tree.leaves(jax.tree.map(jnp.size, params)) == [1, 2]


def test_random_numbers_are_functions_of_a_key():
    key, other = jax.random.split(jax.random.key(0))
    draws = [jax.random.normal(k, (3,)).tolist() for k in (key, key, other)]
    assert draws[0] == draws[1] != draws[2]
    assert str(jax.random.uniform(jax.random.key(42))) == "0.48870957"  # as in JAX


def test_a_network_learns_exclusive_or():
    x, y = jnp.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), jnp.array([0, 1, 1, 0.0])
    w1, w2 = jax.random.split(jax.random.key(1))
    params = jax.random.normal(w1, (2, 8)), jnp.zeros(8), jax.random.normal(w2, (8,))

    def predict(params, x):
        w, b, out = params
        return jnp.tanh(x @ w + b) @ out

    @jax.jit
    def step(params):
        gradient = jax.grad(lambda p: jnp.mean((predict(p, x) - y) ** 2))(params)
        return jax.tree.map(lambda p, g: p - 0.3 * g, params, gradient)

    for _ in range(200):
        params = step(params)
    assert np.round(predict(params, x)).tolist() == y.tolist()


# --- mistakes are explained ----------------------------------------------------------------------


def test_errors_say_what_and_where():
    with pytest.raises(TypeError, match=r"add got incompatible shapes.*\(2,\), \(3,\)"):
        jnp.ones(2) + jnp.ones(3)
    with pytest.raises(jax.errors.TracerBoolConversionError, match="argument x"):
        jax.jit(lambda x: x if x > 0 else -x)(1.0)
    with pytest.raises(TypeError, match="scalar-output"):
        jax.grad(jnp.sin)(jnp.ones(2))
    assert f(0.0) == 0  # and the next call works
