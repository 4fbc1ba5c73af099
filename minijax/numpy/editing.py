"""Arrays with elements inserted, deleted or trimmed."""

from __future__ import annotations

from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.core import ArrayImpl
from minijax.numpy.arguments import (
    canonical_axes,
    canonical_axis,
    concrete,
    ensure_array,
    ensure_arrays,
)
from minijax.numpy.creation import array, asarray
from minijax.numpy.joining import concatenate
from minijax.numpy.promotion import _where, broadcast_to
from minijax.numpy.ranges import arange
from minijax.numpy.searching import nonzero
from minijax.numpy.selecting import clip
from minijax.numpy.shaping import moveaxis, ravel
from minijax.numpy.sorting import argsort, sort


def delete(arr: Any, obj: Any, axis: int | None = None, *, assume_unique_indices: bool = False
           ) -> Any:
    """`arr` without the elements `obj` (an index, indices, a slice or a mask) of an axis.

    >>> import minijax.numpy as jnp
    >>> jnp.delete(jnp.arange(5), jnp.array([1, 3]))
    Array([0, 2, 4], dtype=int32)

    Args:
      axis: None deletes from the flattened array.
      assume_unique_indices: a promise by which traced indices can be deleted.
    """
    a = ensure_array("delete", arr)
    a, axis = (ravel(a), 0) if axis is None else (a, canonical_axis(axis, a.ndim))
    n = a.shape[axis]
    before = (slice(None),) * axis
    try:
        i = canonical_axis(obj, n)
    except TypeError:
        pass
    else:
        return concatenate([a[(*before, slice(0, i))], a[(*before, slice(i + 1, None))]], axis)
    if isinstance(obj, slice):
        obj = np.arange(n)[obj]
    obj = ensure_array("delete", obj)
    kind = dtypes.kind(obj.dtype)
    if kind in "iu" and assume_unique_indices:
        return a[(*before, remaining(ravel(obj), n))]
    values = concrete(obj, "'obj' array argument of jnp.delete(): the size of the result would "
                           "depend on it. Pass assume_unique_indices=True.")
    if kind in "iu":
        kept = np.ones(n, bool)
        kept[values] = False
    elif kind == "b":
        if values.shape != (n,):
            raise ValueError("np.delete(arr, obj): for boolean indices, obj must be "
                             "one-dimensional with length matching specified axis.")
        kept = ~values
    else:
        raise ValueError(f"np.delete(arr, obj): got obj.dtype={obj.dtype}; must be integer or "
                         "bool.")
    return a[(*before, kept)]


def remaining(deleted: Any, n: int) -> Any:
    """The indices below n that are not among the deleted ones, which are unique."""
    deleted = sort(clip(_where(deleted < 0, deleted + n, deleted), 0, n))
    deleted = deleted - arange(deleted.size, dtype=deleted.dtype)
    i = arange(n - deleted.size, dtype=deleted.dtype)
    skipped = lax.convert_element_type(i[None, :] >= deleted[:, None], i.dtype)
    return i + lax.reduce_sum(skipped, (0,))


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """`arr` with `values` before the elements `obj` (an index, indices or a slice) of an axis."""
    a, _, values = ensure_arrays("insert", arr, 0 if isinstance(obj, slice) else obj, values)
    a, axis = (ravel(a), 0) if axis is None else (a, canonical_axis(axis, a.ndim))
    n = a.shape[axis]
    index = arange(*obj.indices(n)) if isinstance(obj, slice) else asarray(obj)
    if index.ndim > 1:
        raise ValueError("jnp.insert(): obj must be a slice, a one-dimensional array, or a scalar; "
                         f"got {obj}")
    if dtypes.kind(index.dtype) not in "iu":
        if index.size or isinstance(obj, ArrayImpl):
            raise ValueError(f"jnp.insert(): index array must be integer typed; got {obj}")
        index = lax.convert_element_type(index, np.int32)
    values = array(values, a.dtype, ndmin=a.ndim, copy=False)
    if index.size == 1:
        if index.ndim == 0:
            values = moveaxis(values, 0, axis)
        index = broadcast_to(ravel(index), (values.shape[axis],))
    count = np.broadcast_shapes(index.shape, (values.shape[axis],))[0]
    index = clip(_where(index < 0, index + n, index), 0, n)
    places = index.at[argsort(index)].add(arange(count, dtype=index.dtype))
    kept = lax.full((n + count,), True, bool).at[places].set(False)
    before = (slice(None),) * axis
    shape = (*a.shape[:axis], n + count, *a.shape[axis + 1:])
    out = lax.full_like(a, 0, shape=shape).at[(*before, places)].set(values)
    return out.at[(*before, nonzero(kept, size=n)[0])].set(a)


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Without zeros in front ("f") and at the back ("b")."""
    filt = ensure_array("trim_zeros", filt)
    values = concrete(filt, "Error arose in the `filt` argument of trim_zeros()") != 0
    index = []
    for i in range(filt.ndim):
        found = np.flatnonzero(values.any(axis=tuple(j for j in range(filt.ndim) if j != i)))
        if i not in canonical_axes(axis, filt.ndim) or not set(trim.lower()) & {"f", "b"}:
            index.append(slice(None))
        elif not len(found):
            index.append(slice(0, 0))
        else:
            index.append(slice(int(found[0]) if "f" in trim.lower() else None,
                               int(found[-1]) + 1 if "b" in trim.lower() else None))
    return filt[tuple(index)]


def iterable(y: Any) -> bool:
    """Whether `iter(y)` works."""
    return np.iterable(y)
