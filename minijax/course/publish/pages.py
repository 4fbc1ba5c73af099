"""The sources of the book: a folder for Sphinx, made of `book.yml` and what it names."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
import yaml

from minijax.course.book import Book
from minijax.course.publish import reference
from minijax.course.publish.answers import with_answers

Pages = dict[str, str]  # path in the sources -> text


def write_sources(book: Book, folder: Path) -> None:
    """Make `folder` hold the sources of the book, and nothing else."""
    listed = [book.index, *(page for pages in book.parts.values() for page in pages)]
    pages: Pages = {book.file(p).name: book.file(p).read_text(encoding="utf-8") for p in listed}
    for chapter in book.chapters:
        pages[f"{chapter}.ipynb"] = with_answers(book, chapter, pages[f"{chapter}.ipynb"])
    if book.reference:
        pages |= reference.pages(book.reference)
    pages["_toc.yml"] = yaml.safe_dump(contents(book), sort_keys=False, allow_unicode=True)
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        if path.relative_to(folder).as_posix() not in pages:
            path.unlink()
    for name, text in pages.items():
        _put(folder / name, text)


def _put(path: Path, text: str) -> None:
    """Write a file that is not so already: what did not change is not built again."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def contents(book: Book) -> dict[str, Any]:
    """The table of contents, as sphinx-external-toc reads it."""
    parts: list[dict[str, Any]] = [
        {"caption": caption, "entries": [_entry(book, page) for page in pages]}
        for caption, pages in book.parts.items()
    ]
    if modules := [{"file": f"reference/{name}"} for name in book.reference]:
        parts[-1]["entries"].append({"file": "reference/index", "subtrees": [{"entries": modules}]})
    return {"root": PurePosixPath(book.index).name, "subtrees": parts}


def _entry(book: Book, page: str) -> dict[str, str]:
    """A page under its title; a chapter's begins with its number, which other chapters name."""
    name = PurePosixPath(page).name
    number = re.match(r"\d+", name)
    title = f"{int(number[0])}. {heading(book.file(page))}" if number else heading(book.file(page))
    return {"file": name, "title": title}


def heading(path: Path) -> str:
    """The first heading of a notebook or a Markdown file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = nbformat.reads(text, as_version=4).cells[0].source
    return text.partition("\n")[0].removeprefix("# ")
