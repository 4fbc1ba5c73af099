"""Every exercise: the stub is not attempted, the solution is right, each wrong answer is named.

Of the machinery: what may not pass does not pass and does not hang; what is generated is as its
source says; a learner's copy loses nothing.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from minijax.course import cli, exercises
from minijax.course.exercises import answers, commands, copies, generate, source, stubs
from minijax.course.exercises.judge import (
    NOT_ATTEMPTED,
    RIGHT,
    UNCHECKED,
    WRONG,
    judge,
    run,
    run_solution,
    run_wrong,
    same,
)
from minijax.course.exercises.steps import docstring_steps, steps, test_steps as steps_of_test
from minijax.course.sandbox.data import check_form, difference, encode, line_diff, written
from minijax.course.sandbox.process import Limits, Sandbox
from tests.tiers import thinned

from .tiers import heavy

COURSE = source.course()


ONE_BY_ONE = thinned(COURSE, kind=lambda number: number[:2])


@pytest.mark.parametrize("number", ONE_BY_ONE)
def test_stub_solution_and_wrong_answers(number):
    e = COURSE[number]
    assert judge(e, e.stub).outcome == judge(e, generate.stub_file(e)).outcome == NOT_ATTEMPTED
    assert judge(e, generate.stub_cell(e)).outcome == NOT_ATTEMPTED
    nbgrader = e.with_solution(["# YOUR CODE HERE", "raise NotImplementedError()"])
    assert judge(e, nbgrader).outcome == NOT_ATTEMPTED
    assert judge(e, f"# exercise {number}\n{e.solution}").outcome == RIGHT
    for wrong in e.wrong:
        run_wrong(e, wrong)  # ours first: its kernels are kept, and the attempt finds them
        verdict = judge(e, e.wrong_answer(wrong))
        assert (verdict.outcome, verdict.wrong) == (WRONG, wrong.name), verdict
        assert wrong.message in verdict.text


@pytest.mark.parametrize("number", ONE_BY_ONE)
def test_checks_cannot_be_passed_by_chance(number):
    """The dots, run, are not the solution; a solution run again is; something is not yes or no."""
    e = COURSE[number]
    right = run_solution(e)
    assert same(run(e, e.solution), right)
    assert not same(run(e, e.stub), right)
    told = [v for v in right.values if v and v[0] not in ("none", "error")]
    assert any(v[:2] not in (["number", True], ["number", False]) for v in told)


@pytest.mark.parametrize("number", [n for n, e in COURSE.items() if e.proof])
def test_the_proof_of_a_solution(number):
    e = COURSE[number]
    with Sandbox(f"{e.solution}\n{e.proof}", given=e.given) as sandbox:
        assert sandbox.loaded() is None


def test_the_example_for_authors_is_an_exercise(tmp_path):
    page = (source.folder() / "README.md").read_text("utf-8")
    path = tmp_path / "98_sums.md"
    path.write_text(page.partition("`````markdown\n")[2].partition("`````")[0], "utf-8")
    [e] = source.read(path)
    assert judge(e, e.solution).outcome == RIGHT
    assert [judge(e, e.wrong_answer(w)).wrong for w in e.wrong] == [w.name for w in e.wrong]
    with Sandbox(f"{e.solution}\n{e.proof}", given=e.given) as sandbox:
        assert sandbox.loaded() is None
    assert all(f"`{name}: " in page for name in source.SETTINGS)


def test_a_chapter_has_exercises_enough():
    chapters = [e.chapter for e in COURSE.values()]
    assert all(chapters.count(c) >= 5 for c in chapters)
    assert list(COURSE) == sorted(COURSE) and all(
        e.number.startswith(e.chapter[:3].replace("_", ".")) for e in COURSE.values())


def test_a_statement_is_a_comment_of_a_file():
    text = "word " * 30 + "\n\n```text\na   b\n\n   c\n```\n\n- one\n- two"
    lines = stubs.filled(text).splitlines()
    assert max(map(len, lines)) <= 96 and "   c" in lines and lines[-2:] == ["- one", "- two"]
    assert all(len(line) <= 100 for e in COURSE.values()
               for line in generate.stub_file(e).splitlines() if line.startswith("#"))


def test_a_statement_is_wrapped_as_a_person_would():
    """No line of one word at the end, and nothing broken in two that is read in one."""
    for words in range(8, 24):
        text = "word " * words + "of the shape (n, k) or `lambda x: x + 1.0`, so that all is there."
        lines = stubs.filled(text).splitlines()
        assert len(lines) == 2 and abs(len(lines[0]) - len(lines[1])) < 20
        assert any("(n, k)" in line for line in lines)
        assert any("`lambda x: x + 1.0`" in line for line in lines)


def test_a_file_imports_a_name_once():
    for e in COURSE.values():
        lines = [x for x in generate.stub_file(e).splitlines() if x.startswith(("import", "from"))]
        assert len(lines) == len(set(lines)), e.number


def test_what_is_generated_is_as_its_source_says():
    assert not generate.stale(source.folder()), f"run {generate.TOOL}"


# --- what may not pass -----------------------------------------------------------------------

HONEST = "def total(x):\n    return sum(float(v) for v in x)\n"


def exercise(tmp_path, text="", **changes):
    """A small exercise: the sum of numbers, without the library's."""
    body = """# Sums

```python
import minijax.numpy as jnp
```

## 99.1 A sum

without: numpy/reductions.py: sum

Add the numbers.

```python
def total(x):
    ### BEGIN SOLUTION
    return sum(float(v) for v in x)
    ### END SOLUTION
```

### Hints

1. One.
2. Two.
3. Three.

### Checks

```python
total([1.0, 2.5])
total(jnp.array([3.0, -1.0, 0.25]))
total([])
```

### Wrong: forgets the last

```python
return sum(float(v) for v in x[:-1])
```

The last one is missing.

### Wrong: counts

```python
return float(len(x))
```

That is how many there are.
"""
    for old, new in changes.items():
        assert old in body
        body = body.replace(old, new)
    path = tmp_path / "99_sums.md"
    path.write_text(body, "utf-8")
    [e] = source.read(path)
    return e


