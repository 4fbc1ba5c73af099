"""Threads that share the work of one call.

    share(task, size)    # task(i) for each i, any Python function, in several threads

The caller never waits for help to arrive. It numbers the tasks, rings for helpers and starts at
once, taking one number after another; helpers that wake up take numbers too. When the numbers are
used up, it waits for the helpers that have *entered*, and for no other. So on a busy machine, where
a helper may wait milliseconds for a CPU, the caller has done all the work itself by the time the
helper comes, and the helper finds nothing left.

Tasks run side by side where they release Python's lock: in BLAS. What we compile ourselves is
shared by the same threads and in the same way, but without Python: see `chunks.py`.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections import deque
from collections.abc import Callable
from itertools import count, islice
from threading import Lock
from typing import Any

import numpy as np

from minijax.config import Option, flags


def usable_cpus() -> int:
    """How many CPUs this process may use.

    >>> usable_cpus() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        cpus = len(os.sched_getaffinity(0))
    else:
        cpus = os.cpu_count() or 1
    return max(1, math.ceil(min(cpus, _quota())))


def _quota() -> float:
    """The CPUs' worth of time that the container may use, on Linux; infinity if there is no limit.

    More threads than that would use up the time of all, and then all stand still.
    """
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            time, period = file.read().split()
        return int(time) / int(period)
    except (OSError, ValueError):  # no such file, or "max"
        return math.inf


def thread_count(value: int | str | None) -> int:
    """The number of threads meant by an option's value: None means one for each usable CPU."""
    if value in (None, ""):
        return usable_cpus()
    if not str(value).isdecimal() or not int(value):
        raise ValueError(f"the number of threads must be 1 or more, got {value!r}")
    return int(value)


num_threads = Option(
    "minijax_num_threads", None, thread_count,
    "How many threads share the work of one call, the caller among them. None: one for each CPU.")


class Job:
    """The tasks of one call, numbered, and the helpers that may come."""

    def __init__(self, task: Callable[[int], object], size: int, helpers: int):
        self.task: Any = task
        self.size, self.helpers = size, helpers
        self.numbers = count()  # of tasks; next() on a count is atomic
        self.tickets = count()  # of helpers
        self.unused: list[int] = []  # tickets that the caller took back
        self.exits: list[BaseException | None] = []  # one for each helper that is done: its error
        self.left = Lock()  # released at each exit
        self.left.acquire()

    def work(self) -> None:
        """Do one task after another, as long as there are any."""
        task, size = self.task, self.size
        while (i := next(self.numbers)) < size:
            task(i)

    def help(self) -> None:
        """Work as a helper, if the job is still open."""
        if next(self.tickets) >= self.helpers:
            return
        error = None
        try:
            self.work()
        except BaseException as caught:
            self.stop()
            error = caught
        self.exits.append(error)
        with contextlib.suppress(RuntimeError):  # the caller has not heard the exit before this
            self.left.release()

    def stop(self) -> None:
        """Leave no task to begin."""
        deque(islice(self.numbers, self.size), 0)

    def close(self) -> None:
        """Let no more helpers in; wait for those inside.

        Each line may be repeated, so a `close` that was interrupted can be called again.
        """
        self.unused.extend(islice(self.tickets, self.helpers))
        inside = min(self.unused[0], self.helpers)
        while len(self.exits) < inside:
            self.left.acquire()
        self.task = None  # a helper that comes late finds no operands to keep alive


class Pool:
    """Threads that look out for work, and then sleep until they are rung for.

    `look_out` is what a thread does before it falls asleep. Where work comes without a ring for
    those who are awake, `heard` is a number that changes when there is some.
    """

    def __init__(self):
        self.begin()

    def begin(self) -> None:
        """Without a thread: at first, and in a forked child (the threads stayed behind)."""
        self.jobs: deque[Job] = deque()
        self.asleep: deque[Lock] = deque()  # released to wake the thread
        self.look_out: Callable[[], object] = lambda: None
        self.heard: Callable[[], int] = lambda: 0
        self.lock = Lock()
        self.size = 0

    def give(self, job: Job) -> None:
        """Ask for the job's helpers."""
        self.jobs.extend([job] * job.helpers)
        self.ring(job.helpers)

    def ring(self, helpers: int) -> None:
        """Wake so many threads, or start them."""
        if self.size < helpers:
            self.grow(helpers)
        with contextlib.suppress(IndexError):  # the others are awake
            for _ in range(helpers):
                self.asleep.pop().release()

    def grow(self, size: int) -> None:
        with self.lock:
            for i in range(self.size, size):
                try:
                    threading.Thread(
                        target=self.serve, name=f"minijax-{i}", daemon=True).start()
                except RuntimeError:  # no more threads, or Python is ending: do with less
                    return
                self.size += 1

    def serve(self) -> None:
        _give_way()
        np.seterr(all="ignore")  # of this thread; the caller's own setting is its own
        bed = Lock()
        bed.acquire()
        while True:
            with contextlib.suppress(IndexError):
                while True:
                    self.jobs.popleft().help()
            heard = self.heard()
            self.look_out()
            self.asleep.append(bed)
            if self.jobs or self.heard() != heard:  # some came while nobody was asleep
                self.ring(1)
            bed.acquire()


def _give_way() -> None:
    """Let this thread, when it wakes up, push no other off its CPU.

    On a busy machine a helper would otherwise take the place of the very caller that has just rung:
    20 us for nothing. (Linux; elsewhere there is no such setting.)
    """
    if hasattr(os, "SCHED_BATCH") and os.sched_getscheduler(0) == os.SCHED_OTHER:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


pool = Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.begin)


def share(task: Callable[[int], object], size: int) -> None:
    """Call `task(i)` for each i in range(size), in several threads and in any order.

    An error in a task ends the call: tasks that have not begun are left out, and it is raised when
    those that have begun are over. So is what a signal raises: Ctrl-C, or a time limit.
    """
    threads = min(flags.minijax_num_threads, size)
    if threads <= 1:
        for i in range(size):
            task(i)
        return
    job = Job(task, size, threads - 1)
    try:
        pool.give(job)
        job.work()
        job.close()
    except BaseException:
        _end(job)
        raise
    for error in filter(None, job.exits):
        raise error


def _end(job: Job) -> None:
    """Stop a job whose caller was interrupted, however impatient the user is."""
    while True:
        try:
            job.stop()
            return job.close()
        except BaseException:  # of one more signal
            continue
