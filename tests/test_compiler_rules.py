"""Operations that are compiled do what their `impl` does, on the cases of `tests/operations`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest

import minijax
from minijax import dtypes
from minijax.compiler import backend, driver
from minijax.compiler.emit import Writer
from minijax.compiler.executable import compile_after
from minijax.compiler.flatten import flatten
from minijax.compiler.lowering import LOWERINGS, emit_alone, lowerable, write_alone
from minijax.compiler.plan import REWRITTEN, plan
from minijax.jaxpr import JaxprEqn
from tests.operations import (
    Case,
    convolution,
    indexing,
    random_bits,
    reducing,
    shaping,
    sorting,
    windows,
)
from tests.test_operations import all_close, draw, ours
from tests.tiers import thinned

MODULES = (random_bits, indexing, reducing, shaping, sorting, windows, convolution)
NOT_COMPILED = {"cumlogsumexp-complex", "conv_general_dilated-complex"}
RULES = {*LOWERINGS, *REWRITTEN, "random_seed", "random_fold_in", "random_clone"}
CASES = [c for m in MODULES for c in m.CASES if c.op in RULES and c.id not in NOT_COMPILED]
NARROWER = ("bool", "uint8", "int16", "uint32", "float16", "bfloat16", "float32", "complex64")


@pytest.fixture(autouse=True)
def wide() -> Iterator[None]:
    with jax.enable_x64(True), minijax.enable_x64(True):
        yield


@pytest.fixture(autouse=True)
def every_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules are tried also where NumPy is faster."""
    monkeypatch.setattr(driver, "faster_alone", lambda e: True)


def compiled(case: Case, *args: Any) -> list[np.ndarray]:
    """The results of the case as a compiled program. NumPy does only what no rule accepts."""
    program = minijax.make_jaxpr(lambda *args: ours(case, *args))(*args).jaxpr
    run, source = backend.build(program)
    assert "step_" not in source.driver or any(map(refused, flatten(program).eqns)), source
    with np.errstate(all="ignore"):  # as around every program
        return [np.array(x) for x in run(*map(np.asarray, args))]


def refused(e: JaxprEqn) -> bool:
    """Is it an operation with a rule, but not for these dtypes?"""
    if e.primitive.name in REWRITTEN:
        return dtypes.kind(e.invars[0].aval.dtype) == "c"
    return e.primitive.name in LOWERINGS and not lowerable(e)


def in_dtype(case: Case, dtype: str) -> Case:
    """The case with arguments of another dtype, if they are of float64 and not special."""
    args = tuple(dataclasses.replace(a, dtype=dtype) if a.dtype == "float64" and not a.values else a
                 for a in case.args)
    return dataclasses.replace(case, args=args, label=f"{case.label}-{dtype}")


def variants() -> list[Case]:
    return [in_dtype(c, dtype) for c in CASES for dtype in NARROWER
            if any(a.dtype == "float64" and not a.values for a in c.args)]


