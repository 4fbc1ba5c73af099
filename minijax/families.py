"""The kinds of operation, and the few operations that the interpreters themselves need.

An interpreter has one rule for each *family*, not for each operation. A new elementwise operation
is one line: its NumPy function, then for each argument the partial derivative.

>>> from minijax.families import Elementwise, mul
>>> import minijax as jax, minijax.numpy as jnp, numpy as np
>>> cube = Elementwise("cube", lambda x: x * x * x, lambda out, x: 3.0 * x * x)
>>> jax.vmap(jax.grad(cube))(jnp.array([1.0, 2.0]))
Array([ 3., 12.], dtype=float32)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import (
    Array,
    ArrayImpl,
    Primitive,
    ShapedArray,
    Tracer,
    UndefinedPrimal,
    to_numpy,
    typeof,
)
from minijax.jaxpr import closed, subprograms
from minijax.numerics import add_up, saturate
from minijax.promotion import FLOAT0_ADVICE

# --- elementwise ---------------------------------------------------------------------------


class Elementwise(Primitive):
    """out[i] = f(x[i], y[i], ...), over operands of equal rank, with size-1 axes, or of rank 0.

    `partials` has one function for each argument: `(out, *args) -> d out / d arg`. It returns a
    coefficient to multiply the tangent with, a linear function of the tangent, or None: the result
    does not move (see `constant`). `transposes` does the same for a linear operation:
    `(ct, *args) -> ct of arg`.
    `accepts` lists the kinds of dtype: (b)ool, (i)nt, (u)int, (f)loat, (c)omplex. `dtype` is the
    result's: None (that of the operands), a dtype, or a function of the operands' dtype.
    """

    simplify: Callable | None = None  # (eqn, equations by the variable they made) -> eqn

    def __init__(self, name: str, fun: Callable, *partials: Callable, accepts: str = "fc",
                 dtype: Any = None, transposes: Sequence[Callable] = ()):
        super().__init__(name)
        self.__name__, self.__qualname__ = name, name
        self.fun, self.partials, self.transposes = fun, partials, transposes
        self.accepts, self.dtype = accepts, dtype
        own = type(self)
        self.simple = dtype is None and own.abstract_eval is Elementwise.abstract_eval and (
            own.weak_type_rule is Primitive.weak_type_rule)

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Apply to arrays or scalars; Python scalars take the dtype of the arrays."""
        return self.bind(*scalars_like_arrays(args), **params)

    def impl(self, *xs: np.ndarray, **params: Any) -> Any:
        return self.fun(*xs, **params)

    def out_avals(self, avals: Sequence[ShapedArray], params: dict) -> list[ShapedArray]:
        first = avals[0]
        if self.simple and dtypes.kind(first.dtype) in self.accepts:
            for a in avals:
                if a != first or a.vma != first.vma or a.divided != first.divided:
                    break
            else:
                return [first]  # the common case, without the checks
        return super().out_avals(avals, params)

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> ShapedArray:
        self.check_dtypes(avals)
        dtype = avals[0].dtype
        result = self.dtype(dtype) if callable(self.dtype) else self.dtype or dtype
        return ShapedArray(broadcast_shapes(self.name, [a.shape for a in avals]), result)

    def check_dtypes(self, avals: Sequence[ShapedArray]) -> None:
        for i, a in enumerate(avals):
            if dtypes.kind(a.dtype) not in self.accepts:
                position = f" at position {i}" if len(avals) > 1 else ""
                raise TypeError(
                    f"{self.name} does not accept dtype {dtypes.name(a.dtype)}{position}. Accepted "
                    f"dtypes{position} are subtypes of {dtypes.kind_names(self.accepts)}. "
                    + FLOAT0_ADVICE * (a.dtype == dtypes.float0))
        if len({a.dtype for a in avals}) > 1:
            raise TypeError(
                f"lax.{self.name} requires arguments to have the same dtypes, got "
                f"{', '.join(dtypes.name(a.dtype) for a in avals)}. (Tip: jnp.{self.name} is a "
                "similar function that does automatic type promotion on inputs).")

    def linearize(self, active, *xs, **params):
        out = self.bind(*xs, **params)
        aval = typeof(out)
        if not dtypes.is_inexact(aval.dtype):
            return [out], [False], None
        if not self.partials:
            return super().linearize(active, *xs, **params)
        if len(self.partials) != len(xs):
            raise TypeError(f"{self.name} takes {len(xs)} operands, but has a partial derivative "
                            f"for {len(self.partials)}. Where there is none, return None.")
        maps = [d(out, *xs, **params) for d, a in zip(self.partials, active) if a]

        def push(*tangents):
            terms = [d(t) if callable(d) else mul(t, d)
                     for t, d in zip(tangents, maps) if d is not None]
            return [broadcast_to(functools.reduce(add_any, terms), aval.shape)]

        return [out], [any(d is not None for d in maps)], push

    def transpose(self, cts, *args, **params):
        if not self.transposes:
            return super().transpose(cts, *args, **params)
        return [unbroadcast(rule(cts[0], *args, **params), x.aval)
                if isinstance(x, UndefinedPrimal) else None
                for x, rule in zip(args, self.transposes)]


