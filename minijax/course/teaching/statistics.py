"""`minijax statistics`: what a class got right, and which mistakes it made."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from minijax.course.exercises.judge import NOT_ATTEMPTED, RIGHT, UNCHECKED, WRONG, Verdict
from minijax.course.exercises.source import find
from minijax.course.teaching.submissions import best, of_class
from minijax.course.terminal import one_line_errors, progress, require, stoppable

Table = dict[str, dict[str, Verdict]]  # learner, number
OTHER = "another mistake"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--csv", "sheet", type=click.Path(dir_okay=False, path_type=Path),
              help="Also write a table: learner, exercise, outcome, mistake, points.")
def statistics(folder: Path, sheet: Path | None) -> None:
    """Count right answers and named mistakes of a class.

    FOLDER is a course of nbgrader's, or has a folder or a file for each learner, with notebooks or
    Python files. Every answer is judged again; nothing in the files is believed.
    """
    require("rich")
    from rich.console import Console

    given, complaints = of_class(folder)
    if not given:
        raise click.ClickException(
            f"no answers in {folder}: it needs a folder or a file for each learner, and answers "
            "begin with `# exercise 01.1`" + "".join(f"\n{c}" for c in complaints))
    total = sum(map(len, given.values()))
    with stoppable("statistics"), progress(Console(stderr=True)) as bar:
        task = bar.add_task("judging", total=total)
        table = verdicts(given, lambda: bar.advance(task))
    click.echo("\n".join(lines(table)))
    if sheet:
        with one_line_errors(OSError):
            write(sheet, table)
    for complaint in complaints:
        click.echo(complaint, err=True)
    sys.exit(int(bool(complaints)))


def verdicts(given: dict[str, dict[str, list[str]]], done: Callable[[], None]) -> Table:
    """Every learner's answers, judged."""
    table: Table = {}
    for learner, texts in given.items():
        row = table[learner] = {}
        for number in sorted(texts):
            row[number] = best(find(number), texts[number])
            done()
    return table


def lines(table: Table) -> Iterable[str]:
    """The report: each exercise with its mistakes, then each learner's points."""
    for number in sorted({number for row in table.values() for number in row}):
        found = [row[number] for row in table.values() if number in row]
        outcomes = Counter(v.outcome for v in found)
        told = [f"{outcomes[o]} {o}" for o in (RIGHT, WRONG, NOT_ATTEMPTED, UNCHECKED)
                if outcomes[o] or o == RIGHT]
        yield f"{number} {find(number).title}: {', '.join(told)}"
        mistakes = Counter(v.wrong or OTHER for v in found if v.outcome == WRONG)
        yield from (f"{count:6}  {name}" for name, count in mistakes.most_common())
    yield ""
    for learner, row in table.items():
        possible = sum(find(number).points for number in row)
        yield f"{learner}: {sum(map(points, row.values()))} of {possible} points"


def points(verdict: Verdict) -> int:
    return find(verdict.number).points if verdict.outcome == RIGHT else 0


def write(sheet: Path, table: Table) -> None:
    """One line for each learner and exercise."""
    with sheet.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["learner", "exercise", "outcome", "mistake", "points"])
        for learner, row in table.items():
            for number, v in row.items():
                out.writerow([learner, number, v.outcome, v.wrong, points(v)])
