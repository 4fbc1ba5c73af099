import minijax as jax
import minijax.numpy as jnp
from minijax import lax


# %% exercise 09.1: What does each of them get

answer = {"sum": [7, 7, 7]}
answer |= {"index": [0, 1, 2], "below": [-3, -2, 0], "right": [0, 1, 2], "all": [[1, 2, 4]] * 3}


# %% exercise 09.2: The mean of unequal parts

def mean_of_all(mean, count):
    return lax.psum(mean * count, "i") / lax.psum(count, "i")


# %% exercise 09.3: The sum of one row

def scattered_sum(x):
    return jnp.sum(lax.all_to_all(x, "i", 0, 0), axis=0)


# %% exercise 09.4: A ring

def ring_sum(x):
    n, me = lax.axis_size("i"), lax.axis_index("i")
    right = [(i, (i + 1) % n) for i in range(n)]
    parts = x.reshape(n, -1)
    for r in range(n - 1):
        got = lax.ppermute(parts[(me - r) % n], "i", right)
        parts = parts.at[(me - r - 1) % n].add(got)
    for r in range(n - 1):
        got = lax.ppermute(parts[(me + 1 - r) % n], "i", right)
        parts = parts.at[(me - r) % n].set(got)
    return parts.reshape(-1)


# %% exercise 09.5: A short step

def loss(w, xs):
    return jnp.mean(jnp.dot(xs, w) ** 2)

def step(w, xs):
    g = lax.pmean(jax.grad(loss)(w, xs), "i")
    return w - 0.1 * g / jnp.maximum(jnp.sqrt(jnp.sum(g * g)), 1.0)


# %% exercise 09.6: What all devices share

def same(jaxpr, ins):
    """For each result of the program: is it the same on all devices?"""
    known = dict(zip(jaxpr.invars, ins))
    for e in jaxpr.eqns:
        alike = all(known.get(x, True) for x in e.invars) and e.primitive.name != "axis_index"
        alike = alike or e.primitive.name in ("psum", "pmax", "all_gather")
        known |= {v: alike for v in e.outvars}
    return [known.get(v, True) for v in jaxpr.outvars]
