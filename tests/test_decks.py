"""What the lecture decks promise: their programs, in words of our own, and what they state.

A program takes the modules it needs by name (see `tests/both.py`) and runs in minijax and in JAX.
The numbers stated on slides are asserted as they stand there.
"""

from __future__ import annotations

import collections
import contextlib
import io
from typing import Any

import jax
import numpy as np
import pytest

import minijax
from tests.both import bound, f32
from tests.tiers import slow

PROGRAMS: dict[str, tuple] = {}


def program(*args: Any, rtol: float = 1e-6):
    """Register a program and its arguments: both libraries must return the same."""

    def register(f):
        PROGRAMS[f.__name__] = f, args, rtol
        return f

    return register


def printed(f, *args) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        f(*args)
    return out.getvalue()


# --- what slides state -----------------------------------------------------------------------


def test_a_function_of_one_number_is_mapped_over_a_list():
    def shifted(jax, jnp):
        print(jax.vmap(lambda number: number + 2)(jnp.array([1, 2, 3, 4, 5, 6, 7])))

    assert printed(bound(shifted, minijax)) == "[3 4 5 6 7 8 9]\n"


def test_exp_is_its_own_derivative():
    def both(jax, jnp):
        print("value", jnp.exp(1.0))
        print("slope", jax.grad(jnp.exp)(1.0))

    assert printed(bound(both, minijax)) == "value 2.7182817\nslope 2.7182817\n"


def test_a_key_is_two_numbers():
    def key(random):
        print(random.PRNGKey(42))

    assert printed(bound(key, minijax)) == "[ 0 42]\n"


def test_the_program_of_an_affine_function():
    def affine(x):
        return 2 * x + 3

    assert affine(5) == 13
    text = str(minijax.make_jaxpr(affine)(5))
    assert text == """\
{ lambda ; a:i32[]. let
    b:i32[] = mul 2:i32[] a
    c:i32[] = add b 3:i32[]
  in (c,) }"""
    nested = str(minijax.make_jaxpr(minijax.jit(affine))(5))
    assert nested == str(jax.make_jaxpr(jax.jit(affine))(5))
    assert "jit[" in nested and "name=affine" in nested and "jaxpr={ lambda" in nested
    assert minijax.jit(affine)(5) == 13
    assert minijax.grad(affine)(5.0) == 2.0
    value, slope = minijax.value_and_grad(affine)(5.0)
    assert (value, slope) == (13.0, 2.0)


def test_the_slope_of_a_square():
    slope = minijax.grad(lambda x: x ** 2)
    assert slope(3.0) == 6.0 and minijax.jit(slope)(3.0) == 6.0


def test_a_network_for_one_image_refuses_ten():
    def report(jax, random):
        params = network([784, 16, 10], random)
        image, images = random.normal(random.PRNGKey(1), (784,)), random.normal(
            random.PRNGKey(1), (10, 784))
        print(predict(jax, params, image).shape)
        try:
            predict(jax, params, images)
        except TypeError:
            print("not for batches")
        batched = jax.vmap(lambda p, x: predict(jax, p, x), in_axes=(None, 0))
        print(batched(params, images).shape)

    assert printed(bound(report, minijax)) == "(10,)\nnot for batches\n(10, 10)\n"


def test_arrays_are_not_changed_but_made_anew():
    x = minijax.numpy.zeros((3, 2))
    with pytest.raises(TypeError, match=r"x\.at\[idx\]\.set\(y\)"):
        x[1, :] = 1.0
    changed = x.at[1, :].set(1.0)
    np.testing.assert_array_equal(changed, [[0, 0], [1, 1], [0, 0]])
    np.testing.assert_array_equal(x, np.zeros((3, 2)))


# --- programs --------------------------------------------------------------------------------


@program(rtol=1e-5)
def modules_of_numpy_and_scipy(jax, jnp):
    signal = jnp.sin(jnp.linspace(0.0, 20.0, 64)) * jnp.hamming(64)
    spectrum = jnp.abs(jnp.fft.rfft(signal))
    return spectrum, jax.scipy.signal.convolve(signal, jnp.ones(5) / 5, mode="same")


