# exercise 04.7: A curvature, without its matrix
#
# The matrix of second derivatives of a function of a thousand numbers has a million
# elements. Write its product with one vector `v`, without making it. `f` may be called once.
#
# Check it with:  minijax check 04.7

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.core import ShapedArray, UndefinedPrimal, current_trace
from minijax.families import Structural
from minijax.jaxpr import Var, read


def curvature(f, x, v):
    """The second derivatives of f at x, a matrix, times v; of the shape of x."""
    ...  # about 1 line
