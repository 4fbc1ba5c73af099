"""What several threads want is made by one; and what is being made does not stop a forked child.

A child has one thread, and the locks of all. So what other threads had begun it begins anew. LLVM's
own state it could not begin anew: a fork waits until LLVM is at rest (`undivided`).
"""

import contextlib
import os
import threading
from collections.abc import Hashable, Iterator

_lock = threading.Lock()
_begun: dict[Hashable, threading.Lock] = {}  # what some thread makes right now
undivided = threading.RLock()  # held where LLVM works, and by who forks


@contextlib.contextmanager
def alone(key: Hashable) -> Iterator[None]:
    """The first thread goes in; others wait until it is out, and then look at what it made."""
    with _lock:
        begun = _begun.setdefault(key, threading.Lock())
    try:
        with begun:
            yield
    finally:
        with _lock:
            _begun.pop(key, None)


def _begin_anew() -> None:
    """In a forked child: the threads that had begun something stayed behind."""
    global _lock
    _lock = threading.Lock()
    _begun.clear()
    undivided.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=undivided.acquire, after_in_parent=undivided.release,
                        after_in_child=_begin_anew)
