"""Shaping, reducing, sorting, windows, fft: what the laws in `test_operations` do not say."""

from __future__ import annotations

import gc
import weakref

import jax
import numpy as np
import pytest

import minijax
from minijax.core import ArrayImpl
from tests.both import bound, compiled, f32, i32

# --- misuse: JAX's class of error, and a sentence ----------------------------------------------

X, V, EMPTY = f32(2, 3), f32(3), f32(0)
MISUSE = {
    "squeeze a long axis": lambda lax: lax.squeeze(X, (0,)),
    "squeeze no axis": lambda lax: lax.squeeze(X, (2,)),
    "expand_dims twice": lambda lax: lax.expand_dims(V, (0, 0)),
    "expand_dims twice, counted from both ends": lambda lax: lax.expand_dims(V, (0, -3)),
    "expand_dims outside": lambda lax: lax.expand_dims(V, (3,)),
    "collapse backwards": lambda lax: lax.collapse(X, 1, 0),
    "rev negative": lambda lax: lax.rev(V, (-1,)),
    "rev outside": lambda lax: lax.rev(V, (1,)),
    "rev twice": lambda lax: lax.rev(V, (0, 0)),
    "tile ranks": lambda lax: lax.tile(V, (1, 2)),
    "broadcast negative": lambda lax: lax.broadcast(V, (-1,)),
    "broadcast_like": lambda lax: lax.broadcast_like(V, f32(2)),
    "broadcast_like to fewer axes": lambda lax: lax.broadcast_like(X, V),
    "broadcast_shapes": lambda lax: lax.broadcast_shapes((2,), (3,)),
    "concatenate nothing": lambda lax: lax.concatenate([], 0),
    "concatenate ranks": lambda lax: lax.concatenate([X, V], 0),
    "concatenate shapes": lambda lax: lax.concatenate([X, f32(2, 4)], 0),
    "concatenate dtypes": lambda lax: lax.concatenate([V, i32(3)], 0),
    "concatenate outside": lambda lax: lax.concatenate([V, V], 1),
    "split sizes": lambda lax: lax.split(V, (1, 1)),
    "split negative": lambda lax: lax.split(V, (4, -1)),
    "split outside": lambda lax: lax.split(V, (3,), 1),
    "stack shapes": lambda lax: lax.stack([V, f32(2)]),
    "stack dtypes": lambda lax: lax.stack([V, i32(3)]),
    "unstack a scalar": lambda lax: lax.unstack(np.float32(1)),
    "slice too far": lambda lax: lax.slice(V, (0,), (4,)),
    "slice before the start": lambda lax: lax.slice(V, (-1,), (2,)),
    "slice backwards": lambda lax: lax.slice(V, (2,), (1,)),
    "slice ranks": lambda lax: lax.slice(V, (0, 0), (1, 1)),
    "slice strides": lambda lax: lax.slice(V, (0,), (2,), (1, 1)),
    "index_in_dim": lambda lax: lax.index_in_dim(V, 3),
    "pad dtypes": lambda lax: lax.pad(V, 1, [(0, 0, 0)]),
    "pad ranks": lambda lax: lax.pad(V, 1.0, []),
    "pad by an array": lambda lax: lax.pad(V, f32(1), [(0, 0, 0)]),
    "pad to less than nothing": lambda lax: lax.pad(V, 1.0, [(-2, -2, 0)]),
    "pad inside negative": lambda lax: lax.pad(V, 1.0, [(0, 0, -1)]),
    "full of an array": lambda lax: lax.full((3,), V),
    "full negative": lambda lax: lax.full((-1,), 1.0),
    "full of a float size": lambda lax: lax.full((2.0,), 1.0),
    "iota of bools": lambda lax: lax.iota(bool, 3),
    "iota outside": lambda lax: lax.broadcasted_iota("int32", (3,), 1),
    "bitcast sizes": lambda lax: lax.bitcast_convert_type(np.ones(3, "int8"), "int32"),
    "bitcast bool": lambda lax: lax.bitcast_convert_type(np.ones(3, bool), "int8"),
    "reduce_sum of bools": lambda lax: lax.reduce_sum(np.ones(3, bool), (0,)),
    "reduce_sum outside": lambda lax: lax.reduce_sum(V, (1,)),
    "reduce_sum twice": lambda lax: lax.reduce_sum(V, (0, 0)),
    "reduce_or of floats": lambda lax: lax.reduce_or(V, (0,)),
    "argmax of nothing": lambda lax: lax.argmax(EMPTY, 0, "int32"),
    "argmax outside": lambda lax: lax.argmax(V, 1, "int32"),
    "argmax as a float": lambda lax: lax.argmax(V, 0, "float32"),
    "reduce structures": lambda lax: lax.reduce((V,), 2.0, lax.mul, (0,)),
    "reduce dtypes": lambda lax: lax.reduce(V, 2, lax.mul, (0,)),
    "reduce from an array": lambda lax: lax.reduce(V, f32(2), lax.mul, (0,)),
    "cumsum negative": lambda lax: lax.cumsum(V, -1),
    "cumsum outside": lambda lax: lax.cumsum(V, 1),
    "cumsum of bools": lambda lax: lax.cumsum(np.ones(3, bool), 0),
    "associative_scan sizes": lambda lax: lax.associative_scan(
        lambda a, b: a, (V, f32(2))),
    "sort a scalar": lambda lax: lax.sort(np.array(1.0, "float32")),
    "sort shapes": lambda lax: lax.sort((V, f32(2))),
    "sort nothing": lambda lax: lax.sort(()),
    "sort keys": lambda lax: lax.sort((V, V), num_keys=3),
    "top_k too many": lambda lax: lax.top_k(V, 4),
    "top_k negative": lambda lax: lax.top_k(V, -1),
    "top_k of complex": lambda lax: lax.top_k(np.ones(3, "complex64"), 1),
    "fft lengths": lambda lax: lax.fft(V, "FFT", (4,)),
    "fft ranks": lambda lax: lax.fft(V, "FFT", (3, 3)),
    "fft name": lambda lax: lax.fft(V, "DFT", (3,)),
    "fft type": lambda lax: lax.fft(V, 3.0, (3,)),
    "rfft of complex": lambda lax: lax.fft(np.ones(3, "complex64"), "RFFT", (3,)),
    "fft of a list of lengths": lambda lax: lax.fft(V, "FFT", [3]),
    "window ranks": lambda lax: lax.reduce_window(V, 0.0, lax.add, (2, 2)),
    "window empty": lambda lax: lax.reduce_window(V, 0.0, lax.add, (0,)),
    "window strides": lambda lax: lax.reduce_window(V, 0.0, lax.add, (2,), (1, 1)),
    "window padding": lambda lax: lax.reduce_window(V, 0.0, lax.add, (2,), (1,), "FULL"),
    "window dtypes": lambda lax: lax.reduce_window(V, 0, lax.mul, (2,)),
}


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_raises_jax_s_class_and_the_next_call_works(name):
    with pytest.raises(Exception) as theirs:  # traced: evaluated, JAX lets some of it pass
        jax.make_jaxpr(lambda: MISUSE[name](jax.lax))()
    expected = next(c for c in theirs.type.__mro__ if c.__module__ == "builtins")
    for call in (MISUSE[name], lambda lax: minijax.make_jaxpr(lambda: MISUSE[name](lax))()):
        with pytest.raises(expected) as ours:
            call(minijax.lax)
        assert len(str(ours.value).split()) > 3
    assert minijax.lax.reduce_sum(i32(3), (0,)) == 3


