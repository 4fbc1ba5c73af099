import itertools
import math

import minijax as jax
import minijax.numpy as jnp
from minijax.tree_mismatch import other_node, other_type
from minijax.tree_registry import container_kind, registry


# %% exercise 11.1: Count the leaves

answer = {}
answer = {"nested": 4, "none": 1, "empty": 0, "counter": 1, "words": 3, "array": 4, "pair": 2,
          "program": 3}


# %% exercise 11.2: Children and data

class Polynomial:
    def __init__(self, coefficients, name):
        self.coefficients, self.name = coefficients, name

    def __call__(self, x):
        return sum(c * x**i for i, c in enumerate(self.coefficients))

    def tree_flatten(self):
        return (self.coefficients,), self.name

    @classmethod
    def tree_unflatten(cls, data, children):
        return cls(children[0], data)


# %% exercise 11.3: Momentum

def step(params, velocity, grads):
    """The new params and the new velocity."""
    velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, grads)
    return jax.tree.map(lambda p, v: p - 0.1 * v, params, velocity), velocity


# %% exercise 11.4: Back from a file

def load(named, like):
    paths = [path for path, _ in jax.tree.leaves_with_path(like)]
    names = [jax.tree_util.keystr(path, simple=True, separator="/") for path in paths]
    return jax.tree.structure(like).unflatten([named[name] for name in names])


# %% exercise 11.5: As far as it goes

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
        subtrees, stack = [], [tree]
        for kind, arity, data in self.nodes:
            x = stack.pop()
            if kind is None:
                subtrees.append(x)
                continue
            if container_kind(type(x)) is not kind:
                raise misfit(kind, arity, data, x)
            children, x_data = registry[kind].flatten(x)
            if len(children) != arity or x_data != data:
                raise misfit(kind, arity, data, x)
            stack += children[::-1]
        return subtrees


# %% exercise 11.6: A tree is a vector

def ravel(tree):
    """The vector, and the function from such a vector to a tree."""
    leaves, treedef = jax.tree.flatten(tree)
    shapes = [jnp.shape(leaf) for leaf in leaves]
    stops = list(itertools.accumulate(map(math.prod, shapes)))

    def unravel(vector):
        parts = jnp.split(vector, stops[:-1])
        return treedef.unflatten([x.reshape(shape) for x, shape in zip(parts, shapes)])

    return jnp.concatenate([jnp.ravel(leaf) for leaf in leaves]), unravel

def hessian(f, tree):
    vector, unravel = ravel(tree)
    return jax.jacfwd(jax.grad(lambda v: f(unravel(v))))(vector)
