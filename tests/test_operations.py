"""The laws that every operation obeys, stated once, on every case of `tests/operations`.

The oracle is JAX, in 64 bits, so that a wrong digit shows; a smaller pass in 32 bits, the default,
compares dtypes and weak types. Each class is one group of laws and one unit of work for xdist.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import operator
import pkgutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
import pytest

import minijax
from minijax import dtypes
from minijax.config import enable_checks
from minijax.core import Primitive
from minijax.jaxpr import subprograms
from minijax.jvp import as_array
from minijax.lax.__main__ import HOLES, has_transpose, holes, operations as every_operation
from tests import operations
from tests.both import together
from tests.operations import Case
from tests.test_jaxpr_text import normal, size
from tests.tiers import thinned

MODULES = [importlib.import_module(f"tests.operations.{m.name}")
           for m in pkgutil.iter_modules(operations.__path__)]
CASES = [c for module in MODULES for c in module.CASES]
BATCH = 3
FIRST = [c for n, c in enumerate(CASES) if c.op not in {d.op for d in CASES[:n]}]
TOGETHER = [cases[n:n + 50] for cases in (FIRST, [c for c in CASES if c not in FIRST])
            for n in range(0, len(cases), 50)]  # what JAX compiles as one program


@pytest.fixture(autouse=True)
def sharp() -> Iterator[None]:
    """64 bits, and every program that is built is type-checked."""
    with jax.enable_x64(True), minijax.enable_x64(True), enable_checks(True):
        yield


def each(cases: Sequence[Case]) -> Any:
    return pytest.mark.parametrize("case", thinned(cases, lambda c: c.op, lambda c: c.id))


# --- tools -----------------------------------------------------------------------------------


def rng_of(case: Case) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(case.id.encode()))


def draw(case: Case) -> list[Any]:
    rng = rng_of(case)
    return [as_array(a.make(rng)) for a in case.args]


def ours(case: Case, *args: Any) -> list[Any]:
    return minijax.tree_util.tree_leaves(case.fun(minijax.lax, *args))


def theirs(case: Case, *args: Any) -> list[Any]:
    if case.oracle:
        return jax.tree.leaves(operator.attrgetter(case.oracle)(jax)(*args))
    return jax.tree.leaves(case.fun(jax.lax, *args))


def compiled(inputs: Callable[[Case], Any]) -> Callable:
    """Decorates `call(case, *inputs(case))` in JAX: others are compiled with a case, and kept."""

    def decorate(call: Callable) -> Callable[[Case], Any]:
        @functools.cache
        def results(number: int) -> dict[str, Any]:
            cases = TOGETHER[number]
            return together({c.id: lambda args, c=c: call(c, *args[c.id]) for c in cases},
                            {c.id: inputs(c) for c in cases})

        def result(case: Case) -> Any:
            answer = results(next(n for n, cases in enumerate(TOGETHER) if case in cases))[case.id]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return result

    return decorate


def arrays(xs: Sequence[Any]) -> list[np.ndarray]:
    return [np.asarray(x) for x in xs]


def like(x: Any, rng: np.random.Generator) -> np.ndarray:
    """A random value of the type of `x`."""
    t = rng.normal(size=x.shape)
    return np.asarray(t + 1j * rng.normal(size=x.shape) if x.dtype.kind == "c" else t, x.dtype)


def inexact(x: Any) -> bool:
    return dtypes.is_inexact(np.dtype(x.dtype))


def close(got: Any, want: Any, rtol: float) -> None:
    """Same dtype and shape; equal, for floats up to `rtol` of the largest element."""
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    if not inexact(want):
        np.testing.assert_array_equal(got, want)
        return
    rtol = max(rtol, 16 * float(dtypes.finfo(want.dtype).eps))
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    got, want = got.astype(wide), want.astype(wide)
    largest = np.max(np.abs(want), where=np.isfinite(want), initial=1e-2)
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * float(largest))


def all_close(got: Sequence[Any], want: Sequence[Any], rtol: float) -> None:
    assert len(got) == len(want)
    for g, w in zip(got, want):
        close(g, w, rtol)


def primitives(jaxpr: Any) -> Iterator[Primitive]:
    """Those of a program and of the programs in it."""
    for e in jaxpr.eqns:
        yield e.primitive
        for sub in subprograms(e.params):
            yield from primitives(sub)


OTHER_PROGRAM = {  # operations whose program is not printed as JAX's
    "random_gamma_grad": "JAX makes it of two loops, here it is one operation",
    "reduce": "JAX prints the address of a Python function",
    "solve": "JAX makes it of several programs, here it is one operation",
} | dict.fromkeys("betaln dawsn erfcx exp1 expi hurwitz_zeta log_ndtr ndtri spence".split(),
                  "JAX makes it of many operations, SciPy has it as one")

# --- value and type --------------------------------------------------------------------------


@compiled(lambda case: arrays(draw(case)))
def value_in_jax(case: Case, *args: Any) -> list[Any]:
    return theirs(case, *args)


class TestValues:
    @each(CASES)
    def test_value_is_jax_s(self, case: Case) -> None:
        got, want = ours(case, *draw(case)), value_in_jax(case)
        all_close(got, want, case.rtol)
        assert [x.weak_type for x in got] == [x.weak_type for x in want]

    @pytest.mark.filterwarnings("ignore:Explicitly requested dtype")  # some ask for 64
    @each(CASES)
    def test_types_in_32_bits_are_jax_s(self, case: Case) -> None:
        """Rank-0 arguments are Python scalars here, which are weakly typed."""
        args = [a.item() if a.shape == () and np.dtype(a.dtype).itemsize >= 8 else a
                for a in arrays(draw(case))]
        with jax.enable_x64(False), minijax.enable_x64(False):
            got = ours(case, *args)
            want = jax.eval_shape(functools.partial(theirs, case), *args)
            assert [(x.shape, x.dtype, x.weak_type) for x in got] == [
                (x.shape, x.dtype, x.weak_type) for x in want]

    @each(CASES)
    def test_type_is_that_of_the_value_and_jit_changes_nothing(self, case: Case) -> None:
        args, f = draw(case), functools.partial(ours, case)
        outs = f(*args)
        assert minijax.eval_shape(f, *args) == [
            minijax.ShapeDtypeStruct(x.shape, x.dtype, weak_type=x.weak_type) for x in outs]
        all_close(minijax.jit(f)(*args), outs, 0)

    @each(CASES)
    def test_program_is_jax_s(self, case: Case) -> None:
        """And calls the operation that the case is about."""
        args = draw(case)
        jaxpr = minijax.make_jaxpr(functools.partial(ours, case))(*args)
        assert case.op in {p.name for p in primitives(jaxpr)}
        if case.oracle or case.op in OTHER_PROGRAM:
            return
        oracle = jax.make_jaxpr(functools.partial(theirs, case))(*arrays(args))
        assert normal(str(jaxpr)).split() == normal(str(oracle)).split()


# --- derivatives -----------------------------------------------------------------------------


def differentiable(case: Case) -> list[int]:
    return [i for i, a in enumerate(case.args)
            if a.diff and dtypes.kind(np.dtype(a.dtype)) in "fc"]


DIFFERENTIABLE = [c for c in CASES if differentiable(c)]


class Smooth:
    """A case as a function of its differentiable arguments that returns its inexact results."""

    def __init__(self, case: Case):
        self.case, self.args, self.nums = case, draw(case), differentiable(case)
        self.xs = [self.args[i] for i in self.nums]
        rng = rng_of(case)
        self.ts = [like(x, rng) for x in self.xs]
        self.us = [like(x, rng) for x in self.xs]
        self.rng, self.rtol = rng, 100 * case.rtol

    @functools.cached_property
    def outs(self) -> list[Any]:
        return self(*self.xs)

    @functools.cached_property
    def cts(self) -> list[np.ndarray]:
        return [like(x, self.rng) for x in self.outs]

    @property
    def sharp(self) -> bool:
        return all(dtypes.finfo(x.dtype).bits == 64 for x in [*self.xs, *self.outs])

    def insert(self, args: Sequence[Any], xs: Sequence[Any]) -> list[Any]:
        """`args`, with `xs` in the differentiable places."""
        given = dict(zip(self.nums, xs))
        return [given.get(i, x) for i, x in enumerate(args)]

    def run(self, call: Callable, args: Sequence[Any], xs: Sequence[Any]) -> list[Any]:
        return [x for x in call(self.case, *self.insert(args, xs)) if inexact(x)]

    def __call__(self, *xs: Any) -> list[Any]:
        return self.run(ours, self.args, xs)

    def oracle(self, *xs: Any) -> list[Any]:
        return self.run(theirs, [jax.numpy.asarray(x) for x in arrays(self.args)], xs)

    def jvp(self, ts: Sequence[Any]) -> list[Any]:
        return minijax.jvp(self, tuple(self.xs), tuple(ts))[1]

    def pull(self, *xs: Any) -> Sequence[Any]:
        return minijax.vjp(self, *xs)[1](self.cts)


def differences(f: Callable, xs: Sequence[Any], ts: Sequence[Any], h: float = 1e-5
                ) -> list[np.ndarray]:
    """The derivative of f at xs in the direction ts, by central differences."""
    ahead, behind = ([np.asarray(y) for y in f(*[np.asarray(x + s * np.asarray(t))
                                                 for x, t in zip(arrays(xs), ts)])]
                     for s in (h, -h))
    return [(a - b) / (2 * h) for a, b in zip(ahead, behind)]


def inner(xs: Sequence[Any], ys: Sequence[Any]) -> float:
    """The pairing of cotangents and tangents: no conjugation, and the real part of the sum."""
    return sum(float(np.sum(np.asarray(x, complex) * np.asarray(y, complex)).real)
               for x, y in zip(xs, ys))


@compiled(lambda case: (arrays(draw(case)), Smooth(case).ts))
def jvp_in_jax(case: Case, args: Sequence[Any], ts: Sequence[Any]) -> Any:
    f = Smooth(case)
    return jax.jvp(lambda *xs: f.run(theirs, args, xs), [args[i] for i in f.nums], ts)


class TestDerivatives:
    @each(DIFFERENTIABLE)
    def test_jvp_is_jax_s(self, case: Case) -> None:
        """Where JAX has no derivative, we have none, with the same class of error."""
        f = Smooth(case)
        try:
            outs, tangents = jvp_in_jax(case)
        except (NotImplementedError, TypeError, ValueError) as error:
            assert case.order == 0, "JAX cannot differentiate it: say so with order=0"
            with pytest.raises(type(error)):
                f.jvp(f.ts)
            return
        got_outs, got = minijax.jvp(f, tuple(f.xs), tuple(f.ts))
        all_close(got_outs, outs, case.rtol)
        all_close(got, tangents, f.rtol)

    @each([c for c in DIFFERENTIABLE if c.order >= 1])
    def test_jvp_is_the_limit_of_differences(self, case: Case) -> None:
        f = Smooth(case)
        if f.sharp:
            all_close(f.jvp(f.ts), differences(f, f.xs, f.ts), max(f.rtol, 1e-6))

    @each([c for c in DIFFERENTIABLE if c.order >= 1])
    def test_the_linear_map_is_linear_and_its_transpose_is_adjoint(self, case: Case) -> None:
        f = Smooth(case)
        outs, push = minijax.linearize(f, *f.xs)
        assert [p for p in primitives(push.jaxpr) if not has_transpose(p)] == []
        a, b = 0.7, -1.3
        mixed = [np.asarray(a * t + b * u, t.dtype) for t, u in zip(f.ts, f.us)]
        want = [np.asarray(a * np.asarray(t) + b * np.asarray(u), t.dtype)
                for t, u in zip(push(*f.ts), push(*f.us))]
        all_close(push(*mixed), want, 1e-10)
        all_close(push(*f.ts), f.jvp(f.ts), 1e-10)
        cts = f.pull(*f.xs)
        assert [(c.shape, c.dtype) for c in cts] == [(x.shape, x.dtype) for x in f.xs]
        tolerance = 1e-10 if f.sharp else 1e-2
        assert inner(cts, f.ts) == pytest.approx(
            inner(f.cts, push(*f.ts)), rel=tolerance, abs=tolerance)

    @each([c for c in DIFFERENTIABLE if c.order >= 1])
    def test_derivatives_have_no_more_equations_than_jax_s(self, case: Case) -> None:
        f = Smooth(case)
        xs, ts, cts = arrays(f.xs), tuple(f.ts), list(f.cts)
        jax_ts = tuple(map(jax.numpy.asarray, ts))  # its rule for lu indexes the tangent
        for g, oracle in (
            (lambda *xs: minijax.jvp(f, xs, ts), lambda *xs: jax.jvp(f.oracle, xs, jax_ts)),
            (lambda *xs: minijax.vjp(f, *xs)[1](cts), lambda *xs: jax.vjp(f.oracle, *xs)[1](cts)),
        ):
            mine, theirs = size(minijax.make_jaxpr(g)(*xs)), size(jax.make_jaxpr(oracle)(*xs))
            del mine["jit"], theirs["jit"]  # calls: what they call is counted
            assert mine.total() <= theirs.total(), (mine, theirs)

    @each([c for c in DIFFERENTIABLE if c.order >= 2])
    def test_second_order(self, case: Case) -> None:
        """The derivative of the pullback, forwards, against differences and backwards."""
        f = Smooth(case)
        tangents = minijax.jvp(f.pull, tuple(f.xs), tuple(f.us))[1]
        if f.sharp:
            all_close(tangents, differences(f.pull, f.xs, f.us), max(f.rtol, 1e-6))
        back = minijax.vjp(f.pull, *f.xs)[1](tuple(as_array(t) for t in f.ts))
        tolerance = 1e-9 if f.sharp else 1e-2
        assert inner(back, f.us) == pytest.approx(
            inner(f.ts, tangents), rel=tolerance, abs=tolerance)


# --- batches ---------------------------------------------------------------------------------


def subsets(items: Sequence[int], most: int = 7) -> list[tuple[int, ...]]:
    """Non-empty subsets: all of the items first, then the small ones."""
    sizes = [len(items), *range(1, len(items))]
    every = itertools.chain.from_iterable(itertools.combinations(items, n) for n in sizes)
    return [s for s in itertools.islice(every, most) if s]


class Batch:
    """A case with BATCH draws of each argument, of which those in `mapped` are mapped over."""

    def __init__(self, case: Case, mapped: Sequence[int]):
        rng = rng_of(case)
        draws = [[a.make(rng) for _ in range(BATCH)] for a in case.args]
        self.mapped = mapped
        self.rows = [[draws[i][b if i in mapped else 0] for i in range(len(draws))]
                     for b in range(BATCH)]

    def args(self, axes: dict[int, int]) -> tuple[list[Any], tuple[int | None, ...]]:
        """The arguments, those mapped stacked along `axes`, and in_axes."""
        full = [np.stack([row[i] for row in self.rows], axes[i]) if i in axes else x
                for i, x in enumerate(self.rows[0])]
        return [as_array(x) for x in full], tuple(axes.get(i) for i in range(len(full)))

    def loop(self, f: Callable) -> list[np.ndarray]:
        """What vmap means: f for each row, and the results stacked."""
        return [np.stack(outs) for outs in zip(*(arrays(f(*map(as_array, row)))
                                                 for row in self.rows))]

    def layouts(self) -> list[dict[int, int]]:
        """Which axis is mapped: the first, the last, and some of each."""
        first, last = dict.fromkeys(self.mapped, 0), dict.fromkeys(self.mapped, -1)
        mixed = {i: -(n % 2) for n, i in enumerate(self.mapped)}
        return [first, last, *([mixed] if len(self.mapped) > 1 else [])]


def batchable(case: Case) -> list[int]:
    return [i for i, a in enumerate(case.args) if a.batch]


BATCHABLE = [c for c in CASES if batchable(c)]


class TestBatches:
    @each(BATCHABLE)
    def test_vmap_is_a_loop(self, case: Case) -> None:
        f = functools.partial(ours, case)
        for mapped in subsets(batchable(case)):
            batch = Batch(case, mapped)
            want = batch.loop(f)
            for axes in batch.layouts():
                args, in_axes = batch.args(axes)
                all_close(minijax.vmap(f, in_axes)(*args), want, case.rtol)

    @each(BATCHABLE)
    def test_vmap_in_and_under_jit(self, case: Case) -> None:
        f = functools.partial(ours, case)
        batch = Batch(case, batchable(case))
        want = batch.loop(f)
        args, in_axes = batch.args(batch.layouts()[-1])
        all_close(minijax.jit(minijax.vmap(f, in_axes))(*args), want, case.rtol)
        all_close(minijax.vmap(minijax.jit(f), in_axes)(*args), want, case.rtol)

    @each([c for c in BATCHABLE if c.order >= 1 and differentiable(c)])
    def test_vmap_of_a_derivative_and_derivative_of_a_vmap(self, case: Case) -> None:
        f, nums = Smooth(case), differentiable(case)

        def smooth(*args: Any) -> list[Any]:
            return [x for x in ours(case, *args) if inexact(x)]

        def gradients(*args: Any) -> list[Any]:
            """Those of a row, with the same cotangents for each."""
            xs = [args[i] for i in nums]
            return list(minijax.vjp(lambda *xs: f.run(ours, args, xs), *xs)[1](f.cts))

        batch = Batch(case, batchable(case))
        want = batch.loop(gradients)
        args, in_axes = batch.args(batch.layouts()[-1])
        all_close(minijax.vmap(gradients, in_axes)(*args), want, f.rtol)

        args, in_axes = batch.args(batch.layouts()[0])
        mapped = minijax.vmap(smooth, in_axes)
        _, pull = minijax.vjp(lambda *xs: mapped(*f.insert(args, xs)), *[args[i] for i in nums])
        got = pull([np.stack([ct] * BATCH) for ct in f.cts])
        want = [x if i in batch.mapped else x.sum(0) for i, x in zip(nums, want)]
        all_close(got, want, f.rtol)


# --- every operation -------------------------------------------------------------------------

ELSEWHERE = {  # operations that no case can call by itself, and where they are tested
    "tests/test_spine.py": "add_any jit",
    "tests/test_control_flow.py": "cond scan while custom_linear_solve",
    "tests/test_custom_rules.py": "custom_jvp_call custom_vjp_call custom_lin",
    "tests/test_checkpoint.py": "name remat2",
    "tests/test_shard_map.py": "all_gather_invariant pvary shard_map",
    "tests/test_meshes.py": "reshard sharding_constraint",
    "tests/test_pmap_callbacks.py": "ask",
    "tests/test_collectives.py": "all_gather all_to_all axis_index pbroadcast ppermute "
                                 "reduce_scatter",
    "tests/test_effects.py": "debug_callback debug_print io_callback pure_callback",
    "tests/test_random.py": "random_binomial random_poisson fma",
    "tests/test_public_behaviour.py": "custom_vmap_call",
    "tests/test_elementwise.py": "gcd lcm",
}


class TestEveryOperation:
    def test_has_a_case(self) -> None:
        covered = {c.op for c in CASES}.union(*map(str.split, ELSEWHERE.values()))
        assert sorted(every_operation().keys() - covered) == [], "add a case in tests/operations"

    def test_has_its_rules(self) -> None:
        """See the table: python -m minijax.lax."""
        assert set(holes()) - HOLES.keys() == set(), "a rule is missing"
        assert HOLES.keys() - set(holes()) == set(), "HOLES explains what is no hole"

    def test_case_names_are_unique(self) -> None:
        ids = [c.id for c in CASES]
        assert sorted(i for i in set(ids) if ids.count(i) > 1) == [], "use label="
