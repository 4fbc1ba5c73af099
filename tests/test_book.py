"""The book: its sources, its pages in a browser, and that what it names is there."""

from __future__ import annotations

import ast
import functools
import gc
import importlib
import itertools
import re
import signal
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import nbformat
import pytest
import yaml

from minijax.course.book import read_book
from minijax.course.exercises import source
from minijax.course.prose import page_problems
from minijax.course.publish import answers, html, pages, reference
from minijax.course.serve import server
from tests.browser import CUT, SIZE, chromium, complaints, needs_chromium, served, visit
from tests.test_cli import posix, run, start

from .tiers import heavy

ROOT = Path(__file__).resolve().parents[1]
BOOK = read_book(ROOT)
JAX = Path(jax.__file__).parent / "_src"


# --- what the pages of prose say


def rows(page: str, columns: int) -> list[list[str]]:
    """The rows of the tables of a page, without their heads."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    split = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    heads = {i + d for i, row in enumerate(split) if set(row) == {"---"} for d in (-1, 0)}
    found = [row for i, row in enumerate(split) if i not in heads]
    assert found and all(len(row) == columns for row in found)
    return found


@functools.cache
def defined(path: Path) -> set[str]:
    """Every name that a file binds, also those of methods."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    named = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    return named | {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


@pytest.mark.parametrize("row", rows("chapters/where_in_jax.md", 3), ids=lambda row: row[0])
def test_where_in_jax_names_files_and_definitions(row):
    for place, cell in zip((ROOT / "minijax", JAX), row[1:]):
        if cell.startswith("none: "):
            continue
        file, *names = re.fullmatch(r"`([\w/]+\.py)`: `(\w+)`((?:, `\w+`)*)", cell).groups()
        wanted = {names[0], *re.findall(r"\w+", names[1])}
        assert wanted <= defined(place / file), f"not in {file}: {wanted - defined(place / file)}"


def look_up(name: str) -> None:
    """Import what a dotted name leads to; LookupError if there is nothing."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        for part in parts[n:]:
            fields = {*getattr(value, "__annotations__", ()), *getattr(value, "__slots__", ())}
            if part not in fields and not hasattr(value, part):
                raise LookupError(f"there is no {name}")
            value = getattr(value, part, None)
        return


@pytest.mark.parametrize("row", rows("chapters/glossary.md", 3), ids=lambda row: row[0])
def test_the_glossary_names_what_is_there(row):
    here, there = re.fullmatch(r"`([\w.]+)`, (?:`([\w.]+)`|none: .+)", row[2]).groups()
    look_up(f"minijax.{here}")
    if there:
        look_up(f"jax._src.{there}")


def test_a_name_that_is_not_there_is_noticed():
    with pytest.raises(LookupError, match="no minijax.core.Absent"):
        look_up("minijax.core.Absent")


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")), ids=lambda path: path.name)
def test_pages_in_the_repository_are_in_order(path):
    assert not [str(p) for p in page_problems(path)]


def test_what_is_wrong_with_a_page_is_said(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("## Two\n\n#### Four\n\n![](x.png)\n\n[a](page.md#two) [b](b.md)", "utf-8")
    problems = "\n".join(str(p) for p in page_problems(page))
    for words in ("has 0 titles", "skips a level: ## after", "skips a level: #### after ##",
                  "no alternative text: x.png", "there is no b.md"):
        assert words in problems
    assert "page.md#two" not in problems


# --- the sources


def test_every_public_module_has_a_page():
    """Those that `import minijax` offers, and those below them that a user imports by name."""
    tree = ast.parse((ROOT / "minijax/__init__.py").read_text("utf-8"))
    offered = {f"minijax.{a.name}" for node in tree.body if isinstance(node, ast.ImportFrom)
               and node.module == "minijax" for a in node.names}
    folders = ("scipy", "example_libraries", "experimental")
    below = {f"minijax.{folder}.{path.stem}" for folder in folders
             for path in (ROOT / "minijax" / folder).glob("[a-z]*.py")}
    assert offered | below <= {"minijax.scipy", *BOOK.reference}


def test_the_contents_are_those_of_the_manifest():
    made = pages.contents(BOOK)
    first, *_, last = made["subtrees"]
    assert made["root"] == "index" and first["caption"] == "Foundations"
    assert first["entries"][3] == {"file": "03_jvp", "title": "3. Forward mode"}
    assert last["entries"][0] == {"file": "glossary", "title": "Glossary"}
    modules = [entry["file"] for entry in last["entries"][-1]["subtrees"][0]["entries"]]
    assert modules == [f"reference/{name}" for name in BOOK.reference]


def test_sources_are_written_once_and_old_ones_go(tmp_path):
    small = replace(BOOK, reference=("minijax.tree",))
    pages.write_sources(small, tmp_path)
    (tmp_path / "old.md").write_text("# Old")
    times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.*")}
    pages.write_sources(small, tmp_path)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.*")} == {
        p: t for p, t in times.items() if p.name != "old.md"}
    assert yaml.safe_load((tmp_path / "_toc.yml").read_text("utf-8")) == pages.contents(small)


def test_exercises_have_their_answers_folded_behind_them():
    text = BOOK.notebook("03_jvp").read_text("utf-8")
    cells = nbformat.reads(answers.with_answers(BOOK, "03_jvp", text), as_version=4).cells
    nbformat.validate(nbformat.reads(answers.with_answers(BOOK, "03_jvp", text), as_version=4))
    exercises = {e.number: e for e in source.read(ROOT / "exercises/03_jvp.md")}
    found = []
    for cell, following in itertools.pairwise(cells):
        if number := source.FIRST_LINE.match(cell.source):
            exercise = exercises[number[1]]
            found.append(number[1])
            assert following.source.count("{dropdown}") == 4
            assert exercise.solution in following.source and exercise.hints[0] in following.source
    assert found == list(exercises)


def test_a_chapter_without_exercises_stays_as_it_is():
    text = BOOK.notebook("speed").read_text("utf-8")
    assert nbformat.reads(answers.with_answers(BOOK, "speed", text), as_version=4) == (
        nbformat.reads(text, as_version=4))


def test_two_modules_with_one_function_describe_it_once():
    made = reference.pages(("minijax", "minijax.ad_checkpoint"))
    assert ".. autofunction:: checkpoint\n" in made["reference/minijax.rst"]
    second = made["reference/minijax.ad_checkpoint.rst"]
    assert "autofunction:: checkpoint\n" not in second
    assert "``checkpoint`` is :py:obj:`minijax.checkpoint`" in second
    assert ".. autofunction:: checkpoint_name" in second


# --- the pages


@pytest.fixture
def sample(tmp_path, monkeypatch):
    """A book of two pages; the working directory is its root."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.yml").write_text("""\
root: chapters/index
subtrees:
  - {caption: All, entries: [{file: chapters/words}]}
meta: {title: A sample, author: Nobody}
""", "utf-8")
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters/index.md").write_text("# Start\n\n[on](words.md)", "utf-8")
    (tmp_path / "chapters/words.md").write_text("# Words\n\n[back](index.md#start)", "utf-8")
    return tmp_path


