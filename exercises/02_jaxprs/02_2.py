# exercise 02.2: A value that got out
#
# `network` keeps its hidden values in a list outside. While it is traced
# these are tracers, and who uses one later gets an error. Mend it: return
# the result *and* a list of the hidden values, and touch nothing outside.
#
# Check it with:  minijax check 02.2

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.core import Primitive, ShapedArray, current_trace, typeof
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, Var, read


hidden = []

def network(weights, x):
    """The result, and the hidden values in order."""
    ...  # about 5 lines

def leaking(weights, x):
    for w in weights:
        x = jnp.tanh(w @ x)
        hidden.append(x)
    return x
