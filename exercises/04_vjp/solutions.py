import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.core import ShapedArray, UndefinedPrimal, current_trace
from minijax.families import Structural
from minijax.jaxpr import Var, read


# %% exercise 04.1: Predict the linear half

answer = """
{ lambda ; a:f32[] b:f32[]. let
    c:f32[] = mul a 3.0:f32[]
    d:f32[] = mul b 2.0:f32[]
    e:f32[] = add_any c d
  in (e,) }
"""
answer = """
{ lambda ; a:f32[] b:f32[]. let
    c:f32[] = add a b
    d:f32[] = mul c 3.0:f32[]
    e:f32[] = mul b 5.0:f32[]
    f:f32[] = add_any d e
  in (f,) }
"""


# %% exercise 04.2: What waits

functions = {
    "exp": lambda x: jnp.exp(x),
    "line": lambda x: 2.0 * x - 1.0,
    "square": lambda x: x * x,
    "wave": lambda x: jnp.sin(x) * x,
    "tower": lambda x: jnp.exp(jnp.exp(x)),
    "total": lambda x: jnp.sum(x[::-1]),
}
kept = {"exp": 1}
kept = {"exp": 1, "line": 0, "square": 1, "wave": 3, "tower": 2, "total": 0}


# %% exercise 04.3: Backwards by hand

def spread(x, w):
    """x has the shape (n,), w is known and has the shape (m,)."""
    return x[:, None] * w + jnp.sum(x)

def pull(ct, w):
    return ct @ w + jnp.sum(ct)


# %% exercise 04.4: An operation and its transpose

class Thin(Structural):
    def impl(self, x, *, step):
        return x[..., ::step]

    def shift(self, params, size):  # for vmap: one more axis in front changes nothing
        return params

    def abstract_eval(self, x, *, step):
        return ShapedArray((*x.shape[:-1], -(-x.shape[-1] // step)), x.dtype)

    def transpose(self, cts, x, *, step):
        return [jnp.zeros(x.aval.shape, x.aval.dtype).at[..., ::step].set(cts[0])]

thin_p = Thin("thin")

def thin(x, step):
    return thin_p.bind(x, step=step)


# %% exercise 04.5: Which transpose is wrong

def numbers(shape, seed):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)

def wrong_transposes(maps, shape):
    """The names of the maps whose transpose is wrong."""
    names = []
    for name, push, pull in maps:
        t = numbers(shape, 1)
        pushed = push(t)
        c = numbers(pushed.shape, 2)
        if not jnp.allclose(jnp.vdot(c, pushed), jnp.vdot(pull(c), t), rtol=1e-3):
            names.append(name)
    return names


# %% exercise 04.6: The walk back

def backward(jaxpr, args, cts):
    env = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*jaxpr.consts, *args]))
    linear = {v for v, x in zip(jaxpr.invars, args) if isinstance(x, UndefinedPrimal)}
    late = []
    for e in jaxpr.eqns:
        ins = read(env, e.invars)
        if linear.isdisjoint(e.invars):
            outs = current_trace().process_primitive(e.primitive, ins, e.params)
        else:
            outs = [UndefinedPrimal(v.aval) for v in e.outvars]
            linear.update(e.outvars)
            late.append((e, ins))
        env.update(zip(e.outvars, outs))

    found = {}
    for x, ct in zip(jaxpr.outvars, cts):
        accumulate(found, x, ct)
    for e, ins in reversed(late):
        outs = [found.get(v) for v in e.outvars]
        if any(ct is not None for ct in outs):
            for x, ct in zip(e.invars, e.primitive.transpose(outs, *ins, **e.params)):
                accumulate(found, x, ct)
    return [found.get(v) for v, x in zip(jaxpr.invars, args) if isinstance(x, UndefinedPrimal)]

def accumulate(found, x, ct):
    """Add a cotangent to what has arrived at x before."""
    if ct is not None:
        found[x] = found[x] + ct if x in found else ct


# %% exercise 04.7: A curvature, without its matrix

def curvature(f, x, v):
    """The second derivatives of f at x, a matrix, times v; of the shape of x."""
    return jax.jvp(jax.grad(f), (x,), (v,))[1]


# %% exercise 04.8: Reverse mode in one evening

partials = {
    "add": lambda x, y: (1.0, 1.0),
    "sub": lambda x, y: (1.0, -1.0),
    "mul": lambda x, y: (y, x),
    "neg": lambda x: (-1.0,),
    "sin": lambda x: (jnp.cos(x),),
    "cos": lambda x: (-jnp.sin(x),),
    "exp": lambda x: (jnp.exp(x),),
}

def gradient(program, *args):
    """The derivatives of the program's result by each of its arguments, a list."""
    env = dict(zip(program.invars, args))
    for e in program.eqns:
        env[e.outvars[0]] = e.primitive.bind(*read(env, e.invars), **e.params)
    slopes = {program.outvars[0]: 1.0}
    for e in reversed(program.eqns):
        slope = slopes.get(e.outvars[0], 0.0)
        for x, partial in zip(e.invars, partials[e.primitive.name](*read(env, e.invars))):
            if isinstance(x, Var):
                slopes[x] = slopes.get(x, 0.0) + slope * partial
    return [slopes.get(v, 0.0) for v in program.invars]
