# exercise 00.2: Value, slope, bend
#
# `f` takes a number and returns one. Write `derivatives(f, xs)` for a vector
# `xs`: three vectors, the values of `f`, its first and its second derivatives.
#
# ```text
# derivatives(lambda x: x**3, jnp.array([1.0, 2.0]))      [1, 8]  [3, 12]  [6, 12]
# ```
#
# Check it with:  minijax check 00.2

import minijax as jax
import minijax.numpy as jnp


def derivatives(f, xs):
    ...  # about 1 line
