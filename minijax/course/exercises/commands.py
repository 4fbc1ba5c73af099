"""The command line of the exercises: `minijax start`, `check`, `hint`, `progress`, `reset`."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from minijax.course.exercises import copies
from minijax.course.exercises.judge import NOT_ATTEMPTED, RIGHT, judge
from minijax.course.exercises.source import Exercise, course, find, full
from minijax.course.places import trust

HINTS = ".hints.json"  # in the working copy: how many hints of each exercise were given
LOOK = 0.3  # seconds between two looks at the files
MARKS = {RIGHT: "+", NOT_ATTEMPTED: "."}


@contextmanager
def explained() -> Iterator[None]:
    """What a learner can cause is one sentence, without a traceback."""
    try:
        yield
    except KeyError as error:  # whose text is in quotes
        raise click.ClickException(error.args[0]) from error
    except PermissionError as error:
        raise click.ClickException(f"{error}: work in a copy that you may write, made with  "
                                   "minijax start FOLDER") from error
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
def start(folder: Path | None) -> None:
    """Make a working copy of the course.

    FOLDER gets the chapters and the exercises. If you name none it is the copy you are in, or a new
    one, minijax-course. Run it again after an update: it adds what is new. What you have changed
    is kept.
    """
    with explained():
        folder = folder or copies.around() or Path(copies.USUAL)
        made, kept = copies.start(folder)
        trust(made)
        first = next(iter(course().values()))
    click.echo(f"{folder}: {len(made)} files written, {len(kept)} of yours kept")
    file = copies.file_of(folder, first).relative_to(folder)
    click.echo(f"Next: cd {folder}, open {file}, and  minijax check {first.number}")


@click.command()
@click.argument("number", required=False)
@click.option("--watch", is_flag=True, help="Check again whenever a file changes; Ctrl-C ends it.")
def check(number: str | None, watch: bool) -> None:
    """Check your answer to exercise NUMBER, such as 03.1.

    With the number of a chapter, 03, all that you have attempted of it; without a number, of the
    course. Fails unless what was checked is right.
    """
    with explained():
        copy = copies.find_copy()
        chapter = full(number or "")
        wanted = [e for n, e in course().items() if not number or n.startswith(f"{chapter}.")]
        several = bool(wanted)
        wanted = wanted or [find(number or "")]
        good = tell(copy, wanted, not several)
    if watch:
        try:
            follow(copy, wanted)
        except KeyboardInterrupt:
            click.echo("stopped")
    sys.exit(int(not good))


def tell(copy: Path, wanted: list[Exercise], all_of_them: bool) -> bool:
    """Print the verdicts; whether all are right."""
    good, count = True, 0
    for e in wanted:
        verdict, path = copies.check_copy(copy, e)
        if verdict.outcome == NOT_ATTEMPTED and not all_of_them:
            continue
        count += 1
        click.echo(str(verdict))
        if verdict.outcome != RIGHT:
            good = False
            where = path or copies.file_of(copy, e)
            click.echo(f"  in {where.relative_to(copy)}; for a hint:  minijax hint {e.number}")
    if not count:
        click.echo(f"nothing attempted yet; begin with  minijax check {wanted[0].number}")
    return good


def follow(copy: Path, wanted: list[Exercise]) -> None:
    """Check what changes, until Ctrl-C."""
    seen = {e.number: copies.attempts(copy, e) for e in wanted}
    click.echo("watching; save a file to check it")
    while True:
        time.sleep(LOOK)
        for e in wanted:
            now = copies.attempts(copy, e)
            if [a.text for a in now] != [a.text for a in seen[e.number]]:
                seen[e.number] = now
                tell(copy, [e], True)


@click.command()
@click.argument("number")
def hint(number: str) -> None:
    """Print the next hint for exercise NUMBER, such as 03.1.

    There are three: a nudge, a pointer, and nearly the answer.
    """
    with explained():
        copy, e = copies.find_copy(), find(number)
        record = copy / copies.FOLDER / HINTS
        given = json.loads(record.read_text("utf-8")) if record.is_file() else {}
        n = given[e.number] = min(given.get(e.number, 0) + 1, len(e.hints))
        record.write_text(json.dumps(given), "utf-8")
    click.echo(f"hint {n} of {len(e.hints)}: {e.hints[n - 1]}")
    if n == len(e.hints):
        click.echo(f'That was the last. In a notebook,  solution("{e.number}")  shows an answer.')


@click.command()
def progress() -> None:
    """Check every exercise of the course and print where you are."""
    with explained():
        copy = copies.find_copy()
        verdicts = copies.progress(copy)
        total = sum(e.points for e in course().values())
    points = 0
    for chapter, group in itertools.groupby(course().values(), lambda e: e.chapter):
        members = list(group)
        marks = [MARKS.get(verdicts[e.number].outcome, "x") for e in members]
        points += sum(e.points for e, mark in zip(members, marks) if mark == "+")
        click.echo(f"{chapter:20} {''.join(marks)}  {marks.count('+')} of {len(marks)}")
    click.echo(f"{points} of {total} points  (+ right, x not yet, . not attempted)")
    left = [n for n, v in verdicts.items() if v.outcome != RIGHT]
    click.echo(f"next: {left[0]} {find(left[0]).title}" if left else "all done")


@click.command()
@click.argument("number")
def reset(number: str) -> None:
    """Begin exercise NUMBER, such as 03.1, again.

    What you had written is kept in the folder exercises/attempts.
    """
    with explained():
        copy, e = copies.find_copy(), find(number)
        kept = copies.reset(copy, e)
    for path in kept:
        click.echo(f"your attempt is in {path.relative_to(copy)}")
    click.echo(str(judge(e, e.stub)))
