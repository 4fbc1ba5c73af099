"""A kernel, called for parts of its range in several threads at once.

    parallel(kernel, n, grain, sizes, *operands)    # kernel(lo, hi, sizes, *operands), in chunks

The caller never waits for help to arrive. It writes down the job, says so where helpers look, and
starts at once, taking one chunk after another; helpers take chunks too. When all are taken, it
waits for the helpers that have *entered*, and for no other. So on a busy machine, where a helper
may wait milliseconds for a CPU, the caller has done all the work itself by the time the helper
comes, and the helper finds nothing left.

To wake a thread takes longer than many a kernel. So a helper that has nothing to do looks out for
work for a moment (PATIENCE) before it goes to sleep. It does so in native code, without Python's
lock; as long as one job follows another, threads meet without Python or the system in between.

There is one job at a time. A caller that finds another's job under way works alone.
"""

from __future__ import annotations

import array
import functools
import os
import time
from collections.abc import Sequence
from typing import Any

from minijax.compiler.load import native
from minijax.compiler.threads import pool
from minijax.config import flags

__all__ = ["chunked", "parallel"]

CHUNKS_PER_THREAD = 4  # so that a thread that was interrupted leaves little to wait for
LINE = 64  # elements; chunks that end at a multiple share no cache line, and stay aligned
PATIENCE = 150_000  # ns

# Words of the board, where helpers look; far apart, since a write to one takes a cache line from
# all others who look at it.
JOB, BELL, INSIDE, BOARD = 0, 16, 32, 48
CLOSED = 1  # in the place of a job: no more helpers, some are still inside
# Words of a job, and its phases
(FUNCTION, SIZE, STEP, SIZES, HELPERS, OPERANDS, EACH, PHASE, NEXT, TICKET, HEAD) = (
    *range(8), 16, 24, 32)
NEW, OPEN, LEAVING, DONE = range(4)

CREW = f"""
@inline
def work(job, who):
    n, step = job[{SIZE}], job[{STEP}]
    operands = job[{OPERANDS}] + 8 * who * job[{EACH}]
    lo = atomic_add(job, {NEXT}, step)
    while lo < n:
        call(job[{FUNCTION}], lo, min(n, lo + step), job[{SIZES}], operands)
        lo = atomic_add(job, {NEXT}, step)

@inline
def close(board, job, times):
    # wait, but not for long
    atomic_store(board, {JOB}, {CLOSED})
    job[{PHASE}] = {LEAVING}
    for i in range(times):
        if atomic_load(board, {INSIDE}) == 0:
            atomic_store(board, {JOB}, 0)
            job[{PHASE}] = {DONE}
            break
        pause()

@inline
def lead(board, where, times):
    # one step further
    job = words(where)
    if job[{PHASE}] == {NEW}:
        if atomic_replace(board, {JOB}, 0, where):
            job[{PHASE}] = {OPEN}
            atomic_add(board, {BELL}, 1)
        else:
            work(job, 0)
            job[{PHASE}] = {DONE}
    else:
        work(job, 0)
        close(board, job, times)

@inline
def help(board, times):
    heard, idle = -1, 0
    while idle < times:
        bell = atomic_load(board, {BELL})
        if bell == heard:
            idle += 1
            pause()
        else:
            heard, idle = bell, 0
            atomic_add(board, {INSIDE}, 1)
            here = atomic_load(board, {JOB})
            if here > {CLOSED}:
                job = words(here)
                who = 1 + atomic_add(job, {TICKET}, 1)
                if who <= job[{HELPERS}]:
                    work(job, who)
            atomic_add(board, {INSIDE}, -1)

def kernel(lo, hi, sizes):
    # lo: the job to lead; 0: help
    if lo == 0:
        help(sizes, hi)
    else:
        lead(sizes, lo, hi)
"""


class Crew:
    """The board of this process, and how long to look at it."""

    def __init__(self):
        self.kernel = native(CREW, 0)
        self.board = array.array("q", [0] * BOARD)
        self.address = self.board.buffer_info()[0]
        self.times = 1000
        start = time.perf_counter_ns()
        self.look_out()
        self.times = max(1, self.times * PATIENCE // (time.perf_counter_ns() - start))
        pool.look_out, pool.heard = self.look_out, self.heard

    def look_out(self) -> None:
        """Help in jobs, until there was none for a while."""
        self.kernel(0, self.times, self.address)

    def heard(self) -> int:
        """How often the bell has rung."""
        return self.board[BELL]

    def lead(self, job: array.array) -> None:
        """Do the job, with those who come. All have left when this returns, or raises.

        What a signal raises here, Ctrl-C or a time limit of the user's, waits until then.
        """
        interrupt = None
        where = job.buffer_info()[0]
        while job[PHASE] != DONE:
            try:
                while job[PHASE] != DONE:
                    self.kernel(where, self.times, self.address)
                    if job[PHASE] == OPEN:
                        pool.ring(job[HELPERS])
                    elif job[PHASE] == LEAVING:
                        give_way()  # a helper that is inside may need this CPU
            except BaseException as error:
                interrupt = error
        if interrupt:
            raise interrupt


give_way = getattr(os, "sched_yield", functools.partial(time.sleep, 0))
crew = functools.cache(Crew)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=crew.cache_clear)  # its helpers stayed behind


class Call:
    """A kernel with all it is called with but the range, which is `times` numbers for each row.

    Other kernels call it for rows that they have made: see `gemm.py`. `address` is where they look.
    `grain` is that of `parallel`.
    """

    def __init__(self, kernel: Any, times: int, grain: int, sizes: int, *operands: int):
        self.kernel, self.times, self.grain = kernel, times, grain
        self.sizes, self.operands = sizes, operands
        self.memory = array.array("q", [kernel.chunk, times, sizes, 0, *operands])
        self.address = self.memory.buffer_info()[0]
        self.memory[3] = self.address + 4 * self.memory.itemsize

    def over(self, rows: int) -> None:
        """Call the kernel for all rows."""
        parallel(self.kernel, rows * self.times, self.grain, self.sizes, *self.operands)


def chunked(kernel: Any, n: int, step: int, sizes: int, *operands: Sequence[int]) -> None:
    """Call `kernel(lo, hi, sizes, *operands)` for ranges of `step` numbers that make up range(n).

    Each thread has operands of its own if several are given, as many as may be threads.
    """
    threads = len(operands) if len(operands) > 1 else flags.minijax_num_threads
    helpers = min(threads - 1, (n - 1) // step)
    if helpers <= 0:
        kernel(0, n, sizes, *operands[0])
        return
    flat = array.array("q", [x for own in operands for x in own])
    each = len(operands[0]) if len(operands) > 1 else 0
    job = array.array("q", [kernel.chunk, n, step, sizes, helpers, flat.buffer_info()[0], each,
                            *[0] * (HEAD - PHASE)])
    crew().lead(job)


def parallel(kernel: Any, n: int, grain: int, sizes: int, *operands: int) -> None:
    """Call `kernel(lo, hi, sizes, *operands)` for chunks that make up range(n).

    `grain` is the least number of iterations worth handing to another thread: some 20 us of work.
    Fewer than two grains are one call of the kernel, in this thread.
    """
    chunks = max(1, min(n // grain, CHUNKS_PER_THREAD * flags.minijax_num_threads))
    step = max(1, -(-n // chunks))
    if step > 16 * LINE:
        step += -step % LINE
    chunked(kernel, n, step, sizes, operands)
