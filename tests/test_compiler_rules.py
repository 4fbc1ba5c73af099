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
from minijax.compiler.flatten import flatten
from minijax.compiler.lowering import LOWERINGS, lowerable
from minijax.compiler.window_views import REDUCED
from minijax.jaxpr import JaxprEqn
from tests.operations import Case, convolution, indexing, random_bits, reducing, shaping, sorting, windows
from tests.test_operations import all_close, draw, ours
from tests.tiers import thinned

MODULES = (random_bits, indexing, reducing, shaping, sorting, windows, convolution)
NOT_COMPILED = {"cumlogsumexp-complex", "conv_general_dilated-complex"}
CASES = [c for m in MODULES for c in m.CASES if c.id not in NOT_COMPILED and (
    c.op in LOWERINGS or c.op in REDUCED or c.op.startswith("random") and c.op != "random_gamma")]
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
    return [np.array(x) for x in run(*map(np.asarray, args))]


def refused(e: JaxprEqn) -> bool:
    """Is it an operation with a rule, but not for these dtypes?"""
    if e.primitive.name in REDUCED:
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