def constant(out: Any, *args: Any, **params: Any) -> None:
    """The partial derivative of what does not move, such as `floor`."""


def scalars_like_arrays(args: Sequence[Any]) -> Sequence[Any]:
    """The arguments, with Python scalars in the dtype of the arrays, if it can hold them."""
    kinds = {type(x) for x in args}
    if not kinds & dtypes.PYTHON_SCALARS or kinds <= dtypes.PYTHON_SCALARS:
        return args
    dtype = next(typeof(x).dtype for x in args if type(x) not in dtypes.PYTHON_SCALARS)
    others = {t for t in kinds & dtypes.PYTHON_SCALARS if dtypes.python_scalar(t) is not dtype
              and dtypes.can_hold(dtype, t)}
    return [ArrayImpl(np.array(dtypes.coerce_to_array(x) if type(x) is int else x, dtype))
            if type(x) in others else x for x in args]


def broadcast_shapes(name: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The common shape of operands of equal rank with size-1 axes; rank 0 goes with everything."""
    full = [s for s in shapes if s]
    if len({len(s) for s in full}) > 1:
        raise TypeError(f"{name}: arrays must have the same number of dimensions, got "
                        f"{', '.join(map(str, shapes))}.")
    out = tuple(next((n for n in sizes if n != 1), 1) for sizes in zip(*full))
    if any(n not in (1, m) for s in full for n, m in zip(s, out)):
        raise TypeError(f"{name} got incompatible shapes for broadcasting: "
                        f"{', '.join(map(str, shapes))}.")
    return out


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    """Widen rank 0, or size-1 axes, to `shape`."""
    have = typeof(x).shape
    if have == shape:
        return x
    return broadcast_in_dim(x, shape, range(len(have)))


def unbroadcast(ct: Any, aval: ShapedArray) -> Any:
    """Sum a cotangent over the axes along which its operand was widened."""
    shape = typeof(ct).shape
    if shape == aval.shape:
        return ct
    if not aval.shape:
        return reduce_sum(ct, tuple(range(len(shape))))
    axes = tuple(i for i, (n, m) in enumerate(zip(shape, aval.shape)) if n != m)
    return reshape(reduce_sum(ct, axes), aval.shape)


# --- linear maps ---------------------------------------------------------------------------


class LinearMap(Primitive):
    """Linear in its operands together, so its derivative is itself; it needs only `transpose`.

    Operands from position `n_linear` on (indices, for example) are not part of the linear map.
    """

    n_linear = 1_000_000

    def linearize(self, active, *xs, **params):
        out = self.bind(*xs, **params)
        linear, rest = xs[: self.n_linear], xs[self.n_linear:]
        active = active[: len(linear)]

        def push(*tangents):
            ts = iter(tangents)
            ins = [next(ts) if a else zeros(typeof(x)) for x, a in zip(linear, active)]
            return [self.bind(*ins, *rest, **params)]

        return [out], [any(active)], push


class Axiswise(Primitive):
    """Works along axes that its params give, on each slice along the others by itself.

    So a batch is one more leading axis.
    """

    def shift(self, params: dict, size: int) -> dict:
        """The params of the same operation on operands with one more leading axis, of `size`."""
        raise NotImplementedError(f"Batching rule for '{self.name}' not implemented")


class Structural(Axiswise, LinearMap):
    """Moves, repeats or drops elements, without looking at them."""


class Reduction(Primitive):
    """Combines the elements along the param `axes`."""

    def __init__(self, name: str, fun: Callable | None = None, accepts: str = "biufc"):
        super().__init__(name)
        self.fun, self.accepts = fun, accepts

    def impl(self, x, *, axes):
        return self.fun(x, axis=axes)

    def abstract_eval(self, x, *, axes):
        if len(set(axes)) != len(axes):
            raise ValueError(f"duplicate value in 'axes': {axes}")
        for a in axes:
            if not 0 <= a < x.ndim:
                raise ValueError(f"axis {a} is out of bounds for array of dimension {x.ndim}")
        if dtypes.kind(x.dtype) not in self.accepts:
            raise TypeError(f"{self.name} does not accept dtype {dtypes.name(x.dtype)}.")
        return ShapedArray([n for i, n in enumerate(x.shape) if i not in axes], x.dtype)


class LinearReduction(Reduction, LinearMap):
    """A sum along axes."""

    def transpose(self, cts, x, *, axes):
        kept = [i for i in range(x.aval.ndim) if i not in axes]
        return [broadcast_in_dim(cts[0], x.aval.shape, kept)]


class Contraction(Primitive):
    """A sum of products of two operands: a matrix product, a convolution. Linear in each."""

    def linearize(self, active, lhs, rhs, **params):
        out = self.bind(lhs, rhs, **params)

        def push(*tangents):
            ts = iter(tangents)
            terms = [self.bind(next(ts), rhs, **params)] if active[0] else []
            if active[1]:
                terms.append(self.bind(lhs, next(ts), **params))
            return [functools.reduce(add_any, terms)]

        return [out], [dtypes.is_inexact(typeof(out).dtype)], push

    def transpose(self, cts, lhs, rhs, **params):
        if isinstance(lhs, UndefinedPrimal):
            return [self.transpose_lhs(cts[0], lhs.aval, rhs, **params), None]
        return [None, self.transpose_rhs(cts[0], lhs, rhs.aval, **params)]

    def transpose_lhs(self, ct: Any, lhs: ShapedArray, rhs: Any, **params: Any) -> Any:
        """The cotangent of `lhs`, of which only the type is known."""
        raise NotImplementedError

    def transpose_rhs(self, ct: Any, lhs: Any, rhs: ShapedArray, **params: Any) -> Any:
        """The cotangent of `rhs`, of which only the type is known."""
        raise NotImplementedError


class Program(Primitive):
    """Takes programs among its params; each of its rules derives programs and binds them."""

    multiple_results = True

    def bind(self, *args: Any, **params: Any) -> Any:
        """What a program closes over and is traced, as in rules of users, becomes an operand."""
        if any(isinstance(x, Tracer) for jaxpr in subprograms(params) for x in jaxpr.consts):
            args, params = self.open(args, params)
        return super().bind(*args, **params)

    def vma_rule(self, avals: Sequence[ShapedArray], params: dict) -> frozenset:
        return frozenset()  # its programs say so in their types

    def open(self, args: tuple, params: dict) -> tuple[Any, dict]:
        jaxpr, free = closed(params["jaxpr"])
        return [*free, *args], {**params, "jaxpr": jaxpr}


# --- the operations that interpreters need -------------------------------------------------

add_any = Elementwise(
    "add_any", np.add, lambda out, x, y: lambda t: t, lambda out, x, y: lambda t: t,
    accepts="biufc", transposes=(lambda ct, x, y: ct, lambda ct, x, y: ct))

stop_gradient_p = Elementwise("stop_gradient", lambda x: x, constant, accepts="biufc")

mul: Elementwise = Elementwise(
    "mul", np.multiply, lambda out, x, y: y, lambda out, x, y: x, accepts="biufc",
    transposes=(lambda ct, x, y: mul(ct, y), lambda ct, x, y: mul(ct, x)))


class ConvertElementType(Elementwise):
    """The same numbers in another dtype; to an integer dtype there is no derivative."""

    def impl(self, x, *, new_dtype, weak_type):
        if x.dtype.kind == "c" and new_dtype.kind not in "bc":
            x = x.real
        if new_dtype.kind in "iu" and dtypes.kind(x.dtype) == "f":
            return saturate(x, new_dtype)
        return x.astype(new_dtype, copy=False)

    def abstract_eval(self, x, *, new_dtype, weak_type):
        if dtypes.kind(x.dtype) == "V" or dtypes.kind(new_dtype) == "V":
            raise TypeError(f"convert_element_type: {dtypes.name(x.dtype)} cannot be converted to "
                            f"{dtypes.name(new_dtype)}")
        return ShapedArray(x.shape, new_dtype, weak_type)

    def weak_type_rule(self, avals, params):
        return params["weak_type"]


convert_element_type_p = ConvertElementType(
    "convert_element_type", np.asarray,
    lambda out, x, new_dtype, weak_type: lambda t: convert(t, new_dtype, weak_type),
    transposes=(lambda ct, x, **params: convert(ct, x.aval.dtype, x.aval.weak_type),))


def convert_element_type(operand: Any, new_dtype: Any) -> Any:
    """`operand` as an array of `new_dtype`; what is already one is returned as it is.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.convert_element_type(jnp.arange(3), jnp.float32)
    Array([0., 1., 2.], dtype=float32)
    """
    dtype = dtypes.check_user_dtype_supported(new_dtype, "convert_element_type")
    return convert(operand, dtype, False)


def convert(x: Any, dtype: np.dtype, weak_type: bool) -> Any:
    """To a dtype and weak type, without an equation where nothing changes."""
    have = typeof(x)
    if type(x) in dtypes.PYTHON_SCALARS:
        with np.errstate(all="ignore"):
            value = np.asarray(x).astype(dtype)  # -1 is 255 as uint8
        return ArrayImpl(value, ShapedArray((), dtype, weak_type))
    if have.dtype == dtype and have.weak_type == weak_type:
        return x if isinstance(x, Array) else ArrayImpl(to_numpy(x))
    return convert_element_type_p.bind(x, new_dtype=dtype, weak_type=weak_type)


class BroadcastInDim(Structural):
    """Operand axis i becomes axis broadcast_dimensions[i] of `shape`; the others repeat it."""

    def impl(self, x, *, shape, broadcast_dimensions):
        widened = [1] * len(shape)
        for n, d in zip(x.shape, broadcast_dimensions):
            widened[d] = n
        return np.broadcast_to(x.reshape(widened), shape)

    def abstract_eval(self, x, *, shape, broadcast_dimensions):
        dims = broadcast_dimensions
        if len(dims) != x.ndim:
            raise TypeError("broadcast_in_dim broadcast_dimensions must have length equal to "
                            f"operand ndim; got {dims} for an operand of shape {x.shape}.")
        if list(dims) != sorted(set(dims)) or any(not 0 <= d < len(shape) for d in dims):
            raise TypeError("broadcast_in_dim broadcast_dimensions must be strictly increasing "
                            f"axes of the output; got {dims} for output shape {shape}.")
        if any(n not in (1, shape[d]) for n, d in zip(x.shape, dims)):
            raise TypeError("broadcast_in_dim operand dimension sizes must either be 1, or be "
                            f"equal to their corresponding dimensions in the target broadcast "
                            f"shape; got operand of shape {x.shape}, target broadcast shape "
                            f"{shape}, broadcast_dimensions {dims}.")
        return ShapedArray(shape, x.dtype)

    def transpose(self, cts, x, *, shape, broadcast_dimensions):
        dims = broadcast_dimensions
        axes = tuple(i for i in range(len(shape)) if i not in dims or (
            x.aval.shape[dims.index(i)] != shape[i]))
        ct = reduce_sum(cts[0], axes) if axes else cts[0]
        return [reshape(ct, x.aval.shape)]

    def shift(self, params, size):
        dims = params["broadcast_dimensions"]
        return {"shape": (size, *params["shape"]),
                "broadcast_dimensions": (0, *(d + 1 for d in dims))}


broadcast_in_dim_p = BroadcastInDim("broadcast_in_dim")


def broadcast_in_dim(operand: Any, shape: Sequence[int], broadcast_dimensions: Sequence[int]
                     ) -> Any:
    """Repeat `operand` along new axes: its axis i becomes axis broadcast_dimensions[i] of `shape`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.broadcast_in_dim(jnp.arange(2), (2, 3), (0,))
    Array([[0, 0, 0],
           [1, 1, 1]], dtype=int32)
    """
    shape, dims, aval = tuple(shape), tuple(broadcast_dimensions), typeof(operand)
    if aval.shape == shape and dims == tuple(range(len(shape))):
        return convert(operand, aval.dtype, aval.weak_type)
    return broadcast_in_dim_p.bind(operand, shape=shape, broadcast_dimensions=dims)


class Transpose(Structural):
    """Axis i of the result is axis permutation[i] of the operand."""

    def impl(self, x, *, permutation):
        return x.transpose(permutation)

    def abstract_eval(self, x, *, permutation):
        if sorted(permutation) != list(range(x.ndim)):
            raise TypeError("transpose permutation isn't a permutation of operand dimensions, "
                            f"got permutation {permutation} for operand shape {x.shape}.")
        return ShapedArray([x.shape[i] for i in permutation], x.dtype)

    def transpose(self, cts, x, *, permutation):
        return [transpose(cts[0], np.argsort(permutation))]

    def shift(self, params, size):
        return {"permutation": (0, *(i + 1 for i in params["permutation"]))}


transpose_p = Transpose("transpose")


def transpose(operand: Any, permutation: Any) -> Any:
    """Axis i of the result is axis permutation[i] of the operand."""
    permutation, aval = tuple(int(i) for i in permutation), typeof(operand)
    if permutation == tuple(range(aval.ndim)):
        return convert(operand, aval.dtype, aval.weak_type)
    return transpose_p.bind(operand, permutation=permutation)


class Reshape(Structural):
    """The same elements, in row-major order of the axes `dimensions`, in another shape."""

    def impl(self, x, *, new_sizes, dimensions=None):
        return x.transpose(dimensions or range(x.ndim)).reshape(new_sizes)

    def abstract_eval(self, x, *, new_sizes, dimensions=None):
        if any(n < 0 for n in new_sizes) or math.prod(new_sizes) != x.size:
            raise TypeError(f"cannot reshape array of shape {x.shape} (size {x.size}) into shape "
                            f"{new_sizes} (size {math.prod(new_sizes)})")
        if dimensions is not None and sorted(dimensions) != list(range(x.ndim)):
            raise ValueError("reshape dimensions must be a permutation of operand dimensions, got "
                             f"dimensions {dimensions} for shape {x.shape}.")
        return ShapedArray(new_sizes, x.dtype)

    def transpose(self, cts, x, *, new_sizes, dimensions=None):
        order = dimensions or tuple(range(x.aval.ndim))
        ct = reshape(cts[0], [x.aval.shape[i] for i in order])
        return [transpose(ct, np.argsort(order))]

    def shift(self, params, size):
        dims = params["dimensions"]
        return {"new_sizes": (size, *params["new_sizes"]),
                "dimensions": dims and (0, *(d + 1 for d in dims))}


reshape_p = Reshape("reshape")


def reshape(operand: Any, new_sizes: Sequence[int], dimensions: Sequence[int] | None = None
            ) -> Any:
    """The same elements, in row-major order of the axes `dimensions`, in the shape `new_sizes`."""
    new_sizes, aval = tuple(new_sizes), typeof(operand)
    if dimensions is not None:
        dimensions = tuple(int(d) for d in dimensions)
        if dimensions == tuple(range(aval.ndim)):
            dimensions = None
    if aval.shape == new_sizes and dimensions is None:
        return convert(operand, aval.dtype, aval.weak_type)
    return reshape_p.bind(operand, new_sizes=new_sizes, dimensions=dimensions)


reduce_sum_p = LinearReduction("reduce_sum", add_up, accepts="iufc")


def reduce_sum(operand: Any, axes: Sequence[int]) -> Any:
    """The sum over `axes`."""
    return reduce_sum_p.bind(operand, axes=tuple(axes))


def full(shape: Sequence[int], value: Any, dtype: Any) -> Any:
    """An array of `shape` filled with a scalar."""
    return broadcast_in_dim(convert(value, np.dtype(dtype), False), shape, ())


def zeros(aval: ShapedArray) -> Any:
    """The zero of a type."""
    if aval.dtype == dtypes.float0:
        return np.zeros(aval.shape, dtypes.float0)
    zero = ArrayImpl(np.zeros((), aval.dtype), ShapedArray((), aval.dtype, aval.weak_type))
    return broadcast_in_dim(zero, aval.shape, ())
