"""Who runs the programs of pmap: an `Engine`. Here it is processes on this machine."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait

import numpy as np

from minijax.compiler import cache
from minijax.compiler.executable import executable
from minijax.float_checks import checking_floats
from minijax.jaxpr import Jaxpr, derived
from minijax.parallel.asking import check_order
from minijax.parallel.heap import DEVICES, Heap, once, repeated
from minijax.parallel.meeting import Axes, Disagreement
from minijax.parallel.programs import encoded
from minijax.parallel.replication import same_everywhere
from minijax.parallel.slots import ASLEEP, PARENT, Slots, fence, look
from minijax.parallel.system import new_memory
from minijax.parallel.workers import Worker

__all__ = ["Engine", "ProcessEngine", "Sent", "compile_first", "engine", "use"]

PATIENCE = 5.0  # seconds without a sign of life of a worker
LOOK = 0.5  # seconds between two looks at workers that have not answered
GRACE = 0.3  # seconds for the others to answer, once one has failed
MOMENT = 0.01  # seconds after a run in which workers are taken to be alive


class Engine(ABC):
    """Puts arrays where devices see them, and runs programs there.

    In the program, a collective asks its `Group` (see `meeting.py`) to communicate.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.thread: int | None = None  # that runs a program
        self.running = False  # devices are in the middle of a run

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """One run at a time. RuntimeError: this one is asked for by a callback of another."""
        if self.thread == threading.get_ident():
            raise RuntimeError(f"a callback of a program on devices has called {name}, which is to "
                               "run on devices that wait for the callback. Call it elsewhere.")
        with self.lock:
            self.thread = threading.get_ident()
            try:
                yield
            finally:
                self.thread = None

    @abstractmethod
    def put(self, x: np.ndarray) -> np.ndarray:
        """The array, where devices see it. Nothing is copied if it is there."""

    @abstractmethod
    def run(self, jaxpr: Jaxpr, name: str, axes: Axes, devices: Sequence[int],
            args: Sequence[np.ndarray], leading: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        """The results of all devices of a program with named axes, (name, size).

        An argument has a leading dimension for each axis: of its size, with a part for each device,
        or of size 1, where all have the same; or none of them. `leading` are those of the results.
        """

    @abstractmethod
    def stop(self) -> None:
        """End the devices, whatever they are doing."""


class Sent:
    """A program for some devices, as bytes and arrays. It lives as long as the program.

    `split` says along which axes each operand has parts, `split_out` the same of the results. Where
    all devices get the same, the memory for a result has size 1.
    """

    numbers = itertools.count()
    ended: deque[int] = deque()  # the numbers of those that are no more

    def __init__(self, jaxpr: Jaxpr, axes: Axes, devices: tuple[int, ...],
                 split: tuple[tuple[bool, ...], ...], leading: tuple[tuple[int, ...], ...]):
        check_order(jaxpr, devices)
        self.number, self.split = next(self.numbers), split
        same = [same_everywhere(jaxpr, tuple(not s[i] for s in split), name)
                for i, (name, _) in enumerate(axes)]
        memory = [tuple(1 if s else n for n, s in zip(lead, along))
                  for lead, along in zip(leading, zip(*same))]
        self.types = [(m, lead, a.shape, a.dtype)
                      for m, lead, a in zip(memory, leading, jaxpr.out_avals)]
        self.split_out = tuple(tuple(n > 1 for n in m) for m in memory)
        code, arrays, self.questions = encoded(jaxpr)
        self.arrays = [np.frombuffer(code, np.uint8), *arrays]
        weakref.finalize(self, self.ended.append, self.number).atexit = False

    def results(self, empty: Callable = np.empty) -> list[np.ndarray]:
        """Memory for the results: a part for each device, or one part that is that of several."""
        return [repeated(empty((*memory, *shape), dtype), lead)
                for memory, lead, shape, dtype in self.types]


class Order(Sent):
    """A program as workers are told of it. In `places` a run finds the offsets of its operands, and
    of the memory for its results."""

    def __init__(self, jaxpr: Jaxpr, heap: Heap, axes: Axes, devices: tuple[int, ...],
                 split: tuple[tuple[bool, ...], ...], leading: tuple[tuple[int, ...], ...]):
        super().__init__(jaxpr, axes, devices, split, leading)
        self.places = heap.empty((len(split) + len(leading),), np.dtype(np.int64))
        self.arrays = list(map(heap.shared, self.arrays))
        self.news = {
            "number": self.number, "devices": devices, "axes": axes,
            "split": (*split, *self.split_out), "places": heap.address_of(self.places),
            "code": list(map(heap.address_of, self.arrays))}


order_of = derived(Order)


def splits(jaxpr: Jaxpr, args: Sequence[np.ndarray], rank: int) -> tuple[tuple[bool, ...], ...]:
    """Along which of `rank` axes each argument has different parts."""
    return tuple([tuple([n > 1 and step != 0 for n, step in zip(x.shape[:rank], x.strides)])
                  if x.ndim > a.ndim else (False,) * rank
                  for x, a in zip(args, jaxpr.in_avals)])


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
        super().__init__()
        self.heap = Heap(*new_memory(DEVICES + 1))
        self.workers: dict[int, Worker] = {}
        self.runs = itertools.count(1)
        self.last = 0.0  # when a run came to its end

    def put(self, x: np.ndarray) -> np.ndarray:
        return self.heap.shared(x)

    def run(self, jaxpr, name, axes, devices, args, leading):
        compile_first(jaxpr)
        split = splits(jaxpr, args, len(axes))
        args = [self.heap.shared(once(x, len(axes)) if x.ndim > a.ndim else x)
                for x, a in zip(args, jaxpr.in_avals)]
        order = order_of(jaxpr, self.heap, axes, tuple(devices), split, tuple(leading))
        outs = order.results(self.heap.empty)
        places = [self.heap.start(x) for x in (*args, *outs)]
        workers: list[Worker] = []
        with self.alone(name):
            try:
                if self.running or self.any_ended():
                    self.stop()
                self.running = True
                workers = [self.workers.get(d) or self.hire(d, len(devices)) for d in devices]
                order.places[:] = places
                self.send(workers, name, order)
                self.wait(workers)
                self.running, self.last = False, time.monotonic()
            except Exception:  # if all have answered, they are as good as before
                self.running = any(w.pending or w.ended for w in workers)
                raise
            finally:
                if self.running:
                    self.stop()
        return outs

    def hire(self, device: int, count: int) -> Worker:
        if device >= DEVICES:
            raise ValueError(f"at most {DEVICES} devices can be processes, got device {device}")
        self.workers[device] = Worker(self.heap, device, count)
        return self.workers[device]

    def any_ended(self) -> bool:
        """Has a worker died since the last run? To ask the system costs as much as a small run."""
        lately = time.monotonic() - self.last < MOMENT
        return any(w.process.returncode is not None if lately else w.ended
                   for w in self.workers.values())

    def send(self, workers: Sequence[Worker], name: str, order: Order) -> None:
        """Tell the workers to run a program, and what they do not know yet."""
        if Order.ended:
            ended = [Order.ended.popleft() for _ in range(len(Order.ended))]
            for worker in self.workers.values():
                worker.forget(ended)
        for worker in workers:
            if worker.pending:  # it has just been hired
                self.wait([worker])
        number = next(self.runs)
        for worker in workers:
            news = worker.news()
            if order.number not in worker.programs:
                news |= order.news
                worker.programs.add(order.number)
            if news:
                worker.tell({"number": order.number, **news})
            worker.order(name, order.number, order.questions, number)

    def wait(self, workers: Sequence[Worker]) -> None:
        """Until all have answered. An error: one has raised, has died, or gives no sign of life."""
        errors: list[Exception] = []
        while pending := [w for w in workers if w.pending]:
            heard = self.heard(pending, GRACE if errors else LOOK)
            if not heard and errors:
                break
            errors += filter(None, [w.hear() for w in heard] if heard else
                             [w.check(PATIENCE) for w in pending])
        if errors:  # a device that waited for one that failed complains, too
            raise next((e for e in errors if not isinstance(e, Disagreement)), errors[0])

    def heard(self, workers: Sequence[Worker], seconds: float) -> list[Worker]:
        """Those that have something to say. Wait for that, but no longer than so many seconds."""
        if look(lambda: all(w.ready for w in workers)):
            return [*workers]
        if any(ready := [w.ready for w in workers]):
            return list(itertools.compress(workers, ready))
        slots = Slots(self.heap)
        slots.set(PARENT, ASLEEP, 1)
        fence()
        try:
            soon = any(w.ready for w in workers)
            found = wait([w.connection for w in workers], 0 if soon else seconds)
        finally:
            slots.set(PARENT, ASLEEP, 0)
        return [w for w in workers if w.ready or w.connection in found]

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
        use(ProcessEngine())
    return _engine  # type: ignore[return-value]


def use(new: Engine) -> None:
    """From now on, programs are run by this engine, until this process ends."""
    global _engine
    _engine = new
    atexit.register(new.stop)


def _forget_engine() -> None:
    """In a process that was forked: the workers are the parent's."""
    global _engine
    if isinstance(_engine, ProcessEngine):
        for worker in _engine.workers.values():
            worker.let_go()
        _engine.workers.clear()  # nobody here may end them
    _engine = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_engine)
