"""The slides of the course: what is on them, that they fit, and how a browser shows them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from minijax.course import cells
from minijax.course.book import read_book
from minijax.course.cli import main
from minijax.course.guards import Chapter
from minijax.course.notebooks import check_chapter
from minijax.course.one_text import book_problems
from minijax.course.serve import server
from minijax.course.slides.build import build, choose, notebooks, render
from minijax.course.slides.pages import kind, misfits, pages
from tests.browser import SIZE, chromium, complaints, needs_chromium, served, visit
from tests.tiers import thinned

from .tiers import heavy

DECKS = notebooks()


def on(slide, cell):
    cell.metadata["slideshow"] = {"slide_type": slide}
    return cell


# --- what is on slides


@pytest.mark.parametrize("name", DECKS)
def test_slides_fit(name):
    found = cells.read(DECKS[name]).cells
    assert [f"{cell.id}: {what}" for cell, what in misfits(found)] == []
    assert 8 <= len(pages(found)) <= 20


@pytest.mark.parametrize(
    "made, words",
    [
        ([on("slide", new_code_cell("x = 1\n" * 16))], "16 lines of code: at most 15"),
        ([on("slide", new_markdown_cell("```py\n" + "x\n" * 8 + "```")),
          on("-", new_code_cell("x = 1\n" * 8))], "16 lines of code"),
        ([on("slide", new_code_cell("x" * 76))], "a line of 76 columns"),
        ([on("slide", new_code_cell("x", outputs=[
            new_output("stream", name="stdout", text="y\n" * 13)]))], "13 lines of output"),
        ([on("slide", new_code_cell("x", outputs=[
            new_output("execute_result", data={"text/plain": "y" * 80})]))], "80 columns"),
        ([on("subslide", new_markdown_cell("x"))], "only ['-', 'fragment', 'notes', 'slide']"),
        ([on("notes", new_markdown_cell("x"))], "begins none"),
    ],
)
def test_what_does_not_fit_is_named(made, words):
    assert any(words in what for _, what in misfits(made))


def test_notes_and_cells_of_no_slide_are_not_counted():
    made = [on("slide", new_markdown_cell(f"## {i}")) for i in range(8)]
    made += [on("notes", new_markdown_cell("word " * 500)), new_code_cell("x\n" * 99)]
    made += [on("-", new_code_cell("x", outputs=[new_output("display_data", data={
        "image/png": "", "text/plain": "y\n" * 99})]))]
    assert list(misfits(made)) == []
    assert [len(page) for page in pages(made)] == [1] * 7 + [3]


def test_lectures_are_listed_and_keep_the_rules_of_notebooks(tmp_path):
    root = Path(__file__).resolve().parents[1]
    shutil.copy(root / "book.yml", tmp_path)
    shutil.copytree(root / "chapters" / "slides", tmp_path / "chapters" / "slides")
    book = read_book(tmp_path)
    assert set(book.lectures) == {name for name in DECKS if DECKS[name].parent.name == "slides"}
    for name in book.lectures:
        assert list(check_chapter(Chapter(book, name))) == []
    nb = cells.read(book.notebook("speed"))
    nb.cells[2].metadata["tags"] = ["unknown"]
    cells.write(nb, book.notebook("speed"))
    assert "unknown" in str(*check_chapter(Chapter(book, "speed")))
    shutil.copy(book.notebook("speed"), tmp_path / "chapters" / "slides" / "more.ipynb")
    assert "more.ipynb: is not listed in book.yml" in "\n".join(map(str, book_problems(book)))


# --- pages


def test_a_page_has_outputs_notes_and_descriptions_of_pictures():
    picture = new_code_cell("plot()", outputs=[
        new_output("display_data", data={"image/png": "QUJD", "text/plain": "<Figure>"})])
    picture.metadata["mystnb"] = {"image": {"alt": 'a "red" line'}}
    nb = new_notebook(cells=[
        on("slide", new_markdown_cell("# Lines & slopes\n\nHow $x^2$ grows.")),
        on("notes", new_markdown_cell("Ask the room first.")),
        new_markdown_cell("Not on a slide."),
        on("slide", new_code_cell("1 + 1", execution_count=3, outputs=[
            new_output("execute_result", data={"text/plain": "2"}, execution_count=3)])),
        on("-", picture),
    ])
    page = render(nb, Path("x.ipynb"))
    assert "<title>Lines &amp; slopes</title>" in page
    assert re.search(r'<aside class="notes">.*Ask the room first\..*</aside>', page, re.DOTALL)
    assert "Not on a slide" not in page and "[3]" not in page
    assert page.count("<section") == 2 * 2
    image = re.search(r"<img[^>]*>", page)[0]
    assert 'src="data:image/png;base64,QUJD"' in image and "alt='a \"red\" line'" in image
    assert "$x^2$" in page


def test_a_deck_is_chosen_by_its_name_or_the_beginning_of_it(tmp_path):
    assert choose("03") == choose("03_jvp") == [DECKS["03_jvp"]]
    assert choose(None) == list(DECKS.values())
    own = shutil.copy(DECKS["03_jvp"], tmp_path / "own.ipynb")
    assert choose(str(own)) == [Path(own)]
    done = CliRunner().invoke(main, ["slides", "build", "nonsense"])
    assert done.exit_code == 1
    assert "Error: no slides are called nonsense; there are: 00_tour, 01_tracing" in done.output


def test_a_notebook_without_slides_is_refused(tmp_path):
    path = tmp_path / "plain.ipynb"
    cells.write(new_notebook(cells=[new_markdown_cell("# Plain")]), path)
    done = CliRunner().invoke(main, ["slides", "build", str(path), "--to", str(tmp_path / "to")])
    assert done.exit_code == 1 and 'no cell of slide type "slide"' in done.output


def test_build_writes_pages_that_need_nothing_else(tmp_path):
    done = CliRunner().invoke(main, ["slides", "build", "03", "--to", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == f"open {tmp_path / 'index.html'}"
    page = (tmp_path / "03_jvp.html").read_text("utf-8")
    asked = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]*)"', page)
    for name in (a for a in asked if not a.startswith("data:")):
        assert (tmp_path / name).is_file(), name
    assert 'href="03_jvp.html"' in (tmp_path / "index.html").read_text("utf-8")


@heavy
@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT for one process")
def test_serve_says_where_and_ctrl_c_ends_it(tmp_path):
    arguments = ["slides", "serve", "03", "--port", "0", "--no-browser", "--to", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "minijax.course.cli", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline().strip() == str(tmp_path / "03_jvp.html")
        address = re.search(r"http://\S+\.html", process.stdout.readline())[0]
        assert b"<title>Forward mode</title>" in urllib.request.urlopen(address, timeout=30).read()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == "the slides stopped\n"
    assert process.returncode == 130


# --- in a browser

MEASURE = """
() => {
  Reveal.configure({fragments: false});
  return Reveal.getSlides().map((slide, n) => {
    Reveal.slide(Reveal.getIndices(slide).h);
    const kinds = 'p, li, h1, h2, h3, pre, img, table, mjx-container, svg';
    const parts = [...slide.querySelectorAll(kinds)]
      .filter(e => !e.closest('.notes') && !e.parentElement.closest('svg'))
      .filter(e => !e.closest('[data-at]:not(.now), details:not([open])'));  // steps, and folded
    const cut = parts.filter(e => {
      const box = e.getBoundingClientRect();
      return box.bottom > innerHeight + 1 || box.right > innerWidth + 1 || box.left < 0
        || (e.matches('pre') && e.scrollWidth > e.clientWidth + 1) || !(box.height > 0);
    });
    return {n: n + 1, cut: cut.map(e => e.tagName + ' ' + e.textContent.slice(0, 40)),
            lowest: Math.max(...parts.map(e => e.getBoundingClientRect().bottom)),
            text: slide.innerText};
  });
}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    list(build(list(DECKS.values()), folder))
    with served(server(folder, 0)) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as made:
        yield made


