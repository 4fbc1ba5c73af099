"""Random numbers are those of JAX 0.10.2: the same keys, the same bits, the same floats."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import pytest
import scipy.stats
from jax import random as theirs

import minijax
import minijax.numpy as jnp
from minijax import dtypes, random as ours
from minijax.lax import threefry
from tests.both import Oracle, compiled
from tests.test_jaxpr_text import normal as normal_form
from tests.tiers import thinned

from .tiers import heavy

KEY = np.array([7, 11], np.uint32)  # raw words, which both libraries take
SHAPES = [(), (3,), (2, 5), (2, 1, 3), (0, 2)]


def same(got: Any, want: Any, ulps: int = 0) -> None:
    """The same dtype, shape and bits, or floats that differ by so many units in the last place."""
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    if not ulps:
        np.testing.assert_array_equal(got, want)
    else:
        eps = float(dtypes.finfo(want.dtype).eps)
        wide = np.complex128 if want.dtype.kind == "c" else np.float64
        np.testing.assert_allclose(got.astype(wide), want.astype(wide), rtol=ulps * eps,
                                   atol=4 * ulps * eps)


def all_same(f: Callable) -> None:
    """The numbers in the list `f(random, key)` are JAX's, which compiles them as one program."""
    for got, want in zip(f(ours, KEY), compiled(functools.partial(f, theirs))(KEY), strict=True):
        same(got, want)


def same_text(ours: Any, theirs: Any) -> None:
    assert normal_form(str(ours)) == normal_form(str(theirs))


def words(keys: Any) -> np.ndarray:
    """The words of keys of either library."""
    return np.asarray((theirs if isinstance(keys, jax.Array) else ours).key_data(keys))


# --- keys ------------------------------------------------------------------------------------


class TestKeys:
    @pytest.mark.parametrize("seed", [0, 1, 42, -1, -(2**31), 2**31 - 1, 2**31, 2**40 + 5,
                                      -(2**63), np.int16(-3), np.uint32(7)])
    def test_seeds(self, seed: Any) -> None:
        same(ours.PRNGKey(seed), theirs.PRNGKey(seed))
        same(words(ours.key(seed)), words(theirs.key(seed)))
        with jax.enable_x64(True), minijax.enable_x64(True):
            same(ours.PRNGKey(seed), theirs.PRNGKey(seed))

    def test_array_and_traced_seeds(self) -> None:
        seeds = np.array([3, -4, 5], np.int32)
        same(minijax.vmap(ours.PRNGKey)(seeds), jax.vmap(theirs.PRNGKey)(seeds))
        same(minijax.jit(ours.PRNGKey)(-9), jax.jit(theirs.PRNGKey)(-9))

    @pytest.mark.parametrize("num", [1, 2, 5, (2, 3), (0,), ()])
    def test_split(self, num: Any) -> None:
        same(ours.split(KEY, num), theirs.split(KEY, num))
        got, want = ours.split(ours.key(1), num), theirs.split(theirs.key(1), num)
        assert got.shape == want.shape
        same(words(got), words(want))

    @pytest.mark.parametrize("data", [0, 1, 2**32 - 1, np.int32(-1), np.int32([5])[0]])
    def test_fold_in(self, data: Any) -> None:
        same(ours.fold_in(KEY, data), theirs.fold_in(KEY, data))

    def test_keys_are_arrays(self) -> None:
        """Indexing, reshaping, stacking, comparing, mapping, as for numbers."""
        a, b = ours.split(ours.key(0), (2, 3)), theirs.split(theirs.key(0), (2, 3))
        for f in [lambda k: k[1], lambda k: k[:, ::2], lambda k: k.reshape(3, 2), lambda k: k.T,
                  lambda k: k[None, 0], lambda k: k.ravel(), lambda k: k[np.array([1, 0, 1])]]:
            assert f(a).shape == f(b).shape
            same(words(f(a)), words(f(b)))
        stacked = jnp.stack([a[0], a[1]])
        assert stacked.shape == (2, 3)
        same(words(stacked), words(b))
        same(words(jnp.concatenate([a, a])), words(jax.numpy.concatenate([b, b])))
        same(words(jnp.where(np.array([True, False, True]), a[0], a[1])),
             words(jax.numpy.where(np.array([True, False, True]), b[0], b[1])))
        same(a == a[:1], b == b[:1])
        same(a[0, 0] != a[0, 1], b[0, 0] != b[0, 1])
        assert [words(k).tolist() for k in a[0]] == [words(k).tolist() for k in b[0]]
        assert len(a) == 2 and a.size == 6 and a.ndim == 2

    def test_wrapping(self) -> None:
        key = ours.wrap_key_data(KEY)
        assert (key.shape, ours.key_impl(key)) == ((), theirs.key_impl(theirs.key(0)))
        same(ours.key_data(key), KEY)
        same(ours.key_data(KEY), KEY)
        assert dtypes.issubdtype(key.dtype, dtypes.prng_key)
        assert not dtypes.issubdtype(np.dtype(np.uint32), dtypes.prng_key)
        assert key.dtype == ours.key_dtype()
        same(words(ours.wrap_key_data(np.stack([KEY, KEY + 1]))),
             words(theirs.wrap_key_data(np.stack([KEY, KEY + 1]))))
        same(words(ours.clone(key)), KEY)

    @pytest.mark.parametrize("num", [(), 3, (2, 2)])
    def test_text(self, num: Any) -> None:
        a, b = ours.split(ours.key(42), num), theirs.split(theirs.key(42), num)
        assert (repr(a), str(a), repr(a.dtype)) == (repr(b), str(b), repr(b.dtype))
        assert str(minijax.typeof(a)) == str(jax.typeof(b))

    def test_typed_and_raw_keys_give_the_same_numbers(self) -> None:
        for f in (ours.normal, ours.bits, lambda k: ours.randint(k, (4,), 0, 9)):
            same(f(ours.wrap_key_data(KEY)), f(KEY))


