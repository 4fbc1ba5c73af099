"""Sharing the work of a call: each part done once, no waiting for help that has not come."""

import gc
import os
import signal
import threading
import time
import warnings
import weakref

import numpy as np
import pytest

from minijax.compiler.threads import num_threads, share
from minijax.config import config
from tests.test_chunks import SOON, TooLong, python, too_long

from .tiers import heavy


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    with num_threads(request.param):
        yield request.param


# --- each part once -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 7, 300])
def test_each_task_runs_once(threads, size):
    seen = []
    share(seen.append, size)
    assert sorted(seen) == list(range(size))


def test_helpers_do_not_warn_of_nan():
    """As callers do not: what is computed is not finite where the user's numbers are not."""
    meeting = threading.Barrier(2)

    def task(i):
        meeting.wait(SOON)  # so one of the tasks is a helper's
        np.zeros(1) / np.zeros(1)

    with num_threads(2), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        share(task, 2)


# --- helpers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, 4])
def test_as_many_threads_work_as_the_option_says(number):
    together = threading.Barrier(number)
    with num_threads(number):
        share(lambda i: together.wait(SOON), number)  # each waits for all the others


def test_the_number_of_threads_may_change_at_any_time():
    who = set()
    before = config.minijax_num_threads
    try:
        for number in (1, 3, 2, 4):
            config.update("minijax_num_threads", number)
            together = threading.Barrier(number)
            share(lambda i, together=together: (together.wait(SOON), who.add(
                threading.get_ident())), number)
        config.update("minijax_num_threads", 1)
        who.clear()
        share(lambda i: who.add(threading.get_ident()), 100)
        assert who == {threading.get_ident()}
    finally:
        config.update("minijax_num_threads", before)


def test_busy_helpers_are_not_waited_for():
    """All threads of the pool are inside a job that does not end; another call is not held up."""
    stop, entered = threading.Event(), threading.Barrier(3)

    def block(i):
        entered.wait(SOON)
        stop.wait(SOON)

    def occupy():
        with num_threads(2):
            share(block, 2)

    other = threading.Thread(target=occupy)
    other.start()
    entered.wait(SOON)
    here, start = [], time.perf_counter()
    with num_threads(2):
        share(here.append, 100)
    assert sorted(here) == list(range(100)) and time.perf_counter() - start < SOON / 2
    stop.set()
    other.join()


def test_a_helper_that_comes_late_keeps_nothing_alive():
    stop, entered = threading.Event(), threading.Barrier(3)

    def occupy():
        with num_threads(2):
            share(lambda i: (entered.wait(SOON), stop.wait(SOON)), 2)

    other = threading.Thread(target=occupy)
    other.start()
    entered.wait(SOON)
    operand = np.ones(3)
    freed = weakref.ref(operand)
    with num_threads(2):
        share(lambda i, x=operand: x.sum(), 10)
    del operand
    gc.collect()
    assert freed() is None  # although the job is still on the bell
    stop.set()
    other.join()


def test_tasks_may_share_their_own_work():
    done = []

    def task(depth, i):
        if depth:
            share(lambda j: task(depth - 1, j), 4)
        else:
            done.append(i)

    for number in (2, 3):
        done.clear()
        with num_threads(number):
            share(lambda i: task(2, i), 4)
        assert sorted(done) == sorted([*range(4)] * 16)


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["caller", "helper"])
def test_an_error_is_raised_when_what_has_begun_is_over(who):
    caller, together = threading.get_ident(), threading.Barrier(2)
    begun, ended = [], []

    def task(i):
        begun.append(i)
        if len(begun) <= 2:
            together.wait(SOON)
        try:
            if (threading.get_ident() == caller) == (who == "caller"):
                raise KeyError("bad luck")
            time.sleep(0.1)
        finally:
            ended.append(i)

    with num_threads(2), pytest.raises(KeyError, match="bad luck"):
        share(task, 1000)
    assert sorted(begun) == sorted(ended) and len(begun) < 10
    share(begun.append, 2)  # the next call works


def test_an_interrupt_waits_for_what_has_begun():
    caller, together = threading.get_ident(), threading.Barrier(2)
    begun, ended = [], []

    def task(i):
        begun.append(i)
        if len(begun) <= 2:
            together.wait(SOON)
        if threading.get_ident() == caller:
            time.sleep(SOON)  # ended by the interrupt
        else:
            signal.pthread_kill(caller, signal.SIGINT)
            time.sleep(0.3)
            ended.append(i)

    start = time.perf_counter()
    with num_threads(2), pytest.raises(KeyboardInterrupt):
        share(task, 1000)
    assert time.perf_counter() - start < SOON
    assert len(begun) == 2 and len(ended) == 1


@pytest.mark.parametrize("handler, error", [
    (signal.default_int_handler, KeyboardInterrupt), (too_long, TooLong)])
def test_impatient_interrupts_wait_too(handler, error):
    """A signal again and again, while the caller waits for its helper."""
    before = signal.signal(signal.SIGINT, handler)
    caller, together = threading.get_ident(), threading.Barrier(2)
    ended = []

    def task(i):
        together.wait(SOON)
        if threading.get_ident() != caller:
            for _ in range(20):
                signal.pthread_kill(caller, signal.SIGINT)
                time.sleep(0.01)
            ended.append(i)

    try:
        with num_threads(2), pytest.raises(error):
            share(task, 2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(ended) == 1


# --- processes ----------------------------------------------------------------------------------

TOGETHER = """
import os, sys, threading
from minijax.compiler.threads import num_threads, share
def together():
    barrier = threading.Barrier(2)
    with num_threads(2):
        share(lambda i: barrier.wait(20), 2)
"""


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


def test_a_process_ends_while_helpers_work():
    start = time.perf_counter()
    python(TOGETHER + """
import time
together()
inside = threading.Barrier(3)
def work():
    with num_threads(2):
        share(lambda i: (inside.wait(20), time.sleep(60)), 2)
threading.Thread(target=work, daemon=True).start()
inside.wait(20)
""")
    assert time.perf_counter() - start < SOON


def test_work_at_the_end_of_a_process_is_done_without_help():
    assert python("""
import atexit
from minijax.compiler.threads import num_threads, share
def last():
    done = []
    with num_threads(4):
        share(done.append, 10)
    print(sorted(done))
atexit.register(last)
""") == str(list(range(10)))


# --- options ------------------------------------------------------------------------------------


@heavy
def test_the_default_is_one_thread_for_each_usable_cpu():
    code = "from minijax.compiler import threads; print(threads.num_threads.value)"
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert python(code, MINIJAX_NUM_THREADS="") == str(cpus)
    assert python(code, MINIJAX_NUM_THREADS="3") == "3"


@pytest.mark.parametrize("bad", [0, -1, "two", 1.5])
def test_bad_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="minijax_num_threads: the number of threads must be 1"):
        config.update("minijax_num_threads", bad)
