# exercise 01.6: Put it back
#
# Something has left its interpreter in office. Write `safely(trace, f)`: run `f()` with `trace`
# as the current interpreter, return the result, and leave the old one in its place, also when
# `f` raises. `core.interpreting` is out of reach; `core._state.trace` is the variable.
#
# Check it with:  minijax check 01.6

import numpy as np

import minijax.numpy as jnp
from minijax import lax
from minijax.core import Primitive, Trace, Tracer, current_trace, interpreting, tracing, typeof
from minijax.families import Elementwise


from minijax import core

def safely(trace, f):
    ...  # about 5 lines
