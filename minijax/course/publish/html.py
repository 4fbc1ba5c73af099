"""The book as web pages: Sphinx makes them, a small server shows them."""

from __future__ import annotations

import functools
import http.server
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


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def server(folder: Path, port: int) -> http.server.ThreadingHTTPServer:
    """A server of the pages in `folder`, for this machine alone; port 0 takes a free one."""
    handler = functools.partial(Quiet, directory=str(folder))
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
