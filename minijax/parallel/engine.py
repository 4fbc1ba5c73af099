"""Who runs the programs of pmap: an `Engine`. Here it is processes on this machine."""

from __future__ import annotations

import atexit
import itertools
import os
import pickle
import select
import threading
import weakref
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.compiler import cache
from minijax.compiler.executable import executable
from minijax.float_checks import checking_floats
from minijax.jaxpr import Jaxpr, derived
from minijax.parallel.heap import Heap, largest_file
from minijax.parallel.meeting import Disagreement
from minijax.parallel.programs import encoded
from minijax.parallel.workers import Worker

__all__ = ["Engine", "ProcessEngine", "engine"]

PATIENCE = 5.0  # seconds without a sign of life of a worker
LOOK = 500  # ms between two looks at workers that have not answered
GRACE = 300  # ms for the others to answer, once one has failed


class Engine(ABC):
    """Puts arrays where devices see them, and runs programs there.

    In the program, a collective asks its `Group` (see `meeting.py`) to communicate.
    """

    @abstractmethod
    def put(self, x: np.ndarray) -> np.ndarray:
        """The array, where devices see it. Nothing is copied if it is there."""

    @abstractmethod
    def run(self, jaxpr: Jaxpr, name: str, axes: Sequence[tuple[Any, int]],
            devices: Sequence[int], args: Sequence[np.ndarray],
            leading: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        """The results of all devices of a program with named axes, (name, size).

        An argument has a leading dimension for each axis: of its size, with a part for each device,
        or of size 1, where all have the same. `leading` are those of the results.
        """

    @abstractmethod
    def get(self, x: np.ndarray) -> np.ndarray:
        """The array, where this process can read it."""


class Sent:
    """A program as workers get it. It lives as long as the program."""

    numbers = itertools.count()
    ended: deque[int] = deque()  # the numbers of programs that are no more

    def __init__(self, jaxpr: Jaxpr):
        self.number = next(self.numbers)
        code, arrays = encoded(jaxpr)
        self.arrays = [np.frombuffer(code, np.uint8), *arrays]
        weakref.finalize(self, self.ended.append, self.number).atexit = False

    def places(self, heap: Heap) -> list[tuple]:
        """Where the code is, and where the arrays are that the program closes over."""
        self.arrays = list(map(heap.shared, self.arrays))
        return [(heap.offset(x), x.shape, x.dtype) for x in self.arrays]


sent = derived(Sent)


def compile_first(jaxpr: Jaxpr) -> None:
    """If it is time to compile the program, do it here: devices find its kernels on the disk.

    Otherwise they would all compile the same ones.
    """
    native = executable(jaxpr)
    if native.native is None and cache.folder() is not None and not checking_floats():
        native.choose()


class ProcessEngine(Engine):
    """Workers that are started when they are first needed, and kept.

    An engine whose run did not come to its end, whyever, ends its workers: the next run has new
    ones. So there is no state in which a worker could be that the parent does not know.
    """

    def __init__(self) -> None:
        self.heap = Heap(*largest_file(), 0)
        self.workers: dict[int, Worker] = {}
        self.lock = threading.Lock()
        self.runs = itertools.count(1)
        self.running = False

    def put(self, x: np.ndarray) -> np.ndarray:
        return self.heap.shared(x)

    def get(self, x: np.ndarray) -> np.ndarray:
        return x

    def run(self, jaxpr, name, axes, devices, args, leading):
        program = sent(jaxpr)
        compile_first(jaxpr)
        args = list(map(self.heap.shared, args))
        outs = [self.heap.empty((*lead, *a.shape), a.dtype)
                for lead, a in zip(leading, jaxpr.out_avals)]
        workers: list[Worker] = []
        with self.lock:
            try:
                if self.running or any(w.ended for w in self.workers.values()):
                    self.stop()
                self.running = True
                workers = [self.workers.get(d) or self.hire(d, len(devices)) for d in devices]
                self.wait(workers)
                order = {"number": next(self.runs), "program": program.number,
                         "devices": tuple(devices), "axes": tuple(axes),
                         "ins": self.places(args, len(axes)),
                         "outs": self.places(outs, len(axes))}
                self.send(workers, name, order, program)
                self.wait(workers)
                self.running = False
            except Exception:  # if all have answered, they are as good as before
                self.running = any(w.pending or w.ended for w in workers)
                raise
            finally:
                if self.running:
                    self.stop()
        return outs

    def hire(self, device: int, count: int) -> Worker:
        self.workers[device] = Worker(self.heap, device, count)
        return self.workers[device]

    def places(self, arrays: Sequence[np.ndarray], rank: int) -> list[tuple]:
        """Where each array is, and how far the parts of two devices are from each other, along
        each axis; None where they are the same."""
        return [(self.heap.offset(x), tuple(step if n > 1 else None for n, step in
                                            zip(x.shape[:rank], x.strides))) for x in arrays]

    def send(self, workers: Sequence[Worker], name: str, order: dict, program: Sent) -> None:
        """Tell the workers to run a program, and what they do not know yet."""
        ended = [Sent.ended.popleft() for _ in range(len(Sent.ended))]
        for worker in self.workers.values():
            worker.forget(ended)
        plain = pickle.dumps(order)
        for worker in workers:
            news = worker.news()
            if program.number not in worker.programs:
                news["code"] = program.places(self.heap)
                worker.programs.add(program.number)
            worker.send(name, pickle.dumps(order | news) if news else plain)

    def wait(self, workers: Sequence[Worker]) -> None:
        """Until all have answered. An error: one has raised, has died, or gives no sign of life."""
        pending = {w.descriptor: w for w in workers if w.pending}
        errors: list[Exception] = []
        poll = select.poll()
        for fd in pending:
            poll.register(fd, select.POLLIN)
        while pending:
            events = poll.poll(GRACE if errors else LOOK)
            for fd, _ in events:
                error = pending[fd].answer()
                errors += [error] if error else []
                if not pending[fd].pending:
                    poll.unregister(fd)
                    del pending[fd]
            if not events and errors:
                break
            if not events:
                errors += filter(None, [w.check(PATIENCE) for w in pending.values()])
        if errors:  # a device that waited for one that failed complains, too
            raise next((e for e in errors if not isinstance(e, Disagreement)), errors[0])

    def stop(self) -> None:
        """End all workers. The arrays stay."""
        self.running = True  # until the last line, which an interrupt may prevent
        for worker in self.workers.values():
            worker.kill()
        self.workers.clear()
        self.running = False


_engine: Engine | None = None


def engine() -> Engine:
    """The engine of this process, made when it is first asked for."""
    global _engine
    if _engine is None:
        if not hasattr(os, "fork"):
            raise NotImplementedError("pmap needs what Linux and macOS have: sockets that a "
                                      "process inherits. On Windows, use WSL, or vmap.")
        _engine = ProcessEngine()
        atexit.register(_engine.stop)
    return _engine


def _forget_engine() -> None:
    """In a process that was forked: the workers are the parent's."""
    global _engine
    if isinstance(_engine, ProcessEngine):
        for worker in _engine.workers.values():
            worker.connection.close()
        _engine.workers.clear()  # nobody here may end them
    _engine = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_engine)
