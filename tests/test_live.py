"""Cells that are the library (`source` and `live` in minijax.course), on a small package."""

import atexit
import importlib
import itertools
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from minijax.course import live
from minijax.course.source import definitions, find, leaves, parse_tag, render, shown

from .tiers import heavy

IPython = pytest.importorskip("IPython")

CORE = '''\
"""A sample module."""
from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import singledispatch

__all__ = ["Base"]


# what everything here is
class Base:
    """The root."""

    kind = "base"

    def __init__(self, value):
        self.value = value

    # twice, and once more
    @property
    def twice(self):
        return 2 * self.value

    @twice.setter
    def twice(self, value):
        self.value = value / 2

    def describe(self):
        return f"{self.kind} {self.value}"  # a comment at the end


@dataclass(frozen=True)
class Pair(Base):
    value: int
    other: int = 1

    def describe(self):
        return "pair: " + super().describe()


class Slotted(Base):
    __slots__ = ("extra",)

    def __init__(self, extra):
        super().__init__(0)
        self.extra = extra

    def describe(self):
        return f"slotted {self.extra}"


class Borrower:
    describe = Base.describe
    kind, value = "borrowed", 0


class Shape(ABC):
    @abstractmethod
    def area(self):
        """How large it is."""

    @abstractmethod
    def name(self):
        """What it is called."""


class Disc(Shape):
    def area(self):
        return 3

    def name(self):
        return "disc"


class Error(Exception):
    """Something is wrong."""


def memoized(fn):
    table = {}

    @functools.wraps(fn)
    def remember(x):
        if (fn, x) not in table:
            table[fn, x] = fn(x)
        return table[fn, x]

    return remember


def plus(x, y=1):
    return x + y


for _name in ("__add__", "__radd__"):
    setattr(Base, _name, lambda self, other: plus(self.value, other))


@memoized
def cube(x):
    return x**3


@functools.cache
def square(x):
    return x * x


@singledispatch
def rule(x):
    return "any"


@rule.register
def _(x: int):
    return "int"


@rule.register(str)
def _(x):
    return "str"


def live(x):
    return x


ONE, TWO = Base(1), Base(2)
THREE = Pair(3)
LIMIT: int = 10
Base.__neg__ = lambda self: -self.value
'''

USER = """\
from .core import LIMIT, ONE, Base, Pair, cube, plus, rule, square

TABLE = {"plus": plus}


class Derived(Base):
    def describe(self):
        return "derived " + super().describe()


@rule.register
def _(x: list):
    return "list"


def everything():
    return plus(1), cube(2), square(3), rule(0), rule([]), ONE.describe(), LIMIT
"""

names = itertools.count()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The name of an importable package with the two modules above."""
    name = f"sample{next(names)}"
    (tmp_path / name / "sub").mkdir(parents=True)
    files = {"__init__": "", "core": CORE, "user": USER, "sub/__init__": "", "sub/deep": "A = 1\n"}
    for file, text in files.items():
        (tmp_path / name / f"{file}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for module in [m for m in sys.modules if m.split(".")[0] == name]:
        del sys.modules[module]


class Notebook:
    """An IPython shell with the hook installed, as a kernel has it."""

    def __init__(self, shell, package):
        self.shell, self.package = shell, package
        self.core = importlib.import_module(f"{package}.core")
        self.user = importlib.import_module(f"{package}.user")

    def run(self, cell):
        result = self.shell.run_cell(textwrap.dedent(cell).replace("PKG", self.package))
        result.raise_error()
        return result.result

    def show(self, tag):
        return render(tag, CORE, self.package)

    def __getitem__(self, name):
        return self.shell.user_ns[name]


@pytest.fixture
def notebook(package):
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    live.Live(shell, package)
    yield Notebook(shell, package)
    InteractiveShell.clear_instance()
    atexit.unregister(shell.atexit_operations)  # else each shell collects all garbage at the end


def test_every_statement_of_a_module_has_one_owner():
    found = definitions(CORE)
    assert [d.address for d in found] == [
        *("Base", "Pair", "Slotted", "Borrower", "Shape", "Disc", "Error", "memoized", "plus"),
        *("cube", "square", "rule", "rule[int]", "rule[str]", "live", "ONE", "THREE", "LIMIT"),
        "Base.__neg__",
    ]
    covered = {line for d in found for line in range(d.lines[0], d.lines[1] + 1)}
    lines = CORE.splitlines()
    rest = [t for i, t in enumerate(lines, 1) if t.strip() and i not in covered]
    assert [t.split()[0] for t in rest] == ['"""A', "from", "import", *["from"] * 3, "__all__"]
    assert find(found, "plus").text.endswith("plus(self.value, other))")  # the loop is its tail
    assert find(found, "Base").text.startswith("# what everything")
    assert find(found, "Base.twice").text.count("def twice") == 2  # a property and its setter
    assert find(found, "TWO") is find(found, "ONE")


