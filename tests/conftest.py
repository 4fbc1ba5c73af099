"""What holds for every test, said before NumPy's OpenBLAS and JAX's XLA are loaded."""

import gc
import os

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
