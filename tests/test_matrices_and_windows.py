"""Products, convolutions, gather, scatter and linear algebra beyond the laws of every operation.

What misuse says, what is done about windows that overlap or matrices that are singular, and that
no result depends on how the work is cut up.
"""

from __future__ import annotations

import jax
import ml_dtypes
import numpy as np
import pytest

import minijax
from minijax import lax
from minijax.lax import convolution, matrix

ROWS, POINTS = ((1,), (0,), (0,)), ((), (0,), (0,))


def f32(*shape):
    return np.ones(shape, np.float32)


def i32(*shape):
    return np.zeros(shape, np.int32)


# --- misuse ----------------------------------------------------------------------------------


def dot(contract, batch=((), ())):
    return lambda lax: lax.dot_general(f32(2, 3), f32(3, 4), (contract, batch))


def gather(x, i, numbers, sizes, **options):
    return lambda lax: lax.gather(x, i, lax.GatherDimensionNumbers(*numbers), sizes, **options)


def scatter(x, i, u, numbers, **options):
    return lambda lax: lax.scatter(x, i, u, lax.ScatterDimensionNumbers(*numbers), **options)


X, U, IMAGE, KERNEL, SQUARE = f32(4, 3), f32(5, 3), f32(2, 3, 8, 7), f32(4, 3, 3, 3), f32(3, 3)


def conv(x=IMAGE, k=KERNEL, strides=(1, 1), padding="VALID", **options):
    return lambda lax: lax.conv_general_dilated(x, k, strides, padding, **options)


def letters(*specs):
    return conv(dimension_numbers=specs)


