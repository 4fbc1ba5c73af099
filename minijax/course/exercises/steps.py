"""What is done with an answer: the calls of its checks, and the library's own tests of that part.

A test is not believed when it says that it passed, since the code under test is there with it.
Taken apart, it is a list of calls: both sides of each comparison that it asserts go out as data,
and are compared with what they are for the solution. So do the examples of docstrings.
"""

from __future__ import annotations

import ast
import doctest
import functools
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import minijax
from minijax.course.exercises.source import Exercise
from minijax.course.places import shipped
from minijax.course.source import definitions, find, parse_tag

PACKAGE = Path(minijax.__file__).parent
ABSENT = {"jax", "pytest", "tests"}  # what tests import and a learner need not have


class Step(NamedTuple):
    """One thing to do with an attempt: a request to its process."""

    do: str
    source: str
    raises: bool = False
    where: str = ""  # the test or the docstring it comes from

    @property
    def named(self) -> str:
        return f"`{self.source.strip()}`" + (f" in {self.where}" if self.where else "")


@functools.cache
def steps(e: Exercise) -> tuple[Step, ...]:
    """All that is done with an attempt at an exercise, in order."""
    found = []
    for node in ast.parse(e.checks).body:
        source = ast.get_source_segment(e.checks, node) or ""
        raises = "# raises" in e.checks.splitlines()[(node.end_lineno or 1) - 1]
        found.append(Step("evaluate" if isinstance(node, ast.Expr) else "execute", source, raises))
    for setting, one in (("docstrings", docstring_steps), ("tests", test_steps)):
        for tag in e.tags(setting):
            file, names = parse_tag(tag)
            found += [step for name in names for step in one(file, name)]
    return tuple(found)


def docstring_steps(file: str, name: str) -> Iterator[Step]:
    """The examples in a docstring of the library."""
    d = find(definitions((PACKAGE / file).read_text("utf-8")), name)
    node = ast.parse(textwrap.dedent(d.text)).body[0] if d else None
    text = ast.get_docstring(node) if node else ""  # type: ignore[arg-type]
    examples = doctest.DocTestParser().get_examples(inspect.cleandoc(text or ""))
    if not examples:
        raise ValueError(f"{file}: {name} has no examples in its docstring")
    yield Step("forget", "")
    for example in examples:
        yield Step("show", example.source, where=f"the docstring of {name}")


def test_steps(file: str, name: str) -> Iterator[Step]:
    """A test function as calls: its statements, and the sides of what it asserts."""
    module = ast.parse(shipped("tests", file).joinpath(file).read_text("utf-8")).body
    test = next((x for x in module if isinstance(x, ast.FunctionDef) and x.name == name), None)
    if test is None or test.decorator_list or test.args.args:
        raise ValueError(f"{file} has no test {name} without parameters")
    yield Step("forget", "")
    for node in [*needed(module, test), *test.body]:
        where = f"{name} of {file}"
        if isinstance(node, ast.Assert):
            for side in sides(node.test):
                yield Step("evaluate", ast.unparse(side), where=where)
        else:
            yield Step("execute", ast.unparse(node), where=where)


def needed(module: list[ast.stmt], test: ast.FunctionDef) -> list[ast.stmt]:
    """What the test uses of its module: imports, and definitions with what these use."""
    wanted, found = _names(test), []
    for node in reversed(module[: module.index(test)]):
        if isinstance(node, ast.Import | ast.ImportFrom):
            source = getattr(node, "module", None) or node.names[0].name
            bound = {a.asname or a.name.split(".")[0] for a in node.names}
            use = source.split(".")[0] not in ABSENT and bound & wanted
        else:
            use = _bound(node) & wanted
            wanted |= _names(node) if use else set()
        if use:
            found.append(node)
    return found[::-1]


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)
            and isinstance(n.ctx, ast.Store)}


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def sides(test: ast.expr) -> Iterator[ast.expr]:
    """The values that an assertion speaks of; not the constants that it compares them with."""
    if isinstance(test, ast.BoolOp):
        for part in test.values:
            yield from sides(part)
    elif isinstance(test, ast.Compare):
        for side in (test.left, *test.comparators):
            if (used := _names(side)) and not used & (ABSENT - {"jax"}):
                yield side
    else:
        yield test
