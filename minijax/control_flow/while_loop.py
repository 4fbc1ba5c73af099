"""while_loop: repeat as long as a condition holds; fori_loop: count.

In JAX: jax/_src/lax/control_flow/loops.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import batch, batch_jaxpr, move_to_front
from minijax.compiler import compiled, compiled_loop, patience
from minijax.config import config
from minijax.control_flow.agreement import check_carry, same_type, settled
from minijax.control_flow.programs import (
    Body,
    concrete_int,
    forwarded,
    marked,
    parts,
    program_of,
    reordered,
    spaced,
    typed_leaves,
    unmarked,
)
from minijax.control_flow.scan import closed_under, filled, scan
from minijax.core import ShapedArray, typeof
from minijax.effects.kinds import forbid_io, silent
from minijax.errors import ConcretizationTypeError
from minijax.families import Program, broadcast_in_dim, convert
from minijax.jaxpr import Jaxpr, Var, closed, derive, derived, narrow_jaxpr
from minijax.jvp import as_array, jvp_jaxpr
from minijax.lax.creation import of_dtype
from minijax.lax.elementwise import add, lt
from minijax.lax.reducing import reduce_or
from minijax.linearize import split_jaxpr
from minijax.references import reading, threaded, values_of, write
from minijax.selection import select_n
from minijax.tree_util import tree_map, tree_structure, tree_unflatten

# --- the operation ---------------------------------------------------------------------------


class While(Program):
    """while(*cond_consts, *body_consts, *carry): body until cond says no.

    Under `vmap` the condition may be an array, for carries that begin with its shape: the loop
    runs while it holds anywhere, and changes only the elements for which it holds.
    """

    def impl(self, *args, **params):
        cond_consts, consts, carry = parts(args, params["cond_nconsts"], params["body_nconsts"])
        cond, body = params["cond_jaxpr"], params["body_jaxpr"]
        holds, step = compiled(cond), compiled(body)
        avals = [*cond.in_avals[:len(cond_consts)], *body.in_avals]
        for done in itertools.count():
            if done == patience() and (run := compiled_loop(self, body, avals, params)):
                return run(*cond_consts, *consts, *carry)
            active = holds(*cond_consts, *carry)[0]
            if not active.any():
                return carry
            outs = step(*consts, *carry)
            carry = outs if active.all() else [
                np.where(active.reshape(active.shape + (1,) * (x.ndim - active.ndim)), out, x)
                for out, x in zip(outs, carry)]

    def abstract_eval(self, *avals, cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts):
        cond_consts, consts, carry = parts(avals, cond_nconsts, body_nconsts)
        for jaxpr, given in (cond_jaxpr, [*cond_consts, *carry]), (body_jaxpr, [*consts, *carry]):
            if not all(map(same_type, jaxpr.in_avals, given)):
                raise TypeError(f"while loop takes {jaxpr.in_avals}, got {given}")
        often = cond_jaxpr.out_avals[0].vma  # over which axes the number of steps varies
        return [a.update(weak_type=a.weak_type and out.weak_type, vma=a.vma | out.vma | often)
                for a, out in zip(carry, body_jaxpr.out_avals)]

    def effects_of(self, params):
        return params["cond_jaxpr"].effects | params["body_jaxpr"].effects

    def open(self, args, params):
        (cond, cond_free), (body, free) = closed(params["cond_jaxpr"]), closed(params["body_jaxpr"])
        n = params["cond_nconsts"]
        return [*cond_free, *args[:n], *free, *args[n:]], {
            "cond_jaxpr": cond, "cond_nconsts": n + len(cond_free),
            "body_jaxpr": body, "body_nconsts": params["body_nconsts"] + len(free)}

    def jvp(self, primals, tangents, *, cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts):
        cond_consts, *rest = parts(primals, cond_nconsts)
        primals, tangents = rest[0], tangents[cond_nconsts:]
        pushed, active = jvp_body(body_jaxpr, tuple(t is not None for t in tangents), body_nconsts)
        dconsts, dcarry = ([t for t in ts if t is not None] for ts in parts(
            filled(primals, tangents, active), body_nconsts))
        consts, carry = parts(primals, body_nconsts)
        outs = self.bind(
            *cond_consts, *consts, *dconsts, *carry, *dcarry, cond_nconsts=cond_nconsts,
            cond_jaxpr=with_more_inputs(cond_jaxpr, tuple(typeof(t) for t in dcarry)),
            body_jaxpr=pushed, body_nconsts=body_nconsts + len(dconsts))
        return outs[:len(carry)], spaced(outs[len(carry):], active[body_nconsts:])

    def linearize(self, active, *args, **params):
        """The loop, and for the tangents the loop once more: it keeps no residuals."""
        n_cond, n_body = params["cond_nconsts"], params["body_nconsts"]
        outs = self.bind(*args, **params)
        _, made = jvp_body(params["body_jaxpr"], tuple(active[n_cond:]), n_body)
        again = {k: silent(v, "linearize of while_loop") if isinstance(v, Jaxpr) else v
                 for k, v in params.items()}

        def push(*tangents):
            _, outs_dot = self.jvp(args, spaced(tangents, active), **again)
            return [t for t in outs_dot if t is not None]

        return outs, made[n_body:], push

    def split(self, unknown, args, params):
        """The known carries run by themselves; the rest is the whole loop, once more."""
        n_cond, n_body, cond = params["cond_nconsts"], params["body_nconsts"], params["cond_jaxpr"]
        body, late = split_body(params["body_jaxpr"], tuple(unknown[n_cond:]), n_body)
        needed = (*[True] * n_cond, *(not u for u in late[n_body:]))
        if True in unknown[:n_cond] or all(late[n_body:]) or any(unmarked(cond.used, needed)):
            return None
        cond_consts, consts, carry = parts(args, n_cond, n_body)
        outs = self.bind(
            *cond_consts, *unmarked(consts, late), *unmarked(carry, late[n_body:]),
            cond_nconsts=n_cond, body_nconsts=late[:n_body].count(False), body_jaxpr=body,
            cond_jaxpr=reordered(cond, tuple(i for i, n in enumerate(needed) if n)))
        carries = [i for _, i in sorted((u, i) for i, u in enumerate(late[n_body:]))]
        return outs, late[n_body:], [*cond_consts, *consts, *(carry[i] for i in carries)], {
            **params, "cond_jaxpr": with_carries(cond, tuple(carries), n_cond, ()),
            "body_jaxpr": with_carries(params["body_jaxpr"], tuple(carries), n_body, carries)}

    def with_masks(self, cond_jaxpr, body_jaxpr, body_nconsts):
        """The programs of a loop whose condition is an array, with a scalar condition.

        That is the first result of the first; the array is the second, and what the body takes
        first.
        """
        mask = cond_jaxpr.out_avals[0]
        return holding_anywhere(cond_jaxpr), masked(body_jaxpr, mask, body_nconsts)

    def transpose(self, cts, *args, **params):
        raise ValueError(
            "Reverse-mode differentiation does not work for lax.while_loop or lax.fori_loop with "
            "dynamic start/stop values: the number of steps to go back is not known. Try using "
            "lax.scan, or using fori_loop with static start/stop.")


while_p = While("while")


@batch.register
def _(prim: While, axis, xs, dims, /, *, cond_jaxpr, cond_nconsts, body_jaxpr, body_nconsts):
    cond_consts, consts, carry = parts(xs, cond_nconsts, body_nconsts)
    cond_dims, const_dims, carry_dims = map(tuple, parts(dims, cond_nconsts, body_nconsts))
    mapped = tuple(d is not None for d in carry_dims)
    while True:  # a carry is mapped if anything mapped flows into it, or into the condition
        step_dims = tuple(0 if m else None for m in mapped)
        step, dims_out = batch_jaxpr(body_jaxpr, axis, (*const_dims, *step_dims), mapped)
        holds, (pred_dim,) = batch_jaxpr(cond_jaxpr, axis, (*cond_dims, *step_dims))
        if pred_dim is not None or cond_jaxpr.out_avals[0].shape:
            forbid_io(step.effects | holds.effects, "vmap-of-while with a mapped condition")
            grown = (True,) * len(mapped)
            holds, _ = batch_jaxpr(cond_jaxpr, axis, (*cond_dims, *step_dims), (True,))
        else:
            grown = tuple(d is not None for d in dims_out)
        if grown == mapped:
            break
        mapped = grown
    carry = [move_to_front(x, d, axis.size) if m else x
             for x, d, m in zip(carry, carry_dims, mapped)]
    outs = prim.bind(*cond_consts, *consts, *carry, cond_jaxpr=holds, cond_nconsts=cond_nconsts,
                     body_jaxpr=step, body_nconsts=body_nconsts)
    return outs, [0 if m else None for m in mapped]


# --- bodies from bodies ------------------------------------------------------------------------


@derived
def jvp_body(jaxpr: Jaxpr, active: tuple[bool, ...], n_consts: int
             ) -> tuple[Jaxpr, tuple[bool, ...]]:
    """The body that carries tangents after the carry; which inputs have one."""
    n_carry, n_ins = len(jaxpr.outvars), len(jaxpr.invars)
    pushed, active = closed_under(lambda active, wanted: jvp_jaxpr(jaxpr, active, wanted), active,
                                  n_carry, n_consts, n_carry)
    n_dconsts = sum(active[:n_consts])
    order = (*range(n_consts), *range(n_ins, n_ins + n_dconsts), *range(n_consts, n_ins),
             *range(n_ins + n_dconsts, len(pushed.invars)))
    return reordered(pushed, order), active


@derived
def split_body(jaxpr: Jaxpr, unknown: tuple[bool, ...], n_consts: int
               ) -> tuple[Jaxpr, tuple[bool, ...]]:
    """The body of the carries that no unknown input reaches; which inputs are not among its."""
    n_carry = len(jaxpr.outvars)

    def rule(unknown: tuple, wanted: tuple) -> tuple:
        known, _, unknown_out = split_jaxpr(jaxpr, unknown, wanted)
        return known, unknown_out

    known, unknown = closed_under(rule, unknown, n_carry, n_consts, n_carry)
    n_known = unknown[n_consts:].count(False)
    return narrow_jaxpr(known, tuple(i < n_known for i in range(len(known.outvars)))), unknown


@derived
def with_more_inputs(jaxpr: Jaxpr, avals: tuple[ShapedArray, ...]) -> Jaxpr:
    """The program with further inputs at the end, which it does not use."""
    return jaxpr.replace(invars=[*jaxpr.invars, *map(Var, avals)])


def with_carries(jaxpr: Jaxpr, order: Sequence[int], n_consts: int, outs: Sequence[int]) -> Jaxpr:
    """The program of a body, or of a condition, with its carries in another order."""
    ins = (*range(n_consts), *(n_consts + i for i in order))
    return reordered(jaxpr, ins, tuple(outs) or None)


@derived
def holding_anywhere(holds: Jaxpr) -> Jaxpr:
    """A condition that is an array: does it hold anywhere? And where?"""
    def run(*args: Any) -> list[Any]:
        (where,) = holds(*args)
        return [reduce_or(where, tuple(range(where.ndim))), where]

    return derive(run, holds.in_avals, "while_loop")


@derived
def masked(step: Jaxpr, mask: Any, n_consts: int) -> Jaxpr:
    """A step that changes only the elements for which the condition, its first input, holds."""
    def run(where: Any, *args: Any) -> list[Any]:
        return [select_n(broadcast_in_dim(where, x.shape, tuple(range(where.ndim))), x, new)
                for new, x in zip(step(*args), args[n_consts:])]

    return derive(run, [mask, *step.in_avals], "while_loop")


# --- for users ---------------------------------------------------------------------------------


def while_loop(cond_fun: Callable, body_fun: Callable, init_val: Any) -> Any:
    """`val = body_fun(val)` as long as `cond_fun(val)` holds.

    It has a derivative forwards, but not backwards, for which the number of steps would have to be
    known: `scan` and `fori_loop` have one. Ctrl-C does not stop a loop that is compiled: unless its
    condition is sure to fail one day, let it count steps too.

    >>> import minijax as jax
    >>> print(jax.lax.while_loop(lambda n: n < 100, lambda n: n * 3, 1))
    243

    Args:
      cond_fun: val -> a boolean scalar.
      body_fun: val -> val, a pytree that keeps its structure, shapes and dtypes.

    Raises:
      TypeError: a condition that is no boolean scalar; a val that changes its type, with its path.
    """
    if not (callable(body_fun) and callable(cond_fun)):
        raise TypeError("lax.while_loop: body_fun and cond_fun arguments should be callable.")
    if config.jax_disable_jit:
        try:
            return while_in_python(cond_fun, body_fun, init_val)
        except ConcretizationTypeError:
            pass  # a condition that is traced needs the operation
    carry, tree = typed_leaves("init_val of while_loop", init_val)
    in_tree = tree_structure(((init_val,), {}))
    body = program_of(body_fun, "while_loop", list(map(typeof, carry)), in_tree)
    if body.out_tree == tree:
        carry, before = settled(carry, body.jaxpr.out_avals), carry
        if any(x is not y for x, y in zip(carry, before)):
            body = program_of(body_fun, "while_loop", list(map(typeof, carry)), in_tree)
    avals = list(map(typeof, carry))
    check_carry("while_loop body", body_fun, tree, avals, body.out_tree, body.jaxpr.out_avals)
    cond = program_of(cond_fun, "while_loop", avals, in_tree)
    if refs := list(dict.fromkeys([*body.refs, *cond.refs])):
        holds, step = reading(cond_fun, refs), threaded(body_fun, refs)
        init_val, values = while_loop(lambda s: holds(s[1], s[0]), lambda s: step(s[1], s[0]),
                                      (init_val, values_of(refs)))
        write(refs, values)
        return init_val
    check_predicate(cond)
    return tree_unflatten(tree, bind_while(cond.jaxpr, cond.captured, body.jaxpr, body.captured,
                                           carry))


def bind_while(cond: Jaxpr, cond_consts: Sequence[Any], body: Jaxpr, consts: Sequence[Any],
               carry: Sequence[Any]) -> list[Any]:
    """The last carries. One that the body returns as it came, and that the condition does not
    look at, is a constant of the body.
    """
    n_cond, n_consts, cond_needs = len(cond_consts), len(consts), narrow_jaxpr(cond, (True,))
    fixed = [i == n_consts + n and not used for n, (i, used) in enumerate(
        zip(forwarded(body), cond_needs.used[n_cond:]))]
    if any(fixed):
        places = range(n_consts, n_consts + len(carry))
        order = (*marked(places, fixed), *range(n_consts), *unmarked(places, fixed))
        moving = tuple(unmarked(range(len(carry)), fixed))
        body = reordered(body, order, moving)
        cond = reordered(cond_needs, (*range(n_cond), *(n_cond + n for n in moving)))
    outs = iter(while_p.bind(
        *cond_consts, *marked(carry, fixed), *consts, *unmarked(carry, fixed), cond_jaxpr=cond,
        cond_nconsts=n_cond, body_jaxpr=body, body_nconsts=n_consts + fixed.count(True)))
    return [x if f else next(outs) for x, f in zip(carry, fixed)]


def check_predicate(cond: Any) -> None:
    if cond.out_tree != tree_structure(0):
        raise TypeError("cond_fun must return a boolean scalar, but got pytree "
                        f"{cond.out_tree}.")
    (aval,) = cond.jaxpr.out_avals
    if aval.shape or aval.dtype != bool:
        raise TypeError("cond_fun must return a boolean scalar, but got output type(s) "
                        f"[{aval!r}]. Compare, or reduce with jnp.all or jnp.any.")


def while_in_python(cond_fun: Callable, body_fun: Callable, val: Any) -> Any:
    """With `disable_jit`: step by step, on values one can print."""
    val = tree_map(as_array, val)
    while cond_fun(val):
        val = tree_map(as_array, body_fun(val))
    return val


def fori_loop(lower: Any, upper: Any, body_fun: Callable, init_val: Any, *,
              unroll: int | bool | None = None) -> Any:
    """`val = body_fun(i, val)` for i from `lower` to `upper` - 1.

    Where the bounds are known while tracing this is a `scan`, which has derivatives both ways;
    else it is a `while_loop`.

    >>> import minijax as jax
    >>> print(jax.lax.fori_loop(1, 6, lambda i, product: product * i, 1))
    120

    Args:
      lower, upper: integers.
      unroll: how many steps a compiler may write out in a row; only with known bounds.

    Raises:
      TypeError: bounds that are no integers; a val that changes its type, with its path.
      ValueError: `unroll` with bounds that are not known.
    """
    if not callable(body_fun):
        raise TypeError("lax.fori_loop: body_fun argument should be callable.")
    dtype = bounds_dtype(lower, upper)
    first, last = concrete_int(lower), concrete_int(upper)
    if first is not None and last is not None:
        length = max(last - first, 0)
        if config.jax_disable_jit and not length:
            return init_val
        (_, out), _ = scan(Counting(body_fun), (first, init_val), None, length=length,
                           unroll=False if unroll is None else unroll)
        return out
    if unroll is not None and unroll is not False and unroll != 1:
        raise ValueError("Can only use `unroll` in `fori_loop` if the loop bounds are statically "
                         "known.")
    start, stop = (x if typeof(x).dtype == dtype else convert(x, dtype, False)
                   for x in (lower, upper))
    _, _, out = while_loop(not_yet, CountingUpTo(body_fun), (start, stop, init_val))
    return out


def bounds_dtype(lower: Any, upper: Any) -> np.dtype:
    """The dtype of the counter: that of both bounds, of which one may be a Python integer."""
    a, b = typeof(lower), typeof(upper)
    for name, aval in ("lower", a), ("upper", b):
        if aval.shape:
            raise TypeError(f"{name} must be a scalar, got shape {aval.shape}.")
        if dtypes.kind(aval.dtype) not in "iuf":
            raise TypeError("lower and upper arguments to fori_loop must be integers, got "
                            f"{name} of type {aval.str_short()}.")
    if a.dtype == b.dtype:
        return a.dtype
    if a.dtype.kind != "i" or b.dtype.kind != "i" or a.weak_type == b.weak_type:
        raise TypeError("lower and upper arguments to fori_loop must have equal types, got "
                        f"{dtypes.name(a.dtype)} and {dtypes.name(b.dtype)}")
    return b.dtype if a.weak_type else a.dtype


def not_yet(state: tuple) -> Any:
    i, stop, _ = state
    return lt(i, stop)


def one_like(i: Any) -> Any:
    return of_dtype(1, typeof(i).dtype)


class Counting(Body):
    """The body of a scan that counts along."""

    maker = "fori_loop"

    def __call__(self, loop_carry: tuple, _: None) -> tuple:
        i, val = loop_carry
        return (add(i, one_like(i)), self.func(i, val)), None


class CountingUpTo(Body):
    """The body of a while loop that counts along."""

    maker = "fori_loop"

    def __call__(self, loop_carry: tuple) -> tuple:
        i, stop, val = loop_carry
        return add(i, one_like(i)), stop, self.func(i, val)
