# exercise 10.6: Which hash is weak
#
# The law of the avalanche: whichever of the 64 bits of a counter is flipped, between 24
# and 40 bits of its hash change, in the mean over counters. There are hashes,
# `hash(x, y)` of two arrays uint32, and counters x and y. Name those that break the law.
#
# Check it with:  minijax check 10.6

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def changed(a, b):
    """How many bits of two hashes differ, in the mean over the counters."""
    a, b = np.stack(a), np.stack(b)
    return np.unpackbits((a ^ b).view(np.uint8)).sum() / a.shape[1]

def weak(hashes, x, y):
    """The names of the hashes that break the law."""
    ...  # about 8 lines