def test_the_example_of_these_tests_is_sound(tmp_path):
    e = exercise(tmp_path)
    assert judge(e, HONEST).outcome == RIGHT
    assert judge(e, e.stub).outcome == NOT_ATTEMPTED
    assert judge(e, e.wrong_answer(e.wrong[0])).wrong == "forgets the last"


SOLUTION_FILE = "minijax.course.exercises.source"
CHEATS = {
    "an infinite loop": ("while True: pass", "took longer"),
    "an infinite loop in a call": ("def total(x):\n    while True: pass", "took longer"),
    "sys.exit": ("import sys\nsys.exit(0)", "raised SystemExit"),
    "sys.exit in a call": ("import sys\ndef total(x): sys.exit(0)", "raised SystemExit"),
    "os._exit": ("import os\nos._exit(0)", "ended the process"),
    "os._exit in a call": ("import os\ndef total(x): os._exit(0)", "ended the process"),
    "recursion": ("def total(x): return total(x)", "RecursionError"),
    "recursion without a limit": (
        "import sys\nsys.setrecursionlimit(10**9)\ndef total(x): return total(x)",
        "memory|ended|longer"),
    "10 GB of numbers": ("import numpy\ndef total(x): return numpy.ones(10**10 // 8)", "memory"),
    "10 GB of objects": ("def total(x): return [[] for i in range(10**9)]", "memory|longer"),
    "1 GB printed at once": ("def total(x): print('x' * 2**30)", "printed|memory"),
    "1 GB printed in lines": (
        "def total(x):\n    for i in range(2**24): print('abcdefg ' * 8)", "printed"),
    "a value without an end": ("def total(x):\n    return 'x' * 2**27", "strange|longer|memory"),
    "a list that holds itself": ("def total(x):\n    y = []\n    y.append(y)\n    return y",
                                 "came back"),
    "a patched checker": (
        "import minijax.course.exercises.judge as judge\n"
        "import minijax.course.sandbox.data as data, minijax.course.sandbox.child as child\n"
        "judge.first_difference = lambda *args: None\n"
        "judge.judge = lambda e, *args: judge.Verdict(e.number, judge.RIGHT)\n"
        "data.difference = lambda *args: None\n"
        "child.encode = data.encode = lambda *args: ['number', True]\n"
        "def total(x): return 0", "came back"),
    "a patched reply": (
        "import sys, json\n"
        "import minijax.course.sandbox.child as child\n"
        "child.attempt = lambda run: {'value': ['right']}\n"
        "child.send = lambda *args: None\n"
        "def total(x): return 0", "longer|strange|came back|answers"),
    "garbage in the channel": (
        "import os\n"
        "for fd in range(3, 12):\n"
        "    try: os.write(fd, b'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')\n"
        "    except OSError: pass\n"
        "def total(x): return 0", "strange|came back|ended|answers"),
    "an array without memory, forged": (
        "import json, os\n"
        "text = json.dumps({'value': ['array', 'float0', [10**13], '<f8', '']}).encode()\n"
        "for fd in range(3, 12):\n"
        "    try: os.write(fd, (len(text).to_bytes(8, 'big') + text) * 9)\n"
        "    except OSError: pass\n"
        "def total(x): return 0", "came back|should|answers|strange|ended|None"),
    "lists in lists, forged": (
        "import os\n"
        "text = b'{\"value\": ' + b'[' * 10**5 + b']' * 10**5 + b'}'\n"
        "for fd in range(3, 12):\n"
        "    try: os.write(fd, len(text).to_bytes(8, 'big') + text)\n"
        "    except OSError: pass\n"
        "def total(x): return 0", "answers|strange|ended|longer"),
    "an object equal to everything": (
        "class Same:\n    def __eq__(self, other): return True\n"
        "    def __float__(self): return 3.5\n"
        "def total(x): return Same()", "another kind|came back"),
    "the solution, imported": (
        f"from {SOLUTION_FILE} import folder, read\n"
        "def total(x): return read(folder() / '01_tracing.md')[0].solution", "out of reach"),
    "the solution, read": (
        f"from {SOLUTION_FILE} import folder\n"
        "text = (folder() / '01_tracing/solutions.py').read_text()\n"
        "def total(x): return 0", "out of reach"),
    "the solution, asked for": (
        "from minijax.course.exercises import solution\n"
        "def total(x): return solution('01.4') and solution('01.4')", "out of reach"),
    "the solution, read by another program": (
        "import subprocess\nsubprocess.run(['cat', 'x'])\ndef total(x): return 0",
        "other processes"),
    "many processes": ("import os\nwhile True: os.fork()", "other processes"),
    "the library's own function": (
        "import minijax.numpy as jnp\ndef total(x): return jnp.sum(jnp.array(x))",
        "cannot be called"),
    "its method, which calls it": (
        "import minijax.numpy as jnp\ndef total(x): return jnp.array(x).sum()",
        "cannot be called"),
    "the library's own function, loaded again": (
        "import importlib, sys\n"
        "again = importlib.reload(sys.modules['minijax.numpy.reductions'])\n"
        "def total(x): return again.sum(x)", "out of reach"),
    "the given module, replaced": (
        "import minijax.numpy as jnp\njnp.array = lambda x: [0.0]\ndef total(x): return 0.0",
        "came back"),
}


