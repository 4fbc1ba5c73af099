# exercise 11.2: Children and data
#
# A polynomial has coefficients, which are learned, and the name of its variable.
# Write the two methods that `jax.tree_util.register_pytree_node_class` asks for, such
# that `grad`, `vmap` and `jit` take polynomials, and `jit` traces once for each name.
#
# Check it with:  minijax check 11.2

import itertools
import math

import minijax as jax
import minijax.numpy as jnp


class Polynomial:
    def __init__(self, coefficients, name):
        self.coefficients, self.name = coefficients, name

    def __call__(self, x):
        return sum(c * x**i for i, c in enumerate(self.coefficients))

    ...  # about 5 lines
