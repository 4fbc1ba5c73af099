"""Loops and branches that are compiled whole: the same results as step by step, and as in JAX."""

from __future__ import annotations

import collections
import sys

import jax
import ml_dtypes
import numpy as np
import pytest

import minijax
from minijax.compiler import backend, steps
from minijax.compiler.bodies import planned, replaces
from minijax.compiler.executable import compile_after
from minijax.compiler.flatten import flatten
from minijax.compiler.lowering import obstacle

from .both import bound, f32, i32, together

V, M, S = f32(3), f32(4, 3), np.float32(0.5)
HALF, BRAIN = V.astype(np.float16), V.astype(ml_dtypes.bfloat16)
COMPLEX = (f32(3) + 1j * f32(3)[::-1]).astype(np.complex64)
LONG = f32(50, 20)


# --- while and fori ------------------------------------------------------------------------------


def logistic(lax, x):
    return lax.fori_loop(0, 30, lambda i, v: 3.2 * v * (1 - v), x)


def collatz(jnp, lax, n):
    def step(state):
        n, count = state
        return jnp.where(n % 2 == 0, n // 2, 3 * n + 1), count + 1

    return lax.while_loop(lambda s: s[0] > 1, step, (n, 0))


def longest_chain(jnp, lax, limit):
    """A while loop in a fori loop with bounds that are not known."""
    def length(n):
        return lax.while_loop(lambda s: s[0] > 1, lambda s: (
            jnp.where(s[0] % 2 == 0, s[0] // 2, 3 * s[0] + 1), s[1] + 1), (n, 0))[1]

    return lax.fori_loop(1, limit, lambda i, best: jnp.maximum(best, length(i)), 0)


def no_step(lax, x):
    return lax.while_loop(lambda s: s[0] < 0, lambda s: (s[0] + 1, s[1] * 2), (0, x))


def backwards(lax, n, x):
    """Bounds the wrong way round."""
    return lax.fori_loop(n, 0, lambda i, v: v + 1, x)


def wraps_around(jnp, lax, x):
    return lax.fori_loop(0, 40, lambda i, v: v * 3 + 1, x)


def a_mapped_condition(jax, jnp, lax, x, limits):
    def count(x, limit):
        return lax.while_loop(lambda s: s[0] < limit, lambda s: (s[0] * 1.5, s[1] + 1), (x, 0))

    return jax.vmap(count)(x, limits)


def a_mapped_condition_with_rows(jax, jnp, lax, x, limits):
    def grow(x, limit):
        return lax.while_loop(lambda s: s.sum() < limit, lambda s: s * 1.5, x)

    return jax.vmap(grow)(x, limits)


def flags(jnp, lax, x):
    """Carries that are booleans, of rank 0 and 1."""
    def step(state):
        i, any_large, large = state
        return i + 1, any_large | (x[0] * i > 1.2), large ^ (x > 0.5)

    return lax.while_loop(lambda s: ~s[1], step, (0, False, x > 0.4))


def swapped(lax, x):
    """Carries that change places: arrays, numbers."""
    return lax.fori_loop(0, 7, lambda i, s: (s[1], s[0], s[3], s[2] + 1), (x, x * 2, 1, 2))


def long_arrays_swapped(lax, x):
    return lax.fori_loop(0, 7, lambda i, s: (s[1], s[2], s[0] + 1), (x, x * 2, x * 3))


def fibonacci(lax, x):
    return lax.fori_loop(0, 10, lambda i, s: (s[1], s[0] + s[1]), (x, x))


def the_same_twice(lax, x):
    """Two carries that are one value, and a third that is a constant."""
    return lax.fori_loop(0, 3, lambda i, s: (s[0] * 2, s[0] * 2, x), (x, x, x))


def from_a_constant(jnp, lax, x):
    """The first carries are constants, of which one is an array."""
    return lax.fori_loop(0, 3, lambda i, s: (s[0] + x, s[1] * 2 + 1), (jnp.zeros(x.shape), 1.0))


def softmax_again(jax, lax, x):
    return lax.fori_loop(0, 5, lambda i, v: jax.nn.softmax(v * 2, axis=-1), x)


def of_columns(lax, x):
    """A reduction along the first axis, whose result another step reads."""
    return lax.fori_loop(0, 5, lambda i, v: v - v.sum(0) / 4 + v.T.max(0)[:, None], x)


def nothing_in_it(jnp, lax, x):
    return lax.fori_loop(0, 3, lambda i, v: v * 2, jnp.zeros((0, 3)) + x)


def nans(jnp, lax, x):
    return lax.fori_loop(0, 3, lambda i, v: jnp.maximum(v * jnp.inf, 0.0 * v), x - 0.3)


# --- scan ----------------------------------------------------------------------------------------


def cumulative(lax, x):
    return lax.scan(lambda c, x: (c + x, c), 0.0, x)


def reversed_rows(jnp, lax, x):
    return lax.scan(lambda c, x: (jnp.sin(c) + x, (c, x.sum())), x[0], x, reverse=True)


def unrolled(lax, x):
    return lax.scan(lambda c, x: (c * x, c + x), x[0], x, unroll=3)


def only_a_length(lax, x):
    return lax.scan(lambda c, _: (c * 0.5, c), x, None, length=5)


def no_length(lax, x):
    return lax.scan(lambda c, x: (c + x, c), x[0], x[:0])


def the_carry_as_it_was(jnp, lax, x):
    """The old carry and the new one are results, and so is the row."""
    return lax.scan(lambda c, x: ((c + x) * 0.5, (c, (c + x) * 0.5, x, c[:2])), x[0], x)


def long_rows(lax, x):
    """The carry is the last row written."""
    def step(c, x):
        new = c * 0.5 + x
        return new, new

    return lax.scan(step, x[0], x)


def turned_rows(lax, x):
    """Rows that do not stand together, and numbers that do not either."""
    return lax.scan(lambda c, row: (c + row, c.sum()), x[:, 0], x.T), lax.scan(
        lambda c, v: (c + v, c), 0.0, x[::-2, 1])


def nested(lax, x):
    def row(c, x):
        return lax.scan(lambda c, v: (c * 0.9 + v, c), c, x)

    return lax.scan(row, 0.0, x)


def the_same_loop_twice(jnp, lax, x):
    """One inner program, written at two places."""
    def step(c, v):
        return c * 0.5 + v, c

    return lax.scan(lambda c, row: (lax.scan(step, c, row)[0] + lax.scan(step, c + 1, row * 2)[0],
                                    c), x[0] * 0, jnp.stack([x, x * 2]))


def a_while_in_a_scan(lax, x):
    def step(c, x):
        return lax.while_loop(lambda c: c < 3, lambda c: c * 2 + x, c * 0.1), c

    return lax.scan(step, 1.0, x)


def pytrees(jnp, lax, x):
    def step(carry, x):
        total, state = carry["total"], carry["state"]
        return {"total": total + x, "state": (state[1], jnp.sin(state[0]))}, {"y": x * total}

    return lax.scan(step, {"total": 0.0, "state": (0.5, x[0])}, x, reverse=True)


def recurrent(jnp, lax, w, x):
    def step(h, x):
        h = jnp.tanh(h @ w + w.T @ x)
        return h, h

    return lax.scan(step, jnp.zeros(w.shape[0]), x)


def batched_products(jnp, lax, w, x):
    return lax.fori_loop(0, 3, lambda i, h: jnp.einsum("bij,bjk->bik", h, w) / 3 + x, x)


def gradient(jax, jnp, lax, w, x):
    def loss(w):
        return recurrent(jnp, lax, w, x)[1].sum()

    return jax.grad(loss)(w)


def a_table(jnp, lax, x):
    table = jnp.asarray(f32(3, 3))
    return lax.scan(lambda h, row: (h * row + table[1], table.sum(0) * h), x, table)


# --- branches ------------------------------------------------------------------------------------


def branches(lax, x, p):
    return lax.cond(p > 0, lambda x: (x * 2, x.sum()), lambda x: (x, 0.0), x)


def several(lax, x, p):
    return [lax.switch(p + i, [lambda x: x, lambda x: x[::-1], lambda x: -x], x)
            for i in range(-1, 3)]


def a_cond_in_a_loop(jnp, lax, x):
    def step(i, v):
        return lax.cond(v.sum() > 3, lambda v: v * 0.5, lambda v: v + v[::-1] * 0.25, v)

    return lax.fori_loop(0, 20, step, x)


def a_loop_in_a_cond(lax, x, p):
    return lax.cond(p > 0, lambda x: lax.fori_loop(0, 5, lambda i, v: v * 1.1, x), lambda x: x, x)


def swapped_by_a_cond(lax, x):
    return lax.fori_loop(0, 5, lambda i, s: lax.cond(
        i % 3 == 0, lambda s: (s[1], s[0]), lambda s: (s[0] + 1, s[1]), s), (x, x * 2))


# --- single operations in loops ------------------------------------------------------------------


def sieve(jnp, lax, n):
    """Primes: a while loop that writes to an array, in a loop."""
    def strike(p, prime):
        return lax.while_loop(lambda s: s[0] < prime.size, lambda s: (
            s[0] + p, s[1].at[s[0]].set(False)), (p * p, prime))[1]

    return lax.fori_loop(2, 8, lambda p, prime: lax.cond(
        prime[p], strike, lambda p, prime: prime, p, prime), n > 1)


def bubbles(jnp, lax, x):
    """A sort, by a cond in two loops, that changes places."""
    def place(j, x):
        return lax.cond(x[j] > x[j + 1], lambda x: x.at[j].set(x[j + 1]).at[j + 1].set(x[j]),
                        lambda x: x, x)

    return lax.fori_loop(0, x.size, lambda i, x: lax.fori_loop(0, x.size - 1, place, x), x)


def rows_written(lax, x):
    """Slices of a carry, which is in the results as it was in each step, too."""
    def step(c, i):
        row = lax.dynamic_slice(c, (i, 0), (1, c.shape[1]))
        new = lax.dynamic_update_slice(c, row * 2, (i + 1, 0))
        return new, (new.sum(), c)

    return lax.scan(step, x, i32(3))


def written_twice(jnp, lax, x):
    """Each update goes into the result of the one before, and the last is not the carry's."""
    def step(i, s):
        x, y = s
        return x.at[i].add(1.0).at[0].mul(2.0), x.at[1].set(7.0) + y

    return lax.fori_loop(0, 5, step, (x, x))


def updated_from_itself(lax, x):
    """The update is a part of what it is written to."""
    return lax.fori_loop(0, 3, lambda i, x: lax.dynamic_update_slice(x, x[::-1][:2], (i,)), x)


def a_closed_over_array(jnp, lax, x, n):
    """It is written to in each step, and must stay as it is."""
    return lax.fori_loop(0, n, lambda i, s: s + x.at[i].set(5.0), jnp.zeros(x.shape))


def many_operations(jnp, lax, x):
    def step(c, row):
        order = jnp.argsort(row)
        best = jnp.argmax(c)
        c = jnp.cumsum(c) * 0.1 + jnp.sort(row)[::-1] + row[order[0]] + best
        return c, (best, order, jnp.pad(c, 1), jnp.tile(row, 2), jnp.concatenate([row, c]))

    return lax.scan(step, x[0], x)


def convolved(jnp, lax, x):
    return lax.fori_loop(0, 3, lambda i, v: jnp.convolve(v, x[:3], "same"), x)


def random_walk(jax, lax, random, x, key):
    def step(key, _):
        key, own = random.split(key)
        return key, random.uniform(own, (3,)) + x

    return lax.scan(step, key, None, length=4)


WEIGHTS = f32(8, 8) - np.float32(0.5)
PROGRAMS = {
    "logistic": (logistic, S), "logistic of float16": (logistic, HALF),
    "logistic of a bfloat16 number": (logistic, BRAIN[1]), "logistic of many": (logistic, LONG),
    "logistic of complex numbers": (logistic, COMPLEX), "collatz": (collatz, np.int32(27)),
    "collatz of uint16": (collatz, np.uint16(27)), "longest chain": (longest_chain, np.int32(60)),
    "no step": (no_step, V), "backwards": (backwards, np.int32(5), V),
    **{f"{d} wraps around": (wraps_around, np.array([1, 2, 3], d))
       for d in ("int8", "uint8", "int16", "uint32", "int32")},
    "a mapped condition": (a_mapped_condition, V, V * 8),
    "a mapped condition with rows": (a_mapped_condition_with_rows, M, np.arange(4, dtype="f") * 3),
    "flags": (flags, V), "swapped": (swapped, V),
    "long arrays swapped": (long_arrays_swapped, LONG), "fibonacci": (fibonacci, i32(3) + 1),
    "fibonacci of many": (fibonacci, LONG), "the same twice": (the_same_twice, V),
    "the same twice, long": (the_same_twice, LONG), "from a constant": (from_a_constant, V),
    "from a long constant": (from_a_constant, LONG), "softmax": (softmax_again, M),
    "a long softmax": (softmax_again, LONG), "of columns": (of_columns, f32(4, 4)),
    "of long columns": (of_columns, f32(20, 20)), "nothing in it": (nothing_in_it, V),
    "nans": (nans, V),
    "cumulative": (cumulative, V), "cumulative bfloat16": (cumulative, BRAIN),
    "reversed rows": (reversed_rows, M), "long reversed rows": (reversed_rows, LONG),
    "unrolled": (unrolled, M), "only a length": (only_a_length, V),
    "only a length, long": (only_a_length, LONG), "no length": (no_length, M),
    "no length, long": (no_length, LONG), "the carry as it was": (the_carry_as_it_was, M),
    "the carry as it was, long": (the_carry_as_it_was, LONG), "long rows": (long_rows, LONG),
    "rows of bfloat16": (long_rows, LONG.astype(ml_dtypes.bfloat16)),
    "turned rows": (turned_rows, M), "long turned rows": (turned_rows, LONG),
    "nested": (nested, M), "the same loop twice": (the_same_loop_twice, M),
    "a while in a scan": (a_while_in_a_scan, V), "pytrees": (pytrees, V),
    "recurrent": (recurrent, WEIGHTS, f32(6, 8)), "batched products": (
        batched_products, f32(2, 5, 5), f32(2, 6, 5)),
    "a gradient": (gradient, WEIGHTS, f32(6, 8)), "a table": (a_table, V),
    "branches": (branches, V, np.float32(1)), "other branches": (branches, V, np.float32(-1)),
    "several branches": (several, V, np.int32(1)), "a cond in a loop": (a_cond_in_a_loop, V),
    "a cond in a loop, long": (a_cond_in_a_loop, LONG[0] / 5),
    "a loop in a cond": (a_loop_in_a_cond, V, np.int32(1)),
    "a loop not taken": (a_loop_in_a_cond, V, np.int32(0)),
    "sieve": (sieve, i32(60)), "bubbles": (bubbles, np.array([5, 3, 8, 1, 9, 2], "f")),
    "many bubbles": (bubbles, np.sin(np.arange(30, dtype="f"))), "rows written": (rows_written, M),
    "long rows written": (rows_written, LONG), "written twice": (written_twice, f32(6)),
    "written twice, long": (written_twice, LONG[0]), "updated from itself": (
        updated_from_itself, f32(6)), "long, from itself": (updated_from_itself, LONG[0]),
    "a closed-over array": (a_closed_over_array, V, np.int32(3)), "a long one": (
        a_closed_over_array, LONG[0], np.int32(3)), "many operations": (many_operations, M),
    "many long operations": (many_operations, LONG), "convolved": (convolved, f32(9)),
    "a random walk": (random_walk, S, np.array([1, 2], "u4")),
    "swapped by a cond": (swapped_by_a_cond, V), "long, by a cond": (swapped_by_a_cond, LONG),
}


@pytest.fixture(scope="module")
def expected():
    calls = {name: lambda args, name=name: bound(PROGRAMS[name][0], jax)(*args[name])
             for name in PROGRAMS}
    return together(calls, {name: args for name, (_, *args) in PROGRAMS.items()})


def leaves(tree):
    return [np.asarray(x) for x in jax.tree.leaves(tree)]


def program(name):
    f, *args = PROGRAMS[name]
    return minijax.make_jaxpr(bound(f, minijax))(*args), [np.array(x) for x in args]


@pytest.mark.parametrize("name", PROGRAMS)
def test_native_code_computes_what_steps_and_jax_compute(name, expected):
    jaxpr, args = program(name)
    run, source = backend.build(jaxpr)
    assert "= step_" not in source.driver, source.driver  # nothing is left to Python
    given = [x.copy() for x in args]
    outs = [np.array(x) for x in run(*args)]
    for x, y in zip(args, given):
        np.testing.assert_array_equal(x, y)  # an operand is the user's
    by_steps = step_by_step(jaxpr, args)
    for out, step, theirs in zip(outs, by_steps, leaves(expected[name]), strict=True):
        assert (out.shape, out.dtype) == (step.shape, step.dtype) == (theirs.shape, theirs.dtype)
        narrow = out.dtype.itemsize == 2 and out.dtype.kind not in "iu"
        for other in step, theirs:
            if out.dtype.kind in "biu":
                np.testing.assert_array_equal(out, other)
            else:
                kind = np.complex128 if out.dtype.kind == "c" else np.float64
                np.testing.assert_allclose(out.astype(kind), other.astype(kind),
                                           rtol=3e-2 if narrow else 1e-5, atol=1e-6)


def step_by_step(jaxpr, args):
    """The results with each equation, also in loops, by its operation's `impl`."""
    with compile_after(1 << 30), np.errstate(all="ignore"):  # as around every program
        return [np.array(x) for x in steps.compiled(jaxpr)(*args)]


# --- what is compiled whole ----------------------------------------------------------------------


def loop_of(f, *args):
    """The first loop, or cond, of a function's program."""
    eqns = flatten(minijax.make_jaxpr(f)(*args)).eqns
    return next(e for e in eqns if e.primitive.name in ("while", "scan", "cond"))


def repeated(f):
    return lambda x: minijax.lax.fori_loop(0, 3, lambda i, x: f(x), x)


def many_times(x):
    for _ in range(600):
        x = minijax.numpy.sin(x)
    return x


def printing(x):
    minijax.debug.print("{}", x)
    return x + 1


HINDRANCES = {
    "cholesky has no kernel": (repeated(minijax.numpy.linalg.cholesky), np.eye(3, dtype="f")),
    "has effects": (repeated(printing), S),
    "has no kernel": (repeated(lambda x: minijax.numpy.fft.ifft(minijax.numpy.fft.fft(x))),
                      COMPLEX),
    "int4": (repeated(lambda x: x + 1), minijax.numpy.zeros(3, "int4")),
    "a step has many operations": (repeated(many_times), S),
    "a step computes much": (repeated(lambda x: x + 1), np.zeros(1 << 19, "f")),
    "faster as a step of its own": (repeated(lambda x: x @ x), np.zeros((200, 200), "f")),
}


@pytest.mark.parametrize("why", HINDRANCES)
def test_a_loop_runs_step_by_step_for_a_reason(why):
    f, x = HINDRANCES[why]
    assert why in obstacle(loop_of(f, x))
    nested = loop_of(lambda x: minijax.lax.scan(lambda c, _: (f(c), None), x, length=2)[0], x)
    assert why in obstacle(nested)


def test_a_product_by_itself_is_for_blas():
    (e,) = minijax.make_jaxpr(lambda x: x @ x)(WEIGHTS).eqns
    assert obstacle(e) == "dot_general has no kernel" and obstacle(e, inside=True) is None


# --- where values stand --------------------------------------------------------------------------

IN_PLACE = {
    "each element by itself": (True, lambda x: x * 2 + 1),
    "with others": (True, lambda x: x * x.shape[0] + minijax.numpy.arange(20.0)),
    "a new shape": (True, lambda x: (x.reshape(5, 4) * 2).reshape(20)),
    "as it came": (True, lambda x: x),
    "other elements": (False, lambda x: x + x[::-1]),
    "rows that are read twice": (False, lambda x: x / x.sum()),
    "another array": (True, lambda x: minijax.numpy.arange(20.0) * 2),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_an_array_is_changed_in_place_where_nobody_reads_the_old_one(name):
    allowed, f = IN_PLACE[name]
    plan = planned(minijax.make_jaxpr(f)(LONG[0]).jaxpr)
    assert replaces(plan, 0, plan.flat.invars[0]) == allowed


# --- when ----------------------------------------------------------------------------------------


def python_calls(f):
    """How many Python functions are called."""
    count = collections.Counter()
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, arg: count.update([event]))
    try:
        f()
    finally:
        sys.setprofile(before)
    return count["call"]


LOOPS = {
    "scan": lambda lax, n: lax.fori_loop(0, n, lambda i, x: x * 0.5 + 1, 1.0),
    "while": lambda lax, n: lax.while_loop(
        lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * 0.5 + 1), (0, 1.0)),
    "rows": lambda lax, n: lax.scan(lambda c, _: (c * 0.5, c), np.ones(3, "f"), length=n),
}


@pytest.mark.parametrize("name", LOOPS)
def test_python_does_not_count_along(name):
    """A compiled loop is one call, and eager loops are compiled when they turn out long."""
    f = minijax.jit(LOOPS[name], static_argnums=(0, 1))
    calls = {}
    for n in 100, 5000:
        for _ in range(3):
            calls[n] = (python_calls(lambda n=n: f(minijax.lax, n)),
                        python_calls(lambda n=n: LOOPS[name](minijax.lax, n)))
    assert calls[100] == pytest.approx(calls[5000], rel=0.2)


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("n", [3, 63, 64, 65, 200])
def test_a_loop_that_is_compiled_midway_gives_the_same(name, n):
    theirs = LOOPS[name](jax.lax, n)
    for out, other in zip(leaves(LOOPS[name](minijax.lax, n)), leaves(theirs), strict=True):
        np.testing.assert_allclose(out, other, rtol=1e-6, atol=1e-37)


def test_debug_nans_finds_the_step_of_a_long_loop():
    def f(x):
        return minijax.lax.fori_loop(0, 1000, lambda i, x: minijax.numpy.log(x), x)

    with minijax.debug_nans(True), pytest.raises(FloatingPointError, match="log"):
        minijax.jit(f)(2.0)


# --- products ahead of a loop --------------------------------------------------------------------


def network(lax, jnp, h, w, u, xs):
    def step(h, x):
        h = jnp.tanh(h @ w + x @ u)
        return h, (h, x @ u)

    return lax.scan(step, h, xs, reverse=True)


@pytest.mark.parametrize("size, rows, times", [(96, (), 1), (96, (8,), 0), (16, (), 0)])
def test_products_that_need_no_carry_are_computed_ahead(size, rows, times):
    """As one product of matrices, if a step would multiply a large matrix by a vector."""
    args = (np.zeros((*rows, size), "f"), *(f32(size, size) - 0.5 for _ in "wu"),
            f32(6, *rows, size))
    jaxpr = minijax.make_jaxpr(lambda *args: network(minijax.lax, minijax.numpy, *args))(*args)
    run, source = backend.build(jaxpr)
    assert source.driver.count("matmul_") == times
    theirs = jax.jit(lambda *args: network(jax.lax, jax.numpy, *args))(*args)
    for out, other in zip(run(*args), leaves(theirs), strict=True):
        np.testing.assert_allclose(out, other, rtol=1e-5, atol=1e-6)


def test_products_that_are_the_same_in_each_step_are_computed_once():
    args = np.zeros(96, "f"), f32(96, 96), f32(96, 96), f32(6, 96)

    def twice(h, *args):
        return minijax.lax.fori_loop(0, 2, lambda i, h: network(
            minijax.lax, minijax.numpy, h, *args)[0], h)

    _, source = backend.build(minijax.make_jaxpr(twice)(*args))
    assert list(source.kernels) == ["kernel_0"] and source.driver.count("matmul_") == 1


def test_a_map_of_products_is_one_product():
    w, xs = f32(96, 96), f32(6, 96)
    jaxpr = minijax.make_jaxpr(lambda w, xs: minijax.lax.map(lambda x: w @ x, xs))(w, xs)
    run, source = backend.build(jaxpr)
    assert "matmul_" in source.driver and not source.kernels
    np.testing.assert_allclose(run(w, xs)[0], xs @ w.T, rtol=1e-5)


def test_a_product_in_a_nested_loop_stays_in_it():
    """The outer loop is one kernel, which does not call BLAS."""
    args = np.zeros(96, "f"), f32(96, 96), f32(96, 96), f32(6, 96)

    def twice(*args):
        return minijax.lax.fori_loop(0, 2, lambda i, h: network(
            minijax.lax, minijax.numpy, h, *args[1:3], args[3] + h)[0], args[0])

    _, source = backend.build(minijax.make_jaxpr(twice)(*args))
    assert list(source.kernels) == ["kernel_0"] and "matmul_" not in source.driver


def test_updates_of_a_carry_do_not_copy_it():
    """Nor do those by an inner loop and by a branch. The operand is copied once, at first."""
    for f, args in (sieve, [i32(20000)]), (bubbles, [f32(2000)]):
        jaxpr = minijax.make_jaxpr(bound(f, minijax))(*args)
        (kernel,) = [e.source for e in backend.build(jaxpr)[1].kernels.values()
                     if "    for v" in e.source]
        size = str(args[0].size)
        inside = kernel[kernel.index("for v"):kernel.rindex("if not same") if (
            "if not same" in kernel) else len(kernel)]
        assert f", {size})" not in inside and f"range({size})" not in inside, kernel


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3)])
def test_carries_without_elements(shape: tuple[int, ...]) -> None:
    def steps(n, x):
        return minijax.lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, f(c[1])), (0, x))
    with compile_after(0):
        for f in (lambda a: minijax.numpy.flip(a, -1), lambda a: minijax.numpy.sort(a, 0),
                  lambda a: a.at[:1].add(1), lambda a: minijax.numpy.cumsum(a, 0),
                  lambda a: a.at[..., ::-1].set(a + 1), lambda a: a.at[..., 0:].min(a)):
            x = minijax.numpy.ones(shape)
            count, last = minijax.jit(minijax.vmap(steps, (0, None)))(np.arange(3), x)
            assert last.shape == (3, *shape) and count.tolist() == [0, 1, 2]
            last = minijax.jit(lambda x, f=f: minijax.lax.fori_loop(0, 3, lambda _, a: f(a), x))(x)
            assert last.shape == shape
