"""Starts the process of a learner's code, speaks with it, and ends it: in time, and always.

On Linux a nursery that has imported the library forks one in a few milliseconds. Elsewhere a fork
is not safe or does not exist, and each is a new interpreter.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import psutil

from minijax.course.sandbox.child import receive, send
from minijax.course.sandbox.data import check_form

PROGRAM = ("import sys; sys.path[:] = {path!r}; "
           "from minijax.course.sandbox import child; child.{call}")
START = 60.0  # seconds until it has imported the library, on a busy machine
LOOK = 0.02  # seconds between two looks at what it uses
FAMILY = 25  # looks between two that also count its children
KEPT = 10_000  # bytes of what it printed


@dataclass(frozen=True)
class Limits:
    """What a learner's code may use. The time is of all its calls together."""

    seconds: float = 12.0
    memory: int = 2**30  # bytes in memory, of each process
    output: int = 2**20  # bytes printed
    reply: int = 2**25  # bytes of one value


LIMITS = Limits()


class Ended(Exception):
    """The process is gone; the message says why, as the end of a sentence about the code."""


class NotStarted(Exception):
    """There is no process: a fault of this machine, and not of the code."""


class Sandbox:
    """A process that has loaded some code and makes calls with it.

    >>> with Sandbox(code="def double(x): return 2 * x", names=["double"]) as sandbox:
    ...     sandbox.loaded()  # nothing was raised
    ...     sandbox.ask("evaluate", "double(4)")
    ['number', 8]
    """

    def __init__(self, code: str, names: Sequence[str] = (), given: str = "",
                 file: str | None = None, without: Sequence[str] = (),
                 protected: Sequence[str] = (), writable: Sequence[str] = (),
                 processes: bool = False,
                 limits: Limits = LIMITS):
        self.limits, self.processes = limits, processes
        self.printed, self.taken = b"", 0  # the beginning of what it printed, and how much that was
        self.replies: queue.Queue[Any] = queue.Queue()
        self.folder = tempfile.TemporaryDirectory(prefix="exercise-", ignore_cleanup_errors=True)
        self.request = {"code": code, "names": list(names), "given": given, "file": file,
                        "without": list(without), "protected": list(protected),
                        "writable": list(writable), "processes": processes}

    def __enter__(self) -> Sandbox:
        self.started, self.requests, replies, prints = start(self.folder.name)
        self.readers = [threading.Thread(target=read, args=[source], daemon=True)
                        for read, source in ((self._read_replies, replies),
                                             (self._read_prints, prints))]
        for reader in self.readers:
            reader.start()
        try:
            self.pid = int(self.replies.get(timeout=START)["pid"])
        except (queue.Empty, ValueError, TypeError, KeyError) as error:
            self.__exit__()
            said = self.printed.decode("utf-8", "replace").strip()
            raise NotStarted(f"the process for your code did not start. {said}") from error
        self.deadline = time.monotonic() + self.limits.seconds
        send(self.requests, self.request)
        return self

    def __exit__(self, *exc: object) -> None:
        end(getattr(self, "pid", None), self.started)
        for reader in self.readers:
            reader.join(timeout=1)  # what it printed may still be on its way
        with contextlib.suppress(OSError):
            self.requests.close()
        self.folder.cleanup()

    def loaded(self) -> Any:
        """Wait until the code has been loaded: None, or the data of what it raised."""
        return self._answer()

    def ask(self, do: str, source: str) -> Any:
        """Make a call; its value as data. Ended where the process did not survive it."""
        with contextlib.suppress(OSError):  # it has ended: the answer says so
            send(self.requests, {"do": do, "source": source})
        return self._answer()

    def _answer(self) -> Any:
        reply = self._next_reply()
        self._check_output()
        if isinstance(reply, Exception):
            what = ("ended the process (sys.exit, os._exit or a crash)"
                    if isinstance(reply, EOFError) else f"sent something strange: {reply}")
            raise Ended(what) from reply
        try:
            value = reply["value"]
            if value is not None:
                check_form(value)
        except (ValueError, TypeError, LookupError) as error:
            raise Ended("wrote into the channel of its answers") from error
        return value

    def _next_reply(self) -> Any:
        """Wait for a reply, and look meanwhile at what the process uses."""
        looks = 0
        while True:
            try:
                return self.replies.get(timeout=LOOK)
            except queue.Empty:
                looks += 1
                self._check(self.processes and looks % FAMILY == 0)

    def _check(self, family: bool) -> None:
        if time.monotonic() > self.deadline:
            raise Ended(f"took longer than {self.limits.seconds:.0f} seconds")
        self._check_output()
        if memory(self.pid, family) > self.limits.memory:
            raise Ended(f"used more than {self.limits.memory / 1e9:.0f} GB of memory")

    def _check_output(self) -> None:
        if self.taken > self.limits.output:
            raise Ended(f"printed more than {self.limits.output / 1e6:.0f} MB")

    def _read_replies(self, source: BinaryIO) -> None:
        with source:
            while True:
                try:
                    self.replies.put(receive(source, self.limits.reply))
                except (EOFError, ValueError, OSError, RecursionError) as error:
                    self.replies.put(error)
                    return

    def _read_prints(self, source: BinaryIO) -> None:
        with source, contextlib.suppress(OSError, ValueError):
            while text := os.read(source.fileno(), 2**16):
                self.taken += len(text)
                self.printed += text[: KEPT - len(self.printed)]


