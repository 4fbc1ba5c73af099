"""Cells that are the library: read one, it is the shipped text; edit one, and the library changes.

A chapter begins with `from minijax.course import live`. From then on a cell whose first line is
`# minijax/jvp.py` is not a copy of that module but a window on it:

- as shipped, the cell defines nothing: its names are bound to the library's own objects;
- edited, what differs is run inside the library's module and put in the place of what was there
  (functions and methods keep their identity, so every import, every registered rule and every
  `isinstance` sees the change), one line says so, and `live.restore()` takes it back;
- mistyped, it is refused: what the library does not have must be used in the rest of the cell.

Statements after the last definition (a call to try it out) run in the notebook as ever.
Outside of IPython the import does nothing. Prior art: nbdev's `@patch`, IPython's autoreload.
"""

from __future__ import annotations

import abc
import ast
import difflib
import importlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any

import numpy as np

from minijax.course.source import Definition, definitions, is_anonymous

MARKER = re.compile(r"# (\w+)/([\w/]+\.py)[ \t]*$")
# What a class makes for itself, and what belongs to the object and not to its text.
_OWN = {"__dict__", "__weakref__", "__module__", "__firstlineno__", "__static_attributes__"}
_OWN |= {"__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__"}
_OWN |= {"__abstractmethods__", "_abc_impl"}
# Methods that a class may get although nothing in the cell calls them: Python and NumPy do.
_CALLED_BY_PYTHON = {name for cls in (complex, int, dict, list, type, FunctionType, np.ndarray)
                     for name in dir(cls) if name.startswith("__")}


def marked_file(cell: str, package: str = "minijax") -> str | None:
    """The file of the library a cell says it shows: `jvp.py`, under `# minijax/jvp.py`."""
    found = MARKER.match(cell.lstrip("\n").partition("\n")[0])
    return found[2] if found and found[1] == package else None


