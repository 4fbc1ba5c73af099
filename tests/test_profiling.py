"""Watching compiled programs: what is counted, what is written, and that nothing stays behind."""

from __future__ import annotations

import gzip
import inspect
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import minijax
import minijax.numpy as jnp
from minijax.compiler.executable import Executable, compile_after
from minijax.compiler.observing import event, observing
from minijax.compiler.rates import Rates, rates
from minijax.compiler.statistics import statistics
from minijax.course import show
from minijax.course.show.timing import Profile

from .tiers import heavy

COMMAND = [sys.executable, "-m", "minijax.course.cli", "profile"]


@pytest.fixture(autouse=True)
def known_machine(monkeypatch):
    """Programs are compiled at once, on a machine of a known speed."""
    monkeypatch.setattr(Profile, "machine", lambda _: Rates(
        1e9, {"float32": 1e9, "float64": 1e9}))
    with compile_after(0):
        yield
    assert "native" not in vars(Executable)


def rows(p: Profile) -> dict[tuple[str, str], Any]:
    return {(row.program, row.what): row for row in p.rows.values()}


def selu(x):
    y = x * 1.25
    return 1.05 * jnp.where(y > 0, y, 1.67 * jnp.exp(y) - 1.67)


def layer(w, x):
    return jnp.tanh(x @ w)


def test_each_kernel_and_product_has_a_row() -> None:
    f, g = minijax.jit(selu), minijax.jit(layer)
    x, w = jnp.ones((300, 200)), jnp.ones((200, 100))
    f(x)  # before: counted is what runs inside
    with show.profile() as p:
        for _ in range(3):
            got = f(x), g(w, x)
    np.testing.assert_allclose(got[1], layer(w, x), 1e-6)
    found = rows(p)
    assert {key: row.calls for key, row in found.items()} == {
        ("selu", "kernel_0"): 3, ("selu", "driver"): 3,
        ("layer", "matmul_0 + kernel_0"): 3, ("layer", "driver"): 3}
    kernel, product = found["selu", "kernel_0"], found["layer", "matmul_0 + kernel_0"]
    assert kernel.bytes_moved() == 2 * x.nbytes and kernel.flops() == x.size * 7
    assert product.flops() == 2 * 300 * 200 * 100 + 300 * 100
    assert product.bytes_moved() == x.nbytes + w.nbytes + 2 * 4 * 300 * 100
    assert kernel.line().startswith(f"line {selu.__code__.co_firstlineno + 1} of selu: y = x *")


def test_the_table_says_how_fast_it_was() -> None:
    minijax.clear_caches()
    f, x = minijax.jit(selu), jnp.ones((300, 200))
    with show.profile() as p:
        f(x)
    (row,) = [row for row in p.rows.values() if row.launch]
    row.seconds, row.calls = 2e-3, 2
    cells = dict(zip(p.table()[0], row.cells(4e-3, p.machine())))
    assert cells["GB/s"] == "0.5" and cells["GFLOP/s"] == "0.4" and cells["share"] == "50%"
    assert cells["of the machine"] == "48% of memory" and cells["each"] == "1 ms"
    row.seconds = 2e-4
    assert row.cells(4e-3, p.machine())[8] == "4.8 x memory"
    text, page = repr(p), p._repr_html_()
    for said in ("selu", "kernel_0", f"traces: {p.made.traces}, in", "programs: 1", "1 GB/s"):
        assert said in text and said in page
    assert "<script" not in page


def test_nothing_is_counted_twice_and_what_fails_is_over() -> None:
    def loop(x):
        return minijax.lax.fori_loop(0, 20, lambda i, c: jnp.sin(jnp.fft.fft(c)), x)

    def wrong(x):
        raise KeyError("mine")

    x = jnp.ones(50, jnp.complex64)
    with show.profile() as p, pytest.raises(minijax.errors.JaxRuntimeError, match="mine"):
        minijax.jit(loop)(x)
        minijax.pure_callback(wrong, minijax.ShapeDtypeStruct((), np.float32), x)
    assert 0 < sum(row.seconds for row in p.rows.values()) <= p.seconds
    assert all(row.seconds >= 0 for row in p.rows.values())
    with show.profile() as q:
        pass
    assert not q.rows and q.made.traces == 0
    assert repr(q).startswith("nothing ran: ") and "nothing ran: " in q._repr_html_()


def test_programs_that_are_not_compiled_are_said_to_be() -> None:
    with compile_after(1), show.profile() as p:
        f = minijax.jit(lambda x: x * 3)
        f(1.0), f(1.0), f(1.0)
    found = {what: row.calls for (_, what), row in rows(p).items()}
    assert found == {"not compiled": 1, "driver": 2, "kernel_0": 2}


def test_large_operations_outside_of_jit_appear() -> None:
    x = jnp.ones(1 << 18)
    with show.profile() as p:
        x + x
    assert ("add", "kernel_0") in rows(p)


