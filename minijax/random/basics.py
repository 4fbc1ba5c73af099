"""The generators that all others are made of: bits, uniform, integer, normal numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax
from minijax.config import config
from minijax.core import ArrayImpl, typeof
from minijax.jit import jit
from minijax.lax import exact
from minijax.lax.creation import of_dtype
from minijax.lax.random_bits import random_bits_p
from minijax.layouts import divisible
from minijax.numpy.promotion import convert
from minijax.random.keys import check_key, shape_of, split_into


def float_dtype(name: str, dtype: Any, kinds: str = "f") -> np.dtype:
    """The dtype of a sample: the default one for None. ValueError if it is not of these kinds."""
    dtype = dtypes.check_user_dtype_supported(float if dtype is None else dtype, stacklevel=4)
    if dtypes.kind(dtype) not in kinds:
        wanted = "a float or complex" if "c" in kinds else "a float"
        raise ValueError(f"dtype argument to `{name}` must be {wanted} dtype, "
                         f"got {dtypes.name(dtype)}")
    return dtype


def prepare(name: str, key: Any, shape: Any, dtype: Any, kinds: str = "f") -> tuple:
    """The first three arguments of a sampler, checked."""
    return check_key(name, key)[0], shape_of(shape), float_dtype(name, dtype, kinds)


def check_shape(name: str, shape: tuple, *parameters: tuple) -> None:
    """ValueError unless the shapes of parameters broadcast to `shape`."""
    together = lax.broadcast_shapes(shape, *parameters)
    if together != shape:
        raise ValueError(f"{name} parameter shapes must be broadcast-compatible with shape "
                         "argument, and the result of broadcasting the shapes must equal the "
                         f"shape argument, but got result {together} for shape argument {shape}.")


def result_shape(name: str, shape: Any, *parameters: Any) -> tuple:
    """`shape`, or where it is None that of the parameters together."""
    shapes = [np.shape(p) for p in parameters]
    if shape is None:
        return lax.broadcast_shapes(*shapes)
    shape = shape_of(shape)
    check_shape(name, shape, *shapes)
    return shape


def like(x: Any, value: float) -> ArrayImpl:
    """A constant of the dtype of `x`."""
    return of_dtype(value, x.dtype)


def prepare_for(name: str, key: Any, shape: Any, dtype: Any, *parameters: Any) -> tuple:
    """The arguments of a sampler with parameters: the key, the parameters, shape and dtype."""
    key, _ = check_key(name, key)
    dtype = float_dtype(name, dtype)
    return key, *parameters, result_shape(name, shape, *parameters), dtype


def cast(x: Any, dtype: np.dtype, shape: tuple) -> Any:
    return jnp.broadcast_to(lax.convert_element_type(x, dtype), shape)


# --- bits ------------------------------------------------------------------------------------


@divisible
def bits(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """Random bits, as unsigned integers.

    >>> import minijax as jax
    >>> jax.random.bits(jax.random.key(0), (2,), "uint8")
    Array([167, 146], dtype=uint8)
    """
    key, _ = check_key("bits", key)
    if dtype is None:
        dtype = np.uint64 if config.jax_enable_x64 else np.uint32
    dtype = dtypes.check_user_dtype_supported(dtype)
    if dtypes.kind(dtype) != "u":
        raise ValueError("dtype argument to `bits` must be an unsigned int dtype, "
                         f"got {dtypes.name(dtype)}")
    return random_bits_p.bind(key, bit_width=8 * dtype.itemsize, shape=shape_of(shape))


# --- uniform ---------------------------------------------------------------------------------


@divisible
def uniform(key: Any, shape: Any = (), dtype: Any = None, minval: Any = 0.0, maxval: Any = 1.0, *,
            out_sharding: Any = None) -> Any:
    """Numbers between `minval`, included, and `maxval`, excluded, all equally likely.

    >>> import minijax as jax
    >>> jax.random.uniform(jax.random.key(0), (3,))
    Array([0.947667  , 0.9785799 , 0.33229148], dtype=float32)
    """
    key, shape, dtype = prepare("uniform", key, shape, dtype)
    return _uniform(key, minval, maxval, shape, dtype)


@jit(static_argnums=(3, 4))
def _uniform(key: Any, minval: Any, maxval: Any, shape: tuple, dtype: np.dtype) -> Any:
    minval, maxval = [lax.convert_element_type(x, dtype) for x in (minval, maxval)]
    minval, maxval = [lax.broadcast_to_rank(x, len(shape)) for x in (minval, maxval)]
    floats = unit_floats(key, shape, dtype)
    return lax.max(minval, exact.add(exact.mul(floats, lax.sub(maxval, minval)), minval))


def unit_floats(key: Any, shape: tuple, dtype: np.dtype) -> Any:
    """Numbers in [0, 1): random bits become the mantissa of a number in [1, 2), less 1."""
    info, one = dtypes.finfo(dtype), np.ones((), dtype)
    unsigned = np.dtype(f"uint{info.bits}")
    width = info.bits if info.nmant >= 8 else 8  # as few bits as will do
    bits = random_bits_p.bind(key, bit_width=width, shape=shape)
    if width != info.bits:
        bits = lax.convert_element_type(bits, unsigned)
    mantissa = lax.shift_right_logical(bits, np.array(width - info.nmant, unsigned))
    from_one_to_two = lax.bitwise_or(mantissa, one.view(unsigned))
    return lax.sub(lax.bitcast_convert_type(from_one_to_two, dtype), one)


# --- integers --------------------------------------------------------------------------------


@divisible
def randint(key: Any, shape: Any, minval: Any, maxval: Any, dtype: Any = None, *,
            out_sharding: Any = None) -> Any:
    """Integers between `minval`, included, and `maxval`, excluded.

    >>> import minijax as jax
    >>> jax.random.randint(jax.random.key(0), (5,), 0, 10)
    Array([9, 0, 2, 3, 1], dtype=int32)
    """
    key, _ = check_key("randint", key)
    shape = shape_of(shape)
    dtype = dtypes.check_user_dtype_supported(int if dtype is None else dtype)
    if dtypes.kind(dtype) not in "iu":
        raise TypeError(f"randint only accepts integer dtypes, got {dtypes.name(dtype)}")
    info = dtypes.iinfo(dtype)
    if info.bits >= 32:
        return _randint(key, minval, maxval, shape, dtype)
    wide = np.dtype(np.int32)  # few bits would be biased
    minval = jnp.clip(convert(minval, wide), int(info.min), int(info.max))
    maxval = jnp.clip(convert(maxval, wide), int(info.min), int(info.max) + 1)
    return lax.convert_element_type(_randint(key, minval, maxval, shape, wide), dtype)


@jit(static_argnums=(3, 4))
def _randint(key: Any, minval: Any, maxval: Any, shape: tuple, dtype: np.dtype) -> Any:
    """A number of twice the bits, modulo the span: the bias is at most span^2 / 2^bits."""
    check_shape("randint", shape, np.shape(minval), np.shape(maxval))
    minval, maxval = [x if dtypes.kind(x.dtype) in "iu" else jnp.astype(x, int)
                      for x in (minval, maxval)]
    info = dtypes.iinfo(dtype)
    unsigned = np.dtype(f"uint{info.bits}")
    beyond = lax.gt(maxval, clip_integer(np.array(info.max, dtype), maxval.dtype))
    minval, maxval = [clip_integer(x, dtype) for x in (minval, maxval)]
    minval, maxval = [lax.broadcast_to_rank(x, len(shape)) for x in (minval, maxval)]
    high, low = (random_bits_p.bind(k, bit_width=info.bits, shape=shape) for k in split_into(key))

    span = lax.convert_element_type(lax.sub(maxval, minval), unsigned)
    span = lax.select(lax.le(maxval, minval), lax.full_like(span, 1), span)
    # For a maxval one past the largest integer; a span of all integers becomes 0, and x % 0 is x.
    span = lax.select(lax.bitwise_and(beyond, lax.gt(maxval, minval)),
                      lax.add(span, of_dtype(1, unsigned)), span)
    factor = lax.rem(np.array(2 ** (info.bits // 2), unsigned), span)
    factor = lax.rem(lax.mul(factor, factor), span)  # 2**bits modulo span
    offset = lax.add(lax.mul(lax.rem(high, span), factor), lax.rem(low, span))
    offset = lax.rem(offset, span)
    return lax.add(minval, lax.convert_element_type(offset, dtype))


def clip_integer(x: Any, dtype: np.dtype) -> Any:
    """An integer in another dtype, clipped where that is narrower."""
    ours, theirs = dtypes.iinfo(dtype), dtypes.iinfo(x.dtype)
    bounds = max(ours.min, theirs.min), min(ours.max, theirs.max)
    low, high = bounds if typeof(x).weak_type else [np.array(b, x.dtype) for b in bounds]
    return lax.convert_element_type(jnp.clip(x, low, high), dtype)


# --- normal ----------------------------------------------------------------------------------


@divisible
def normal(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """Numbers of the standard normal distribution; complex ones have variance 1 as well.

    >>> import minijax as jax
    >>> jax.random.normal(jax.random.key(0), (3,))
    Array([ 1.6226422 ,  2.0252647 , -0.43359444], dtype=float32)
    """
    return _normal(*prepare("normal", key, shape, dtype, "fc"))


@jit(static_argnums=(1, 2))
def _normal(key: Any, shape: tuple, dtype: np.dtype) -> Any:
    if dtypes.kind(dtype) == "f":
        return _normal_real(key, shape, dtype)
    real = dtypes.to_floating_dtype(dtype)
    re, im = (lax.convert_element_type(_normal_real(k, shape, real), dtype)
              for k in split_into(key))
    return lax.div(lax.add(re, lax.mul(np.array(1j, dtype), im)), np.array(np.sqrt(2), dtype))


@jit(static_argnums=(1, 2))
def _normal_real(key: Any, shape: tuple, dtype: np.dtype) -> Any:
    """A uniform number through the inverse of the distribution function."""
    low = np.nextafter(np.array(-1, dtype), np.array(0, dtype), dtype=dtype)
    u = uniform(key, shape, dtype, low, np.array(1, dtype))
    return lax.mul(np.array(np.sqrt(2), dtype), lax.erf_inv(u))


@divisible
def truncated_normal(key: Any, lower: Any, upper: Any, shape: Any = None, dtype: Any = None, *,
                     out_sharding: Any = None) -> Any:
    """Numbers of the standard normal distribution that lie between `lower` and `upper`.

    >>> import minijax as jax
    >>> jax.random.truncated_normal(jax.random.key(0), -1, 1, (3,))
    Array([ 0.8618594,  0.9412883, -0.2910484], dtype=float32)
    """
    key, _ = check_key("truncated_normal", key)
    dtype = float_dtype("truncated_normal", dtype)
    shape = result_shape("truncated_normal", shape, lower, upper)
    return _truncated_normal(key, lower, upper, shape, dtype)


@jit(static_argnums=(3, 4))
def _truncated_normal(key: Any, lower: Any, upper: Any, shape: tuple, dtype: np.dtype) -> Any:
    root = np.array(np.sqrt(2), dtype)
    lower, upper = [lax.convert_element_type(x, dtype) for x in (lower, upper)]
    low, high = (exact.erf(lax.div(x, root)) for x in (lower, upper))
    out = lax.mul(root, lax.erf_inv(uniform(key, shape, dtype, low, high)))
    low = lax.nextafter(lax.stop_gradient(lower), np.array(np.inf, dtype))
    high = lax.nextafter(lax.stop_gradient(upper), np.array(-np.inf, dtype))
    return jnp.clip(out, low, high)
