"""Random numbers by rejection: gamma, Poisson and binomial.

An element is drawn again until it is accepted. How often is known only when it is done, so this is
one operation on buffers; the elements that are still at it go around together.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import ShapedArray, typeof
from minijax.families import full, mul
from minijax.lax import exact, threefry
from minijax.lax.elementwise import div, eq, select
from minijax.lax.random_bits import ForEachKey, check_keys, words
from minijax.lax.special import erf_inv, lgamma, random_gamma_grad
from minijax.lax.transcendental import exp, pow

__all__ = ["random_binomial_p", "random_gamma_p", "random_poisson_p"]

# --- on buffers --------------------------------------------------------------------------------

log, log1p, fma, power = exact.log.impl, exact.log1p.impl, exact.fma.impl, pow.impl


def split(keys: np.ndarray, count: int) -> np.ndarray:
    """`count` arrays of new keys: uint32[..., 2] -> [count, ..., 2]."""
    return np.moveaxis(threefry.split(keys, (count,)), -2, 0)


def uniform(keys: np.ndarray, dtype: np.dtype, low: Any = 0, shape: tuple = ()) -> np.ndarray:
    """In [low, 1), for each key: random bits as the mantissa of a number in [1, 2)."""
    info, one = dtypes.finfo(dtype), np.ones((), dtype)
    width = info.bits if info.nmant >= 8 else 8
    bits = threefry.random_bits(keys, width, shape).astype(f"uint{info.bits}")
    mantissa = bits >> bits.dtype.type(width - info.nmant)
    floats = np.asarray(mantissa | one.view(bits.dtype)).view(dtype) - one
    return floats if low == 0 else np.maximum(low, floats * (one - low) + low)


def normal(keys: np.ndarray, dtype: np.dtype) -> np.ndarray:
    u = uniform(keys, dtype, np.nextafter(np.array(-1, dtype), np.array(0, dtype)))
    return np.asarray(np.sqrt(2), dtype) * erf_inv.impl(u).astype(dtype)


def gamma(keys: np.ndarray, a: np.ndarray, log_space: bool) -> np.ndarray:
    """Marsaglia and Tsang, *A simple method for generating gamma variables* (TOMS 26, 2000).

    A normal number, warped by a cube, is almost gamma distributed; a rejection test makes up for
    the rest. Shapes a < 1 are boosted: Gamma(a) is Gamma(a + 1) times a power of a uniform number.
    """
    number = a.dtype.type
    large = a >= 1
    d = np.where(large, a, a + number(1)) - number(1 / 3)
    c = number(1 / 3) / np.sqrt(d)
    keys, boost_keys = split(keys, 2)
    v = np.ones_like(a)
    todo = np.arange(a.size)  # the elements that are not accepted yet
    while todo.size:
        keys_now, x_keys, u_keys = split(keys[todo], 3)
        keys[todo] = keys_now
        x, w = positive_cube_root(x_keys, c[todo])
        x, v[todo] = x * x, w * w * w
        u, d_now, v_now = uniform(u_keys, a.dtype), d[todo], v[todo]
        slack = d_now * (number(1) - v_now + log(v_now))
        reject = (u >= fma(number(-0.0331), x * x, number(1))) & (
            log(u) >= fma(x, number(0.5), slack))
        todo = todo[reject]
    u = uniform(boost_keys, a.dtype)
    if log_space:
        log_u = log1p(-u)
        boost = np.where(large | (log_u == 0), number(0), log_u * (number(1) / a))
        return log(d) + log(v) + boost
    return d * v * np.where(large, number(1), power(number(1) - u, number(1) / a))


def positive_cube_root(keys: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normal numbers x, drawn until w = 1 + c x is positive: x and w."""
    x, w = np.zeros_like(c), np.full_like(c, -1)
    keys = keys.copy()
    while (todo := np.flatnonzero(w <= 0)).size:
        keys[todo], now = split(keys[todo], 2)
        x[todo] = normal(now, c.dtype)
        w[todo] = fma(x[todo], c[todo], c.dtype.type(1))
    return x, w


