"""What must hold of every chapter. A guard yields what is wrong; `notebooks check` asks all."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from minijax.course.book import Book
from minijax.course.cells import METADATA, TAGS, canonical
from minijax.course.figures import FENCED, Figures, code_lines, measure, out_of_shape
from minijax.course.live import marked_file
from minijax.course.order import too_early
from minijax.course.slides.pages import misfits

MAGICS = {"time", "timeit", "matplotlib", "capture"}
COMMENT_MARKER = re.compile(r"^\s*#\s*(NBVAL_|PYTEST_VALIDATE_)\w+", re.MULTILINE)
TOOL = "python -m minijax.course.notebooks"


@dataclass(frozen=True)
class Problem:
    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"\n    mend: {self.mend}" if self.mend else "")


class Chapter:
    """A notebook as the guards see it."""

    def __init__(self, book: Book, name: str):
        self.book, self.name = book, name
        self.path: Path = book.notebook(name)
        self.text = self.path.read_text(encoding="utf-8")
        self.nb: Any = nbformat.reads(self.text, as_version=4)
        self.cells: list[Any] = self.nb.cells
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]
        self.prose = [cell for cell in self.cells if cell.cell_type == "markdown"]

    def command(self, verb: str) -> str:
        return f"{TOOL} {verb} {self.path.relative_to(self.book.root).as_posix()}"

    def problem(self, cell: Any, what: str, verb: str = "") -> Problem:
        where = f"{self.name}, cell {cell.id!r}" if cell else self.name
        return Problem(where, what, verb and self.command(verb))

    @functools.cached_property
    def trees(self) -> dict[int, ast.Module]:
        """The parsed code of each code cell that is Python, by its place."""
        return {i: t for i, c in enumerate(self.cells) if c.cell_type == "code" and (t := parse(c))}

    @functools.cached_property
    def figures(self) -> Figures:
        return measure(self.cells, self.trees)


def parse(cell: Any) -> ast.Module | None:
    """The code of a cell as the kernel parses it; None where it is not Python."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return ast.parse(TransformerManager().transform_cell(cell.source))
    except SyntaxError:
        return None


Guard = Callable[[Chapter], Iterator[Problem]]
GUARDS: dict[str, Guard] = {}


def guard(f: Guard) -> Guard:
    GUARDS[f.__name__] = f
    return f


# The file.


@guard
def valid(c: Chapter) -> Iterator[Problem]:
    if (c.nb.nbformat, c.nb.nbformat_minor) != (4, 5):
        yield c.problem(None, "is not in nbformat 4.5", "sync")
    try:
        nbformat.validate(c.nb)
    except nbformat.ValidationError as error:
        yield c.problem(None, f"is not a valid notebook: {error.message}")
    if c.nb.metadata != METADATA:
        yield c.problem(None, "has not the kernelspec metadata JupyterLab needs", "sync")


@guard
def formatted(c: Chapter) -> Iterator[Problem]:
    if canonical(c.nb) != c.text:
        yield c.problem(None, "is not written as the formatter writes it", "sync")


# What ran. nbval passes without comparing where these do not hold.


@guard
def counted(c: Chapter) -> Iterator[Problem]:
    counts = [cell.execution_count for cell in c.code]
    if counts != list(range(1, len(counts) + 1)):
        yield c.problem(None, f"was not run from top to bottom: its counts are {counts}", "run")
    yield from (c.problem(cell, "is empty") for cell in c.cells if not cell.source.strip())


@guard
def outputs(c: Chapter) -> Iterator[Problem]:
    for i, tree in c.trees.items():
        if _must_print(tree, c.cells[i].source) and not c.cells[i].outputs:
            yield c.problem(c.cells[i], "prints, but no output is stored", "run")


def _must_print(tree: ast.Module, source: str) -> bool:
    last = tree.body[-1] if tree.body else None
    shows = isinstance(last, ast.Expr) and not isinstance(last.value, ast.Call | ast.Await)
    return (shows and not source.rstrip().endswith(";")) or _has_print(tree.body)


def _has_print(body: list[ast.stmt]) -> bool:
    for stmt in body:
        if isinstance(stmt, ast.For | ast.With) and _has_print(stmt.body):
            return True
        call = stmt.value if isinstance(stmt, ast.Expr) else None
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "print":
            return True
    return False


@guard
def errors(c: Chapter) -> Iterator[Problem]:
    for i, cell in enumerate(c.cells):
        if cell.cell_type != "code":
            continue
        stored = any(out.output_type == "error" for out in cell.outputs)
        expected = "raises-exception" in cell.metadata.get("tags", [])
        if expected and not stored:
            yield c.problem(cell, "is tagged raises-exception, but no error is stored", "run")
        if stored and not expected:
            yield c.problem(cell, "raised, but is not tagged raises-exception")
        if i not in c.trees and not expected:
            yield c.problem(cell, "is not Python")


