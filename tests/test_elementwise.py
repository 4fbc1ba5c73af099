"""Elementwise operations where numbers are special, narrow or of the wrong kind."""

from __future__ import annotations

import itertools

import jax
import ml_dtypes
import numpy as np
import pytest

import minijax
from minijax import lax
from minijax.compiler.executable import compile_after
from minijax.families import Elementwise
from minijax.lax import xla_float32
from tests.both import Oracle

# --- special points ----------------------------------------------------------------------------
# Subnormal numbers are left out: XLA replaces them by zero, NumPy computes with them.

POINTS = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 10.0,
          -10.0, 80.0, -80.0]
UNARY = ("neg abs sign floor ceil round is_finite square sqrt rsqrt cbrt exp exp2 expm1 log log1p "
         "logistic sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh lgamma digamma erf "
         "erfc erf_inv bessel_i0e bessel_i1e reciprocal").split()
BINARY = "add sub mul div rem max min pow atan2 eq ne lt le gt ge nextafter".split()
WIDTHS = {"float32": 1e-5, "float64": 1e-12, "float16": 2e-3, "bfloat16": 2e-2}


def check(got, want, rtol: float) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype
    if got.dtype != bool:
        got, want = got.astype(np.float64), want.astype(np.float64)
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol / 10)


def points(name: str, dtype: str) -> list[np.ndarray]:
    """The operands: each point, or each pair of points."""
    if name in BINARY:
        return list(np.array(list(itertools.product(POINTS, POINTS))).astype(dtype).T)
    return [np.array(POINTS[:-4] if name == "exp2" else POINTS).astype(dtype)]  # XLA rounds log(2)


AT_POINTS = {d: Oracle({n: (getattr(jax.lax, n), *points(n, d)) for n in UNARY + BINARY})
             for d in WIDTHS}


@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize("name", UNARY + BINARY)
def test_special_points(name, dtype):
    with jax.enable_x64(True), minijax.enable_x64(True):
        check(getattr(lax, name)(*points(name, dtype)), AT_POINTS[dtype][name], WIDTHS[dtype])


def slope(J, name, dtype):
    """The operation's tangent, at two points and as a function of them."""
    def f(x):
        return J.jvp(getattr(J.lax, name), (x,), (J.numpy.ones_like(x),))[1]

    return f, np.array([1.25, 1.5] if name == "acosh" else [0.25, 0.75]).astype(dtype)


SMOOTH = [n for n in UNARY if n not in ("is_finite", "sign")]
SLOPES = {d: Oracle({n: slope(jax, n, d) for n in SMOOTH})
          for d in ("float32", "float16", "bfloat16")}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("dtype", SLOPES)
def test_derivatives_in_narrow_dtypes(name, dtype):
    f, x = slope(minijax, name, dtype)
    check(f(x), SLOPES[dtype][name], 2 * WIDTHS[dtype])


@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_share_the_derivative(name):
    x, y = np.float32([1, 2, 2, np.nan]), np.float32([2, 2, 1, 0])
    for argnum in (0, 1):
        got, want = (library.vjp(getattr(library.lax, name), x, y)[1](np.ones_like(x))[argnum]
                     for library in (minijax, jax))
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("f", [
    lambda lax, x: lax.abs(x), lambda lax, x: lax.pow(x, 0), lambda lax, x: lax.pow(x, 1),
    lambda lax, x: lax.integer_pow(x, 2), lambda lax, x: lax.clamp(0.0, x, 1.0),
    lambda lax, x: lax.pow(x, 2.0), lambda lax, x: lax.mul(x, lax.sign(x))])
def test_derivatives_at_zero(f):
    x = np.float32([0.0, -0.0])
    got, want = (library.vjp(lambda x, lax=library.lax: f(lax, x), x)[1](np.ones_like(x))[0]
                 for library in (minijax, jax))
    np.testing.assert_array_equal(got, want)


def test_gradients_of_weak_types_are_weak():
    for name in UNARY:
        if name in ("is_finite", "nextafter"):
            continue
        x = 1.5 if name == "acosh" else 0.5
        got = minijax.grad(getattr(minijax.lax, name))(x)
        want = jax.eval_shape(jax.grad(getattr(jax.lax, name)), x)
        assert got.weak_type == want.weak_type, name


