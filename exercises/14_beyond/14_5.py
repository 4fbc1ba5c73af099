# exercise 14.5: Which is no sum
#
# Somebody gives you ways to sum over the axis `"i"`; each takes a vector whose
# length is a multiple of the number of devices. Return the names, in order, of
# those after which some device, for one of the `sizes`, has not the sum of all.
#
# Check it with:  minijax check 14.5

import minijax as jax
import minijax.numpy as jnp
import numpy as np
from minijax import lax


def no_sums(ways, sizes):
    """`ways` has functions by their names, `sizes` numbers of devices."""
    ...  # about 4 lines
