"""A dense network that reads handwritten digits: the smallest program that uses all of minijax.

`predict` is written for one image; `vmap` makes it a function of a batch, `grad` turns the loss
into its derivative, `jit` traces the update once. Replace the import by `import jax` and the same
weights come out.
"""

from collections.abc import Iterator

import minijax as jax
import minijax.numpy as jnp
from minijax import random
from minijax.scipy.special import logsumexp

HIDDEN = (128, 128)
CLASSES = 10
BATCH_SIZE = 32
STEP_SIZE = 0.2


def random_layer_params(inputs, outputs, key):
    """Weights `(outputs, inputs)` and biases `(outputs,)`: normal, scaled for relu.

    The scale keeps the size of the signal from layer to layer.

    Source: K. He et al., "Delving Deep into Rectifiers", 2015, arXiv:1502.01852.
    """
    w_key, b_key = random.split(key)
    scale = (2 / inputs) ** 0.5
    return (
        scale * random.normal(w_key, (outputs, inputs)),
        0.01 * random.normal(b_key, (outputs,)),
    )


def init_params(sizes, key):
    """One `(weights, biases)` per pair of neighbouring sizes, each from a key of its own.

    >>> params = init_params([64, 32, 10], random.key(0))
    >>> jax.tree.map(jnp.shape, params)
    [((32, 64), (32,)), ((10, 32), (10,))]
    """
    keys = random.split(key, len(sizes) - 1)
    return [random_layer_params(m, n, k) for m, n, k in zip(sizes[:-1], sizes[1:], keys)]


def predict(params, image):
    """Log-probabilities `(classes,)` of one image `(pixels,)`."""
    *hidden, last = params
    activations = image
    for weights, biases in hidden:
        activations = jnp.maximum(weights @ activations + biases, 0)
    weights, biases = last
    logits = weights @ activations + biases
    return logits - logsumexp(logits)


batched_predict = jax.vmap(predict, in_axes=(None, 0))


def one_hot(labels, classes=CLASSES):
    """Rows of zeros with a one at each label.

    >>> one_hot(jnp.array([2, 0]), 3)
    Array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    return jnp.array(labels[:, None] == jnp.arange(classes), jnp.float32)


def loss(params, images, targets):
    """Mean cross-entropy of a batch: minus the log-probability given to the right class."""
    return -jnp.mean(jnp.sum(batched_predict(params, images) * targets, axis=1))


@jax.jit
def accuracy(params, images, labels):
    """The part of the images whose most probable class is the label."""
    return jnp.mean(jnp.argmax(batched_predict(params, images), axis=1) == labels)


@jax.jit
def update(params, images, targets):
    """One step of gradient descent: the loss before it, and the new parameters."""
    value, grads = jax.value_and_grad(loss)(params, images, targets)
    return value, jax.tree.map(lambda p, g: p - STEP_SIZE * g, params, grads)


def batches(key, images, labels, size=BATCH_SIZE) -> Iterator:
    """`(images, labels)` in a random order, in batches of one size (what is left over waits)."""
    order = random.permutation(key, len(images))
    for start in range(0, len(images) - size + 1, size):
        rows = order[start : start + size]
        yield images[rows], labels[rows]


def train_epoch(params, key, images, labels, on_batch=lambda: None):
    """Once through the data: the new parameters and the mean loss. `on_batch` counts along."""
    losses = []
    for x, y in batches(key, images, labels):
        value, params = update(params, x, one_hot(y))
        losses.append(value)
        on_batch()
    return params, float(jnp.mean(jnp.array(losses)))
