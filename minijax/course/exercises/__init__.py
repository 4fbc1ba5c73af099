"""Exercises: in a notebook `check("03.1")`, `hint("03.1")`, `solution("03.1")`.

`source.py` reads them; `steps.py` says which calls are made with an answer, `judge.py` whether it
is right. `stubs.py` and `generate.py` make what learners get; `copies.py` looks after their copies,
`answers.py` finds what they wrote in files, `commands.py` is the command line.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from minijax.course.exercises.judge import RIGHT, Verdict, judge
from minijax.course.exercises.source import FIRST_LINE, find
from minijax.course.show.text import Text

__all__ = ["check", "hint", "passed", "solution"]

_hints: dict[str, int] = {}  # how many of each were given in this session
_cells: list[str] = []  # what was run in this notebook
_right: set[str] = set()
_asked: set[str] = set()


def check(number: str | None = None, attempt: str | None = None) -> Verdict:
    """Whether your answer to an exercise is right, and if not, why.

    The answer is the last cell that was run and begins with `# exercise 03.1`; without a number,
    with any. In a script it is the text of the script.

    >>> check("01.4", "def difference(x, y): return x[0] - y[1], x[1] - y[0]")
    01.4 right
    """
    if number:
        number = find(number).number
    text = _latest(number) if attempt is None else attempt
    mark = FIRST_LINE.match(text.lstrip())
    e = find(number or (mark[1] if mark else ""))
    verdict = judge(e, text)
    if verdict.outcome == RIGHT:
        _right.add(e.number)
    return verdict


def hint(number: str) -> Text:
    """The next hint: a nudge, a pointer, then nearly the answer.

    >>> hint("01.4")
    hint 1 of 3: When is a difference as small as it can be?
    """
    e = find(number)
    n = _hints[e.number] = min(_hints.get(e.number, 0) + 1, len(e.hints))
    return Text(f"hint {n} of {len(e.hints)}: {e.hints[n - 1]}")


def solution(number: str) -> Text:
    """One right answer: after yours was right, or when you ask a second time."""
    e = find(number)
    if e.number in _right or e.number in _asked:
        return Text(e.solution)
    _asked.add(e.number)
    return Text(f"{e.number} is not right yet. Ask again to see a solution, or ask for a hint: "
                f'hint("{e.number}")')


def passed(number: str) -> None:
    """AssertionError with the verdict, unless the answer is right: for graders."""
    verdict = check(number)
    assert verdict.outcome == RIGHT, str(verdict)


def _latest(number: str | None) -> str:
    """The text of the last cell that answers the exercise; in a script, the script's own."""
    for text in _texts():
        first = FIRST_LINE.match(text)
        if first and number in (None, first[1]):
            return text
    mark = f"# exercise {number or '03.1'}"
    raise LookupError(f"no cell that was run begins with `{mark}`: run the one with your answer, "
                      "or leave that line in its place")


def _texts() -> list[str]:
    """The texts that may be answers, the latest first."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    return _cells[::-1] or ([Path(script).read_text("utf-8")] if script else [])


def _remember(cell: Any) -> None:
    _cells.append(cell.raw_cell.lstrip())


def _shell() -> Any:
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


if shell := _shell():
    shell.events.register("pre_run_cell", _remember)
