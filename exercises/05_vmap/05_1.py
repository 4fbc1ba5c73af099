# exercise 05.1: Where is the batch
#
# `vmap` takes `f` with `in_axes=(1, None)`; x has the shape (4, 6), y has
# (4,). Predict the shapes: that of `x` as `f` sees it, that of each result
# of `f`, and those of the results of `vmap(f)` with `out_axes=(0, 1)`.
#
# Check it with:  minijax check 05.1

import minijax as jax
import minijax.numpy as jnp
from minijax.core import Trace


def f(x, y):
    return jnp.sum(x * y), jnp.stack([x, y])

seen, inside, outside = (), ((), ()), ((), ())
...  # about 1 line
