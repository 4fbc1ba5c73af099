"""A program without calls, without repetitions and without what nobody needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from minijax.compiler.ahead import ahead
from minijax.families import Elementwise, Program
from minijax.jaxpr import Atom, Jaxpr, JaxprEqn, Literal, Var, live_eqns


@dataclasses.dataclass
class Flat:
    """Equations in order; `consts` are the arrays they close over, wherever these came from."""

    invars: list[Var]
    consts: dict[Var, Any]
    eqns: list[JaxprEqn]
    outvars: list[Atom]


class Flattener:
    """Writes the equations of a program, and of the programs it calls, into one list."""

    def __init__(self, body: bool = False) -> None:
        self.body = body
        self.eqns: list[JaxprEqn] = []
        self.consts: dict[Var, Any] = {}
        self.made: dict[Var, JaxprEqn] = {}
        self.seen: dict[Hashable, list[Var]] = {}

    def run(self, jaxpr: Jaxpr, args: Sequence[Atom], region: Any = None) -> list[Atom]:
        """What the program's results are called. Only within one `region` is anything merged."""
        env: dict[Atom, Atom] = dict(zip(jaxpr.invars, args))
        for v, value in zip(jaxpr.constvars, jaxpr.consts):
            env[v] = self.constant(value, v)
        for e in live_eqns(jaxpr.eqns, jaxpr.outvars):
            ins = [x if isinstance(x, Literal) else env[x] for x in e.invars]
            inner = ahead(e) if e.primitive.name == "scan" and not self.body else called(e)
            outs = (self.write(e, ins, region) if inner is None else
                    self.run(inner, ins, e if e.primitive.name == "remat2" else region))
            env.update(zip(e.outvars, outs))
        return [x if isinstance(x, Literal) else env[x] for x in jaxpr.outvars]

    def constant(self, value: Any, like: Var) -> Var:
        key = "constant", id(value)
        if key not in self.seen:
            self.seen[key] = [Var(like.aval)]
            self.consts[self.seen[key][0]] = value
        return self.seen[key][0]

    def write(self, e: JaxprEqn, ins: list[Atom], region: Any) -> Sequence[Atom]:
        if not e.effects and not any(v.aval.size for v in e.outvars):  # nothing to compute
            return [self.constant(np.empty(v.aval.shape, v.aval.dtype), v) for v in e.outvars]
        key = None if e.effects else self.key(e, ins, region)
        if key is not None and key in self.seen:
            return self.seen[key]
        outs = [Var(v.aval) for v in e.outvars]
        written = JaxprEqn(e.primitive, ins, e.params, outs, e.line)
        if rule := getattr(e.primitive, "simplify", None) or SIMPLIFY.get(e.primitive.name):
            written = rule(written, self.made)
        if (known := folded(written)) is not None:
            return [known]
        self.made |= dict.fromkeys(outs, written)
        self.eqns.append(written)
        if key is not None:
            self.seen[key] = outs
        return outs

    def key(self, e: JaxprEqn, ins: Sequence[Atom], region: Any) -> Hashable | None:
        """Equal keys, equal results. None: this equation is like no other."""
        operands = tuple((x.val.tobytes(), x.aval.dtype) if isinstance(x, Literal) else x
                         for x in ins)
        key = e.primitive, operands, tuple(sorted(e.params.items(), key=lambda p: p[0])), region
        try:
            hash(key)
        except TypeError:
            return None
        return key


def folded(e: JaxprEqn) -> Literal | None:
    """The value of an elementwise equation of constants."""
    values = [x.val for x in e.invars if isinstance(x, Literal)]
    if not values or len(values) < len(e.invars) or e.effects:
        return None
    if not isinstance(e.primitive, Elementwise):
        return None
    with np.errstate(all="ignore"):
        value = np.asarray(e.primitive.impl(*values, **e.params))
    return Literal(value, e.outvars[0].aval)


def called(e: JaxprEqn) -> Jaxpr | None:
    """The program that an equation runs, if that is all it does."""
    if not isinstance(e.primitive, Program):
        return None
    return {"jit": e.params.get("jaxpr"), "remat2": e.params.get("jaxpr")}.get(
        e.primitive.name, e.params.get("call_jaxpr"))


def product_transposed(e: JaxprEqn, made: dict[Any, JaxprEqn]) -> JaxprEqn:
    """The transpose of a matrix product is a product: of the factors in the other order."""
    product = made.get(e.invars[0])
    if product is None or product.primitive.name != "dot_general":
        return e
    (lc, rc), (lb, rb) = product.params["dimension_numbers"]
    lhs, rhs = product.invars
    left = lhs.aval.ndim - len(lc)
    swapped = *range(left, e.invars[0].aval.ndim), *range(left)
    if lb or e.params["permutation"] != swapped:
        return e
    numbers = type(product.params["dimension_numbers"])(((rc, lc), (rb, lb)))
    precision = product.params["precision"]
    params = {**product.params, "dimension_numbers": numbers,
              "precision": precision and precision[::-1]}
    return JaxprEqn(product.primitive, [rhs, lhs], params, e.outvars, e.line)


SIMPLIFY = {"transpose": product_transposed}


def flatten(jaxpr: Jaxpr, body: bool = False) -> Flat:
    """The program with its calls written out, equal equations merged, dead ones left out.

    Products in loops are done ahead of them, but not in the `body` of another loop.
    """
    writer = Flattener(body)
    invars = [Var(v.aval) for v in jaxpr.invars]
    outvars = writer.run(jaxpr, invars)
    return Flat(invars, writer.consts, live_eqns(writer.eqns, outvars), outvars)
