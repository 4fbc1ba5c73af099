"""Traces of what ran, and when: `with jax.profiler.trace("traces"):`.

A trace is a file for the timeline of https://ui.perfetto.dev (or `chrome://tracing`): each compiled
program, in it each kernel, matrix product and operation by NumPy, and the annotations around them.

In JAX: jax/_src/profiler.py. There a trace is also for TensorBoard, and of the devices' memory.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minijax.compiler.observing import Event, event, observing

__all__ = ["StepTraceAnnotation", "TraceAnnotation", "annotate_function", "start_trace",
           "stop_trace", "trace"]


class Collector:
    """All events, in the form of the file."""

    def __init__(self, folder: Any):
        self.folder = Path(folder)
        self.events: list[dict[str, Any]] = []  # its append is atomic

    def see(self, event: Event) -> None:
        self.events.append({
            "name": event.name or event.program, "ph": "X", "pid": os.getpid(),
            "tid": event.thread, "ts": event.start * 1e6, "dur": event.seconds * 1e6,
            "args": {"program": event.program} if event.name else {}})

    def write(self) -> Path:
        """The file of the trace, in a folder named for the time, as in JAX."""
        place = self.folder / "plugins" / "profile" / time.strftime("%Y_%m_%d_%H_%M_%S")
        place.mkdir(parents=True, exist_ok=True)
        path = place / "perfetto_trace.json.gz"
        with gzip.open(path, "wt", encoding="utf-8") as file:
            json.dump({"displayTimeUnit": "ns", "traceEvents": self.events}, file)
        return path


_running: list[tuple[Collector, contextlib.ExitStack]] = []  # one at most


def start_trace(log_dir: str | os.PathLike, create_perfetto_link: bool = False,
                create_perfetto_trace: bool = False, profiler_options: Any = None) -> None:
    """Collect what compiled programs do from now on, in every thread.

    Args:
      log_dir: the folder for the trace, which `stop_trace` writes.
      create_perfetto_link, create_perfetto_trace, profiler_options: as in JAX, and of no effect:
        there is one kind of trace.

    Raises:
      RuntimeError: a trace has been started already.
    """
    if _running:
        raise RuntimeError(
            "Profile has already been started. Only one profile may be run at a time: call "
            "stop_trace() first.")
    collector, stack = Collector(log_dir), contextlib.ExitStack()
    _running.append((collector, stack))
    stack.enter_context(observing(collector))


def stop_trace() -> None:
    """Write the trace to `log_dir/plugins/profile/TIME/perfetto_trace.json.gz`.

    Raises:
      RuntimeError: no trace has been started.
    """
    if not _running:
        raise RuntimeError("No profile started: call start_trace(log_dir) first.")
    collector, stack = _running.pop()
    stack.close()
    collector.write()


@contextlib.contextmanager
def trace(log_dir: str | os.PathLike, create_perfetto_link: bool = False,
          create_perfetto_trace: bool = False, profiler_options: Any = None) -> Iterator[None]:
    """`start_trace` and `stop_trace` around a block.

    >>> import tempfile, pathlib
    >>> import minijax as jax, minijax.numpy as jnp
    >>> folder = tempfile.mkdtemp()
    >>> with jax.profiler.trace(folder):
    ...     x = jax.jit(jnp.sin)(1.0)
    >>> [path.name for path in pathlib.Path(folder).rglob("*.gz")]
    ['perfetto_trace.json.gz']
    """
    start_trace(log_dir, create_perfetto_link, create_perfetto_trace, profiler_options)
    try:
        yield
    finally:
        stop_trace()


class TraceAnnotation(contextlib.ContextDecorator):
    """A name in the trace for what happens in a block: `with TraceAnnotation("load data"):`."""

    def __init__(self, name: str, **kwargs: Any):
        self.name = " ".join([name, *(f"{k}={v}" for k, v in kwargs.items())])

    def __enter__(self) -> TraceAnnotation:
        self.event = event(self.name)
        self.event.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.event.__exit__(*error)


class StepTraceAnnotation(TraceAnnotation):
    """A name for one step of a training: `with StepTraceAnnotation("train", step_num=i):`."""


def annotate_function(func: Callable, name: str | None = None, **decorator_kwargs: Any) -> Callable:
    """`func`, each call of which has a name in the trace: its own, or `name`."""
    name = name or getattr(func, "__qualname__", None) or func.__name__

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with TraceAnnotation(str(name), **decorator_kwargs):
            return func(*args, **kwargs)

    return wrapper
