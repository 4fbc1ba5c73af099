"""First-order optimizers as triples of functions, as `jax.example_libraries.optimizers`.

An optimizer is a triple `(init, update, get_params)`:

    init(params) -> state
    update(step, gradients, state) -> state
    get_params(state) -> params

Each is written below for one array; `optimizer` extends it to pytrees of arrays.

>>> import minijax as jax, minijax.numpy as jnp
>>> from minijax.example_libraries import optimizers
>>> init, update, get_params = optimizers.momentum(0.1, 0.9)
>>> loss = lambda w: jnp.sum((w - 3.0) ** 2)
>>> state = init(jnp.zeros(2))
>>> for step in range(100):
...     state = update(step, jax.grad(loss)(get_params(state)), state)
>>> jnp.abs(get_params(state) - 3.0).max() < 0.05
Array(True, dtype=bool)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import minijax.numpy as jnp
from minijax.tree_util import (
    register_pytree_node,
    tree_flatten,
    tree_leaves,
    tree_map,
    tree_unflatten,
)

Schedule = Callable[[Any], Any]


class Optimizer(NamedTuple):
    """Three functions."""

    init_fn: Callable
    update_fn: Callable
    params_fn: Callable


class OptimizerState(NamedTuple):
    """What an optimizer keeps for each parameter, in leaves, and how to put it together again."""

    packed_state: Any
    tree_def: Any
    subtree_defs: Any


register_pytree_node(
    OptimizerState, lambda s: ((s.packed_state,), (s.tree_def, s.subtree_defs)),
    lambda defs, states: OptimizerState(states[0], *defs))


def pack(states: list[Any], tree_def: Any) -> OptimizerState:
    leaves, defs = zip(*map(tree_flatten, states)) if states else ((), ())
    return OptimizerState(list(map(list, leaves)), tree_def, tuple(defs))


def unpack(state: OptimizerState) -> list[Any]:
    return [tree_unflatten(d, leaves) for d, leaves in zip(state.subtree_defs, state.packed_state)]


def optimizer(opt_maker: Callable) -> Callable[..., Optimizer]:
    """Extend an optimizer of single arrays to pytrees of them."""

    @functools.wraps(opt_maker)
    def tree_opt_maker(*args: Any, **kwargs: Any) -> Optimizer:
        init, update, get_params = opt_maker(*args, **kwargs)

        def tree_init(params: Any) -> OptimizerState:
            leaves, tree = tree_flatten(params)
            return pack([init(x) for x in leaves], tree)

        def tree_update(i: Any, grads: Any, state: OptimizerState) -> OptimizerState:
            leaves, tree = tree_flatten(grads)
            if tree != state.tree_def:
                raise TypeError("optimizer update function was passed a gradient tree that did not "
                                "match the parameter tree structure with which it was initialized: "
                                f"parameter tree {state.tree_def} and grad tree {tree}.")
            new = pack([update(i, g, s) for g, s in zip(leaves, unpack(state))], tree)
            for old_def, new_def in zip(state.subtree_defs, new.subtree_defs):
                if old_def != new_def:
                    raise TypeError("optimizer update function produced an output structure that "
                                    "did not match its input structure: input "
                                    f"{old_def} and output {new_def}.")
            return new

        def tree_get_params(state: OptimizerState) -> Any:
            return tree_unflatten(state.tree_def, map(get_params, unpack(state)))

        return Optimizer(tree_init, tree_update, tree_get_params)

    return tree_opt_maker


# --- optimizers ---------------------------------------------------------------------------------


def first(state: Any) -> Any:
    """`get_params` of an optimizer whose state begins with the parameter."""
    return state[0]


@optimizer
def sgd(step_size: Any) -> tuple:
    """Gradient descent."""
    size = make_schedule(step_size)
    return (lambda x: x), (lambda i, g, x: x - size(i) * g), (lambda x: x)


@optimizer
def momentum(step_size: Any, mass: float) -> tuple:
    """Gradient descent with velocity (Polyak, 1964)."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, velocity = state
        velocity = mass * velocity + g
        return x - size(i) * velocity, velocity

    return (lambda x: (x, jnp.zeros_like(x))), update, first


