"""The two forms of a chapter: the notebook that is committed and the text a writer edits.

The text is Markdown. A fence whose first word is `python` is a code cell; everything between two
of them is a prose cell; a line `+++` starts another prose cell. Options stand after `python` or
after `+++`::

    # Forward mode                              the first prose cell

    Take a function nobody asked us to differentiate.

    ```python                                   a code cell
    f(2.0)
    ```

    ```python minijax="jvp.py: JVPTracer, jvp"  a cell of the library: no body, it is filled in
    ```

    ```python tags=raises-exception alt="a falling line" id=leak
    leaked + 1
    ```

    +++ slide=slide                             one more prose cell, on a new slide

Tags are those of `TAGS`; `slide` is a slide type of `slides/pages.py`; `alt` describes a picture
that the cell draws; `id` is needed only to keep an id that does not follow from the cell's first
words. Code to be read and not run is fenced with another word (`text`, `py`, `console`).
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from minijax.course.source import parse_tag

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
TAGS = {"raises-exception", "nbval-ignore-output", "hide-input", "hide-output"}
OPTIONS = {"minijax", "tags", "slide", "alt", "id"}
# What differs from machine to machine, as in tests/sanitize.cfg.
CLEAN = [
    (r"\bat 0x[0-9a-fA-F]{6,}", "at 0xADDR"),
    (r"""([A-Za-z]:)?([\\/][^\\/\n:"']+)*[\\/]ipykernel_\d+[\\/]\d+\.py""", "CELL.py"),
    (r"""([A-Za-z]:)?([\\/][^\\/\n:"']+)*[\\/]minijax[\\/]""", "minijax/"),
]
FENCE = re.compile(r"(`{3,}|~{3,})\s*(.*)")
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}")

Notebook = Any  # nbformat.NotebookNode, which has no types
Cell = Any


