"""The library and its chapters are one text: the guards of it, and of the book as a whole."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from minijax.course.book import Book
from minijax.course.guards import TOOL, Chapter, Problem, guard
from minijax.course.live import marked_file
from minijax.course.source import definitions, leaves, parse_tag, render


@guard
def one_text(c: Chapter) -> Iterator[Problem]:
    for cell in c.code:
        if tag := cell.metadata.get("minijax"):
            try:
                text = render(tag, c.book.library(parse_tag(tag)[0]), c.book.package)
            except (ValueError, KeyError, FileNotFoundError) as error:
                yield c.problem(cell, f"its tag shows nothing: {error.args[-1]}")
            else:
                if cell.source != text:
                    yield c.problem(cell, f"is not the shipped text of {tag}", "sync")


@guard
def live_cells(c: Chapter) -> Iterator[Problem]:
    marked = [i for i in c.trees if marked_file(c.cells[i].source, c.book.package)]
    starts = [i for i, tree in c.trees.items() if _imports_live(tree)]
    if marked and not any(i < marked[0] for i in starts):
        yield c.problem(c.cells[marked[0]], "comes before `from minijax.course import live`")
    edits = [i for i in marked if "minijax" not in c.cells[i].metadata]
    for i in edits:
        if _is_copy(c, c.cells[i].source):
            yield c.problem(c.cells[i], 'shows shipped text without the tag minijax="..."')
    restores = [i for i, t in c.trees.items() if "live.restore()" in ast.unparse(t)]
    if edits and not any(i >= edits[-1] for i in restores):
        yield c.problem(c.cells[edits[-1]], "edits the library and no `live.restore()` follows")


def _imports_live(tree: ast.Module) -> bool:
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    return any(a.name.split(".")[-1] == "live" for n in nodes for a in n.names)


def _is_copy(c: Chapter, source: str) -> bool:
    """Whether all that the cell defines is as shipped, and no class lacks a member."""
    file = c.book.root / c.book.package / (marked_file(source, c.book.package) or "")
    shipped = definitions(file.read_text(encoding="utf-8")) if file.is_file() else ()
    known = {d.address: set(d.leaves()) for d in shipped}
    cell = definitions("\n" + source.lstrip("\n").partition("\n")[2])
    return all(
        set(d.leaves()) <= known.get(d.address, set())
        and (d.partial or len(set(d.leaves())) == len(known[d.address]))
        for d in cell
    )


@guard
def whole_modules(c: Chapter) -> Iterator[Problem]:
    """Every definition of the taught modules is shown, or named in the prose; in order."""
    for file in (file for file, name in c.book.taught.items() if name == c.name):
        if (c.book.root / c.book.package / file).is_file():
            yield from _shown_whole(c, file)
        else:
            yield Problem("book.yml", f"{file} is taught by {c.name}, and does not exist")


def _shown_whole(c: Chapter, file: str) -> Iterator[Problem]:
    module = definitions(c.book.library(file))
    wanted = [address for d in module for address, _ in d.leaves()]
    linked = [t for t in c.book.linked if parse_tag(t)[0] == file]
    named = {address for tag in linked for address in leaves(tag, module)}
    prose = "\n".join(cell.source for cell in c.prose)
    for tag in linked:
        for address in parse_tag(tag)[1]:
            if f"`{address}`" not in prose:
                yield c.problem(None, f"book.yml says that the prose names `{address}`")
    shown = [address for _, address in _shown(c, file)]
    for address in wanted:
        if address not in shown and address not in named:
            yield c.problem(None, f'needs a cell for minijax="{file}: {address}"')
    tops = [d.address for d in module]
    for group in (tops, *([d.address, *(m.address for m in d.members)] for d in module)):
        places = [group.index(a) for a in shown if a in group]
        for place, following in itertools.pairwise(places):
            if place > following:
                what = f"{file}: {group[place]} before {group[following]}"
                yield c.problem(None, f"shows {what}, against the order of the file")


def _shown(chapter: Chapter, file: str | None = None) -> list[tuple[str, str]]:
    """(file, address) of every leaf the chapter shows, in the order of its cells."""
    found = []
    for cell in chapter.code:
        try:
            tag = cell.metadata.get("minijax", "")
            source = parse_tag(tag)[0]
            names = leaves(tag, definitions(chapter.book.library(source)))
        except (ValueError, KeyError, FileNotFoundError):
            continue  # no tag, or one that `one_text` reports
        found += [(source, name) for name in names if file in (None, source)]
    return found


def book_problems(book: Book) -> Iterator[Problem]:
    """What no chapter can say alone: which are missing or misplaced, and what is shown twice."""
    names = list(book.chapters)
    if names != sorted(names):
        yield Problem("book.yml", f"the chapters are not in the order of their numbers: {names}")
    for name, file in book.notebooks.items():
        if not book.notebook(name).is_file():
            mend = f"{TOOL} build TEXT {file}.ipynb"
            yield Problem("book.yml", f"lists {file}, which does not exist", mend)
    paths = [*book.root.glob("chapters/*.ipynb"), *book.root.glob("chapters/slides/*.ipynb")]
    for path in sorted(paths):
        if path.stem not in book.notebooks:
            yield Problem(path.name, "is not listed in book.yml, so nothing checks it")
    yield from _twice([Chapter(book, n) for n in names if book.notebook(n).is_file()])


def _twice(chapters: list[Chapter]) -> Iterator[Problem]:
    where: dict[tuple[str, str], list[str]] = {}
    for chapter in chapters:
        for leaf in _shown(chapter):
            where.setdefault(leaf, []).append(chapter.name)
    for (file, address), names in where.items():
        if len(names) > 1:
            yield Problem(" and ".join(dict.fromkeys(names)), f"{file}: {address} is shown twice")
