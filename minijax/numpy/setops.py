"""Arrays as sets: unique elements, membership, unions and differences.

The size of such a result depends on values. So the functions need concrete arrays, or an argument
`size`, which cuts the result or fills it up with `fill_value`.
"""

from __future__ import annotations

import functools
import operator
from typing import Any, NamedTuple

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.numpy.arguments import canonical_axis, concrete, ensure_array, ensure_arrays
from minijax.numpy.creation import asarray
from minijax.numpy.cumulative import cumsum
from minijax.numpy.differences import diff
from minijax.numpy.joining import append, concatenate
from minijax.numpy.logic import isnan
from minijax.numpy.promotion import _where, promote_dtypes
from minijax.numpy.reductions import all, any, max, min, sum
from minijax.numpy.searching import nonzero, searchsorted
from minijax.numpy.shaping import moveaxis, ravel
from minijax.numpy.sorting import lexsort, sort

HINT = ("To make jnp.unique() compatible with JIT and other transforms, you can specify a concrete "
        "value for the size argument, which will determine the output size.")

# --- unique ----------------------------------------------------------------------------------


@functools.partial(jit, static_argnums=(1, 2))
def _unique_sorted_mask(a: Any, axis: int, equal_nan: bool) -> tuple[Any, Any, Any]:
    """The slices along `axis` sorted, which of them are the first of their kind, and the order."""
    a = moveaxis(a, axis, 0)
    n = a.shape[0]
    if a.size == 0:
        return a, lax.full((n,), False, bool), lax.iota(dtypes.default_int_dtype(), n)
    columns = lax.transpose(lax.reshape(a, (n, a.size // n)), (1, 0))
    order = lexsort(columns[::-1])
    a = a[order]
    differs = lax.ne(a[1:], a[:-1])
    if dtypes.is_inexact(a.dtype) and equal_nan:
        differs = differs & ~(isnan(a[1:]) & isnan(a[:-1]))
    first = any(differs, axis=tuple(range(1, a.ndim))) if a.ndim > 1 else differs
    return a, lax.concatenate([lax.full((1,), True, bool), first], 0), order


def unique(ar: Any, return_index: bool = False, return_inverse: bool = False,
           return_counts: bool = False, axis: int | None = None, *, equal_nan: bool = True,
           size: int | None = None, fill_value: Any = None, sorted: bool = True) -> Any:
    """The different elements (or, along `axis`, slices), sorted.

    >>> import minijax.numpy as jnp
    >>> jnp.unique(jnp.array([3, 1, 3]), return_counts=True)
    (Array([1, 3], dtype=int32), Array([1, 2], dtype=int32))

    Args:
      return_index: return also where each occurs first.
      return_inverse: return also the indices that rebuild `ar` from the result.
      return_counts: return also how often each occurs.
      size, fill_value: the number of results, and what to fill up with (the smallest).
    """
    ar = ensure_array("unique", ar)
    if size is None:
        concrete(ar, f"The error arose for the first argument of jnp.unique(). {HINT}")
    a, axis_ = (ravel(ar), 0) if axis is None else (ar, canonical_axis(axis, ar.ndim))
    n = a.shape[axis_]
    if n == 0 and size and fill_value is None:
        raise ValueError("jnp.unique: for zero-sized input with nonzero size argument, fill_value "
                         "must be specified")
    rows, mask, order = _unique_sorted_mask(a, axis_, equal_nan)
    where = mask if size is None else nonzero(mask, size=operator.index(size))[0]
    found = rows[where] if n else rows
    if size is not None and fill_value is not None:
        found = fill_up(found, mask, int(size), fill_value, rows.shape[1:])
    out = [moveaxis(found, 0, axis_)]
    if return_index:
        out.append(order[where] if n else order)
    if return_inverse:
        inverse = order if not n else lax.full((n,), 0, order.dtype).at[order].set(cumsum(mask) - 1)
        out.append(lax.reshape(inverse, ar.shape) if axis is None else inverse)
    if return_counts:
        out.append(count_each(mask, n, size))
    return out[0] if len(out) == 1 else tuple(out)


def fill_up(found: Any, mask: Any, size: int, value: Any, shape: tuple[int, ...]) -> Any:
    value = lax.convert_element_type(value, found.dtype)
    if not found.shape[0]:
        return lax.full((size, *shape), value, found.dtype)
    valid = lax.iota(np.int32, size) < sum(mask)
    return _where(lax.expand_dims(valid, range(1, found.ndim)), found, value)


def count_each(mask: Any, n: int, size: int | None) -> Any:
    """The distances between first occurrences."""
    if not n:
        return lax.full((size or 0,), 0, dtypes.default_int_dtype())
    if size is None:
        return diff(append(nonzero(mask)[0], n))
    starts = nonzero(mask, size=size + 1)[0]
    rest = starts[1:]
    return diff(lax.concatenate([starts[:1], _where(lax.ne(rest, 0), rest, n)], 0))


class UniqueAll(NamedTuple):
    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    values: Any
    inverse_indices: Any


def unique_all(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueAll:
    """`unique` with all that it can return; every nan counts as different."""
    return UniqueAll(*unique(x, True, True, True, equal_nan=False, size=size,
                             fill_value=fill_value))


def unique_counts(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueCounts:
    """`unique` with counts; every nan counts as different."""
    return UniqueCounts(*unique(x, return_counts=True, equal_nan=False, size=size,
                                fill_value=fill_value))


def unique_inverse(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueInverse:
    """`unique` with the inverse; every nan counts as different."""
    return UniqueInverse(*unique(x, return_inverse=True, equal_nan=False, size=size,
                                 fill_value=fill_value))


def unique_values(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> Any:
    """`unique`, where every nan counts as different."""
    return unique(x, equal_nan=False, size=size, fill_value=fill_value)


# --- membership ------------------------------------------------------------------------------


def isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *,
         method: str = "auto") -> Any:
    """Whether each element is among the `test_elements` (with `invert`: is not)."""
    element, tests = ensure_arrays("isin", element, test_elements)
    return lax.reshape(_in1d(element, tests, invert, method), element.shape)


@functools.partial(jit, static_argnums=(2, 3))
def _in1d(a: Any, tests: Any, invert: bool, method: str) -> Any:
    a, tests = promote_dtypes(ravel(a), ravel(tests))
    if a.size == 0 or tests.size == 0:
        return lax.full(a.shape, invert, bool)
    if method in ("auto", "compare_all"):
        pairs = lax.expand_dims(a, (1,)), lax.expand_dims(tests, (0,))
        return all(lax.ne(*pairs), axis=-1) if invert else any(lax.eq(*pairs), axis=-1)
    if method not in ("binary_search", "sort"):
        raise ValueError(f"{method=} is not implemented; options are 'compare_all', "
                         "'binary_search', 'sort', and 'auto'")
    tests = sort(tests)
    nearest = tests.at[searchsorted(tests, a)].get(mode="clip")
    return lax.ne(a, nearest) if invert else lax.eq(a, nearest)


def contained(a: Any, tests: Any) -> Any:
    return _in1d(a, tests, False, "binary_search")


# --- set operations --------------------------------------------------------------------------


def flat_pair(name: str, ar1: Any, ar2: Any, size: int | None) -> tuple[Any, Any]:
    a, b = promote_dtypes(*map(ravel, ensure_arrays(name, ar1, ar2)))
    if size is None:
        for x in (a, b):
            concrete(x, f"The error arose in {name}(). Specify the argument size.")
    return a, b


def pick(a: Any, mask: Any, size: int | None, fill_value: Any) -> Any:
    """The elements where the mask holds; by default filled up with the smallest of them."""
    if size is None:
        return a[mask]
    if a.size == 0:
        return lax.full((size,), 0 if fill_value is None else fill_value, a.dtype)
    found = a[nonzero(mask, size=size)[0]]
    valid = lax.iota(np.int32, size) < sum(mask)
    if fill_value is None:
        largest = max(found) if size else 0
        fill_value = min(_where(valid, found, largest)) if size else 0
    return _where(valid, found, lax.convert_element_type(fill_value, a.dtype))


def firsts(a: Any) -> tuple[Any, Any]:
    """Sorted, and which elements are the first of their kind."""
    rows, mask, _ = _unique_sorted_mask(a, 0, True)
    return rows, mask


def union1d(ar1: Any, ar2: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The elements of both, without repetition, sorted."""
    a, b = flat_pair("union1d", ar1, ar2, size)
    return unique(concatenate([a, b]), size=size, fill_value=fill_value)


def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False, *, size: int | None = None,
              fill_value: Any = None) -> Any:
    """The elements of the first that are not in the second."""
    a, b = flat_pair("setdiff1d", ar1, ar2, size)
    a, first = (a, True) if assume_unique else firsts(a)
    return pick(a, first & ~contained(a, b), size, 0 if fill_value is None else fill_value)


def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False, *, size: int | None = None,
             fill_value: Any = None) -> Any:
    """The elements that are in one of the two only, sorted."""
    a, b = flat_pair("setxor1d", ar1, ar2, size)
    both, first = firsts(concatenate([a, b]))
    return pick(both, first & (contained(both, a) ^ contained(both, b)), size, fill_value)


def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False, *,
                size: int | None = None, fill_value: Any = None) -> Any:
    """The elements that are in both, sorted; with `return_indices` also where they occur first."""
    a, b = flat_pair("intersect1d", ar1, ar2, size)
    rows, first = firsts(a)
    mask = first & contained(rows, b)
    found = pick(rows, mask, size, fill_value)
    if not return_indices:
        return found
    valid = None if size is None else lax.iota(np.int32, size) < sum(mask)
    places = []
    for x in (a, b):
        order = lexsort([x])
        index = order[searchsorted(x[order], found)]
        places.append(index if valid is None else _where(valid, index, asarray(x.size)))
    return (found, *places)
