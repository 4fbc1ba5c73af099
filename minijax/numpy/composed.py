"""Functions of one or two numbers that take care of overflow and of special points."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from minijax import lax
from minijax.custom import custom_jvp
from minijax.jit import jit
from minijax.numpy.arguments import ensure_array
from minijax.numpy.logic import isposinf
from minijax.numpy.promotion import _where, promote_args_inexact, promote_inexact
from minijax.numpy.ufuncs import constant_like, is_complex, maximum, minimum, scalar_like


@jit
def arccosh(x: Any, /) -> Any:
    """The inverse of cosh, not negative."""
    out = lax.acosh(*promote_args_inexact("arccosh", x))
    return _where(lax.lt(lax.real(out), 0), lax.neg(out), out) if is_complex(out) else out


def acosh(x: Any, /) -> Any:
    """The same as `arccosh`."""
    return arccosh(x)


@jit
def hypot(x1: Any, x2: Any, /) -> Any:
    """sqrt(x1**2 + x2**2), without overflow."""
    x1, x2 = promote_args_inexact("hypot", x1, x2)
    if is_complex(x1):
        raise ValueError("jnp.hypot is not well defined for complex-valued inputs. Please convert "
                         "to real values first, such as by using abs(x)")
    x1, x2 = lax.abs(x1), lax.abs(x2)
    infinite = lax.bitwise_or(isposinf(x1), isposinf(x2))
    x1, x2 = maximum(x1, x2), minimum(x1, x2)
    out = _where(lax.eq(x1, 0), x1, x1 * lax.sqrt(1 + lax.square(lax.div(
        x2, _where(lax.eq(x1, 0), lax.full_like(x1, 1), x1)))))
    return _where(infinite, scalar_like(out, np.inf), out)


@jit
def sinc(x: Any, /) -> Any:
    """sin(pi x) / (pi x), and 1 at 0, where all its derivatives are right too."""
    (x,) = promote_inexact(ensure_array("sinc", x))
    at_zero = lax.eq(x, 0)
    pi_x = lax.mul(scalar_like(x, np.pi), x)
    safe = _where(at_zero, scalar_like(x, 1), pi_x)
    return _where(at_zero, _sinc_maclaurin(0, pi_x), lax.div(lax.sin(safe), safe))


@functools.partial(custom_jvp, nondiff_argnums=(0,))
def _sinc_maclaurin(k: int, x: Any) -> Any:
    """The k-th derivative of sin(x) / x at 0."""
    value = 0.0 if k % 2 else (-1) ** (k // 2) / (k + 1)
    return x * 0 if k % 2 else x * 0 + scalar_like(x, value)


@_sinc_maclaurin.defjvp
def _sinc_maclaurin_jvp(k: int, primals: Any, tangents: Any) -> tuple[Any, Any]:
    (x,), (t,) = primals, tangents
    return _sinc_maclaurin(k, x), _sinc_maclaurin(k + 1, x) * t


@custom_jvp
def _logaddexp(x1: Any, x2: Any) -> Any:
    return add_exponents(x1, x2, lax.exp, 1.0)


@custom_jvp
def _logaddexp2(x1: Any, x2: Any) -> Any:
    return add_exponents(x1, x2, lax.exp2, 1 / np.log(2))


def add_exponents(x1: Any, x2: Any, exp: Any, scale: float) -> Any:
    """max + log(1 + base**-|difference|); equal infinities have no difference."""
    if is_complex(x1):
        larger = _where(lax.real(x1) > lax.real(x2), x1, x2)
        difference = _where(lax.real(x1) > lax.real(x2), x2 - x1, x1 - x2)
        return larger + lax.log1p(exp(difference)) * constant_like(x1, scale)
    larger, difference = lax.max(x1, x2), lax.sub(x1, x2)
    undefined, total = lax.ne(difference, difference), lax.add(x1, x2)
    rest = lax.log1p(exp(lax.neg(lax.abs(difference))))
    if scale != 1.0:
        rest = lax.mul(constant_like(x1, scale), rest)
    return lax.select(undefined, total, lax.add(larger, rest))


def _logaddexp_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    return weighted_tangent(_logaddexp, lax.exp, primals, tangents)


def _logaddexp2_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    return weighted_tangent(_logaddexp2, lax.exp2, primals, tangents)


def weighted_tangent(fun: Any, exp: Any, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Each tangent times base**(x - out); where both are infinite, base**0."""
    out = fun(*primals)

    def weight(x: Any) -> Any:
        finite = [v if is_complex(v) else lax.select(isposinf(v), lax.full_like(v, 0), v)
                  for v in (x, out)]
        return exp(lax.sub(*finite))

    terms = [lax.mul(t, weight(x)) for x, t in zip(primals, tangents)]
    return out, lax.add(*terms)


_logaddexp.defjvp(_logaddexp_jvp)
_logaddexp2.defjvp(_logaddexp2_jvp)
_logaddexp.fun.__name__, _logaddexp2.fun.__name__ = "logaddexp", "logaddexp2"  # as in programs


def logaddexp(x1: Any, x2: Any, /) -> Any:
    """log(exp(x1) + exp(x2)), without overflow."""
    return _logaddexp(*promote_args_inexact("logaddexp", x1, x2))


def logaddexp2(x1: Any, x2: Any, /) -> Any:
    """log2(2**x1 + 2**x2), without overflow."""
    return _logaddexp2(*promote_args_inexact("logaddexp2", x1, x2))


@jit
def i0(x: Any) -> Any:
    """The modified Bessel function of the first kind, of order 0."""
    (x,) = promote_args_inexact("i0", x)
    if is_complex(x):
        raise ValueError(f"Unsupported input type to jax.numpy.i0: {x.dtype}")
    return _i0(x)


@custom_jvp
def _i0(x: Any) -> Any:
    size = lax.abs(x)
    return lax.mul(lax.exp(size), lax.bessel_i0e(size))


@_i0.defjvp
def _i0_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    """I0' = I1."""
    (x,), (t,) = primals, tangents
    return _i0(x), lax.mul(t, lax.mul(lax.exp(lax.abs(x)), lax.bessel_i1e(x)))


# --- complex ---------------------------------------------------------------------------------