def memory(pid: int, family: bool) -> int:
    """The bytes that a process has in memory, or with `family` the largest of those it started."""
    most = 0
    with contextlib.suppress(psutil.Error):  # one that ended meanwhile
        process = psutil.Process(pid)
        for p in (process, *(process.children(recursive=True) if family else ())):
            most = max(most, p.memory_info().rss)
    return most


def end(pid: int | None, started: subprocess.Popen | None) -> None:
    """Kill a process and all that it has started."""
    found = []
    for number in {pid, started.pid if started else None} - {None}:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(number)
            found += [*process.children(recursive=True), process]
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=5)
    if started:
        started.wait()


def environment() -> dict[str, str]:
    fixed = {"PYTHONIOENCODING": "utf-8", "PYTHONHASHSEED": "0"}  # one order of sets for all
    return {"OPENBLAS_NUM_THREADS": "1", **os.environ, **fixed}


def command(call: str) -> list[str]:
    path = [os.path.abspath(folder) for folder in sys.path]
    return [sys.executable, "-c", PROGRAM.format(path=path, call=call)]


def start(folder: str) -> tuple[subprocess.Popen | None, BinaryIO, BinaryIO, BinaryIO]:
    """A process in `folder`, and its three files. There is no Popen where a nursery forked it."""
    if sys.platform == "linux":
        return None, *Nursery.one().fork(folder)
    made = subprocess.Popen(command("main()"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, cwd=folder, env=environment(),
                            start_new_session=True)  # the terminal's Ctrl-C is for us
    assert made.stdin and made.stdout and made.stderr
    return made, made.stdin, made.stdout, made.stderr


class Nursery:
    """A process that forks others, each in the state of having imported the library."""

    _one: Nursery | None = None

    def __init__(self) -> None:
        self.channel, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                command(f"nursery({theirs.fileno()})"), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(),
                pass_fds=[theirs.fileno()], start_new_session=True)
        atexit.register(self.close)

    @classmethod
    def one(cls) -> Nursery:
        """The nursery of this process; another one if that has died."""
        if cls._one is None or cls._one.process.poll() is not None:
            cls._one = cls()
        return cls._one

    def fork(self, folder: str) -> tuple[BinaryIO, BinaryIO, BinaryIO]:
        theirs_in, requests = os.pipe()
        replies, theirs_out = os.pipe()
        prints, theirs_err = os.pipe()
        theirs = [theirs_in, theirs_out, theirs_err]
        socket.send_fds(self.channel, [folder.encode("utf-8")], theirs)
        for file in theirs:
            os.close(file)
        return os.fdopen(requests, "wb"), os.fdopen(replies, "rb"), os.fdopen(prints, "rb")

    def close(self) -> None:
        self.channel.close()
        self.process.wait()
