"""Where the user is: the line of a program that errors and equations name."""

from __future__ import annotations

import os
import sys
from typing import Any

_OURS = [os.path.join(os.path.dirname(__file__), "")]


def register_exclusion(path: str) -> None:
    """An interpreter lives in this file: its frames are not the user's. JAX's name for it."""
    _OURS.append(path)


def user_line() -> tuple[Any, int] | None:
    """The code and line of the innermost frame that is the user's."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(tuple(_OURS)):
        frame = frame.f_back
    return (frame.f_code, frame.f_lineno) if frame is not None else None


def show_line(line: tuple[Any, int] | None) -> str:
    return f"{line[0].co_filename}:{line[1]} ({line[0].co_name})" if line else "an unknown line"
