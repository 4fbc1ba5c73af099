import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.core import Primitive, ShapedArray, current_trace, typeof
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, Var, read


# %% exercise 02.1: Predict the program

table = jnp.array([1.0, 2.0, 4.0])

def scaled(x):
    unused = jnp.cos(x)
    y = x * table
    return y - 0.5, y

answer = """
{ lambda ; a:f32[3]. let
    b:f32[3] = add a 1.0:f32[]
  in (b,) }
"""
answer = """
{ lambda a:f32[3]; b:f32[3]. let
    _:f32[3] = cos b
    c:f32[3] = mul b a
    d:f32[3] = sub c 0.5:f32[]
  in (d, c) }
"""


# %% exercise 02.2: A value that got out

hidden = []

def network(weights, x):
    """The result, and the hidden values in order."""
    kept = []
    for w in weights:
        x = jnp.tanh(w @ x)
        kept.append(x)
    return x, kept

def leaking(weights, x):
    for w in weights:
        x = jnp.tanh(w @ x)
        hidden.append(x)
    return x


# %% exercise 02.3: Run it

def eval_jaxpr(jaxpr, consts, *args):
    """The results of a program on flat arguments."""
    env = dict(zip(jaxpr.constvars, consts)) | dict(zip(jaxpr.invars, args))
    trace = current_trace()
    for e in jaxpr.eqns:
        outs = trace.process_primitive(e.primitive, read(env, e.invars), e.params)
        env.update(zip(e.outvars, outs))
    return read(env, jaxpr.outvars)


# %% exercise 02.4: What nobody needs

def live_eqns(eqns, outvars):
    """The equations that the outputs need, and those with effects."""
    needed, kept = set(outvars), []
    for e in reversed(eqns):
        if e.effects or not needed.isdisjoint(e.outvars):
            needed.update(e.invars)
            kept.append(e)
    return kept[::-1]


# %% exercise 02.5: An operation that lies

def liars(operations, *args):
    """The names of the operations that promise another shape than they deliver."""
    names = []
    for op in operations:
        [promised] = op.out_avals([typeof(x) for x in args], {})
        if promised.shape != op.impl(*args).shape:
            names.append(op.name)
    return names


# %% exercise 02.6: Once is enough

def key(x):
    return (x.val.item(), x.aval) if isinstance(x, Literal) else x

def merged(jaxpr):
    """The same program, without repetitions."""
    first, seen, eqns = {}, {}, []
    for e in jaxpr.eqns:
        ins = [x if isinstance(x, Literal) else first.get(x, x) for x in e.invars]
        what = e.primitive, tuple(map(key, ins)), tuple(sorted(e.params.items()))
        if what not in seen:
            seen[what] = e.outvars
            eqns.append(JaxprEqn(e.primitive, ins, e.params, e.outvars))
        first.update(zip(e.outvars, seen[what]))
    outs = [x if isinstance(x, Literal) else first.get(x, x) for x in jaxpr.outvars]
    return jaxpr.replace(eqns=eqns, outvars=outs)
