"""What must hold of prose, in chapters and in Markdown files: headings in order, links that lead
somewhere, pictures that are described."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from markdown_it import MarkdownIt

from minijax.course.book import Book
from minijax.course.guards import Chapter, Problem, guard

HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)
HREF = re.compile(r"""<(?:a|img)\b[^>]*?\b(?:href|src)=["']([^"']*)["']""")

UNREAD = re.compile(r"\]\(([^)]*)\)")  # meant as a link, and printed as it stands


class Prose:
    """A Markdown text, as far as readers find their way by it."""

    def __init__(self, text: str):
        self.headings: list[tuple[int, str]] = []  # level and text
        self.links: list[str] = []
        self.undescribed: list[str] = []  # pictures without alternative text
        tokens = MarkdownIt("commonmark").enable("table").parse(text)
        for token, following in zip(tokens, [*tokens[1:], None]):
            if token.type == "heading_open" and following:
                self.headings.append((int(token.tag[1]), following.content))
            elif token.type == "html_block":
                self.links += HREF.findall(token.content)
            for child in token.children or ():
                self._read(child)
            shown = "".join(c.content for c in token.children or () if c.type == "text")
            self.links += UNREAD.findall(shown)

    def _read(self, token) -> None:
        if token.type == "link_open":
            self.links.append(token.attrs["href"])
        elif token.type == "image":
            self.links.append(token.attrs["src"])
            if not token.content.strip():
                self.undescribed.append(token.attrs["src"])
        elif token.type == "html_inline":
            self.links += HREF.findall(token.content)

    def anchors(self) -> set[str]:
        return {anchor(text) for _, text in self.headings}


def anchor(heading: str) -> str:
    """By which name a link finds a heading in the book.

    >>> anchor("What `real` JAX does, differently")
    'what-real-jax-does-differently'
    """
    return re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")


def read_prose(path: Path) -> Prose:
    """The prose of a notebook or a Markdown file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    return Prose(text)


def heading_problems(prose: Prose) -> Iterator[str]:
    level = 0
    for next_level, text in prose.headings:
        if next_level > level + 1:
            yield f"the heading {text!r} skips a level: {'#' * next_level} after {'#' * level}"
        level = next_level


def link_problems(prose: Prose, path: Path) -> Iterator[str]:
    """What is wrong with the links of a file. Other hosts are not asked."""
    for link in prose.links:
        parts = urlsplit(link)
        if re.search(r"\s", link):
            yield f"the link {link} is not an address: it has a space"
            continue
        if parts.scheme or parts.netloc:
            if parts.scheme not in ("http", "https") or not HOST.fullmatch(parts.netloc):
                yield f"the link {link} is not an address"
            continue
        target = path.parent / unquote(parts.path) if parts.path else path
        if not target.exists():
            yield f"the link {link} leads nowhere: there is no {target.name}"
        elif parts.fragment and parts.fragment not in read_prose(target).anchors():
            yield f"the link {link} leads to no heading of {target.name}"


@guard
def headings(c: Chapter) -> Iterator[Problem]:
    yield from (c.problem(None, what) for what in heading_problems(read_prose(c.path)))


@guard
def links(c: Chapter) -> Iterator[Problem]:
    yield from (c.problem(None, what) for what in link_problems(read_prose(c.path), c.path))


def page_problems(path: Path) -> Iterator[Problem]:
    """What is wrong with a Markdown file."""
    prose = read_prose(path)
    titles = [text for level, text in prose.headings if level == 1]
    if len(titles) != 1 or prose.headings[0][0] != 1:
        yield Problem(path.name, f"has {len(titles)} titles; it begins with one, and has no other")
    for picture in prose.undescribed:
        yield Problem(path.name, f"no alternative text: {picture}")
    for what in (*heading_problems(prose), *link_problems(prose, path)):
        yield Problem(path.name, what)


def pages(book: Book) -> list[Path]:
    """The pages of prose: the first of the book, and those listed that are no notebooks."""
    listed = [book.index, *(page for files in book.parts.values() for page in files)]
    return [path for path in map(book.file, listed) if path.suffix == ".md"]