def each(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", thinned(cases, lambda c: c.op, lambda c: c.id))


class TestCases:
    @each(CASES)
    def test_value_is_that_of_impl(self, case: Case) -> None:
        args = draw(case)
        all_close(compiled(case, *args), ours(case, *args), case.rtol)

    @pytest.mark.slow
    @pytest.mark.parametrize("case", variants(), ids=lambda c: c.id)
    def test_in_every_dtype(self, case: Case) -> None:
        args = draw(case)
        try:
            want = ours(case, *args)
        except (TypeError, ValueError):  # the operation does not take the dtype
            return
        exact = max((float(dtypes.finfo(a.dtype).eps) for a in args
                     if dtypes.is_inexact(a.dtype)), default=0.0)
        all_close(compiled(case, *args), want, 16 * exact)


def built(fun: Any, *args: Any) -> tuple[list[np.ndarray], Any]:
    """The results of a function as a compiled program, and its source."""
    run, source = backend.build(minijax.make_jaxpr(fun)(*args).jaxpr)
    return [np.array(x) for x in run(*map(np.asarray, args))], source


KEY = np.array([7, 2**32 - 5], np.uint32)


class TestRandom:
    @pytest.mark.parametrize("width", [8, 16, 32, 64])
    def test_bits_are_jax_s(self, width: int) -> None:
        (got,), _ = built(lambda k: minijax.random.bits(k, (3, 5), f"uint{width}"), KEY)
        np.testing.assert_array_equal(got, jax.random.bits(KEY, (3, 5), f"uint{width}"))

    def test_normal_numbers_are_one_pass_over_memory(self) -> None:
        (got,), source = built(lambda k: minijax.random.normal(k, (999,), "float32"), KEY)
        np.testing.assert_allclose(got, jax.random.normal(KEY, (999,), "float32"), rtol=1e-5)
        assert [k.count for k in source.kernels.values()] == [1, 999]  # the key, and the numbers

    @pytest.mark.slow
    def test_a_key_for_each_row(self) -> None:
        def f(jax: Any) -> Any:
            def rows(key: Any) -> Any:
                keys = jax.random.split(jax.random.wrap_key_data(key), (2, 3))
                return jax.vmap(jax.vmap(lambda k: jax.random.uniform(k, (4, 5), "float32")))(keys)

            return rows

        (got,), _ = built(f(minijax), KEY)
        np.testing.assert_array_equal(got, f(jax)(KEY))

    def test_keys_move_like_numbers(self) -> None:
        def moved(key: Any, i: Any) -> Any:
            keys = minijax.random.split(minijax.random.wrap_key_data(key), 6)
            keys = minijax.numpy.concatenate([keys[i], keys[::-2]])
            keys = minijax.lax.dynamic_slice(keys, (i[0],), (2,))
            return minijax.random.key_data(minijax.random.fold_in(keys[1], 3))

        i = np.array([2, 4, -1], np.int32)
        (got,), source = built(moved, KEY, i)
        np.testing.assert_array_equal(got, moved(KEY, i))
        assert "step_" not in source.driver

    def test_a_key_that_is_a_constant(self) -> None:
        seed = 2**33 + 1
        (got,), _ = built(lambda: minijax.random.bits(minijax.random.key(seed), (4,), "uint32"))
        np.testing.assert_array_equal(got, jax.random.bits(jax.random.key(seed), (4,), "uint32"))


class TestMemory:
    def test_a_scatter_into_its_operand_copies_nothing(self) -> None:
        """As in a loop, where nobody else needs the operand."""
        def f(x: Any, i: Any, u: Any) -> Any:
            return x.at[i].add(u)

        program = minijax.make_jaxpr(f)(np.ones((5, 2)), np.array([1, 1, 4]), np.ones((3, 2))).jaxpr
        planned = plan(flatten(program))
        e = next(e for s in planned.steps for e in s.eqns if e.primitive.name == "scatter-add")
        assert len(emit_alone(e, planned)) == 2
        writer = Writer()
        writer.local[e.outvars[0]] = writer.array(e.invars[0])
        write_alone(e, planned, writer)
        assert len(writer.arrays) == 3
        assert "copy_elements" not in writer.source()

    def test_bytes_are_copied_as_they_are(self) -> None:
        x = np.arange(2**16, dtype=np.uint16).view(dtypes.bfloat16)  # with every nan there is
        (got,), _ = built(lambda x: minijax.numpy.concatenate([x[3:], x]), x)
        want = np.concatenate([x[3:], x])
        np.testing.assert_array_equal(got.view(np.uint16), want.view(np.uint16))

    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_large_pieces_and_small_ones(self, axis: int) -> None:
        x = np.arange(2 * 30 * 40, dtype=np.float32).reshape(2, 30, 40)
        for pieces in ([x, x], [x[:, :1], x[:, 1:]] if axis == 1 else [x]):
            (got,), _ = built(lambda *xs: minijax.numpy.concatenate(xs, axis), *pieces)
            np.testing.assert_array_equal(got, np.concatenate(pieces, axis))


class TestConvolution:
    """Tiles of the product: more and fewer rows and columns than one has, and both layouts."""

    @pytest.mark.slow
    @pytest.mark.parametrize(("features", "outputs", "size"), [(3, 40, 9), (5, 16, 2), (2, 1, 1)])
    @pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
    def test_gradients_are_jax_s(self, features: int, outputs: int, size: int, layout: str) -> None:
        rng = np.random.default_rng(0)
        x, w = (rng.normal(size=s).astype(np.float32) for s in (
            (4, size, 7, features), (3, 2, features, outputs)))
        if layout == "NCHW":
            x = x.transpose(0, 3, 1, 2)

        def gradients(jax: Any) -> Any:
            def loss(x: Any, w: Any) -> Any:
                return jax.numpy.sum(jax.lax.conv_general_dilated(
                    x, w, (1, 2), "SAME", dimension_numbers=(layout, "HWIO", layout)) ** 2)

            return jax.grad(loss, (0, 1))

        got, source = built(gradients(minijax), x, w)
        assert "step_" not in source.driver
        for g, want in zip(got, gradients(jax)(x, w)):
            np.testing.assert_allclose(g, want, rtol=1e-4, atol=1e-4)


IN_LOOPS = {
    "random": lambda m, x, i: m.random.normal(m.random.fold_in(m.random.key(3), i), x.shape) + x,
    "gather": lambda m, x, i: x[(m.numpy.arange(4) * i) % 4] + x[i % 4],
    "scatter": lambda m, x, i: x.at[i % 4].add(1.5).at[:, (i + 1) % 3].set(0.5),
    "scatter-drop": lambda m, x, i: x.at[m.numpy.array([9, 1, 1]) - i].add(x[:3], mode="drop"),
    "update": lambda m, x, i: m.lax.dynamic_update_slice(x, x[:2] * 2, (i, i)),
    "slice": lambda m, x, i: m.lax.dynamic_slice(m.numpy.tile(x, (2, 2)), (i, i), (4, 3)),
    "join": lambda m, x, i: m.numpy.concatenate([x[1:], x[:1]]) + m.numpy.stack([x[0]] * 4),
    "pad": lambda m, x, i: m.lax.pad(x, 0.5, [(1, -1, 0), (-1, 1, 0)]),
    "argmax": lambda m, x, i: x + m.numpy.argmax(x, 1)[:, None] - m.numpy.argmin(x, 0),
    "cumsum": lambda m, x, i: m.numpy.cumsum(x, 0) - m.lax.cummax(x, 1, reverse=True),
    "sort": lambda m, x, i: m.numpy.sort(x, 0) + m.numpy.argsort(-x, 1) * 0.5,
    "top_k": lambda m, x, i: x - m.lax.top_k(x, 2)[0][:, 1:],
    "reduce": lambda m, x, i: x + m.lax.reduce(x, np.float64(1), lambda a, b: a + b * a, (0,)) / 99,
    "window": lambda m, x, i: x - m.lax.reduce_window(
        x, -np.inf, m.lax.max, (2, 2), (1, 1), "SAME"),
    "conv": lambda m, x, i: x - m.lax.conv_general_dilated(
        x[None, None], x[None, None, :3, :3], (1, 1), "SAME")[0, 0],
}


class TestLoops:
    @pytest.mark.parametrize("name", [
        pytest.param(n, marks=[] if n in ("random", "scatter") else [pytest.mark.slow])
        for n in IN_LOOPS])
    def test_rules_within_a_loop(self, name: str) -> None:
        """The whole loop is one kernel, and does what JAX's does."""
        x = np.random.default_rng(0).normal(size=(4, 3))

        def looped(m: Any) -> Any:
            return lambda x: m.lax.fori_loop(0, 3, lambda i, x: IN_LOOPS[name](m, x, i), x)

        (got,), source = built(looped(minijax), x)
        assert "step_" not in source.driver, source
        np.testing.assert_allclose(got, looped(jax)(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8"])
@pytest.mark.parametrize("n", [1, 2, 8, 3, 64, -2, 0])
def test_quotients_and_remainders_of_powers_of_two(dtype: str, n: int) -> None:
    """Rounded downwards, whichever instructions do it; of negative numbers too."""
    if dtype == "uint8" and n < 0:
        return
    x = np.arange(-128, 128).astype(dtype)
    for call in (lambda x: x // n, lambda x: x % n):
        with compile_after(0):
            got = minijax.jit(call)(x)
            each = [minijax.jit(call)(v) for v in x[::37]]
        want = jax.jit(call)(x)
        assert (np.asarray(got) == np.asarray(want)).all() and got.dtype == want.dtype
        assert [int(v) for v in each] == [int(v) for v in want[::37]]


def test_a_divisor_is_what_its_dtype_makes_of_it() -> None:
    x = np.arange(-128, 128).astype(np.int8)

    def call(x: Any, m: Any) -> Any:
        wide = m.numpy.full(x.shape, 128, np.int32)  # -128 as an int8
        return x // wide.astype(np.int8), x % wide.astype(np.int8)

    with compile_after(0):
        got = minijax.jit(lambda x: call(x, minijax))(x)
    np.testing.assert_array_equal(got, jax.jit(lambda x: call(x, jax))(x))


def test_division_by_a_power_of_two_is_one_instruction() -> None:
    for x in np.int32(5), np.arange(5, dtype=np.int32):
        text = minijax.jit(lambda x: (x // 8, x % 8)).lower(x).as_text()
        assert "quotient" not in text and "remainder" not in text and "select" not in text
        text = minijax.jit(lambda x: (x // 7, x % x)).lower(x).as_text()
        assert "quotient" in text and "remainder" in text
