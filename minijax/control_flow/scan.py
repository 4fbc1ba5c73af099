"""scan: a loop over leading axes that carries state along.

In JAX: jax/_src/lax/control_flow/loops.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.batching import batch, batch_jaxpr, element, move_axis, move_to_front, widen
from minijax.compiler import compiled, compiled_loop, patience
from minijax.config import config
from minijax.control_flow.agreement import check_carry, same_type, settled
from minijax.control_flow.programs import (
    forwarded,
    marked,
    parts,
    program_of,
    reordered,
    spaced,
    typed_leaves,
    unmarked,
)
from minijax.core import ShapedArray, Tracer, UndefinedPrimal, typeof
from minijax.families import Program, add_any, zeros
from minijax.jaxpr import Jaxpr, JaxprEqn, derive, derived, narrow_jaxpr
from minijax.jvp import jvp_jaxpr
from minijax.lax.joining import stack
from minijax.lax.slicing import index_in_dim
from minijax.linearize import linearize_jaxpr, split_jaxpr
from minijax.references import threaded, values_of, write
from minijax.transpose import transpose_jaxpr
from minijax.tree_util import tree_map, tree_structure, tree_unflatten

# --- the operation ---------------------------------------------------------------------------


class Scan(Program):
    """scan(*consts, *carry, *xs): the last carry, and what every step returned, stacked.

    One step is `jaxpr`, (consts, carry, one x of xs) -> (carry, one y of ys). Each rule derives
    the program of another step, of the same form.
    """

    def impl(self, *args, **params):
        jaxpr, length, num_carry = params["jaxpr"], params["length"], params["num_carry"]
        consts, carry, xs = parts(args, params["num_consts"], num_carry)
        avals = jaxpr.in_avals[:len(args) - len(xs)]
        rows = [widen(a, length, 0) for a in jaxpr.in_avals[len(avals):]]
        if length >= patience() and (run := compiled_loop(self, jaxpr, [*avals, *rows], params)):
            return run(*args)
        step = compiled(jaxpr)
        ys = [np.empty((length, *a.shape), a.dtype) for a in jaxpr.out_avals[num_carry:]]
        for i in range(length)[::-1 if params["reverse"] else 1]:
            outs = step(*consts, *carry, *[x[i, ...] for x in xs])
            carry = outs[:num_carry]
            for y, out in zip(ys, outs[num_carry:]):
                y[i] = out
        return [*carry, *ys]

    def abstract_eval(self, *avals, jaxpr, length, num_consts, num_carry, **params):
        fixed = avals[:num_consts + num_carry]
        rows = [element(a, 0) for a in avals[len(fixed):]]
        if not all(map(same_type, jaxpr.in_avals, [*fixed, *rows])):
            raise TypeError(f"scan body takes {jaxpr.in_avals}, got {[*fixed, *rows]}")
        carry, ys = jaxpr.out_avals[:num_carry], jaxpr.out_avals[num_carry:]
        return [*carry, *(widen(a, length, 0) for a in ys)]

    def effects_of(self, params):
        return params["jaxpr"].effects

    def open(self, args, params):
        opened, params = super().open(args, params)
        grown = params["num_consts"] + len(opened) - len(args)
        return opened, {**params, "num_consts": grown}

    def jvp(self, primals, tangents, *, jaxpr, num_consts, num_carry, **params):
        active = tuple(t is not None for t in tangents)
        pushed, active, active_out = jvp_step(jaxpr, active, num_consts, num_carry)
        tangents = filled(primals, tangents, active)
        n = num_consts, num_carry
        (consts, carry, xs), (dconsts, dcarry, dxs) = parts(primals, *n), parts(tangents, *n)
        made = [[t for t in ts if t is not None] for ts in (dconsts, dcarry, dxs)]
        outs = self.bind(
            *consts, *made[0], *carry, *made[1], *xs, *made[2], jaxpr=pushed, **params,
            num_consts=num_consts + len(made[0]), num_carry=num_carry + len(made[1]))
        n_ys = len(jaxpr.outvars) - num_carry
        carry, dcarry, ys, dys = parts(outs, num_carry, len(made[1]), n_ys)
        return [*carry, *ys], spaced([*dcarry, *dys], active_out)

    def linearize(self, active, *args, jaxpr, num_consts, num_carry, **params):
        given = active
        fwd, lin, active, active_out = linearize_step(jaxpr, tuple(active), num_consts, num_carry)
        outs, residuals, order = self.first_loop(fwd, len(jaxpr.outvars), args, num_consts,
                                                 num_carry, params)
        const_res, xs_res = residuals

        def push(*tangents):
            ts = filled(args, spaced(tangents, given), active)
            dconsts, dcarry, dxs = (
                [t for t in part if t is not None] for part in parts(ts, num_consts, num_carry))
            second = second_step(lin, order, len(const_res), len(dconsts), len(dcarry))
            return self.bind(*const_res, *dconsts, *dcarry, *xs_res, *dxs, jaxpr=second, **params,
                             num_consts=len(const_res) + len(dconsts), num_carry=len(dcarry))

        return outs, active_out, push

    def first_loop(self, first: Jaxpr, n_outs: int, args: Sequence[Any], num_consts: int,
                   num_carry: int, params: dict) -> tuple[list, tuple[list, list], tuple]:
        """Run a step that returns residuals after its n results: (outs, residuals, invariant).

        The residuals are those that are the same in every step (and computed before the loop),
        and those of each step, stacked; `invariant` says which is which.
        """
        consts, carry, xs = parts(args, num_consts, num_carry)
        before, step, varies = hoisted(first, n_outs, num_consts)
        made = before(*consts)
        same = made[:varies.count(False)]
        inner = made[len(same):]
        given = dict(zip(step.invars[len(inner) + num_carry:], xs))  # an x is a residual as it is
        kept = tuple(i < n_outs or v not in given for i, v in enumerate(step.outvars))
        outs = iter(self.bind(*inner, *carry, *xs, jaxpr=narrow_jaxpr(step, kept), **params,
                              num_consts=len(inner), num_carry=num_carry))
        outs = [next(outs) if k else given[v] for k, v in zip(kept, step.outvars)]
        return outs[:n_outs], (same, outs[n_outs:]), tuple(not v for v in varies[n_outs:])

    def split(self, unknown, args, params):
        params = dict(params)
        jaxpr, nc, nk = (params.pop(k) for k in ("jaxpr", "num_consts", "num_carry"))
        known, rest, unknown, unknown_out = split_step(jaxpr, tuple(unknown), nc, nk)
        if all(unknown_out) and not known.eqns:
            return None
        n_carry = nk - sum(unknown[nc:nc + nk])
        outs, (const_res, xs_res), order = self.first_loop(
            known, unknown_out.count(False), unmarked(args, unknown),
            nc - sum(unknown[:nc]), n_carry, params)
        consts, carry, xs = (marked(*pair) for pair in zip(parts(args, nc, nk),
                                                           parts(unknown, nc, nk)))
        second = second_step(rest, order, len(const_res), len(consts), len(carry))
        return outs, unknown_out, [*const_res, *consts, *carry, *xs_res, *xs], {
            **params, "jaxpr": second, "num_consts": len(const_res) + len(consts),
            "num_carry": len(carry)}

    def transpose(self, cts, *args, **params):
        undefined = tuple(isinstance(x, UndefinedPrimal) for x in args)
        nc, nk = params["num_consts"], params["num_carry"]
        if not all(undefined[nc:nc + nk]) and (halves := self.split(undefined, args, params)):
            _, unknown_out, late, rest = halves  # a part of the loop is known, and ran first
            found = self.transpose(marked(cts, unknown_out), *late, **rest)
            cts_in = iter([ct for x, ct in zip(late, found) if isinstance(x, UndefinedPrimal)])
            return [next(cts_in) if u else None for u in undefined]
        linear = (*undefined[:nc], *[True] * nk, *undefined[nc + nk:])
        given = (*[True] * nk, *(ct is not None for ct in cts[nk:]))
        back, wanted = transpose_step(params["jaxpr"], linear, given, nc, nk)
        known, (dconsts, dcarry, _) = unmarked(args, linear), parts(args, nc, nk)
        sums = [zeros(x.aval) for x in dconsts if isinstance(x, UndefinedPrimal)]
        carry = [zeros(aval_of(x)) if ct is None else ct for ct, x in zip(cts, dcarry)]
        n_known = nc - len(sums)
        outs = self.bind(
            *known[:n_known], *sums, *carry, *known[n_known:], *marked(cts[nk:], given[nk:]),
            **params | {"jaxpr": back, "reverse": not params["reverse"], "num_consts": n_known,
                        "num_carry": len(sums) + nk})
        return [ct if u else None for ct, u in zip(spaced(outs, wanted), undefined)]

    def narrow(self, eqn, wanted):
        jaxpr, ins, outs = narrow_step(eqn.params["jaxpr"], wanted, eqn.params["num_consts"],
                                       eqn.params["num_carry"])
        nc, nk = eqn.params["num_consts"], eqn.params["num_carry"]
        params = {**eqn.params, "jaxpr": jaxpr, "num_consts": sum(ins[:nc]),
                  "num_carry": sum(outs[:nk])}
        return JaxprEqn(self, marked(eqn.invars, ins), params, marked(eqn.outvars, outs), eqn.line)


scan_p = Scan("scan")


@batch.register
def _(prim: Scan, axis, xs, dims, /, *, jaxpr, num_consts, num_carry, **params):
    consts, carry, rows = parts(xs, num_consts, num_carry)
    const_dims, carry_dims, row_dims = parts(dims, num_consts, num_carry)
    inner_dims = [None if d is None else 0 for d in row_dims]
    mapped = [d is not None for d in carry_dims]
    while True:  # a carry is mapped if anything mapped flows into it
        step_dims = (*const_dims, *(0 if m else None for m in mapped), *inner_dims)
        step, dims_out = batch_jaxpr(jaxpr, axis, step_dims, (
            *mapped, *[False] * (len(jaxpr.outvars) - num_carry)))
        grown = [d is not None for d in dims_out[:num_carry]]
        if grown == mapped:
            break
        mapped = grown
    carry = [move_to_front(x, d, axis.size) if m else x
             for x, d, m in zip(carry, carry_dims, mapped)]
    rows = [x if d is None else move_axis(x, d, 1) for x, d in zip(rows, row_dims)]
    outs = prim.bind(*consts, *carry, *rows, jaxpr=step, num_consts=num_consts,
                     num_carry=num_carry, **params)
    return outs, [*dims_out[:num_carry], *(None if d is None else d + 1
                                           for d in dims_out[num_carry:])]


def aval_of(x: Any) -> ShapedArray:
    return x.aval if isinstance(x, UndefinedPrimal) else typeof(x)


# --- steps from steps --------------------------------------------------------------------------


def filled(primals: Sequence[Any], tangents: Sequence[Any], active: Sequence[bool]) -> list[Any]:
    """The tangents, with zeros where they are missing and the loop needs them."""
    return [zeros(typeof(x).strip_weak_type()) if a and t is None else t
            for x, t, a in zip(primals, tangents, active)]


def closed_under(rule: Callable, marks: tuple[bool, ...], n_outs: int, num_consts: int,
                 num_carry: int) -> tuple[Any, tuple[bool, ...]]:
    """What `rule(marks, wanted)` derives, where the marks of the carry in are those out.

    `rule` returns the derived thing and the marks of the results.
    """
    while True:
        carry = marks[num_consts:num_consts + num_carry]
        made, marks_out = rule(marks, (*carry, *[False] * (n_outs - num_carry)))
        if marks_out[:num_carry] == carry:
            return made, marks
        marks = (*marks[:num_consts], *marks_out[:num_carry], *marks[num_consts + num_carry:])


@derived
def jvp_step(jaxpr: Jaxpr, active: tuple[bool, ...], num_consts: int, num_carry: int) -> tuple:
    def rule(active: tuple, wanted: tuple) -> tuple:
        pushed, active_out = jvp_jaxpr(jaxpr, active, wanted)
        return (pushed, active_out), active_out

    (pushed, active_out), active = closed_under(rule, active, len(jaxpr.outvars), num_consts,
                                                num_carry)
    n, m = len(active), len(jaxpr.outvars)
    tangent_of = iter(range(n, n + sum(active)))
    groups = zip(parts(range(n), num_consts, num_carry),
                 parts([next(tangent_of) if a else None for a in active], num_consts, num_carry))
    order = [i for xs, ts in groups for i in [*xs, *(t for t in ts if t is not None)]]
    n_dcarry = sum(active_out[:num_carry])
    outs = [*range(num_carry), *range(m, m + n_dcarry), *range(num_carry, m),
            *range(m + n_dcarry, m + sum(active_out))]
    return reordered(pushed, tuple(order), tuple(outs)), active, active_out


@derived
def steady(step: Jaxpr, num_consts: int, num_carry: int) -> Jaxpr:
    """The step with the carry typed as it comes out: a weak type may be gone after the first."""
    avals = list(step.in_avals)
    for i, out in enumerate(step.out_avals[:num_carry], num_consts):
        avals[i] = avals[i] if out.weak_type else avals[i].strip_weak_type()
    return step if avals == step.in_avals else derive(step, avals, "scan")


@derived
def linearize_step(jaxpr: Jaxpr, active: tuple[bool, ...], num_consts: int, num_carry: int
                   ) -> tuple:
    def rule(active: tuple, wanted: tuple) -> tuple:
        fwd, lin, active_out = linearize_jaxpr(step, active, wanted)
        return (fwd, lin, active_out), active_out

    step = steady(jaxpr, num_consts, num_carry)
    (fwd, lin, active_out), active = closed_under(rule, active, len(jaxpr.outvars), num_consts,
                                                  num_carry)
    return fwd, lin, active, active_out


@derived
def split_step(jaxpr: Jaxpr, unknown: tuple[bool, ...], num_consts: int, num_carry: int) -> tuple:
    def rule(unknown: tuple, wanted: tuple) -> tuple:
        known, rest, unknown_out = split_jaxpr(jaxpr, unknown, wanted)
        return (known, rest, unknown_out), unknown_out

    (known, rest, unknown_out), unknown = closed_under(rule, unknown, len(jaxpr.outvars),
                                                       num_consts, num_carry)
    return known, rest, unknown, unknown_out


@derived
def hoisted(step: Jaxpr, n_outs: int, num_consts: int) -> tuple[Jaxpr, Jaxpr, tuple[bool, ...]]:
    """(before, step, varies): what the constants alone decide of the residuals, and the rest."""
    n_ins = len(step.invars)
    if step.effects:  # what happens, happens in every step
        consts = step.invars[:num_consts]
        return step.replace(consts, [], consts), step, (True,) * len(step.outvars)
    return split_jaxpr(step, (False,) * num_consts + (True,) * (n_ins - num_consts),
                       (True,) * n_outs + (False,) * (len(step.outvars) - n_outs))


@derived
def second_step(step: Jaxpr, invariant: tuple[bool, ...], n_same: int, n_consts: int, n_carry: int
                ) -> Jaxpr:
    """A step that takes residuals first, with those that vary put among its xs."""
    residuals = range(len(invariant))
    consts, carry, xs = parts(range(len(invariant), len(step.invars)), n_consts, n_carry)
    return reordered(step, (*marked(residuals, invariant), *consts, *carry,
                            *unmarked(residuals, invariant), *xs))


@derived
def transpose_step(jaxpr: Jaxpr, undefined: tuple[bool, ...], given: tuple[bool, ...],
                   num_consts: int, num_carry: int) -> tuple[Jaxpr, tuple[bool, ...]]:
    """The step backwards: it carries sums of the constants' cotangents, then those of the carry."""
    loop = num_consts + num_carry
    n_known = undefined[:num_consts].count(False)
    n_sums = num_consts - n_known
    _, found = transpose_jaxpr(jaxpr, undefined, given)
    wanted = (*undefined[:loop], *found[loop:])
    back, _ = transpose_jaxpr(jaxpr, undefined, given, wanted)
    n_rows = undefined[loop:].count(False)

    def step(*args: Any) -> list[Any]:
        consts, sums, carry, rows, cts = parts(args, n_known, n_sums, num_carry, n_rows)
        outs = back(*consts, *rows, *carry, *cts)
        return [*map(add_any, sums, outs[:n_sums]), *outs[n_sums:]]

    known, dots = unmarked(jaxpr.in_avals, undefined), jaxpr.in_avals[:loop]
    sums = marked(dots[:num_consts], undefined[:num_consts])
    cts = marked(jaxpr.out_avals, given)[num_carry:]
    avals = [*known[:n_known], *sums, *dots[num_consts:], *known[n_known:], *cts]
    return derive(step, avals, "transpose"), wanted


