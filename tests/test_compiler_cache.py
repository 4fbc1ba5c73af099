"""Kernels: compiled once, kept on disk, and never trusted where somebody else may have written."""

from __future__ import annotations

import ast
import errno
import gc
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import minijax
from minijax.compiler import cache, load
from minijax.compiler.load import CannotCompile, native
from minijax.compiler.statistics import Statistics
from minijax.course import cli

from .tiers import slow

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file modes are POSIX's")
PACKAGE = Path(load.__file__).parents[1]
SCALE = """
def kernel(lo, hi, sizes, a0, a1):
    x = data(a0, float32)
    y = data(a1, float32)
    for i in range(lo, hi):
        y[i] = x[i] * float32({}) + float32(sizes[0])
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty cache for each test, and a process that has seen no kernel."""
    folder = tmp_path / "kernels"
    monkeypatch.setenv("MINIJAX_CACHE_DIR", str(folder))
    forget(monkeypatch)
    cache._warn.cache_clear()
    return folder


def forget(monkeypatch):
    """What a new process knows."""
    monkeypatch.setattr(load, "_kernels", {})
    monkeypatch.setattr(load, "statistics", Statistics())
    monkeypatch.setattr(cache, "_taken", {})


def scaled(function, by):
    """Whether a kernel of SCALE does what it says."""
    x, y, sizes = np.arange(9, dtype="f4"), np.zeros(9, "f4"), np.array([3])
    assert function(2, 9, sizes.ctypes.data, id(x), id(y)) is None
    want = np.where(x < 2, 0, x * by + 3)
    return np.array_equal(y, want)


def counts():
    now = load.statistics
    return now.compilations, now.memory_hits, now.disk_hits


def paths(folder):
    return sorted(folder.glob("*.kernel"))


