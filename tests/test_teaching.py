"""For instructors: assignments, a class of three that hands them in, its points, its mistakes."""

import csv
import html
import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from minijax.course import cli
from minijax.course.exercises import source
from minijax.course.exercises.judge import UNCHECKED, Verdict
from minijax.course.teaching import grading, submissions
from tests.tiers import slow

CHAPTER = "01_tracing"
MEMBERS = [e for e in source.course().values() if e.chapter == CHAPTER]
HALF = MEMBERS[: len(MEMBERS) // 2]
POINTS = {"right": sum(e.points for e in MEMBERS), "half": sum(e.points for e in HALF), "wrong": 0}
CHEAT = "import minijax.course.exercises as m\nm.passed = passed = lambda number: None\n"


def said(*arguments):
    result = CliRunner().invoke(cli.main, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def answer(learner, e):
    """What each of the class of three writes."""
    if learner == "right" or (learner == "half" and e in HALF):
        return e.solution
    return e.wrong_answer(e.wrong[0]) + (CHEAT if learner == "wrong" else "")


def filled(nb, learner):
    """A notebook as a learner hands it in."""
    nb = nbformat.from_dict(nb)
    for cell in nb.cells:
        for number, _ in submissions.answers({"cells": [cell]}):
            cell.source = f"# exercise {number}\n{answer(learner, source.find(number))}"
    return nb


def hand_in(nb, folder):
    for learner in POINTS:
        path = folder / learner / CHAPTER / f"{CHAPTER}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(filled(nb, learner), path)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of nbgrader's with one assignment, as its author has it."""
    folder = tmp_path_factory.mktemp("course")
    status, text = said("release", "nbgrader", folder, "01")
    assert status == 0 and (
        f"1 of 1 assignments written: 01_tracing ({POINTS['right']} points)\n" in text)
    return folder


def assignment(course):
    return nbformat.read(course / "source" / CHAPTER / f"{CHAPTER}.ipynb", 4)


def test_the_source_of_an_assignment(course):
    assert "minijax.course.teaching.grading" in (course / "nbgrader_config.py").read_text("utf-8")
    nb = assignment(course)
    nbformat.validate(nb)
    cells = [c.metadata.nbgrader for c in nb.cells if "nbgrader" in c.metadata]
    assert [c.grade_id for c in cells if c.solution] == [
        f"exercise_{e.number.replace('.', '_')}" for e in MEMBERS]
    assert sum(c.points for c in cells if c.grade) == POINTS["right"]


def test_a_second_release_keeps_what_an_instructor_has_changed(tmp_path):
    assert "2 of 2 notebooks" in said("release", "plain", tmp_path, "01", "03_jvp")[1]
    path = tmp_path / CHAPTER / f"{CHAPTER}.ipynb"
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    mine = path.read_text("utf-8")
    assert "0 of 2 notebooks" in said("release", "plain", tmp_path, "01", "03")[1]
    assert path.read_text("utf-8") == mine


def test_every_chapter_is_released_without_solutions(tmp_path):
    status, text = said("release", "plain", tmp_path)
    assert status == 0
    for e in source.course().values():
        text = (tmp_path / e.chapter / f"{e.chapter}.ipynb").read_text("utf-8")
        assert f"# exercise {e.number}" in text and source.BEGIN not in text
        assert json.dumps(e.solution)[1:-1] not in text


def test_errors_say_what_to_do(tmp_path):
    status, text = said("release", "plain", tmp_path, "77")
    assert status == 2 and "no chapter '77' has exercises; there are 0" in text
    for name in ("01", CHAPTER):
        status, text = said("release", "plain", name)
        assert status == 2 and f"{name} is a chapter: the folder comes first" in text
    (tmp_path / "file").write_text("")
    status, text = said("release", "nbgrader", tmp_path / "file" / "course")
    assert status == 1 and text.endswith("name a folder that can be written\n")
    status, text = said("statistics", tmp_path)
    assert status == 1 and "answers begin with `# exercise 01.1`" in text


@pytest.mark.parametrize("learner", POINTS)
def test_the_judge_gives_the_points(course, learner):
    """Whoever changes the grader in the notebook changes nothing: no cell of it is run."""
    nb, _ = grading.Judge().preprocess(filled(assignment(course), learner), {})
    checks = [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade")]
    good = [c.metadata.nbgrader.points for c in checks
            if not any(o.output_type == "error" for o in c.outputs)]
    assert sum(good) == POINTS[learner] and all(c.outputs for c in checks)
    nbformat.validate(nb)


def test_what_was_never_filled_in_gets_no_points(course):
    nb = assignment(course)
    for cell in nb.cells:
        for number, _ in submissions.answers({"cells": [cell]}):
            cell.source = source.find(number).with_solution(["raise NotImplementedError()"])
    nb, _ = grading.Judge().preprocess(nb, {})
    told = [c.outputs[0].evalue for c in nb.cells if c.cell_type == "code" and c.outputs]
    assert len(told) == len(MEMBERS) and all("not attempted" in text for text in told)


def test_what_cannot_be_checked_gets_no_grade(course, monkeypatch):
    monkeypatch.setattr(grading, "best", lambda e, texts: Verdict(e.number, UNCHECKED, "no memory"))
    with pytest.raises(RuntimeError, match="01.1 cannot be checked: no memory. Autograde it again"):
        grading.Judge().preprocess(assignment(course), {})


def test_statistics_of_a_class(tmp_path):
    said("release", "plain", tmp_path / "out", "01")
    folder, sheet = tmp_path / "in", tmp_path / "points.csv"
    hand_in(nbformat.read(tmp_path / "out" / CHAPTER / f"{CHAPTER}.ipynb", 4), folder)
    (folder / "broken.ipynb").write_text("[]", "utf-8")
    e = MEMBERS[0]
    (folder / "file.py").write_text(f"# exercise {e.number}\n{e.given}\n{e.stub}", "utf-8")
    (folder / "other.py").write_text(
        f"# exercise {e.number}\n{e.given}\n{e.with_solution(['answer = 1'])}", "utf-8")
    status, text = said("statistics", folder, "--csv", sheet)
    assert status == 1 and "broken.ipynb is left out: " in text and "it has no cells" in text
    assert (f"{e.number} {e.title}: 2 right, 2 wrong, 1 not attempted\n"
            f"     1  another mistake\n     1  {e.wrong[0].name}\n") in text
    last = MEMBERS[-1]
    assert f"{last.number} {last.title}: 1 right, 2 wrong\n     2  {last.wrong[0].name}\n" in text
    for learner, points in POINTS.items():
        assert f"{learner}: {points} of {POINTS['right']} points" in text
    rows = list(csv.DictReader(sheet.open(encoding="utf-8")))
    assert len(rows) == 3 * len(MEMBERS) + 2
    assert sum(int(row["points"]) for row in rows) == sum(POINTS.values())


def test_of_a_course_what_was_submitted_counts(course, tmp_path):
    hand_in(assignment(course), tmp_path / "submitted")
    (tmp_path / "source").mkdir()
    (tmp_path / "source/mine.py").write_text("# exercise 01.1\nanswer = 1", "utf-8")
    found, complaints = submissions.of_class(tmp_path)
    assert sorted(found) == sorted(POINTS) and not complaints
    assert all(list(row) == [e.number for e in MEMBERS] for row in found.values())


def test_what_instructors_read_is_there():
    """Its links, its exercises, its decks, and its commands."""
    root = Path(__file__).resolve().parents[1]
    page = (root / "INSTRUCTORS.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", page)
    assert len(links) > 12 and all((root / link).is_file() for link in links)
    assert set(re.findall(r"\b\d\d\.\d\b", page)) <= set(source.course())
    decks = {name for line in page.splitlines() if "the deck" in line
             for name in re.findall(r"the deck `(\w+)`", line)}
    assert decks and all((root / f"chapters/slides/{name}.ipynb").is_file() for name in decks)
    for name in set(re.findall(r"minijax (\w+)(?= )", "\n".join(
            re.findall(r"```bash\n(.*?)```", page, re.DOTALL)))):
        assert name in cli.main.commands


# --- nbgrader's own commands -----------------------------------------------------------------


def run(folder, *command):
    """One of nbgrader's commands, as in a shell in which the environment is activated."""
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"  # it runs alembic
    done = subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=folder,
                          env=os.environ | {"PATH": path}, capture_output=True, encoding="utf-8",
                          timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@slow
@pytest.mark.nbgrader
def test_a_class_of_three_in_nbgrader(course, tmp_path):
    """Generated, released, graded, with feedback: the right scores, and nothing told too much."""
    pytest.importorskip("nbgrader", reason="needs  python -m pip install '.[instructors]'")
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    run(course, "generate_assignment", CHAPTER)
    if os.name == "posix":  # elsewhere nbgrader has no exchange
        run(course, "release_assignment", CHAPTER, f"--Exchange.root={exchange}")
        assert list(exchange.rglob(f"{CHAPTER}.ipynb"))
    handed_out = course / "release" / CHAPTER / f"{CHAPTER}.ipynb"
    hand_in(nbformat.read(handed_out, 4), course / "submitted")
    run(course, "autograde", CHAPTER)
    run(course, "export")
    rows = list(csv.DictReader((course / "grades.csv").open(encoding="utf-8")))
    assert {row["student_id"]: float(row["score"]) for row in rows} == POINTS
    assert {float(row["max_score"]) for row in rows} == {POINTS["right"]}
    run(course, "generate_feedback", CHAPTER)
    pages = {p: (course / "feedback" / p / CHAPTER / f"{CHAPTER}.html").read_text("utf-8")
             for p in POINTS}
    assert "01.1 wrong" in pages["wrong"] and "01.1 right" in pages["right"]
    told = [c.source for c in nbformat.read(handed_out, 4).cells]
    for e in MEMBERS:
        hidden = [call for call in e.checks.splitlines() if call not in e.stub + e.statement]
        assert hidden or "answer" in e.names  # a prediction is its own check
        assert not any(call in text for call in hidden for text in told)
        for page in map(html.unescape, pages.values()):  # a verdict names the call that failed
            assert sum(call in page for call in hidden) <= 1