@optimizer
def nesterov(step_size: Any, mass: float) -> tuple:
    """Momentum that looks ahead (Nesterov, 1983)."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, velocity = state
        velocity = mass * velocity + g
        return x - size(i) * (mass * velocity + g), velocity

    return (lambda x: (x, jnp.zeros_like(x))), update, first


@optimizer
def adagrad(step_size: Any, momentum: float = 0.9) -> tuple:
    """Steps that shrink with the gradients seen so far (Duchi, Hazan, Singer, 2011)."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, squares, m = state
        squares = squares + jnp.square(g)
        scaled = jnp.where(squares > 0, g / jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)
        m = (1 - momentum) * scaled + momentum * m
        return x - size(i) * m, squares, m

    return (lambda x: (x, jnp.zeros_like(x), jnp.zeros_like(x))), update, first


@optimizer
def rmsprop(step_size: Any, gamma: float = 0.9, eps: float = 1e-8) -> tuple:
    """Steps divided by the recent size of the gradient (Tieleman, Hinton, 2012)."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, mean_square = state
        mean_square = gamma * mean_square + (1 - gamma) * jnp.square(g)
        return x - size(i) * g / jnp.sqrt(mean_square + eps), mean_square

    return (lambda x: (x, jnp.zeros_like(x))), update, first


@optimizer
def rmsprop_momentum(step_size: Any, gamma: float = 0.9, eps: float = 1e-8,
                     momentum: float = 0.9) -> tuple:
    """`rmsprop` with velocity."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, mean_square, velocity = state
        mean_square = gamma * mean_square + (1 - gamma) * jnp.square(g)
        velocity = momentum * velocity + size(i) * g / jnp.sqrt(mean_square + eps)
        return x - velocity, mean_square, velocity

    return (lambda x: (x, jnp.zeros_like(x), jnp.zeros_like(x))), update, first