def poisson_small(key: np.ndarray, rate: np.ndarray, most: int) -> np.ndarray:
    """Knuth's method: how many uniform numbers can be multiplied before e^-rate is reached."""
    count, log_product = np.zeros_like(rate), np.zeros_like(rate)
    for _ in range(most):
        going = log_product > -rate
        if not going.any():
            break
        key, now = split(key, 2)
        count += going
        log_product += log(uniform(now, rate.dtype, shape=rate.shape))
    return count - 1


def poisson_large(key: np.ndarray, rate: np.ndarray, most: int) -> np.ndarray:
    """Hoermann, *The transformed rejection method* (Insurance: Mathematics and Economics, 1993)."""
    log_rate = log(rate)
    b = 0.931 + 2.53 * np.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inv_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    out, accepted = np.full_like(rate, -1), np.zeros(rate.shape, bool)
    for _ in range(most):
        if accepted.all():
            break
        key, u_key, v_key = split(key, 3)
        u = uniform(u_key, rate.dtype, shape=rate.shape) - np.float32(0.5)
        v = uniform(v_key, rate.dtype, shape=rate.shape)
        room = 0.5 - np.abs(u)
        k = np.floor((2 * a / room + b) * u + rate + 0.43)
        s = log(v * inv_alpha / (a / (room * room) + b))
        t = -rate + k * log_rate - lgamma.impl(k + 1)
        inside = (room >= 0.07) & (v <= v_r)
        outside = (k < 0) | ((room < 0.013) & (v > room))
        accept = inside | (~outside & (s <= t))
        out = np.where(accept, k, out)
        accepted |= accept
    return out


