"""`jax.flatten_util`: a pytree of arrays as one vector, and back.

What wants a vector, such as an optimizer of SciPy or a norm over all parameters, gets one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minijax import lax
from minijax.core import typeof
from minijax.dtypes import result_type
from minijax.tree_util import PyTreeDef, tree_flatten


def ravel_pytree(pytree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All leaves in one vector of their common dtype, and the function that undoes this.

    That function takes vectors of this length only. Where the leaves have one dtype, the vector
    may be of any dtype; else it must have that of the first. A tree without leaves gives an empty
    float32 vector.

    >>> import minijax as jax
    >>> flat, unravel = ravel_pytree({"w": jax.numpy.ones((2, 2)), "b": jax.numpy.zeros(2)})
    >>> flat
    Array([0., 0., 1., 1., 1., 1.], dtype=float32)
    >>> unravel(2 * flat)["w"]
    Array([[2., 2.],
           [2., 2.]], dtype=float32)
    """
    leaves, treedef = tree_flatten(pytree)
    shapes, dtypes = tuple(map(np.shape, leaves)), tuple([typeof(x).dtype for x in leaves])
    if not leaves:
        return lax.full([0], 0, "float32"), Unravel(treedef, shapes, dtypes)
    if len(set(dtypes)) > 1:
        wanted = result_type(*dtypes)
        flat = [lax.reshape(lax.convert_element_type(x, wanted), (np.size(x),)) for x in leaves]
    else:
        flat = [lax.reshape(x, (np.size(x),)) for x in leaves]
    return lax.concatenate(flat, 0), Unravel(treedef, shapes, dtypes)


@dataclass(frozen=True)
class Unravel:
    """The tree with the entries of a vector. Equal for equal trees: `jit` may take it as static."""
    treedef: PyTreeDef
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[Any, ...]

    def __call__(self, flat: Any) -> Any:
        if not self.shapes:
            return self.treedef.unflatten(())
        given, mixed = typeof(flat).dtype, len(set(self.dtypes)) > 1
        if mixed and given != (wanted := result_type(*self.dtypes)):
            raise TypeError(f"unravel function given array of dtype {given}, but expected dtype "
                            f"{wanted}: the leaves have several dtypes, {self.dtypes}")
        chunks = lax.split(flat, [int(np.prod(shape)) for shape in self.shapes])
        leaves = [lax.reshape(chunk, shape) for chunk, shape in zip(chunks, self.shapes)]
        if mixed:
            leaves = list(map(lax.convert_element_type, leaves, self.dtypes))
        return self.treedef.unflatten(leaves)
