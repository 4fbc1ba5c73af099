"""Where the course's files are, in the clone or inside the installed package; and a screen."""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
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


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy_chapters(target: Path) -> tuple[list[Path], list[Path]]:
    """Copy the chapters to `target`: the files made or renewed, and the reader's that are old."""
    return copy_folder(chapters(), target)


def copy_folder(source: Path, target: Path, wanted: Callable[[Path], bool] = lambda name: True
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
        copy, key = target / name, name.as_posix()
        if originals.get(key) == digest(path) and copy.exists():
            continue
        if copy.exists() and digest(copy) not in (digest(path), originals.get(key)):
            old.append(copy)
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)  # not its mode: an installed file may be read-only
        originals[key] = digest(path)
        made.append(copy)
    target.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(originals, indent=1), "utf-8")
    return made, old


def has_screen() -> bool:
    """Whether a browser window can open here."""
    return sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def trust(notebooks: Iterable[Path]) -> None:
    """Tell Jupyter that these are ours: of others it shows no drawing before they are run."""
    import nbformat
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    for path in notebooks:
        if path.suffix == ".ipynb":
            notary.sign(nbformat.read(path, as_version=4))
