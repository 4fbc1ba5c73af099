"""What processes tell each other without a message: words in the shared memory.

Each device has a slot. Who waits for a word to change looks often at first, because a message
between processes costs more than most small programs; then it says that it is asleep, and whoever
changes the word wakes it.
"""

from __future__ import annotations

import functools
import os
import time
import zlib
from collections.abc import Callable
from threading import Lock

from minijax.parallel.heap import DEVICES, SLOT, Heap

__all__ = ["PARENT", "Slots", "fence", "look"]

# Of a slot: words that the device writes for the others, words that the parent writes for it, and
# words that it writes for the parent, each in a cache line of their own; then a text.
BEAT, ARRIVED, TAG, SOURCE, TARGET, WAITING = range(6)
ORDER, PROGRAM, NEWS = range(8, 11)
DONE, MAIL, ASLEEP = range(16, 19)
TEXT = 24
PARENT = DEVICES  # the slot of the parent, which sleeps, too
EAGER = 1e-4  # seconds for which one looks before one sleeps

_lock = Lock()
# Others get the CPU, if they need it: there may be more processes that look than CPUs.
_pause: Callable = getattr(os, "sched_yield", None) or (lambda: time.sleep(0))


def fence() -> None:
    """What this process wrote before, others see before what it writes or reads after."""
    with _lock:
        pass


def look(ready: Callable[[], bool]) -> bool:
    """Look often, for a while, until it is ready. Is it?"""
    end = time.perf_counter() + EAGER
    _pause()  # whoever is waited for may need this very CPU
    while not ready():
        if time.perf_counter() > end:
            return False
        _pause()
    return True


class Slots:
    """What the parent and the devices say of themselves."""

    def __init__(self, heap: Heap):
        self.words, self.memory, self.start = heap.words, heap.memory, heap.address

    def address(self, device: int, field: int) -> int:
        """Where in memory a word is."""
        return self.start + device * SLOT + 8 * field

    def get(self, device: int, field: int) -> int:
        return self.words[device * (SLOT // 8) + field]

    def set(self, device: int, field: int, value: int) -> None:
        self.words[device * (SLOT // 8) + field] = value

    def clear(self, device: int) -> None:
        """Make the slot ready for a new process."""
        for field in (BEAT, TAG, WAITING, ORDER, NEWS, MAIL, ASLEEP):
            self.set(device, field, 0)

    def say(self, device: int, text: str) -> None:
        """Leave a text, and a number that two devices have in common if they say the same."""
        data, tag = written(text)
        start = device * SLOT + 8 * TEXT
        self.memory[start: start + len(data)] = data
        self.set(device, TAG, tag)

    def said(self, device: int) -> str:
        data = self.memory[device * SLOT + 8 * TEXT: (device + 1) * SLOT]
        return data.split(b"\0", 1)[0].decode(errors="replace")


@functools.cache
def written(text: str) -> tuple[bytes, int]:
    """A text as it is in a slot, and a number made of it."""
    data = text.encode()[: SLOT - 8 * TEXT - 1] + b"\0"
    return data, zlib.crc32(data)
