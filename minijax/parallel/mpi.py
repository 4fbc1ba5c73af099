"""pmap on the ranks of an MPI job: the second engine, for devices on several machines.

Rank 0 runs the user's program, and is device 0 as well. Every other rank is the device of its
number, and waits for orders. An order is broadcast to all ranks, with everything that is the same
for all devices; a row of an array is sent to its device. What a device has, it keeps until rank 0
says that the array is no more: the results of one run are arguments of the next without being sent
again.

    rank 0                                     the other ranks, in `Rank.serve`
      an order: program, devices, operands  ->   receive it, and what is new to them
      run the program, as device 0               run the program
      its collectives                      <->   the same collectives
      receive an answer, and results       <-    "done", and results; or an error

Only programs, arrays and options are sent (see `programs.py`), and read by a `Reader` that finds
nothing but this library's names. MPI does not encrypt what it sends: use a network that you trust.
"""

from __future__ import annotations

import itertools
import pickle
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.core import ArrayImpl
from minijax.errors import JaxRuntimeError
from minijax.jaxpr import Jaxpr
from minijax.parallel.engine import Engine, Sent, compile_first, sent
from minijax.parallel.meeting import Disagreement
from minijax.parallel.mpi_meeting import MPIMeeting, all_done, raw
from minijax.parallel.programs import Reader, decoded
from minijax.parallel.worker import Device
from minijax.parallel.workers import Told, failure

__all__ = ["MPIEngine", "Rank"]

LENGTH, ANSWER, RESULT, ROW = range(4)  # tags: what a message between two ranks is
Type = tuple[tuple[int, ...], np.dtype]  # the shape and dtype of an array


