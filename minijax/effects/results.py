"""Callbacks whose results the program goes on with: pure_callback and io_callback.

In JAX: jax/_src/callback.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import batch, move_axis
from minijax.control_flow.scan import scan
from minijax.core import Primitive, ShapedArray, to_numpy, typeof
from minijax.effects.callbacks import FlatCallback, copied, split_leaves
from minijax.effects.kinds import io_effect, ordered_io_effect
from minijax.lax.shaping import broadcast
from minijax.tree_util import tree_flatten, tree_unflatten

# --- the operations --------------------------------------------------------------------------


class Callback(Primitive):
    """Asks a function of the user for its results, whose types were given."""

    multiple_results = True

    def impl(self, *buffers, callback, result_avals, **params):
        values = callback(copied(buffers), in_program=True)
        with callback.blamed(in_program=True):
            return checked_results(values, result_avals)

    def abstract_eval(self, *avals, result_avals, **params):
        return result_avals


def checked_results(values: Sequence[Any], avals: Sequence[ShapedArray]) -> list[np.ndarray]:
    """What a callback returned, in buffers of our own. RuntimeError: it is not what was promised"""
    if len(values) != len(avals):
        raise RuntimeError("Mismatched number of outputs from callback. "
                           f"Expected: {len(avals)}, Actual: {len(values)}")
    for i, (x, want) in enumerate(zip(values, avals)):
        have = typeof(x)
        for what, expected, actual in (("shape", want.shape, have.shape),
                                       ("dtype", want.dtype, have.dtype)):
            if expected != actual:
                raise RuntimeError(f"Incorrect output {what} for return value #{i}: "
                                   f"Expected: {expected}, Actual: {actual}")
    return list(map(to_numpy, values))


class PureCallback(Callback):
    """Its results depend on its operands only: it may be called more often, or not at all."""

    def transpose(self, cts, *args, **params):
        raise ValueError("Pure callbacks do not support transpose: a Python function is not known "
                         "to be linear. Give its transpose, with jax.custom_vjp.")

    def linearize(self, active, *xs, **params):
        raise ValueError("Pure callbacks do not support JVP: the derivative of a Python function "
                         "is not known. Give one, with jax.custom_jvp or jax.custom_vjp.")


class IOCallback(Callback):
    """It is called as often as the program says, because it does something."""

    def effects_of(self, params):
        return frozenset({ordered_io_effect if params["ordered"] else io_effect})

    def transpose(self, cts, *args, **params):
        raise ValueError("IO callbacks do not support transpose: a Python function is not known to "
                         "be linear. Give its transpose, with jax.custom_vjp.")

    def linearize(self, active, *xs, **params):
        raise ValueError("IO callbacks do not support JVP: the derivative of a Python function is "
                         "not known. Use jax.lax.stop_gradient on the arguments, or give a "
                         "derivative with jax.custom_jvp or jax.custom_vjp.")


pure_callback_p = PureCallback("pure_callback")
io_callback_p = IOCallback("io_callback")

# --- for a batch -------------------------------------------------------------------------------

VMAP_METHODS = ("sequential", "sequential_unrolled", "expand_dims", "broadcast_all",
                "legacy_vectorized")


@batch.register
def _(prim: PureCallback, axis, xs, dims, /, *, result_avals, vmap_method, **params):
    if vmap_method is None:
        raise NotImplementedError(
            "vmap is only supported for the pure_callback primitive when vmap_method is one of "
            f"{', '.join(map(repr, VMAP_METHODS))}. Got vmap_method=None.")
    params["vmap_method"] = vmap_method
    if vmap_method.startswith("sequential"):
        outs = one_by_one(lambda *row: prim.bind(*row, result_avals=result_avals, **params),
                          xs, dims, unroll=vmap_method == "sequential_unrolled")
        return outs, [0] * len(outs)
    repeats = {"expand_dims": 1, "broadcast_all": axis.size}.get(vmap_method)
    rows = [move_axis(x, d, 0) if d is not None else
            x if repeats is None else broadcast(x, (repeats,)) for x, d in zip(xs, dims)]
    avals = tuple(a.update(shape=(axis.size, *a.shape)) for a in result_avals)
    return prim.bind(*rows, result_avals=avals, **params), [0] * len(avals)


@batch.register
def _(prim: IOCallback, axis, xs, dims, /, **params):
    if params["ordered"]:
        raise ValueError("Cannot `vmap` ordered IO callback: the elements of a batch have no "
                         "order. Use jax.lax.map, or ordered=False.")
    outs = one_by_one(lambda *row: prim.bind(*row, **params), xs, dims, unroll=False)
    return outs, [0] * len(outs)


def one_by_one(f: Callable, xs: Sequence[Any], dims: Sequence[int | None], unroll: bool
               ) -> list[Any]:
    """`f` for each element of the batch, and the results stacked."""
    rows = [None if d is None else move_axis(x, d, 0) for x, d in zip(xs, dims)]

    def step(_: tuple, row: list[Any]) -> tuple[tuple, list[Any]]:
        return (), f(*[x if d is None else r for x, r, d in zip(xs, row, dims)])

    return scan(step, (), rows, unroll=unroll)[1]


# --- for users ---------------------------------------------------------------------------------


def result_types(result_shape_dtypes: Any) -> tuple[tuple[ShapedArray, ...], Any]:
    """The types of the leaves, and the structure."""
    leaves, tree = tree_flatten(result_shape_dtypes)
    for x in leaves:
        if not (hasattr(x, "shape") and hasattr(x, "dtype")):
            raise TypeError("result_shape_dtypes must be a pytree of objects with shape and dtype, "
                            f"such as jax.ShapeDtypeStruct, but has a leaf {x!r} of type {type(x)}")
        if dtypes.canonicalize_dtype(x.dtype) != x.dtype:
            raise ValueError("result_shape_dtypes cannot specify 64-bit types when "
                             f"`jax_enable_x64` is disabled, got {dtypes.name(x.dtype)}")
    return tuple(ShapedArray(x.shape, x.dtype) for x in leaves), tree


def call(prim: Primitive, callback: Callable, result_shape_dtypes: Any, args: tuple, kwargs: dict,
         **params: Any) -> Any:
    if not callable(callback):
        raise TypeError(f"the first argument of {prim.name} must be callable, got {callback!r}")
    avals, tree = result_types(result_shape_dtypes)
    operands, in_tree, fixed = split_leaves(args, kwargs)
    for x in fixed.values():
        raise TypeError(f"Error interpreting argument to {prim.name} as a JAX value. The "
                        f"problematic value is {x!r} of type {type(x)}. Let the callback close "
                        "over what is no array.")
    flat = FlatCallback(prim.name, callback, in_tree, fixed)
    outs = prim.bind(*operands, callback=flat, result_avals=avals, sharding=None, **params)
    return tree_unflatten(tree, outs)


def pure_callback(callback: Callable, result_shape_dtypes: Any, *args: Any, sharding: Any = None,
                  vmap_method: str | None = None, **kwargs: Any) -> Any:
    """`callback(*args, **kwargs)`, computed by Python when the program runs.

    The function gets arrays. It must be pure: how often it is called, and whether at all if its
    result is not needed, is not promised.

    >>> import minijax as jax, minijax.numpy as jnp, scipy.special
    >>> @jax.jit
    ... def gamma(x):
    ...     return jax.pure_callback(lambda x: scipy.special.gamma(x), x, x)
    >>> gamma(jnp.float32(5.0))
    Array(24., dtype=float32)

    Args:
      result_shape_dtypes: a pytree of `jax.ShapeDtypeStruct`, or of arrays: what it returns.
      vmap_method: what `vmap` does. "sequential": call it for each element; "expand_dims": once,
        with leading axes, of size 1 where an argument is the same for all; "broadcast_all": once,
        with leading axes of the size of the batch.

    Raises:
      jax.errors.JaxRuntimeError: the function raised, or its result is not what was promised.
      ValueError: under a derivative; give one with `jax.custom_jvp`.
    """
    if vmap_method not in (*VMAP_METHODS, None):
        raise ValueError("vmap_method must be one of the allowed methods "
                         f"{[*VMAP_METHODS, None]}, but got: {vmap_method}")
    return call(pure_callback_p, callback, result_shape_dtypes, args, kwargs,
                vmap_method=vmap_method)


def io_callback(callback: Callable, result_shape_dtypes: Any, *args: Any, sharding: Any = None,
                ordered: bool = False, **kwargs: Any) -> Any:
    """`callback(*args, **kwargs)`, called each time the program runs, because it does something.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> from minijax.experimental import io_callback
    >>> state = iter(range(100))
    >>> draw = jax.jit(lambda: io_callback(lambda: next(state), jnp.int32(0)))
    >>> print(draw(), draw())
    0 1

    Args:
      result_shape_dtypes: a pytree of `jax.ShapeDtypeStruct`, or None for no result.
      ordered: calls come in the order of the program; here always.

    Raises:
      jax.errors.JaxRuntimeError: the function raised, or its result is not what was promised.
      ValueError: under a derivative; under `vmap`, if it is ordered.
    """
    return call(io_callback_p, callback, result_shape_dtypes, args, kwargs, ordered=ordered)


def effects_barrier() -> None:
    """Wait until everything that programs do besides computing has been done. Here it has."""
