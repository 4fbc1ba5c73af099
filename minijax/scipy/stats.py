"""`jax.scipy.stats`: densities and distribution functions.

Most distributions come in one standard form, moved by `loc` and stretched by `scale`. A class here
holds the standard form, and the move is made in one place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax
from minijax.numpy.arguments import as_value, ensure_arrays
from minijax.numpy.promotion import promote_args_inexact, promote_inexact
from minijax.scipy import special


class Continuous:
    """A density on the real line. Subclasses give the standard form, with shape parameters.

    Every function takes x (or a probability q), the shape parameters, then `loc` and `scale`.
    """

    shapes = 0  # the number of shape parameters

    def _logpdf(self, y: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _cdf(self, y: Any, *shapes: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no distribution function here")

    def _sf(self, y: Any, *shapes: Any) -> Any:
        return 1 - self._cdf(y, *shapes)

    def _logcdf(self, y: Any, *shapes: Any) -> Any:
        return jnp.log(self._cdf(y, *shapes))

    def _logsf(self, y: Any, *shapes: Any) -> Any:
        return jnp.log(self._sf(y, *shapes))

    def _ppf(self, q: Any, *shapes: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no inverse distribution function")

    def _standard(self, name: str, x: Any, args: tuple, kwargs: dict) -> tuple:
        """The standard argument, the shape parameters, and `loc` and `scale`."""
        given = dict(zip(("loc", "scale"), args[self.shapes:])) | kwargs
        loc, scale = given.pop("loc", 0), given.pop("scale", 1)
        args = (*args[: self.shapes], *given.values())
        name = f"{type(self).__name__}.{name}"
        x, loc, scale, *shapes = promote_args_inexact(
            name, *ensure_arrays(name, x, loc, scale, *args))
        return (x - loc) / scale, shapes, loc, scale

    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the density."""
        y, shapes, _, scale = self._standard("logpdf", x, args, kwargs)
        return self._logpdf(y, *shapes) - jnp.log(scale)

    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The density."""
        return jnp.exp(self.logpdf(x, *args, **kwargs))

    def cdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of a number up to x."""
        y, shapes, _, _ = self._standard("cdf", x, args, kwargs)
        return self._cdf(y, *shapes)

    def sf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """1 - cdf."""
        y, shapes, _, _ = self._standard("sf", x, args, kwargs)
        return self._sf(y, *shapes)

    def logcdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of `cdf`."""
        y, shapes, _, _ = self._standard("logcdf", x, args, kwargs)
        return self._logcdf(y, *shapes)

    def logsf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of `sf`."""
        y, shapes, _, _ = self._standard("logsf", x, args, kwargs)
        return self._logsf(y, *shapes)

    def ppf(self, q: Any, *args: Any, **kwargs: Any) -> Any:
        """The inverse of `cdf`; NaN for what is not a probability."""
        _, shapes, loc, scale = self._standard("ppf", q, args, kwargs)
        q = promote_args_inexact("ppf", q, loc)[0]
        return jnp.where((q < 0) | (q > 1), np.nan, loc + scale * self._ppf(q, *shapes))

    def isf(self, q: Any, *args: Any, **kwargs: Any) -> Any:
        """The inverse of `sf`."""
        return self.ppf(1 - jnp.asarray(q), *args, **kwargs)


# --- without shape parameters --------------------------------------------------------------------


class Norm(Continuous):
    """exp(-y^2 / 2) / sqrt(2 pi)."""

    def _logpdf(self, y):
        return (lax.square(y) + math.log(2 * math.pi)) / -2

    def _cdf(self, y):
        return special.ndtr(y)

    def _sf(self, y):
        return special.ndtr(-y)

    def _logcdf(self, y):
        return special.log_ndtr(y)

    def _logsf(self, y):
        return special.log_ndtr(-y)

    def _ppf(self, q):
        return special.ndtri(q)


class Uniform(Continuous):
    """1 between 0 and 1."""

    def _logpdf(self, y):
        return jnp.where((y < 0) | (y > 1), -np.inf, jnp.zeros_like(y))

    def _cdf(self, y):
        return jnp.clip(y, 0, 1)

    def _ppf(self, q):
        return q


class Expon(Continuous):
    """exp(-y) for y >= 0."""

    def _logpdf(self, y):
        return jnp.where(y < 0, -np.inf, -y)

    def _cdf(self, y):
        return jnp.where(y < 0, 0, -jnp.expm1(-y))

    def _sf(self, y):
        return jnp.exp(self._logsf(y))

    def _logsf(self, y):
        return jnp.where(y < 0, 0, -y)

    def _ppf(self, q):
        return -jnp.log1p(-q)


class Laplace(Continuous):
    """exp(-|y|) / 2."""

    def _logpdf(self, y):
        return -(jnp.abs(y) + math.log(2))

    def _cdf(self, y):
        tail = 0.5 * jnp.exp(-jnp.abs(y))
        return jnp.where(y <= 0, tail, 1 - tail)


