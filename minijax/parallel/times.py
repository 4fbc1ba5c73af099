"""When a device computes, waits and sends: told by workers that were started to tell it.

A worker whose environment has the variable `MINIJAX_TIME_DEVICES` notes when it begins to wait for
others and when it reads their arrays, and sends its notes as a log record after each run. Other
workers are not touched by anything here.
"""

from __future__ import annotations

import functools
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from minijax.parallel.meeting import SharedGroup, SharedMeeting

__all__ = ["LOGGER", "VARIABLE", "tell_times"]

VARIABLE = "MINIJAX_TIME_DEVICES"
LOGGER = logging.getLogger("minijax.parallel.times")


def tell_times() -> None:
    """From now on each run of this worker tells its phases: what began, and when."""
    phases: list[tuple[str, float]] = []
    inside = [False]  # of an exchange: between two waits, arrays are read
    LOGGER.setLevel(logging.INFO)

    def note(phase: str) -> None:
        phases.append((phase, time.perf_counter()))

    def around(cls: type, name: str, before: Callable, after: Callable) -> None:
        method = getattr(cls, name)

        @functools.wraps(method)
        def timed(*args: Any, **kwargs: Any) -> Any:
            before()
            try:
                return method(*args, **kwargs)
            finally:
                after()

        setattr(cls, name, timed)

    def exchanging(now: bool) -> None:
        inside[0] = now
        if not now:
            note("compute")

    def over() -> None:
        note("end")
        LOGGER.info(json.dumps(phases))
        phases.clear()

    around(SharedMeeting, "begin", lambda: note("compute"), lambda: None)
    around(SharedMeeting, "step", lambda: note("wait"),
           lambda: note("send" if inside[0] else "compute"))
    around(SharedMeeting, "close", lambda: None, over)
    around(SharedGroup, "exchange", lambda: exchanging(True), lambda: exchanging(False))
