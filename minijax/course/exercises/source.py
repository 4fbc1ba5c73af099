"""The source of the exercises: one Markdown file for each chapter, `exercises/03_jvp.md`.

    # Forward mode                                  the chapter

    ```python                                       given to every exercise
    import minijax as jax
    ```

    ## 03.1 Along a direction                       the exercise: its number and its title

    points: 2                                       and any of the other lines of `SETTINGS`

    Write ... (at most 50 words, then perhaps a fence with an example)

    ```python                                       the answer, its solution marked
    def directional(f, x, v):
        ### BEGIN SOLUTION
        return jax.jvp(f, (x,), (v,))[1]
        ### END SOLUTION
    ```

    ### Hints                                       three: a nudge, a pointer, nearly the answer

    1. ...

    ### Checks                                      calls; what they return is compared with
                                                    what the solution's return
    ```python
    directional(jnp.sin, 0.5, 2.0)
    ```

    ### Wrong: forgets the direction                what stands there in the solution's place, and
                                                    what to say to whoever has written the like
    ```python
    return jax.jvp(f, (x,), (1.0,))[1]
    ```

    The tangent that goes in is `v` ...

    ### Proof                                       (may be left out) what holds of the solution,
                                                    with all of the library at hand
    ```python
    assert directional(jnp.sin, 0.0, 2.0) == 2.0
    ```
"""

from __future__ import annotations

import ast
import functools
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from minijax.course.places import shipped

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
SETTINGS = {
    "points": "how many it is worth (default 1)",
    "in": "the file of the library in which the answer takes the place of what is there",
    "without": "functions that are out of reach, `jvp.py: jvp, jvp_flat`; several with `;`",
    "docstrings": "whose examples are checks too, `jvp.py: jvp`; several with `;`",
    "tests": "of the library, which are checks too, `test_tiny.py: test_vmap`; several with `;`",
    "processes": "`yes` where the answer may start other processes, as a pmap does",
}
FENCE = re.compile(r"^```python\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)
FIRST_LINE = re.compile(r"# exercise (\d\d\.\d+)\b")  # marks an attempt, in a file or a cell
MOST_WORDS = 50


@dataclass(frozen=True)
class Wrong:
    """An answer that people give, and what each who gives it is told."""

    name: str
    code: str
    message: str


@dataclass(frozen=True)
class Exercise:
    """One exercise, as its source has it."""

    number: str  # "03.1"
    title: str
    chapter: str  # "03_jvp"
    statement: str
    given: str
    answer: str  # with the marks of the solution
    hints: tuple[str, ...]
    checks: str
    wrong: tuple[Wrong, ...]
    proof: str = ""
    points: int = 1
    settings: dict[str, str] = field(default_factory=dict, hash=False)

    @functools.cached_property
    def _parts(self) -> tuple[list[str], list[str], list[str]]:
        """The lines of the answer before, in and after the solution."""
        lines = self.answer.splitlines()
        begin, end = ([i for i, x in enumerate(lines) if x.strip() == m] for m in (BEGIN, END))
        return lines[: begin[0]], lines[begin[0] + 1 : end[0]], lines[end[0] + 1 :]

    def with_solution(self, lines: list[str]) -> str:
        before, solution, after = self._parts
        indent = re.match(r" *", next(x for x in solution if x.strip()))
        made = textwrap.indent("\n".join(lines), indent[0] if indent else "")
        return "\n".join([*before, made, *after]) + "\n"

    @property
    def solution(self) -> str:
        """The answer without the marks."""
        before, solution, after = self._parts
        return "\n".join([*before, *solution, *after]) + "\n"

    @property
    def stub(self) -> str:
        """What the learner begins with."""
        return self.with_solution([f"...  # {self.size}"])

    def wrong_answer(self, wrong: Wrong) -> str:
        return self.with_solution(wrong.code.strip("\n").splitlines())

    @property
    def size(self) -> str:
        """How much is expected, for the learner."""
        lines = [x for x in self._parts[1] if x.strip() and not x.strip().startswith("#")]
        return f"about {len(lines)} line{'s' * (len(lines) > 1)}"

    @property
    def names(self) -> list[str]:
        """What the answer defines: all that the checks see of an attempt."""
        found = []
        for node in ast.parse(self.solution).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.append(node.name)
            elif isinstance(node, ast.Assign):
                found += [n.id for t in node.targets for n in ast.walk(t)
                          if isinstance(n, ast.Name)]
        return list(dict.fromkeys(found))

    @property
    def stem(self) -> str:
        """The number as names of files have it: 03_1."""
        return self.number.replace(".", "_")

    @property
    def library_file(self) -> str | None:
        """The file of the library in which the answer takes the place of what is there."""
        return self.settings.get("in")

    def tags(self, setting: str) -> list[str]:
        """`a.py: f, g; b.py: h` as two."""
        return [tag.strip() for tag in self.settings.get(setting, "").split(";") if tag.strip()]


# --- reading ---------------------------------------------------------------------------------


def read(path: Path) -> list[Exercise]:
    """The exercises of a chapter. ValueError names what is missing, and where."""
    text = path.read_text(encoding="utf-8")
    head, *parts = re.split(r"^## (?=\d)", text, flags=re.MULTILINE)
    given = "\n".join(FENCE.findall(head))
    return [_exercise(part, path.stem, given) for part in parts]


def _exercise(text: str, chapter: str, given: str) -> Exercise:
    head, *sections = re.split(r"^### (?!BEGIN|END)", text, flags=re.MULTILINE)
    heading, _, body = head.partition("\n")
    number, _, title = heading.partition(" ")
    settings, body = _settings(body, number)
    answers = FENCE.findall(body)
    if len(answers) != 1 or BEGIN not in answers[0] or END not in answers[0]:
        raise ValueError(f"exercise {number}: its text needs one ```python fence, with {BEGIN!r} "
                         f"and {END!r} around the solution")
    named = dict(part.split("\n", 1) for part in sections)
    made = Exercise(
        number=number, title=title.strip(), chapter=chapter, answer=answers[0],
        given=given + _imports(answers[0]),
        statement=FENCE.sub("", body).strip(),
        hints=tuple(_list_items(named.get("Hints", ""))),
        checks="\n".join(FENCE.findall(named.get("Checks", ""))),
        proof="\n".join(FENCE.findall(named.get("Proof", ""))),
        wrong=tuple(_wrong(k[6:].strip(), v) for k, v in named.items() if k.startswith("Wrong:")),
        points=int(settings.get("points", 1)), settings=settings)
    problems = list(complaints(made))
    unknown = [k for k in named if k not in ("Hints", "Checks", "Proof") and k[:6] != "Wrong:"]
    problems += [f"the section {k!r} is none of Hints, Checks, Proof, Wrong: ..." for k in unknown]
    if problems:
        raise ValueError(f"exercise {number}: {'; '.join(problems)}")
    return made


def _settings(body: str, number: str) -> tuple[dict[str, str], str]:
    """The lines `name: value` at the beginning, and what follows them."""
    found: dict[str, str] = {}
    lines = body.strip("\n").splitlines()
    while lines and (line := re.fullmatch(r"([a-z]+): (.+)", lines[0])):
        if line[1] not in SETTINGS:
            known = ", ".join(SETTINGS)
            raise ValueError(f"exercise {number}: no setting is called {line[1]!r}, only {known}")
        found[line[1]] = line[2].strip()
        del lines[0]
    return found, "\n".join(lines)


def _imports(answer: str) -> str:
    """What an answer imports, the checks see too."""
    before = textwrap.dedent(answer.partition(BEGIN)[0])
    lines = [line for line in before.splitlines() if re.match(r"import |from ", line)]
    return "".join(f"{line}\n" for line in lines)


def _list_items(text: str) -> Iterator[str]:
    for item in re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]:
        yield textwrap.dedent("   " + item).strip()


