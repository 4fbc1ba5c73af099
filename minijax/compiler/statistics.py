"""What was traced and compiled in this process: counted, and logged with `jax_log_compiles`."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from minijax.config import flags

__all__ = ["Statistics", "compiling", "log", "statistics", "timing_trace"]

logger = logging.getLogger(__name__)
_lock = threading.Lock()


@dataclass
class Statistics:
    """How often, and for how long. Kernels: where they came from."""

    traces: int = 0
    tracing: float = 0.0  # seconds in all traces
    programs: int = 0  # compiled: planned, written, and their kernels loaded
    compiling: float = 0.0  # seconds in all of that
    compilations: int = 0  # of kernels
    seconds: float = 0.0  # in all compilations of kernels
    memory_hits: int = 0
    disk_hits: int = 0

    def count(self, **added: float) -> None:
        with _lock:
            for name, amount in added.items():
                setattr(self, name, getattr(self, name) + amount)


statistics = Statistics()


def log(text: str, *args: Any) -> None:
    """With `jax_log_compiles`: a warning."""
    if flags.jax_log_compiles:
        logger.warning(text, *args)


@contextlib.contextmanager
def timing_trace(name: str) -> Iterator[None]:
    """Count what happens inside as a trace of a function. Of traces inside it, the time is theirs.
    """
    start, inside = time.perf_counter(), statistics.tracing
    yield
    seconds = time.perf_counter() - start
    statistics.count(traces=1, tracing=seconds - (statistics.tracing - inside))
    log("Finished tracing %s for jit in %.9f sec", name, seconds)


@contextlib.contextmanager
def compiling(name: str, avals: Sequence[Any]) -> Iterator[None]:
    """Count what happens inside as the compilation of a program."""
    log("Compiling jit(%s) with global shapes and types %s.", name, tuple(avals))
    start, before = time.perf_counter(), (statistics.compilations, statistics.disk_hits)
    yield
    seconds = time.perf_counter() - start
    statistics.count(programs=1, compiling=seconds)
    made = statistics.compilations - before[0], statistics.disk_hits - before[1]
    log("Finished compilation of jit(%s) in %.9f sec: %d kernels by Numba, %d from disk", name,
        seconds, *made)
