"""Memory that all processes of one program see.

It is one file without a name, mapped whole by each process. It is much larger than the machine's
memory, and costs nothing: of such a file only those pages exist that somebody has written to. So an
array is the same for all processes if they know its *offset*, nothing is ever attached or detached,
and when the last process ends, however it ends, the memory is gone: there is no name to remove.

Each process allocates in a *region* of its own, so nobody needs a lock. A worker's is a part of its
parent's, lent to it for its life.
Blocks are used again as soon as no array refers to them (see `compiler/buffers.py`).
"""

from __future__ import annotations

import mmap
import os
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.compiler.addresses import address
from minijax.compiler.buffers import ALIGNMENT, Buffers, memory_size
from minijax.parallel.system import open_memory

__all__ = ["DEVICES", "Heap", "SLOT", "once", "repeated"]

DEVICES = 255  # at most so many, so that each has a slot
SLOT = 1 << 10  # bytes in front of the regions for each device: where it says what it is doing
HEAD = (DEVICES + 1) * SLOT
PAGE = mmap.PAGESIZE


class Region:
    """The part of the heap in which one process allocates."""

    def __init__(self, start: int, end: int):
        self.size = end - start
        self.holes = [(start, end)]  # what is free, in order
        self.returned: deque[tuple[int, int]] = deque()  # by finalizers, which may come at any time
        self.lock = threading.Lock()

    def used(self) -> int:
        """How many bytes are not free."""
        with self.lock:
            while self.returned:
                self.give(*self.returned.popleft())
            return self.size - sum(end - start for start, end in self.holes)

    def take(self, size: int) -> int:
        """The offset of `size` free bytes. MemoryError: there are none."""
        with self.lock:
            while self.returned:
                self.give(*self.returned.popleft())
            for i, (start, end) in enumerate(self.holes):
                if end - start >= size:
                    self.holes[i] = start + size, end
                    if start + size == end:
                        del self.holes[i]
                    return start
        raise MemoryError(f"no room for {size} bytes in the memory that devices share")

    def give(self, start: int, end: int) -> None:
        """These bytes are free again: a hole, or more of the holes beside them."""
        i = next((i for i, hole in enumerate(self.holes) if hole[0] > start), len(self.holes))
        if i < len(self.holes) and self.holes[i][0] == end:
            end = self.holes.pop(i)[1]
        if i and self.holes[i - 1][1] == start:
            i -= 1
            start = self.holes.pop(i)[0]
        self.holes.insert(i, (start, end))


class Heap:
    """The memory, as the process sees it that allocates from `start` to `end`."""

    def __init__(self, handle: Any, size: int, start: int = HEAD, end: int | None = None):
        self.handle, self.size, self.pid = handle, size, os.getpid()
        self.memory = open_memory(handle, size)
        if hasattr(mmap, "MADV_DONTDUMP"):  # no core dump of a terabyte of nothing
            self.memory.madvise(mmap.MADV_DONTDUMP)
        self.bytes = np.frombuffer(self.memory, np.uint8)
        self.words = memoryview(self.memory).cast("q")
        self.address = address(self.bytes)
        self.region = Region(start, end or size)
        self.buffers = Buffers(self.allocate)

    def lend(self, devices: int) -> tuple[int, int]:
        """(start, end) of a region for one of so many devices. `free` gives it back."""
        size = min(memory_size(), self.size // (4 * devices)) // PAGE * PAGE
        start = self.region.take(size)
        return start, start + size

    def allocate(self, size: int) -> np.ndarray:
        """So many bytes, free again when nothing refers to this array."""
        size = -(-size // PAGE) * PAGE if size >= PAGE else -(-size // ALIGNMENT) * ALIGNMENT
        offset = self.region.take(size)
        memory = np.ndarray((size,), np.uint8, self.memory, offset)
        weakref.finalize(memory, self.free, offset, size).atexit = False
        return memory

    def free(self, offset: int, size: int) -> None:
        """The memory goes back: to the system, as far as it is whole pages, and to the region."""
        if os.getpid() != self.pid:
            return  # a fork: the memory is the parent's
        start, end = -(-offset // PAGE) * PAGE, (offset + size) // PAGE * PAGE
        if start < end and hasattr(mmap, "MADV_REMOVE"):
            self.memory.madvise(mmap.MADV_REMOVE, start, end - start)
        self.region.returned.append((offset, offset + size))

    def empty(self, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
        """An array of unspecified contents that all processes can see."""
        return self.buffers.empty(shape, dtype)

    def at(self, offset: int, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
        """The array that another process allocated."""
        return np.ndarray(shape, dtype, self.memory, offset)

    def start(self, x: np.ndarray) -> int:
        """How far from the begin of the heap an array begins."""
        return address(x) - self.address

    def offset(self, x: np.ndarray) -> int | None:
        """Where an array is, if all processes can see it: whole, in row-major order."""
        start = self.start(x)
        return start if 0 <= start < self.size and x.flags.c_contiguous else None

    def address_of(self, x: np.ndarray) -> tuple:
        """What `at` needs to find an array of the heap again."""
        return self.start(x), x.shape, x.dtype

    def shared(self, x: np.ndarray) -> np.ndarray:
        """The array itself, or a copy that all processes can see."""
        if self.offset(x) is not None:
            return x
        out = self.empty(x.shape, x.dtype)
        out[...] = x
        return out


def repeated(x: np.ndarray, leading: Sequence[int]) -> np.ndarray:
    """The array with these sizes of its first dimensions, where it has 1 or the same; no copy."""
    given = x.shape[:len(leading)]
    if given == tuple(leading):
        return x
    steps = [s if n == m else 0 for n, m, s in zip(given, leading, x.strides)]
    shape, strides = (*leading, *x.shape[len(steps):]), (*steps, *x.strides[len(steps):])
    return np.ndarray(shape, x.dtype, x, 0, strides)


def once(x: np.ndarray, rank: int) -> np.ndarray:
    """The array without repetitions along its first dimensions."""
    first = [n > 1 and not step for n, step in zip(x.shape[:rank], x.strides)]
    return x[tuple([slice(1) if f else slice(None) for f in first])] if True in first else x
