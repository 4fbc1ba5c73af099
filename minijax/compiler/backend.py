"""The way of a program through the compiler: flatten, plan, write, load."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence

import minijax.compiler.rules  # noqa: F401  they register themselves
from minijax.compiler.driver import DriverWriter, Source
from minijax.compiler.flatten import Flat, flatten
from minijax.compiler.load import CannotCompile, native
from minijax.compiler.lowering import lowerable
from minijax.compiler.plan import plan
from minijax.compiler.writer import Emitted
from minijax.jaxpr import Jaxpr, JaxprEqn, Var
from minijax.source_info import show_line

__all__ = ["build", "lowerable", "write"]

logger = logging.getLogger(__name__)


def build(jaxpr: Jaxpr) -> tuple[Callable, Source]:
    """The program as a function of NumPy arrays, and the source of that."""
    flat = flatten(jaxpr)
    refused: set[Var] = set()
    while True:
        writer = DriverWriter(plan(flat, refused))
        source = writer.write()
        try:
            for name, emitted in source.kernels.items():
                writer.space[name] = native(emitted.source, len(emitted.arrays))
        except CannotCompile as error:
            refused |= blame(flat, emitted, refused, str(error))
            continue
        exec(compile(source.driver, "<driver>", "exec"), writer.space)
        return writer.space["program"], source


def write(jaxpr: Jaxpr) -> Source:
    """The source of the program, which is not compiled."""
    return DriverWriter(plan(flatten(jaxpr))).write()


def blame(flat: Flat, emitted: Emitted, refused: set[Var], reason: str) -> set[Var]:
    """The results of a kernel that cannot be made for want of which it fails. A warning says so."""
    alone = [e for e in emitted.eqns if not compiles(e)] or emitted.eqns
    for e in alone:
        warnings.warn(f"no kernel could be made for {e.primitive.name}, at {show_line(e.line)}: "
                      f"{reason}\nThis operation is left to NumPy. The results are right, and come "
                      "later.", RuntimeWarning, stacklevel=2)
    made = {v for e in alone for v in e.outvars}
    return made | {v for e in flat.eqns for v in e.outvars if e in alone}


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
