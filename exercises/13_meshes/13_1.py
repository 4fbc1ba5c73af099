# exercise 13.1: Which part is where
#
# The numbers 0 to 11 are on a mesh of 2 by 3 devices with axes `"x"` and
# `"y"`; its rows are devices 0 to 2 and 3 to 5. For each spec, write
# down the first number that each of the six has. One is done for you.
#
# Check it with:  minijax check 13.1

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.sharding import PartitionSpec as P


answer = {'P("x")': [0, 0, 0, 6, 6, 6]}
...  # about 2 lines
