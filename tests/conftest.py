"""What holds for every test: one thread per process, since xdist starts a process for each core."""

import os

# Read when NumPy's OpenBLAS and JAX's XLA are loaded: two threads in each of two processes are
# slower than one, and much slower on a machine that does something else as well.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
