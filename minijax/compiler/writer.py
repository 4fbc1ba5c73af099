"""The function that a kernel is, while it is written: its lines, and what they refer to."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minijax.compiler.expressions import NARROW, kernel_type, literal, number
from minijax.jaxpr import JaxprEqn, Literal

__all__ = ["Emitted", "Writer", "memory_type"]

WRITTEN_OUT = {0.0, 1.0, -1.0, 2.0, 0.5, np.inf, -np.inf}  # constants that help the compiler
SMALL = 1 << 12  # bytes: the memory of a kernel's own for an array is the stack
STACK = 1 << 16  # bytes of the stack that it uses at most


@dataclasses.dataclass
class Emitted:
    """A source, the arrays it takes, its table, and the length of its outermost loop."""

    source: str
    arrays: list[Any]
    sizes: list[int | float]
    count: int
    work: int  # elements for each step of the outermost loop
    eqns: list[JaxprEqn]
    consts: dict[Any, Any] = dataclasses.field(default_factory=dict)  # values of some of the arrays

    def table(self) -> np.ndarray:
        """`sizes` as a kernel takes them; of a float, the bits."""
        return np.array([np.float64(n).view(np.int64) if isinstance(n, float) else n
                         for n in self.sizes], np.int64)


class Writer:
    """Writes a function: its lines, its table of sizes, the arrays it takes.

    `local` are the values that are variables of the function, numbers and pointers to arrays, and
    `consts` arrays with their values. Within a loop that is compiled whole all sizes and constants
    are `fixed`: written out, for they decide how well LLVM can do its work.

    The names say what is what: `x0` is read, `y1` is one of the `results`; `n2` is a number of
    elements, `step3` the way from one to the next, `c4` a constant.
    """

    def __init__(self, results: Iterable[Any] = ()) -> None:
        self.lines: list[str] = []
        self.depth = 1
        self.sizes: list[int | float] = []
        self.unpacked: list[str] = []  # the lines that give the entries of the table their names
        self.results = set(results)
        self.arrays: dict[Any, str] = {}
        self.values = 0
        self.local: dict[Any, str] = {}
        self.consts: dict[Any, Any] = {}
        self.fixed = False
        self.locals: list[str] = []
        self.stack = 0  # bytes

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    @contextlib.contextmanager
    def block(self, head: str) -> Iterator[None]:
        """The lines written here stand under `head`, indented."""
        self.line(head)
        self.depth += 1
        yield
        self.depth -= 1

    def name(self) -> str:
        """A new name for a value."""
        self.values += 1
        return f"v{self.values - 1}"

    def index(self, name: str) -> str:
        """The name of an index: one of its own within a loop, where Numba is faster with that."""
        return f"{name}_{self.name()}" if self.fixed else name

    def size(self, n: int | float, form: str = "{}", role: str = "n") -> str:
        """A number as it is, or from the table, by name; `form` says what the function makes of it.
        """
        if self.fixed:
            return str(n)
        i = len(self.sizes)
        self.sizes.append(n)
        self.unpacked.append(f"    {role}{i} = {form.format(f'sizes[{i}]')}")
        return f"{role}{i}"

    def array(self, base: Any) -> str:
        """The name of an array in memory."""
        role = "y" if base in self.results else "x"
        return self.local.get(base) or self.arrays.setdefault(base, f"{role}{len(self.arrays)}")

    def let(self, text: str) -> str:
        """Write the line that gives a value a name."""
        name = self.name()
        self.line(f"{name} = {text}")
        return name

    def shifted(self, pointer: str, n: str) -> str:
        """A pointer to the n-th element from there."""
        return self.let(f"shifted({pointer}, {n})")

    def scratch(self, v: Any) -> str:
        """The name of memory for an array that nobody sees."""
        size = v.aval.size * v.aval.dtype.itemsize
        if size > SMALL or self.stack + size > STACK:
            return self.array(v)
        self.stack += size
        self.local[v] = self.name()
        self.locals.append(
            f"    {self.local[v]} = local({memory_type(v)}, {max(v.aval.size, 1)})")
        return self.local[v]

    def in_register(self, base: Any) -> bool:
        return base.aval.shape == () and base in self.local

    def load(self, base: Any, index: str) -> str:
        if self.in_register(base):
            return self.local[base]
        text = f"{self.array(base)}[{index}]"
        short = NARROW.get(base.aval.dtype.name)
        return f"widen_{short}({text})" if short else text

    def store(self, base: Any, index: str, text: str) -> None:
        short = NARROW.get(base.aval.dtype.name)
        if self.in_register(base):
            self.assign(self.local[base], text, base.aval.dtype)
        else:
            self.line(
                f"{self.array(base)}[{index}] = {f'narrow_{short}({text})' if short else text}")

    def assign(self, name: str, text: str, dtype: np.dtype) -> None:
        """Write the line that gives a number to a variable, in the type that it always has."""
        short = NARROW.get(dtype.name)
        self.line(f"{name} = " + (f"widen_{short}(narrow_{short}({text}))" if short else
                                  f"{kernel_type(dtype)}({text})"))

    def constant(self, x: Literal) -> str:
        """A scalar: as text, or from the table, so that another one needs no other source."""
        value, dtype = number(x.val, x.aval.dtype), x.aval.dtype
        kind = kernel_type(dtype)
        if self.fixed or isinstance(value, complex | bool) or (
                value in WRITTEN_OUT or value != value):
            return literal(x.val, dtype)
        if isinstance(value, int):
            return self.size(value if value < 1 << 63 else value - (1 << 64), f"{kind}({{}})", "c")
        exact = float(np.asarray(value, dtype if dtype.name in NARROW else kind))
        return self.size(exact, f"{kind}(bits({{}}, float64))", "c")

    def source(self) -> str:
        names = "".join(f", a{i}" for i in range(len(self.arrays)))
        head = [f"def kernel(lo, hi, sizes{names}):"]
        head += self.unpacked
        head += [f"    {x} = data(a{i}, {memory_type(base)})"
                 for i, (base, x) in enumerate(self.arrays.items())]
        return "\n".join([*head, *self.locals, *self.lines]) + "\n"


def memory_type(base: Any) -> str:
    dtype = base.aval.dtype
    return "uint16" if dtype.name in NARROW else kernel_type(dtype)