class Rank(Device):
    """What every rank is: a device. `parts` are the arrays that it keeps, by their keys.

    An array that is the same for all devices has a number for a key; a row of an array, its number
    and the devices that have the others.
    """

    def __init__(self, world: Any):
        super().__init__()
        self.world = world
        self.parts: dict[Any, np.ndarray] = {}
        self.circles: dict[tuple[int, ...], Any] = {}  # communicators

    def circle(self, devices: tuple[int, ...]) -> Any:
        """The communicator of these devices, in this order. All of them ask for it at once."""
        if devices not in self.circles:
            group = self.world.group.Incl(devices)
            self.circles[devices] = self.world.Create_group(group)
        return self.circles[devices]

    def broadcast(self, x: np.ndarray) -> np.ndarray:
        """The array of rank 0, for all. The others give one of the same type, to be filled."""
        all_done(self.world.Ibcast(raw(x)))
        return x

    def serve(self) -> None:
        """Do what rank 0 says, until it says that this was all."""
        while size := int(self.broadcast(np.zeros(1, np.int64))[0]):
            order = Reader(self.broadcast(np.empty(size, np.uint8)).tobytes(), ()).load()
            self.obey(**order)

    def obey(self, program: int, devices: tuple[int, ...], axis_name: Any, ins: list, outs: list,
             code: Sequence[Type], dropped: Sequence[Any], **news: Any) -> None:
        """Run a program, if I am among the devices, and answer."""
        self.learn(**news)
        for key in dropped:
            self.parts.pop(key, None)
        if code:
            data, *consts = [self.broadcast(np.empty(*of)) for of in code]
            self.programs[program] = decoded(data.tobytes(), [ArrayImpl(c) for c in consts])
        jaxpr = self.programs[program]
        mine = self.world.rank in devices
        self.receive(ins, jaxpr, mine)
        if not mine:
            return
        try:
            values = self.run(jaxpr, devices, axis_name, [self.parts[key] for key, _ in ins])
        except Exception as error:
            answer = np.frombuffer(pickle.dumps(about(error)), np.uint8)
        else:
            answer = np.empty(0, np.uint8)
            self.parts |= zip(outs, values)
        size = np.array([answer.size])
        all_done(self.send(size, 0, LENGTH), *([self.send(answer, 0, ANSWER)] if answer.size else [
            self.send(self.parts[key], 0, RESULT) for key in outs]))

    def receive(self, ins: list, jaxpr: Jaxpr, mine: bool) -> None:
        """The operands that I have not: what is the same for all, and my rows."""
        for (key, new), aval in zip(ins, jaxpr.in_avals):
            if new and isinstance(key, int):
                self.parts[key] = self.broadcast(np.empty(aval.shape, aval.dtype))
            elif new and mine:
                self.parts[key] = x = np.empty(aval.shape, aval.dtype)
                all_done(self.world.Irecv(raw(x), 0, ROW))

    def run(self, jaxpr: Jaxpr, devices: tuple[int, ...], axis_name: Any,
            args: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The results of a program on this device, one of those that run it."""
        for x in args:
            x.flags.writeable = False
        meeting = MPIMeeting(self.circle, devices, devices.index(self.world.rank), axis_name)
        return [np.asarray(x, order="C") for x in meeting.run(jaxpr, args)]

    def send(self, x: np.ndarray, rank: int, tag: int) -> Any:
        return self.world.Isend(raw(x), rank, tag)


def about(error: Exception) -> tuple[str, str, str]:
    """An error that is being handled, as a device reports it."""
    return type(error).__name__, str(error), traceback.format_exc()


class MPIEngine(Engine):
    """Rank 0, which has the other ranks run programs."""

    def __init__(self, world: Any):
        self.world, self.me, self.told = world, Rank(world), Told()
        self.lock = threading.Lock()
        self.running = False
        self.numbers = itertools.count()
        self.number_of: dict[int, int] = {}  # of an array that devices have, by its id
        self.there: dict[int, set] = {}  # the keys under which they have it, by its number
        self.gone: deque[int] = deque()  # the numbers of arrays that are no more

    def put(self, x):
        return x  # it is sent when it is first used

    def get(self, x):
        return x

    def run(self, jaxpr, name, axis_name, devices, args):
        devices = tuple(devices)
        self.check(devices)
        program = sent(jaxpr)
        compile_first(jaxpr)
        outs = [np.empty((len(devices), *a.shape), a.dtype) for a in jaxpr.out_avals]
        with self.lock:
            self.running = True  # an exception in the middle leaves the ranks I do not know where
            ins = [self.key(x, devices, x.ndim > a.ndim) for x, a in zip(args, jaxpr.in_avals)]
            keys = [self.key(x, devices, True)[0] for x in outs]
            self.order(program, {"program": program.number, "devices": devices,
                                 "axis_name": axis_name, "ins": ins, "outs": keys})
            self.deliver(args, ins, devices)
            errors = self.run_here(jaxpr, devices, axis_name, args, outs) if 0 in devices else []
            errors += self.collect(devices, outs)
            self.running = False
        if errors:
            raise self.worst(errors, name)
        return outs

    def check(self, devices: Sequence[int]) -> None:
        if (last := max(devices)) >= self.world.size:
            raise ValueError(
                f"CpuDevice(id={last}) is asked for, but this MPI job has {self.world.size} ranks, "
                f"and each is one device. Start it with mpiexec -n {last + 1}, or leave "
                "jax_num_cpu_devices as it is.")
        if self.running:
            raise JaxRuntimeError("the devices were interrupted in the middle of a run. MPI cannot "
                                  "replace them: end this program and start it again.")

    def key(self, x: np.ndarray, devices: tuple[int, ...], mapped: bool) -> tuple[Any, bool]:
        """Under which key devices have this array, or its rows, and whether it is new to them."""
        number = self.number_of.get(id(x))
        if number is None:
            number = self.number_of[id(x)] = next(self.numbers)
            self.there[number] = set()
            weakref.finalize(x, self.forget, id(x)).atexit = False
        key = (number, devices) if mapped else number
        new = key not in self.there[number]
        self.there[number].add(key)
        return key, new

    def forget(self, address: int) -> None:
        self.gone.append(self.number_of.pop(address))

    def order(self, program: Sent, order: dict) -> None:
        """Tell all ranks to run a program, and what they do not know yet."""
        self.told.forget([Sent.ended.popleft() for _ in range(len(Sent.ended))])
        gone = [self.gone.popleft() for _ in range(len(self.gone))]
        order["dropped"] = [key for number in gone for key in self.there.pop(number)]
        new = [] if program.number in self.told.programs else program.arrays
        self.told.programs.add(program.number)
        order["code"] = [(x.shape, x.dtype) for x in new]
        data = np.frombuffer(pickle.dumps(order | self.told.news()), np.uint8)
        for x in (np.array([data.size]), data, *new):
            self.me.broadcast(x)

    def deliver(self, args: Sequence[np.ndarray], ins: Sequence[tuple],
                devices: tuple[int, ...]) -> None:
        """Give the devices the operands that they have not."""
        for x, (key, new) in zip(args, ins):
            if new and isinstance(key, int):
                self.me.broadcast(x)
            elif new:
                all_done(*[self.me.send(x[i, ...], d, ROW) for i, d in enumerate(devices) if d])

    def run_here(self, jaxpr: Jaxpr, devices: tuple[int, ...], axis_name: Any,
                 args: Sequence[np.ndarray], outs: Sequence[np.ndarray]) -> list[tuple]:
        """My own part, as device 0: write the results. What went wrong?"""
        index = devices.index(0)
        mine = [np.asarray(x[index] if x.ndim > a.ndim else x)
                for x, a in zip(args, jaxpr.in_avals)]
        try:
            for out, value in zip(outs, self.me.run(jaxpr, devices, axis_name, mine)):
                out[index] = value
        except Exception as error:
            return [(0, *about(error))]
        return []

    def collect(self, devices: tuple[int, ...], outs: Sequence[np.ndarray]) -> list[tuple]:
        """Take the results of the other devices. What went wrong there?"""
        rows = {d: i for i, d in enumerate(devices) if d}
        sizes = {d: np.empty(1, np.int64) for d in rows}
        all_done(*[self.world.Irecv(sizes[d], d, LENGTH) for d in rows])
        answers = {d: np.empty(size, np.uint8) for d, size in sizes.items() if size}
        all_done(*[self.world.Irecv(x, d, ANSWER) for d, x in answers.items()],
                 *[self.world.Irecv(raw(out[i, ...]), d, RESULT)
                   for d, i in rows.items() if d not in answers for out in outs])
        return [(d, *Reader(x.tobytes(), ()).load()) for d, x in answers.items()]

    def worst(self, errors: Sequence[tuple], name: str) -> Exception:
        """The cause: a device that waited for one that failed complains, too."""
        found = [failure(device, f"running {name}", *what) for device, *what in errors]
        return next((e for e in found if not isinstance(e, Disagreement)), found[0])

    def stop(self) -> None:
        """Let the other ranks end; if nobody knows what they are doing, the whole job."""
        if self.running:
            self.world.Abort(1)
        self.me.broadcast(np.zeros(1, np.int64))
