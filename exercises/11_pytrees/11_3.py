# exercise 11.3: Momentum
#
# A pair `(params, velocity)` of equal trees takes one step. Write `step`:
# the new velocity is `0.9 * v + g`, and a parameter moves by `-0.1` times
# the *new* velocity. For every leaf, whatever the trees are.
#
# ```text
# w = 1, v = 2, g = 10      new velocity 11.8, new parameter 1 - 1.18 = -0.18
# ```
#
# Check it with:  minijax check 11.3

import itertools
import math

import minijax as jax
import minijax.numpy as jnp


def step(params, velocity, grads):
    """The new params and the new velocity."""
    ...  # about 2 lines
