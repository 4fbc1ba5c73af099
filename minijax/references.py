"""Mutable arrays: a reference is a box with an array in it, and programs stay pure.

Reading returns the array, writing puts another one in its place. A program that touches a box of
outside takes what is in it as an input and returns what it leaves there as a result; whoever calls
the program puts that back. So all that programs can do (derivatives, batches, loops) is right for
references, too, and an update costs what `x.at[i].set(y)` costs.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minijax.core import ShapedArray, Trace, Tracer, current_trace, typeof
from minijax.errors import UnexpectedTracerError
from minijax.families import broadcast_in_dim, convert
from minijax.jaxpr import JaxprTrace, JaxprTracer, Var
from minijax.source_info import name_of

# --- the box ---------------------------------------------------------------------------------


class RefType(ShapedArray):
    """The type of an argument that is a reference to an array of that type."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RefType) and super().__eq__(other)

    def __hash__(self) -> int:
        return hash((RefType, super().__hash__()))


class Ref:
    """A mutable array: `ref[...]` reads it, `ref[...] = x` writes it. See `new_ref`."""

    def __init__(self, value: Any):
        aval = typeof(value)
        self.aval = RefType(aval.shape, aval.dtype)
        self.home, self.content = current_trace(), convert(value, aval.dtype, False)

    shape = property(lambda self: self.aval.shape)
    dtype = property(lambda self: self.aval.dtype)
    ndim = property(lambda self: self.aval.ndim)
    size = property(lambda self: self.aval.size)

    @property
    def value(self) -> Any:
        """What is in the box, to the program that is being written here."""
        trace = inner_program(self)
        return self.content if trace is None else trace.refs[self]

    @value.setter
    def value(self, x: Any) -> None:
        trace = inner_program(self)
        check_visible(x, trace or self.home)
        have = typeof(x)
        if have.shape not in ((), self.shape):
            raise ValueError(f"Invalid shape for `swap`. Ref shape: {self.shape}. "
                             f"Value shape: {have.shape}.")
        x = convert(broadcast_in_dim(x, self.shape, range(have.ndim)), self.aval.dtype, False)
        if trace is None:
            self.content = x
        else:
            trace.refs[self] = x

    def __getitem__(self, index: Any) -> Any:
        return self.value if index is Ellipsis else self.value[index]

    def __setitem__(self, index: Any, x: Any) -> None:
        self.value = x if index is Ellipsis else self.value.at[index].set(x)

    def __len__(self) -> int:
        return len(self.value)

    __iter__ = None  # it would read the box once for each element

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("a Ref is not an array. Read it, with ref[...].")

    def __repr__(self) -> str:
        return f"Ref{repr(self.value).removeprefix('Array')}"


def inner_program(ref: Ref) -> Any:
    """The innermost program that is being written between here and the reference's home, or None.

    From now on the reference is among those that it touches.
    """
    trace: Any = current_trace()
    while trace is not None and trace.tag is not ref.home.tag:
        if isinstance(trace, JaxprTrace):
            if not hasattr(trace, "refs"):
                raise NotImplementedError(
                    f"A reference from outside was used while tracing the {trace.name}. This is "
                    f"possible in the functions of {', '.join(THREADED)}.")
            if ref not in trace.refs:
                aval = ShapedArray(ref.shape, ref.aval.dtype)
                trace.captured[id(ref)] = Var(aval), ref, ref
                trace.refs[ref] = JaxprTracer(trace, trace.captured[id(ref)][0])
            return trace
        trace = trace.parent
    return None


def check_visible(x: Any, trace: Trace | None) -> None:
    """UnexpectedTracerError: a value of an inner trace in a box of an outer one."""
    if not isinstance(x, Tracer):
        return
    while trace is not None and trace.tag is not x._trace.tag:
        trace = trace.parent
    if trace is None:
        raise UnexpectedTracerError(
            "performing a set/swap operation on an array reference that was made outside of the "
            f"transformation, with a value that is traced by it: {x._trace.name}. Make the "
            "reference inside, or return the value.")


# --- programs that touch references ------------------------------------------------------------


@contextlib.contextmanager
def holding(refs: Sequence[Ref], values: Sequence[Any]) -> Iterator[None]:
    """A block, of the program that is being written here, in which the boxes contain `values`."""
    saved = [(ref.home, ref.content) for ref in refs]
    for ref, x in zip(refs, values):
        ref.home, ref.content = current_trace(), x
    try:
        yield
    finally:
        for ref, (home, content) in zip(refs, saved):
            ref.home, ref.content = home, content


def threaded(f: Callable, refs: Sequence[Ref]) -> Callable:
    """(values, *args) -> (f(*args), values afterwards): `f` without what it does to `refs`."""

    def pure(values: Sequence[Any], *args: Any) -> tuple[Any, list[Any]]:
        with holding(refs, values):
            return f(*args), values_of(refs)

    return pure


def reading(f: Callable, refs: Sequence[Ref]) -> Callable:
    """(values, *args) -> f(*args), for a function that does nothing to `refs` but read them."""

    def pure(values: Sequence[Any], *args: Any) -> Any:
        out, afterwards = threaded(f, refs)(values, *args)
        if any(x is not y for x, y in zip(values, afterwards)):
            raise NotImplementedError("The condition of a while_loop may read references, but not "
                                      "write them. Write them in the body.")
        return out

    return pure


