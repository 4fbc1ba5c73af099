"""A learner's working copy: found, filled, checked and reset. What the learner wrote is never lost.

An attempt may be in a file or in a cell of a notebook (`answers.py`). Both may be there; the
exercise is right if one of them is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from minijax.course.exercises.answers import number_of, read_notebook, read_text, source_of
from minijax.course.exercises.judge import Verdict, begun, judge_best
from minijax.course.exercises.source import Exercise, course, folder
from minijax.course.exercises.stubs import stub_cell, stub_file
from minijax.course.places import ORIGINALS, copy_chapters, copy_folder

USUAL = "minijax-course"
FOLDER = "exercises"
KEPT = "attempts"  # what `reset` took away


@dataclass(frozen=True)
class Attempt:
    """A text, and the file it is in."""

    path: Path
    text: str


def start(target: Path) -> tuple[list[Path], list[Path]]:
    """Make a working copy, or add to one what is new: the files made, and the learner's kept."""
    made, old = copy_chapters(target)
    more, kept = copy_folder(folder(), target / FOLDER, _for_learners)
    for path in [path for path in kept if path.suffix == ".ipynb"]:
        if add_missing(path, folder() / path.relative_to(target / FOLDER)):
            more.append(path)
    return made + more, old + kept


def _for_learners(name: Path) -> bool:
    return len(name.parts) == 2 and name.name != "solutions.py"


def add_missing(mine: Path, new: Path) -> bool:
    """Add the exercises that a learner's notebook lacks, at its end. True if there were any."""
    book, cells = read_notebook(mine), read_notebook(new)["cells"]
    numbers = {number_of(cell) for cell in book["cells"]}
    added = []
    for text, answer in zip(cells, cells[1:]):
        if number_of(answer) and number_of(answer) not in numbers:
            added += [text, answer]
    book["cells"] += added
    if added:
        mine.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return bool(added)


def around(here: Path | None = None) -> Path | None:
    """The working copy that a folder is in, or has under its usual name."""
    here = (here or Path.cwd()).resolve()
    places = (here, *here.parents, here / USUAL)
    return next((p for p in places if (p / FOLDER / ORIGINALS).is_file()), None)


def find_copy() -> Path:
    """The working copy around the current folder. FileNotFoundError says how to make one."""
    found = around()
    if found is None:
        raise FileNotFoundError(f"no working copy in {Path.cwd()} or around it: make one with  "
                                f"minijax start {USUAL}  and go there")
    return found


def file_of(copy: Path, e: Exercise) -> Path:
    """The file in which a learner answers an exercise."""
    return copy / FOLDER / e.chapter / f"{e.stem}.py"


def attempts(copy: Path, e: Exercise) -> list[Attempt]:
    """All that the learner has for an exercise, the latest change first."""
    file = file_of(copy, e)
    found = [Attempt(file, read_text(file))] if file.is_file() else []
    for path in _notebooks(copy, e):
        found += [Attempt(path, source_of(cell)) for cell in read_notebook(path)["cells"]
                  if number_of(cell) == e.number]
    return sorted(found, key=lambda a: a.path.stat().st_mtime)[::-1]  # of one file, the last cell


def check_copy(copy: Path, e: Exercise) -> tuple[Verdict, Path | None]:
    """The verdict on the best attempt, and the file that it is in, if there is one."""
    found = attempts(copy, e)
    verdict, place = judge_best(e, [attempt.text for attempt in found])
    return verdict, None if place is None else found[place].path


def reset(copy: Path, e: Exercise) -> list[Path]:
    """Put the dots back, in the file and in the notebooks. The files that keep what was there."""
    kept = []
    for attempt in attempts(copy, e):
        if begun(e, attempt.text):
            kept.append(_keep(copy, e, attempt.text))
    file = file_of(copy, e)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(stub_file(e), "utf-8")
    for path in _notebooks(copy, e):
        book = read_notebook(path)
        for cell in book["cells"]:
            if number_of(cell) == e.number and source_of(cell) != stub_cell(e):
                cell.update(source=stub_cell(e), outputs=[], execution_count=None)
        path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return kept


def _keep(copy: Path, e: Exercise, text: str) -> Path:
    place = copy / FOLDER / KEPT
    place.mkdir(parents=True, exist_ok=True)
    free = next(n for n in range(1, 10**6) if not (place / f"{e.stem}_{n}.py").exists())
    path = place / f"{e.stem}_{free}.py"
    path.write_text(text, "utf-8")
    return path


def progress(copy: Path) -> dict[str, Verdict]:
    """Every exercise of the course, checked now."""
    return {number: check_copy(copy, e)[0] for number, e in course().items()}


def _notebooks(copy: Path, e: Exercise) -> list[Path]:
    """Where an exercise can be answered: its own notebook, and the chapter."""
    paths = [copy / FOLDER / e.chapter / f"{e.chapter}.ipynb", copy / f"{e.chapter}.ipynb"]
    return [path for path in paths if path.is_file()]
