"""Activation functions: what stands between the linear layers."""

from __future__ import annotations

from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import lax
from minijax.custom import custom_jvp
from minijax.jit import jit
from minijax.numpy.arguments import ensure_array, ensure_arrays
from minijax.numpy.promotion import promote_inexact

# --- piecewise linear --------------------------------------------------------------------------


@custom_jvp
@jit
def relu(x: Any) -> Any:
    """max(x, 0), with derivative 0 at 0.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.nn.relu(jnp.array([-2.0, 3.0]))
    Array([0., 3.], dtype=float32)
    """
    return jnp.maximum(x, 0)


relu.defjvps(lambda t, out, x: lax.select(x > 0, t, lax.full_like(t, 0)))


@custom_jvp
@jit
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6), with derivative 0 at both ends."""
    return jnp.minimum(jnp.maximum(x, 0), 6.0)


relu6.defjvps(lambda t, out, x: lax.select((x > 0) & (x < 6), t, lax.full_like(t, 0)))


@jit
def identity(x: Any) -> Any:
    """x."""
    return ensure_array("identity", x)


@jit
def leaky_relu(x: Any, negative_slope: Any = 0.01) -> Any:
    """x where x >= 0, `negative_slope` x elsewhere."""
    x = ensure_array("leaky_relu", x)
    return jnp.where(x >= 0, x, negative_slope * x)


@jit
def hard_tanh(x: Any) -> Any:
    """x, clipped to [-1, 1]."""
    x = ensure_array("hard_tanh", x)
    return jnp.where(x > 1, 1, jnp.where(x < -1, -1, x))


@jit
def hard_sigmoid(x: Any) -> Any:
    """relu6(x + 3) / 6."""
    return relu6(x + 3.0) / 6.0


@jit
def hard_silu(x: Any) -> Any:
    """x hard_sigmoid(x), also known as hard swish."""
    x = ensure_array("hard_silu", x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


@jit
def sparse_plus(x: Any) -> Any:
    """0 up to -1, x from 1 on, (x + 1)^2 / 4 between."""
    x = ensure_array("sparse_plus", x)
    return jnp.where(x <= -1.0, 0.0, jnp.where(x >= 1.0, x, (x + 1.0) ** 2 / 4))


@jit
def sparse_sigmoid(x: Any) -> Any:
    """The derivative of `sparse_plus`: (x + 1) / 2, clipped to [0, 1]."""
    return 0.5 * jnp.clip(x + 1.0, 0.0, 2.0)


# --- exponential -------------------------------------------------------------------------------


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)).

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.nn.sigmoid(jnp.array([-1.0, 0.0, 100.0]))
    Array([0.26894143, 0.5       , 1.        ], dtype=float32)
    """
    return lax.logistic(x)


@jit
def silu(x: Any) -> Any:
    """x sigmoid(x), also known as swish."""
    x = ensure_array("silu", x)
    return x * sigmoid(x)


swish = silu


@jit
def softplus(x: Any) -> Any:
    """log(1 + exp(x))."""
    return jnp.logaddexp(x, 0)


@jit
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)), also where that is too small for a number."""
    x = ensure_array("log_sigmoid", x)
    return -softplus(-x)


@jit
def mish(x: Any) -> Any:
    """x tanh(softplus(x))."""
    x = ensure_array("mish", x)
    return x * jnp.tanh(softplus(x))


@jit
def elu(x: Any, alpha: Any = 1.0) -> Any:
    """x where x > 0, `alpha` (exp(x) - 1) elsewhere.

    The inner `where` keeps large x from the exponential: its derivative there would be infinite,
    and infinity times the zero of the outer `where` is NaN.
    """
    x = ensure_array("elu", x)
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0.0, x)))


@jit
def celu(x: Any, alpha: Any = 1.0) -> Any:
    """max(x, 0) + `alpha` (exp(min(x, 0) / `alpha`) - 1)."""
    return jnp.maximum(x, 0.0) + alpha * jnp.expm1(jnp.minimum(x, 0.0) / alpha)


@jit
def selu(x: Any) -> Any:
    """A scaled `elu` that keeps mean 0 and variance 1 (Klambauer et al., 2017)."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * elu(x, alpha)


# --- others --------------------------------------------------------------------------------------


def gelu(x: Any, approximate: bool = True) -> Any:
    """x times the probability that a normal number is below x (Hendrycks and Gimpel, 2016).

    Args:
      approximate: by a tanh, instead of the error function.
    """
    (x,) = promote_inexact(ensure_array("gelu", x))
    if approximate:
        slope = np.array(np.sqrt(2 / np.pi), x.dtype)
        return x * (0.5 * (1.0 + jnp.tanh(lax.mul(slope, x + 0.044715 * x**3))))
    return 0.5 * x * lax.erfc(lax.mul(-x, np.array(np.sqrt(0.5), x.dtype)))


@jit(static_argnames=("axis",))
def glu(x: Any, axis: int = -1) -> Any:
    """The first half of x along `axis`, times the sigmoid of the second half."""
    x = ensure_array("glu", x)
    if x.shape[axis] % 2:
        raise ValueError(f"glu halves axis {axis}, but x has shape {x.shape}")
    half, gate = jnp.split(x, 2, axis)
    return half * sigmoid(gate)


@jit
def soft_sign(x: Any) -> Any:
    """x / (|x| + 1)."""
    x = ensure_array("soft_sign", x)
    return x / (jnp.abs(x) + 1)


@jit
def squareplus(x: Any, b: Any = 4) -> Any:
    """(x + sqrt(x^2 + b)) / 2."""
    x, b = ensure_arrays("squareplus", x, b)
    return (x + jnp.sqrt(jnp.square(x) + b)) / 2


@custom_jvp
@jit
def log1mexp(x: Any) -> Any:
    """log(1 - exp(-x)), accurate for all x > 0."""
    x = ensure_array("log1mexp", x)
    return jnp.where(x < jnp.log(2.0), jnp.log(-jnp.expm1(-x)), jnp.log1p(-jnp.exp(-x)))


log1mexp.defjvps(lambda t, out, x: t / jnp.expm1(x))
