"""The Python function that runs a plan: it allocates, calls the kernels in order, and returns.

    def program(x0, x1):
        b0 = empty((1000, 10), float32)
        parallel(kernel_0, 1000, 819, sizes_0, id(x0), id(x1), id(b0))
        return [b0]
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.compiler import buffers
from minijax.compiler.blas import matmul
from minijax.compiler.buffers import SMALL
from minijax.compiler.chunks import Call, parallel
from minijax.compiler.costs import size_in_bytes
from minijax.compiler.emit import emit
from minijax.compiler.lowering import emit_alone, faster_alone, lowerable
from minijax.compiler.plan import Kernel, Plan, Step
from minijax.compiler.printing import printed
from minijax.compiler.products import follower, is_product, matrices, move_followers
from minijax.compiler.views import View
from minijax.compiler.writer import Emitted
from minijax.core import to_numpy
from minijax.jaxpr import JaxprEqn, Literal

GRAIN = 1 << 14  # elements: less is not worth another thread


@dataclasses.dataclass(eq=False)
class Launch:
    """What one line of the driver does, and with which arrays."""

    name: str  # of a kernel, of a matrix product (`matmul_0`), or of a call of NumPy (`step_0`)
    eqns: list[JaxprEqn]
    reads: list[Any]
    writes: list[Any]
    scratch: list[Any]  # arrays for this call only
    then: Launch | None = None  # the kernel that works on the tiles of a matrix product
    dead: list[Any] = dataclasses.field(default_factory=list)  # arrays that nobody needs after it

    def read_bytes(self, plan: Plan) -> list[int]:
        """Of each array that is read, the bytes that are looked at."""
        views = {plan.view(x) for e in self.eqns for x in e.invars}
        return [min(v.aval.size, sum(w.elements for w in views if w.base is v))
                * v.aval.dtype.itemsize for v in self.reads]

    def written_bytes(self) -> int:
        return sum(size_in_bytes(v.aval) for v in self.writes)


@dataclasses.dataclass
class Source:
    """All that a program was compiled to: its driver, and a source for each kernel."""

    driver: str
    kernels: dict[str, Emitted]
    temporary: int  # bytes that are neither of an argument nor of a result, at most at one time
    plan: Plan
    names: dict[Any, str]  # of arrays, in the driver
    launches: list[Launch]
    placed: list[int]  # the results for which the caller gives memory, after the arguments

    def __str__(self) -> str:
        return "\n\n".join([self.driver, *(
            printed(name, e, self.names) for name, e in self.kernels.items())])


class DriverWriter:
    """Writes the driver of a plan. A value is a NumPy array, in row-major order, with a name.

    `into`: the caller gives memory for those results that kernels can write there.
    """

    def __init__(self, plan: Plan, into: bool = False):
        self.plan = plan
        self.wanted = {view.base: i for i, view in reversed([*enumerate(plan.outputs)])
                       if view.is_whole and view.shape == view.base.aval.shape} if into else {}
        self.placed: list[int] = []
        self.lines: list[str] = []
        self.kernels: dict[str, Emitted] = {}
        self.names: dict[Any, str] = {}
        self.done: set[Step] = set()  # by an earlier step
        self.live = self.peak = 0  # bytes
        self.launches: list[Launch] = []
        self.products: list[tuple[tuple, int, np.dtype]] = []  # shapes, lengths of sums, dtypes
        self.space: dict[str, Any] = {
            "empty": np.empty, "pooled": buffers.empty, "in_order": in_order, "view": view_array,
            "parallel": parallel, "on_rows": Call}

    def write(self) -> Source:
        flat = self.plan.flat
        for i, v in enumerate(flat.invars):
            self.names[v] = f"x{i}"
        for v, value in flat.consts.items():
            self.names[v] = self.keep("c", in_order(to_numpy(value)))
        move_followers(self.plan)
        last = self.last_uses()
        for i, step in enumerate(self.plan.steps):
            self.step(i, step)
            if dead := [self.names[v] for v in last.get(i, ()) if v in self.names]:
                self.lines.append(f"del {', '.join(dead)}")
                self.live -= sum(size_in_bytes(v.aval) for v in last[i] if v in self.names)
                self.launches[-1].dead += last[i]
        outs = ", ".join(self.operand(view) for view in self.plan.outputs)
        given = [*(self.names[v] for v in flat.invars), *(f"r{i}" for i in self.placed)]
        head = [f"def program({', '.join(given)}):"]
        used = {base for step in self.plan.steps for base in self.reads(step)}
        head += [f"    if not {x}.flags.c_contiguous: {x} = in_order({x})" for v in flat.invars
                 if v in used and (x := self.names[v])]
        body = [f"    {line}" for line in [*self.lines, f"return [{outs}]"]]
        results = sum(size_in_bytes(b.aval) for b in {view.base for view in self.plan.outputs}
                      if b in self.names)
        return Source("\n".join([*head, *body]) + "\n", self.kernels, max(self.peak - results, 0),
                      self.plan, self.names, self.launches, self.placed)

    def reads(self, step: Step) -> set[Any]:
        return {self.plan.view(x).base for e in step.eqns for x in e.invars}

    def last_uses(self) -> dict[int, list[Any]]:
        """After which step a value that the program makes is not needed any more."""
        last: dict[Any, int] = {}
        for i, step in enumerate(self.plan.steps):
            made = step.outputs if isinstance(step, Kernel) else step.made
            last.update(dict.fromkeys(made, i))
            last.update((b, i) for b in self.reads(step) if b in last)
        for view in self.plan.outputs:
            last.pop(view.base, None)
        out: dict[int, list[Any]] = {}
        for v, i in last.items():
            out.setdefault(i, []).append(v)
        return out

    def keep(self, prefix: str, value: Any) -> str:
        """A name for an object that the driver needs."""
        name = f"{prefix}{sum(n.startswith(prefix) for n in self.space)}"
        self.space[name] = value
        return name

    def operand(self, view: View) -> str:
        """An array as an operation takes it."""
        if isinstance(view.base, Literal):
            name = self.keep("c", np.asarray(view.base.val))
            base_shape: tuple = ()
        else:
            name, base_shape = self.names[view.base], view.base.aval.shape
        if view.shape == base_shape and view.is_whole:
            return name
        if view.is_whole:
            return f"{name}.reshape({view.shape})"
        return f"view({name}, {view.shape}, {view.strides}, {view.offset})"

    def step(self, i: int, step: Step) -> None:
        """Write the call, or the calls, of a step."""
        e = step.eqns[0]
        if step in self.done:
            return
        if isinstance(step, Kernel):
            self.kernel(step.outputs, [emit(step, self.plan)])
        elif not self.plan.refused.isdisjoint(e.outvars):
            self.single(e)
        elif lowerable(e) and faster_alone(e):
            self.kernel(step.made, emit_alone(e, self.plan))
        elif is_product(e):
            self.product(i, e)
        else:
            self.single(e)

    def kernel(self, made: Sequence[Any], parts: Sequence[Emitted]) -> None:
        """Allocate the results, and call a kernel, or some that make them together."""
        for emitted in parts:
            for v, value in emitted.consts.items():
                if v in emitted.arrays and v not in self.names:
                    value = value if isinstance(value, np.ndarray) else to_numpy(value)
                    self.names[v] = self.keep("c", in_order(value))  # a table keeps its int64
        for v in made:
            self.allocate(v, "b")
        arrays = dict.fromkeys(v for emitted in parts for v in emitted.arrays)
        extra = [v for v in arrays if v not in self.names]
        for v in extra:
            self.allocate(v, "t")
        for emitted in parts:
            name, rest = self.declare(emitted)
            self.launch(name, emitted.eqns, emitted.arrays,
                        [v for v in made if v in emitted.arrays], extra)
            grain = max(GRAIN // emitted.work, 1)
            self.lines.append(
                f"{name}(0, {emitted.count}, {rest})" if emitted.count < 2 * grain else
                f"parallel({name}, {emitted.count}, {grain}, {rest})")
        if extra:
            self.lines.append(f"del {', '.join(self.names[v] for v in extra)}")
            self.live -= sum(size_in_bytes(v.aval) for v in extra)

    def launch(self, name: str, eqns: list[JaxprEqn], arrays: Sequence[Any], made: Sequence[Any],
               scratch: Sequence[Any] = ()) -> Launch:
        """Note what the line does that comes next."""
        reads = [v for v in dict.fromkeys(arrays)
                 if v in self.names and v not in made and v not in scratch]
        self.launches.append(Launch(name, eqns, reads, [*made],
                                    [v for v in scratch if v in arrays]))
        return self.launches[-1]

    def declare(self, emitted: Emitted) -> tuple[str, str]:
        """The name of a kernel, and its arguments after the first two."""
        name = f"kernel_{len(self.kernels)}"
        sizes, table = f"sizes_{len(self.kernels)}", emitted.table()
        self.space[sizes], self.space[f"table_of_{name}"] = table.ctypes.data, table
        self.kernels[name] = emitted
        ids = [f"id({self.names[v]})" for v in emitted.arrays]
        return name, ", ".join([sizes, *ids])

    def product(self, i: int, e: JaxprEqn) -> None:
        """Call `matmul`; a kernel that works on rows of the result takes each tile at once."""
        (a, a_shape), (b, b_shape), shape = matrices(e, self.plan)
        out = e.outvars[0]
        self.allocate(out, "b")
        factors = ", ".join(f"{self.operand(v)}.reshape({s})" if v.shape != s else self.operand(v)
                            for v, s in ((a, a_shape), (b, b_shape)))
        self.products.append((shape, a_shape[-1], out.aval.dtype))
        blas = self.keep("matmul_", matmul)
        product = self.launch(blas, [e], [a.base, b.base], [out])
        call = f"{blas}({factors}, {self.names[out]}.reshape({shape})"
        step = follower(self.plan, i, shape)
        if step is not None:
            emitted = emit(step, self.plan)
            rows = math.prod(shape[:-1])
            if emitted.count in (rows, rows * shape[-1]):
                for v in step.outputs:
                    self.allocate(v, "b")
                self.done.add(step)
                name, rest = self.declare(emitted)
                product.then = self.launch(name, emitted.eqns, emitted.arrays, step.outputs)
                grain = max(GRAIN // emitted.work, 1)
                call += f", on_rows({name}, {emitted.count // max(rows, 1)}, {grain}, {rest})"
        self.lines.append(call + ")")

    def allocate(self, v: Any, prefix: str) -> None:
        self.grow(size_in_bytes(v.aval))
        if v in self.wanted:
            self.placed.append(self.wanted[v])
            self.names[v] = f"r{self.wanted[v]}"
            return
        self.names[v] = f"{prefix}{len(self.names)}"
        empty = "empty" if size_in_bytes(v.aval) < SMALL else "pooled"
        self.lines.append(
            f"{self.names[v]} = {empty}({v.aval.shape}, {self.dtype(v.aval.dtype)})")

    def grow(self, size: int) -> None:
        self.live += size
        self.peak = max(self.peak, self.live)

    def dtype(self, dtype: np.dtype) -> str:
        name = f"dtype_{dtype.name}" if dtype.kind != "V" or dtype.names is None else None
        if name is None:
            return self.keep("d", dtype)
        self.space[name] = dtype
        return name

    def single(self, e: JaxprEqn) -> None:
        """Call NumPy for an operation without a kernel."""
        f = self.keep("step_", evaluator(e))
        for v in e.outvars:
            self.names[v] = f"b{len(self.names)}"
        outs = ", ".join(self.names[v] for v in e.outvars)
        self.launch(f, [e], [self.plan.view(x).base for x in e.invars], e.outvars)
        self.grow(sum(size_in_bytes(v.aval) for v in e.outvars))
        ins = ", ".join(self.operand(self.plan.view(x)) for x in e.invars)
        self.lines.append(f"[{outs}] = {f}({ins})" if outs else f"{f}({ins})")


def in_order(x: np.ndarray) -> np.ndarray:
    """The array with its elements in row-major order."""
    return x if x.flags.c_contiguous else np.array(x, order="C")


def view_array(x: np.ndarray, shape: Sequence[int], strides: Sequence[int], offset: int
               ) -> np.ndarray:
    """The same memory, seen otherwise; strides and offset are in elements."""
    size = x.itemsize
    return np.ndarray(shape, x.dtype, x, offset * size, [s * size for s in strides])


def evaluator(e: JaxprEqn) -> Callable:
    """One equation, by the `impl` of its operation."""
    impl, params, several = e.primitive.impl, e.params, e.primitive.multiple_results
    dtypes = [v.aval.dtype for v in e.outvars]

    def evaluate(*xs: np.ndarray) -> list[np.ndarray]:
        outs = impl(*xs, **params)
        return [np.asarray(x, d, order="C") for x, d in zip(outs if several else (outs,), dtypes)]

    return evaluate