# --- the hash --------------------------------------------------------------------------------


class TestThreefry:
    def test_known_answers(self) -> None:
        """The test vectors of the Random123 library."""
        ones, zeros = 0xFFFFFFFF, 0
        for key, counter, want in [
                ((zeros, zeros), (zeros, zeros), (0x6B200159, 0x99BA4EFE)),
                ((ones, ones), (ones, ones), (0x1CB996FC, 0xBB002BE7)),
                ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0))]:
            args = [[np.array([w], np.uint32) for w in pair] for pair in (key, counter)]
            assert tuple(int(x[0]) for x in threefry.threefry2x32(*args)) == want

    def test_one_to_one(self) -> None:
        """No two counters have the same hash."""
        n = 1 << 16
        counter = np.zeros(n, np.uint32), np.arange(n, dtype=np.uint32)
        high, low = threefry.threefry2x32((KEY[:1], KEY[1:]), counter)
        assert len(np.unique(high.astype(np.uint64) << np.uint64(32) | low)) == n

    def test_any_part_of_a_stream(self) -> None:
        """A longer sample begins like a shorter one: number i depends on i alone."""
        long = np.asarray(ours.bits(KEY, (threefry.BLOCK + 7,)))
        same(long[:9], ours.bits(KEY, (9,)))
        same(long, theirs.bits(KEY, long.shape))

    def test_counters_of_more_than_32_bits(self) -> None:
        counter = np.ones(1, np.uint32), np.zeros(1, np.uint32)
        got = np.ravel(threefry.threefry2x32((KEY[:1], KEY[1:]), counter))
        assert (got != threefry.stream(KEY[None], 1).ravel()).any()

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("width", [8, 16, 32])
    def test_bits(self, shape: tuple, width: int) -> None:
        same(ours.bits(KEY, shape, f"uint{width}"), theirs.bits(KEY, shape, f"uint{width}"))

    def test_bits_of_64(self) -> None:
        with jax.enable_x64(True), minijax.enable_x64(True):
            same(ours.bits(KEY, (2, 3)), theirs.bits(KEY, (2, 3)))
            same(ours.bits(KEY, (5,), "uint64"), theirs.bits(KEY, (5,), "uint64"))


# --- samples ---------------------------------------------------------------------------------

