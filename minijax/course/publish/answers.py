"""The exercises in the book: behind each, its hints and its solution, folded."""

from __future__ import annotations

from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell

from minijax.course.book import Book
from minijax.course.exercises.source import FIRST_LINE, Exercise, read


def with_answers(book: Book, chapter: str, text: str) -> str:
    """The notebook of a chapter, with a folded cell behind each exercise."""
    source = book.root / "exercises" / f"{chapter}.md"
    exercises = {e.number: e for e in read(source)} if source.is_file() else {}
    notebook: Any = nbformat.reads(text, as_version=4)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        number = FIRST_LINE.match(cell.source)
        if number and cell.cell_type == "code":
            exercise = exercises[number[1]]
            cells.append(new_markdown_cell(folded(exercise), id=f"answers-{cell.id}"[:64]))
    notebook.cells = cells
    return nbformat.writes(notebook)


def folded(exercise: Exercise) -> str:
    """Hints and solution, each shown when its line is clicked."""
    parts = {f"Hint {n}": text for n, text in enumerate(exercise.hints, 1)}
    parts["Solution"] = f"```python\n{exercise.solution}```"
    return "\n\n".join(f"::::{{dropdown}} {k}\n{text}\n::::" for k, text in parts.items())
