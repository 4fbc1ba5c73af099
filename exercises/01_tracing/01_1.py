# exercise 01.1: Predict the operations
#
# Below, `polynomial` is run on an array. Which operations reach `bind`, and how often? Fill in
# the dictionary, without running anything. For `x + x * x` it would be `{"add": 1, "mul": 1}`.
#
# Check it with:  minijax check 01.1

import numpy as np

import minijax.numpy as jnp
from minijax import lax
from minijax.core import Primitive, Trace, Tracer, current_trace, interpreting, tracing, typeof
from minijax.families import Elementwise


def polynomial(x):
    return 2.0 * x * x - (x + 1.0) * (3.0 * 2.0)

answer = {}
...  # about 1 line