def test_a_class_can_be_shown_in_parts():
    tag = "core.py: class Base, Base.kind, Base.__init__"
    assert render(tag, CORE) == textwrap.dedent('''\
        # minijax/core.py
        # what everything here is
        class Base:
            """The root."""

            kind = "base"

            def __init__(self, value):
                self.value = value

            ...  # continued below''')
    assert render("core.py: Base.describe, Error", CORE) == textwrap.dedent('''\
        # minijax/core.py
        class Base:  # continued
            def describe(self):
                return f"{self.kind} {self.value}"  # a comment at the end

        class Error(Exception):
            """Something is wrong."""''')
    assert leaves(tag, definitions(CORE)) == ["Base", "Base.kind", "Base.__init__"]
    whole = "core.py: class Base, Base.kind, Base.__init__, Base.twice, Base.describe"
    assert render(whole, CORE) == render("core.py: Base", CORE)


def test_a_rendered_cell_parses_back_to_the_shipped_leaves():
    shipped = {a: t for d in definitions(CORE) for a, t in d.leaves()}
    tags = [f"core.py: {a}" for a in shipped] + ["core.py: class Pair, Pair.value, Pair.other"]
    for tag in tags:
        cell = render(tag, CORE).partition("\n")[2]
        parsed = dict(leaf for d in definitions("\n" + cell) for leaf in d.leaves())
        assert parsed.items() <= shipped.items(), tag
        assert list(parsed) == leaves(tag, definitions(CORE)), tag


@pytest.mark.parametrize("tag", ["core.py", "core: Base", "core.py: Base,,plus", "Base"])
def test_a_malformed_tag_is_refused(tag):
    with pytest.raises(ValueError, match="not of the form"):
        parse_tag(tag)


@pytest.mark.parametrize("name", ["absent", "Base.absent", "class plus"])
def test_a_tag_that_names_nothing_is_refused(name):
    with pytest.raises(KeyError, match="has no"):
        shown(f"core.py: {name}", definitions(CORE))


def test_a_shipped_cell_gives_the_very_objects_of_the_library(notebook, capsys):
    notebook.run(notebook.show("core.py: Base, Pair, memoized, plus, rule, rule[int], ONE, LIMIT"))
    for name in ("Base", "Pair", "memoized", "plus", "rule", "ONE", "TWO", "LIMIT"):
        assert notebook[name] is getattr(notebook.core, name)
    assert "_" not in notebook.shell.user_ns or not callable(notebook["_"])
    assert capsys.readouterr().out == ""


def test_a_definition_called_live_does_not_hide_the_tool(notebook):
    notebook.run("from minijax.course import live")
    notebook.run(notebook.show("core.py: live"))
    assert notebook["live"] is live
    notebook.run("del live")
    notebook.run(notebook.show("core.py: live"))
    assert notebook["live"] is notebook.core.live


def test_an_edited_function_is_what_the_whole_library_runs(notebook, capsys):
    plus, before = notebook.core.plus, notebook.user.everything()
    cell = notebook.show("core.py: plus")
    notebook.run(cell.replace("x + y", "x - y"))
    said = capsys.readouterr().out
    assert (
        said == f"live: {notebook.package}/core.py now runs your plus; live.restore() undoes it\n"
    )
    assert notebook.user.TABLE["plus"] is plus and plus(1) == 0
    assert notebook.core.ONE + 5 == -4  # the operators, attached by the loop under `plus`
    notebook.run(cell)
    assert "plus as shipped again" in capsys.readouterr().out
    assert notebook.user.everything() == before


