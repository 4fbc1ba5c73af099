# exercise 08.8: Both bills small
#
# Reverse mode of a long loop keeps something of every step. Cut it into pieces of `size`
# steps, so that it keeps the carry at the beginning of each piece and nothing else (beside
# the xs, which are there). `len(xs)` is a multiple of `size`. Return the last carry.
#
# ```text
# carry ──▶ step step step step ──▶ step step step step ──▶ step step step step ──▶
#       kept                    kept                    kept
# ```
#
# Check it with:  minijax check 08.8

import functools

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def long_loop(step, carry, xs, size):
    """The last carry of `carry = step(carry, x)` for each x of xs."""
    ...  # about 4 lines
