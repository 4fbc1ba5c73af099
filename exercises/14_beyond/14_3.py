# exercise 14.3: As many as you have
#
# Recursive doubling asks for a power of two. Write it for any number n of
# devices, from `ppermute`: those from `q` on first give their arrays to device 0,
# 1, ..., then stand aside, and get the sum at the end. At most two rounds more.
#
# Check it with:  minijax check 14.3

import minijax as jax
import minijax.numpy as jnp
import numpy as np
from minijax import lax


def sum_of_all(x):
    n, me = lax.axis_size("i"), lax.axis_index("i")
    q = 1 << (n.bit_length() - 1)  # the largest power of two that is not above n
    ...  # about 4 lines
