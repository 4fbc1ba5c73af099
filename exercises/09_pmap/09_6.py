# exercise 09.6: What all devices share
#
# A result that is the same on all devices need be stored once. Write an interpreter
# that finds out. `ins` says which inputs are the same. `psum`, `pmax` and `all_gather`
# give the same to all, `axis_index` does not. It may take you an evening.
#
# Check it with:  minijax check 09.6

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def same(jaxpr, ins):
    """For each result of the program: is it the same on all devices?"""
    known = dict(zip(jaxpr.invars, ins))
    ...  # about 5 lines
