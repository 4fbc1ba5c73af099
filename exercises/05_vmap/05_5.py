# exercise 05.5: One gradient for each example
#
# `loss(w, x)` is the loss of one example. Write `sizes`, the norm of
# each example's own gradient by `w`, for a batch `xs`. `loss` may be
# called once, whatever the number of examples: it is slow Python.
#
# Check it with:  minijax check 05.5

import minijax as jax
import minijax.numpy as jnp
from minijax.core import Trace


def sizes(loss, w, xs):
    """The norms of the gradients, of shape (len(xs),)."""
    ...  # about 2 lines
