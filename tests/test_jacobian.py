"""`jacfwd`, `jacrev` and `hessian` against JAX's: values, types, errors."""

from __future__ import annotations

import minijax
import minijax.numpy as jnp
from tests.calls import disagreements, expressions, report

# What has no derivative has a Jacobian of zeros, of its own dtype.
INTEGERS = """
    jax.jacfwd(lambda x: x.astype(int))(f3); jax.jacfwd(lambda x: (x*2, jnp.argmax(x)))(f34);
    jax.jacfwd(lambda x: x.astype("uint8"))(f3); jax.jacfwd(lambda x: 3)(f3);
    jax.jacfwd(lambda x: 3)(2.0); jax.jacfwd(lambda x: x*1j)(2.0); jax.jacfwd(lambda x: x*2.0)(i3);
    jax.jacfwd(lambda x: x*2.0)(3); jax.jacfwd(jnp.sin)(b3); jax.jacrev(jnp.sin)(i3);
    jax.jacrev(jnp.sin)(b3); jax.jacrev(jnp.argmax)(f3); jax.jacrev(lambda x: (x, 3))(f3);
    jax.jacrev(lambda x: x>1)(f3); jax.jacrev(jnp.argmax, allow_int=True)(i3);
    jax.jacrev(jnp.sin, allow_int=True)(i3); jax.jacrev(lambda x: 2.0, allow_int=True)(i3);
    jax.jacrev(lambda x: 2.0, allow_int=True)(3);
    jax.jacrev(lambda x: x.sum()*2., allow_int=True)(i34);
    jax.jacrev(lambda x, n: (x*n, x.sum()), argnums=(0, 1), allow_int=True)(f3, i3);
    jax.hessian(lambda x: jnp.sum(x*x))(i3); jax.hessian(jnp.argmax)(f3);
    jax.hessian(lambda x: x.astype(int))(f3); jax.hessian(lambda x: jnp.sum(x*i3)**2)(f3)
"""


def test_integers():
    found = disagreements(expressions(INTEGERS))
    assert not found, report(found)


def test_booleans():
    """JAX has no answer (TypeError: a bytes-like object is required)."""
    out = minijax.jacfwd(lambda x: x > 1)(jnp.arange(3.0))
    assert (out.dtype, out.shape) == (bool, (3, 3)) and not out.any()
