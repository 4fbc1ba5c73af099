"""pmap on the ranks of an MPI job: the second engine, for devices on several machines.

Rank 0 runs the user's program, and is device 0 as well. Every other rank is the device of its
number, and waits for orders. An order is broadcast to all ranks, with everything that is the same
for all devices; a row of an array is sent to its device. What a device has, it keeps until rank 0
says that the array is no more: the results of one run are arguments of the next without being sent
again.

    rank 0, `MPIEngine.run`                    the other ranks, `Rank.serve`
      an order: program, devices, operands  ->   receive it, and what is new to them
      run the program, as device 0               run the program
      its collectives                      <->   the same collectives
      receive an answer, and results       <-    "done", and results; or an error

Only programs, arrays and options are sent (see `programs.py`), and read by a `Reader` that finds
nothing but this library's names. MPI does not encrypt what it sends: use a network that you trust.
"""

from __future__ import annotations

import itertools
import math
import pickle
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.core import ArrayImpl
from minijax.errors import JaxRuntimeError
from minijax.jaxpr import derived
from minijax.parallel.asking import ask_p
from minijax.parallel.engine import (
    GRACE,
    LOOK,
    PATIENCE,
    Engine,
    Sent,
    compile_first,
    splits,
)
from minijax.parallel.heap import once
from minijax.parallel.meeting import Axes, Disagreement, Sharing
from minijax.parallel.mpi_meeting import MPIMeeting, raw
from minijax.parallel.programs import Reader, decoded
from minijax.parallel.worker import Device
from minijax.parallel.workers import Told, cpu_time, failure

__all__ = ["MPIEngine", "Rank"]

SIZE, TEXT, RESULT, ROW, QUESTION, REPLY = range(6)  # tags: what a message between two ranks is
EAGER = 50  # tests in a row, some 20 us, before sleeping in between
NAP, LONG_NAP = 2e-5, 1e-3  # seconds: at first, and after a second or so

WHOLE, ONE = "whole", "one"
# What of an array devices have: its number, and all of it (WHOLE), the one part that all its parts
# are (ONE), or a part each: (device, which part).
What = str | tuple[tuple[int, int], ...]
Key = tuple[int, What]

sent = derived(Sent)


def packed(x: Any) -> np.ndarray:
    return np.frombuffer(pickle.dumps(x), np.uint8)


def unpacked(data: np.ndarray) -> Any:
    return Reader(data.tobytes(), ()).load()


def about(error: Exception) -> tuple[str, str, str]:
    """An error that is being handled, as a device reports it."""
    return type(error).__name__, str(error), traceback.format_exc()


def in_parts(x: np.ndarray, rank: int) -> np.ndarray:
    """The different parts of an array that has leading dimensions, along a first dimension."""
    x = once(x, rank)
    return x.reshape(math.prod(x.shape[:rank]), *x.shape[rank:])