# Equal to the bit.
EXACT: dict[str, Callable] = {
    "uniform": lambda r, k, s: r.uniform(k, s),
    "uniform-symmetric": lambda r, k, s: r.uniform(k, s, minval=-1, maxval=1),
    "uniform-power": lambda r, k, s: r.uniform(k, s, minval=0.0, maxval=0.25),
    "uniform-scaled": lambda r, k, s: r.uniform(k, s, minval=-0.3, maxval=7.1),
    "normal": lambda r, k, s: r.normal(k, s),
    "truncated_normal": lambda r, k, s: r.truncated_normal(k, -1.5, 0.7, s),
    "truncated_normal-ints": lambda r, k, s: r.truncated_normal(k, -2, 2, s),
    "exponential": lambda r, k, s: r.exponential(k, s),
    "gumbel": lambda r, k, s: r.gumbel(k, s),
    "gumbel-high": lambda r, k, s: r.gumbel(k, s, mode="high"),
    "laplace": lambda r, k, s: r.laplace(k, s),
    "logistic": lambda r, k, s: r.logistic(k, s),
    "pareto": lambda r, k, s: r.pareto(k, 2.5, s),
    "rayleigh": lambda r, k, s: r.rayleigh(k, np.float32(1.5), s),
    "triangular": lambda r, k, s: r.triangular(k, -1.0, 0.5, 2.0, s),
    "lognormal": lambda r, k, s: r.lognormal(k, 0.5, s),
    "loggamma": lambda r, k, s: r.loggamma(k, 0.5, s),
    "bernoulli": lambda r, k, s: r.bernoulli(k, 0.3, s),
    "bernoulli-high": lambda r, k, s: r.bernoulli(k, 0.3, s, mode="high"),
    "randint": lambda r, k, s: r.randint(k, s, -3, 17),
    "randint-all": lambda r, k, s: r.randint(k, s, -2**31, 2**31 - 1),
    "randint-empty": lambda r, k, s: r.randint(k, s, 5, 5),
    "rademacher": lambda r, k, s: r.rademacher(k, s),
}
# Units in the last place, and what is to blame: XLA's tan and pow; multiplications and additions
# that it joins in a norm or a product; quotients of quotients; 1 / sqrt(x), which begins with the
# processor's own guess, so that JAX itself does not have the same numbers everywhere.
CLOSE: dict[str, tuple[int, Callable]] = {
    "cauchy": (1, lambda r, k, s: r.cauchy(k, s)),
    "maxwell": (1, lambda r, k, s: r.maxwell(k, s)),
    "double_sided_maxwell": (2, lambda r, k, s: r.double_sided_maxwell(k, 0.5, 2.0, s)),
    "weibull_min": (2, lambda r, k, s: r.weibull_min(k, 2.0, 1.5, s)),
    "wald": (64, lambda r, k, s: r.wald(k, np.float32(1.2), s)),
    "gamma": (8, lambda r, k, s: r.gamma(k, 2.5, s)),
    "gamma-small": (8, lambda r, k, s: r.gamma(k, 0.3, s)),
    "loggamma-small": (8, lambda r, k, s: r.loggamma(k, 0.1, s)),
    "beta": (8, lambda r, k, s: r.beta(k, 0.7, 2.0, s)),
    "chisquare": (8, lambda r, k, s: r.chisquare(k, 3.0, s)),
    "f": (8, lambda r, k, s: r.f(k, 3.0, 5.0, s)),
    "t": (8, lambda r, k, s: r.t(k, 4.0, s)),
    "generalized_normal": (16, lambda r, k, s: r.generalized_normal(k, 1.5, s)),
    "ball": (8, lambda r, k, s: r.ball(k, 3, shape=s)),
}
INTEGER: dict[str, Callable] = {
    "poisson": lambda r, k, s: r.poisson(k, 3.5, s),
    "poisson-zero": lambda r, k, s: r.poisson(k, 0.0, s),
    "geometric": lambda r, k, s: r.geometric(k, 0.2, s),
    "binomial": lambda r, k, s: r.binomial(k, 10, 0.3, s),
    "binomial-often": lambda r, k, s: r.binomial(k, 7, 0.9, s),
    "binomial-never": lambda r, k, s: r.binomial(k, 5, 0.0, s),
    "categorical": lambda r, k, s: r.categorical(k, np.log(np.float32([1, 2, 3, 4])), shape=s),
}
ULPS = 64


def named(table: dict[str, Callable]) -> Any:
    return pytest.mark.parametrize("sample", [pytest.param(f, id=n) for n, f in table.items()])


def drawn(table: dict[str, Callable], *args: Any) -> Oracle:
    """JAX's numbers; of functions whose bits depend on what is compiled with them, not the last."""
    return Oracle({n: (lambda k, f=f: f(theirs, k, *args), KEY) for n, f in table.items()})


