"""Programs for users: `make_jaxpr`, `eval_shape`, and types that stand for arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.api_util import FlatFun, check_callable, describe_function, flatten_args, positions
from minijax.core import ShapedArray, Trace, current_trace, interpreting, typeof
from minijax.jaxpr import bound, trace_to_jaxpr
from minijax.source_info import name_of
from minijax.tree_util import tree_unflatten


class ShapeDtypeStruct:
    """The shape and dtype of an array, without the array; and where it is, if that matters.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.eval_shape(lambda x: x @ x.T, jax.ShapeDtypeStruct((3, 2), jnp.float32))
    ShapeDtypeStruct(shape=(3, 3), dtype=float32)
    """

    def __init__(self, shape: Sequence[int], dtype: Any, *, sharding: Any = None,
                 weak_type: bool = False, **_: Any):
        if dtype is None:
            raise ValueError("ShapeDtypeStruct: dtype must be specified.")
        self.aval, self._sharding = ShapedArray(shape, np.dtype(dtype), weak_type), sharding

    shape = property(lambda self: self.aval.shape)
    dtype = property(lambda self: self.aval.dtype)
    weak_type = property(lambda self: self.aval.weak_type)
    ndim = property(lambda self: self.aval.ndim)
    size = property(lambda self: self.aval.size)
    sharding = property(lambda self: self._sharding)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, ShapeDtypeStruct) and self.aval == other.aval
                and self.sharding == other.sharding)

    def __hash__(self) -> int:
        return hash(self.aval)

    def __repr__(self) -> str:
        weak = ", weak_type=True" if self.weak_type else ""
        where = "" if self.sharding is None else f", sharding={self.sharding}"
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={self.dtype.name}{where}{weak})"


def abstract(x: Any) -> ShapedArray:
    """The type of a value, or of something that has a shape and a dtype and no value."""
    if isinstance(x, (ShapeDtypeStruct, ShapedArray)):
        return x if isinstance(x, ShapedArray) else x.aval
    return typeof(x)


def duck_aval(x: Any) -> ShapedArray:
    """The type of a value, or of anything that has a shape and a dtype."""
    try:
        return abstract(x)
    except TypeError:
        if not (hasattr(x, "shape") and hasattr(x, "dtype")):
            raise
        return ShapedArray(x.shape, dtypes.canonical_dtype(np.dtype(x.dtype)))


def make_jaxpr(fun: Callable, static_argnums: int | Sequence[int] = (),
               axis_env: Sequence[tuple[Any, int]] = (), return_shape: bool = False) -> Callable:
    """A function that returns the program of `fun` at the types of its arguments.

    It shows what was traced, with nothing removed.

    >>> import minijax as jax
    >>> jax.make_jaxpr(lambda x: 2 * x + 3)(5)
    { lambda ; a:i32[]. let
        b:i32[] = mul 2:i32[] a
        c:i32[] = add b 3:i32[]
      in (c,) }

    Args:
      static_argnums: positions of arguments that are not traced.
      axis_env: names and sizes of axes that `fun` may refer to, as if it were mapped.
      return_shape: return also the pytree of `ShapeDtypeStruct` of the result.
    """
    check_callable(fun)

    @functools.wraps(fun)
    def maker(*args: Any, **kwargs: Any) -> Any:
        f, dynamic = bind_static(fun, static_argnums, args)
        leaves, in_tree = flatten_args(dynamic, kwargs)
        flat = FlatFun(f, in_tree, "make_jaxpr")
        name = describe_function(fun, "make_jaxpr")
        avals = list(map(duck_aval, leaves))
        mapped = current_trace()
        for axis_name, size in axis_env or ():
            mapped = Trace(name, mapped)
            mapped.axis_name, mapped.size = axis_name, size
        with interpreting(mapped):
            jaxpr = bound(*trace_to_jaxpr(flat, avals, name, prune=False))
        if not return_shape:
            return jaxpr
        return jaxpr, tree_unflatten(flat.out_tree, [as_struct(a) for a in jaxpr.out_avals])

    maker.__name__, maker.__qualname__ = (f"make_jaxpr({name_of(fun)})",
                                          f"make_jaxpr({getattr(fun, '__qualname__', '')})")
    return maker


def as_struct(aval: ShapedArray) -> ShapeDtypeStruct:
    return ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=aval.weak_type,
                            sharding=aval.divided)


def bind_static(fun: Callable, static_argnums: int | Sequence[int], args: Sequence[Any]
                ) -> tuple[Callable, list[Any]]:
    """`fun` with its static arguments in place, and the arguments that remain."""
    static = {n % len(args): args[n] for n in positions(static_argnums)
              if -len(args) <= n < len(args)}
    if not static:
        return fun, list(args)

    def f(*dynamic: Any, **kwargs: Any) -> Any:
        rest = iter(dynamic)
        full = [static[i] if i in static else next(rest) for i in range(len(args))]
        return fun(*full, **kwargs)

    functools.update_wrapper(f, fun)
    return f, [x for i, x in enumerate(args) if i not in static]


def eval_shape(fun: Callable, *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes of `fun(*args, **kwargs)`, without computing anything.

    The arguments may be arrays or anything with `shape` and `dtype`.
    """
    leaves, in_tree = flatten_args(args, kwargs)
    flat = FlatFun(fun, in_tree, "eval_shape")
    avals = list(map(duck_aval, leaves))
    jaxpr, _ = trace_to_jaxpr(flat, avals, describe_function(fun, "eval_shape"))
    return tree_unflatten(flat.out_tree, [as_struct(a) for a in jaxpr.out_avals])
