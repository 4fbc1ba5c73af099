"""Neural networks as pairs of functions, the interface of `jax.example_libraries.stax`.

A layer is a pair `(init, apply)`:

    init(key, input_shape) -> output_shape, params
    apply(params, inputs, rng=key) -> outputs

and a combinator makes a layer from layers. There is nothing else: no classes, no state.

>>> import minijax as jax, minijax.numpy as jnp
>>> from minijax.example_libraries import stax
>>> init, apply = stax.serial(stax.Dense(16), stax.Relu, stax.Dense(3), stax.LogSoftmax)
>>> shape, params = init(jax.random.key(0), (-1, 8))
>>> shape, apply(params, jnp.ones((5, 8))).shape
((-1, 3), (5, 3))
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import lax, nn, random
from minijax.make_jaxpr import ShapeDtypeStruct, eval_shape
from minijax.nn.initializers import glorot_normal, normal, ones, zeros

Layer = tuple[Callable, Callable]

# --- layers with parameters ---------------------------------------------------------------------


def Dense(out_dim: int, W_init: Callable | None = None, b_init: Callable | None = None) -> Layer:
    """x W + b, with `out_dim` columns in W."""
    W_init, b_init = W_init or glorot_normal(), b_init or normal()

    def init(rng: Any, input_shape: Sequence[int]) -> tuple:
        w_key, b_key = random.split(rng)
        weights = W_init(w_key, (input_shape[-1], out_dim)), b_init(b_key, (out_dim,))
        return (*input_shape[:-1], out_dim), weights

    def apply(params: Any, inputs: Any, **kwargs: Any) -> Any:
        W, b = params
        return jnp.dot(inputs, W) + b

    return init, apply


def convolution(convolve: Callable, dimension_numbers: tuple[str, str, str], out_chan: int,
                filter_shape: Sequence[int], strides: Sequence[int] | None = None,
                padding: str = "VALID", W_init: Callable | None = None,
                b_init: Callable | None = None) -> Layer:
    """A layer of `convolve(inputs, filters, strides, padding)`, plus a number for each channel.

    `dimension_numbers` name the axes of inputs, filters and outputs, as in NHWC, HWIO, NHWC.
    """
    inputs_axes, filter_axes, outputs_axes = dimension_numbers
    strides = strides or (1,) * len(filter_shape)
    W_init = W_init or glorot_normal(filter_axes.index("I"), filter_axes.index("O"))
    b_init = b_init or normal(1e-6)

    def run(inputs: Any, W: Any) -> Any:
        return convolve(inputs, W, strides, padding, dimension_numbers=dimension_numbers)

    def init(rng: Any, input_shape: Sequence[int]) -> tuple:
        w_key, b_key = random.split(rng)
        window = iter(filter_shape)
        sizes = {"O": out_chan, "I": input_shape[inputs_axes.index("C")]}
        W = W_init(w_key, [sizes[c] if c in sizes else next(window) for c in filter_axes])
        b = b_init(b_key, [out_chan if c == "C" else 1 for c in outputs_axes])
        return output_shape(lambda x: run(x, W), input_shape), (W, b)

    def apply(params: Any, inputs: Any, **kwargs: Any) -> Any:
        W, b = params
        return run(inputs, W) + b

    return init, apply


def output_shape(apply: Callable, input_shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of `apply(x)` for an x of `input_shape`, where -1 is a size left open."""
    known = [1 if n == -1 else n for n in input_shape]
    shape = eval_shape(apply, ShapeDtypeStruct(known, np.float32)).shape
    return tuple(-1 if n == -1 else m for n, m in zip(input_shape, shape, strict=True))


GeneralConv = functools.partial(convolution, lax.conv_general_dilated)
GeneralConvTranspose = functools.partial(convolution, lax.conv_transpose)
Conv = functools.partial(GeneralConv, ("NHWC", "HWIO", "NHWC"))
Conv1DTranspose = functools.partial(GeneralConvTranspose, ("NHC", "HIO", "NHC"))
ConvTranspose = functools.partial(GeneralConvTranspose, ("NHWC", "HWIO", "NHWC"))


