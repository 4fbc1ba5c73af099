"""Programs within a kernel: the bodies of loops and branches.

A body is planned like any program, and its steps are written where they are to run. Its values of
rank 0 are variables of the function. An array stands in the memory that it is wanted in, the next
carry of a loop or a row of its results, or else in memory of its own, which whoever calls the
kernel brings along.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from minijax.compiler.emit import KernelWriter
from minijax.compiler.flatten import flatten
from minijax.compiler.lowering import UPDATES, Place, write_alone
from minijax.compiler.plan import Kernel, Plan, Step, domain_of, plan
from minijax.compiler.views import View, contiguous
from minijax.compiler.writer import Writer
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, Var, derived


@derived
def planned(jaxpr: Jaxpr) -> Plan:
    """The steps of a body. An update of an array waits for those who read it, where it can."""
    found = plan(flatten(jaxpr, body=True))
    if any(map(is_update, found.steps)):
        found.steps = updates_late(found)
    return found


def is_update(step: Step) -> bool:
    return not isinstance(step, Kernel) and bool(updates(step.eqns[0]))


def updates_late(plan: Plan) -> list[Step]:
    """The steps in an order in which an update comes only when nothing else can."""
    waiting, order = list(plan.steps), []
    while waiting:
        missing = {v for step in waiting for v in step.made}
        ready = [step for step in waiting if all(
            (base := plan.view(x).base) not in missing or base in step.made
            for e in step.eqns for x in e.invars)]
        order.append(next((step for step in ready if not is_update(step)), ready[0]))
        waiting.remove(order[-1])
    return order


def kept(step: Step) -> list[Var]:
    """The values of a step that others see."""
    return step.outputs if isinstance(step, Kernel) else step.made


# --- which values share memory -----------------------------------------------------------------


class Sharing:
    """Which values of a body stand in the memory of others.

    An update of an array, one element say, that nobody looks at afterwards is made in place. This
    includes the inputs that are `writable`.
    """

    def __init__(self, plan: Plan, writable: Collection[Var] = ()):
        self.plan = plan
        self.made = {v: i for i, step in enumerate(plan.steps) for v in kept(step)}
        self.last = {plan.view(x).base: i for i, step in enumerate(plan.steps)
                     for e in step.eqns for x in e.invars}
        self.over: dict[Any, Any] = {}
        results = {view.base for view in plan.outputs}
        for i, step in enumerate(plan.steps):
            if isinstance(step, Kernel):
                continue
            for operand, result in updates(step.eqns[0]):
                b = plan.view(step.eqns[0].invars[operand]).base
                if self.last.get(b) == i and b not in results and (
                        b in self.made or b in writable) and self.alone(step.eqns[0], operand):
                    self.over[step.made[result]] = b

    def alone(self, e: JaxprEqn, operand: int) -> bool:
        """Is this operand a whole array, which no other operand of the equation is a part of?"""
        views = [self.plan.view(x) for x in e.invars]
        return views[operand].is_whole and views[operand].base.aval.shape != () and (
            [view.base for view in views].count(views[operand].base) == 1)

    def root(self, v: Any) -> Any:
        """The value in whose memory this one stands."""
        while v in self.over:
            v = self.over[v]
        return v


def updates(e: JaxprEqn) -> list[tuple[int, int]]:
    """Pairs (operand, result), both arrays, of which the result may be written over the operand."""
    rule = UPDATES.get(e.primitive.name)
    return [(i, j) for i, j in (rule(e) if rule else []) if e.outvars[j].aval.shape]


def replaces(plan: Plan, k: int, old: Var) -> bool:
    """May result k of a body stand in the memory of the input `old`?

    Yes, if it is made from that step by step, or by a kernel that reads it for the last time, each
    element just before it writes the one in the same place.
    """
    sharing = Sharing(plan, [old])
    v = sharing.root(plan.outputs[k].base)
    if v is old:
        return True
    sharing = Sharing(plan)
    v = sharing.root(plan.outputs[k].base)
    i = sharing.made.get(v)
    if i is None or sharing.last.get(old, -1) > i:
        return False
    step = plan.steps[i]
    return isinstance(step, Kernel) and step.reduced is None and all(
        plan.view(x).offset == 0 and
        step.strides(plan.view(x), domain_of(e)) == step.natural(v.aval.shape)
        for e in step.eqns for x in e.invars if plan.view(x).base is old)


# --- writing a body ------------------------------------------------------------------------------


class Body:
    """A program whose inputs are variables of a kernel: `ins` are their names."""

    def __init__(self, jaxpr: Jaxpr, writer: Writer, ins: Sequence[str]):
        self.plan, self.w = planned(jaxpr), writer
        writer.local.update(zip(self.plan.flat.invars, ins))
        writer.consts |= self.plan.flat.consts

    def write(self, targets: Sequence[tuple[int, str]] = ()) -> None:
        """Write the steps. `targets` are results and the pointers to where they are wanted.

        No pointer is that of an input, but where `replaces` allows it.
        """
        sharing = self.sharing(targets)
        homes: dict[Any, str] = {}
        late = []
        for k, pointer in targets:
            root = sharing.root(self.plan.outputs[k].base)
            if root not in sharing.made:
                if self.w.local.get(root) != pointer:
                    self.copy(k, pointer)
            elif root in homes or not root.aval.shape:
                late.append((k, pointer))
            else:
                homes[root] = pointer
        self.settle(sharing, homes)
        for step in self.plan.steps:
            if isinstance(step, Kernel):
                KernelWriter(step, self.plan, self.w).write()
            else:
                write_alone(step.eqns[0], self.plan, self.w)
        for k, pointer in late:
            self.copy(k, pointer)

    def sharing(self, targets: Sequence[tuple[int, str]]) -> Sharing:
        """The inputs whose memory is wanted for what is made from them are writable."""
        inputs = {self.w.local[v]: v for v in self.plan.flat.invars if v.aval.shape}
        return Sharing(self.plan, [
            old for k, pointer in targets if (old := inputs.get(pointer)) is not None
            and Sharing(self.plan, [old]).root(self.plan.outputs[k].base) is old])

    def settle(self, sharing: Sharing, homes: dict[Any, str]) -> None:
        """Give each value that is made a variable: a number, or a pointer."""
        for v in sharing.made:
            self.w.local.pop(v, None)
        for v in sharing.made:
            root = sharing.root(v)
            self.w.local[v] = (homes.get(root) or self.memory(root)) if v.aval.shape else (
                self.w.name())

    def memory(self, root: Any) -> str:
        """The memory of an input, or memory of its own."""
        return self.w.local.get(root) or self.w.scratch(root)

    def place(self, k: int) -> Place:
        return Place(self.w, self.plan.outputs[k])

    def copy(self, result: int, pointer: str) -> None:
        """Write the loop that copies a result."""
        base = self.plan.outputs[result].base
        n = base.aval.size
        target = Var(base.aval.update(shape=(n,)))
        self.w.local[target] = pointer
        k = self.w.index("k")
        with self.w.block(f"for {k} in range({n}):"):
            self.w.store(target, k, Place(self.w, View(base, (n,), (1,)))(k))
        del self.w.local[target]


def pointer_to(w: Writer, view: View) -> str | None:
    """A pointer to the elements of a view, if they stand in memory one after the other."""
    base = view.base
    if isinstance(base, Literal) or base.aval.shape == () or not all(
            n == 1 or s == t for n, s, t in zip(view.shape, view.strides, contiguous(view.shape))):
        return None
    return w.array(base) if not view.offset else w.shifted(w.array(base), str(view.offset))
