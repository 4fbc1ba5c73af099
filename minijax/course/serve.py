"""Web pages for this machine alone. The speaker's window of slides needs a server of them."""

from __future__ import annotations

import functools
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click

from minijax.course.terminal import has_screen


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of what is asked for."""

    def log_message(self, *args: Any) -> None:
        pass


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of the files in `folder`; port 0 is any free one. OSError: the port is taken."""
    handler = functools.partial(Quiet, directory=str(folder))
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


def serve_pages(folder: Path, port: int, browser: bool | None, page: str = "") -> None:
    """Serve the files in `folder` until Ctrl-C, and open `page` if there is a browser."""
    try:
        pages = server(folder, port)
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}; try --port 0") from error
    with pages:
        address = f"http://127.0.0.1:{pages.server_port}/{page}"
        click.echo(f"{address}  (Ctrl-C ends it)")
        if has_screen() if browser is None else browser:
            webbrowser.open(address)
        pages.serve_forever()


def port_and_browser(command: Any) -> Any:
    """The options of a command that serves pages."""
    port = click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
    browser = click.option("--browser/--no-browser", default=None,
                           help="[default: if there is a screen]")
    return port(browser(command))
