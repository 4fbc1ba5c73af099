"""vectorize: a function of small arrays becomes one of stacks of them, by `vmap`."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from minijax import lax
from minijax.batching import vmap
from minijax.config import flags
from minijax.numpy.creation import asarray
from minijax.numpy.promotion import broadcast_shapes

_ARGUMENT = r"\((?:\w+(?:,\w+)*)?\)"
_SIGNATURE = re.compile(rf"{_ARGUMENT}(?:,{_ARGUMENT})*->{_ARGUMENT}(?:,{_ARGUMENT})*")


def parse_signature(signature: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The names of the core dimensions of arguments and results: "(m,n),(n)->(m)"."""
    if not _SIGNATURE.fullmatch(signature):
        raise ValueError(f"not a valid gufunc signature: {signature}")
    sides = [[tuple(re.findall(r"\w+", arg)) for arg in re.findall(_ARGUMENT, side)]
             for side in signature.split("->")]
    return sides[0], sides[1]


def check_core(sizes: dict[str, int], shape: Sequence[int], dims: tuple[str, ...], where: str
               ) -> None:
    """Note the sizes of core dimensions. ValueError where they do not agree."""
    for dim, n in zip(dims, shape[len(shape) - len(dims):]):
        if sizes.setdefault(dim, n) != n:
            raise ValueError(f"inconsistent size for core dimension {dim!r}: {n!r} vs "
                             f"{sizes[dim]!r} {where}")


def check_results(fun: Callable, sizes: dict[str, int], dims: list[tuple[str, ...]], where: str
                  ) -> Callable:
    """`fun`, with its results checked against the signature."""

    def checked(*args: Any) -> Any:
        out = fun(*args)
        if len(dims) > 1 and not isinstance(out, tuple):
            raise TypeError("output must be a tuple when multiple outputs are expected, got: "
                            f"{out!r}\n{where}")
        shapes = [np.shape(x) for x in (out if isinstance(out, tuple) else (out,))]
        if len(shapes) != len(dims):
            raise TypeError(f"wrong number of output arguments: expected {len(dims)!r}, got "
                            f"{len(shapes)!r} {where}")
        known = dict(sizes)
        for shape, names in zip(shapes, dims):
            if len(shape) != len(names):
                raise ValueError(f"output shape {shape!r} does not match core dimensions {names!r} "
                                 f"{where}")
            check_core(known, shape, names, where)
        return out

    return checked


def set_aside(fun: Callable, excluded: Collection[Any], args: Sequence[Any], kwargs: dict
              ) -> tuple[Callable, list[Any], dict]:
    """`fun` of the other arguments only, and these."""
    if not excluded:
        return fun, list(args), kwargs
    fixed = {i: x for i, x in enumerate(args) if i in excluded}
    fixed_kwargs = {k: v for k, v in kwargs.items() if k in excluded}

    def partial(*rest: Any, **more: Any) -> Any:
        values = iter(rest)
        full = [fixed[i] if i in fixed else next(values) for i in range(len(rest) + len(fixed))]
        return fun(*full, **more, **fixed_kwargs)

    return (partial, [x for i, x in enumerate(args) if i not in fixed],
            {k: v for k, v in kwargs.items() if k not in fixed_kwargs})


def vectorize(pyfunc: Callable, *, excluded: Collection[Any] = frozenset(),
              signature: str | None = None) -> Callable:
    """A function that broadcasts its arguments and applies `pyfunc` to every element.

    >>> import minijax.numpy as jnp
    >>> product = jnp.vectorize(jnp.dot, signature="(m,n),(n)->(m)")
    >>> product(jnp.ones((5, 2, 3)), jnp.ones(3)).shape
    (5, 2)

    Args:
      excluded: positions and names of arguments that are passed on as they are.
      signature: the core dimensions of arguments and results, which `pyfunc` gets and returns.
    """
    if any(not isinstance(e, (str, int)) for e in excluded):
        raise TypeError("jax.numpy.vectorize can only exclude integer or string arguments, but "
                        f"excluded={excluded!r}")
    if any(isinstance(e, int) and e < 0 for e in excluded):
        raise ValueError(f"excluded={excluded!r} contains negative numbers")
    where = f"on vectorized function with excluded={excluded!r} and signature={signature!r}"

    @functools.wraps(pyfunc)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        fun, rest, more = set_aside(pyfunc, excluded, args, kwargs)
        fun = functools.partial(fun, **more) if more else fun
        dims, dims_out = ([()] * len(rest), None) if signature is None else parse_signature(
            signature)
        missing = {i for i, x in enumerate(rest) if x is None}
        if any(dims[i] for i in missing):
            raise ValueError(f"Cannot pass None at locations {missing} with {signature=}")
        fun, rest, _ = set_aside(fun, missing, rest, {})
        dims = [d for i, d in enumerate(dims) if i not in missing]
        return apply(fun, [asarray(x) for x in rest], dims, dims_out, where)

    return wrapped


def apply(fun: Callable, args: Sequence[Any], dims: list, dims_out: list | None, where: str) -> Any:
    """`fun`, mapped over the leading axes of each argument, which broadcast."""
    if len(args) != len(dims):
        raise TypeError(f"wrong number of positional arguments: expected {len(dims)!r}, got "
                        f"{len(args)!r} {where}")
    sizes: dict[str, int] = {}
    shapes = []
    for x, names in zip(args, dims):
        if x.ndim < len(names):
            raise ValueError(f"input with shape {x.shape!r} does not have enough dimensions for "
                             f"all core dimensions {names!r} {where}")
        check_core(sizes, x.shape, names, where)
        shapes.append(x.shape[: x.ndim - len(names)])
    shape = broadcast_shapes(*shapes)
    complain_of_ranks(args, shapes)
    if dims_out is not None:
        fun = check_results(fun, sizes, dims_out, where)
    full = [(1,) * (len(shape) - len(s)) + tuple(s) for s in shapes]
    args = [lax.squeeze(x, [i for i, n in enumerate(s) if n == 1]) for x, s in zip(args, shapes)]
    new = []
    for axis in reversed(range(len(shape))):
        mapped = tuple(None if s[axis] == 1 else 0 for s in full)
        if all(m is None for m in mapped):
            new.append(axis)
        else:
            fun = vmap(fun, mapped)
    out = fun(*args)
    if not new:
        return out
    if isinstance(out, tuple):
        return tuple(lax.expand_dims(x, new) for x in out)
    return lax.expand_dims(out, new)


def complain_of_ranks(args: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> None:
    ranks = {len(s) for x, s in zip(args, shapes) if x.ndim}
    if flags.jax_numpy_rank_promotion == "allow" or len(ranks) < 2:
        return
    message = (f"operands with shapes {[x.shape for x in args]} require rank promotion for "
               "jnp.vectorize. Set the jax_numpy_rank_promotion config option to 'allow' to "
               "disable this message; for more information, see "
               "https://docs.jax.dev/en/latest/rank_promotion_warning.html.")
    if flags.jax_numpy_rank_promotion == "raise":
        raise ValueError(message)
    warnings.warn(message, stacklevel=4)