SAME_TEXT = [
    dot(((2,), (0,))), dot(((1,), (-1,))), dot(((), ()), ((0,), ())),
    dot(((), ()), ((0, 0), (0, 1))), dot(((1, 1), (0, 0))), dot(((1,), (0,)), ((1,), (0,))),
    dot(((0,), (0,))), dot(((), ()), ((1,), (1,))),
    lambda lax: lax.dot_general(i32(2, 3), i32(3, 4), (((1,), (0,)), ((), ())),
                                preferred_element_type=np.int8),
    lambda lax: lax.dot(f32(2, 3), f32(2, 3)), lambda lax: lax.batch_matmul(f32(3), f32(3)),
    lambda lax: lax.batch_matmul(f32(2, 3, 3), f32(3, 3)),
    gather(X, f32(5, 1), ROWS, (1, 3)), gather(X, i32(5, 2), ROWS, (1, 3)),
    gather(f32(4, 3, 2), i32(5, 1), ((2, 1), (0,), (0,)), (1, 3, 2)),
    gather(X, i32(5, 1), ((1,), (5,), (0,)), (1, 3)),
    gather(X, i32(5, 2), ((1,), (0,), (0, 0)), (1, 3)), gather(X, i32(5, 1), ROWS, (1,)),
    gather(X, i32(5, 1), ROWS, (1, 9)), gather(X, i32(5, 1), ((1,), (), (0,)), (1, 3)),
    gather(X, i32(5, 1), ((1,), (), (1,), (0,), (0,)), (1, 3)),
    gather(X, i32(5, 1), ((1,), (), (1,), (0,), (1,)), (1, 3)),
    gather(X, i32(4, 1), ((1,), (0,), (1,), (0,), (0,)), (1, 3)),
    gather(X, i32(5, 1), ROWS, (1, 3), mode="nope"),
    scatter(X, f32(5, 1), U, ROWS), scatter(X, i32(5, 1), i32(5, 3), ROWS),
    scatter(X, i32(5, 1), f32(5), ROWS), scatter(X, i32(5, 1), f32(5, 9), ROWS),
    scatter(X, i32(6, 1), U, ROWS), scatter(f32(4, 3, 2), i32(5, 1), U, ROWS),
    scatter(X, i32(5, 1), f32(5, 3, 3), ((1, 1), (0,), (0,))),
    scatter(X, i32(5, 1), f32(5, 3), ((1,), (), (1,), (0,), (0,))),
    scatter(X, i32(5, 1), U, ((1,), (3,), (0,))), scatter(X, i32(5, 1), U, ROWS, mode="nope"),
    *[lambda lax, a=args: lax.dynamic_slice(X, *a) for args in [
        ((0,), (1, 1)), ((0, 0), (5, 1)), ((0, 0), (-1, 1)), ((0.5, 0), (1, 1)),
        ((np.int8(1), 0), (1, 1)), (i32(2, 2), (1, 1))]],
    lambda lax: lax.dynamic_slice(X, (-1, 0), (1, 1), allow_negative_indices=False),
    *[lambda lax, u=u: lax.dynamic_update_slice(X, u, (0, 0)) for u in [
        f32(3), f32(5, 3), i32(1, 3)]],
    lambda lax: lax.dynamic_update_slice(X, f32(1, 3), (0,)),
    conv(f32(2, 3, 8)), conv(padding="nope"), conv(padding=[(1, 1)]), conv(padding=None),
    conv(strides=(1,)), conv(rhs_dilation=(0, 1)), conv(feature_group_count=2),
    conv(f32(2, 6, 8, 7), f32(3, 3, 3, 3), feature_group_count=2), conv(f32(2, 4, 8, 7)),
    conv(batch_group_count=0), conv(f32(2, 6, 8, 7), batch_group_count=2, feature_group_count=2),
    conv(lhs_dilation=(2, 1)), letters("NHWC", "HWIO"), letters("NHWC", "HWIO", "NHW"),
    letters("NHWW", "HWIO", "NHWC"), letters("NHWC", "HXIO", "NHWC"), letters(1, 2, 3),
    letters("NHHC", "HWIO", "NHWC"), conv(dimension_numbers=3),
    conv(k=KERNEL.astype(np.int32)), conv(preferred_element_type=np.int32),
    lambda lax: lax.linalg.cholesky(f32(2, 3), symmetrize_input=False),
    lambda lax: lax.linalg.cholesky(i32(3, 3), symmetrize_input=False),
    lambda lax: lax.linalg.cholesky(f32(3), symmetrize_input=False),
    lambda lax: lax.linalg.triangular_solve(f32(2, 3), f32(2, 3)),
    lambda lax: lax.linalg.triangular_solve(SQUARE, f32(4, 2)),
    lambda lax: lax.linalg.triangular_solve(SQUARE, SQUARE.astype(np.complex64)),
    lambda lax: lax.linalg.triangular_solve(SQUARE, i32(3, 3)),
    lambda lax: lax.linalg.eigh(f32(2, 3), symmetrize_input=False),
    lambda lax: lax.linalg.eig(f32(2, 3)), lambda lax: lax.linalg.svd(f32(3)),
    lambda lax: lax.linalg.qr(i32(3, 3)), lambda lax: lax.linalg.lu(f32(3)),
    lambda lax: lax.linalg.lu_pivots_to_permutation(i32(3), 2),
]

SAME_CLASS = [
    (lambda lax: lax.dot(f32(2, 3), f32(3, 4), precision="nope"), "Precision", "nope"),
    (gather(X, i32(5, 1), ((2,), (0,), (0,)), (1, 3)), "offset_dims", "[0, 2)"),
    (gather(X, i32(5, 1), ((1,), (0,), (7,)), (1, 3)), "start_index_map", "[0, 2)"),
    (gather(X, i32(), ROWS, (1, 3)), "last axis"),
    (scatter(X, i32(5, 1), U, ((1,), (0,), (7,))), "scatter_dims_to_operand_dims", "[0, 2)"),
    (lambda lax: lax.dynamic_slice(X, (i32(2), 0), (1, 1)), "scalars", "int32[2]"),
    (conv(padding=[(-9, 0), (0, 0)]), "Negative padding", "(8, 7)"),
    (conv(preferred_element_type=np.float16), "narrower", "float16", "float32"),
    (conv(batch_group_count=4), "batch_group_count must divide", "4", "2"),
    (lambda lax: lax.linalg.triangular_solve(SQUARE, f32(4, 2, 3)), "batch dimensions", "(4,)"),
    (lambda lax: lax.linalg.cholesky(SQUARE.astype(np.float16)), "float16", "float32"),
    (lambda lax: lax.linalg.lu_pivots_to_permutation(SQUARE[0], 3), "float32", "integer"),
]


