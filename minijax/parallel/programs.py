"""A program as bytes: how it gets to another process.

Bytes are made by `pickle`, of a closed set of things: programs, types, and what params hold
(numbers, texts, dtypes, tuples of these, our own small classes). An operation is its name, an array
of the program is a place in the shared memory. A function is refused, so nothing of the user's is
ever imported on the other side; and `Reader` looks names up in this library and in NumPy only.

Is it safe to unpickle? Bytes come from the parent alone, through a socket without a name that the
worker inherits: nobody else can write there.
"""

from __future__ import annotations

import functools
import importlib
import io
import pickle
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.compiler.flatten import called
from minijax.core import Array, Primitive, to_numpy
from minijax.jaxpr import Jaxpr, JaxprEqn
from minijax.jit import jit_p
from minijax.parallel.asking import as_question, ask_p, is_question

__all__ = ["Reader", "decoded", "encoded"]

LIBRARIES = ("minijax", "numpy", "ml_dtypes")
BUILTINS = {"complex", "slice", "frozenset", "set", "range", "ellipsis", "getattr"}


@functools.cache
def address(prim: Primitive) -> str | None:
    """`module:name` of an operation of the library; None: it is the user's."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "minijax":
            for key, x in vars(module).items():
                if x is prim:
                    return f"{name}:{key}"
    return None


def refused(what: str) -> TypeError:
    return TypeError(f"pmap sends programs to its devices, never functions, and {what}. Do it "
                     "outside of pmap, or use vmap.")


class Writer(pickle.Pickler):
    """`arrays` collects what a program closes over, `questions` what it asks of the parent."""

    def __init__(self, file: io.BytesIO):
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.arrays: list[np.ndarray] = []
        self.questions: list[Callable] = []

    def persistent_id(self, x: Any) -> Any:
        if isinstance(x, Primitive):
            name = address(x)
            if name is None:
                raise refused(f"the operation {x} is a function of yours")
            return "operation", name
        if isinstance(x, Array):
            self.arrays.append(to_numpy(x))
            return "array", len(self.arrays) - 1
        return None

    def reducer_override(self, x: Any) -> Any:
        if isinstance(x, Jaxpr):
            return Jaxpr, (x.invars, x.eqns, x.outvars, x.constvars, x.consts)
        if isinstance(x, JaxprEqn):
            return JaxprEqn, self.equation(x)
        if isinstance(x, types.FunctionType) and x.__module__.split(".")[0] not in LIBRARIES:
            raise refused(f"this program holds the function {x.__qualname__}")
        return NotImplemented

    def equation(self, e: JaxprEqn) -> tuple:
        """What an equation is made of; a rule of the user's for derivatives has done its work."""
        prim, params, inner = e.primitive, e.params, called(e)
        if is_question(e):
            prim, (params, do) = ask_p, as_question(e, len(self.questions))
            self.questions.append(do)
        elif prim.name == "remat2":
            params = {**params, "policy": None}
        elif inner is not None:
            prim, params = jit_p, {"jaxpr": inner, "name": params.get("name", prim.name)}
        return prim, e.invars, params, e.outvars


def encoded(jaxpr: Jaxpr) -> tuple[bytes, list[np.ndarray], list[Callable]]:
    """The program, the arrays that it closes over, and what it asks of the parent.

    TypeError: it holds a function of another kind.
    """
    file = io.BytesIO()
    writer = Writer(file)
    writer.dump(jaxpr)
    return file.getvalue(), writer.arrays, writer.questions


class Reader(pickle.Unpickler):
    """`arrays` are those that the program closes over."""

    def __init__(self, data: bytes, arrays: Sequence[Any]):
        super().__init__(io.BytesIO(data))
        self.arrays = arrays

    def persistent_load(self, found: Any) -> Any:
        kind, which = found
        if kind == "array":
            return self.arrays[which]
        module, name = which.split(":")
        return getattr(importlib.import_module(module), name)

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] in LIBRARIES or module == "builtins" and name in BUILTINS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not a part of programs")


def decoded(data: bytes, arrays: Sequence[Any]) -> Jaxpr:
    """The program that was encoded, and closes over these arrays."""
    return Reader(data, arrays).load()
