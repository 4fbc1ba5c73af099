"""What `lower` and `compile` say of a program: costs and memory, beside JAX's figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import minijax

X, Y = np.ones((64, 32), np.float32), np.ones((32, 16), np.float32)
IMAGES, FILTERS = np.ones((2, 3, 8, 8), np.float32), np.ones((5, 3, 3, 3), np.float32)

PROGRAMS: dict[str, tuple[Callable, tuple]] = {
    "product": (lambda lib, x, y: lib.numpy.tanh(x @ y) + 1, (X, Y)),
    "transcendental": (lambda lib, x: lib.numpy.sin(x), (X,)),
    "sum": (lambda lib, x: lib.numpy.sum(x), (X,)),
    "sum of nothing": (lambda lib, x: lib.numpy.sum(x[:, :0], 1), (X,)),
    "maximum of rows": (lambda lib, x: lib.numpy.max(x, 1), (X,)),
    "softmax": (lambda lib, x: lib.nn.softmax(x), (X,)),
    "selu": (lambda lib, x: lib.numpy.where(x > 0, x, lib.numpy.exp(x) - 1), (X,)),
    "power": (lambda lib, x: x**5, (X,)),
    "cast": (lambda lib, x: x.astype(lib.numpy.int32), (X,)),
    "sort": (lambda lib, x: lib.numpy.sort(x), (X,)),
    "loop": (lambda lib, x: lib.lax.fori_loop(0, 9, lambda _, c: lib.numpy.sin(c), x), (X,)),
    "windows": (lambda lib, x: lib.lax.reduce_window(
        x, -np.inf, lib.lax.max, (2, 2), (2, 2), "VALID"), (X,)),
    "complex": (lambda lib, x: x @ x, (np.ones((4, 4), np.complex64),)),
    "convolution": (lambda lib, x, w: lib.lax.conv(x, w, (1, 1), "SAME"), (IMAGES, FILTERS)),
    "dilated convolution": (lambda lib, x, w: lib.lax.conv_general_dilated(
        x, w, (2, 1), [(1, 2), (0, 1)], (1, 2), (2, 1)), (IMAGES, FILTERS)),
    "convolution in groups": (lambda lib, x, w: lib.lax.conv_general_dilated(
        x, w, (1, 1), "SAME", feature_group_count=3), (IMAGES, np.ones((6, 1, 3, 3), np.float32))),
}
MOVE_ONCE = ["transcendental", "selu", "power", "cast"]  # JAX fuses these, as we do


def compiled(lib: Any, name: str) -> Any:
    f, args = PROGRAMS[name]
    return lib.jit(lambda *xs: f(lib, *xs)).lower(*map(lib.numpy.asarray, args)).compile()


@pytest.mark.parametrize("name", PROGRAMS)
def test_operations_are_counted_as_in_jax(name: str) -> None:
    ours, theirs = (compiled(lib, name).cost_analysis() for lib in (minijax, jax))
    slack = 2 if name == "loop" else 0  # JAX counts the counter
    for key in ("flops", "transcendentals"):
        assert abs(ours[key] - theirs.get(key, 0.0)) <= slack, key


@pytest.mark.parametrize("name", MOVE_ONCE)
def test_bytes_are_counted_as_in_jax(name: str) -> None:
    ours, theirs = (compiled(lib, name).cost_analysis() for lib in (minijax, jax))
    for key in ("bytes accessed", "bytes accessed0{}", "bytes accessedout{}"):
        assert ours[key] == theirs[key], key


def test_a_compiled_program_moves_less_than_its_operations_would() -> None:
    lowered = minijax.jit(minijax.nn.softmax).lower(X)
    one_by_one, together = lowered.cost_analysis(), lowered.compile().cost_analysis()
    assert together["bytes accessed"] == 2 * X.nbytes < one_by_one["bytes accessed"]
    assert together["flops"] == one_by_one["flops"]


def test_a_part_that_is_read_is_counted_as_a_part() -> None:
    cost = minijax.jit(lambda x: x[:4] * 2).lower(X).compile().cost_analysis()
    assert cost["bytes accessed"] == 2 * X[:4].nbytes


def test_derivatives_that_nobody_needs_cost_nothing() -> None:
    f = lambda lib: lib.jit(lib.grad(lambda x: lib.numpy.sum(lib.numpy.tanh(x)**2)))  # noqa: E731
    ours, theirs = (f(lib).lower(lib.numpy.asarray(X)).cost_analysis() for lib in (minijax, jax))
    assert ours["transcendentals"] == theirs["transcendentals"]
    assert theirs["flops"] <= ours["flops"] <= theirs["flops"] + X.size  # the sum itself is X.size


def test_memory_has_the_attributes_of_jax() -> None:
    ours, theirs = (compiled(lib, "product").memory_analysis() for lib in (minijax, jax))
    missing = {n for n in dir(theirs) if n.endswith("in_bytes")} - set(dir(ours))
    assert not missing and type(ours).__name__ == type(theirs).__name__
    for name in ("argument_size_in_bytes", "output_size_in_bytes", "alias_size_in_bytes"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.temp_size_in_bytes == 64 * 16 * 4  # the product, before tanh
    assert ours.peak_memory_in_bytes == sum((
        ours.argument_size_in_bytes, ours.output_size_in_bytes, ours.temp_size_in_bytes))
    assert 100 < ours.generated_code_size_in_bytes < 1 << 20


def test_what_is_compiled_runs() -> None:
    found = compiled(minijax, "sum")
    assert found.call(X) == found(X) == found.runtime_executable()(X)[0] == X.size
    assert found.out_info.shape == () and str(found.out_tree) == "PyTreeDef(*)"


def test_memory_between_operations_of_numpy_counts() -> None:
    def f(x):
        return minijax.numpy.fft.fft(minijax.numpy.fft.fft(x))

    found = minijax.jit(f).lower(np.ones(100, np.complex64)).compile().memory_analysis()
    assert found.temp_size_in_bytes == 800