@program(rtol=1e-5)
def selu(jax, jnp):
    def unit(x, alpha=1.67, scale=1.05):
        return scale * jnp.where(x > 0, x, alpha * jnp.exp(x) - alpha)

    x = jnp.arange(-5, 1_000_000)
    compiled = jax.jit(unit)
    compiled(x).block_until_ready()
    return unit(x), compiled(x), compiled(x.astype(jnp.float32) / 7)


@program(f32(40, 30) ** 2, rtol=1e-4)
def rows_normalized(jax, x):
    def norm(x):
        x = x - x.mean(1, keepdims=True)
        return x / x.std(1, keepdims=True)

    return norm(jax.numpy.array(x)), jax.jit(norm)(x)


@program(f32(5, 4), f32(4, 3), f32(3))
def a_dense_layer_for_many(jax, jnp, x, w, b):
    def dense(x, w, b):
        return jnp.dot(x, w) + b

    many = jax.vmap(dense, in_axes=(0, None, None))
    return many(x, w, b), jax.jit(many)(x, w, b), dense(x[0], w, b)


@program(0.7, f32(6), f32(6)[::-1].copy())
def a_gradient_for_each_example(jax, w, x, y):
    def error(w, x, y):
        return (jax.nn.sigmoid(w * x) - y) ** 2

    return jax.vmap(jax.grad(error), in_axes=(None, 0, 0))(w, x, y)


@program(f32(3), 0.5, f32(4, 3), f32(4))
def gradients_by_argument(jax, jnp, w, b, x, y):
    def loss(w, b):
        return jnp.mean((jnp.dot(x, w) + b - y) ** 2)

    return jax.grad(loss, argnums=0)(w, b), jax.grad(loss, 1)(w, b), jax.grad(loss, (0, 1))(w, b)


Cell = collections.namedtuple("Cell", "w_x w_h w_o")


@program(Cell(0.4, -0.3, 1.5), f32(7), np.float32(0.1), rtol=1e-5)
def a_recurrent_step(jax, jnp, params, xs, h):
    def step(params, x, h):
        h = jnp.tanh(params.w_x * x + params.w_h * h)
        return jnp.tanh(params.w_o * h), h

    def total(params, h):
        out = 0.0
        for x in xs:
            y, h = step(params, x, h)
            out += y
        return out, h

    return step(params, xs[0], h), jax.grad(total, has_aux=True)(params, h)


@program(f32(4, 3), f32(5, 3), f32(5, 2), rtol=1e-5)
def attention_with_its_scores(jax, jnp, q, k, v):
    def attention(q, k, v):
        score = jax.nn.softmax(jnp.dot(q, k.T) / jnp.sqrt(3.0))
        return jnp.sum(jnp.dot(score, v)), score

    return jax.jit(attention)(q, k, v), jax.value_and_grad(attention, has_aux=True)(q, k, v)


@program(rtol=1e-5)
def random_numbers_without_state(jax, random):
    key = random.PRNGKey(42)
    new_key, sub_key = random.split(key)
    sample = random.uniform(sub_key)
    again = jax.jit(random.uniform)(sub_key)

    def draw(key):
        key, subkey = random.split(key)
        return random.normal(subkey), key

    first, key = draw(random.PRNGKey(0))
    second, key = draw(key)
    return key, new_key, sub_key, sample, again, first, second, random.normal(key, (3, 4))