def read(path: Path) -> Notebook:
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def write(nb: Notebook, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(canonical(nb), encoding="utf-8", newline="\n")


# The canonical notebook: what is committed.


def canonical(nb: Notebook) -> str:
    """The one way to write a notebook: few metadata, readable ids, counts 1..n, clean outputs."""
    cells = [_canonical_cell(cell) for cell in nb.cells]
    _name(cells)
    code = [cell for cell in cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    if all(counts) and counts == sorted(set(counts)):  # run in order: number them again
        counts = list(range(1, len(code) + 1))
    for cell, count in zip(code, counts, strict=True):
        cell.execution_count = count
        cell.outputs = canonical_outputs(cell.outputs, count)
    made = new_notebook(cells=cells, metadata=METADATA, nbformat_minor=5)
    return nbformat.writes(made, version=4).rstrip("\n") + "\n"


def _canonical_cell(cell: Cell) -> Cell:
    made = nbformat.from_dict(dict(cell))
    made.source = cell.source.strip("\n")
    options = _options(cell)
    made.metadata = _metadata(options)
    made.pop("attachments", None)
    made["id"] = options.get("id", "")
    return made


def _options(cell: Cell) -> dict[str, str]:
    """What a cell's metadata says, in the words of the text form."""
    m = cell.metadata
    file_and_names = parse_tag(m["minijax"]) if m.get("minijax") else None
    found = {
        "minijax": file_and_names and f"{file_and_names[0]}: {', '.join(file_and_names[1])}",
        "tags": ",".join(sorted(set(m.get("tags", [])))),
        "slide": m.get("slideshow", {}).get("slide_type", ""),
        "alt": m.get("mystnb", {}).get("image", {}).get("alt"),
        "id": "" if RANDOM_ID.fullmatch(cell.get("id", "")) else cell.get("id", ""),
    }
    return {k: v for k, v in found.items() if v}


def _metadata(options: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "minijax" in options:
        made["minijax"] = options["minijax"]
    if "tags" in options:
        made["tags"] = sorted(options["tags"].split(","))
    if "slide" in options:
        made["slideshow"] = {"slide_type": options["slide"]}
    if "alt" in options:
        made["mystnb"] = {"image": {"alt": options["alt"]}}
    return made


def canonical_outputs(outputs: list[Any], count: int | None) -> list[Any]:
    """The outputs of a cell as they are stored: one of each stream, errors without frames."""
    made: list[Any] = []
    for out in outputs:
        kind = out.output_type
        if kind == "stream":
            same = [o for o in made if o.output_type == "stream" and o.name == out.name]
            if same:
                same[0].text += clean(out.text)
            else:
                made.append(new_output("stream", name=out.name, text=clean(out.text)))
        elif kind == "error":  # frames are long, and their line numbers change with every edit
            value = clean(out.evalue)
            line = f"{out.ename}: {value}"
            made.append(new_output(kind, ename=out.ename, evalue=value, traceback=[line]))
        else:
            more = {"execution_count": count} if kind == "execute_result" else {}
            data = {k: clean(v) if isinstance(v, str) else v for k, v in out.data.items()}
            made.append(new_output(kind, data=data, **more))
    return made


def clean(text: str) -> str:
    """Without what differs from one run, or one machine, to the next."""
    for pattern, replacement in CLEAN:
        text = re.sub(pattern, replacement, text)
    return text


def _name(cells: list[Cell]) -> None:
    for cell, name in zip(cells, cell_ids(cells), strict=True):
        cell["id"] = name


def cell_ids(cells: list[Cell]) -> list[str]:
    """Every cell's id: its own, or made of its first words."""
    used = {cell["id"] for cell in cells if cell.get("id")}
    made: list[str] = []
    for cell in cells:
        name = cell.get("id") or ""
        if not name or name in made:
            base = name = _slug(cell)
            n = 1
            while name in used or name in made:
                name = f"{base}-{(n := n + 1)}"
        made.append(name)
    return made


def _slug(cell: Cell) -> str:
    text = cell.metadata.get("minijax", "").replace(".py", "") or cell.source
    words = re.findall(r"[a-z0-9]+", text.lower().removeprefix("# minijax/"))
    return "-".join(words[:6])[:48].strip("-") or "cell"


# The text: what a writer edits.


def from_text(text: str) -> Notebook:
    """The notebook of a text: not run, library cells empty. ValueError names the line."""
    cells: list[Cell] = []
    prose: list[str] = []
    options: dict[str, str] = {}
    lines = text.splitlines()
    at = 0

    def end_prose() -> None:
        source = "\n".join(prose).strip("\n")
        if source:
            cells.append(_made(new_markdown_cell(source), options))
        elif options:
            raise ValueError(f"line {at + 1}: the options of `+++` belong to no prose")
        prose.clear()
        options.clear()

    while at < len(lines):
        fence, line = FENCE.match(lines[at]), lines[at]
        if line == "+++" or line.startswith("+++ "):
            end_prose()
            options |= _parse_options(line[3:], at)
            at += 1
        elif fence:
            end = _closing(lines, at, fence[1])
            if fence[2].split()[:1] == ["python"]:
                end_prose()
                cells.append(_code_cell(fence[2], lines[at + 1 : end], at))
            else:
                prose += lines[at : end + 1]
            at = end + 1
        else:
            prose.append(line)
            at += 1
    end_prose()
    _name(cells)
    return new_notebook(cells=cells, metadata=METADATA)


def _closing(lines: list[str], at: int, fence: str) -> int:
    for end in range(at + 1, len(lines)):
        mark = lines[end].strip()
        if mark.startswith(fence) and not mark.strip(fence[0]):
            return end
    raise ValueError(f"line {at + 1}: the fence {lines[at]!r} is never closed")


def _code_cell(info: str, body: list[str], at: int) -> Cell:
    options = _parse_options(info.removeprefix("python"), at)
    if "minijax" in options and any(line.strip() for line in body):
        raise ValueError(f"line {at + 1}: a library cell has no body, the library fills it in")
    return _made(new_code_cell("\n".join(body).strip("\n")), options)


def _parse_options(text: str, at: int) -> dict[str, str]:
    found = dict(word.partition("=")[::2] for word in shlex.split(text))
    for name, value in found.items():
        if name not in OPTIONS or not value:
            known = ", ".join(f"{o}=..." for o in sorted(OPTIONS))
            raise ValueError(f"line {at + 1}: {name!r} is not an option: {known}")
    if "minijax" in found:
        parse_tag(found["minijax"])
    return found


def _made(cell: Cell, options: dict[str, str]) -> Cell:
    cell.metadata = nbformat.from_dict(_metadata(options))
    cell["id"] = options.get("id", "")
    return cell


def to_text(nb: Notebook) -> str:
    """The authoring text of a notebook, without its outputs."""
    cells = [_canonical_cell(cell) for cell in nb.cells]
    named = _needs_id(cells)
    out: list[str] = []
    last = "code"
    for i, cell in enumerate(cells):
        options = {k: v for k, v in _options(cell).items() if k != "id" or i in named}
        words = "".join(f" {k}={shlex.quote(v)}" for k, v in options.items())
        if cell.cell_type == "markdown":
            out += [f"+++{words}\n"] if last == "markdown" or words else []
            out.append(_as_prose(cell) + "\n")
        else:
            body = "" if "minijax" in options else cell.source + "\n"
            mark = "`" * max([3, *(len(m) + 1 for m in re.findall("`{3,}", body))])
            out.append(f"{mark}python{words}\n{body}{mark}\n")
        last = cell.cell_type
    return "\n".join(out)


def _as_prose(cell: Cell) -> str:
    again = from_text(cell.source).cells
    if len(again) != 1 or again[0].cell_type != "markdown":
        raise ValueError(f"prose cell {cell.id}: fence code that is not run with `py`")
    return cell.source


def _needs_id(cells: list[Cell]) -> set[int]:
    """The cells whose ids would come out differently if they were left out of the text."""
    needed: set[int] = set()
    while True:
        bare = [nbformat.from_dict({**c, "id": c.id * (i in needed)}) for i, c in enumerate(cells)]
        ids = cell_ids(bare)
        wrong = {i for i, c in enumerate(cells) if c.id and c.id != ids[i]} - needed
        if not wrong:
            return needed
        needed.add(min(wrong))
