# exercise 04.8: Reverse mode in one evening
#
# Without the library: write `gradient` of a program of single numbers
# that has one result. Run it forwards and keep every value; then walk
# back. `partials` has the derivatives of each operation by its operands.
#
# ```text
# b = sin a       value kept        slope of a: slope of b times cos a, added
# c = mul b a     value kept        slope of b: slope of c times a, of a: slope of c times b
# in (c,)                           slope of c: 1
# ```
#
# Check it with:  minijax check 04.8

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.core import ShapedArray, UndefinedPrimal, current_trace
from minijax.families import Structural
from minijax.jaxpr import Var, read


partials = {
    "add": lambda x, y: (1.0, 1.0),
    "sub": lambda x, y: (1.0, -1.0),
    "mul": lambda x, y: (y, x),
    "neg": lambda x: (-1.0,),
    "sin": lambda x: (jnp.cos(x),),
    "cos": lambda x: (-jnp.sin(x),),
    "exp": lambda x: (jnp.exp(x),),
}

def gradient(program, *args):
    """The derivatives of the program's result by each of its arguments, a list."""
    ...  # about 10 lines
