"""The network of `minijax train`: what it computes, and that real JAX computes the same."""

import inspect
import types

import numpy as np
import pytest

from minijax.course import mnist
from minijax.course.data import load_digits

from .tiers import heavy

# The same program with the imports replaced, as its docstring says one may.
JAX = types.ModuleType("mnist_in_jax")
exec(inspect.getsource(mnist).replace("minijax", "jax"), JAX.__dict__)


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def trained(program, digits, steps):
    """Parameters and losses after some updates, seed 0."""
    key = program.random.key(0)
    params = program.init_params([64, *program.HIDDEN, program.CLASSES], key)
    losses = []
    rows = program.batches(key, digits.train_images, digits.train_labels)
    for _, (x, y) in zip(range(steps), rows):
        value, params = program.update(params, x, program.one_hot(y))
        losses.append(float(value))
    return params, losses


@heavy
@pytest.mark.parametrize("steps", [0, 20])
def test_weights_are_those_of_real_jax(digits, steps):
    ours, losses = trained(mnist, digits, steps)
    theirs, expected = trained(JAX, digits, steps)
    for layer, other in zip(ours, theirs):
        for x, y in zip(layer, other):
            np.testing.assert_allclose(np.asarray(x), np.asarray(y), atol=1e-4 if steps else 1e-6)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    assert not steps or losses[-1] < losses[0]


def test_predictions_are_log_probabilities_of_one_image_or_a_batch(digits):
    params, _ = trained(mnist, digits, 1)
    images = digits.test_images[:5]
    batch = np.asarray(mnist.batched_predict(params, images))
    assert batch.shape == (5, 10)
    np.testing.assert_allclose(np.exp(batch).sum(axis=1), 1, rtol=1e-5)
    for image, row in zip(images, batch):
        np.testing.assert_allclose(np.asarray(mnist.predict(params, image)), row, atol=1e-5)


def test_a_step_goes_down_the_gradient_of_the_loss(digits):
    params, _ = trained(mnist, digits, 1)
    x, targets = digits.train_images[:32], mnist.one_hot(digits.train_labels[:32])
    value, stepped = mnist.update(params, x, targets)
    np.testing.assert_allclose(value, mnist.loss(params, x, targets), rtol=1e-5)

    def moved(epsilon):  # the last bias of class 3 moved by epsilon
        *rest, (w, b) = params
        return float(mnist.loss([*rest, (w, b.at[3].add(epsilon))], x, targets))

    slope = (moved(0.05) - moved(-0.05)) / 0.1
    step = float(stepped[-1][1][3] - params[-1][1][3])
    np.testing.assert_allclose(step, -mnist.STEP_SIZE * slope, rtol=0.02)


def test_an_epoch_sees_every_image_at_most_once_in_a_new_order():
    images, labels = np.arange(100.0)[:, None], np.arange(100)
    key = mnist.random.key(1)
    seen = [np.asarray(y) for _, y in mnist.batches(key, images, labels)]
    other = [np.asarray(y) for _, y in mnist.batches(mnist.random.key(2), images, labels)]
    assert [len(y) for y in seen] == [32, 32, 32]
    assert len(set(np.concatenate(seen))) == 96
    assert not np.array_equal(seen[0], other[0])
    for x, y in mnist.batches(key, images, labels):
        np.testing.assert_array_equal(np.asarray(x)[:, 0], np.asarray(y))