@pytest.mark.parametrize("name", ["gcd", "lcm"])
@pytest.mark.parametrize("dtype", ["int32", "uint8"])
def test_common_divisors_and_multiples(name, dtype):
    """They are one operation here, a loop in JAX."""
    x, y = np.array([[12, 7, 0, 0, 10]], dtype), np.array([[18], [5], [0]], dtype)
    ours, theirs = getattr(minijax.numpy, name), getattr(jax.numpy, name)
    want = np.asarray(theirs(x, y))
    for f in (ours, minijax.jit(ours), minijax.vmap(ours, (None, 0))):
        got = np.asarray(f(x, y))
        np.testing.assert_array_equal(got.reshape(want.shape), want)
        assert got.dtype == want.dtype


# --- the last places -----------------------------------------------------------------------------

# Units in the last place between us and JAX, for arrays that are printed whole and for large ones.
# Those above 4 are XLA's own: its tanh, sinh, expm1, exp2, erf are rough.
ULPS = {
    "exp": (1, 2), "log": (2, 2), "log1p": (2, 3), "sin": (1, 1), "cos": (1, 1), "tan": (1, 3),
    "atan": (1, 2), "cbrt": (1, 2), "asin": (2, 4), "acos": (2, 3), "asinh": (3, 3),
    "acosh": (3, 3), "atanh": (3, 3), "logistic": (2, 4), "rsqrt": (2, 3), "tanh": (5, 5),
    "sinh": (9, 9), "cosh": (9, 9), "expm1": (6, 7), "exp2": (70, 70), "sqrt": (0, 0),
    "erf": (5, 5), "erf_inv": (0, 0)}
RANGES = {"exp": (-80, 80), "log": (1e-6, 1e6), "log1p": (-0.99, 100), "tan": (-20, 20),
          "asin": (-1, 1), "acos": (-1, 1), "acosh": (1, 100), "atanh": (-1, 1), "exp2": (-99, 99),
          "rsqrt": (1e-3, 100), "sqrt": (0, 100), "sin": (-1e3, 1e3), "cos": (-1e3, 1e3),
          "erf_inv": (-1, 1), "erf": (-5, 5)}


def ulps(x: np.ndarray, y: np.ndarray) -> int:
    """How many float32 numbers lie between x and y, at most."""
    x, y = (np.asarray(z, np.float32).view(np.int32).astype(np.int64) for z in (x, y))
    x, y = (np.where(z < 0, -(z & 0x7FFFFFFF), z) for z in (x, y))
    return int(np.abs(x - y).max())


@pytest.mark.parametrize("name", ULPS)
def test_how_far_from_xla(name):
    rng, (low, high) = np.random.default_rng(0), RANGES.get(name, (-10, 10))
    x = rng.uniform(low, high, 100_000).astype(np.float32)
    x = np.concatenate([x, (x * rng.uniform(0, 1, x.size) ** 3).astype(np.float32)])
    x = np.maximum(x, low) if low > 0 else x
    want = np.asarray(getattr(jax.lax, name)(x))
    pieces = [np.asarray(getattr(lax, name)(x[i: i + 1000])) for i in range(0, x.size, 10_000)]
    small, large = ULPS[name]
    assert ulps(np.concatenate(pieces), want.reshape(-1, 10, 1000)[:, 0].ravel()) <= small
    assert ulps(getattr(lax, name)(x), want) <= large


@pytest.mark.parametrize("name", ["exp", "log", "log1p", "erf", "erf_inv"])
def test_random_numbers_are_made_of_xla_s_own_bits(name):
    rng = np.random.default_rng(1)
    low, high = {"exp": (-104, 92), "log": (0, 1e6), "log1p": (-1, 100), "erf": (-5, 5)}.get(
        name, (-1, 1))
    x = rng.uniform(low, high, 200_000)
    x = np.concatenate([x, x * rng.uniform(0, 1, x.size) ** 20, [0.0, 1.0, 2.0, np.inf, np.nan]])
    x = x[(np.abs(x) > 1e-37) | (x == 0)].astype(np.float32)  # XLA has no subnormal numbers
    with np.errstate(all="ignore"):  # as wherever operations are computed
        np.testing.assert_array_equal(getattr(xla_float32, name)(x), getattr(jax.lax, name)(x))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("shapes", [((5, 7), ()), ((5, 7), (5, 1)), ((5, 1), (1, 7)), ((7,), (7,)),
                                    ((), (7,)), ((), ()), ((1,), ())])
