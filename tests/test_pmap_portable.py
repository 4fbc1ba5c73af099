"""pmap without what only Linux has: no sleeping on words in memory, no endless memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .tiers import heavy

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import os, signal
import numpy as np
import minijax as jax, minijax.numpy as jnp
from minijax import lax
from minijax.errors import JaxRuntimeError
from minijax.parallel import futex, system
from minijax.parallel.engine import engine

assert system.PORTABLE and futex._futex is None
jax.config.update("jax_num_cpu_devices", 3)
total = jax.pmap(lambda x: lax.psum(x, "i"), axis_name="i")
for size in (3, 1 << 16):
    x = np.random.default_rng(0).normal(size=(3, size)).astype(np.float32)
    for _ in range(3):
        np.testing.assert_allclose(total(x), [x.sum(0)] * 3, 1e-4, 1e-5)
assert engine().heap.size <= system.memory_size() // 4

def show(x):
    jax.debug.print("{}", x)
    return lax.ppermute(x, "i", [(0, 1), (1, 2)])

shown = jax.pmap(show, "i")
np.testing.assert_array_equal(shown(np.arange(3)), [0, 0, 1])

def late(n):  # the first device works, the others sleep until it comes
    return lax.psum(lax.fori_loop(0, n, lambda i, c: jnp.sin(c) + 1, 0.0), "i")

assert np.isfinite(jax.pmap(late, "i")(np.array([3_000_000, 1, 1], np.int32))).all()
workers = list(engine().workers.values())
os.kill(workers[1].process.pid, signal.SIGKILL)
workers[1].process.wait()
np.testing.assert_allclose(total(x), [x.sum(0)] * 3, 1e-4, 1e-5)
try:
    jax.pmap(lambda x: lax.ppermute(x, "i", [(0, 9)]), "i")(x)
except JaxRuntimeError as error:
    assert "CpuDevice" in str(error)
else:
    raise AssertionError("no error")
for _ in range(2):  # what is lent to workers comes back
    engine().stop()
    total(x[:, :3])
print("done")
"""


@heavy
def test_all_of_it_on_any_system():
    out = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MINIJAX_PORTABLE": "1"})
    assert out.returncode == 0, out.stderr
    *shown, last = out.stdout.splitlines()
    assert sorted(shown) == ["0", "1", "2"] and last == "done"
