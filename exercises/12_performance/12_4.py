# exercise 12.4: Sixteen sums
#
# An addition waits for the one before. Write what a vector instruction makes of it:
# `lanes` sums, each of every `lanes`-th element; then add the halves of them, as
# long as there is more than one. `lanes` is a power of two; the length is arbitrary.
#
# ```text
# lanes 4:   [a b c d e f g]   ->   a+e  b+f  c+g  d   ->   (a+e)+(c+g)  (b+f)+d   ->   their sum
# ```
#
# Check it with:  minijax check 12.4

import numpy as np

import minijax as jax
import minijax.numpy as jnp


def lane_sum(x, lanes):
    """The sum of a vector, in this order."""
    ...  # about 8 lines
