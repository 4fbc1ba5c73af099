# exercise 01.2: An operation in one line
#
# Make `gaussian` an operation: its value is `exp(-x * x)`, its partial derivative is
# `-2 x` times the result. `Elementwise` takes a name, the value from NumPy arrays,
# and the partial `(out, x) -> coefficient`, made of operations such as `lax.mul`.
#
# Check it with:  minijax check 01.2

import numpy as np

import minijax.numpy as jnp
from minijax import lax
from minijax.core import Primitive, Trace, Tracer, current_trace, interpreting, tracing, typeof
from minijax.families import Elementwise


...  # about 2 lines