def test_a_shape_that_depends_on_a_traced_value_is_refused():
    with pytest.raises(TypeError, match="static"):
        minijax.jit(lambda n: minijax.lax.full((n,), 0.0))(3)


# --- reductions ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape, axes", [((100_003, 4), (0,)), ((40, 5000, 3), (1,)),
                                         ((3000, 2, 7), (0, 2)), ((3, 100_000), (1,))])
def test_a_long_sum_is_as_exact_as_jax_s(shape, axes):
    x = np.random.default_rng(0).random(shape, np.float32)
    exact = x.sum(axes, dtype=np.float64)
    ours, theirs = (np.abs(np.asarray(lax.reduce_sum(x, axes)) - exact).max()
                    for lax in (minijax.lax, jax.lax))
    assert ours <= 4 * theirs + 1e-6 * exact.max()


def test_a_long_cumsum_is_as_exact_as_jax_s():
    x = np.random.default_rng(0).random(100_000, np.float32)
    exact = x.cumsum(dtype=np.float64)
    ours, theirs = (np.abs(np.asarray(lax.cumsum(x)) - exact).max()
                    for lax in (minijax.lax, jax.lax))
    assert ours <= theirs


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("shape, axis", [((4096,), 0), ((4096, 2), 0)])
def test_short_floats_are_added_in_float32(dtype, shape, axis):
    """Added in 16 bits, bfloat16 would stop at 256 and float16 at 2048."""
    ones = np.ones(shape, dtype)
    assert np.all(np.asarray(minijax.lax.reduce_sum(ones, (axis,)), "float32") == 4096)
    assert np.asarray(minijax.lax.cumsum(ones), "float32").max() == 4096