@pytest.mark.parametrize("name", CHEATS)
def test_what_may_not_pass(name, tmp_path):
    code, told = CHEATS[name]
    limits = Limits(seconds=10, memory=4 * 10**8) if "GB" in name else Limits(seconds=1.5)
    began = time.monotonic()
    verdict = judge(exercise(tmp_path), code, limits)
    assert verdict.outcome == WRONG, verdict
    assert any(word in verdict.text for word in told.split("|")), verdict
    assert time.monotonic() - began < 15


def test_the_limits_of_the_course_leave_time_to_spare():
    assert exercises.judge.__defaults__ == (Limits(),) and Limits().seconds <= 12


def test_nothing_is_left_running(tmp_path):
    import psutil

    def running():
        return {p.pid for p in psutil.Process().children(recursive=True)
                if p.status() != psutil.STATUS_ZOMBIE}

    before = running()  # of other tests
    judge(exercise(tmp_path), "import time, threading\n"
          "threading.Thread(target=time.sleep, args=[60]).start()\n" + HONEST, Limits(seconds=1))
    assert len(running() - before) <= 1  # the nursery


def test_where_no_process_starts_the_answer_is_not_blamed(tmp_path, monkeypatch):
    from minijax.course.sandbox import process

    monkeypatch.setattr(process, "start", lambda folder: (_ for _ in ()).throw(
        process.NotStarted("no process for your code: the machine has none left")))
    verdict = judge(exercise(tmp_path), HONEST)
    assert verdict.outcome == UNCHECKED and "none left" in verdict.text


