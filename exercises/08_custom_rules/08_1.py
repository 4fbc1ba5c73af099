# exercise 08.1: How often does it print
#
# How many lines does each of these print? Fill in the dictionary before you run them.
#
# ```text
# def f(x):
#     jax.debug.print("{}", x)
#     return jnp.sin(x)
#
# "jit"         g = jax.jit(f); g(1.0); g(2.0); g(3.0)
# "grad"        jax.grad(f)(1.0)
# "unused"      jax.jit(lambda x: [f(x), 2.0][1])(1.0)
# "vmap"        jax.vmap(jax.grad(f))(jnp.ones(4))
# "branches"    jax.vmap(lambda x: lax.cond(x > 0, f, jnp.cos, x))(jnp.array([1.0, -1.0, 2.0]))
# "loop"        jax.grad(lambda x: lax.fori_loop(0, 5, lambda i, x: f(x), x))(1.0)
# "checkpoint"  jax.grad(jax.checkpoint(f))(1.0)
# ```
#
# Check it with:  minijax check 08.1

import functools

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


answer = {}
...  # about 1 line
