"""Time several ways of doing one thing, in alternating blocks, and compare them as ratios.

Machines are noisy and change speed; what was measured a minute ago says little about now. So the
candidates take turns in short blocks, and what is reported is the median of the ratios of blocks
that ran next to each other.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

# Seconds before each block. Threads of the one before may still be looking for work, and take a CPU
# from the next: those of OpenBLAS, after a product by NumPy, for a tenth of a second.
REST = 0.15


@dataclass
class Timing:
    """Seconds for one call of each candidate, block by block; or what `unit` says."""

    name: str
    blocks: dict[str, list[float]]
    unit: str = "s"

    def median(self, who: str) -> float:
        return statistics.median(self.blocks[who])

    def ratio(self, other: str, ours: str = "minijax") -> float:
        """How many times faster we are than `other`: above 1, we are ahead."""
        pairs = zip(self.blocks[other], self.blocks[ours])
        return statistics.median(b / a for b, a in pairs)


def measure(name: str, candidates: dict[str, Callable], seconds: float = 0.05, blocks: int = 15
            ) -> Timing:
    """Call each candidate for `seconds` in turn, `blocks` times, after one warm-up block."""
    calls = {}
    for who, call in candidates.items():
        call()
        start, n = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            call()
            n += 1
        calls[who] = max(n, 1)
    out: dict[str, list[float]] = {who: [] for who in candidates}
    for _ in range(blocks):
        for who, call in candidates.items():
            time.sleep(REST)
            start = time.perf_counter()
            for _ in range(calls[who]):
                call()
            out[who].append((time.perf_counter() - start) / calls[who])
    return Timing(name, out)


def show(value: float, unit: str = "s") -> str:
    if unit != "s":
        return f"{value:.3g} {unit}"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def table(timings: list[Timing], columns: dict[str, list[str]] | None = None) -> str:
    """A Markdown table: median times, our ratio to each other candidate, and further columns."""
    columns = columns or {}
    names = list(dict.fromkeys(who for t in timings for who in t.blocks))
    others = [n for n in names if n != "minijax"]
    head = ["workload", *names, *(f"{o} / minijax" for o in others), *columns]
    rows = [[t.name, *(show(t.median(n), t.unit) if n in t.blocks else "" for n in names),
             *(f"{t.ratio(o):.2f}" if o in t.blocks else "" for o in others), *more]
            for t, *more in zip(timings, *columns.values())]
    lines = ["| " + " | ".join(r) + " |" for r in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


def plot(timings: list[Timing], path: str, title: str) -> None:
    """Ratios as bars on a logarithmic axis; the line at 1 is a draw."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    others = list(dict.fromkeys(who for t in timings for who in t.blocks if who != "minijax"))
    fig, ax = plt.subplots(figsize=(8, 0.8 + 0.5 * len(timings)))
    height = 0.8 / max(len(others), 1)
    for i, other in enumerate(others):
        rows = [(j, t.ratio(other)) for j, t in enumerate(timings) if other in t.blocks]
        ax.barh([j + i * height for j, _ in rows], [r - 1 for _, r in rows], height, left=1,
                label=other)
        for j, r in rows:
            ax.text(r, j + i * height, f" {r:.1f} ", va="center",
                    ha="left" if r > 1 else "right", fontsize=8)
    ax.axvline(1, color="black", linewidth=1)
    ax.set(xscale="log", title=title, xlabel="times faster than (right of 1: minijax is ahead)",
           yticks=[j + height * (len(others) - 1) / 2 for j in range(len(timings))],
           yticklabels=[t.name for t in timings])
    ax.margins(x=0.15)
    ax.invert_yaxis()
    ax.legend(loc="best", fontsize=8)
    fig.tight_layout()
    fig.savefig(path, dpi=120)
