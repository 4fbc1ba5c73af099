# exercise 02.5: An operation that lies
#
# The checker trusts `abstract_eval`, so it cannot find one that is
# wrong. You can. Return the names of the operations whose shape for
# these arrays is not what they promise. Whom will you ask, and whom not?
#
# Check it with:  minijax check 02.5

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.core import Primitive, ShapedArray, current_trace, typeof
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, Var, read


def liars(operations, *args):
    """The names of the operations that promise another shape than they deliver."""
    ...  # about 6 lines
