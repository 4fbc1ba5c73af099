"""Slides of notebooks, as pages that need no network: nbconvert, reveal.js and MathJax.

A page shows the outputs that are stored in the notebook. Nothing runs.
"""

from __future__ import annotations

import html
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minijax.course import cells
from minijax.course.places import STATIC, chapters
from minijax.course.slides.pages import dense, kind, pages, title

HERE = Path(__file__).resolve().parent
INDEX = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Slides</title>
<link rel="icon" href="data:,">
<style>body {{ font: 20px/1.6 system-ui, sans-serif; max-width: 40em; margin: 2em auto; }}</style>
</head>
<body>
<h1>Slides</h1>
<ul>
{items}
</ul>
<p>Arrow keys turn the slides; S opens the speaker's window, Esc the overview.</p>
</body>
</html>
"""
ITEM = '<li><a href="{name}.html">{title}</a> (<a href="{name}.html?print-pdf">to print</a>)</li>'


def notebooks() -> dict[str, Path]:
    """The chapters and lectures that have slides, by their names, in order."""
    folder = chapters()
    found = [*sorted(folder.glob("*.ipynb")), *sorted(folder.glob("slides/*.ipynb"))]
    return {path.stem: path for path in found if pages(cells.read(path).cells)}


def choose(name: str | None) -> list[Path]:
    """The notebooks that a user means by a name or its beginning, or by a path; all by None.

    Raises:
        ValueError: there is none of that name; it lists those there are.
    """
    if name and name.endswith(".ipynb") and Path(name).is_file():
        return [Path(name)]
    known = notebooks()
    chosen = [path for stem, path in known.items() if stem.startswith(name or "")]
    if not chosen:
        raise ValueError(f"no slides are called {name}; there are: {', '.join(known)}")
    return chosen


def build(sources: list[Path], folder: Path) -> Iterator[Path]:
    """Write a page for each notebook, and `index.html`, to `folder`; the pages as they are made.

    Raises:
        ValueError: a notebook has no slides.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(STATIC, folder / "static", dirs_exist_ok=True)
    shutil.copy(HERE / "slides.css", folder)
    items = []
    for source in sources:
        nb = cells.read(source)
        page = folder / f"{source.stem}.html"
        page.write_text(render(nb, source), encoding="utf-8", newline="\n")
        items.append(ITEM.format(name=source.stem, title=html.escape(nb.metadata["title"])))
        yield page
    index = INDEX.format(items="\n".join(items))
    (folder / "index.html").write_text(index, encoding="utf-8", newline="\n")


def render(nb: Any, source: Path) -> str:
    """The page of a notebook."""
    from nbconvert import SlidesExporter

    if not pages(nb.cells):
        raise ValueError(f'{source} has no slides: no cell of slide type "slide"')
    nb.metadata["title"] = title(nb.cells)
    nb.cells = [cell for cell in nb.cells if kind(cell)]
    for page in pages(nb.cells):
        if dense(page):
            page[0].metadata["slideshow"]["data"] = {"dense": "yes"}  # smaller, in slides.css
    exporter = SlidesExporter(
        extra_template_basedirs=[str(HERE / "template")],
        template_name="minijax_slides",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        anchor_link_text="",
    )
    return exporter.from_notebook_node(nb)[0]
