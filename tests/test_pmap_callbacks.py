"""Prints and callbacks in programs of pmap: done by this process, once for each device."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.errors import JaxRuntimeError
from minijax.experimental import io_callback

X = np.arange(4, dtype=np.float32).reshape(2, 2)


@pytest.fixture(autouse=True)
def two_devices() -> Iterator[None]:
    jax.config.update("jax_num_cpu_devices", 2)
    yield
    jax.config.update("jax_num_cpu_devices", -1)


def test_prints_of_every_device(capsys):
    def f(x):
        jax.debug.print("device {i} has {x}", i=lax.axis_index("i"), x=x)
        return lax.psum(x, "i")

    mapped = jax.pmap(f, axis_name="i")
    for _ in range(2):  # run as it stands, then compiled
        np.testing.assert_array_equal(mapped(X), [X.sum(0)] * 2)
        assert sorted(capsys.readouterr().out.splitlines()) == [
            "device 0 has [0. 1.]", "device 1 has [2. 3.]"]


def test_prints_in_loops_branches_and_derivatives(capsys):
    def f(x):
        def step(i, x):
            lax.cond(x[0] > 1, lambda: jax.debug.print("{} {}", i, x[0]), lambda: None)
            return 2 * x

        return jnp.sum(lax.fori_loop(0, 2, step, x))

    np.testing.assert_array_equal(jax.pmap(jax.grad(f))(X), np.full((2, 2), 4))
    assert capsys.readouterr().out == "0 2.0\n1 4.0\n"


def test_callbacks_are_called_here_with_arrays():
    seen: list = []

    def note(x):
        seen.append((threading.current_thread(), x))

    def f(x):
        jax.debug.callback(note, x)
        y = jax.pure_callback(np.sin, x, x)
        return y + io_callback(lambda x: np.float32(len(seen)) * 0 + x, x[0], x[0])

    np.testing.assert_allclose(jax.pmap(f)(X), np.sin(X) + X[:, :1], 1e-6)
    assert {thread for thread, _ in seen} == {threading.current_thread()}
    assert all(isinstance(x, jax.Array) for _, x in seen)
    np.testing.assert_array_equal(sorted(x.tolist() for _, x in seen), X)


def test_large_arrays_and_several_results():
    x = np.random.default_rng(0).normal(size=(2, 1 << 16)).astype(np.float32)

    def both(x):
        return x[::-1], {"sum": x.sum()}

    f = jax.pmap(lambda x: jax.pure_callback(both, (x, {"sum": x[0]}), x))
    for _ in range(3):
        mirrored, total = f(x)
        np.testing.assert_array_equal(mirrored, x[:, ::-1])
        np.testing.assert_allclose(total["sum"], x.sum(1), 1e-3)


def test_an_error_of_a_callback_is_an_error_of_the_call():
    def boom(x):
        raise ValueError("too hot")

    f = jax.pmap(lambda x: lax.psum(jax.pure_callback(boom, x, x), "i"), axis_name="i")
    with pytest.raises(JaxRuntimeError, match="ValueError: too hot\nin the callback boom") as error:
        f(X)
    assert isinstance(error.value.__cause__, ValueError)
    np.testing.assert_array_equal(jax.pmap(lambda x: x + 1)(X), X + 1)


def test_a_callback_cannot_use_the_devices_that_wait_for_it():
    double = jax.pmap(lambda x: 2 * x)
    f = jax.pmap(lambda x: jax.pure_callback(lambda x: np.asarray(double(X))[0], x, x))
    with pytest.raises(JaxRuntimeError, match="devices that wait for the callback"):
        f(X)
    np.testing.assert_array_equal(double(X), 2 * X)


def test_several_devices_have_no_order():
    def f(x):
        jax.debug.print("{}", x, ordered=True)
        return x

    with pytest.raises(ValueError, match="ordered effects are not supported for more than 1 dev"):
        jax.pmap(f)(X)
    np.testing.assert_array_equal(jax.pmap(f)(X[:1]), X[:1])
