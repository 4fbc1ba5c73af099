"""stax and optimizers against JAX's: the same weights, outputs, gradients and steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from jax.example_libraries import optimizers as their_optimizers, stax as their_stax

import minijax
import minijax.numpy as jnp
from minijax.example_libraries import optimizers, stax
from minijax.test_util import check_grads
from minijax.tree_util import tree_leaves
from tests.both import Oracle, compiled

from .tiers import heavy

KEY = np.array([1, 2], np.uint32)
IMAGES = (-1, 12, 10, 3)
rng = np.random.default_rng(0)


def close(got: Any, want: Any, rtol: float = 2e-5) -> None:
    got, want = tree_leaves(got), jax.tree.leaves(want)
    assert len(got) == len(want)
    for g, w in zip(got, want):
        g, w = np.asarray(g), np.asarray(w)
        assert (g.dtype, g.shape) == (w.dtype, w.shape)
        np.testing.assert_allclose(g, w, rtol, rtol)


# --- stax --------------------------------------------------------------------------------------

LAYERS: dict[str, tuple[Callable, tuple]] = {
    "Dense": (lambda s: s.Dense(5), (-1, 7)),
    "Conv": (lambda s: s.Conv(4, (3, 2), (2, 1)), IMAGES),
    "Conv-same": (lambda s: s.Conv(4, (3, 3), padding="SAME"), IMAGES),
    "GeneralConv": (lambda s: s.GeneralConv(("NCHW", "OIHW", "NHWC"), 4, (3, 2)), (-1, 3, 8, 9)),
    "ConvTranspose": (lambda s: s.ConvTranspose(2, (3, 3), (2, 2)), IMAGES),
    "Conv1DTranspose": (lambda s: s.Conv1DTranspose(2, (3,), (2,), "SAME"), (-1, 7, 3)),
    "BatchNorm": (lambda s: s.BatchNorm(), IMAGES),
    "BatchNorm-axis": (lambda s: s.BatchNorm(axis=0, center=False), (-1, 5)),
    "BatchNorm-plain": (lambda s: s.BatchNorm(center=False, scale=False), IMAGES),
    "MaxPool": (lambda s: s.MaxPool((2, 2), (2, 2)), (2, 12, 10, 3)),
    "AvgPool": (lambda s: s.AvgPool((3, 3), (2, 2), padding="SAME"), (2, 12, 10, 3)),
    "SumPool": (lambda s: s.SumPool((2, 3)), (2, 12, 10, 3)),
    "AvgPool-spec": (lambda s: s.AvgPool((2, 2), spec="NCHW"), (2, 3, 6, 8)),
    "Flatten": (lambda s: s.Flatten, (2, 3, 4)),
    "Identity": (lambda s: s.Identity, (-1, 4)),
    "serial": (lambda s: s.serial(s.Conv(4, (3, 3)), s.Relu, s.MaxPool((2, 2)), s.Flatten,
                                  s.Dense(6), s.Tanh, s.Dense(3), s.LogSoftmax), (2, 12, 10, 3)),
    "residual": (lambda s: s.serial(
        s.FanOut(2), s.parallel(s.serial(s.Dense(7), s.Relu), s.Identity), s.FanInSum), (-1, 7)),
    "concat": (lambda s: s.serial(
        s.FanOut(3), s.parallel(s.Dense(2), s.Identity, s.Dense(1)), s.FanInConcat()), (-1, 4)),
    "shape_dependent": (lambda s: s.shape_dependent(lambda shape: s.Dense(shape[-1])), (-1, 4)),
} | {name: (lambda s, name=name: getattr(s, name), (-1, 6)) for name in [
    "Tanh", "Relu", "Exp", "LogSoftmax", "Softmax", "Softplus", "Sigmoid", "Elu", "LeakyRelu",
    "Selu", "Gelu"]}


INPUTS = {n: rng.normal(size=[2 if i == -1 else i for i in shape]).astype(np.float32)
          for n, (_, shape) in LAYERS.items()}


def applied(library: Any, name: str) -> Callable:
    """The shape of the output, the weights, and the output for some input."""
    make, shape = LAYERS[name]
    init, apply = make(library)

    def f(x: Any) -> tuple:
        out_shape, params = init(KEY, shape)
        return tuple(out_shape), params, apply(params, x)

    return f


APPLIED = Oracle({n: (applied(their_stax, n), x) for n, x in INPUTS.items()})


class TestStax:
    @heavy
    @pytest.mark.parametrize("name", LAYERS)
    def test_weights_and_outputs(self, name: str) -> None:
        out_shape, params, out = applied(stax, name)(INPUTS[name])
        their_shape, their_params, theirs = APPLIED[name]
        assert out_shape == tuple(map(int, their_shape))
        close(params, their_params)
        close(out, theirs)
        assert all(n in (-1, m) for n, m in zip(out_shape, out.shape))

    @pytest.mark.parametrize("name", ["serial", "residual", "Conv", "BatchNorm", "AvgPool"])
    def test_gradients(self, name: str) -> None:
        (init, apply), (_, their_apply) = (LAYERS[name][0](s) for s in (stax, their_stax))
        inputs = INPUTS[name]
        _, params = init(KEY, inputs.shape)
        plain = minijax.tree_util.tree_map(np.asarray, params)
        got = minijax.grad(lambda p, x: jnp.sum(apply(p, x) ** 2), (0, 1))(params, inputs)
        theirs = jax.grad(lambda p, x: jax.numpy.sum(their_apply(p, x) ** 2), (0, 1))
        close(got, compiled(theirs)(plain, inputs), 2e-4)

    def test_dropout(self) -> None:
        (_, apply), (_, theirs) = (s.serial(s.Dropout(0.7), s.Identity) for s in (stax, their_stax))
        x = rng.normal(size=(4, 50)).astype(np.float32)
        close(apply([(), ()], x, rng=KEY), theirs([(), ()], x, rng=KEY))
        kept = np.asarray(stax.Dropout(0.7)[1]((), np.ones(20_000, np.float32), rng=KEY))
        assert set(np.unique(kept)) == {np.float32(0), np.float32(1) / np.float32(0.7)}
        assert kept.mean() == pytest.approx(1, abs=0.02)
        close(stax.Dropout(0.7, mode="test")[1]((), x, rng=KEY), x)
        with pytest.raises(ValueError, match="PRNG key"):
            apply([(), ()], x)

    def test_under_jit_and_vmap(self) -> None:
        init, apply = stax.serial(stax.Dense(8), stax.Relu, stax.Dense(2))
        _, params = init(KEY, (-1, 4))
        x = rng.normal(size=(5, 4)).astype(np.float32)
        close(minijax.jit(apply)(params, x), np.asarray(apply(params, x)))
        close(minijax.vmap(apply, (None, 0))(params, x), np.asarray(apply(params, x)), 1e-5)


# --- optimizers --------------------------------------------------------------------------------

OPTIMIZERS: dict[str, Callable] = {
    "sgd": lambda o: o.sgd(0.1), "momentum": lambda o: o.momentum(0.05, 0.9),
    "nesterov": lambda o: o.nesterov(0.05, 0.9), "adagrad": lambda o: o.adagrad(0.5),
    "rmsprop": lambda o: o.rmsprop(0.05), "rmsprop_momentum": lambda o: o.rmsprop_momentum(0.02),
    "adam": lambda o: o.adam(0.1), "adamax": lambda o: o.adamax(0.1), "sm3": lambda o: o.sm3(0.5),
    "schedule": lambda o: o.sgd(o.exponential_decay(0.1, 5, 0.5)),
}
START = {"w": rng.normal(size=(3, 2)).astype(np.float32), "b": (np.float32(2.0),
                                                                np.float32([1, -1]))}


def loss(J: Any, p: Any) -> Any:
    return J.numpy.sum((p["w"] - 1) ** 2) + 2 * (p["b"][0] + 1) ** 2 + J.numpy.sum(p["b"][1] ** 4)


def train(J: Any, optimizer: Any, steps: int, jitted: bool = False) -> Any:
    init, update, get_params = optimizer
    params = J.tree.map(J.numpy.asarray, START)
    state = init(params)

    def step(i: Any, state: Any) -> Any:
        return update(i, J.grad(lambda p: loss(J, p))(get_params(state)), state)

    step = J.jit(step) if jitted else step
    for i in range(steps):
        state = step(i, state)
    return get_params(state)


class TestOptimizers:
    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_steps_are_jax_s(self, name: str) -> None:
        make = OPTIMIZERS[name]
        theirs = train(jax, make(their_optimizers), 12, jitted=name != "sm3")  # theirs cannot
        for jitted in (False, True):
            close(train(minijax, make(optimizers), 12, jitted), theirs, 1e-4)

    @pytest.mark.parametrize("name", [n for n in OPTIMIZERS if n != "schedule"])
    def test_they_get_there(self, name: str) -> None:
        params = train(minijax, OPTIMIZERS[name](optimizers), 200, jitted=True)
        assert float(loss(minijax, params)) < 0.3 * float(loss(minijax, START))

    @pytest.mark.parametrize("make", [
        lambda o: o.constant(0.3), lambda o: o.exponential_decay(0.3, 4, 0.5),
        lambda o: o.inverse_time_decay(0.3, 4, 0.5),
        lambda o: o.inverse_time_decay(0.3, 4, 0.5, staircase=True),
        lambda o: o.polynomial_decay(0.3, 6, 0.01), lambda o: o.polynomial_decay(0.3, 6, 0.01, 2.0),
        lambda o: o.piecewise_constant([2, 5], [0.3, 0.2, 0.1]), lambda o: o.make_schedule(0.3)])
    def test_schedules(self, make: Callable) -> None:
        ours, theirs = make(optimizers), make(their_optimizers)
        for i in (0, 1, 2, 3, 5, 6, 9):
            assert float(ours(i)) == pytest.approx(float(theirs(i)), rel=1e-6)

    def test_norms(self) -> None:
        close(optimizers.l2_norm(START), their_optimizers.l2_norm(START))
        for most in (0.5, 100.0):
            close(optimizers.clip_grads(START, most), their_optimizers.clip_grads(START, most))

    def test_state_can_be_stored(self) -> None:
        init, update, get_params = optimizers.adam(0.1)
        state = update(0, START, init(START))
        marked = optimizers.unpack_optimizer_state(state)
        assert marked.keys() == START.keys()
        assert isinstance(marked["w"], optimizers.JoinPoint) and len(marked["w"].subtree) == 3
        again = optimizers.pack_optimizer_state(marked)
        close(get_params(update(1, START, again)),
              minijax.tree_util.tree_map(np.asarray, get_params(update(1, START, state))))

    def test_misuse(self) -> None:
        init, update, _ = optimizers.sgd(0.1)
        with pytest.raises(TypeError, match="did not match the parameter tree structure"):
            update(0, {"w": START["w"]}, init(START))
        with pytest.raises(TypeError, match="a step size is a number"):
            optimizers.sgd(np.ones(3))
        with pytest.raises(ValueError, match="one shorter"):
            optimizers.piecewise_constant([1], [1.0])
        with pytest.raises(TypeError, match="JoinPoints"):
            optimizers.pack_optimizer_state([1.0])


# --- test_util ---------------------------------------------------------------------------------


class TestCheckGrads:
    @pytest.mark.parametrize("modes", [("fwd",), ["rev"], "rev", ("fwd", "rev")])
    def test_right_derivatives_pass(self, modes: Any) -> None:
        x, y = np.float32([0.3, 0.7]), np.float32([[1.0, 2.0], [0.5, -1.0]])
        check_grads(lambda x, y: jnp.sin(x) @ y, (x, y), order=2, modes=modes)
        check_grads(lambda t: {"a": t["x"] ** 3, "b": t["n"] * 2}, ({"x": x, "n": 3},), 2, modes)
        check_grads(lambda z: z**2, (np.complex64([1 + 2j]),), 1, modes)
        with minijax.enable_x64(True):
            check_grads(jnp.exp, (np.float64(0.3),), order=3, modes=modes)

    @pytest.mark.parametrize("modes", ["fwd", "rev"])
    def test_wrong_ones_do_not(self, modes: str) -> None:
        f = minijax.custom_jvp(lambda x: jnp.sin(x))
        f.defjvps(lambda t, out, x: 1.1 * t * jnp.cos(x))
        with pytest.raises(AssertionError, match="JVP tangent|VJP cotangent"):
            check_grads(f, (0.5,), order=1, modes=modes)
        g = minijax.custom_jvp(lambda x: jnp.sin(x))  # the first order is right
        g.defjvps(lambda t, out, x: t * minijax.lax.stop_gradient(jnp.cos(x)))
        check_grads(g, (0.5,), order=1, modes=modes)
        with pytest.raises(AssertionError):
            check_grads(g, (0.5,), order=2, modes=modes)

    def test_misuse(self) -> None:
        with pytest.raises(ValueError, match="'fwd' and 'rev'"):
            check_grads(jnp.sin, (0.5,), 1, modes=("back",))
