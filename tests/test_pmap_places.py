"""pmap wherever Python runs: the devices never import the program of the user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from tests.test_pmap_faults import all_gone
from tests.tiers import slow

from .tiers import heavy

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
# No `if __name__ == "__main__"`: who imported this again would start devices that start devices.
CELLS = ["""
import minijax as jax, minijax.numpy as jnp, numpy as np
from minijax.parallel.engine import engine
jax.config.update("jax_num_cpu_devices", 2)
weights = jnp.array([1.0, 2.0])
""", """
def helper(x):
    return x @ weights

@jax.custom_jvp
def twice(x):
    return 2 * x

twice.defjvps(lambda t, out, x: 3 * t)

@lambda f: jax.pmap(f, axis_name="i")
def total(x):
    return jax.lax.psum(jax.grad(lambda x: twice(helper(x)))(x), "i")
""", """
print(total(np.ones((2, 2), np.float32)).tolist())
""", """
print(*[w.process.pid for w in engine().workers.values()])
"""]
SHOWN = "[[6.0, 12.0], [6.0, 12.0]]"


def python(*command: str, **options: Any) -> str:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True,
                          env=ENVIRONMENT, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(output: str) -> None:
    first, pids = output.strip().splitlines()[:2]
    assert first == SHOWN
    assert all_gone(list(map(int, pids.split())))


@pytest.mark.parametrize("how", ["script", pytest.param("stdin", marks=slow),
                                 pytest.param("-m", marks=slow), pytest.param("-I", marks=slow),
                                 pytest.param("without input", marks=slow)])
def test_a_program(how, tmp_path):
    script = tmp_path / "program.py"
    script.write_text("\n".join(CELLS))
    if how == "stdin":
        check(python("-", input=script.read_text()))
    elif how == "-m":
        check(python("-m", "program", cwd=tmp_path))
    elif how == "-I":  # without PYTHONPATH: the path is what this process has made of it
        isolated = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + script.read_text()
        check(python("-I", "-W", "ignore", "-c", isolated))
    elif how == "without input":  # the next file that is opened is number 0
        check(python("-c", "import os; os.close(0)\n" + script.read_text()))
    else:
        check(python(str(script)))


@slow
def test_under_pytest(tmp_path):
    """A test module is imported by pytest under a name of its own."""
    body = "def test_it():\n    assert str(total(np.ones((2, 2), np.float32)).tolist()) == "
    (tmp_path / "test_it.py").write_text("\n".join([*CELLS[:2], body + repr(SHOWN), ""]))
    assert "1 passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)


def notebook(path: Path) -> Any:
    nb = new_notebook(cells=[new_code_cell(c.strip()) for c in CELLS])
    nbformat.write(nb, path)
    return nb


def printed(nb: Any) -> str:
    return "".join(out.get("text", "") for cell in nb.cells for out in cell.outputs)


@heavy
def test_a_notebook(tmp_path):
    """The kernel that JupyterLab starts. When it is killed, so are the devices."""
    nb = notebook(tmp_path / "cells.ipynb")
    client = NotebookClient(nb, kernel_name="python3", resources={"metadata": {"path": ROOT}})
    with client.setup_kernel(env=ENVIRONMENT):
        for i, cell in enumerate(nb.cells):
            client.execute_cell(cell, i)
        pids = printed(nb).splitlines()[1].split()
        kernel = client.km.provisioner.pid
        os.kill(kernel, signal.SIGKILL)
        assert all_gone(list(map(int, pids)))
    assert printed(nb).startswith(SHOWN)


@slow
def test_a_kernel_that_is_interrupted_and_used_again(tmp_path):
    nb = new_notebook(cells=[new_code_cell(c) for c in (
        CELLS[0] + CELLS[1],
        "import os, signal, threading, time\n"
        "threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "forever = lambda x: jax.lax.while_loop(lambda c: c >= 0, jnp.abs, x)\n"
        "try:\n    jax.pmap(forever)(np.ones(2))\n"
        "except KeyboardInterrupt:\n    print('interrupted')",
        CELLS[2])])
    NotebookClient(nb, kernel_name="python3").execute(env=ENVIRONMENT)
    assert printed(nb).splitlines() == ["interrupted", SHOWN]


@slow
def test_nbconvert_and_nbval(tmp_path):
    path = tmp_path / "cells.ipynb"
    notebook(path)
    python("-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", str(path))
    nb = nbformat.read(path, 4)
    check(printed(nb))
    nb.cells = nb.cells[:3]  # numbers of processes are never the same again
    nbformat.write(nb, path)
    said = python("-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider",
                  str(path), cwd=tmp_path)
    assert "3 passed" in said