@pytest.mark.parametrize("number", range(len(SAME_TEXT)))
def test_misuse_says_what_jax_says(number):
    misuse = SAME_TEXT[number]
    with pytest.raises(Exception) as theirs:
        misuse(jax.lax)
    with pytest.raises(Exception) as ours:
        misuse(lax)
    assert ours.type is theirs.type
    assert str(ours.value).split() == str(theirs.value).split()


@pytest.mark.parametrize("number", range(len(SAME_CLASS)))
def test_misuse_says_what_and_where(number):
    misuse, *pieces = SAME_CLASS[number]
    with pytest.raises(Exception) as theirs:
        misuse(jax.lax)
    with pytest.raises(theirs.type) as ours:
        misuse(lax)
    for piece in pieces:
        assert piece in str(ours.value)


# --- products --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16])
def test_narrow_floats_are_summed_in_float32(dtype):
    """In their own precision a sum of ones stops at 256 or 2048."""
    ones = np.ones((1, 5000), dtype)
    assert float(lax.dot(ones, ones.T)[0, 0]) == dtype(5000)
    row = ones.reshape(1, 1, 5000)
    assert float(lax.conv(row, row, (1,), "VALID")[0, 0, 0]) == dtype(5000)


def test_the_size_of_a_patch_changes_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    x, k = rng.normal(size=(5, 4, 6, 7)), rng.normal(size=(6, 2, 3, 2))
    call = conv(x.astype(np.float32), k.astype(np.float32), (2, 1), "SAME", feature_group_count=2)
    whole = np.asarray(call(lax))
    monkeypatch.setattr(convolution, "PATCH_SIZE", 100)
    np.testing.assert_allclose(call(lax), whole, rtol=1e-6)


def test_a_batch_of_one_operand_needs_no_transpose():
    """It is one more free axis, wherever it comes out."""
    x, y = f32(2, 5, 3), f32(3, 4)
    out = minijax.make_jaxpr(minijax.vmap(lax.dot, (1, None), 1))(x, y)
    assert [e.primitive.name for e in out.eqns] == ["dot_general"]


# --- windows ---------------------------------------------------------------------------------


def windows_of(x, starts, size):
    return [x[s:s + size] for s in starts]


def test_the_last_of_overlapping_windows_is_seen_and_alone_has_a_derivative():
    starts, size = [4, 1, 2, 4], 3
    numbers = lax.ScatterDimensionNumbers((1,), (), (0,))
    x, u = np.arange(8, dtype=np.float32), np.arange(12, dtype=np.float32).reshape(4, 3) + 100
    weights = np.arange(8, dtype=np.float32) + 1

    def write(x, u):
        return lax.scatter(x, np.array(starts, np.int32)[:, None], u, numbers)

    want, owner = x.copy(), np.full(8, -1)
    for s, row, ids in zip(starts, u, np.arange(12).reshape(4, 3)):
        want[s:s + size], owner[s:s + size] = row, ids
    np.testing.assert_array_equal(write(x, u), want)
    _, pull = minijax.vjp(write, x, u)
    dx, du = pull(weights)
    np.testing.assert_array_equal(dx, np.where(owner < 0, weights, 0))
    expected = np.zeros(12)
    expected[owner[owner >= 0]] = weights[owner >= 0]
    np.testing.assert_array_equal(np.ravel(du), expected)


def test_ties_share_the_derivative_of_an_extremum():
    numbers = lax.ScatterDimensionNumbers(*POINTS)
    i = np.array([[0], [0], [1]], np.int32)
    _, pull = minijax.vjp(lambda x, u: lax.scatter_max(x, i, u, numbers),
                          np.array([3, 0, 5], np.float32), np.array([3, 3, 2], np.float32))
    dx, du = pull(np.array([6, 4, 1], np.float32))
    assert (list(map(float, dx)), list(map(float, du))) == ([2, 0, 1], [2, 2, 4])


def test_starts_in_one_vector_and_elements_by_several_vectors():
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    i, j = np.array([0, -1, 5]), np.array([1, 2, -4])
    np.testing.assert_array_equal(lax.dynamic_slice(x, np.array([-1, 1]), (2, 2)), x[2:, 1:])
    np.testing.assert_array_equal(lax.index_take(x, (i, j), (0, 1)), x[i % 4, j % 3])


