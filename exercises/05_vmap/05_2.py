# exercise 05.2: Predict the batched program
#
# `make_jaxpr(vmap(lambda x: 2.0 * jnp.sum(x), in_axes=1))` at an array of shape
# (3, 4): write the program. For one element of shape (3,) it is the one below.
#
# Check it with:  minijax check 05.2

import minijax as jax
import minijax.numpy as jnp
from minijax.core import Trace


answer = """
{ lambda ; a:f32[3]. let
    b:f32[] = reduce_sum[axes=(0,)] a
    c:f32[] = mul 2.0:f32[] b
  in (c,) }
"""
...  # about 6 lines
