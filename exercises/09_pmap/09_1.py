# exercise 09.1: What does each of them get
#
# Three devices hold the numbers 1, 2 and 4. Write down what each line gives, a row for each
# device: the stacked result, as `pmap(f, axis_name="i")` returns it. The first is done for you.
#
# ```text
# "sum"    lambda x: lax.psum(x, "i")
# "index"  lambda x: lax.axis_index("i")
# "below"  lambda x: x - lax.pmax(x, "i")
# "right"  lambda x: lax.ppermute(x, "i", [(0, 1), (1, 2)])
# "all"    lambda x: lax.all_gather(x, "i")
# ```
#
# Check it with:  minijax check 09.1

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


answer = {"sum": [7, 7, 7]}
...  # about 1 line
