# exercise 08.4: The rule that fails
#
# Somebody gives you functions with a `custom_vjp` rule, from vectors to vectors,
# and a point. Which rules are wrong? For a direction t and a cotangent ct, both of
# no special form, ct · (J t) is a difference, and (ct J) · t is what the rule says.
#
# Check it with:  minijax check 08.4

import functools

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def wrong_rules(functions, x):
    """The names of the functions whose rule is wrong at x."""
    ...  # about 9 lines
