"""Two tiers. A test is slow if it repeats for many cases what a fast one says of some.

Of a family of cases, `thinned` leaves the first of each kind in the fast tier; of what is left,
`conftest.py` takes a sample. A single test that takes a second or more is `heavy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

slow = pytest.mark.slow
heavy = pytest.mark.slow("by itself")


def thinned(cases: Iterable[Any], kind: Callable[[Any], Any], name: Callable[[Any], str] = str
            ) -> list[Any]:
    """The cases as params of a test: the first of each kind is fast, the others are slow."""
    seen: set[Any] = set()
    params = []
    for case in cases:
        marks = [slow] if kind(case) in seen else []
        seen.add(kind(case))
        params.append(pytest.param(case, id=name(case), marks=marks))
    return params