class LiveModule:
    """A module of the library, its text as shipped and its text as it runs now."""

    def __init__(self, package: str, file: str):
        self.package, self.file = package, f"{package}/{file}"
        name = f"{package}.{file.removesuffix('.py')}".replace("/", ".").removesuffix(".__init__")
        self.module: ModuleType = importlib.import_module(name)
        self.path = str(self.module.__file__)
        self.text = Path(self.path).read_text(encoding="utf-8")
        self.definitions = definitions(self.text)
        self.anonymous = {ast.unparse(s) for s in ast.parse(self.text).body if is_anonymous(s)}
        self.shipped = dict(leaf for d in self.definitions for leaf in d.leaves())
        self.running = dict(self.shipped)
        future = "from __future__ import annotations"
        self.first_line = f"{future}\n" if future in self.text else "\n"

    def is_foreign(self, stmt: ast.stmt) -> bool:
        """Whether a statement at the end of a cell is the reader's: a call, a variable, a print."""
        if isinstance(stmt, ast.Assign):
            names = {n.id for t in stmt.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
            return not names & set(vars(self.module))
        return is_anonymous(stmt) and ast.unparse(stmt) not in self.anonymous

    def members(self, address: str) -> set[str]:
        """The addresses of the members that the class has now."""
        tops = {d.address for d in self.definitions}
        return {a for a in self.running if a.startswith(address + ".")} - tops

    def edited(self, d: Definition) -> list[str]:
        """What of the definition, as a cell shows it, does not run as shipped."""
        here = {a for a, _ in d.leaves()} | (set() if d.partial else self._known(d))
        return [a for a in sorted(here) if self.running.get(a) != self.shipped.get(a)]

    def _known(self, d: Definition) -> set[str]:
        prefix = d.address + "."
        return {a for a in {*self.shipped, *self.running} if d.head and a.startswith(prefix)}

    def refuse_wrong_names(self, shown: Iterable[Definition], cell: ast.Module) -> None:
        """NameError for what the library does not have and the rest of the cell does not use."""
        for d in shown:
            if d.names:
                has = set(vars(self.module))
            else:  # a rule or an assignment to an attribute
                has = {a for a in self.running if not a.isidentifier()}
            new = set(d.names or (d.address,)) - has
            for name in new - (_mentioned(cell, d) if d.names else set()):
                raise NameError(_wrong_name(self.file, name, has))
            if d.members and not new:
                self._refuse_wrong_members(d, cell)

    def _refuse_wrong_members(self, d: Definition, cell: ast.Module) -> None:
        cls, members = vars(self.module)[d.address], self.members(d.address)
        has = {a.rpartition(".")[2] for a in members}
        here = {m.address.rpartition(".")[2]: m for m in d.members}
        left_out = ", ".join(sorted(has - here.keys()))
        if left_out and not d.partial and d.head != self.shipped.get(d.address):
            raise NameError(f"this {d.address} has no {left_out}. If the cell shows a part of the "
                            "class, end its first line with `# continued`.")
        for name in here.keys() - has - _CALLED_BY_PYTHON:
            if not hasattr(cls, name) and name not in _mentioned(cell, here[name]):
                raise NameError(_wrong_name(d.address, name, has))

    def apply(self, d: Definition, filename: str) -> None:
        """Make the library run this text of a definition, in the place of what it runs now."""
        leaves = dict(d.leaves())
        changed = {a for a, text in leaves.items() if self.running.get(a) != text}
        gone = self.members(d.address) - set(leaves) if d.head and not d.partial else set()
        if not changed and not gone:
            return
        source = self.first_line + "\n" * (d.lines[0] - 2) + d.text
        code = compile(source, filename, "exec", dont_inherit=True)
        space = vars(self.module)
        was = {n: space[n] for n in d.names if n in space}
        try:
            exec(code, space)
            made = {n: space[n] for n in was}
        finally:
            space.update(was)
        for name, new in made.items():
            old = was[name]
            if isinstance(old, type) and isinstance(new, type):
                kept = {a.rpartition(".")[2] for a in set(leaves) - changed}
                _patch_class(old, new, kept, {a.rpartition(".")[2] for a in gone}, d.continued)
            elif not _patch_object(old, new, self.package):
                self._rebind(name, old, new)
        self.running = {a: t for a, t in self.running.items() if a not in gone} | leaves
        forget_programs = getattr(sys.modules[self.package], "clear_caches", None)
        if forget_programs:  # they were traced with the old text
            forget_programs()

    def _rebind(self, name: str, old: Any, new: Any) -> None:
        """Where no object can take the new one's place, every import of the name gets it."""
        vars(self.module)[name] = new
        for key, module in list(sys.modules.items()):
            if key.split(".")[0] == self.package and vars(module).get(name, self) is old:
                vars(module)[name] = new

    def restore(self) -> None:
        for name in self.running.keys() - self.shipped.keys():
            vars(self.module).pop(name, None)
        tops = {d.address for d in self.definitions}
        new = self.running.keys() - self.shipped.keys()
        added = {a for a in new if a.split(".")[0] not in tops}
        self.running = {a: text for a, text in self.running.items() if a not in added}
        for d in self.definitions:
            self.apply(d, self.path)


class Live:
    """The session of one notebook."""

    def __init__(self, shell: Any, package: str = "minijax"):
        self.shell, self.package = shell, package
        self.modules: dict[str, LiveModule] = {}
        shell.input_transformers_post.append(self.transform)
        shell.minijax_live = self

    def module(self, file: str) -> LiveModule:
        if file not in self.modules:
            self.modules[file] = LiveModule(self.package, file)
        return self.modules[file]

    def transform(self, lines: list[str]) -> list[str]:
        """Replace the definitions of a marked cell by one call of `run`; the rest stays."""
        file = marked_file("".join(lines), self.package)
        if file is None:
            return lines
        try:
            python = self.shell.input_transformer_manager.do_token_transforms(lines)
            body = ast.parse("".join(python)).body
        except SyntaxError:
            return lines  # IPython reports it, with the right line
        end, known = len(python), file in self.files()
        while known and body and self.module(file).is_foreign(body[-1]):
            end = body.pop().lineno - 1
        if not body:
            return lines
        call = "__import__('IPython').get_ipython().minijax_live.run"
        return [f"{call}({''.join(python)!r}, {end})\n", *["\n"] * (end - 1), *python[end:]]

    def files(self) -> list[str]:
        folder = Path(str(sys.modules[self.package].__file__)).parent
        return [path.relative_to(folder).as_posix() for path in folder.rglob("*.py")]

    def run(self, cell: str, end: int) -> None:
        """Bind the names of a marked cell to the library's objects, after applying what differs.

        The first `end` lines define something, the rest runs in the notebook.
        """
        file = marked_file(cell, self.package) or ""
        if file not in self.files():
            raise ModuleNotFoundError(_wrong_name(self.package, file, self.files()))
        module, tree = self.module(file), ast.parse(cell)
        text = "\n".join(["", *cell.splitlines()[1:end]])
        shown = definitions(text)
        module.refuse_wrong_names(shown, tree)
        filename = self.shell.compile.cache(cell, self.shell.execution_count)
        for stmt in ast.parse(text).body:
            if isinstance(stmt, ast.Import | ast.ImportFrom):
                exec(ast.unparse(stmt), vars(module.module))
        before = [a for d in shown for a in module.edited(d)]
        for d in shown:
            module.apply(d, filename)
            for name in set(d.names) & set(vars(module.module)):
                if self.shell.user_ns.get(name) is not sys.modules[__name__]:  # `live` stays ours
                    self.shell.user_ns[name] = vars(module.module)[name]
        now = [a for d in shown for a in module.edited(d)]
        if now:
            print(f"live: {module.file} now runs your {', '.join(now)}; live.restore() undoes it")
        elif before:
            print(f"live: {module.file} runs {', '.join(before)} as shipped again")

    def restore(self) -> None:
        for module in self.modules.values():
            edited = sorted({a for d in module.definitions for a in module.edited(d)})
            before = dict(vars(module.module))
            module.restore()
            for name, new in vars(module.module).items():
                if name in before and self.shell.user_ns.get(name, self) is before[name]:
                    self.shell.user_ns[name] = new
            for a in edited:
                print(f"live: {module.file} runs {a} as shipped again")


def _mentioned(cell: ast.Module, d: Definition) -> set[str]:
    """The names that a cell uses outside of the lines of a definition."""
    nodes = [n for n in ast.walk(cell) if isinstance(n, ast.Name | ast.Attribute)
             and not d.lines[0] <= n.lineno <= d.lines[1]]
    return {n.id if isinstance(n, ast.Name) else n.attr for n in nodes}


def _wrong_name(owner: str, name: str, known: Iterable[str]) -> str:
    closest = difflib.get_close_matches(name, sorted(known), 1, cutoff=0.0)
    return (f"{owner} has no {name}{f'; the closest name is {closest[0]}' if closest else ''}. "
            "Nothing was changed. What is new stands beside something that uses it, or in a cell "
            "that does not begin with the name of a file.")


def _patch_class(old: type, new: type, kept: set[str], gone: set[str], continued: bool) -> None:
    """Give an existing class the members of a new one, except those whose text is the same."""
    if not continued and old.__bases__ != new.__bases__:
        old.__bases__ = new.__bases__  # TypeError where the layouts differ: restart the kernel then
    if not continued and vars(old).get("__slots__") != vars(new).get("__slots__"):
        raise TypeError(f"the slots of {old.__name__} cannot change while its instances live")
    for name in gone & set(vars(old)):
        delattr(old, name)
    skipped = _OWN | (kept - {new.__name__}) | ({"__doc__"} if continued else set())
    for name, value in list(vars(new).items()):
        if name in skipped or isinstance(value, MemberDescriptorType):  # slots stay what they are
            continue
        _repoint(value, new, old, set())
        if not _patch_function(vars(old).get(name), value):
            setattr(old, name, value)
    abc.update_abstractmethods(old)


def _repoint(value: Any, new: type, old: type, seen: set[int]) -> None:
    """`super()` and dataclass methods hold their class in a closure: let it be the old one."""
    parts = [getattr(value, a, None) for a in ("__func__", "fget", "fset", "fdel")]
    for f in (value, *parts):
        for cell in getattr(f, "__closure__", None) or ():
            if id(cell) in seen:
                continue
            seen.add(id(cell))
            try:
                inside = cell.cell_contents
            except ValueError:  # an empty cell
                continue
            if inside is new:
                cell.cell_contents = old
            elif isinstance(inside, FunctionType):
                _repoint(inside, new, old, seen)


def _patch_object(old: Any, new: Any, package: str) -> bool:
    """Make an existing object behave as a new one; False where that cannot be done."""
    if hasattr(old, "registry") and hasattr(new, "dispatch"):  # a singledispatch keeps its rules
        old.register(object, new.dispatch(object))
        return True
    if _patch_function(old, new):
        return True
    ours = all(type(x).__module__.split(".")[0] == package for x in (old, new))
    if not (ours and hasattr(old, "__dict__") and hasattr(new, "__dict__")):
        return False
    if type(old) is not type(new):
        object.__setattr__(old, "__class__", type(new))
    vars(old).clear()
    vars(old).update(vars(new))
    return True


def _patch_function(old: Any, new: Any) -> bool:
    """Functions are referred to from everywhere (tables, other classes): keep the object."""
    if not (isinstance(old, FunctionType) and isinstance(new, FunctionType)):
        return False
    if (old.__qualname__, old.__code__.co_freevars) != (new.__qualname__, new.__code__.co_freevars):
        return False  # an alias of another class's method, or another closure
    for mine, theirs in zip(old.__closure__ or (), new.__closure__ or (), strict=True):
        mine.cell_contents = theirs.cell_contents
    old.__code__, old.__defaults__ = new.__code__, new.__defaults__
    old.__kwdefaults__, old.__doc__ = new.__kwdefaults__, new.__doc__
    vars(old).update(vars(new))
    return True


def restore() -> None:
    """Let the library run as shipped again, after edits of marked cells."""
    if session := _session():
        session.restore()


def _session() -> Live | None:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell and (getattr(shell, "minijax_live", None) or Live(shell))


_session()