class Logistic(Continuous):
    """exp(-y) / (1 + exp(-y))^2."""

    def _logpdf(self, y):
        return -2 * jnp.logaddexp(y / 2, -y / 2)

    def _cdf(self, y):
        return special.expit(y)

    def _sf(self, y):
        return special.expit(-y)

    def _ppf(self, q):
        return special.logit(q)


class Cauchy(Continuous):
    """1 / (pi (1 + y^2))."""

    def _logpdf(self, y):
        return -(math.log(math.pi) + jnp.log1p(lax.square(y)))

    def _cdf(self, y):
        return 0.5 + jnp.arctan(y) / math.pi

    def _sf(self, y):
        return self._cdf(-y)

    def _ppf(self, q):
        return jnp.tan(math.pi * (q - 0.5))


# --- with shape parameters -----------------------------------------------------------------------


class T(Continuous):
    """Student's distribution with `df` degrees of freedom."""

    shapes = 1

    def _logpdf(self, y, df):
        half = df / 2
        norm = special.gammaln(half + 0.5) - special.gammaln(half) - 0.5 * jnp.log(math.pi * df)
        return norm - (half + 0.5) * jnp.log1p(lax.square(y) / df)


class Gamma(Continuous):
    """y^(a-1) exp(-y) / gamma(a) for y >= 0."""

    shapes = 1

    def _logpdf(self, y, a):
        inside = y >= 0
        y = jnp.where(inside, y, 1)
        return jnp.where(inside, special.xlogy(a - 1, y) - y - special.gammaln(a), -np.inf)

    def _cdf(self, y, a):
        return special.gammainc(a, jnp.maximum(y, 0))

    def _sf(self, y, a):
        return special.gammaincc(a, jnp.maximum(y, 0))


class Chi2(Gamma):
    """The sum of the squares of `df` normal numbers: twice a gamma number of shape df / 2."""

    def _logpdf(self, y, df):
        return super()._logpdf(y / 2, df / 2) - math.log(2)

    def _cdf(self, y, df):
        return super()._cdf(y / 2, df / 2)

    def _sf(self, y, df):
        return super()._sf(y / 2, df / 2)


class Beta(Continuous):
    """y^(a-1) (1-y)^(b-1) / beta(a, b) between 0 and 1."""

    shapes = 2

    def _logpdf(self, y, a, b):
        inside = (y >= 0) & (y <= 1)
        y = jnp.where(inside, y, 0.5)
        powers = special.xlogy(a - 1, y) + special.xlog1py(b - 1, -y)
        out = jnp.where(inside, powers - special.betaln(a, b), -np.inf)
        return jnp.where((a <= 0) | (b <= 0), np.nan, out)

    def _cdf(self, y, a, b):
        return special.betainc(a, b, jnp.clip(y, 0, 1))

    def _sf(self, y, a, b):
        return special.betainc(b, a, 1 - jnp.clip(y, 0, 1))


class Pareto(Continuous):
    """b / y^(b+1) for y >= 1."""

    shapes = 1

    def _logpdf(self, y, b):
        safe = jnp.where(y < 1, 1, y)
        return jnp.where(y < 1, -np.inf, jnp.log(b) - (b + 1) * jnp.log(safe))

    def _cdf(self, y, b):
        return 1 - self._sf(y, b)

    def _sf(self, y, b):
        return jnp.exp(-b * jnp.log(jnp.maximum(y, 1)))

    def _ppf(self, q, b):
        return jnp.exp(-jnp.log1p(-q) / b)


norm, uniform, expon, laplace = Norm(), Uniform(), Expon(), Laplace()
logistic, cauchy, t, gamma = Logistic(), Cauchy(), T(), Gamma()
chi2, beta, pareto = Chi2(), Beta(), Pareto()


# --- integers ------------------------------------------------------------------------------------


