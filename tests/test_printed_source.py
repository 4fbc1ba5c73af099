"""What `as_text` prints: sources as one reads them, with comments that the compiler never sees."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minijax
import minijax.numpy as jnp
from minijax.compiler.backend import build, write
from minijax.compiler.load import native

HERE = Path(__file__).name


def scaled(x):
    return 1.5 * jnp.exp(x) - 1


def centred(x):
    return x - jnp.sum(x, axis=1, keepdims=True)


def layer(w, b, x):
    return jnp.maximum(x @ w + b, 0)


def source(f: Callable, *shapes: tuple[int, ...]) -> Any:
    structs = [minijax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]
    return write(minijax.make_jaxpr(f)(*structs))


GOLDEN: list[tuple[Callable, list[tuple[int, ...]], str]] = [
    (scaled, [(1000, 1000)], """
        def program(x0):
            if not x0.flags.c_contiguous: x0 = in_order(x0)
            b1 = pooled((1000, 1000), dtype_float32)
            parallel(kernel_0, 1000000, 16384, sizes_0, id(x0), id(b1))
            return [b1]


        # exp mul sub  {HERE}:{line}: return 1.5 * jnp.exp(x) - 1
        def kernel_0(lo, hi, sizes, a0, a1):
            c0 = float32(bits(sizes[0], float64))  # 1.5
            x0 = data(a0, float32)  # x0: float32[1000,1000]
            y1 = data(a1, float32)  # b1: float32[1000,1000]
            for r in range(lo, hi):
                v0 = exp_f32(x0[r])
                v1 = c0 * v0
                v2 = v1 - float32(1.0)
                y1[r] = v2
        """),
    (centred, [(300, 20)], """
        def program(x0):
            if not x0.flags.c_contiguous: x0 = in_order(x0)
            b1 = empty((300, 20), dtype_float32)
            kernel_0(0, 300, sizes_0, id(x0), id(b1))
            return [b1]


        # reduce_sum sub  {HERE}:{line}: return x - jnp.sum(x, axis=1, keepdims=True)
        def kernel_0(lo, hi, sizes, a0, a1):
            n0 = sizes[0]  # 20
            step1 = sizes[1]  # 20
            step2 = sizes[2]  # 20
            x0 = data(a0, float32)  # x0: float32[300,20]
            y1 = data(a1, float32)  # b1: float32[300,20]
            for r in range(lo, hi):
                v0 = float32(0.0)
                for i in range(n0):
                    v0 = add_reordered(v0, x0[r * step1 + i])
                for i in range(n0):
                    v1 = x0[r * step1 + i] - v0
                    y1[r * step2 + i] = v1
        """),
    (layer, [(50, 60), (60,), (7, 50)], """
        def program(x0, x1, x2):
            if not x0.flags.c_contiguous: x0 = in_order(x0)
            if not x1.flags.c_contiguous: x1 = in_order(x1)
            if not x2.flags.c_contiguous: x2 = in_order(x2)
            b3 = empty((7, 60), dtype_float32)
            b4 = empty((7, 60), dtype_float32)
            matmul_0(x2, x0, b3.reshape((7, 60)), on_rows(kernel_0, 1, 273, sizes_0, id(b3), id(x1), id(b4)))
            del b3
            return [b4]


        # add max  {HERE}:{line}: return jnp.maximum(x @ w + b, 0)
        def kernel_0(lo, hi, sizes, a0, a1, a2):
            n0 = sizes[0]  # 60
            step1 = sizes[1]  # 60
            step2 = sizes[2]  # 60
            x0 = data(a0, float32)  # b3: float32[7,60]
            x1 = data(a1, float32)  # x1: float32[60]
            y2 = data(a2, float32)  # b4: float32[7,60]
            for r in range(lo, hi):
                for i in range(n0):
                    v0 = x0[r * step1 + i] + x1[i]
                    v1 = maximum(v0, float32(0.0))
                    y2[r * step2 + i] = v1
        """),  # noqa: E501
]


@pytest.mark.parametrize(("f", "shapes", "text"), GOLDEN, ids=lambda x: getattr(x, "__name__", ""))
def test_the_printed_source(f: Callable, shapes: list, text: str) -> None:
    want = textwrap.dedent(text).lstrip().replace("{HERE}", HERE)
    assert str(source(f, *shapes)) == want.replace("{line}", str(f.__code__.co_firstlineno + 1))


def test_comments_are_not_compiled() -> None:
    """Functions that differ only in where they stand and what they are called share a kernel."""
    def other(values):
        return 1.5 * jnp.exp(values) - 1

    first, second = (source(f, (10,)).kernels["kernel_0"].source for f in (scaled, other))
    assert first == second and "#" not in first
    assert native(first, 2) is native(second, 2)


def test_a_printed_kernel_can_be_edited_and_run() -> None:
    printed = str(source(scaled, (3,))).split("\n\n\n")[-1]
    x, y = np.arange(3, dtype=np.float32), np.empty(3, np.float32)
    table = source(scaled, (3,)).kernels["kernel_0"].table()
    edited = printed.replace("def kernel_0(", "def kernel(").replace("exp_f32(x0[r])", "x0[r]")
    native(edited, 2)(0, 3, table.ctypes.data, id(x), id(y))
    assert y.tolist() == [-1.0, 0.5, 2.0]


def test_long_kernels_and_lines_are_told_briefly() -> None:
    def long(x):
        for _ in range(30):
            x = jnp.sin(x) * 2.0 + 0.25 * jnp.cos(x + 0.0000000000000000000000001) / 3.0000000000000
        return x

    comments = [line for line in str(source(long, (3,))).splitlines() if line.startswith("#")]
    assert comments and all(len(line) <= 100 for line in comments)
    assert "in all)" in comments[0]


def test_whole_numbers_and_wide_floats_are_told_as_they_are() -> None:
    with minijax.enable_x64(True):
        jaxpr = minijax.make_jaxpr(lambda x, n: (x * 0.1, n + 12))(np.zeros(2), np.zeros(2, int))
        text = str(build(jaxpr)[1])
    assert "# 0.1\n" in text and "# 12\n" in text
