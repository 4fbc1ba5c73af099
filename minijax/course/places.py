"""Where the course's files are: in the clone, or inside the installed package."""

import hashlib
import json
from pathlib import Path

STATIC = Path(__file__).resolve().parent / "static"  # other people's scripts: MathJax, reveal.js
ORIGINALS = ".originals.json"  # in a reader's copy: what each file was when it was copied


def chapters() -> Path:
    """The folder of the chapters: shipped inside an installed package, beside it in a clone.

    Raises:
        FileNotFoundError: neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    folders = (package / "_chapters", package.parent / "chapters")
    for folder in folders:
        if (folder / "00_tour.ipynb").is_file():
            return folder
    raise FileNotFoundError(
        f"the chapters are missing: no 00_tour.ipynb in {' or '.join(map(str, folders))}; "
        "install minijax again from a whole clone"
    )


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def copy_chapters(target: Path, without_outputs: bool = False) -> tuple[list[Path], list[Path]]:
    """Copy the chapters to `target`: the files made or renewed, and the reader's that are old.

    A file that the reader has changed is kept, also when the library's is newer than its original.
    """
    source, record = chapters(), target / ORIGINALS
    originals = json.loads(record.read_text("utf-8")) if record.is_file() else {}
    made, old = [], []
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if any(part.startswith((".", "__")) for part in name.parts) or not path.is_file():
            continue
        content = path.read_bytes()
        if without_outputs and path.suffix == ".ipynb":
            content = unrun(content)
        new, copy, original = digest(content), target / name, originals.get(name.as_posix())
        there = digest(copy.read_bytes()) if copy.exists() else None
        if there is None or there == original != new:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            made.append(copy)
        elif there != new:  # the reader's
            old += [copy] if original != new else []
            continue
        originals[name.as_posix()] = new
    record.write_text(json.dumps(originals, indent=1), "utf-8")
    return made, old


def unrun(notebook: bytes) -> bytes:
    """The notebook without what running it has left."""
    data = json.loads(notebook)
    for cell in data["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()