@optimizer
def adam(step_size: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> tuple:
    """Adam (Kingma, Ba, 2015): running means of the gradient and of its square.

    They begin at 0; the division by 1 - b^(i+1) makes up for that.
    """
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, v = state
        m = (1 - b1) * g + b1 * m
        v = (1 - b2) * jnp.square(g) + b2 * v
        m_hat = m / (1 - np.asarray(b1, m.dtype) ** (i + 1))
        v_hat = v / (1 - np.asarray(b2, m.dtype) ** (i + 1))
        return x - size(i) * m_hat / (jnp.sqrt(v_hat) + eps), m, v

    return (lambda x: (x, jnp.zeros_like(x), jnp.zeros_like(x))), update, first


@optimizer
def adamax(step_size: Any, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> tuple:
    """Adam with the largest recent gradient in the place of the mean square."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, largest = state
        m = (1 - b1) * g + b1 * m
        largest = jnp.maximum(b2 * largest, jnp.abs(g))
        step = size(i) / (1 - np.asarray(b1, m.dtype) ** (i + 1))
        return x - step * m / (largest + eps), m, largest

    return (lambda x: (x, jnp.zeros_like(x), jnp.zeros_like(x))), update, first


@optimizer
def sm3(step_size: Any, momentum: float = 0.9) -> tuple:
    """Adagrad in the memory of one vector for each axis (Anil et al., 2019)."""
    size = make_schedule(step_size)

    def init(x: Any) -> Any:
        return x, jnp.zeros_like(x), [jnp.zeros(n, x.dtype) for n in x.shape or (1,)]

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, vectors = state
        rank = len(vectors)
        g1 = jnp.reshape(g, g.shape or (1,))
        spread = [v[(None,) * k + (slice(None),) + (None,) * (rank - k - 1)]
                  for k, v in enumerate(vectors)]
        total = functools.reduce(jnp.minimum, spread) + jnp.square(g1)
        scaled = jnp.where(total > 0, g1 / jnp.sqrt(jnp.where(total > 0, total, 1)), 0)
        m = (1 - momentum) * jnp.reshape(scaled, g.shape) + momentum * m
        others = [tuple(j for j in range(rank) if j != k) for k in range(rank)]
        return x - size(i) * m, m, [jnp.max(total, axis=axes) for axes in others]

    return init, update, first


# --- schedules ----------------------------------------------------------------------------------


def constant(step_size: Any) -> Schedule:
    """Always the same."""
    return lambda i: step_size


def exponential_decay(step_size: float, decay_steps: float, decay_rate: float) -> Schedule:
    """Multiplied by `decay_rate` every `decay_steps` steps."""
    return lambda i: step_size * decay_rate ** (i / decay_steps)


def inverse_time_decay(step_size: float, decay_steps: float, decay_rate: float,
                       staircase: bool = False) -> Schedule:
    """Divided by 1 + decay_rate i / decay_steps; with `staircase`, in jumps."""
    if staircase:
        return lambda i: step_size / (1 + decay_rate * jnp.floor(i / decay_steps))
    return lambda i: step_size / (1 + decay_rate * i / decay_steps)


def polynomial_decay(step_size: float, decay_steps: float, final_step_size: float,
                     power: float = 1.0) -> Schedule:
    """From `step_size` down to `final_step_size` in `decay_steps` steps, then constant."""

    def schedule(i: Any) -> Any:
        left = (1 - jnp.minimum(i, decay_steps) / decay_steps) ** power
        return left * (step_size - final_step_size) + final_step_size

    return schedule


def piecewise_constant(boundaries: Any, values: Any) -> Schedule:
    """values[k] after the k-th boundary."""
    boundaries, values = jnp.array(boundaries), jnp.array(values)
    if not boundaries.ndim == values.ndim == 1:
        raise ValueError("boundaries and values must be sequences")
    if boundaries.shape[0] != values.shape[0] - 1:
        raise ValueError("boundaries length must be one shorter than values length")
    return lambda i: values[jnp.sum(i > boundaries)]


def make_schedule(scalar_or_schedule: Any) -> Schedule:
    """A function of the step; a number is a constant one."""
    if callable(scalar_or_schedule):
        return scalar_or_schedule
    if np.ndim(scalar_or_schedule):
        raise TypeError(f"a step size is a number or a function of the step, got "
                        f"{type(scalar_or_schedule)} of shape {np.shape(scalar_or_schedule)}")
    return constant(scalar_or_schedule)


# --- gradients and states -----------------------------------------------------------------------


def l2_norm(tree: Any) -> Any:
    """The length of all leaves together as one vector."""
    return jnp.sqrt(sum(jnp.vdot(x, x) for x in tree_leaves(tree)))


def clip_grads(grad_tree: Any, max_norm: Any) -> Any:
    """`grad_tree`, shortened to the length `max_norm` if it is longer."""
    norm = l2_norm(grad_tree)
    return tree_map(lambda g: jnp.where(norm < max_norm, g, g * (max_norm / norm)), grad_tree)


class JoinPoint:
    """Marks where, in a tree of parameters, the state of one parameter hangs."""

    def __init__(self, subtree: Any):
        self.subtree = subtree

    def __iter__(self) -> Iterator[Any]:
        yield self.subtree


def unpack_optimizer_state(opt_state: OptimizerState) -> Any:
    """The state as a tree of the parameters' form with a `JoinPoint` for each, to be stored."""
    return tree_unflatten(opt_state.tree_def, map(JoinPoint, unpack(opt_state)))


def pack_optimizer_state(marked_pytree: Any) -> OptimizerState:
    """The opposite of `unpack_optimizer_state`."""
    points, tree = tree_flatten(marked_pytree)
    if not all(isinstance(p, JoinPoint) for p in points):
        raise TypeError("pack_optimizer_state takes a tree whose leaves are JoinPoints, as "
                        "unpack_optimizer_state makes it")
    return pack([p.subtree for p in points], tree)
