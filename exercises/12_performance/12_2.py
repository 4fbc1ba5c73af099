# exercise 12.2: Count the walks
#
# Write `walks(program, size)`: how often one walks over a whole array, if
# each equation is computed by itself. Count the arguments and the results
# that have at least `size` elements. In an equation with a program of its
# own (`eqn.params["jaxpr"]`), its equations are counted instead.
#
# ```text
# jax.make_jaxpr(lambda x: jnp.sum(x * x))(jnp.ones(50))      reads x twice, writes, reads: 4
# ```
#
# Check it with:  minijax check 12.2

import numpy as np

import minijax as jax
import minijax.numpy as jnp


def walks(program, size):
    ...  # about 7 lines
