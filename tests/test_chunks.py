"""Kernels in several threads: each chunk once, nobody waited for who has not begun."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from minijax.compiler.chunks import Call, chunked, crew, parallel
from minijax.compiler.load import native
from minijax.compiler.threads import num_threads
from tests.kernels import PythonKernel

SOON = 20  # seconds; nothing here takes longer, on any machine
ADD_ONE = """
def kernel(lo, hi, sizes, a0):
    x = data(a0, int64)
    for i in range(lo, hi):
        x[i] += 1
"""


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    with num_threads(request.param):
        yield request.param


@pytest.mark.parametrize("n", [0, 1, 5, 64, 999, 1000, 1001, 123_457])
@pytest.mark.parametrize("grain", [1, 10, 1000])
def test_chunks_make_up_the_range(threads, n, grain):
    calls = []
    parallel(PythonKernel(lambda lo, hi: calls.append((lo, hi))), n, grain, 0)
    ends = sorted(calls)
    assert [lo for lo, _ in ends] == [0, *(hi for _, hi in ends[:-1])] and ends[-1][1] == n
    assert all(lo < hi for lo, hi in ends) or n == 0
    assert all(hi - lo >= grain for lo, hi in ends[:-1])


def test_less_than_two_grains_is_one_call_here():
    calls = []
    with num_threads(8):
        parallel(PythonKernel(lambda *range: calls.append(
            (threading.current_thread(), *range))), 199, 100, 0)
    assert calls == [(threading.current_thread(), 0, 199)]


def test_chunks_end_at_whole_cache_lines():
    starts = []
    with num_threads(3):
        parallel(PythonKernel(lambda lo, hi: starts.append(lo)), 1_000_003, 10, 0)
    assert len(starts) > 3 and all(lo % 64 == 0 for lo in starts)


@pytest.mark.parametrize("number", [2, 4])
def test_as_many_threads_work_as_the_option_says(number):
    together = threading.Barrier(number)
    for _ in range(3):  # also when they are awake
        with num_threads(number):
            chunked(PythonKernel(lambda lo, hi: together.wait(SOON)), number, 1, 0, ())


def test_helpers_that_sleep_are_woken():
    together = threading.Barrier(2)
    for pause in (0, 0.05):
        time.sleep(pause)
        with num_threads(2):
            chunked(PythonKernel(lambda lo, hi: together.wait(SOON)), 2, 1, 0, ())


def test_each_thread_has_operands_of_its_own():
    """Three counters: what they count makes up the range, each counted by one thread alone."""
    counters = np.zeros((3, 8), np.int64)
    kernel = native("""
def kernel(lo, hi, sizes, a0):
    x = data(a0, int64)
    for i in range(lo, hi):
        x[0] += 1
""", 1)
    rows = [*counters]
    for _ in range(100):
        with num_threads(3):
            chunked(kernel, 1000, 10, 0, *[(id(row),) for row in rows])
    assert counters[:, 0].sum() == 100_000


def test_a_kernel_with_its_operands_is_called_for_all_rows(threads):
    x = np.zeros(1000, np.int64)
    Call(native(ADD_ONE, 1), 10, 50, 0, id(x)).over(100)
    assert (x == 1).all()


def test_a_job_in_a_job_is_done_by_who_finds_it(threads):
    seen, lock = [], threading.Lock()

    def inner(lo, hi):
        with lock:
            seen.extend(range(lo, hi))

    def outer(lo, hi):
        for _ in range(lo, hi):
            parallel(PythonKernel(inner), 50, 1, 0)

    chunked(PythonKernel(outer), 8, 1, 0, ())
    assert sorted(seen) == sorted([*range(50)] * 8)


def test_a_busy_crew_is_not_waited_for():
    """Another job is under way and does not end; a call is not held up by it."""
    stop, entered = threading.Event(), threading.Barrier(3)

    def block(lo, hi):
        entered.wait(SOON)
        stop.wait(SOON)

    def occupy():
        with num_threads(2):
            chunked(PythonKernel(block), 2, 1, 0, ())

    other = threading.Thread(target=occupy)
    other.start()
    entered.wait(SOON)
    here, start = np.zeros(1000, np.int64), time.perf_counter()
    with num_threads(2):
        parallel(native(ADD_ONE, 1), 1000, 10, 0, id(here))
    assert (here == 1).all() and time.perf_counter() - start < SOON / 2
    stop.set()
    other.join()


def test_many_python_threads_at_once():
    kernel, wrong = native(ADD_ONE, 1), []

    def caller():
        with num_threads(3):
            for _ in range(500):
                out = np.zeros(1000, np.int64)
                parallel(kernel, 1000, 50, 0, id(out))
                wrong.extend(out[out != 1])

    callers = [threading.Thread(target=caller) for _ in range(8)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join(SOON)
        assert not thread.is_alive()
    assert not wrong


class TooLong(Exception):
    """What a user's time limit raises."""


