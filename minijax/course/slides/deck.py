"""The code in a deck: fences of a Markdown file, in any of its dialects, or cells of a notebook.

A block is a fence whose language is Python, or that names no language. The language is the first
word after the fence, however a dialect dresses it up: `python`, `python {all|4,9}` (Slidev),
`{.python .numberLines}` (pandoc), `{python}` (Quarto), `{code-cell}` (MyST). The word
`raises-exception` after it, or a cell's tag of that name, says that the block must raise.
"""

from __future__ import annotations

import doctest
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minijax.course import cells

PYTHON = {"", "py", "python", "python3", "ipython", "ipython3", "pycon", "code-cell"}
LANGUAGE = re.compile(r"\s*\{?\s*\.?([\w+-]*)")
OUTPUT = "#>"  # begins a line of output that was written into a Markdown deck
MOST_LINES = 12  # of output in a deck; a slide holds no more
RAISES = "raises-exception"


@dataclass(frozen=True)
class Block:
    """Some code, and where it stands. `end` is where the outputs go."""

    source: str
    line: int  # of the file, where its first line stands; in a notebook 1
    end: int  # the index of the fence's last line, or of the cell
    raises: bool = False
    cell: int | None = None

    def where(self, line: int = 1) -> str:
        """How a reader finds a line of the block."""
        place = f"line {self.line + line - 1}"
        return place if self.cell is None else f"cell {self.cell}, {place}"

    @property
    def code(self) -> str:
        """Without the prompts of a session, and what it printed; the lines keep their numbers.

        Raises ValueError where the prompts are not Python's.
        """
        if not re.search(r"^\s*>>>", self.source, re.MULTILINE):
            return self.source
        lines = [""] * (self.source.count("\n") + 1)
        for example in doctest.DocTestParser().get_examples(self.source):
            typed = example.source.splitlines()
            lines[example.lineno : example.lineno + len(typed)] = typed
        return "\n".join(lines)


class MarkdownDeck:
    """A deck that pandoc, Slidev, Marp or another Markdown tool shows."""

    def __init__(self, text: str):
        from markdown_it import MarkdownIt

        self.lines = text.split("\n")
        self.blocks: list[Block] = []
        for token in MarkdownIt().parse(text):
            if token.type == "fence" and _language(token.info) in PYTHON:
                start, end = token.map or (0, 0)
                own = [x for x in token.content.splitlines() if not x.startswith(OUTPUT)]
                raises = RAISES in token.info
                self.blocks.append(Block("\n".join(own), start + 2, end - 1, raises))

    def with_outputs(self, outputs: list[list[Any]]) -> str:
        """The file with what each block printed as comments at its end, in place of older ones."""
        lines = list(self.lines)
        for block, found in reversed(list(zip(self.blocks, outputs, strict=True))):
            first = block.line - 1
            last = lines[block.end]
            indent = last[: len(last) - len(last.lstrip(" \t>"))]
            mark = (indent + OUTPUT).strip()
            kept = [x for x in lines[first : block.end] if not x.strip().startswith(mark)]
            new = [f"{indent}{OUTPUT} {line}".rstrip() for line in _shortened(found)]
            lines[first : block.end] = kept + new
        return "\n".join(lines)


class NotebookDeck:
    """A deck whose slides are cells of a notebook."""

    def __init__(self, text: str):
        import nbformat

        self.nb = nbformat.reads(text, as_version=4)
        self.blocks = [
            Block(cell.source, 1, at, RAISES in cell.metadata.get("tags", []), at + 1)
            for at, cell in enumerate(self.nb.cells)
            if cell.cell_type == "code"
        ]

    def with_outputs(self, outputs: list[list[Any]]) -> str:
        """The file with the outputs stored in the cells."""
        import nbformat

        for count, (block, found) in enumerate(zip(self.blocks, outputs, strict=True), 1):
            cell = self.nb.cells[block.end]
            cell.outputs = cells.canonical_outputs(found, count)
            cell.execution_count = count
        return nbformat.writes(self.nb).rstrip("\n") + "\n"


def read_deck(path: Path) -> MarkdownDeck | NotebookDeck:
    """The deck in a file. ValueError says what is wrong with the file."""
    from nbformat import ValidationError

    try:
        text = path.read_text(encoding="utf-8")
        return (NotebookDeck if path.suffix == ".ipynb" else MarkdownDeck)(text)
    except (ValueError, ValidationError) as error:  # not text, not JSON, not a notebook's JSON
        kind = "a notebook" if path.suffix == ".ipynb" else "text in UTF-8"
        raise ValueError(f"{path} is not {kind}: {str(error).splitlines()[0][:80]}") from error


def text_of(outputs: list[Any]) -> str:
    """What a reader sees of a block's outputs, as text."""
    parts = []
    for out in outputs:
        if out.output_type == "stream":
            parts.append(out.text)
        elif out.output_type == "error":
            parts.append(f"{out.ename}: {out.evalue}")
        else:
            parts.append(out.data.get("text/plain", f"<{next(iter(out.data), 'nothing')}>"))
    return "\n".join(part.strip("\n") for part in parts if part.strip())


def _language(info: str) -> str:
    found = LANGUAGE.match(info)
    return found[1].lower() if found else ""


def _shortened(outputs: list[Any]) -> list[str]:
    lines = cells.clean(text_of(outputs)).splitlines()
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[: MOST_LINES - 1], f"... ({more + 1} more lines)"]
