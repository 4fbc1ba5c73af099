"""Which cells of a notebook are on which slide, and whether they fit there.

A cell is on a slide if its metadata say so (`slideshow`, in a text `slide=`): `slide` begins one;
`-` and `fragment` go on with it, a fragment at the next key; `notes` is what the speaker reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

KINDS = {"slide", "-", "fragment", "notes"}
CODE_LINES, OUTPUT_LINES, COLUMNS = 15, 12, 75  # of a slide
FENCED = re.compile(r"^(`{3,}|~{3,}).*?\n(.*?)^\1", re.MULTILINE | re.DOTALL)
PICTURES = ("text/html", "image/svg+xml", "image/png", "image/jpeg")  # shown instead of the text


def kind(cell: Any) -> str:
    """The slide type of a cell; empty if it is on no slide."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "")


def pages(cells: list[Any]) -> list[list[Any]]:
    """The cells of each slide, with what its speaker reads."""
    made: list[list[Any]] = []
    for cell in cells:
        if kind(cell) == "slide":
            made.append([])
        if kind(cell) and made:
            made[-1].append(cell)
    return made


def title(cells: list[Any]) -> str:
    """The first heading of the notebook."""
    found = re.search(r"^#+ +(.+)$", "\n".join(c.source for c in cells), re.MULTILINE)
    return found[1].strip() if found else "Slides"


def misfits(cells: list[Any]) -> Iterator[tuple[Any, str]]:
    """What is wrong with the slides of a notebook, and the cell where it is."""
    for cell in cells:
        if kind(cell) and kind(cell) not in KINDS:
            yield cell, f"has the slide type {kind(cell)!r}: only {sorted(KINDS)} are known"
    first = next((cell for cell in cells if kind(cell)), None)
    if first is not None and kind(first) != "slide":
        yield first, "is the first cell on a slide, and begins none: slide=slide"
    for page in pages(cells):
        code, printed = lines_of(page)
        for lines, most, what in ((code, CODE_LINES, "code"), (printed, OUTPUT_LINES, "output")):
            if len(lines) > most:
                yield page[0], f"begins a slide of {len(lines)} lines of {what}: at most {most}"
        if long := [line for line in code + printed if len(line) > COLUMNS]:
            yield page[0], f"begins a slide with a line of {len(long[0])} columns: {long[0]!r}"


def dense(page: list[Any]) -> bool:
    """Whether a slide needs small letters."""
    return sum(map(len, lines_of(page))) > 14


def lines_of(page: list[Any]) -> tuple[list[str], list[str]]:
    """The lines of code and of output that a slide shows."""
    shown = [cell for cell in page if kind(cell) != "notes"]
    return ([line for cell in shown for line in code_of(cell)],
            [line for cell in shown for line in printed_by(cell)])


def code_of(cell: Any) -> list[str]:
    """The lines of code that a slide shows of a cell."""
    if cell.cell_type == "code":
        return cell.source.splitlines()
    return [line for _, body in FENCED.findall(cell.source) for line in body.splitlines()]


def printed_by(cell: Any) -> list[str]:
    """The lines of text that a slide shows of a cell's outputs."""
    lines: list[str] = []
    for out in cell.get("outputs", []):
        if out.output_type == "stream":
            lines += out.text.splitlines()
        elif out.output_type == "error":
            lines += "\n".join(out.traceback).splitlines()
        elif not any(name in out.data for name in PICTURES):
            lines += out.data.get("text/plain", "").splitlines()
    return lines
