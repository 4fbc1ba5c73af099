# exercise 04.5: Which transpose is wrong
#
# Each of `maps` is a name, a linear function of an array of `shape`, and what
# is said to be its transpose. Return the names of those for which that is not
# true. `numbers(shape, seed)` gives an array whose elements are like no others.
#
# Check it with:  minijax check 04.5

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.core import ShapedArray, UndefinedPrimal, current_trace
from minijax.families import Structural
from minijax.jaxpr import Var, read


def numbers(shape, seed):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)

def wrong_transposes(maps, shape):
    """The names of the maps whose transpose is wrong."""
    ...  # about 8 lines
