"""`minijax slides`: check the code of a deck, build and serve the slides of the course."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import click

from minijax.course.serve import server
from minijax.course.slides.build import build, choose
from minijax.course.slides.check import Result, check
from minijax.course.slides.deck import MOST_LINES, read_deck, text_of
from minijax.course.terminal import has_screen

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
    write_pages(chapter, folder)
    click.echo(f"open {folder / 'index.html'}")


@slides.command("serve", short_help="Show the slides of the course in a browser.")
@click.argument("chapter", required=False)
@FOLDER
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--browser/--no-browser", default=None, help="[default: if there is a screen]")
def serve_pages(chapter: str | None, folder: Path, port: int, browser: bool | None) -> None:
    """Show the slides of the course in a browser.

    Builds them as `minijax slides build` does and serves them to this machine. Arrow keys turn
    the slides, S opens the speaker's window, Esc the overview. Ctrl-C ends it.
    """
    names = write_pages(chapter, folder)
    try:
        serving = server(folder, port)
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}; try --port 0") from error
    address = f"http://127.0.0.1:{serving.server_port}/{names[0] if len(names) == 1 else ''}"
    click.echo(f"serving at {address}; Ctrl-C ends it")
    if has_screen() if browser is None else browser:
        webbrowser.open(address)
    with serving:
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            click.echo("stopped", err=True)


def write_pages(chapter: str | None, folder: Path) -> list[str]:
    """Build, and say what was built."""
    try:
        names = []
        for page in build(choose(chapter), folder):
            click.echo(page)
            names.append(page.name)
        return names
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


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
    try:
        deck = read_deck(file)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
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
