"""Differences of neighbours, integrals, interpolation."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.jit import jit
from minijax.numpy.arguments import canonical_axes, canonical_axis, ensure_array, ensure_arrays
from minijax.numpy.arithmetic import remainder
from minijax.numpy.creation import asarray
from minijax.numpy.cumulative import cumsum
from minijax.numpy.joining import concatenate
from minijax.numpy.promotion import _where, broadcast_to, promote_dtypes, promote_inexact
from minijax.numpy.reductions import sum
from minijax.numpy.searching import searchsorted
from minijax.numpy.selecting import clip
from minijax.numpy.shaping import moveaxis, ravel
from minijax.numpy.ufuncs import absolute


@functools.partial(jit, static_argnames=("n", "axis"))
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along `axis`, taken `n` times.

    >>> import minijax.numpy as jnp
    >>> jnp.diff(jnp.array([1, 4, 9]))
    Array([3, 5], dtype=int32)
    """
    a = ensure_array("diff", a)
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    if n == 0:
        return a
    if a.ndim == 0:
        raise ValueError(f"diff requires input that is at least one dimensional; got {a}")
    axis = canonical_axis(axis, a.ndim)
    edge = tuple(1 if i == axis else m for i, m in enumerate(a.shape))
    parts = [x if x is a or np.ndim(x) else broadcast_to(x, edge)
             for x in (prepend, a, append) if x is not None]
    if len(parts) > 1:
        a = concatenate(parts, axis)
    before = (slice(None),) * axis
    for _ in range(n):
        right, left = a[(*before, slice(1, None))], a[(*before, slice(None, -1))]
        a = lax.ne(right, left) if a.dtype.kind == "b" else lax.sub(right, left)
    return a


@jit
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """The differences of neighbours in the flattened array."""
    a = ravel(ensure_array("ediff1d", ary))
    out = lax.sub(a[1:], a[:-1])
    if to_begin is not None:
        out = concatenate([ravel(asarray(to_begin).astype(a.dtype)), out])
    if to_end is not None:
        out = concatenate([out, ravel(asarray(to_end).astype(a.dtype))])
    return out