def poisson(key: np.ndarray, rate: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Poisson random numbers for one key, of float32 rates."""
    most = np.iinfo(dtype).max
    small = np.isnan(rate) | (rate < 10)
    out = np.where(small, poisson_small(key, np.where(small, rate, np.float32(0)), most),
                   poisson_large(key, np.where(small, np.float32(1e5), rate), most))
    return np.where(rate == 0, 0, out).astype(dtype)


def binomial_small(key: np.ndarray, count: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """By waiting times: how many successes there are before the trials are used up."""
    successes, trials = np.zeros_like(prob), np.zeros_like(prob)
    log_failure = log1p(-prob)
    while (going := trials <= count).any():
        now, key = split(key, 2)
        successes += going
        trials += np.ceil(log(uniform(now, prob.dtype, shape=prob.shape)) / log_failure)
    return successes - 1


def binomial_large(key: np.ndarray, count: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """Hoermann, *The generation of binomial random variates* (J. Stat. Comp. Sim. 46, 1993)."""
    deviation = np.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    alpha = (2.83 + 5.1 / b) * deviation
    odds, mode = prob / (1 - prob), np.floor((count + 1) * prob)
    at_mode = ((mode + 0.5) * log((mode + 1) / (odds * (count - mode + 1)))
               + stirling_rest(mode) + stirling_rest(count - mode))
    out, accepted = np.full_like(prob, -1), np.zeros(prob.shape, bool)
    while not accepted.all():
        key, u_key, v_key = split(key, 3)
        u = uniform(u_key, prob.dtype, shape=prob.shape) - prob.dtype.type(0.5)
        v = uniform(v_key, prob.dtype, shape=prob.shape)
        room = 0.5 - np.abs(u)
        k = np.floor((2 * a / room + b) * u + (count * prob + 0.5))
        s = log(v * alpha / (a / (room * room) + b))
        bound = (at_mode + (count + 1) * log((count - mode + 1) / (count - k + 1))
                 + (k + 0.5) * log(odds * (count - k + 1) / (k + 1))
                 - stirling_rest(k) - stirling_rest(count - k))
        accept = ((room >= 0.07) & (v <= 0.92 - 4.2 / b)) | (
            (k >= 0) & (k <= count) & (s <= bound))
        out = np.where(accept, k, out)
        accepted |= accept
    return out


_RESTS = [math.lgamma(k + 1) + k + 1 - (k + 0.5) * math.log(k + 1) - 0.5 * math.log(2 * math.pi)
          for k in range(10)]


def stirling_rest(k: np.ndarray) -> np.ndarray:
    """What Stirling's formula lacks of log(k!): exactly for small k, else by its series."""
    n = k + 1
    series = (1 / 12 - (1 / 360 - 1 / 1260 / (n * n)) / (n * n)) / n
    return np.where(k <= 9, np.array(_RESTS, k.dtype)[np.clip(k, 0, 9).astype(int)], series)


def binomial(key: np.ndarray, count: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """Binomial random numbers for one key; NaN where count or prob is negative or NaN."""
    rare = prob < 0.5  # else failures are counted
    q = np.where(rare, prob, 1 - prob)
    bad_count, bad_q = ~(count >= 0), ~(q >= 0)
    q = np.where(bad_q, q.dtype.type(0.01), q)
    small, whole = bad_count | (count * q <= 10), np.floor(count)
    endless = np.isinf(count)
    out = np.where(small, binomial_small(key, np.where(small, whole, 0).astype(q.dtype), q),
                   binomial_large(key, np.where(small | endless, 1e4, whole).astype(q.dtype),
                                  np.where(small | endless, 0.5, q).astype(q.dtype)))
    out = np.where(endless, np.inf, np.where(rare, out, whole - out))
    return np.where(bad_count | bad_q, np.nan, out).astype(prob.dtype)


# --- the operations ----------------------------------------------------------------------------


class RandomGamma(ForEachKey):
    """Gamma random numbers of the shapes `a`, or their logarithms."""

    def impl(self, keys, a, *, log_space):
        count = math.prod(a.shape[keys.ndim:])
        each = threefry.split(words(keys), (count,)).reshape(-1, 2)
        return gamma(each, a.reshape(-1), log_space).reshape(a.shape)

    def abstract_eval(self, keys, a, *, log_space):
        check_keys("random_gamma", keys)
        if dtypes.kind(a.dtype) != "f":
            raise TypeError(f"random_gamma takes a floating-point shape, got {a.str_short()}.")
        return a

    def linearize(self, active, keys, a, *, log_space):
        """The derivative that moves with a the sample of a fixed place in the distribution."""
        out = self.bind(keys, a, log_space=log_space)
        sample = out
        if log_space:
            sample = exp(out)
            tiny = full(typeof(a).shape, dtypes.finfo(typeof(a).dtype).tiny, typeof(a).dtype)
            sample = select(eq(sample, 0.0), tiny, sample)
        slope = random_gamma_grad(a, sample)
        if log_space:
            slope = div(slope, sample)
        return [out], [True], lambda t: [mul(t, slope)]


class RandomPoisson(ForEachKey):
    """Poisson random numbers, integers of `dtype`, of the float32 rates `lam`."""

    def impl(self, keys, lam, *, dtype):
        rates = lam.reshape((keys.size, *lam.shape[keys.ndim:]))
        each = words(keys).reshape(-1, 2)
        outs = [poisson(k, r, dtype) for k, r in zip(each, rates)]
        return np.array(outs, dtype).reshape(lam.shape)

    def abstract_eval(self, keys, lam, *, dtype):
        check_keys("random_poisson", keys)
        if lam.dtype != np.float32:
            raise TypeError(f"random_poisson takes float32 rates, got {lam.str_short()}.")
        return ShapedArray(lam.shape, dtype)

    def linearize(self, active, keys, lam, *, dtype):
        return [self.bind(keys, lam, dtype=dtype)], [False], None


class RandomBinomial(ForEachKey):
    """How many of `count` trials succeed, each with probability `prob`."""

    def impl(self, keys, count, prob):
        each = words(keys).reshape(-1, 2)
        rows = [x.reshape((keys.size, *x.shape[keys.ndim:])) for x in (count, prob)]
        outs = [binomial(*row) for row in zip(each, *rows)]
        return np.array(outs, prob.dtype).reshape(prob.shape)

    def abstract_eval(self, keys, count, prob):
        check_keys("random_binomial", keys)
        if count != prob or dtypes.kind(prob.dtype) != "f":
            raise TypeError("random_binomial takes a count and a probability of one floating-point "
                            f"type, got {count.str_short()} and {prob.str_short()}.")
        return prob

    def linearize(self, active, keys, count, prob):
        return [self.bind(keys, count, prob)], [False], None


random_binomial_p = RandomBinomial("random_binomial")
random_gamma_p = RandomGamma("random_gamma")
random_poisson_p = RandomPoisson("random_poisson")
