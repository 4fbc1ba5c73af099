# exercise 00.3: Everyone with everyone
#
# `distance` knows two points. Write `table`: of points `ps` of shape (m, k) and `qs` of
# shape (n, k) all distances, of shape (m, n). No loop, and no arithmetic of your own.
#
# Check it with:  minijax check 00.3

import minijax as jax
import minijax.numpy as jnp


def distance(p, q):
    return jnp.sqrt(jnp.sum((p - q) ** 2))

def table(ps, qs):
    ...  # about 2 lines
