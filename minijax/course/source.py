"""The text of the library, by address.

A chapter shows the library by naming parts of it, and this module finds their text::

    jvp.py: JVPTracer, jvp                       whole definitions
    core.py: class Tracer, Tracer.__init__       the head of a class, and some of its methods
    core.py: Tracer.__bool__                     a method, shown later than its class
    batching.py: batch[Elementwise]              `@batch.register def _(prim: Elementwise, ...)`
    core.py: ONE                                 an assignment, by the name it binds

A definition owns its decorators and the comment lines directly above it; a statement without a
name (a loop that attaches operators, a call that registers something) belongs to the definition
above it. Imports, the module's docstring and `__all__` are nobody's.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

CONTINUED = "# continued"  # on the line of a class whose head was shown before
BELOW = "...  # continued below"  # the last line of a class whose other members come later


@dataclass(frozen=True)
class Definition:
    """A stretch of a module that has a name; of a class, also its head and its members."""

    address: str
    names: tuple[str, ...]  # what it binds: empty for registrations and attribute assignments
    lines: tuple[int, int]  # first and last, counted from 1
    text: str
    head: str = ""  # of a class: from its decorators to its docstring
    header: str = ""  # of a class: `class C(Base):` alone
    members: tuple[Definition, ...] = ()
    owner: str = ""  # the class of a member
    partial: bool = False  # a class in a cell that shows only a part of it
    continued: bool = False  # ... and not its head

    def leaves(self) -> Iterator[tuple[str, str]]:
        """(address, text) of every smallest part: a function, the head of a class, a method."""
        if not self.continued:
            yield self.address, self.head or self.text
        for member in self.members:
            yield member.address, member.text

    def part(self, address: str) -> Definition | None:
        return next((m for m in self.members if m.address == address), None)


def definitions(text: str) -> tuple[Definition, ...]:
    """The top-level definitions of a module, or of a cell that shows some of one."""
    return tuple(_collect(ast.parse(text).body, text.splitlines(), ""))


def find(module: Iterable[Definition], address: str) -> Definition | None:
    """The definition or the method at `address`."""
    for d in module:
        if address == d.address or address in d.names:
            return d
        if found := d.part(address):
            return found
    return None


def is_anonymous(stmt: ast.stmt) -> bool:
    """Whether the statement has no name of its own and so belongs to the definition above it."""
    return not (_is_nobodys(stmt) or _is_ellipsis(stmt) or _address(stmt))


def _is_nobodys(stmt: ast.stmt) -> bool:
    if isinstance(stmt, ast.If):
        return ast.unparse(stmt.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    if isinstance(stmt, ast.Import | ast.ImportFrom):
        return True
    return isinstance(stmt, ast.Assign) and ast.unparse(stmt.targets[0]) == "__all__"


def _is_ellipsis(stmt: ast.stmt) -> bool:
    return isinstance(stmt, ast.Expr) and ast.unparse(stmt) == "..."


def _docstring(body: list[ast.stmt]) -> ast.stmt | None:
    first = body[0] if body else None
    value = first.value if isinstance(first, ast.Expr) else None
    return first if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _address(stmt: ast.stmt) -> tuple[tuple[str, ...], str] | None:
    """(the names a statement binds, its address), or None if it has no address."""
    if isinstance(stmt, ast.FunctionDef | ast.AsyncFunctionDef) and stmt.name == "_":
        rule = _registration(stmt)
        return ((), rule) if rule else None
    if isinstance(stmt, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (stmt.name,), stmt.name
    if isinstance(stmt, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
        flat = [n for t in targets for n in (t.elts if isinstance(t, ast.Tuple) else [t])]
        names = tuple(n.id for n in flat if isinstance(n, ast.Name))
        return names, names[0] if names else ast.unparse(flat[0])
    return None


def _registration(stmt: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """`batch[Elementwise]`, of a nameless function that registers a rule."""
    kinds = []
    for decorator in stmt.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        target = call.func if call else decorator
        if isinstance(target, ast.Attribute) and target.attr == "register":
            kind = call.args[0] if call else (stmt.args.posonlyargs + stmt.args.args)[0].annotation
            kinds.append((ast.unparse(target.value), ast.unparse(kind) if kind else "?"))
    return f"{kinds[0][0]}[{', '.join(kind for _, kind in kinds)}]" if kinds else None


def _collect(body: list[ast.stmt], lines: list[str], owner: str) -> list[Definition]:
    found: list[Definition] = []
    doc = _docstring(body)
    for i, stmt in enumerate(body):
        if stmt is doc or _is_nobodys(stmt) or _is_ellipsis(stmt):
            continue
        below = body[i + 1].lineno - 1 if i + 1 < len(body) else len(lines)
        span = _span(stmt, lines, below)
        names, name = _address(stmt) or ((), "")
        address = f"{owner}.{name}" if owner and name else name
        if not address or (found and found[-1].address == address):  # a property and its setter
            if found:  # else a loop before the first definition: nobody's
                found[-1] = _cut(found[-1], lines, (found[-1].lines[0], span[1]))
            continue
        made = _cut(Definition(address, names, span, "", owner=owner), lines, span)
        if isinstance(stmt, ast.ClassDef) and not owner:
            made = _with_members(made, stmt, lines)
        found.append(made)
    return found


def _cut(d: Definition, lines: list[str], span: tuple[int, int]) -> Definition:
    return replace(d, lines=span, text="\n".join(lines[span[0] - 1 : span[1]]))


def _span(stmt: ast.stmt, lines: list[str], below: int) -> tuple[int, int]:
    """First and last line, with the comments directly above and those that end the body."""
    first = min([stmt.lineno, *(d.lineno for d in getattr(stmt, "decorator_list", []))])
    while first > 1 and lines[first - 2].startswith(" " * stmt.col_offset + "#"):
        first -= 1
    last = end = stmt.end_lineno or first
    inside = " " * (stmt.col_offset + 1)
    while end < below and (not lines[end].strip() or lines[end].startswith(inside)):
        end += 1
        if lines[end - 1].strip().startswith("#"):
            last = end
    return first, last


def _with_members(made: Definition, stmt: ast.ClassDef, lines: list[str]) -> Definition:
    doc, first = _docstring(stmt.body), _span(stmt.body[0], lines, 0)[0]
    end = first - 1
    while end > stmt.lineno and lines[end - 1].strip()[:1] in ("", "#"):
        end -= 1  # blank lines and comments between the header and the first statement
    end = max(end, stmt.lineno)
    header = "\n".join(lines[stmt.lineno - 1 : end])
    head_end = doc.end_lineno if doc and doc.end_lineno else end
    continued = header.endswith(CONTINUED)
    below = any(_is_ellipsis(s) and lines[s.lineno - 1].strip() == BELOW for s in stmt.body)
    return replace(
        made,
        head="\n".join(lines[made.lines[0] - 1 : head_end]),
        header=header.removesuffix(CONTINUED).rstrip(),
        members=tuple(_collect(stmt.body, lines, made.address)),
        partial=continued or below,
        continued=continued,
    )


# Tags: what the metadata of a cell says it shows.


def parse_tag(tag: str) -> tuple[str, list[str]]:
    """`"jvp.py: class JVPTrace, JVPTrace.dual"` as a file and a list of addresses."""
    file, colon, rest = tag.partition(":")
    addresses = [" ".join(a.split()) for a in re.split(r",(?![^\[]*\])", rest)]
    if not colon or not file.strip().endswith(".py") or not all(addresses):
        raise ValueError(f'{tag!r} is not of the form "file.py: NAME, Class.method, ..."')
    return file.strip(), addresses


def shown(tag: str, module: tuple[Definition, ...]) -> list[tuple[Definition, bool]]:
    """What a tag shows, as (definition, only its head). KeyError names what the file lacks."""
    file, addresses = parse_tag(tag)
    found = []
    for address in addresses:
        head_only = address.startswith("class ")
        d = find(module, address.removeprefix("class "))
        if d is None or (head_only and not d.head):
            raise KeyError(f"{file} has no {address}")
        found.append((d, head_only))
    return found


def leaves(tag: str, module: tuple[Definition, ...]) -> list[str]:
    """The addresses of the smallest parts that a tag shows."""
    return [
        address
        for d, head_only in shown(tag, module)
        for address, _ in ([(d.address, d.head)] if head_only else d.leaves())
    ]


def render(tag: str, text: str, package: str = "minijax") -> str:
    """The cell that a tag stands for, from the text of the file it names."""
    module = definitions(text)
    blocks: list[tuple[str, int, int]] = []
    parts = [*shown(tag, module)]
    while parts:
        d, head_only = parts.pop(0)
        if not (d.owner or head_only):
            blocks.append((d.text, *d.lines))
            continue
        owner = find(module, d.owner) or d
        members = [d] if d.owner else []
        while parts and parts[0][0].owner == owner.address:
            members.append(parts.pop(0)[0])
        blocks.append((_part_of_class(owner, members, bool(d.owner)), *d.lines))
    return f"# {package}/{parse_tag(tag)[0]}\n" + _join(blocks)


def _part_of_class(owner: Definition, members: list[Definition], continued: bool) -> str:
    blocks = [(m.text, *m.lines) for m in members]
    if continued:
        return f"{owner.header}  {CONTINUED}\n{_join(blocks)}"
    head_end = owner.lines[0] + owner.head.count("\n")
    blocks.insert(0, (owner.head, owner.lines[0], head_end))
    if len(members) < len(owner.members):
        blocks.append((f"    {BELOW}", 0, 0))
    return _join(blocks)


def _join(blocks: list[tuple[str, int, int]]) -> str:
    """The texts under one another; a blank line between those that do not touch in the source."""
    out = blocks[0][0]
    for (_, _, last), (text, first, _) in itertools.pairwise(blocks):
        out += ("\n" if last + 1 == first else "\n\n") + text
    return out
