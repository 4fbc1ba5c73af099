# exercise 04.1: Predict the linear half
#
# `lambda x, y: (x + y) * y` is linearized at `(2.0, 3.0)`. Which program is its linear
# half? `a` and `b` are the tangents of x and y. For `x * y` it is the one in `answer`.
#
# Check it with:  minijax check 04.1

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.core import ShapedArray, UndefinedPrimal, current_trace
from minijax.families import Structural
from minijax.jaxpr import Var, read


answer = """
{ lambda ; a:f32[] b:f32[]. let
    c:f32[] = mul a 3.0:f32[]
    d:f32[] = mul b 2.0:f32[]
    e:f32[] = add_any c d
  in (e,) }
"""
...  # about 8 lines
