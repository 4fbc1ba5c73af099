# exercise 02.1: Predict the program
#
# `make_jaxpr` of `scaled` below, at an array of shape (3,): which
# program is it? For `lambda x: x + 1.0` it is the one in `answer`.
#
# Check it with:  minijax check 02.1

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.core import Primitive, ShapedArray, current_trace, typeof
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, Var, read


table = jnp.array([1.0, 2.0, 4.0])

def scaled(x):
    unused = jnp.cos(x)
    y = x * table
    return y - 0.5, y

answer = """
{ lambda ; a:f32[3]. let
    b:f32[3] = add a 1.0:f32[]
  in (b,) }
"""
...  # about 7 lines
