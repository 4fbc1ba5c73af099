"""Programs: what a trace writes down, how it is printed, checked and evaluated.

A jaxpr is a list of equations over typed variables. Nothing hides in it: what a traced function
closes over becomes an operand. Grammar of the printed form, as in JAX:

    { lambda CONSTVARS ; INVARS . let EQUATIONS in (OUTVARS) }
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.config import config
from minijax.core import (
    Array,
    ArrayImpl,
    Primitive,
    ShapedArray,
    Trace,
    Tracer,
    current_trace,
    leaked,
    to_numpy,
    tracing,
    typeof,
)
from minijax.pretty_printer import Break, Doc, Group, Nest, join, layout
from minijax.scopes import names, unspoken
from minijax.source_info import user_line

# --- the program form ----------------------------------------------------------------------


class Var:
    """A variable: only its type is known. Two variables are equal if they are the same one."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    def __repr__(self) -> str:
        return f"Var(id={id(self)}):{self.aval.str_short(short_dtypes=True)}"


class Literal:
    """A constant of rank 0, written in place, and as it was given: 0.1, not the nearest float32."""

    __slots__ = ("val", "aval", "given")

    def __init__(self, given: Any, aval: ShapedArray):
        self.given, self.val, self.aval = given, np.asarray(given, aval.dtype), aval

    def __repr__(self) -> str:
        return f"{np.asarray(self.given).item()}:{self.aval.str_short(short_dtypes=True)}"


Atom = Var | Literal


class JaxprEqn:
    """`outvars = primitive[params] invars`, and the user's line that asked for it."""

    __slots__ = ("primitive", "invars", "params", "outvars", "line", "effects")

    def __init__(self, primitive: Primitive, invars: list[Atom], params: dict[str, Any],
                 outvars: list[Var], line: Any = None):
        self.primitive, self.invars, self.params = primitive, invars, params
        self.outvars, self.line = outvars, line
        self.effects = primitive.effects_of(params)

    def __repr__(self) -> str:
        return layout(Printer().equation(self))


class Jaxpr:
    """A closed, typed program. It can be called: `jaxpr(*args)` evaluates it on flat arguments.

    `consts` are the values of `constvars`: the arrays that a function closes over.
    """

    def __init__(self, invars: Sequence[Var], eqns: Sequence[JaxprEqn], outvars: Sequence[Atom],
                 constvars: Sequence[Var] = (), consts: Sequence[Any] = ()):
        self.invars, self.eqns, self.outvars = list(invars), list(eqns), list(outvars)
        self.constvars, self.consts = list(constvars), list(consts)
        self.memo: dict = {}  # derived programs live and die with it

    jaxpr = property(lambda self: self)
    literals = property(lambda self: self.consts)
    in_avals = property(lambda self: [v.aval for v in self.invars])
    out_avals = property(lambda self: [v.aval for v in self.outvars])

    @functools.cached_property
    def effects(self) -> frozenset:
        return frozenset().union(*[e.effects for e in self.eqns])

    @property
    def used(self) -> list[bool]:
        """Which inputs the program looks at."""
        seen = {*self.outvars, *(x for e in self.eqns for x in e.invars)}
        return [v in seen for v in self.invars]

    def __call__(self, *args: Any) -> list[Any]:
        return eval_jaxpr(self, self.consts, *args)

    def replace(self, invars: Sequence[Var] | None = None, eqns: Sequence[JaxprEqn] | None = None,
                outvars: Sequence[Atom] | None = None) -> Jaxpr:
        """The same program with other inputs, equations or outputs."""
        return Jaxpr(self.invars if invars is None else invars,
                     self.eqns if eqns is None else eqns,
                     self.outvars if outvars is None else outvars, self.constvars, self.consts)

    def __str__(self) -> str:
        return Printer().toplevel(self)

    __repr__ = __str__

    def pretty_print(self, **_: Any) -> str:
        return str(self)


def eval_jaxpr(jaxpr: Jaxpr, consts: Sequence[Any], *args: Any) -> list[Any]:
    """Interpret a program, each equation by the current trace."""
    env: dict[Var, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, args, strict=True))
    trace, outer = current_trace(), names.line
    try:
        for e in jaxpr.eqns:
            names.line = e.line or outer
            outs = trace.process_primitive(e.primitive, read(env, e.invars), e.params)
            env.update(zip(e.outvars, outs))
    finally:
        names.line = outer
    return read(env, jaxpr.outvars)


def read(env: dict[Var, Any], atoms: Sequence[Atom]) -> list[Any]:
    """The values of atoms: what the environment says of a variable, what a literal says itself."""
    return [ArrayImpl(x.val, x.aval) if isinstance(x, Literal) else env[x] for x in atoms]


