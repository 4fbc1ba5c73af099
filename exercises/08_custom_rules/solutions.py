import functools

import numpy as np
import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.families import Program


# %% exercise 08.1: How often does it print

answer = {}
answer = {"jit": 3, "grad": 1, "unused": 1, "vmap": 4, "branches": 3, "loop": 5, "checkpoint": 2}


# %% exercise 08.2: A length without a hole

@jax.custom_jvp
def norm(x):
    return jnp.sqrt(jnp.sum(x * x))

@norm.defjvp
def norm_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    out = norm(x)
    return out, jnp.dot(x, t) / jnp.where(out == 0.0, 1.0, out)


# %% exercise 08.3: A cotangent for each argument

def forward(w, b, xs):
    return xs * w + b, (w, xs)

def backward(kept, ct):
    w, xs = kept
    return jnp.sum(xs * ct, axis=0), jnp.sum(ct, axis=0), w * ct


# %% exercise 08.4: The rule that fails

def wrong_rules(functions, x):
    """The names of the functions whose rule is wrong at x."""
    names, h, rng = [], 1e-2, np.random.default_rng(0)
    for name, f in functions.items():
        out, pull = jax.vjp(f, x)
        t, ct = (rng.normal(size=v.shape).astype("float32") for v in (x, out))
        by_step = jnp.vdot(ct, f(x + h * t) - f(x - h * t)) / (2 * h)
        by_rule = jnp.vdot(pull(ct)[0], t)
        if abs(by_step - by_rule) > 1e-2 * (1 + abs(by_step)):
            names.append(name)
    return names


# %% exercise 08.5: The derivative of an answer

@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def solve(f, a):
    """The x with f(x, a) = 0: Newton's method, from x = 1."""
    far = lambda x: abs(f(x, a)) > 1e-4
    return lax.while_loop(far, lambda x: x - f(x, a) / jax.grad(f)(x, a), 1.0)

@solve.defjvp
def solve_jvp(f, primals, tangents):
    (a,), (t,) = primals, tangents
    x = solve(f, a)
    by_x, by_a = jax.grad(f, (0, 1))(x, a)
    return x, -by_a / by_x * t


# %% exercise 08.6: A promise is kept

from minijax.families import Program

class CustomLin(Program):  # and its other methods
    def transpose(self, cts, *args, num_res, bwd, in_zeros, **params):
        found = bwd(args[:num_res], cts)
        return [None] * num_res + [ct for ct, zero in zip(found, in_zeros) if not zero]


# %% exercise 08.7: A policy of your own

def small_products(limit):
    """The policy (prim, *avals, **params) -> bool."""
    def policy(prim, *avals, **params):
        return prim.name == "dot_general" and prim.out_avals(avals, params)[0].size <= limit
    return policy


# %% exercise 08.8: Both bills small

def long_loop(step, carry, xs, size):
    """The last carry of `carry = step(carry, x)` for each x of xs."""
    def piece(carry, xs):
        return lax.scan(lambda carry, x: (step(carry, x), None), carry, xs)

    pieces = xs.reshape(-1, size, *xs.shape[1:])
    return lax.scan(jax.checkpoint(piece), carry, pieces)[0]
