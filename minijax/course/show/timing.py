"""Where the time of compiled programs goes: kernel by kernel, beside what the machine can do."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from minijax.compiler.costs import flops
from minijax.compiler.driver import Launch, Source
from minijax.compiler.observing import Event, observing
from minijax.compiler.printing import place_of
from minijax.compiler.rates import Rates, rates
from minijax.compiler.statistics import Statistics, statistics
from minijax.config import flags
from minijax.course.show.text import Text, columns

HEAD = ("program", "what runs", "calls", "time", "each", "share", "GB/s", "GFLOP/s",
        "of the machine", "your line")
SHORT = 60  # characters that are shown of a line of the user's


@dataclasses.dataclass
class Row:
    """All calls of one kernel, product or operation of one program."""

    program: str
    what: str
    launch: Launch | None
    source: Source | None
    calls: int = 0
    seconds: float = 0.0  # without those of other rows

    def bytes_moved(self) -> int:
        """From and to memory, in one call; a tile of a product does not go there in between."""
        if not self.launch or not self.source:
            return 0
        first, then = self.launch, self.launch.then
        moved = sum(first.read_bytes(self.source.plan)) + first.written_bytes()
        if then:
            reads = dict(zip(then.reads, then.read_bytes(self.source.plan)))
            moved += sum(n for v, n in reads.items() if v not in first.writes)
            moved += then.written_bytes()
        return moved

    def flops(self) -> int:
        if not self.launch:
            return 0
        then = self.launch.then
        return sum(map(flops, [*self.launch.eqns, *(then.eqns if then else ())]))

    def line(self) -> str:
        places = filter(None, map(place_of, self.launch.eqns if self.launch else ()))
        place = next(places, None)
        return str(place)[:SHORT] if place else ""

    def cells(self, total: float, can: Rates) -> Sequence[str]:
        each = self.seconds / self.calls
        head = (self.program, self.what, str(self.calls), duration(self.seconds), duration(each),
                f"{self.seconds / max(total, 1e-9):.0%}")
        if not self.launch or not each:
            return head
        moved, done = self.bytes_moved() / each, self.flops() / each
        wide = any(v.aval.dtype.itemsize >= 8 for v in self.launch.writes)
        peak = can.flops["float64" if wide else "float32"]
        share, kind = max((moved / can.bytes_moved, "memory"), (done / peak, "arithmetic"))
        text = f"{share:.0%} of {kind}" if share <= 1 else f"{share:.1f} x {kind}"
        return (*head, f"{moved / 1e9:.1f}", f"{done / 1e9:.1f}", text, self.line())


class Profile:
    """What ran, as a table. It can be looked at while it goes on."""

    def __init__(self) -> None:
        self.rows: dict[Any, Row] = {}
        self.lock = threading.Lock()
        self.start, self.before = time.perf_counter(), dataclasses.replace(statistics)
        self.seconds: float | None = None
        self.made: Statistics | None = None  # traced and compiled meanwhile

    def see(self, event: Event) -> None:
        what = event.name or ("driver" if event.source else "not compiled")
        if event.launch and event.launch.then:
            what += f" + {event.launch.then.name}"
        key = event.program, what, id(event.source)
        with self.lock:
            row = self.rows.setdefault(key, Row(
                event.program or "inner program", what, event.launch, event.source))
            row.calls += 1
            row.seconds += event.seconds - event.inside

    def stop(self) -> None:
        self.seconds, self.made = time.perf_counter() - self.start, self.so_far()

    def so_far(self) -> Statistics:
        now, then = map(dataclasses.asdict, (statistics, self.before))
        return Statistics(**{name: n - then[name] for name, n in now.items()})

    def table(self) -> list[Sequence[str]]:
        """The rows, those that took longest first."""
        with self.lock:
            rows = sorted(self.rows.values(), key=lambda row: -row.seconds)
        if not rows:
            return [("nothing ran: measure calls of what jit returns",)]
        total = sum(row.seconds for row in rows)
        can = self.machine()
        return [HEAD, *(row.cells(total, can) for row in rows)]

    def machine(self) -> Rates:
        return rates(flags.minijax_num_threads)

    def summary(self) -> list[str]:
        made, can, n = self.made or self.so_far(), self.machine(), flags.minijax_num_threads
        whole = self.seconds or time.perf_counter() - self.start
        inside = sum(row.seconds for row in self.rows.values())
        return [
            f"{duration(whole)} in all, {duration(inside)} of it in programs",
            f"traces: {made.traces}, in {duration(made.tracing)}; "
            f"compiled programs: {made.programs}, in {duration(made.compiling)}",
            f"compiled kernels: {made.compilations}, in {duration(made.seconds)}; "
            f"found on disk: {made.disk_hits}, in memory: {made.memory_hits}",
            f"this machine, with {n} thread{'s' * (n > 1)}: {can.bytes_moved / 1e9:.0f} GB/s, "
            + ", ".join(f"{x / 1e9:.0f} GFLOP/s in {name}" for name, x in can.flops.items())]

    def __repr__(self) -> str:
        return str(Text("\n".join([columns(self.table()), "", *self.summary()])))

    def _repr_html_(self) -> str:
        head, *rows = self.table()
        width = len(head)
        cells = "".join(f"<th>{escape(x)}</th>" for x in head)
        lines = "".join("<tr>" + "".join(
            f'<td style="text-align:{"left" if i in (0, 1, width - 1) else "right"}">{escape(x)}'
            "</td>" for i, x in enumerate(row)) + "</tr>" for row in rows)
        said = "<br>".join(map(escape, self.summary()))
        return f"<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table><p>{said}</p>"


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> duration(0.0000021), duration(0.0123), duration(75.0)
    ('2.1 us', '12.3 ms', '75 s')
    """
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds * 1e9:.0f} ns"


@contextlib.contextmanager
def profile() -> Iterator[Profile]:
    """Measure what compiled programs do in the block; then show it::

        with show.profile() as p:
            for _ in range(10):
                f(x)
        p

    For each kernel, product and operation: its program, the line it comes from, the number of its
    calls, their time, how fast it moved bytes and did arithmetic, and which share that is of what
    the machine can do, measured once: of the rate at which arrays too large for the caches are
    copied (arrays that fit are faster: `2.4 x memory`), or of that of multiplications with
    additions, whichever is larger. `driver` is what Python does between the kernels. Operations
    outside of `jit` appear when they are large enough to have a kernel.
    """
    found = Profile()
    with observing(found):
        try:
            yield found
        finally:
            found.stop()
