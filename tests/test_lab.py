"""`minijax lab`: a copy of the chapters that is the reader's, and JupyterLab in a real browser."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from minijax.course import lab, places
from minijax.course.book import read_book
from tests.browser import chromium, complaints, needs_chromium
from tests.test_cli import posix, run, start

BOOK = read_book(Path(__file__).resolve().parents[1])


# --- the copy


def test_lab_copies_the_chapters_and_keeps_what_is_there(tmp_path):
    made, _ = places.copy_chapters(tmp_path / "mine")
    names = {path.name for path in places.chapters().glob("*.ipynb")}
    assert {path.name for path in made} >= names and "00_tour.ipynb" in names
    (tmp_path / "mine" / "00_tour.ipynb").write_text("my changes")
    made[1].unlink()
    assert places.copy_chapters(tmp_path / "mine") == ([made[1]], [])
    assert (tmp_path / "mine" / "00_tour.ipynb").read_text() == "my changes"


def test_lab_tells_jupyter_that_the_chapters_are_ours(tmp_path, monkeypatch):
    """Otherwise it takes their drawings apart, and shows the letters in them as one text."""
    from nbformat.sign import NotebookNotary

    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    made, _ = places.copy_chapters(tmp_path / "mine")
    (chapter,) = [path for path in made if path.name == "04_vjp.ipynb"]
    nb = nbformat.read(chapter, as_version=4)
    assert not NotebookNotary().check_signature(nb)
    places.trust(made)
    assert NotebookNotary().check_signature(nb)


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A folder of two chapters that can change, in the place of the library's."""
    source = tmp_path / "chapters"
    source.mkdir()
    monkeypatch.setattr(places, "chapters", lambda: source)
    for name in ("left.ipynb", "changed.ipynb"):
        write(source / name, "old")
    return source


def write(path: Path, source: str, output: str = "1") -> None:
    cell = nbformat.v4.new_code_cell(source, execution_count=1, id="one")
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=output)]
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])), "utf-8")


def cell_of(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4).cells[0]


def test_lab_renews_what_the_reader_left_alone(two, tmp_path):
    """A chapter of an older library would run its cells in a newer one."""
    mine = tmp_path / "mine"
    places.copy_chapters(mine)
    write(mine / "changed.ipynb", "the reader's")
    for name in ("left.ipynb", "changed.ipynb"):
        write(two / name, "new")
    made, old = places.copy_chapters(mine)
    assert [p.name for p in made] == ["left.ipynb"] and [p.name for p in old] == ["changed.ipynb"]
    assert cell_of(mine / "left.ipynb").source == "new"
    assert cell_of(mine / "changed.ipynb").source == "the reader's"


def test_a_copy_without_a_record_is_known_again(two, tmp_path):
    mine = tmp_path / "mine"
    places.copy_chapters(mine)
    (mine / places.ORIGINALS).unlink()
    assert places.copy_chapters(mine) == ([], [])
    write(two / "left.ipynb", "new")
    assert [p.name for p in places.copy_chapters(mine)[0]] == ["left.ipynb"]


def test_a_copy_without_outputs_has_the_same_cells_and_nothing_that_running_left(tmp_path):
    made, _ = places.copy_chapters(tmp_path, without_outputs=True)
    for path in [p for p in made if p.suffix == ".ipynb"]:
        nbformat.validate(copy := nbformat.read(path, as_version=4))
        original = nbformat.read(places.chapters() / path.relative_to(tmp_path), as_version=4)
        assert any(cell.get("outputs") for cell in original.cells), path
        for cell in original.cells:
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)
        assert copy == original


def test_a_copy_without_outputs_is_the_readers_too(two, tmp_path):
    """Running a chapter changes it: from then on it is kept as it is, with and without outputs."""
    mine = tmp_path / "mine"
    places.copy_chapters(mine, without_outputs=True)
    assert cell_of(mine / "left.ipynb").outputs == []
    write(mine / "changed.ipynb", "old", output="what the reader saw")
    assert places.copy_chapters(mine, without_outputs=True) == ([], [])
    made, _ = places.copy_chapters(mine)
    assert [p.name for p in made] == ["left.ipynb"] and cell_of(made[0]).outputs
    assert cell_of(mine / "changed.ipynb").outputs[0].text == "what the reader saw"


def test_lab_names_its_folders_and_says_what_it_kept(two, tmp_path, monkeypatch):
    from jupyterlab.labapp import LabApp

    told = []
    monkeypatch.setattr(LabApp, "launch_instance", told.append)
    monkeypatch.chdir(tmp_path)
    assert "minijax-course: 2 files copied" in run("lab").output
    assert "minijax-course-unrun: 2 files copied" in run("lab", "--without-outputs").output
    assert "minijax-course-unrun: your copy, unchanged" in run("lab", "--without-outputs").output
    write(tmp_path / "minijax-course/left.ipynb", "mine")
    write(two / "left.ipynb", "new")
    assert "left.ipynb: yours is kept" in run("lab").output
    assert f"--ServerApp.root_dir={tmp_path / 'minijax-course-unrun'}" in told[1]


# --- JupyterLab


def free_port() -> int:
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@contextmanager
def laboratory(folder: Path, *arguments: str):
    """`minijax lab` for a user who has installed another "python3" kernel; address and token."""
    settings = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "run", "HOME": "home",
                "JUPYTER_DATA_DIR": "data", "JUPYTERLAB_SETTINGS_DIR": "settings",
                "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython"}
    env = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    env |= {name: str(folder / part) for name, part in settings.items()}
    spec = folder / "data/kernels/python3/kernel.json"
    spec.parent.mkdir(parents=True)
    wrong = {"argv": ["no-such-python"], "display_name": "Python 3", "language": "python"}
    spec.write_text(json.dumps(wrong))
    process = start("lab", *arguments, "--port", str(port := free_port()), cwd=folder, env=env)
    try:
        while not (found := re.search(rf"(http://\S+:{port}/)\S*token=(\w+)",
                                      process.stderr.readline())):
            assert process.poll() is None
        wait_for(lambda: ask(*found.groups(), "status"), "an answer of the server")
        yield found.groups()
    finally:
        process.terminate()
        process.communicate(timeout=60)


