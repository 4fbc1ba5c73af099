"""Is an answer right? The calls of the checks are made with it and with the solution, each in a
process of its own; what comes back is data, and it is compared here.

A wrong answer is recognised by what it does: an attempt that returns the same as a named wrong
answer, in every call, gets that one's message.
"""

from __future__ import annotations

import ast
import contextlib
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from minijax.compiler import cache
from minijax.course.exercises.source import Exercise, Wrong, folder
from minijax.course.exercises.steps import Step, steps
from minijax.course.sandbox.data import difference, line_diff, written
from minijax.course.sandbox.process import LIMITS, Ended, Limits, NotStarted, Sandbox

NOT_ATTEMPTED, WRONG, RIGHT, UNCHECKED = (
    "not attempted", "wrong", "right", "cannot be checked")
TALK = {"check", "hint", "solution"}  # what a cell may call beside its answer
DOTS = ("...", "raise NotImplementedError()")  # ours, and what nbgrader puts in their place
SHOWN = 10  # lines of what an attempt printed


@dataclass(frozen=True)
class Verdict:
    """What is said of an attempt."""

    number: str
    outcome: str
    text: str = ""
    wrong: str = ""  # the name of the wrong answer that it is

    def __str__(self) -> str:
        return f"{self.number} {self.outcome}{': ' if self.text else ''}{self.text}"

    __repr__ = __str__


class Run(NamedTuple):
    """What came back, one after the other, what was printed, and why it ended early."""

    values: list[Any]
    printed: str = ""
    ended: str = ""


def judge(e: Exercise, attempt: str, limits: Limits = LIMITS) -> Verdict:
    """The verdict on an attempt: the text of a file or of a cell."""
    try:
        answer = answer_of(attempt)
    except SyntaxError as error:
        line = (error.text or "").strip()
        return Verdict(e.number, WRONG, f"line {error.lineno} is not Python, {error.msg}: {line}")
    if not attempted(e, answer):
        return Verdict(e.number, NOT_ATTEMPTED, f"{e.title} ({e.size})")
    try:
        expected = run_solution(e)
        mine = run(e, answer, limits)
        if fault := fault_of_solution(e, expected):
            return Verdict(e.number, UNCHECKED, fault)
        if (place := first_difference(mine, expected)) is None:
            return Verdict(e.number, RIGHT)
        return explain(e, mine, expected, place)
    except NotStarted as error:
        return Verdict(e.number, UNCHECKED, str(error))


def judge_best(e: Exercise, attempts: Sequence[str]) -> tuple[Verdict, int | None]:
    """The verdict on the best of somebody's attempts, the latest of which comes first, and its
    place: one that is right, else the latest that is one at all. The place of none is None.
    """
    latest: tuple[Verdict, int | None] | None = None
    for place, attempt in enumerate(attempts):
        verdict = judge(e, attempt)
        if verdict.outcome == RIGHT:
            return verdict, place
        if verdict.outcome != NOT_ATTEMPTED:
            latest = latest or (verdict, place)
    return latest or (judge(e, e.stub), None)


def answer_of(text: str) -> str:
    """An attempt without the calls of `check`, `hint` and `solution`; its lines stay in place."""
    lines = text.splitlines()
    for node in ast.parse(text).body:
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in TALK:
            end = node.end_lineno or node.lineno
            lines[node.lineno - 1 : end] = [""] * (end - node.lineno + 1)
    return "\n".join(lines) + "\n"


def begun(e: Exercise, attempt: str) -> bool:
    """Whether a text has more than the learner was given; it is not run."""
    try:
        return attempted(e, answer_of(attempt))
    except SyntaxError:
        return True


def attempted(e: Exercise, answer: str) -> bool:
    """Whether there is an answer, other than what the learner was given and comments."""
    given = {ast.unparse(node) for node in ast.parse(e.given).body}

    def own(text: str) -> list[str]:
        return [t for node in ast.parse(text).body if (t := ast.unparse(node)) not in given]

    return own(answer) not in ([], *(own(e.with_solution([dots])) for dots in DOTS))


# --- running ---------------------------------------------------------------------------------