@derived
def narrow_step(jaxpr: Jaxpr, wanted: tuple[bool, ...], num_consts: int, num_carry: int
                ) -> tuple[Jaxpr, list[bool], tuple[bool, ...]]:
    """The step with the wanted results, and the carries that these need: (step, ins, outs)."""
    while True:
        step = narrow_jaxpr(jaxpr, wanted)
        used = step.used
        carry = tuple(w or u for w, u in zip(wanted[:num_carry], used[num_consts:]))
        if carry == wanted[:num_carry]:
            break
        wanted = (*carry, *wanted[num_carry:])
    ins = [*used[:num_consts], *carry, *used[num_consts + num_carry:]]
    return reordered(step, tuple(i for i, u in enumerate(ins) if u)), ins, wanted


@derived
def without_copies(jaxpr: Jaxpr, num_consts: int, num_carry: int
                   ) -> tuple[Jaxpr, tuple[int, ...], tuple[int | None, ...]]:
    """(step, order, sources): the step without results that it returns as they came.

    Such a carry becomes a constant, and such an x no y. `order` says which operands the step
    takes, `sources` which results are operands.
    """
    loop = num_consts + num_carry
    sources = tuple(
        i if i is not None and (i >= loop if n >= num_carry else i == num_consts + n) else None
        for n, i in enumerate(forwarded(jaxpr)))
    fixed = tuple(i for i in sources[:num_carry] if i is not None)
    order = (*fixed, *(i for i in range(len(jaxpr.invars)) if i not in fixed))
    kept = tuple(n for n, i in enumerate(sources) if i is None)
    return reordered(jaxpr, order, kept), order, sources