FLOATS = {n: lambda r, k, dtype, n=n: getattr(r, n)(k, (2, 50), dtype)
          for n in ["uniform", "normal", "exponential", "gumbel", "laplace", "logistic"]}
INTEGER_DRAWN = {s: drawn(INTEGER, s) for s in [(), (2, 3), (10_000,)]}
CLOSE_DRAWN = {s: drawn({n: f for n, (_, f) in CLOSE.items()}, s) for s in [(1000,), (2, 3)]}
FLOATS_DRAWN = {d: drawn(FLOATS, d) for d in ["float16", "bfloat16", "float64"]}


class TestSamples:
    @pytest.mark.parametrize("case", thinned(
        itertools.product(EXACT, [(2, 5), (10_000,), (), (3,), (2, 1, 3), (0, 2)]),
        kind=lambda c: c[0].partition("-")[0], name=lambda c: f"{c[0]}-{c[1]}"))
    def test_equal(self, case: tuple) -> None:
        name, shape = case
        same(EXACT[name](ours, KEY, shape), EXACT[name](theirs, KEY, shape))

    @pytest.mark.parametrize("shape", INTEGER_DRAWN)
    @pytest.mark.parametrize("name", INTEGER)
    def test_equal_integers(self, name: str, shape: tuple) -> None:
        same(INTEGER[name](ours, KEY, shape), INTEGER_DRAWN[shape][name])

    @pytest.mark.parametrize("sample", thinned(
        EXACT, kind=lambda name: "a batch of keys is a loop, and each is equal"))
    def test_equal_for_many_keys(self, sample: str) -> None:
        keys, f = theirs.split(theirs.PRNGKey(3), 40), EXACT[sample]
        same(minijax.vmap(lambda k: f(ours, k, (7,)))(np.asarray(keys)),
             jax.vmap(lambda k: f(theirs, k, (7,)))(keys))

    @pytest.mark.parametrize("case", thinned(
        itertools.product(CLOSE, CLOSE_DRAWN), kind=lambda c: c[0],
        name=lambda c: f"{c[0]}-{c[1]}"))
    def test_close(self, case: tuple) -> None:
        name, shape = case
        ulps, sample = CLOSE[name]
        same(sample(ours, KEY, shape), CLOSE_DRAWN[shape][name], ulps)

    @pytest.mark.parametrize("dtype", FLOATS_DRAWN)
    @pytest.mark.parametrize("name", FLOATS)
    def test_float_dtypes(self, name: str, dtype: str) -> None:
        """Those of 32 bits are in `test_equal`."""
        with jax.enable_x64(True), minijax.enable_x64(True):
            same(FLOATS[name](ours, KEY, dtype), FLOATS_DRAWN[dtype][name],
                 0 if name == "uniform" else 16)

    @heavy
    def test_large_poisson_numbers(self) -> None:
        """One rounding in a logarithm can turn a rejection; that is rare."""
        got, want = (np.asarray(r.poisson(KEY, 200.0, (10_000,))) for r in (ours, theirs))
        assert np.mean(got != want) <= 1e-3
        assert abs(got.mean() - 200) < 1 and abs(got.var() - 200) < 20

    @heavy
    def test_large_binomial_numbers(self) -> None:
        """The same by another method, which rejects; it rounds as the Poisson numbers do."""
        got, want = (np.asarray(r.binomial(KEY, 400, 0.3, (10_000,))) for r in (ours, theirs))
        assert np.mean(got != want) <= 1e-3
        assert abs(got.mean() - 120) < 1 and abs(got.var() - 84) < 9
        got, want = (np.asarray(r.binomial(KEY, 1000.0, 0.7, (50,))) for r in (ours, theirs))
        assert np.mean(got != want) <= 0.02

    @heavy
    def test_binomial_numbers_that_make_no_sense(self) -> None:
        n = np.float32([10, -1, np.nan, np.inf, 10, 10, 2.7, np.inf, 0])
        p = np.float32([0.5, 0.5, 0.5, 0.5, -0.1, np.nan, 0.9, 1.5, 0.5])
        same(ours.binomial(KEY, n, p), theirs.binomial(KEY, n, p))
        with pytest.raises(ValueError, match="must be a float dtype"):
            ours.binomial(KEY, 3, 0.5, dtype="int32")

    @heavy
    def test_multinomial_numbers(self) -> None:
        p = np.float32([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
        n = np.float32([5, 9])
        same(ours.multinomial(KEY, n, p), theirs.multinomial(KEY, n, p))
        same(ours.multinomial(KEY, 6, p[0], shape=(4, 3)),
             theirs.multinomial(KEY, 6, p[0], shape=(4, 3)))
        got = ours.multinomial(KEY, n, p)
        np.testing.assert_array_equal(got.sum(-1), n)

    def test_complex(self) -> None:
        same(ours.normal(KEY, (5,), "complex64"), theirs.normal(KEY, (5,), "complex64"), 4)

    @pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32",
                                       "int64", "uint64"])
    def test_integer_dtypes(self, dtype: str) -> None:
        with jax.enable_x64(True), minijax.enable_x64(True):
            info = np.iinfo(dtype)
            bounds = [tuple(np.array(bound, dtype) for bound in pair) for pair in [
                (0, 10), (3, info.max), (info.min, 7), (0, 2), (9, 3)]]
            if info.bits < 64:  # one past the largest is a maxval too
                bounds.append((info.min, info.max + 1))
            all_same(lambda r, k: [r.randint(k, (40,), *pair, dtype) for pair in bounds])

    @heavy
    def test_parameters_that_are_arrays(self) -> None:
        low, high = np.arange(3, dtype=np.int32), np.full((2, 1), 9, np.int32)
        p, a, rates = np.float32([0.1, 0.9]), np.float32([[0.2], [3]]), np.float32([0.5, 8, 30, 0])
        samples = {
            "randint": (0, lambda r, k: r.randint(k, (2, 3), low, high)),
            "bernoulli": (0, lambda r, k: r.bernoulli(k, p)),
            "gamma": (ULPS, lambda r, k: r.gamma(k, a, (2, 4))),
            "beta": (ULPS, lambda r, k: r.beta(k, a, a.T)),
            "poisson": (0, lambda r, k: r.poisson(k, rates)),
        }
        wanted = drawn({n: f for n, (_, f) in samples.items()})
        for name, (ulps, f) in samples.items():
            same(f(ours, KEY), wanted[name], ulps)
        low = np.float32([-1, 0])
        same(ours.truncated_normal(KEY, low, low + 1), theirs.truncated_normal(KEY, low, low + 1))

    def test_dirichlet_and_multivariate_normal(self) -> None:
        alpha = np.float32([0.5, 1, 2])
        want = compiled(lambda k: theirs.dirichlet(k, alpha, (4,)))(KEY)
        same(ours.dirichlet(KEY, alpha, (4,)), want, 4)
        mean, a = np.float32([1, -2, 3]), np.float32([[2, 1, 0], [0, 1, 1], [1, 0, 3]])
        cov = a @ a.T
        for method in ("cholesky", "eigh", "svd"):
            got = ours.multivariate_normal(KEY, mean, cov, (2000,), method=method)
            if method == "cholesky":  # the other factors are unique only up to signs
                draw = compiled(lambda k: theirs.multivariate_normal(k, mean, cov, (2000,)))
                same(got, draw(KEY), ULPS)
            np.testing.assert_allclose(np.cov(np.asarray(got).T), cov, atol=0.6)

    @heavy
    def test_orthogonal(self) -> None:
        for n, m in [(3, None), (2, 4), (4, 2)]:
            got = np.asarray(ours.orthogonal(KEY, n, (2,), m=m))
            same(got, theirs.orthogonal(KEY, n, (2,), m=m), ULPS)
            product = got @ got.mT if n <= got.shape[-1] else got.mT @ got
            np.testing.assert_allclose(product, np.broadcast_to(np.eye(min(got.shape[-2:])),
                                                                product.shape), atol=1e-6)

    def test_they_have_the_distribution(self) -> None:
        """Against scipy's distribution functions: the streams are right, and so are the numbers."""
        n, s = 20_000, scipy.stats
        for sample, cdf in [
                (ours.uniform, s.uniform.cdf), (ours.normal, s.norm.cdf),
                (ours.exponential, s.expon.cdf), (ours.gumbel, s.gumbel_r.cdf),
                (ours.laplace, s.laplace.cdf), (ours.logistic, s.logistic.cdf),
                (ours.cauchy, s.cauchy.cdf), (ours.maxwell, s.maxwell.cdf),
                (lambda k, n: ours.gamma(k, 0.7, n), s.gamma(0.7).cdf),
                (lambda k, n: ours.beta(k, 2.0, 3.0, n), s.beta(2, 3).cdf),
                (lambda k, n: ours.t(k, 3.0, n), s.t(3).cdf)]:
            x = np.asarray(sample(KEY, (n,)), np.float64)
            assert s.kstest(x, cdf).pvalue > 1e-3


