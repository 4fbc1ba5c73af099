"""`book.yml`, the one manifest: the order of the chapters and what each of them teaches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml


@dataclass(frozen=True)
class Book:
    """What `book.yml` says. Chapters and lectures go by their short names: `01_tracing`."""

    root: Path
    title: str
    author: str
    package: str
    parts: dict[str, tuple[str, ...]]  # caption -> its pages, "chapters/01_tracing", as listed
    chapters: dict[str, str]  # short name -> "chapters/01_tracing", in reading order
    taught: dict[str, str]  # file of the library -> the chapter that shows it whole
    introduced: dict[str, str]  # file or folder -> the first chapter that may use it
    lectures: dict[str, str]  # decks that are no chapters: short name -> "chapters/slides/speed"
    linked: tuple[str, ...]  # what a chapter's prose names instead of showing, as tags
    reference: tuple[str, ...]  # the modules whose docstrings are pages of the book
    index: str  # the first page: "chapters/index"

    @property
    def notebooks(self) -> dict[str, str]:
        return self.chapters | self.lectures

    def notebook(self, name: str) -> Path:
        return self.root / f"{self.notebooks[name]}.ipynb"

    def file(self, page: str) -> Path:
        """The notebook or Markdown file of a listed page."""
        prose = self.root / f"{page}.md"
        return prose if prose.is_file() else self.root / f"{page}.ipynb"

    def library(self, file: str) -> str:
        """The text of a file of the library. FileNotFoundError names the path."""
        return (self.root / self.package / file).read_text(encoding="utf-8")


def find_root(start: Path | None = None) -> Path:
    """The nearest folder at or above `start` (default: here) that holds a `book.yml`."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "book.yml").is_file():
            return folder
    raise FileNotFoundError(f"no book.yml in {here} or above: run this inside the repository")


def read_book(root: Path | None = None) -> Book:
    """Read `book.yml` in `root` (default: the repository around the working directory)."""
    root = root or find_root()
    data = yaml.safe_load((root / "book.yml").read_text(encoding="utf-8"))
    meta: dict[str, Any] = data["meta"]
    parts = {tree["caption"]: tuple(e["file"] for e in tree["entries"])
             for tree in data.get("subtrees") or []}
    return Book(
        root=root,
        title=meta["title"],
        author=meta["author"],
        package=meta.get("package", "minijax"),
        parts=parts,
        # a page of prose (glossary.md) is part of the book, but no chapter
        chapters={PurePosixPath(f).name: f for files in parts.values() for f in files
                  if not (root / f"{f}.md").is_file()},
        taught=meta.get("taught") or {},
        introduced=meta.get("introduced") or {},
        lectures={PurePosixPath(file).name: file for file in meta.get("lectures") or []},
        linked=tuple(meta.get("linked") or ()),
        reference=tuple(meta.get("reference") or ()),
        index=data["root"],
    )
