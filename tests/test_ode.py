"""odeint: against JAX, against solutions in closed form, and its gradients."""

from __future__ import annotations

import functools
import itertools

import jax
import jax.experimental.ode
import numpy as np
import pytest

import minijax
import minijax.experimental.ode
from minijax.compiler.executable import compile_after
from tests.both import Oracle
from tests.tiers import thinned

from .tiers import heavy

TIMES = np.linspace(0.0, 3.0, 4, dtype=np.float32)
RATES = np.array([1.1, 0.4, 0.3], np.float32)


def predators(lib, rates, times=TIMES, **options):
    """Lotka and Volterra's equations, on a pytree."""
    def slope(y, t, p):
        return {"prey": y["prey"] * (p[0] - p[1] * y["fox"]),
                "fox": y["fox"] * (p[2] * y["prey"] - 1.0)}

    start = {"fox": 0.5, "prey": rates[0]}
    out = lib.experimental.ode.odeint(slope, start, lib.numpy.asarray(times), rates, **options)
    return lib.numpy.stack([out["prey"], out["fox"]])


def driven(lib, rates):
    """The slope depends on the time, and closes over a traced value."""
    slope = lambda y, t: [y[1], -rates[0] * y[0] + lib.numpy.sin(rates[1] * t)]  # noqa: E731
    return lib.experimental.ode.odeint(slope, [rates[2], 0.0], lib.numpy.asarray(TIMES))[0]


def turning(lib, rates):
    """Complex numbers."""
    start = lib.numpy.array([1.0 + 0.5j]) * rates[0]
    out = lib.experimental.ode.odeint(lambda z, t: 1j * rates[1] * z, start, TIMES)
    return out.real * rates[2]


PROGRAMS = {f.__name__: f for f in (predators, driven, turning)}
TRANSFORMS = {
    "value": lambda lib, f: f,
    "jit": lambda lib, f: lib.jit(f),
    "grad": lambda lib, f: lib.grad(lambda p: f(p).sum()),
    "jacrev": lambda lib, f: lib.jacrev(f),
    "vmap": lambda lib, f: lambda p: lib.vmap(f)(lib.numpy.stack([p, p * 1.1])),
    "vmap of grad": lambda lib, f: lambda p: lib.vmap(lib.grad(lambda p: f(p).sum()))(
        lib.numpy.stack([p, p * 1.1])),
}


def transformed(lib, name, transform):
    return TRANSFORMS[transform](lib, functools.partial(PROGRAMS[name], lib))


WANTED = {n: Oracle({t: (transformed(jax, n, t), RATES) for t in TRANSFORMS}) for n in PROGRAMS}
COMPILED = ("jit", "grad")  # a solution, and one within another; steps by themselves say the rest


@heavy
@pytest.mark.parametrize("case", thinned(itertools.product(PROGRAMS, TRANSFORMS),
                                         kind=lambda c: c[1], name="-".join))
def test_it_agrees_with_jax(case):
    name, transform = case
    with compile_after(1 if transform in COMPILED else 20):
        ours = transformed(minijax, name, transform)(RATES)
    got, want = map(np.asarray, (ours, WANTED[name][transform]))
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=2e-4)


@heavy
def test_gradients_by_times_and_start_are_slopes():
    """y' = -y: what a later end changes is the slope there, and a later start undoes it."""
    def end(y, times):
        return minijax.experimental.ode.odeint(lambda y, t: -y, y, times)[-1]

    by_start, by_times = minijax.grad(end, (0, 1))(2.0, TIMES)
    last = 2.0 * np.exp(-3.0)
    np.testing.assert_allclose(by_start, last / 2.0, rtol=1e-4)
    np.testing.assert_allclose(by_times, [last, 0.0, 0.0, -last], rtol=1e-4, atol=1e-6)


@heavy
def test_the_tolerance_is_kept_and_decides_the_work():
    """An impure slope counts: the program is traced once, whatever the number of steps."""
    calls = []

    def slope(y, t):
        calls.append(t)
        return -y

    odeint = minijax.experimental.ode.odeint
    errors = []
    with minijax.enable_x64(True):
        times = np.array([0.0, 5.0])
        for tolerance in (1e-3, 1e-6, 1e-9):
            out = odeint(slope, np.ones(1), times, rtol=tolerance, atol=tolerance)
            errors.append(abs(float(out[-1, 0]) - np.exp(-5.0)))
    assert errors[0] < 1e-2 and errors[1] < 1e-5 and errors[2] < 1e-8
    assert len(calls) == 3
    assert odeint(slope, np.ones(1), np.array([0.0, 5.0], np.float32), hmax=0.01).shape == (2, 1)


@heavy
def test_second_derivatives_and_integer_arguments():
    def end(w, n):
        return minijax.experimental.ode.odeint(lambda y, t, n: -w * n * y, 1.0, TIMES[:2], n)[-1]

    assert abs(minijax.grad(end)(0.5, 2) + 2 * np.exp(-1.0)) < 1e-3
    assert abs(minijax.grad(minijax.grad(end))(0.5, 2) - 4 * np.exp(-1.0)) < 1e-2


MISUSE = {
    "times in a list": lambda odeint: odeint(lambda y, t: y, 1.0, [0.0, 1.0]),
    "integer times": lambda odeint: odeint(lambda y, t: y, 1.0, np.arange(3)),
    "one time": lambda odeint: odeint(lambda y, t: y, 1.0, np.float32(1.0)),
    "a string": lambda odeint: odeint(lambda y, t, s: y, 1.0, TIMES, "s"),
    "integer state": lambda odeint: odeint(lambda y, t: y, 1, TIMES),
    "another size": lambda odeint: odeint(lambda y, t: np.ones(3), np.ones(2), TIMES),
}


@pytest.mark.parametrize("name", MISUSE)
def test_misuse(name):
    with pytest.raises(TypeError, match="t must be|args must be|y0 must be|like y0"):
        MISUSE[name](minijax.experimental.ode.odeint)
