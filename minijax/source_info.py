"""Where the user is: the line of a program that errors and equations name."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from minijax.scopes import current_scope

_OURS = [os.path.join(os.path.dirname(__file__), ""), functools.__file__, contextlib.__file__]


class _Given(threading.local):
    line: Any = None


given = _Given()  # where a program is evaluated, the lines are those of its equations


def register_exclusion(path: str) -> None:
    """An interpreter lives in this file: its frames are not the user's. JAX's name for it."""
    _OURS.append(path)


def user_frames() -> Iterator[Any]:
    """The frames that are the user's, the innermost first."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(tuple(_OURS)):
            yield frame
        frame = frame.f_back


def user_line() -> tuple[Any, int, str] | None:
    """Of the innermost frame that is the user's: code, instruction, and the named scope there."""
    if given.line is not None:
        return given.line
    frame = next(user_frames(), None)
    return (frame.f_code, frame.f_lasti, current_scope()) if frame else None


def show_line(line: tuple[Any, int, str] | None) -> str:
    """`file.py:3:8 (f)`: the line and column of an instruction, and the function it is in."""
    if line is None:
        return "an unknown line"
    code, instruction, scope = line
    row, _, column, _ = list(code.co_positions())[instruction // 2]
    where = f" in the scope {scope}" if scope else ""
    return f"{code.co_filename}:{row}:{column} ({code.co_qualname}){where}"
