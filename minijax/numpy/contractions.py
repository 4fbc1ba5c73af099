"""Products of vectors, matrices and tensors: all of them are `dot_general`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.layouts import divisible
from minijax.numpy.arguments import canonical_axis, ensure_arrays, refuse
from minijax.numpy.promotion import convert, promote_dtypes
from minijax.numpy.shaping import moveaxis, ravel
from minijax.numpy.ufuncs import conj
from minijax.numpy.vectorizing import vectorize


def contract(name: str, a: Any, b: Any, axes: Any, batch: Any, precision: Any, dtype: Any,
             order: Any = None) -> Any:
    """`dot_general` in the dtype asked for, or the one the operands have together."""
    weak = False
    if dtype is None:
        dtype, weak = dtypes.result_type(a, b, return_weak_type_flag=True)
    else:
        dtype = dtypes.check_user_dtype_supported(dtype, name, 4)
    out = lax.dot_general(a, b, (axes, batch), precision=precision, preferred_element_type=dtype)
    return convert(out if order is None else lax.transpose(out, order), dtype, weak)


@divisible
def dot(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None,
        out_sharding: Any = None) -> Any:
    """The sum over the last axis of `a` and the last but one of `b` (the only one of a vector).

    >>> import minijax.numpy as jnp
    >>> jnp.dot(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1.0, 1.0]))
    Array([3., 7.], dtype=float32)
    """
    a, b = ensure_arrays("dot", a, b)
    axes: Any = ((), ())
    if a.ndim and b.ndim:
        axes = (a.ndim - 1,), (max(b.ndim - 2, 0),)
    return contract("dot", a, b, axes, ((), ()), precision, preferred_element_type)


@divisible
def matmul(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None,
           out_sharding: Any = None) -> Any:
    """The product of matrices, or of stacks of them, which broadcast: `a @ b`.

    >>> import minijax.numpy as jnp
    >>> (jnp.ones((5, 2, 3)) @ jnp.ones((3, 4))).shape
    (5, 2, 4)
    """
    a, b = ensure_arrays("matmul", a, b)
    for i, x in enumerate((a, b)):
        if x.ndim < 1:
            raise ValueError(f"matmul input operand {i} must have ndim at least 1, but it has ndim "
                             f"{x.ndim}")
    if a.ndim <= 2 and b.ndim <= 2:
        axes = (a.ndim - 1,), (max(b.ndim - 2, 0),)
        return contract("matmul", a, b, axes, ((), ()), precision, preferred_element_type)
    plan = batch_axes(a.shape, b.shape)
    if plan is None:
        raise ValueError(f"Incompatible types for matmul arguments: {a.aval.str_short()} and "
                         f"{b.aval.str_short()}")
    shared, only_a, only_b, neither = plan
    rank = max(a.ndim, b.ndim, 2) - 2  # of the stack
    drop_a = [i - rank + max(a.ndim - 2, 0) for i in (*only_b, *neither)]
    drop_b = [i - rank + max(b.ndim - 2, 0) for i in (*only_a, *neither)]
    a, b = (lax.squeeze(x, [i for i in drop if i >= 0]) for x, drop in ((a, drop_a), (b, drop_b)))
    in_a, in_b = sorted(shared + only_a), sorted(shared + only_b)
    batch = [in_a.index(i) for i in shared], [in_b.index(i) for i in shared]
    rows = [rank] * (a.ndim - len(in_a) > 1)
    columns = [rank + len(rows)] * (b.ndim - len(in_b) > 1)
    order = np.argsort(np.array([*shared, *only_a, *rows, *only_b, *columns], int))
    axes = (a.ndim - 1,), (b.ndim - 1 - len(columns),)
    out = contract("matmul", a, b, axes, batch, precision, preferred_element_type, order)
    return lax.expand_dims(out, neither) if neither else out


def batch_axes(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[list[int], ...] | None:
    """The axes of the broadcast stack that both, only a, only b, or neither of them runs along."""
    a, b = a[:-2], b[:-2]
    rank = max(len(a), len(b))
    missing = -1
    plan: tuple[list[int], ...] = ([], [], [], [])
    for i in range(rank):
        n, m = (s[i - rank + len(s)] if i >= rank - len(s) else missing for s in (a, b))
        if n == missing or m == missing:
            plan[2 if n == missing else 1].append(i)
        elif n == m:
            plan[0 if n != 1 else 3].append(i)
        elif 1 in (n, m):
            plan[2 if n == 1 else 1].append(i)
        else:
            return None
    return plan


def vdot(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The inner product of all elements; those of `a` are conjugated."""
    a, b = ensure_arrays("vdot", a, b)
    return dot(ravel(conj(a)), ravel(b), precision=precision,
               preferred_element_type=preferred_element_type)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1, precision: Any = None,
           preferred_element_type: Any = None) -> Any:
    """The inner products of vectors along `axis`; those of `x1` are conjugated."""
    x1, x2 = ensure_arrays("jnp.vecdot", x1, x2)
    if x1.shape[axis] != x2.shape[axis]:
        raise ValueError(f"axes must match; got shapes {x1.shape} and {x2.shape} with axis={axis}")

    def inner_product(x: Any, y: Any) -> Any:
        return vdot(x, y, precision=precision, preferred_element_type=preferred_element_type)

    return vectorize(inner_product, signature="(n),(n)->()")(
        moveaxis(x1, axis, -1), moveaxis(x2, axis, -1))


