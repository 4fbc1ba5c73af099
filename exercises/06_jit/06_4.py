# exercise 06.4: What is a key?
#
# `remembered` keeps the programs of a function. Write its key: no call may get
# the program of another, and none may be traced without need. Arguments whose
# positions are in `static` are Python values that the function may look at.
#
# Check it with:  minijax check 06.4

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.core import current_trace
from minijax.jaxpr import read


def key(args, static):
    """What two calls have in common if one program serves both; it has a hash."""
    ...  # about 1 line

def remembered(f, static=()):
    programs = {}
    def run(*args):
        k = key(args, static)
        if k not in programs:
            programs[k] = jax.make_jaxpr(f, static_argnums=static)(*args)
        return programs[k](*[a for i, a in enumerate(args) if i not in static])[0]
    return run