@guard
def magics(c: Chapter) -> Iterator[Problem]:
    for i, tree in c.trees.items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if ast.unparse(node.func.value) != "get_ipython()":
                continue
            magic = ast.literal_eval(node.args[0]) if node.func.attr.startswith("run_") else ""
            if not magic:
                yield c.problem(c.cells[i], "runs a shell command: systems differ in them")
            elif magic not in MAGICS:
                yield c.problem(c.cells[i], f"uses %{magic}: only {sorted(MAGICS)} are known")


@guard
def tags(c: Chapter) -> Iterator[Problem]:
    for cell in c.cells:
        unknown = set(cell.metadata.get("tags", [])) - TAGS
        if unknown:
            yield c.problem(cell, f"has the tags {sorted(unknown)}: only {sorted(TAGS)} are known")
        if found := COMMENT_MARKER.search(cell.source):
            yield c.problem(cell, f"steers nbval by the comment {found[0].strip()!r}: use a tag")
        if cell.cell_type == "raw":
            yield c.problem(cell, "is a raw cell")
    ignored = [x for x in c.code if "nbval-ignore-output" in x.metadata.get("tags", [])]
    if len(ignored) > 0.15 * len(c.code):
        share = f"{len(ignored)} of {len(c.code)}"
        yield c.problem(None, f"{share} outputs are not compared: at most 15 %")


# What is read.


@guard
def one_title(c: Chapter) -> Iterator[Problem]:
    bare = "\n\n".join(FENCED.sub("", cell.source) for cell in c.prose)
    titles = re.findall(r"^# .*|^.+\n=+[ \t]*$", bare, re.MULTILINE)
    if len(titles) != 1:
        yield c.problem(None, f"has {len(titles)} titles (`# ...`), not one")
    elif not c.cells[0].source.startswith(titles[0]):
        yield c.problem(c.cells[0], "a chapter begins with its title")


ENDING = ["What real JAX does differently", "What to read"]


@guard
def framed(c: Chapter) -> Iterator[Problem]:
    """It begins with what it gives, needs and takes; it ends with JAX's files and with books."""
    first, bare = c.cells[0].source, [FENCED.sub("", cell.source) for cell in c.prose]
    for words in ("you can", "needs", "takes"):
        if words not in first:
            what = "what the reader will be able to do, what it needs, how long it takes"
            yield c.problem(c.cells[0], f"does not say {words!r}: the first cell says {what}")
    sections = re.split(r"^## (.*)$", "\n\n".join(bare), flags=re.MULTILINE)
    if sections[1::2][-2:] != ENDING:
        yield c.problem(None, f"does not end with the sections {' and '.join(ENDING)}")
    elif not re.search(r"`jax/[\w/]+\.py`", sections[-3]):
        yield c.problem(None, f"names no file of JAX, such as `jax/_src/core.py`, in {ENDING[0]}")


@guard
def alt_text(c: Chapter) -> Iterator[Problem]:
    for cell in c.prose:
        images = re.findall(r"!\[\s*\]\([^)]*\)", cell.source)
        tags = re.findall(r"<img\b[^>]*>", cell.source)
        images += [tag for tag in tags if not re.search(r'alt="\w', tag)]
        blocks = re.findall(r"^[`:]{3,}\{(?:image|figure)\}.*?^[`:]{3,}", cell.source, re.M | re.S)
        images += [block for block in blocks if not re.search(r"^:alt: \w", block, re.M)]
        yield from (c.problem(cell, f"no alternative text: {image[:60]}") for image in images)
    for cell in c.code:
        described = cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
        if not described and any(_is_picture(out.get("data", {})) for out in cell.outputs):
            yield c.problem(cell, 'draws a picture without alternative text: alt="..."')


def _is_picture(data: dict[str, str]) -> bool:
    """Whether an output is a picture that does not describe itself, as an SVG with a title does."""
    svg = data.get("image/svg+xml")
    return "image/png" in data or "image/jpeg" in data or (svg is not None and "<title" not in svg)


@guard
def short_cells(c: Chapter) -> Iterator[Problem]:
    for cell in c.code:
        if code_lines(cell) > 40:
            yield c.problem(cell, f"has {code_lines(cell)} lines of code: at most 40")


@guard
def slides_fit(c: Chapter) -> Iterator[Problem]:
    yield from (c.problem(cell, message) for cell, message in misfits(c.cells))


@guard
def in_shape(c: Chapter) -> Iterator[Problem]:
    yield from (c.problem(None, message) for message in out_of_shape(c.figures))


@guard
def in_order(c: Chapter) -> Iterator[Problem]:
    if c.name.startswith("00_"):  # the tour shows what is to come
        return
    own = [t for i, t in c.trees.items() if not marked_file(c.cells[i].source, c.book.package)]
    for name, file, chapter in too_early(c.book, c.name, own):
        yield c.problem(None, f"uses {name} ({file}), which {chapter} introduces")
