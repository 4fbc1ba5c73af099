"""pmap beside JAX's with as many host devices, in one run: `python benchmarks/parallel.py`.

A ratio above 1: minijax is ahead. The last lines have no counterpart in JAX.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import jax
import numpy as np
from alternating import measure

import minijax
from minijax.parallel.engine import engine

START = """
import time, minijax as jax, minijax.numpy as jnp
jax.config.update("jax_num_cpu_devices", 2)
x = jnp.ones(2)
start = time.perf_counter()
jax.pmap(lambda x: x)(x)
print(time.perf_counter() - start)
"""


def empty(lib: Any) -> Callable:
    f = lib.pmap(lambda x: x + 1)
    x = f(np.ones(2, np.float32))
    return lambda: f(x).block_until_ready()


def psum(lib: Any, megabytes: int) -> Callable:
    f = lib.pmap(lambda x: lib.lax.psum(x, "i"), axis_name="i")
    x = lib.pmap(lambda x: x * 1)(np.ones((2, megabytes << 18), np.float32))
    return lambda: f(x).block_until_ready()


def main() -> None:
    for name, make in {"empty call": empty, "psum 4 MB": lambda lib: psum(lib, 4),
                       "psum 64 MB": lambda lib: psum(lib, 64)}.items():
        timing = measure(name, {"minijax": make(minijax), "jax": make(jax)})
        print(f"{name:12} minijax {timing.median('minijax') * 1e3:8.3f} ms   "
              f"jax {timing.median('jax') * 1e3:8.3f} ms   ratio {timing.ratio('jax'):.2f}")
    seconds = [float(subprocess.run([sys.executable, "-c", START], capture_output=True, text=True,
                                    check=True).stdout) for _ in range(5)]
    print(f"start of two workers, and the first call: {min(seconds):.2f} s")
    x = minijax.pmap(lambda x: x * 2)(np.ones((2, 1 << 24), np.float32))
    before = engine().heap.buffers.held()
    kept = [minijax.pmap(lambda x: x * 3)(x)]
    grown = engine().heap.buffers.held() - before
    print(f"memory of a stacked result of {kept[0].nbytes >> 20} MB: {grown >> 20} MB, "
          f"read by NumPy without a copy: {np.shares_memory(np.asarray(kept[0]), kept[0]._value)}")


if __name__ == "__main__":
    minijax.config.update("jax_num_cpu_devices", 2)
    main()