def process(code, **environment):
    """Run a program that knows `native` and SCALE; returns what it prints."""
    head = (f"import sys; from minijax.compiler import load; native = load.native\n"
            f"SCALE = {SCALE!r}\n")
    done = subprocess.run([sys.executable, "-W", "error", "-c", head + code], text=True,
                          capture_output=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


# --- in one process --------------------------------------------------------------------------


def test_equal_sources_are_one_function():
    first = native(SCALE.format(2), 2)
    assert scaled(first, 2)
    assert native(SCALE.format(2), 2) is first
    assert counts() == (1, 1, 0)
    assert 0 < load.statistics.seconds < 60


def test_an_edited_source_is_another_kernel():
    assert scaled(native(SCALE.format(2), 2), 2)
    assert scaled(native(SCALE.format(3), 2), 3)
    assert counts() == (2, 0, 0)


def test_many_threads_compile_once():
    functions, go = [], threading.Barrier(8)

    def ask():
        go.wait()
        functions.append(native(SCALE.format(5), 2))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(functions) == 8 and len(set(map(id, functions))) == 1
    assert counts() == (1, 7, 0)


@pytest.mark.parametrize("body, message", [
    ("sizes.length", "Unknown attribute 'length' of type int64*"),
    ("nothing(lo)", "NameError: name 'nothing' is not defined"),
    ("lo + (1, 2)", "No implementation of function Function(<built-in function add>) found for "
                    "signature: >>> add(int64, Tuple(Literal[int](1), Literal[int](2)))"),
    ("x = [lo]", "NRT required but not enabled"),
    ("x = lo if hi else (1, 2)", "Cannot unify"),
    ("raise ValueError", "Unsupported constraint"),
    ("import os", "Use of unsupported opcode (IMPORT_NAME) found"),
])
def test_what_numba_refuses_is_told_in_one_line(body, message):
    with pytest.raises(CannotCompile) as caught:
        native(f"def kernel(lo, hi, sizes):\n    {body}\n", 0)
    told = str(caught.value)
    assert told.startswith(message) and told.endswith(f", in line 2: {body}") and "\n" not in told
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("text", ["", "def colonel(lo, hi, sizes, a0):\n    pass\n",
                                  "def kernel(lo, hi, sizes):\n    pass\n", "kernel = 1\n"])
def test_a_text_that_defines_no_such_kernel(text):
    with pytest.raises(CannotCompile, match=r"defines  kernel\(lo, hi, sizes, a0\)$"):
        native(text, 1)


def test_kernels_need_nothing_of_numba_when_they_run():
    with pytest.raises(CannotCompile, match="which kernels do not have"):
        native("import math\n"
               "def kernel(lo, hi, sizes):\n    sizes[0] = int(math.gamma(lo + 0.5))\n", 0)


def test_compilations_are_logged(caplog):
    with minijax.log_compiles(), caplog.at_level(logging.WARNING):
        native(SCALE.format(2), 2)
        native(SCALE.format(2), 2)
    (record,) = caplog.records
    assert record.message.startswith("Compiled kernel ") and record.message.endswith(" sec")


def test_code_lives_as_long_as_its_function():
    function = load.linked(load.object_code(SCALE.format(2), 2), 2)
    library = weakref.ref(function.library)
    gc.collect()
    assert library() is not None and scaled(function, 2)
    del function
    gc.collect()
    assert library() is None


# --- on disk ---------------------------------------------------------------------------------


def test_the_next_process_does_not_compile(place, monkeypatch):
    assert scaled(native(SCALE.format(2), 2), 2)
    (entry,) = paths(place)
    forget(monkeypatch)
    assert scaled(native(SCALE.format(2), 2), 2)
    assert counts() == (0, 0, 1)
    if hasattr(os, "geteuid"):
        assert place.stat().st_mode & 0o777 == 0o700
        assert entry.stat().st_mode & 0o077 == 0


def test_a_warm_process_never_imports_numba(place):
    native(SCALE.format(2), 2)
    said = process("native(SCALE.format(2), 2); print('numba' in sys.modules, "
                   "'scipy' in sys.modules, load.statistics.disk_hits)")
    assert said == ["False", "False", "1"]


@slow
def test_processes_at_the_same_time(place):
    code = ("[native(SCALE.format(i), 2) for i in range(3)]; "
            "print(load.statistics.compilations + load.statistics.disk_hits)")
    head = f"from minijax.compiler import load; native = load.native; SCALE = {SCALE!r}\n"
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", head + code],
                                stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [p.communicate()[0].strip() for p in running] == ["3"] * 4
    assert len(paths(place)) == 3 and not list(place.glob("*.tmp"))
    for path in paths(place):
        assert cache.read(bytes.fromhex(path.stem))


def damaged(data):
    """An entry with a byte changed in each of its parts, cut off, too long, empty."""
    parts = {"magic": 3, "key": 20, "hash": 60, "code": len(data) // 2, "end": len(data) - 1}
    for name, i in parts.items():
        yield name, data[:i] + bytes([data[i] ^ 1]) + data[i + 1:]
    for size in (0, 10, 40, len(data) // 2, len(data) - 1):
        yield f"cut to {size}", data[:size]
    yield "longer", data + b"x"


def test_a_damaged_entry_is_not_trusted_and_is_replaced(place, monkeypatch):
    native(SCALE.format(2), 2)
    (entry,) = paths(place)
    good = entry.read_bytes()
    key = cache.key(SCALE.format(2), 2)
    for name, bad in damaged(good):
        entry.write_bytes(bad)
        assert cache.read(key) is None, name
    forget(monkeypatch)
    assert scaled(native(SCALE.format(2), 2), 2)
    assert counts() == (1, 0, 0)
    assert entry.read_bytes() == good  # the same source is the same code, byte for byte


def test_an_entry_under_another_name_is_not_trusted(place, monkeypatch):
    native(SCALE.format(2), 2)
    (entry,) = paths(place)
    other = place / (cache.key(SCALE.format(3), 2).hex() + ".kernel")
    other.write_bytes(entry.read_bytes())
    forget(monkeypatch)
    assert scaled(native(SCALE.format(3), 2), 3)
    assert counts() == (1, 0, 0)


def test_what_cannot_be_loaded_is_compiled(place, monkeypatch):
    source = SCALE.format(2)
    cut = load.object_code(source, 2)[:99]
    for code in (b"", b"no object code", cut):
        cache.write(cache.key(source, 2), code)
        forget(monkeypatch)
        assert scaled(native(source, 2), 2)
        assert counts() == (1, 0, 0)


@pytest.mark.parametrize("part", ["source", "arity", "generator", "machine"])
def test_the_key_depends_on(part, monkeypatch):
    before = cache.key("a", 1)
    assert before == cache.key("a", 1)
    if part == "generator":
        monkeypatch.setattr(cache, "generator", lambda: ("another",))
    if part == "machine":
        monkeypatch.setattr(cache.machine, "description", lambda: ("another",))
    after = cache.key("b" if part == "source" else "a", 2 if part == "arity" else 1)
    assert before != after


def test_the_generator_is_all_that_numbas_side_imports():
    """A module that changes what a source compiles to must change the key."""
    known = cache.sources()
    assert len(known) >= len(cache.GENERATOR)
    for path in known:
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("minijax"):
                base = PACKAGE.parent.joinpath(*str(node.module).split("."))
                for name in [base, *[base / alias.name for alias in node.names]]:
                    for file in (name.with_suffix(".py"), name / "__init__.py"):
                        assert file in known or not file.exists() or name.name == "compiler"


# --- folders ---------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_to_is_refused(place, monkeypatch, mode):
    native(SCALE.format(2), 2)
    place.chmod(mode)
    forget(monkeypatch)
    with pytest.warns(UserWarning, match="chmod 700") as told:
        assert scaled(native(SCALE.format(2), 2), 2)
        assert scaled(native(SCALE.format(3), 2), 3)
    assert len(told) == 1 and str(place) in str(told[0].message)
    said = CliRunner().invoke(cli.main, ["cache"]).output
    assert f"not used: {told[0].message}" in said
    assert counts() == (2, 0, 0)
    assert len(paths(place)) == 1


def test_a_file_in_the_place_of_the_folder_is_told(place, monkeypatch):
    place.write_text("mine")
    with pytest.warns(UserWarning, match="is not a folder") as told:
        assert scaled(native(SCALE.format(2), 2), 2)
    assert place.read_text() == "mine" and counts() == (1, 0, 0)
    assert f"not used: {told[0].message}" in CliRunner().invoke(cli.main, ["cache"]).output


@posix
def test_a_folder_of_somebody_else_is_refused(place, monkeypatch):
    native(SCALE.format(2), 2)
    forget(monkeypatch)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.warns(UserWarning, match="others can write"):
        assert scaled(native(SCALE.format(2), 2), 2)
    assert counts() == (1, 0, 0)


@pytest.mark.filterwarnings("error")
def test_where_nothing_can_be_written_nothing_is_kept(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINIJAX_CACHE_DIR", str(tmp_path / "file" / "folder"))
    assert scaled(native(SCALE.format(2), 2), 2)
    assert cache.folder() == tmp_path / "file" / "folder"
    assert cache.entries() == [] and cache.clear() == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("module, step, reason", [
    (tempfile, "mkstemp", OSError(errno.EROFS, "Read-only file system")),
    (os, "replace", OSError(errno.ENOSPC, "No space left on device")),
    (os, "replace", PermissionError(errno.EACCES, "Another process has it open")),
])
def test_what_cannot_be_written_is_not_kept(place, monkeypatch, caplog, module, step, reason):
    def fail(*args, **kwargs):
        raise reason

    with monkeypatch.context() as change, caplog.at_level(logging.INFO, "minijax.compiler.cache"):
        change.setattr(module, step, fail)
        assert scaled(native(SCALE.format(2), 2), 2)
    assert list(place.iterdir()) == []
    assert reason.strerror in caplog.text


@posix
@pytest.mark.filterwarnings("error")
def test_an_entry_that_is_cut_off_is_not_left_behind(place, caplog):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with caplog.at_level(logging.INFO, "minijax.compiler.cache"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # a disk with room for 100 bytes
        try:
            assert scaled(native(SCALE.format(2), 2), 2)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(place.iterdir()) == []
    assert "is not kept" in caplog.text


@pytest.mark.parametrize("platform, variables, want", [
    ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/minijax"),
    ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/u/.cache/minijax"),
    ("linux", {}, "/home/u/.cache/minijax"),
    ("darwin", {}, "/home/u/Library/Caches/minijax"),
    ("win32", {"LOCALAPPDATA": "/l"}, "/l/minijax"),
    ("win32", {}, "/home/u/AppData/Local/minijax"),
])
def test_the_folder_of_the_user(platform, variables, want, monkeypatch):
    for name in ("MINIJAX_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/u"))
    assert cache.folder() == Path(want).absolute()


def test_the_options_of_jax(place, tmp_path, monkeypatch):
    config = minijax.config
    try:
        config.update("jax_compilation_cache_dir", str(tmp_path / "other"))
        native(SCALE.format(2), 2)
        assert len(paths(tmp_path / "other")) == 1 and not place.exists()
        config.update("jax_enable_compilation_cache", False)
        forget(monkeypatch)
        native(SCALE.format(2), 2)
        assert counts() == (1, 0, 0)
    finally:
        config.update("jax_compilation_cache_dir", None)
        config.update("jax_enable_compilation_cache", True)


# --- room ------------------------------------------------------------------------------------


@pytest.fixture
def cap():
    yield lambda size: minijax.config.update("jax_compilation_cache_max_size", size)
    minijax.config.update("jax_compilation_cache_max_size", -1)


def keys(count):
    return [bytes([i]) * cache.DIGEST for i in range(count)]


def test_the_entries_not_used_for_longest_go_first(place, cap, monkeypatch):
    cap(8 * cache.BLOCK)
    now = time.time()
    for i, key in enumerate(keys(8)):
        cache.write(key, b"code")
        path = place / (key.hex() + ".kernel")
        os.utime(path, (now, now - (100 - i) * cache.DAY))
    assert len(paths(place)) == 8
    assert cache.read(keys(8)[0]) == b"code"  # used: now it is the newest
    cache.write(b"z" * cache.DIGEST, b"code")
    left = {bytes.fromhex(path.stem) for path in paths(place)}
    assert left == {keys(8)[0], *keys(8)[4:], b"z" * cache.DIGEST}


def test_a_use_is_noted_once_a_day(place):
    (key,) = keys(1)
    cache.write(key, b"code")
    (entry,) = paths(place)
    hours = time.time() - 5 * 60 * 60
    os.utime(entry, (hours, hours))
    cache.read(key)
    assert abs(entry.stat().st_mtime - hours) < 2
    os.utime(entry, (hours, hours - cache.DAY))
    cache.read(key)
    assert abs(entry.stat().st_mtime - time.time()) < 60


def test_there_is_no_room_in_a_cache_of_0_bytes(place, cap):
    cap(0)
    assert scaled(native(SCALE.format(2), 2), 2)
    assert paths(place) == []


def test_what_a_killed_process_left_goes_too(place, cap):
    cache.write(*keys(1), b"code")
    new, old = place / "a.tmp", place / "b.tmp"
    for path in (new, old):
        path.write_bytes(b"half of it")
    os.utime(old, (0, 0))
    assert cache.clear() == 2
    assert list(place.iterdir()) == [new]


def test_the_command(place, monkeypatch):
    def run(*arguments):
        result = CliRunner().invoke(cli.main, ["cache", *arguments])
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    assert run() == [f"folder: {place}", "kernels: 0", "size: 0.0 MB"]
    for key in keys(30):
        cache.write(key, b"code")
    assert run() == [f"folder: {place}", "kernels: 30", "size: 0.1 MB"]
    assert run("--clear") == [f"folder: {place}", "removed: 30 kernels", "kernels: 0",
                              "size: 0.0 MB"]
    with monkeypatch.context() as change:
        change.setattr(cache, "folder", lambda: None)
        assert run() == ["compiled kernels are not kept"]


# --- memory ----------------------------------------------------------------------------------


@slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_compilations_leave_little_behind():
    """A kernel keeps its code, some 50 kB with what LLVM needs to unload it; no more."""
    said = process("""
import gc
def size():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * 4096
def some(start):
    for i in range(start, start + 100):
        load.object_code(SCALE.format(i), 2)
some(0)
before = size()
some(100)
print((size() - before) // 100)
""")
    assert int(said[0]) < 40_000
