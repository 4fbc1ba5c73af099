# exercise 03.3: The comparison that keeps them apart
#
# Write `dual`, the method that gives the primal and the tangent of a value. Your
# method takes the place of the library's, and the library's own tests run with it.
#
# Check it with:  minijax check 03.3

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.core import Trace
from minijax.jvp import JVPTracer


class JVPTrace(Trace):  # and its other methods
    def dual(self, x):
        """The primal and the tangent of a value. What is not mine has none."""
        ...  # about 3 lines
