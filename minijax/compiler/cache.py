"""Object code on disk, so that what a program compiled need not be compiled by the next.

An entry is a file. Its name is the hash of all that its content depends on, so an entry is never
out of date: whatever changes, the name is another, and what nobody asks for goes when there is too
much. Nothing here is an error for the user: where an entry cannot be read or kept, the kernel is
compiled.
"""

import contextlib
import functools
import hashlib
import logging
import os
import stat
import sys
import threading
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

from minijax.compiler import machine
from minijax.config import Option, flags, integer, text, truth

__all__ = ["clear", "complaint", "entries", "folder", "key", "read", "write"]

logger = logging.getLogger(__name__)

SUFFIX = ".kernel"
HEAD = b"minijax kernel 1\n"  # then the key, the hash of the code, the code
DIGEST = hashlib.sha256().digest_size
ROOM = 2**28  # bytes, if jax_compilation_cache_max_size says nothing
BLOCK = 4096  # what a file takes, at least
DAY = 24 * 60 * 60

# What decides which object code a source becomes; the source says which functions it calls.
GENERATOR = ("compiler/addresses.py", "compiler/atomics.py", "compiler/intrinsics.py",
             "compiler/machine.py", "compiler/target.py", "compiler/tiles.py",
             "compiler/vector_math/*.py")

Option("jax_enable_compilation_cache", True, truth,
       "Keep compiled kernels on disk for the programs that come after.")
Option("jax_compilation_cache_dir", None, text,
       "The folder of compiled kernels. None: what MINIJAX_CACHE_DIR says, or the user's cache.")
Option("jax_compilation_cache_max_size", -1, integer,
       "The bytes that compiled kernels may take on disk. -1: 256 MB, room for some 60,000.")

# --- keys ------------------------------------------------------------------------------------


def key(source: str, arity: int) -> bytes:
    """What the object code of a kernel depends on, as a hash."""
    parts = (*generator(), *machine.description(), str(arity), source)
    text = "\0".join(parts).encode()
    return hashlib.sha256(text).digest()


@functools.cache
def generator() -> tuple[str, ...]:
    """The files that decide what is generated: our own, and Numba's with its version."""
    numba = find_spec("numba")  # finds it, and does not import it
    assert numba and numba.origin
    files = [*sources(), Path(numba.origin).with_name("_version.py")]
    return tuple(file.read_text("utf8") for file in files)


def sources() -> list[Path]:
    """The files of GENERATOR."""
    package = Path(__file__).parents[1]
    return [path for pattern in GENERATOR for path in sorted(package.glob(pattern))]


# --- the folder ------------------------------------------------------------------------------


def folder() -> Path | None:
    """Where the entries are: what the options or the environment say, or the user's own place."""
    if not flags.jax_enable_compilation_cache:
        return None
    named = flags.jax_compilation_cache_dir or os.environ.get("MINIJAX_CACHE_DIR")
    try:
        return Path(named).expanduser().absolute() if named else user_folder() / "minijax"
    except RuntimeError:  # this user has no home
        return None


def user_folder() -> Path:
    """Where this system keeps what a user's programs can make again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if os.path.isabs(named) else Path.home() / ".cache"


def complaint(path: Path) -> str | None:
    """Why a folder is not used, or None if nobody else can have put code there."""
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode):
        return (f"{path} is not a folder, so no compiled kernels are kept there. Let "
                "MINIJAX_CACHE_DIR name another.")
    if not hasattr(os, "geteuid"):
        return None  # Windows, where the folders of a user are the user's
    if found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return None
    return (f"others can write to the folder of compiled kernels, {path}, so none are read from "
            "there, and none kept. If it is yours, empty it and run  chmod 700  on it; or let "
            "MINIJAX_CACHE_DIR name another.")


def refused(path: Path) -> bool:
    """Whether a folder is not used. If so, the first time there is a warning."""
    why = complaint(path)
    if why:
        _warn(why)
    return bool(why)


@functools.cache
def _warn(why: str) -> None:
    warnings.warn(why, stacklevel=2)


# --- entries ---------------------------------------------------------------------------------


def read(key: bytes) -> bytes | None:
    """The object code of a key, or None: it is not there, or is not what was written."""
    place = folder()
    try:
        if place is None or refused(place):
            return None
        path = place / (key.hex() + SUFFIX)
        data = path.read_bytes()
    except OSError:
        return None
    start = len(HEAD) + 2 * DIGEST
    code = data[start:]
    if data[:start] != header(key, code):
        return None
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > DAY:
            os.utime(path)  # in use: not one of those to go
    return code


def header(key: bytes, code: bytes) -> bytes:
    return HEAD + key + hashlib.sha256(code).digest()


def write(key: bytes, code: bytes) -> None:
    """Keep the object code of a key. Others see all of the entry or nothing."""
    import tempfile

    place, temporary = folder(), None
    if place is None:
        return
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if refused(place):
            return
        handle, temporary = tempfile.mkstemp(".tmp", dir=place)
        with os.fdopen(handle, "wb") as file:
            file.write(header(key, code) + code)
        os.replace(temporary, place / (key.hex() + SUFFIX))
        make_room(place, len(code))
    except OSError as error:  # read only, or full, or Windows reads the entry just now
        logger.info("a compiled kernel is not kept in %s: %s", place, error)
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


# --- room ------------------------------------------------------------------------------------


def entries(place: Path | None = None) -> list[tuple[float, int, Path]]:
    """When each entry was used last, the bytes it takes, and its path; the oldest first."""
    found = []
    place = place or folder()
    with contextlib.suppress(OSError):
        for item in os.scandir(place) if place else ():
            with contextlib.suppress(OSError):  # another process has removed it
                about = item.stat()
                left = item.name.endswith(".tmp") and time.time() - about.st_mtime > DAY
                if left or item.name.endswith(SUFFIX):
                    found.append((about.st_mtime, blocks(about.st_size), Path(item.path)))
    return sorted(found)


def blocks(size: int) -> int:
    """The bytes that a file of this size takes."""
    return -(-size // BLOCK) * BLOCK


def clear() -> int:
    """Remove all entries; returns how many there were."""
    return sum(remove(path) for *_, path in entries())


def remove(path: Path) -> bool:
    with contextlib.suppress(OSError):
        path.unlink()
        return True
    return False


_taken: dict[Path, int] = {}  # the bytes in each folder, as far as this process knows
_lock = threading.Lock()


def make_room(place: Path, added: int) -> None:
    """Remove the entries not used for longest, if there are too many after one more."""
    limit = flags.jax_compilation_cache_max_size
    limit = ROOM if limit < 0 else limit
    with _lock:
        if place in _taken:
            _taken[place] += blocks(added)
        else:
            _taken[place] = sum(taken for _, taken, _ in entries(place))
        if _taken[place] <= limit:
            return
        found = entries(place)
        total = sum(taken for _, taken, _ in found)
        for _, taken, path in found:
            if total <= limit * 3 // 4:  # so that the next writes need not look again
                break
            total -= taken * remove(path)
        _taken[place] = total
