"""Programs with branches and loops, for `test_jaxpr_text.py`."""

from __future__ import annotations

import numpy as np

from tests.both import f32, i32

V, M, S, I = f32(3), f32(3, 4), np.float32(0.5), i32(3)  # noqa: E741


def cumulative_sum(lax, x):
    return lax.scan(lambda c, x: (c + x, c), 0.0, x)


def closing_over(jnp, lax, w, x):
    return lax.scan(lambda h, x: (jnp.tanh(w * h + x), h), w, jnp.outer(x, x))


def an_array_constant(jnp, lax, x):
    table = jnp.asarray(f32(3, 3))
    return lax.scan(lambda h, row: (h * row, None), x, table)[0]


def pytrees(jnp, lax, x):
    def step(carry, x):
        total, state = carry["total"], carry["state"]
        return {"total": total + x, "state": (state[1], jnp.sin(state[0]))}, {"y": x * total}

    return lax.scan(step, {"total": S, "state": (S, x[0])}, x, reverse=True)


def a_fixed_carry(lax, x):
    """`w` is returned as it came, and so is each x."""
    return lax.scan(lambda c, x: ((c[0] * c[1] + x, c[1]), x), (S, S), x)


def powers(lax, x):
    return lax.fori_loop(0, 4, lambda i, y: y * x, x)


def counted(lax, x):
    return lax.fori_loop(2, 5, lambda i, y: y * x + i, x, unroll=2)


def up_to(lax, x, n):
    return lax.fori_loop(0, n, lambda i, y: y * x, x)


def newton(jnp, lax, x):
    return lax.while_loop(lambda y: jnp.abs(y * y - x) > 1e-3, lambda y: 0.5 * (y + x / y), x)


def search(jnp, lax, x):
    """A carry that never changes: the condition looks at one, and not at the other."""
    def body(state):
        n, y, limit, w = state
        return n + 1, y * w, limit, w

    return lax.while_loop(lambda s: s[1].sum() < s[2], body, (0, x, 9.0, x + 1.0))


def two_branches(jnp, lax, x):
    return lax.cond(x[0] > 0.4, lambda x: jnp.sin(x) * x, lambda x: x * 2.0, x)


def branches_that_close_over(lax, x, y):
    return lax.cond(x[0] > 0.4, lambda z: z * x, lambda z: z - y, x + y)


def passing_through(jnp, lax, x, y):
    return lax.cond(x[0] > 0.4, lambda x, y: (jnp.exp(x), y, x), lambda x, y: (x, y, x), x, y)


def three_branches(jnp, lax, x, n):
    return lax.switch(n, [jnp.sin, lambda x: x * x, lambda x: 3.0 * x], x)


def without_operands(jnp, lax, n):
    return lax.cond(n > 0, lambda: jnp.zeros(2), lambda: jnp.ones(2))


def branch_in_a_loop(jnp, lax, x):
    def step(c, x):
        return lax.cond(x > 0.4, lambda c: jnp.sin(c) * x, lambda c: c + x, c), c

    return lax.scan(step, S, x)


def loop_in_a_loop(lax, m):
    def row_step(c, row):
        return lax.scan(lambda c, x: (c * x, c), c, row)

    return lax.scan(row_step, S, m)


def mapped(jnp, lax, m):
    return lax.map(lambda row: jnp.sum(row) * row, m)


def associative(lax, x):
    return lax.associative_scan(lax.mul, x)


def associative_in_pairs(lax, x):
    def combine(a, b):
        return a[0] * b[0], a[1] * b[0] + b[1]

    return lax.associative_scan(combine, (x, x), reverse=True)


def many(jax, lax, m):
    return jax.vmap(lambda row: lax.scan(lambda c, x: (c * x, c + x), S, row))(m)


def many_branches(jax, jnp, lax, x):
    return jax.vmap(lambda x: lax.cond(x > 0.4, jnp.sin, lambda x: x * x, x))(x)


def many_with_one_index(jax, jnp, lax, x, p):
    return jax.vmap(lambda x: lax.cond(p > 0.4, jnp.sin, lambda x: x * x, x))(x)


def many_searches(jax, lax, x):
    return jax.vmap(lambda x: lax.while_loop(lambda y: y < 9.0, lambda y: y * 2.0, x))(x)