def wait_for(what, name: str, seconds: float = 300):
    """The first answer that is one; an error (a server that starts, half a file) is none."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if answer := what():
                return answer
        except (OSError, ValueError):
            pass
        assert time.monotonic() < deadline, f"waited {seconds} s for {name}"
        time.sleep(0.3)


def ask(address: str, token: str, what: str, method: str = "GET"):
    request = urllib.request.Request(f"{address}api/{what}?token={token}", method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or "null")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One JupyterLab for all chapters, which have no outputs yet."""
    folder = tmp_path_factory.mktemp("lab")
    with laboratory(folder, "mine", "--without-outputs") as (address, token):
        yield folder / "mine", address, token


@pytest.fixture(scope="module")
def page(server):
    """JupyterLab in a browser, and its list of files."""
    _, address, token = server
    with chromium() as browser:
        made = browser.new_page(viewport={"width": 1400, "height": 1000})
        made.wrong = complaints(made, r"(ws|http)://(127\.0\.0\.1|localhost):")
        made.goto(f"{address}lab?token={token}&reset")
        made.locator(".jp-DirListing-item", has_text="00_tour.ipynb").wait_for(timeout=120_000)
        yield made


def test_lab_opens_the_tour_and_its_kernel_is_this_python():
    told = lab.settings(Path("mine"), 1234, browser=False)
    assert "--LabApp.default_url=/lab/tree/00_tour.ipynb" in told
    assert "--no-browser" in told and "--no-browser" not in lab.settings(Path("mine"), 1, True)


@posix
@pytest.mark.slow
def test_lab_without_a_screen_prints_an_address_that_answers(server):
    folder, address, token = server
    with urllib.request.urlopen(f"{address}lab/tree/00_tour.ipynb?token={token}") as answer:
        assert b"jupyter-config-data" in answer.read()
    specs = ask(address, token, "kernelspecs")
    assert list(specs["kernelspecs"]) == ["python3"] and specs["default"] == "python3"
    assert specs["kernelspecs"]["python3"]["spec"]["argv"][0] != "no-such-python"


@posix
@pytest.mark.slow
@needs_chromium
def test_jupyterlab_shows_the_chapters_in_order(page):
    listed = page.locator(".jp-DirListing-itemText").all_inner_texts()
    assert [n for n in listed if n.endswith(".ipynb")] == [f"{n}.ipynb" for n in BOOK.chapters]
    page.wait_for_timeout(1000)
    assert page.get_by_text("Jupyter news").count() == 0


@pytest.fixture
def closing(server, page):
    """The file and the kernel that a test opens are closed after it."""
    yield
    _, address, token = server
    page.wrong.clear()
    page.keyboard.press("Alt+w")
    page.locator(".jp-NotebookPanel").wait_for(state="detached")
    for session in ask(address, token, "sessions"):
        ask(address, token, f"sessions/{session['id']}", "DELETE")


@posix
@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("chapter", BOOK.chapters)
def test_jupyterlab_runs_a_chapter_from_the_menu(server, page, closing, chapter):
    """Every cell runs, and raises where the chapter means it to, and nowhere else."""
    folder, address, token = server
    path = folder / f"{chapter}.ipynb"
    page.locator(".jp-DirListing-item", has_text=path.name).dblclick()
    page.locator(".jp-NotebookPanel .jp-Notebook").first.wait_for(timeout=120_000)
    wait_for(lambda: state(address, token) == "idle", "the kernel to start")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
    wait_for(lambda: state(address, token) == "idle" and has_run(page, path), "the last cell")
    assert not page.wrong
    done, stored = (nbformat.read(p, as_version=4) for p in (path, BOOK.notebook(chapter)))
    assert not surprises(done)
    assert raised(done) == raised(stored)
    assert printed(done) == printed(stored)


def state(address: str, token: str) -> str:
    """Of the only kernel; an error if there is none yet."""
    [session] = ask(address, token, "sessions")
    return session["kernel"]["execution_state"]


def has_run(page, path: Path) -> bool:
    """Save, as a reader does; whether then all cells have their numbers, or one has failed."""
    saved = re.compile(rf"/{path.name}/checkpoints\b")  # the last request of a save
    with page.expect_response(lambda r: saved.search(r.url) and r.request.method == "POST"):
        page.keyboard.press("Control+s")
    notebook = nbformat.read(path, as_version=4)
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    return counts == list(range(1, len(counts) + 1)) or bool(surprises(notebook))


def errors(cell) -> list[str]:
    found = [out for out in cell.get("outputs", ()) if out.output_type == "error"]
    return [f"{cell.id}: {out.ename}: {out.evalue}" for out in found]


def surprises(notebook) -> list[str]:
    """The errors that the chapter does not mean to show."""
    calm = [c for c in notebook.cells if "raises-exception" not in c.metadata.get("tags", ())]
    return [error for cell in calm for error in errors(cell)]


def raised(notebook) -> list[str]:
    """The cells with an error."""
    return [cell.id for cell in notebook.cells if errors(cell)]


def printed(notebook) -> list[str]:
    """The cells that have any output."""
    return [cell.id for cell in notebook.cells if cell.get("outputs")]
