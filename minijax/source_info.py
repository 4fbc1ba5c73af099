"""Where the user is: the line of a program that errors and equations name."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from minijax.scopes import names

_OURS = [os.path.join(os.path.dirname(__file__), ""), functools.__file__, contextlib.__file__]


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


def user_line() -> tuple[Any, int, tuple[str, ...]] | None:
    """Of the innermost frame that is the user's: code, instruction, and the named scope there."""
    if names.line is not None:
        return names.line
    frame: Any = sys._getframe(2)
    ours = tuple(_OURS)
    while frame is not None and frame.f_code.co_filename.startswith(ours):
        frame = frame.f_back
    return (frame.f_code, frame.f_lasti, names.stack) if frame is not None else None


def show_line(line: tuple[Any, int, tuple[str, ...]] | None) -> str:
    """`file.py:3:8 (f)`: the line and column of an instruction, and the function it is in."""
    if line is None:
        return "an unknown line"
    code, instruction, scopes = line
    row, _, column, _ = list(code.co_positions())[instruction // 2]
    where = f" in the scope {'/'.join(scopes)}" if scopes else ""
    return f"{code.co_filename}:{row}:{column} ({code.co_qualname}){where}"


def name_of(f: Callable) -> str:
    return getattr(f, "__name__", type(f).__name__)
