"""odeint: ordinary differential equations, with a step that adapts, and gradients.

The method is that of Dormand and Prince: six new slopes in a step give two results, of order five
and of order four, and their difference tells the error. Reverse mode does not go back through the
steps. It solves a second equation backwards in time, that of the cotangents ("adjoint").

J. R. Dormand and P. J. Prince, A family of embedded Runge-Kutta formulae, 1980. L. F. Shampine,
Some practical Runge-Kutta formulas, 1986 (the polynomial between two points). E. Hairer, S. P.
Norsett and G. Wanner, Solving Ordinary Differential Equations I, section II.4 (the first step).
R. T. Q. Chen et al., Neural Ordinary Differential Equations, 2018, appendix C (the adjoint).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes, lax, numpy as jnp
from minijax.api_util import is_typed
from minijax.batching import vmap
from minijax.core import ShapedArray, typeof
from minijax.custom import custom_vjp
from minijax.flatten_util import ravel_pytree
from minijax.jit import Traced
from minijax.transpose import vjp
from minijax.tree_util import tree_flatten, tree_leaves, tree_structure, tree_unflatten

# --- the method --------------------------------------------------------------------------------

# Row i says how stage i + 1 is made of the slopes before it; TIMES, when.
STAGES = [
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],  # the result: its slope is next
]
TIMES = [1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1]
FOURTH_ORDER = [1951 / 21600, 0, 22642 / 50085, 451 / 720, -12231 / 42400, 649 / 6300, 1 / 60]
ERROR = [a - b for a, b in zip([*STAGES[-1], 0], FOURTH_ORDER)]
MIDDLE = [6025192743 / 30085553152, 0, 51252292925 / 65400821598, -2691868925 / 45128329728,
          187940372067 / 1594534317056, -1776094331 / 19743644256, 11237099 / 235043384]


def weighted(slopes: Sequence[Any], weights: Sequence[float]) -> Any:
    terms = [w * k for w, k in zip(weights, slopes) if w]
    return functools.reduce(lambda a, b: a + b, terms)


def step(f: Callable, y: Any, slope: Any, t: Any, dt: Any) -> tuple[Any, Any, Any, Any]:
    """One step: the state after it, its slope there, the error, and the state half-way."""
    h = dt.astype(y.dtype)
    slopes = [slope]
    for weights, time in zip(STAGES, TIMES):
        y_next = y + h * weighted(slopes, weights)
        slopes.append(f(y_next, t + time * dt))
    middle = y + h / 2 * weighted(slopes, MIDDLE)
    return y_next, slopes[-1], h * weighted(slopes, ERROR), middle


def quartic(y0: Any, y1: Any, middle: Any, slope0: Any, slope1: Any, dt: Any) -> Any:
    """The polynomial on [0, 1] with these values at 0, 1/2 and 1 and slopes at 0 and 1."""
    d0, d1 = dt.astype(y0.dtype) * slope0, dt.astype(y0.dtype) * slope1
    return jnp.stack([
        2 * (d1 - d0) - 8 * (y0 + y1) + 16 * middle,
        5 * d0 - 3 * d1 + 18 * y0 + 14 * y1 - 32 * middle,
        d1 - 4 * d0 - 11 * y0 - 5 * y1 + 16 * middle,
        d0,
        y0])


def error_ratio(error: Any, y0: Any, y1: Any, rtol: float, atol: float) -> Any:
    """The error of a step in units of what is allowed, over all components."""
    allowed = atol + rtol * jnp.maximum(jnp.abs(y0), jnp.abs(y1))
    return jnp.sqrt(jnp.mean(jnp.abs(error / allowed) ** 2))


def next_step(dt: Any, ratio: Any) -> Any:
    """A step for which the error would be a little less than allowed."""
    smallest = jnp.where(ratio < 1, 1.0, 0.2)
    factor = jnp.clip(0.9 * ratio ** -0.2, smallest, 10.0)
    return dt * jnp.where(ratio == 0, 10.0, factor)


def first_step(f: Callable, t: Any, y: Any, slope: Any, rtol: float, atol: float) -> Any:
    """From the sizes of the state, its slope, and how the slope changes."""
    scale = atol + rtol * jnp.abs(y)
    d0, d1 = jnp.linalg.norm(y / scale), jnp.linalg.norm(slope / scale)
    h0 = jnp.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / d1)
    later = f(y + h0.astype(y.dtype) * slope, t + h0)
    d2 = jnp.linalg.norm((later - slope) / scale) / h0
    flat = (d1 <= 1e-15) & (d2 <= 1e-15)
    h1 = jnp.where(flat, jnp.maximum(1e-6, h0 * 1e-3), (0.01 / jnp.maximum(d1, d2)) ** 0.2)
    return jnp.minimum(100.0 * h0, h1)


# --- forwards ----------------------------------------------------------------------------------


@functools.partial(custom_vjp, nondiff_argnums=(0, 1, 2, 3, 4))
def _odeint(func: Callable, rtol: float, atol: float, mxstep: float, hmax: float, y0: Any, ts: Any,
            *args: Any) -> Any:
    """The states at `ts`, one row for each; `func(y, t, *args)` is the slope of a vector."""
    f = lambda y, t: func(y, t, *args)  # noqa: E731

    def advance(carry: tuple, target: Any) -> tuple[tuple, Any]:
        """Steps until `target` is passed. The state there is read off the last polynomial."""
        def not_there(state: tuple) -> Any:
            i, (_, _, t, dt, _, _) = state
            return (t < target) & (i < mxstep) & (dt > 0)

        def attempt(state: tuple) -> tuple:
            i, (y, slope, t, dt, before, polynomial) = state
            y_next, slope_next, error, middle = step(f, y, slope, t, dt)
            ratio = error_ratio(error, y, y_next, rtol, atol)
            fitted = quartic(y, y_next, middle, slope, slope_next, dt)
            dt_next = jnp.clip(next_step(dt, ratio), 0.0, hmax)
            taken = y_next, slope_next, t + dt, dt_next, t, fitted
            refused = y, slope, t, dt_next, before, polynomial
            return i + 1, tuple(jnp.where(ratio <= 1, a, b) for a, b in zip(taken, refused))

        _, carry = lax.while_loop(not_there, attempt, (0, carry))
        _, _, t, _, before, polynomial = carry
        at = (target - before) / (t - before)
        return carry, jnp.polyval(polynomial, at.astype(polynomial.dtype))

    slope = f(y0, ts[0])
    dt = jnp.clip(first_step(f, ts[0], y0, slope, rtol, atol), 0.0, hmax)
    start = y0, slope, ts[0], dt.astype(ts.dtype), ts[0], jnp.stack([y0] * 5)
    _, ys = lax.scan(advance, start, ts[1:])
    return jnp.concatenate([y0[None], ys])


# --- backwards ---------------------------------------------------------------------------------


def _forward(func: Callable, rtol: float, atol: float, mxstep: float, hmax: float, y0: Any,
             ts: Any, *args: Any) -> tuple[Any, Any]:
    ys = _odeint(func, rtol, atol, mxstep, hmax, y0, ts, *args)
    return ys, (ys, ts, args)


def _backward(func: Callable, rtol: float, atol: float, mxstep: float, hmax: float,
              residuals: tuple, ct: Any) -> tuple:
    """The cotangent of the state obeys an equation of its own, backwards in time.

    From each time to the one before, the state and its cotangent go back together, and the
    cotangents of the time and the arguments grow along. At each time that was asked for, the
    cotangent of its result is added.
    """
    ys, ts, args = residuals
    moving = [i for i, x in enumerate(args) if dtypes.is_inexact(typeof(x).dtype)]

    def augmented(state: tuple, minus_t: Any, *args: Any) -> tuple:
        y, y_bar = state[:2]
        slope, pull = vjp(func, y, -minus_t, *args)
        y_dot, t_dot, *args_dot = pull(y_bar)
        return -slope, y_dot, t_dot, [args_dot[i] for i in moving]

    def back(carry: tuple, i: Any) -> tuple[tuple, Any]:
        y_bar, t_bar, args_bar = carry
        moved = jnp.dot(func(ys[i], ts[i], *args), ct[i]).real  # what a later ts[i] would change
        _, *bars = odeint(augmented, (ys[i], y_bar, t_bar - moved, args_bar),
                          jnp.stack([-ts[i], -ts[i - 1]]), *args, rtol=rtol, atol=atol,
                          mxstep=mxstep, hmax=hmax)
        y_bar, t_bar, args_bar = tree_unflatten(
            tree_structure(carry), [x[1] for x in tree_leaves(bars)])
        return (y_bar + ct[i - 1], t_bar, args_bar), moved

    start = ct[-1], jnp.zeros((), ts.dtype), [jnp.zeros_like(args[i]) for i in moving]
    (y_bar, t_bar, args_bar), moved = lax.scan(back, start, jnp.arange(len(ts) - 1, 0, -1))
    found = dict(zip(moving, args_bar))
    return (y_bar, jnp.concatenate([t_bar[None], moved[::-1]]),
            *(found.get(i) for i in range(len(args))))


_odeint.defvjp(_forward, _backward)


# --- for users ---------------------------------------------------------------------------------


def odeint(func: Callable, y0: Any, t: Any, *args: Any, rtol: float = 1.4e-8,
           atol: float = 1.4e-8, mxstep: float = np.inf, hmax: float = np.inf) -> Any:
    """The solution of dy/dt = func(y, t, *args) that starts at `y0`, at the times `t`.

    It has gradients by `y0`, `t`, `args`, and by what `func` closes over.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> from minijax.experimental.ode import odeint
    >>> decay = lambda y, t, rate: -rate * y
    >>> odeint(decay, 1.0, jnp.array([0.0, 1.0, 2.0]), 0.5)
    Array([1.        , 0.6065306 , 0.36787903], dtype=float32)
    >>> slope = jax.grad(lambda rate: odeint(decay, 1.0, jnp.array([0.0, 2.0]), rate)[-1])
    >>> print(f"{slope(0.5):.4f}")
    -0.7358

    Args:
      func: (y, t, *args) -> dy/dt, for y and its slope like `y0`.
      y0: an array, or a pytree of arrays.
      t: an array of floats that increase. The first belongs to `y0`.
      args: pytrees of arrays.
      rtol, atol: the error allowed in a step, relative to y and absolute.
      mxstep: how many steps to try, at most, for each time.
      hmax: the longest step allowed.

    Returns:
      What `y0` is like, with a new leading axis: one row for each time.

    Raises:
      TypeError: times, or states, that are no floats; args that are no arrays; a slope of another
        size than y.
    """
    for x in tree_leaves(args):
        if not is_typed(x):
            raise TypeError("The contents of odeint *args must be arrays or scalars, but got "
                            f"{x}.")
    if dtypes.kind(getattr(t, "dtype", np.dtype(object))) != "f" or typeof(t).ndim != 1:
        raise TypeError(f"t must be an array of floats, but got {t}.")
    y, unravel = ravel_pytree(y0)
    if not dtypes.is_inexact(typeof(y).dtype):
        raise TypeError(f"y0 must be made of floats, but got {y0}.")
    leaves, tree = tree_flatten(args)
    avals = [typeof(y), ShapedArray((), typeof(t).dtype), *map(typeof, leaves)]

    def slope(y: Any, t: Any, *leaves: Any) -> Any:
        out = ravel_pytree(func(unravel(y), t, *tree_unflatten(tree, leaves)))[0]
        if out.shape != y.shape:
            raise TypeError(f"odeint: the slope must be like y0, which has {y.size} numbers, but "
                            f"func returned {out.size}.")
        return out.astype(y.dtype)

    program = Traced(slope, "odeint", (), avals, tree_structure((tuple(avals), {})))
    n = len(program.captured)

    def of_all(y: Any, t: Any, *values: Any) -> Any:
        """What `func` closes over are arguments, too."""
        return program.jaxpr(*values[:n], y, t, *values[n:])[0]

    ys = _odeint(of_all, rtol, atol, mxstep, hmax, y, jnp.asarray(t), *program.captured, *leaves)
    return vmap(unravel)(ys)
