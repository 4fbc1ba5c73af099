# exercise 01.4: The four corners
#
# `bounds` of the chapter knows sums and products. Write the rule for a
# difference: between which two numbers is `x - y`, if x is between `x[0]`
# and `x[1]` and y between `y[0]` and `y[1]`? Return the pair (low, high).
#
# Check it with:  minijax check 01.4

import numpy as np

import minijax.numpy as jnp
from minijax import lax
from minijax.core import Primitive, Trace, Tracer, current_trace, interpreting, tracing, typeof
from minijax.families import Elementwise


def difference(x, y):
    ...  # about 1 line
