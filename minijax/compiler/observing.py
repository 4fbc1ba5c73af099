"""Watch compiled programs run: each kernel, matrix product and call of NumPy, with its time.

A driver (`driver.py`) is a function that finds what it calls in a name space of its own. To watch
it, we run its code with another name space, in which each of these is a function that looks at the
clock. So while nobody watches, nothing is slower.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, NamedTuple, Protocol

from minijax.compiler.driver import Launch, Source
from minijax.compiler.executable import Executable

__all__ = ["Event", "Observer", "event", "observing"]


class Event(NamedTuple):
    """Something that ran."""

    program: str  # the name of the user's function
    name: str  # of a kernel, `matmul_0`, `step_0`; "" is the program itself
    launch: Launch | None
    source: Source | None  # None: a program that is not compiled
    start: float  # seconds, of time.perf_counter
    seconds: float
    inside: float  # seconds of these in other events
    thread: int


class Observer(Protocol):
    def see(self, event: Event) -> None:
        """Called after each event, in the thread in which it was."""


class Clock(threading.local):
    inside = 0.0  # seconds of events since an event around them began


_clock = Clock()
_lock = threading.Lock()
_observers: list[Observer] = []


def timed(f: Callable, program: str, name: str = "", launch: Launch | None = None,
          source: Source | None = None) -> Callable:
    """A function that does what `f` does, and tells the observers."""

    def run(*args: Any) -> Any:
        with event(program, name, launch, source):
            return f(*args)

    return run


@contextlib.contextmanager
def event(program: str, name: str = "", launch: Launch | None = None,
          source: Source | None = None) -> Iterator[None]:
    """Tell the observers of what happens inside, when it is over."""
    outer, _clock.inside = _clock.inside, 0.0
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds = time.perf_counter() - start
        for observer in list(_observers):
            observer.see(Event(program, name, launch, source, start, seconds, _clock.inside,
                               threading.get_ident()))
        _clock.inside = outer + seconds


def watched(run: Any, source: Source, name: str) -> Callable:
    """A compiled program, of which the observers see what it calls."""
    space = dict(run.__globals__)
    parallel, shared = space["parallel"], {}
    on_tiles = {launch.then for launch in source.launches}  # within the time of the product
    for launch in source.launches:
        if launch not in on_tiles:
            f = space[launch.name]
            told = name, launch.name, launch, source
            space[launch.name] = timed(f, *told)
            shared[space[launch.name]] = timed(functools.partial(parallel, f), *told)
    space["parallel"] = lambda kernel, *args: shared[kernel](*args)
    return timed(FunctionType(run.__code__, space), name, "", None, source)


@contextlib.contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Let an observer see all that compiled programs do, in every thread."""
    with _lock:
        if not _observers:
            install()
        _observers.append(observer)
    try:
        yield
    finally:
        with _lock:
            _observers.remove(observer)
            if not _observers:
                uninstall()


choose = Executable.choose


def install() -> None:
    """Give executables an attribute that answers with the watched program."""
    found: weakref.WeakKeyDictionary[Executable, Callable] = weakref.WeakKeyDictionary()

    def native(self: Executable) -> Callable | None:
        run = vars(self)["native"]
        if run is not None and self not in found:
            found[self] = watched(run, self.source, self.name)
        return run and found[self]

    def choose_watched(self: Executable) -> Callable:
        run = choose(self)
        return self.native or timed(run, self.name)

    Executable.native = property(native, lambda self, run: vars(self).update(native=run))  # type: ignore[assignment]
    Executable.choose = choose_watched  # type: ignore[method-assign]


def uninstall() -> None:
    delattr(Executable, "native")
    Executable.choose = choose  # type: ignore[method-assign]
