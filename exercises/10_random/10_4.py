# exercise 10.4: One of many
#
# Write `pick`: for a uniform number u in [0, 1), an index. Index i
# has the part of [0, 1) from the share of the weights before it to
# the share with it. The weights need not add up to 1, and some are 0.
#
# ```text
# weights     1     0     3          u        0.1   0.25   0.9
# shares   0  .25  .25    1          pick     0     2      2
# ```
#
# Check it with:  minijax check 10.4

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def pick(u, weights):
    """The index at u: int32."""
    ...  # about 2 lines
