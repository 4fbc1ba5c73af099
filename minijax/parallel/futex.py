"""To sleep until another process changes a word in shared memory.

On Linux the kernel offers just that: `wait` names a word and the value it had; `wake` is called by
who has changed it. Elsewhere `wait` sleeps a little, and who waits has to look again.
"""

from __future__ import annotations

import ctypes
import platform
import sys
import time
from typing import Any

from minijax.parallel.system import PORTABLE

__all__ = ["wait", "wake"]

WAIT, WAKE = 0, 1
NAP = 1e-4
_number = {"x86_64": 202, "aarch64": 98}.get(platform.machine())  # of the system call
_there = sys.platform == "linux" and _number is not None and sys.maxsize > 2**32 and not PORTABLE


class Timeout(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


TENTH = ctypes.byref(Timeout(0, 100_000_000))


def futex() -> Any:
    """The system call, as a function of (address, operation, value, timeout)."""
    call = ctypes.CDLL(None).syscall
    call.argtypes = (ctypes.c_long, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32,
                     ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
    return lambda address, operation, value, timeout=None: call(
        _number, address, operation, value, timeout, None, 0)


_futex = futex() if _there else None


def wait(address: int, value: int) -> None:
    """Sleep while the 32 bits at `address` are `value`: until `wake`, or for a tenth of a second.

    It may return earlier for no reason.
    """
    if _futex is None:
        time.sleep(NAP)
    else:
        _futex(address, WAIT, value, TENTH)


def wake(address: int) -> None:
    """Wake whoever waits for a change at `address`."""
    if _futex is not None:
        _futex(address, WAKE, 1 << 30)
