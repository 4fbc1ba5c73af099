"""Memory for large results, used again.

The first write to fresh memory costs more than most arithmetic: the system hands it out page by
page, each cleared before use. So blocks are kept, and `empty` makes its arrays from a kept block
that nobody uses any more.

Whether a block is in use needs no bookkeeping. An array made from a block, a view of that array, a
`memoryview`, a DLPack export: all refer to the block in the end, so Python's reference count of it
says so. A block of which the pool holds the only reference is free.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence

import numpy as np

from minijax.config import Option, flags

SMALL = 1 << 18  # bytes; the allocator reuses smaller memory well by itself
ALIGNMENT = 64  # bytes: a cache line, and the widest vector register
KEPT = 64  # blocks of one size


def memory_size() -> int:
    """The bytes of memory that this machine has; 8 GB where it does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 8 << 30


def byte_count(value: int | str | None) -> int:
    """The number of bytes meant by an option's value: None means an eighth of the memory."""
    if value in (None, ""):
        return memory_size() // 8
    if not str(value).isdecimal():
        raise ValueError(f"a number of bytes is 0 or more, got {value!r}")
    return int(value)


buffer_bytes = Option(
    "minijax_buffer_bytes", None, byte_count,
    "How many bytes of large buffers are kept for reuse, those in use included; 0 keeps none. "
    "None: an eighth of the memory.")


def fresh(size: int) -> np.ndarray:
    """New memory of this process, with `size` bytes from an aligned one on."""
    return np.empty(size + ALIGNMENT, np.uint8)


class Block:
    """Memory of some size. `start` is its first aligned byte."""

    __slots__ = ("memory", "start")

    def __init__(self, memory: np.ndarray):
        self.memory = memory
        self.start = -self.memory.ctypes.data % ALIGNMENT

    def references(self) -> int:
        """How many references to the memory there are, some of them made by asking."""
        return sys.getrefcount(self.memory)


UNSHARED = Block(fresh(0)).references()  # what a Python counts differs from version to version


class Buffers:
    """Blocks by size: in each list, the last used is last.

    There is no lock: `pop` and `append` are atomic, and a block is on no list while a thread looks
    at it. Another thread that misses it there makes a new one. `allocate` is where memory is from.
    """

    def __init__(self, allocate: Callable[[int], np.ndarray] = fresh):
        self.allocate = allocate
        self.blocks: dict[int, list[Block]] = {}

    def empty(self, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
        """An array from a free block of the right size, or from a new one."""
        size = rounded(math.prod(shape) * dtype.itemsize)
        blocks = self.blocks.setdefault(size, [])
        block = self.free(blocks) or self.new(size)
        array = np.ndarray(shape, dtype, block.memory, block.start)
        blocks.append(block)  # only now: the array shows that it is in use
        return array

    def free(self, blocks: list[Block]) -> Block | None:
        """Take the free block that was used last off its list."""
        used, block = [], None
        try:
            while (block := blocks.pop()).references() > UNSHARED:
                used.append(block)
        except IndexError:  # none, or other threads look at them
            block = None
        blocks.extend(reversed(used))
        return block

    def new(self, size: int) -> Block:
        self.blocks[size] = self.blocks.pop(size, [])  # to the end: the last to shrink
        self.shrink(flags.minijax_buffer_bytes - size)
        del self.blocks[size][:-KEPT]
        try:
            return Block(self.allocate(size))
        except MemoryError:
            self.blocks.clear()
            return Block(self.allocate(size))

    def held(self) -> int:
        """Bytes in blocks, free and in use."""
        return sum(size * len(blocks) for size, blocks in list(self.blocks.items()))

    def shrink(self, limit: int) -> None:
        """Forget blocks until at most `limit` bytes are held.

        The size that has not needed a new block for longest goes first.
        """
        excess = self.held() - limit
        for size, blocks in list(self.blocks.items()):
            if excess <= 0:
                break
            number = min(len(blocks), -(-excess // size))
            del blocks[:number]
            excess -= number * size


def rounded(size: int) -> int:
    """The size of block for so many bytes: one of eight sizes between powers of two.

    >>> [rounded(n) for n in (1024, 1025, 2047)]
    [1024, 1152, 2048]
    """
    step = 1 << max((size - 1).bit_length() - 4, 0)
    return -(-size // step) * step


_buffers = Buffers()


def use(pool: Buffers) -> None:
    """From now on, take memory for large arrays from this pool."""
    global _buffers
    _buffers = pool


def empty(shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """An array of unspecified contents, C-contiguous; in memory used before, if it is large.

    >>> from minijax.compiler import buffers
    >>> x = buffers.empty((1000, 1000), np.dtype(np.float32))
    >>> x.shape, x.dtype, x.flags.c_contiguous
    ((1000, 1000), dtype('float32'), True)
    """
    size = math.prod(shape) * dtype.itemsize
    if SMALL <= size <= flags.minijax_buffer_bytes:
        return _buffers.empty(shape, dtype)
    return np.empty(shape, dtype)
