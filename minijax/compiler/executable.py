"""A program, ready to run.

To compile takes a tenth of a second, to run a small program operation by operation a thousandth. So
a small program is first run as it stands, and compiled when it is called again. What computes much
is compiled at once.
"""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.compiler import steps
from minijax.compiler.once import alone
from minijax.compiler.statistics import compiling
from minijax.config import Option, flags, integer
from minijax.jaxpr import Jaxpr, JaxprEqn, Var, derived, subprograms

compile_after = Option(
    "minijax_compile_after", 1, integer,
    "How often a small program runs operation by operation before it is compiled.")

LONG = 64  # steps of a loop; more than that take longer than to compile
MUCH = 1 << 23  # elements computed; more than that takes longer than to compile


@derived
def elements(jaxpr: Jaxpr) -> int:
    """How many elements the equations compute, those of called programs included."""
    return sum(sum(v.aval.size for v in e.outvars) +
               sum(map(elements, subprograms(e.params))) for e in jaxpr.eqns)


class Executable:
    """A program as a function from NumPy arrays to a sequence of NumPy arrays."""

    into = False  # the caller gives memory for results

    def __init__(self, jaxpr: Jaxpr):
        self.jaxpr = weakref.ref(jaxpr)  # which holds this
        self.name = ""  # of the user's function
        self.calls = 0
        self.native: Callable | None = None
        self.source: Any = None
        self.code_size = 0  # bytes of object code

    def __call__(self, *args: np.ndarray) -> Any:
        return (self.native or self.choose())(*args)

    def choose(self) -> Callable:
        jaxpr = self.jaxpr()
        assert jaxpr is not None
        if self.calls < flags.minijax_compile_after and elements(jaxpr) <= MUCH:
            self.calls += 1
            return steps.compiled(jaxpr)
        return self.compile()

    def compile(self) -> Callable:
        """The compiled program. One thread compiles; others wait for it."""
        with alone(self):
            if self.native is None:
                jaxpr = self.jaxpr()
                assert jaxpr is not None
                with compiling(self.name or "inner program", jaxpr.in_avals):
                    run, self.source = backend().build(jaxpr, self.into)
                self.code_size = sum(run.__globals__[k].code_size for k in self.source.kernels)
                self.native = run  # last: other threads look at it
        return self.native

    def written(self) -> Any:
        """The source that the program is compiled from."""
        if self.source is None:
            jaxpr = self.jaxpr()
            assert jaxpr is not None
            return backend().write(jaxpr)
        return self.source


def backend() -> Any:
    """What makes kernels, imported when the first program is compiled."""
    return importlib.import_module("minijax.compiler.backend")


def executable(jaxpr: Jaxpr, name: str = "") -> Executable:
    """The program, ready to run; `name` is what logs and profiles call it."""
    found = of_program(jaxpr)
    found.name = found.name or name
    return found


of_program = derived(Executable)


class PlacedExecutable(Executable):
    """A program that writes results to where its caller wants them."""

    into = True

    def chosen(self) -> tuple[Callable, Sequence[int]]:
        """What to call, and for which results it takes memory, behind the arguments."""
        run = self.native or self.choose()
        return run, self.source.placed if run is self.native else ()


placed_executable = derived(PlacedExecutable)


def patience() -> int:
    """How many steps a loop runs one by one before it is compiled whole."""
    return LONG * flags.minijax_compile_after


@derived
def whole(jaxpr: Jaxpr, primitive: Any, avals: tuple, params: tuple) -> Callable | None:
    """A loop, `jaxpr` is its body, as native code; None if it has no kernel (`rules/loops.py`)."""
    ins = list(map(Var, avals))
    outs = list(map(Var, primitive.out_avals(avals, dict(params))))
    e = JaxprEqn(primitive, list(ins), dict(params), outs)
    if not backend().lowerable(e):
        return None
    loop = Jaxpr(ins, [e], outs)
    found = executable(loop, primitive.name)
    found.compile()
    return found if "step_" not in found.source.driver else None  # where Numba refused its kernel
