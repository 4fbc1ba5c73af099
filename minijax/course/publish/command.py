"""`minijax book`: the book as web pages."""

from pathlib import Path

import click

from minijax.course.book import read_book
from minijax.course.publish import html
from minijax.course.serve import port_and_browser, serve_pages
from minijax.course.terminal import one_line_errors, require, stoppable


@click.group()
def book() -> None:
    """Make the book: all chapters and the reference as web pages.

    Run it in a clone of the repository. The pages need no network. Chapters are shown with the
    outputs that are stored in them; nothing is run again.
    """
    require("sphinx", "myst_nb", "sphinx_book_theme", extra="book")


@book.command()
@click.option("--verbose", is_flag=True, help="Show what Sphinx does.")
def build(verbose: bool) -> None:
    """Make the pages in build/html.

    What has not changed since the last time is not made again. A link that leads nowhere, or
    anything else Sphinx warns of, is an error.
    """
    with one_line_errors(FileNotFoundError, RuntimeError), stoppable("the book"):
        folder = make(verbose)
    click.echo(f"{folder / 'index.html'}: open it in a browser, or say  minijax book serve")


@book.command()
@port_and_browser
def serve(port: int, browser: bool | None) -> None:
    """Make the pages and show them in a browser, until Ctrl-C.

    Only this machine can see them.
    """
    with one_line_errors(FileNotFoundError, RuntimeError), stoppable("the book"):
        serve_pages(make(), port, browser)


def make(verbose: bool = False) -> Path:
    """The folder of the pages."""
    found = read_book()
    return html.build(found, found.root / "build", verbose)
