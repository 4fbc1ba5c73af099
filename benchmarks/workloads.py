"""The programs that `compiler.py` times: each written once, for any library with JAX's names.

A program is a function of the library `jax` that returns a function of arrays. Those that only need
NumPy's names take the module of these (`np`) instead, so that NumPy and PyTorch run them too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

rng = np.random.default_rng(0)


@dataclass
class Workload:
    """`program` with the sets of inputs it is called with in turn, and the ratios to reach."""

    name: str
    must: float
    reachable: float
    program: Callable[[ModuleType], Callable]
    inputs: Callable[[], list[tuple]]
    array_program: Callable[[ModuleType], Callable] | None = None  # of numpy, or of torch
    torch_program: Callable[[ModuleType], Callable] | None = None
    x64: bool = False
    eager: bool = False  # what is compared is the program without `jit`, and with NumPy
    compared: Callable[[tuple], tuple] = lambda args: args  # of chaotic loops: fewer steps
    shown: Callable[[Any], Any] = lambda out: out  # the part of the result that is compared


def sets(make: Callable[[], tuple], number: int = 4) -> Callable[[], list[tuple]]:
    return lambda: [make() for _ in range(number)]


def uniform(*shape: int, dtype: Any = np.float32, scale: float = 1.0) -> np.ndarray:
    """Numbers between -scale and scale, made without a temporary array of another type."""
    x = rng.random(shape, dtype)
    x -= 0.5
    x *= 2 * scale
    return x


# --- programs of NumPy's names ----------------------------------------------------------------


def small(np):
    return lambda x: np.sin(x) * x


def selu(np):
    def selu(x, alpha=1.67, scale=1.05):
        return scale * np.where(x > 0, x, alpha * np.exp(x) - alpha)

    return selu


def norm(axis: int):
    def program(np):
        def norm(x):
            x = x - x.mean(axis, keepdims=True)
            return x / x.std(axis, keepdims=True)

        return norm

    return program


def torch_norm(axis: int):
    """PyTorch's own `std` divides by n - 1."""
    def program(torch):
        def norm(x):
            x = x - x.mean(axis, keepdim=True)
            return x / x.std(axis, correction=0, keepdim=True)

        return norm

    return program


