"""Putting values at indices, into a copy."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import lax
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.numpy.arguments import canonical_axis, ensure_arrays
from minijax.numpy.arithmetic import mod
from minijax.numpy.promotion import _where, broadcast_to
from minijax.numpy.ranges import indices as grids
from minijax.numpy.shaping import ravel
from minijax.numpy.taking import take, unravel_index


def refuse_inplace(name: str, inplace: bool) -> None:
    if inplace:
        raise ValueError(f"jax.numpy.{name} cannot modify arrays in-place, because JAX arrays are "
                         "immutable. Pass inplace=False to instead return an updated array.")


def fit(values: Any, size: int) -> Any:
    """Flat values, repeated and cut to a size."""
    if values.size < size:
        values = lax.tile(values, (-(-size // values.size),))
    return values if values.size == size else lax.slice_in_dim(values, 0, size)


def put(a: Any, ind: Any, v: Any, mode: str | None = None, *, inplace: bool = True) -> Any:
    """`a` with the values `v` at the indices `ind` of the flattened array."""
    refuse_inplace("put", inplace)
    a, ind, v = ensure_arrays("put", a, ind, v)
    ind, v = ravel(ind), ravel(v)
    if not (a.size and ind.size and v.size):
        return a
    if mode == "clip":
        ind = lax.clamp(of_dtype(0, ind.dtype), ind, of_dtype(a.size - 1, ind.dtype))
    elif mode == "wrap":
        ind = mod(ind, a.size)
    elif mode == "raise":
        raise NotImplementedError("The 'raise' mode to jnp.put is not supported.")
    elif mode is not None:
        raise ValueError(f"mode should be one of 'wrap' or 'clip'; got mode={mode!r}")
    v = fit(v, ind.size)
    return a.at[unravel_index(ind, a.shape)].set(
        v, mode="drop" if mode is None else "promise_in_bounds")


@functools.partial(jit, static_argnames=("axis", "inplace", "mode"))
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None, inplace: bool = True, *,
                   mode: str | None = None) -> Any:
    """`arr` with `values` where `take_along_axis` would take them."""
    refuse_inplace("put_along_axis", inplace)
    arr, indices, values = ensure_arrays("put_along_axis", arr, indices, values)
    shape = arr.shape
    if axis is None:
        arr, axis = ravel(arr), 0
    if arr.ndim != indices.ndim:
        raise ValueError("put_along_axis arguments 'arr' and 'indices' must have same ndim. Got "
                         f"arr.ndim={arr.ndim} and indices.ndim={indices.ndim}.")
    try:
        values = broadcast_to(values, indices.shape)
    except ValueError:
        raise ValueError("put_along_axis argument 'values' must be broadcastable to 'indices'. "
                         f"Got values.shape={values.shape} and indices.shape={indices.shape}."
                         ) from None
    axis = canonical_axis(axis, arr.ndim)
    at = [indices if i == axis else grid for i, grid in enumerate(grids(arr.shape, sparse=True))]
    return lax.reshape(arr.at[tuple(at)].set(values, mode=mode), shape)


def place(arr: Any, mask: Any, vals: Any, *, inplace: bool = True) -> Any:
    """`arr` with the values `vals`, repeated as needed, where the mask holds."""
    refuse_inplace("place", inplace)
    arr, mask, vals = ensure_arrays("place", arr, mask, vals)
    vals = ravel(vals)
    if arr.size != mask.size:
        raise ValueError("place: arr and mask must be the same size")
    if not vals.size:
        raise ValueError("Cannot place values from an empty array")
    if not arr.size:
        return arr
    flags = lax.convert_element_type(ravel(mask if mask.dtype.kind == "b" else lax.ne(mask, 0)),
                                     np.int32)
    nth = lax.cumsum(flags) - flags  # how many places come before this one
    return _where(mask, lax.reshape(take(fit(vals, arr.size), nth), arr.shape), arr)


def fill_diagonal(a: Any, val: Any, wrap: bool = False, *, inplace: bool = True) -> Any:
    """`a` with `val` on its diagonal."""
    if inplace:
        raise NotImplementedError("JAX arrays are immutable, must use inplace=False")
    if wrap:
        raise NotImplementedError("wrap=True is not implemented, must pass wrap=False")
    a, val = ensure_arrays("fill_diagonal", a, val)
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) > 1):
        raise ValueError("array must be at least 2-d, and of equal sizes if it has more axes")
    n = min(a.shape)
    i = lax.iota(np.int32, n)
    values = val if val.ndim == 0 else fit(ravel(val), n)
    return a.at[(i,) * a.ndim].set(values)


# --- indices ---------------------------------------------------------------------------------
