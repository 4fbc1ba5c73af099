"""What a class has handed in: files and notebooks in a folder, nbgrader's or any other.

An answer is a cell or a file that begins with `# exercise 03.1`, or nbgrader's cell of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minijax.course.exercises.answers import number_of, read_notebook, read_text, source_of
from minijax.course.exercises.judge import Verdict, judge_best
from minijax.course.exercises.source import FIRST_LINE, Exercise, course

GRADE_ID = re.compile(r"exercise_(\d\d)_(\d+)(_check)?")


def number_of_id(cell: Any) -> tuple[str | None, bool]:
    """The exercise that nbgrader's name of a cell belongs to, and whether the cell checks it."""
    name = cell["metadata"].get("nbgrader", {}).get("grade_id") or ""
    found = GRADE_ID.fullmatch(name)
    return (f"{found[1]}.{found[2]}", bool(found[3])) if found else (None, False)


def answers(notebook: Any) -> Iterator[tuple[str, str]]:
    """The answers in a notebook: number and text."""
    for cell in notebook["cells"]:
        number, checks = number_of_id(cell)
        number = number_of(cell) or number
        if number in course() and not checks and cell["cell_type"] == "code":
            yield number, source_of(cell)


def answers_of_file(path: Path) -> Iterator[tuple[str, str]]:
    """The answers in a notebook or a Python file. ValueError if it cannot be read."""
    if path.suffix == ".ipynb":
        yield from answers(read_notebook(path))
        return
    text = read_text(path)
    mark = FIRST_LINE.match(text.lstrip())
    if mark and mark[1] in course():
        yield mark[1], text


def best(e: Exercise, texts: list[str]) -> Verdict:
    """The verdict on the best of somebody's answers, which are in the order of their files."""
    return judge_best(e, texts[::-1])[0]


def of_class(folder: Path) -> tuple[dict[str, dict[str, list[str]]], list[str]]:
    """Each learner's answers, by the exercises' numbers; and the complaints about files.

    A learner is a folder in the folder, or a file. Of a course of nbgrader's, it is `submitted`
    that counts.
    """
    root = folder / "submitted" if (folder / "submitted").is_dir() else folder
    found: dict[str, dict[str, list[str]]] = {}
    complaints = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        hidden = any(part.startswith((".", "__")) for part in name.parts)
        if hidden or path.suffix not in (".ipynb", ".py") or not path.is_file():
            continue
        try:
            given = list(answers_of_file(path))
        except ValueError as error:
            complaints.append(f"{name} is left out: {error}")
            continue
        for number, text in given:
            learner = found.setdefault(Path(name.parts[0]).stem, {})
            learner.setdefault(number, []).append(text)
    return found, complaints