@pytest.mark.parametrize(
    ("address", "old", "new", "changed"),
    [
        ("plus", "y=1", "y=3", (4, 8, 9, "int", "list", "base 1", 10)),
        ("cube", "x**3", "x + 3", (2, 5, 9, "int", "list", "base 1", 10)),
        ("square", "x * x", "x + x", (2, 8, 6, "int", "list", "base 1", 10)),
        ("rule", '"any"', '"what"', (2, 8, 9, "int", "list", "base 1", 10)),
        ("rule[int]", '"int"', '"whole"', (2, 8, 9, "whole", "list", "base 1", 10)),
        ("Base.kind", '"base"', '"bass"', (2, 8, 9, "int", "list", "bass 1", 10)),
        ("Base", "value}", "value}!", (2, 8, 9, "int", "list", "base 1!", 10)),
        ("ONE", "Base(1)", "Base(7)", (2, 8, 9, "int", "list", "base 7", 10)),
        ("LIMIT", "= 10", "= 11", (2, 8, 9, "int", "list", "base 1", 11)),
    ],
)
def test_every_kind_of_definition_can_be_edited_and_restored(notebook, address, old, new, changed):
    shipped = (2, 8, 9, "int", "list", "base 1", 10)
    assert notebook.user.everything() == shipped
    one = notebook.core.ONE
    cell = notebook.show(f"core.py: {address}")
    assert old in cell
    notebook.run(cell.replace(old, new))
    assert notebook.user.everything() == changed
    assert notebook.user.ONE is notebook.core.ONE is one
    notebook.run("from minijax.course import live; live.restore()")
    assert notebook.user.everything() == shipped


def test_an_edited_class_is_the_same_class(notebook):
    Base, derived = notebook.core.Base, notebook.user.Derived(4)
    cell = notebook.show("core.py: Base").replace("2 * self.value", "3 * self.value")
    notebook.run(cell)
    assert notebook["Base"] is Base and isinstance(derived, Base) and derived.twice == 12
    assert derived.describe() == "derived base 4"
    notebook.run(cell.replace("def describe", "def explain") + "\nBase(1).explain()")
    assert not hasattr(Base, "describe") and derived.explain() == "base 4"
    assert notebook.core.Borrower().describe() == "borrowed 0"  # it holds the method itself
    notebook.run("live = __import__('minijax.course.live', fromlist=['x']); live.restore()")
    assert not hasattr(Base, "explain") and derived.describe() == "derived base 4"
    assert derived.twice == 8 and Base.__doc__ == "The root."


def test_a_part_of_a_class_changes_that_part_only(notebook):
    head = notebook.show("core.py: class Base, Base.kind")
    notebook.run(head.replace('"base"', '"bass"'))
    assert notebook.core.ONE.describe() == "bass 1" and notebook.core.ONE.twice == 2
    notebook.run(notebook.show("core.py: Base.describe").replace("{self.value}", "?"))
    assert notebook.core.ONE.describe() == "bass ?"
    assert notebook.core.Borrower().describe() == "borrowed ?"  # one function, two classes
    assert notebook.core.Base.__doc__ == "The root."


def test_a_part_of_an_abstract_class_leaves_the_rest_as_it_is(notebook):
    notebook.run(notebook.show("core.py: Disc.area").replace("3", "4"))
    assert (notebook.core.Disc().area(), notebook.core.Disc().name()) == (4, "disc")
    with pytest.raises(TypeError, match="abstract"):
        notebook.core.Shape()


def test_an_alias_of_another_classs_method_is_replaced_alone(notebook):
    cell = notebook.show("core.py: Borrower")
    notebook.run(cell.replace("describe = Base.describe", "def describe(self): return 'mine'"))
    assert notebook.core.Borrower().describe() == "mine"
    assert notebook.core.ONE.describe() == "base 1"
    notebook.run(cell)
    assert notebook.core.Borrower.describe is notebook.core.Base.describe


def test_super_and_dataclasses_survive_an_edit(notebook):
    three = notebook.core.THREE
    cell = notebook.show("core.py: Pair")
    notebook.run(cell.replace('"pair: "', '"two: "').replace("other: int = 1", "other: int = 9"))
    assert three.describe() == "two: base 3"  # `super()` in a patched method
    made = notebook.core.Pair(3)
    assert made == notebook.core.Pair(3, 9) and repr(made) == "Pair(value=3, other=9)"
    with pytest.raises(AttributeError, match="cannot assign"):
        made.value = 4
    with pytest.raises(AttributeError):
        made.unknown = 4  # the generated __setattr__ names its class
    notebook.run(cell)
    assert notebook.core.Pair(3) == three


