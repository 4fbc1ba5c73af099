# exercise 11.5: As far as it goes
#
# Write `flatten_up_to`: the subtrees of `tree` where this structure has its leaves, from
# left to right. Where the tree has another kind of container, another number of children or
# other data, raise `ValueError`; `misfit` makes its message. It takes the library's place.
#
# Check it with:  minijax check 11.5

import itertools
import math

import minijax as jax
import minijax.numpy as jnp


from minijax.tree_mismatch import other_node, other_type
from minijax.tree_registry import container_kind, registry

def misfit(kind, arity, data, x):
    if container_kind(type(x)) is not kind:
        return ValueError(other_type(kind, x))
    children, x_data = registry[kind].flatten(x)
    return ValueError(other_node(kind, arity, data, x, len(children), x_data))

class PyTreeDef:
    def flatten_up_to(self, tree):
        """`self.nodes` is in preorder: (kind, number of children, data), kind None for a leaf."""
        ...  # about 13 lines
