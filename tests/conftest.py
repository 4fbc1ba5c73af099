"""What holds for every test, said before NumPy's OpenBLAS and JAX's XLA are loaded."""

import gc
import os
import signal
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator

import pytest

COMPILED = ("compiler", "fast_path", "public_behaviour")  # these are about compiled programs
ONE_IN = 10  # of the cases of a test, in the fast tier
LONGEST = ("test_lab", "test_compiler_rules", "test_exercises", "test_compiler", "test_ode",
           "test_pmap_faults", "test_book", "test_shard_map", "test_slides")  # begin first
CHAPTERS = ("02_jaxprs", "03_jvp", "04_vjp")  # in the fast tier; the others start more, or compile

# xdist starts a process for each core: two threads in each of two processes are slower than one.
# No flag here may change what XLA computes: its bits are the oracle's.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", " ".join([
    "--xla_cpu_multi_thread_eigen=false",
    "--xla_cpu_parallel_codegen_split_count=1",
]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The fast tier: a few chapters, and of the many cases of a test a sample, spread evenly.

    It begins elsewhere for each test: an operation that one law leaves out, another one looks at.
    What takes longest comes first, so that no core waits for the other one at the end.
    """
    cases = defaultdict(list)
    for item in items:
        if item.path.suffix == ".ipynb" and item.path.stem not in CHAPTERS:
            item.add_marker(pytest.mark.slow("a chapter"))
        elif hasattr(item, "callspec") and not item.get_closest_marker("slow"):
            cases[item.nodeid.split("[")[0]].append(item)
    for name, several in cases.items():
        first = zlib.crc32(name.encode()) % min(ONE_IN, len(several))
        for i, item in enumerate(several):
            if i % ONE_IN != first:
                item.add_marker(pytest.mark.slow)
    rank = {name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def pytest_collection_finish() -> None:
    """What is there now stays: no need to look at it again in each collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_interrupts() -> Iterator[None]:
    """Also where a shell runs the tests in its background, and has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module", autouse=True)
def the_next_file_begins_afresh() -> Iterator[None]:
    """JAX keeps all that it compiled: gigabytes, through which each collection of garbage goes."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def repeated_laws_are_interpreted(request: pytest.FixtureRequest) -> Iterator[None]:
    """The slow tier repeats for many cases what the fast one has shown of compiled programs.

    There a program is compiled when it is called more often. Tests of the compiler say themselves
    when to compile; a mark that says why a test is slow is not of this kind.
    """
    marker = request.node.get_closest_marker("slow")
    if marker is None or marker.args or any(name in request.node.nodeid for name in COMPILED):
        yield
    else:
        from minijax.compiler.executable import compile_after  # not before the lines above

        with compile_after(20):
            yield
