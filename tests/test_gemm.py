"""Matrix products: our own and those of BLAS, by the same laws."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import minijax
from minijax.compiler import blas, chunks, gemm, load, machine, tiles
from minijax.compiler.blas import matmul

from .kernels import row_by_row
from .tiers import slow

TYPES = [np.float32, np.float64]
SIZES = [1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 15, 16, 17, 24, 25, 31, 32, 33, 47, 49, 63, 64, 65, 70]


@pytest.fixture(params=["ours", "blas"])
def way(request, monkeypatch):
    """Both ways of `matmul`, on every machine, for products of all sizes."""
    ours = request.param == "ours"
    monkeypatch.setattr(blas, "_ours", lambda: ours)
    for name, value in dict.fromkeys(
            ["WORTH", "WORTH_EACH", "FEW_ROWS", "FEW_COLUMNS", "SERIAL", "SERIAL_ELSE"], 1).items():
        monkeypatch.setattr(blas, name, value)


both_ways = pytest.mark.usefixtures("way")


@pytest.fixture
def threads(monkeypatch):
    """Three threads, and tasks for them whatever the size."""
    monkeypatch.setattr(gemm, "GRAIN", 1000)
    monkeypatch.setattr(blas, "GRAIN", 10)
    minijax.config.update("minijax_num_threads", 3)
    gemm.divided.cache_clear()
    yield
    minijax.config.update("minijax_num_threads", None)
    gemm.divided.cache_clear()


def numbers(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def columns_first(x):
    """The same matrices, in memory column after column."""
    return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)


def every_other(x):
    """The same numbers, with gaps between them and in another direction."""
    gaps = np.full((*x.shape[:-2], 2 * x.shape[-2], 3 * x.shape[-1]), np.nan, x.dtype)
    view = gaps[..., ::-2, ::3]
    view[...] = x
    return view


def check(a, b, by_rows=True):
    """Compare with NumPy's product of doubles; the epilogue must see each row once, when done."""
    exact = np.matmul(a.astype(np.float64), b.astype(np.float64))
    bound = np.matmul(abs(a).astype(np.float64), abs(b).astype(np.float64))
    out = np.full(exact.shape, np.nan, a.dtype)
    rows, seen, lock = out.reshape(-1, out.shape[-1]), [], threading.Lock()

    def epilogue(lo, hi):
        with lock:
            seen.extend(range(lo, hi))
        rows[lo:hi] += 1

    assert matmul(a, b, out, row_by_row(epilogue) if by_rows else None) is None
    tolerance = 2 * (a.shape[-1] + 1) * np.finfo(a.dtype).eps
    assert (abs(out - exact - by_rows) <= tolerance * (bound + by_rows)).all()
    assert not by_rows or sorted(seen) == list(range(len(rows)))


@both_ways
@pytest.mark.parametrize("dtype", TYPES)
def test_sizes(dtype):
    """Around multiples of everything that is counted in tiles, in all three sizes."""
    for i, m in enumerate(SIZES):
        for j, n in enumerate(SIZES):
            k = SIZES[(7 * i + 5 * j) % len(SIZES)]
            check(numbers((m, k), dtype), numbers((k, n), dtype, 1), by_rows=(i + j) % 2)


@both_ways
@slow
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("k", [1, 17, 260])
def test_every_size(dtype, k, threads):
    for m in range(1, 71):
        for n in range(1, 71):
            check(numbers((m, k), dtype), numbers((k, n), dtype, 1), by_rows=(m + n) % 2)


@both_ways
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("left", [np.asarray, columns_first, every_other])
@pytest.mark.parametrize("right", [np.asarray, columns_first, every_other])
def test_strides(dtype, left, right, threads):
    """Products of few rows, of many, and with sums in several parts."""
    for m, k, n in [(5, 30, 70), (48, 33, 40), (300, 40, 35), (60, 2 * gemm.DEPTH + 3, 37)]:
        check(left(numbers((m, k), dtype)), right(numbers((k, n), dtype, 1)))


@both_ways
@pytest.mark.parametrize("batches", [
    ((3,), (3,)), ((2, 3), (3,)), ((), (4,)), ((4,), ()), ((2, 1), (1, 3)), ((40,), (40,)),
    ((40,), (1,)), ((1,), (40,)), ((0,), (0,)), ((2, 0), ())], ids=str)
@pytest.mark.parametrize("m", [20, 60, 300])
def test_batches(batches, m, threads):
    left, right = batches
    a, b = numbers((*left, m, 19), np.float32), numbers((*right, 19, 21), np.float32, 1)
    check(a, b)
    check(a, columns_first(b))
    check(a, b, by_rows=False)


@both_ways
def test_a_batch_in_another_order():
    a = numbers((20, 4, 3, 19), np.float32).transpose(1, 2, 0, 3)
    b = numbers((19, 4, 3, 21), np.float32, 1).transpose(2, 1, 0, 3).swapaxes(0, 1)
    check(a, b)


@both_ways
@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0)])
def test_nothing_to_add(shape):
    m, k, n = shape
    out = np.full((m, n), np.nan, np.float32)
    seen = []
    matmul(np.ones((m, k), np.float32), np.ones((k, n), np.float32), out,
           row_by_row(lambda lo, hi: seen.extend(range(lo, hi))))
    assert (out == 0).all() and seen == list(range(m))


@both_ways
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(5, 9, 40), (50, 300, 35), (300, 20, 70)])
def test_what_is_not_finite(shape, dtype):
    """An element of the result has what its own row and column bring about, and no other has."""
    m, k, n = shape
    a, b = abs(numbers((m, k), dtype)), abs(numbers((k, n), dtype, 1))
    a[1, 2], a[m - 1, 3], b[4, n - 1], b[k - 1, 5] = np.nan, np.inf, -np.inf, np.nan
    out = np.empty((m, n), dtype)
    with np.errstate(invalid="ignore"):
        matmul(a, b, out)
        np.testing.assert_allclose(out, np.matmul(a, b), rtol=1e-5)


