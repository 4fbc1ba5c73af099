"""`jax.ops`, beside JAX's."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as np_of_jax
import numpy as np
import pytest

import minijax
import minijax.numpy as jnp

NAMES = ["segment_sum", "segment_prod", "segment_max", "segment_min"]
IDS = np.array([0, 2, 2, -1, 5, 0])
OPTIONS: dict[str, dict[str, Any]] = {
    "as many as there are": {}, "given": {"num_segments": 3}, "more": {"num_segments": 8},
    "buckets": {"num_segments": 4, "bucket_size": 4}, "clip": {"num_segments": 3, "mode": "clip"},
    "none": {"num_segments": 0}}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("dtype, shape", [("float32", (6, 2)), ("int8", (6,)), ("bfloat16", (6,))])
def test_segments(name: str, options: dict, dtype: str, shape: tuple) -> None:
    data = np.arange(1, np.prod(shape) + 1).reshape(shape) % 7
    mine = getattr(minijax.ops, name)(jnp.array(data, dtype), jnp.array(IDS), **options)
    theirs = getattr(jax.ops, name)(np_of_jax.array(data, dtype), np_of_jax.array(IDS), **options)
    assert mine.dtype == theirs.dtype
    np.testing.assert_array_equal(np.asarray(mine, np.float32), np.asarray(theirs, np.float32))


def test_under_transformations() -> None:
    def loss(lib: Any, data: Any, ids: Any) -> Any:
        return lib.numpy.sum(lib.ops.segment_sum(data, ids, 3) ** 2)

    data = np.arange(12.0, dtype=np.float32).reshape(2, 6)
    mine, theirs = (
        lib.jit(lib.vmap(lib.grad(lambda x, ids, lib=lib: loss(lib, x, ids)), (0, None)))(data, IDS)
        for lib in (minijax, jax))
    np.testing.assert_allclose(mine, theirs, 1e-6)


@pytest.mark.parametrize("call, error", [
    (lambda lib: lib.ops.segment_sum(lib.numpy.ones(3), lib.numpy.array([0, 1, 0]), -1),
     ValueError),
    (lambda lib: lib.jit(lib.ops.segment_max)(lib.numpy.ones(2), lib.numpy.array([0, 1])),
     (minijax.errors.ConcretizationTypeError, jax.errors.ConcretizationTypeError)),
    (lambda lib: lib.ops.segment_sum([1, 2], lib.numpy.array([0, 1])), TypeError),
    (lambda lib: lib.ops.segment_sum(lib.numpy.ones((4, 2)), lib.numpy.array([0, 1])), ValueError),
])
def test_misuse(call: Any, error: Any) -> None:
    for lib in minijax, jax:
        with pytest.raises(error):
            call(lib)
