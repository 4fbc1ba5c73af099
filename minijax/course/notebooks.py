"""Make, fill, run and check the chapters.

    python -m minijax.course.notebooks build TEXT.md chapters/03_jvp.ipynb --run
    python -m minijax.course.notebooks text chapters/03_jvp.ipynb > TEXT.md
    python -m minijax.course.notebooks sync              # after a change of the library
    python -m minijax.course.notebooks run chapters/03_jvp.ipynb
    python -m minijax.course.notebooks check --figures

The notebook is the source: it alone is committed, with its outputs. To edit one, take its `text`
(the form is described in `minijax/course/cells.py`), change it and `build` it again; or edit it in
JupyterLab and `run` it. Cells with the metadata `{"minijax": "jvp.py: JVPTracer, jvp"}` hold text
of the library (addresses: `minijax/course/source.py`): `sync` fills them in, never the other way.
Without notebooks, `sync`, `run` and `check` take all chapters and lectures that `book.yml` lists.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from minijax.course.book import Book, find_root, read_book
from minijax.course.cells import canonical, from_text, read, to_text, write
from minijax.course.figures import HEADER, UNITS
from minijax.course.fresh_kernel import run_cells
from minijax.course.guards import GUARDS, TOOL, Chapter, Problem
from minijax.course.one_text import book_problems
from minijax.course.prose import page_problems, pages
from minijax.course.source import parse_tag, render

# A lecture is a notebook that runs, and slides that fit; it has not the shape of a chapter.
OF_LECTURES = {"valid", "formatted", "counted", "outputs", "errors", "magics", "tags", "one_title",
               "alt_text", "slides_fit"}


def fill(nb: Any, book: Book) -> None:
    """Give every cell with a tag the shipped text. The errors name the cell's tag."""
    for cell in nb.cells:
        if tag := cell.metadata.get("minijax"):
            try:
                cell.source = render(tag, book.library(parse_tag(tag)[0]), book.package)
            except (KeyError, FileNotFoundError, SyntaxError) as error:
                raise ValueError(f"the tag {tag!r} shows nothing: {error.args[-1]}") from error


def build(source: Path, notebook: Path, book: Book) -> None:
    """Write the notebook of an authoring text. It has no outputs until it is run."""
    nb = from_text(source.read_text(encoding="utf-8"))
    fill(nb, book)
    write(nb, notebook)


def text(notebook: Path) -> str:
    return to_text(read(notebook))


def sync(notebook: Path, book: Book) -> bool:
    """Fill the tagged cells and write the file as the formatter does. True if a cell changed."""
    nb = read(notebook)
    before = [cell.source for cell in nb.cells]
    fill(nb, book)
    changed = before != [cell.source for cell in nb.cells]
    if canonical(nb) != notebook.read_text(encoding="utf-8"):
        write(nb, notebook)
    return changed


def run(notebook: Path, book: Book, timeout: int = 600) -> None:
    """Run every cell in a new kernel of this interpreter, in the notebook's folder; store all.

    Raises nbclient's CellExecutionError, and writes nothing, where a cell without the tag
    raises-exception raises.
    """
    nb = read(notebook)
    fill(nb, book)
    run_cells(nb, notebook.parent, (book.root,), timeout=timeout, record_timing=False)
    write(nb, notebook)


def check(book: Book) -> Iterator[Problem]:
    """Everything that is wrong with the book and its chapters."""
    yield from book_problems(book)
    for path in pages(book):
        yield from page_problems(path)
    for name in book.notebooks:
        if book.notebook(name).is_file():
            yield from check_chapter(Chapter(book, name))


def check_chapter(chapter: Chapter) -> Iterator[Problem]:
    """Everything that is wrong with one chapter, or one lecture."""
    lecture = chapter.name in chapter.book.lectures
    for name, guard in GUARDS.items():
        if not lecture or name in OF_LECTURES:
            yield from guard(chapter)


# The command line.


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # Windows consoles are not UTF-8 by themselves
        getattr(stream, "reconfigure", lambda **_: None)(encoding="utf-8")
    try:
        return COMMANDS[args.command](args, read_book(args.root or find_root()))
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=TOOL, description="Make, fill, run and check the chapters."
    )
    parser.add_argument("--root", type=Path, help="the repository (default: around this folder)")
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("build", help="make a notebook from an authoring text")
    make.add_argument("source", type=Path)
    make.add_argument("notebook", type=Path)
    make.add_argument("--run", action="store_true", help="run it as well")
    show = commands.add_parser("text", help="print the authoring text of a notebook")
    show.add_argument("notebook", type=Path)
    helps = {
        "sync": "fill library cells from the library, and format",
        "run": "run notebooks and store their outputs",
        "check": "print what is wrong, and the command that mends it",
    }
    for name, what in helps.items():
        command = commands.add_parser(name, help=what)
        command.add_argument("notebooks", type=Path, nargs="*", help="default: all in book.yml")
        if name == "check":
            command.add_argument(
                "--figures", action="store_true", help="print the shape of chapters"
            )
    return parser


def _build(args: argparse.Namespace, book: Book) -> int:
    build(args.source, args.notebook, book)
    if args.run:
        return _run_one(args.notebook, book)
    print(f"{args.notebook}: built; next: {TOOL} run {args.notebook}")
    return 0


def _text(args: argparse.Namespace, book: Book) -> int:
    print(text(args.notebook), end="")
    return 0


def _sync(args: argparse.Namespace, book: Book) -> int:
    for path in _notebooks(args, book):
        if sync(path, book):
            print(f"{path}: library cells changed; next: {TOOL} run {path}")
    return 0


def _run(args: argparse.Namespace, book: Book) -> int:
    return max([_run_one(path, book) for path in _notebooks(args, book)], default=0)


def _run_one(path: Path, book: Book) -> int:
    from nbclient.exceptions import CellExecutionError

    try:
        run(path, book)
    except CellExecutionError as error:
        print(f"{path}: not written, a cell raised\n{error}", file=sys.stderr)
        return 1
    print(f"{path}: run and written")
    return 0


def _check(args: argparse.Namespace, book: Book) -> int:
    if args.notebooks:  # also one that the book does not list yet
        chapters = [Chapter(_with(book, path), path.stem) for path in args.notebooks]
        problems = [p for chapter in chapters for p in check_chapter(chapter)]
    else:
        problems = list(check(book))
        paths = {name: book.notebook(name) for name in book.chapters}
        chapters = [Chapter(book, name) for name, path in paths.items() if path.is_file()]
    for problem in problems:
        print(problem)
    if args.figures:
        print(f"{'':16}{HEADER}\n{'':16}{UNITS}")
        for chapter in chapters:
            print(f"{chapter.name:16}{chapter.figures.row()}")
    print(f"{len(problems)} problem(s) in {len(chapters)} chapter(s)")
    return 1 if problems else 0


def _with(book: Book, path: Path) -> Book:
    file = path.resolve().relative_to(book.root.resolve()).with_suffix("").as_posix()
    return replace(book, chapters=book.chapters | {path.stem: file})


def _notebooks(args: argparse.Namespace, book: Book) -> list[Path]:
    return args.notebooks or [book.notebook(name) for name in book.notebooks]


COMMANDS = {"build": _build, "text": _text, "sync": _sync, "run": _run, "check": _check}

if __name__ == "__main__":
    sys.exit(main())
