# exercise 03.1: A quotient of duals
#
# Here is the dual number of the chapter, and its product. Write the quotient.
# If x moves at speed x' and y at speed y', how fast does x / y move?
#
# Check it with:  minijax check 03.1

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.core import Trace
from minijax.jvp import JVPTracer


from dataclasses import dataclass

@dataclass
class Dual:
    primal: float
    tangent: float

def mul(x, y):
    return Dual(x.primal * y.primal, x.tangent * y.primal + x.primal * y.tangent)

def div(x, y):
    ...  # about 2 lines