@contextlib.contextmanager
def opened(browser, address):
    """A page, and all that went wrong with it."""
    page = browser.new_page(viewport=SIZE)
    wrong = complaints(page, re.escape(address.rpartition("/")[0]))
    visit(page, address)
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    yield SimpleNamespace(page=page, wrong=wrong)
    page.close()


@heavy
@needs_chromium
@pytest.mark.parametrize("name", thinned(DECKS, lambda name: DECKS[name].parent))
def test_nothing_is_cut_off_in_a_browser(name, browser, site):
    found = [c for c in cells.read(DECKS[name]).cells if kind(c)]
    with opened(browser, f"{site}{name}.html") as deck:
        slides = deck.page.evaluate(MEASURE)
        drawn = deck.page.locator("mjx-container svg").count()
        assert deck.page.locator("mjx-merror").count() == 0
        if shots := os.environ.get("MINIJAX_SCREENSHOTS"):
            for n in range(len(slides)):
                deck.page.evaluate(f"Reveal.slide({n})")
                deck.page.screenshot(path=f"{shots}/{name}_{n + 1:02}.png")
        assert deck.wrong == []
    assert [(s["n"], s["cut"]) for s in slides if s["cut"]] == []
    assert len(slides) == len(pages(found))
    prose = [re.sub("`[^`]*`", "", c.source) for c in found if c.cell_type == "markdown"]
    assert drawn >= sum("$" in text for text in prose)
    shown = [c for c in found if c.cell_type == "code" and kind(c) != "notes"]
    texts = "\n".join(slide["text"] for slide in slides)
    for out in (out for cell in shown for out in cell.outputs):
        line = out.get("text", out.get("data", {}).get("text/plain", "")).strip().split("\n")[0]
        assert line in texts or "image/png" in out.get("data", {})


@heavy
@needs_chromium
def test_the_speaker_reads_the_notes(browser, site):
    made = pages(cells.read(DECKS["03_jvp"]).cells)
    n, page = next((n, page) for n, page in enumerate(made) if kind(page[-1]) == "notes")
    with opened(browser, f"{site}03_jvp.html#/{n}") as deck:
        with deck.page.expect_popup() as popup:
            deck.page.keyboard.press("s")
        notes = popup.value.locator(".speaker-controls-notes:not(.hidden) .value")
        notes.wait_for()
        assert notes.inner_text().split()[:3] == page[-1].source.split()[:3]
        popup.value.close()


@heavy
@needs_chromium
def test_a_deck_prints_one_page_a_slide(browser, site):
    with opened(browser, f"{site}03_jvp.html?print-pdf") as deck:
        deck.page.wait_for_selector(".pdf-page")
        printed = deck.page.pdf(prefer_css_page_size=True, print_background=True)
    count = len(pages(cells.read(DECKS["03_jvp"]).cells))
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == count
