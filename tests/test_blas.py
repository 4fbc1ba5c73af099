"""Matrix products in tiles: NumPy's values, each row's epilogue once, BLAS left as it was."""

import contextlib
import itertools
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import threadpoolctl

from minijax.compiler import blas
from minijax.compiler.threads import num_threads
from tests.kernels import row_by_row
from tests.tiers import heavy, slow

SHAPES = [
    ((3, 4), (4, 5)),
    ((300, 200), (200, 500)),  # by columns
    ((513, 130), (130, 257)),  # by rows
    ((2000, 30), (30, 7)),
    ((7, 30), (30, 2000)),
    ((1, 5000), (5000, 1)),
    ((5000, 1), (1, 50)),
    ((32, 128, 64), (32, 64, 128)),  # a batch
    ((32, 128, 64), (64, 128)),
    ((64, 128), (32, 128, 64)),
    ((2, 1, 70, 80), (5, 80, 90)),
    ((3, 1, 5, 6), (1, 40, 6, 7)),
    ((2, 300, 200), (200, 300)),  # a batch of few
    ((0, 3), (3, 4)), ((3, 4), (4, 0)), ((3, 0), (0, 4)), ((0, 3, 4), (4, 5)),
]
LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: np.swapaxes(np.swapaxes(x, -1, -2).copy(), -1, -2),
    "part": lambda x: np.pad(x, [(1, 2)] * x.ndim)[tuple(slice(1, n + 1) for n in x.shape)],
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
}


@pytest.fixture(autouse=True)
def on_any_processor(monkeypatch):
    """BLAS also where it is slower than the products of `test_gemm.py`."""
    monkeypatch.setattr(blas, "_ours", lambda: False)


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    with num_threads(request.param):
        yield request.param


def numbers(shape, dtype):
    rng = np.random.default_rng(len(shape))
    x = rng.uniform(-1, 1, shape)
    return (x + 1j * rng.uniform(-1, 1, shape) if dtype in "FD" else x).astype(dtype)


def assert_products(a, b, epilogue):
    want = a @ b
    out = np.full(want.shape, np.nan, want.dtype)
    rows = out.reshape(out.size // max(out.shape[-1], 1), out.shape[-1])
    times = np.zeros(len(rows), int)

    def double(lo, hi):
        rows[lo:hi] *= 2
        times[lo:hi] += 1

    blas.matmul(a, b, out, row_by_row(double) if epilogue else None)
    tolerance = 1e-4 if want.dtype.char in "fF" else 1e-12
    np.testing.assert_allclose(out, 2 * want if epilogue else want, tolerance, tolerance * 10)
    assert (times == epilogue).all()


@pytest.mark.parametrize("epilogue", [False, True])
@pytest.mark.parametrize("dtype", [*"fd", *(pytest.param(d, marks=slow) for d in "FD")])
@pytest.mark.parametrize("a, b", SHAPES)
def test_products_are_those_of_numpy(threads, a, b, dtype, epilogue):
    assert_products(numbers(a, dtype), numbers(b, dtype), epilogue)


@pytest.mark.parametrize("a, b", [*itertools.product(LAYOUTS, repeat=2)])
@pytest.mark.parametrize("shapes", [SHAPES[1], SHAPES[2], SHAPES[7]])
def test_operands_of_any_layout(shapes, a, b):
    with num_threads(3):
        x, y = (numbers(shape, "f") for shape in shapes)
        assert_products(LAYOUTS[a](x), LAYOUTS[b](y), False)


def test_types_without_a_blas():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, (200, 30)), rng.integers(0, 9, (30, 300))
    out = np.empty((200, 300), int)
    with num_threads(3):
        blas.matmul(a, b, out)
    assert (out == a @ b).all()


def test_large_products_are_cut_and_small_ones_are_not():
    def parts(n):
        seen = []
        a = np.ones((n, n), np.float32)
        blas.matmul(a, a, np.empty_like(a), row_by_row(lambda lo, hi: seen.append((lo, hi))))
        return sorted(seen)

    with num_threads(2):
        assert parts(32) == [(0, 32)]
        assert len(parts(700)) > 2


