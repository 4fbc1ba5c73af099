"""Pictures of what the reader's own function does, in text.

>>> from minijax.course import show
>>> import minijax as jax, minijax.numpy as jnp
>>> show.values(lambda x: jnp.sin(x) * x, 2.0)
a:f32[] = 2.0
b:f32[] = sin a    0.9092974
c:f32[] = mul b a  1.8185948
returns c

A function that is not right yet is shown as far as it gets, and then what stopped it.
"""

from __future__ import annotations

import contextlib
import functools
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.api_util import FlatFun, describe_function, flatten_args, is_typed
from minijax.batching import BatchTrace, BatchTracer
from minijax.compiler.executable import compile_after
from minijax.config import flags
from minijax.core import (
    ArrayImpl,
    EvalTrace,
    Primitive,
    Trace,
    Tracer,
    UndefinedPrimal,
    current_trace,
    typeof,
)
from minijax.jaxpr import Jaxpr, JaxprEqn, JaxprTrace, JaxprTracer, Literal, Printer, read
from minijax.jvp import JVPTrace, JVPTracer
from minijax.linearize import TangentTrace, linearize_flat
from minijax.make_jaxpr import make_jaxpr
from minijax.transpose import add_any
from minijax.tree_util import flatten_one_level_with_keys, is_tree_node, keystr

LONGEST = 32  # characters of one value
# What runs between the reader's lines: this library, Python's, and what is installed.
NOT_THE_READERS = (str(Path(__file__).parents[1]),
                   *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))


class Text(str):
    """Text that a notebook shows as it is."""

    def __repr__(self) -> str:
        return str(self)


def brief(x: Any) -> str:
    """A value on part of a line: its elements if they are few, else its type."""
    if isinstance(x, UndefinedPrimal):
        return f"unknown {x.aval.str_short(short_dtypes=True)}"
    if isinstance(x, JaxprTracer):
        return x.aval.str_short(short_dtypes=True)
    if isinstance(x, JVPTracer):
        return f"{brief(x.primal)} moving {brief(x.tangent)}"
    if isinstance(x, BatchTracer):
        return f"each of {brief(x.value)}"
    if isinstance(x, Tracer):
        return str(x.aval) if type(x).__repr__ is object.__repr__ else repr(x)
    aval = typeof(x)
    short = aval.str_short(short_dtypes=True)
    if dtypes.is_key_dtype(aval.dtype) or aval.dtype == dtypes.float0 or aval.size > LONGEST:
        return short
    known = np.asarray(x, aval.dtype)
    if not aval.shape:
        return str(known[()])
    text = "".join(np.array2string(known, separator=",").split()).replace(",", ", ")
    return text if len(text) <= LONGEST else short


def columns(rows: Sequence[Sequence[str]]) -> Text:
    """Rows of cells as lines, the columns aligned."""
    widths = [max((len(row[i]) for row in rows if len(row) > i + 1), default=0)
              for i in range(max(map(len, rows), default=0))]
    return Text("\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip()
                          for row in rows))


@contextlib.contextmanager
def as_far_as_it_gets(f: Callable, rows: list[Sequence[str]]) -> Iterator[None]:
    """An error of the reader's function ends the picture, in words, and not the notebook."""
    if not callable(f):
        raise TypeError("a picture takes a function and then its arguments: "
                        "show.stack(f, 2.0), not show.stack(f(2.0))")
    try:
        yield
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__)
                  if not frame.filename.startswith(NOT_THE_READERS)]
        line = f" in line {frames[-1].lineno} of {frames[-1].name}" if frames else ""
        source = f": {frames[-1].line}" if frames and frames[-1].line else ""
        rows += [(f"stopped{line}{source}",), (f"{type(error).__name__}: {error}",)]


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


# --- pytrees -----------------------------------------------------------------------------------


def tree(x: Any, is_leaf: Callable[[Any], bool] | None = None) -> Text:
    """A pytree with one node on each line, numbered as in the `nodes` of its structure.

    >>> from minijax.course import show
    >>> show.tree({"b": [1.0, None], "a": np.zeros((64, 32))})
    0  dict
    1  ├ a: f32[64,32]
    2  └ b: list
    3    ├ 0: 1.0
    4    └ 1: None
    """
    return columns([(str(i), line) for i, line in enumerate(tree_lines(x, is_leaf))])


def tree_lines(x: Any, is_leaf: Callable[[Any], bool] | None) -> list[str]:
    """The line of a tree's outermost node, then those of its children."""
    if x is None or not is_tree_node(type(x)) or (is_leaf is not None and is_leaf(x)):
        return [brief(x) if is_typed(x) else repr(x)[:LONGEST]]
    keyed, data = flatten_one_level_with_keys(x)
    fixed = "" if isinstance(x, tuple | list | dict) or data in (None, ()) else f" {data}"
    lines = [type(x).__name__ + fixed]
    for left, (key, child) in zip(reversed(range(len(keyed))), keyed):
        first, *rest = tree_lines(child, is_leaf)
        lines.append(f"{'├' if left else '└'} {keystr((key,), simple=True)}: {first}")
        lines += [f"{'│' if left else ' '} {line}" for line in rest]
    return lines


