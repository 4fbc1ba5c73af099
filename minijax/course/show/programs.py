"""Programs: with the values of their equations, or with what these cost."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minijax.api_util import flatten_args
from minijax.compiler.costs import cost_of, flops, size_in_bytes
from minijax.core import Trace, current_trace
from minijax.course.show.drawing import EDGE, ROW, TOP, Drawing, folded_away, wide
from minijax.course.show.lives import KEY, Life, draw_lives
from minijax.course.show.text import Picture, as_far_as_it_gets, brief, human, picture
from minijax.jaxpr import Jaxpr, JaxprEqn, JaxprTrace, Literal, Printer, Var, read, subprograms
from minijax.make_jaxpr import make_jaxpr
from minijax.source_info import name_of

# --- words -------------------------------------------------------------------------------------


class ShortPrinter(Printer):
    """Prints a literal without its type."""

    def operand(self, x: Any) -> str:
        return str(x.val) if isinstance(x, Literal) else self.atom(x)


def line(printer: ShortPrinter, e: JaxprEqn) -> str:
    """An equation on one line, without programs inside."""
    left = " ".join(map(printer.binder, e.outvars))
    name = e.params.get("name")
    title = f"{e.primitive}[{name}]" if name else e.primitive.name
    return f"{left} = {title} {' '.join(printer.operand(x) for x in e.invars)}"


def returned(printer: ShortPrinter, jaxpr: Jaxpr) -> str:
    return f"returns {', '.join(map(printer.operand, jaxpr.outvars)) or 'nothing'}"


def several(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


# --- a program, whole or so far ----------------------------------------------------------------


def noting(f: Callable, traces: list[Trace]) -> Callable:
    """`f`, which notes the interpreter that it runs under."""
    @functools.wraps(f)
    def noted(*args: Any, **kwargs: Any) -> Any:
        traces.append(current_trace())
        return f(*args, **kwargs)

    return noted


def so_far(trace: JaxprTrace) -> Jaxpr:
    """What a trace has written down. It returns nothing yet."""
    captured = list(trace.captured.values())
    return Jaxpr(trace.inputs, trace.eqns, [], [v for v, _, _ in captured],
                 [value for _, value, _ in captured])


def program_of(f: Callable, args: tuple, kwargs: dict) -> tuple[Jaxpr, list[str]]:
    """The program of `f`, or what was written down until an error, and that error in words."""
    traces: list[Any] = []
    with as_far_as_it_gets(f) as stopped:
        static = getattr(f, "static_argnums", ())  # of what jit returned
        return make_jaxpr(noting(f, traces), static)(*args, **kwargs), stopped
    return so_far(traces[0]) if traces else Jaxpr([], [], []), stopped


def lives_of(jaxpr: Jaxpr, printer: ShortPrinter) -> list[Life]:
    """The values of a program, each with the equations that make and read it."""
    found: dict[Any, Life] = {}

    def born(v: Any, at: int) -> None:
        kind = v.aval.str_short(short_dtypes=True)
        found[v] = Life(printer.atom(v), kind, size_in_bytes(v.aval), at)

    for v in [*jaxpr.constvars, *jaxpr.invars]:
        born(v, -1)
    for i, e in enumerate(jaxpr.eqns):
        for x in dict.fromkeys(e.invars):
            if isinstance(x, Var):
                found[x].reads.append(i)
        for v in e.outvars:
            born(v, i)
    for v in found.keys() & set(jaxpr.outvars):
        found[v].result = True
    return list(found.values())


@dataclasses.dataclass
class Listing:
    """A program as a table: its inputs, its equations, and cells beside each of them."""

    title: str
    jaxpr: Jaxpr
    inputs: Sequence[tuple[str, ...]]
    equations: list[tuple[str, ...]]
    captions: list[str]
    last: str  # what is returned; "" is a program that is not finished
    heads: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, ...]]:
        return [*self.inputs, *self.equations, *([(self.last,)] if self.last else [])]

    def drawn(self, printer: ShortPrinter) -> Drawing:
        """From top to bottom; beside the equations the lives of values."""
        d = Drawing(self.title)
        y = TOP + 2 * ROW if self.heads else TOP + ROW
        rows = self.rows()
        xs, x = [], float(EDGE)
        for i in range(max([1, *(map(len, rows))])):
            cells = [row[i] for row in rows if len(row) > i]
            xs.append(x)
            x += min(max([wide(h) for h in self.heads[i:i + 1]] + [*map(wide, cells)]), 420) + 18
        d.text(EDGE, TOP + 12, KEY, "quiet")
        for x_head, head in zip(xs, self.heads):
            d.text(x_head, TOP + ROW + 12, head, "quiet")
        middles = []
        first = len(self.inputs)
        for i, row in enumerate(rows):
            step = max(i - first + 1, 0) if i < first + len(self.equations) else 0
            if step:
                middles.append(y + ROW / 2)
                d.say(self.captions[step - 1])
            for k, cell in enumerate(row):
                d.text(xs[k], y + 14, cell, "quiet" if k else "", step,
                       420 if k + 1 < len(xs) else 1000)
            y += ROW
        draw_lives(d, lives_of(self.jaxpr, printer), x + 6, TOP + ROW + 8, middles, y, 13, False)
        return d


# --- with values -------------------------------------------------------------------------------


def run(jaxpr: Jaxpr, args: Sequence[Any]) -> Iterator[list[Any]]:
    """The results of each equation."""
    env: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*jaxpr.consts, *args]))
    for e in jaxpr.eqns:
        outs = current_trace().process_primitive(e.primitive, read(env, e.invars), e.params)
        env.update(zip(e.outvars, outs))
        yield outs


def values(f: Callable, *args: Any) -> Picture:
    """The program of `f`, and beside each equation the value it has at `args`."""
    jaxpr, stopped = program_of(f, args, {})
    printer, leaves = ShortPrinter(), flatten_args(args, {})[0]
    given = zip([*jaxpr.constvars, *jaxpr.invars], [*jaxpr.consts, *leaves])
    found = Listing(f"{name_of(f)}: its program and its values", jaxpr,
                    [(f"{printer.binder(v)} = {brief(x)}",) for v, x in given], [], [], "")
    with as_far_as_it_gets(f) as later:
        for e, outs in zip(jaxpr.eqns, run(jaxpr, leaves)):
            cell = ", ".join(map(brief, outs))
            found.equations.append((line(printer, e), cell))
            found.captions.append(f"{e.primitive} makes {cell}")
        if not stopped:
            found.last = returned(printer, jaxpr)
    found.jaxpr = jaxpr.replace(eqns=jaxpr.eqns[:len(found.equations)])
    return picture(found.rows(), found.drawn(printer), stopped + later)


# --- with costs --------------------------------------------------------------------------------


def graph(f: Callable, *args: Any, **kwargs: Any) -> Picture:
    """The program of `f`: who reads what, what each equation costs, what is alive meanwhile.

    `flops` are operations on numbers, `moved` the bytes that an equation reads and writes if
    nothing is fused, `live` the bytes of the values that exist then. A program inside of an
    equation follows it; in `.drawn` it can be unfolded.

    >>> from minijax.course import show
    >>> import minijax as jax, minijax.numpy as jnp
    >>> show.graph(lambda x: jnp.sum(jnp.sin(x) * x), jnp.arange(3.0))
    <lambda>: 3 equations, 8 flops, 76 B moved, at most 36 B live
                            flops  moved  live
    a:f32[3]
    b:f32[3] = sin a        3      24 B   24 B
    c:f32[3] = mul b a      3      36 B   36 B
    d:f32[] = reduce_sum c  2      16 B   16 B
    returns d
    """
    jaxpr, stopped = program_of(f, args, kwargs)
    printer = ShortPrinter()
    found = costs(name_of(f), jaxpr, printer, finished=not stopped)
    rows = [(found.title,), found.heads, *nested_rows(found, printer)]
    return picture(rows, found.drawn(printer), stopped, folds(found, printer))


def costs(name: str, jaxpr: Jaxpr, printer: ShortPrinter, finished: bool = True) -> Listing:
    inputs = [(printer.binder(v),) for v in [*jaxpr.constvars, *jaxpr.invars]]
    equations: list[tuple[str, ...]] = []
    captions = []
    texts = [line(printer, e) for e in jaxpr.eqns]
    lives, n = lives_of(jaxpr, printer), len(jaxpr.eqns)
    live = [sum(life.size for life in lives if life.born <= i <= life.last(n)) for i in range(n)]
    done, moved = [], []
    for e, text, alive in zip(jaxpr.eqns, texts, live):
        inner = [cost_of(j) for j in subprograms(e.params)]
        done.append(int(sum(c["flops"] + c["transcendentals"] for c in inner)) or flops(e))
        moved.append(int(sum(c["bytes accessed"] for c in inner)) or sum(
            size_in_bytes(x.aval) for x in [*e.invars, *e.outvars]))
        equations.append((text, str(done[-1]), human(moved[-1]), human(alive)))
        captions.append(f"{text}: {several(done[-1], 'flop')}, {human(moved[-1])} moved, "
                        f"{human(alive)} live")
    title = (f"{name}: {several(n, 'equation')}, {several(sum(done), 'flop')}, "
             f"{human(sum(moved))} moved, at most {human(max([0, *live]))} live")
    return Listing(title, jaxpr, inputs, equations, captions,
                   returned(printer, jaxpr) if finished else "",
                   ("", "flops", "moved", "live"))


def inner_listings(found: Listing, printer: ShortPrinter, i: int) -> list[Listing]:
    e = found.jaxpr.eqns[i]
    return [costs(f"inside {e.params.get('name') or e.primitive}", j, printer)
            for j in subprograms(e.params)]


def nested_rows(found: Listing, printer: ShortPrinter, indent: str = "") -> Iterator[tuple]:
    """The rows of a program, and under an equation those of the programs in it."""
    first = len(found.inputs)
    for i, (text, *cells) in enumerate(found.rows()):
        yield (indent + text, *cells)
        if first <= i < first + len(found.equations):
            for inner in inner_listings(found, printer, i - first):
                yield (f"{indent}  {inner.title.partition(':')[0]}",)
                yield from nested_rows(inner, printer, indent + "    ")


def folds(found: Listing, printer: ShortPrinter) -> Iterator[str]:
    """For each program inside of an equation, something to unfold: its drawing, and so on."""
    for i in range(len(found.equations)):
        for inner in inner_listings(found, printer, i):
            inside = [inner.drawn(printer).svg(), *folds(inner, printer)]
            yield folded_away(inner.title, "".join(inside))
