"""What processes share, on each system: memory, a connection, and the end of the parent.

Linux and macOS let a process inherit what has no name. On Windows it inherits handles, and memory
has a name that nobody can guess. There, and on macOS, nobody can sleep on a word in memory, so who
waits for one looks again and again. `MINIJAX_PORTABLE=1` does without what only Linux has.
"""

from __future__ import annotations

import mmap
import multiprocessing.connection as connections
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from minijax.compiler.buffers import memory_size

__all__ = ["PORTABLE", "connection", "inheriting", "new_memory", "open_memory"]

WINDOWS = sys.platform == "win32"
PORTABLE = WINDOWS or bool(os.environ.get("MINIJAX_PORTABLE"))
SMALLEST = 1 << 26  # bytes of shared memory


def new_memory(times: int) -> tuple[Any, int]:
    """(handle, size) of new shared memory, of so many times what this machine has, if it can be.

    It is one file without a name: of such a file only those pages exist that somebody has written
    to. Where memory is set aside for all of it, as on Windows, it is a quarter of the memory.
    """
    size = memory_size() // 4 if PORTABLE else memory_size() * times
    open_standard_files()
    while True:
        try:
            handle = f"minijax-{secrets.token_hex(16)}" if WINDOWS else nameless_file(size)
            open_memory(handle, size)
            return handle, size
        except (OSError, ValueError, OverflowError):  # the system wants less, as `ulimit -v` does
            size //= 2
            if size < SMALLEST:
                raise


def open_standard_files() -> None:
    """Where standard input, output or errors are closed, open nothing in their place.

    Otherwise their numbers would be given to what workers inherit, and there mean something else.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(fd)


def nameless_file(size: int) -> int:
    """The descriptor of a new file of `size` zeros that no other program can open."""
    if hasattr(os, "memfd_create") and not PORTABLE:  # memory, and no limit like /dev/shm's
        fd = os.memfd_create("minijax")
    else:
        fd, path = tempfile.mkstemp()
        os.unlink(path)
    os.ftruncate(fd, size)
    return fd


def open_memory(handle: Any, size: int) -> mmap.mmap:
    """The memory, as this process sees it."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=handle)
    return mmap.mmap(handle, size)


def connection(handle: int) -> Any:
    """The end of a pipe that this process has inherited."""
    kind = "PipeConnection" if WINDOWS else "Connection"
    return getattr(connections, kind)(handle)


def inheriting(handles: Sequence[Any]) -> dict[str, Any]:
    """The options of `Popen` for a process with these handles, and in a process group of its own.

    So the terminal's Ctrl-C is for the parent alone.
    """
    if sys.platform == "win32":
        handles = [h for h in handles if isinstance(h, int)]  # memory is found by its name
        for handle in handles:
            os.set_handle_inheritable(handle, True)
        return {"startupinfo": subprocess.STARTUPINFO(lpAttributeList={"handle_list": handles}),
                "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"pass_fds": handles, "process_group": 0}
