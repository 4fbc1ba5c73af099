"""What happens while a function runs: interpreters and operations, and values."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minijax.api_util import flatten_args
from minijax.batching import BatchTrace
from minijax.compiler.executable import compile_after
from minijax.config import flags
from minijax.core import EvalTrace, Primitive, Trace, current_trace
from minijax.course.show.text import Text, as_far_as_it_gets, brief, columns
from minijax.jaxpr import Jaxpr, JaxprEqn, JaxprTrace, Literal, Printer, read
from minijax.jvp import JVPTrace
from minijax.linearize import TangentTrace
from minijax.make_jaxpr import make_jaxpr

# --- the stack of interpreters -----------------------------------------------------------------

VERBS: dict[Any, str] = {EvalTrace: "eval", JVPTrace: "jvp", BatchTrace: "vmap",
                         JaxprTrace: "write", TangentTrace: "tangent"}


def interpreters() -> Iterator[Any]:
    """Every class of interpreters that there is, also the reader's own."""
    found = [Trace]
    for cls in found:
        found += cls.__subclasses__()
        if "process_primitive" in vars(cls):
            yield cls


@contextlib.contextmanager
def watching(see: Callable[[Trace, Primitive, Sequence[Any]], contextlib.AbstractContextManager]
             ) -> Iterator[None]:
    """Call `see` whenever an interpreter meets an operation, around what the interpreter does."""
    saved = {cls: vars(cls)["process_primitive"] for cls in interpreters()}

    def watched(cls: type, process: Callable) -> Callable:
        @functools.wraps(process)
        def process_primitive(self: Trace, prim: Primitive, args: Sequence[Any], params: dict
                              ) -> Any:
            if type(self) is not cls:  # called by the method of a subclass
                return process(self, prim, args, params)
            with see(self, prim, args):
                return process(self, prim, args, params)

        return process_primitive

    for cls, process in saved.items():
        cls.process_primitive = watched(cls, process)
    try:
        with compile_after(flags.minijax_compile_after):  # under it, no call takes the short way
            yield
    finally:
        for cls, process in saved.items():
            cls.process_primitive = process


def stack(f: Callable, *args: Any) -> Text:
    """Which interpreter meets which operation when `f(*args)` runs, indented by depth.

    >>> from minijax.course import show
    >>> import minijax as jax, minijax.numpy as jnp
    >>> show.stack(jax.vmap(jnp.sin), jnp.array([0.0, 1.0]))
    vmap    sin  each of [0., 1.]
      eval  sin  [0., 1.]
    """
    rows: list[Sequence[str]] = []
    depth = [0]

    @contextlib.contextmanager
    def see(trace: Trace, prim: Primitive, args: Sequence[Any]) -> Iterator[None]:
        shown = ", ".join(map(brief, args))
        verb = VERBS.get(type(trace), trace.name)
        if isinstance(trace, JVPTrace) and trace.tangent is not trace.parent:
            verb = "grad"
        rows.append(("  " * depth[0] + verb, prim.name, shown))
        depth[0] += 1
        try:
            yield
        finally:
            depth[0] -= 1

    with as_far_as_it_gets(f, rows), watching(see):
        f(*args)
    return columns(rows or [("no operation: no interpreter was asked for anything",)])


# --- programs with their values ----------------------------------------------------------------


def run(jaxpr: Jaxpr, args: Sequence[Any], printer: ShortPrinter, rows: list[Sequence[str]]
        ) -> None:
    """Evaluate a program and add a row for each variable: what defines it, and its value."""
    env: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*jaxpr.consts, *args]))
    for v, x in env.items():
        rows.append((f"{printer.binder(v)} = {brief(x)}",))
    for e in jaxpr.eqns:
        outs = current_trace().process_primitive(e.primitive, read(env, e.invars), e.params)
        env.update(zip(e.outvars, outs))
        rows.append((line(printer, e), ", ".join(map(brief, outs))))


def line(printer: ShortPrinter, e: JaxprEqn) -> str:
    """An equation on one line, without programs inside."""
    left = " ".join(map(printer.binder, e.outvars))
    name = e.params.get("name")
    title = f"{e.primitive}[{name}]" if name else e.primitive.name
    return f"{left} = {title} {' '.join(printer.operand(x) for x in e.invars)}"


def returned(printer: ShortPrinter, jaxpr: Jaxpr) -> str:
    return f"returns {', '.join(map(printer.operand, jaxpr.outvars)) or 'nothing'}"


class ShortPrinter(Printer):
    """Prints a literal without its type."""

    def operand(self, x: Any) -> str:
        return str(x.val) if isinstance(x, Literal) else self.atom(x)


def values(f: Callable, *args: Any) -> Text:
    """The program of `f`, and beside each equation the value it has at `args`."""
    rows: list[Sequence[str]] = []
    with as_far_as_it_gets(f, rows):
        jaxpr, printer = make_jaxpr(f)(*args), ShortPrinter()
        run(jaxpr, flatten_args(args, {})[0], printer, rows)
        rows.append((returned(printer, jaxpr),))
    return columns(rows)
