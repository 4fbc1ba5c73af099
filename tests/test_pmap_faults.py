"""pmap when something goes wrong: one error, soon, nothing left, and the next call is right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.errors import JaxRuntimeError
from minijax.parallel import engine as module
from minijax.parallel.engine import engine
from minijax.parallel.heap import Region
from tests.tiers import slow

from .tiers import heavy

ROOT = Path(__file__).resolve().parents[1]
X = np.arange(6, dtype=np.float32).reshape(2, 3)
total = jax.pmap(lambda x: lax.psum(x, "i"), axis_name="i")


@pytest.fixture(autouse=True)
def two_devices() -> Iterator[None]:
    jax.config.update("jax_num_cpu_devices", 2)
    yield
    jax.config.update("jax_num_cpu_devices", -1)


def right() -> None:
    np.testing.assert_array_equal(total(X), [X.sum(0)] * 2)


def workers() -> list[int]:
    right()
    return [w.process.pid for w in engine().workers.values()]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def one(n: Any) -> Any:
    """Compute for as many steps as the data say, then meet the others."""
    y = lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, jnp.sin(c[1])), (0, 1.0))[1]
    return lax.psum(y, "i")


def spin(steps: Any) -> Any:
    return jax.pmap(one, axis_name="i")(np.array(steps, np.int32))


LONG = [2_000_000_000, 1]


def soon(action: Callable[[], Any]) -> None:
    """Do it while the devices run the program `one`."""
    def act() -> None:
        while not any(w.pending == "one" for w in [*engine().workers.values()]):
            time.sleep(0.01)
        time.sleep(0.3)
        action()

    threading.Thread(target=act).start()


@pytest.mark.parametrize("which", [0, pytest.param(1, marks=slow)])  # 0 computes, 1 waits
def test_a_killed_worker_is_reported_and_the_other_released(which):
    pids = workers()
    soon(lambda: os.kill(pids[which], signal.SIGKILL))
    start = time.monotonic()
    with pytest.raises(JaxRuntimeError, match=rf"CpuDevice\(id={which}\), running one, was killed "
                                              "by SIGKILL.*memory runs out"):
        spin(LONG)
    assert time.monotonic() - start < 8
    assert all(map(gone, pids))
    assert not set(workers()) & set(pids)


def test_a_worker_that_died_between_two_calls_is_replaced():
    pids = workers()
    os.kill(pids[0], signal.SIGKILL)
    engine().workers[0].process.wait()
    assert not set(workers()) & set(pids)


@slow
def test_a_stopped_worker_is_ended(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 2.0)
    pids = workers()
    soon(lambda: os.kill(pids[1], signal.SIGSTOP))
    with pytest.raises(JaxRuntimeError, match=r"CpuDevice\(id=1\), running one, has not answered"):
        spin(LONG)
    assert all(map(gone, pids))
    right()


@slow
@pytest.mark.skipif(not hasattr(os, "waitid"), reason="the system does not tell")
def test_a_worker_that_is_stopped_while_it_starts_is_ended(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 1.0)
    engine().stop()

    def stop_the_first() -> None:
        while not (started := [*engine().workers.values()]):
            time.sleep(0.001)
        os.kill(started[0].process.pid, signal.SIGSTOP)

    threading.Thread(target=stop_the_first).start()
    with pytest.raises(JaxRuntimeError, match=r"while it started, has not answered for \d s"):
        total(X)
    right()


@slow
def test_a_long_computation_is_left_alone(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 1.5)
    pids = workers()
    steps, seconds = 100_000, 0.0
    while seconds < 2:  # in which the worker that waits was looked at several times
        steps, start = 4 * steps, time.monotonic()
        spin([1, steps])
        seconds = time.monotonic() - start
    spin([steps, 1])
    assert workers() == pids


def test_ctrl_c_ends_the_run_and_the_workers():
    pids = workers()
    soon(lambda: os.kill(os.getpid(), signal.SIGINT))
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        spin(LONG)
    assert time.monotonic() - start < 5
    assert all(map(gone, pids))
    right()


def test_a_worker_ignores_ctrl_c():
    pids = workers()
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    assert workers() == pids


def test_an_error_in_a_program_shows_the_device_and_its_traceback():
    pids = workers()
    f = jax.pmap(lambda x: lax.ppermute(x, "i", [(0, 5)]), axis_name="i")
    with pytest.raises(JaxRuntimeError) as caught:
        f(X)
    text = str(caught.value)
    assert "CpuDevice(id=" in text and "running <lambda>, raised ValueError" in text
    assert "Traceback (most recent call last)" in text and "exchanges.py" in text
    assert workers() == pids  # they have answered, so they are as good as before


@pytest.mark.parametrize("program", [
    lambda x: lax.cond(lax.axis_index("i") > 0, lambda x: lax.psum(x, "i"), lambda x: x, x),
    lambda x: lax.cond(lax.axis_index("i") > 0, lambda x: lax.psum(x, "i"),
                       lambda x: lax.ppermute(x, "i", [(0, 1), (1, 0)]), x),
    lambda x: lax.fori_loop(0, lax.axis_index("i") + 1, lambda i, x: lax.pmax(x, "i"), x),
])
def test_devices_that_disagree_about_collectives(program):
    f = jax.pmap(program, axis_name="i")
    for _ in range(2):  # run as it stands, then compiled
        with pytest.raises(JaxRuntimeError, match="disagree about the order of collectives"):
            f(X)
        right()


def test_memory_that_is_not_there():
    f = jax.pmap(lambda x: jnp.sum(lax.sort(jnp.zeros((1 << 20, 1 << 20)) + x[0])))
    with pytest.raises(JaxRuntimeError, match="MemoryError"):
        f(X)
    right()


def test_a_call_in_another_thread():
    right()
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(np.asarray(total(X))))
               for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == 8 and all((r == X.sum(0)).all() for r in results)


@slow
@pytest.mark.filterwarnings("ignore:os.fork")
def test_a_forked_process_has_workers_of_its_own():
    pids = workers()
    big = jax.pmap(lambda x: x + 1)(np.ones((2, 1 << 17), np.float32))
    engine_of_parent = engine()
    child = os.fork()
    if not child:
        try:
            engine_of_parent.heap.buffers.blocks.clear()
            del big  # what the child drops stays with the parent
            right()
            os._exit(0 if not set(workers()) & set(pids) else 1)
        except BaseException:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert workers() == pids
    assert (np.asarray(big) == 2).all()


def test_a_region_gives_out_again_what_comes_back():
    region = Region(0, 1000)
    parts = [region.take(100) for _ in range(10)]
    assert parts == list(range(0, 1000, 100))
    with pytest.raises(MemoryError, match="no room for 1 bytes"):
        region.take(1)
    for start in (300, 100, 200, 500):
        region.returned.append((start, start + 100))
    assert region.take(300) == 100 and region.take(100) == 500 and not region.holes


def test_many_calls_leave_nothing_behind():
    def state() -> tuple[int, int, int]:
        pid = engine().workers[0].process.pid
        return (len(os.listdir("/proc/self/fd")), len(os.listdir(f"/proc/{pid}/fd")),
                engine().heap.buffers.held())

    calls = [lambda: total(X), lambda: jax.pmap(lambda x: x + jnp.ones(70_000))(X[:, 0])]
    for call in calls:
        for _ in range(50):
            call()
        before = state()
        for _ in range(500 if call is calls[0] else 50):
            call()
        assert state()[:2] == before[:2] and state()[2] <= 2 * before[2]


def test_a_program_that_is_gone_is_forgotten():
    import gc

    right()
    worker = engine().workers[0]
    for _ in range(20):
        jax.pmap(lambda x: x + 1)(X)
    gc.collect()
    right()
    assert len(worker.programs) < 10


# --- the user's process --------------------------------------------------------------------------


HEAD = """
import minijax as jax, minijax.numpy as jnp, os, sys, time
from minijax import lax
jax.config.update("jax_num_cpu_devices", 2)
f = jax.pmap(lambda x: lax.psum(x, "i"), axis_name="i")
print(f(jnp.arange(2.0)), flush=True)
from minijax.parallel.engine import engine
from minijax.parallel.heap import Region
pids = [w.process.pid for w in engine().workers.values()]
print(*pids, flush=True)
"""
SPIN = """
loop = lambda x: lax.while_loop(lambda c: c >= 0, lambda c: jnp.abs(jnp.sin(c)), x)
jax.pmap(loop)(jnp.ones(2))
"""


def run(code: str, how: str, tmp_path: Path, **options: Any) -> subprocess.Popen:
    script = tmp_path / "script.py"
    script.write_text(code)
    command = {"script": [str(script)], "repl": ["-i", "-q"]}[how]
    process = subprocess.Popen(
        [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, **options)
    assert process.stdin
    if how == "repl":
        process.stdin.write(code)
        process.stdin.flush()
    return process


def pids_of(process: subprocess.Popen) -> list[int]:
    assert process.stdout
    assert process.stdout.readline().strip() == "[1. 1.]"
    return list(map(int, process.stdout.readline().split()))


def all_gone(pids: list[int], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not all(map(gone, pids)):
        time.sleep(0.05)
    return all(map(gone, pids))


@heavy
def test_it_works_at_the_prompt(tmp_path):
    process = run(HEAD, "repl", tmp_path)
    pids = pids_of(process)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and not out
    assert all_gone(pids)


ENDS = {
    "sys.exit": ("sys.exit(3)", None, 3),
    "an exception": ("1 / 0", None, 1),
    "os._exit": ("os._exit(4)", None, 4),
    "Ctrl-C": (SPIN, signal.SIGINT, -signal.SIGINT),
    "SIGTERM": (SPIN, signal.SIGTERM, -signal.SIGTERM),
    "SIGKILL": (SPIN, signal.SIGKILL, -signal.SIGKILL),
}


@heavy
@pytest.mark.parametrize("name", [n if n in ("Ctrl-C", "SIGKILL") else pytest.param(n, marks=slow)
                                  for n in ENDS])
def test_however_the_program_ends_nothing_is_left(name, tmp_path):
    code, sent, status = ENDS[name]
    shared = set(os.listdir("/dev/shm"))
    process = run(HEAD + textwrap.dedent(code), "script", tmp_path)
    pids = pids_of(process)
    if sent:
        time.sleep(0.5)
        process.send_signal(sent)
    process.communicate(timeout=20)
    assert process.returncode == status
    assert all_gone(pids)
    assert not [f for f in set(os.listdir("/dev/shm")) - shared if "minijax" in f]


@slow
def test_faults_at_random_moments():
    script, environment = ROOT / "benchmarks" / "faults.py", {"PYTHONPATH": str(ROOT)}
    out = subprocess.run([sys.executable, str(script), "24", "2"], capture_output=True, text=True,
                         env=os.environ | environment)
    assert out.returncode == 0 and "24 faults, 24 errors" in out.stdout, out.stderr