def run(e: Exercise, answer: str, limits: Limits = LIMITS, ours: bool = False) -> Run:
    """Load an answer and take every step with it, until one does not come back.

    Only of ours are kernels kept: others could leave the solution a kernel that errs as they do.
    """
    values: list[Any] = []
    ended = ""
    with Sandbox(answer, e.names, e.given, e.library_file, e.tags("without"), [str(folder())],
                 kept_kernels() if ours else (), e.settings.get("processes") == "yes",
                 limits) as sandbox:
        try:
            values.append(sandbox.loaded())
            for step in steps(e) if values == [None] else ():
                values.append(sandbox.ask(step.do, step.source))
        except Ended as error:
            ended = str(error)
    return Run(values, sandbox.printed.decode("utf-8", "replace"), ended)


def kept_kernels() -> list[str]:
    """The folder of compiled kernels, which is made if it is not there."""
    place = cache.folder()
    if place is None:
        return []
    with contextlib.suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [str(place)]


@functools.cache
def run_solution(e: Exercise) -> Run:
    return run(e, e.solution, ours=True)


def fault_of_solution(e: Exercise, found: Run) -> str | None:
    """Why the checks are none: the solution did not pass through them as their author says."""
    if found.ended:
        return f"the solution {found.ended}"
    for step, value in zip((Step("load", "the solution"), *steps(e)), found.values):
        if step.raises != (value is not None and value[0] == "error"):
            raised = f"raises {written(value)}" if not step.raises else "does not raise"
            return f"the exercise is wrong: {step.source} {raised}"
    return None


@functools.cache
def run_wrong(e: Exercise, wrong: Wrong) -> Run:
    return run(e, e.wrong_answer(wrong), ours=True)


# --- comparing -------------------------------------------------------------------------------


def apart(mine: Any, expected: Any) -> str | None:
    """What is wrong with one value; None is a step that only had to be done."""
    if mine is None or expected is None:
        return None if mine == expected else "an error"
    return difference(mine, expected)


def first_difference(mine: Run, expected: Run) -> int | None:
    """The place of the first value that is not as expected, or is missing."""
    for i, value in enumerate(expected.values):
        if i >= len(mine.values) or apart(mine.values[i], value):
            return i
    return None


def same(a: Run, b: Run) -> bool:
    ended = bool(a.ended) == bool(b.ended) and len(a.values) == len(b.values)
    return ended and not any(map(apart, a.values, b.values))


def explain(e: Exercise, mine: Run, expected: Run, place: int) -> Verdict:
    """Why it is wrong: the call, what came back, what was expected; and the mistake, if named."""
    call = steps(e)[place - 1].named if place else "your code"
    if place >= len(mine.values):
        text = f"{call} {mine.ended}"
    else:
        text = told(call, mine.values[place], expected.values[place])
    named = next((w for w in e.wrong if same(mine, run_wrong(e, w))), None)
    if named:
        text += f"\n{named.message}"
    if printed := mine.printed.splitlines():
        more = ["..."] if len(printed) > SHOWN else []
        text += "\n" + "\n".join(["it printed:", *printed[:SHOWN], *more])
    return Verdict(e.number, WRONG, text, named.name if named else "")


def told(call: str, mine: Any, expected: Any) -> str:
    """The sentence about one value that is not as expected."""
    if mine is not None and mine[0] == "error":
        wanted = f"\nexpected:  {written(expected)}" if expected and expected[0] != "error" else ""
        return f"{call} raised {written(mine)}{wanted}"
    if mine is None or expected is None or expected[0] == "error":
        came = f"\ncame back: {written(mine)}" if mine else ""
        return f"{call} should have raised {(expected or mine)[1]}{came}"
    texts = mine[0] == expected[0] and mine[0] in ("text", "program")
    if texts and "\n" in mine[1] + expected[1]:
        return f"{call} gives (- yours, + expected)\n{line_diff(mine[1], expected[1])}"
    what = difference(mine, expected) or ""
    why = "" if what.startswith("another") else f"\n{what}"
    return f"{call}\ncame back: {written(mine)}\nexpected:  {written(expected)}{why}"
