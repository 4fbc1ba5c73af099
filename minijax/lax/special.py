"""The elementwise special functions of `scipy.special`, with their derivatives."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import typeof
from minijax.families import Elementwise, mul
from minijax.lax import xla_float32
from minijax.lax.bits import NoDerivative
from minijax.lax.creation import full_like
from minijax.lax.elementwise import abs, add, div, gt, in_float32, neg, select, sign, sub
from minijax.lax.transcendental import exp, log, log1p, square


def scipy_special(name: str) -> Callable:
    """A function of `scipy.special`, which is imported when it is first called."""

    @functools.cache
    def load() -> Callable:
        import scipy.special

        return getattr(scipy.special, name)

    return in_float32(lambda *xs: load()(*xs))


# --- the error function ----------------------------------------------------------------------


def _erf_partial(scale: float) -> Callable:
    return lambda out, x: mul(scale, exp(neg(square(x))))


def _erf_inv(x: np.ndarray) -> np.ndarray:
    """In float32 with XLA's own bits: normal random numbers are made with it."""
    return xla_float32.erf_inv(x) if x.dtype == np.float32 else scipy_special("erfinv")(x)


erf = Elementwise("erf", scipy_special("erf"), _erf_partial(2 / math.sqrt(math.pi)), accepts="f")
erfc = Elementwise("erfc", scipy_special("erfc"), _erf_partial(-2 / math.sqrt(math.pi)),
                   accepts="f")
erf_inv = Elementwise("erf_inv", in_float32(_erf_inv),
                      lambda out, x: mul(math.sqrt(math.pi) / 2, exp(square(out))), accepts="f")

# --- the gamma function ----------------------------------------------------------------------


def _polygamma(m: np.ndarray, x: np.ndarray) -> np.ndarray:
    factor = np.where(m % 2 == 0, -1, 1) * scipy_special("gamma")(m + 1)
    out = np.where(m == 0, scipy_special("psi")(x), factor * scipy_special("zeta")(m + 1, x))
    return np.where((m >= 0) & (m == np.floor(m)), out, np.nan)


def _unsupported(what: str) -> Callable:
    def partial(out: Any, *args: Any) -> Any:
        raise ValueError(what)

    return partial


def _at(point: float, value: float, fun: Callable) -> Callable:
    """`fun`, but for one point, where XLA has another value than SciPy."""
    return lambda x: np.where(x == point, value, fun(x))


lgamma = Elementwise("lgamma", _at(-np.inf, np.inf, scipy_special("gammaln")),
                     lambda out, x: digamma(x), accepts="f")
digamma = Elementwise("digamma", _at(0, np.nan, scipy_special("psi")),
                      lambda out, x: polygamma(1.0, x), accepts="f")
polygamma = Elementwise(
    "polygamma", in_float32(_polygamma),
    _unsupported("polygamma gradient with respect to m is not supported"),
    lambda out, m, x: polygamma(add(m, 1.0), x), accepts="f")
zeta = NoDerivative("zeta", scipy_special("zeta"), accepts="f")


# --- incomplete gamma and beta ---------------------------------------------------------------


H = 1e-12


