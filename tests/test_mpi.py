"""pmap on MPI ranks: the suite of collectives that processes pass, faults, several machines."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minijax as jax
from minijax.parallel.meeting import Disagreement
from minijax.parallel.mpi_meeting import MPIMeeting
from tests.tiers import slow

from .tiers import heavy

ROOT = Path(__file__).resolve().parents[1]
# a wheel puts it beside Python, which need not be where commands are looked up
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
HAS_MPI = find_spec("mpi4py") is not None and MPIEXEC is not None
needs_mpi = pytest.mark.skipif(not HAS_MPI, reason="no mpi4py or no mpiexec here: "
                                                   "pip install 'minijax[mpi]'")
HEAD = """
import os, signal, sys, threading, time
import numpy as np
import minijax as jax, minijax.numpy as jnp
from minijax import lax
n = jax.device_count()
X = np.arange(3.0 * n, dtype=np.float32).reshape(n, 3)
total = jax.pmap(lambda x: lax.psum(x, "i"), axis_name="i")
def right():
    np.testing.assert_array_equal(total(X), [X.sum(0)] * n)
def on(device, f, x):  # f on one device, then meet the others
    return lax.psum(lax.cond(lax.axis_index("i") == device, f, lambda x: x, x), "i")
def loop(x):
    return lax.while_loop(lambda c: c >= 0, lambda c: jnp.abs(jnp.sin(c)), x)