def test_every_thread_is_watched_and_every_observer_told() -> None:
    f, x = minijax.jit(selu), jnp.ones((300, 200))
    with show.profile() as p, show.profile() as q:
        threads = [threading.Thread(target=lambda: [f(x) for _ in range(50)]) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    for found in (p, q):
        assert rows(found)["selu", "kernel_0"].calls == 200
    f(x)
    assert rows(p)["selu", "kernel_0"].calls == 200


def test_traces_and_compilations_are_counted() -> None:
    before = statistics.traces, statistics.programs
    f = minijax.jit(lambda x: minijax.jit(jnp.tanh)(x) * 1.375)
    with show.profile() as p:
        f(1.0), f(2.0), f(jnp.ones(3))
    assert statistics.programs - before[1] == p.made.programs == 2
    assert statistics.traces - before[0] == p.made.traces >= 3
    assert 0 < p.made.tracing < p.seconds and 0 < p.made.compiling < p.seconds


def test_the_machine_is_measured() -> None:
    found = rates(1)
    assert 1e8 < found.bytes_moved < 1e13
    assert 1e8 < found.flops["float64"] < 1.5 * found.flops["float32"] < 1e14
    assert rates(1) is found


# --- jax.profiler ------------------------------------------------------------------------------


def events(folder: Path) -> list[dict]:
    (path,) = folder.glob("plugins/profile/*/perfetto_trace.json.gz")
    return json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]


def test_a_trace_has_kernels_in_programs_in_annotations(tmp_path: Path) -> None:
    f, x = minijax.jit(selu), jnp.ones((300, 200))
    with minijax.profiler.trace(tmp_path):
        with minijax.profiler.TraceAnnotation("one step"):
            f(x)
    found = {e["name"]: e for e in events(tmp_path)}
    assert set(found) == {"one step", "selu", "kernel_0"}
    assert found["kernel_0"]["args"] == {"program": "selu"}
    for inner, outer in (("kernel_0", "selu"), ("selu", "one step")):
        a, b = found[inner], found[outer]
        assert a["ph"] == "X" and a["tid"] == b["tid"]
        assert b["ts"] <= a["ts"] and a["ts"] + a["dur"] <= b["ts"] + b["dur"] + 1e-3


def test_functions_and_steps_have_names(tmp_path: Path) -> None:
    @minijax.profiler.annotate_function
    def mine(x):
        """Doubles."""
        return 2 * x

    minijax.profiler.start_trace(str(tmp_path))
    for i in range(2):
        with minijax.profiler.StepTraceAnnotation("train", step_num=i):
            assert mine(3) == 6
    minijax.profiler.stop_trace()
    names = [e["name"] for e in events(tmp_path)]
    assert [n.rpartition(".")[2] for n in names] == ["mine", "train step_num=0",
                                                    "mine", "train step_num=1"]
    assert mine.__doc__ == "Doubles." and mine(2) == 4


def test_one_trace_at_a_time(tmp_path: Path) -> None:
    for lib in (minijax, jax):
        with pytest.raises(RuntimeError, match="No profile started"):
            lib.profiler.stop_trace()
    with minijax.profiler.trace(tmp_path):
        with pytest.raises(RuntimeError, match="Only one profile may be run at a time"):
            minijax.profiler.start_trace(tmp_path)
    with minijax.profiler.trace(tmp_path / "again"):
        pass


@pytest.mark.parametrize("name", ["start_trace", "stop_trace", "trace", "annotate_function"])
def test_parameters_are_those_of_jax(name: str) -> None:
    ours, theirs = (inspect.signature(getattr(lib.profiler, name)).parameters
                    for lib in (minijax, jax))
    assert [(p.name, p.kind, p.default) for p in ours.values()] == [
        (p.name, p.kind, p.default) for p in theirs.values()]


def test_an_event_that_fails_is_told_and_fails() -> None:
    seen = []

    class Observer:
        def see(self, event):
            seen.append(event.program)

    with observing(Observer()), pytest.raises(ValueError, match="mine"), event("outer"):
        with event("inner"):
            raise ValueError("mine")
    assert seen == ["inner", "outer"]


# --- the command -------------------------------------------------------------------------------

SCRIPT = """
import sys
import minijax as jax
import minijax.numpy as jnp

f = jax.jit(lambda x: jnp.sin(x) + 1)
for _ in range(3):
    f(jnp.ones(10))
print("arguments", sys.argv[1:], __name__)
if "--fail" in sys.argv:
    raise ValueError("mine")
sys.exit(int(sys.argv[-1]))
"""


@heavy
@pytest.mark.parametrize(("arguments", "code"), [(["--deep", "0"], 0), (["3"], 3), (["--fail"], 1)])
def test_a_script_runs_as_it_would_and_then_its_profile_is_printed(
        tmp_path: Path, arguments: list[str], code: int) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([*COMMAND, str(script), *arguments], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    first, _, head, *table = done.stdout.splitlines()
    assert first == f"arguments {arguments} __main__"
    assert head.split()[:2] == ["program", "what"]
    assert any(line.split()[:2] == ["<lambda>", "kernel_0"] for line in table)
    assert ("ValueError: mine" in done.stderr) == (code == 1)


@heavy
def test_a_script_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, str(tmp_path / "none.py")], capture_output=True, text=True)
    assert done.returncode == 2 and "does not exist" in done.stderr.splitlines()[-1]