@functools.partial(jit, static_argnames="axis")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral along `axis` by the trapezoidal rule."""
    if x is None:
        (y,) = promote_inexact(ensure_array("trapezoid", y))
        dx = asarray(dx)
        if dx.ndim:
            dx = moveaxis(lax.expand_dims(dx, range(y.ndim - dx.ndim)), axis, -1)
    else:
        y, x = promote_inexact(*ensure_arrays("trapezoid", y, x))
        dx = diff(x) if x.ndim == 1 else moveaxis(diff(x, axis=axis), axis, -1)
    y = moveaxis(y, axis, -1)
    if dx.ndim == 0 or dx.shape[-1] == 1:
        step = dx if dx.ndim == 0 else dx[..., 0]
        return step * (sum(y, -1) - 0.5 * (y[..., 0] + y[..., -1]))
    return 0.5 * sum(dx * (y[..., 1:] + y[..., :-1]), -1)


@functools.partial(jit, static_argnames=("axis", "edge_order"))
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int | None = None) -> Any:
    """The derivative along each axis, by central differences; one-sided at the edges.

    Args:
      varargs: the spacing: one number, or for each axis a number or the coordinates.
    """
    if edge_order is not None:
        raise NotImplementedError("The 'edge_order' argument to jnp.gradient is not supported.")
    f, *spacing = promote_inexact(f, *varargs)
    axes = canonical_axes(axis, f.ndim)
    if not axes:
        return []
    if min(f.shape[i] for i in axes) < 2:
        raise ValueError("Shape of array too small to calculate a numerical gradient, at least 2 "
                         "elements are required.")
    steps = spacing * len(axes) if len(spacing) == 1 else spacing or [1.0] * len(axes)
    if len(steps) != len(axes):
        raise TypeError(f"Invalid number of spacing arguments {len(spacing)} for {axis=}")
    out = [slope(f, h, i) for h, i in zip(steps, axes)]
    return out[0] if len(out) == 1 else out


def slope(f: Any, h: Any, axis: int) -> Any:
    """The derivative along one axis."""

    def part(x: Any, start: Any, stop: Any) -> Any:
        return lax.slice_in_dim(x, start, stop, axis=axis)

    first = part(f, 1, 2) - part(f, 0, 1)
    last = part(f, -1, None) - part(f, -2, -1)
    if np.ndim(h) == 0:
        inner = (part(f, 2, None) - part(f, 0, -2)) * 0.5 / h
        last = last / h
        return concatenate([first / h, inner, last], axis)
    if np.ndim(h) != 1:
        raise ValueError("Spacing arrays must be 1D arrays or scalars.")
    if len(h) != f.shape[axis]:
        raise ValueError("Spacing arrays must have the same length as the dimension along which "
                         "the gradient is calculated.")
    h = lax.broadcast_in_dim(h, [len(h) if i == axis else 1 for i in range(f.ndim)], (axis,))
    d1, d2 = part(h, 1, -1) - part(h, 0, -2), part(h, 2, None) - part(h, 1, -1)
    inner = (-d2 / (d1 * (d1 + d2)) * part(f, 0, -2) + (d2 - d1) / (d1 * d2) * part(f, 1, -1)
             + d1 / (d2 * (d1 + d2)) * part(f, 2, None))
    return concatenate([first / (part(h, 1, 2) - part(h, 0, 1)), inner,
                        last / (part(h, -1, None) - part(h, -2, -1))], axis)


@functools.partial(jit, static_argnames="axis")
def unwrap(p: Any, discont: Any = None, axis: int = -1, period: Any = 2 * np.pi) -> Any:
    """Phases without jumps of more than half a period."""
    p, period = promote_dtypes(ensure_array("unwrap", p), period)
    if p.dtype.kind == "c":
        raise ValueError("jnp.unwrap does not support complex inputs.")
    axis = canonical_axis(axis, p.ndim)
    if p.shape[axis] == 0:
        return p
    if discont is None:
        discont = period / 2
    half = period // 2 if dtypes.kind(p.dtype) in "iu" else period / 2
    d = diff(p, axis=axis)
    wrapped = remainder(d + half, period) - half
    wrapped = _where((wrapped == -half) & (d > 0), half, wrapped)
    jumps = _where(absolute(d) < discont, 0, wrapped - d)
    n = p.shape[axis]
    first, rest = lax.slice_in_dim(p, 0, 1, axis=axis), lax.slice_in_dim(p, 1, n, axis=axis)
    return concatenate([first, rest + cumsum(jumps, axis=axis)], axis)


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
           ) -> Any:
    """The piecewise linear function through the points (xp, fp), at x.

    >>> import minijax.numpy as jnp
    >>> jnp.interp(0.5, jnp.array([0.0, 1.0]), jnp.array([10.0, 20.0]))
    Array(15., dtype=float32)

    Args:
      left, right: the values below xp[0] and above xp[-1]: by default those at the ends, or
        "extrapolate".
      period: the period of x.
    """
    static = tuple(name for name, v in (("left", left), ("right", right)) if isinstance(v, str))
    return jit(_interp, static_argnames=static)(x, xp, fp, left=left, right=right, period=period)


def _interp(x: Any, xp: Any, fp: Any, left: Any, right: Any, period: Any) -> Any:
    x, xp, fp = ensure_arrays("interp", x, xp, fp)
    if xp.shape != fp.shape or xp.ndim != 1:
        raise ValueError("xp and fp must be one-dimensional arrays of equal size")
    for name, value in (("left", left), ("right", right)):
        if isinstance(value, str) and value != "extrapolate":
            raise ValueError(f"the only valid string value of `{name}` is 'extrapolate', but got: "
                             f"{value!r}")
    x, xp = promote_inexact(x, xp)
    (fp,) = promote_inexact(fp)
    if x.dtype.kind == "c":
        raise ValueError("jnp.interp: complex x values not supported.")
    if period is not None:
        if np.ndim(period):
            raise ValueError(f"period must be a scalar; got {period}")
        period = absolute(period)
        x, xp = x % period, xp % period
        xp, fp = lax.sort_key_val(xp, fp)
        xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = concatenate([fp[-1:], fp, fp[:1]])
    i = clip(searchsorted(xp, x, side="right"), 1, len(xp) - 1)
    df, dx, delta = fp[i] - fp[i - 1], xp[i] - xp[i - 1], x - xp[i - 1]
    flat = absolute(dx) <= np.spacing(dtypes.finfo(xp.dtype).eps)
    f = _where(flat, fp[i - 1], fp[i - 1] + delta / _where(flat, 1, dx) * df)
    if period is None and left != "extrapolate":
        f = _where(x < xp[0], fp[0] if left is None else left, f)
    if period is None and right != "extrapolate":
        f = _where(x > xp[-1], fp[-1] if right is None else right, f)
    return f


# --- covariance ------------------------------------------------------------------------------