@heavy
def test_a_new_interpreter_does_what_the_nursery_does(tmp_path, monkeypatch):
    """As on Windows and macOS."""
    from minijax.course.sandbox import process

    e = exercise(tmp_path)
    nursed = run(COURSE["03.4"], COURSE["03.4"].solution)
    monkeypatch.setattr(process.sys, "platform", "elsewhere")
    assert same(run(COURSE["03.4"], COURSE["03.4"].solution), nursed)
    assert judge(e, HONEST).outcome == RIGHT
    assert judge(e, CHEATS["the solution, imported"][0]).outcome == WRONG
    verdict = judge(e, "while True: pass", Limits(seconds=1))
    assert verdict.outcome == WRONG and "took longer" in verdict.text


@heavy
def test_where_processes_are_allowed_there_are_some(tmp_path):
    e = exercise(tmp_path, **{"without: numpy/reductions.py: sum": "processes: yes"})
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''])\n{HONEST}"
    assert judge(e, code).outcome == RIGHT
    hungry = ("import subprocess, sys\ndef total(x):\n"
              "    subprocess.run([sys.executable, '-c', 'x = bytearray(10**10)'])")
    assert "memory" in judge(e, hungry, Limits(memory=4 * 10**8)).text


# --- what is said ----------------------------------------------------------------------------


def test_a_verdict_names_the_call_what_came_back_and_what_was_expected(tmp_path):
    e = exercise(tmp_path)
    text = judge(e, "def total(x):\n    print('here', x)\n    return 4.0\n").text
    assert text == ("`total([1.0, 2.5])`\ncame back: 4.0\nexpected:  3.5\n"
                    "it printed:\nhere [1.0, 2.5]\nhere [ 3.   -1.    0.25]\nhere []")
    text = judge(e, "def total(x):\n    y = x[0]\n    return y.size").text
    assert "`total([1.0, 2.5])` raised AttributeError: 'float' object has no" in text
    assert "line 3: return y.size" in text
    assert "line 2 is not Python" in judge(e, "def total(x):\n    return (x").text
    assert "NameError: name 'total' is not defined" in judge(e, "def sum_of(x): return 1").text


