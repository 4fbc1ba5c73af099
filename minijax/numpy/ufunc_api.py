"""`jnp.ufunc`: elementwise functions that know how to reduce, accumulate, and so on."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.batching import vmap
from minijax.jit import jit
from minijax.lax.creation import of_dtype
from minijax.make_jaxpr import eval_shape
from minijax.numpy.arguments import as_value, canonical_axis, check_arraylike
from minijax.numpy.promotion import _where, broadcast_to
from minijax.numpy.shaping import moveaxis, ravel
from minijax.numpy.vectorizing import vectorize


class ufunc:
    """A function of scalars, applied to every element of arrays that broadcast.

    >>> import minijax.numpy as jnp
    >>> jnp.add.outer(jnp.arange(2), jnp.arange(3))
    Array([[0, 1, 2],
           [1, 2, 3]], dtype=int32)

    `reduce`, `accumulate` and `at` may be given where there is something better than doing it
    element by element.
    """

    def __init__(self, func: Callable, /, nin: int, nout: int, *, name: str | None = None,
                 nargs: int | None = None, identity: Any = None, call: Callable | None = None,
                 reduce: Callable | None = None, accumulate: Callable | None = None,
                 at: Callable | None = None, reduceat: Callable | None = None):
        self._func, self.nin, self.nout = func, operator.index(nin), operator.index(nout)
        self.nargs = operator.index(nargs or nin)
        self.identity = identity
        self.__name__, self.__doc__ = name or func.__name__, func.__doc__
        self._call = call or jit(vectorize(func))
        self._reduce, self._accumulate, self._at = reduce, accumulate, at

    def __repr__(self) -> str:
        return f"<jnp.ufunc '{self.__name__}'>"

    def _key(self) -> tuple:
        return self._func, self.__name__, self.identity, self.nin, self.nout, self.nargs

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ufunc) and self._key() == other._key()

    def __call__(self, *args: Any, out: None = None, where: None = None) -> Any:
        if out is not None or where is not None:
            raise NotImplementedError(f"{'out' if where is None else 'where'} argument of {self}")
        check_arraylike(self.__name__, *args)
        return self._call(*args)

    def _check_binary(self, method: str, *args: Any, out: None = None) -> None:
        if self.nin != 2:
            raise ValueError(f"{method} only supported for binary ufuncs")
        if self.nout != 1:
            raise ValueError(f"{method} only supported for functions returning a single value")
        if out is not None:
            raise NotImplementedError(f"out argument of {self.__name__}.{method}()")
        check_arraylike(f"{self.__name__}.{method}", *args)

    def _result_dtype(self, a: Any, dtype: Any) -> np.dtype:
        if dtype is not None:
            return dtypes.check_user_dtype_supported(dtype, self.__name__)
        one = of_dtype(1, a.dtype)
        return eval_shape(self._func, one, one).dtype

    @functools.partial(jit, static_argnums=0, static_argnames=("axis", "dtype", "keepdims"))
    def reduce(self, a: Any, axis: int | None = 0, dtype: Any = None, out: None = None,
               keepdims: bool = False, initial: Any = None, where: Any = None) -> Any:
        """The elements along `axis` combined to one, from left to right."""
        self._check_binary("reduce", a, out=out)
        if where is not None:
            if self.identity is None and initial is None:
                raise ValueError(f"reduction operation {self.__name__!r} does not have an "
                                 "identity, so to use a where mask one has to specify 'initial'.")
            if dtypes.dtype_and_weak_type(where)[0].kind != "b":
                raise ValueError("where argument must have dtype=bool; got "
                                 f"dtype={dtypes.dtype_and_weak_type(where)[0]}")
        if self._reduce is not None:
            return self._reduce(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial,
                                where=where)
        return self._fold(as_value(a), axis, dtype, keepdims, initial, where)

    def _fold(self, a: Any, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Any:
        if isinstance(axis, tuple):
            raise NotImplementedError("tuple of axes")
        dtype = self._result_dtype(a, dtype)
        shape = (1,) * a.ndim
        mask = None if where is None else broadcast_to(where, a.shape)
        if axis is None:
            a, axis, mask = ravel(a), 0, None if mask is None else ravel(mask)
        else:
            axis = canonical_axis(axis, a.ndim)
            shape = (*a.shape[:axis], 1, *a.shape[axis + 1:])
        a = lax.convert_element_type(moveaxis(a, axis, 0), dtype)
        mask = None if mask is None else moveaxis(mask, axis, 0)
        value = self.identity if initial is None else initial
        rows = list(range(a.shape[0]))
        if value is None:
            if not rows:
                raise ValueError(f"zero-size array to reduction operation {self.__name__} which "
                                 "has no identity")
            out = a[rows.pop(0)]
        else:
            out = broadcast_to(lax.convert_element_type(value, dtype), a.shape[1:])
        for i in rows:
            combined = self._func(out, a[i])
            out = combined if mask is None else _where(mask[i], combined, out)
        return lax.reshape(out, shape) if keepdims else out

    @functools.partial(jit, static_argnums=0, static_argnames=("axis", "dtype"))
    def accumulate(self, a: Any, axis: int = 0, dtype: Any = None, out: None = None) -> Any:
        """The elements so far along `axis` combined."""
        self._check_binary("accumulate", a, out=out)
        if axis is None or isinstance(axis, tuple):
            raise ValueError("accumulate does not allow multiple axes")
        if self._accumulate is not None:
            return self._accumulate(a, axis=axis, dtype=dtype)
        a = as_value(a)
        dtype = self._result_dtype(a, dtype)
        axis = canonical_axis(axis, a.ndim)
        rows = lax.convert_element_type(moveaxis(a, axis, 0), dtype)
        if rows.shape[0] == 0:
            return lax.convert_element_type(a, dtype)
        parts = [rows[0]]
        for i in range(1, rows.shape[0]):
            parts.append(self._func(parts[-1], rows[i]))
        return moveaxis(lax.stack(parts), 0, axis)

    @functools.partial(jit, static_argnums=0, static_argnames="inplace")
    def at(self, a: Any, indices: Any, b: Any = None, /, *, inplace: bool = True) -> Any:
        """`a` with b combined into a[indices]; an index that occurs twice counts twice."""
        if inplace:
            raise NotImplementedError(
                "Because JAX arrays are immutable, jnp.ufunc.at() cannot operate inplace like "
                "np.ufunc.at(). Instead, you can pass inplace=False and capture the result; e.g.\n"
                ">>> arr = jnp.add.at(arr, ind, val, inplace=False)\n")
        check_arraylike(f"{self.__name__}.at", a, *(() if b is None else (b,)))
        if self._at is not None:
            return self._at(as_value(a), indices, b)
        return self._one_by_one(as_value(a), indices, b)

    def _one_by_one(self, a: Any, indices: Any, b: Any) -> Any:
        """Every element of the index in turn, through the flat positions it stands for."""
        a = lax.convert_element_type(a, self._result_dtype(a, None) if b is not None else a.dtype)
        places = lax.reshape(lax.iota(np.int32, a.size), a.shape)[indices]
        values = None if b is None else ravel(broadcast_to(lax.convert_element_type(b, a.dtype),
                                                           places.shape))
        flat, places = ravel(a), ravel(places)
        for n in range(places.shape[0]):
            i = places[n]
            args = (flat[i],) if values is None else (flat[i], values[n])
            flat = flat.at[i].set(self._func(*args))
        return lax.reshape(flat, a.shape)

    @functools.partial(jit, static_argnums=0, static_argnames=("axis", "dtype"))
    def reduceat(self, a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: None = None
                 ) -> Any:
        """Reductions of the stretches of `axis` that start at `indices`."""
        self._check_binary("reduceat", a, indices, out=out)
        if axis is None or isinstance(axis, (tuple, list)):
            raise ValueError("reduceat requires a single integer axis.")
        a, indices = as_value(a), as_value(indices)
        if indices.ndim != 1:
            raise ValueError("reduceat: indices must be one-dimensional, got "
                             f"indices.shape={indices.shape}")
        axis = canonical_axis(axis, a.ndim)
        a = moveaxis(a, axis, 0)
        if dtype is not None:
            a = lax.convert_element_type(a, dtype)
        ends = lax.concatenate([indices[1:], of_dtype([a.shape[0]], indices.dtype)], 0)
        result = a[indices]
        for i in range(a.shape[0]):
            inside = lax.expand_dims((indices < i) & (ends > i), range(1, a.ndim))
            result = _where(inside, self._func(result, a[i]), result)
        return moveaxis(result, 0, axis)

    @functools.partial(jit, static_argnums=0)
    def outer(self, A: Any, B: Any, /) -> Any:
        """Every element of A combined with every element of B."""
        self._check_binary("outer", A, B)
        A, B = as_value(A), as_value(B)
        table = vmap(vmap(self._func, (None, 0)), (0, None))(ravel(A), ravel(B))
        return lax.reshape(table, (*A.shape, *B.shape))


def frompyfunc(func: Callable, /, nin: int, nout: int, *, identity: Any = None) -> ufunc:
    """A ufunc of a function of scalars.

    >>> import minijax.numpy as jnp
    >>> larger = jnp.frompyfunc(lambda x, y: jnp.where(x > y, x, y), 2, 1)
    >>> larger.reduce(jnp.array([1, 4, 2]))
    Array(4, dtype=int32)
    """
    return ufunc(func, nin, nout, identity=identity)
