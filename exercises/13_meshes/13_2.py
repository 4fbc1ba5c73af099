# exercise 13.2: What each type says
#
# Write the axes over which each value varies, sorted, in the program of one device. `a`
# comes in with `P("x", "y")`, `b` with `P("y")`, `c` with `P()`. The first is done for you.
#
# ```text
# "a + b"          a + b
# "b * c"          b * c
# "psum a x"       lax.psum(a, "x")
# "psum a x + b"   lax.psum(a, "x") + b
# "psum a xy * c"  lax.psum(a, ("x", "y")) * c
# "index"          c + lax.axis_index("x")
# ```
#
# Check it with:  minijax check 13.2

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.sharding import PartitionSpec as P


answer = {"a + b": ["x", "y"]}
...  # about 2 lines
