"""Arrays joined to one, repeated, and with something around them."""

import math
from collections.abc import Sequence

from minijax.compiler.lowering import Op, Place, lowering, merged, merged_first

SMALL = 256  # elements that lie together


def join(op: Op, pieces: list[Place], axis: int) -> None:
    """Large pieces one after the other; small ones row by row, so that all of a row is written."""
    out, start = op.outs[0], 0
    if math.prod(out.shape[axis:]) > SMALL * len(pieces):
        for x in pieces:
            op.copy_shared(x, out.window(["0"] * axis + [op.w.size(start)], x.shape))
            op.barrier()
            start += x.shape[axis]
        return
    out, *pieces = merged_first(axis, out, *pieces)
    rank = len(out.shape) - (len(op.outs[0].shape) - axis)
    with op.shared(math.prod(out.shape[:rank])) as r:
        index = op.split(r, out.shape[:rank])
        for x in pieces:
            part = x.at(*index)
            op.copy(part, out.at(*index).window([op.w.size(start)], part.shape))
            start += x.shape[rank]


@lowering("concatenate")
def _(op: Op) -> None:
    join(op, op.ins, op.params["dimension"])


@lowering("stack")
def _(op: Op) -> None:
    """Each operand is a piece of size 1 along the new axis."""
    k = op.params["axis"]
    join(op, [x.seen((*x.shape[:k], 1, *x.shape[k:]), (*x.view.strides[:k], 0, *x.view.strides[k:]))
              for x in op.ins], k)


@lowering("tile")
def _(op: Op) -> None:
    """The result in parts, all of them the operand."""
    (x,), (out,), reps = op.ins, op.outs, op.params["reps"]
    shape = [n for pair in zip(reps, x.shape) for n in pair]
    apart = [s for n, t in zip(x.shape, out.view.strides) for s in (n * t, t)]
    again = [s for t in x.view.strides for s in (0, t)]
    op.copy_shared(x.seen(shape, again), out.seen(shape, apart))


@lowering("pad")
def _(op: Op) -> None:
    """Row by row: the padding, then what it surrounds. Axes behind the last padded one stay."""
    x, value, out, config = *op.ins, op.outs[0], op.params["padding_config"]
    rank = max((i + 1 for i, c in enumerate(config) if any(c)), default=0)
    outer = out.shape[:max(rank - 1, 0)]
    with op.shared(math.prod(outer)) as r:
        index, source, tests = op.split(r, outer), [], []
        (row,) = merged(out.at(*index))
        with op.nest(row.shape, "f") as place:
            row.set(value(), *place)
        for i, n, (low, _, interior) in zip(index, x.shape, config):
            at, step = op.let(f"{i} - {op.w.size(low)}"), op.w.size(interior + 1)
            tests.append(f"{at} >= 0 and {at} % {step} == 0 and {at} // {step} < {op.w.size(n)}")
            source.append(f"({at} // {step})")
        with op.w.block(f"if {' and '.join(tests) or 'True'}:"):
            op.copy(*spread(op, x.at(*source), out.at(*index), config[len(outer):rank]))


def spread(op: Op, x: Place, out: Place, config: Sequence[tuple[int, int, int]]
           ) -> tuple[Place, Place]:
    """What ends up inside of `out`, where the first axes are padded, and its places there."""
    corner, target, strides, shape = [], [], list(out.view.strides), list(x.shape)
    for i, (low, _, interior) in enumerate(config):
        step = interior + 1
        first = max(0, -(low // step))
        shape[i] = max(first, min(x.shape[i], -((low - out.shape[i]) // step))) - first
        corner.append(op.w.size(first))
        target.append(op.w.size(low + first * step))
        strides[i] *= step
    return x.window(corner, shape), out.seen(shape, strides, *out.steps(target))
