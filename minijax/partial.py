"""`Partial`: a function with some of its arguments, as a container of those arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minijax.tree_registry import register_pytree_node


class Partial(functools.partial):
    """A `functools.partial` that is a pytree: the bound arguments are children, the function is
    structure. So it can be an argument of a transformed function.

    >>> import minijax as jax
    >>> scale = jax.tree_util.Partial(lambda a, x: a * x, 3)
    >>> jax.tree.map(lambda a: a + 1, scale)(10)
    40
    """

    def __new__(cls, func: Callable, *args: Any, **kwargs: Any) -> Partial:
        self = super().__new__(cls, func)
        # without this, the arguments of a `func` that is a partial would become our own
        self.__setstate__((func, args, kwargs, None))  # type: ignore[attr-defined]
        return self


register_pytree_node(Partial, lambda p: ((p.args, p.keywords), p.func),
                     lambda func, children: Partial(func, *children[0], **children[1]))
