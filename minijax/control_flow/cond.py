"""cond and switch: run one of several programs.

In JAX: jax/_src/lax/control_flow/conditionals.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import batch, batch_jaxpr, move_to_front
from minijax.compiler import compiled
from minijax.config import config
from minijax.control_flow.agreement import check_branches, same_type
from minijax.control_flow.programs import (
    forwarded,
    joined,
    marked,
    only,
    program_of,
    reordered,
    spaced,
    typed_leaves,
    unmarked,
    with_common_captures,
)
from minijax.core import ShapedArray, Tracer, UndefinedPrimal, typeof
from minijax.effects.kinds import forbid_io
from minijax.families import Program, broadcast_in_dim, convert
from minijax.jaxpr import JaxprEqn, closed, narrow_jaxpr
from minijax.jvp import jvp_jaxpr
from minijax.lax.elementwise import clamp, eq, ne
from minijax.lax.identities import stop_gradient
from minijax.linearize import linearize_jaxpr, split_jaxpr
from minijax.references import threaded, values_of, write
from minijax.selection import select_n
from minijax.transpose import transpose_jaxpr
from minijax.tree_util import tree_structure, tree_unflatten

# --- the operation ---------------------------------------------------------------------------


def either(patterns: Sequence[Sequence[bool]]) -> tuple[bool, ...]:
    """What holds for any of the branches."""
    return tuple(map(any, zip(*patterns)))


class Cond(Program):
    """cond(index, *operands): the results of branches[index]. All branches have one type.

    Each rule derives a program from every branch, makes them agree, and binds them again.
    """

    def impl(self, index, *operands, branches):
        return compiled(branches[int(index)])(*operands)

    def abstract_eval(self, index, *avals, branches):
        if index.shape or index.dtype != np.int32:
            raise TypeError(f"cond index must be an int32 scalar, got {index.str_short()}")
        for jaxpr in branches:
            if not all(map(same_type, jaxpr.in_avals, avals)):
                raise TypeError(f"cond branches take {jaxpr.in_avals}, got {list(avals)}")
        return [outs[0].update(weak_type=all(a.weak_type for a in outs),
                               vma=index.vma.union(*(a.vma for a in outs)))
                for outs in zip(*(jaxpr.out_avals for jaxpr in branches))]

    def effects_of(self, params):
        return frozenset().union(*(jaxpr.effects for jaxpr in params["branches"]))

    def open(self, args, params):
        free, branches = with_common_captures([closed(b) for b in params["branches"]])
        return [args[0], *free, *args[1:]], {"branches": tuple(branches)}

    def jvp(self, primals, tangents, *, branches):
        active = tuple(t is not None for t in tangents[1:])
        made = either([jvp_jaxpr(jaxpr, active)[1] for jaxpr in branches])
        outs = self.bind(*primals, *marked(tangents[1:], active),
                         branches=tuple(jvp_jaxpr(jaxpr, active, made)[0] for jaxpr in branches))
        return outs[:len(made)], spaced(outs[len(made):], made)

    def linearize(self, active, index, *xs, branches):
        active = tuple(active[1:])
        made = either([linearize_jaxpr(jaxpr, active)[2] for jaxpr in branches])
        pairs = [linearize_jaxpr(jaxpr, active, made) for jaxpr in branches]
        n = len(made)
        fwds, lins = joined([fwd for fwd, _, _ in pairs], n, [lin for _, lin, _ in pairs])
        outs = self.bind(index, *xs, branches=fwds)
        return outs[:n], made, lambda *ts: self.bind(index, *outs[n:], *ts, branches=lins)

    def split(self, unknown, args, params):
        (index, *xs), (no_index, *late) = args, unknown
        if no_index:
            return None
        branches, late = params["branches"], tuple(late)
        unknown_out = either([split_jaxpr(jaxpr, late)[2] for jaxpr in branches])
        pairs = [split_jaxpr(jaxpr, late, unknown_out) for jaxpr in branches]
        if all(unknown_out) and not any(known.eqns for known, _, _ in pairs):
            return None
        n = unknown_out.count(False)
        knowns, rests = joined([known for known, _, _ in pairs], n, [rest for _, rest, _ in pairs])
        outs = self.bind(index, *unmarked(xs, late), branches=knowns)
        return outs[:n], unknown_out, [index, *outs[n:], *marked(xs, late)], {"branches": rests}

    def transpose(self, cts, index, *args, branches):
        undefined = tuple(isinstance(x, UndefinedPrimal) for x in args)
        given = tuple(ct is not None for ct in cts)
        made = either([transpose_jaxpr(jaxpr, undefined, given)[1] for jaxpr in branches])
        outs = self.bind(index, *unmarked(args, undefined), *marked(cts, given), branches=tuple(
            transpose_jaxpr(jaxpr, undefined, given, made)[0] for jaxpr in branches))
        return [None, *spaced(outs, made)]

    def narrow(self, eqn, wanted):
        branches = [narrow_jaxpr(jaxpr, wanted) for jaxpr in eqn.params["branches"]]
        kept = tuple(i for i, used in enumerate(either([b.used for b in branches])) if used)
        branches = tuple(reordered(jaxpr, kept) for jaxpr in branches)
        index, *operands = eqn.invars
        return JaxprEqn(self, [index, *(operands[i] for i in kept)], {"branches": branches},
                        marked(eqn.outvars, wanted), eqn.line)


cond_p = Cond("cond")


@batch.register
def _(prim: Cond, axis, xs, dims, /, *, branches):
    (index, *operands), (dim, *op_dims) = xs, dims
    if dim is None:
        mapped = either([[d is not None for d in batch_jaxpr(jaxpr, axis, tuple(op_dims))[1]]
                         for jaxpr in branches])
        batched = tuple(batch_jaxpr(jaxpr, axis, tuple(op_dims), mapped)[0] for jaxpr in branches)
        return prim.bind(*xs, branches=batched), [0 if m else None for m in mapped]
    # Each element has an index of its own: all branches run, and their results are selected.
    forbid_io(prim.effects_of({"branches": branches}), "vmap-of-cond with a mapped predicate")
    operands = [move_to_front(x, d, axis.size) for x, d in zip(operands, op_dims)]
    results = []
    for i, jaxpr in enumerate(branches):
        batched, _ = batch_jaxpr(jaxpr, axis, (0,) * len(operands), (True,) * len(jaxpr.outvars))
        mine = eq(index, np.int32(i))
        results.append(batched(*[constant_unless(mine, x) for x in operands]))
    return [select_n(along_rows(index, typeof(outs[0]).shape), *outs)
            for outs in zip(*results)], [0] * len(branches[0].outvars)


def along_rows(x: Any, shape: tuple[int, ...]) -> Any:
    return broadcast_in_dim(x, shape, (0,))


def constant_unless(mine: Any, x: Any) -> Any:
    """An operand whose tangent goes only into the branch that an element takes.

    Else a branch not taken, such as sqrt at 0, could spoil the derivative: 0 * inf is nan.
    """
    aval = typeof(x)
    if not dtypes.is_inexact(aval.dtype):
        return x
    return select_n(along_rows(mine, aval.shape), stop_gradient(x), x)


# --- for users ---------------------------------------------------------------------------------

_ABSENT: Any = object()


def choose(what: str, index: Any, names: Sequence[str], funs: Sequence[Callable],
           operands: tuple) -> Any:
    """Bind cond for branches that are functions."""
    leaves, _ = typed_leaves(f"an operand of {what}", operands)
    avals, in_tree = [typeof(x) for x in leaves], tree_structure((operands, {}))
    programs = [program_of(f, what, avals, in_tree) for f in funs]
    if refs := list(dict.fromkeys(ref for p in programs for ref in p.refs)):
        outs, values = choose(what, index, names, [threaded(f, refs) for f in funs],
                              (values_of(refs), *operands))
        write(refs, values)
        return outs
    check_branches(what, names, funs, programs)
    captured, branches = with_common_captures([(p.jaxpr, p.captured) for p in programs])
    if what == "cond":
        branches.reverse()  # index 1 is true
    operands = (*captured, *leaves)
    # A result that is the same operand in every branch needs no cond.
    sources = [i[0] if len(set(i)) == 1 else None for i in zip(*map(forwarded, branches))]
    computed = [i is None for i in sources]
    outs = iter(cond_p.bind(index, *operands, branches=tuple(only(b, computed) for b in branches)))
    return tree_unflatten(programs[0].out_tree, [
        next(outs) if i is None else operands[i] for i in sources])


def single_operand(operands: tuple, operand: Any) -> tuple:
    """The operands; an older way was one, by the keyword `operand`."""
    if operand is _ABSENT:
        return operands
    if operands:
        raise TypeError("if 'operand' keyword is passed then no positional operands can be passed, "
                        f"got operand={operand} and positional operands {operands}")
    return (operand,)


def cond(pred: Any, true_fun: Callable, false_fun: Callable, *operands: Any,
         operand: Any = _ABSENT) -> Any:
    """`true_fun(*operands)` if `pred` holds, else `false_fun(*operands)`. Only one of them runs.

    Under `vmap` with a `pred` that is mapped, both run and the results are selected.

    >>> import minijax as jax
    >>> jax.lax.cond(True, lambda x: x + 1.0, lambda x: x * 10.0, 2.0)
    Array(3., dtype=float32, weak_type=True)

    Args:
      pred: a boolean scalar, or a number: does it differ from 0?
      operands: pytrees of arrays.

    Raises:
      TypeError: a `pred` that is no scalar; branches whose results differ in structure or type.
    """
    if not (callable(true_fun) and callable(false_fun)):
        if callable(false_fun) and len(operands) == 2 and callable(operands[1]):  # an older form
            x, f, y, g = true_fun, false_fun, *operands
            return cond(pred, lambda x, y: f(x), lambda x, y: g(y), x, y)
        raise TypeError("lax.cond: true_fun and false_fun arguments should be callable.")
    operands = single_operand(operands, operand)
    if pred is None:
        raise TypeError("cond predicate is None: it must be a boolean or a number.")
    if isinstance(pred, (str, list, tuple)):
        raise TypeError(f"Pred must be a scalar, got {pred} of type {type(pred)}.")
    aval = scalar_type(pred, "Pred must be a scalar", "Pred type must be either boolean or number")
    if dtypes.kind(aval.dtype) not in "biuf":
        raise TypeError("Pred type must be either boolean or number, got "
                        f"{dtypes.name(aval.dtype)}.")
    if config.jax_disable_jit and not isinstance(pred, Tracer):
        return (true_fun if pred else false_fun)(*operands)
    if aval.dtype != bool:
        pred = ne(pred, convert(0, aval.dtype, False))
    return choose("cond", convert(pred, np.dtype(np.int32), False), ["true_fun", "false_fun"],
                  [true_fun, false_fun], operands)


def switch(index: Any, branches: Sequence[Callable], *operands: Any, operand: Any = _ABSENT
           ) -> Any:
    """`branches[index](*operands)`; an index out of range counts as the nearest that is in it.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.lax.switch(1, [jnp.sin, jnp.abs, jnp.exp], -3.0)
    Array(3., dtype=float32, weak_type=True)

    Raises:
      TypeError: an index that is no integer scalar; branches whose results differ in type.
      ValueError: no branches.
    """
    if not all(map(callable, branches)):
        raise TypeError("lax.switch: branches argument should be a sequence of callables.")
    operands = single_operand(operands, operand)
    aval = scalar_type(index, "Branch index must be scalar", "Index type must be an integer")
    if dtypes.kind(aval.dtype) not in "iu":
        raise TypeError(f"Index type must be an integer, got {index} as {dtypes.name(aval.dtype)}")
    if not branches:
        raise ValueError("Empty branch sequence")
    if len(branches) == 1:
        return branches[0](*operands)
    index = clamp(np.int32(0), convert(index, np.dtype(np.int32), False),
                  np.int32(len(branches) - 1))
    if config.jax_disable_jit and not isinstance(index, Tracer):
        return branches[int(index)](*operands)
    names = ["branch 0", *(f"branch{i}" for i in range(1, len(branches)))]
    return choose("switch", index, names, list(branches), operands)


def scalar_type(x: Any, no_scalar: str, no_number: str) -> ShapedArray:
    try:
        aval = typeof(np.asarray(x) if isinstance(x, (list, tuple)) else x)
    except TypeError:
        raise TypeError(f"{no_number}, got {x}.") from None
    if aval.shape:
        raise TypeError(f"{no_scalar}, got {x} of shape {aval.shape}.")
    return aval
