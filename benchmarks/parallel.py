"""pmap beside JAX's with as many host devices, in one run: `python benchmarks/parallel.py`.

Writes `parallel.md` and `parallel.png` beside this file. A ratio above 1: minijax is ahead. With
`growth`, it only asserts that 10,000 calls leave nothing behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import jax
import numpy as np
from alternating import Timing, measure, plot, table
from workloads import batch, example_loss, parameters, update

import minijax
from minijax.parallel.engine import engine

HERE = Path(__file__).resolve().parent
BATCHES = (256, 1024, 4096)
START = """
import time, minijax as jax, minijax.numpy as jnp
jax.config.update("jax_num_cpu_devices", 2)
x = jnp.ones(2)
start = time.perf_counter()
jax.pmap(lambda x: x)(x)
print(time.perf_counter() - start)
"""
TEXT = """# pmap beside jax.pmap

Two devices, JAX {version} with two host devices, {cpus} CPUs; written by `python
benchmarks/parallel.py`. The columns with a `/` say how many times faster minijax is.

{table}

![ratios](parallel.png)

"update step" is that of a network of 784-512-512-10 units, with a batch of so many images divided
between two devices; "one process" does the same without pmap, with all CPUs.

- Start of two workers, with the first call: {start:.2f} s.
- A sum that two devices have, of 64 MB each, takes {memory} MB; NumPy reads it without a copy.
- 10,000 calls: {growth}.
"""


def empty(lib: Any) -> Callable:
    f = lib.pmap(lambda x: x + 1)
    x = f(np.ones(2, np.float32))
    return lambda: f(x).block_until_ready()


def psum(lib: Any, megabytes: int) -> Callable:
    f = lib.pmap(lambda x: lib.lax.psum(x, "i"), axis_name="i")
    x = lib.pmap(lambda x: x * 1)(np.ones((2, megabytes << 18), np.float32))
    return lambda: f(x).block_until_ready()


def data_parallel(lib: Any, size: int) -> Callable:
    """One update step of deck 004's network, the batch divided among the devices."""
    losses = lib.vmap(example_loss(lib), in_axes=(None, 0, 0))

    def step(params: Any, x: Any, y: Any) -> Any:
        grads = lib.grad(lambda params: lib.numpy.mean(losses(params, x, y)))(params)
        grads = lib.lax.pmean(grads, "i")
        return [(w - 0.01 * dw, b - 0.01 * db) for (w, b), (dw, db) in zip(params, grads)]

    f = lib.pmap(step, axis_name="i")
    params, (x, y) = parameters(), batch(size)
    split = lib.pmap(lambda x, y: (x, y))
    x, y = split(x.reshape(2, size // 2, -1), y.reshape(2, size // 2, -1))
    params = f([(np.stack([w, w]), np.stack([b, b])) for w, b in params], x, y)
    return lambda: lib.block_until_ready(f(params, x, y))


def one_process(lib: Any, size: int) -> Callable:
    f, params, (x, y) = lib.jit(update(lib)), parameters(), batch(size)
    params, x, y = f(params, x, y), lib.device_put(x), lib.device_put(y)
    return lambda: lib.block_until_ready(f(params, x, y))


def timings() -> list[Timing]:
    made = {"empty call": empty, "psum 4 MB": lambda lib: psum(lib, 4),
            "psum 64 MB": lambda lib: psum(lib, 64)}
    found = [measure(name, {"minijax": make(minijax), "jax.pmap": make(jax)})
             for name, make in made.items()]
    for size in BATCHES:
        found.append(measure(f"update step, B={size}", {
            "minijax": data_parallel(minijax, size), "jax.pmap": data_parallel(jax, size),
            "one process": one_process(minijax, size)}, 0.1, 9))
    return found


def seconds_to_start() -> float:
    return min(float(subprocess.run([sys.executable, "-c", START], capture_output=True, text=True,
                                    check=True).stdout) for _ in range(5))


def memory_of_a_sum() -> float:
    """The megabytes that a result takes which both devices have, of 64 MB each."""
    x = minijax.pmap(lambda x: x * 2)(np.ones((2, 1 << 24), np.float32))
    engine().heap.buffers.blocks.clear()  # nothing is there to be used again
    before = engine().heap.region.used()
    total = minijax.pmap(lambda x: minijax.lax.psum(x, "i"), axis_name="i")(x)
    assert total.shape == x.shape and np.shares_memory(np.asarray(total), total._value)
    return (engine().heap.region.used() - before) / 2**20


def state() -> dict[str, int]:
    """What there is of what could grow, in this process and in a worker."""
    pid = engine().workers[0].process.pid
    resident = [int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in ("self", pid)]
    return {"descriptors": len(os.listdir("/proc/self/fd")),
            "descriptors of a worker": len(os.listdir(f"/proc/{pid}/fd")),
            "shared blocks": engine().heap.region.used(),
            "pages": resident[0], "pages of a worker": resident[1]}


def growth(calls: int = 10_000) -> str:
    """Call it so often, and assert that nothing has grown."""
    f = minijax.pmap(lambda x: (minijax.lax.psum(x, "i"), x.sum()), axis_name="i")
    x = np.ones((2, 1000), np.float32)
    for _ in range(1000):
        f(x)
    before = state()
    for _ in range(calls):
        f(x)
    grown = {name: now - before[name] for name, now in state().items()}
    assert all(n <= (256 if "pages" in name else 0) for name, n in grown.items()), grown
    return ", ".join(f"{n:+d} {name}" for name, n in grown.items())


def main() -> None:
    found = timings()
    plot(found, str(HERE / "parallel.png"), "pmap on two devices")
    text = TEXT.format(version=jax.__version__, cpus=os.cpu_count(), table=table(found),
                       start=seconds_to_start(), memory=round(memory_of_a_sum()),
                       growth=growth())
    (HERE / "parallel.md").write_text(text)
    print(text)


if __name__ == "__main__":
    minijax.config.update("jax_num_cpu_devices", 2)
    if sys.argv[1:] == ["growth"]:
        print(growth())
    else:
        main()
