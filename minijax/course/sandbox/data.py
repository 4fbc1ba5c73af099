"""Values as data: all that crosses from the process that runs a learner's code.

A value becomes a list that JSON can hold, its kind first::

    ["number", 3.0]   ["none"]   ["text", "a\\nb"]   ["program", "{ lambda ; ... }"]
    ["array", dtype, shape, dtype of the bytes, bytes]   ["sequence", [...]]   ["dict", [[k, v]]]
    ["object", type, repr]   ["error", class, message, place]

Nothing is unpickled. Who reads it compares, and never runs anything.
"""

from __future__ import annotations

import base64
import difflib
import re
from typing import Any

import numpy as np

from minijax.core import ArrayImpl
from minijax.jaxpr import Jaxpr

Data = list[Any]
DEEPEST = 20  # a container that holds itself ends here
FORMS = {("none",), ("text", str), ("program", str), ("object", str, str), ("error", str, str, str),
         *(("number", kind) for kind in (bool, int, float))}
STORED = re.compile(r"[<>|][biufc]\d+")  # the dtypes whose bytes are sent


def encode(value: Any, depth: int = 0) -> Data:
    """The data of a value; what has no form of its own is its type and its repr.

    >>> encode((1, None))
    ['sequence', [['number', 1], ['none']]]
    """
    if value is None:
        return ["none"]
    if type(value) in (bool, int, float):
        return ["number", value]
    if type(value) is str:
        return ["text", value]
    if isinstance(value, Jaxpr):
        return ["program", str(value)]
    if isinstance(value, (np.ndarray, np.generic, ArrayImpl)) or type(value) is complex:
        return _encode_array(np.asarray(value))
    if depth < DEEPEST and isinstance(value, (tuple, list)):
        return ["sequence", [encode(x, depth + 1) for x in value]]
    if isinstance(value, (set, frozenset)):
        return ["object", "set", f"{{{', '.join(sorted(map(repr, value)))}}}"[:2000]]
    if depth < DEEPEST and type(value) is dict:
        items = sorted(value.items(), key=lambda item: repr(item[0]))
        return ["dict", [[encode(k, depth + 1), encode(x, depth + 1)] for k, x in items]]
    return ["object", type(value).__name__, repr(value)[:2000]]


def _encode_array(x: np.ndarray) -> Data:
    stored = x
    if x.dtype.kind not in "biufc" or not x.dtype.isbuiltin:  # bfloat16, float0, keys
        stored = x.astype(np.float64) if x.dtype.kind != "V" or x.dtype.names is None else x[:0]
    stored = np.ascontiguousarray(stored)
    data = base64.b64encode(stored.tobytes()).decode("ascii")
    return ["array", str(x.dtype), list(x.shape), stored.dtype.str, data]


def check_form(data: Any, depth: int = 0) -> None:
    """ValueError unless it is such data: who sends it may be out to break who reads it."""
    kind, *parts = data if isinstance(data, list) and data else ("nothing",)
    inside: list[Any] = []
    if kind == "array" and [type(x) for x in parts] == [str, list, str, str]:
        good = STORED.fullmatch(parts[2]) and all(type(n) is int and n >= 0 for n in parts[1])
        good = good and array_of(data) is not None
    elif kind in ("sequence", "dict") and len(parts) == 1 and isinstance(parts[0], list):
        inside = parts[0] if kind == "sequence" else [x for pair in parts[0] for x in pair]
        good = depth <= DEEPEST
    else:
        good = (kind, *[type(x) for x in parts]) in FORMS
    if not good:
        raise ValueError("this is no value")
    for x in inside:
        check_form(x, depth + 1)


def array_of(data: Data) -> np.ndarray | None:
    """The array that a number or an array stands for; None for anything else."""
    if data[0] == "number":
        return np.asarray(data[1])
    if data[0] != "array":
        return None
    _, _, shape, stored, text = data
    x = np.frombuffer(base64.b64decode(text), np.dtype(stored))
    return x.reshape(shape) if x.size or 0 in shape else np.broadcast_to(x.dtype.type(), shape)


def difference(mine: Data, expected: Data) -> str | None:
    """What is wrong with `mine`, in a few words; None where the two are equal.

    Numbers agree to five digits. A Python number is equal to an array of rank 0.

    >>> difference(["number", 1], ["number", 2])
    'another value'
    >>> difference(["number", 1.0], ["array", "float32", [], "<f4", "AACAPw=="]) is None
    True
    """
    if mine[0] == "error" or expected[0] == "error":
        same = mine[:2] == expected[:2]
        return None if same else "an error" if mine[0] == "error" else "no error"
    a, b = array_of(mine), array_of(expected)
    if a is not None and b is not None:
        return _array_difference(mine, expected, a, b)
    if mine[0] != expected[0]:
        return "another kind of value"
    if mine[0] in ("text", "program"):
        return None if lines_of(mine[1]) == lines_of(expected[1]) else "another text"
    if mine[0] in ("sequence", "dict"):
        return _difference_inside(mine, expected)
    return None if mine == expected else "another value"


def _difference_inside(mine: Data, expected: Data) -> str | None:
    if len(mine[1]) != len(expected[1]):
        return f"{len(mine[1])} parts, not {len(expected[1])}"
    a, b = mine[1], expected[1]
    if mine[0] == "dict":
        a, b = [["sequence", x] for x in a], [["sequence", x] for x in b]
    found = ((i, difference(x, y)) for i, (x, y) in enumerate(zip(a, b)))
    return next((f"{what} in part {i}" for i, what in found if what), None)


def _array_difference(mine: Data, expected: Data, a: np.ndarray, b: np.ndarray) -> str | None:
    if a.shape != b.shape:
        return f"the shape is {a.shape}, not {b.shape}"
    if mine[0] == expected[0] == "array" and mine[1] != expected[1]:
        return f"the dtype is {mine[1]}, not {expected[1]}"
    if (a.dtype == bool) != (b.dtype == bool):
        return "another kind of value"
    exact = a.dtype.kind in "biu" and b.dtype.kind in "biu"
    same = np.array_equal(a, b) if exact else np.allclose(a, b, 1e-5, 1e-6, equal_nan=True)
    return None if same else "another value"


def lines_of(text: str) -> list[str]:
    """The lines of a text as they are compared: spaces at the ends and empty lines do not count."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def written(data: Data) -> str:
    """A value as a message names it."""
    kind = data[0]
    if kind == "none":
        return "None"
    if kind in ("number", "text"):
        return repr(data[1]) if kind == "number" or "\n" not in data[1] else data[1]
    if kind == "array":
        x = array_of(data)
        assert x is not None
        text = np.array2string(x, threshold=40, precision=6, separator=", ")
        return f"{text} ({data[1]}{data[2]})" if x.ndim else f"{text} ({data[1]})"
    if kind == "sequence":
        return f"({', '.join(map(written, data[1]))}{',' * (len(data[1]) == 1)})"
    if kind == "dict":
        return f"{{{', '.join(f'{written(k)}: {written(v)}' for k, v in data[1])}}}"
    if kind == "error":
        return f"{data[1]}: {data[2]}" + (f"\n{data[3]}" if data[3] else "")
    return str(data[-1])


def line_diff(mine: str, expected: str) -> str:
    """Two texts, line beside line: `-` is mine, `+` is expected."""
    a, b = ([line.rstrip() for line in text.splitlines() if line.strip()]
            for text in (mine, expected))
    return "\n".join(line for line in difflib.ndiff(a, b) if line[0] in "-+ ")
