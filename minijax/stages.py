"""What stands between a function and its run: `jit(f).lower(x)`, and `.compile()` of that.

In JAX: jax/_src/stages.py.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Sequence
from typing import Any

from minijax.compiler.costs import accessed, cost_of, size_in_bytes
from minijax.compiler.executable import executable
from minijax.core import Tracer, typeof
from minijax.devices import devices
from minijax.layouts import There, given, laid_out, place_of, shardings_of, wanted_sharding
from minijax.make_jaxpr import as_struct
from minijax.tree_util import flatten_axes, tree_flatten, tree_leaves, tree_unflatten


class Lowered:
    """A traced program, before it is compiled."""

    def __init__(self, traced: Any, names: Sequence[str], shardings: tuple[Any, Any],
                 leaves: Sequence[Any]):
        self.traced, self.names, self.jaxpr = traced, names, traced.jaxpr
        self.shardings, self.places = shardings, list(map(place_of, leaves))
        self.out_tree, self.in_tree = traced.out_tree, traced.in_tree
        self.in_avals = tree_unflatten(traced.in_tree, traced.avals)

    @property
    def out_info(self) -> Any:
        return tree_unflatten(self.out_tree, [as_struct(a) for a in self.jaxpr.out_avals])

    def lower(self) -> Lowered:
        return self

    def as_text(self, dialect: str | None = None) -> str:
        """The source that the program is compiled from: Python, for Numba.

        `dialect="jaxpr"`: the program itself. ValueError: there is no such dialect.
        """
        if dialect not in (None, "python", "jaxpr"):
            raise ValueError(f"unknown dialect: {dialect}. There are 'python', which is the "
                             "source of the kernels, and 'jaxpr', the program itself.")
        return str(self.jaxpr if dialect == "jaxpr" else executable(self.jaxpr).written())

    def cost_analysis(self) -> dict[str, float]:
        """How many operations on numbers there are, and how many bytes are read and written.

        That is what the operations cost one by one, before any are done together.
        """
        return dict(cost_of(self.jaxpr))

    def compile(self, compiler_options: dict | None = None) -> Compiled:
        if self.traced.caller is None:  # else it takes the contents of references, not these
            executable(self.jaxpr, self.traced.name).compile()
        return Compiled(self)


class Compiled:
    """A compiled program. It takes arguments of the types it was compiled for, and no others."""

    def __init__(self, lowered: Lowered):
        self.traced, self.names = lowered.traced, lowered.names
        self.shardings, self.places = lowered.shardings, lowered.places
        self.in_tree, self.in_avals = lowered.in_tree, lowered.in_avals
        self.out_tree, self.out_info = lowered.out_tree, lowered.out_info

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Its results at arguments of these types: what calling it does."""
        return self(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, in_tree = tree_flatten((args, kwargs))
        if in_tree != self.traced.in_tree:
            raise TypeError("Function compiled with input pytree does not match the input pytree "
                            f"it was called with: {self.traced.in_tree} and {in_tree}.")
        for x in leaves:
            if isinstance(x, Tracer):
                raise TypeError("Cannot apply JAX transformations to a function lowered and "
                                "compiled for a particular signature. Detected an argument of "
                                f"type {type(x)}.")
        wrong = [f"Argument '{name}' compiled with {a.str_short()} and called with "
                 f"{typeof(x).str_short()}"
                 for x, a, name in zip(leaves, self.traced.avals, self.names)
                 if typeof(x).strip_weak_type() != a.strip_weak_type()]
        if wrong:
            raise TypeError("Argument types differ from the types for which this computation was "
                            "compiled. The mismatches are:\n" + "\n".join(wrong))
        leaves = given(leaves, in_tree, self.shardings[0])
        return laid_out("jit out_shardings", self.traced(leaves), self.shardings[1])

    @property
    def input_shardings(self) -> Any:
        """Where the arguments are to be: `(args, kwargs)`, a sharding for each array."""
        return tree_unflatten(self.in_tree, self.where[0])

    @property
    def output_shardings(self) -> Any:
        """Where the results will be."""
        return tree_unflatten(self.out_tree, self.where[1])

    @functools.cached_property
    def where(self) -> tuple[list[Any], list[Any]]:
        args, kwargs = self.in_avals
        asked = [*each("jit in_shardings", args, self.shardings[0]), *[None] * len(
            tree_leaves(kwargs))]
        ins = [b if a is None else a for a, b in zip(asked, self.places)]
        wanted = each("jit out_shardings", self.out_info, self.shardings[1])
        said = (*ins, wanted_sharding(self.traced.jaxpr), *wanted, devices()[0])
        ins, outs = shardings_of(next(s for s in said if s is not None), self.traced.jaxpr, ins)
        return ins, [b if a is None or isinstance(a, There) else a for a, b in zip(wanted, outs)]

    def as_text(self) -> str:
        """The source it was compiled from."""
        return str(executable(self.traced.jaxpr).written())

    def cost_analysis(self) -> dict[str, float]:
        """How many operations on numbers there are, and how many bytes kernels read and write."""
        cost, source = Counter(cost_of(self.traced.jaxpr)), executable(self.traced.jaxpr).written()
        moved: Counter[str] = Counter({"bytes accessed": 0.0})
        for launch in source.launches:
            moved.update(accessed(launch.read_bytes(source.plan), launch.written_bytes()))
        return {k: float(n) for k, n in cost.items() if not k.startswith("bytes")} | dict(moved)

    def memory_analysis(self) -> CompiledMemoryStats:
        """The bytes of the arguments, the results, what is between them, and the machine code."""
        jaxpr, run = self.traced.jaxpr, executable(self.traced.jaxpr)
        arguments, results, between = (
            sum(map(size_in_bytes, jaxpr.in_avals)), sum(map(size_in_bytes, jaxpr.out_avals)),
            run.written().temporary)
        return CompiledMemoryStats(
            generated_code_size_in_bytes=run.code_size, argument_size_in_bytes=arguments,
            output_size_in_bytes=results, temp_size_in_bytes=between,
            peak_memory_in_bytes=arguments + results + between)

    def runtime_executable(self) -> Any:
        """The function from NumPy arrays to NumPy arrays that it runs."""
        return executable(self.traced.jaxpr).compile()


def each(what: str, tree: Any, shardings: Any) -> list[Any]:
    """The sharding of each leaf, from a prefix of the pytree; None for all: nothing is said."""
    return ([None] * len(tree_leaves(tree)) if shardings is None else
            flatten_axes(what, tree, shardings))


@dataclasses.dataclass(frozen=True)
class CompiledMemoryStats:
    """Sizes in bytes. There is one memory: what JAX reports of a host beside a device is 0."""

    generated_code_size_in_bytes: int
    argument_size_in_bytes: int
    output_size_in_bytes: int
    temp_size_in_bytes: int
    peak_memory_in_bytes: int
    alias_size_in_bytes: int = 0
    host_generated_code_size_in_bytes: int = 0
    host_argument_size_in_bytes: int = 0
    host_output_size_in_bytes: int = 0
    host_alias_size_in_bytes: int = 0
    host_temp_size_in_bytes: int = 0
