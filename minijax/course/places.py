"""Where the course's files are, in the clone or inside the installed package."""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

STATIC = Path(__file__).resolve().parent / "static"  # other people's scripts: MathJax, reveal.js
ORIGINALS = ".originals.json"  # in a reader's copy: what each file was when it was copied


def shipped(name: str, file: str) -> Path:
    """A folder of the course, known by a file in it: in a clone it is beside the package, of an
    installed package it is part, as `_name`.

    Raises:
        FileNotFoundError: neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    folders = (package / f"_{name}", package.parent / name)
    for folder in folders:
        if (folder / file).is_file():
            return folder
    raise FileNotFoundError(
        f"the {name} are missing: no {file} in {' or '.join(map(str, folders))}; "
        "install minijax again from a whole clone"
    )


def chapters() -> Path:
    """The folder of the chapters."""
    return shipped("chapters", "00_tour.ipynb")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def copy_chapters(target: Path, without_outputs: bool = False) -> tuple[list[Path], list[Path]]:
    """Copy the chapters to `target`: the files made or renewed, and the reader's that are old."""
    return copy_folder(chapters(), target, change=unrun if without_outputs else unchanged)


def unchanged(name: Path, content: bytes) -> bytes:
    return content


def unrun(name: Path, content: bytes) -> bytes:
    """A notebook without what running it has left; other files as they are."""
    if name.suffix != ".ipynb":
        return content
    data = json.loads(content)
    for cell in data["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()


def copy_folder(
    source: Path,
    target: Path,
    wanted: Callable[[Path], bool] = lambda name: True,
    change: Callable[[Path, bytes], bytes] = unchanged,
) -> tuple[list[Path], list[Path]]:
    """Copy the wanted files to `target`: those made or renewed, and the reader's that are old.

    A file that the reader has changed is kept, also when the library's is newer than its original.
    """
    record = target / ORIGINALS
    originals = json.loads(record.read_text("utf-8")) if record.is_file() else {}
    made, old = [], []
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        hidden = any(part.startswith((".", "__")) for part in name.parts)
        if hidden or not path.is_file() or not wanted(name):
            continue
        content, copy, key = change(name, path.read_bytes()), target / name, name.as_posix()
        new, there = digest(content), digest(copy.read_bytes()) if copy.exists() else None
        if there is None or there == originals.get(key) != new:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)  # not its mode: an installed file may be read-only
            made.append(copy)
        elif there != new:  # the reader's
            old += [copy] if originals.get(key) != new else []
            continue
        originals[key] = new
    target.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(originals, indent=1), "utf-8")
    return made, old


def trust(notebooks: Iterable[Path]) -> None:
    """Tell Jupyter that these are ours: of others it shows no drawing before they are run."""
    import nbformat
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    for path in notebooks:
        if path.suffix == ".ipynb":
            notary.sign(nbformat.read(path, as_version=4))
