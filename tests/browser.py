"""Pages in a real browser: headless Chromium, which is asked for and never downloaded."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: install it, or name it in CHROMIUM"
)
SIZE = {"width": 1100, "height": 700}


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, as playwright drives it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # without a sandbox: it needs rights that containers do not give
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[str]:
    """The address of a server that runs meanwhile."""
    with server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def complaints(page: Any, own: str) -> list[str]:
    """A list that grows with all that goes wrong on a page, and with what it asks of others.

    `own` is a pattern of addresses that a page may ask.
    """
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("console", lambda m: m.type in ("error", "warning") and found.append(f"says {m.text}"))
    page.on("requestfailed", lambda r: found.append(f"failed: {r.url}: {r.failure}"))
    page.on("response", lambda r: r.status >= 400 and found.append(f"{r.status}: {r.url}"))
    own = rf"(data|blob):|{own}"
    page.on("request", lambda r: re.match(own, r.url) or found.append(f"another host: {r.url}"))
    return found


def visit(page: Any, address: str) -> None:
    """Open an address. All that its page asks for has come then, so nothing is broken off later."""
    asked: set[Any] = set()
    watch = {"request": lambda request: asked.add(request),
             "requestfinished": lambda request: asked.discard(request),
             "requestfailed": lambda request: asked.discard(request)}
    for event, do in watch.items():
        page.on(event, do)
    page.goto(address)
    deadline = time.monotonic() + 60
    while asked:
        assert time.monotonic() < deadline, f"no answer: {[request.url for request in asked]}"
        page.wait_for_timeout(10)
    for event, do in watch.items():
        page.remove_listener(event, do)


# What sticks out of the window and cannot be scrolled to, and outputs of which a part is hidden:
# the first five.
CUT = """column => {
    const scrolls = e => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
    const box = document.querySelector(column), edge = box.getBoundingClientRect().right + 1;
    const cut = e => {
        const {width, right} = e.getBoundingClientRect();
        if (!width || right <= Math.min(edge, innerWidth)) return false;
        while (e !== box && !scrolls(e)) e = e.parentElement;
        return e === box;
    };
    const hidden = e => e.matches(".cell_output pre, .cell_output .output, .cell_output svg")
        && Math.max(e.scrollWidth - e.clientWidth, e.getBoundingClientRect().right - edge) > 1;
    return [...box.querySelectorAll("*")].filter(e => cut(e) || hidden(e)).slice(0, 5).map(
        e => `cut: ${e.tagName} ${e.className}: ${e.textContent.slice(0, 60)}`);
}"""
