"""Where the course's files are: in the clone, or inside the installed package."""

import shutil
from pathlib import Path


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


def copy_chapters(target: Path) -> list[Path]:
    """Copy the chapters to `target` and return the files made. A file already there is kept."""
    source, made = chapters(), []
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        hidden = any(part.startswith((".", "__")) for part in path.relative_to(source).parts)
        if path.is_file() and not hidden and not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)  # not its mode: an installed file may be read-only
            made.append(copy)
    return made
