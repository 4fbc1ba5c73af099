"""What `jit` makes of programs, beside jax.jit, eager JAX, NumPy, and torch.compile if it is there.

    python benchmarks/compiler.py                   # all; writes compiler.md and compiler.png
    python benchmarks/compiler.py selu softmax      # prints those whose names hold a word

Each call gets another input than the one before, so that no result can be remembered, and results
are compared with JAX's before anything is timed. OPENBLAS_CORETYPE should not be set: it binds
NumPy's matrix products, and so ours, to one kind of CPU.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import alternating
import jax
import jax.numpy
import jax.scipy.special
import numpy as np
import threadpoolctl
from alternating import Timing
from workloads import WORKLOADS, Workload

import minijax
import minijax.numpy
import minijax.scipy.special
from minijax.compiler import threads

HERE = Path(__file__).parent
TOLERANCE = 2e-3
LARGE = 1 << 29  # bytes of inputs: the temporaries of eager JAX could fill the memory
TORCH = importlib.util.find_spec("torch") is not None


def rotating(call: Callable, inputs: list[tuple]) -> Callable[[], object]:
    """A function without arguments that calls `call` with one set of inputs after another."""
    turns = itertools.cycle(inputs)
    return lambda: call(*next(turns))


def of_library(workload: Workload, library: ModuleType, inputs: list[tuple], jit: bool
               ) -> tuple[Callable, list[tuple]]:
    """The program as `library` runs it to the end, and its inputs as arrays of that library."""
    f = workload.program(library)
    if jit:
        f = library.jit(f)
    arrays = library.tree_util.tree_map(library.numpy.asarray, inputs)
    return lambda *args: library.block_until_ready(f(*args)), arrays


def of_torch(workload: Workload, inputs: list[tuple]) -> tuple[Callable, list[tuple]]:
    import torch

    program = workload.torch_program or workload.array_program
    return (torch.compile(program(torch)),
            minijax.tree_util.tree_map(lambda x: torch.from_numpy(np.array(x)), inputs))


def candidates(workload: Workload, inputs: list[tuple]) -> dict[str, tuple[Callable, list[tuple]]]:
    """By name: who runs the program, and on what."""
    out = {"minijax": of_library(workload, minijax, inputs, jit=not workload.eager)}
    if not workload.eager:
        out["jax.jit"] = of_library(workload, jax, inputs, jit=True)
    if sum(x.nbytes for x in minijax.tree_util.tree_leaves(inputs)) < LARGE:
        out["eager jax"] = of_library(workload, jax, inputs, jit=False)
    if workload.array_program:
        out["numpy"] = workload.array_program(np), inputs
    if TORCH and not workload.eager and (workload.array_program or workload.torch_program):
        out["torch.compile"] = of_torch(workload, inputs)
    return out


def check(workload: Workload, who: dict[str, tuple[Callable, list[tuple]]]) -> None:
    """All candidates compute what JAX computes, on each of the inputs."""
    call, inputs = who["eager jax" if workload.eager else "jax.jit"]
    for i in range(len(inputs)):
        want = _leaves(workload, call, inputs[i])
        for name in who.keys() - {"jax.jit", "eager jax"}:
            got = _leaves(workload, who[name][0], who[name][1][i])
            for a, b in zip(got, want, strict=True):
                scale = np.max(np.abs(b), initial=0)
                np.testing.assert_allclose(a, b, TOLERANCE, TOLERANCE * scale, err_msg=(
                    f"{name} and JAX differ in {workload.name!r}"))


def _leaves(workload: Workload, call: Callable, args: tuple) -> list[np.ndarray]:
    out = workload.shown(call(*workload.compared(args)))
    return [np.asarray(x) for x in minijax.tree_util.tree_leaves(out)]


def measure(workload: Workload) -> Timing:
    with contextlib.ExitStack() as x64:
        if workload.x64:
            for library in (minijax, jax):
                x64.enter_context(library.enable_x64(True))
        who = candidates(workload, workload.inputs())
        check(workload, who)
        calls = {name: rotating(call, inputs) for name, (call, inputs) in who.items()}
        start = time.perf_counter()
        for call in calls.values():
            call()
        slow = time.perf_counter() - start > 1
        return alternating.measure(workload.name, calls, blocks=5 if slow else 15)


# --- fresh processes --------------------------------------------------------------------------

FIRST_CALL = """
import sys, time
sys.path.insert(0, {here!r})
import {name} as jax, {name}.numpy, {name}.scipy.special
import workloads
args = jax.tree_util.tree_map(jax.numpy.asarray, (workloads.parameters(), *workloads.batch(128)))
f = jax.jit(workloads.update(jax))
start = time.perf_counter()
jax.block_until_ready(f(*args))
print(time.perf_counter() - start)
"""
PEAK_MEMORY = """
import sys, time
sys.path.insert(0, {here!r})
import {name} as jax, {name}.numpy
import workloads

