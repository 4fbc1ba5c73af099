# exercise 12.5: Fewer kernels
#
# This softmax of the rows divides by the sum of the *whole* array, and puts
# that right afterwards. Everybody has to wait for the whole. Write `softmax`
# with one kernel, for any number of rows, and safe for large numbers.
#
# ```text
# def slow(x):
#     e = jnp.exp(x) / jnp.sum(jnp.exp(x))
#     return e / jnp.sum(e, axis=1, keepdims=True)
# ```
#
# Check it with:  minijax check 12.5

import numpy as np

import minijax as jax
import minijax.numpy as jnp


def softmax(x):
    """Each row of x as probabilities."""
    ...  # about 2 lines
