"""The source of a kernel as one reads it: what it computes, for which lines, and with what numbers.

The text that is compiled has no comments: it is the key of the cache, and kernels that differ in
nothing else are one.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minijax.compiler.writer import Emitted
from minijax.jaxpr import JaxprEqn

__all__ = ["Place", "by_place", "place_of", "printed"]

WIDTH = 100
ENTRY = re.compile(r"    \w+ = .*\bsizes\[(\d+)\]")
ARRAY = re.compile(r"    \w+ = data\(a(\d+), ")


class Place(NamedTuple):
    """A line of the user's."""

    file: str
    line: int
    function: str
    text: str  # as it is now in the file

    def __str__(self) -> str:
        return f"line {self.line} of {self.function}: {self.text}"


def place_of(e: JaxprEqn) -> Place | None:
    """The user's line that asked for an equation; None if it was the library."""
    if e.line is None:
        return None
    code, instruction, _ = e.line
    row = list(code.co_positions())[instruction // 2][0] or code.co_firstlineno
    text = linecache.getline(code.co_filename, row).strip()
    return Place(code.co_filename, row, code.co_name, text)


def by_place(eqns: Iterable[JaxprEqn]) -> list[tuple[Place | None, list[JaxprEqn]]]:
    """Equations that stand together and come from one line of the user's."""
    found = groupby(((place_of(e), e) for e in eqns), lambda pair: pair[0] and pair[0][:2])
    return [(pairs[0][0], [e for _, e in pairs]) for _, group in found for pairs in [list(group)]]


def operations(eqns: Sequence[JaxprEqn]) -> str:
    """The operations on one line, as many as fit."""
    text = " ".join(e.primitive.name for e in eqns)
    return text if len(text) <= 80 else text[:80].rpartition(" ")[0] + f" ... ({len(eqns)} in all)"


def shortest(n: int | float) -> str:
    """A number of the table; a float as float32 if that is what it is."""
    return str(np.float32(n)) if isinstance(n, float) and np.float32(n) == n else str(n)


def printed(name: str, emitted: Emitted, arrays: Mapping[Any, str]) -> str:
    """The source of a kernel under this name. `arrays` is what the driver calls arrays."""
    head = []
    for place, eqns in by_place(emitted.eqns):
        where = f"  {Path(place.file).name}:{place.line}: {place.text}" if place else ""
        head.append(f"# {operations(eqns)}{where}"[:WIDTH])
    out = []
    for line in emitted.source.replace("def kernel(", f"def {name}(", 1).splitlines():
        if found := ENTRY.match(line):
            line += f"  # {shortest(emitted.sizes[int(found[1])])}"
        elif found := ARRAY.match(line):
            v = emitted.arrays[int(found[1])]
            line += f"  # {arrays[v]}: {v.aval.str_short()}"
        out.append(line)
    return "\n".join([*head, *out]) + "\n"