def test_the_computation_of_reduce_is_traced_once_for_each_type():
    traced = []

    def product(a, b):
        traced.append(a.dtype)
        return a * b

    for _ in range(2):
        assert minijax.lax.reduce(f32(3) + 1, np.float32(1), product, (0,)) > 1
        assert minijax.lax.reduce(i32(3) + 1, np.int32(1), product, (0,)) == 6
        minijax.lax.reduce_window(f32(3), np.float32(1), product, (2,))
    assert len(traced) == 3


def test_the_computation_of_reduce_closes_over_no_array():
    weights = minijax.numpy.arange(3.0)
    for call in (minijax.lax.reduce, minijax.lax.reduce_window):
        with pytest.raises(NotImplementedError, match="operand"):
            call(f32(3), np.float32(1), lambda a, b: (a * b * weights)[0], (1,))


def test_a_general_window_has_a_vjp_too():
    """JAX has only a jvp. Here both are adjoint, and the gradient is that of the known operation.
    """
    lax, x, t = minijax.lax, f32(5, 4), f32(5, 4)[::-1]

    def product(x):
        return lax.reduce_window(x, np.float32(1), lambda a, b: lax.mul(b, a), (2, 3),
                                 (2, 1), ((1, 0), (0, 2)))

    out, pull = minijax.vjp(product, x)
    ct = np.linspace(-1, 1, out.size, dtype=np.float32).reshape(out.shape)
    push = minijax.jvp(product, (x,), (t,))[1]
    assert np.sum(np.asarray(pull(ct)[0]) * t) == pytest.approx(np.sum(ct * np.asarray(push)), 1e-5)

    def pooled(x, add):
        return lax.reduce_window(x, 0.0, add, (2, 3), (2, 1), "SAME").sum()

    general = minijax.grad(lambda x: pooled(x, lambda a, b: lax.add(a, b)))(x)
    np.testing.assert_allclose(general, minijax.grad(lambda x: pooled(x, lax.add))(x))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 33])
@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan_is_the_scan(n, reverse):
    """Of a function that is associative and not commutative: affine maps, composed."""
    def compose(f, g):
        return {"a": f["a"] * g["a"], "b": g["a"] * f["b"] + g["b"]}

    maps = {"a": f32(2, n), "b": f32(2, n)[::-1]}
    out = minijax.lax.associative_scan(compose, maps, reverse=reverse, axis=-1)
    order = range(n)[::-1] if reverse else range(n)
    y = np.zeros(2, np.float32)
    for i in order:
        y = maps["a"][:, i] * y + maps["b"][:, i]
        np.testing.assert_allclose(np.asarray(out["b"])[:, i], y, rtol=1e-5)


