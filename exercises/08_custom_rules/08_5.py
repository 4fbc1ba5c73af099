# exercise 08.5: The derivative of an answer
#
# `solve` finds the x with f(x, a) = 0. Reverse mode cannot go back
# through its `while_loop`, and need not: at the solution f stays 0
# when a moves. Write the rule. Second derivatives must work too.
#
# Check it with:  minijax check 08.5

import functools

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def solve(f, a):
    """The x with f(x, a) = 0: Newton's method, from x = 1."""
    far = lambda x: abs(f(x, a)) > 1e-4
    return lax.while_loop(far, lambda x: x - f(x, a) / jax.grad(f)(x, a), 1.0)

@solve.defjvp
def solve_jvp(f, primals, tangents):
    (a,), (t,) = primals, tangents
    ...  # about 3 lines
