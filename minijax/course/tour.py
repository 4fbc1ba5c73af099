"""Run a chapter in the terminal: its prose, its code, and what the code prints when run now."""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class CellError(Exception):
    """A cell of a chapter did not do what its stored copy did."""


def run_notebook(path: Path, console: Any, on_cell: Callable[[], None] = lambda: None) -> int:
    """Print every cell of the notebook on a rich `console`, running the code; returns the count.

    A cell tagged `raises-exception` must raise; any other must not.

    Raises:
        CellError: naming the cell, when one does otherwise.
    """
    from rich.markdown import Markdown
    from rich.padding import Padding
    from rich.syntax import Syntax
    from rich.text import Text

    count = 0
    with _shell() as shell:
        for cell in read_cells(path):
            console.print()
            if cell.cell_type == "markdown":
                console.print(Markdown(cell.source))
            elif cell.cell_type == "code":
                count += 1
                code = Syntax(cell.source, "python", theme="ansi_dark", word_wrap=True)
                console.print(Padding(code, (0, 0, 0, 4)))
                picture = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
                text, error = _run(shell, cell.source, picture)
                if text:
                    console.print(Padding(Text(text, style="green"), (0, 0, 0, 2)))
                _check(path, count, cell, error)
                on_cell()
    return count


def read_cells(path: Path) -> list:
    """The cells of the notebook file, without the exercises, which need a place for answers."""
    import nbformat

    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if not cell.get("id", "").startswith("exercise")]


@contextmanager
def _shell() -> Iterator[Any]:
    """An IPython in this process, as a notebook's kernel is, that leaves nothing behind."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets import Type
    from traitlets.config import Config

    class PlainHook(DisplayHook):
        def write_output_prompt(self):
            pass  # the cells of a chapter are not numbered on the screen

        def write_format_data(self, format_dict, md_dict=None):
            print(format_dict["text/plain"])

    class Shell(InteractiveShell):
        displayhook_class = Type(PlainHook)

        def enable_gui(self, gui=None):
            pass  # asked for by enable_matplotlib; there are no windows here

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.xmode = "Minimal"
    with tempfile.TemporaryDirectory() as folder:
        shell = Shell.instance(config=config, ipython_dir=folder)
        shell.enable_matplotlib("inline")  # figures become outputs, as in a notebook
        try:
            yield shell
        finally:
            Shell.clear_instance()


def _run(shell: Any, source: str, picture: str) -> tuple[str, BaseException | None]:
    """What the cell printed, displayed and raised; a picture is described."""
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        result = shell.run_cell(source, store_history=True)  # for the quiet `;`
    error = result.error_before_exec or result.error_in_exec
    if isinstance(error, KeyboardInterrupt):
        raise error
    shown = [f"[picture: {picture}]" if "image/png" in output.data and picture
             else output.data.get("text/plain", "") for output in captured.outputs]
    parts = [captured.stdout.rstrip(), captured.stderr.rstrip(), *shown]
    text = "\n".join(filter(None, parts))
    return re.sub(r"<ipython-input-\w+-\w+>:(\d+)", r"line \1 of this cell", text), error


def _check(path: Path, count: int, cell: Any, error: BaseException | None) -> None:
    expected = "raises-exception" in cell.metadata.get("tags", [])
    if error is not None and not expected:
        raise CellError(f"code cell {count} of {path.name} raised {type(error).__name__}: {error}")
    if error is None and expected:
        raise CellError(f"code cell {count} of {path.name} should have raised and did not")
