# exercise 11.6: A tree is a vector
#
# Methods from books want one vector. Write `ravel`: all leaves of a tree, one after
# the other, in one vector, and a function that makes a tree of such a vector. With
# it `hessian` is the matrix of all second derivatives of a function of a tree.
#
# ```text
# ravel({"b": 5.0, "w": jnp.array([[1.0, 2.0], [3.0, 4.0]])})[0]      [5, 1, 2, 3, 4]
# ```
#
# Check it with:  minijax check 11.6

import itertools
import math

import minijax as jax
import minijax.numpy as jnp


def ravel(tree):
    """The vector, and the function from such a vector to a tree."""
    ...  # about 7 lines

def hessian(f, tree):
    vector, unravel = ravel(tree)
    return jax.jacfwd(jax.grad(lambda v: f(unravel(v))))(vector)
