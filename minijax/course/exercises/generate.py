"""What is made of the sources: `python -m minijax.course.exercises.generate`.

For each `exercises/03_jvp.md`, in `exercises/03_jvp/`: a file for each exercise to be filled in, a
notebook with all of them, and the solutions. The chapter, if there is one, gets them as a section.
`--check` says what is not as it would be made now. `nbgrader` makes the notebook of a teacher who
uses that: `minijax release`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from minijax.course.cells import METADATA, canonical, read as read_notebook
from minijax.course.exercises.source import Exercise, folder, read
from minijax.course.exercises.stubs import stub_cell, stub_file

TOOL = "python -m minijax.course.exercises.generate"
START = "from minijax.course.exercises import check, hint, solution"
GRADED_START = "from minijax.course.exercises import hint, passed"
LAST = "## What real JAX does differently"
HOW = """\
Put your answer in the place of the dots and run the cell: its last line says whether it is right.
`hint("{number}")` helps, three times; `solution("{number}")` shows one way to do it."""
GRADED = """\
Put your answer in the place of the last two lines of its cell, run the cell, and then the one below
it: no error means that it is right. `hint("{number}")` helps, three times."""


def statement(e: Exercise, level: str = "##") -> str:
    worth = f"{e.points} point{'s' * (e.points > 1)}, {e.size}"
    return f"{level} {e.number} {e.title}\n\n{e.statement}\n\n*({worth})*"


def notebook(exercises: list[Exercise], title: str) -> Any:
    cells = section(exercises, f"# Exercises: {title}", "##")
    return new_notebook(cells=cells, metadata=METADATA)


def section(exercises: list[Exercise], heading: str, level: str) -> list[Any]:
    """The cells of exercises: what is given, what is asked, and where to answer."""
    given = "\n".join(filter(None, [_common_given(exercises), START]))
    how = HOW.format(number=exercises[0].number)
    made = [new_markdown_cell(f"{heading}\n\n{how}", id="exercises"),
            new_code_cell(given, id="exercises-given")]
    for e in exercises:
        made += [new_markdown_cell(statement(e, level), id=cell_id(e, "text")),
                 new_code_cell(stub_cell(e), id=cell_id(e, "answer"))]
    return made


def _common_given(exercises: list[Exercise]) -> str:
    lines = [line for e in exercises for line in e.given.strip().splitlines()]
    return "\n".join(dict.fromkeys(lines))


def with_section(chapter: Any, exercises: list[Exercise]) -> Any:
    """A chapter with these exercises before what JAX does. What is the same keeps its outputs."""
    cells = [cell for cell in chapter.cells if not cell.id.startswith("exercise")]
    outputs = {cell.source: cell for cell in chapter.cells if cell.cell_type == "code"}
    new = [outputs.get(c.source, c) if c.cell_type == "code" else c
           for c in section(exercises, "## Exercises", "###")]
    place = next(i for i, cell in enumerate(cells) if LAST in cell.source)
    before, _, after = cells[place].source.partition(LAST)
    if before.strip():  # the end of the text before it stays a cell of its own
        new = [new_markdown_cell(before.strip(), id=cells[place].id), *new]
        cells[place] = new_markdown_cell(LAST + after, id="what-real-jax-does-differently")
    chapter.cells = [*cells[:place], *new, *cells[place:]]
    return chapter


def cell_id(e: Exercise, what: str) -> str:
    return f"exercise-{e.number.replace('.', '-')}-{what}"


def solutions(exercises: list[Exercise]) -> str:
    parts = [f"# %% exercise {e.number}: {e.title}\n\n{e.solution}" for e in exercises]
    return "\n\n".join([f"{_common_given(exercises)}\n", *parts])


def nbgrader(exercises: list[Exercise], title: str) -> Any:
    """The source of an assignment: nbgrader takes the solutions out of it for the students."""
    given = "\n".join(filter(None, [_common_given(exercises), GRADED_START]))
    how = GRADED.format(number=exercises[0].number)
    cells = [new_markdown_cell(f"# {title}\n\n{how}", id="exercises"),
             new_code_cell(given, id="exercises-given")]
    for e in exercises:
        cells.append(new_markdown_cell(statement(e), id=cell_id(e, "text")))
        for what, text, points in (("answer", f"# exercise {e.number}\n{e.answer}", 0),
                                   ("check", f'passed("{e.number}")', e.points)):
            cells.append(new_code_cell(text.strip(), id=cell_id(e, what),
                                       metadata={"nbgrader": _grading(e, points)}))
    return new_notebook(cells=cells, metadata=METADATA)


def _grading(e: Exercise, points: int) -> dict[str, Any]:
    name = f"exercise_{e.stem}"
    made = {"grade": bool(points), "grade_id": f"{name}_check" if points else name,
            "locked": bool(points), "schema_version": 3, "solution": not points, "task": False}
    return made | ({"points": points} if points else {})


def title(source: Path) -> str:
    """The title of a source."""
    return source.read_text("utf-8").partition("\n")[0].removeprefix("# ").strip()


def files(source: Path) -> dict[Path, str]:
    """All that is made of one source."""
    exercises, target = read(source), source.with_suffix("")
    made = {target / f"{e.stem}.py": stub_file(e) for e in exercises}
    made[target / f"{source.stem}.ipynb"] = canonical(notebook(exercises, title(source)))
    made[target / "solutions.py"] = solutions(exercises)
    chapter = source.parents[1] / "chapters" / f"{source.stem}.ipynb"
    if chapter.is_file():
        made[chapter] = canonical(with_section(read_notebook(chapter), exercises))
    return made


def stale(root: Path) -> list[Path]:
    """The files that are not what their source says, and those that have no source."""
    wanted = {path: text for source in sorted(root.glob("[0-9]*.md"))
              for path, text in files(source).items()}
    there = {path for path in root.glob("[0-9]*/*") if path.is_file()}
    return [path for path in sorted(wanted.keys() | there)
            if not path.is_file() or path.read_text("utf-8") != wanted.get(path)]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=TOOL, description="Write what is made of the sources.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is stale")
    args = parser.parse_args(argv)
    found = stale(folder())
    for path in found:
        print(path)
    if args.check:
        return int(bool(found))
    for source in folder().glob("[0-9]*.md"):
        for path, text in files(source).items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    for path in stale(folder()):  # of these there is no source any more
        path.unlink()
    chapters = [path for path in found if path.parent.name == "chapters"]
    if chapters:
        names = " ".join(f"chapters/{path.name}" for path in chapters)
        print(f"next: python -m minijax.course.notebooks run {names}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
