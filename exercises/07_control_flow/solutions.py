import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.control_flow.cond import along_rows, constant_unless


# %% exercise 07.1: How often is Python asked

answer = {}
answer = {"for": 4, "loop": 1, "branch": 1, "grad": 1, "vmap": 1, "types": 2}


# %% exercise 07.2: A leak in a loop

def path(step, x, n):
    """The n values x, step(x), ...: of shape (n, *x.shape)."""
    return lax.scan(lambda x, _: (step(x), x), x, None, length=n)[1]


# %% exercise 07.3: A carry of one size

def step(last, x):
    """The new carry, and the mean."""
    last = jnp.concatenate([last[1:], x[None]])
    return last, last.mean()


# %% exercise 07.4: As many steps as it takes

def bisect(f, low, high):
    """Where f is 0, between two numbers."""
    def halve(bounds):
        low, high = bounds
        middle = 0.5 * (low + high)
        below = f(middle) < 0.0
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = lax.while_loop(lambda b: b[1] - b[0] > 1e-3, halve, (low, high))
    return 0.5 * (low + high)


# %% exercise 07.5: Ask until the answer stays

def closed_under(rule, marks, n_outs, num_consts, num_carry):
    """What the rule derives at last, and the marks with which it did; the ys want nothing."""
    start, stop = num_consts, num_consts + num_carry
    while True:
        carry = marks[start:stop]
        made, marks_out = rule(marks, (*carry, *[False] * (n_outs - num_carry)))
        if marks_out[:num_carry] == carry:
            return made, marks
        marks = (*marks[:start], *marks_out[:num_carry], *marks[stop:])


# %% exercise 07.6: Everyone has an index

from minijax.control_flow.cond import along_rows, constant_unless

def each_its_own(index, operands, programs):
    results = []
    for i, program in enumerate(programs):
        mine = index == i
        results.append(program(*[constant_unless(mine, x) for x in operands]))
    return [lax.select_n(along_rows(index, outs[0].shape), *outs) for outs in zip(*results)]


# %% exercise 07.7: Backwards in time

def backwards(step, pull, carry, xs, ct):
    """(the cotangent of carry, those of xs), from that of the last carry."""
    _, carries = lax.scan(lambda carry, x: (step(carry, x), carry), carry, xs)
    return lax.scan(lambda ct, kept: pull(*kept, ct), ct, (carries, xs), reverse=True)
