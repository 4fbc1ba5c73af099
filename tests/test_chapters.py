"""The chapters keep every rule; and each rule is seen to fail, on a small book made here."""

import copy
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from minijax.course import cells, notebooks
from minijax.course.book import find_root, read_book
from minijax.course.guards import GUARDS, Chapter
from minijax.course.one_text import book_problems
from minijax.course.order import origin
from minijax.course.prose import page_problems, pages

from .tiers import heavy

ROOT = Path(__file__).resolve().parents[1]


@heavy
@pytest.mark.parametrize("part", ["book.yml", *read_book(ROOT).chapters])
def test_the_chapters_keep_every_rule(part):
    book = read_book(ROOT)
    if part == "book.yml":
        problems = list(book_problems(book))
        problems += [p for path in pages(book) for p in page_problems(path)]
    else:
        problems = list(notebooks.check_chapter(Chapter(book, part)))
    assert not problems, "\n" + "\n".join(map(str, problems))


def test_the_book_names_modules_that_are_in_the_architecture():
    book = read_book(ROOT)
    names = """core source_info families selection jaxpr make_jaxpr jvp linearize transpose
               batching jit""".split()
    spine = {f"{m}.py" for m in names}
    others = {"lax/transcendental.py", "control_flow/cond.py", "lax/threefry.py", "treedef.py"}
    assert set(book.taught) == spine | others
    assert not set(book.taught) & set(book.introduced)


@pytest.mark.parametrize("name", read_book(ROOT).chapters)
def test_what_a_chapter_says_is_in_jax_is_there(name):
    """Each file exists, and holds one of the names that the same paragraph has."""
    last = cells.read(read_book(ROOT).notebook(name)).cells[-1].source
    section = last.partition("## What real JAX")[2].partition("## What to read")[0]
    jax = Path(importlib.util.find_spec("jax").origin).parents[1]
    for paragraph in re.split(r"\n(?=- |\n)", section):
        words = re.findall(r"`([^`\n]+)`", paragraph)
        for file in [word for word in words if word.startswith("jax/")]:
            text = (jax / file).read_text(encoding="utf-8")
            names = [word.rpartition(".")[2] for word in words if word[:4] != "jax/"]
            assert any(re.search(rf"\b{re.escape(n)}\b", text) for n in names), (file, names)


# A small book: a library of two modules and one good chapter.

BOOK = """\
root: chapters/index
meta:
  title: A sample
  author: Nobody
  package: tinylib
  taught: {ops.py: 01_ops, later.py: 02_later}
  introduced: {far/: 03_far}
  linked: []
subtrees:
  - caption: One
    entries:
      - file: chapters/01_ops
"""

OPS = '''\
"""Operations."""

from dataclasses import dataclass

RATE = 2.0  # how much


@dataclass
class Box:
    """Holds a value."""

    value: float

    def scaled(self):
        return Box(scale(self.value))

    def __neg__(self):
        return Box(-self.value)


def scale(x):
    return RATE * x
'''

FILES = {
    "tinylib/__init__.py": "from .later import magic as magic\nfrom .ops import Box, scale\n",
    "tinylib/ops.py": OPS,
    "tinylib/later.py": "def magic(x):\n    return x + 1\n",
    "tinylib/far/__init__.py": "from tinylib.far.away import travel\n",
    "tinylib/far/away.py": "def travel():\n    return 'there'\n",
    "book.yml": BOOK,
}

SAID = (
    "Here stands a sentence that is long enough to count as one prose cell of a chapter, and that "
    "says nothing but that it has some thirty words a cell should have."
)

PROMISE = "When you have read this you can scale a box. It needs Python, and it takes a minute."

TEXT = f"""\
# A sample chapter

{SAID} {PROMISE}

```python
import tinylib
from minijax.course import live

live.Live(get_ipython(), "tinylib")
print("ready")
```

{SAID}

```python minijax="ops.py: RATE, class Box, Box.value, Box.scaled"
```

{SAID}

```python minijax="ops.py: Box.__neg__, scale"
```

{SAID}

```python
Box(3.0).scaled()
```

```python
assert -Box(3.0) == Box(-3.0)
scale(1.0) - 2.0
```

+++ slide=slide

{SAID}

```python
# tinylib/ops.py
def scale(x):
    return x / 0
```

{SAID}

```python tags=raises-exception
scale(4.0)
```

```python tags=nbval-ignore-output
%time live.restore()
```

```python
for i in range(2):
    print(scale(i))
```

## What real JAX does differently

{SAID} Its boxes are in `jax/_src/core.py`, which is the file where most of it begins.

## What to read

- Nothing.
"""


