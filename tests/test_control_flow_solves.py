"""custom_linear_solve and custom_root: derivatives of solutions, whatever the solver does."""

from __future__ import annotations

import functools

import jax
import numpy as np
import pytest

import minijax
from minijax.control_flow.solves import _LinearSolveTuple, linear_solve_p
from minijax.jaxpr import bound, trace_to_jaxpr
from tests.both import Oracle, f32

A = f32(3, 3) + 2 * np.eye(3, dtype=np.float32)
B = f32(3)

# --- programs in both libraries: a matrix and a vector in, a vector out ------------------------


def by_steps(lib, matvec, b):
    """A solver that has no reverse mode."""
    def body(state):
        i, x = state
        return i + 1, x + 0.3 * (b - matvec(x))

    return lib.lax.while_loop(lambda s: s[0] < 60, body, (0, b))[1]


def linear(lib, a, b):
    solve = functools.partial(by_steps, lib)
    return lib.lax.custom_linear_solve(lambda x: a @ x, b, solve, solve)


def symmetric(lib, a, b):
    a = (a + a.T) / 2
    solve = functools.partial(by_steps, lib)
    return lib.lax.custom_linear_solve(lambda x: a @ x, b, solve, symmetric=True)


def with_aux(lib, a, b):
    def solve(matvec, b):
        x = by_steps(lib, matvec, b)
        return x, {"residual": matvec(x) - b}

    x, aux = lib.lax.custom_linear_solve(lambda x: a @ x, b, solve, solve, has_aux=True)
    return x + aux["residual"]


def of_pytrees(lib, a, b):
    def matvec(x):
        return {"u": a @ x["u"], "v": 2.0 * x["v"]}

    def solve(matvec, b):
        return {"u": by_steps(lib, lambda u: matvec({**b, "u": u})["u"], b["u"]), "v": b["v"] / 2}

    x = lib.lax.custom_linear_solve(matvec, {"u": b, "v": a[0] - b}, solve, solve)
    return x["u"] * x["v"]


def root(lib, a, b):
    """y with y + y^3 = A b, by Newton steps that only look at the diagonal."""
    target = a @ b

    def solve(f, y):
        return lib.lax.fori_loop(0, 25, lambda i, y: y - f(y) / (1 + 3 * y * y), y)

    def tangent_solve(g, t):
        return t / g(lib.numpy.ones(3))  # the derivative is diagonal

    return lib.lax.custom_root(lambda y: y + y ** 3 - target, b, solve, tangent_solve)


PROGRAMS = {f.__name__: f for f in (linear, symmetric, with_aux, of_pytrees, root)}
TRANSFORMS = {
    "value": lambda lib, f: f,
    "jit": lambda lib, f: lib.jit(f),
    "jvp": lambda lib, f: lambda a, b: lib.jvp(f, (a, b), (a, lib.numpy.cos(b))),
    "jvp of b": lambda lib, f: lambda a, b: lib.jvp(lambda b: f(a, b), (b,), (b,)),
    "grad": lambda lib, f: lib.grad(lambda a, b: (f(a, b) * b).sum(), (0, 1)),
    "jit of grad": lambda lib, f: lib.jit(lib.grad(lambda a, b: (f(a, b) ** 2).sum(), (0, 1))),
    "grad of jit": lambda lib, f: lib.grad(lambda a, b: (lib.jit(f)(a, b) ** 2).sum(), (0, 1)),
    "linearize": lambda lib, f: lambda a, b: lib.linearize(f, a, b)[1](a, b),
    "hessian": lambda lib, f: lambda a, b: lib.hessian(lambda b: (f(a, b) ** 2).sum())(b),
    "vmap b": lambda lib, f: lambda a, b: lib.vmap(f, (None, 0))(a, lib.numpy.stack([b, 2 * b])),
    "vmap b, last axis": lambda lib, f: lambda a, b: lib.vmap(f, (None, 1), 1)(a, a[:, :2]),
    "vmap a": lambda lib, f: lambda a, b: lib.vmap(f, (0, None))(lib.numpy.stack([a, a + 1]), b),
    "vmap of grad": lambda lib, f: lambda a, b: lib.vmap(
        lib.grad(lambda a, b: f(a, b).sum()), (None, 0))(a, lib.numpy.stack([b, 2 * b])),
    "grad of vmap": lambda lib, f: lib.grad(lambda a, b: (lib.vmap(f, (None, 0))(
        a, lib.numpy.stack([b, 2 * b])) ** 2).sum()),
}


# JAX cannot differentiate twice with aux; `test_what_a_solver_tells_has_no_derivative` does.
CASES = [(name, transform) for name in PROGRAMS for transform in TRANSFORMS
         if (name, transform) != ("with_aux", "hessian")]


def transformed(lib, name, transform):
    return TRANSFORMS[transform](lib, functools.partial(PROGRAMS[name], lib))


WANTED = {n: Oracle({t: (transformed(jax, n, t), A, B) for m, t in CASES if m == n})
          for n in PROGRAMS}


@pytest.mark.parametrize(("name", "transform"), CASES)
def test_they_agree_with_jax(name, transform):
    got, want = transformed(minijax, name, transform)(A, B), WANTED[name][transform]
    for x, y in zip(minijax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=2e-3, atol=1e-4)


