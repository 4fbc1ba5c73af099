"""The short way of a call takes what it has seen, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp

X = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture(autouse=True)
def two_devices() -> Iterator[None]:
    jax.config.update("jax_num_cpu_devices", 2)
    yield
    jax.config.update("jax_num_cpu_devices", -1)


@pytest.mark.parametrize("mapped", [jax.jit, jax.pmap])
def test_pytrees_take_the_short_way(mapped):
    """And what does not fit takes the long one: other structures, numbers, what no tree is."""
    f = mapped(lambda p, x: {"y": p["w"] * x, "z": p["b"]})
    x = jnp.asarray(X)
    p = {"w": x, "b": x + 1}
    for _ in range(3):
        out = f(p, x)
    assert len(f.paths) == 1 and f.paths[0]((p, x)) is not NotImplemented
    np.testing.assert_array_equal(out["y"], X * X)
    assert f.paths[0](({"w": x, "c": x}, x)) is NotImplemented
    assert f.paths[0](({"w": x, 3: x}, x)) is NotImplemented  # keys that have no order
    np.testing.assert_array_equal(f({"w": X, "b": x}, 2 * X)["y"], 2 * X * X)
    with pytest.raises(KeyError):
        f({"w": x, "c": x}, x)


@pytest.mark.parametrize("mapped", [jax.jit, jax.pmap])
def test_static_arguments_and_keywords_take_the_long_way(mapped):
    static = {jax.jit: "static_argnums", jax.pmap: "static_broadcasted_argnums"}[mapped]
    f = mapped(lambda x, n=1: x * n, **{static: 1})
    for n in (2, 3, 2):
        np.testing.assert_array_equal(f(jnp.asarray(X), n), n * X)
    assert not f.paths
    g = mapped(lambda x: x + 1)
    g(x=jnp.asarray(X))
    assert not g.paths


@pytest.mark.parametrize("given", [{"axis": None}, {"axis": 0}])
def test_static_arguments_by_name_are_not_forgotten(given):
    """The next call, without them, is another program."""
    f = jax.jit(lambda x, axis=1: x.sum(axis), static_argnames="axis")
    x = jnp.arange(6.0).reshape(2, 3)
    for _ in range(3):
        assert f(x, **given).tolist() == x.sum(**given).tolist()
        assert f(x).tolist() == [3.0, 12.0]
