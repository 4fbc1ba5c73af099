"""The processes that are devices, as their parent sees them: started, spoken to, watched, ended.

A worker is a fresh interpreter (not a fork, which would inherit threads and locks in any state). It
imports this library, and not the user's `__main__`: so a script needs no `if __name__ == ...`, and
functions may be written in a notebook.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from typing import Any

import numpy as np

from minijax.compiler.threads import usable_cpus
from minijax.config import config, flags
from minijax.devices import device_count
from minijax.errors import JaxRuntimeError
from minijax.parallel.heap import Heap
from minijax.parallel.meeting import Disagreement
from minijax.parallel.slots import (
    ASLEEP,
    BEAT,
    DONE,
    MAIL,
    NEWS,
    ORDER,
    PROGRAM,
    Slots,
    fence,
)
from minijax.parallel.system import inheriting

__all__ = ["Fault", "Told", "Worker", "failure"]

STARTING = "while it started"
START = 120.0  # seconds that a worker may take to start, on a busy machine
# The options that a worker has values of its own for, or no use.
OWN = {"minijax_buffer_bytes", "minijax_num_threads", "jax_num_cpu_devices", "jax_default_device"}
COMMAND = ("import sys; sys.path[:] = {path!r}; "
           "from minijax.parallel.worker import main; main({arguments})")


class Fault(JaxRuntimeError):
    """A device failed. The message says which, running what, and why."""


def failure(device: int, doing: str, kind: str, text: str, trace: str) -> Exception:
    """The error of a program, with the traceback of the device."""
    known = {"FloatingPointError": FloatingPointError, "Disagreement": Disagreement}
    lines = "\n".join("    " + line for line in trace.rstrip().splitlines())
    return known.get(kind, Fault)(f"CpuDevice(id={device}), {doing}, raised {kind}: {text}\n"
                                  f"There the traceback is:\n{lines}")


class Told:
    """What devices have been told, and so need not be told again."""

    def __init__(self) -> None:
        self.programs: set[int] = set()  # the numbers of those they know
        self.gone: list[int] = []  # and of those they may forget
        self.options, self.state = {}, object()  # type: ignore[var-annotated]

    def news(self) -> dict[str, Any]:
        """What they must be told before the next run."""
        news: dict[str, Any] = {}
        if self.gone:
            news["ended"], self.gone = self.gone, []
        if flags.state is None or flags.state is not self.state:
            now = {k: v for k, v in config.values.items() if k not in OWN}
            if now != self.options:
                news["options"] = now
            self.options, self.state = now, flags.state
        return news

    def forget(self, programs: Sequence[int]) -> None:
        self.gone += self.programs.intersection(programs)
        self.programs.difference_update(programs)


class Worker(Told):
    """One process. `pending` is what it was told to do, until it has answered."""

    def __init__(self, heap: Heap, device: int, count: int):
        super().__init__()
        self.heap, self.slots, self.device = heap, Slots(heap), device
        self.slots.clear(device)
        self.slots.set(device, DONE, -1)
        self.pending, self.run = STARTING, 0
        self.read = self.sent = 0  # messages
        self.questions: Sequence[Callable] = ()
        self.replies: list[np.ndarray] = []  # alive until the device has seen them
        self.log = tempfile.TemporaryFile()  # what the process writes when it crashes
        self.region = heap.lend(max(count, device_count()))
        self.connection, theirs = Pipe()
        handles = theirs.fileno(), heap.handle
        arguments = (*handles, heap.size, *self.region, device, limits(count))
        code = COMMAND.format(path=list(map(str, sys.path)),
                              arguments=", ".join(map(repr, arguments)))
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, *interpreter_flags(), "-c", code], stdin=subprocess.PIPE,
                stdout=self.log, stderr=self.log, env=environment(count), **inheriting(handles))
        self.life: tuple = ()  # its signs of life when they were last looked at
        self.silence = 0  # and how often since they have been the same

    def order(self, what: str, program: int, questions: Sequence[Callable], run: int) -> None:
        """Tell it to run a program that it knows, and which may ask some questions."""
        slots, device = self.slots, self.device
        self.pending, self.questions, self.run = what, questions, run
        slots.set(device, PROGRAM, program)
        fence()
        slots.set(device, ORDER, run)
        fence()
        if slots.get(device, ASLEEP):
            self.send(b"")

    def tell(self, message: Any) -> None:
        """Send what it must know before it goes on, or before its next run."""
        self.sent += 1
        self.slots.set(self.device, NEWS, self.sent)
        self.send(pickle.dumps(message))

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # it has died; it will be seen that it does not answer
            self.connection.send_bytes(data)

    @property
    def ready(self) -> bool:
        """Has it something to say?"""
        slots, device = self.slots, self.device
        return slots.get(device, DONE) == self.run or slots.get(device, MAIL) > self.read

    def hear(self) -> Exception | None:
        """Take what it has to say: a message, or that it is done. The error, if it tells of one."""
        done = self.slots.get(self.device, DONE) == self.run
        fence()
        if done and self.slots.get(self.device, MAIL) == self.read:
            self.pending = ""
            return None
        try:
            data = self.connection.recv_bytes()
        except (EOFError, OSError):
            return self.death()
        if not data:  # it has only said: look
            return None
        self.read += 1
        kind, *about = pickle.loads(data)
        if kind == "raised":
            return failure(self.device, self.doing, *about)
        if kind == "asks":
            return self.reply(*about)
        name, level, text = about
        logging.getLogger(name).log(level, "%s: %s", self, text)
        return None

    def reply(self, question: int, places: Sequence[tuple]) -> Exception | None:
        """Do what a program asks for, in this process, which has the user's functions."""
        try:
            outs = self.questions[question](*[self.heap.at(*place) for place in places])
        except Exception as error:
            self.tell(None)
            return error
        self.replies = [self.heap.shared(np.asarray(x, order="C")) for x in outs]
        self.tell(list(map(self.heap.address_of, self.replies)))
        return None

    def check(self, seconds: float) -> Exception | None:
        """To be called twice a second: an error, if there is no sign of life for so long."""
        life = self.slots.get(self.device, BEAT), cpu_time(self.process.pid)
        self.silence = self.silence + 1 if life == self.life else 0
        self.life = life
        slow = self.pending == STARTING and not stopped(self.process.pid)
        if self.silence < 2 * (START if slow else seconds):
            return None
        return Fault(f"{self}, {self.doing}, has not answered for {self.silence / 2:.0f} s. It "
                     "does not even say that it is alive, as it would during a long computation. "
                     "It was ended.")

    @property
    def doing(self) -> str:
        return self.pending if self.pending == STARTING else f"running {self.pending}"

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def death(self) -> Fault:
        """The process has closed its connection: why?"""
        doing, self.pending = self.doing, ""
        try:
            code = self.process.wait(1)
            why = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended ({code})"
        except (subprocess.TimeoutExpired, ValueError):
            why = "closed its connection"
        hint = " The system does that when memory runs out." if "SIGKILL" in why else ""
        self.process.kill()
        self.log.seek(0)
        said = self.log.read()[-4000:].decode(errors="replace").strip()
        return Fault(f"the process of {self}, {doing}, {why}.{hint}"
                     + f"\nIts last words:\n{said}" * bool(said))

    def kill(self) -> None:
        """End the process now, whatever it is doing. It leaves nothing behind."""
        self.process.kill()
        self.process.wait()
        self.let_go()
        start, end = self.region
        self.heap.free(start, end - start)

    def let_go(self) -> None:
        """Close what ties this process to it. It ends when nobody is tied to it any more."""
        self.connection.close()
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.log.close()

    def __str__(self) -> str:
        return f"CpuDevice(id={self.device})"