@jit
def matvec(x1: Any, x2: Any, /) -> Any:
    """Matrices times vectors, both in stacks that broadcast."""
    x1, x2 = ensure_arrays("matvec", x1, x2)
    return vectorize(matmul, signature="(n,m),(m)->(n)")(x1, x2)


@jit
def vecmat(x1: Any, x2: Any, /) -> Any:
    """Vectors, conjugated, times matrices, both in stacks that broadcast."""
    x1, x2 = ensure_arrays("vecmat", x1, x2)
    return vectorize(matmul, signature="(n),(n,m)->(m)")(conj(x1), x2)


def inner(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The sum over the last axis of both."""
    a, b = ensure_arrays("inner", a, b)
    if not (a.ndim and b.ndim):
        if preferred_element_type is not None:
            a, b = (convert(x, np.dtype(preferred_element_type)) for x in (a, b))
        return a * b
    return tensordot(a, b, (-1, -1), precision=precision,
                     preferred_element_type=preferred_element_type)


def outer(a: Any, b: Any, out: None = None) -> Any:
    """The products of every element of `a` with every element of `b`, as a matrix."""
    refuse("outer", out=out)
    a, b = promote_dtypes(*ensure_arrays("outer", a, b))
    return lax.expand_dims(ravel(a), (1,)) * lax.expand_dims(ravel(b), (0,))


@divisible
def tensordot(a: Any, b: Any, axes: Any = 2, *, precision: Any = None,
              preferred_element_type: Any = None, out_sharding: Any = None) -> Any:
    """The sum over pairs of axes: the last n of `a` with the first n of `b`, or those given.

    >>> import minijax.numpy as jnp
    >>> jnp.tensordot(jnp.ones((2, 3)), jnp.ones((2, 5)), axes=([0], [0])).shape
    (3, 5)
    """
    a, b = ensure_arrays("tensordot", a, b)
    return contract("tensordot", a, b, tensordot_axes(a, b, axes), ((), ()), precision,
                    preferred_element_type)


def tensordot_axes(a: Any, b: Any, axes: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(axes, int):
        if axes > min(a.ndim, b.ndim):
            raise TypeError(f"Number of tensordot axes (axes {axes}) exceeds input ranks "
                            f"({a.shape} and {b.shape})")
        return tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    if not isinstance(axes, (tuple, list)) or len(axes) != 2:
        raise TypeError("tensordot axes argument must be an int, a pair of ints, or a pair of "
                        "lists/tuples of ints.")
    first, second = axes
    if isinstance(first, int) and isinstance(second, int):
        first, second = (first,), (second,)
    if not (isinstance(first, (tuple, list)) and isinstance(second, (tuple, list))):
        raise TypeError("tensordot requires both axes lists to be either ints, tuples or lists, "
                        f"got {first} and {second}")
    if len(first) != len(second):
        raise TypeError("tensordot requires axes lists to have equal length, got "
                        f"{first} and {second}.")
    return (tuple(canonical_axis(i, a.ndim) for i in first),
            tuple(canonical_axis(i, b.ndim) for i in second))


@jit
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: `b` times every element of `a`, as blocks."""
    a, b = promote_dtypes(*ensure_arrays("kron", a, b))
    rank = max(a.ndim, b.ndim)
    a, b = (lax.broadcast_to_rank(x, rank) for x in (a, b))
    a = lax.expand_dims(a, range(1, 2 * rank, 2))
    b = lax.expand_dims(b, range(0, 2 * rank, 2))
    return lax.reshape(a * b, [n * m for n, m in zip(a.shape[::2], b.shape[1::2])])


def cross_components(a: Any, b: Any) -> list[tuple[Any, Any]]:
    """Which products make the components of a x b: plus the first, minus the second."""
    if len(a) == len(b) == 2:
        return [((a[0], b[1]), (a[1], b[0]))]
    if len(a) == len(b) == 3:
        return [((a[i], b[j]), (a[j], b[i])) for i, j in ((1, 2), (2, 0), (0, 1))]
    if len(a) == 2:
        return [((a[1], b[2]), None), (None, (a[0], b[2])), ((a[0], b[1]), (a[1], b[0]))]
    return [(None, (a[2], b[1])), ((a[2], b[0]), None), ((a[0], b[1]), (a[1], b[0]))]


@functools.partial(jit, static_argnames=("axisa", "axisb", "axisc", "axis"))
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1,
          axis: int | None = None) -> Any:
    """The vector product of vectors with two or three components, along `axis`."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = promote_dtypes(*ensure_arrays("cross", a, b))
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ValueError("Dimension must be either 2 or 3 for cross product")
    parts = [[x[..., i] for i in range(x.shape[-1])] for x in (a, b)]
    out = []
    for plus, minus in cross_components(*parts):
        if plus is None:
            out.append(-(minus[0] * minus[1]))
        else:
            out.append(plus[0] * plus[1] if minus is None
                       else plus[0] * plus[1] - minus[0] * minus[1])
    if len(out) == 1:
        return out[0]
    columns = [lax.expand_dims(x, (x.ndim,)) for x in out]
    return moveaxis(lax.concatenate(columns, out[0].ndim), -1, axisc)
