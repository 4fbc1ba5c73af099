"""`minijax release`: the exercises as assignments, for nbgrader or for any other course system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import nbformat

from minijax.course.exercises import generate
from minijax.course.exercises.source import Exercise, course, folder
from minijax.course.places import copy_folder

CONFIG = '''\
"""What nbgrader is told of this course. Change what you like: it is written once."""

from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, SaveAutoGrades

from minijax.course.teaching.grading import Judge

c = get_config()
c.CourseDirectory.course_id = "minijax"
# Answers are judged in processes of their own, and not run in a kernel with what grades them.
c.Autograde.autograde_preprocessors = [
    Judge, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata]
'''


@click.group()
def release() -> None:
    """Write the exercises as assignments for a class.

    INSTRUCTORS.md says how to plan, grade and evaluate a course with them.
    """


target = click.argument("target", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
chosen = click.argument("chapters", metavar="[CHAPTER]...", nargs=-1)


@release.command()
@target
@chosen
def nbgrader(target: Path, chapters: tuple[str, ...]) -> None:
    """Make a course for nbgrader in the folder DIR.

    An assignment for each CHAPTER, such as 03; without any, for all. Run it again for more of
    them, or after an update. What you have changed is kept.
    """
    names, made = write(target / "source", chapters, generate.nbgrader)
    config = target / "nbgrader_config.py"
    if not config.exists():
        config.write_text(CONFIG, "utf-8")
    click.echo(f"{target}: {made} of {len(names)} assignments written: {listed(names)}")
    click.echo(f"Next: cd {target}  and  nbgrader generate_assignment {names[0]}")
    click.echo("(nbgrader itself:  python -m pip install '.[instructors]'  in your clone)")


@release.command()
@target
@chosen
def plain(target: Path, chapters: tuple[str, ...]) -> None:
    """Write notebooks without solutions to the folder DIR.

    A notebook for each CHAPTER, such as 03; without any, for all. They can be handed out by any
    course system. What you have changed is kept.
    """
    names, made = write(target, chapters, generate.notebook)
    click.echo(f"{target}: {made} of {len(names)} notebooks written: {listed(names)}")
    click.echo("Next: hand them out; when they are back in one folder, with a folder or a file for "
               "each learner:  minijax statistics FOLDER")


def write(target: Path, chapters: tuple[str, ...], form: Callable[[list[Exercise], str], Any]
          ) -> tuple[list[str], int]:
    """Write the notebooks in a form: the names of the chapters, and how many were written."""
    if not target.exists() and is_chapter(target.name):
        raise click.BadParameter(f"{target} is a chapter: the folder comes first, and the chapters "
                                 f"after it:  DIR {target}")
    names = wanted(chapters)

    def as_form(name: Path, content: bytes) -> bytes:
        source = folder() / f"{name.stem}.md"
        members = [e for e in course().values() if e.chapter == name.stem]
        return (nbformat.writes(form(members, generate.title(source))) + "\n").encode()

    try:
        made, kept = copy_folder(folder(), target, change=as_form, wanted=lambda name:
                                 name.suffix == ".ipynb" and name.stem in names)
    except OSError as error:
        raise click.ClickException(f"{error}: name a folder that can be written") from error
    for path in kept:
        click.echo(f"{path}: yours is kept; ours is newer. Move yours away to get it.")
    return names, len(made)


def listed(names: list[str]) -> str:
    points = {name: sum(e.points for e in course().values() if e.chapter == name) for name in names}
    return ", ".join(f"{name} ({total} points)" for name, total in points.items())


def wanted(chapters: tuple[str, ...]) -> list[str]:
    """The chapters that were named, by number or by name; all of them if none was."""
    there = dict.fromkeys(e.chapter for e in course().values())
    unknown = [c for c in chapters if not is_chapter(c)]
    if unknown:
        raise click.BadParameter(f"no chapter {unknown[0]!r} has exercises; there are "
                                 f"{', '.join(name[:2] for name in there)}")
    return [name for name in there if not chapters or name in chapters or name[:2] in chapters]


def is_chapter(name: str) -> bool:
    """Whether a chapter with exercises goes by this name or number."""
    return any(name in (e.chapter, e.chapter[:2]) for e in course().values())