# --- linearize and transpose -------------------------------------------------------------------


def linear_program(f: Callable, args: Sequence[Any]) -> tuple[Jaxpr, list[Any]]:
    """The linear program of `f` at `args`, and the values of its first inputs, the residuals."""
    leaves, in_tree = flatten_args(args, {})
    flat = FlatFun(f, in_tree, "linearize")
    active = [dtypes.is_inexact(typeof(x).dtype) for x in leaves]
    if True not in active:
        raise TypeError("nothing can move: no argument is a float")
    _, _, lin, residuals = linearize_flat(flat, leaves, active, describe_function(f, "show"))
    return lin, residuals


def linear_rows(printer: ShortPrinter, lin: Jaxpr, residuals: Sequence[Any]
                ) -> Iterator[Sequence[str]]:
    for v, x in zip(lin.invars, residuals):
        yield (f"  {printer.binder(v)} = {brief(x)} was kept",)
    for v in lin.invars[len(residuals):]:
        yield (f"  {printer.binder(v)} is a tangent",)
    for e in lin.eqns:
        yield ("  " + line(printer, e),)
    yield ("  " + returned(printer, lin),)


def linearize(f: Callable, *args: Any) -> Text:
    """What `linearize` does at `args`: the known half with its values, and the linear half.

    >>> from minijax.course import show
    >>> import minijax.numpy as jnp
    >>> show.linearize(jnp.sin, 2.0)
    known now
      sin 2.0  0.9092974
      cos 2.0  -0.41614684
    linear, for later
      a:f32[] is a tangent
      b:f32[] = mul a -0.41614684
      returns b
    """
    rows: list[Sequence[str]] = [("known now",)]
    with as_far_as_it_gets(f, rows):
        with recording(rows):
            lin, residuals = linear_program(f, args)
        rows += [("linear, for later",), *linear_rows(ShortPrinter(), lin, residuals)]
    return columns(rows)


@contextlib.contextmanager
def recording(rows: list[Sequence[str]]) -> Iterator[None]:
    """Add a row for each operation that is evaluated: what it was given, what came out."""
    saved = EvalTrace.process_primitive

    def process_primitive(self: Trace, prim: Primitive, args: Sequence[Any], params: dict) -> Any:
        outs = saved(self, prim, args, params)  # type: ignore[arg-type]
        rows.append((f"  {prim.name} {', '.join(map(brief, args))}", ", ".join(map(brief, outs))))
        return outs

    EvalTrace.process_primitive = process_primitive  # type: ignore[method-assign]
    try:
        yield
    finally:
        EvalTrace.process_primitive = saved  # type: ignore[method-assign]


def transpose(f: Callable, *args: Any) -> Text:
    """The linear program of `f` at `args`, and its walk backwards from cotangents of one.

    >>> from minijax.course import show
    >>> import minijax.numpy as jnp
    >>> show.transpose(lambda x: jnp.sin(x) * x, 2.0)
    forwards
      a:f32[] is a tangent
      b:f32[] = mul a -0.41614684
      c:f32[] = mul b 2.0
      d:f32[] = mul a 0.9092974
      e:f32[] = add_any c d
      returns e
    backwards, from ct e = 1.0
      add_any  ct c = 1.0        ct d = 1.0
      mul      ct a = 0.9092974
      mul      ct b = 2.0
      mul      ct a = 0.07700372
    """
    rows: list[Sequence[str]] = [("forwards",)]
    with as_far_as_it_gets(f, rows):
        lin, residuals = linear_program(f, args)
        printer = ShortPrinter()
        rows += linear_rows(printer, lin, residuals)
        walk_back(printer, lin, residuals, rows)
    return columns(rows)


def walk_back(printer: ShortPrinter, lin: Jaxpr, residuals: Sequence[Any],
              rows: list[Sequence[str]]) -> None:
    """What `backward` does in transpose.py, with a row for each equation."""
    env: dict[Any, Any] = dict(zip(lin.invars, residuals))
    cts: dict[Any, Any] = {v: ArrayImpl(np.ones(v.aval.shape, v.aval.dtype))
                           for v in lin.outvars if not isinstance(v, Literal)}
    if not cts:
        rows.append(("backwards there is nothing to do: no result moves",))
        return
    starts = ", ".join(f"ct {printer.atom(v)} = {brief(ct)}" for v, ct in cts.items())
    rows.append((f"backwards, from {starts}",))
    for e in reversed(lin.eqns):
        given = [cts.pop(v, None) for v in e.outvars]
        if all(ct is None for ct in given):
            continue
        ins = [ArrayImpl(x.val, x.aval) if isinstance(x, Literal)
               else env.get(x, UndefinedPrimal(x.aval)) for x in e.invars]
        row = [f"  {e.primitive}"]
        for x, ct in zip(e.invars, e.primitive.transpose(given, *ins, **e.params)):
            if ct is not None:
                cts[x] = add_any(cts[x], ct) if x in cts else ct
                row.append(f"ct {printer.atom(x)} = {brief(cts[x])}")
        rows.append(row)
