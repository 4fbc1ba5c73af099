"""Memory used again: never while anyone can still see it, and no more of it than allowed."""

import ctypes
import os
import sys
import threading

import ml_dtypes
import numpy as np
import pytest

from minijax.compiler import buffers
from minijax.compiler.buffers import ALIGNMENT, SMALL, Buffers, buffer_bytes, empty, rounded
from minijax.config import config
from minijax.core import ArrayImpl, typeof

F32 = np.dtype(np.float32)
SHAPE = (SMALL // 4, 2)


def address(x):
    return x.__array_interface__["data"][0]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A pool of its own for each test."""
    monkeypatch.setattr(buffers, "_buffers", Buffers())


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.complex128, ml_dtypes.bfloat16, bool])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (SMALL,), (3, SMALL), (1, SMALL, 1)])
def test_arrays_are_what_was_asked_for(shape, dtype):
    x = empty(shape, np.dtype(dtype))
    assert x.shape == shape and x.dtype == dtype and x.flags.c_contiguous and x.flags.writeable
    if x.nbytes >= SMALL:
        assert address(x) % ALIGNMENT == 0
    x[...] = 1
    assert (x == 1).all()


def test_a_dropped_array_is_used_again():
    x = empty(SHAPE, F32)
    first = address(x)
    del x
    assert address(empty(SHAPE, F32)) == first
    assert address(empty(SHAPE[::-1], np.dtype(np.int32))) == first  # only the size counts


def test_arrays_in_use_are_all_different():
    held = [empty(SHAPE, F32) for _ in range(10)]
    for i, x in enumerate(held):
        x[...] = i
    assert all((x == i).all() for i, x in enumerate(held))
    assert len({address(x) for x in held}) == 10


def test_small_arrays_come_from_numpy():
    empty((SMALL // 4 - 1,), F32)
    assert not buffers._buffers.blocks


def as_read_only(x):
    x.flags.writeable = False
    return x


def as_array(x):
    """The Array around this memory, as the results of a program are."""
    return ArrayImpl(x, typeof(x))


HOLDERS = {
    "the array": lambda x: x,
    "a row": lambda x: x[1],
    "one element": lambda x: x[3:4, :1],
    "a view of a view": lambda x: x.T[1:].reshape(-1)[2:],
    "another dtype": lambda x: x.view(np.uint8),
    "read-only": as_read_only,
    "np.asarray": np.asarray,
    "np.asarray of a view": lambda x: np.asarray(x[1:]),
    "a subclass": lambda x: x.view(np.recarray),
    "broadcast": lambda x: np.broadcast_to(x, (3, *x.shape)),
    "memoryview": memoryview,
    "a cast memoryview": lambda x: memoryview(x).cast("B"),
    "frombuffer": lambda x: np.frombuffer(x, np.uint8),
    "dlpack": np.from_dlpack,
    "a dlpack capsule": lambda x: x.__dlpack__(),
    "ctypes": lambda x: x.ctypes.data_as(ctypes.c_void_p),
    "ctypes from_buffer": lambda x: (ctypes.c_char * x.nbytes).from_buffer(x),
    "an iterator": iter,
    "flat": lambda x: x.flat,
    "the base": lambda x: x.base,
    "an Array": as_array,
    "an Array's view": lambda x: np.asarray(as_array(x)),
    "an Array's row": lambda x: np.asarray(as_array(x))[5],
    "an Array's dlpack": lambda x: np.from_dlpack(as_array(x)),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_nothing_that_is_visible_is_used_again(holder):
    x = empty(SHAPE, F32)
    x[...] = 7
    first = address(x)
    seen = HOLDERS[holder](x)
    del x
    others = [empty(SHAPE, F32) for _ in range(3)]
    assert first not in map(address, others)
    del seen, others
    others = [empty(SHAPE, F32) for _ in range(4)]
    assert first in map(address, others)


# --- how much -----------------------------------------------------------------------------------


def held():
    return buffers._buffers.held()


def test_the_pool_is_capped():
    size = rounded(SHAPE[0] * 8)
    with buffer_bytes(5 * size):
        for n in range(3, 20):
            arrays = [empty(SHAPE, F32) for _ in range(n)]
            assert len({address(x) for x in arrays}) == n
            assert held() <= 5 * size
            del arrays


def test_what_did_not_grow_for_longest_goes_first():
    size = SMALL
    with buffer_bytes(10 * size):
        for factor in (1, 2, 3):
            empty((size * factor,), np.dtype(np.uint8))
        empty((size * 5,), np.dtype(np.uint8))
        sizes = {s for s, blocks in buffers._buffers.blocks.items() if blocks}
        assert sizes == {2 * size, 3 * size, 5 * size}


def test_more_than_the_cap_is_not_kept():
    with buffer_bytes(SMALL):
        x = empty((SMALL + 1,), np.dtype(np.uint8))
        assert held() == 0 and x.base is None
    with buffer_bytes(0):
        empty(SHAPE, F32)
        assert held() == 0


def test_blocks_of_one_size_are_limited():
    arrays = [empty((SMALL,), np.dtype(np.uint8)) for _ in range(3 * buffers.KEPT)]
    assert len({address(x) for x in arrays}) == len(arrays)
    assert held() <= (buffers.KEPT + 1) * SMALL


@pytest.mark.parametrize("n", [SMALL, SMALL + 1, 10**6, 2**30, 2**40 - 1])
def test_sizes_waste_at_most_an_eighth(n):
    assert n <= rounded(n) <= n * 9 / 8
    assert rounded(rounded(n)) == rounded(n)


def test_memory_that_there_is_not():
    empty(SHAPE, F32)
    with buffer_bytes(1 << 62), pytest.raises(MemoryError):
        empty((1 << 60,), np.dtype(np.uint8))
    assert held() == 0  # all was given back before the second attempt
    assert empty(SHAPE, F32).shape == SHAPE


@pytest.mark.parametrize("bad", [-1, "much", 0.5])
def test_bad_sizes_are_refused(bad):
    with pytest.raises(ValueError, match="minijax_buffer_bytes: a number of bytes is 0 or more"):
        config.update("minijax_buffer_bytes", bad)


# --- threads and processes ----------------------------------------------------------------------


def test_two_threads_never_share_memory():
    wrong = []
    before = sys.getswitchinterval()

    def work(me):
        for turn in range(150):
            x = empty((SMALL,), np.dtype(np.uint8))
            x[:: 4096] = me
            y = x[::4096] if turn % 3 else None
            z = empty((SMALL,), np.dtype(np.uint8))
            z[:: 4096] = me + 100
            wrong.extend(x[::4096][x[::4096] != me])
            del x
            empty((SMALL,), np.dtype(np.uint8))[::4096] = me + 50
            if y is not None:
                wrong.extend(y[y != me])
            wrong.extend(z[::4096][z[::4096] != me + 100])

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    sys.setswitchinterval(1e-6)
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong
    assert 0 < held() <= (buffers.KEPT + 8) * SMALL


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_its_own_memory():
    x = empty(SHAPE, F32)
    x[...] = 1
    free = address(empty(SHAPE, F32))
    child = os.fork()
    if not child:
        y = empty(SHAPE, F32)
        y[...] = 2
        os._exit(address(y) == free and bool((x == 1).all() and (y == 2).all()))
    y = empty(SHAPE, F32)
    y[...] = 3
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert (x == 1).all() and (y == 3).all()
