"""From a kernel of the plan to its source, which Numba compiles.

    def kernel(lo, hi, sizes, a0, a1):

`lo` and `hi` are the part of the outermost loop to do, `sizes` a table of sizes, strides, offsets
and constants, so that arrays of other sizes need no other source. `a0`, `a1`, ... are the addresses
of NumPy arrays, inputs first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minijax.compiler.expressions import expression
from minijax.compiler.numbering import numbering
from minijax.compiler.plan import Kernel, Plan, domain_of, reduces
from minijax.compiler.reductions import REDUCTIONS
from minijax.compiler.views import View
from minijax.compiler.writer import Emitted, Writer
from minijax.jaxpr import JaxprEqn, Literal, Var

DEAR = {"exp", "exp2", "expm1", "log", "log1p", "logistic", "tanh", "sin", "cos", "tan",
                "pow", "erf", "erfc", "erf_inv", "atan2", "lgamma", "digamma", "div", "sqrt"}


@dataclasses.dataclass
class Loop:
    """One loop over the domain: its length, and the step of each access to memory."""

    size: int
    steps: dict[Any, int]
    names: dict[Any, str] = dataclasses.field(default_factory=dict)  # in the kernel; None: length

    def named(self, writer: Writer, key: Any = None) -> str:
        """The length, or the step of an access, as the table has it: once."""
        if key not in self.names:
            self.names[key] = writer.size(self.size) if key is None else writer.size(
                self.steps[key], role="step")
        return self.names[key]


class KernelWriter:
    """Writes the loops of one kernel: in a function of its own, or as a part of another."""

    def __init__(self, kernel: Kernel, plan: Plan, writer: Writer):
        self.k, self.plan, self.w = kernel, plan, writer
        self.made = {e.outvars[0]: e for e in kernel.eqns}
        self.names: dict[Var, str] = {}
        self.indices: list[tuple[str, Loop]] = []  # the loops around what is written now
        self.stage: dict[Var, str] = {}
        self.ready: dict[Var, int] = {}  # the pass over a row that makes it, or finds it made
        self.scratch: dict[Var, Var] = {}  # value -> the output whose place it takes for a while
        for e in kernel.eqns:
            self.names[e.outvars[0]] = writer.name()
            self.classify(e)

    def view(self, x: Any) -> View:
        return self.plan.view(x)

    # --- when ----------------------------------------------------------------------------------

    def classify(self, e: JaxprEqn) -> None:
        out, k = e.outvars[0], self.k
        mine = [b for x in e.invars if (b := self.view(x).base) in self.ready]
        level = "row" if reduces(e) else k.level(out.aval.shape)
        if level == "scalar" and any(self.stage[b] != "scalar" for b in mine):
            level = "full" if k.reduced is None else "row"
        self.stage[out] = str(level)
        self.ready[out] = max((self.ready[b] for b in mine), default=0) + reduces(e)

    def of_stage(self, stage: str, ready: int | None = None) -> list[JaxprEqn]:
        return [e for e in self.k.eqns if self.stage[e.outvars[0]] == stage and not reduces(e)
                and ready in (None, self.ready[e.outvars[0]])]

    # --- where ---------------------------------------------------------------------------------

    def accesses(self) -> dict[Any, tuple[int, ...]]:
        """Every place in memory that is read or written, and its strides along the domain."""
        found: dict[Any, tuple[int, ...]] = {}
        for e in self.k.eqns:
            if key := self.number_key(e):
                found[key] = key[1]
            for x in e.invars:
                key = self.access(x, e)
                if key:
                    found[key] = key[1]
        for v in [*self.k.outputs, *self.scratch.values()]:
            key = self.store_key(v)
            found[key] = key[1]
        return found

    def access(self, x: Any, e: JaxprEqn) -> Any:
        view = self.view(x)
        if isinstance(view.base, Literal) or view.base in self.made:
            return None
        return view.base, self.k.strides(view, domain_of(e)), view.offset

    def store_key(self, v: Var) -> Any:
        in_blocks = self.k.blocks and reduces(self.made[v])
        return v, self.k.natural(v.aval.shape[1:] if in_blocks else v.aval.shape), 0

    def groups(self, found: dict[Any, tuple[int, ...]]) -> tuple[list, list, list]:
        """The loops: over what is kept outside, over what is reduced, over what is kept inside."""
        k = self.k
        axes = range(len(k.shape))
        if k.reduced is None:
            loops = self.loops(axes, found)
            return loops[:-1], [], loops[-1:]
        inner = [] if k.by_rows else [i for i in axes if i > max(
            j for j in k.reduced if k.shape[j] > 1 or j == min(k.reduced))]
        outer = [i for i in k.kept if i not in inner]
        return self.loops(outer, found), self.loops(k.reduced, found), self.loops(inner, found)

    def loops(self, axes: Sequence[int], found: dict[Any, tuple[int, ...]]) -> list[Loop]:
        """One loop for neighbouring axes that every access walks through without a jump."""
        out: list[Loop] = []
        for i in axes:
            n, steps = self.k.shape[i], {key: strides[i] for key, strides in found.items()}
            if n == 1:
                continue
            if out and all(out[-1].steps[key] == s * n for key, s in steps.items()):
                out[-1] = Loop(out[-1].size * n, steps)
            else:
                out.append(Loop(n, steps))
        return out

    # --- writing -------------------------------------------------------------------------------

    def write(self, *bounds: str) -> tuple[int, int]:
        """The loops, of which the outermost runs within `bounds`, or as far as it goes.

        Returned are its length, and the elements that one step of it works on.
        """
        self.place_scratch()
        outer, reduced, inner = self.groups(self.accesses())
        for e in self.of_stage("scalar"):
            self.compute(e)
        if self.k.reduced is None and not outer and inner:
            outer, inner = inner, []
        count = self.k.blocks or math.prod(loop.size for loop in outer)
        with self.outermost(outer, reduced, bounds or ("0", self.w.size(count))):
            if self.k.reduced is None:
                self.map(inner)
            elif self.k.by_rows:
                self.rows(reduced)
            else:
                self.columns(reduced, inner)
        return count, max(math.prod(self.k.shape) // max(count, 1), 1)

    @contextlib.contextmanager
    def outermost(self, outer: list[Loop], reduced: list[Loop], bounds: tuple[str, ...]
                  ) -> Iterator[None]:
        """The loop that threads share out; none, where there is one element, or one row."""
        if not outer and not self.k.blocks:
            yield
            return
        name = "block" if self.k.blocks else self.w.index("r")
        with self.w.block(f"for {name} in range({', '.join(bounds)}):"):
            if self.k.blocks:
                n = reduced[0].size if reduced else 1
                length, total = self.w.size(-(-n // self.k.blocks)), self.w.size(n)
                self.w.line(
                    f"start, stop = block * {length}, min((block + 1) * {length}, {total})")
            else:
                self.split_index(name, outer)
            yield

    def split_index(self, rest: str, outer: list[Loop]) -> None:
        """The index of each outer axis, from that of the one loop that threads share out."""
        for level, loop in enumerate(outer[:0:-1]):
            n = loop.named(self.w)
            self.w.line(f"r{level}, q{level} = {rest} % {n}, {rest} // {n}")
            self.indices.append((f"r{level}", loop))
            rest = f"q{level}"
        if outer:
            self.indices.append((rest, outer[0]))

    def nest(self, loops: Sequence[Loop], body: Callable[[], None], prefix: str = "i",
             blocks: bool = False) -> None:
        """`body` inside of loops."""
        if not loops:
            return body()
        with contextlib.ExitStack() as stack:
            for level, loop in enumerate(loops):
                name = self.w.index(f"{prefix}{level}" if len(loops) > 1 else prefix)
                bounds = "start, stop" if blocks and level == 0 else loop.named(self.w)
                stack.enter_context(self.w.block(f"for {name} in range({bounds}):"))
                self.indices.append((name, loop))
            body()
        del self.indices[-len(loops):]

    def index(self, key: Any) -> str:
        """Where an access is, from the loops it stands in."""
        terms = []
        if key[2]:
            terms.append(self.w.size(key[2], role="start"))
        for name, loop in self.indices:
            step = loop.steps[key]
            if step:
                terms.append(name if step == 1 else f"{name} * {loop.named(self.w, key)}")
        return " + ".join(terms) or "0"

    def load(self, key: Any) -> str:
        return self.w.load(key[0], self.index(key))

    def store(self, v: Var, text: str) -> None:
        self.w.store(v, self.index(self.store_key(v)), text)

    def operand(self, x: Any, e: JaxprEqn) -> str:
        base = self.view(x).base
        if isinstance(base, Literal):
            return self.w.constant(base)
        if base in self.made:
            return self.names[base]
        return self.load(self.access(x, e))

    def compute(self, e: JaxprEqn) -> None:
        out = e.outvars[0]
        operands = [self.operand(x, e) for x in e.invars]
        if key := self.number_key(e):
            operands.append(f"({self.index(key)})")
        self.w.line(f"{self.names[out]} = {expression(e, operands)}")

    def number_key(self, e: JaxprEqn) -> Any:
        """The number of an element is where it would be: an access like any other, to no memory."""
        steps, shape = numbering(e), e.outvars[0].aval.shape
        if steps is None:
            return None
        along = [0] * len(self.k.shape)
        for i, axis in self.k.axes(shape).items():
            along[axis] = steps[i]
        return e.outvars[0], tuple(along), 0

    def map(self, inner: list[Loop]) -> None:
        """Every element by itself."""
        def body() -> None:
            for e in self.of_stage("full"):
                self.compute(e)
            for v in self.k.outputs:
                self.store(v, self.names[v])
        self.nest(inner, body)

    def rows(self, reduced: list[Loop]) -> None:
        """A row in as many passes as its reductions need, one after the other."""
        last = max(self.ready.values())
        for p in range(last + 1):
            for e in self.of_stage("row", p):
                self.compute(e)
            sums = [e for e in self.k.eqns if reduces(e) and self.ready[e.outvars[0]] == p + 1]
            written = [v for v in self.k.outputs
                       if self.stage[v] == "full" and self.ready[v] == p]
            kept = [v for v in self.scratch if self.ready[v] == p]
            if sums or written or kept:
                self.a_pass(reduced, sums, written, kept, p)
        for v in self.k.outputs:
            if self.stage[v] != "full":
                if self.k.blocks:
                    self.w.store(v, "block", self.names[v])
                else:
                    self.store(v, self.names[v])

    def a_pass(self, reduced: list[Loop], sums: list[JaxprEqn], written: list[Var],
               kept: list[Var], p: int) -> None:
        for e in sums:
            rule = REDUCTIONS[e.primitive.name]
            self.w.line(f"{self.names[e.outvars[0]]} = {rule.start(e.outvars[0].aval.dtype)}")
        roots = [*written, *kept, *(b for e in sums for x in e.invars
                                    if (b := self.view(x).base) in self.made)]

        def body() -> None:
            for e in self.needed(roots, p):
                v = e.outvars[0]
                if self.at_hand(v, p):
                    place = self.store_key(self.scratch.get(v, v))
                    self.w.line(f"{self.names[v]} = {self.load(place)}")
                else:
                    self.compute(e)
            for e in sums:
                self.take_in(e)
            for v in kept:
                self.store(self.scratch[v], self.names[v])
            for v in written:
                self.store(v, self.names[v])

        self.nest(reduced, body, blocks=bool(self.k.blocks))

    def take_in(self, e: JaxprEqn) -> None:
        name, dtype = self.names[e.outvars[0]], e.outvars[0].aval.dtype
        text = REDUCTIONS[e.primitive.name].combine(dtype, name, self.operand(e.invars[0], e))
        self.w.line(f"{name} = {text}")

    def at_hand(self, v: Var, p: int) -> bool:
        """Did an earlier pass over this row leave the value in memory?"""
        return self.ready[v] < p and (v in self.k.outputs or v in self.scratch)

    def needed(self, roots: Sequence[Var], p: int) -> list[JaxprEqn]:
        """The equations for each element in this pass, in order."""
        found: set[Var] = set()
        todo = [v for v in roots if self.stage[v] == "full"]
        while todo:
            v = todo.pop()
            if v not in found:
                found.add(v)
                if not self.at_hand(v, p):
                    todo += [b for x in self.made[v].invars if (b := self.view(x).base)
                             in self.made and self.stage[b] == "full"]
        return [e for e in self.k.eqns if e.outvars[0] in found]

    def place_scratch(self) -> None:
        """What is dear to compute and needed in a later pass waits where an output will stand."""
        if self.k.reduced is None or not self.k.by_rows:
            return
        free = [v for v in self.k.outputs if self.stage[v] == "full"]
        for e in self.k.eqns:
            v = e.outvars[0]
            later = [self.ready[u.outvars[0]] - reduces(u) for u in self.k.eqns
                     for x in u.invars if self.view(x).base is v]
            if (self.stage[v] == "full" and v not in self.k.outputs and later
                    and max(later) > self.ready[v] and e.primitive.name in DEAR):
                for place in free:
                    if place.aval.dtype == v.aval.dtype and self.ready[place] >= max(later):
                        self.scratch[v] = place
                        free.remove(place)
                        break

    def columns(self, reduced: list[Loop], inner: list[Loop]) -> None:
        """Reductions along outer axes: each row is taken in, element by element."""
        sums = [e for e in self.k.eqns if reduces(e)]
        written = [v for v in self.k.outputs if not reduces(self.made[v])]
        roots = [*written, *(b for e in sums for x in e.invars
                             if (b := self.view(x).base) in self.made)]

        def place(e: JaxprEqn) -> str:
            v = e.outvars[0]
            where = self.index(self.store_key(v))
            if self.k.blocks:
                step = self.w.size(math.prod(v.aval.shape[1:]), role="step")
                where = f"block * {step} + {where}"
            return f"{self.w.array(v)}[{where}]"

        def start() -> None:
            for e in sums:
                rule = REDUCTIONS[e.primitive.name]
                self.w.line(f"{place(e)} = {rule.start(e.outvars[0].aval.dtype)}")

        def body() -> None:
            for e in self.needed(roots, 0):
                self.compute(e)
            for e in sums:
                at, rule = place(e), REDUCTIONS[e.primitive.name]
                x = self.operand(e.invars[0], e)
                self.w.line(f"{at} = {rule.combine(e.outvars[0].aval.dtype, at, x)}")
            for v in written:
                self.store(v, self.names[v])

        self.nest(inner, start, "c")
        self.nest(reduced, lambda: self.nest(inner, body, "c"), "i", blocks=bool(self.k.blocks))


def emit(kernel: Kernel, plan: Plan) -> Emitted:
    """The source of a kernel, and what it is called with."""
    writer = Writer(kernel.outputs)
    count, work = KernelWriter(kernel, plan, writer).write("lo", "hi")
    return Emitted(writer.source(), list(writer.arrays), writer.sizes, count, work, kernel.eqns)