def kilobytes(field):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))

jax.config.update("jax_enable_x64", True)
f = jax.jit(workloads.norm(1)(jax.numpy))
jax.block_until_ready(f(jax.numpy.ones((8, 8))))
before = kilobytes("VmRSS")
x = jax.block_until_ready(jax.numpy.asarray(workloads.uniform(9984, 9984, dtype="float64")))
time.sleep(0.5)  # the copy that it was made from may go a little later
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak is now what is held now
out = jax.block_until_ready(f(x))
print((kilobytes("VmHWM") - before) * 1024 / x.nbytes - 1)
"""


def fresh(code: str, name: str, cache: str | None = None) -> float:
    """What the code prints in a new process, with this folder or an empty one for compiled code."""
    with tempfile.TemporaryDirectory() as empty:
        folder = cache or empty
        run = subprocess.run(
            [sys.executable, "-c", code.format(name=name.split(".")[0], here=str(HERE))],
            capture_output=True, text=True, check=True, env=os.environ | {
                "MINIJAX_CACHE_DIR": folder, **(_jax_cache(folder) if "cache" in name else {})})
    return float(run.stdout)


def _jax_cache(folder: str) -> dict[str, str]:
    """JAX keeps compiled programs on disk only if asked to."""
    return {"JAX_COMPILATION_CACHE_DIR": folder, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}


def first_call(name: str) -> Timing:
    who = ("minijax", "jax.jit")
    return Timing(name, {w: [fresh(FIRST_CALL, w) for _ in range(5)] for w in who})


def warm_start(name: str) -> Timing:
    """Whole processes, from their start to their end."""
    blocks: dict[str, list[float]] = {"minijax": [], "jax.jit": [], "jax.jit with cache": []}
    with tempfile.TemporaryDirectory() as cache:
        for turn in range(6):
            for who, times in blocks.items():
                start = time.perf_counter()
                fresh(FIRST_CALL, who, cache)
                if turn:  # the first fills the cache
                    times.append(time.perf_counter() - start)
    return Timing(name, blocks)


def peak_memory(name: str) -> Timing:
    return Timing(name, {who: [fresh(PEAK_MEMORY, who)] for who in ("minijax", "jax.jit")},
                  "arrays")


# --- the table --------------------------------------------------------------------------------


@dataclass
class Row:
    name: str
    must: float
    reachable: float
    measure: Callable[[], Timing]


def rows() -> list[Row]:
    loops = [Row(w.name, w.must, w.reachable, functools.partial(measure, w)) for w in WORKLOADS]
    processes = [("first call of the update step, empty cache", 0.2, 1, first_call),
                 ("process of one update step, warm cache", 1.5, 4, warm_start),
                 ("peak memory of row norm 9984^2 f64", 2, 1, peak_memory)]
    return loops + [Row(name, must, reachable, functools.partial(run, name))
                    for name, must, reachable, run in processes]


def table(done: list[tuple[Row, Timing]]) -> str:
    return alternating.table([timing for _, timing in done], {
        "must be": [f"{row.must:g}" for row, _ in done],
        "reachable": [f"{row.reachable:g}" for row, _ in done]})


def machine() -> str:
    """What the numbers depend on."""
    blas = [f"{lib.get('internal_api')} {lib.get('version')} for {lib.get('architecture')}"
            for lib in threadpoolctl.threadpool_info() if "numpy" in lib["filepath"]]
    return (f"{time.strftime('%Y-%m-%d')}, Python {sys.version.split()[0]}, NumPy {np.__version__} "
            f"({', '.join(blas)}), {threads.usable_cpus()} CPUs, "
            f"{os.getloadavg()[0]:.1f} other processes busy at the end.")


def main(words: list[str]) -> None:
    done = []
    for row in rows():
        if not words or any(word.lower() in row.name.lower() for word in words):
            done.append((row, row.measure()))
            print(table(done[-1:]).splitlines()[-1], flush=True)
    print(f"\n{machine()}\n\n{table(done)}")
    if not words:
        (HERE / "compiler.md").write_text(TEXT.format(version=jax.__version__, machine=machine(),
                                                      table=table(done)))
        alternating.plot([timing for _, timing in done], str(HERE / "compiler.png"),
                         f"jit beside JAX {jax.__version__} and others")


TEXT = """# jit beside JAX {version}

{machine}

{table}

Ratios above 1: minijax is ahead. "Must be" and "reachable" are about the ratio to jax.jit; in the
eager row, to NumPy. Peak memory, and what it must be, is counted in arrays of the input's size,
without the input itself: less is better.
In fresh processes JAX keeps nothing on disk, as is its default, unless it says "with cache".
"""

if __name__ == "__main__":
    main(sys.argv[1:])
