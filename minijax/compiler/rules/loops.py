"""Loops and branches, compiled whole: one function, with the steps of the bodies in it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

from minijax.compiler.bodies import Body, Sharing, planned, pointer_to, replaces, updates
from minijax.compiler.lowering import Op, Place, lowering, obstacle
from minijax.compiler.plan import Kernel, Step
from minijax.compiler.views import View, whole
from minijax.compiler.writer import Writer
from minijax.jaxpr import Jaxpr, JaxprEqn, Var, derived, subprograms

MUCH = 1 << 18  # elements or multiply-adds of a step: threads should share them out
MANY = 500  # operations of a step
FEW = 16  # elements of an array that may well be kept in registers


# --- what is compiled whole --------------------------------------------------------------------


def hindrance(e: JaxprEqn) -> str | None:
    """Why a loop, or branches, are not compiled whole; None: they are.

    - A body holds an operation without a kernel: linear algebra, FFTs, most functions of
      `scipy.special`, or numbers without one: float8, int4.
    - A body has effects: it prints, calls back, or tells the order of things.
    - A body has very many operations: Numba takes a hundredth of a second for each, or more.
    - A step computes much. Steps by themselves share their work out to threads,
      matrix products above all.
    """
    for jaxpr in subprograms(e.params):
        if (why := body_hindrance(jaxpr)) is not None:
            return why
    return None


@derived
def body_hindrance(jaxpr: Jaxpr) -> str | None:
    plan = planned(jaxpr)
    for step in plan.steps:
        if not isinstance(step, Kernel) and (why := obstacle(step.eqns[0], inside=True)):
            return why
    if (n := sum(map(work, plan.steps))) > MUCH:
        return f"a step computes much: {n} elements"
    if (n := operations(jaxpr)) > MANY:
        return f"a step has many operations: {n}"
    return None


def operations(jaxpr: Jaxpr) -> int:
    """How many equations a body writes, those of bodies in it included."""
    return sum(1 + sum(map(operations, subprograms(e.params)))
               for step in planned(jaxpr).steps for e in step.eqns)


def work(step: Step) -> int:
    """The elements that a step computes."""
    if isinstance(step, Kernel):
        return math.prod(step.shape)
    (e,) = step.eqns
    updated = updates(e)
    ins = [x.aval.size for i, x in enumerate(e.invars) if i not in [i for i, _ in updated]]
    outs = [v.aval.size for j, v in enumerate(e.outvars) if j not in [j for _, j in updated]]
    return max([1, *outs, *(ins if updated else [])])


# --- operands and carries ------------------------------------------------------------------------


@contextlib.contextmanager
def fixed_sizes(w: Writer) -> Iterator[None]:
    before, w.fixed = w.fixed, True
    yield
    w.fixed = before


def given(op: Op, x: Place) -> str:
    """An operand as a variable: a number, or a pointer to its elements, copied if they stray."""
    if not x.shape:
        return op.let(x())
    return pointer_to(op.w, x.view) or op.w.array(gathered(op, x).view.base)


def gathered(op: Op, x: Place) -> Place:
    """A copy in which the elements stand one after the other."""
    copy = Place(op.w, whole(Var(x.view.base.aval.update(shape=x.shape))))
    op.w.scratch(copy.view.base)
    op.fill(copy, x)
    return copy


def by_rows(op: Op, x: Place) -> Place:
    """An array each of whose rows stands together."""
    rows = View(x.view.base, x.shape[1:], x.view.strides[1:])
    return x if len(x.shape) == 1 or pointer_to(op.w, rows) else gathered(op, x)


def row(op: Op, x: Place, t: str) -> str:
    """One row as a variable."""
    if len(x.shape) == 1:
        return op.let(x(t))
    return op.w.shifted(op.w.array(x.view.base), x.index([t, *["0"] * (len(x.shape) - 1)]))


class Carries:
    """What a loop carries along. `names` are the variables that hold it in a step.

    Numbers are variables. An array of a few elements stands on the stack, where LLVM makes numbers
    of them if it can. Others are changed in place where a step can do that, or are the last row
    that a scan has written, or stand in two memories in turn.
    """

    def __init__(self, op: Op, jaxpr: Jaxpr, operands: Sequence[Place], inputs: slice):
        self.op, self.w, self.plan = op, op.w, planned(jaxpr)
        self.olds = self.plan.flat.invars[inputs]
        n, made = len(operands), Sharing(self.plan).made
        self.rows = {v.base for v in self.plan.outputs[n:] if v.base in made}
        self.names: list[str] = []
        self.targets: list[tuple[int, str]] = []
        self.ends: list[str] = []  # lines for the end of a step
        for k, x in enumerate(operands):
            start = self.number if not x.shape else self.few if math.prod(
                x.shape) <= FEW else self.array
            self.names.append(start(k, x))

    def number(self, k: int, x: Place) -> str:
        name = self.w.name()
        self.w.assign(name, x(), x.dtype)
        return name

    def few(self, k: int, x: Place) -> str:
        """A copy on the stack."""
        copy = Place(self.w, whole(Var(self.olds[k].aval)))
        name = target = self.w.scratch(copy.view.base)
        self.op.fill(copy, x)
        if not replaces(self.plan, k, self.olds[k]):
            target = self.w.scratch(Var(self.olds[k].aval))
            self.ends += [f"for k in range({math.prod(x.shape)}):", f"    {name}[k] = {target}[k]"]
        self.targets.append((k, target))
        return name

    def array(self, k: int, x: Place) -> str:
        """A pointer to where the array is at first, and is left as it is."""
        w, out = self.w, self.op.outs[k]
        home, start = w.array(out.view.base), pointer_to(w, x.view)
        in_rows = self.plan.outputs[k].base in self.rows
        in_place = not in_rows and replaces(self.plan, k, self.olds[k])
        if start != home and (in_place or start is None):
            self.op.fill(out, x)
            start = home
        if in_place:
            self.targets.append((k, home))
            return home
        name = w.let(start)
        if not in_rows:
            other = w.array(Var(out.view.base.aval))
            new, spare = map(w.let, (other, home) if start == home else (home, other))
            self.targets.append((k, new))
            self.ends += [f"{name} = {new}", f"{new} = {spare}", f"{spare} = {name}"]
        return name

    def advance(self, body: Body) -> None:
        """Write the end of a step: the carries become those of the next."""
        new = [name if old.aval.shape else self.w.let(body.place(k)())
               for k, (name, old) in enumerate(zip(self.names, self.olds))]
        for name, text, old in zip(self.names, new, self.olds):
            if not old.aval.shape:
                self.w.assign(name, text, old.aval.dtype)
        for line in self.ends:
            self.w.line(line)
        for k, old in enumerate(self.olds):
            base = self.plan.outputs[k].base
            if old.aval.size > FEW and base in self.rows:
                self.w.line(f"{self.names[k]} = {self.w.local[base]}")

    def finish(self) -> None:
        """Write what comes after the loop: the last carries are its results."""
        for name, out in zip(self.names, self.op.outs):
            if not out.shape:
                out.set(name)
                continue
            home, n = self.w.array(out.view.base), math.prod(out.shape)
            if name != home:
                with self.w.block(f"if not same({name}, {home}):"):
                    with self.w.block(f"for k in range({n}):"):
                        self.w.line(f"{home}[k] = {name}[k]")


# --- the rules -----------------------------------------------------------------------------------


def scan_updates(e: JaxprEqn) -> list[tuple[int, int]]:
    return [(e.params["num_consts"] + i, i) for i in range(e.params["num_carry"])]


@lowering("scan", unless=hindrance, updates=scan_updates)
def scan(op: Op) -> None:
    w, jaxpr, nc, nk = op.w, *(op.params[p] for p in ("jaxpr", "num_consts", "num_carry"))
    length = w.size(op.params["length"])
    with fixed_sizes(w):
        names = [given(op, x) for x in op.ins[:nc]]
        carries = Carries(op, jaxpr, op.ins[nc:nc + nk], slice(nc, nc + nk))
        xs = [by_rows(op, x) for x in op.ins[nc + nk:]]
        t = w.name()
        with w.block(f"for {t} in range({length}):"):
            if op.params["reverse"]:
                t = w.let(f"{length} - 1 - {t}")
            body = Body(jaxpr, w, [*names, *carries.names, *(row(op, x, t) for x in xs)])
            ys = list(enumerate(op.outs))[nk:]
            rows = [(k, row(op, y, t)) for k, y in ys if len(y.shape) > 1]
            body.write([*carries.targets, *rows])
            for k, y in ys:
                if len(y.shape) == 1:
                    y.set(body.place(k)(), t)
            carries.advance(body)
        carries.finish()


def while_updates(e: JaxprEqn) -> list[tuple[int, int]]:
    n = e.params["cond_nconsts"] + e.params["body_nconsts"]
    return [(n + i, i) for i in range(len(e.outvars))]


@lowering("while", unless=hindrance, updates=while_updates)
def while_loop(op: Op) -> None:
    w, p = op.w, op.params
    holds, step, masks = p["cond_jaxpr"], p["body_jaxpr"], []
    n, m = p["cond_nconsts"], p["body_nconsts"]
    with fixed_sizes(w):
        if holds.out_avals[0].shape:
            primitive: Any = op.eqn.primitive
            holds, step = primitive.with_masks(holds, step, m)
            masks = [w.scratch(Var(holds.out_avals[1]))]
        cond_names = [given(op, x) for x in op.ins[:n]]
        names, carry = [given(op, x) for x in op.ins[n:n + m]], op.ins[n + m:]
        first = len(masks) + m
        carries = Carries(op, step, carry, slice(first, first + len(carry)))
        with w.block("while True:"):
            condition = Body(holds, w, [*cond_names, *carries.names])
            condition.write([(1, mask) for mask in masks])
            w.line(f"if not {condition.place(0)()}: break")
            body = Body(step, w, [*masks, *names, *carries.names])
            body.write(carries.targets)
            carries.advance(body)
        carries.finish()


def cond_updates(e: JaxprEqn) -> list[tuple[int, int]]:
    """A result may be written over an operand if that is right in every branch."""
    plans = [planned(jaxpr) for jaxpr in e.params["branches"]]
    pairs: list[tuple[int, int]] = []
    for j, v in enumerate(e.outvars):
        for i, x in enumerate(e.invars[1:]):
            if (x.aval.shape, x.aval.dtype) == (v.aval.shape, v.aval.dtype) and (
                    i + 1 not in [i for i, _ in pairs]) and all(
                    replaces(plan, j, plan.flat.invars[i]) for plan in plans):
                pairs.append((i + 1, j))
                break
    return pairs


@lowering("cond", unless=hindrance, updates=cond_updates)
def cond(op: Op) -> None:
    w, branches = op.w, op.params["branches"]
    with fixed_sizes(w):
        index, *names = [given(op, x) for x in op.ins]
        for i, jaxpr in enumerate(branches):
            head = f"{'elif' if i else 'if'} {index} == {i}:"
            with w.block("else:" if i and i == len(branches) - 1 else head):
                body = Body(jaxpr, w, names)
                body.write([(k, w.array(out.view.base)) for k, out in enumerate(op.outs)
                            if out.shape])
                for k, out in enumerate(op.outs):
                    if not out.shape:
                        out.set(body.place(k)())
                w.line("pass")
