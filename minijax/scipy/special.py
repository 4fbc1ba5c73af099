"""`jax.scipy.special`: special functions, with derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax
from minijax.core import ArrayImpl
from minijax.custom import custom_jvp
from minijax.jit import jit
from minijax.lax import scipy_special as operations
from minijax.lax.creation import of_dtype
from minijax.nn import normalizing
from minijax.nn.normalizing import logsumexp as logsumexp
from minijax.numpy.arguments import ensure_arrays
from minijax.numpy.promotion import promote_args_inexact

# --- how the functions here are made -------------------------------------------------------------


def promoted(name: str, *args: Any, real: bool = True) -> list[Any]:
    """The arguments of `name`, floating; ValueError for complex ones."""
    args = promote_args_inexact(name, *ensure_arrays(name, *args))  # type: ignore[assignment]
    if real and dtypes.kind(args[0].dtype) == "c":
        raise ValueError(f"{name} does not support complex-valued inputs.")
    return list(args)


def public(name: str, operation: Callable, doc: str) -> Callable:
    """An operation as a function of arrays, lists excepted, of any real dtype."""

    def fun(*args: Any) -> Any:
        return operation(*promoted(name, *args))

    fun.__name__, fun.__qualname__, fun.__doc__ = name, name, doc
    return fun


def const(x: Any, value: float) -> ArrayImpl:
    """A constant of the dtype of `x`."""
    return of_dtype(value, x.dtype)


# --- exponentials and logarithms -----------------------------------------------------------------


def expit(x: Any) -> Any:
    """1 / (1 + exp(-x)), the inverse of `logit`."""
    return lax.logistic(*promoted("expit", x, real=False))


@custom_jvp
def logit(x: Any) -> Any:
    """log(x / (1 - x)).

    >>> import minijax as jax
    >>> print(jax.scipy.special.logit(0.5))
    0.0
    """
    (x,) = promoted("logit", x, real=False)
    return lax.log(lax.div(x, 1 - x))


logit.defjvps(lambda t, out, x: t / (x * (1 - x)))


@custom_jvp
def xlogy(x: Any, y: Any) -> Any:
    """x log(y), and 0 for x = 0, whatever y is.

    >>> import minijax as jax
    >>> print(jax.scipy.special.xlogy(0.0, 0.0))
    0.0
    """
    x, y = promoted("xlogy", x, y, real=False)
    counts = (x != 0.0) | jnp.isnan(y)
    return jnp.where(counts, lax.mul(x, lax.log(y)), jnp.zeros_like(x))


@xlogy.defjvp
def _xlogy_jvp(primals: Any, tangents: Any) -> Any:
    (x, y), (x_dot, y_dot) = primals, tangents
    out = xlogy(x, y)
    return out, (x_dot * jnp.log(y) + y_dot * x / y).astype(out.dtype)


@custom_jvp
def xlog1py(x: Any, y: Any) -> Any:
    """x log(1 + y), and 0 for x = 0, whatever y is."""
    x, y = promoted("xlog1py", x, y, real=False)
    counts = (x != 0.0) | jnp.isnan(y)
    return jnp.where(counts, lax.mul(x, lax.log1p(y)), jnp.zeros_like(x))


@xlog1py.defjvp
def _xlog1py_jvp(primals: Any, tangents: Any) -> Any:
    (x, y), (x_dot, y_dot) = primals, tangents
    out = xlog1py(x, y)
    return out, (x_dot * jnp.log1p(y) + y_dot * x / (1 + y)).astype(out.dtype)


@custom_jvp
def _xlogx(x: Any) -> Any:
    return xlogy(x, x)


@_xlogx.defjvp
def _xlogx_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (x_dot,) = primals, tangents
    return _xlogx(x), x_dot * (lax.log(x) + 1)


def entr(x: Any) -> Any:
    """-x log(x), 0 at 0, minus infinity below."""
    (x,) = promoted("entr", x)
    return lax.select(lax.lt(x, const(x, 0)), lax.full_like(x, -np.inf), lax.neg(_xlogx(x)))


def rel_entr(p: Any, q: Any) -> Any:
    """p log(p / q), 0 at p = 0, infinite where p or q is negative."""
    p, q = promoted("rel_entr", p, q)
    inside = (p > 0) & (q > 0)
    safe_p, safe_q = jnp.where(inside, p, 1), jnp.where(inside, q, 1)
    value = _xlogx(safe_p) - xlogy(safe_p, safe_q)
    return jnp.where(inside, value, jnp.where((p == 0) & (q >= 0), 0.0, np.inf))


def kl_div(p: Any, q: Any) -> Any:
    """p log(p / q) - p + q: never negative, and 0 for p = q."""
    p, q = promoted("kl_div", p, q)
    return rel_entr(p, q) - p + q


def boxcox(x: Any, lmbda: Any) -> Any:
    """(x^lmbda - 1) / lmbda, and its limit log(x) for lmbda = 0."""
    x, lmbda = promoted("boxcox", x, lmbda)
    return _boxcox(jnp.log(x), lmbda)


def boxcox1p(x: Any, lmbda: Any) -> Any:
    """((1 + x)^lmbda - 1) / lmbda, and its limit log(1 + x) for lmbda = 0."""
    x, lmbda = promoted("boxcox1p", x, lmbda)
    return _boxcox(jnp.log1p(x), lmbda)


def _boxcox(log_x: Any, lmbda: Any) -> Any:
    safe = jnp.where(lmbda == 0, 1, lmbda)
    return jnp.where(lmbda == 0, log_x, jnp.expm1(safe * log_x) / safe)


def softmax(x: Any, /, *, axis: Any = None) -> Any:
    """exp(x) / sum(exp(x)), over all elements or along `axis`."""
    return normalizing.softmax(x, axis=axis)


def log_softmax(x: Any, /, *, axis: Any = None) -> Any:
    """The logarithm of `softmax`."""
    return normalizing.log_softmax(x, axis=axis)


# --- the gamma function --------------------------------------------------------------------------

gammaln = public("gammaln", lax.lgamma, "The logarithm of the absolute value of `gamma`.")
digamma = psi = public("digamma", lax.digamma, "The derivative of `gammaln`.")


@jit
def gammasgn(x: Any) -> Any:
    """The sign of `gamma`; NaN at its poles."""
    (x,) = promoted("gammasgn", x)
    below = x < 0
    floor = lax.floor(x)
    negative = (below & (floor % 2 != 0)) | ((x == 0) & jnp.signbit(x))
    sign = jnp.where(negative, const(x, -1), const(x, 1))
    return jnp.where((below & (x == floor)) | jnp.isnan(x), const(x, np.nan), sign)


def gamma(x: Any) -> Any:
    """The gamma function: (x - 1)! for integers.

    >>> import minijax as jax
    >>> print(jax.scipy.special.gamma(0.5) ** 2)
    3.1415925
    """
    (x,) = promoted("gamma", x)
    return gammasgn(x) * lax.exp(lax.lgamma(x))


def loggamma(x: Any) -> Any:
    """The logarithm of `gamma`; NaN for x < 0, where that is not real."""
    (x,) = promoted("loggamma", x)
    return jnp.where(x > 0, lax.lgamma(x), np.nan)


def factorial(n: Any, exact: bool = False) -> Any:
    """n!, also for n that are not integers; 0 for negative n."""
    if exact:
        raise NotImplementedError("factorial with exact=True")
    (n,) = promoted("factorial", n)
    return jnp.where(n < 0, 0, lax.exp(lax.lgamma(n + 1)))


def comb(N: Any, k: Any, *, repetition: bool = False) -> Any:
    """The number of ways to choose k of N things."""
    N, k = promoted("comb", N, k)
    if repetition:
        return jnp.where((k == 0) & (N >= 0), 1.0, comb(N + k - 1, k))
    valid = (k <= N) & (N >= 0) & (k >= 0)
    n, r = jnp.where(valid, N, 0.0), jnp.where(valid, k, 0.0)
    return jnp.where(valid, lax.exp(gammaln(n + 1) - gammaln(r + 1) - gammaln(n + 1 - r)), 0.0)


def poch(z: Any, m: Any) -> Any:
    """gamma(z + m) / gamma(z), the rising factorial z (z + 1) ... (z + m - 1)."""
    z, m = promoted("poch", z, m)
    value = gammasgn(z) * gammasgn(z + m) * lax.exp(lax.lgamma(z + m) - lax.lgamma(z))
    return jnp.where(m == 0, const(z, 1), value)


def multigammaln(a: Any, d: int) -> Any:
    """The logarithm of the gamma function of `d` dimensions."""
    (a,) = promoted("multigammaln", a)
    halves = np.arange(int(d), dtype=a.dtype) / 2
    terms = gammaln(lax.expand_dims(a, (a.ndim,)) - lax.expand_dims(halves, range(a.ndim)))
    return jnp.sum(terms, axis=-1) + const(a, 0.25 * d * (d - 1) * math.log(math.pi))


def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of `digamma`; n is an integer."""
    if dtypes.kind(dtypes.dtype_and_weak_type(n)[0]) not in "iu":
        raise ValueError("Argument `n` to polygamma must be of integer type. Got dtype "
                         f"{dtypes.dtype_and_weak_type(n)[0]}.")
    return lax.polygamma(*promoted("polygamma", n, x))


