# exercise 03.2: Predict the pushed program
#
# `make_jaxpr` of `lambda x, t: jax.jvp(lambda x: jnp.exp(x) * 3.0, (x,), (t,))` at `(2.0, 1.0)`:
# which program is it? The first equation is there. Write the others, and what is returned.
#
# Check it with:  minijax check 03.2

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.core import Trace
from minijax.jvp import JVPTracer


answer = """
{ lambda ; a:f32[] b:f32[]. let
    c:f32[] = exp a
  in () }
"""
...  # about 8 lines