@pytest.mark.parametrize("n", [3, 4, 5, 8, 13])
@pytest.mark.parametrize("name", ["cummax", "cummin", "cumprod", "cumlogsumexp"])
def test_gradients_of_equal_elements_are_jax_s(name, n):
    def f(jax, lax, x):
        return jax.grad(lambda x: (getattr(lax, name)(x, 0) * np.arange(1, n + 1)).sum())(x)

    x = np.round(np.linspace(0, 1.6, n)).astype(np.float32)
    np.testing.assert_allclose(bound(f, minijax)(x), compiled(bound(f, jax))(x), rtol=1e-5)


# --- windows -----------------------------------------------------------------------------------


def test_max_pooling_of_ties_gives_all_to_the_first_as_jax():
    def f(jax, jnp, lax, x):
        def loss(x):
            pooled = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")
            return jnp.sum(pooled * jnp.arange(1.0, 1 + pooled.size).reshape(pooled.shape))

        return jax.value_and_grad(loss)(x)

    x = (i32(2, 5, 4, 3) % 3).astype(np.float32)
    for ours, theirs in zip(bound(f, minijax)(x), bound(f, jax)(x)):
        np.testing.assert_allclose(ours, theirs)


# --- memory ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [
    lambda lax, x: lax.slice_in_dim(x, 3, 5),
    lambda lax, x: lax.index_in_dim(x, 3, keepdims=False),
    lambda lax, x: lax.split(x, (2, 998))[0],
    lambda lax, x: lax.unstack(x)[7],
])
def test_a_small_piece_does_not_keep_a_big_buffer_alive(cut):
    class Buffer(np.ndarray):
        """One that can be weakly referred to."""

    buffer = np.ones((1000, 3)).view(Buffer)
    gone = weakref.ref(buffer)
    piece = cut(minijax.lax, ArrayImpl(buffer))
    del buffer
    gc.collect()
    assert gone() is None and piece.size < 10


# --- sorting and fft -----------------------------------------------------------------------------


def test_sort_agrees_with_jax_on_many_keys_with_ties():
    rng = np.random.default_rng(0)
    keys = [rng.choice(np.array([np.nan, -0.0, 0.0, 1, -1, np.inf], np.float32), 200)
            for _ in range(2)]
    for n in (1, 2):
        ours, theirs = (lax.sort((*keys, i32(200)), num_keys=n)[2] for lax in
                        (minijax.lax, jax.lax))
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shape", [(7,), (3, 8), (2, 3, 5)])
def test_the_inverse_transforms_invert(shape):
    lax, x = minijax.lax, f32(*shape)
    z = lax.fft(x, "FFT", shape)
    assert z.dtype == np.complex64
    np.testing.assert_allclose(lax.fft(z, "IFFT", shape), x, atol=1e-6)
    np.testing.assert_allclose(lax.fft(lax.fft(x, "RFFT", shape), "IRFFT", shape), x, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "uint8", "uint32", "int16", "bool"])
@pytest.mark.parametrize("axis", [0, 1])
def test_top_k_agrees_with_jax_where_elements_are_equal(dtype, axis):
    rng = np.random.default_rng(0)
    x = rng.choice(np.array([0, 1, 2, 200, 2**31, 2**32 - 1]), (50, 40))
    if np.dtype(dtype).kind not in "biu":
        x = x.astype(np.float32) * rng.choice([-1.0, 1.0, np.nan], x.shape)
    x = x.astype(dtype)

    def largest(lax, x):
        return [y for k in (1, 7, 40) for y in lax.top_k(x, k, axis=axis)]

    for ours, theirs in zip(largest(minijax.lax, x), compiled(bound(largest, jax))(x)):
        np.testing.assert_array_equal(*(np.asarray(y, "float64") for y in (ours, theirs)))
