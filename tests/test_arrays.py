"""Arrays do not change: not through NumPy's view of them, nor with what they were made from."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp
from minijax import lax

ARRAYS = {
    "vector": lambda: jnp.arange(6.0), "scalar": lambda: jnp.float32(2.0),
    "transposed": lambda: jnp.arange(6.0).reshape(2, 3).T, "empty": lambda: jnp.zeros((0, 2)),
    "broadcast": lambda: jnp.broadcast_to(1.0, (3,)), "bool": lambda: jnp.array([True, False]),
    "bfloat16": lambda: jnp.ones(3, jnp.bfloat16), "complex": lambda: jnp.array([1j]),
    "of a user": lambda: jnp.asarray(np.arange(3.0, dtype=np.float32)),
    "jit": lambda: jax.jit(lambda x: x)(np.arange(3.0)), "row": lambda: [*jnp.eye(2)][0],
    "key words": lambda: jax.random.PRNGKey(0),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_nobody_can_write_into_the_view_or_what_is_behind_it(name):
    x = ARRAYS[name]()
    before = repr(x)
    view = np.asarray(x)
    assert (view.dtype, view.shape) == (x.dtype, x.shape) and not view.flags.writeable
    part = view
    while isinstance(part, np.ndarray):
        with pytest.raises(ValueError):
            part.setflags(write=True)
        part = part.base
    assert not hasattr(part, "setflags") and not hasattr(part, "base")
    assert repr(x) == before


def test_the_view_is_no_copy_and_keeps_the_array_alive():
    x = jnp.arange(1000.0)
    assert np.shares_memory(np.asarray(x), np.asarray(x))
    view = np.asarray(x * 2.0)
    assert view[999] == 1998.0


def test_a_copy_can_be_written_to():
    x = jnp.arange(3.0)
    for copy in (np.array(x), np.asarray(x, np.float64), np.asarray(x).copy()):
        copy[0] = 9.0
    assert x[0] == 0.0


def residual(a):
    @jax.custom_vjp
    def f(x):
        return x * a

    f.defvjp(lambda x: (x * a, (a,)), lambda res, ct: (ct * res[0],))
    return jax.vjp(f, jnp.ones(3))[1]


MADE = {
    "asarray": jnp.asarray, "array": jnp.array, "no copy": lambda a: jnp.array(a, copy=False),
    "device_put": jax.device_put, "from_dlpack": jnp.from_dlpack, "frombuffer": lambda a:
    jnp.frombuffer(a, np.float32), "jit": jax.jit(lambda x: x), "vmap": jax.vmap(lambda x: x),
    "jvp": lambda a: jax.jvp(lambda x: x, (a,), (a,)), "tree": lambda a: jax.tree.map(
        jnp.asarray, [a]), "lax.reshape": lambda a: lax.reshape(a, (3,)),
    "lax.transpose": lambda a: lax.transpose(a, (0,)), "ravel": jnp.ravel,
    "lax.broadcast_in_dim": lambda a: lax.broadcast_in_dim(a, (3,), (0,)),
    "lax.expand_dims": lambda a: lax.expand_dims(a, ()), "stop_gradient": lax.stop_gradient,
    "consts": lambda a: jax.make_jaxpr(lambda x: x + a)(a).consts,
}
USED = {
    "vjp": lambda a: jax.vjp(lambda x: x * a, jnp.ones(3))[1],
    "linearize": lambda a: jax.linearize(lambda x: x * a, jnp.ones(3))[1],
    "custom_vjp": residual,
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_from_an_array_does_not_change_with_it(name):
    a = np.array([1, 2, 3], np.float32)
    out = jax.tree.leaves(MADE[name](a))
    assert all(isinstance(x, jax.Array) for x in out)
    before = repr(out)
    a[0] = 100.0  # and it can still be written to
    assert repr(out) == before


@pytest.mark.parametrize("name", USED)
def test_a_linear_map_does_not_change_with_the_arrays_it_was_made_from(name):
    a = np.array([1, 2, 3], np.float32)
    linear = USED[name](a)
    a[0] = 100.0
    np.testing.assert_array_equal(jax.tree.leaves(linear(jnp.ones(3)))[0], [1, 2, 3])


def test_dtypes_of_ml_dtypes_come_back():
    assert np.asarray(jnp.ones(2, jnp.bfloat16)).dtype == ml_dtypes.bfloat16
