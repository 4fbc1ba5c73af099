"""Branches and loops: the laws of every transformation, against JAX and against unrolled loops."""

from __future__ import annotations

import functools
import itertools

import jax
import numpy as np
import pytest

import minijax
from tests.both import f32, together
from tests.tiers import thinned

V, M = f32(3), f32(4, 3)

# --- programs: the same function in both libraries, of one array of three ------------------------


def branch(lib, x):
    return lib.lax.cond(x[0] > 0.5, lambda y: lib.numpy.sin(y) * x, lambda y: y * y[::-1], x)


def switched(lib, x):
    n = lib.lax.convert_element_type(lib.numpy.sum(x) * 2.0, np.int32) % 3
    return lib.lax.switch(n, [lib.numpy.sin, lambda y: y * x, lambda y: y ** 3], x)


def running(lib, x):
    def step(carry, row):
        total, k = carry
        total = lib.numpy.tanh(total * x + row)
        return (total, k + 1), (total * row, k)

    (total, _), (ys, _) = lib.lax.scan(step, (x, 0), lib.numpy.asarray(M))
    return total + ys.sum(0)


def backwards(lib, x):
    return lib.lax.scan(lambda c, r: (c * r + lib.numpy.cos(x), c), x, lib.numpy.asarray(M) * x,
                        reverse=True)[1].sum(0)


def counted(lib, x):
    return lib.lax.fori_loop(1, 4, lambda i, c: lib.numpy.sin(c) * x + i, x)


def empty_loop(lib, x):
    return lib.lax.scan(lambda c, _: (c * x, c), x, None, length=0)[0] * x


def nested(lib, x):
    def step(c, r):
        c = lib.lax.cond(c.sum() > 0, lambda c: c * r, lambda c: lib.numpy.cos(c) - r, c)
        return lib.lax.fori_loop(0, 2, lambda i, c: c * lib.numpy.sin(x), c), c

    return lib.lax.scan(step, x, lib.numpy.asarray(M))[0]


def mapped(lib, x):
    return lib.lax.map(lambda r: lib.numpy.sin(r * x).sum(), lib.numpy.asarray(M))[:3]


def searched(lib, x):
    def body(state):
        i, y = state
        return i + 1, lib.numpy.sin(y) * 1.5 + x

    return lib.lax.while_loop(lambda s: (s[0] < 5) & (s[1].sum() < 6.0), body, (0, x))[1]


def relu_loop(lib, x):
    return lib.lax.scan(lambda c, r: (lib.nn.relu(c - r) * x, lib.nn.logsumexp(c)), x,
                        lib.numpy.asarray(M))[0]


def jitted_body(lib, x):
    step = lib.jit(lambda c, r: (lib.numpy.sin(c) + r, c * x))
    return lib.lax.scan(step, x, lib.numpy.asarray(M))[1].sum(0)


REVERSIBLE = {f.__name__: f for f in (branch, switched, running, backwards, counted, empty_loop,
                                      nested, mapped, relu_loop, jitted_body)}
PROGRAMS = {**REVERSIBLE, "searched": searched}
POINTS = np.array([[0.9, -0.4, 0.3], [0.1, 0.7, -0.2], [-1.2, 0.6, 0.8]], np.float32)

# --- transformations of R^3 -> R^3 ---------------------------------------------------------------


def forward(lib, f):
    return lambda x: lib.jvp(f, (x,), (lib.numpy.cos(x),))[1]


def reverse(lib, f):
    return lib.grad(lambda x: (f(x) * lib.numpy.arange(1.0, 4.0)).sum())


def linearized(lib, f):
    return lambda x: lib.linearize(f, x)[1](lib.numpy.ones_like(x))


def batched(lib, f):
    return lambda x: lib.vmap(f)(lib.numpy.stack([x, x[::-1] * 0.5]))[0]


STEPS = {"jit": lambda lib, f: lib.jit(f), "jvp": forward, "grad": reverse, "vmap": batched,
         "linearize": linearized}
ORDER = {"jit": 0, "vmap": 0, "jvp": 1, "grad": 1, "linearize": 1}
TOWERS = [t for n in (1, 2, 3) for t in itertools.product(STEPS, repeat=n)
          if sum(ORDER[s] for s in t) <= 2 and not (n == 3 and len(set(t)) < 3)]


def apply(lib, f, tower):
    g = lambda x: f(lib, x)  # noqa: E731
    for step in tower:
        g = STEPS[step](lib, g)
    return g


@functools.cache
def in_jax(tower):
    """The values of all programs at all points, which JAX compiles together."""
    def values(f, xs):
        return jax.lax.map(apply(jax, f, tower), xs)

    programs = REVERSIBLE if "grad" in tower else PROGRAMS
    return together({name: functools.partial(values, f) for name, f in programs.items()}, POINTS)


@pytest.mark.parametrize("tower", thinned(TOWERS, lambda t: t if len(t) < 2 else t[0], "-".join))
@pytest.mark.parametrize("name", PROGRAMS)
def test_compositions_agree_with_jax(name, tower):
    f = apply(minijax, PROGRAMS[name], tower)
    if name == "searched" and "grad" in tower:
        with pytest.raises(ValueError, match="Reverse-mode differentiation does not work"):
            f(POINTS[0])
        return
    wanted = in_jax(tuple(s for s in tower if s != "jit"))[name]  # which changes no value
    for x, want in zip(POINTS[:1] if len(tower) == 3 else POINTS, np.asarray(wanted)):
        got = np.asarray(f(x))
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-5)


def test_vmap_of_a_loop_that_stops_at_different_times():
    def collatz(n):
        return minijax.lax.while_loop(
            lambda s: s[0] > 1,
            lambda s: (minijax.numpy.where(s[0] % 2 == 0, s[0] // 2, 3 * s[0] + 1), s[1] + 1),
            (n, 0))[1]

    ns = np.arange(1, 10)
    assert minijax.vmap(collatz)(ns).tolist() == [0, 1, 7, 2, 5, 8, 16, 3, 19]
    twice = minijax.vmap(minijax.vmap(collatz))(ns.reshape(3, 3))
    assert twice.tolist() == [[0, 1, 7], [2, 5, 8], [16, 3, 19]]


def test_a_loop_over_a_jitted_step_is_split():
    """The derivative of the step is one call that computes known results and tangents."""
    step = minijax.jit(lambda x: x * x)

    def loop(x):
        return minijax.lax.while_loop(lambda x: x.sum() <= 8, step, x)

    x = V + 1
    out, push = minijax.linearize(loop, x)
    assert np.asarray(out).tolist() == np.asarray(loop(x)).tolist()
    np.testing.assert_allclose(push(x), minijax.jvp(loop, (x,), (x,))[1])


@pytest.mark.parametrize("library", [minijax, jax], ids=["minijax", "jax"])
def test_a_weak_carry_of_another_dtype_is_weak_no_more(library):
    lax, one = library.lax, library.numpy.float32(1)
    results = [
        lax.scan(lambda c, _: (c + 1.0, None), 0, None, length=3)[0],
        lax.while_loop(lambda c: c < 10, lambda c: c + 1.0, 1),
        lax.fori_loop(0, 3, lambda i, c: c + 1.0, 1),
        lax.fori_loop(0, 3, lambda i, c: c + one, 1),
        lax.fori_loop(0, 3, lambda i, c: c + 1.0, 1.0),  # of the same dtype it stays as it is
    ]
    assert [str(x.dtype) for x in results] == ["float32"] * 5
    assert [x.weak_type for x in results] == [False, False, False, False, True]
