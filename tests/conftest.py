"""What holds for every test, said before NumPy's OpenBLAS and JAX's XLA are loaded."""

import os

# xdist starts a process for each core: two threads in each of two processes are slower than one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# The oracle compiles thousands of small programs and runs each once. So a compilation costs half.
os.environ.setdefault("XLA_FLAGS", " ".join([
    "--xla_cpu_multi_thread_eigen=false",
    "--xla_cpu_parallel_codegen_split_count=1",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_backend_optimization_level=1",
]))
