# exercise 14.1: Who waits for whom
#
# In each line `s1` sends to rank 1, `r1` receives from it; a `|` stands
# between the ranks. `Ssend` and `Recv` wait for each other. How many messages
# arrive before all is over, or everybody waits? The first is done for you.
#
# ```text
# "face to face"   s1 r1    | s0 r0
# "one gives way"  s1 r1    | r0 s0
# "ring"           s1 r2    | s2 r0 | s0 r1
# "ring, cured"    s1 r2    | s2 r0 | r1 s0
# "to the first"   r1 r2    | s0 r2 | s0 s1
# "out of order"   s1 s2 r2 | r2 r0 | r0 s1 s0
# "half way"       s2 r1    | r2 r0 s0 | r0 s1
# ```
#
# Check it with:  minijax check 14.1

import minijax as jax
import minijax.numpy as jnp
import numpy as np
from minijax import lax


answer = {"face to face": 0}
...  # about 2 lines
