# exercise 07.1: How often is Python asked
#
# How often does each line call the Python function `step`? The lines do not know of each
# other: think of a new `step` for each. Fill in the dictionary; no line is left out.
#
# ```text
# step = lambda x: jnp.sin(x) * 1.5         xs = jnp.array([1.0, 5.0, 9.0])
#
# "for"     jax.jit(lambda x: step(step(step(step(x)))))(2.0)
# "loop"    lax.fori_loop(0, 1000, lambda i, x: step(x), 2.0)
# "branch"  lax.cond(False, step, jnp.cos, 2.0)
# "grad"    jax.grad(lambda x: lax.fori_loop(0, 1000, lambda i, x: step(x), x))(2.0)
# "vmap"    jax.vmap(lambda x: lax.while_loop(lambda x: x > 2.0, step, x))(xs)
# "types"   f = jax.jit(lambda x: lax.fori_loop(0, 9, lambda i, x: step(x), x))
#           f(2.0), f(3.0), f(xs)
# ```
#
# Check it with:  minijax check 07.1

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


answer = {}
...  # about 1 line