def test_programs_are_compared_line_by_line(tmp_path):
    e = exercise(tmp_path, **{
        "without: numpy/reductions.py: sum": "points: 1",
        "total([1.0, 2.5])\n": "import minijax as jax\n"
        "jax.make_jaxpr(lambda x: total([x, x * x, x]))(1.0)\n",
        "return sum(float(v) for v in x)\n": "return sum(x)\n"})
    text = judge(e, "def total(x):\n    return x[0] + x[1]").text
    assert "(- yours, + expected)" in text and "\n+     " in text and "\n- " in text
    assert line_diff("a\n\nb", "a\nb") == "  a\n  b"  # what does not count is not shown


@pytest.mark.parametrize("mine, expected, what", [
    (1, 1.0, None),
    (1.0000001, 1.0, None),
    (True, 1, "another kind of value"),
    ((1, 2), [1, 2], None),
    ((1, 2), (1, 3), "another value in part 1"),
    ((1,), (1, 2), "1 parts, not 2"),
    ("a  b\n\n", "a b", None),
    (None, 0, "another kind of value"),
    (float("nan"), float("nan"), None),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, None),
    ({"mul", "add"}, {"add", "mul"}, None),
    ({1}, {2}, "another value"),
])
def test_how_values_are_compared(mine, expected, what):
    assert difference(encode(mine), encode(expected)) == what


@pytest.mark.parametrize("value", [
    None, True, 3, 2.5, float("inf"), 1j, "a", (1, [2, {"a": None}]), object(), 10**30])
def test_what_is_encoded_is_of_the_form(value):
    check_form(encode(value))


@pytest.mark.parametrize("data", [
    None, [], {}, ["number", "1"], ["array", "float32", [2], "<f4", "AAAA"], ["list", []],
    ["array", "float32", [2], "O", ""], ["sequence", [1]], ["dict", [1]], ["text"], ["number", []]])
def test_what_is_not_of_the_form_is_refused(data):
    with pytest.raises((ValueError, TypeError)):
        check_form(data)


def test_arrays_keep_their_shape_and_their_type():
    import minijax.numpy as jnp

    x = jnp.arange(6.0).reshape(2, 3)
    assert difference(encode(x), encode(x + 1e-7)) is None
    assert difference(encode(x), encode(x.T)) == "the shape is (2, 3), not (3, 2)"
    assert difference(encode(x), encode(x.astype(int))) == "the dtype is float32, not int32"
    assert difference(encode(x.astype(jnp.bfloat16)), encode(x.astype(jnp.bfloat16))) is None
    assert written(encode(x[0])) == "[0., 1., 2.] (float32[3])"
    assert difference(encode(jnp.zeros(0)), encode(jnp.zeros((0, 2)))) is not None


@pytest.mark.parametrize("old, new, said", [
    ("### BEGIN SOLUTION", "# here", "needs one ```python fence"),
    ("1. One.\n", "", "2 hints, not three"),
    ("Add the numbers.", "word " * 51, "51 words: 1 to 50"),
    ("That is how many there are.", "The last one is missing.", "one message"),
    ("### Wrong: counts", "### Maybe: counts", "at least two"),
    ("without: numpy", "withot: numpy", "no setting is called 'withot'"),
    ("total([])", "total(", "its checks: line 3 is not Python"),
])
def test_a_source_that_lacks_something_is_refused(tmp_path, old, new, said):
    with pytest.raises(ValueError, match="99.1") as error:
        exercise(tmp_path, **{old: new})
    assert said in str(error.value)


@pytest.mark.parametrize("old, new, said", [
    ("return sum(float(v) for v in x)\n", "return sum(float(v) for v in y)\n", "raises NameError"),
    ("total([])\n", "total([])  # raises ValueError\n", "does not raise"),
    ("reductions.py: sum", "reductions.py: no_such", "raises AttributeError"),
])
def test_an_exercise_that_is_wrong_itself_blames_nobody(tmp_path, old, new, said):
    verdict = judge(exercise(tmp_path, **{old: new}), HONEST)
    assert verdict.outcome == UNCHECKED and said in verdict.text


