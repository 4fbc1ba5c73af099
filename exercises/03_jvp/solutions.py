import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.core import Trace
from minijax.jvp import JVPTracer
from dataclasses import dataclass


# %% exercise 03.1: A quotient of duals

from dataclasses import dataclass

@dataclass
class Dual:
    primal: float
    tangent: float

def mul(x, y):
    return Dual(x.primal * y.primal, x.tangent * y.primal + x.primal * y.tangent)

def div(x, y):
    out = x.primal / y.primal
    return Dual(out, (x.tangent - out * y.tangent) / y.primal)


# %% exercise 03.2: Predict the pushed program

answer = """
{ lambda ; a:f32[] b:f32[]. let
    c:f32[] = exp a
  in () }
"""
answer = """
{ lambda ; a:f32[] b:f32[]. let
    c:f32[] = exp a
    d:f32[] = mul b c
    e:f32[] = mul c 3.0:f32[]
    f:f32[] = mul d 3.0:f32[]
  in (e, f) }
"""


# %% exercise 03.3: The comparison that keeps them apart

class JVPTrace(Trace):  # and its other methods
    def dual(self, x):
        """The primal and the tangent of a value. What is not mine has none."""
        if isinstance(x, JVPTracer) and x._trace is self:
            return x.primal, x.tangent
        return x, None


# %% exercise 03.4: The interpreter

class JVPTrace(Trace):  # and its other methods
    def process_primitive(self, prim, args, params):
        duals = [self.dual(x) for x in args]
        primals, tangents = [x for x, _ in duals], [t for _, t in duals]
        active = tuple(t is not None for t in tangents)
        if not any(active):
            return self.parent.process_primitive(prim, primals, params)
        outs, moved = self.derivative(prim, active, primals, tangents, params)
        return [x if t is None else JVPTracer(self, x, t) for x, t in zip(outs, moved)]


# %% exercise 03.5: Which rule is wrong

def wrong_rules(operations, x):
    """The names of the operations whose derivative at x is wrong."""
    h, names = 1e-2, []
    for op in operations:
        slope = jax.jvp(op, (x,), (1.0,))[1]
        step = (op(x + h) - op(x - h)) / (2 * h)
        if abs(slope - step) > 1e-3 * (1 + abs(step)):
            names.append(op.name)
    return names


# %% exercise 03.6: All directions

def jacobian(f, x):
    """The matrix of shape (len(f(x)), len(x))."""
    columns = [jax.jvp(f, (x,), (e,))[1] for e in jnp.eye(len(x), dtype=x.dtype)]
    return jnp.stack(columns, axis=1)