def test_arrays_of_keys_have_windows_too():
    keys = minijax.random.split(minijax.random.key(0), 4)
    data = np.asarray(minijax.random.key_data(keys))
    picked = lax.gather(keys, np.array([[2], [0]], np.int32), lax.GatherDimensionNumbers(*POINTS),
                        (1,))
    np.testing.assert_array_equal(minijax.random.key_data(picked), data[[2, 0]])
    part = lax.dynamic_slice(keys, (np.int32(1),), (2,))
    np.testing.assert_array_equal(minijax.random.key_data(part), data[1:3])


# --- matrices --------------------------------------------------------------------------------


def test_only_one_triangle_is_read():
    a, b = np.tri(3, dtype=np.float32) + np.eye(3, dtype=np.float32), f32(3, 2)
    dirty = np.where(np.tri(3) > 0, a, np.nan).astype(np.float32)
    np.testing.assert_allclose(
        lax.linalg.triangular_solve(dirty, b, left_side=True, lower=True), np.linalg.solve(a, b))
    s = (a @ a.T).astype(np.float32)
    dirty = np.where(np.tri(3) > 0, s, np.nan).astype(np.float32)
    np.testing.assert_allclose(lax.linalg.cholesky(dirty, symmetrize_input=False), a, rtol=1e-6)


def test_a_matrix_that_fails_does_not_spoil_the_others():
    good, bad = np.array([[2, 1], [1, 3]], np.float32), np.array([[1, 1], [1, 1]], np.float32)
    out = np.asarray(lax.linalg.cholesky(np.stack([good, -good])))
    np.testing.assert_allclose(out[0] @ out[0].T, good, rtol=1e-6)
    assert np.isnan(out[1]).any() and out[1][0, 1] == 0
    out = np.asarray(matrix.solve(np.stack([good, bad]), f32(2, 2, 1)))
    np.testing.assert_allclose(good @ out[0], f32(2, 1), rtol=1e-6)
    assert np.isnan(out[1]).all()
    w, _ = minijax.numpy.linalg.eig(np.stack([good, bad * np.nan]))
    assert np.isfinite(np.asarray(w)[0]).all() and np.isnan(np.asarray(w)[1]).all()


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (2, 4, 3), (2, 3, 4)])
def test_factors_multiply_to_the_matrix(shape):
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    m, n = shape[-2:]
    k = min(m, n)
    for full in (True, False):
        q, r = map(np.asarray, lax.linalg.qr(x, full_matrices=full))
        np.testing.assert_allclose(q @ r, x, atol=1e-5)
        q, r, p = map(np.asarray, lax.linalg.qr(x, pivoting=True, full_matrices=full))
        np.testing.assert_allclose(q @ r, np.take_along_axis(x, p[..., None, :], -1), atol=1e-5)
        u, s, vh = map(np.asarray, lax.linalg.svd(x, full_matrices=full))
        np.testing.assert_allclose((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], x, atol=1e-5)
    factors, pivots, p = map(np.asarray, lax.linalg.lu(x))
    product = (np.tril(factors, -1)[..., :k] + np.eye(m, k)) @ np.triu(factors)[..., :k, :]
    np.testing.assert_allclose(product, np.take_along_axis(x, p[..., None], -2), atol=1e-5)
    np.testing.assert_array_equal(lax.linalg.lu_pivots_to_permutation(pivots, m), p)


def test_eigenvectors_are_eigenvectors():
    x = np.random.default_rng(1).normal(size=(2, 4, 4)).astype(np.float32)
    w, left, right = map(np.asarray, lax.linalg.eig(x))
    np.testing.assert_allclose(x @ right, right * w[:, None, :], atol=1e-4)
    left = np.conj(np.swapaxes(left, -1, -2))
    np.testing.assert_allclose(left @ x, w[:, :, None] * left, atol=1e-4)
    v, w = map(np.asarray, lax.linalg.eigh(x + np.swapaxes(x, -1, -2)))
    np.testing.assert_allclose((x + np.swapaxes(x, -1, -2)) @ v, v * w[:, None, :], atol=1e-4)
    assert w.dtype == np.float32
