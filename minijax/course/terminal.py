"""What the commands share: missing libraries, screens, progress, errors of one line, Ctrl-C."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from minijax.course.missing import install


def require(*modules: str, extra: str = "course") -> None:
    """End with one sentence if a module of an extra is missing."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise click.ClickException(install(*missing, extra=extra))


def has_screen() -> bool:
    """Whether a browser window can open here."""
    return sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def progress(console):
    """A progress bar that goes away when it is done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@contextmanager
def one_line_errors(*kinds: type[Exception]) -> Iterator[None]:
    """What a user can cause is told as a message, without a traceback."""
    try:
        yield
    except kinds as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def stoppable(what: str) -> Iterator[None]:
    """Ctrl-C ends the command with one line and the exit code shells expect."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"{what} stopped", err=True)
        sys.exit(130)