class TestChoosing:
    @pytest.mark.parametrize("n", [0, 1, 5, 2000, 100_000])
    def test_permutation_of_a_range(self, n: int) -> None:
        got = ours.permutation(KEY, n)
        same(got, theirs.permutation(KEY, n))
        same(np.sort(np.asarray(got)), np.arange(n, dtype=np.int32))

    def test_permutation_of_an_array(self) -> None:
        x = np.arange(24.0, dtype=np.float32).reshape(4, 3, 2)
        all_same(lambda r, k: [r.permutation(k, x, axis, independent) for axis in (0, 1, -1)
                               for independent in (False, True)])
        all_same(lambda r, k: [r.permutation(k, x[:, 0, 0])])

    @pytest.mark.parametrize("replace", [True, False])
    @pytest.mark.parametrize("weights", [None, [0.1, 0.0, 0.4, 0.3, 0.2]])
    @pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
    def test_choice(self, replace: bool, weights: Any, shape: tuple) -> None:
        p = None if weights is None else np.float32(weights)
        a = np.arange(20.0, dtype=np.float32).reshape(2, 5, 2)
        all_same(lambda r, k: [
            r.choice(k, 5, shape, replace, p),
            r.choice(k, np.float32([5, 6, 7, 8, 9]), shape, replace, p),
            r.choice(k, a, shape, replace, p, axis=1)])

    def test_choice_of_nothing(self) -> None:
        same(ours.choice(KEY, 0, (0,)), theirs.choice(KEY, 0, (0,)))

    @pytest.mark.parametrize("axis", [0, 1, -1])
    def test_categorical(self, axis: int) -> None:
        logits = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
        rest = np.delete(logits.shape, axis).tolist()
        all_same(lambda r, k: [r.categorical(k, logits, axis),
                               r.categorical(k, logits, axis, shape=(7, *rest)),
                               r.categorical(k, logits, axis, shape=(2, *rest), replace=False)])