# --- for users ---------------------------------------------------------------------------------


def scan(f: Callable, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False,
         unroll: int | bool = 1, _split_transpose: bool = False) -> tuple[Any, Any]:
    """A loop: `carry, y = f(carry, x)` for each x of `xs`; the last carry, and the ys stacked.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> total, sums = jax.lax.scan(lambda c, x: (c + x, c + x), 0.0, jnp.arange(4.0))
    >>> print(total, sums)
    6.0 [0. 1. 3. 6.]

    Args:
      f: (carry, x) -> (carry, y), on pytrees; the carry keeps its structure, shapes and dtypes.
      init: the first carry.
      xs: arrays with leading axes of one length, or None.
      length: how many steps, where `xs` does not say it.
      reverse: from the last x to the first; the ys stay in the order of the xs.
      unroll: how many steps a compiler may write out in a row.

    Raises:
      TypeError: a carry that changes its type, with its path; a result that is no pair.
      ValueError: lengths that differ, or no length.
    """
    if not callable(f):
        raise TypeError("lax.scan: f argument should be a callable.")
    carry, init_tree = typed_leaves("the initial carry of scan", init)
    rows, _ = typed_leaves("xs of scan", xs)
    length = scan_length(rows, length)
    unroll = checked_unroll(unroll, length)
    if config.jax_disable_jit:
        return scan_in_python(f, init, xs, length, reverse)
    in_tree = tree_structure(((init, xs), {}))
    row_avals = [element(typeof(x), 0) for x in rows]

    def program() -> Any:
        found = program_of(f, "scan", [*map(typeof, carry), *row_avals], in_tree)
        if len(found.out_tree.children()) != 2:
            raise TypeError("scan body output must be a pair, got "
                            f"{tree_unflatten(found.out_tree, found.jaxpr.out_avals)}.")
        return found, found.out_tree.children()[0]

    body, carry_tree = program()
    if refs := body.refs:
        pure = threaded(f, refs)

        def step(state: tuple, x: Any) -> tuple:
            (carry, y), values = pure(state[1], state[0], x)
            return (carry, values), y

        (init, values), ys = scan(step, (init, values_of(refs)), xs, length, reverse, unroll)
        write(refs, values)
        return init, ys
    if carry_tree == init_tree:
        carry, before = settled(carry, body.jaxpr.out_avals), carry
        if any(x is not y for x, y in zip(carry, before)):
            body, carry_tree = program()
    check_carry("scan body", f, init_tree, [typeof(x) for x in carry], carry_tree,
                body.jaxpr.out_avals[:carry_tree.num_leaves])
    outs = bind_scan(body.jaxpr, body.captured, carry, rows, length=length, reverse=bool(reverse),
                     unroll=unroll)
    return tree_unflatten(body.out_tree, outs)


