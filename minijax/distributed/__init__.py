"""Programs on several machines: `jax.distributed`.

In JAX every machine runs the user's program, and `initialize` tells them of each other. Here one
process runs it, and the devices of all machines are its own: start it with MPI,

    mpiexec -n 4 python -m minijax.distributed script.py

and it has four devices. Rank 0 runs the script, and is also the first of them; it needs MPI:
`pip install 'minijax[mpi]'`. `initialize` has nothing left to do, and there is one process.

A program that raises is reported by rank 0 with the device and its traceback, when the devices
next meet, and the next call works. A rank that dies ends the job: `mpiexec` then ends the others,
and its exit code is not zero; Ctrl-C likewise. A rank that is stopped is noticed on the machine of
rank 0, if that is Linux, within seconds. That another machine stops answering is noticed by nobody:
say how long a job may take, with the variable MPIEXEC_TIMEOUT (of MPICH, in seconds).
"""

from __future__ import annotations

from typing import Any

from minijax.devices import process_count

__all__ = ["initialize", "is_initialized", "shutdown"]

_initialized = False


def initialize(coordinator_address: str | None = None, num_processes: int | None = None,
               process_id: int | None = None, local_device_ids: Any = None, **options: Any) -> None:
    """To be called once, at the start of a program that may run on several machines.

    It finds one process, this one. Other options of JAX are accepted and not used.

    >>> import minijax as jax
    >>> jax.distributed.initialize()
    >>> jax.process_count(), jax.distributed.is_initialized()
    (1, True)
    >>> jax.distributed.shutdown()

    Raises:
      RuntimeError: it has been called before.
      NotImplementedError: several processes are asked for.
    """
    global _initialized
    if _initialized:
        raise RuntimeError("distributed.initialize should only be called once.")
    if (num_processes or 1) > process_count() or process_id:
        raise NotImplementedError(
            f"distributed.initialize of {num_processes} processes: here one process runs the "
            "program, with the devices of all machines. Start that one with mpiexec -n "
            f"{num_processes} python -m minijax.distributed, and call initialize() without these "
            "arguments.")
    _initialized = True


def is_initialized() -> bool:
    """Has `initialize` been called?"""
    return _initialized


def shutdown() -> None:
    """The opposite of `initialize`; without it, nothing."""
    global _initialized
    _initialized = False
