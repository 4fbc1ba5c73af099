# exercise 10.5: A slope through chance
#
# The mean of f over n random numbers, `mu + sigma * eps` with
# `eps = jax.random.normal(key, (n,))`, is a function of mu and
# sigma. `f` takes one number. Write its derivatives by both.
#
# Check it with:  minijax check 10.5

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def slopes(f, mu, sigma, key, n):
    """The derivatives of the mean by mu and by sigma."""
    ...  # about 4 lines