def gamma_slope(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dP/da divided by dP/dx, of the regularized lower incomplete gamma function P(a, x).

    The series and Legendre's continued fraction (dlmf.nist.gov/8.11.E4, 8.9.E2) at a + iH, whose
    imaginary part is H times the derivative, without cancellation.
    """
    from scipy.special import loggamma

    a, x = np.broadcast_arrays(a.astype(np.float64), x.astype(np.float64))
    z = np.where(a > 0, a, 1.0) + 1j * H
    tail = (x > 1) & (x > a)
    inside = np.where(np.isfinite(x) & (x > 0), x, 1.0)
    low = _series(z, np.where(tail, 1.0, inside))
    high = _fraction(z, np.where(tail, inside, z.real + 2.0))
    # the modulus of x^z / Gamma cancels against the density dP/dx; its phase does not
    phase = (z * np.log(inside)).imag - loggamma(np.where(tail, z, z + 1)).imag
    both = np.where(tail, -high, low / z.real) * np.exp(1j * phase)
    slope = inside * both.imag / H
    slope = np.where(x == 0, 0.0, np.where(x == np.inf, np.nan, slope))
    return np.where((x >= 0) & (a > 0), slope, np.nan)


def _series(z: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The sum of x^n / (z+1)(z+2)...(z+n), for n = 0, 1, ..."""
    term = total = np.ones_like(z)
    for n in range(1, 10_000):
        term = term * (x / (z + n))
        total = total + term
        if np.all(np.absolute(term.imag) <= 1e-17 * np.absolute(total.imag)):
            break
    return total


def _fraction(z: np.ndarray, x: np.ndarray) -> np.ndarray:
    """1 / (x+1-z - 1(1-z) / (x+3-z - 2(2-z) / (x+5-z - ...))), by Lentz's method."""
    b = x + 1 - z
    d = 1 / b
    c = np.full_like(b, 1e300)
    total = d
    for n in range(1, 10_000):
        b = b + 2
        d = 1 / (b - n * (n - z) * d)
        c = b - n * (n - z) / c
        step = c * d
        total = total * step
        if np.all((np.absolute(step.real - 1) < 1e-15) & (np.absolute(step.imag) < 1e-15 * H)):
            break
    return total


def _igamma_grad_a(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    from scipy.special import gammaln

    slope, wide = gamma_slope(a, x), x.astype(np.float64)
    return slope * np.exp((a - 1) * np.log(np.where(wide > 0, wide, 1.0)) - wide - gammaln(a))


def _density(a: Any, x: Any) -> Any:
    """The derivative of the lower incomplete gamma function with respect to x."""
    return exp(sub(add(neg(x), mul(sub(a, 1.0), log(x))), lgamma(a)))


def _beta_density(out: Any, a: Any, b: Any, x: Any) -> Any:
    log_beta = sub(add(lgamma(a), lgamma(b)), lgamma(add(a, b)))
    powers = add(mul(sub(b, 1.0), log1p(neg(x))), mul(sub(a, 1.0), log(x)))
    return exp(sub(powers, log_beta))


igamma = Elementwise("igamma", scipy_special("gammainc"), lambda out, a, x: igamma_grad_a(a, x),
                     lambda out, a, x: _density(a, x), accepts="f")
igammac = Elementwise("igammac", scipy_special("gammaincc"),
                      lambda out, a, x: neg(igamma_grad_a(a, x)),
                      lambda out, a, x: neg(_density(a, x)), accepts="f")
igamma_grad_a = NoDerivative("igamma_grad_a", _igamma_grad_a, accepts="f")
random_gamma_grad = NoDerivative(
    "random_gamma_grad", lambda a, x: -gamma_slope(a, x), accepts="f")

_BETA = _unsupported("Betainc gradient with respect to a and b not supported.")
betainc = Elementwise("regularized_incomplete_beta", scipy_special("betainc"), _BETA, _BETA,
                      _beta_density, accepts="f")

# --- Bessel functions ------------------------------------------------------------------------


def _i1e_partial(out: Any, x: Any) -> Any:
    tiny = float(dtypes.finfo(typeof(x).dtype).eps)
    ordinary = gt(abs(x), tiny)
    safe = select(ordinary, x, full_like(x, tiny))
    slope = sub(bessel_i0e(safe), mul(out, add(sign(safe), div(1.0, safe))))
    return select(ordinary, slope, full_like(x, 0.5))


bessel_i0e = Elementwise("bessel_i0e", scipy_special("i0e"),
                         lambda out, x: sub(bessel_i1e(x), mul(sign(x), out)), accepts="f")
bessel_i1e = Elementwise("bessel_i1e", scipy_special("i1e"), _i1e_partial, accepts="f")