gammainc = public("gammainc", lax.igamma,
                  "The lower incomplete gamma function of a and x, from 0 to 1.")
gammaincc = public("gammaincc", lax.igammac, "1 - gammainc(a, x).")
betainc = public("betainc", lax.betainc, "The incomplete beta function of a, b and x, 0 to 1.")
betaln = public("betaln", operations.betaln_p,
                "The logarithm of the absolute value of `beta`, accurate for large a and b too.")


def beta(a: Any, b: Any) -> Any:
    """gamma(a) gamma(b) / gamma(a + b)."""
    a, b = promoted("beta", a, b)
    return gammasgn(a) * gammasgn(b) * gammasgn(a + b) * lax.exp(betaln(a, b))


def zeta(x: Any, q: Any = None) -> Any:
    """The Hurwitz zeta function: the sum of (n + q)^-x over n = 0, 1, ..."""
    if q is None:
        raise NotImplementedError("Riemann zeta function not implemented; pass q != None to "
                                  "compute the Hurwitz Zeta function.")
    return operations.hurwitz_zeta_p(*promoted("zeta", x, q))


def bernoulli(n: int) -> Any:
    """The Bernoulli numbers B_0 to B_n."""
    if n < 0:
        raise ValueError("n must be a non-negative integer.")
    from scipy.special import bernoulli as numbers

    return jnp.array(numbers(int(n))[: n + 1], dtypes.default_float_dtype())


