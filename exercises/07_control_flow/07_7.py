# exercise 07.7: Backwards in time
#
# `step(carry, x)` returns the new carry, and `pull(carry, x, ct)` the cotangents of both
# arguments, given that of the result. Write the way back: the cotangents of the first carry
# and of all `xs`, given `ct` for the last carry. Do what `pull` says, derivative or not.
#
# Check it with:  minijax check 07.7

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def backwards(step, pull, carry, xs, ct):
    """(the cotangent of carry, those of xs), from that of the last carry."""
    ...  # about 2 lines
