"""What a device is: a process that runs programs on arrays in the shared memory.

It waits for orders of its parent, of which there is one kind: run this program. It imports this
library and nothing of the user's. It ignores Ctrl-C, prints nothing (log records go to the parent),
and ends when its parent does. A second thread waits for that, and the beat of a third tells the
parent that this process is alive.
"""

from __future__ import annotations

import itertools
import logging
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.compiler import buffers
from minijax.config import config
from minijax.core import ArrayImpl
from minijax.jaxpr import Jaxpr
from minijax.parallel.asking import ask_p
from minijax.parallel.heap import Heap
from minijax.parallel.meeting import Axes, SharedMeeting, Sharing
from minijax.parallel.programs import decoded
from minijax.parallel.slots import (
    ASLEEP,
    BEAT,
    DONE,
    MAIL,
    NEWS,
    ORDER,
    PARENT,
    PROGRAM,
    Slots,
    fence,
    look,
)
from minijax.parallel.system import connection
from minijax.parallel.times import VARIABLE, tell_times

__all__ = ["Device", "main"]

INTERVAL = 0.25  # seconds between two beats


class LogHandler(logging.Handler):
    """Sends log records to the parent."""

    def __init__(self, worker: Worker):
        super().__init__()
        self.worker = worker

    def emit(self, record: logging.LogRecord) -> None:
        self.worker.tell("log", record.name, record.levelno, record.getMessage())


class Task:
    """A program as a device has it. Where its operands and results are, is in `places`.

    `split` says along which axes they have a part for each device.
    """

    def __init__(self, heap: Heap, jaxpr: Jaxpr, places: np.ndarray, devices: tuple, index: int,
                 axes: Axes, split: Sequence[tuple[bool, ...]]):
        self.heap, self.jaxpr, self.places = heap, jaxpr, places
        sharing = [Sharing(index, axes, s) for s in split]
        self.types = [(a.shape, a.dtype, s.part * a.size * a.dtype.itemsize)
                      for a, s in zip((*jaxpr.in_avals, *jaxpr.out_avals), sharing)]
        self.meeting = SharedMeeting(heap, devices, index, axes, sharing[len(jaxpr.in_avals):])

    def run(self, number: int) -> None:
        arrays = [self.heap.at(start + mine, shape, dtype) for start, (shape, dtype, mine)
                  in zip(self.places.tolist(), self.types)]
        n = len(self.jaxpr.invars)
        args, results = arrays[:n], arrays[n:]
        for x in args:
            x.flags.writeable = False
        self.meeting.begin(number, results)
        self.meeting.run(self.jaxpr, args)


class Device:
    """What a device knows: programs, by their numbers, and the user's options."""

    def __init__(self) -> None:
        self.programs: dict[int, Any] = {}

    def update(self, ended: Sequence[int] = (), options: dict | None = None) -> None:
        """Forget programs, and take over options."""
        for name, value in (options or {}).items():
            config.update(name, value)
        for old in ended:
            self.programs.pop(old, None)


class Worker(Device):
    """A device that takes orders from its parent."""

    def __init__(self, connection: Any, heap: Heap, device: int):
        super().__init__()
        self.connection, self.heap, self.device = connection, heap, device
        self.slots = Slots(heap)
        self.told = 0  # messages to the parent
        self.received: list[bytes] = []  # of the parent, and not looked at yet
        self.count = 0  # of all that were received

    def serve(self) -> None:
        """Run what is ordered, until the parent is no more."""
        number = 0
        try:
            while True:
                self.answer(number)
                number = self.next_order(number)
                try:
                    while self.count < self.slots.get(self.device, NEWS):
                        self.receive()
                    while self.received:
                        self.learn(**pickle.loads(self.received.pop(0)))
                    program = self.slots.get(self.device, PROGRAM)
                    self.programs[program].run(number)
                except BaseException as error:
                    self.tell("raised", type(error).__name__, str(error), traceback.format_exc())
        except (EOFError, OSError):
            return

    def next_order(self, last: int) -> int:
        """The number of the next run: wait until it is in the slot."""
        slots, device = self.slots, self.device
        if not look(lambda: slots.get(device, ORDER) != last):
            slots.set(device, ASLEEP, 1)
            fence()
            while slots.get(device, ORDER) == last:
                self.receive()
            slots.set(device, ASLEEP, 0)
        fence()
        return slots.get(device, ORDER)

    def receive(self) -> None:
        """Wait for a message. An empty one says: look."""
        message = self.connection.recv_bytes()
        if message:
            self.received.append(message)
            self.count += 1

    def tell(self, *message: Any) -> None:
        """Send the parent a message. It learns how many there are."""
        self.connection.send(message)
        self.told += 1
        self.slots.set(self.device, MAIL, self.told)

    def ask(self, question: int, buffers: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What the parent makes of these arrays."""
        buffers = [self.heap.shared(np.asarray(x, order="C")) for x in buffers]
        self.tell("asks", question, list(map(self.heap.address_of, buffers)))
        while not self.received:
            self.receive()
        places = pickle.loads(self.received.pop())
        if places is None:
            raise RuntimeError("a callback has raised an error")
        return [self.heap.at(*place).copy() for place in places]

    def answer(self, number: int) -> None:
        """Say that this run is over."""
        fence()
        self.slots.set(self.device, DONE, number)
        fence()
        if self.slots.get(PARENT, ASLEEP):
            self.connection.send_bytes(b"")

    def learn(self, number: int, code: Sequence[tuple] = (), places: Any = None,
              ended: Sequence[int] = (), options: dict | None = None, **about: Any) -> None:
        """What has changed since the last run: a new program, old ones, options."""
        self.update(ended, options)
        if code:
            data, *consts = [self.heap.at(*place) for place in code]
            jaxpr = decoded(data.tobytes(), [ArrayImpl(c) for c in consts])
            self.programs[number] = Task(self.heap, jaxpr, self.heap.at(*places),
                                         index=about["devices"].index(self.device), **about)


def beat(slots: Slots, device: int) -> None:
    """Tell the parent that this process lives."""
    for count in itertools.count(1):
        slots.set(device, BEAT, count)
        time.sleep(INTERVAL)


def end_with_parent() -> None:
    """The parent holds the other end of a pipe, until it ends, however it does."""
    sys.stdin.buffer.read()
    os._exit(0)


def main(handle: int, memory: Any, size: int, start: int, end: int, device: int,
         limits: dict) -> None:
    """The life of a worker, which inherits a connection and the shared memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    np.seterr(all="ignore")
    for name, value in limits.items():
        config.update(name, value)
    if VARIABLE in os.environ:
        tell_times()
    heap = Heap(memory, size, start, end)
    buffers.use(heap.buffers)
    worker = Worker(connection(handle), heap, device)
    ask_p.parent = worker.ask
    logging.captureWarnings(True)
    logging.getLogger().addHandler(LogHandler(worker))
    for target, args in ((end_with_parent, ()), (beat, (worker.slots, device))):
        threading.Thread(target=target, args=args, daemon=True).start()
    worker.serve()
    os._exit(0)  # nothing to tidy up: the memory belongs to the parent
