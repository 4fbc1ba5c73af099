"""Collectives inside vmap: against JAX, and where JAX has none or is wrong, against NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import pytest

import minijax
import minijax.numpy as jnp
from minijax.config import enable_checks
from minijax.lax.all_reduce import AllReduce, all_reduce
from tests.both import compiled
from tests.test_jaxpr_text import normal as normal_form

N = 3
RING = [(0, 1), (1, 2), (2, 0)]
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 6, 2)).astype(np.float32)  # N elements of shape (6, 2)


@pytest.fixture(autouse=True)
def checked() -> Iterator[None]:
    with enable_checks(True):
        yield


def close(got: Any, want: Any, tolerance: float = 1e-5) -> None:
    got, want = map(np.asarray, (got, want))
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_allclose(got, want, tolerance, tolerance)


# The operation, and what it is in NumPy: from all elements, x[i], the results of all elements.

LINEAR: dict[str, tuple[Callable, Callable]] = {
    "psum": (lambda lax, x: lax.psum(x, "i"), lambda x: np.stack([x.sum(0)] * N)),
    "pmean": (lambda lax, x: lax.pmean(x, "i"), lambda x: np.stack([x.mean(0)] * N)),
    "all_gather": (lambda lax, x: lax.all_gather(x, "i"), lambda x: np.stack([x] * N)),
    "all_gather-last": (lambda lax, x: lax.all_gather(x, "i", axis=-1),
                        lambda x: np.stack([np.stack(list(x), -1)] * N)),
    "all_gather-tiled": (lambda lax, x: lax.all_gather(x, "i", axis=1, tiled=True),
                         lambda x: np.stack([np.concatenate(list(x), 1)] * N)),
    "ppermute": (lambda lax, x: lax.ppermute(x, "i", RING), lambda x: x[[2, 0, 1]]),
    "pshuffle": (lambda lax, x: lax.pshuffle(x, "i", [1, 2, 0]), lambda x: x[[1, 2, 0]]),
    "psum_scatter": (lambda lax, x: lax.psum_scatter(x[:3], "i"), lambda x: x[:, :3].sum(0)),
    "psum_scatter-tiled": (lambda lax, x: lax.psum_scatter(x, "i", tiled=True),
                           lambda x: np.stack(np.split(x.sum(0), N))),
    "all_to_all-tiled": (lambda lax, x: lax.all_to_all(x, "i", 0, 1, tiled=True),
                         lambda x: np.stack([np.concatenate([np.split(y, N)[i] for y in x], 1)
                                             for i in range(N)])),
    "all_to_all-tiled-one": (lambda lax, x: lax.all_to_all(x, "i", 0, 0, tiled=True),
                             lambda x: np.stack([np.concatenate([np.split(y, N)[i] for y in x])
                                                 for i in range(N)])),
    "all_to_all": (lambda lax, x: lax.all_to_all(x[:3], "i", 0, 1),
                   lambda x: np.stack([np.stack([y[i] for y in x], 1) for i in range(N)])),
    "all_to_all-before": (lambda lax, x: lax.all_to_all(x[:3].T, "i", 1, 0),
                          lambda x: np.stack([np.stack([y[i] for y in x]) for i in range(N)])),
    "pswapaxes": (lambda lax, x: lax.pswapaxes(x[:3], "i", 0),
                  lambda x: np.swapaxes(x[:, :3], 0, 1)),
    "pbroadcast": (lambda lax, x: lax.pbroadcast(x, "i", 1), lambda x: np.stack([x[1]] * N)),
}
OTHERS: dict[str, tuple[Callable, Callable]] = {
    "pmax": (lambda lax, x: lax.pmax(x, "i"), lambda x: np.stack([x.max(0)] * N)),
    "pmin": (lambda lax, x: lax.pmin(x, "i"), lambda x: np.stack([x.min(0)] * N)),
    "axis_index": (lambda lax, x: x * lax.axis_index("i"),
                   lambda x: x * np.arange(N, dtype=np.float32)[:, None, None]),
    "axis_size": (lambda lax, x: x * lax.axis_size("i"), lambda x: x * np.float32(N)),
}
# JAX 0.10.2 fails here: its pbroadcast indexes with a list, its all_to_all is not differentiable
# with split_axis != concat_axis inside vmap and repeats axes of what is not mapped, its
# reduce_scatter keeps the old batch dimension.
JAX_FAILS = {"pbroadcast", "all_to_all", "all_to_all-before"}


def each(table: dict[str, tuple[Callable, Callable]]) -> Any:
    return pytest.mark.parametrize("name, f, meaning", [
        pytest.param(n, f, m, id=n) for n, (f, m) in table.items()])


def mapped(library: Any, f: Callable, **options: Any) -> Callable:
    return library.vmap(functools.partial(f, library.lax), axis_name="i", **options)


class TestMeaning:
    @each(LINEAR | OTHERS)
    def test_of_a_batch(self, name: str, f: Callable, meaning: Callable) -> None:
        close(mapped(minijax, f)(X), meaning(X))
        close(mapped(minijax, f, in_axes=1, out_axes=-1)(np.swapaxes(X, 0, 1)),
              np.moveaxis(meaning(X), 0, -1))
        if name not in JAX_FAILS:
            close(mapped(minijax, f)(X), mapped(jax, f)(X))

    @each(LINEAR | OTHERS)
    def test_of_what_is_the_same_for_all(self, name: str, f: Callable, meaning: Callable) -> None:
        run = minijax.vmap(lambda x, y: f(minijax.lax, y), (0, None), axis_name="i")
        close(run(X, X[0]), meaning(np.stack([X[0]] * N)))

    @each(LINEAR | OTHERS)
    def test_in_jit_and_under_jit(self, name: str, f: Callable, meaning: Callable) -> None:
        inner = minijax.vmap(minijax.jit(functools.partial(f, minijax.lax)), axis_name="i")
        close(inner(X), meaning(X))
        close(minijax.jit(mapped(minijax, f))(X), meaning(X))
        twice = minijax.jit(minijax.jit(functools.partial(f, minijax.lax)))
        close(minijax.vmap(twice, axis_name="i")(X), meaning(X))

    @each(LINEAR | OTHERS)
    def test_another_axis_is_not_touched(self, name: str, f: Callable, meaning: Callable) -> None:
        both, want = np.stack([X, 2 * X], 2), np.stack([meaning(X), meaning(2 * X)])
        outside = minijax.vmap(mapped(minijax, f), in_axes=2, axis_name="other")
        close(outside(both), want)
        for inner in (functools.partial(f, minijax.lax), minijax.jit(
                functools.partial(f, minijax.lax))):
            inside = minijax.vmap(minijax.vmap(inner, in_axes=1, axis_name="other"),
                                  axis_name="i", out_axes=1)
            close(inside(both), want)

    def test_of_pytrees(self) -> None:
        def f(x: Any) -> Any:
            return minijax.lax.psum({"a": x, "b": (x > 0, 2, 1.5)}, "i")

        out = minijax.vmap(f, axis_name="i")(X[:, 0])
        close(out["a"], np.stack([X[:, 0].sum(0)] * N))
        close(out["b"][0], np.stack([(X[:, 0] > 0).sum(0)] * N).astype(np.int32))
        assert [np.asarray(v).tolist() for v in out["b"][1:]] == [[6] * N, [4.5] * N]

    def test_the_size_is_a_python_integer(self) -> None:
        seen = []

        def f(x: Any) -> Any:
            seen.append((minijax.lax.psum(1, "i"), minijax.lax.axis_size("i"),
                         minijax.lax.axis_size(("i", "j")), minijax.lax.psum(2.0, ("i", "j"))))
            return x

        minijax.vmap(minijax.vmap(f, axis_name="j"), axis_name="i")(X)
        assert seen == [(3, 3, 18, 36.0)]
        assert [type(v) for v in seen[0]] == [int, int, int, float]

    def test_ppermute_fills_with_zeros(self) -> None:
        shift = minijax.vmap(lambda x: minijax.lax.ppermute(x, "i", [(0, 2), (1, 0)]),
                             axis_name="i")
        close(shift(X), np.stack([X[1], np.zeros_like(X[1]), X[0]]))

    def test_of_random_keys(self) -> None:
        keys = minijax.random.split(minijax.random.key(0), N)
        words = np.asarray(minijax.random.key_data(keys))
        for f, want in [(lambda k: minijax.lax.ppermute(k, "i", RING), words[[2, 0, 1]]),
                        (lambda k: minijax.lax.all_gather(k, "i"), np.stack([words] * N))]:
            out = minijax.vmap(f, axis_name="i")(keys)
            close(minijax.random.key_data(out), want)

    def test_one_hot_over_a_named_axis(self) -> None:
        def f(J: Any) -> Any:
            return J.vmap(lambda x, _: J.nn.one_hot(x, N, axis="i"), (None, 0), axis_name="i")(
                np.array([2, 0]), np.arange(N))

        close(f(minijax), f(jax))


# --- derivatives -------------------------------------------------------------------------------


def square_sum(J: Any, x: Any) -> Any:
    return J.numpy.sum(J.numpy.sin(x) ** 2)


class TestDerivatives:
    @each(LINEAR)
    def test_gradient_of_the_whole(self, name: str, f: Callable, meaning: Callable) -> None:
        """grad(vmap): the collective is an ordinary linear map of the whole batch."""
        def loss(J: Any, f: Callable, x: Any) -> Any:
            return square_sum(J, f(x))

        got = minijax.grad(lambda x: loss(minijax, mapped(minijax, f), x))(X)
        basis = np.eye(X.size, dtype=np.float32).reshape(X.size, *X.shape)
        matrix = np.stack([meaning(e).ravel() for e in basis])
        close(got, (matrix @ np.sin(2 * meaning(X)).ravel()).reshape(X.shape), 1e-4)
        if name not in JAX_FAILS:
            close(got, compiled(jax.grad(lambda x: loss(jax, mapped(jax, f), x)))(X), 1e-4)

    @each(LINEAR)
    def test_gradient_for_each_element(self, name: str, f: Callable, meaning: Callable) -> None:
        """vmap(grad): the cotangents of all elements travel back, so each gradient is of the sum
        of all losses."""
        whole = minijax.grad(lambda x: square_sum(minijax, mapped(minijax, f)(x)))(X)
        for inner in (lambda x: f(minijax.lax, x), minijax.jit(lambda x: f(minijax.lax, x))):
            each = minijax.grad(lambda x, inner=inner: square_sum(minijax, inner(x)))
            close(minijax.vmap(each, axis_name="i")(X), whole)
        if name not in JAX_FAILS:
            theirs = jax.grad(lambda x: square_sum(jax, f(jax.lax, x)))
            close(whole, compiled(jax.vmap(theirs, axis_name="i"))(X), 1e-4)

    @each(LINEAR)
    def test_forwards_and_second_order(self, name: str, f: Callable, meaning: Callable) -> None:
        run = functools.partial(f, minijax.lax)
        tangent = np.roll(X, 1)
        out, pushed = minijax.vmap(lambda x, t: minijax.jvp(run, (x,), (t,)), axis_name="i")(
            X, tangent)
        close(out, meaning(X))
        close(pushed, meaning(tangent))

        def gradient(x: Any) -> Any:
            return minijax.grad(lambda x: square_sum(minijax, run(x)))(x)

        def loss(x: Any) -> Any:
            return square_sum(minijax, mapped(minijax, f)(x))

        whole = minijax.jvp(minijax.grad(loss), (X,), (tangent,))[1]
        each = minijax.vmap(lambda x, t: minijax.jvp(gradient, (x,), (t,))[1], axis_name="i")
        close(each(X, tangent), whole, 1e-4)

    @pytest.mark.parametrize("name", ["pmax", "pmin"])
    def test_the_largest_has_no_derivative(self, name: str) -> None:
        def total(J: Any, x: Any) -> Any:
            return J.numpy.sum(J.vmap(lambda x: getattr(J.lax, name)(x, "i"), axis_name="i")(x))

        for J in (jax, minijax):
            with pytest.raises(NotImplementedError, match=f"Differentiation rule for '{name}'"):
                J.grad(functools.partial(total, J))(X)

    def test_through_loops_of_transformations(self) -> None:
        """A gradient that is averaged over the axis, as in data-parallel training."""
        w, y = np.ones(2, np.float32), np.arange(N, dtype=np.float32)

        def step(J: Any, w: Any, x: Any, y: Any) -> Any:
            loss, g = J.value_and_grad(
                lambda w: J.numpy.mean((J.numpy.tanh(x @ w) - y) ** 2))(w)
            return J.lax.pmean((loss, w - 0.1 * J.lax.pmean(g, "i")), "i")

        def run(J: Any) -> Any:
            return J.vmap(J.jit(functools.partial(step, J)), (None, 0, 0), axis_name="i")(w, X, y)

        for got, want in zip(run(minijax), run(jax)):
            close(got, want)

    def test_a_normalised_batch(self) -> None:
        """Batch normalisation written for one element."""
        def f(J: Any, x: Any) -> Any:
            mean = J.lax.pmean(x, "i")
            variance = J.lax.pmean((x - mean) ** 2, "i")
            return (x - mean) * J.lax.rsqrt(variance + 1e-5)

        def run(J: Any, x: Any) -> Any:
            return J.vmap(functools.partial(f, J), axis_name="i")(x)

        def cubes(J: Any, x: Any) -> Any:
            return J.numpy.sum(run(J, x) ** 3)

        close(run(minijax, X), run(jax, X))
        close(minijax.grad(functools.partial(cubes, minijax))(X),
              compiled(jax.grad(functools.partial(cubes, jax)))(X), 1e-4)


# --- several names, groups ---------------------------------------------------------------------

GRID = rng.normal(size=(2, 3, 12, 6)).astype(np.float32)  # axes i and j, elements of shape (12, 6)


def on_grid(f: Callable, library: Any = minijax) -> Callable:
    return library.vmap(library.vmap(functools.partial(f, library.lax), axis_name="j"),
                        axis_name="i")


def flat(meaning: Callable) -> np.ndarray:
    """What six elements along one axis give, as a grid."""
    out = meaning(GRID.reshape(6, *GRID.shape[2:]))
    return out.reshape(2, 3, *out.shape[1:])


class TestSeveralNames:
    NAMES = ("i", "j")

    def test_reductions(self) -> None:
        for name, reducer in [("psum", np.sum), ("pmax", np.max), ("pmin", np.min),
                              ("pmean", np.mean)]:
            for names, axes in [(("i", "j"), (0, 1)), (("j",), (1,)), (["j", "i"], (0, 1))]:
                got = on_grid(lambda lax, x, names=names, name=name: getattr(lax, name)(x, names))
                want = np.broadcast_to(reducer(GRID, axes, keepdims=True), GRID.shape)
                close(got(GRID), want, 1e-4)

    def test_index(self) -> None:
        want = np.arange(6, dtype=np.int32).reshape(2, 3)
        for library in (minijax, jax):
            close(on_grid(lambda lax, x: lax.axis_index(self.NAMES), library)(GRID), want)

    def test_gathering(self) -> None:
        """As along one axis on which the last name is the fastest."""
        for f, meaning in [
                (lambda lax, x: lax.all_gather(x, self.NAMES), lambda x: np.stack([x] * 6)),
                (lambda lax, x: lax.all_gather(x, self.NAMES, axis=2),
                 lambda x: np.stack([np.moveaxis(x, 0, 2)] * 6)),
                (lambda lax, x: lax.all_gather(x, self.NAMES, axis=1, tiled=True),
                 lambda x: np.stack([np.concatenate(list(x), 1)] * 6)),
                (lambda lax, x: lax.psum_scatter(x, self.NAMES, tiled=True),
                 lambda x: np.stack(np.split(x.sum(0), 6))),
                (lambda lax, x: lax.psum_scatter(x, self.NAMES, scatter_dimension=1),
                 lambda x: x.sum(0).T),
                (lambda lax, x: lax.all_to_all(x, self.NAMES, 0, 1, tiled=True),
                 lambda x: np.stack([np.concatenate([np.split(y, 6)[i] for y in x], 1)
                                     for i in range(6)])),
                (lambda lax, x: lax.all_to_all(x, self.NAMES, 1, 0),
                 lambda x: np.stack([np.stack([y[:, i] for y in x]) for i in range(6)]))]:
            close(on_grid(f)(GRID), flat(meaning), 1e-4)
            jitted = minijax.jit(functools.partial(f, minijax.lax))
            close(on_grid(lambda lax, x, jitted=jitted: jitted(x))(GRID), flat(meaning), 1e-4)

    def test_permuting_says_what_to_do(self) -> None:
        with pytest.raises(NotImplementedError, match="use one name"):
            on_grid(lambda lax, x: lax.ppermute(x, self.NAMES, [(0, 1)]))(GRID)

    def test_dimensions_among_the_names(self) -> None:
        got = minijax.vmap(lambda x: minijax.lax.psum(x, (0, "i")), axis_name="i")(X)
        close(got, np.stack([X.sum((0, 1))] * N))
        close(minijax.grad(lambda x: jnp.sum(minijax.vmap(
            lambda x: minijax.lax.psum(x, ("i", 1)), axis_name="i")(x)))(X), np.full_like(X, N))

    def test_the_inner_of_two_axes_with_one_name(self) -> None:
        twice = minijax.vmap(mapped(minijax, lambda lax, x: lax.psum(x, "i")), axis_name="i")
        close(twice(X), np.broadcast_to(X.sum(1, keepdims=True), X.shape))


class TestGroups:
    """JAX has these on devices only, not inside vmap."""

    X = rng.normal(size=(4, 6, 2)).astype(np.float32)
    GROUPS = [[0, 3], [2, 1]]

    def want(self, meaning: Callable) -> np.ndarray:
        out: list[Any] = [None] * 4
        for group in self.GROUPS:
            for i, row in zip(group, meaning(self.X[group])):
                out[i] = row
        return np.stack(out)

    @pytest.mark.parametrize("f, meaning", [
        (lambda lax, x, g: lax.psum(x, "i", axis_index_groups=g),
         lambda x: np.stack([x.sum(0)] * 2)),
        (lambda lax, x, g: lax.pmean(x, "i", axis_index_groups=g),
         lambda x: np.stack([x.mean(0)] * 2)),
        (lambda lax, x, g: lax.pmax(x, "i", axis_index_groups=g),
         lambda x: np.stack([x.max(0)] * 2)),
        (lambda lax, x, g: lax.all_gather(x, "i", axis_index_groups=g),
         lambda x: np.stack([x] * 2)),
        (lambda lax, x, g: lax.psum_scatter(x, "i", axis_index_groups=g, tiled=True),
         lambda x: np.stack(np.split(x.sum(0), 2))),
        (lambda lax, x, g: lax.all_to_all(x, "i", 0, 1, axis_index_groups=g, tiled=True),
         lambda x: np.stack([np.concatenate([np.split(y, 2)[i] for y in x], 1)
                             for i in range(2)]))])
    def test_each_group_apart(self, f: Callable, meaning: Callable) -> None:
        run = functools.partial(f, minijax.lax, g=self.GROUPS)
        close(minijax.vmap(run, axis_name="i")(self.X), self.want(meaning))
        close(minijax.vmap(minijax.jit(run), axis_name="i")(self.X), self.want(meaning))

    def test_groups_of_several_sizes(self) -> None:
        groups = [[1], [0, 2, 3]]
        got = minijax.vmap(lambda x: minijax.lax.psum(x, "i", axis_index_groups=groups),
                           axis_name="i")(self.X)
        rest = self.X[[0, 2, 3]].sum(0)
        close(got, np.stack([rest, self.X[1], rest, rest]))

    def test_gradient(self) -> None:
        run = minijax.vmap(lambda x: minijax.lax.psum(x, "i", axis_index_groups=self.GROUPS),
                           axis_name="i")
        close(minijax.grad(lambda x: jnp.sum(run(x) ** 2))(self.X),
              self.want(lambda x: np.stack([4 * x.sum(0)] * 2)))

    def test_size(self) -> None:
        got = minijax.vmap(lambda x: minijax.lax.psum(1, "i", axis_index_groups=self.GROUPS) * x,
                           axis_name="i")(self.X)
        close(got, 2 * self.X)


# --- text --------------------------------------------------------------------------------------

TEXTS: dict[str, Callable] = {
    "psum": lambda lax, x: lax.psum(x, "i"),
    "pmean": lambda lax, x: lax.pmean(x, "i"),
    "pmax": lambda lax, x: lax.pmax(x, "i"),
    "all_gather": lambda lax, x: lax.all_gather(x, "i", axis=1, tiled=True),
    "ppermute": lambda lax, x: lax.ppermute(x, "i", RING),
    "pshuffle": lambda lax, x: lax.pshuffle(x, "i", [1, 2, 0]),
    "psum_scatter": lambda lax, x: lax.psum_scatter(x, "i", tiled=True),
    "all_to_all": lambda lax, x: lax.all_to_all(x[:3], "i", 0, 1),
    "pswapaxes": lambda lax, x: lax.pswapaxes(x[:3], "i", 0),
    "axis_index": lambda lax, x: x * lax.axis_index("i") + lax.axis_size("i"),
}


def program_inside(library: Any, f: Callable) -> str:
    """The program of f on one element, as jit sees it inside vmap."""
    seen = []

    def g(x: Any) -> Any:
        traced = library.jit(functools.partial(f, library.lax)).trace(x)
        seen.append(str(traced.jaxpr))
        return x

    library.vmap(g, axis_name="i")(X)
    return seen[0]


class TestText:
    @pytest.mark.parametrize("name", TEXTS)
    def test_equations_are_jax_s(self, name: str) -> None:
        ours, theirs = (normal_form(program_inside(J, TEXTS[name])) for J in (minijax, jax))
        if name in ("all_to_all", "pswapaxes"):  # the size of the axis is in all our equations
            ours = ours.replace(" axis_size=3", "")
        assert ours == theirs

    @pytest.mark.parametrize("f", [lambda J, x: J.lax.psum(x, "i"),
                                   lambda J, x: J.lax.pmax(x, "i"),
                                   lambda J, x: J.lax.pmean(x, "i"),
                                   lambda J, x: J.lax.all_gather(x, "i"),
                                   lambda J, x: x + J.lax.axis_index("i")])
    def test_batched_equations_are_jax_s(self, f: Callable) -> None:
        ours, theirs = (str(J.make_jaxpr(J.vmap(functools.partial(f, J), axis_name="i"))(X))
                        for J in (minijax, jax))
        assert normal_form(ours) == normal_form(theirs)

    def test_a_name_is_an_effect(self) -> None:
        """An equation with a name belongs to the axis, even if its operands do not."""
        seen = []

        def f(x: Any) -> Any:
            seen.append(minijax.jit(lambda: minijax.lax.axis_index("i")).trace().jaxpr)
            return x

        minijax.vmap(f, axis_name="i")(X)
        assert seen[0].effects == {"i"}


# --- misuse ------------------------------------------------------------------------------------


class TestMisuse:
    @pytest.mark.parametrize("f", [
        lambda lax, x: lax.psum(x, "k"), lambda lax, x: lax.psum(1, "k"),
        lambda lax, x: lax.pmax(x, "k"), lambda lax, x: lax.axis_index("k"),
        lambda lax, x: lax.axis_size("k"), lambda lax, x: lax.all_gather(x, "k"),
        lambda lax, x: lax.ppermute(x, "k", RING), lambda lax, x: lax.psum_scatter(x, "k"),
        lambda lax, x: lax.all_to_all(x, "k", 0, 0), lambda lax, x: lax.psum(x, ("i", "k"))])
    def test_unbound_names(self, f: Callable) -> None:
        with pytest.raises(NameError):
            jax.jit(mapped(jax, f))(X)
        with pytest.raises(NameError, match=r"unbound axis name: k. The names bound here: 'i'. .*"
                                            r"jax.vmap\(f, axis_name='k'\)"):
            mapped(minijax, f)(X)
        with pytest.raises(NameError, match="unbound axis name: [ik]. The names bound here: none"):
            f(minijax.lax, X[0])
        close(mapped(minijax, lambda lax, x: lax.psum(x, "i"))(X), np.stack([X.sum(0)] * N))

    def test_a_program_that_leaves_its_axis(self) -> None:
        seen = []

        def f(x: Any) -> Any:
            seen.append(minijax.jit(lambda x: minijax.lax.psum(x, "i")).trace(x).jaxpr)
            return x

        minijax.vmap(f, axis_name="i")(X)
        with pytest.raises(NameError, match="unbound axis name: i"):
            seen[0](X[0])

    @pytest.mark.parametrize("f, error, message", [
        (lambda lax, x: lax.all_to_all(x, "i", 1, 0), ValueError,
         "requires the size of the mapped axis axis_name to equal"),
        (lambda lax, x: lax.all_to_all(x, "i", 1, 0, tiled=True), ValueError,
         r"split_axis \(2\) has to be divisible by the size of the named axis i \(3\)"),
        (lambda lax, x: lax.pshuffle(x, "i", [0, 0, 1]), ValueError, "does not represent a perm"),
        (lambda lax, x: lax.psum(x, "i", axis_index_groups=[[0, 1], [1, 2]]), ValueError,
         "must cover all indices exactly once")])
    def test_wrong_arguments(self, f: Callable, error: type, message: str) -> None:
        with pytest.raises(error):
            mapped(jax, f)(X)
        with pytest.raises(error, match=message):
            mapped(minijax, f)(X)

    @pytest.mark.parametrize("f, message", [
        (lambda lax, x: lax.psum_scatter(x, "i"), "must match shard count 3"),
        (lambda lax, x: lax.psum_scatter(x, "i", scatter_dimension=1, tiled=True),
         "must be divisible by shard_count 3"),
        (lambda lax, x: lax.ppermute(x, "i", [(0, 1), (0, 2)]), "must be unique"),
        (lambda lax, x: lax.ppermute(x, "i", [(0, 5)]), "indices outside"),
        (lambda lax, x: lax.pbroadcast(x, "i", 7), "from index 7 of an axis of size 3"),
        (lambda lax, x: lax.all_gather(x, "i", axis=4), "axis 4 is out of bounds"),
        (lambda lax, x: lax.psum(x, (9, "i")), "dimensions")])
    def test_wrong_arguments_that_jax_does_not_check(self, f: Callable, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            mapped(minijax, f)(X)


def test_a_new_reduction_is_one_line() -> None:
    pprod_p = AllReduce("pprod", lambda x, axes: np.prod(x, axes, dtype=x.dtype), np.multiply,
                        minijax.lax.integer_pow)

    def f(x: Any) -> Any:
        return all_reduce(pprod_p, x, "i", None)

    close(minijax.vmap(f, axis_name="i")(X), np.stack([X.prod(0)] * N))
    close(minijax.vmap(f, None, axis_name="i", axis_size=N)(X[0]), np.stack([X[0] ** N] * N))
