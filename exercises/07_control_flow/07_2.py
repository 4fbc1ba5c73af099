# exercise 07.2: A leak in a loop
#
# In the example a list collects the x of each step, and gets a tracer of a
# trace that has ended. Write `path`: the array of x, step(x), step(step(x))
# and so on, n values in all. It calls `step` once, whatever n.
#
# ```text
# seen = []
# lax.fori_loop(0, 3, lambda i, x: (seen.append(x), step(x))[1], 0.5)
# seen[0] + 1.0                                   # UnexpectedTracerError
# ```
#
# Check it with:  minijax check 07.2

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def path(step, x, n):
    """The n values x, step(x), ...: of shape (n, *x.shape)."""
    ...  # about 1 line