def values_of(refs: Sequence[Ref]) -> list[Any]:
    return [ref.value for ref in refs]


def write(refs: Sequence[Ref], values: Sequence[Any]) -> None:
    for ref, x in zip(refs, values):
        ref.value = x


# What calls a program with the contents of the references that it touches, and writes them back.
THREADED = ("jit", "scan", "while_loop", "cond", "switch", "fori_loop", "map")


class Touching:
    """A flat function to be traced. Afterwards `refs` are the references of outside that it uses.

    `positions` are those of the arguments that are references.
    """

    def __init__(self, f: Callable, avals: Sequence[ShapedArray], kind: str):
        self.f, self.threaded = f, kind.split()[-1] in THREADED
        self.positions = [i for i, a in enumerate(avals) if isinstance(a, RefType)]
        self.avals = [ShapedArray(a.shape, a.dtype) if i in self.positions else a
                      for i, a in enumerate(avals)]
        self.leaf_names = getattr(f, "leaf_names", list)
        self.refs: list[Ref] = []

    def __call__(self, *leaves: Any) -> list[Any]:
        trace: Any = current_trace()
        if self.threaded:
            trace.refs = {}
        outs, _ = with_args(self.f, self.positions, leaves)
        self.refs = list(getattr(trace, "refs", ()))
        return outs

    def caller(self, f: Callable, jit: Callable) -> Callable | None:
        """If there are references: what takes the leaves, and returns the results."""
        found = self.refs or self.positions
        return Caller(f, self.refs, self.positions, jit) if found else None


def with_args(f: Callable, positions: Sequence[int], leaves: Sequence[Any]
              ) -> tuple[list[Any], list[Any]]:
    """The results of `f`, and what references at these positions contain afterwards."""
    made = {i: Ref(leaves[i]) for i in positions}
    return f(*[made.get(i, x) for i, x in enumerate(leaves)]), values_of([*made.values()])


class Caller:
    """Calls a pure function with what references contain, and writes what it returns for them."""

    def __init__(self, f: Callable, refs: Sequence[Ref], positions: Sequence[int], jit: Callable):
        def run(*leaves: Any) -> tuple[list[Any], list[Any]]:
            return with_args(f, positions, leaves)

        pure = threaded(run, refs)
        pure.__name__ = f.__name__
        self.pure, self.refs, self.positions = jit(pure, (), ()), refs, positions

    def __call__(self, leaves: Sequence[Any]) -> list[Any]:
        args = [leaves[i] for i in self.positions]
        if len({*self.refs, *args}) < len(self.refs) + len(args):
            raise ValueError("only one reference to a mutable array may be passed as an argument "
                             "to a function, or be closed over: the same Ref appeared twice.")
        values = [x.value if isinstance(x, Ref) else x for x in leaves]
        (outs, written), afterwards = self.pure(values_of(self.refs), *values)
        write([*self.refs, *args], [*afterwards, *written])
        return outs


class Weakly:
    """A function that is kept alive by its caller alone: what is kept *for* it must not do so."""

    def __init__(self, fun: Callable):
        self.__name__ = name_of(fun)
        try:
            self.alive: Callable = weakref.ref(fun)
        except TypeError:  # then nothing is kept for it, either
            self.alive = lambda: fun

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        fun = self.alive()
        if fun is None:
            raise ReferenceError(f"{self.__name__} uses references, so it is called again when its "
                                 "program is, but it does not exist any more.")
        return fun(*args, **kwargs)


def abstract_refs(leaves: Sequence[Any], abstract: Callable) -> tuple[ShapedArray, ...]:
    """The types of arguments that are arrays and references; none, if others are among them."""
    try:
        return tuple(x.aval if isinstance(x, Ref) else abstract(x) for x in leaves)
    except TypeError:
        return ()


# --- for users ---------------------------------------------------------------------------------


def new_ref(init_val: Any) -> Ref:
    """A mutable array that begins as `init_val`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> total = jax.new_ref(jnp.zeros(2))
    >>> @jax.jit
    ... def count(x):
    ...     total[0] += x
    >>> count(1.0); count(2.0)
    >>> total
    Ref([3., 0.], dtype=float32)

    It is written where it was made, or in a program called there (`jit`, `scan`, `cond`, ...), but
    not with values of a `grad` or `vmap` inside of which it was not made.
    """
    return Ref(init_val)


def freeze(ref: Ref) -> Any:
    """What the reference contains, as an array; from then on the array should be used instead."""
    return ref.value


def get(ref: Ref, idx: Any = ...) -> Any:
    """`ref[idx]`"""
    return ref[idx]


def set(ref: Ref, idx: Any, value: Any) -> None:
    """`ref[idx] = value`"""
    ref[idx] = value


def swap(ref: Ref, idx: Any, value: Any) -> Any:
    """Write `value`, and return what was there."""
    before = ref[idx]
    ref[idx] = value
    return before


def addupdate(ref: Ref, idx: Any, x: Any) -> None:
    """Add `x` to what is there; at positions that occur twice, twice."""
    ref.value = ref.value.at[idx].add(x)
