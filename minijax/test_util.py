"""`jax.test_util`: check derivatives against differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import typeof
from minijax.jvp import jvp
from minijax.transpose import vjp
from minijax.tree_util import tree_leaves, tree_map

TOLERANCE = {"float16": 1e-1, "bfloat16": 1e-1, "float32": 1e-2, "float64": 1e-5,
             "complex64": 1e-2, "complex128": 1e-5}


def leaf_like(x: Any, rng: np.random.Generator) -> Any:
    """A random tangent of a leaf, no element of it near 0; `float0` for integers."""
    aval = typeof(x)
    if not dtypes.is_inexact(aval.dtype):
        return np.zeros(aval.shape, dtypes.float0)
    t = rng.choice([-1, 1], aval.shape) * rng.uniform(0.5, 1.5, aval.shape)
    if dtypes.kind(aval.dtype) == "c":
        t = t * np.exp(1j * rng.uniform(0, 2 * np.pi, aval.shape))
    return np.asarray(t, aval.dtype)


def tangents_like(tree: Any, rng: np.random.Generator) -> Any:
    return tree_map(lambda x: leaf_like(x, rng), tree)


def wide(x: Any) -> np.ndarray:
    return np.asarray(x).astype(np.complex128)


def inner(xs: Any, ys: Any) -> float:
    """The pairing of cotangents and tangents; `float0` leaves count nothing."""
    return sum(float(np.sum(wide(x) * wide(y)).real) for x, y in zip(tree_leaves(xs),
                                                                     tree_leaves(ys))
               if np.asarray(x).dtype != dtypes.float0 != np.asarray(y).dtype)


def differences(f: Callable, args: Sequence[Any], tangents: Sequence[Any], eps: float) -> Any:
    """The derivative of `f` at `args` along `tangents`, from two values at a distance of 2 eps."""

    def moved(step: float) -> Any:
        return f(*tree_map(lambda x, t: x if np.asarray(t).dtype == dtypes.float0 else
                           np.asarray(np.asarray(x) + step * t, typeof(x).dtype),
                           tuple(args), tuple(tangents)))

    return tree_map(lambda a, b: (wide(a) - wide(b)) / (2 * eps), moved(eps), moved(-eps))


def without_float0(tree: Any) -> list[Any]:
    return [x for x in tree_leaves(tree) if getattr(x, "dtype", None) != dtypes.float0]


def tolerances(tree: Any, given: float | None) -> float:
    if given is not None:
        return given
    return max((TOLERANCE.get(dtypes.name(typeof(x).dtype), 0.0) for x in tree_leaves(tree)),
               default=0.0)


def compare(got: Any, want: Any, atol: float, rtol: float, what: str) -> None:
    for g, w in zip(tree_leaves(got), tree_leaves(want)):
        if np.asarray(g).dtype != dtypes.float0:
            np.testing.assert_allclose(wide(g), wide(w), rtol=rtol, atol=atol, err_msg=what)


def check_jvp(f: Callable, f_jvp: Callable, args: Sequence[Any], atol: float | None = None,
              rtol: float | None = None, eps: float | None = None, err_msg: str = "") -> None:
    """AssertionError unless `f_jvp(args, tangents)` agrees with differences of `f`."""
    args, rng = tuple(args), np.random.default_rng(0)
    tangents = tangents_like(args, rng)
    out, out_dot = f_jvp(args, tangents)
    at, rt = tolerances(args, atol), tolerances(args, rtol)
    compare(out, f(*args), at, rt, f"{err_msg} JVP primal")
    compare(out_dot, differences(f, args, tangents, step(args, eps)), at, rt,
            f"{err_msg} JVP tangent")


def check_vjp(f: Callable, f_vjp: Callable, args: Sequence[Any], atol: float | None = None,
              rtol: float | None = None, eps: float | None = None, err_msg: str = "") -> None:
    """AssertionError unless `f_vjp(*args)` is adjoint to differences of `f`."""
    args, rng = tuple(args), np.random.default_rng(0)
    out, pull = f_vjp(*args)
    at, rt = tolerances(args, atol), tolerances(args, rtol)
    compare(out, f(*args), at, rt, f"{err_msg} VJP primal")
    tangents, cotangents = tangents_like(args, rng), tangents_like(out, rng)
    expected = inner(cotangents, differences(f, args, tangents, step(args, eps)))
    found = inner(pull(cotangents), tangents)
    np.testing.assert_allclose(found, expected, rtol=rt, atol=at,
                               err_msg=f"{err_msg} VJP cotangent projection")


def step(args: Any, given: float | None) -> float:
    """How far to move: the cube root of the precision balances the two errors of a difference."""
    if given is not None:
        return given
    eps = [float(dtypes.finfo(typeof(x).dtype).eps) for x in tree_leaves(args)
           if dtypes.is_inexact(typeof(x).dtype)]
    return max(eps, default=1e-6) ** (1 / 3)


def check_grads(f: Callable, args: Sequence[Any], order: int,
                modes: Sequence[str] = ("fwd", "rev"), atol: float | None = None,
                rtol: float | None = None, eps: float | None = None) -> None:
    """Check the derivatives of `f` at `args`, up to `order`, against differences.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> from minijax.test_util import check_grads
    >>> check_grads(jnp.sin, (0.5,), order=2)
    >>> wrong = jax.custom_jvp(jnp.sin)
    >>> wrong.defjvps(lambda t, out, x: t * jnp.sin(x))
    >>> check_grads(wrong, (0.5,), order=1)
    Traceback (most recent call last):
    ...
    AssertionError: ...

    Args:
      args: a tuple of arguments, pytrees of arrays.
      modes: "fwd", "rev" or both: which derivatives to check, and to take for the next order.
      atol, rtol: tolerances; by default 1e-2 for float32 and 1e-5 for float64.
      eps: how far the arguments are moved for a difference.

    Raises:
      AssertionError: a derivative differs.
    """
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    if not modes or not set(modes) <= {"fwd", "rev"}:
        raise ValueError(f"modes are 'fwd' and 'rev', got {modes}")
    check_orders(f, tuple(args), order, modes, atol, rtol, eps, "")


def check_orders(f: Callable, args: tuple, order: int, modes: Sequence[str], atol: Any, rtol: Any,
                 eps: Any, path: str) -> None:
    if "fwd" in modes:
        check_jvp(f, lambda xs, ts: jvp(f, xs, ts), args, atol, rtol, eps, f"{path} jvp of")
    if "rev" in modes:
        check_vjp(f, lambda *xs: vjp(f, *xs), args, atol, rtol, eps, f"{path} vjp of")
    if order <= 1:
        return
    rng = np.random.default_rng(order)
    if "fwd" in modes:
        tangents = tangents_like(args, rng)
        check_orders(lambda *xs: without_float0(jvp(f, xs, tangents)), args, order - 1, modes,
                     atol, rtol, eps, f"{path} jvp of")
    if "rev" in modes:
        cotangents = tangents_like(f(*args), rng)

        def pulled(*xs: Any) -> Any:
            out, pull = vjp(f, *xs)
            return out, without_float0(pull(cotangents))

        check_orders(pulled, args, order - 1, modes, atol, rtol, eps, f"{path} vjp of")
