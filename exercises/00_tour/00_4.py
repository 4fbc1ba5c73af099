# exercise 00.4: No if
#
# `jit` cannot compile this function, since `if` needs a value. Write
# it again, for a vector `g` of any length, so that it is compiled once
# for each type. A vector of zeros stays zeros, and has a gradient.
#
# ```text
# def clip(g, limit):                       # limit > 0
#     length = jnp.sqrt(jnp.sum(g * g))
#     if length > limit:
#         g = g * (limit / length)
#     return g
# ```
#
# Check it with:  minijax check 00.4

import minijax as jax
import minijax.numpy as jnp


def clip(g, limit):
    ...  # about 2 lines