def test_the_library_s_tests_become_calls(tmp_path):
    calls = [s.source for s in steps_of_test("test_tiny.py", "test_grad") if s.do == "evaluate"]
    assert calls[:2] == ["df(2.0)", "d2f(2.0)"] and calls[2].startswith("jax.hessian(")
    shown = [s.source for s in docstring_steps("jvp.py", "jvp") if s.do == "show"]
    assert shown[-1] == "jax.jvp(jnp.sin, (0.0,), (2.0,))\n"
    e = COURSE["03.3"]
    assert {s.where for s in steps(e)} >= {"the docstring of jvp",
                                          "test_perturbations_are_kept_apart of test_spine.py"}


@pytest.mark.parametrize("wrong, said", [
    (lambda: steps_of_test("test_tiny.py", "test_nothing"), "no test test_nothing"),
    (lambda: steps_of_test("test_spine.py", "test_compositions"), "without parameters"),
    (lambda: docstring_steps("jvp.py", "fill_tangents"), "no examples"),
])
def test_a_test_that_cannot_be_taken_apart_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        list(wrong())


def test_a_test_of_the_library_that_fails_is_named(tmp_path):
    e = exercise(tmp_path, **{
        "without: numpy/reductions.py: sum": "tests: test_tiny.py: test_vmap",
        "import minijax.numpy as jnp\n```": "import minijax as jax, minijax.numpy as jnp\n```"})
    text = judge(e, HONEST + "jax.vmap = lambda f, *args, **kwargs: f").text
    assert "in test_vmap of test_tiny.py" in text


# --- in a notebook ---------------------------------------------------------------------------


def shell(*cells):
    """What IPython shows for these cells, each run as by a learner."""
    code = ("from IPython.core.interactiveshell import InteractiveShell\n"
            "shell = InteractiveShell.instance(history_length=0)\n"
            "shell.history_manager.enabled = False\n"
            f"for cell in {list(cells)!r}: shell.run_cell(cell, store_history=True)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8",
                          timeout=120)
    return done.stdout


def test_in_a_notebook():
    e = COURSE["01.4"]
    start = "from minijax.course.exercises import check, hint, solution"
    said = shell(start, generate.stub_cell(e), "hint('01.4')", "hint('01.4')", "solution('01.4')",
                 f"# exercise 01.4\n{e.solution}\ncheck()", "solution('01.4')", "check('01.3')",
                 "check('foo')")
    assert "there is no exercise 'foo'; there are 00.1 to" in said
    assert "01.4 not attempted: The four corners (about 1 line)" in said
    assert "hint 1 of 3" in said and "hint 2 of 3" in said
    assert "01.4 is not right yet. Ask again" in said
    assert "01.4 right" in said and said.count("return x[0] - y[1]") == 1
    assert "no cell that was run begins with `# exercise 01.3`" in said


def test_a_grader_gets_an_error_with_the_verdict(monkeypatch):
    cell = f"# exercise 01.4\n{COURSE['01.4'].wrong_answer(COURSE['01.4'].wrong[0])}"
    monkeypatch.setattr(exercises, "_texts", lambda: [cell])
    with pytest.raises(AssertionError, match="01.4 wrong: `difference"):
        exercises.passed("01.4")


def test_the_notebook_of_a_grader():
    made = generate.nbgrader([COURSE["01.4"]], "Tracing")
    answer, check = [c for c in made.cells if "nbgrader" in c.metadata]
    assert source.BEGIN in answer.source and answer.metadata.nbgrader.solution
    assert check.metadata.nbgrader == {
        "grade": True, "grade_id": "exercise_01_4_check", "locked": True, "points": 1,
        "schema_version": 3, "solution": False, "task": False}


