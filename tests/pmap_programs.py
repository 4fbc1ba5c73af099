"""Programs with pmap, for minijax and for JAX: functions of the modules, without arguments.

`python -m tests.pmap_programs file.npz` runs them in JAX with eight devices, and saves the results.
They are for four devices, or as many, an even number, as the environment says in
PMAP_PROGRAMS_DEVICES.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

N = int(os.environ.get("PMAP_PROGRAMS_DEVICES", 4))
PROGRAMS: dict[str, Callable] = {}


def program(f: Callable) -> Callable:
    PROGRAMS[f.__name__] = f
    return f


def numbers(*shape: int) -> np.ndarray:
    return np.sin(np.arange(np.prod(shape), dtype=np.float32)).reshape(shape)


# --- one collective each -------------------------------------------------------------------------

RING = [(i, (i + 1) % N) for i in range(N)]
GROUPS = [list(range(0, N, 2)), list(range(1, N, 2))]
COLLECTIVES: dict[str, Callable] = {  # of x, an array (8, N) on each device
    "psum": lambda lax, x: lax.psum(x, "i"),
    "psum-tree": lambda lax, x: lax.psum({"a": x, "b": (x[0], 2.0)}, "i")["b"],
    "psum-groups": lambda lax, x: lax.psum(x, "i", axis_index_groups=GROUPS),
    "pmean": lambda lax, x: lax.pmean(x, "i"),
    "pmax": lambda lax, x: lax.pmax(x, "i"),
    "pmin": lambda lax, x: lax.pmin(x, "i"),
    "all_gather": lambda lax, x: lax.all_gather(x, "i"),
    "all_gather-1": lambda lax, x: lax.all_gather(x, "i", axis=1),
    "all_gather-tiled": lambda lax, x: lax.all_gather(x, "i", axis=1, tiled=True),
    "all_gather-groups": lambda lax, x: lax.all_gather(x, "i", axis_index_groups=GROUPS),
    "psum_scatter": lambda lax, x: lax.psum_scatter(x[:N], "i"),
    "psum_scatter-1": lambda lax, x: lax.psum_scatter(x, "i", scatter_dimension=1),
    "psum_scatter-tiled": lambda lax, x: lax.psum_scatter(x, "i", tiled=True),
    "all_to_all": lambda lax, x: lax.all_to_all(x, "i", 1, 0),
    "all_to_all-tiled": lambda lax, x: lax.all_to_all(x, "i", 0, 1, tiled=True),
    "ppermute": lambda lax, x: lax.ppermute(x, "i", RING),
    "ppermute-some": lambda lax, x: lax.ppermute(x, "i", [(0, N // 2), (N - 1, 0)]),
    "pshuffle": lambda lax, x: lax.pshuffle(x, "i", [2 * i % (N + 1) - 1 for i in range(1, N + 1)]),
    "pbroadcast": lambda lax, x: lax.pbroadcast(x, "i", N - 1),
    "axis_index": lambda lax, x: x * lax.axis_index("i"),
    "axis_size": lambda lax, x: x * lax.axis_size("i"),
    "two": lambda lax, x: lax.psum(x, "i") * lax.ppermute(lax.pmax(x, "i") - x, "i", RING),
}


def of_collective(name: str, differentiable: bool = True) -> None:
    f = COLLECTIVES[name]

    def value(jax: Any, jnp: Any, lax: Any) -> Any:
        return jax.pmap(lambda x: f(lax, x), axis_name="i")(numbers(N, 8, N))

    def pulled(jax: Any, jnp: Any, lax: Any) -> Any:
        mapped = jax.pmap(lambda x: f(lax, jnp.sin(x)), axis_name="i")
        out, pull = jax.vjp(mapped, numbers(N, 8, N))
        push = jax.jvp(mapped, (numbers(N, 8, N),), (numbers(N, 8, N),))[1]
        return pull(jax.tree.map(lambda x: jnp.cos(x).astype(x.dtype), out)), push

    PROGRAMS[f"{name}: value"] = value
    if differentiable:
        PROGRAMS[f"{name}: derivatives"] = pulled


for name in COLLECTIVES:
    of_collective(name, "pmax" not in name and "pmin" not in name and name != "two")


# --- whole programs ------------------------------------------------------------------------------


@program
def decks_dense(jax, jnp, lax):
    def dense(x, w, b):
        return jnp.dot(x, w) + b

    args = numbers(N, 8), numbers(8, 3), numbers(3)
    return (jax.pmap(dense, in_axes=(0, None, None))(*args),
            jax.jit(jax.pmap(dense, in_axes=(0, None, None)))(*args))


@program
def axes(jax, jnp, lax):
    f = jax.pmap(lambda x, y: (x + y, x * 2), in_axes=(1, None), out_axes=(1, 0))
    return f(numbers(3, N), numbers(3)), f(numbers(3, 2), numbers(3))


@program
def pytrees_and_keywords(jax, jnp, lax):
    f = jax.pmap(lambda p, x, *, scale: {"y": p["w"] * x * scale}, in_axes=({"w": None}, 0))
    return f({"w": np.float32(3)}, numbers(2, 5), scale=numbers(2))


@program
def static(jax, jnp, lax):
    f = jax.pmap(lambda x, n: x * n if n > 1 else -x, static_broadcasted_argnums=1)
    return f(numbers(2, 3), 1), f(numbers(2, 3), 3)


@program
def constants(jax, jnp, lax):
    table = jnp.asarray(numbers(2, 300))
    return jax.pmap(lambda x: (x + table, 3, table[0]))(numbers(2, 2, 300))


@program
def the_same_for_all(jax, jnp, lax):
    return jax.pmap(lambda x: lax.psum(x, "i"), axis_name="i", out_axes=None)(numbers(N, 3))


@program
def inside_and_around(jax, jnp, lax):
    def loss(w, x):
        return jnp.sum(jnp.tanh(x @ w) * lax.pmean(jnp.sum(x), "i"))

    args = numbers(3, 2), numbers(N, 5, 3)
    mapped = jax.pmap(loss, "i", in_axes=(None, 0))
    total = lambda w, x: jnp.sum(mapped(w, x))  # noqa: E731
    return (jax.pmap(jax.grad(loss), "i", in_axes=(None, 0))(*args),
            jax.pmap(jax.jit(jax.value_and_grad(loss)), "i", in_axes=(None, 0))(*args),
            jax.grad(total, argnums=(0, 1))(*args), jax.jit(jax.grad(total))(*args),
            jax.jvp(mapped, args, args),
            jax.pmap(lambda w, x: jax.vmap(lambda r: loss(w, r))(x), "i", in_axes=(None, 0))(
                args[0], numbers(N, 2, 5, 3)))


@program
def data_parallel_training(jax, jnp, lax):
    def loss(params, x, y):
        hidden = jax.nn.relu(x @ params[0][0] + params[0][1])
        return -jnp.mean(jax.nn.log_softmax(hidden @ params[1][0] + params[1][1]) * y)

    def update(params, x, y):
        value, grads = jax.value_and_grad(loss)(params, x, y)
        grads = lax.pmean(grads, "batch")
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), lax.pmean(value, "batch")

    step = jax.pmap(update, axis_name="batch")
    params = [(numbers(6, 8), numbers(8)), (numbers(8, 3), numbers(3))]
    params = jax.tree.map(lambda p: jnp.stack([p] * N), params)
    losses = []
    for _ in range(3):
        params, value = step(params, numbers(N, 5, 6), numbers(N, 5, 3))
        losses.append(value)
    return params, losses


@program
def control_flow(jax, jnp, lax):
    def f(x):
        carry, ys = lax.scan(lambda c, r: (c + lax.psum(r, "i"), c * r), x[0], x)
        many = lax.fori_loop(0, lax.axis_index("i") + 1, lambda i, c: c * 2, carry)
        return lax.cond(lax.axis_index("i") > 1, jnp.sin, jnp.cos, many), ys

    return jax.pmap(f, axis_name="i")(numbers(N, 5, 3))


@program
def rules_of_users(jax, jnp, lax):
    @jax.custom_vjp
    def clipped(x):
        return jnp.sin(x)

    clipped.defvjp(lambda x: (jnp.sin(x), x), lambda x, ct: (jnp.clip(ct * x, -1, 1),))

    def f(x):
        y = jax.checkpoint(lambda x: jnp.exp(jax.nn.softplus(x)))(clipped(x))
        return jnp.sum(lax.scan(lambda c, r: (clipped(c + r), c), y[0], y)[0])

    return jax.pmap(f)(numbers(2, 3, 4)), jax.pmap(jax.grad(f))(numbers(2, 3, 4))


@program
def random_numbers(jax, jnp, lax):
    keys = jax.random.split(jax.random.PRNGKey(0), N)
    return jax.pmap(lambda k: jax.random.normal(k, (3,)))(keys)


@program
def many_types(jax, jnp, lax):
    f = jax.pmap(lambda x: (x, lax.psum(x, "i"), lax.pmax(x, "i")), axis_name="i")
    x = numbers(2, 5)
    return (f((8 * x).astype(np.int8)), f(x > 0), f((9 * abs(x)).astype(np.uint16)),
            jax.tree.map(lambda y: y.astype(jnp.float32), f(jnp.asarray(x, jnp.bfloat16))),
            jax.pmap(lambda x: lax.psum(x * 1j, "i"), axis_name="i")(x),
            f(np.zeros((2, 0), np.float32)))


@program
def linear_algebra(jax, jnp, lax):
    a = numbers(2, 3, 3)
    return jax.pmap(lambda a: jnp.linalg.cholesky(a @ a.T + 9 * jnp.eye(3)))(a)


@program
def results_again(jax, jnp, lax):
    step = jax.pmap(lambda x: lax.ppermute(x * 2, "i", RING), axis_name="i")
    x = jnp.asarray(numbers(N, 3))
    for _ in range(5):
        x = step(x)
    return x, x + 1, x[1], jnp.sum(x, 0)


@program
def eight_devices(jax, jnp, lax):
    return jax.pmap(lambda x: lax.psum_scatter(lax.all_gather(x, "i"), "i"), axis_name="i")(
        numbers(8, 2))


def flat(jax: Any, out: Any) -> list[np.ndarray]:
    return [np.asarray(x) for x in jax.tree.leaves(out)]


def jax_results(folder: Any, module: str) -> Any:
    """What JAX computes, in a process of its own."""
    path, root = folder.mktemp("jax") / "results.npz", Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-W", "ignore", "-m", f"tests.{module}", str(path)],
                   check=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    return np.load(path)


def main(path: str, programs: dict[str, Callable] = PROGRAMS) -> None:
    os.environ["XLA_FLAGS"] = ("--xla_force_host_platform_device_count=8 "
                               "--xla_backend_optimization_level=0")
    import jax
    import jax.numpy as jnp
    from jax import lax

    results = {}
    for name, f in programs.items():
        try:
            found = flat(jax, f(jax, jnp, lax))
        except Exception as error:
            found = [np.array(f"{type(error).__name__}: {error}")]
        results |= {f"{name}/{i}": x for i, x in enumerate(found)}
    np.savez(path, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