def test_what_a_solver_tells_has_no_derivative():
    def f(b, aux):
        def solve(matvec, b):
            x = by_steps(minijax, matvec, b)
            return (x, {"steps": 60, "norm": (x * x).sum()}) if aux else x

        out = minijax.lax.custom_linear_solve(lambda x: A @ x, b, solve, solve, has_aux=aux)
        return (out[0] ** 2).sum() + 0.0 * out[1]["norm"] if aux else (out ** 2).sum()

    np.testing.assert_allclose(minijax.hessian(f)(B, True), minijax.hessian(f)(B, False),
                               rtol=1e-5)


def test_a_part_of_b_moves():
    """(In JAX this fails.)"""
    def f(b):
        matvec = lambda x: [2.0 * x[0], 4.0 * x[1]]  # noqa: E731
        return minijax.lax.custom_linear_solve(
            matvec, [b, 8.0], lambda m, b: [b[0] / 2.0, b[1] / 4.0], symmetric=True)

    assert minijax.jvp(f, (6.0,), (1.0,)) == ([3.0, 2.0], [0.5, 0.0])
    assert minijax.grad(lambda b: sum(f(b)))(6.0) == 0.5


def test_a_part_that_nothing_mapped_reaches_is_not_mapped():
    def solve(a, b):
        matvec = lambda x: [a * x[0], 2.0 * x[1]]  # noqa: E731
        return minijax.lax.custom_linear_solve(
            matvec, [b, 1.0], lambda m, b: [b[0] / a, b[1] / 2.0], symmetric=True)

    x, y = minijax.vmap(solve, (None, 0), out_axes=[0, None])(2.0, B)
    assert x.shape == (3,) and y == 0.5


def test_the_transpose_of_a_solution_needs_a_solver():
    def loss(b):
        return minijax.lax.custom_linear_solve(
            lambda x: A @ x, b, functools.partial(by_steps, minijax)).sum()

    assert minijax.jvp(loss, (B,), (B,))[1].shape == ()
    with pytest.raises(TypeError, match="^transpose_solve required .*symmetric=True"):
        minijax.grad(loss)(B)


def test_programs_that_close_over_a_traced_value():
    """As derived programs may, in which rules of users take part."""
    def f(a, b):
        program = bound(*trace_to_jaxpr(lambda x: [a * x], [minijax.typeof(b)], "times a"))
        return linear_solve_p.bind(b, const_lengths=_LinearSolveTuple(0, 0, 0, 0),
                                   jaxprs=_LinearSolveTuple(*[program] * 4))[0]

    assert minijax.jit(f)(2.0, 3.0) == f(2.0, 3.0) == 6.0


# --- misuse --------------------------------------------------------------------------------------

IDENTITY = lambda f, x: x  # noqa: E731
MISUSE = {
    "matvec structure": lambda jnp, lax: lax.custom_linear_solve(
        lambda x: [x], 1.0, IDENTITY, IDENTITY),
    "solve structure": lambda jnp, lax: lax.custom_linear_solve(
        lambda x: x, 1.0, lambda f, x: [x], IDENTITY),
    "transpose_solve structure": lambda jnp, lax: lax.custom_linear_solve(
        lambda x: x, 1.0, IDENTITY, lambda f, x: [x]),
    "matvec shape": lambda jnp, lax: lax.custom_linear_solve(
        lambda x: jnp.ones(2) * x, 1.0, IDENTITY, IDENTITY),
    "solve shape": lambda jnp, lax: lax.custom_linear_solve(
        lambda x: x, 1.0, lambda f, x: jnp.ones(2), IDENTITY),
    "b": lambda jnp, lax: lax.custom_linear_solve(lambda x: x, "b", IDENTITY, IDENTITY),
    "root f": lambda jnp, lax: lax.custom_root(lambda x: (x, x), 0.0, IDENTITY, IDENTITY),
    "root solve": lambda jnp, lax: lax.custom_root(
        lambda x: x, 0.0, lambda f, x: (x, x), IDENTITY),
    "root tangent_solve": lambda jnp, lax: lax.custom_root(
        lambda x: x, 0.0, IDENTITY, lambda f, x: (x, x)),
    "root aux": lambda jnp, lax: lax.custom_root(
        lambda x: x, 0.0, IDENTITY, IDENTITY, has_aux=True),
}


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_raises_jax_s_error(name):
    raised = []
    for lib in (minijax, jax):
        with pytest.raises((TypeError, ValueError)) as info:
            MISUSE[name](lib.numpy, lib.lax)
        raised.append((info.type, str(info.value).split("\n")[0]))
    (ours, got), (theirs, want) = raised
    assert ours is theirs and got.startswith(want.rstrip("."))
    assert root(minijax, A, B).shape == (3,)  # the next call works


def test_a_solver_that_says_no_more_than_x():
    with pytest.raises(ValueError, match=r"^solve\(\) produced a pytree .*has_aux"):
        minijax.lax.custom_linear_solve(lambda x: x, 1.0, IDENTITY, IDENTITY, has_aux=True)
    with pytest.raises(TypeError, match=r"^solve\(\) output dtypes must match b"):
        minijax.lax.custom_linear_solve(lambda x: x, 1.0, lambda f, x: x.astype(int))
    with pytest.raises(TypeError, match="^matvec should be callable"):
        minijax.lax.custom_linear_solve(2.0, 1.0, IDENTITY)
