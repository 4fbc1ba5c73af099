"""`scipy` against JAX and SciPy: values, dtypes, derivatives, batches."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats

import minijax
import minijax.scipy as ours
from minijax import dtypes
from tests.both import Oracle, compiled
from tests.test_jaxpr_text import normal as normal_form

from .tiers import heavy

rng = np.random.default_rng(0)
P = rng.uniform(0.05, 0.95, (3, 4)).astype(np.float32)  # probabilities
X = rng.uniform(-2, 2, (3, 4)).astype(np.float32)
A = rng.uniform(0.3, 6, (3, 4)).astype(np.float32)  # positive
B = rng.uniform(0.3, 6, (3, 4)).astype(np.float32)


def close(got: Any, want: Any, rtol: float = 1e-5) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(got.astype(wide), want.astype(wide), rtol=rtol, atol=rtol)


def named(table: dict[str, Any]) -> Any:
    return pytest.mark.parametrize("name", table)


def gradients(J: Any, f: Callable) -> Callable:
    """Those of the sum of squares of f with respect to all arguments."""
    return lambda *args: J.grad(lambda *xs: J.numpy.sum(f(*xs) ** 2), range(len(args)))(*args)


# --- special -----------------------------------------------------------------------------------

SPECIAL: dict[str, tuple[Callable, tuple]] = {
    n: (lambda s, *xs, n=n: getattr(s.special, n)(*xs), args) for n, args in {
        "expit": (X,), "logit": (P,), "erf": (X,), "erfc": (X,), "erfinv": (P,), "ndtr": (X,),
        "erfcx": (X,), "dawsn": (X,),
        "ndtri": (P,), "log_ndtr": (X,), "gammaln": (A,), "gamma": (A,), "loggamma": (A,),
        "digamma": (A,), "betaln": (A, B), "beta": (A, B), "gammainc": (A, B),
        "gammaincc": (A, B), "xlogy": (X, A), "xlog1py": (X, A), "entr": (A,), "rel_entr": (A, B),
        "kl_div": (A, B), "i0": (X,), "i0e": (X,), "i1": (X,), "i1e": (X,), "factorial": (A,),
        "boxcox": (A, X), "boxcox1p": (A, X), "poch": (A, B), "expi": (A,), "exp1": (A,),
        "comb": (A + B, A), "softmax": (X,), "log_softmax": (X,), "logsumexp": (X,)}.items()}
SPECIAL |= {
    "softmax-axis": (lambda s, x: s.special.softmax(x, axis=1), (X,)),
    "multigammaln": (lambda s, a: s.special.multigammaln(a + 2, 3), (A,)),
    "comb-repetition": (lambda s, n, k: s.special.comb(n, k, repetition=True), (A + B, A)),
}
NO_GRADIENT: dict[str, tuple[Callable, tuple]] = {
    "betainc": (lambda s, *xs: s.special.betainc(*xs), (A, B, P)),
    "zeta": (lambda s, *xs: s.special.zeta(*xs), (A + 1, B)),
    "polygamma": (lambda s, x: s.special.polygamma(np.int32([[1], [2], [0]]), x), (A,)),
    "gammasgn": (lambda s, x: s.special.gammasgn(x), (X,)),
    "spence": (lambda s, x: s.special.spence(x), (A,)),
    "gamma-negative": (lambda s, x: s.special.gamma(x), (X,)),
}


EVERY_SPECIAL = SPECIAL | NO_GRADIENT
VALUES = Oracle({n: (functools.partial(f, jax.scipy), *args)
                 for n, (f, args) in EVERY_SPECIAL.items()})
DIFFERENTIABLE = SPECIAL | {"exp1": (SPECIAL["exp1"][0], (np.minimum(A, 3),))}
GRADIENTS = Oracle({n: (gradients(jax, functools.partial(f, jax.scipy)), *args)
                    for n, (f, args) in DIFFERENTIABLE.items()})
AT_SPECIAL_POINTS = [
    ("xlogy", (0.0, 0.0)), ("xlogy", (0.0, np.nan)), ("xlog1py", (0.0, -1.0)),
    ("entr", (0.0,)), ("entr", (-1.0,)), ("rel_entr", (0.0, 2.0)), ("rel_entr", (1.0, 0.0)),
    ("kl_div", (0.0, 0.0)), ("gammasgn", (-1.5,)), ("gammasgn", (-2.0,)), ("gamma", (0.0,)),
    ("gamma", (-2.0,)), ("loggamma", (-0.5,)), ("factorial", (-1.0,)), ("ndtri", (0.0,)),
    ("ndtri", (1.0,)), ("log_ndtr", (-30.0,)), ("log_ndtr", (9.0,)), ("ndtr", (-14.0,)),
    ("logit", (0.0,)), ("logit", (1.0,)), ("comb", (3.0, 5.0)), ("boxcox", (2.0, 0.0)),
    ("poch", (3.0, 0.0)), ("expit", (-200.0,)), ("erfcx", (30.0,)), ("betaln", (900.0, 0.01)),
    ("spence", (1.0,)), ("xlogy", (2, 3)), ("gammaln", (3,)), ("factorial", (4,))]
SPECIAL_VALUES = Oracle({f"{name}{args}": (getattr(jax.scipy.special, name), *args)
                         for name, args in AT_SPECIAL_POINTS})


class TestSpecial:
    @named(EVERY_SPECIAL)
    def test_values(self, name: str) -> None:
        f, args = EVERY_SPECIAL[name]
        close(f(ours, *args), VALUES[name], 2e-5)

    @named(DIFFERENTIABLE)
    def test_derivatives(self, name: str) -> None:
        f, args = DIFFERENTIABLE[name]
        for got, want in zip(gradients(minijax, functools.partial(f, ours))(*args),
                             GRADIENTS[name]):
            close(got, want, 2e-3)

    @named(EVERY_SPECIAL)
    def test_batches(self, name: str) -> None:
        if name in ("polygamma", "softmax-axis"):
            return  # they are written for matrices
        f, args = EVERY_SPECIAL[name]
        want = np.stack([np.asarray(f(ours, *row)) for row in zip(*args)])
        close(minijax.vmap(lambda *row: f(ours, *row))(*args), want)

    @pytest.mark.parametrize("name, args", AT_SPECIAL_POINTS)
    def test_special_values(self, name: str, args: tuple) -> None:
        got, want = getattr(ours.special, name)(*args), SPECIAL_VALUES[f"{name}{args}"]
        close(got, want)
        if name not in ("ndtri", "log_ndtr", "erfcx", "spence"):  # one operation here
            assert got.weak_type == want.weak_type

    @pytest.mark.parametrize("name", ["expit", "gammaln", "erf", "xlogy", "digamma", "i0e"])
    @pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
    def test_dtypes(self, name: str, dtype: str) -> None:
        args = [A.astype(dtype)] * (2 if name == "xlogy" else 1)
        with jax.enable_x64(True), minijax.enable_x64(True):
            got, want = (getattr(s.special, name)(*args) for s in (ours, jax.scipy))
            close(got, want, 8 * float(dtypes.finfo(want.dtype).eps))

    def test_bernoulli_numbers(self) -> None:
        close(ours.special.bernoulli(6), jax.scipy.special.bernoulli(6))

    def test_double_precision_is_scipy_s(self) -> None:
        x = np.linspace(0.1, 3, 7)
        with minijax.enable_x64(True):
            for name in ("erf", "erfc", "erfcx", "dawsn", "ndtr", "log_ndtr", "gammaln", "digamma",
                         "expi", "exp1", "spence", "i0", "i1e", "entr", "expit"):
                close(getattr(ours.special, name)(x), getattr(scipy.special, name)(x), 1e-12)

    @pytest.mark.parametrize("name", ["logsumexp", "expit", "gammaln", "entr", "logit", "softmax",
                                      "ndtr", "i0", "erfinv"])
    def test_programs_print_as_in_jax(self, name: str) -> None:
        got, want = (normal_form(str(J.make_jaxpr(getattr(J.scipy.special, name))(P)))
                     for J in (minijax, jax))
        assert got == want

    def test_misuse(self) -> None:
        for f, error, message in [
                (lambda s: s.special.entr(np.complex64(1)), ValueError, "complex-valued"),
                (lambda s: s.special.polygamma(1.0, 2.0), ValueError, "must be of integer type"),
                (lambda s: s.special.ndtr(np.int32(1)), TypeError, "not supported"),
                (lambda s: s.special.zeta(2.0), NotImplementedError, "Hurwitz"),
                (lambda s: s.special.factorial(3, exact=True), NotImplementedError, "exact=True"),
                (lambda s: s.special.gammaln([1.0]), TypeError, "requires ndarray or scalar")]:
            for s, match in ((jax.scipy, None), (ours, message)):
                with pytest.raises(error, match=match):
                    f(s)
        with pytest.raises(ValueError, match="first argument"):
            minijax.grad(ours.special.zeta)(2.0, 3.0)


# --- signal ------------------------------------------------------------------------------------

SHAPES = [((7,), (3,)), ((3,), (7,)), ((4,), (4,)), ((5, 6), (2, 3)), ((2, 3), (5, 6)),
          ((4, 3, 5), (2, 2, 2))]
MODES = ["full", "same", "valid"]


def signals(*shapes: tuple, dtype: str = "float32") -> list[np.ndarray]:
    out = [rng.normal(size=s) for s in shapes]
    if np.dtype(dtype).kind == "c":
        out = [x + 1j * rng.normal(size=x.shape) for x in out]
    return [x.astype(dtype) for x in out]


class TestSignal:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("shapes", SHAPES)
    @pytest.mark.parametrize("method", ["direct", "fft"])
    @pytest.mark.parametrize("name", ["convolve", "correlate"])
    def test_against_jax_and_scipy(self, name: str, method: str, shapes: Any, mode: str) -> None:
        x, y = signals(*shapes)
        got = getattr(ours.signal, name)(x, y, mode, method)
        close(got, getattr(jax.scipy.signal, name)(x, y, mode, method), 2e-5)
        if mode != "same" or shapes[0] >= shapes[1]:
            want = getattr(scipy.signal, name)(x, y, mode, method)
            if not (name == "correlate" and mode == "valid" and shapes[0] < shapes[1]):
                close(got, want.astype(np.float32), 2e-5)

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("shapes", [s for s in SHAPES if len(s[0]) == 2])
    @pytest.mark.parametrize("name", ["convolve2d", "correlate2d"])
    @pytest.mark.parametrize("dtype", ["float32", "complex64"])
    def test_matrices(self, name: str, shapes: Any, mode: str, dtype: str) -> None:
        x, y = signals(*shapes, dtype=dtype)
        got = getattr(ours.signal, name)(x, y, mode)
        close(got, getattr(scipy.signal, name)(x, y, mode).astype(dtype), 2e-5)

    @heavy
    def test_complex_and_integer(self) -> None:
        x, y = signals((6,), (3,), dtype="complex64")
        for name in ("convolve", "correlate", "fftconvolve"):
            close(getattr(ours.signal, name)(x, y), getattr(jax.scipy.signal, name)(x, y), 2e-5)
        a, b = np.arange(5, dtype=np.int32), np.arange(3, dtype=np.int32)
        close(ours.signal.convolve(a, b), jax.scipy.signal.convolve(a, b))

    @heavy
    @pytest.mark.parametrize("mode", MODES)
    def test_fft_along_some_axes(self, mode: str) -> None:
        x, y = signals((3, 8, 4), (3, 3, 4))
        close(ours.signal.fftconvolve(x, y, mode, axes=1),
              jax.scipy.signal.fftconvolve(x, y, mode, axes=1), 2e-5)
        x, y = signals((6, 2, 5), (3, 2, 2))
        close(ours.signal.fftconvolve(x, y, mode, axes=(0, -1)),
              jax.scipy.signal.fftconvolve(x, y, mode, axes=(0, -1)), 2e-5)

    @pytest.mark.parametrize("method", ["direct", "fft"])
    def test_gradients(self, method: str) -> None:
        x, y = signals((6, 5), (2, 3))

        def total(J: Any, x: Any, y: Any) -> Any:
            return J.numpy.sum(J.scipy.signal.convolve(x, y, "same", method) ** 2)

        for got, want in zip(minijax.grad(lambda *a: total(minijax, *a), (0, 1))(x, y),
                             compiled(jax.grad(lambda *a: total(jax, *a), (0, 1)))(x, y)):
            close(got, want, 1e-4)

    def test_batches(self) -> None:
        x, y = signals((4, 7), (3,))
        got = minijax.vmap(lambda x: ours.signal.convolve(x, y))(x)
        close(got, np.stack([np.convolve(row, y) for row in x]))

    @pytest.mark.parametrize("options", [{}, {"axis": 0}, {"type": "constant"}, {"bp": [3]},
                                         {"bp": np.array([2, 5]), "axis": 0}])
    def test_detrend(self, options: dict) -> None:
        (x,) = signals((8, 9))
        want = compiled(functools.partial(jax.scipy.signal.detrend, **options))(x)
        close(ours.signal.detrend(x, **options), want, 1e-4)

    def test_text(self) -> None:
        got, want = (normal_form(str(J.make_jaxpr(J.scipy.signal.convolve)(P[0], P[0, :2])))
                     for J in (minijax, jax))
        assert got == want

    @pytest.mark.parametrize("f, message", [
        (lambda s: s.convolve(P, P, "some"), "mode must be one of"),
        (lambda s: s.convolve(P, P[0]), "same number of dimensions"),
        (lambda s: s.convolve(np.ones((2, 5)), np.ones((3, 3))), "smaller than the other"),
        (lambda s: s.convolve(np.ones(0), np.ones(2)), "zero-size arrays"),
        (lambda s: s.convolve(P, P, method="x"), "expected 'auto', 'fft'"),
        (lambda s: s.convolve2d(P[0], P[0]), "only supports 2-dimensional"),
        (lambda s: s.detrend(P, type="x"), "'linear' or 'constant'")])
    def test_misuse(self, f: Callable, message: str) -> None:
        with pytest.raises(ValueError):
            f(jax.scipy.signal)
        with pytest.raises(ValueError, match=message):
            f(ours.signal)


# --- stats -------------------------------------------------------------------------------------

LOC, SCALE = np.float32(0.3), np.float32(1.7)
EVERY = ["logpdf", "pdf", "cdf", "logcdf", "sf", "logsf"]
CONTINUOUS: dict[str, tuple[list[str], tuple]] = {
    "norm": ([*EVERY, "ppf", "isf"], ()), "expon": ([*EVERY, "ppf"], ()),
    "logistic": (["logpdf", "pdf", "cdf", "sf", "ppf", "isf"], ()),
    "cauchy": ([*EVERY, "ppf", "isf"], ()),
    "uniform": (["logpdf", "pdf", "cdf", "ppf"], ()), "laplace": (["logpdf", "pdf", "cdf"], ()),
    "t": (["logpdf", "pdf"], (np.float32(3.5),)), "gamma": (EVERY, (np.float32(2.2),)),
    "chi2": (EVERY, (np.float32(3.0),)), "beta": (EVERY, (np.float32(2.0), np.float32(0.7))),
    "pareto": (["logpdf", "pdf", "cdf", "sf", "ppf"], (np.float32(2.5),)),
}
CALLS = {f"{d}-{f}": (d, f, shapes) for d, (fs, shapes) in CONTINUOUS.items() for f in fs}


def points(distribution: str, function: str, *outside: float) -> np.ndarray:
    if function in ("ppf", "isf"):
        return np.linspace(0.1, 0.9, 7, dtype=np.float32)
    inside = {"uniform": (0.35, 1.9), "beta": (0.4, 1.9), "pareto": (2.1, 6.0)}
    low, high = inside.get(distribution, (0.4, 5.0))
    return np.float32([*np.linspace(low, high, 7, dtype=np.float32), *outside])


def standard_and_scaled(J: Any, name: str) -> Callable:
    distribution, function, shapes = CALLS[name]
    f = getattr(getattr(J.scipy.stats, distribution), function)
    return lambda x: [f(x, *shapes), f(x, *shapes, LOC, SCALE)]


def slopes(J: Any, name: str) -> Callable:
    distribution, function, shapes = CALLS[name]
    f = getattr(getattr(J.scipy.stats, distribution), function)
    return gradients(J, lambda x, loc, scale: f(x, *shapes, loc=loc, scale=scale))


DENSITIES = Oracle({n: (standard_and_scaled(jax, n), points(d, f, -3.0, 0.3, 9.0))
                    for n, (d, f, _) in CALLS.items()})
SLOPES = Oracle({n: (slopes(jax, n), points(d, f), LOC, SCALE) for n, (d, f, _) in CALLS.items()})


class TestStats:
    @named(CALLS)
    def test_values(self, name: str) -> None:
        x = points(*CALLS[name][:2], -3.0, 0.3, 9.0)
        for got, want in zip(standard_and_scaled(minijax, name)(x), DENSITIES[name]):
            close(got, want, 1e-4)

    @named(CALLS)
    def test_derivatives(self, name: str) -> None:
        x = points(*CALLS[name][:2])
        for got, want in zip(slopes(minijax, name)(x, LOC, SCALE), SLOPES[name]):
            close(got, want, 2e-3)

    @pytest.mark.parametrize("distribution, parameters, functions", [
        ("bernoulli", (0.3,), ["logpmf", "pmf", "cdf"]),
        ("poisson", (2.5,), ["logpmf", "pmf", "cdf"]), ("geom", (0.3,), ["logpmf", "pmf"]),
        ("binom", (5, 0.4), ["logpmf", "pmf"])])
    def test_integers(self, distribution: str, parameters: tuple, functions: list[str]) -> None:
        k = np.array([-1, 0, 1, 2, 3, 7])

        def values(s: Any, k: Any) -> list[Any]:
            d = getattr(s.stats, distribution)
            return [*(getattr(d, f)(k, *parameters) for f in functions),
                    d.logpmf(k, *parameters, loc=1)]

        for got, want in zip(values(ours, k), compiled(functools.partial(values, jax.scipy))(k)):
            close(got, want, 1e-4)

    def test_multivariate_normal(self) -> None:
        x = rng.normal(size=(5, 3)).astype(np.float32)
        mean, root = np.float32([1, 0, -1]), rng.normal(size=(3, 3)).astype(np.float32)
        cov = root @ root.T + np.eye(3, dtype=np.float32)

        def densities(s: Any, x: Any) -> list[Any]:
            return [getattr(s.stats.multivariate_normal, name)(*args) for name in ("logpdf", "pdf")
                    for args in ((x, mean, cov), (x[0], mean, cov), (x, mean, np.float32(2.0)),
                                 (x, np.float32(0.5), np.float32(2.0)))]

        wanted = compiled(functools.partial(densities, jax.scipy))(x)
        for got, want in zip(densities(ours, x), wanted):
            close(got, want, 1e-4)
        want = scipy.stats.multivariate_normal(mean, cov).logpdf(x)
        close(ours.stats.multivariate_normal.logpdf(x, mean, cov), want.astype(np.float32), 1e-4)

    def test_dirichlet(self) -> None:
        alpha = np.float32([0.5, 2, 3])
        x = rng.dirichlet(alpha, 4).T.astype(np.float32)

        def densities(s: Any, x: Any) -> list[Any]:
            return [s.stats.dirichlet.logpdf(y, alpha) for y in (x, x[:2], x[:, 0])]

        wanted = compiled(functools.partial(densities, jax.scipy))(x)
        for got, want in zip(densities(ours, x), wanted):
            close(got, want, 1e-3)

    def test_standard_error(self) -> None:
        for axis in (0, 1, None):
            close(ours.stats.sem(X, axis), jax.scipy.stats.sem(X, axis))


# --- linalg, integrate -------------------------------------------------------------------------

M = rng.normal(size=(4, 4)).astype(np.float32) + 3 * np.eye(4, dtype=np.float32)
S = (M @ M.T).astype(np.float32)
V = rng.normal(size=(4,)).astype(np.float32)
W = rng.normal(size=(4, 2)).astype(np.float32)
LINALG: dict[str, Callable] = {
    "cholesky": lambda s: s.cholesky(S), "cholesky-lower": lambda s: s.cholesky(S, lower=True),
    "cho_solve": lambda s: s.cho_solve(s.cho_factor(S), V),
    "cho_solve-lower": lambda s: s.cho_solve(s.cho_factor(S, lower=True), W),
    "lu": lambda s: s.lu(M), "lu-permuted": lambda s: s.lu(M[:, :2], permute_l=True),
    "lu-wide": lambda s: s.lu(M[:2]),
    "lu_solve": lambda s: s.lu_solve(s.lu_factor(M), V),
    "lu_solve-t": lambda s: s.lu_solve(s.lu_factor(M), W, trans=1),
    "qr": lambda s: s.qr(M[:, :2]), "qr-economic": lambda s: s.qr(M[:, :2], mode="economic"),
    "qr-r": lambda s: s.qr(M, mode="r"), "svd": lambda s: s.svd(M, compute_uv=False),
    "eigh": lambda s: s.eigh(S, eigvals_only=True), "det": lambda s: s.det(M),
    "inv": lambda s: s.inv(M), "solve": lambda s: s.solve(M, W),
    "solve-pos": lambda s: s.solve(S, V, assume_a="pos"),
    "solve_triangular": lambda s: s.solve_triangular(M, V),
    "solve_triangular-lower": lambda s: s.solve_triangular(M, W, lower=True),
    "solve_triangular-t": lambda s: s.solve_triangular(M, V, trans="T", unit_diagonal=True),
    "expm": lambda s: s.expm(M / 4), "expm-large": lambda s: s.expm(M - 3 * np.eye(4)),
    "expm-stack": lambda s: s.expm(np.stack([M / 9, S / 40])),
    "block_diag": lambda s: s.block_diag(M, V, 2.0, W), "toeplitz": lambda s: s.toeplitz(V),
    "toeplitz-row": lambda s: s.toeplitz(V, W[:, 0]), "hilbert": lambda s: s.hilbert(3),
    "polar": lambda s: s.polar(M), "polar-left": lambda s: s.polar(M, side="left"),
}


N = S + np.triu(W @ W.T, 1) / 9  # not quite symmetric: which triangle is read?
TRIANGLES: dict[str, Callable] = {
    "jnp": lambda jax, a: jax.numpy.linalg.cholesky(a),
    "jnp-upper": lambda jax, a: jax.numpy.linalg.cholesky(a, upper=True),
    "jnp-lower-alone": lambda jax, a: jax.numpy.linalg.cholesky(a, symmetrize_input=False),
    "lax": lambda jax, a: jax.lax.linalg.cholesky(a),
    "upper": lambda jax, a: jax.scipy.linalg.cholesky(a),
    "lower": lambda jax, a: jax.scipy.linalg.cholesky(a, lower=True),
    "solve-upper": lambda jax, a: jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(a), V),
    "solve-lower": lambda jax, a: jax.scipy.linalg.cho_solve(
        jax.scipy.linalg.cho_factor(a, lower=True), W),
    "factor": lambda jax, a: jax.scipy.linalg.cho_solve((a, False), V),
    "solve-pos": lambda jax, a: jax.scipy.linalg.solve(a, V, assume_a="pos"),
    "solve-pos-lower": lambda jax, a: jax.scipy.linalg.solve(a, W, assume_a="pos", lower=True),
    "normal": lambda jax, a: jax.scipy.stats.multivariate_normal.logpdf(V, V * 0, a),
}


def and_derivatives(J: Any, f: Callable) -> Callable:
    f = functools.partial(f, J)
    return lambda a: [f(a), J.jacrev(f)(a), J.jacfwd(f)(a)]


NOT_IN_JAX = ("toeplitz-row", "polar-left")
FACTORS = Oracle({n: (functools.partial(f, jax.scipy.linalg),) for n, f in LINALG.items()})
READ = Oracle({n: (and_derivatives(jax, f), N) for n, f in TRIANGLES.items()})


class TestLinalg:
    @pytest.mark.parametrize("name", TRIANGLES)
    def test_cholesky_reads_what_jax_reads(self, name: str) -> None:
        """For a matrix that is not symmetric, and so for every gradient."""
        for got, want in zip(and_derivatives(minijax, TRIANGLES[name])(N), READ[name]):
            close(got, want, 1e-3)

    @pytest.mark.parametrize("shapes", [((2, 4, 4), (4,)), ((2, 4, 4), (2, 4)),
                                        ((4, 4), (2, 4, 3)), ((2, 4, 4), (4, 2))])
    def test_stacks_of_triangles(self, shapes: Any) -> None:
        a, b = (np.cos(np.arange(np.prod(s), dtype=np.float32)).reshape(s) for s in shapes)
        a = a + 3 * np.eye(4, dtype=np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # JAX warns of stacks of vectors
            for f in (lambda s: s.solve_triangular(a, b, trans="T"),
                      lambda s: s.cho_solve((a, True), b)):
                close(f(ours.linalg), f(jax.scipy.linalg), 1e-3)

    @pytest.mark.parametrize("name", LINALG)
    def test_values(self, name: str) -> None:
        got = LINALG[name](ours.linalg)
        want = LINALG[name](scipy.linalg) if name in NOT_IN_JAX else FACTORS[name]
        for g, w in zip(got if isinstance(got, tuple) else [got],
                        want if isinstance(want, tuple) else [want]):
            close(g, w, 1e-3)

    def test_factors_give_the_matrix_back(self) -> None:
        p, l, u = map(np.asarray, ours.linalg.lu(M))  # noqa: E741
        close(p @ l @ u, M)
        u, s, vh = map(np.asarray, ours.linalg.svd(M))
        close(u * s @ vh, M, 1e-4)
        w, v = map(np.asarray, ours.linalg.eigh(S))
        close(v * w @ v.T, S, 1e-4)

    def test_gradient_of_the_exponential(self) -> None:
        def total(J: Any, a: Any) -> Any:
            return J.numpy.sum(J.scipy.linalg.expm(a) ** 2)

        close(minijax.grad(lambda a: total(minijax, a))(M / 8),
              compiled(jax.grad(lambda a: total(jax, a)))(M / 8), 1e-3)

    def test_misuse(self) -> None:
        for f in (lambda s: s.expm(M[:2]), lambda s: s.qr(M, mode="x"),
                  lambda s: s.solve_triangular(M, V, trans="x"),
                  lambda s: s.block_diag(np.ones((1, 1, 1))), lambda s: s.polar(M, side="x")):
            for s in (jax.scipy.linalg, ours.linalg):
                with pytest.raises(ValueError):
                    f(s)


def test_trapezoid() -> None:
    y, x = rng.normal(size=(3, 5)).astype(np.float32), np.float32([0, 1, 3, 4, 6])
    for args in ((y,), (y, x), (y, None, 0.5), (y, None, 1.0, 0)):
        close(ours.integrate.trapezoid(*args), jax.scipy.integrate.trapezoid(*args))