def many_counts(jax, lax, x):
    def f(x):
        return lax.while_loop(lambda s: s[0] < 5, lambda s: (s[0] + 1, s[1] * x), (0, x))

    return jax.vmap(f)(x)


def many_branches_in_loops(jax, lax, m):
    def step(c, x):
        return lax.cond(c > 0.4, lambda c: c * x, lambda c: c + x, c), c

    return jax.vmap(lambda row: lax.scan(step, S, row))(m)


def many_loops_in_branches(jax, lax, x):
    def loop(x):
        return lax.while_loop(lambda y: y < 9.0, lambda y: y * 2.0, x)

    return jax.vmap(lambda x: lax.cond(x > 0.4, loop, lambda x: x * x, x))(x)


def many_that_pass_through(jax, lax, x, y):
    def f(x):
        return lax.cond(x > 0.4, lambda x, y: (x * 2, y), lambda x, y: (x * 3, y), x, y)

    return jax.vmap(f, out_axes=(0, None))(x)


def many_with_a_fixed_carry(jax, lax, x, w):
    def step(c, _):
        return (c[0] * c[1], c[1]), None

    return jax.vmap(lambda x: lax.scan(step, (x, w), None, length=3)[0], out_axes=(0, None))(x)


def many_up_to_n(jax, lax, x, n):
    return jax.vmap(lambda x, n: lax.fori_loop(0, n, lambda i, c: c * x + i, x))(x, n)


def many_switches(jax, jnp, lax, x, i):
    return jax.vmap(lambda x, i: lax.switch(i, [jnp.sin, jnp.cos, lambda x: x * 2], x))(x, i)


def linear_solve(jnp, lax, w, x):
    def solve(matvec, b):
        return b - matvec(b) * 0.5

    return lax.custom_linear_solve(lambda y: y * w, x, solve, solve)


def symmetric_solve(jnp, lax, w, x):
    def solve(matvec, b):
        return matvec(b), jnp.sum(b)

    return lax.custom_linear_solve(lambda y: y * w, x, solve, symmetric=True, has_aux=True)


def a_root(lax, x):
    return lax.custom_root(lambda y: y ** 2 - x ** 3, x, lambda f, y: y - f(y),
                           lambda g, y: y / g(1.0))


LOOPS: dict[str, tuple] = {
    "scan": (cumulative_sum, V),
    "scan that closes over": (closing_over, V, V),
    "scan over a constant": (an_array_constant, V),
    "scan of pytrees": (pytrees, V),
    "scan with a fixed carry": (a_fixed_carry, V),
    "fori_loop": (powers, V),
    "fori_loop, unrolled": (counted, S),
    "fori_loop up to n": (up_to, V, np.int32(3)),
    "while_loop": (newton, S),
    "while_loop with fixed carries": (search, V),
    "cond": (two_branches, V),
    "cond that closes over": (branches_that_close_over, V, V),
    "cond that passes through": (passing_through, V, V),
    "cond without operands": (without_operands, np.int32(1)),
    "switch": (three_branches, V, np.int32(1)),
    "cond in scan": (branch_in_a_loop, V),
    "scan in scan": (loop_in_a_loop, M),
    "map": (mapped, M),
    "associative_scan": (associative, f32(5)),
    "associative_scan of pairs": (associative_in_pairs, f32(6)),
    "custom_linear_solve": (linear_solve, V, V),
    "custom_linear_solve, symmetric": (symmetric_solve, V, V),
    "custom_root": (a_root, S),
    "vmap of scan": (many, M),
    "vmap of cond": (many_branches, V),
    "vmap of cond, one index": (many_with_one_index, V, S),
    "vmap of while_loop": (many_searches, V),
    "vmap of while_loop, one count": (many_counts, V),
    "vmap of cond in scan": (many_branches_in_loops, M),
    "vmap of while_loop in cond": (many_loops_in_branches, V),
    "vmap of cond that passes through": (many_that_pass_through, V, S),
    "vmap of scan with a fixed carry": (many_with_a_fixed_carry, V, S),
    "vmap of fori_loop up to n": (many_up_to_n, V, i32(3)),
    "vmap of switch": (many_switches, V, i32(3)),
}
