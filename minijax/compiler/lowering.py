"""Operations that have a kernel of their own: a rule writes its loops.

    @lowering("cumsum")
    def _(op):
        x, y = op.ins[0], op.outs[0]
        ...

A rule stands in a kernel of its own, or within a loop that is compiled whole. It does not see the
difference.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence

from minijax.compiler.emit import Emitted, Writer
from minijax.compiler.expressions import NARROW, PLAIN
from minijax.compiler.plan import Plan
from minijax.compiler.views import View, whole
from minijax.jaxpr import JaxprEqn, Literal

LOWERINGS: dict[str, Callable[[Op], None]] = {}


def lowering(*names: str) -> Callable:
    """Makes a function the rule of the operations with these names."""

    def register(rule: Callable) -> Callable:
        LOWERINGS.update(dict.fromkeys(names, rule))
        return rule

    return register


class Place:
    """An array in memory, by index: `x("i", "j")` is the text of an element."""

    def __init__(self, writer: Writer, view: View):
        self.w, self.view = writer, view
        self.shape, self.dtype = view.shape, view.base.aval.dtype

    def index(self, indices: Sequence[str]) -> str:
        """Where an element is. An index is a name, a number or a sum in brackets."""
        terms = [self.w.size(self.view.offset, role="start")] if self.view.offset else []
        for i, step in zip(indices, self.view.strides, strict=True):
            if i != "0" and step:
                terms.append(i if step == 1 else f"{i} * {self.w.size(step, role='step')}")
        return " + ".join(terms) or "0"

    def __call__(self, *indices: str) -> str:
        if isinstance(self.view.base, Literal):
            return self.w.constant(self.view.base)
        return self.w.load(self.view.base, self.index(indices))

    def set(self, text: str, *indices: str) -> None:
        """Write the line that stores an element."""
        self.w.store(self.view.base, self.index(indices), text)

    def flat(self) -> Place:
        """The same elements along one axis, of an array that is whole."""
        return Place(self.w, View(self.view.base, (math.prod(self.shape),), (1,)))


class Op:
    """An equation, as its rule sees it: operands and results by place, and loops to write."""

    def __init__(self, e: JaxprEqn, plan: Plan, writer: Writer, bounds: tuple[str, ...] = ()):
        self.eqn, self.params, self.w, self.bounds = e, e.params, writer, bounds
        self.plan = plan
        self.ins = [Place(writer, plan.view(x)) for x in e.invars]
        self.outs = [Place(writer, whole(v)) for v in e.outvars]
        self.count = self.work = 1

    def line(self, text: str) -> None:
        self.w.line(text)

    @contextlib.contextmanager
    def shared(self, n: int, name: str = "r") -> Iterator[str]:
        """The loop over range(n) that threads share out: once in a rule, and outside all others.

        What it stores at one index it must not read, or store, at another.
        """
        bounds = self.bounds or ("0", self.w.size(n))
        self.count = n
        self.work = max(max(math.prod(p.shape) for p in [*self.ins, *self.outs]) // max(n, 1), 1)
        with self.w.block(f"for {name} in range({', '.join(bounds)}):"):
            yield name

    @contextlib.contextmanager
    def loop(self, n: int | str, name: str = "i") -> Iterator[str]:
        """A loop over range(n); `n` is a number, which goes to the table, or a text."""
        bound = n if isinstance(n, str) else self.w.size(n)
        with self.w.block(f"for {name} in range({bound}):"):
            yield name

    @contextlib.contextmanager
    def nest(self, shape: Sequence[int], prefix: str = "i") -> Iterator[list[str]]:
        """A loop for each axis of a shape."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.loop(n, f"{prefix}{k}")) for k, n in enumerate(shape)]

    def split(self, index: str, shape: Sequence[int], prefix: str = "j") -> list[str]:
        """An index for each axis of `shape`, from one that counts all elements in order."""
        if not shape:
            return []
        names, rest = [], index
        for k in range(len(shape) - 1, 0, -1):
            n = self.w.size(shape[k])
            self.line(f"{prefix}{k}, {index}{prefix}{k} = {rest} % {n}, {rest} // {n}")
            names.append(f"{prefix}{k}")
            rest = f"{index}{prefix}{k}"
        return [rest, *names[::-1]]

    def let(self, text: str) -> str:
        """Write the line that gives a value a name."""
        name = self.w.name()
        self.line(f"{name} = {text}")
        return name


def lowerable(e: JaxprEqn) -> bool:
    """Is there a rule, for numbers of these types?"""
    return e.primitive.name in LOWERINGS and all(
        x.aval.dtype.name in PLAIN or x.aval.dtype.name in NARROW for x in (*e.invars, *e.outvars))


def emit_alone(e: JaxprEqn, plan: Plan) -> Emitted:
    """The source of an equation's own kernel."""
    writer = Writer(e.outvars)
    op = Op(e, plan, writer, ("lo", "hi"))
    LOWERINGS[e.primitive.name](op)
    return Emitted(writer.source(), list(writer.arrays), writer.sizes, op.count, op.work, [e])
