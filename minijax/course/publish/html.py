"""The book as web pages: Sphinx makes them."""

from __future__ import annotations

from pathlib import Path

from minijax.course.book import Book
from minijax.course.publish.pages import write_sources

HERE = Path(__file__).resolve().parent


def build(book: Book, folder: Path, verbose: bool = False) -> Path:
    """Make the pages of the book in `folder/html`. What did not change is not made again.

    Raises:
        RuntimeError: Sphinx had something to complain of; it has been printed.
    """
    from sphinx.cmd.build import build_main

    write_sources(book, folder / "source")
    code = build_main([
        "--builder=html",
        f"--conf-dir={HERE}",
        f"--doctree-dir={folder / 'doctrees'}",
        f"--define=project={book.title}",
        f"--define=html_title={book.title}",
        f"--define=author={book.author}",
        "--fail-on-warning",
        *([] if verbose else ["--quiet"]),
        str(folder / "source"),
        str(folder / "html"),
    ])
    if code:
        raise RuntimeError("the book has mistakes: mend what is reported above, and build it again")
    return folder / "html"
