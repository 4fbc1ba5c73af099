import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.compiler.load import native


# %% exercise 12.1: What must move

answer = {}
answer = {"double": 1_600_000, "positive": 1_000_000, "chain": 1_600_000, "no need": 800_000,
          "row": 804_000, "product": 814_400, "two": 2_000_000}


# %% exercise 12.2: Count the walks

def walks(program, size):
    total = 0
    for eqn in program.eqns:
        if "jaxpr" in eqn.params:
            total += walks(eqn.params["jaxpr"], size)
        else:
            total += sum(atom.aval.size >= size for atom in [*eqn.invars, *eqn.outvars])
    return total


# %% exercise 12.3: Nothing to guess

def huber(x, d):
    near = jnp.minimum(jnp.abs(x), d)
    return near * (jnp.abs(x) - 0.5 * near)


# %% exercise 12.4: Sixteen sums

def lane_sum(x, lanes):
    """The sum of a vector, in this order."""
    rows = jnp.pad(x, (0, -len(x) % lanes)).reshape(-1, lanes)
    sums = jnp.zeros(lanes)
    for row in rows:
        sums = sums + row
    while len(sums) > 1:
        half = len(sums) // 2
        sums = sums[:half] + sums[half:]
    return sums[0]


# %% exercise 12.5: Fewer kernels

def softmax(x):
    """Each row of x as probabilities."""
    e = jnp.exp(x - jnp.max(x, axis=1, keepdims=True))
    return e / jnp.sum(e, axis=1, keepdims=True)


# %% exercise 12.6: An exponential of your own

from minijax.compiler.load import native

text = """
def kernel(lo, hi, sizes, a0, a1):
    x0 = data(a0, float32)
    x1 = data(a1, float32)
"""
text += """
    for i in range(lo, hi):
        x = x0[i]
        n = floor(x * float32(1.442695) + float32(0.5))
        r = (x - n * float32(0.693145751953125)) - n * float32(1.4286068e-06)
        y = float32(1)
        for k in range(7, 0, -1):
            y = float32(1) + y * r / float32(k)
        x1[i] = y * power_of_2_f32(n)
"""

def run(kernel, numbers, lo, hi):
    x, y = np.array(numbers, np.float32), np.zeros(len(numbers), np.float32)
    kernel(lo, hi, None, id(x), id(y))
    return y
