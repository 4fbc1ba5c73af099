"""`mpiexec -n 4 python -m minijax.distributed script.py`: a program with four devices.

Rank 0 runs the script, as if it were run alone; the others are its devices (see `parallel/mpi.py`).
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from minijax.compiler.threads import usable_cpus
from minijax.config import config
from minijax.parallel.engine import use
from minijax.parallel.mpi import MPIEngine, Rank

USAGE = """usage: mpiexec -n N python -m minijax.distributed script.py [arguments]
       mpiexec -n N python -m minijax.distributed -m module [arguments]"""


def main(arguments: list[str]) -> None:
    """The life of a rank."""
    try:
        from mpi4py import MPI
    except ImportError as error:
        sys.exit(f"minijax.distributed needs MPI: pip install 'minijax[mpi]' ({error})")
    world = MPI.COMM_WORLD
    if not arguments or arguments == ["-m"] or arguments[0] in ("-h", "--help"):
        sys.exit(1 if world.rank else USAGE)
    here = world.Split_type(MPI.COMM_TYPE_SHARED)
    pids = np.empty((here.size, 2), np.int64)
    here.Allgather(np.array([world.rank, os.getpid()]), pids)
    remove_names()
    config.update("minijax_num_threads", max(usable_cpus() // here.size, 1))
    if world.rank:
        serve(world)
    else:
        config.update("jax_num_cpu_devices", world.size)
        use(MPIEngine(world, {rank: pid for rank, pid in pids.tolist() if rank}))
        run(arguments)


def remove_names() -> None:
    """Take the name from the memory that MPICH shares, which all ranks of this machine have now.

    So it ends with them. Otherwise it would stay when they are killed, in Linux's `/dev/shm`.
    """
    maps = Path("/proc/self/maps")
    for line in maps.read_text().splitlines() if maps.exists() else ():
        if "/dev/shm/mpich_shm_" in line and not line.endswith("(deleted)"):
            Path(line.split(maxsplit=5)[5]).unlink(missing_ok=True)


def serve(world: Any) -> None:
    """Be a device. What goes wrong outside of programs ends the job."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it, whatever it is doing
    try:
        Rank(world).serve()
    except BaseException:
        traceback.print_exc()
        world.Abort(1)


def run(arguments: list[str]) -> None:
    """Do what `python script.py` does, or `python -m module`."""
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path[0] = os.path.dirname(os.path.abspath(arguments[0]))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