def make_book(root: Path):
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return read_book(root)


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The good book, its chapter run once."""
    root = tmp_path_factory.mktemp("book")
    make_book(root)
    source = root / "01_ops.md"
    source.write_text(TEXT, encoding="utf-8")
    argv = ["--root", str(root), "build", str(source), str(root / "chapters/01_ops.ipynb"), "--run"]
    assert notebooks.main(argv) == 0
    return root


@dataclass
class Copy:
    root: Path

    @property
    def path(self):
        return self.root / "chapters/01_ops.ipynb"

    def read(self):
        return cells.read(self.path)

    def problems(self):
        return [str(p) for p in notebooks.check(read_book(self.root))]

    def tool(self, *argv):
        return notebooks.main(["--root", str(self.root), *map(str, argv)])


@pytest.fixture
def book(sample, tmp_path):
    """A copy of the good book, to spoil."""
    shutil.copytree(sample, tmp_path / "book")
    return Copy(tmp_path / "book")


def test_a_good_chapter_has_no_problems(book):
    assert book.problems() == []


def test_the_chapter_ran_on_the_library_itself(book):
    outs = {c.id: c.outputs for c in book.read().cells if c.cell_type == "code"}
    assert outs["box-3-0-scaled"][0].data["text/plain"] == "Box(value=6.0)"
    edited = "live: tinylib/ops.py now runs your scale; live.restore() undoes it\n"
    assert outs["tinylib-ops-py-def-scale-x"][0].text == edited
    error = outs["scale-4-0"][0]  # Box.scaled and scale are the library's, and so is the edit
    assert error.traceback == ["ZeroDivisionError: float division by zero"]


# Every guard fails on a chapter that breaks its rule. Ways to spoil a notebook:


def find(nb, word):
    return next(c for c in nb.cells if word in c.source)


def tagged(word, *names):
    return lambda nb: find(nb, word).metadata.update(tags=list(names))


def shows(word, tag):
    return lambda nb: find(nb, word).metadata.update(minijax=tag)


def replaced(word, old, new):
    def spoil(nb):
        cell = find(nb, word)
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return spoil


def dropped(word):
    return lambda nb: nb.cells.remove(find(nb, word))


def stripped(word):
    return lambda nb: find(nb, word).update(outputs=[])


def untagged(word):
    return lambda nb: find(nb, word).metadata.pop("minijax")


def prose(source, at=99):
    return lambda nb: nb.cells.insert(at, new_markdown_cell(source))


def code(source, data=None):
    """One more code cell that was run, with this output (default: it printed 1)."""
    out = (
        new_output("display_data", data) if data else new_output("stream", name="stdout", text="1")
    )

    def spoil(nb):
        count = 1 + sum(c.cell_type == "code" for c in nb.cells)
        nb.cells.append(new_code_cell(source, execution_count=count, outputs=[out]))

    return spoil


def swapped(one, other):
    def spoil(nb):
        i, j = (nb.cells.index(find(nb, word)) for word in (one, other))
        nb.cells[i], nb.cells[j] = nb.cells[j], nb.cells[i]

    return spoil


def silent(nb):
    for cell in [c for c in nb.cells if c.cell_type == "code"][3:]:
        cell.source, cell.outputs = "x = 1", []


def on_a_slide(word):
    return lambda nb: find(nb, word).metadata.update(slideshow={"slide_type": "-"})


def terse(nb):
    for cell in nb.cells:
        cell.source = cell.source.replace(SAID, "Look.")


BOX, NEG = "class Box:\n", "# continued\n"
BAD = [
    ("valid", lambda nb: nb.metadata.update(kernelspec={}), "kernelspec"),
    ("valid", lambda nb: nb.update(nbformat_minor=4), "nbformat 4.5"),
    ("valid", lambda nb: nb.cells[0].update(outputs=[]), "not a valid notebook"),
    ("formatted", lambda nb: nb.cells[0].metadata.update(collapsed=True), "formatter"),
    ("formatted", lambda nb: nb.cells[0].update(id="0123abcd"), "formatter"),
    ("counted", lambda nb: find(nb, "for i").update(execution_count=4), "from top to bottom"),
    ("counted", lambda nb: find(nb, "for i").update(execution_count=None), "from top to bottom"),
    ("counted", code(""), "is empty"),
    ("outputs", stripped("for i"), "prints, but no output"),
    ("outputs", stripped("assert -Box"), "prints, but no output"),
    ("errors", stripped("scale(4.0)"), "no error is stored"),
    ("errors", tagged("for i", "raises-exception"), "no error is stored"),
    ("errors", tagged("scale(4.0)"), "not tagged raises-exception"),
    ("errors", code("("), "is not Python"),
    ("magics", code("%timeti 1"), "uses %timeti"),
    ("magics", code("%%timeti\n1"), "uses %timeti"),
    ("magics", code("x = !ls\nx"), "shell command"),
    ("magics", code("live?"), "uses %pinfo"),
    ("tags", tagged("for i", "nbval-skip"), "['nbval-skip']"),
    ("tags", tagged("for i", "raise-exception"), "['raise-exception']"),
    ("tags", tagged("for i", "nbval-ignore-output"), "2 of 9 outputs"),
    ("tags", code("# NBVAL_SKIP\nprint(1)"), "steers nbval"),
    ("tags", lambda nb: nb.cells.append(nbformat.v4.new_raw_cell("x")), "raw cell"),
    ("one_title", prose("# Another"), "has 2 titles"),
    ("one_title", prose("Another\n==="), "has 2 titles"),
    ("one_title", replaced("# A s", "# A", "## A"), "has 0 titles"),
    ("one_title", prose(SAID, at=0), "begins with its title"),
    ("framed", replaced("# A s", "you can scale", "scale"), "does not say 'you can'"),
    ("framed", replaced("# A s", "It needs Python", "Python"), "does not say 'needs'"),
    ("framed", replaced("# A s", "takes a minute", "ends"), "does not say 'takes'"),
    ("framed", replaced("## What real", "## What to read", "## Read"), "does not end with"),
    ("framed", prose("## And more"), "does not end with"),
    ("framed", replaced("## What real", "jax/_src/core.py", "core.py"), "names no file of JAX"),
    ("alt_text", prose("![](x.svg)"), "alternative text: ![]"),
    ("alt_text", prose('<img src="x">'), "alternative text: <img"),
    ("alt_text", prose("```{figure} x.svg\n:name: x\n```"), "alternative text: ```{fig"),
    ("alt_text", code("f()", {"image/png": "aaaa"}), 'alt="..."'),
    ("alt_text", code("f()", {"image/svg+xml": "<svg/>"}), 'alt="..."'),
    ("short_cells", code("\n".join(["print(1)"] * 41)), "has 41 lines"),
    ("slides_fit", on_a_slide("# A s"), "is the first cell on a slide, and begins none"),
    ("in_shape", code("\n".join(["print(1)"] * 199)), "asserts per 100 lines"),
    ("in_shape", silent, "of the code cells have output"),
    ("in_shape", terse, "the median prose cell has 1"),
    ("in_shape", replaced("# A s", SAID, SAID * 14), "words, at most 350"),
    ("in_shape", replaced("import live", "import", "\n" * 46 + "import"), "lines, at most 45"),
    ("in_order", code("tinylib.magic(1)"), "which 02_later"),
    ("in_order", code("from tinylib.far import travel as t\nt()"), "far/away.py), which 03_far"),
    ("headings", prose("#### Deep"), "skips a level: #### after ##"),
    ("links", prose("See [it](02_later.ipynb)."), "leads nowhere: there is no 02_later.ipynb"),
    ("links", prose("See [it](#absent)."), "leads to no heading of 01_ops.ipynb"),
    ("links", prose("See [it](01_ops.ipynb#absent)."), "leads to no heading"),
    ("links", prose("See [it](https://no host/x)."), "is not an address"),
    ("links", prose("See [it](htps://a.org)."), "is not an address"),
    ("links", prose('<a href="x.html">x</a>'), "leads nowhere"),
    ("one_text", replaced(BOX, "Holds a value", "Holds values"), "not the shipped text"),
    ("one_text", replaced(NEG, "  # continued", ""), "not the shipped text"),
    ("one_text", shows(BOX, "ops.py: absent"), "ops.py has no absent"),
    ("one_text", shows(BOX, "absent.py: absent"), "its tag shows nothing"),
    ("live_cells", replaced("import live", "import live", "import book"), "comes before"),
    ("live_cells", dropped("live.restore()"), "no `live.restore()` follows"),
    ("live_cells", untagged(NEG), "without the tag"),
    ("whole_modules", dropped(NEG), 'needs a cell for minijax="ops.py: Box.__neg__"'),
    ("whole_modules", swapped(BOX, NEG), "shows ops.py: scale before RATE"),
    ("whole_modules", swapped(BOX, NEG), "shows ops.py: Box.__neg__ before Box"),
]


@pytest.mark.parametrize(("guard", "spoil", "words"), BAD)
def test_a_guard_fails_on_what_it_guards_against(book, guard, spoil, words):
    nb = book.read()
    spoil(nb)
    if guard in ("valid", "formatted"):  # what the formatter would mend
        text = nbformat.v4.writes(nb)
    else:
        text = cells.canonical(nb)
    book.path.write_text(text, encoding="utf-8", newline="\n")
    chapter = Chapter(read_book(book.root), "01_ops")
    assert words in "\n".join(map(str, GUARDS[guard](chapter)))


def test_every_guard_is_seen_to_fail():
    assert {guard for guard, _, _ in BAD} == set(GUARDS)


def test_a_median_of_long_cells_is_out_of_shape(book):
    nb = book.read()
    for cell in [c for c in nb.cells if c.cell_type == "code"]:
        cell.source += "\n" * 6 + "x = 1"
    cells.write(nb, book.path)
    assert "the median code cell has" in "\n".join(book.problems())


# The library, the manifest and the chapters.


def test_a_definition_that_is_added_must_be_shown(book):
    ops = book.root / "tinylib/ops.py"
    ops.write_text(OPS + "\n\ndef added():\n    pass\n", encoding="utf-8")
    assert book.problems() == ['01_ops: needs a cell for minijax="ops.py: added"']


def test_a_definition_may_be_named_in_the_prose_instead(book):
    nb = book.read()
    replaced(NEG, "class Box:  # continued\n", "")(nb)
    nb.cells.remove(find(nb, "def __neg__"))
    nb.cells.insert(4, new_code_cell(metadata={"minijax": "ops.py: scale"}))
    cells.write(nb, book.path)
    book.tool("sync")
    manifest = book.root / "book.yml"
    manifest.write_text(BOOK.replace("[]", '["ops.py: Box.__neg__"]'), encoding="utf-8")
    unnamed = "01_ops: book.yml says that the prose names `Box.__neg__`"
    assert unnamed in book.problems()
    nb = book.read()
    replaced("# A s", "# A sample chapter", "# A sample chapter\n\nAnd `Box.__neg__`.")(nb)
    cells.write(nb, book.path)
    assert unnamed not in book.problems()
    assert not any("needs a cell" in p for p in book.problems())


def test_a_definition_is_shown_once_in_all_chapters(book):
    shutil.copy(book.path, book.root / "chapters/02_later.ipynb")
    manifest = book.root / "book.yml"
    manifest.write_text(BOOK + "      - file: chapters/02_later\n", encoding="utf-8")
    problems = book.problems()
    assert "01_ops and 02_later: ops.py: Box.__neg__ is shown twice" in problems
    assert '02_later: needs a cell for minijax="later.py: magic"' in problems


def test_a_listed_chapter_must_exist_and_an_existing_one_be_listed(book):
    book.path.rename(book.path.with_name("09_other.ipynb"))
    problems = "\n".join(book.problems())
    assert "lists chapters/01_ops, which does not exist" in problems
    assert "09_other.ipynb: is not listed" in problems


def test_chapters_stand_in_the_order_of_their_numbers(book):
    manifest = book.root / "book.yml"
    manifest.write_text(BOOK + "      - file: chapters/00_tour\n", encoding="utf-8")
    assert "not in the order of their numbers" in "\n".join(book.problems())


def test_a_taught_module_must_exist(book):
    manifest = book.root / "book.yml"
    manifest.write_text(BOOK.replace("{ops.py:", "{gone.py: 01_ops, ops.py:"), encoding="utf-8")
    assert "book.yml: gone.py is taught by 01_ops, and does not exist" in book.problems()


def test_names_are_followed_to_the_file_that_defines_them(book):
    for dotted, file in {
        "tinylib.magic": "later.py",
        "tinylib.Box.scaled": "ops.py",
        "tinylib.ops.scale": "ops.py",
        "tinylib.far.travel": "far/away.py",
        "tinylib.far.away.travel": "far/away.py",
        "tinylib": "__init__.py",
        "tinylib.nothing": "__init__.py",
    }.items():
        assert origin(book.root, dotted) == file, dotted


def test_the_tour_may_use_what_is_to_come(book):
    nb = book.read()
    code("tinylib.magic(1)")(nb)
    cells.write(nb, book.path.with_name("00_tour.ipynb"))
    listed = read_book(book.root)
    listed = replace(listed, chapters={"00_tour": "chapters/00_tour"} | listed.chapters)
    assert list(GUARDS["in_order"](Chapter(listed, "00_tour"))) == []


# The tool.


def test_build_and_text_are_inverse(book, tmp_path, capsys):
    assert book.tool("text", book.path) == 0
    text = capsys.readouterr().out
    source = tmp_path / "again.md"
    source.write_text(text, encoding="utf-8")
    again = tmp_path / "book/chapters/02_again.ipynb"
    assert book.tool("build", source, again) == 0
    for one, two in zip(book.read().cells, cells.read(again).cells, strict=True):
        assert (one.id, one.source, one.metadata) == (two.id, two.source, two.metadata)
    assert cells.to_text(cells.read(again)) == text
    assert "def __neg__" not in text  # the library is not copied into the text


def test_a_text_with_every_feature_survives():
    text = textwrap.dedent("""\
        +++ slide=slide id=start

        # Title

        ````text
        ```python
        not run
        ```
        +++
        ````

        +++

        More prose.

        ````python tags=hide-input,raises-exception alt='a line, falling' id=plot
        print('''
        ```
        ''')
        ````

        ```python id=cell-2
        same
        ```

        ```python
        same
        ```
        """)
    nb = cells.from_text(text)
    assert [c.cell_type for c in nb.cells] == ["markdown", "markdown", *["code"] * 3]
    assert nb.cells[2].metadata == {
        "tags": ["hide-input", "raises-exception"],
        "mystnb": {"image": {"alt": "a line, falling"}},
    }
    written = nbformat.reads(cells.canonical(nb), as_version=4)
    assert [c.id for c in written.cells] == ["start", "more-prose", "plot", "cell-2", "same"]
    assert cells.to_text(written) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\n\n```python\nx = 1\n", "line 3: the fence"),
        ("```python tag=x\n```\n", "line 1: 'tag' is not an option"),
        ("```python tags\n```\n", "line 1: 'tags' is not an option"),
        ('```python minijax="ops.py"\n```\n', "not of the form"),
        ('```python minijax="ops.py: scale"\nx\n```\n', "a library cell has no body"),
        ("+++ slide=slide\n\n```python\nx\n```\n", "belong to no prose"),
        ('```python minijax="ops.py: absent"\n```\n', "ops.py has no absent"),
    ],
)
def test_a_wrong_text_is_refused_with_its_line(book, tmp_path, capsys, text, words):
    source = tmp_path / "wrong.md"
    source.write_text(text, encoding="utf-8")
    assert book.tool("build", source, tmp_path / "x.ipynb") == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "x.ipynb").exists()


def test_prose_that_would_not_come_back_is_refused():
    nb = cells.from_text("x")
    nb.cells[0].source = "```python\nx\n```"
    with pytest.raises(ValueError, match="fence code that is not run"):
        cells.to_text(nb)


def test_sync_brings_a_change_of_the_library_into_the_chapter(book, capsys):
    ops = book.root / "tinylib/ops.py"
    ops.write_text(OPS.replace("Holds a value", "Holds one value"), encoding="utf-8")
    assert book.tool("check") == 1
    said = capsys.readouterr().out
    assert "mend: python -m minijax.course.notebooks sync chapters/01_ops.ipynb" in said
    assert book.tool("sync") == 0
    assert "next: python -m minijax.course.notebooks run" in capsys.readouterr().out
    assert "Holds one value" in find(book.read(), BOX).source
    assert book.tool("check") == 0
    before = book.path.stat().st_mtime_ns
    assert book.tool("sync") == 0 and book.path.stat().st_mtime_ns == before  # nothing to do


def test_check_prints_figures_and_takes_chapters_not_listed_yet(book, capsys):
    other = book.path.with_name("01_draft.ipynb")
    shutil.copy(book.path, other)
    assert book.tool("check", "--figures", other) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[2].split() == ["01_draft", *"9 2 2.0 12 32.0 78% 3.1 5 50".split()]  # by hand
    assert rows[-1] == "0 problem(s) in 1 chapter(s)"


def test_a_chapter_that_raises_is_not_written(book, capsys):
    nb = book.read()
    code("1 / 0")(nb)
    cells.write(nb, book.path)
    before = book.path.read_text(encoding="utf-8")
    assert book.tool("run", book.path) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert book.path.read_text(encoding="utf-8") == before


def test_outside_of_a_repository_the_tool_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="run this inside the repository"):
        find_root(tmp_path)
    assert find_root(ROOT / "tests") == ROOT


# The formatter.


def test_the_formatter_tidies_what_jupyterlab_leaves(book):
    nb = book.read()
    tidy = book.path.read_text(encoding="utf-8")
    messy = copy.deepcopy(nb)
    messy.metadata.update(widgets={}, language_info={"name": "python", "version": "3.11.7"})
    for i, cell in enumerate(messy.cells):
        cell.metadata.update(collapsed=False, editable=True)
        cell.source = f"\n{cell.source}\n\n"
        if cell.cell_type == "code":
            cell.execution_count += 7 + i
        if cell.id == "start" or "-" in cell.id:
            cell.id = f"{i:08x}"
    loop = find(messy, "for i")
    loop.outputs = [new_output("stream", name="stdout", text=t) for t in ("0.0\n", "2.0\n")]
    find(messy, "scale(4.0)").outputs[0].traceback = ["Traceback", "somewhere, line 3"]
    assert cells.canonical(messy) == tidy
    assert cells.canonical(nbformat.reads(tidy, as_version=4)) == tidy


def test_cells_run_out_of_order_are_not_renumbered(book):
    nb = book.read()
    find(nb, "for i").execution_count = 2
    assert nbformat.reads(cells.canonical(nb), as_version=4).cells[-2].execution_count == 2


def test_ids_are_readable_and_unique():
    many = cells.from_text("# The *tour*\n\n+++\n\n!!!\n" + "\n```python\nf(x)\n```\n" * 3)
    assert cells.cell_ids(many.cells) == ["the-tour", "cell", "f-x", "f-x-2", "f-x-3"]


# nbval.


def sanitizers():
    from nbval.plugin import get_sanitize_patterns

    return get_sanitize_patterns((ROOT / "tests/sanitize.cfg").read_text(encoding="utf-8"))


def test_what_is_stored_is_cleaned_as_nbval_cleans_it():
    assert sanitizers()[:3] == cells.CLEAN and len(sanitizers()) == 4


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("<f at 0x7f00deadbeef>", "<f at 0xADDR>"),
        ("key 0x1BD11BDA", "key 0x1BD11BDA"),
        ("in /scratch/ipykernel_12/345.py:3", "in CELL.py:3"),
        ("in /var/folders/a_/b+c/T/ipykernel_12/345.py:3", "in CELL.py:3"),
        (r"in C:\Users\RUNNER~1\Temp\ipykernel_12\345.py:3", "in CELL.py:3"),
        ("in /home/me/minijax/minijax/jvp.py:3", "in minijax/jvp.py:3"),
        (r"in D:\a b\minijax\jvp.py:3", "in minijax/jvp.py:3"),
    ],
)
def test_paths_and_addresses_do_not_depend_on_the_machine(text, cleaned):
    assert cells.clean(text) == cleaned


def nbval(path):
    """Run nbval on a notebook as the project does; the exit code and what it said."""
    (path.parent / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    options = ["--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-c", "pytest.ini"]
    sanitize = f"--nbval-sanitize-with={ROOT / 'tests/sanitize.cfg'}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, sanitize, path.name],
        cwd=path.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(path.parents[1]), str(ROOT)])},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
def test_nbval_runs_library_cells_and_compares(book):
    status, said = nbval(book.path)
    assert status == 0 and "9 passed" in said
    nb = book.read()
    find(nb, "Box(3.0).scaled()").outputs[0].data["text/plain"] = "Box(value=5.0)"
    cells.write(nb, book.path)
    status, said = nbval(book.path)
    assert status == 1 and "1 failed, 8 passed" in re.sub(r"\x1b\[[0-9;]*m", "", said)
