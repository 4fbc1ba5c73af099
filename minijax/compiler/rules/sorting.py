"""Sorting along an axis: a merge sort of positions, so it is stable, and operands go along."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from minijax import dtypes
from minijax.compiler.lowering import Op, Place, lowering


def merge_sort(op: Op, n: int, before: Callable[[str, str], str], r: str, rows: int) -> None:
    """Write the loops that order the positions 0 to n - 1; `here[at + k]` is then the k-th.

    `before(p, q)` is the condition that position p comes first even if it is the larger one. Runs
    that are in order are merged to runs of twice the length, from one array to another.
    """
    w, size = op.w, op.w.size(n)
    one, other = (op.scratch((rows, n), np.dtype("int64")) for _ in range(2))
    op.line(f"here, there, at = {w.array(one.view.base)}, {w.array(other.view.base)}, {r} * {size}")
    with op.loop(n) as i:
        op.line(f"here[at + {i}] = {i}")
    op.line("width = 1")
    with w.block(f"while width < {size}:"):
        with w.block(f"for start in range(0, {size}, 2 * width):"):
            op.line(f"middle, stop = min(start + width, {size}), min(start + 2 * width, {size})")
            op.line("left, right, to = start, middle, start")
            with w.block("while left < middle and right < stop:"):
                op.line("p, q = here[at + left], here[at + right]")
                op.line(f"second = int64({before('q', 'p')})")
                op.line("there[at + to] = select(second != 0, q, p)")
                op.line("left, right, to = left + 1 - second, right + second, to + 1")
            for name, end in ("left", "middle"), ("right", "stop"):
                with w.block(f"while {name} < {end}:"):
                    op.line(f"there[at + to] = here[at + {name}]")
                    op.line(f"{name}, to = {name} + 1, to + 1")
        op.line("here, there, width = there, here, 2 * width")


def smaller(x: Place, part: str, p: str, q: str) -> str:
    """x[p] < x[q]; nan comes last."""
    a, b = f"{x(p)}{part}", f"{x(q)}{part}"
    if x.dtype == bool:
        return f"((not {a}) & {b})"
    nan = f" | (({b} != {b}) & ({a} == {a}))" if dtypes.kind(x.dtype) in "fc" else ""
    return f"(({a} < {b}){nan})"


def along(places: Sequence[Place], axis: int, index: Sequence[str]) -> list[Place]:
    """The rows along an axis, at an index of the others."""
    others = [i for i in range(len(places[0].shape)) if i != axis]
    return [p.moved(*others, axis).at(*index) for p in places]


@lowering("sort", slower=lambda e: len(e.invars) == 1)
def _(op: Op) -> None:
    axis, shape = op.params["dimension"], op.ins[0].shape
    others = [m for i, m in enumerate(shape) if i != axis]
    with op.shared(math.prod(others)) as r:
        index = op.split(r, others)
        xs, outs = along(op.ins, axis, index), along(op.outs, axis, index)
        keys = [(x, part) for x in xs[:op.params["num_keys"]]
                for part in ((".real", ".imag") if dtypes.kind(x.dtype) == "c" else ("",))]

        def before(p: str, q: str) -> str:
            text = smaller(*keys[-1], p, q)
            for key in keys[-2::-1]:
                text = f"({smaller(*key, p, q)} | ((not {smaller(*key, q, p)}) & {text}))"
            return text

        merge_sort(op, shape[axis], before, r, math.prod(others))
        with op.loop(shape[axis], "k") as k:
            op.line(f"p = here[at + {k}]")
            for x, out in zip(xs, outs):
                out.set(x("p"), k)


def rank(x: Place, p: str) -> str:
    """A number in the order of x[p], where -nan < -inf < -0.0 < 0.0 < inf < nan."""
    if dtypes.kind(x.dtype) == "f":
        return f"total_order_{'f64' if x.dtype == np.float64 else 'f32'}({x(p)})"
    return f"uint8({x(p)})" if x.dtype == bool else x(p)


@lowering("top_k", slower=lambda e: True)
def _(op: Op) -> None:
    (x,), axis = op.ins, op.params["axis"]
    others = [m for i, m in enumerate(x.shape) if i != axis]
    with op.shared(math.prod(others)) as r:
        index = op.split(r, others)
        (row,), (values, places) = along([x], axis, index), along(op.outs, axis, index)
        merge_sort(op, x.shape[axis], lambda p, q: f"{rank(row, p)} > {rank(row, q)}", r,
                   math.prod(others))
        with op.loop(op.params["k"], "k") as k:
            op.line(f"p = here[at + {k}]")
            values.set(row("p"), k)
            places.set("int32(p)", k)
