"""What a device is: a process that runs programs on arrays in the shared memory.

It waits for messages of its parent, of which there is one kind: run this program. It imports this
library and nothing of the user's. It ignores Ctrl-C, prints nothing (log records go to the parent),
and ends when its parent does: its connection is closed then, and a second thread, whose beat tells
the parent that this process is alive, looks every quarter of a second whether there is a parent.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from minijax.compiler import buffers, compiled
from minijax.config import config
from minijax.core import ArrayImpl
from minijax.jaxpr import Jaxpr
from minijax.lax import collectives
from minijax.parallel.heap import Heap
from minijax.parallel.meeting import BEAT, Meeting, Slots, coordinates
from minijax.parallel.programs import decoded
from minijax.parallel.times import VARIABLE, tell_times

__all__ = ["main"]

INTERVAL = 0.25  # seconds between two beats


class LogHandler(logging.Handler):
    """Sends log records to the parent."""

    def __init__(self, connection: Connection):
        super().__init__()
        self.connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        self.connection.send(("log", record.name, record.levelno, record.getMessage()))


def distance(where: Sequence[int], steps: Sequence[int | None]) -> int:
    """From the start of an array to the part of the device at this place of the mesh."""
    return sum(i * (step or 0) for i, step in zip(where, steps))


def is_first(where: Sequence[int], steps: Sequence[int | None]) -> bool:
    """Of the devices that have the same result, is this the first, which writes it down?"""
    return not any(i for i, step in zip(where, steps) if step is None)


class Worker:
    """A device: the programs it knows, and the messages it takes."""

    def __init__(self, connection: Connection, heap: Heap, device: int):
        self.connection, self.heap, self.device = connection, heap, device
        self.programs: dict[int, Jaxpr] = {}

    def serve(self) -> None:
        while True:
            try:
                message = self.connection.recv()
            except (EOFError, OSError):
                return
            try:
                self.run(**message)
                answer: tuple = ("done",)
            except BaseException as error:
                answer = "raised", type(error).__name__, str(error), traceback.format_exc()
            self.connection.send(answer)

    def run(self, number: int, program: int, devices: tuple, axes: tuple, ins: list, outs: list,
            **news: Any) -> None:
        """Run a program; `ins` and `outs` are places: an offset, and a step along each axis."""
        index = devices.index(self.device)
        where = coordinates(index, tuple(size for _, size in axes))
        self.learn(program, **news)
        jaxpr = self.programs[program]
        args = [self.heap.at(start + distance(where, steps), a.shape, a.dtype)
                for (start, steps), a in zip(ins, jaxpr.in_avals)]
        for x in args:
            x.flags.writeable = False
        results = [self.heap.at(start + distance(where, steps), a.shape, a.dtype)
                   if is_first(where, steps) else self.heap.empty(a.shape, a.dtype)
                   for (start, steps), a in zip(outs, jaxpr.out_avals)]
        meeting = Meeting(self.heap, devices, index, number, axes, results)
        collectives.here.meeting = meeting
        try:
            with np.errstate(all="ignore"):
                values = compiled(jaxpr)(*args)
            self.deliver(values, results)
        finally:
            collectives.here.meeting = None
            meeting.close()

    def deliver(self, values: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> None:
        """Write what was computed to where the parent wants it. A collective may have done so."""
        places = [self.heap.offset(x) for x in values]
        goals = [self.heap.offset(x) for x in results]
        moved = [x.copy() if p in goals and p != g else x  # before something is written there
                 for x, p, g in zip(values, places, goals)]
        for x, p, g, out in zip(moved, places, goals, results):
            if p != g:
                out[...] = x

    def learn(self, program: int, code: Any = None, ended: Sequence[int] = (),
              options: dict | None = None) -> None:
        """What has changed since the last run."""
        for name, value in (options or {}).items():
            config.update(name, value)
        for old in ended:
            self.programs.pop(old, None)
        if code is not None:
            data, *consts = [self.heap.at(*place) for place in code]
            self.programs[program] = decoded(data.tobytes(), [ArrayImpl(c) for c in consts])


def beat(slots: Slots, device: int, parent: int) -> None:
    """Tell the parent that this process lives, as long as the parent does."""
    count = 0
    while os.getppid() == parent:
        count += 1
        slots.set(device, BEAT, count)
        time.sleep(INTERVAL)
    os._exit(0)


def main(descriptor: int, heap_descriptor: int, size: int, device: int, parent: int,
         limits: dict) -> None:
    """The life of a worker. Its descriptors are inherited: a connection, and the shared memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name, value in limits.items():
        config.update(name, value)
    if VARIABLE in os.environ:
        tell_times()
    connection = Connection(descriptor)
    heap = Heap(heap_descriptor, size, device + 1)
    buffers.use(heap.buffers)
    logging.captureWarnings(True)
    logging.getLogger().addHandler(LogHandler(connection))
    threading.Thread(target=beat, args=(Slots(heap), device, parent), daemon=True).start()
    connection.send(("ready",))
    Worker(connection, heap, device).serve()
    os._exit(0)  # nothing to tidy up: the memory belongs to the parent
