"""Where the user is: the line of a program that errors and equations name."""

from __future__ import annotations

import functools
import os
import sys
import threading
from typing import Any

_OURS = [os.path.join(os.path.dirname(__file__), ""), functools.__file__]  # it dispatches rules


class _Given(threading.local):
    line: Any = None


given = _Given()  # where a program is evaluated, the lines are those of its equations


def register_exclusion(path: str) -> None:
    """An interpreter lives in this file: its frames are not the user's. JAX's name for it."""
    _OURS.append(path)


def user_line() -> tuple[Any, int] | None:
    """The code of the innermost frame that is the user's, and where in it: an instruction."""
    if given.line is not None:
        return given.line
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(tuple(_OURS)):
        frame = frame.f_back
    return (frame.f_code, frame.f_lasti) if frame is not None else None


def show_line(line: tuple[Any, int] | None) -> str:
    """`file.py:3:8 (f)`: the line and column of an instruction, and the function it is in."""
    if line is None:
        return "an unknown line"
    code, instruction = line
    row, _, column, _ = list(code.co_positions())[instruction // 2]
    return f"{code.co_filename}:{row}:{column} ({code.co_qualname})"
