# exercise 03.5: Which rule is wrong
#
# Somebody gives you operations of one number, and a point. Return the names of those whose
# derivative is wrong: `jvp` must agree with a step to either side, to three digits or so.
#
# Check it with:  minijax check 03.5

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.core import Trace
from minijax.jvp import JVPTracer


def wrong_rules(operations, x):
    """The names of the operations whose derivative at x is wrong."""
    ...  # about 7 lines
