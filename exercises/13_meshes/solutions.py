import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.sharding import PartitionSpec as P


# %% exercise 13.1: Which part is where

answer = {'P("x")': [0, 0, 0, 6, 6, 6]}
answer |= {'P("y")': [0, 4, 8, 0, 4, 8], 'P(("x", "y"))': [0, 2, 4, 6, 8, 10],
           'P(("y", "x"))': [0, 4, 8, 2, 6, 10]}


# %% exercise 13.2: What each type says

answer = {"a + b": ["x", "y"]}
answer |= {"b * c": ["y"], "psum a x": ["y"], "psum a x + b": ["y"], "psum a xy * c": [],
           "index": ["x"]}


# %% exercise 13.3: A mean over two axes

def centred(block):
    """The block, without the means of the rows of the whole matrix."""
    return block - lax.pmean(block.mean(1, keepdims=True), "y")


# %% exercise 13.4: A product whose parts stay where they are

def product(a, b):
    """The block of the product of whole matrices."""
    return lax.psum_scatter(a @ b, "y", scatter_dimension=1, tiled=True)


# %% exercise 13.5: Layouts by rule

def product_layout(a, b):
    """For layouts of two matrices, the layout of the product, and the axes to sum over."""
    return (a[0], b[1]), () if a[1] is None else (a[1],)
