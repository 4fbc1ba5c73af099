"""Shorter tracebacks in notebooks: the reader's lines, and the library's line that raised.

IPython leaves out a frame that has a local variable `__tracebackhide__`. The frames of the library
get one, except those of a cell that edits the library, before a traceback is shown. To see all:
`jax.config.update("jax_traceback_filtering", "off")`.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from minijax.config import config

LIBRARY = str(Path(__file__).parents[1])


def hide_frames(error: BaseException | None, tb: TracebackType | None) -> None:
    """Mark the library's frames, also in the errors that led to this one."""
    for frame, _ in traceback.walk_tb(tb):
        code = frame.f_code
        if code.co_filename.startswith(LIBRARY) and code.co_name != "<module>":
            frame.f_locals["__tracebackhide__"] = config.jax_traceback_filtering != "off"
    before = error and (error.__cause__ or error.__context__)
    if before:
        hide_frames(before, before.__traceback__)


def install() -> None:
    """In a notebook, from now on. Elsewhere nothing happens."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or hasattr(shell, "minijax_tracebacks"):
        return
    shell.minijax_tracebacks = True
    shown = shell.InteractiveTB.structured_traceback

    def structured_traceback(kind: Any = None, error: Any = None, tb: Any = None, *args: Any,
                             **options: Any) -> Any:
        hide_frames(error, tb)
        return shown(kind, error, tb, *args, **options)

    shell.InteractiveTB.structured_traceback = structured_traceback
