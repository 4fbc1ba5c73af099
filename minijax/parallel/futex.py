"""To sleep until another process changes a word in shared memory.

On Linux the kernel offers just that: `wait` names a word and the value it had; `wake` is called by
who has changed it. Elsewhere `wait` sleeps a little, and who waits has to look again.
"""

from __future__ import annotations

import ctypes
import platform
import sys
import time

__all__ = ["wait", "wake"]

WAIT, WAKE = 0, 1
_number = {"x86_64": 202, "aarch64": 98}.get(platform.machine())  # of the system call
_there = sys.platform == "linux" and _number is not None and sys.maxsize > 2**32
_syscall = ctypes.CDLL(None).syscall if _there else None


class Timeout(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


TENTH = Timeout(0, 100_000_000)
NAP = 1e-4


def wait(address: int, value: int) -> None:
    """Sleep while the 32 bits at `address` are `value`: until `wake`, or for a tenth of a second.

    It may return earlier for no reason.
    """
    if _syscall is None:
        time.sleep(NAP)
    else:
        _syscall(ctypes.c_long(_number), ctypes.c_void_p(address), WAIT,  # type: ignore[arg-type]
                 ctypes.c_uint32(value), ctypes.byref(TENTH), None, 0)


def wake(address: int) -> None:
    """Wake whoever waits for a change at `address`."""
    if _syscall is not None:
        _syscall(ctypes.c_long(_number), ctypes.c_void_p(address), WAKE,  # type: ignore[arg-type]
                 1 << 30, None, None, 0)
