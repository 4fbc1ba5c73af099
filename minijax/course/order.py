"""What a chapter's own code uses of the library, and which chapter introduces that.

`jax.grad` in a cell is followed through the imports of the library to the file that defines it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from minijax.course.book import Book

Imports = dict[str, tuple[str, str]]  # local name -> (module, name in it or "")


def too_early(book: Book, chapter: str, trees: list[ast.Module]) -> Iterator[tuple[str, str, str]]:
    """(what the code says, the file it leads to, the later chapter that introduces the file)."""
    later = {f: c for f, c in (book.introduced | book.taught).items() if c > chapter}
    for dotted in dict.fromkeys(_uses(trees, book.package)):
        file = origin(book.root, dotted)
        for name, taught_by in later.items():
            if file == name or (name.endswith("/") and file.startswith(name)):
                yield dotted, file, taught_by


def _uses(trees: list[ast.Module], package: str) -> Iterator[str]:
    """Every name of the package in the code, dotted: `minijax.lax.cond`."""
    local: Imports = {}
    for tree in trees:
        local |= {k: v for k, v in imports(tree, "").items() if v[0].split(".")[0] == package}
    yield from (".".join(filter(None, v)) for v in local.values())
    for node in (n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Attribute)):
        root, *rest = ast.unparse(node).split(".")
        if root in local and all(part.isidentifier() for part in rest):
            yield ".".join([*filter(None, local[root]), *rest])


def imports(tree: ast.Module, module: str) -> Imports:
    """The names a module, itself called `module`, imports. Relative ones are resolved."""
    found: Imports = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for a in node.names:
                name = a.name if a.asname else a.name.split(".")[0]
                found[a.asname or name] = (name, "")
        elif isinstance(node, ast.ImportFrom):
            up = module.split(".")[: len(module.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*up, *([node.module] if node.module else [])])
            found |= {a.asname or a.name: (source, a.name) for a in node.names}
    return found


def origin(root: Path, dotted: str) -> str:
    """The file, relative to the package, that defines what a dotted name leads to."""
    package, *rest = dotted.split(".")
    file = _follow(root, package, rest, 0)
    return file.relative_to(root / package).as_posix()


def _file(root: Path, module: str) -> Path | None:
    path = root.joinpath(*module.split("."))
    found = [p for p in (path / "__init__.py", path.with_name(f"{path.name}.py")) if p.is_file()]
    return found[0] if found else None


def _follow(root: Path, module: str, names: list[str], depth: int) -> Path:
    file = _file(root, module)
    if file is None:
        raise FileNotFoundError(f"no module {module}")
    if not names or depth > 20:
        return file
    name, *rest = names
    here = module if file.name == "__init__.py" else f"{module}.{file.stem}"
    known = imports(ast.parse(file.read_text(encoding="utf-8")), here)
    source, original = known.get(name, ("", ""))
    if source and source != module and _file(root, source):  # defined elsewhere
        return _follow(root, source, [*([original] if original else []), *rest], depth + 1)
    if _file(root, f"{module}.{name}"):
        return _follow(root, f"{module}.{name}", rest, depth + 1)
    return file