@program(f32(4), f32(4) - 0.5, rtol=1e-5)
def adam(jax, jnp, weights, target):
    """D. Kingma, J. Ba, "Adam: a method for stochastic optimization", 2014, algorithm 1."""
    rate, b1, b2, eps, decay = 0.1, 0.9, 0.999, 1e-8, 1e-5

    @jax.jit
    def update(step, grads, weights, slots):
        m, v = slots
        m = (1 - b1) * grads + b1 * m
        v = (1 - b2) * (grads ** 2) + b2 * v
        m_hat, v_hat = m / (1 - b1 ** (step + 1)), v / (1 - b2 ** (step + 1))
        weights = (1 - decay) * weights - rate * m_hat / (jnp.sqrt(v_hat) + eps)
        return weights.astype(grads.dtype), (m, v)

    gradient = jax.grad(lambda w: jnp.sum((w - target) ** 2))
    slots = jnp.zeros_like(weights), jnp.zeros_like(weights)
    path = []
    for step in range(10):
        weights, slots = update(step, gradient(weights), weights, slots)
        path.append(weights)
    return jnp.stack(path), slots


@program(f32(5, 4), f32(4, 3), f32(3))
def a_layer_with_and_without_bias(jnp, x, w, b):
    def forward(x, weights):
        if isinstance(weights, tuple):
            w, b = weights
            return jnp.dot(x, w) + b
        return jnp.dot(x, weights)

    return forward(x, (w, b)), forward(x, w)


@program(np.array([3, 0, 2]))
def labels_as_rows(jnp, labels):
    rows = jnp.array(labels[:, None] == jnp.arange(4), jnp.float32)
    return rows, jnp.argmax(rows, axis=1), jnp.mean(jnp.argmax(rows, axis=1) == labels)


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_libraries_return_the_same(name):
    f, args, rtol = PROGRAMS[name]
    ours, theirs = bound(f, minijax)(*args), bound(f, jax)(*args)
    assert str(minijax.tree.structure(ours)) == str(jax.tree.structure(theirs))
    for x, y in zip(minijax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert (x.shape, x.dtype, x.weak_type) == (y.shape, y.dtype, y.weak_type)
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)


# --- a network -------------------------------------------------------------------------------


def network(sizes, random):
    """Small random weights `(out, in)` and biases for each layer, from seed 0."""
    layers = []
    keys = random.split(random.PRNGKey(0), len(sizes))
    for inputs, outputs, key in zip(sizes, sizes[1:], keys):
        w_key, b_key = random.split(key)
        layers.append((0.01 * random.normal(w_key, (outputs, inputs)),
                       0.01 * random.normal(b_key, (outputs,))))
    return layers


def predict(jax, params, x):
    """Log-probabilities of one example."""
    jnp = jax.numpy
    for w, b in params[:-1]:
        x = jnp.maximum(0, jnp.dot(w, x) + b)
    w, b = params[-1]
    logits = jnp.dot(w, x) + b
    return logits - jax.scipy.special.logsumexp(logits)


def trained(jax, random):
    """784-512-512-10 after 20 long steps of gradient descent on made images."""
    jnp = jax.numpy
    batched = jax.vmap(lambda p, x: predict(jax, p, x), in_axes=(None, 0))

    def loss(params, images, targets):
        return -jnp.mean(batched(params, images) * targets)

    @jax.jit
    def update(params, images, targets):
        grads = jax.grad(loss)(params, images, targets)
        return [(w - dw, b - db) for (w, b), (dw, db) in zip(params, grads)]

    params, key = network([784, 512, 512, 10], random), random.PRNGKey(7)
    losses = []
    for _ in range(20):
        key, image_key, label_key = random.split(key, 3)
        images = 10.0 * random.uniform(image_key, (32, 784))
        targets = jax.nn.one_hot(random.randint(label_key, (32,), 0, 10), 10)
        losses.append(loss(params, images, targets))
        params = update(params, images, targets)
    return params, losses


@slow  # tests/test_mnist.py says the same of a smaller network
def test_twenty_updates_of_the_mnist_network_give_jax_s_weights():
    params, losses = bound(trained, minijax)()
    expected, expected_losses = bound(trained, jax)()
    for layer, theirs in zip(params, expected, strict=True):
        for x, y in zip(layer, theirs, strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=1e-4)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
    start = network([784, 512, 512, 10], jax.random)
    moved = [np.abs(np.asarray(w) - w0).max() for (w, _), (w0, _) in zip(params, start)]
    assert min(moved) > 1e-3  # the weights have gone further than the tolerance
