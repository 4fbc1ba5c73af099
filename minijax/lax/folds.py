"""Reductions by any associative function: `reduce`, and what it shares with `reduce_window`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.batching import AxisData, batch, batch_jaxpr, move_to_front, vmap
from minijax.compiler import compiled
from minijax.config import config
from minijax.core import ShapedArray, Tracer, axis_env, to_numpy, typeof
from minijax.families import Elementwise, Program, convert, mul, reduce_sum
from minijax.jaxpr import Jaxpr, trace_to_jaxpr
from minijax.jit import programs_of
from minijax.jvp import jvp_flat
from minijax.lax.elementwise import add, bitwise_and, bitwise_or, bitwise_xor, max, min
from minijax.lax.reducing import (
    highest,
    lowest,
    reduce_and,
    reduce_by_halves,
    reduce_max,
    reduce_min,
    reduce_or,
    reduce_prod,
    reduce_xor,
)
from minijax.tree_util import tree_flatten, tree_leaves, tree_structure, tree_unflatten

__all__ = ["reduce", "reduce_p"]


# --- programs of scalars ---------------------------------------------------------------------


def elementwise(jaxpr: Jaxpr, size: int) -> Jaxpr:
    """A program of scalars, on vectors of one size."""
    n = len(jaxpr.outvars)
    return batch_jaxpr(jaxpr, AxisData(size), (0,) * 2 * n, (True,) * n)[0]


def over_axes(jaxpr: Jaxpr, rank: int) -> Callable:
    """A program of scalars, as a function of two lists of arrays with `rank` axes."""
    fun: Callable = lambda *xs: jaxpr(*xs)  # noqa: E731
    for _ in range(rank):
        fun = vmap(fun)
    return lambda xs, ys: fun(*xs, *ys)


def scalar_program(name: str, computation: Callable, init_values: Any) -> Jaxpr:
    """The program of `computation(xs, ys)`, for xs and ys like the scalars `init_values`."""
    inits, tree = tree_flatten(init_values)
    avals = tuple(typeof(x).update(shape=()) for x in inits)
    programs = programs_of(computation)
    key = name, avals, *(a.vma for a in avals), tree, axis_env(), config.trace_context()
    if key in programs:
        return programs[key]

    def flat(*args: Any) -> list[Any]:
        n = len(inits)
        out = computation(tree_unflatten(tree, args[:n]), tree_unflatten(tree, args[n:]))
        if tree_structure(out) != tree:
            raise ValueError(f"{name} computation must return the structure of the initial values "
                             f"{tree}, got {tree_structure(out)}.")
        return tree_leaves(out)

    jaxpr, captured = trace_to_jaxpr(flat, avals * 2, name)
    if captured:
        raise NotImplementedError(f"The computation of {name} cannot close over arrays or traced "
                                  "values: pass what it needs as a further operand.")
    if [a.dtype for a in jaxpr.out_avals] != [a.dtype for a in avals]:
        raise TypeError(f"{name} computation must return the dtypes of the initial values, "
                        f"{[*avals]}, got {jaxpr.out_avals}.")
    programs[key] = jaxpr
    return jaxpr


IDENTITIES: dict[Callable, Callable] = {
    add: lambda dtype: np.zeros((), dtype), mul: lambda dtype: np.ones((), dtype),
    max: lowest, min: highest, bitwise_and: lambda dtype: np.asarray(-1).astype(dtype),
    bitwise_or: lambda dtype: np.zeros((), dtype), bitwise_xor: lambda dtype: np.zeros((), dtype),
}


def is_monoid(computation: Any, inits: Sequence[Any]) -> bool:
    """Whether the only initial value is known, and is the identity of a known operation."""
    if len(inits) != 1 or not isinstance(computation, Elementwise) or isinstance(inits[0], Tracer):
        return False
    identity, aval = IDENTITIES.get(computation), typeof(inits[0])
    return bool(identity and not aval.shape and to_numpy(inits[0]) == identity(aval.dtype))


def flatten_operands(name: str, operands: Any, init_values: Any) -> tuple[list[Any], list[Any]]:
    """The operands and the initial values, one for each."""
    xs, tree = tree_flatten(operands)
    inits, init_tree = tree_flatten(init_values)
    if tree != init_tree:
        raise ValueError(f"Operands of {name} must have the same tree structure as init_values: "
                         f"{tree} vs. {init_tree}")
    if not xs:
        raise ValueError(f"{name} must have at least one operand.")
    return xs, inits


# --- the operation ---------------------------------------------------------------------------


class Reduce(Program):
    """Combines elements along `dimensions` by a program of scalars, from initial values on."""

    def impl(self, *args, jaxpr, dimensions):
        n = len(args) // 2
        shape = args[0].shape
        sizes = [m for i, m in enumerate(shape) if i not in dimensions]
        steps, width = math.prod(shape[i] for i in dimensions), math.prod(sizes)
        rows = [np.moveaxis(x, dimensions, range(len(dimensions))).reshape(steps, width)
                for x in args[:n]]
        combine = compiled(elementwise(jaxpr, width))
        totals = [np.broadcast_to(x, width) for x in args[n:]]
        for row in zip(*rows):
            totals = combine(*totals, *row)
        return [x.reshape(sizes) for x in totals]

    def abstract_eval(self, *avals, jaxpr, dimensions):
        operands, inits = avals[: len(avals) // 2], avals[len(avals) // 2:]
        if any(a.shape for a in inits):
            raise ValueError("reduce found non-scalar initial value: "
                             f"{[a.shape for a in inits]}")
        if [a.dtype for a in operands] != [a.dtype for a in inits]:
            raise TypeError("reduce operand dtypes should match corresponding initial value "
                            f"dtypes, got operands={[*operands]} and initial_values={[*inits]}")
        if len({a.shape for a in operands}) > 1:
            raise TypeError("reduce operands must have the same shape, got "
                            f"{', '.join(str(a.shape) for a in operands)}")
        if not set(dimensions) <= {*range(operands[0].ndim)}:
            raise ValueError(f"reduction dimensions {dimensions} contains out-of-bounds indices "
                             f"for {operands[0]}.")
        sizes = [n for i, n in enumerate(operands[0].shape) if i not in dimensions]
        return [ShapedArray(sizes, a.dtype, a.weak_type and i.weak_type)
                for a, i in zip(operands, inits)]

    def jvp(self, primals, tangents, *, jaxpr, dimensions):
        n = len(primals) // 2
        if any(t is not None for t in tangents[n:]):
            raise NotImplementedError("Gradient of general lax.reduce with non-zero tangents for "
                                      "initial values to reduction not implemented")
        combine = over_axes(jaxpr, typeof(primals[0]).ndim - len(dimensions) + 1)
        return jvp_flat(
            lambda *xs: reduce_by_halves(combine, xs, primals[n:], dimensions),
            primals[:n], tangents[:n], self.name)


reduce_p = Reduce("reduce")


@batch.register
def _(prim: Reduce, axis, xs, dims, /, *, jaxpr, dimensions):
    n = len(xs) // 2
    if any(d is not None for d in dims[n:]):
        raise NotImplementedError("vmap of lax.reduce over its initial values: combine them with "
                                  "the result instead, and start from the identity.")
    operands = [move_to_front(x, d, axis.size) for x, d in zip(xs[:n], dims[:n])]
    return prim.bind(*operands, *xs[n:], jaxpr=jaxpr,
                     dimensions=tuple(d + 1 for d in dimensions)), [0] * n


REDUCTIONS: dict[Callable, Callable] = {
    add: reduce_sum, mul: reduce_prod, max: reduce_max, min: reduce_min, bitwise_and: reduce_and,
    bitwise_or: reduce_or, bitwise_xor: reduce_xor}


def reduce(operands: Any, init_values: Any, computation: Callable, dimensions: Sequence[int]
           ) -> Any:
    """Combine the elements along `dimensions` by an associative function of two scalars.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> x, i = jnp.array([3.0, 9.0, 4.0]), jnp.arange(3)
    >>> def larger(a, b):  # of two pairs of a value and its index
    ...     keep = a[0] >= b[0]
    ...     return jnp.where(keep, a[0], b[0]), jnp.where(keep, a[1], b[1])
    >>> print(*jax.lax.reduce((x, i), (-jnp.inf, 0), larger, (0,)))
    9.0 1

    Args:
      operands: an array, or a pytree of arrays of one shape that are reduced together.
      init_values: scalars, in the same structure: the identity of `computation`.
      computation: associative; it takes and returns what `init_values` is like.

    Raises:
      ValueError, TypeError: structures, shapes or dtypes that do not match.
    """
    xs, inits = flatten_operands("reduce", operands, init_values)
    if is_monoid(computation, inits):
        out = REDUCTIONS[computation](xs[0], tuple(dimensions))
        weak = typeof(xs[0]).weak_type and typeof(inits[0]).weak_type
        return convert(out, typeof(out).dtype, weak)
    outs = reduce_p.bind(*xs, *inits, jaxpr=scalar_program("reduce", computation, init_values),
                         dimensions=tuple(int(d) for d in dimensions))
    return tree_unflatten(tree_structure(init_values), outs)