@both_ways
def test_rows_with_something_between():
    """The result may be a part of a wider array, which is left alone."""
    whole = np.full((60, 50), 7, np.float32)
    a, b = numbers((60, 20), np.float32), numbers((20, 33), np.float32, 1)
    matmul(a, b, whole[:, 5:38])
    np.testing.assert_allclose(whole[:, 5:38], a @ b, rtol=1e-4, atol=1e-4)
    assert (whole[:, :5] == 7).all() and (whole[:, 38:] == 7).all()


@both_ways
def test_columns_with_something_between():
    whole = np.full((60, 66), 7, np.float32)
    a, b = numbers((60, 20), np.float32), numbers((20, 33), np.float32, 1)
    matmul(a, b, whole[:, ::2])
    np.testing.assert_allclose(whole[:, ::2], a @ b, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(os.name != "posix", reason="mprotect is POSIX's")
def test_operands_at_the_end_of_memory():
    """Nothing is read behind an operand: a page follows that must not be touched."""
    program = """
import ctypes, mmap, numpy as np
from minijax.compiler.gemm import product
page = mmap.PAGESIZE
libc = ctypes.CDLL(None)
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
kept = []
def at_the_end(x):
    size = -(-x.nbytes // page) * page
    area = mmap.mmap(-1, size + page)
    kept.append(area)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    assert libc.mprotect(start + size, page, 0) == 0
    y = np.frombuffer(area, x.dtype, x.size, size - x.nbytes).reshape(x.shape)
    y[...] = x
    return y
for m, k, n in [(3, 5, 7), (30, 16, 33), (50, 17, 40), (301, 3, 31), (310, 33, 64), (12, 8, 48)]:
    a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
    for left in at_the_end(a), at_the_end(a.T.copy()).T:
        for right in at_the_end(b), at_the_end(b.T.copy()).T:
            out = at_the_end(np.zeros((m, n), np.float32))
            product(left, right, out)
            assert (out == k).all()
print("done")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "done\n", done.stderr


@both_ways
def test_results_do_not_depend_on_the_day(threads):
    """The order of the additions is the program's, not that in which threads come."""
    a, b = numbers((300, 700), np.float32), numbers((700, 90), np.float32, 1)
    outs = [np.empty((300, 90), np.float32) for _ in range(3)]
    for out in outs:
        matmul(a, b, out)
    assert all((out == outs[0]).all() for out in outs)


@slow
@pytest.mark.parametrize("registers", [(32, 16), (16, 32), (16, 16)], ids=str)
def test_other_processors(registers, monkeypatch):
    """The same source for narrower and for fewer registers. Any processor can do with those."""
    width, number = registers
    for module in gemm, tiles:
        monkeypatch.setattr(module, "vector_bytes", lambda: width)
    monkeypatch.setattr(gemm, "vector_registers", lambda: number)
    gemm.kernels.cache_clear()
    gemm.divided.cache_clear()
    for m, k, n in [(5, 30, 70), (48, 33, 40), (300, 40, 35), (60, 2 * gemm.DEPTH + 3, 37)]:
        a, b = numbers((m, k), np.float32), numbers((k, n), np.float32, 1)
        for left, right in (a, b), (columns_first(a), columns_first(b)):
            out = np.empty((m, n), np.float32)
            gemm.product(left, right, out)
            np.testing.assert_allclose(out, a @ b, rtol=1e-4, atol=1e-4)
    gemm.kernels.cache_clear()
    gemm.divided.cache_clear()


@slow
def test_in_another_kernel():
    """A kernel may multiply in a loop of its own: here h = h @ w, as often as it is told."""
    source = gemm.functions("float32") + """
def kernel(lo, hi, sizes, a0, a1, a2, a3, a4):
    m, k = sizes[0], sizes[1]
    h, w, y = data(a0, float32), data(a1, float32), data(a2, float32)
    strips = data(a3, float32)
    copy_right(w, 1, k, k, k, strips)
    for step in range(lo, hi):
        multiply(m, k, k, h, k, 1, w, k, 0, strips, y, k, data(a4, float32))
        for i in range(m * k):
            h[i] = y[i]
"""
    h, w, sizes = numbers((9, 40), np.float32), numbers((40, 40), np.float32, 1), np.array([9, 40])
    expected = h @ w @ w @ w
    y, strips, space = np.empty_like(h), np.empty(80 * 80), np.empty(10_000)
    load.native(source, 5)(0, 3, sizes.ctypes.data, *map(id, (h, w, y, strips, space)))
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-2)


def test_which_way():
    """Ours where the processor's vectors are wider than those that OpenBLAS would use."""
    assert blas._vectors_of("Haswell") == 32 == blas._vectors_of("ZEN")
    assert blas._vectors_of("Nehalem") == 16
    assert blas._vectors_of("armv8") > machine.vector_bytes()


@pytest.mark.parametrize("ours", [True, False])
def test_a_compiled_product_is_ready(ours, monkeypatch):
    """What is compiled ahead of time compiles nothing when it is called."""
    monkeypatch.setattr(blas, "_ours", lambda: ours)
    monkeypatch.setattr(load, "_kernels", weakref.WeakValueDictionary())
    for cached in gemm.kernels, gemm.divided, chunks.crew:
        cached.cache_clear()
    x = minijax.numpy.ones((200, 300))
    compiled = minijax.jit(lambda x: minijax.numpy.tanh(x @ x.T)).lower(x).compile()
    before = dataclasses.replace(load.statistics)
    compiled(x).block_until_ready()
    assert load.statistics == before
