"""`Partial`: a function with some of its arguments, as a container of those arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minijax.tree_registry import register_pytree_node


@dataclass(frozen=True)
class _Opaque:
    """Hides from `functools.partial` that a function is one, whose arguments it would take over."""
    fun: Callable

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fun(*args, **kwargs)


class Partial(functools.partial):
    """A `functools.partial` that is a pytree: the bound arguments are children, the function is
    structure. So it can be an argument of a transformed function.

    >>> import minijax as jax
    >>> scale = jax.tree_util.Partial(lambda a, x: a * x, 3)
    >>> jax.tree.map(lambda a: a + 1, scale)(10)
    40
    """

    def __new__(cls, func: Callable, *args: Any, **kwargs: Any) -> Partial:
        func = _Opaque(func) if isinstance(func, functools.partial) else func
        return super().__new__(cls, func, *args, **kwargs)


register_pytree_node(Partial, lambda p: ((p.args, p.keywords), p.func),
                     lambda func, children: Partial(func, *children[0], **children[1]))
