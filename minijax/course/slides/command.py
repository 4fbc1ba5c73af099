"""`minijax slides`: check the code of a deck, build and serve the slides of the course."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from minijax.course.serve import port_and_browser, serve_pages
from minijax.course.slides.build import build, choose
from minijax.course.slides.check import Result, check
from minijax.course.slides.deck import MOST_LINES, read_deck, text_of
from minijax.course.terminal import one_line_errors, stoppable

FOLDER = click.option(
    "--to", "folder", metavar="FOLDER", default="build/slides", show_default=True,
    type=click.Path(file_okay=False, path_type=Path), help="Where to write the pages.",
)


@click.group()
def slides() -> None:
    """Show the course as slides; check the code in yours."""


@slides.command("build", short_help="Write the slides of the course as web pages.")
@click.argument("chapter", required=False)
@FOLDER
def build_pages(chapter: str | None, folder: Path) -> None:
    """Write the slides of the course as web pages.

    CHAPTER is the name of a chapter or lecture, or its beginning (03), or the path of a notebook
    of your own; without it, all are written. The pages need no network and no server. To make a
    PDF, open one with `?print-pdf` at the end of its address and print it.
    """
    with stoppable("the slides"):
        write_pages(chapter, folder)
    click.echo(f"open {folder / 'index.html'}")


@slides.command(short_help="Show the slides of the course in a browser.")
@click.argument("chapter", required=False)
@FOLDER
@port_and_browser
def serve(chapter: str | None, folder: Path, port: int, browser: bool | None) -> None:
    """Show the slides of the course in a browser.

    Builds them as `minijax slides build` does and serves them to this machine. Arrow keys turn
    the slides, S opens the speaker's window, Esc the overview. Ctrl-C ends it.
    """
    with stoppable("the slides"):
        names = write_pages(chapter, folder)
        serve_pages(folder, port, browser, names[0] if len(names) == 1 else "")


def write_pages(chapter: str | None, folder: Path) -> list[str]:
    """Build, and say what was built."""
    names = []
    with one_line_errors(OSError, ValueError):
        for page in build(choose(chapter), folder):
            click.echo(page)
            names.append(page.name)
    return names


@slides.command("check", short_help="Run the code in a deck against minijax.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Put the outputs beside the code, in FILE.")
@click.option("--timeout", type=click.IntRange(min=1), default=120, show_default=True,
              help="Interrupt a block after so many seconds.")
def check_file(file: Path, write: bool, timeout: int) -> None:
    """Run the code in a deck against minijax.

    FILE is your own deck: Markdown, as pandoc, Slidev or Marp show it, or a notebook. Its blocks
    run in order in one process, where `import jax` imports minijax. Blocks are the fences marked
    `python`, and those without a language; mark what is not to run as `text`. A block that shows
    an error is marked `python raises-exception`.

    Says of each block what it printed or why it did not run, and ends with `N run, M reported`.
    Fails if something was reported. With --write, outputs become comments at the end of their
    blocks, each line after `#>`, in place of older ones; in a notebook, the outputs of its cells.
    """
    with one_line_errors(ValueError):
        deck = read_deck(file)
    results = check(deck, file.parent, timeout)
    for result in results:
        click.echo(told(result))
    if write:
        newline = "\r\n" if b"\r\n" in file.read_bytes() else "\n"
        text = deck.with_outputs([[] if r.reason else r.outputs for r in results])
        file.write_text(text, encoding="utf-8", newline=newline)
    reported = sum(bool(result.reason) for result in results)
    if not results:
        click.echo("no code in it: begin a block of Python with  ```python")
    click.echo(f"{len(results) - reported} run, {reported} reported")
    sys.exit(int(reported > 0))


def told(result: Result) -> str:
    """A block in the report: where it stands, what became of it, what it printed."""
    if result.reason:
        return f"{result.block.where(result.line)}: reported  {result.reason}"
    head = f"{result.block.where()}: ran  {result.seconds:.2f} s"
    if result.supplied:
        head += f"  (imported for it: {', '.join(result.supplied)})"
    lines = text_of(result.outputs).splitlines()
    more = [f"... ({len(lines) - MOST_LINES} more lines)"] * (len(lines) > MOST_LINES)
    return "\n".join([head, *(f"    {line}" for line in lines[:MOST_LINES] + more)])
