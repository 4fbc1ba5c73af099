# exercise 14.6: The bill, before it comes
#
# A program is data, so its messages can be counted before they are sent. Write an interpreter
# that adds up their time: each `ppermute` takes `alpha`, and `beta` for each byte. Programs
# inside of equations (`e.params["jaxpr"]`) count too; `scan` runs its `e.params["length"]` times.
#
# Check it with:  minijax check 14.6

import minijax as jax
import minijax.numpy as jnp
import numpy as np
from minijax import lax


def seconds(jaxpr, alpha=5.0, beta=0.5):
    """How long the messages of a program take, one after the other."""
    time = 0.0
    for e in jaxpr.eqns:
        ...  # about 5 lines
    return time