# --- BLAS's own threads -------------------------------------------------------------------------


def own_threads():
    """How many threads NumPy's BLAS uses, as an independent tool sees it."""
    return [lib["num_threads"] for lib in threadpoolctl.threadpool_info()
            if "numpy" in lib["filepath"]]


needs_control = pytest.mark.skipif(not isinstance(blas._one_thread, blas.OneThread),
                                   reason="a BLAS that cannot be told")
A = np.ones((200, 200), np.float32)


@pytest.fixture
def three_threads():
    with threadpoolctl.threadpool_limits(3, user_api="blas"):
        yield


@needs_control
def test_blas_uses_one_thread_inside_and_its_own_number_after(three_threads):
    inside = []
    with num_threads(2):
        blas.matmul(A, A, np.empty_like(A), row_by_row(lambda lo, hi: inside.extend(own_threads())))
    assert set(inside) == {1} and own_threads() == [3]


ALONE = """
import time
import numpy as np
from minijax.compiler import blas
from minijax.compiler.threads import num_threads
for dtype in "fdFD":
    for m, k, n in [(15, 17, 15), (40, 40, 40), (64, 64, 64), (65, 65, 65), (90, 44, 1),
                    (90, 100, 1), (1, 100, 90), (180, 8, 180), (2, 60000, 2)]:
        a = np.ones((m, k), dtype)
        for b in [np.ones((k, n), dtype)] + [a.T] * (m == n):
            out = np.empty((m, n), dtype)
            with num_threads(1):
                start = time.process_time() - time.thread_time()
                for _ in range(100):
                    blas.matmul(a, b, out)
                time.sleep(0.01)  # in which they would spin
                if time.process_time() - time.thread_time() - start > 1e-3:
                    print(dtype, m, k, n)
"""


@heavy
@needs_control
def test_no_product_wakes_the_threads_of_blas():
    """They would spin long after, at the cost of whatever comes next."""
    run = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True,
                         env=os.environ | {"OPENBLAS_NUM_THREADS": "2"})
    assert run.stdout == ""


@needs_control
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_errors_leave_blas_as_it_was(three_threads, error):
    def fail(lo, hi):
        raise error

    with num_threads(2), pytest.raises(error):
        blas.matmul(A, A, np.empty_like(A), row_by_row(fail))
    with pytest.raises(ValueError, match="mismatch"):
        blas.matmul(A, A[1:], np.empty_like(A))
    assert own_threads() == [3]


@needs_control
def test_the_last_thread_that_leaves_restores(three_threads):
    here, there = threading.Barrier(2), threading.Barrier(2)

    def slow_product():
        def wait(lo, hi):
            if lo == 0:
                here.wait(20)
                there.wait(20)

        blas.matmul(A, A, np.empty_like(A), row_by_row(wait))

    other = threading.Thread(target=slow_product)
    other.start()
    here.wait(20)
    blas.matmul(A, A, np.empty_like(A))
    assert own_threads() == [1]  # the other is still inside
    there.wait(20)
    other.join()
    assert own_threads() == [3]


@needs_control
def test_many_threads_at_once(three_threads):
    a = numbers((150, 150), "d")
    want, wrong = a @ a, []

    def work():
        for _ in range(30):
            out = np.empty_like(a)
            with num_threads(2):
                blas.matmul(a, a, out)
            wrong.append(np.abs(out - want).max())

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert max(wrong) < 1e-12 and own_threads() == [3]


@needs_control
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_during_a_product_has_a_blas_of_its_own(three_threads):
    codes = []

    def fork(lo, hi):
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                number = own_threads()
                blas.matmul(A, A, np.empty_like(A))
                os._exit(10 * number[0] + own_threads()[0])
            os._exit(99)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    with num_threads(1):
        blas.matmul(A, A, np.empty_like(A), row_by_row(fork))
    assert set(codes) == {33} and own_threads() == [3]
