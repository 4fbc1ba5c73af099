"""Faults at random moments: `python benchmarks/faults.py 200 [PATIENCE]`.

Kills a worker, stops one, interrupts the parent, or lets a device raise, while programs run. Each
must give one error soon, and the next call must be right. At the end nothing may be left. PATIENCE
is how many seconds a stopped worker is waited for, if not the engine's five: most of the time.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.errors import JaxRuntimeError
from minijax.parallel import engine as module

X = np.arange(6, dtype=np.float32).reshape(2, 3)
total = jax.pmap(lambda x: lax.psum(x, "i"), axis_name="i")
bad = jax.pmap(lambda x: lax.ppermute(x, "i", [(0, 7)]), axis_name="i")
KINDS = ("kill", "stop", "interrupt", "raise")


@jax.pmap
def long(n):
    return lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, jnp.sin(c[1])), (0, 1.0))[1]


def inject(kind: str) -> None:
    workers = list(module.engine().workers.values())
    if kind == "interrupt" or not workers:
        os.kill(os.getpid(), signal.SIGINT)
    else:
        signals = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
        os.kill(random.choice(workers).process.pid, signals[kind])


def fault(kind: str) -> float:
    """Seconds from the fault to its error."""
    moment = random.uniform(0, 0.4)
    timer = threading.Timer(moment, inject, [kind])
    start = time.monotonic() + (moment if kind != "raise" else 0)
    try:
        if kind == "raise":
            bad(X)
        else:
            timer.start()
            long(np.array([10**9, 10**9], np.int32))
    except (JaxRuntimeError, KeyboardInterrupt):
        return time.monotonic() - start
    finally:
        timer.cancel()
    raise AssertionError(f"{kind}: no error")


def main(count: int = 20, patience: float = module.PATIENCE) -> None:
    jax.config.update("jax_num_cpu_devices", 2)
    module.PATIENCE = patience
    slowest: Counter = Counter()
    seen = set()
    for i in range(count):
        kind = KINDS[i % len(KINDS)]
        assert (np.asarray(total(X)) == X.sum(0)).all()
        seen |= {w.process.pid for w in module.engine().workers.values()}
        slowest[kind] = max(slowest[kind], fault(kind))
    assert (np.asarray(total(X)) == X.sum(0)).all()
    alive = {w.process.pid for w in module.engine().workers.values()}
    left = [p for p in seen - alive if os.path.exists(f"/proc/{p}")]
    print(f"{count} faults, {count} errors; slowest, in seconds: "
          + ", ".join(f"{k} {v:.1f}" for k, v in slowest.items()))
    print(f"workers left over: {len(left)}; shared files left over: "
          f"{sum('minijax' in f for f in os.listdir('/dev/shm'))}")
    assert not left


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
