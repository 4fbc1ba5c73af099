# exercise 11.4: Back from a file
#
# A file holds a flat dict, from names such as `layers/0/w` to leaves, in any
# order. Write `load`, which puts its leaves into the structure of the tree `like`.
# A name that is missing is a `KeyError`; what `like` has no place for is left out.
#
# ```text
# load({"layers/1": 2.0, "b": 3.0, "layers/0": 1.0}, {"layers": [0, 0], "b": 0})
# {"b": 3.0, "layers": [1.0, 2.0]}
# ```
#
# Check it with:  minijax check 11.4

import itertools
import math

import minijax as jax
import minijax.numpy as jnp


def load(named, like):
    ...  # about 3 lines
