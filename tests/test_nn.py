"""`nn` against JAX: values, dtypes, derivatives, printed programs, initial weights to the bit."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np
import pytest

import minijax
from minijax import dtypes
from tests.both import Oracle, compiled
from tests.test_jaxpr_text import normal as normal_form
from tests.tiers import thinned

KEY = np.array([3, 5], np.uint32)
X = np.float32([[-30.0, -4.5, -1.0, -0.3], [0.2, 0.7, 1.0, 4.0], [5.5, 6.5, 9.0, 80.0]])
MASK = np.array([[True, False, True, True], [True, True, True, False], [True, True, True, True]])


def close(got: Any, want: Any, rtol: float = 2e-6) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(got.astype(wide), want.astype(wide), rtol=rtol, atol=rtol)


def named(table: Iterable[str]) -> Any:
    return pytest.mark.parametrize("name", table)


# --- activations -------------------------------------------------------------------------------

PLAIN = ["celu", "elu", "gelu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "identity",
         "leaky_relu", "log_sigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
         "soft_sign", "softplus", "sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh",
         "softmax", "log_softmax", "standardize"]
FUNCTIONS: dict[str, Callable] = {n: lambda nn, x, n=n: getattr(nn, n)(x) for n in PLAIN} | {
    "gelu-exact": lambda nn, x: nn.gelu(x, approximate=False),
    "leaky_relu-slope": lambda nn, x: nn.leaky_relu(x, 0.3),
    "elu-alpha": lambda nn, x: nn.elu(x, 0.5),
    "celu-alpha": lambda nn, x: nn.celu(x, 0.5),
    "squareplus-b": lambda nn, x: nn.squareplus(x, 2.0),
    "glu": lambda nn, x: nn.glu(x),
    "glu-axis": lambda nn, x: nn.glu(x.T, axis=0),
    "logsumexp": lambda nn, x: nn.logsumexp(x),
    "logsumexp-axis": lambda nn, x: nn.logsumexp(x, axis=0),
    "logsumexp-keepdims": lambda nn, x: nn.logsumexp(x, axis=(0, 1), keepdims=True),
    "logsumexp-b": lambda nn, x: nn.logsumexp(x, axis=1, b=np.float32([1, 2, 0, 3])),
    "logsumexp-where": lambda nn, x: nn.logsumexp(x, axis=1, where=MASK),
    "logmeanexp": lambda nn, x: nn.logmeanexp(x, axis=1),
    "logmeanexp-where": lambda nn, x: nn.logmeanexp(x, where=MASK, keepdims=True),
    "softmax-axes": lambda nn, x: nn.softmax(x, axis=(0, 1)),
    "softmax-where": lambda nn, x: nn.softmax(x, where=MASK),
    "log_softmax-axis": lambda nn, x: nn.log_softmax(x, axis=0),
    "standardize-axis": lambda nn, x: nn.standardize(x, axis=0, epsilon=0.1),
    "standardize-stable": lambda nn, x: nn.standardize(x, algorithm="stable"),
    "standardize-given": lambda nn, x: nn.standardize(x, mean=np.float32(1), variance=x * 0 + 2),
    "standardize-where": lambda nn, x: nn.standardize(x, where=MASK),
}


def gradient(J: Any, name: str) -> Callable:
    return J.grad(lambda x: J.numpy.sum(J.numpy.cos(FUNCTIONS[name](J.nn, x))))


VALUES = Oracle({n: (functools.partial(f, jax.nn), X) for n, f in FUNCTIONS.items()})
GRADIENTS = Oracle({n: (gradient(jax, n), X) for n in FUNCTIONS})
POINTS = {d: np.array([-3, -1, 0, 1, 2, 7], d) for d in ("float16", "bfloat16", "float64", "int32")}
NARROW = {d: Oracle({n: (getattr(jax.nn, n), x) for n in PLAIN}) for d, x in POINTS.items()}
SCALARS = Oracle({n: (getattr(jax.nn, n), 0.5) for n in PLAIN})


class TestFunctions:
    @named(FUNCTIONS)
    def test_values(self, name: str) -> None:
        close(FUNCTIONS[name](minijax.nn, X), VALUES[name])

    @named(FUNCTIONS)
    def test_derivatives(self, name: str) -> None:
        got = gradient(minijax, name)(X)
        close(got, GRADIENTS[name], 2e-5)
        assert np.isfinite(np.asarray(got)).all()

    @named(FUNCTIONS)
    def test_batches(self, name: str) -> None:
        f = FUNCTIONS[name]
        batch = np.stack([X, -X, 0.1 * X])
        want = np.stack([np.asarray(f(minijax.nn, x)) for x in batch])
        close(minijax.vmap(lambda x: f(minijax.nn, x))(batch), want)
        close(minijax.jit(minijax.vmap(lambda x: f(minijax.nn, x)))(batch), want)

    @pytest.mark.parametrize("dtype", NARROW)
    @pytest.mark.parametrize("name", [n for n in PLAIN if n != "standardize"])
    def test_dtypes(self, name: str, dtype: str) -> None:
        f, x = getattr(minijax.nn, name), POINTS[dtype]
        with jax.enable_x64(dtype == "float64"), minijax.enable_x64(dtype == "float64"):
            if dtype == "int32" and name in ("sigmoid", "silu", "swish"):
                for call in (lambda: f(x), lambda: NARROW[dtype][name]):
                    with pytest.raises(TypeError, match="does not accept dtype int32"):
                        call()
                return
            got, want = f(x), NARROW[dtype][name]
            eps = float(dtypes.finfo(want.dtype).eps) if dtypes.is_inexact(want.dtype) else 0
            close(got, want, 8 * eps)
            assert got.weak_type == want.weak_type

    @pytest.mark.parametrize("name", PLAIN)
    def test_python_scalars(self, name: str) -> None:
        if name not in ("softmax", "log_softmax", "standardize", "hard_sigmoid"):
            got, want = getattr(minijax.nn, name)(0.5), SCALARS[name]
            close(got, want)
            assert got.weak_type == want.weak_type

    def test_extremes(self) -> None:
        """Where the obvious formula overflows, value and gradient stay finite."""
        for x in (-1e4, 1e4):
            for name in ("softplus", "log_sigmoid", "sigmoid", "silu", "elu", "selu", "gelu",
                         "logsumexp"):
                f = getattr(minijax.nn, name)
                assert np.isfinite(f(x)) and np.isfinite(minijax.grad(f)(x)), name
        assert float(minijax.nn.logsumexp(np.float32([-np.inf, -np.inf]))) == -np.inf
        assert float(minijax.nn.logsumexp(np.float32([np.inf, 0]))) == np.inf
        close(minijax.nn.softmax(np.float32([1e4, 1e4])), np.float32([0.5, 0.5]))

    def test_derivatives_at_corners(self) -> None:
        for name, x, want in [("relu", 0.0, 0.0), ("relu6", 0.0, 0.0), ("relu6", 6.0, 0.0),
                              ("leaky_relu", 0.0, 1.0)]:
            assert float(minijax.grad(getattr(minijax.nn, name))(x)) == want
            assert float(jax.grad(getattr(jax.nn, name))(x)) == want

    def test_sign_of_a_sum(self) -> None:
        a, b = np.float32([0.5, 2.0]), np.float32([1.0, -3.0])
        got, want = (J.nn.logsumexp(a, b=b, return_sign=True) for J in (minijax, jax))
        for g, w in zip(got, want):
            close(g, w)
        assert np.isnan(minijax.nn.logsumexp(a, b=b)) and np.isnan(jax.nn.logsumexp(a, b=b))

    def test_complex_logsumexp(self) -> None:
        z = np.complex64([1 + 2j, 3 - 1j])
        close(minijax.nn.logsumexp(z), jax.nn.logsumexp(z))

    @pytest.mark.parametrize("axis", [0, 1, -1])
    @pytest.mark.parametrize("dtype", [None, "int32", "bfloat16"])
    def test_one_hot(self, axis: int, dtype: Any) -> None:
        x = np.array([0, 2, 5, -1])
        got, want = (J.nn.one_hot(x, 3, axis=axis, dtype=dtype) for J in (minijax, jax))
        close(got, want)

    def test_log1mexp(self) -> None:
        x = np.float32([1e-6, 0.5, 3, 40])
        close(minijax.nn.log1mexp(x), jax.nn.log1mexp(x))
        close(minijax.vmap(minijax.grad(minijax.nn.log1mexp))(x),
              jax.vmap(jax.grad(jax.nn.log1mexp))(x), 1e-5)

    def test_misuse(self) -> None:
        with pytest.raises(ValueError, match=r"halves axis -1, but x has shape \(3,\)"):
            minijax.nn.glu(np.ones(3, np.float32))
        with pytest.raises(ValueError, match="Unknown algorithm 'x'"):
            minijax.nn.standardize(X, algorithm="x")
        for f in (minijax.nn.elu, minijax.nn.softmax, minijax.nn.logsumexp):
            with pytest.raises(TypeError):
                f([1.0, 2.0])


PRINTED = ["relu", "relu6", "softmax", "logsumexp", "log_softmax", "silu", "gelu", "sigmoid", "elu",
           "selu", "celu", "leaky_relu", "hard_tanh", "hard_sigmoid", "softplus", "soft_sign",
           "log_sigmoid", "mish", "squareplus", "standardize", "identity", "sparse_plus"]


class TestText:
    @pytest.mark.parametrize("name", PRINTED)
    def test_programs_print_as_in_jax(self, name: str) -> None:
        ours, theirs = (normal_form(str(J.make_jaxpr(getattr(J.nn, name))(X)))
                        for J in (minijax, jax))
        assert ours == theirs

    def test_one_hot(self) -> None:
        ours, theirs = (normal_form(str(J.make_jaxpr(lambda x, J=J: J.nn.one_hot(x, 5))(
            np.arange(3, dtype=np.int32)))) for J in (minijax, jax))
        assert ours == theirs


# --- attention ---------------------------------------------------------------------------------

rng = np.random.default_rng(0)
Q = rng.normal(size=(2, 5, 4, 8)).astype(np.float32)
K, V = rng.normal(size=(2, 2, 6, 4, 8)).astype(np.float32)
K2, V2 = K[:, :, :2], V[:, :, :2]  # two heads of keys for four of queries
ATTENTION: dict[str, Callable] = {
    "plain": lambda f, q, k, v: f(q, k, v),
    "no-batch": lambda f, q, k, v: f(q[0], k[0], v[0]),
    "grouped": lambda f, q, k, v: f(q, k[:, :, :2], v[:, :, :2]),
    "causal": lambda f, q, k, v: f(q, k, v, is_causal=True),
    "scale": lambda f, q, k, v: f(q, k, v, scale=0.1),
    "bias": lambda f, q, k, v: f(q, k, v, rng_bias()),
    "mask": lambda f, q, k, v: f(q, k, v, mask=rng_bias() > 0),
    "mask-head": lambda f, q, k, v: f(q, k[:, :, :2], v[:, :, :2], mask=rng_bias() > 0,
                                         bias=rng_bias()),
    "mask-one": lambda f, q, k, v: f(q, k, v, mask=rng_bias()[:, :1] > 0),
    "window": lambda f, q, k, v: f(q, k, v, local_window_size=1),
    "windows": lambda f, q, k, v: f(q, k, v, local_window_size=(2, 0), is_causal=True),
    "lengths": lambda f, q, k, v: f(q, k, v, query_seq_lengths=np.int32([3, 5]),
                                    key_value_seq_lengths=np.int32([6, 2])),
    "nothing-seen": lambda f, q, k, v: f(q, k, v, mask=np.zeros((1, 1, 5, 6), bool)),
}


def rng_bias() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(2, 4, 5, 6)).astype(np.float32)


ATTENDED = Oracle({n: (functools.partial(f, jax.nn.dot_product_attention), Q, K, V)
                   for n, f in ATTENTION.items()})


class TestAttention:
    @named(ATTENTION)
    def test_values(self, name: str) -> None:
        close(ATTENTION[name](minijax.nn.dot_product_attention, Q, K, V), ATTENDED[name], 1e-5)

    def test_gradients(self) -> None:
        def total(J: Any, q: Any, k: Any, v: Any) -> Any:
            return J.numpy.sum(J.nn.dot_product_attention(q, k, v, is_causal=True) ** 2)

        got = minijax.grad(lambda *a: total(minijax, *a), (0, 1, 2))(Q, K2, V2)
        for g, w in zip(got, compiled(jax.grad(lambda *a: total(jax, *a), (0, 1, 2)))(Q, K2, V2)):
            close(g, w, 1e-4)

    def test_half_precision(self) -> None:
        args = [x.astype(np.float16) for x in (Q, K, V)]
        close(minijax.nn.dot_product_attention(*args), jax.nn.dot_product_attention(*args), 4e-3)

    @pytest.mark.parametrize("args", [(Q, K, V[:, :3]), (Q[..., :4], K, V), (Q[:, :, :3], K2, V2),
                                      (Q, K, V.astype(np.float16)), (Q[:1], K, V)])
    def test_misuse(self, args: Any) -> None:
        for J in (jax, minijax):
            with pytest.raises(ValueError):
                J.nn.dot_product_attention(*args)


# --- initializers ------------------------------------------------------------------------------

EXACT: dict[str, Callable] = {
    "zeros": lambda i: i.zeros, "ones": lambda i: i.ones, "constant": lambda i: i.constant(0.3),
    "uniform": lambda i: i.uniform(), "uniform-scale": lambda i: i.uniform(2.0),
    "normal": lambda i: i.normal(), "normal-stddev": lambda i: i.normal(0.5),
    "glorot_uniform": lambda i: i.glorot_uniform(), "he_uniform": lambda i: i.he_uniform(),
    "xavier_uniform": lambda i: i.xavier_uniform(), "lecun_uniform": lambda i: i.lecun_uniform(),
    "kaiming_uniform": lambda i: i.kaiming_uniform(),
    "axes": lambda i: i.glorot_uniform(in_axis=0, out_axis=1),
    "batch": lambda i: i.variance_scaling(2.0, "fan_avg", "normal", batch_axis=0),
    "several": lambda i: i.variance_scaling(1.0, "fan_out", "uniform", in_axis=(0, 1)),
    "geo": lambda i: i.variance_scaling(1.0, "fan_geo_avg", "normal"),
}
CLOSE: dict[str, Callable] = {
    "truncated_normal": lambda i: i.truncated_normal(),
    "truncated_normal-at": lambda i: i.truncated_normal(0.5, lower=-1.0, upper=3.0),
    "glorot_normal": lambda i: i.glorot_normal(), "he_normal": lambda i: i.he_normal(),
    "xavier_normal": lambda i: i.xavier_normal(), "lecun_normal": lambda i: i.lecun_normal(),
    "kaiming_normal": lambda i: i.kaiming_normal(),
    "orthogonal": lambda i: i.orthogonal(2.0),
    "orthogonal-axis": lambda i: i.orthogonal(column_axis=1),
    "delta_orthogonal": lambda i: i.delta_orthogonal(),
}


def both(f: Callable) -> tuple[Callable, Callable]:
    return f(minijax.nn.initializers), f(jax.nn.initializers)


def drawn(table: dict[str, Callable], shape: tuple[int, ...], *dtype: Any) -> Oracle:
    return Oracle({n: (lambda key, f=f: f(jax.nn.initializers)(key, shape, *dtype), KEY)
                   for n, f in table.items()})


NEAR = drawn(CLOSE, (3, 4, 5))
TYPED = {n: f for n, f in (EXACT | CLOSE).items() if "orthogonal" not in n}
WIDTHS = {d: (drawn(TYPED, (2, 3, 4), d), rtol) for d, rtol in [
    ("float64", 1e-12), ("bfloat16", 5e-2), ("float16", 5e-3), (np.float32, 1e-5)]}


class TestInitializers:
    @pytest.mark.parametrize("case", thinned(
        itertools.product(EXACT, [(4, 3, 5), (1000, 3, 7)]), kind=lambda c: c[0],
        name=lambda c: f"{c[0]}-{c[1]}"))
    def test_equal(self, case: tuple) -> None:
        """To the bit, so not with a compiler that makes one loop of several operations."""
        name, shape = case
        got, want = (np.asarray(init(KEY, shape)) for init in both(EXACT[name]))
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)

    @named(CLOSE)
    def test_close(self, name: str) -> None:
        close(CLOSE[name](minijax.nn.initializers)(KEY, (3, 4, 5)), NEAR[name], 1e-5)

    @named(TYPED)
    def test_dtypes(self, name: str) -> None:
        init = TYPED[name](minijax.nn.initializers)
        with jax.enable_x64(True), minijax.enable_x64(True):
            for dtype, (theirs, rtol) in WIDTHS.items():
                close(init(KEY, (2, 3, 4), dtype), theirs[name], rtol)

    @pytest.mark.parametrize("distribution", ["uniform", "normal", "truncated_normal"])
    def test_complex(self, distribution: str) -> None:
        ours, theirs = both(lambda i: i.variance_scaling(1.0, "fan_in", distribution))
        close(ours(KEY, (4, 3), "complex64"),
              compiled(lambda key: theirs(key, (4, 3), "complex64"))(KEY), 1e-5)

    @pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 4, 4)])
    def test_orthogonal_is_orthogonal(self, shape: tuple) -> None:
        w = np.asarray(minijax.nn.initializers.orthogonal()(KEY, shape)).reshape(-1, shape[-1])
        gram = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-5)

    def test_variance(self) -> None:
        for name, want in [("glorot_normal", 2 / 500), ("he_normal", 2 / 300),
                           ("lecun_uniform", 1 / 300), ("he_uniform", 2 / 300)]:
            w = np.asarray(getattr(minijax.nn.initializers, name)()(KEY, (300, 200)))
            assert np.var(w) == pytest.approx(want, rel=0.05)

    def test_under_transformations(self) -> None:
        init = minijax.nn.initializers.glorot_uniform()
        keys = minijax.random.split(minijax.random.key(0), 3)
        stacked = minijax.vmap(lambda k: init(k, (2, 3)))(keys)
        close(stacked, np.stack([np.asarray(init(k, (2, 3))) for k in keys]))
        close(minijax.jit(init, static_argnums=1)(KEY, (2, 3)), init(KEY, (2, 3)))

    def test_misuse(self) -> None:
        for make, shape, message in [
                (lambda i: i.glorot_uniform(), (3,), "Must be at least 2D"),
                (lambda i: i.variance_scaling(1.0, "fan", "normal"), (3, 2), "invalid mode"),
                (lambda i: i.variance_scaling(1.0, "fan_in", "x"), (3, 2), "invalid distribution"),
                (lambda i: i.orthogonal(), (3,), "at least a 2D shape"),
                (lambda i: i.delta_orthogonal(), (3, 2), "3D, 4D or 5D"),
                (lambda i: i.delta_orthogonal(), (3, 3, 2), "fan_in")]:
            ours, theirs = both(make)
            with pytest.raises(ValueError):
                theirs(KEY, shape)
            with pytest.raises(ValueError, match=message):
                ours(KEY, shape)