# --- under transformations -------------------------------------------------------------------


class TestTransformations:
    @named(EXACT | INTEGER | {k: v for k, (_, v) in CLOSE.items() if k != "maxwell"})
    def test_vmap_over_keys_is_a_loop(self, sample: Callable) -> None:
        keys = ours.split(KEY, 4)
        one = functools.partial(sample, ours)
        for f in (lambda k: one(k, ()), lambda k: one(k, (3,))):
            loop = np.stack([np.asarray(f(k)) for k in keys])
            same(minijax.vmap(f)(keys), loop, ULPS if loop.dtype.kind == "f" else 0)
            same(minijax.vmap(f)(ours.wrap_key_data(keys)), minijax.vmap(f)(keys))

    @named(EXACT | INTEGER)
    def test_jit_changes_nothing(self, sample: Callable) -> None:
        f = functools.partial(sample, ours)
        same(minijax.jit(f, static_argnums=1)(KEY, (3,)), f(KEY, (3,)))

    def test_vmap_of_key_operations(self) -> None:
        keys, n = np.asarray(theirs.split(KEY, 3)), np.arange(3)
        for f in (lambda J: J.vmap(lambda k: J.random.split(k, (2,)))(keys),
                  lambda J: J.vmap(J.random.fold_in, (None, 0))(KEY, n),
                  lambda J: J.vmap(J.random.fold_in, (0, None))(keys, 4),
                  lambda J: J.vmap(J.random.fold_in)(keys, n),
                  lambda J: J.vmap(J.vmap(J.random.fold_in, (None, 0)), (0, None))(keys, n),
                  lambda J: J.vmap(J.random.key_data, in_axes=1)(
                      J.random.split(J.random.key(0), (2, 3))),
                  lambda J: J.vmap(J.random.bits, out_axes=0)(J.random.wrap_key_data(keys))):
            same(f(minijax), f(jax))

    def test_closing_over_a_key(self) -> None:
        key, other = ours.key(3), theirs.key(3)
        same(minijax.jit(lambda x: x + ours.uniform(key, (2,)))(1.0),
             jax.jit(lambda x: x + theirs.uniform(other, (2,)))(1.0))

    @heavy
    def test_gradients_through_samples(self) -> None:
        """The scale of a sample, the parameter of a gamma number; nothing through keys."""
        def scaled(J: Any, s: Any) -> Any:
            return J.numpy.sum(s * J.random.normal(KEY, (3,)))

        same(minijax.grad(functools.partial(scaled, minijax))(2.0),
             compiled(jax.grad(functools.partial(scaled, jax)))(2.0), 4)
        for name in ("gamma", "loggamma"):
            def total(J: Any, a: Any, name: str = name) -> Any:
                return J.numpy.sum(getattr(J.random, name)(KEY, a, (3, 2)))

            a = np.float32([0.3, 2.0])
            same(minijax.grad(functools.partial(total, minijax))(a),
                 compiled(jax.grad(functools.partial(total, jax)))(a), 1000)

        def bounded(J: Any, low: Any) -> Any:
            return J.numpy.sum(J.random.truncated_normal(KEY, low, 1.0, (5,)))

        same(minijax.grad(functools.partial(bounded, minijax))(-1.0),
             compiled(jax.grad(functools.partial(bounded, jax)))(-1.0), 64)
        with pytest.raises(TypeError, match="grad requires real- or complex-valued inputs"):
            minijax.grad(ours.normal)(ours.key(0))
        assert minijax.grad(ours.normal, allow_int=True)(KEY).dtype == dtypes.float0


