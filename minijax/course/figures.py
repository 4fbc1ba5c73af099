"""The shape of a chapter in numbers, and the bounds that keep one readable."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from minijax.course.live import MARKER

FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1[`~]*\s*$", re.MULTILINE | re.DOTALL)
NOT_PROSE = re.compile(r"^\s*(#|\||\$\$|!\[|<!--|\+\+\+)")  # headings, tables, formulas, pictures


@dataclass(frozen=True)
class Figures:
    """What is counted. Words are those of sentences; lines include blank ones."""

    code_cells: int
    library_cells: int
    median_lines: float  # of a code cell
    longest: int  # lines of the longest code cell
    words_per_prose_cell: float  # the median
    with_output: float  # share of the code cells
    asserts: float  # per 100 lines of code; those inside the library's own cells are not claims
    first_lines: float  # lines of code up to and including the first cell with a result
    first_words: float  # words up to there

    def row(self) -> str:
        return (
            f"{self.code_cells:5d} {self.library_cells:7d} {self.median_lines:6.1f} "
            f"{self.longest:7d} {self.words_per_prose_cell:6.1f} {self.with_output:7.0%} "
            f"{self.asserts:7.1f} {self.first_lines:6.0f} {self.first_words:6.0f}"
        )


HEADER = "cells library median longest  words  output asserts  first result"
UNITS = "                 lines   lines  /cell         /100 ln  lines  words"


def code_lines(cell: Any) -> int:
    """The lines of a code cell, without the comment that names the file of a library cell."""
    lines = cell.source.splitlines()
    return len(lines) - bool(lines and MARKER.match(lines[0]))


def words(source: str) -> int:
    """The words of the sentences: no headings, tables, code blocks, formulas, pictures."""
    lines = FENCED.sub("", source).splitlines()
    text = " ".join(line for line in lines if not NOT_PROSE.match(line))
    return sum(any(c.isalnum() for c in word) for word in text.split())


def count_asserts(tree: ast.Module) -> int:
    return sum(isinstance(node, ast.Assert) for node in ast.walk(tree))


def measure(cells: list[Any], trees: dict[int, ast.Module]) -> Figures:
    """Count. `trees` has the parsed code of the chapter's own cells, by their place.

    The exercises, which have bounds of their own (`exercises/source.py`), are not counted.
    """
    text = [i for i, cell in enumerate(cells) if not cell.get("id", "").startswith("exercise")]
    own = [trees[i] for i in text if i in trees and "minijax" not in cells[i].metadata]
    cells = [cells[i] for i in text]
    code = [cell for cell in cells if cell.cell_type == "code"]
    lines = [code_lines(cell) for cell in code]
    prose = [n for cell in cells if cell.cell_type == "markdown" and (n := words(cell.source))]
    first_lines, first_words = _before_the_first_result(cells)
    return Figures(
        code_cells=len(code),
        library_cells=sum("minijax" in cell.metadata for cell in code),
        median_lines=median(lines or [0]),
        longest=max(lines or [0]),
        words_per_prose_cell=median(prose or [0]),
        with_output=sum(bool(cell.outputs) for cell in code) / max(len(code), 1),
        asserts=100 * sum(map(count_asserts, own)) / max(sum(lines), 1),
        first_lines=first_lines,
        first_words=first_words,
    )


def _before_the_first_result(cells: list[Any]) -> tuple[float, float]:
    lines = said = 0
    for cell in cells:
        if cell.cell_type == "markdown":
            said += words(cell.source)
            continue
        lines += code_lines(cell)
        if cell.outputs:
            return lines, said
    return float("inf"), float("inf")


def out_of_shape(f: Figures) -> Iterator[str]:
    """The bounds a chapter breaks, in words."""
    bounds = [
        (f.median_lines <= 6, f"the median code cell has {f.median_lines} lines, at most 6"),
        (
            25 <= f.words_per_prose_cell <= 60,
            f"the median prose cell has {f.words_per_prose_cell} words, 25 to 60",
        ),
        (f.with_output >= 0.6, f"{f.with_output:.0%} of the code cells have output, at least 60 %"),
        (f.asserts >= 3, f"{f.asserts:.1f} asserts per 100 lines of code, at least 3"),
        (f.first_lines <= 45, f"the first result comes after {f.first_lines} lines, at most 45"),
        (f.first_words <= 350, f"the first result comes after {f.first_words} words, at most 350"),
    ]
    yield from (message for holds, message in bounds if not holds)