# --- the error function and the normal distribution ----------------------------------------------

erf = public("erf", lax.erf, "The error function: 2/sqrt(pi) times the integral of exp(-t^2).")
erfc = public("erfc", lax.erfc, "1 - erf(x), accurate for large x.")
erfinv = public("erfinv", lax.erf_inv, "The inverse of `erf`.")
erfcx = public("erfcx", operations.erfcx_p, "exp(x^2) erfc(x).")
dawsn = public("dawsn", operations.dawsn_p, "Dawson's integral.")


def float_32_or_64(name: str, x: Any) -> Any:
    x = jnp.asarray(x)
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name}: x.dtype={dtypes.name(x.dtype)} is not supported; it takes "
                        "float32 and float64.")
    return x


def ndtr(x: Any) -> Any:
    """The probability that a standard normal number is below x."""
    x = float_32_or_64("ndtr", x)
    root = const(x, math.sqrt(0.5))
    w = x * root
    z = lax.abs(w)
    inside, middle = z < root, const(x, 1) + lax.erf(w)
    tails = lax.select(w > 0, const(x, 2) - lax.erfc(z), lax.erfc(z))
    return const(x, 0.5) * lax.select(inside, middle, tails)


def ndtri(p: Any) -> Any:
    """The inverse of `ndtr`."""
    return operations.ndtri_p(float_32_or_64("ndtri", p))


def log_ndtr(x: Any, series_order: int = 3) -> Any:
    """The logarithm of `ndtr`, accurate for very negative x."""
    return operations.log_ndtr_p(float_32_or_64("log_ndtr", x))


# --- integrals and Bessel functions --------------------------------------------------------------

expi = public("expi", operations.expi_p, "The exponential integral Ei.")
exp1 = public("exp1", operations.exp1_p, "The exponential integral E1.")
spence = public("spence", operations.spence_p, "Spence's function, the dilogarithm of 1 - z.")
i0e = public("i0e", lax.bessel_i0e, "exp(-|x|) i0(x).")
i1e = public("i1e", lax.bessel_i1e, "exp(-|x|) i1(x).")


def i0(x: Any) -> Any:
    """The modified Bessel function of order 0."""
    (x,) = promoted("i0", x)
    return lax.exp(lax.abs(x)) * lax.bessel_i0e(x)


def i1(x: Any) -> Any:
    """The modified Bessel function of order 1."""
    (x,) = promoted("i1", x)
    return lax.exp(lax.abs(x)) * lax.bessel_i1e(x)
