"""The way of a program through the compiler: flatten, plan, write, load."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence

import minijax.compiler.rules  # noqa: F401  they register themselves
from minijax.compiler import blas
from minijax.compiler.driver import DriverWriter, Source
from minijax.compiler.flatten import flatten
from minijax.compiler.load import CannotCompile, native
from minijax.compiler.lowering import lowerable
from minijax.compiler.plan import Plan, plan
from minijax.compiler.writer import Emitted
from minijax.jaxpr import Jaxpr, JaxprEqn, Var
from minijax.source_info import show_line

__all__ = ["build", "lowerable", "write"]

logger = logging.getLogger(__name__)


def build(jaxpr: Jaxpr, into: bool = False) -> tuple[Callable, Source]:
    """The program as a function of NumPy arrays, and the source of that.

    `into`: behind its arguments it takes memory for the results that its source says are `placed`.
    """
    flat = flatten(jaxpr)
    refused: set[Var] = set()
    while True:
        writer = DriverWriter(plan(flat, refused), into)
        source = writer.write()
        try:
            for name, emitted in source.kernels.items():
                writer.space[name] = native(emitted.source, len(emitted.arrays))
        except CannotCompile as error:
            refused |= blame(source.plan, emitted, str(error))
            continue
        for shape, k, dtype in writer.products:
            blas.load(shape, k, dtype)
        exec(compile(source.driver, "<driver>", "exec"), writer.space)
        return writer.space["program"], source


def write(jaxpr: Jaxpr) -> Source:
    """The source of the program, which is not compiled."""
    return DriverWriter(plan(flatten(jaxpr))).write()


def blame(plan: Plan, emitted: Emitted, reason: str) -> set[Var]:
    """The results of those equations that keep a kernel from being made. A warning names them."""
    alone = [e for e in emitted.eqns if not compiles(e)] or emitted.eqns
    blamed = [plan.flat.eqns[i] for i in sorted({plan.order[e.outvars[0]] for e in alone})]
    for e in blamed:
        warnings.warn(f"no kernel could be made for {e.primitive.name}, at {show_line(e.line)}: "
                      f"{reason}\nThis operation is left to NumPy. The results are right, and come "
                      "later.", RuntimeWarning, stacklevel=2)
    return {v for e in blamed for v in e.outvars}


def compiles(e: JaxprEqn) -> bool:
    """Is there a kernel for an equation by itself?"""
    inputs = {x: Var(x.aval) for x in e.invars if isinstance(x, Var)}
    ins: Sequence = [inputs.get(x, x) for x in e.invars]  # type: ignore[arg-type]
    outs = [Var(v.aval) for v in e.outvars]
    alone = JaxprEqn(e.primitive, list(ins), e.params, outs, e.line)
    source = write(Jaxpr(list(inputs.values()), [alone], outs))
    try:
        for emitted in source.kernels.values():
            native(emitted.source, len(emitted.arrays))
    except CannotCompile:
        return False
    return True