def bind_scan(jaxpr: Jaxpr, consts: Sequence[Any], carry: Sequence[Any], rows: Sequence[Any],
              **params: Any) -> list[Any]:
    """The results of the loop, of which some are operands and need no loop."""
    operands = [*consts, *carry, *rows]
    step, order, sources = without_copies(jaxpr, len(consts), len(carry))
    fixed = len(carry) - sources[:len(carry)].count(None)
    outs = iter(scan_p.bind(*[operands[i] for i in order], jaxpr=step, **params,
                            num_consts=len(consts) + fixed, num_carry=len(carry) - fixed))
    return [next(outs) if i is None else operands[i] for i in sources]


def scan_length(rows: Sequence[Any], length: Any) -> int:
    if any(not typeof(x).shape for x in rows):
        raise ValueError("scan got value with no leading axis to scan over: "
                         f"{', '.join(str(x) for x in rows if not typeof(x).shape)}.")
    for x in rows:
        if (divided := typeof(x).divided) and divided.spec[0]:
            raise ValueError("0th dimension of all xs should be replicated. Got "
                             f"{divided.spec}: divide another one, with jax.reshard.")
    sizes = {typeof(x).shape[0] for x in rows}
    if length is not None:
        given = known_int(length, "The `length` argument to `scan` expects a concrete `int` value. "
                          "For scan-like iteration with a dynamic length, use `while_loop` or "
                          "`fori_loop`.")
        if sizes - {given}:
            raise ValueError(f"scan got `length` argument of {given} which disagrees with leading "
                             f"axis sizes {[typeof(x).shape[0] for x in rows]}.")
        return given
    if len(sizes) > 1:
        raise ValueError("scan got values with different leading axis sizes: "
                         f"{', '.join(str(typeof(x).shape[0]) for x in rows)}.")
    if not sizes:
        raise ValueError("scan got no values to scan over and `length` not provided.")
    return sizes.pop()


def checked_unroll(unroll: Any, length: int) -> int:
    if isinstance(unroll, bool):
        return max(length, 1) if unroll else 1
    n = known_int(unroll, "The `unroll` argument to `scan` expects a concrete `int` or `bool` "
                  "value.")
    if n < 0:
        raise ValueError("`unroll` must be a `bool` or a non-negative `int`.")
    return n


def known_int(x: Any, why: str) -> int:
    return int(x.concrete_or_error(why) if isinstance(x, Tracer) else x)


def scan_in_python(f: Callable, carry: Any, xs: Any, length: int, reverse: bool
                   ) -> tuple[Any, Any]:
    """With `disable_jit`: step by step, on values one can print."""
    if length == 0:
        raise ValueError("zero-length scan is not supported in disable_jit() mode because the "
                         "output type is unknown.")
    ys = []
    for i in range(length)[::-1 if reverse else 1]:
        carry, y = f(carry, tree_map(lambda x: index_in_dim(x, i, keepdims=False), xs))  # noqa: B023
        ys.append(y)
    return carry, tree_map(lambda *rows: stack(rows), *(ys[::-1] if reverse else ys))
