"""What a learner's code may not reach: some files, the files of others, other processes.

An audit hook cannot be taken out again, but it runs beside the code that it guards against. So it
calls nothing that this code could replace or look into: only functions in C, held as defaults. And
it believes no path: it asks the system for the file that a path leads to. What machine code does
that an answer generates, no hook sees.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROCESSES = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn",
                       "os.fork", "os.forkpty", "os.startfile", "os.kill", "os.killpg"})
# The first two find the hooks, the third opens files by itself; of NATIVE come functions that do.
REFUSED = frozenset({"gc.get_objects", "gc.get_referrers", "sqlite3.connect"})
NATIVE = frozenset({"ctypes.dlopen", "ctypes.dlsym", "ctypes.dlsym/handle"})
CHANGES = frozenset({"os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.mkdir",
                     "os.truncate", "os.chmod", "os.chown", "os.utime"})
PAIRS = frozenset({"os.rename", "os.link", "os.symlink"})  # of paths
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
UNNAMED = getattr(os, "O_TMPFILE", -1)
DENIED = errno.EACCES, "out of reach in an exercise"
ENCODING = sys.getfilesystemencoding()


def guard(protected: Sequence[str], writable: Sequence[str], processes: bool) -> None:
    """From now on this process opens no protected file, changes none but those below its folder or
    in `writable`, and starts no other program. With `processes` it may: a `pmap` has to.
    """
    here = os.getcwd()
    os.environ["TMPDIR"] = tempfile.tempdir = here
    if not processes and "_posixsubprocess" in sys.modules:  # what no event tells of
        sys.modules["_posixsubprocess"].fork_exec = no_other_program  # type: ignore[attr-defined]
    refused = REFUSED if processes else REFUSED | PROCESSES
    own = rf"/proc/((self|{os.getpid()})/)?[a-z_]+"
    sys.addaudithook(_starting(refused))
    sys.addaudithook(_reading(frozenset(_files(protected)), re.compile(own).fullmatch,
                              identity("/proc")))
    sys.addaudithook(_writing(frozenset(map(identity, [here, *writable]))))


def no_other_program(*args: Any) -> Any:
    raise PermissionError("an exercise cannot start other processes")


def identity(path: str) -> tuple[int, int] | None:
    """What tells the file that a path leads to from all others."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _files(protected: Sequence[str]) -> list[tuple[int, int] | None]:
    """Those of files, and of all below folders. What is not there needs no protection."""
    below = [str(x) for path in protected for x in Path(path).rglob("*")]
    return [found for path in (*protected, *below) if (found := identity(path))]


# --- the hooks: what they need, they hold as defaults --------------------------------------------


def _starting(refused: Any) -> Any:
    def hook(event, args, refused=refused, native=NATIVE, frame=sys._getframe,
             denied=PermissionError):
        if event in refused:
            raise denied("an exercise cannot start other processes, nor look into this one")
        if event in native:
            caller = frame(1)
            while caller and caller.f_code.co_filename[-18:] == "ctypes/__init__.py":
                caller = caller.f_back
            if caller and caller.f_code.co_filename[:1] == "<":
                raise denied("functions of other languages are out of reach in an exercise")

    return hook


def _reading(kept: Any, own: Any, proc: Any) -> Any:
    def hook(event, args, kept=kept, own=own, proc=proc, pairs=PAIRS, unnamed=UNNAMED,
             stat=os.stat, folder=stat.S_ISDIR, error=OSError, denied=PermissionError, what=DENIED):
        if event != "open" and event not in pairs:
            return
        for path in args[: 2 if event in pairs else 1]:
            try:
                found = stat(path)
            except error:
                continue
            if ((found.st_dev, found.st_ino) in kept
                    or proc and found.st_dev == proc[0] and not own(path)
                    # from a folder that is open, paths lead to where nobody can tell
                    or event == "open" and args[1] is None and folder(found.st_mode)
                    and args[2] & unnamed != unnamed):
                raise denied(*what, path)

    return hook


def _writing(folders: Any) -> Any:
    def hook(event, args, folders=folders, changes=CHANGES, pairs=PAIRS, writing=WRITING,
             lstat=os.lstat, stat=os.stat, link=stat.S_ISLNK, device=stat.S_ISCHR,
             folder=stat.S_ISDIR, kind=type, below=issubclass, text=str, data=bytes,
             copy=str.__str__, encoding=ENCODING, windows=os.name == "nt", error=OSError,
             denied=PermissionError, what=DENIED):
        if event not in changes and (event != "open" or not args[2] & writing):
            return
        for path in args[event == "os.symlink" : 2 if event in pairs else 1]:
            if below(kind(path), data):
                path = text(path, encoding, "surrogateescape")
            if not below(kind(path), text):
                continue  # an open file
            at, mode, last = copy(path), 0, None
            if windows:
                at = at.replace("\\", "/")
            try:
                mode = lstat(at).st_mode
            except error:  # it is to be made
                pass
            if device(mode):
                continue
            if not folder(mode):
                at = at.rpartition("/")[0] + "/" if "/" in at else "."
            good = False
            try:  # up to a folder in which it may, or to the root
                while not (good or link(mode)) and (found := stat(at)) and (
                        found.st_dev, found.st_ino) != last:
                    last = found.st_dev, found.st_ino
                    good = last in folders
                    at += "/.."
            except error:
                good = True  # it leads nowhere
            if not good:
                raise denied(*what, path)

    return hook
