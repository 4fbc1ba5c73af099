"""The reference: for each module that `book.yml` names, a page of what a reader may use of it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from minijax.core import Primitive

PACKAGE = Path(__file__).resolve().parents[2]
DIRECTIVES = {"Functions": "autofunction", "Classes": "autoclass"}


def public_names(module: ModuleType) -> list[str]:
    """What a module offers: `__all__`, or what it defines or re-exports (`from x import y as y`).

    The `__init__.py` of a package is a list of names: all that it imports counts.

    >>> from minijax import nn
    >>> public_names(nn)[:3]
    ['celu', 'dot_product_attention', 'elu']
    """
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    tree = ast.parse(inspect.getsource(module))
    found = {name for node in tree.body for name in _bound(node, hasattr(module, "__path__"))}
    return sorted(n for n in found if n[0] != "_" and not inspect.ismodule(getattr(module, n)))


def _bound(node: ast.stmt, is_list: bool) -> Iterator[str]:
    """The names that a statement makes public."""
    if isinstance(node, ast.ImportFrom):
        yield from (a.asname or a.name for a in node.names if is_list or a.asname == a.name)
    elif isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [n for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
        yield from (n.id for n in names if isinstance(n.ctx, ast.Store))


def kind(value: Any) -> str:
    """Under which heading a name stands. What is NumPy's or Python's is listed as a value."""
    if isinstance(value, Primitive):
        return "Operations"
    owner = str(getattr(value, "__module__", "")).partition(".")[0]
    if not callable(value) or owner not in ("minijax", "jax"):  # some say JAX's name, as JAX does
        return "Values"
    return "Classes" if isinstance(value, type) else "Functions"


def pages(modules: tuple[str, ...]) -> dict[str, str]:
    """Each module's page. What two modules offer is described once, by the first, and linked."""
    described: dict[int, str] = {}  # id of a function or class -> its dotted name
    made = {f"reference/{name}.rst": _page(name, described) for name in modules}
    tables = "\n".join(f"   {name}" for name in modules)
    made["reference/index.rst"] = INDEX.format(tables=tables)
    return made


INDEX = """\
The library, by module
======================

What `import minijax as jax` offers, as its docstrings describe it. Every example here is run by the
tests.

.. autosummary::

{tables}
"""


def _page(name: str, described: dict[int, str]) -> str:
    """The page in reStructuredText: tables of what the module has, then each docstring."""
    module = importlib.import_module(name)
    parts = [_heading(name, "="), f".. py:module:: {name}", markdown_to_rst(module.__doc__ or "")]
    names = public_names(module)
    for title in ("Functions", "Classes", "Operations", "Values"):
        if some := [n for n in names if kind(getattr(module, n)) == title]:
            parts.append(_heading(title, "-"))
            if title in DIRECTIVES:
                parts += _described(module, some, DIRECTIVES[title], described)
            else:
                parts.append(", ".join(f"``{n}``" for n in some))
    return "\n\n".join(parts) + "\n"


def _heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}"


def _described(
    module: ModuleType, names: list[str], directive: str, described: dict[int, str]
) -> Iterator[str]:
    first = {n: described.setdefault(id(getattr(module, n)), f"{module.__name__}.{n}")
             for n in names}
    own = [n for n in names if first[n] == f"{module.__name__}.{n}"]
    if own:
        yield "\n".join([".. autosummary::", "", *(f"   {n}" for n in own)])
    if others := [f"``{n}`` is :py:obj:`{full}`" for n, full in first.items() if n not in own]:
        yield "Other names: " + ", ".join(others) + "."
    for name in own:
        where = source_file(getattr(module, name))
        yield f".. {directive}:: {name}" + (f"\n\n   In ``{where}``." if where else "")


def source_file(value: Any) -> str:
    """Where a function or class is written, from the package on; "" if that is not ours."""
    try:
        path = Path(inspect.getsourcefile(inspect.unwrap(value)) or "").resolve()
    except TypeError:  # an object that is called, such as one of custom_jvp
        return ""
    return path.relative_to(PACKAGE.parent).as_posix() if path.is_relative_to(PACKAGE) else ""


# Docstrings are written as Markdown: one backtick for code, and nothing else is markup.
CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")


def markdown_to_rst(text: str) -> str:
    r"""A docstring as Sphinx reads it. Examples and indented paragraphs stay as they are.

    >>> print(markdown_to_rst("The sizes |x| of `*x`s."))
    The sizes \|x\| of ``*x``\ s.
    """
    blocks = re.split(r"(\n[ ]*\n)", inspect.cleandoc(text))
    return "".join(b if b.startswith((">>>", "    ")) else _escape(b) for b in blocks)


def _escape(text: str) -> str:
    prose, code = CODE.split(text)[::2], CODE.split(text)[1::2]
    prose = [re.sub(r"([*|\\])", r"\\\1", words) for words in prose]
    glued = ["\\ " * words[:1].isalnum() for words in prose[1:]]  # `Array`s
    return prose[0] + "".join(
        f"``{c}``{glue}{words}" for c, glue, words in zip(code, glued, prose[1:])
    )


def process_docstring(app: Any, what: Any, name: str, obj: Any, options: Any, lines: list) -> None:
    """Sphinx's hook: what it reads in the place of a docstring. `Raises:` becomes a list, too."""
    from sphinx.ext.napoleon import GoogleDocstring

    text = markdown_to_rst("\n".join(lines))
    lines[:] = GoogleDocstring(text, what=what, name=name, obj=obj).lines()
