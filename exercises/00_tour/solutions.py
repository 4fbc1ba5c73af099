import minijax as jax
import minijax.numpy as jnp


# %% exercise 00.1: What is written down

answer = """
{ lambda ; a:f32[]. let
"""
answer += """
    b:f32[] = mul a a
    c:f32[] = mul b b
    d:f32[] = sin c
    e:f32[] = add d 3.0:f32[]
  in (e,) }
"""


# %% exercise 00.2: Value, slope, bend

def derivatives(f, xs):
    return tuple(jax.vmap(g)(xs) for g in (f, jax.grad(f), jax.grad(jax.grad(f))))


# %% exercise 00.3: Everyone with everyone

def distance(p, q):
    return jnp.sqrt(jnp.sum((p - q) ** 2))

def table(ps, qs):
    row = jax.vmap(distance, in_axes=(None, 0))
    return jax.vmap(row, in_axes=(0, None))(ps, qs)


# %% exercise 00.4: No if

def clip(g, limit):
    length = jnp.sqrt(jnp.maximum(jnp.sum(g * g), limit * limit))
    return g * (limit / length)


# %% exercise 00.5: Pi by chance

def pi(key, n):
    first, second = jax.random.split(key)
    x, y = jax.random.uniform(first, (n,)), jax.random.uniform(second, (n,))
    return 4.0 * jnp.mean(x * x + y * y < 1.0)


# %% exercise 00.6: Learn to learn

def fit(xs, ys, steps, rate):
    """The parameters, a dict of two numbers."""
    def loss(params):
        return jnp.mean((params["w"] * xs + params["b"] - ys) ** 2)

    params = {"w": 0.0, "b": 0.0}
    for _ in range(steps):
        params = jax.tree.map(lambda p, g: p - rate * g, params, jax.grad(loss)(params))
    return params

def best_rate(xs, ys, steps, rate):
    """A better rate: ten steps downhill, on the error after the training."""
    def error(rate):
        params = fit(xs, ys, steps, rate)
        return jnp.mean((params["w"] * xs + params["b"] - ys) ** 2)

    for _ in range(10):
        rate = rate - 0.001 * jax.grad(error)(rate)
    return rate
