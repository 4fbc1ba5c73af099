# exercise 00.5: Pi by chance
#
# Throw n points into a square of side 1 and count those nearer than 1
# to its corner: four times their share is about pi. Split the key in
# two: n uniform numbers from the first are x, n from the second are y.
#
# Check it with:  minijax check 00.5

import minijax as jax
import minijax.numpy as jnp


def pi(key, n):
    ...  # about 3 lines