def interpreter_flags() -> list[str]:
    """The options that this Python was started with, as far as they change what programs do."""
    letters = {"optimize": "O", "isolated": "I", "ignore_environment": "E", "no_user_site": "s",
               "safe_path": "P", "dont_write_bytecode": "B"}
    flags = ["-" + letter * getattr(sys.flags, name) for name, letter in letters.items()
             if getattr(sys.flags, name)]
    modes = {"dev": sys.flags.dev_mode, "utf8": sys.flags.utf8_mode}
    return [*flags, *(f"-X{name}" for name, on in modes.items() if on),
            *(f"-W{option}" for option in sys.warnoptions)]


def cpu_time(pid: int) -> float:
    """The seconds that a process has computed, on Linux: the sign of life of one whose second
    thread is kept waiting by a long computation in the first."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except (AttributeError, OSError):
        return 0.0


def stopped(pid: int) -> bool:
    """Has a child been stopped, as SIGSTOP does? Where the system does not tell: no."""
    try:
        return os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
    except (AttributeError, OSError):
        return False


def limits(count: int) -> dict[str, int]:
    """Options of a worker: its share of CPUs and of memory."""
    return {"minijax_num_threads": max(usable_cpus() // count, 1),
            "minijax_buffer_bytes": flags.minijax_buffer_bytes // count}


def environment(count: int) -> dict[str, str]:
    """The environment of a worker: it is one of so many that share the machine."""
    threads = str(max(usable_cpus() // count, 1))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, threads), "PYTHONFAULTHANDLER": "1"}