def too_long(*_):
    raise TooLong


@pytest.mark.parametrize("handler, error", [
    (signal.default_int_handler, KeyboardInterrupt), (too_long, TooLong)])
def test_interrupts_wait_for_helpers(handler, error):
    """A signal again and again, while the caller waits for its helper."""
    before = signal.signal(signal.SIGINT, handler)
    caller, together = threading.get_ident(), threading.Barrier(2)
    ended = []

    def task(lo, hi):
        together.wait(SOON)
        if threading.get_ident() != caller:
            time.sleep(0.2)  # so the caller has nothing left to do
            for _ in range(20):
                signal.pthread_kill(caller, signal.SIGINT)
                time.sleep(0.01)
            ended.append(lo)

    try:
        with num_threads(2), pytest.raises(error):
            chunked(PythonKernel(task), 2, 1, 0, ())
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(ended) == 1
    seen = []
    with num_threads(2):
        chunked(PythonKernel(lambda lo, hi: seen.append(lo)), 2, 1, 0, ())
    assert sorted(seen) == [0, 1]


def test_who_has_nothing_to_do_sleeps():
    x = np.zeros(1000, np.int64)
    with num_threads(2):
        parallel(native(ADD_ONE, 1), 1000, 10, 0, id(x))
    time.sleep(0.1)
    start = time.process_time()
    time.sleep(0.2)
    assert time.process_time() - start < 0.1


TOGETHER = """
import os, sys, threading, time
from tests.kernels import PythonKernel
from minijax.compiler.chunks import chunked
from minijax.compiler.threads import num_threads
def together():
    barrier = threading.Barrier(2)
    with num_threads(2):
        chunked(PythonKernel(lambda lo, hi: barrier.wait(20)), 2, 1, 0, ())
"""


def python(code, **environment):
    """The output of a new process."""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                         env=os.environ | environment, check=False)
    assert not out.returncode, out.stderr
    return out.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_helpers_of_its_own():
    assert python(TOGETHER + """
together()
child = os.fork()
together()
if not child:
    os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""") == "3"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_within_a_job_can_share_work():
    assert python(TOGETHER + """
codes = []
def fork(lo, hi):
    if lo == 0:
        child = os.fork()
        if not child:
            together()
            os._exit(3)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
with num_threads(2):
    chunked(PythonKernel(fork), 2, 1, 0, ())
together()
print(codes)
""") == "[3]"


def test_a_process_ends_while_helpers_work():
    start = time.perf_counter()
    python(TOGETHER + """
together()
inside = threading.Barrier(3)
def work():
    with num_threads(2):
        chunked(PythonKernel(lambda lo, hi: (inside.wait(20), time.sleep(60))), 2, 1, 0, ())
threading.Thread(target=work, daemon=True).start()
inside.wait(20)
""")
    assert time.perf_counter() - start < SOON


def test_there_is_one_crew():
    assert crew() is crew()