def _wrong(name: str, text: str) -> Wrong:
    fences = FENCE.findall(text)
    return Wrong(name, fences[0] if fences else "", " ".join(FENCE.sub("", text).split()))


def complaints(e: Exercise) -> Iterator[str]:
    """What an exercise lacks."""
    prose = re.sub(r"^```.*?^```", "", e.statement, flags=re.MULTILINE | re.DOTALL)
    count = len(prose.split())
    if not 0 < count <= MOST_WORDS:
        yield f"its statement has {count} words: 1 to {MOST_WORDS}"
    if len(e.hints) != 3:
        yield f"it has {len(e.hints)} hints, not three: a nudge, a pointer, nearly the answer"
    if not e.checks.strip() and not e.settings.keys() & {"docstrings", "tests"}:
        yield "it has no checks"
    if len(e.wrong) < 2:
        yield f"it has {len(e.wrong)} wrong answers: at least two"
    if len({w.message for w in e.wrong}) < len(e.wrong):
        yield "two of its wrong answers have one message"
    for w in e.wrong:
        if not w.code.strip() or not w.message:
            yield f"the wrong answer {w.name!r} needs a ```python fence and a message"
    for name, code in [("checks", e.checks), ("proof", e.proof), ("solution", e.solution)]:
        try:
            ast.parse(code)
        except SyntaxError as error:
            yield f"its {name}: line {error.lineno} is not Python ({error.msg})"


# --- finding ---------------------------------------------------------------------------------


def folder() -> Path:
    """The folder of the sources."""
    return shipped("exercises", "00_tour.md")


@functools.cache
def course() -> dict[str, Exercise]:
    """All exercises by their numbers, in order."""
    found = [e for path in sorted(folder().glob("[0-9]*.md")) for e in read(path)]
    return {e.number: e for e in found}


def full(number: str) -> str:
    """`3.1` as the course writes it, 03.1; the number of a chapter alike."""
    return number.strip().zfill(2) if "." not in number else number.strip().zfill(4)


def find(number: str) -> Exercise:
    """One exercise. KeyError says which there are."""
    if full(number) in course():
        return course()[full(number)]
    chapters: dict[str, list[str]] = {}
    for n in course():
        chapters.setdefault(n[:2], []).append(n)
    same = chapters.get(full(number).split(".")[0])
    there = same or [f"{group[0]} to {group[-1]}" for group in chapters.values()]
    raise KeyError(f"there is no exercise {number!r}; there are {', '.join(there)}")
