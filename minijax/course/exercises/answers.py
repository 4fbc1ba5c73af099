"""Where answers are: files, and cells of notebooks, that begin with `# exercise 03.1`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from minijax.course.exercises.source import FIRST_LINE


def number_of(cell: Any) -> str | None:
    """The exercise that a notebook's cell answers."""
    found = FIRST_LINE.match(source_of(cell)) if cell["cell_type"] == "code" else None
    return found and found[1]


def read_text(path: Path) -> str:
    """The text of a file. ValueError if it is none."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8 ({error.reason}, byte {error.start}): save "
                         "it again in that encoding") from error


def read_notebook(path: Path) -> Any:
    """The JSON of a notebook. ValueError if it is none."""
    try:
        book = json.loads(read_text(path))
        if not isinstance(book, dict) or "cells" not in book:
            raise ValueError("it has no cells")
        return book
    except ValueError as error:
        raise ValueError(f"{path} is not a notebook ({error}): mend it or move it away") from error


def source_of(cell: Any) -> str:
    """The text of a notebook's cell, in one piece."""
    return "".join(cell["source"])
