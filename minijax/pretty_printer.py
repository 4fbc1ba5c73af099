"""Text that breaks into lines only where it must (Wadler, "A prettier printer", 1998).

A document is a string, a list of documents, or one of three marks. A `Group` is put on one line if
it fits there by itself; otherwise each `Break` in it that is in no smaller group is a new line.

>>> args = Group(["f(", Nest(2, [Break(""), join([",", Break()], ["first", "second"])]), ")"])
>>> print(layout(args), layout(args, width=10), sep=chr(10))
f(first, second)
f(
  first,
  second)

As in `jax/_src/pretty_printer.py`, what follows a group has no say in whether it fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

Doc = Any  # str | list[Doc] | Break | Nest | Group


class Break(NamedTuple):
    """A new line or, where the group fits on one line, the text `flat`."""

    flat: str = " "


class Nest(NamedTuple):
    """New lines within `doc` are indented by `by` more."""

    by: int
    doc: Doc


class Group(NamedTuple):
    """One line if it fits."""

    doc: Doc


def join(separator: Doc, docs: Sequence[Doc]) -> Doc:
    """The documents with the separator between them."""
    return [part for doc in docs for part in (separator, doc)][1:]


def layout(doc: Doc, width: int = 80) -> str:
    """The text of a document."""
    out, column, todo = [], 0, [(0, True, doc)]  # (indentation, are breaks new lines?, document)
    while todo:
        indent, broken, doc = todo.pop()
        match doc:
            case str(text):
                out.append(text)
                column += len(text)
            case Break() if broken:
                out.append("\n" + " " * indent)
                column = indent
            case Break(text):
                out.append(text)
                column += len(text)
            case Nest(by, inner):
                todo.append((indent + by, broken, inner))
            case Group(inner):
                todo.append((indent, not fits(inner, width - column), inner))
            case _:
                todo.extend((indent, broken, part) for part in reversed(doc))
    return "".join(out)


def fits(doc: Doc, width: int) -> bool:
    """Does a document fit in `width` columns, on one line?"""
    todo = [doc]
    while todo and width >= 0:
        doc = todo.pop()
        match doc:
            case str(text) | Break(text):
                width -= len(text)
            case Nest(_, inner) | Group(inner):
                todo.append(inner)
            case _:
                todo.extend(reversed(doc))
    return width >= 0
