# exercise 10.2: A walk
#
# Write a random walk of n steps: from 0, each step goes up or down
# by 1. Step i goes up if `jax.random.bernoulli` says so, with the
# key `fold_in(key, i)`. Return the places after each step.
#
# Check it with:  minijax check 10.2

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def walk(key, n):
    """The places after 1, 2, ..., n steps: int32[n]."""
    ...  # about 5 lines
