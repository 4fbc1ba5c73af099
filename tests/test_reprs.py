"""Arrays, keys, types and traced values print as JAX prints them."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import minijax
from tests.both import bound, f32

VALUES = {
    "integers": lambda jnp: jnp.arange(3),
    "floats": lambda jnp: jnp.linspace(0, 1, 5),
    "a scalar": lambda jnp: jnp.float32(0.1),
    "a weak scalar": lambda jnp: jnp.asarray(2.5),
    "a weak integer": lambda jnp: jnp.asarray(2),
    "Booleans": lambda jnp: jnp.array([True, False]),
    "a Boolean": lambda jnp: jnp.array(True),
    "complex": lambda jnp: jnp.array([1 + 2j, -0.5j]),
    "bfloat16": lambda jnp: jnp.arange(3, dtype=jnp.bfloat16) / 4,
    "float16": lambda jnp: jnp.ones((2, 2), jnp.float16) / 4,
    "int8": lambda jnp: jnp.arange(-2, 2, dtype=jnp.int8),
    "uint32": lambda jnp: jnp.array([4294967295, 0], jnp.uint32),
    "a matrix": lambda jnp: jnp.arange(12.0).reshape(3, 4) / 8,
    "a cube": lambda jnp: jnp.arange(24).reshape(2, 3, 4),
    "a long vector": lambda jnp: jnp.arange(40.0),
    "a line that is full": lambda jnp: jnp.arange(17),
    "too many elements": lambda jnp: jnp.arange(2000),
    "too many rows": lambda jnp: jnp.zeros((1001, 3)),
    "wide rows": lambda jnp: jnp.arange(60.0).reshape(2, 30) * 1.5,
    "no element": lambda jnp: jnp.zeros((0, 3)),
    "no integer": lambda jnp: jnp.array([], int),
    "nan and infinity": lambda jnp: jnp.array([jnp.nan, jnp.inf, -jnp.inf, -0.0]),
    "large and small": lambda jnp: jnp.array([1e-10, 1e10, 3.0]),
    "functions of one": lambda jnp: [jnp.exp(1.0), jnp.sin(1.0), jnp.cos(1.0), jnp.log(2.0)],
    "a gradient": lambda jax, jnp: jax.grad(jnp.sin)(1.0),
    "a key": lambda random: random.key(0),
    "keys": lambda random: random.split(random.key(0)),
    "an old key": lambda random: random.PRNGKey(42),
    "a struct": lambda jax, jnp: jax.ShapeDtypeStruct((2, 3), jnp.float32),
    "a weak struct": lambda jax, jnp: jax.eval_shape(jnp.sin, 1.0),
    "a dtype": lambda jnp: jnp.ones(3, jnp.bfloat16).dtype,
    "the dtype of a key": lambda random: random.key(0).dtype,
    "a type": lambda jax, jnp: jax.typeof(jnp.ones((2, 3))),
    "a weak type": lambda jax: jax.typeof(1.0),
    "the type of a key": lambda jax: jax.typeof(jax.random.key(0)),
    "a scalar type": lambda jnp: jnp.float32,
    "a tree": lambda jax: jax.tree.structure({"a": (1, [2, None]), "b": 3}),
    "devices": lambda jax: jax.devices(),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value(name):
    ours, theirs = bound(VALUES[name], minijax)(), bound(VALUES[name], jax)()
    assert (repr(ours), str(ours)) == (repr(theirs), str(theirs))


TRANSFORMATIONS = {
    "jit": (lambda jax, f: jax.jit(f), 1.0, f32(3)),
    "make_jaxpr": (lambda jax, f: jax.make_jaxpr(f), 1),
    "grad": (lambda jax, f: jax.grad(f), 1.0),
    "jvp": (lambda jax, f: lambda x: jax.jvp(f, (x,), (x,)), 1.0),
    "linearize": (lambda jax, f: lambda x: jax.linearize(f, x), 1.0),
    "vmap": (lambda jax, f: jax.vmap(f), f32(3, 2)),
    "vmap of grad": (lambda jax, f: jax.vmap(jax.grad(f)), f32(3)),
    "grad of vmap": (lambda jax, jnp, f: jax.grad(lambda x: jnp.sum(jax.vmap(f)(x))), f32(3)),
}


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_a_traced_value(name):
    transform, *args = TRANSFORMATIONS[name]

    def seen(library):
        texts = []

        def f(*xs):
            texts.extend([*map(repr, xs), *map(str, xs), *(f"{x}" for x in xs)])
            return xs[0]

        bound(transform, library)(f)(*map(np.asarray, args))
        return texts

    assert seen(minijax) == seen(jax)
