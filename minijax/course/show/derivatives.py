"""What `linearize` and `transpose` do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.api_util import FlatFun, describe_function, flatten_args
from minijax.core import ArrayImpl, EvalTrace, Primitive, Trace, UndefinedPrimal, typeof
from minijax.course.show.running import ShortPrinter, line, returned
from minijax.course.show.text import Text, as_far_as_it_gets, brief, columns
from minijax.jaxpr import Jaxpr, Literal
from minijax.linearize import linearize_flat
from minijax.transpose import add_any


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