PROGRAMS: dict[str, Callable] = {
    "normal": lambda r: lambda k: r.normal(k, (3,)),
    "uniform": lambda r: lambda k: r.uniform(k, (3,), minval=2),
    "split": lambda r: r.split,
    "fold_in": lambda r: lambda k: r.fold_in(k, 3),
    "bits": lambda r: lambda k: r.bits(k, (2,)),
    "bernoulli": lambda r: lambda k: r.bernoulli(k, 0.3, (2,)),
    "randint": lambda r: lambda k: r.randint(k, (2,), 0, 10),
    "exponential": lambda r: lambda k: r.exponential(k, (3,)),
    "gumbel": lambda r: lambda k: r.gumbel(k, (3,)),
    "laplace": lambda r: lambda k: r.laplace(k, (3,)),
    "truncated_normal": lambda r: lambda k: r.truncated_normal(k, -1, 1, (3,)),
    "categorical": lambda r: lambda k: r.categorical(k, np.ones((5, 2), np.float32)),
    "permutation": lambda r: lambda k: r.permutation(k, 5),
    "choice": lambda r: lambda k: r.choice(k, 5, (3,)),
    "choice-no-replace": lambda r: lambda k: r.choice(k, 5, (3,), replace=False),
    "itself": lambda r: lambda k: k,
}


class TestText:
    @named(PROGRAMS)
    @pytest.mark.parametrize("typed", [True, False], ids=["key", "PRNGKey"])
    def test_programs_print_as_in_jax(self, sample: Callable, typed: bool) -> None:
        a, b = (r.key(0) if typed else r.PRNGKey(0) for r in (ours, theirs))
        same_text(minijax.make_jaxpr(sample(ours))(a), jax.make_jaxpr(sample(theirs))(b))

    def test_seeds_and_batches(self) -> None:
        same_text(minijax.make_jaxpr(ours.PRNGKey)(3), jax.make_jaxpr(theirs.PRNGKey)(3))
        same_text(minijax.make_jaxpr(ours.key)(3), jax.make_jaxpr(theirs.key)(3))
        same_text(minijax.make_jaxpr(minijax.vmap(ours.normal))(ours.split(ours.key(0), 3)),
                  jax.make_jaxpr(jax.vmap(theirs.normal))(theirs.split(theirs.key(0), 3)))


# --- misuse ----------------------------------------------------------------------------------


