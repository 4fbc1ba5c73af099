"""Whole Jacobians: `jvp` or `vjp`, mapped over a basis."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.api_util import argnums_partial, check_aux, check_callable, chosen_names
from minijax.batching import vmap
from minijax.core import ArrayImpl, typeof
from minijax.derivative_checks import check_grad_inputs, check_kinds
from minijax.families import reshape, zeros
from minijax.jvp import jvp
from minijax.transpose import vjp
from minijax.tree_util import tree_flatten, tree_leaves, tree_unflatten


def jacfwd(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False,
           holomorphic: bool = False) -> Callable:
    """The Jacobian of `fun`, a column at a time by `jvp`: good for few inputs.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.jacfwd(lambda x: x ** 2)(jnp.array([1.0, 2.0])))
    [[2. 0.]
     [0. 4.]]
    """
    return jacobian_function(fun, argnums, has_aux, holomorphic, forward_columns)


def jacrev(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False,
           holomorphic: bool = False, allow_int: bool = False) -> Callable:
    """The Jacobian of `fun`, a row at a time by `vjp`: good for few outputs.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.jacrev(lambda x: x ** 2)(jnp.array([1.0, 2.0])))
    [[2. 0.]
     [0. 4.]]
    """
    rows = functools.partial(reverse_rows, allow_int=allow_int)
    return jacobian_function(fun, argnums, has_aux, holomorphic, rows)


jacobian = jacrev


def hessian(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False,
            holomorphic: bool = False) -> Callable:
    """The Hessian of `fun`: forward over reverse.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.hessian(lambda x: jnp.sum(x ** 3))(jnp.array([1.0, 2.0])))
    [[ 6.  0.]
     [ 0. 12.]]
    """
    return jacfwd(jacrev(fun, argnums, has_aux, holomorphic), argnums, has_aux, holomorphic)


def jacobian_function(fun: Callable, argnums: Any, has_aux: bool, holomorphic: bool,
                      compute: Callable) -> Callable:
    check_callable(fun)

    @functools.wraps(fun)
    def jacobian_f(*args: Any, **kwargs: Any) -> Any:
        f, chosen = argnums_partial(fun, argnums, args, kwargs)
        inputs, in_tree = tree_flatten(chosen)

        def flat(*leaves: Any) -> Any:
            out = f(*tree_unflatten(in_tree, leaves))
            return check_aux(out, fun) if has_aux else (out, None)

        blocks, out_tree, aux = compute(
            flat, inputs, holomorphic, lambda: chosen_names(fun, argnums, args))
        rows = [tree_unflatten(in_tree, row) for row in blocks]
        rows = [row[0] if isinstance(argnums, int) else row for row in rows]
        out = tree_unflatten(out_tree, rows)
        return (out, aux) if has_aux else out

    return jacobian_f


def basis(xs: Sequence[Any]) -> list[ArrayImpl]:
    """The unit vectors of the direct sum of `xs`: for each x, an array (total, *x.shape)."""
    sizes = [typeof(x).size for x in xs]
    starts = np.cumsum([0, *sizes]).tolist()
    out = []
    for x, n, start in zip(xs, sizes, starts):
        aval = typeof(x).update(shape=(starts[-1], *typeof(x).shape))
        units = np.zeros((starts[-1], n), aval.dtype)
        units[np.arange(start, start + n), np.arange(n)] = 1
        out.append(ArrayImpl(units.reshape(aval.shape), aval))
    return out


def split_leading(stacked: Any, xs: Sequence[Any], last: bool) -> list[Any]:
    """Cut the basis axis into blocks, one for each of `xs`, of their shapes."""
    blocks, start = [], 0
    for x in xs:
        shape, n = typeof(x).shape, typeof(x).size
        block = stacked[..., start:start + n] if last else stacked[start:start + n]
        rest = typeof(block).shape
        new = (*rest[:-1], *shape) if last else (*shape, *rest[1:])
        blocks.append(reshape(block, new))
        start += n
    return blocks


def numbers(derivative: Any, x: Any) -> Any:
    """A derivative of, or by, x. Where x is an integer there is none: zeros of its own dtype."""
    d = typeof(derivative)
    return zeros(typeof(x).update(shape=d.shape)) if d.dtype == dtypes.float0 else derivative


def forward_columns(f: Callable, inputs: list[Any], holomorphic: bool, names: Callable) -> tuple:
    check_kinds(inputs, holomorphic, "jacfwd", "input", "jvp", names)

    def push(*tangents: Any) -> Any:
        out, out_dot, aux = jvp(f, tuple(inputs), tangents, has_aux=True)
        return out, out_dot, aux

    out, columns, aux = vmap(push, out_axes=(None, -1, None))(*basis(inputs))
    outs, out_tree = tree_flatten(out)
    if holomorphic:
        check_kinds(outs, holomorphic, "jacfwd", "output", "jvp", lambda: range(len(outs)))
    return [split_leading(numbers(column, y), inputs, last=True)
            for column, y in zip(tree_leaves(columns), outs)], out_tree, aux


def reverse_rows(f: Callable, inputs: list[Any], holomorphic: bool, names: Callable,
                 allow_int: bool) -> tuple:
    check_grad_inputs(inputs, holomorphic, allow_int, "jacrev", names)
    out, pull, aux = vjp(f, *inputs, has_aux=True)
    leaves, out_tree = tree_flatten(out)
    check_kinds(leaves, holomorphic, "jacrev", "output", "vjp", lambda: range(len(leaves)))
    rows = vmap(lambda *cts: pull(tree_unflatten(out_tree, cts)))(*basis(leaves))
    blocks = [split_leading(numbers(row, x), leaves, last=False) for row, x in zip(rows, inputs)]
    return [list(row) for row in zip(*blocks)], out_tree, aux
