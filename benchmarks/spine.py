"""What the spine costs, beside JAX: import, an eager operation, first use, tracing.

    python benchmarks/spine.py        # prints a table, writes spine.md and spine.png beside it
"""

from __future__ import annotations

import functools
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import alternating
import jax
import jax.numpy
import numpy as np

import minijax
import minijax.numpy

HERE = Path(__file__).parent
LIBRARIES = {"minijax": minijax, "jax": jax}
FIRST_USE = """
import sys
import {name} as jax, {name}.numpy as jnp
f = lambda x: jnp.sin(x) * x
x = jnp.arange(3.)
calls = 0
def count(frame, event, arg):
    global calls
    calls += event == "call"
sys.setprofile(count)
g = jax.grad(lambda x: jnp.sum(jax.vmap(jax.jit(f))(x)))(x)
sys.setprofile(None)
print(calls)
"""


def python(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def chain(library: ModuleType, n: int) -> None:
    """Trace a program of n equations."""

    def f(x):
        for _ in range(n):
            x = library.numpy.sin(x)
        return x

    library.make_jaxpr(f)(1.0)


def add(library: ModuleType):
    x, y = library.numpy.arange(3.0), library.numpy.ones(3)
    return lambda: x + y


def small_gradient(library: ModuleType):
    x = library.numpy.arange(3.0)
    g = library.grad(lambda x: library.numpy.sum(library.numpy.sin(x) * x))
    return lambda: g(x)


def jitted_call(library: ModuleType):
    x = library.numpy.arange(3.0)
    f = library.jit(lambda x: library.numpy.sin(x) * x)
    return lambda: f(x)


def main() -> None:
    imports = {name: functools.partial(python, f"import {name}, {name}.numpy")
               for name in LIBRARIES}
    bare = functools.partial(python, "import numpy")
    timings = [
        alternating.measure("import, process included", {**imports, "numpy": bare}, 0.1, 5),
        alternating.measure("add two arrays of 3", {
            **dict(zip(LIBRARIES, map(add, LIBRARIES.values()))), "numpy": add_numpy()}),
        alternating.measure("gradient of sum(sin(x) x), eager", dict(zip(
            LIBRARIES, map(small_gradient, LIBRARIES.values())))),
        alternating.measure("call of jit(sin(x) x)", dict(zip(
            LIBRARIES, map(jitted_call, LIBRARIES.values())))),
    ]
    for n in (100, 1_000, 10_000):
        timings.append(alternating.measure(f"trace {n} equations", {
            name: functools.partial(chain, library, n) for name, library in LIBRARIES.items()},
            blocks=5))
    calls = {name: int(python(FIRST_USE.format(name=name))) for name in LIBRARIES}
    text = alternating.table(timings)
    text += ("\n\nPython calls (`sys.setprofile`) for the first "
             "`grad(lambda x: jnp.sum(vmap(jit(f))(x)))(jnp.arange(3.))` with "
             f"`f(x) = sin(x) * x`: minijax {calls['minijax']}, JAX {calls['jax']}.\n")
    print(text)
    (HERE / "spine.md").write_text(f"# The spine beside JAX {jax.__version__}\n\n"
                                   f"{time.strftime('%Y-%m-%d')}, Python "
                                   f"{sys.version.split()[0]}, NumPy {np.__version__}.\n\n{text}")
    alternating.plot(timings, str(HERE / "spine.png"), "The spine beside JAX and NumPy")


def add_numpy():
    x, y = np.arange(3, dtype=np.float32), np.ones(3, np.float32)
    return lambda: x + y


if __name__ == "__main__":
    main()