def derived(fn: Callable) -> Callable:
    """Memoize fn(jaxpr, *key) on the jaxpr itself, so that no cache outlives what it describes."""

    @functools.wraps(fn)
    def memoized(jaxpr: Jaxpr, *key: Any) -> Any:
        if (fn, key) not in jaxpr.memo:
            jaxpr.memo[fn, key] = fn(jaxpr, *key)
        return jaxpr.memo[fn, key]

    return memoized


# --- writing it down -----------------------------------------------------------------------


class JaxprTracer(Tracer):
    """A value that is a variable of the program being written."""

    __slots__ = ("variable",)

    def __init__(self, trace: Trace, var: Var, line: Any = None):
        super().__init__(trace, var.aval, line)
        self.variable = var

    def __repr__(self) -> str:
        return f"JitTracer({self.aval})"


class JaxprTrace(Trace):
    """Write down every operation. Whatever comes from outside becomes an extra, leading input."""

    def __init__(self, name: str):
        super().__init__(name, current_trace())
        self.inputs: list[Var] = []
        self.eqns: list[JaxprEqn] = []
        self.leaf_names: Callable[[], list[str]] = list  # what the user calls the inputs
        self.captured: dict[int, tuple[Var, Any, Any]] = {}

    def input(self, aval: ShapedArray) -> JaxprTracer:
        self.inputs.append(Var(aval))
        return JaxprTracer(self, self.inputs[-1])

    def encloses(self, trace: Trace) -> bool:
        """Is `trace` alive, and does it interpret what my rules, or my parent's, do?"""
        outer: Trace | None = self if trace.alive else None
        while outer is not None and outer.tag is not trace.tag:
            outer = outer.parent
        return outer is not None

    def atom(self, x: Any) -> Atom:
        """How an equation refers to `x`."""
        if isinstance(x, JaxprTracer) and x._trace is self:
            return x.variable
        if isinstance(x, Tracer):
            if not self.encloses(x._trace):
                raise leaked(x)
        elif not typeof(x).shape:
            return Literal(x if type(x) in dtypes.PYTHON_SCALARS else to_numpy(x), typeof(x))
        if id(x) not in self.captured:
            value = x if isinstance(x, Array) else ArrayImpl(to_numpy(x))
            self.captured[id(x)] = Var(typeof(value)), value, x  # x is kept, so its id stays its
        return self.captured[id(x)][0]

    def process_primitive(self, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
        args, params = prim.stage(self, args, params)
        invars = list(map(self.atom, args))
        outvars = list(map(Var, prim.out_avals([x.aval for x in invars], params)))
        line = user_line()
        self.eqns.append(JaxprEqn(prim, invars, params, outvars, line))
        return [JaxprTracer(self, v, line) for v in outvars]

    def build(self, ins: Sequence[JaxprTracer], outs: Sequence[Any], prune: bool
              ) -> tuple[Jaxpr, list[Any]]:
        """The program from `ins` to `outs`, and the values of its leading, captured inputs."""
        outvars = [self.atom(x) for x in outs]
        eqns = live_eqns(self.eqns, outvars) if prune else self.eqns
        used = set(outvars).union(*[e.invars for e in eqns])
        captured = [c for c in self.captured.values() if c[0] in used or not prune]
        invars = [*[var for var, _, _ in captured], *[t.variable for t in ins]]
        jaxpr = Jaxpr(invars, eqns, outvars)
        if config.jax_enable_checks:
            check_jaxpr(jaxpr)
        return jaxpr, [value for _, value, _ in captured]

    def origin(self, x: Tracer) -> str:
        needed = {self.atom(x)}
        for e in reversed(self.eqns):
            if not needed.isdisjoint(e.outvars):
                needed.update(e.invars)
        names = [n for v, n in zip(self.inputs, self.leaf_names()) if v in needed]
        if not names:
            return "Its value is known only when the program runs."
        return ("This concrete value was not available in Python because it depends on the value "
                f"of the argument{'s' * (len(names) > 1)} {' and '.join(names)}.")


def live_eqns(eqns: Sequence[JaxprEqn], outvars: Sequence[Atom]) -> list[JaxprEqn]:
    """The equations that the outputs need, and those with effects."""
    needed, kept = set(outvars), []
    for e in reversed(eqns):
        if e.effects or not needed.isdisjoint(e.outvars):
            needed.update(e.invars)
            if not needed.issuperset(e.outvars):
                e = e.primitive.narrow(e, tuple(v in needed for v in e.outvars))
            kept.append(e)
    return kept[::-1]


@derived
def narrow_jaxpr(jaxpr: Jaxpr, wanted: tuple[bool, ...]) -> Jaxpr:
    """The program of the `wanted` outputs alone."""
    outvars = [x for x, w in zip(jaxpr.outvars, wanted) if w]
    return jaxpr.replace(eqns=live_eqns(jaxpr.eqns, outvars), outvars=outvars)


@derived
def used_inputs(jaxpr: Jaxpr) -> tuple[Jaxpr, list[bool]]:
    """The program without the inputs that it does not look at, and which it does."""
    used = jaxpr.used
    return jaxpr.replace(invars=[v for v, u in zip(jaxpr.invars, used) if u]), used


def trace_to_jaxpr(f: Callable, avals: Sequence[ShapedArray], name: str, prune: bool = True
                   ) -> tuple[Jaxpr, list[Any]]:
    """The program of `f`, a function of flat arguments, and the values it closes over.

    These are its first inputs. `prune` leaves out equations that no output needs.
    """
    with tracing(JaxprTrace(name)) as trace:
        trace.leaf_names = getattr(f, "leaf_names", list)
        ins = [trace.input(a) for a in avals]
        return trace.build(ins, f(*ins), prune)


def bound(jaxpr: Jaxpr, captured: Sequence[Any]) -> Jaxpr:
    """What a program closes over, its first inputs, become its constants."""
    n = len(captured)
    return Jaxpr(jaxpr.invars[n:], jaxpr.eqns, jaxpr.outvars, jaxpr.invars[:n], captured)


def closed(jaxpr: Jaxpr, captured: Sequence[Any] = ()) -> tuple[Jaxpr, list[Any]]:
    """Of what a program closes over, its first inputs, arrays become constants of the program.

    Traced values remain inputs, or become inputs, and are returned.
    """
    pairs = [*zip(jaxpr.constvars, jaxpr.consts), *zip(jaxpr.invars, captured)]
    free = [pair for pair in pairs if isinstance(pair[1], Tracer)]
    known = [pair for pair in pairs if not isinstance(pair[1], Tracer)]
    invars = [*[v for v, _ in free], *jaxpr.invars[len(captured):]]
    return (Jaxpr(invars, jaxpr.eqns, jaxpr.outvars, [v for v, _ in known], [x for _, x in known]),
            [x for _, x in free])


def derive(f: Callable, avals: Sequence[ShapedArray], name: str) -> Jaxpr:
    """The program of `f`, which runs other programs; what they close over are its constants."""
    return bound(*trace_to_jaxpr(f, avals, name))


# --- checking ------------------------------------------------------------------------------


@unspoken()
def check_jaxpr(jaxpr: Jaxpr) -> None:
    """TypeError unless each variable is defined once, before use, with its equation's type."""
    known: set[Var] = set()

    def define(v: Var) -> None:
        if v in known:
            raise ill_formed(jaxpr, v, "is defined twice")
        known.add(v)

    def use(x: Atom) -> None:
        if isinstance(x, Var) and x not in known:
            raise ill_formed(jaxpr, x, "is used before it is defined")

    for v in [*jaxpr.constvars, *jaxpr.invars]:
        define(v)
    for e in jaxpr.eqns:
        for x in e.invars:
            use(x)
        avals = e.primitive.out_avals([x.aval for x in e.invars], e.params)
        if [a.strip_weak_type() for a in avals] != [v.aval.strip_weak_type() for v in e.outvars]:
            raise TypeError(f"{e.primitive} computes {avals}, but its equation says "
                            f"{[v.aval for v in e.outvars]} in\n{jaxpr}")
        for v in e.outvars:
            define(v)
    for x in jaxpr.outvars:
        use(x)


def ill_formed(jaxpr: Jaxpr, v: Var, what: str) -> TypeError:
    """What is wrong with a variable, by the name it has in print."""
    printer = Printer()
    text = printer.toplevel(jaxpr)
    return TypeError(f"variable {printer.binder(v)} {what} in\n{text}")


# --- printing ------------------------------------------------------------------------------


class Printer:
    """Prints a program with JAX's names for variables and its layout."""

    def __init__(self) -> None:
        self.names: dict[Var, str] = {}
        self.shared: dict[Jaxpr, str] = {}
        self.count = 0

    def fresh(self) -> str:
        while True:
            n, name = self.count, ""
            while not name or n:
                n, i = divmod(n, 26)
                name = chr(ord("a") + i) + name
            self.count += 1
            if name not in self.shared.values():
                return name

    def atom(self, x: Atom) -> str:
        if isinstance(x, Literal):
            return repr(x)
        if x not in self.names:
            self.names[x] = self.fresh()
        return self.names[x]

    def binder(self, v: Var) -> str:
        return f"{self.atom(v)}:{v.aval.str_short(short_dtypes=True)}"

    def row(self, texts: Iterable[str], separator: str = "") -> Doc:
        """As many on a line as fit."""
        return Nest(2, Group(join([separator, Group(Break())], list(texts))))

    def program(self, jaxpr: Jaxpr) -> Doc:
        head = ["{ lambda ", self.row(map(self.binder, jaxpr.constvars)), "; ",
                self.row(map(self.binder, jaxpr.invars)), ". let"]
        eqns = join(Break("; "), list(map(self.equation, jaxpr.eqns)))
        outs = self.row(map(self.atom, jaxpr.outvars), ",")
        tail = ["in (", outs, ",)" if len(jaxpr.outvars) == 1 else ")"]
        return Group([Nest(2, [head, Nest(2, [Break(), eqns]), Break(), tail]), " }"])

    def equation(self, e: JaxprEqn) -> Doc:
        body: Any = e.params.get("jaxpr")
        if e.primitive.name == "jit" and body not in self.shared:
            self.share_names(body.invars, e.invars)
            self.share_names(body.outvars, e.outvars)
        left = [self.row(map(self.binder, e.outvars)), " = "] if e.outvars else []
        params = [[f"{k}=", self.param(v)] for k, v in self.shown(e)]
        given = Group([Nest(2, ["[", Break(""), join(Break(), params)]), Break(""), "]"])
        return [*left, e.primitive.name, given if params else "", " ",
                self.row(map(self.atom, e.invars))]

    def shown(self, e: JaxprEqn) -> list[tuple[str, Any]]:
        """The params to print; what the type of the result says is not repeated."""
        params = sorted((k, v) for k, v in e.params.items() if v is not None or k == "policy")
        if e.primitive.name == "broadcast_in_dim":
            params = [(k, v) for k, v in params if k != "shape" and v != ()]
        return sorted(params, key=lambda pair: pair[0] != "name")  # the name first: easy to scan

    def param(self, v: Any) -> Doc:
        if isinstance(v, Jaxpr):
            return self.shared.get(v) or self.program(v)
        if type(v) is tuple and v and all(isinstance(x, Jaxpr) for x in v):
            parts = join(Break(), list(map(self.param, v)))
            return Group([Nest(2, ["(", Break(""), parts]), Break(""), ")"])
        text = v.name if isinstance(v, np.dtype) else str(v)
        return re.sub("at 0x[0-9a-f]+", "at 0xXXXXXXXXXXXX", text)  # a function has no other name

    def share_names(self, inner: Sequence[Atom], outer: Sequence[Atom]) -> None:
        """A variable of an inner program takes the name of the operand it stands for."""
        taken: set[Var] = set()
        for v, like in zip(inner, outer):
            if isinstance(v, Var) and isinstance(like, Var) and like not in taken:
                if v not in self.names:
                    taken.add(like)
                    self.names[v] = self.atom(like)

    def toplevel(self, jaxpr: Jaxpr) -> str:
        self.name_shared(jaxpr)
        self.name_unused(jaxpr)
        lets = [["let ", name, " = ", self.program(j), " in", Break()]
                for j, name in self.shared.items()]
        return layout([*lets, self.program(jaxpr)])

    def name_unused(self, jaxpr: Jaxpr) -> None:
        """A result that nothing needs is called `_`."""
        used = {x for e in jaxpr.eqns for x in e.invars} | set(jaxpr.outvars)
        self.names.update((v, "_") for e in jaxpr.eqns for v in e.outvars if v not in used)

    def name_shared(self, top: Jaxpr) -> None:
        """Programs used twice, or longer than ten equations, are printed once, first, by name."""
        counts: dict[Jaxpr, int] = {}
        titles: dict[Jaxpr, str] = {}
        queue = [top]
        for jaxpr in queue:
            counts[jaxpr] = counts.get(jaxpr, 0) + 1
            counts[jaxpr] += jaxpr is not top and len(jaxpr.eqns) > 10
            for e in jaxpr.eqns:
                for sub in subprograms(e.params):
                    queue.append(sub)
                    if "name" in e.params:
                        titles.setdefault(sub, str(e.params["name"]).strip("<>"))
        used: dict[str, int] = {}
        for jaxpr, n in counts.items():
            if n > 1:
                title = titles.get(jaxpr, "jaxpr")
                used[title] = used.get(title, 0) + 1
                self.shared[jaxpr] = title if used[title] == 1 else f"{title}{used[title] - 1}"


def subprograms(params: dict) -> list[Jaxpr]:
    return [x for v in params.values() for x in (v if isinstance(v, tuple) else (v,))
            if isinstance(x, Jaxpr)]
