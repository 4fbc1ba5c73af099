# exercise 10.8: A pack of any size
#
# Card i of a shuffled pack of n, without shuffling: mix numbers of 8 bits in four
# rounds. Round r makes of the halves (left, right), 4 bits each, (right, left ^
# noise(key, r, right)). While the result is not below n, mix it again. Up to 256 cards.
#
# Check it with:  minijax check 10.8

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def noise(key, r, x):
    """4 random bits for a round and a number."""
    return jax.random.bits(jax.random.fold_in(jax.random.fold_in(key, r), x)) & 15

def card(key, i, n):
    """Card i of n: each of 0, ..., n - 1 is one of them."""
    ...  # about 6 lines