@heavy
def test_a_link_that_leads_nowhere_is_an_error(sample):
    page = sample / "chapters/words.md"
    good = page.read_text("utf-8")
    page.write_text(good.replace("#start", "#absent"), "utf-8")
    result = run("book", "build")
    assert result.exit_code == 1
    assert result.output.endswith("Error: the book has mistakes: mend what is reported above, "
                                  "and build it again\n")
    page.write_text(good, "utf-8")
    result = run("book", "build")
    assert result.exit_code == 0, result.output
    assert "Words" in (sample / "build/html/words.html").read_text("utf-8")


def test_outside_of_a_clone_one_line_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("book", "build")
    assert result.exit_code == 1 and result.output.startswith("Error: no book.yml in ")


@heavy
@posix
def test_serve_says_where_and_ctrl_c_ends_it(sample):
    process = start("book", "serve", "--port", "0", "--no-browser")
    with process:
        address = re.match(r"http://\S+", process.stdout.readline())[0]
        assert b"<title>Start" in urllib.request.urlopen(address, timeout=30).read()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1].endswith("the book stopped\n")
    assert process.returncode == 130


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The whole book: any warning of Sphinx is an error here."""
    gc.disable()  # to look for garbage in what it keeps takes a quarter of the time
    try:
        return html.build(BOOK, tmp_path_factory.mktemp("book"))
    finally:
        gc.enable()


@pytest.fixture(scope="module")
def site(built):
    with served(server(built, 0)) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as made:
        yield made


def names(built: Path) -> list[str]:
    found = [path.relative_to(built).as_posix() for path in built.rglob("*.html")]
    return sorted(name for name in found if not name.startswith("_"))


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_load_by_themselves_and_nothing_is_cut(built, site, browser, scheme):
    page = browser.new_page(viewport=SIZE, color_scheme=scheme)
    wrong = complaints(page, site)
    problems = []
    for name in names(built):
        if scheme == "dark" and name.startswith("reference/"):
            continue  # they have no colours of their own
        visit(page, site + name)
        wrong += page.evaluate(CUT, "main")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append("is wider than the window")
        if page.locator("main h1:not(#jb-print-docs-body h1)").count() != 1:
            wrong.append("has not one title")
        problems += [f"{name}: {what}" for what in wrong]
        wrong.clear()
    page.close()
    assert not problems, "\n".join(problems)


@pytest.mark.slow
@needs_chromium
def test_outputs_are_there_answers_unfold_and_formulas_are_drawn(site, browser):
    page = browser.new_page(viewport=SIZE)
    page.goto(site + "00_tour.html")
    assert "before 0.05, after 0.96\n" in page.locator(".cell_output").all_inner_texts()
    assert page.locator(".cell_output img[alt]").count() >= 2
    page.goto(site + "03_jvp.html")
    hint = page.get_by_text("What times y is x?")
    assert not hint.is_visible()
    page.locator("details.sd-dropdown summary").first.click()
    hint.wait_for()
    page.goto(site + "glossary.html")
    formulas = page.locator(".math.notranslate")
    page.locator(".math.notranslate svg").first.wait_for()
    assert formulas.count() == page.locator(".math.notranslate svg").count() > 5
    page.close()


@pytest.mark.slow
@needs_chromium
def test_search_finds_words_of_chapters_and_names_of_the_reference(site, browser):
    page = browser.new_page(viewport=SIZE)
    wrong = complaints(page, site)
    for word, found in [("cotangent", "Glossary"), ("dot_product_attention", "minijax.nn")]:
        visit(page, f"{site}search.html?q={word}")
        page.locator("#search-results ul.search li").first.wait_for()
        page.wait_for_load_state("networkidle")  # it reads the pages it found; let it finish
        assert found in " ".join(page.locator("#search-results li").all_inner_texts())
    assert not wrong
    page.close()


@pytest.mark.slow
@needs_chromium
def test_the_book_opens_from_the_disk(built, browser):
    page = browser.new_page(viewport=SIZE)
    wrong = complaints(page, "file:")
    visit(page, (built / "index.html").as_uri())
    page.get_by_role("link", name="Forward mode").first.click()
    assert page.locator(".bd-article h1").inner_text().startswith("Forward mode")
    assert not wrong
    page.close()
