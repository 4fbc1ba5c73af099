# exercise 02.4: What nobody needs
#
# Write `live_eqns`: those of the equations that the outputs need, and
# those with `effects`, in order. Your function takes the place of the
# library's, which tidies every program of a derivative with it.
#
# ```text
# b = sin a          needed: c uses it
# c = mul b 2.0      needed: it is returned
# d = cos a          used, but only by e
# e = mul d d        not needed
# in (c,)
# ```
#
# Check it with:  minijax check 02.4

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.core import Primitive, ShapedArray, current_trace, typeof
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, Var, read


def live_eqns(eqns, outvars):
    """The equations that the outputs need, and those with effects."""
    ...  # about 6 lines
