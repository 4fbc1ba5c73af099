"""Where the user is: the line of a program that errors and equations name."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from typing import Any

from minijax.scopes import current_scope

_OURS = [os.path.join(os.path.dirname(__file__), ""), functools.__file__,
         contextlib.__file__]


def register_exclusion(path: str) -> None:
    """An interpreter lives in this file: its frames are not the user's. JAX's name for it."""
    _OURS.append(path)


def user_frames() -> Iterator[Any]:
    """The frames that are the user's, the innermost first."""
    frame: Any = sys._getframe(1)
    ours = tuple(_OURS)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(ours):
            yield frame
        frame = frame.f_back


def user_line() -> tuple[Any, int, str] | None:
    """The code and line of the innermost frame that is the user's, and the named scope there."""
    frame = next(user_frames(), None)
    return (frame.f_code, frame.f_lineno, current_scope()) if frame else None


def show_line(line: tuple[Any, int, str] | None) -> str:
    if line is None:
        return "an unknown line"
    scope = f" in the scope {line[2]}" if line[2] else ""
    return f"{line[0].co_filename}:{line[1]} ({line[0].co_name}){scope}"
