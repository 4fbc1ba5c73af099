"""With `jax_debug_nans` and `jax_debug_infs`: which numbers are errors, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.config import flags
from minijax.source_info import show_line, user_line


def checking_floats() -> bool:
    return flags.jax_debug_nans or flags.jax_debug_infs


def bad_number(values: Sequence[Any]) -> str | None:
    """Which number that is an error is among the values: "nan", "inf" or none."""
    for x in values:
        if dtypes.is_inexact(x.dtype):
            x = np.asarray(x)
            if flags.jax_debug_nans and np.isnan(x).any():
                return "nan"
            if flags.jax_debug_infs and np.isinf(x).any():
                return "inf"
    return None


def check_floats(name: str, outs: Sequence[Any]) -> None:
    """FloatingPointError if a result of an operation that was evaluated by itself is an error."""
    if what := bad_number(outs):
        raise invalid_value(what, name, user_line())


def invalid_value(what: str, name: str, line: Any) -> FloatingPointError:
    return FloatingPointError(f"invalid value ({what}) encountered in {name}\nat {show_line(line)}")