def test_floats_are_divided_as_on_xla(shapes, dtype):
    """By a divisor that is for several of them, and by a constant: with its reciprocal."""
    rng = np.random.default_rng(2)
    x, y = (rng.uniform(0.1, 9, s).astype(dtype) for s in shapes)
    with jax.enable_x64(True), minijax.enable_x64(True):
        for divide in (lambda J: J.lax.div(x, y), lambda J: J.jit(J.lax.div)(x, y),
                       lambda J: J.jit(lambda x: x / 3.7)(x), lambda J: J.numpy.asarray(x) / 10):
            np.testing.assert_array_equal(divide(minijax), divide(jax))


# --- misuse ------------------------------------------------------------------------------------


@pytest.mark.parametrize("misuse", [
    lambda lax, jnp: lax.sin(jnp.arange(3)),
    lambda lax, jnp: lax.add(jnp.ones(3), jnp.arange(3)),
    lambda lax, jnp: lax.add(1, 2.0),
    lambda lax, jnp: lax.neg(True),
    lambda lax, jnp: lax.add(jnp.ones(3), jnp.ones(2)),
    lambda lax, jnp: lax.abs(jnp.uint8(3)),
    lambda lax, jnp: lax.lt(jnp.complex64(1), jnp.complex64(1)),
    lambda lax, jnp: lax.shift_left(jnp.ones(3), jnp.ones(3)),
    lambda lax, jnp: lax.pow(jnp.arange(3), jnp.ones(3)),
    lambda lax, jnp: lax.integer_pow(jnp.arange(3), -1),
    lambda lax, jnp: lax.clamp(jnp.zeros(2), jnp.ones(3), jnp.ones(2)),
    lambda lax, jnp: lax.real(jnp.ones(3)),
    lambda lax, jnp: lax.select(jnp.array([True, False]), jnp.ones(3), jnp.ones(3)),
    lambda lax, jnp: lax.select(jnp.ones(3), jnp.ones(3), jnp.ones(3)),
    lambda lax, jnp: lax.round(jnp.ones(3), 5),
    lambda lax, jnp: lax.reduce_precision(jnp.ones(3), 0, 1),
    lambda lax, jnp: lax.reduce_precision(jnp.ones(3), 1.5, 1),
])
def test_errors_are_jax_s(misuse):
    """The class, and the first sentence up to the kinds that it lists, in JAX's words."""
    with pytest.raises(Exception) as ours:
        misuse(minijax.lax, minijax.numpy)
    with pytest.raises(Exception) as theirs:
        misuse(jax.lax, jax.numpy)
    assert issubclass(ours.type, theirs.type)
    first = [str(e.value).split(". ")[0].split("subtypes of")[0] for e in (ours, theirs)]
    assert first[0] == first[1]


def test_complex_numbers_have_no_narrow_parts():
    for misuse in (lambda lax, x: lax.complex(x, x), lambda lax, x: lax.conj(x)):
        for library in (minijax, jax):
            with pytest.raises(TypeError, match="float32.*float64"):
                misuse(library.lax, library.numpy.float16(1))


def test_division_is_not_linear_in_the_denominator():
    for f in (lambda y: lax.div(1.0, y), lax.sin):
        with pytest.raises((RuntimeError, NotImplementedError)):
            minijax.linear_transpose(f, 1.0)(1.0)


# --- a new operation ---------------------------------------------------------------------------


