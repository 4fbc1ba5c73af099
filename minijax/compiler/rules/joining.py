"""Arrays joined to one."""

from minijax.compiler.lowering import Op, lowering


@lowering("concatenate")
def _(op: Op) -> None:
    axis, out = op.params["dimension"], op.outs[0]
    others = [n for i, n in enumerate(out.shape) if i != axis]
    with op.shared(1):
        start = 0
        for x in op.ins:
            with op.nest([*others[:axis], x.shape[axis], *others[axis:]]) as index:
                moved = [f"({i} + {op.w.size(start)})" if k == axis and start else i
                         for k, i in enumerate(index)]
                out.set(x(*index), *moved)
            start += x.shape[axis]


@lowering("stack")
def _(op: Op) -> None:
    axis, out = op.params["axis"], op.outs[0]
    with op.shared(1):
        for n, x in enumerate(op.ins):
            with op.nest(x.shape) as index:
                out.set(x(*index), *index[:axis], op.w.size(n), *index[axis:])
