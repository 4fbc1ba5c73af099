"""How weights begin. An initializer is a function of a key, a shape and a dtype.

>>> import minijax as jax
>>> init = jax.nn.initializers.glorot_uniform()
>>> init(jax.random.key(0), (2, 3)).shape
(2, 3)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax, random
from minijax.random.basics import float_dtype

Axes = int | Sequence[int]
Initializer = Callable[..., Any]

# --- the simple ones ----------------------------------------------------------------------------


def zeros(key: Any, shape: Any, dtype: Any = None) -> Any:
    """All zeros; the key is not used."""
    return jnp.zeros(shape, dtypes.default_float_dtype() if dtype is None else dtype)


def ones(key: Any, shape: Any, dtype: Any = None) -> Any:
    """All ones; the key is not used."""
    return jnp.ones(shape, dtypes.default_float_dtype() if dtype is None else dtype)


def constant(value: Any, dtype: Any = None) -> Initializer:
    """All the same value."""

    def init(key: Any, shape: Any, dtype: Any = dtype) -> Any:
        return jnp.full(shape, value, dtypes.default_float_dtype() if dtype is None else dtype)

    return init


def scaled(sample: Callable, scale: Any, dtype: Any) -> Initializer:
    """`scale` times what `sample(key, shape, dtype)` gives."""

    def init(key: Any, shape: Any, dtype: Any = dtype) -> Any:
        dtype = float_dtype("initializer", dtype, "fc")
        return sample(key, shape, dtype) * np.asarray(scale, dtype)

    return init


def uniform(scale: Any = 0.01, dtype: Any = None) -> Initializer:
    """Uniform in [0, scale)."""
    return scaled(random.uniform, scale, dtype)


def normal(stddev: Any = 0.01, dtype: Any = None) -> Initializer:
    """Normal with mean 0 and standard deviation `stddev`."""
    return scaled(random.normal, stddev, dtype)


def truncated_normal(stddev: Any = 0.01, dtype: Any = None, lower: float = -2.0,
                     upper: float = 2.0) -> Initializer:
    """`stddev` times a normal number between `lower` and `upper`."""

    def sample(key: Any, shape: Any, dtype: Any) -> Any:
        return random.truncated_normal(key, lower, upper, shape, dtype)

    return scaled(sample, stddev, dtype)


# --- variance scaling ---------------------------------------------------------------------------


def variance_scaling(scale: float, mode: str, distribution: str, in_axis: Axes = -2,
                     out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None) -> Initializer:
    """Random weights of variance scale / n, so that the signal keeps its size from layer to layer.

    Args:
      mode: n is "fan_in", the number of inputs of a unit, "fan_out", that of its outputs,
        "fan_avg", their mean, or "fan_geo_avg", their geometric mean.
      distribution: "truncated_normal" (at two standard deviations), "normal" or "uniform".
      in_axis, out_axis, batch_axis: which axes of the weights are inputs, outputs and copies; the
        others are the receptive field of a convolution.
    """
    samples = {"truncated_normal": truncated_sample, "normal": normal_sample,
               "uniform": uniform_sample}

    def init(key: Any, shape: Any, dtype: Any = dtype) -> Any:
        dtype = float_dtype("variance_scaling", dtype, "fc")
        fan_in, fan_out = fans(shape, in_axis, out_axis, batch_axis)
        modes = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2,
                 "fan_geo_avg": (fan_in * fan_out) ** 0.5}
        if mode not in modes:
            raise ValueError(f"invalid mode for variance scaling initializer: {mode}")
        if distribution not in samples:
            raise ValueError("invalid distribution for variance scaling initializer: "
                             f"{distribution}")
        variance = jnp.array(scale / modes[mode], dtype)
        return samples[distribution](key, shape, dtype, variance)

    return init


def fans(shape: Sequence[int], in_axis: Axes, out_axis: Axes, batch_axis: Axes
         ) -> tuple[float, float]:
    """How many inputs a unit has, and how many outputs."""
    if in_axis == -2 and len(shape) <= 1:
        raise ValueError(f"Can't compute input and output sizes of a {len(shape)}-dimensional "
                         "weights tensor with default in_axis. Must be at least 2D or specify "
                         "in_axis explicitly.")
    ins, outs, copies = (math.prod(shape[i] for i in ((a,) if isinstance(a, int) else a))
                         for a in (in_axis, out_axis, batch_axis))
    field = math.prod(shape) / ins / outs / copies
    return ins * field, outs * field


def normal_sample(key: Any, shape: Any, dtype: np.dtype, variance: Any) -> Any:
    return random.normal(key, shape, dtype) * jnp.sqrt(variance)


def uniform_sample(key: Any, shape: Any, dtype: np.dtype, variance: Any) -> Any:
    """Uniform around 0; complex, in a disc."""
    if dtypes.kind(dtype) == "f":
        return random.uniform(key, shape, dtype, -1) * jnp.sqrt(3 * variance)
    radius_key, angle_key = random.split(key)
    real = dtypes.to_floating_dtype(dtype)
    radius = jnp.sqrt(2 * random.uniform(radius_key, shape, real)).astype(dtype)
    return radius * turned(angle_key, shape, dtype) * jnp.sqrt(variance)


def truncated_sample(key: Any, shape: Any, dtype: np.dtype, variance: Any) -> Any:
    """Normal within two standard deviations; what that takes from the variance is made up for."""
    if dtypes.kind(dtype) == "f":
        deviation = jnp.sqrt(variance) / jnp.array(0.87962566103423978, dtype)
        return random.truncated_normal(key, -2, 2, shape, dtype) * deviation
    deviation = jnp.sqrt(variance) / jnp.array(0.95311164380491208, dtype)
    radius_key, angle_key = random.split(key)
    u = random.uniform(radius_key, shape, dtypes.to_floating_dtype(dtype)).astype(dtype)
    radius = jnp.sqrt(-jnp.log(1 - (1 - jnp.exp(jnp.array(-4, dtype))) * u))
    return radius * turned(angle_key, shape, dtype) * deviation


def turned(key: Any, shape: Any, dtype: np.dtype) -> Any:
    """Random complex numbers of modulus 1."""
    u = random.uniform(key, shape, dtypes.to_floating_dtype(dtype)).astype(dtype)
    return jnp.exp(1j * (2 * np.pi * u))


def family(name: str, scale: float, mode: str, distribution: str, doc: str
           ) -> Callable[..., Initializer]:
    """`variance_scaling` with its first three arguments fixed."""

    def make(in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
             ) -> Initializer:
        return variance_scaling(scale, mode, distribution, in_axis, out_axis, batch_axis, dtype)

    make.__name__, make.__qualname__, make.__doc__ = name, name, doc
    return make


glorot_uniform = xavier_uniform = family(
    "glorot_uniform", 1.0, "fan_avg", "uniform",
    "Uniform, variance 2 / (fan_in + fan_out) (Glorot, Bengio, 2010).")
glorot_normal = xavier_normal = family(
    "glorot_normal", 1.0, "fan_avg", "truncated_normal",
    "Truncated normal, variance 2 / (fan_in + fan_out) (Glorot, Bengio, 2010).")
lecun_uniform = family(
    "lecun_uniform", 1.0, "fan_in", "uniform", "Uniform, variance 1 / fan_in (LeCun et al., 1998).")
lecun_normal = family(
    "lecun_normal", 1.0, "fan_in", "truncated_normal",
    "Truncated normal, variance 1 / fan_in (LeCun et al., 1998).")
he_uniform = kaiming_uniform = family(
    "he_uniform", 2.0, "fan_in", "uniform",
    "Uniform, variance 2 / fan_in, for relu (He et al., 2015).")
he_normal = kaiming_normal = family(
    "he_normal", 2.0, "fan_in", "truncated_normal",
    "Truncated normal, variance 2 / fan_in, for relu (He et al., 2015).")


# --- orthogonal ---------------------------------------------------------------------------------


def orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """A random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al., 2014).

    Args:
      column_axis: the axis of the weights that holds the columns; the others together hold rows.
    """

    def init(key: Any, shape: Any, dtype: Any = dtype) -> Any:
        dtype = float_dtype("orthogonal", dtype, "fc")
        if len(shape) < 2:
            raise ValueError("orthogonal initializer requires at least a 2D shape")
        if 0 in shape:
            return jnp.zeros(shape, dtype)
        columns = shape[column_axis]
        rest = list(shape)
        del rest[column_axis]
        q = random.orthogonal(key, math.prod(rest), (), dtype, columns)
        q = jnp.moveaxis(lax.reshape(q, (*rest, columns)), -1, column_axis)
        return np.asarray(scale, dtype) * q

    return init


def delta_orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """For convolutions: orthogonal in the middle of the window, 0 elsewhere (Xiao et al., 2018)."""

    def init(key: Any, shape: Any, dtype: Any = dtype) -> Any:
        dtype = float_dtype("delta_orthogonal", dtype, "fc")
        if len(shape) not in (3, 4, 5):
            raise ValueError("Delta orthogonal initializer requires a 3D, 4D or 5D shape.")
        if shape[-1] < shape[-2]:
            raise ValueError("`fan_in` must be less or equal than `fan_out`.")
        matrix = orthogonal(scale, column_axis, dtype)(key, shape[-2:])
        middle = tuple((n - 1) // 2 for n in shape[:-2])
        return jnp.zeros(shape, dtype).at[middle].set(matrix)

    return init