def test_a_new_operation_is_one_line():
    """And works under every transformation, to any order."""
    cube = Elementwise("cube", lambda x: x * x * x, lambda out, x: 3.0 * x * x)

    jnp, x = minijax.numpy, np.float32([1, 2, 3])
    np.testing.assert_array_equal(cube(x), x ** 3)
    np.testing.assert_array_equal(minijax.jit(cube)(x), x ** 3)
    assert minijax.eval_shape(cube, x) == minijax.ShapeDtypeStruct((3,), np.float32)
    assert "cube" in str(minijax.make_jaxpr(cube)(x))
    for reverse, forward in itertools.product((minijax.grad, minijax.jacrev), (minijax.jacfwd,)):
        assert reverse(cube)(2.0) == forward(cube)(2.0) == 12
        assert reverse(forward(cube))(2.0) == forward(reverse(cube))(2.0) == 12
    assert minijax.grad(minijax.grad(minijax.grad(cube)))(2.0) == 6
    np.testing.assert_array_equal(minijax.vmap(minijax.grad(cube))(x), 3 * x ** 2)
    np.testing.assert_array_equal(
        minijax.grad(lambda x: jnp.sum(minijax.jit(minijax.vmap(cube))(x)))(x), 3 * x ** 2)
    np.testing.assert_array_equal(minijax.hessian(lambda x: jnp.sum(cube(x)))(x), np.diag(6 * x))
    assert minijax.linearize(cube, 2.0)[1](1.0) == 12
    assert cube(ml_dtypes.bfloat16(2)).dtype == ml_dtypes.bfloat16
    with pytest.raises(TypeError, match="cube does not accept dtype int32"):
        cube(np.arange(3))


def test_a_new_operation_of_two_arguments_is_one_line():
    """Its operands broadcast, and it may have parameters."""
    blend = Elementwise("blend", lambda x, y, w: w * x + (1 - w) * y,
                        lambda out, x, y, w: w, lambda out, x, y, w: 1 - w)

    x, y = np.float32([[1], [2]]), np.float32([[3, 4, 5]])
    np.testing.assert_array_equal(blend(x, y, w=0.25), 0.25 * x + 0.75 * y)
    ct_x, ct_y = minijax.vjp(lambda x, y: blend(x, y, w=0.25), x, y)[1](np.ones((2, 3), "float32"))
    np.testing.assert_array_equal(ct_x, np.full((2, 1), 0.75))
    np.testing.assert_array_equal(ct_y, np.full((1, 3), 1.5))
    rows = minijax.vmap(lambda a: blend(a, y[0], w=0.5))(x[:, 0])
    np.testing.assert_array_equal(rows, 0.5 * x + 0.5 * y)


# --- zeros of both signs -------------------------------------------------------------------------

ZEROS = np.array([-0.0, 0.0, 0.0, -0.0, -0.0, -1.0, 2.0, -0.0], np.float32)
EXTREMA = {
    "elements": lambda lib, x, y: (lib.lax.max(x, y), lib.lax.min(x, y)),
    "scalars": lambda lib, x, y: (lib.numpy.maximum(x, 0), lib.numpy.minimum(0.0, x)),
    "clamp": lambda lib, x, y: (lib.lax.clamp(x, y, abs(x)),),
    "rows": lambda lib, x, y: (x.reshape(4, 2).max(1), x.reshape(4, 2).min(1)),
    "columns": lambda lib, x, y: (x.reshape(2, 4).max(0), x.reshape(2, 4).min(0)),
    "everything": lambda lib, x, y: (x[:5].max(), y[3:].max(), x[:5].min(), x[3:5].max()),
    "windows": lambda lib, x, y: (
        lib.lax.reduce_window(x, -np.inf, lib.lax.max, (2,), (1,), "VALID"),
        lib.lax.reduce_window(x, np.inf, lib.lax.min, (2,), (1,), "VALID")),
    "running": lambda lib, x, y: (lib.lax.cummax(x), lib.lax.cummin(y, reverse=True)),
}


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", EXTREMA)
def test_zero_is_larger_than_minus_zero(name, dtype):
    def signs(lib, transform):
        x, y = (lib.numpy.asarray(a, dtype) for a in (ZEROS, ZEROS[::-1].copy()))
        f = transform(lambda x, y: EXTREMA[name](lib, x, y))
        return [np.asarray(a, np.float64).tolist() + np.signbit(a).tolist() for a in f(x, y)]

    assert signs(minijax, lambda f: f) == signs(jax, jax.jit)
    if name != "running":  # whose kernels keep the first of equal numbers
        with compile_after(0):
            assert signs(minijax, minijax.jit) == signs(jax, jax.jit)