def test_a_class_with_slots_can_be_edited_but_not_its_slots(notebook):
    one, cell = notebook.core.Slotted(1), notebook.show("core.py: Slotted")
    notebook.run(cell.replace("slotted {", "edited {"))
    assert one.describe() == "edited 1" and notebook.core.Slotted(2).extra == 2
    with pytest.raises(TypeError, match="the slots of Slotted cannot change"):
        notebook.run(cell.replace('("extra",)', '("extra", "more")'))
    notebook.run(cell)
    assert one.describe() == "slotted 1" and one.extra == 1


def test_new_definitions_go_to_the_library_and_leave_it_with_restore(notebook):
    cell = notebook.show("core.py: plus").replace("x + y", "helper(x, y) * math.pi")
    first, _, rest = cell.partition("\n")
    notebook.run(f"{first}\nimport math\n\ndef helper(x, y):\n    return x * y\n\n{rest}")
    assert notebook.core.plus(2, 3) == pytest.approx(18.85, abs=0.01)
    notebook.shell.minijax_live.restore()
    assert notebook.core.plus(2, 3) == 5 and not hasattr(notebook.core, "helper")


def test_what_follows_the_definitions_runs_in_the_notebook(notebook, capsys):
    notebook.run("mine = 20")
    cell = notebook.show("core.py: plus") + "\n\ntotal = plus(mine, 2)\nprint('tried')\ntotal"
    assert notebook.run(cell) == 22
    assert capsys.readouterr().out.splitlines()[0] == "tried"  # and nothing about an edit
    assert "total" in notebook.shell.user_ns and not hasattr(notebook.core, "total")


def test_a_mistake_leaves_the_library_as_it_was(notebook):
    cell = notebook.show("core.py: Base")
    with pytest.raises(SyntaxError):
        notebook.run(cell.replace("def describe(self):", "def describe(self)"))
    with pytest.raises(NameError):
        notebook.run(cell.replace('kind = "base"', "kind = undefined"))
    assert notebook.core.ONE.describe() == "base 1"
    assert notebook.core.Base is notebook.user.Base
    notebook.run(cell)


def test_a_traceback_shows_the_cell(notebook):
    notebook.run(notebook.show("core.py: plus").replace("return x + y", "return x + y.missing"))
    with pytest.raises(AttributeError) as error:
        notebook.core.plus(1, 2)
    entry = error.traceback[-1]
    assert str(entry.statement).strip() == "return x + y.missing" and entry.lineno + 1 == 3


def test_other_cells_are_left_alone(notebook):
    assert notebook.run("# notes/core.py\n1 + 1") == 2
    assert notebook.run("# a line\n# PKG/core.py\n1 + 2") == 3
    assert notebook.run("x = '''\n# PKG/core.py\n'''\nlen(x)") > 3
    notebook.run("# PKG/sub/deep.py\nA = 2")
    assert importlib.import_module(f"{notebook.package}.sub.deep").A == 2


BASE = "# PKG/core.py\nclass Base:  # continued\n    "


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("# PKG/core.py\nclass Bsae:\n    kind = 'mine'",
         "core.py has no Bsae; the closest name is Base"),
        ("# PKG/core.py\ndef plsu(x, y=1):\n    return x - y", "no plsu; the closest name is plus"),
        ("# PKG/core.py\nLIMITS = 11\n\ndef plus(x, y=1):\n    return x", "closest name is LIMIT."),
        ("# PKG/core.py\ndef plus(x):\n    return 1\n\nONE, TOW = Base(5), Base(6)", "is TWO"),
        ("# PKG/core.py\n@rule.register\ndef _(x: float):\n    return 1",
         "no rule[float]; the closest"),
        ("# PKG/core.py\nBase.__nge__ = lambda self: 1", "closest name is Base.__neg__"),
        (BASE + "def descirbe(self):\n        return 1",
         "Base has no descirbe; the closest name is describe."),
        (BASE + "knd = 'bass'", "Base has no knd; the closest name is kind."),
        (BASE + "def __dscribe__(self):\n        return 1", "no __dscribe__"),
        ("# PKG/core.py\nclass Base:\n    def describe(self):\n        return 'part'",
         "this Base has no __init__, kind, twice. If the cell shows a part of the class, end its "
         "first line with `# continued`"),
        ("# PKG/cor.py\ndef plus(x):\n    return 1", "has no cor.py; the closest name is core.py."),
    ],
)
def test_a_mistyped_name_is_refused_with_the_closest(notebook, capsys, cell, said):
    shipped = notebook.user.everything()
    with pytest.raises((NameError, ModuleNotFoundError), match=re.escape(said)):
        notebook.run(cell)
    assert notebook.user.everything() == shipped and "now runs" not in capsys.readouterr().out
    notebook.run("from minijax.course import live; live.restore()")
    assert "as shipped again" not in capsys.readouterr().out  # nothing had been changed