def softmax(np):
    def softmax(x):
        e = np.exp(x - np.amax(x, 1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    return softmax


def waves(np):
    return lambda x: np.log1p(np.sin(x) ** 2) * np.cos(x)


def product(np):
    return lambda a, b: np.matmul(a, b)


# --- a network, as in deck 004 ----------------------------------------------------------------

LAYERS = [784, 512, 512, 10]


def parameters() -> list[tuple[np.ndarray, np.ndarray]]:
    return [(uniform(n, m, scale=m**-0.5), uniform(n)) for m, n in zip(LAYERS, LAYERS[1:])]


def batch(size: int) -> tuple[np.ndarray, np.ndarray]:
    return (uniform(size, LAYERS[0]),
            np.eye(LAYERS[-1], dtype=np.float32)[rng.integers(0, LAYERS[-1], size)])


def example_loss(jax):
    jnp = jax.numpy

    def loss(params, x, y):
        *hidden, (w, b) = params
        for v, c in hidden:
            x = jnp.maximum(0, jnp.dot(v, x) + c)
        logits = jnp.dot(w, x) + b
        return -jnp.mean((logits - jax.scipy.special.logsumexp(logits)) * y)

    return loss


def update(jax):
    losses = jax.vmap(example_loss(jax), in_axes=(None, 0, 0))

    def update(params, x, y):
        grads = jax.grad(lambda params: jax.numpy.mean(losses(params, x, y)))(params)
        return [(w - 0.01 * dw, b - 0.01 * db) for (w, b), (dw, db) in zip(params, grads)]

    return update


def torch_update(torch):
    def loss(params, x, y):
        *hidden, (w, b) = params
        for v, c in hidden:
            x = torch.relu(x @ v.T + c)
        return -torch.mean(torch.log_softmax(x @ w.T + b, 1) * y)

    def update(params, x, y):
        grads = torch.func.grad(loss)(params, x, y)
        return [(w - 0.01 * dw, b - 0.01 * db) for (w, b), (dw, db) in zip(params, grads)]

    return update


def per_example(jax):
    return jax.vmap(jax.grad(example_loss(jax)), in_axes=(None, 0, 0))


# --- deck 000's network: two convolutions, two dense layers -----------------------------------


def cnn_parameters() -> list[tuple[np.ndarray, np.ndarray]]:
    shapes = [(3, 3, 1, 32), (3, 3, 32, 64), (7 * 7 * 64, 256), (256, 10)]
    return [(uniform(*s, scale=float(np.prod(s[:-1])) ** -0.5), uniform(s[-1])) for s in shapes]


def images(size: int) -> tuple[np.ndarray, np.ndarray]:
    return (uniform(size, 28, 28, 1),
            np.eye(10, dtype=np.float32)[rng.integers(0, 10, size)])


def cnn(jax):
    jnp, lax = jax.numpy, jax.lax

    def layer(x, w, b):
        x = lax.conv_general_dilated(x, w, (1, 1), "SAME",
                                     dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jnp.maximum(0, x + b)
        return lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4

    def cnn(params, x):
        first, second, (v, c), (w, b) = params
        x = layer(layer(x, *first), *second).reshape(len(x), -1)
        x = jnp.maximum(0, x @ v + c)
        return jax.nn.log_softmax(x @ w + b)

    return cnn


def cnn_gradient(jax):
    predict = cnn(jax)
    return jax.grad(lambda params, x, y: -jax.numpy.mean(predict(params, x) * y))


# --- loops ------------------------------------------------------------------------------------


def collatz(jax):
    """The longest of the Collatz sequences that begin below n."""
    jnp, lax = jax.numpy, jax.lax

    def length(start):
        def step(state):
            x, steps = state
            return jnp.where(x % 2 == 0, x // 2, 3 * x + 1), steps + 1

        return lax.while_loop(lambda state: state[0] != 1, step, (start, 0))[1]

    return lambda n: lax.fori_loop(1, n, lambda i, best: jnp.maximum(best, length(i)), 0)


def logistic(jax):
    return lambda x, n: jax.lax.fori_loop(0, n, lambda i, x: 3.9 * x * (1 - x), x)


def lorenz(jax):
    def step(state, _):
        x, y, z = state
        new = (x + 0.01 * 10 * (y - x), y + 0.01 * (x * (28 - z) - y),
               z + 0.01 * (x * y - 8 / 3 * z))
        return new, new

    return lambda x, y, z: jax.lax.scan(step, (x, y, z), None, length=10_000)[1]


def rnn(jax):
    jnp = jax.numpy

    def run(w, u, b, xs):
        def step(h, x):
            h = jnp.tanh(w @ h + u @ x + b)
            return h, h

        return jax.lax.scan(step, jnp.zeros(len(b), jnp.float32), xs)[1]

    return run


def normal(jax):
    return lambda key: jax.random.normal(key, (1_000_000,))


# --- the table --------------------------------------------------------------------------------


def of_arrays(name, must, reachable, program, inputs, **more) -> Workload:
    return Workload(name, must, reachable, lambda jax: program(jax.numpy), inputs,
                    array_program=program, **more)


def scalar(x: Any, dtype: Any) -> np.ndarray:
    return np.asarray(x, dtype)


WORKLOADS = [
    of_arrays("three-element call", 1.5, 2, small, sets(lambda: (uniform(3),))),
    of_arrays("SELU 1e6", 1.2, 2, selu, sets(lambda: (uniform(1_000_000, scale=3),))),
    of_arrays("SELU 1e7", 2, 4, selu, sets(lambda: (uniform(10_000_000, scale=3),), 3)),
    of_arrays("row norm 4032^2 f32", 2.5, 6, norm(1), sets(lambda: (uniform(4032, 4032),), 3),
              torch_program=torch_norm(1)),
    of_arrays("row norm 9984^2 f64", 1.7, 3, norm(1),
              sets(lambda: (uniform(9984, 9984, dtype=np.float64),), 2), x64=True,
              torch_program=torch_norm(1)),
    of_arrays("column norm 4032^2 f32", 1.2, 4, norm(0), sets(lambda: (uniform(4032, 4032),), 3),
              torch_program=torch_norm(0)),
    of_arrays("softmax 8192x1000", 1.1, 1.5, softmax,
              sets(lambda: (uniform(8192, 1000, scale=5),))),
    of_arrays("sin, cos, log1p chain 1e6", 4, 10, waves,
              sets(lambda: (uniform(1_000_000, scale=10),))),
    of_arrays("matrix product 1024", 1, 1.15, product,
              sets(lambda: (uniform(1024, 1024), uniform(1024, 1024)))),
    of_arrays("matrix product 2048", 1, 1.15, product,
              sets(lambda: (uniform(2048, 2048), uniform(2048, 2048)), 3)),
    of_arrays("batch of 32 products 128", 1.2, 1.6, product,
              sets(lambda: (uniform(32, 128, 128), uniform(32, 128, 128)))),
    Workload("update step, B=128", 1, 1.5, update, sets(lambda: (parameters(), *batch(128))),
             torch_program=torch_update),
    Workload("per-example gradients, B=32", 1, 1.5, per_example,
             sets(lambda: (parameters(), *batch(32)))),
    Workload("CNN forward, B=32", 1, 2.1, cnn, sets(lambda: (cnn_parameters(), images(32)[0]))),
    Workload("CNN gradient, B=32", 1.2, 2.8, cnn_gradient,
             sets(lambda: (cnn_parameters(), *images(32)))),
    Workload("Collatz below 3000", 2, 3, collatz,
             lambda: [(scalar(3000 + i, np.int32),) for i in range(4)]),
    Workload("logistic map, 1e5 steps", 1.3, 1.7, logistic,
             lambda: [(scalar(0.3 + i / 50, np.float32), scalar(100_000 + i, np.int32))
                      for i in range(4)],
             compared=lambda args: (args[0], scalar(8, np.int32))),
    Workload("Lorenz scan, 1e4 steps", 1.1, 1.2, lorenz,
             lambda: [tuple(scalar(x + i / 10, np.float32) for x in (1, 2, 20)) for i in range(4)],
             shown=lambda out: [x[:200] for x in out]),
    Workload("RNN scan T=1000 H=128", 0.9, 1.2, rnn, sets(lambda: (
        uniform(128, 128, scale=0.1), uniform(128, 128, scale=0.1), uniform(128),
        uniform(1000, 128)))),
    Workload("random.normal 1e6", 0.8, 1.5, normal,
             lambda: [(np.array([0, i], np.uint32),) for i in range(4)]),
    of_arrays("eager SELU 1e6, beside NumPy", 2, 3, selu,
              sets(lambda: (uniform(1_000_000, scale=3),)), eager=True),
]