class Rank(Device):
    """What every rank is: a device. `parts` is what it has of arrays."""

    def __init__(self, world: Any):
        super().__init__()
        self.world = world
        self.parts: dict[Key, np.ndarray] = {}
        self.circles: dict[tuple[int, ...], Any] = {}  # communicators
        self.meanwhile: Callable[[], None] = lambda: None  # what to do between two naps

    def wait(self, *requests: Any) -> None:
        """Until these operations are complete: test often at first, then ever less often."""
        tests, nap, pending = 0, NAP, list(requests)
        while pending := [r for r in pending if not r.Test()]:
            tests += 1
            if tests > EAGER:
                self.meanwhile()
                time.sleep(nap)
                nap = min(nap * 1.002, LONG_NAP)

    def circle(self, devices: tuple[int, ...]) -> Any:
        """The communicator of these devices, in this order. All of them ask for it at once."""
        if devices not in self.circles:
            self.circles[devices] = self.world.Create_group(self.world.group.Incl(devices))
        return self.circles[devices]

    def broadcast(self, x: np.ndarray) -> np.ndarray:
        """The array of rank 0, for all. The others give one of the same type, to be filled."""
        self.wait(self.world.Ibcast(raw(x)))
        return x

    def send(self, x: np.ndarray, rank: int, tag: int) -> Any:
        return self.world.Isend(raw(x), rank, tag)

    def serve(self) -> None:
        """Do what rank 0 says, until it says that this was all."""
        ask_p.parent = self.ask
        while size := int(self.broadcast(np.zeros(1, np.int64))[0]):
            self.obey(**unpacked(self.broadcast(np.empty(size, np.uint8))))

    def obey(self, program: int, devices: tuple[int, ...], axes: Axes, split: Sequence[tuple],
             ins: Sequence[tuple[Key, bool]], outs: Sequence[Key], code: Sequence[tuple],
             dropped: Sequence[Key], **news: Any) -> None:
        """Run a program, if I am among the devices, and answer."""
        self.update(**news)
        for key in dropped:
            self.parts.pop(key, None)
        if code:
            self.learn(program, [self.broadcast(np.empty(*of)) for of in code])
        self.receive(ins, self.programs[program].in_avals, self.world.rank in devices)
        if self.world.rank not in devices:
            return
        try:
            results = self.run(program, devices, axes, [self.parts[k] for k, _ in ins])
        except Exception as error:
            text = packed(about(error))
            self.wait(self.send(np.array([text.size]), 0, SIZE), self.send(text, 0, TEXT))
        else:
            self.parts |= zip(outs, results)
            index = devices.index(self.world.rank)
            self.wait(self.send(np.zeros(1, int), 0, SIZE), *[
                self.send(x, 0, RESULT) for x, s in zip(results, split)
                if Sharing(index, axes, s).first])

    def learn(self, program: int, arrays: Sequence[np.ndarray]) -> None:
        """A program, as bytes and the arrays that it closes over."""
        code, *consts = arrays
        self.programs[program] = decoded(code.tobytes(), [ArrayImpl(c) for c in consts])

    def receive(self, ins: Sequence[tuple[Key, bool]], avals: Sequence[Any], mine: bool) -> None:
        """The operands that I have not: what is the same for all, and my parts."""
        for ((number, what), new), aval in zip(ins, avals):
            if new and (mine or isinstance(what, str)):
                self.parts[number, what] = x = np.empty(aval.shape, aval.dtype)
                self.wait(self.world.Ibcast(raw(x)) if isinstance(what, str) else
                          self.world.Irecv(raw(x), 0, ROW))

    def run(self, program: int, devices: tuple[int, ...], axes: Axes, args: Sequence[np.ndarray]
            ) -> Sequence[np.ndarray]:
        """The results of a program on this device, one of those that run it."""
        for x in args:
            x.flags.writeable = False
        meeting = MPIMeeting(self, devices, devices.index(self.world.rank), axes)
        with np.errstate(all="ignore"):
            meeting.run(self.programs[program], args)
        return meeting.results

    def ask(self, question: int, buffers: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What rank 0 makes of these arrays: a callback of the user."""
        size = np.empty(1, np.int64)
        self.wait(self.send(packed((question, list(map(np.asarray, buffers)))), 0, QUESTION),
                  self.world.Irecv(size, 0, SIZE))
        reply = np.empty(size[0], np.uint8)
        self.wait(self.world.Irecv(reply, 0, REPLY))
        if (found := unpacked(reply)) is None:
            raise RuntimeError("a callback has raised an error")
        return found


class Neighbours:
    """The other ranks on this machine. Who computes or waits there uses the CPU: one that has not
    for a while was stopped, and will not answer. `pids` are their processes, by rank."""

    def __init__(self, pids: dict[int, int]):
        self.pids, self.looked = pids, 0.0
        self.lives: dict[int, tuple[float, float]] = {}  # what it used, and since when no more

    def check(self) -> None:
        """JaxRuntimeError: one of them was stopped."""
        now = time.monotonic()
        if now < self.looked + LOOK:
            return
        if now > self.looked + 2 * LOOK:  # nobody has looked for a while
            self.lives.clear()
        self.looked = now
        for rank, pid in self.pids.items():
            used, since = self.lives.get(rank, (0.0, now))
            if (life := cpu_time(pid)) != used:
                self.lives[rank] = life, now
            elif life and now - since > PATIENCE:
                raise JaxRuntimeError(
                    f"CpuDevice(id={rank}), process {pid} of this machine, has not answered for "
                    f"{now - since:.0f} s, and does not even wait: it was stopped. MPI cannot "
                    "replace it: end this program and start it again.")


class MPIEngine(Engine):
    """Rank 0, which has the other ranks run programs. `pids` are those on its machine."""

    def __init__(self, world: Any, pids: dict[int, int]):
        super().__init__()
        self.world, self.me, self.told = world, Rank(world), Told()
        self.me.meanwhile, ask_p.parent = self.meanwhile, self.reply
        self.neighbours = Neighbours(pids)
        self.numbers = itertools.count()
        self.number_of: dict[int, int] = {}  # of an array that devices have, by its id
        self.there: dict[int, set[Key]] = {}  # what they have of it, by its number
        self.gone: deque[int] = deque()  # the numbers of arrays that are no more
        self.questions: Sequence[Callable] = ()  # of the program that runs
        self.raised: list[BaseException] = []  # by callbacks

    def put(self, x):
        return x  # it is sent when it is first used

    def run(self, jaxpr, name, axes, devices, args, leading):
        devices = tuple(devices)
        compile_first(jaxpr)
        program = sent(jaxpr, axes, devices, splits(jaxpr, args, len(axes)), tuple(leading))
        outs = program.results()
        what = [WHOLE if x.ndim == a.ndim else self.what(axes, devices, s)
                for x, a, s in zip(args, jaxpr.in_avals, program.split)]
        parts = [x[None] if w == WHOLE else in_parts(x, len(axes)) for x, w in zip(args, what)]
        memory = [in_parts(x, len(axes)) for x in outs]
        with self.alone(name):
            self.check(devices)
            self.running = True  # an exception in the middle leaves the ranks I do not know where
            self.raised, self.questions = [], program.questions
            ins = [self.key(x, w) for x, w in zip(args, what)]
            keys = [self.key(x, self.what(axes, devices, s))[0]
                    for x, s in zip(outs, program.split_out)]
            self.order(program, {"program": program.number, "devices": devices, "ins": ins,
                                 "axes": axes, "outs": keys, "split": program.split_out})
            self.deliver(parts, ins)
            errors = self.run_here(program, devices, axes, parts, memory)
            errors += self.collect(program, devices, axes, memory)
            self.running = False
        if errors:
            raise self.cause(errors, name)
        return outs

    def what(self, axes: Axes, devices: tuple[int, ...], split: Sequence[bool]) -> What:
        """What devices have of an array that is split along these axes."""
        return tuple((d, Sharing(i, axes, split).part)
                     for i, d in enumerate(devices)) if any(split) else ONE

    def check(self, devices: Sequence[int]) -> None:
        if (last := max(devices)) >= self.world.size:
            raise ValueError(
                f"CpuDevice(id={last}) is asked for, but this MPI job has {self.world.size} ranks, "
                f"and each is one device. Start it with mpiexec -n {last + 1}, or leave "
                "jax_num_cpu_devices as it is.")
        if self.running:
            raise JaxRuntimeError("the devices were interrupted in the middle of a run. MPI cannot "
                                  "replace them: end this program and start it again.")

    def key(self, x: np.ndarray, what: Any) -> tuple[Key, bool]:
        """What devices have of this array, or will have, and whether it is new to them."""
        number = self.number_of.get(id(x))
        if number is None:
            number = self.number_of[id(x)] = next(self.numbers)
            self.there[number] = set()
            weakref.finalize(x, self.forget, id(x)).atexit = False
        key = number, what
        new = key not in self.there[number]
        self.there[number].add(key)
        return key, new

    def forget(self, address: int) -> None:
        self.gone.append(self.number_of.pop(address))

    def order(self, program: Sent, order: dict[str, Any]) -> None:
        """Tell all ranks to run a program, and what they do not know yet."""
        ended = [Sent.ended.popleft() for _ in range(len(Sent.ended))]
        self.told.forget(ended)
        self.me.update(ended)
        gone = [self.gone.popleft() for _ in range(len(self.gone))]
        order["dropped"] = [key for number in gone for key in self.there.pop(number)]
        new = [] if program.number in self.told.programs else program.arrays
        if new:
            self.told.programs.add(program.number)
            self.me.learn(program.number, new)
        order["code"] = [(x.shape, x.dtype) for x in new]
        data = packed(order | self.told.news())
        for x in (np.array([data.size]), data, *new):
            self.me.broadcast(x)

    def deliver(self, parts: Sequence[np.ndarray], ins: Sequence[tuple[Key, bool]]) -> None:
        """Give the devices the operands that they have not."""
        for x, ((_, what), new) in zip(parts, ins):
            if not new:
                continue
            if isinstance(what, str):
                self.me.broadcast(x[0, ...])
            else:
                self.me.wait(*[self.me.send(x[part, ...], device, ROW)
                               for device, part in what if device])

    def run_here(self, program: Sent, devices: tuple[int, ...], axes: Axes,
                 parts: Sequence[np.ndarray], memory: Sequence[np.ndarray]) -> list[tuple]:
        """My own part, as device 0: write down the results. What went wrong?"""
        if 0 not in devices:
            return []
        index = devices.index(0)
        mine = [x[Sharing(index, axes, s).part, ...] for x, s in zip(parts, program.split)]
        try:
            results = self.me.run(program.number, devices, axes, mine)
        except Exception as error:
            return [(0, *about(error))]
        for x, s, value in zip(memory, program.split_out, results):
            sharing = Sharing(index, axes, s)
            if sharing.first:
                x[sharing.part] = value
        return []

    def collect(self, program: Sent, devices: tuple[int, ...], axes: Axes,
                memory: Sequence[np.ndarray]) -> list[tuple]:
        """Take the results of the other devices. What went wrong there?"""
        others = {d: i for i, d in enumerate(devices) if d}
        sizes = {d: np.empty(1, np.int64) for d in others}
        self.me.wait(*[self.world.Irecv(sizes[d], d, SIZE) for d in others])
        texts = {d: np.empty(size, np.uint8) for d, size in sizes.items() if size}
        self.me.wait(
            *[self.world.Irecv(x, d, TEXT) for d, x in texts.items()],
            *[self.world.Irecv(raw(x[sharing.part, ...]), d, RESULT)
              for d, i in others.items() if d not in texts
              for x, s in zip(memory, program.split_out)
              if (sharing := Sharing(i, axes, s)).first])
        return [(d, *unpacked(x)) for d, x in texts.items()]

    def cause(self, errors: Sequence[tuple], name: str) -> BaseException:
        """The error of a callback; or of a device that did not only wait for one that failed."""
        found = [*self.raised] + [failure(d, f"running {name}", *what) for d, *what in errors]
        return next((e for e in found if not isinstance(e, Disagreement)), found[0])

    def meanwhile(self) -> None:
        """What to do while a run is waited for."""
        if self.running:
            self.neighbours.check()
            self.listen()

    def listen(self) -> None:
        """Has a device a question? Then answer."""
        from mpi4py import MPI

        status = MPI.Status()
        if self.world.Iprobe(tag=QUESTION, status=status):
            data = np.empty(status.count, np.uint8)
            self.world.Recv(data, status.source, QUESTION)
            try:
                reply = packed(self.reply(*unpacked(data)))
            except RuntimeError:
                reply = packed(None)
            self.world.Send(np.array([reply.size]), status.source, SIZE)
            self.world.Send(reply, status.source, REPLY)

    def reply(self, question: int, buffers: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Do what a program asks for, in this process, which has the user's functions."""
        try:
            return [np.asarray(x) for x in self.questions[question](*buffers)]
        except BaseException as error:  # also `sys.exit`: `run` raises it when devices are done
            self.raised.append(error)
            raise RuntimeError("a callback has raised an error") from error

    def stop(self) -> None:
        """Let the other ranks end; if nobody knows what they are doing, the whole job."""
        self.lock.acquire(timeout=GRACE)  # a run of another thread comes to its end; then no other
        if self.running:
            self.world.Abort(1)
        self.me.broadcast(np.zeros(1, np.int64))
