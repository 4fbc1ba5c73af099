# exercise 06.1: How often is it traced?
#
# `f = jax.jit(lambda x: 2.0 * x)` is used in nine ways, one after the other. How
# often has its function been traced after each of them? The first is done for you.
#
# Check it with:  minijax check 06.1

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.core import current_trace
from minijax.jaxpr import read


uses = [
    lambda f: f(jnp.ones(3)),
    lambda f: f(np.zeros(3, np.float32)),
    lambda f: f(jnp.ones((3, 1))),
    lambda f: f(2.0),
    lambda f: f(7.0),
    lambda f: f(7),
    lambda f: f(jnp.float32(7.0)),
    lambda f: jax.vmap(f)(jnp.ones((4, 3))),
    lambda f: jax.grad(lambda x: f(x).sum())(jnp.ones(3)),
]
traced = [1]
...  # about 1 line
