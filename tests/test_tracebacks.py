"""Tracebacks in a notebook leave the library's frames out, unless the reader asks for them."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("IPython")
ROOT = Path(__file__).parents[1]

SESSION = '''\
import sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

options = {"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}
shell = InteractiveShell.instance(config=Config(options))
for cell in open(sys.argv[1]).read().split("# next\\n"):
    print("==")
    shell.run_cell(cell)
'''
CELLS = '''\
from minijax.course import live
import minijax as jax, minijax.numpy as jnp
# next
def absolute(x):
    return x if x > 0 else -x

jax.jit(absolute)(-3.0)
# next
try:
    jax.jit(absolute)(-3.0)
except TypeError as error:
    raise ValueError("caused by it") from error
# next
jax.config.update("jax_traceback_filtering", "off")
jax.jit(absolute)(-3.0)
# next
jax.config.update("jax_traceback_filtering", "auto")
# next
# minijax/transpose.py
def accumulate(ct_env, x, ct):
    return ct_env.missing
# next
jax.grad(jnp.sin)(1.0)
'''


def test_a_notebook_shows_the_readers_lines_and_where_it_was_raised(tmp_path):
    (tmp_path / "cells.py").write_text(CELLS)
    done = subprocess.run([sys.executable, "-c", SESSION, str(tmp_path / "cells.py")], cwd=ROOT,
                          capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    _, _, plain, chained, full, _, _, edited = done.stdout.split("==\n")
    for said in (plain, chained):
        assert "jax.jit(absolute)(-3.0)" in said and "return x if x > 0 else -x" in said
        assert "skipping hidden" in said and said.count("core.py") == 1  # where it was raised
        assert "jit.py" not in said and "TracerBoolConversionError" in said
    assert "caused by it" in chained
    assert "jit.py" in full and "skipping hidden" not in full
    assert "in accumulate(ct_env, x, ct)" in edited and "transpose.py:" not in edited


def test_outside_of_a_notebook_nothing_happens():
    code = "import sys, minijax.course; print('IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True,
                          encoding="utf-8", timeout=60)
    assert done.stdout == "False\n"
