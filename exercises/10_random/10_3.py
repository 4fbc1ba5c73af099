# exercise 10.3: A stream
#
# Write `stream`, without blocks: for n keys, an array uint32[n, 2] of their words,
# the hashes of the counters 0 to size - 1. A counter is two words, high and low.
# `threefry2x32(key, counter)` broadcasts. It runs in the library's place.
#
# Check it with:  minijax check 10.3

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


from minijax.lax.threefry import threefry2x32

def stream(keys, size):
    """uint32[n, 2] -> uint32[2, n, size], the two words of each hash."""
    ...  # about 2 lines