class Discrete:
    """Probabilities of integers k, after parameters and `loc`."""

    def _logpmf(self, k: Any, *parameters: Any) -> Any:
        raise NotImplementedError

    def _cdf(self, k: Any, *parameters: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no distribution function here")

    def logpmf(self, k: Any, *parameters: Any, loc: Any = 0) -> Any:
        """The logarithm of the probability of k."""
        k, loc, *rest = promote_args_inexact(
            "logpmf", *ensure_arrays("logpmf", k, loc, *parameters))
        return self._logpmf(k - loc, *rest)

    def pmf(self, k: Any, *parameters: Any, loc: Any = 0) -> Any:
        """The probability of k."""
        return jnp.exp(self.logpmf(k, *parameters, loc=loc))

    def cdf(self, k: Any, *parameters: Any, loc: Any = 0) -> Any:
        """The probability of a number up to k."""
        k, loc, *rest = promote_args_inexact("cdf", *ensure_arrays("cdf", k, loc, *parameters))
        return self._cdf(k - loc, *rest)


class Bernoulli(Discrete):
    """1 with probability p, 0 otherwise."""

    def _logpmf(self, k, p):
        out = special.xlogy(k, p) + special.xlog1py(1 - k, -p)
        return jnp.where((k < 0) | (k > 1), -np.inf, out)

    def _cdf(self, k, p):
        valid = ~(jnp.isnan(k) | (p < 0) | (p > 1))
        return jnp.where(valid, jnp.where(k < 0, 0, jnp.where(k < 1, 1 - p, 1)), np.nan)


class Poisson(Discrete):
    """mu^k exp(-mu) / k!."""

    def _logpmf(self, k, mu):
        out = special.xlogy(k, mu) - special.gammaln(k + 1) - mu
        return jnp.where((k < 0) | (jnp.round(k) != k), -np.inf, out)

    def _cdf(self, k, mu):
        safe = jnp.maximum(k, 0)
        return jnp.where(k < 0, 0, special.gammaincc(jnp.floor(1 + safe), mu))


class Geom(Discrete):
    """(1 - p)^(k-1) p for k = 1, 2, ..."""

    def _logpmf(self, k, p):
        out = special.xlog1py(k - 1, -p) + jnp.log(p)
        return jnp.where(k <= 0, -np.inf, out)


class Binom(Discrete):
    """The number of successes in n trials, each with probability p."""

    def _logpmf(self, k, n, p):
        ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
        out = ways + special.xlogy(k, p) + special.xlog1py(n - k, -p)
        return jnp.where((k < 0) | (k > n), -np.inf, out)


bernoulli, poisson, geom, binom = Bernoulli(), Poisson(), Geom(), Binom()


# --- vectors -------------------------------------------------------------------------------------


class MultivariateNormal:
    """Normal vectors of a mean, (..., n), and a covariance matrix, (..., n, n), or a number."""

    def logpdf(self, x: Any, mean: Any, cov: Any) -> Any:
        """The logarithm of the density."""
        x, mean, cov = promote_inexact(*map(as_value, (x, mean, cov)))
        if mean.ndim == 0:
            return norm.logpdf(x, mean, jnp.sqrt(cov))
        n, y = mean.shape[-1], x - mean
        constant = -n / 2 * math.log(2 * math.pi)
        if cov.ndim == 0:
            return constant - jnp.sum(y * y, -1) / cov / 2 - n / 2 * jnp.log(cov)
        if cov.ndim < 2 or cov.shape[-2:] != (n, n):
            raise ValueError("multivariate_normal.logpdf got incompatible shapes: mean "
                             f"{mean.shape} and covariance {cov.shape}")
        factor = jnp.linalg.cholesky(cov)
        batch = lax.broadcast_shapes(y.shape[:-1], factor.shape[:-2])
        y = jnp.broadcast_to(y, (*batch, n))[..., None]
        y = lax.linalg.triangular_solve(jnp.broadcast_to(factor, (*batch, n, n)), y,
                                        left_side=True, lower=True)
        logdet = jnp.sum(jnp.log(jnp.diagonal(factor, axis1=-2, axis2=-1)), -1)
        return constant - jnp.sum(y[..., 0] ** 2, -1) / 2 - logdet

    def pdf(self, x: Any, mean: Any, cov: Any) -> Any:
        """The density."""
        return jnp.exp(self.logpdf(x, mean, cov))


class Dirichlet:
    """Vectors of positive numbers with sum 1; they run along the first axis, as in JAX."""

    def logpdf(self, x: Any, alpha: Any) -> Any:
        """The logarithm of the density."""
        x, alpha = promote_inexact(as_value(x), as_value(alpha))
        if alpha.ndim != 1 or x.shape[0] not in (alpha.shape[0], alpha.shape[0] - 1):
            raise ValueError("`x` must have either the same number of entries as `alpha` or one "
                             f"entry fewer; got x.shape={x.shape}, alpha.shape={alpha.shape}")
        if x.shape[0] != alpha.shape[0]:
            x = jnp.concatenate([x, 1 - jnp.sum(x, 0, keepdims=True)])
        inside = jnp.all(x > 0, 0) & (jnp.abs(jnp.sum(x, 0) - 1) < 1e-6)
        norm = jnp.sum(special.gammaln(alpha)) - special.gammaln(jnp.sum(alpha))
        powers = special.xlogy(lax.expand_dims(alpha - 1, range(1, x.ndim)), x)
        return jnp.where(inside, jnp.sum(powers, 0) - norm, -np.inf)

    def pdf(self, x: Any, alpha: Any) -> Any:
        """The density."""
        return jnp.exp(self.logpdf(x, alpha))


multivariate_normal, dirichlet = MultivariateNormal(), Dirichlet()


# --- samples -------------------------------------------------------------------------------------


def sem(a: Any, axis: int | None = 0, ddof: int = 1) -> Any:
    """The standard error of the mean along `axis`."""
    (a,) = promote_inexact(as_value(a))
    count = a.size if axis is None else a.shape[axis]
    return jnp.std(a, axis, ddof=ddof) / np.sqrt(count).astype(dtypes.to_floating_dtype(a.dtype))
