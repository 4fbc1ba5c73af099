"""Values and rows of cells as text, and errors that end a picture."""

from __future__ import annotations

import contextlib
import sysconfig
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import BatchTracer
from minijax.core import Tracer, UndefinedPrimal, typeof
from minijax.course.show.drawing import Drawing
from minijax.jaxpr import JaxprTracer
from minijax.jvp import JVPTracer

LONGEST = 32  # characters of one value
FEW = 12  # operations of one line that are told one by one
# What runs between the reader's lines: this library, Python's, and what is installed.
NOT_THE_READERS = (str(Path(__file__).parents[2]),
                   *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))


class Text(str):
    """Text that a notebook shows as it is."""

    def __repr__(self) -> str:
        return str(self)


class Drawn:
    """A picture as a notebook draws it, with a slider for its steps. Elsewhere it is its text."""

    def __init__(self, text: Text, html: str):
        self.text, self.html = text, html

    def __repr__(self) -> str:
        return repr(self.text)

    def _repr_html_(self) -> str:
        return self.html


class Picture(Text):
    """Text that is also a drawing: `.drawn` in a notebook, `.svg` in a file."""

    svg = html = ""

    @property
    def drawn(self) -> Drawn:
        return Drawn(Text(self), self.html)


def brief(x: Any) -> str:
    """A value on part of a line: its elements if they are few, else its type."""
    if isinstance(x, UndefinedPrimal):
        return f"unknown {x.aval.str_short(short_dtypes=True)}"
    if isinstance(x, JaxprTracer):
        return x.aval.str_short(short_dtypes=True)
    if isinstance(x, JVPTracer):
        return f"{brief(x.primal)} moving {brief(x.tangent)}"
    if isinstance(x, BatchTracer):
        return f"each of {brief(x.value)}" + f" along axis {x.dim}" * (x.dim > 0)
    if isinstance(x, Tracer):
        return str(x.aval) if type(x).__repr__ is object.__repr__ else repr(x)
    aval = typeof(x)
    short = aval.str_short(short_dtypes=True)
    if dtypes.is_key_dtype(aval.dtype) or aval.dtype == dtypes.float0 or aval.size > LONGEST:
        return short
    known = np.asarray(x, aval.dtype)
    if not aval.shape:
        return str(known[()])
    text = "".join(np.array2string(known, separator=",").split()).replace(",", ", ")
    return text if len(text) <= LONGEST else short


def columns(rows: Sequence[Sequence[str]]) -> Text:
    """Rows of cells as lines, the columns aligned."""
    widths = [max((len(row[i]) for row in rows if len(row) > i + 1), default=0)
              for i in range(max(map(len, rows), default=0))]
    return Text("\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip()
                          for row in rows))


def human(n: int) -> str:
    """A number of bytes.

    >>> human(12), human(480_000), human(3_500_000_000)
    ('12 B', '480 kB', '3.5 GB')
    """
    size, units = float(n), ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.3g} {units[0]}"


def counted(operations: Sequence[str]) -> str:
    """Operations by name, or how often each if there are many.

    >>> counted(["mul", "add", "mul"]), counted(["mul"] * 20 + ["add"])
    ('mul add mul', '21 operations: 20 mul, add')
    """
    if len(operations) <= FEW:
        return " ".join(operations)
    most = Counter(operations).most_common(6)
    rest = len(set(operations)) - len(most)
    return f"{len(operations)} operations: " + ", ".join(
        f"{n} {name}" if n > 1 else name for name, n in most) + (
        f" and {rest} other kinds" if rest else "")


@contextlib.contextmanager
def as_far_as_it_gets(f: Callable) -> Iterator[list[str]]:
    """An error of the reader's function ends the picture, in the words that this yields."""
    if not callable(f):
        raise TypeError("a picture takes a function and then its arguments: "
                        "show.stack(f, 2.0), not show.stack(f(2.0))")
    stopped: list[str] = []
    try:
        yield stopped
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__)
                  if not frame.filename.startswith(NOT_THE_READERS)]
        line = f" in line {frames[-1].lineno} of {frames[-1].name}" if frames else ""
        source = f": {frames[-1].line}" if frames and frames[-1].line else ""
        stopped += [f"stopped{line}{source}", f"{type(error).__name__}: {error}"]


def picture(rows: Sequence[Sequence[str]], drawing: Drawing, stopped: Sequence[str],
            more: Iterable[str] = ()) -> Picture:
    """A picture in its three forms, with the error that ended it, if there was one."""
    out = Picture(columns([*rows, *([line] for line in stopped)]))
    drawing.stopped(stopped)
    out.svg, out.html = drawing.svg(str(out)), drawing.page(str(out), more)
    return out
