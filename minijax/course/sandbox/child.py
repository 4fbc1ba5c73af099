"""The process that runs a learner's code.

Standard input brings requests, standard output takes replies, both one JSON text after its length;
standard error takes whatever the code prints. The first request is the code, the others are calls
to make with it. The replies are values as data: what is right is not known here.

A `nursery` has imported the library and nothing else; each time it is sent three files it forks a
child that talks through them, which is sooner there than a new process.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import linecache
import os
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import Any, BinaryIO

import minijax.numpy  # noqa: F401 - whoever forks from here has it
from minijax.course.live import LiveModule
from minijax.course.sandbox.data import encode
from minijax.course.sandbox.guard import guard
from minijax.course.source import definitions

NAME = "<your code>"  # what tracebacks call the learner's text


def send(out: BinaryIO, message: Any) -> None:
    text = json.dumps(message).encode("ascii")
    out.write(len(text).to_bytes(8, "big") + text)
    out.flush()


def receive(source: BinaryIO, largest: int | None = None) -> Any:
    """The next message; EOFError where there is none, ValueError for what is no message."""
    size = int.from_bytes(_exactly(source, 8), "big")
    if largest is not None and size > largest:
        raise ValueError(f"a message of {size} bytes, at most {largest}")
    return json.loads(_exactly(source, size))


def _exactly(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise EOFError("the other side has ended")
    return data


# --- out of reach ----------------------------------------------------------------------------


def out_of_reach(*args: Any, **kwargs: Any) -> Any:
    raise NameError("this exercise asks you to write what this part of the library does; "
                    "here it cannot be called")


def withhold(tag: str) -> list[str]:
    """Take functions and classes out of reach, whoever holds them: `jvp.py: jvp, jvp_flat`.

    Returns the files that hold their text.
    """
    file, _, names = tag.partition(":")
    name = f"minijax.{file.strip().removesuffix('.py').replace('/', '.')}"
    module = importlib.import_module(name.removesuffix(".__init__"))
    for thing in (getattr(module, name.strip()) for name in names.split(",")):
        for f in (vars(thing).values() if isinstance(thing, type) else (thing,)):
            while isinstance(f, FunctionType):
                f.__code__ = out_of_reach.__code__.replace(co_freevars=f.__code__.co_freevars)
                f.__defaults__ = f.__kwdefaults__ = None
                f = getattr(f, "__wrapped__", None)
    return [path for path in (module.__file__, module.__cached__) if path]


# --- running ---------------------------------------------------------------------------------


class Runner:
    """Code, and then calls of what it defines."""

    def __init__(self, given: str, code: str, names: Sequence[str], file: str | None):
        module = sys.modules["your_code"] = ModuleType("your_code")  # dataclasses look for it
        self.space = vars(module)
        exec(compile(given, "<given>", "exec"), self.space)
        self.calls = dict(self.space)  # calls see what was given, and of the code only its answer
        linecache.cache[NAME] = (len(code), None, code.splitlines(keepends=True), NAME)
        if file:
            replace_in_library(file, code, given)
        else:
            exec(compile(code, NAME, "exec"), self.space)
        self.calls |= {name: self.space[name] for name in names if name in self.space}

    def evaluate(self, source: str) -> Any:
        return encode(eval(compile(source, "<call>", "eval"), self.calls))

    def execute(self, source: str) -> Any:
        exec(compile(source, "<call>", "exec"), self.calls)

    def show(self, source: str) -> Any:
        """What an interactive session prints for one statement, as docstrings show it."""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(source, "<call>", "single"), self.calls)
        return encode(printed.getvalue())

    def forget(self, source: str) -> Any:
        """A new docstring begins: only what it imports is there."""
        self.calls = {"__name__": "docstring"}


def replace_in_library(file: str, code: str, given: str) -> None:
    """Let the library run the learner's definitions in the place of its own, as `live` does."""
    module = LiveModule("minijax", file)
    known = {leaf for d in definitions(given) for leaf in d.leaves()}
    for d in definitions(code):
        if not set(d.leaves()) <= known:  # of a class, what it does not have stays as it is
            module.apply(replace(d, partial=True, continued=bool(d.head)), NAME)


def attempt(run: Callable[[], Any]) -> dict[str, Any]:
    """The reply for something that may raise anything, SystemExit and KeyboardInterrupt included.
    """
    try:
        return {"value": run()}
    except BaseException as error:
        return {"value": ["error", type(error).__name__, _message(error), _place(error)]}
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()


def _message(error: BaseException) -> str:
    try:
        return str(error)[:2000]
    except Exception:
        return "(its message cannot be printed)"


def _place(error: BaseException) -> str:
    """The learner's own line that led to the error."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {(error.text or '').strip()}"
    for frame in reversed(traceback.extract_tb(error.__traceback__, limit=-200)):
        if frame.filename == NAME:
            return f"line {frame.lineno}: {frame.line}"
    return ""


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    send(replies, {"pid": os.getpid()})
    first = receive(requests)
    runner: list[Runner] = []

    def load() -> None:
        withheld = [file for tag in first["without"] for file in withhold(tag)]
        guard([*first["protected"], *withheld], first["writable"], first["processes"])
        runner.append(Runner(first["given"], first["code"], first["names"], first["file"]))

    send(replies, attempt(load))
    while True:
        request = receive(requests)
        run = getattr(runner[0], request["do"])
        send(replies, attempt(lambda: run(request["source"])))  # noqa: B023 - called at once


def main() -> None:
    """Keep the two channels for messages; what the code prints goes to standard error."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))  # should nobody be there to end it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except ImportError:  # Windows
        pass
    with contextlib.suppress(EOFError, BrokenPipeError):
        serve(requests, replies)
    os._exit(0)


def nursery(descriptor: int) -> None:
    """Fork a child for each three files that arrive, until the other side goes away."""
    import signal

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    channel = socket.socket(fileno=descriptor)
    while True:
        message, files, _, _ = socket.recv_fds(channel, 4096, 3)
        if not message:
            return
        if os.fork() == 0:
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                channel.close()
                os.setsid()
                for number, file in enumerate(files):
                    os.dup2(file, number)
                    os.close(file)
                os.chdir(message.decode("utf-8"))
                main()
            finally:
                os._exit(1)  # never a second nursery
        for file in files:
            os.close(file)

