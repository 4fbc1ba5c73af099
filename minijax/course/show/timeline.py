"""What devices do while a function runs: they compute, they wait, they send."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from minijax.course.show.drawing import EDGE, ROW, TOP, Drawing, wide
from minijax.course.show.text import Picture, as_far_as_it_gets, picture
from minijax.course.show.timing import duration
from minijax.parallel.engine import ProcessEngine, engine
from minijax.parallel.times import LOGGER, VARIABLE
from minijax.source_info import name_of
from minijax.tree_util import tree_leaves

WIDTH, LETTERS = 640, 60  # of the whole time, in the drawing and in the text
SIGNS = {"compute": "█", "send": "▒", "wait": "·"}
KINDS = {"compute": "sky", "send": "sun orange thick", "wait": "open dotted"}


class Phase(NamedTuple):
    """A time in which a device does one thing."""

    device: int
    what: str
    start: float
    end: float


class Recorder(logging.Handler):
    """Collects what workers tell of their phases."""

    def __init__(self) -> None:
        super().__init__()
        self.phases: list[Phase] = []

    def emit(self, record: logging.LogRecord) -> None:
        worker, text = record.args  # type: ignore[misc]
        told = json.loads(str(text))
        self.phases += [Phase(worker.device, what, start, end)  # type: ignore[union-attr]
                        for (what, start), (_, end) in zip(told, told[1:]) if end > start]


@contextlib.contextmanager
def recording() -> Iterator[Recorder]:
    """Workers that tell their times, for as long as this lasts."""
    devices, recorder = engine(), Recorder()
    if not isinstance(devices, ProcessEngine):
        raise NotImplementedError("show.timeline watches devices that are processes of this "
                                  f"machine, not those of {type(devices).__name__}")
    saved = LOGGER.level, LOGGER.propagate
    LOGGER.addHandler(recorder)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate, os.environ[VARIABLE] = False, "1"
    devices.stop()
    try:
        yield recorder
    finally:
        devices.stop()
        del os.environ[VARIABLE]
        LOGGER.removeHandler(recorder)
        LOGGER.level, LOGGER.propagate = saved


def timeline(f: Callable, *args: Any) -> Picture:
    """When each device computes, waits for others and sends (reads their arrays), in `f(*args)`.

    `f` is a function made by `pmap`, or one that calls some. It is called three times, on new
    devices, and the last call is shown: in the first two, programs are sent and compiled.

        show.timeline(jax.pmap(lambda x: jax.lax.psum(x, "i"), axis_name="i"), x)
    """
    phases: list[Phase] = []
    whole = 0.0
    with as_far_as_it_gets(f) as stopped, recording() as recorder:
        for _ in range(3):
            recorder.phases.clear()
            start = time.perf_counter()
            for x in tree_leaves(f(*args)):
                x.block_until_ready()
            whole = time.perf_counter() - start
        phases = sorted(recorder.phases, key=lambda p: p.start)
    return drawn(name_of(f), phases, whole, stopped)


def drawn(name: str, phases: Sequence[Phase], whole: float, stopped: Sequence[str]) -> Picture:
    """The picture of phases, in which the caller waited for so many seconds."""
    if not phases:
        title = f"{name}: no device did anything"
        return picture([] if stopped else [(title,)], Drawing(title), stopped)
    start, end = phases[0].start, max(p.end for p in phases)
    devices = sorted({p.device for p in phases})
    title = (f"{name} on {len(devices)} device{'s' * (len(devices) > 1)}: {duration(end - start)}, "
             f"and {duration(max(whole - (end - start), 0))} around it")
    rows: list[Sequence[str]] = [(title,)]
    for device in devices:
        own = [p for p in phases if p.device == device]
        took = {what: sum(p.end - p.start for p in own if p.what == what) for what in SIGNS}
        shares = [f"{what} {seconds / (end - start):.0%}" for what, seconds in took.items()]
        rows.append((f"device {device}", bar(own, start, end), *shares))
    rows.append(("", "  ".join(f"{sign} {what}" for what, sign in SIGNS.items())))
    return picture(rows, drawn_timeline(title, phases, devices, start, end), stopped)


def bar(phases: Sequence[Phase], start: float, end: float) -> str:
    """A letter for each part of the time: what the device does in the middle of it."""
    moments = [start + (i + 0.5) * (end - start) / LETTERS for i in range(LETTERS)]
    return "".join(next((SIGNS[p.what] for p in phases if p.start <= t < p.end), " ")
                   for t in moments).rstrip()


def visible(phases: Sequence[Phase], least: float) -> Iterator[Phase]:
    """The phases; those that are shorter than `least` count to the one before on the device."""
    last: dict[int, Phase] = {}
    for p in phases:
        before = last.get(p.device)
        if before and (p.end - p.start < least or p.what == before.what):
            last[p.device] = before._replace(end=p.end)
        else:
            if before:
                yield before
            last[p.device] = p
    yield from last.values()


def drawn_timeline(title: str, phases: Sequence[Phase], devices: Sequence[int], start: float,
                   end: float) -> Drawing:
    """A row for each device, time to the right."""
    d = Drawing(title)
    left, scale = EDGE + wide(f"device {max(devices)}") + 12, WIDTH / (end - start)
    for i, device in enumerate(devices):
        d.text(EDGE, TOP + 16 + i * (ROW + 16), f"device {device}", "strong")
    for p in sorted(visible(phases, 1 / scale), key=lambda p: p.start):
        took = f"{duration(p.end - p.start)} from {duration(p.start - start)} on"
        step = d.say(f"Device {p.device}: {p.what}, {took}.")
        w, y = (p.end - p.start) * scale, TOP + devices.index(p.device) * (ROW + 16)
        label = p.what if wide(p.what) + 10 < w else ""
        d.box(left + (p.start - start) * scale, y, w, ROW + 6, KINDS[p.what], label, step,
              f"{p.what}: {took}")
    y = TOP + len(devices) * (ROW + 16) + 4
    d.line(left, y, left + WIDTH, y)
    d.text(left, y + 16, "0", "quiet")
    d.text(left + WIDTH - wide(duration(end - start)), y + 16, duration(end - start), "quiet")
    return d