@pytest.mark.parametrize(
    "cell",
    [
        "STEP = 2\n\ndef plus(x, y=1):\n    return x + STEP",  # a table for what follows
        "def plus(x, y=1):\n    return 3\n\ndef tried():\n    return plus(1)\n\nprint(tried())",
        "class Base:  # continued\n    def added(self):\n        return 3\n    @property\n"
        "    def twice(self):\n        return self.added()",
        "class Pair(Base):  # continued\n    kind = 'inherited'",
        "class Base:  # continued\n    def __len__(self):\n        return 3",  # Python calls it
    ],
)
def test_what_is_new_may_stand_beside_what_uses_it(notebook, capsys, cell):
    notebook.run("# PKG/core.py\n" + cell)
    assert "now runs your" in capsys.readouterr().out
    notebook.run("# PKG/core.py\n" + cell)  # again, now that it is there
    notebook.run("from minijax.course import live; live.restore()")
    assert not {"STEP", "tried"} & set(vars(notebook.core))
    assert not {"added", "__len__"} & set(vars(notebook.core.Base))
    assert notebook.core.THREE.kind == "base"


def test_caches_of_programs_are_dropped_after_an_edit(notebook):
    dropped = []
    sys.modules[notebook.package].clear_caches = lambda: dropped.append(1)
    notebook.run(notebook.show("core.py: plus"))
    assert dropped == []
    notebook.run(notebook.show("core.py: plus").replace("x + y", "x"))
    assert dropped == [1]


def test_outside_of_ipython_nothing_happens():
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    assert live._session() is None
    live.restore()


# The library itself, in a process of its own: what is edited there stays edited.

SESSION = '''\
import contextlib, io, sys
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

root = Path(sys.argv[1])
sys.path.insert(0, str(root))
from minijax.course.book import read_book
from minijax.course.source import definitions, render

shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
book = read_book(root)
taught = [f for f in book.taught if (root / "minijax" / f).is_file()]

def run(cell):
    result = shell.run_cell(cell, silent=True)
    result.raise_error()

def state():
    return [float(x) for x in shell.user_ns["outer_jvp"]()]

run("""
from minijax.course import live
import minijax as jax
from minijax.families import mul

def outer(x):
    return mul(x, jax.jvp(lambda y: x, (0.0,), (1.0,))[1])

def outer_jvp():
    return jax.jvp(outer, (1.0,), (1.0,))

def nested():
    return float(jax.grad(jax.grad(jax.jit(lambda x: mul(x, mul(x, x)))))(2.0))
""")
assert state() == [0.0, 0.0]

# perturbation confusion, live
dual = render("jvp.py: JVPTrace.dual", book.library("jvp.py"))
assert " and x._trace is self" in dual
run(dual.replace(" and x._trace is self", ""))
assert state() == [1.0, 1.0], state()
run("live.restore()")
assert state() == [0.0, 0.0], state()

# every definition, run again as if a reader had edited it, and the library still works
for file in taught:
    for d in definitions(book.library(file)):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            run(render(f"{file}: {d.address}", book.library(file)) + "  # mine")
        assert "now runs your" in said.getvalue(), (file, d.address)
assert state() == [0.0, 0.0] and shell.user_ns["nested"]() == 12.0
run("live.restore()")
assert state() == [0.0, 0.0] and shell.user_ns["nested"]() == 12.0
print("checked", len(taught))
'''


@heavy
def test_the_library_survives_an_edit_of_every_definition():
    root = str(Path(__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-c", SESSION, root], capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("checked ")