right()
print("right", flush=True)
"""


def command(ranks: int, *arguments: str) -> list[str]:
    return [str(MPIEXEC), "-n", str(ranks), sys.executable, "-m", "minijax.distributed", *arguments]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def started(code: str, folder: Path, ranks: int = 3, **options: Any) -> subprocess.Popen:
    """A program on ranks; it and they have a mark, by which those that are left can be found."""
    script = folder / "script.py"
    script.write_text(HEAD + textwrap.dedent(code))
    return subprocess.Popen(
        command(ranks, str(script)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=folder, env=environment(MINIJAX_TEST_MARK=str(folder)), start_new_session=True,
        **options)


def left(folder: Path) -> list[str]:
    """The processes that are left of what was started there, once they have had a moment."""
    mark = f"MINIJAX_TEST_MARK={folder}".encode()
    end = time.monotonic() + 5
    while found := [p.name for p in Path("/proc").glob("[0-9]*") if mark in environ(p)]:
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    return found


def environ(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def outcome(code: str, folder: Path, ranks: int = 3) -> tuple[int, str, str]:
    process = started(code, folder, ranks)
    out, err = process.communicate(timeout=60)
    assert out.startswith("right\n"), err
    assert not left(folder)
    return process.returncode, out, err


@needs_mpi
@pytest.mark.parametrize("ranks", [2, pytest.param(4, marks=slow)])
def test_the_suite_of_collectives(ranks, tmp_path):
    """What `test_pmap.py` asks of processes, asked of ranks."""
    suite = subprocess.run(
        command(ranks, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
                "tests/test_pmap.py", "tests/test_pmap_callbacks.py", "-k",
                "pmap_is_vmap or every_transformation or callbacks"
                + " or every_size" * (ranks > 2)),
        cwd=ROOT, env=environment(PMAP_PROGRAMS_DEVICES=str(ranks)), capture_output=True, text=True)
    assert suite.returncode == 0, suite.stdout[-3000:] + suite.stderr[-3000:]
    assert "passed" in suite.stdout and "skipped" not in suite.stdout


@heavy
@needs_mpi
def test_errors_of_programs_are_reported_and_the_ranks_go_on(tmp_path):
    code, out, err = outcome("""
        from minijax.errors import JaxRuntimeError
        jax.distributed.initialize()
        print(jax.process_count(), jax.device_count(), jax.devices()[-1])
        def fails(program, *args):
            try:
                jax.pmap(program, axis_name="i")(*args)
            except (JaxRuntimeError, ValueError) as error:
                print(str(error).splitlines()[0])
            else:
                print("no error")
            right()

        fails(lambda x: lax.ppermute(x, "i", [(0, 9)]), X)
        fails(lambda x: lax.cond(lax.axis_index("i") > 0, lambda x: lax.psum(x, "i"),
                                 lambda x: x, x), X)
        fails(lambda x: jnp.sum(lax.sort(jnp.zeros((1 << 20, 1 << 20)) + x[0])), X)
        jax.config.update("jax_debug_nans", True)
        try:
            jax.pmap(lambda x: jnp.log(x))(X - 1)
        except FloatingPointError as error:
            print("nan")
        jax.config.update("jax_debug_nans", False)
        nan = jax.pmap(lambda x: lax.pmax(jnp.where(lax.axis_index("i") == 1, jnp.nan, x), "i"),
                       axis_name="i")(X)
        assert np.isnan(nan).all()
        jax.config.update("jax_num_cpu_devices", 8)
        fails(lambda x: x, np.ones(8))
        sys.exit(7)
        """, tmp_path)
    assert code == 7 and not err
    lines = out.splitlines()[1:]
    assert lines[0] == "1 3 cpu:2"
    for line, text in zip(lines[1:], ["raised ValueError: ppermute along axis",
                                      "disagree about the order of collectives",
                                      "MemoryError", "nan", "has 3 ranks"], strict=True):
        assert text in line


@heavy
@needs_mpi
def test_arrays_stay_where_they_are(tmp_path):
    code, _, err = outcome("""
        import gc
        from minijax.parallel.engine import engine
        sent = []
        me = engine().me
        for name in ("send", "broadcast"):
            method = getattr(me, name)
            setattr(me, name, lambda x, *a, method=method: sent.append(x.nbytes) or method(x, *a))
        step = jax.pmap(lambda w, x: (w + lax.psum(x * w, "i"), x), "i", in_axes=(None, 0))
        again = jax.pmap(lambda w, x: w * x)
        w, x = jnp.ones(50_000), jnp.arange(50_000.0 * n).reshape(n, 50_000)
        ws, x = step(w, x)
        assert sum(sent) > 200_000 * n
        for _ in range(3):
            sent.clear()
            step(w, x), again(ws, x)
            assert sum(sent) < 30_000  # orders, and at first a program
        for _ in range(20):
            step(jnp.ones(50_000), x + 1)
        gc.collect()
        right()
        assert len(engine().there) < 20 and len(engine().number_of) < 20
        """, tmp_path)
    assert code == 0, err


@heavy
@needs_mpi
def test_an_error_in_the_program_of_the_user_ends_it(tmp_path):
    code, _, err = outcome("1 / 0", tmp_path)
    assert code == 1 and "ZeroDivisionError" in err


@heavy
@needs_mpi
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("where", [1, pytest.param(0, marks=slow)])
def test_ctrl_c_ends_the_job(where, tmp_path):
    """Even if a device computes, which cannot be interrupted."""
    process = started(f"""
        jax.pmap(lambda x: on({where}, loop, x), "i")(X[:, 0])
        """, tmp_path)
    assert process.stdout and process.stdout.readline() == "right\n"
    time.sleep(1)
    start = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode and time.monotonic() - start < 5
    assert not left(tmp_path)


@needs_mpi
@slow
@pytest.mark.parametrize("end", ["os._exit(4)", "kill(1)", "kill(0)"])
def test_however_a_rank_ends_nothing_is_left(end, tmp_path):
    code, _, err = outcome(f"""
        def kill(device):
            pids = os.popen(f"pgrep -P {{os.getppid()}}").read().split()
            others = [int(pid) for pid in pids if int(pid) != os.getpid()]
            pid = others[0] if device else os.getpid()
            threading.Timer(0.5, lambda: os.kill(pid, signal.SIGKILL)).start()
            jax.pmap(lambda x: on(0, loop, x), "i")(X[:, 0])
        {end}
        """, tmp_path)
    assert code  # mpiexec makes one of those of all ranks


@heavy
@needs_mpi
@pytest.mark.skipif(sys.platform != "linux", reason="asks the system what a process maps")
def test_the_memory_that_ranks_share_ends_with_them(tmp_path):
    """It has no name: nothing stays, however they end."""
    code, out, err = outcome("""
        shared = [x for x in open("/proc/self/maps").read().splitlines() if "mpich_shm" in x]
        print(len(shared) > 0, all(x.endswith("(deleted)") for x in shared))
        """, tmp_path)
    assert (code, out) == (0, "right\nTrue True\n"), err


@needs_mpi
@slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks the system what a process has computed")
def test_a_rank_that_is_stopped_is_noticed(tmp_path):
    """But not one that computes, nor one that waits for another."""
    code, out, err = outcome("""
        from minijax.parallel import mpi
        mpi.PATIENCE = 1.0
        long = lambda x: lax.fori_loop(0, 60_000_000, lambda i, x: jnp.cos(x), x)
        jax.pmap(lambda x: on(1, long, x), "i")(X[:, 0])
        rank, pid = list(mpi_engine.neighbours.pids.items())[1]
        threading.Timer(0.5, lambda: os.kill(pid, signal.SIGSTOP)).start()
        start = time.monotonic()
        try:
            jax.pmap(lambda x: on(2, loop, x), "i")(X[:, 0])
        finally:
            print(rank, time.monotonic() - start < 4)
        """.replace("mpi_engine", "__import__('minijax.parallel.engine', fromlist=[''])._engine"),
                             tmp_path)
    assert code and out.split() == ["right", "2", "True"]
    assert "CpuDevice(id=2), process" in err and "it was stopped" in err


@needs_mpi
def test_how_callbacks_and_threads_end(tmp_path):
    code, out, err = outcome("""
        def leave(x):
            sys.exit(3)
        try:
            jax.pmap(lambda x: jax.pure_callback(leave, x, x), "i")(X)
        except SystemExit as error:
            print(error)
        right()
        threading.Thread(target=lambda: [right() for _ in range(10**6)], daemon=True).start()
        time.sleep(0.2)
        """, tmp_path)
    assert (code, out) == (0, "right\n3\n"), err


@needs_mpi
def test_usage_and_modules(tmp_path):
    run = subprocess.run(command(2), capture_output=True, text=True, env=environment())
    assert run.returncode == 1 and run.stderr.count("usage: mpiexec -n N") == 1
    (tmp_path / "neighbour.py").write_text("text = 'found'")
    (tmp_path / "program.py").write_text("import neighbour, sys; print(neighbour.text, sys.argv)")
    script = str(tmp_path / "program.py")
    run = subprocess.run(command(1, script, "-x"), capture_output=True, text=True,
                         env=environment(), check=True)
    assert run.stdout == f"found {[script, '-x']}\n"


# --- several machines ----------------------------------------------------------------------------

HOSTS = {"10.213.7.1": "minijax-test-a", "10.213.7.2": "minijax-test-b"}


def ip(*words: str, **options: Any) -> subprocess.CompletedProcess:
    return subprocess.run(["ip", *words], capture_output=True, text=True, **options)


@pytest.fixture
def two_machines() -> Iterator[None]:
    """Two network namespaces, each with an address, joined by a cable: like two machines."""
    if not shutil.which("ip") or ip("netns", "add", "minijax-test-a").returncode:
        pytest.skip("network namespaces are not allowed here: they need Linux, iproute2 and root")
    try:
        ip("netns", "add", "minijax-test-b", check=True)
        ip("link", "add", "cable-a", "netns", "minijax-test-a", "type", "veth",
           "peer", "name", "cable-b", "netns", "minijax-test-b", check=True)
        for (address, space), cable in zip(HOSTS.items(), ["cable-a", "cable-b"]):
            ip("-n", space, "addr", "add", f"{address}/24", "dev", cable, check=True)
            for link in ("lo", cable):
                ip("-n", space, "link", "set", link, "up", check=True)
        for space, cable in zip(HOSTS.values(), ["cable-a", "cable-b"]):
            while "state UP" not in ip("-n", space, "link", "show", cable, check=True).stdout:
                time.sleep(0.01)  # MPI takes no link that has just been plugged in
        yield
    finally:
        for space in HOSTS.values():
            ip("netns", "del", space)


REMOTE = """#!{python}
import os, sys
host, *command = [w for w in sys.argv[1:] if w != "-x"]
space = {hosts}[host]
os.execvp("ip", ["ip", "netns", "exec", space, "sh", "-c", " ".join(command)])
"""


@needs_mpi
@slow
def test_across_machines(two_machines, tmp_path):
    remote = tmp_path / "remote"  # in the place of ssh
    remote.write_text(REMOTE.format(python=sys.executable, hosts=HOSTS))
    remote.chmod(0o755)
    script = tmp_path / "script.py"
    script.write_text(HEAD + textwrap.dedent("""
        def arrived():
            (line,) = [s for s in open("/proc/net/dev") if s.strip().startswith("cable-a:")]
            return int(line.split(":")[1].split()[0])
        before = arrived()
        x = jnp.ones((n, 1 << 18))
        for f in (lambda x: lax.psum(x, "i"), lambda x: lax.all_gather(x[:9], "i"),
                  lambda x: lax.ppermute(x, "i", [(i, (i + 1) % n) for i in range(n)])):
            np.testing.assert_array_equal(jax.pmap(f, "i")(x), jax.vmap(f, axis_name="i")(x))
        assert arrived() - before > 1 << 20  # bytes
        print(n)
        """))
    run = subprocess.run(
        ["ip", "netns", "exec", "minijax-test-a", str(MPIEXEC), "-launcher", "ssh",
         "-launcher-exec", str(remote), "-hosts", ",".join(HOSTS), *command(4, str(script))[1:]],
        capture_output=True, text=True, timeout=100,
        env=environment(UCX_TLS="tcp,self"))  # it would find that they have one memory
    assert (run.returncode, run.stdout) == (0, "right\n4\n"), run.stderr


# --- what the devices of a meeting tell each other -----------------------------------------------


class Threads:
    """What a meeting needs of a rank and its communicator, among threads: MPI need not be there."""

    def __init__(self, index, given, barrier):
        self.index, self.given, self.barrier = index, given, barrier

    def circle(self, devices):
        return self

    def Iallgather(self, mine, theirs):
        self.given[self.index] = mine
        self.barrier.wait()
        theirs[...] = np.reshape(self.given, theirs.shape)
        self.barrier.wait()

    def wait(self, done):
        assert done is None


def met(*programs):
    """What each device has done: what it came for, one after the other, or what it was told."""
    devices, given = (3, 5, 8)[:len(programs)], [None] * len(programs)
    barrier = threading.Barrier(len(programs), timeout=2)

    def device(index):
        meeting = MPIMeeting(Threads(index, given, barrier), devices, index, (("i", len(devices)),))
        done = []
        try:
            for what in programs[index]:
                meeting.arrive(what)
                done.append(what)
        except Disagreement as error:
            done.append(str(error).split(": ")[1].split(". ")[0])
        meeting.close()
        return done

    with ThreadPoolExecutor(len(programs)) as pool:
        return list(pool.map(device, range(len(programs))))


def test_devices_learn_what_the_others_came_for():
    assert met(["psum", "pmax"], ["psum", "pmax"], ["psum", "pmax"]) == [["psum", "pmax"]] * 3
    assert met(["psum"], ["psum"], ["pmax of float32[2]"]) == [
        ["CpuDevice(id=3) is at psum, but CpuDevice(id=8) is at pmax of float32[2]"],
        ["CpuDevice(id=5) is at psum, but CpuDevice(id=8) is at pmax of float32[2]"],
        ["CpuDevice(id=8) is at pmax of float32[2], but CpuDevice(id=3) is at psum"]]
    assert met(["psum", "psum"], ["psum"], ["psum", "psum"]) == [
        ["psum", "CpuDevice(id=3) is at psum, but CpuDevice(id=5) has ended its program"],
        ["psum"],
        ["psum", "CpuDevice(id=8) is at psum, but CpuDevice(id=5) has ended its program"]]
    long = ["x" * 1000 + "y"]
    assert met(long, long) == [long] * 2


# --- jax.distributed -----------------------------------------------------------------------------


def test_one_process_is_all_there_is():
    assert not jax.distributed.is_initialized()
    jax.distributed.initialize(num_processes=1, process_id=0)
    try:
        with pytest.raises(RuntimeError, match="should only be called once"):
            jax.distributed.initialize()
    finally:
        jax.distributed.shutdown()
    with pytest.raises(NotImplementedError, match="mpiexec -n 2 python -m minijax.distributed"):
        jax.distributed.initialize("localhost:1234", 2, 0)
    assert not jax.distributed.is_initialized()
    jax.distributed.shutdown()