def misuses() -> Iterator[tuple[str, Callable, type, str]]:
    """A name, the call, the class of JAX's error, and what ours must say."""
    yield "a float", lambda r: r.normal(1.0), TypeError, "expected key_data to have ndim"
    yield "an int", lambda r: r.split(3), TypeError, "jax.random.key"
    yield "a string", lambda r: r.normal("a"), TypeError, "expected key_data to have ndim"
    yield ("three words", lambda r: r.normal(np.ones(3, np.uint32)), TypeError,
           r"end with \(2,\); got shape=\(3,\)")
    yield ("float words", lambda r: r.wrap_key_data(np.ones(2, np.float32)), TypeError,
           "dtype = uint32; got dtype=float32")
    yield ("scalar words", lambda r: r.wrap_key_data(np.uint32(3)), TypeError, "ndim >= 1")
    yield ("many keys", lambda r: r.normal(r.split(r.key(0))), ValueError, "Use jax.vmap")
    yield ("split many", lambda r: r.split(r.split(r.key(0))), ValueError, "split accepts a single")
    yield "float shape", lambda r: r.normal(KEY, (2.0,)), TypeError, r"integer type, got \(2.0,\)"
    yield "text shape", lambda r: r.normal(KEY, (2, "a")), TypeError, "Shapes must be 1D"
    yield "float seed", lambda r: r.key(1.5), TypeError, "PRNG key seed must be an integer"
    yield "array seed", lambda r: r.key(np.ones(2, int)), TypeError, "Use jax.vmap for batching"
    yield "key as seed", lambda r: r.key(r.key(0)), TypeError, "was given a PRNG key"
    yield "text seed", lambda r: r.PRNGKey("a"), TypeError, "not a valid JAX type|Only arrays"
    yield "huge seed", lambda r: r.key(2**70), OverflowError, "too large"
    yield "negative fold", lambda r: r.fold_in(KEY, -1), OverflowError, "out of bounds"
    yield "array fold", lambda r: r.fold_in(KEY, np.ones(2, int)), TypeError, "fold_in accepts a sc"
    yield "integer normal", lambda r: r.normal(KEY, dtype=int), ValueError, "a float or complex"
    yield "integer uniform", lambda r: r.uniform(KEY, (), "int32"), ValueError, "be a float dtype"
    yield ("float randint", lambda r: r.randint(KEY, (), 0, 5, "float32"), TypeError,
           "randint only accepts integer dtypes, got float32")
    yield "signed bits", lambda r: r.bits(KEY, (), "int32"), ValueError, "unsigned int dtype"
    yield "integer p", lambda r: r.bernoulli(KEY, 2), TypeError, "must have a floating dtype"
    yield "from none", lambda r: r.choice(KEY, 0, (3,)), ValueError, "must be greater than 0"
    yield ("too many", lambda r: r.choice(KEY, 3, (5,), replace=False), ValueError,
           "larger sample")
    yield ("wrong p", lambda r: r.choice(KEY, 3, (2,), p=np.ones(2, np.float32)), ValueError,
           r"p has shape \(2,\)")
    yield ("shape of logits", lambda r: r.categorical(KEY, np.ones((3, 2), np.float32), shape=(4,)),
           ValueError, "roadcast")
    yield ("shape of p", lambda r: r.bernoulli(KEY, np.float32([0.1, 0.2]), (3,)), ValueError,
           "roadcast")
    yield "permuted float", lambda r: r.permutation(KEY, 3.0), TypeError, "must be an integer"
    yield "unknown impl", lambda r: r.key(0, impl="foo"), ValueError, "unrecognized PRNG"
    yield "mode", lambda r: r.gumbel(KEY, mode="x"), ValueError, "valid mode"


class TestMisuse:
    @pytest.mark.parametrize("call, error, message", [pytest.param(*m, id=i)
                                                      for i, *m in misuses()])
    def test_is_jax_s_error(self, call: Callable, error: type, message: str) -> None:
        with pytest.raises(error):
            call(theirs)
        with pytest.raises(error, match=message):
            call(ours)

    def test_negative_sizes(self) -> None:
        with pytest.raises(ValueError, match="not negative"):
            ours.normal(KEY, (-1,))

    def test_keys_do_not_calculate(self) -> None:
        key = ours.key(0)
        for name, f in {
                "+ 1": lambda: key + 1, "+": lambda: key + key, "2 *": lambda: 2 * key,
                "-": lambda: -key, "<": lambda: key < key, "sin": lambda: jnp.sin(key),
                "zeros +": lambda: jnp.zeros(3) + key, "astype": lambda: key.astype("float32"),
                "float": lambda: float(key), "asarray": lambda: np.asarray(key),
                "bool": lambda: bool(key), "hash": lambda: hash(key), "len": lambda: len(key),
                "list": lambda: list(key)}.items():
            with pytest.raises(TypeError):
                pytest.fail(f"{name} gives {f()}")

    def test_a_traced_shape(self) -> None:
        with pytest.raises(TypeError, match="static_argnums"):
            minijax.jit(lambda n: ours.normal(KEY, (n,)))(3)