def BatchNorm(axis: Any = (0, 1, 2), epsilon: float = 1e-5, center: bool = True,
              scale: bool = True, beta_init: Callable = zeros, gamma_init: Callable = ones
              ) -> Layer:
    """Mean 0 and variance 1 along `axis`, over the batch at hand; then scaled and shifted."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis)

    def init(rng: Any, input_shape: Sequence[int]) -> tuple:
        shape = tuple(n for i, n in enumerate(input_shape) if i not in axes)
        beta_key, gamma_key = random.split(rng)
        return input_shape, (beta_init(beta_key, shape) if center else (),
                             gamma_init(gamma_key, shape) if scale else ())

    def apply(params: Any, inputs: Any, **kwargs: Any) -> Any:
        beta, gamma = (None if isinstance(p, tuple) else lax.expand_dims(p, axes) for p in params)
        out = nn.standardize(inputs, axes, epsilon=epsilon)
        out = out if gamma is None else gamma * out
        return out if beta is None else out + beta

    return init, apply


# --- layers without parameters ------------------------------------------------------------------


def elementwise(fun: Callable, **options: Any) -> Layer:
    """A function that keeps the shape."""
    return (lambda rng, input_shape: (input_shape, ()),
            lambda params, inputs, **kwargs: fun(inputs, **options))


Identity = elementwise(lambda x: x)
Tanh = elementwise(jnp.tanh)
Relu = elementwise(nn.relu)
Exp = elementwise(jnp.exp)
LogSoftmax = elementwise(nn.log_softmax, axis=-1)
Softmax = elementwise(nn.softmax, axis=-1)
Softplus = elementwise(nn.softplus)
Sigmoid = elementwise(nn.sigmoid)
Elu = elementwise(nn.elu)
LeakyRelu = elementwise(nn.leaky_relu)
Selu = elementwise(nn.selu)
Gelu = elementwise(nn.gelu)

Flatten: Layer = (
    lambda rng, input_shape: ((input_shape[0], math.prod(input_shape[1:])), ()),
    lambda params, inputs, **kwargs: jnp.reshape(inputs, (inputs.shape[0], -1)))


def Dropout(rate: float, mode: str = "train") -> Layer:
    """Keep each element with probability `rate`, divided by it; in other modes keep all."""

    def apply(params: Any, inputs: Any, rng: Any = None, **kwargs: Any) -> Any:
        if rng is None:
            raise ValueError("Dropout layer requires apply_fun to be called with a PRNG key "
                             "argument: apply_fun(params, inputs, rng=key), with a key as "
                             "jax.random.key(0) makes it.")
        if mode != "train":
            return inputs
        return jnp.where(random.bernoulli(rng, rate, inputs.shape), inputs / rate, 0)

    return (lambda rng, input_shape: (input_shape, ())), apply


def pooling(reduce: Callable, window_shape: Sequence[int], strides: Sequence[int] | None = None,
            padding: str = "VALID", spec: str | None = None) -> Layer:
    """`reduce(inputs, window, strides, padding)` over all axes; `spec` names them, as in NHWC."""
    spec = spec or "N" + "S" * len(window_shape) + "C"
    steps = strides or (1,) * len(window_shape)
    window, moves = list(window_shape), list(steps)
    for i in sorted((spec.index("N"), spec.index("C"))):
        window.insert(i, 1)
        moves.insert(i, 1)

    def pool(inputs: Any) -> Any:
        return reduce(inputs, tuple(window), tuple(moves), padding)

    return (lambda rng, input_shape: (output_shape(pool, input_shape), ()),
            lambda params, inputs, **kwargs: pool(inputs))


def window_max(x: Any, *window: Any) -> Any:
    return lax.reduce_window(x, -np.inf, lax.max, *window)


def window_sum(x: Any, *window: Any) -> Any:
    return lax.reduce_window(x, 0.0, lax.add, *window)


def window_mean(x: Any, *window: Any) -> Any:
    """Over what is inside: the padding does not count."""
    return window_sum(x, *window) / window_sum(jnp.ones_like(x), *window)


MaxPool = functools.partial(pooling, window_max)
SumPool = functools.partial(pooling, window_sum)
AvgPool = functools.partial(pooling, window_mean)

# --- layers from layers -------------------------------------------------------------------------


def serial(*layers: Layer) -> Layer:
    """One layer after the other; params are the list of theirs."""
    inits, applies = zip(*layers)

    def init(rng: Any, input_shape: Sequence[int]) -> tuple:
        params = []
        for layer_init in inits:
            rng, key = random.split(rng)
            input_shape, layer_params = layer_init(key, input_shape)
            params.append(layer_params)
        return input_shape, params

    def apply(params: Any, inputs: Any, rng: Any = None, **kwargs: Any) -> Any:
        for layer_apply, layer_params, key in zip(applies, params, keys_for(applies, rng)):
            inputs = layer_apply(layer_params, inputs, rng=key, **kwargs)
        return inputs

    return init, apply


def parallel(*layers: Layer) -> Layer:
    """Side by side: layer i takes input i, as `FanOut` makes them, and makes output i."""
    inits, applies = zip(*layers)

    def init(rng: Any, input_shapes: Sequence[Sequence[int]]) -> tuple:
        keys = random.split(rng, len(inits))
        pairs = [f(key, shape) for f, key, shape in zip(inits, keys, input_shapes)]
        return [shape for shape, _ in pairs], [params for _, params in pairs]

    def apply(params: Any, inputs: Any, rng: Any = None, **kwargs: Any) -> Any:
        return [f(p, x, rng=key, **kwargs)
                for f, p, x, key in zip(applies, params, inputs, keys_for(applies, rng))]

    return init, apply


def keys_for(layers: Sequence[Any], rng: Any) -> Sequence[Any]:
    return [None] * len(layers) if rng is None else random.split(rng, len(layers))


def FanOut(num: int) -> Layer:
    """The input, `num` times."""
    return (lambda rng, input_shape: ([input_shape] * num, ()),
            lambda params, inputs, **kwargs: [inputs] * num)


FanInSum: Layer = (lambda rng, input_shapes: (input_shapes[0], ()),
                   lambda params, inputs, **kwargs: functools.reduce(lambda a, b: a + b, inputs))


def FanInConcat(axis: int = -1) -> Layer:
    """The inputs, joined along `axis`."""

    def init(rng: Any, input_shapes: Sequence[Sequence[int]]) -> tuple:
        shape = list(input_shapes[0])
        shape[axis] = sum(s[axis] for s in input_shapes)
        return tuple(shape), ()

    return init, lambda params, inputs, **kwargs: jnp.concatenate(inputs, axis)


def shape_dependent(make_layer: Callable) -> Layer:
    """The layer that `make_layer(input_shape)` makes."""
    return (lambda rng, input_shape: make_layer(input_shape)[0](rng, input_shape),
            lambda params, inputs, **kwargs: make_layer(inputs.shape)[1](params, inputs, **kwargs))