# --- a learner's copy ------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path, monkeypatch):
    copies.start(tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path / "mine"


def said(*arguments):
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def answer(copy, number, text):
    e = COURSE[number]
    path = copy / "exercises" / e.chapter / f"{number.replace('.', '_')}.py"
    path.write_text(f"# exercise {number}\n{e.given}\n{text}", "utf-8")
    return path


def test_a_course_on_the_command_line(copy):
    e = COURSE["01.4"]
    assert said("check", "01.4") == (1, "01.4 not attempted: The four corners (about 1 line)\n"
                                     "  in exercises/01_tracing/01_4.py; for a hint:  "
                                     "minijax hint 01.4\n")
    path = answer(copy, "01.4", e.wrong_answer(e.wrong[0]))
    status, text = said("check", "01.4")
    assert status == 1 and e.wrong[0].message in text and "expected:" in text
    assert said("hint", "01.4")[1].startswith("hint 1 of 3: ")
    assert said("hint", "01.4")[1].startswith("hint 2 of 3: ")
    assert 'In a notebook,  solution("01.4")  shows' in said("hint", "01.4")[1]
    answer(copy, "01.4", e.solution)
    for words in [("check",), ("check", "01"), ("check", "1"), ("check", "01.4"), ("check", "1.4")]:
        assert said(*words) == (0, "01.4 right\n")
    text = said("progress")[1]
    assert "01_tracing           ...+" in text and "\n1 of " in text and "next: 00.1" in text
    before = path.read_text("utf-8")
    assert "your attempt is in exercises/attempts/01_4_1.py" in said("reset", "01.4")[1].replace(
        "\\", "/")
    assert (copy / "exercises/attempts/01_4_1.py").read_text("utf-8") == before
    assert said("check", "01.4")[0] == 1


def test_an_answer_in_a_notebook_counts_too(copy):
    path, e = copy / "exercises/01_tracing/01_tracing.ipynb", COURSE["01.4"]
    book = json.loads(path.read_text("utf-8"))
    [cell] = [c for c in book["cells"] if answers.number_of(c) == "01.4"]
    cell["source"] = [line + "\n" for line in f"# exercise 01.4\n{e.solution}".splitlines()]
    path.write_text(json.dumps(book), "utf-8")
    assert said("check", "01.4") == (0, "01.4 right\n")
    said("reset", "01.4")
    assert said("check", "01.4")[0] == 1
    assert "return x[0] - y[1]" in (copy / "exercises/attempts/01_4_1.py").read_text("utf-8")


def test_of_two_cells_the_last_is_spoken_of(copy):
    path, e = copy / "exercises/01_tracing/01_tracing.ipynb", COURSE["01.4"]
    book = json.loads(path.read_text("utf-8"))
    place = next(i for i, c in enumerate(book["cells"]) if answers.number_of(c) == "01.4")
    tries = [{**book["cells"][place], "source": f"# exercise 01.4\n{e.wrong_answer(wrong)}"}
             for wrong in e.wrong[:2]]
    book["cells"][place : place + 1] = tries
    path.write_text(json.dumps(book), "utf-8")
    assert e.wrong[1].message in said("check", "01.4")[1]


def test_watching(copy, monkeypatch):
    wrong, right = (COURSE["01.4"].wrong_answer(COURSE["01.4"].wrong[1]), COURSE["01.4"].solution)
    edits = iter([wrong, right])

    def sleep(seconds):
        text = next(edits, None)
        if text is None:
            raise KeyboardInterrupt
        answer(copy, "01.4", text)

    monkeypatch.setattr(commands.time, "sleep", sleep)
    text = said("check", "01.4", "--watch")[1]
    assert [word in text for word in ("not attempted", "wrong order", "01.4 right", "stopped")]
    assert text.index("not attempted") < text.index("watching") < text.index("wrong order")
    assert text.rstrip().endswith("stopped")


def test_an_update_adds_what_is_new_and_keeps_what_is_the_learner_s(tmp_path, monkeypatch):
    """Of the files and of the notebook: an exercise more, an edited one, one left alone."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        shutil.copytree(source.folder() / "01_tracing", folder / "01_tracing")
    (old / "01_tracing/01_6.py").unlink()
    path = old / "01_tracing/01_tracing.ipynb"
    book = json.loads(path.read_text("utf-8"))
    book["cells"] = book["cells"][:-2]
    path.write_text(json.dumps(book), "utf-8")
    monkeypatch.setattr(copies, "folder", lambda: old)
    mine = tmp_path / "mine/exercises/01_tracing"
    copies.start(tmp_path / "mine")
    assert not (mine / "01_6.py").exists() and not (mine / "solutions.py").exists()

    (mine / "01_4.py").write_text("# exercise 01.4\nmine\n", "utf-8")
    book["cells"][3]["source"] = ["# exercise 01.1\n", "mine"]
    (mine / "01_tracing.ipynb").write_text(json.dumps(book), "utf-8")
    for number in "45":  # both are better now
        with (new / f"01_tracing/01_{number}.py").open("a") as file:
            file.write("# new\n")
    monkeypatch.setattr(copies, "folder", lambda: new)
    copies.start(tmp_path / "mine")
    assert (mine / "01_4.py").read_text("utf-8") == "# exercise 01.4\nmine\n"
    assert (mine / "01_5.py").read_text("utf-8").endswith("# new\n") and (mine / "01_6.py").exists()
    cells = json.loads((mine / "01_tracing.ipynb").read_text("utf-8"))["cells"]
    assert [n for c in cells if (n := answers.number_of(c))] == [f"01.{i}" for i in range(1, 7)]
    assert "".join(cells[3]["source"]) == "# exercise 01.1\nmine"


def test_errors_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said("check", "01.1")[1].endswith("make one with  minijax start minijax-course  "
                                             "and go there\n")
    assert said("start")[1].endswith("minijax check 00.1\n")
    monkeypatch.chdir(copies.USUAL)
    text = said("check", "01.77")[1]
    assert "there is no exercise '01.77'; there are 01.1, 01.2" in text and "Trace" not in text
    for command in ("check", "hint", "reset"):
        text = said(command, "foo")[1]
        assert "there is no exercise 'foo'; there are 00.1 to 00.6, 01.1 to 01.6, " in text
    file = Path("exercises/01_tracing/01_4.py")
    file.write_bytes("# exercise 01.4\n# é\n".encode("utf-16"))
    text = said("check", "01.4")[1]
    assert "01_4.py is not text in UTF-8" in text and "save it again in that encoding" in text


def test_a_folder_that_cannot_be_written_is_one_sentence(copy, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "write_text", refuse)
    for words in [("start",), ("hint", "01.4"), ("reset", "01.4")]:
        status, text = said(*words)
        assert status == 1 and text.startswith("Error: ") and "Permission denied" in text, words
        assert str(copy) in text and "made with  minijax start FOLDER" in text


def test_reset_runs_nothing(copy, monkeypatch):
    """An endless loop is put away at once. Nothing in a file is no attempt; half a line is one."""
    judging = sys.modules[judge.__module__]
    monkeypatch.setattr(judging, "run", lambda *args: pytest.fail("it was run"))
    for text, kept in [("while True: pass", True), ("answer = (", True), ("", False)]:
        path = answer(copy, "01.4", text)
        assert ("your attempt is in" in said("reset", "01.4")[1]) == kept
    path.write_text("", "utf-8")
    assert "01.4 not attempted" in said("check", "01.4")[1]


def test_start_within_a_copy_renews_it(copy, monkeypatch):
    monkeypatch.chdir(copy / "exercises")
    (copy / "exercises/01_tracing/01_2.py").unlink()
    assert f"{copy}: 1 files written" in said("start")[1]
    assert not list(copy.rglob(copies.USUAL))


def test_files_of_the_course_are_found_wherever_it_is(tmp_path):
    assert Path(source.folder(), "01_tracing.md").is_file()
