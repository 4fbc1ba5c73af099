"""What holds for every test, said before NumPy's OpenBLAS and JAX's XLA are loaded."""

import gc
import os
from collections.abc import Iterator

import pytest

# xdist starts a process for each core: two threads in each of two processes are slower than one.
# No flag here may change what XLA computes: its bits are the oracle's.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", " ".join([
    "--xla_cpu_multi_thread_eigen=false",
    "--xla_cpu_parallel_codegen_split_count=1",
]))


def pytest_collection_finish() -> None:
    """What is there now stays: no need to look at it again in each collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def repeated_laws_are_interpreted(request: pytest.FixtureRequest) -> Iterator[None]:
    """The slow tier repeats for many cases what the fast one has shown of compiled programs.

    There a program is compiled when it is called more often. Tests of the compiler say themselves
    when to compile.
    """
    if request.node.get_closest_marker("slow") is None or "compiler" in request.node.nodeid:
        yield
    else:
        from minijax.compiler.executable import compile_after  # not before the lines above

        with compile_after(20):
            yield
