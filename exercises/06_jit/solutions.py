import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.core import current_trace
from minijax.jaxpr import read
from minijax.batching import batch_jaxpr
from minijax.compiler.load import native


# %% exercise 06.1: How often is it traced?

uses = [
    lambda f: f(jnp.ones(3)),
    lambda f: f(np.zeros(3, np.float32)),
    lambda f: f(jnp.ones((3, 1))),
    lambda f: f(2.0),
    lambda f: f(7.0),
    lambda f: f(7),
    lambda f: f(jnp.float32(7.0)),
    lambda f: jax.vmap(f)(jnp.ones((4, 3))),
    lambda f: jax.grad(lambda x: f(x).sum())(jnp.ones(3)),
]
traced = [1]
traced = [1, 1, 2, 3, 3, 4, 5, 5, 5]


# %% exercise 06.2: Trace it once

def slowly(loss, w, rates):
    def step(rate):
        return jax.jit(lambda w: w - rate * jax.grad(loss)(w))

    for rate in rates:
        w = step(rate)(w)
    return w

def descend(loss, w, rates):
    step = jax.jit(lambda w, rate: w - rate * jax.grad(loss)(w))
    for rate in rates:
        w = step(w, rate)
    return w


# %% exercise 06.3: Predict the kernels

functions = {
    "chain": lambda x: jnp.exp(x) * 2.0 + x,
    "turned": lambda x: jnp.exp(x.T) + 1.0,
    "rows": lambda x: x - jnp.mean(x, axis=1, keepdims=True),
    "layer": lambda x: jnp.tanh(x @ x) + 1.0,
    "two layers": lambda x: jnp.tanh(jnp.tanh(x @ x) @ x),
    "whole": lambda x: x / jnp.sum(x * x),
}
kernels = {"whole": 3}
kernels = {"chain": 1, "turned": 1, "rows": 1, "layer": 1, "two layers": 2, "whole": 3}


# %% exercise 06.4: What is a key?

def key(args, static):
    """What two calls have in common if one program serves both; it has a hash."""
    return tuple((type(a), a) if i in static else jax.typeof(a) for i, a in enumerate(args))

def remembered(f, static=()):
    programs = {}
    def run(*args):
        k = key(args, static)
        if k not in programs:
            programs[k] = jax.make_jaxpr(f, static_argnums=static)(*args)
        return programs[k](*[a for i, a in enumerate(args) if i not in static])[0]
    return run


# %% exercise 06.5: The rule of jit

from minijax.batching import batch_jaxpr

def jit_rule(prim, axis, xs, dims, /, *, jaxpr, **params):
    batched, dims_out = batch_jaxpr(jaxpr, axis, tuple(dims))
    return prim.bind(*xs, jaxpr=batched, **params), dims_out


# %% exercise 06.6: One walk instead of many

def slow(x):
    e = jnp.exp(x - jnp.max(x))
    return e / jnp.sum(e, axis=1, keepdims=True)

def quick(x):
    e = jnp.exp(x - jnp.max(x, axis=1, keepdims=True))
    return e / jnp.sum(e, axis=1, keepdims=True)


# %% exercise 06.7: A kernel by hand

from minijax.compiler.load import native

text = """
def kernel(lo, hi, sizes, a0, a1):
    x0 = data(a0, float32)
    x1 = data(a1, float32)
"""
text += """
    for r in range(lo, hi):
        low = high = x0[r * sizes[1]]
        for i in range(sizes[0]):
            low = minimum(low, x0[r * sizes[1] + i])
            high = maximum(high, x0[r * sizes[1] + i])
        x1[r] = high - low
"""

def spread(run, x, lo, hi, length):
    """Rows lo to hi of the array x, of which only `length` columns count."""
    out, table = np.full(len(x), -1.0, np.float32), np.array([length, x.shape[1]])
    run(lo, hi, table.ctypes.data, id(x), id(out))
    return out


# %% exercise 06.8: Write the calls out

def written_out(jaxpr):
    """The same program, the programs that it calls written out."""
    def run(jaxpr, args):
        env = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*jaxpr.consts, *args]))
        for e in jaxpr.eqns:
            ins = read(env, e.invars)
            if e.primitive.name == "jit":
                outs = run(e.params["jaxpr"], ins)
            else:
                outs = current_trace().process_primitive(e.primitive, ins, e.params)
            env.update(zip(e.outvars, outs))
        return read(env, jaxpr.outvars)

    return jax.make_jaxpr(lambda *args: run(jaxpr, args))(*jaxpr.in_avals)
