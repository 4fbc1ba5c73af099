"""What a learner's code may not reach, and ways around the guard that do not lead around it."""

import sys
import tempfile
from pathlib import Path

import pytest

import minijax
from minijax.compiler import cache
from minijax.course.exercises import source
from minijax.course.exercises.judge import RIGHT, WRONG, judge, run
from tests.test_exercises import COURSE, HONEST, exercise

SECRET = str(source.folder() / "01_tracing" / "solutions.py")
PACKAGE = Path(minijax.__file__).parent
LEFT = "left_by_an_exercise"  # the name of a file that nobody may make outside of the own folder
READ = f"text = open({SECRET!r}).read()\n"
linux = pytest.mark.skipif(sys.platform != "linux", reason="speaks of Linux")

READING = {
    "as it is": READ,
    "by a library in C": f"import ctypes\nctypes.CDLL(None).open({SECRET!r}.encode(), 0)\n",
    "by a symbol of this process": "import ctypes\nctypes.pythonapi.fopen\n",
    "by another program": "import _posixsubprocess\n_posixsubprocess.fork_exec(['cat'], ['cat'])\n",
    "by another process": "import multiprocessing\n"
                          "multiprocessing.get_context('spawn').Process(target=print).start()\n",
    "by a child with a terminal": "import os\nos.forkpty()\n",
    "from a folder that is open": f"import os\nd = os.open({str(PACKAGE)!r}, os.O_RDONLY)\n"
                                  "os.open('../exercises/01_tracing/solutions.py', 0, dir_fd=d)\n",
    "by a hard link": f"import os\nos.link({SECRET!r}, 'mine.py')\nopen('mine.py')\n",
    "by a symbolic link": f"import os\nos.symlink({SECRET!r}, 'mine.py')\nopen('mine.py')\n",
    "moved away": f"import os\nos.rename({SECRET!r}, 'mine.py')\n",
    "by the root of this process": f"open('/proc/self/root' + {SECRET!r})\n",
    "in the memory of the judge": "import os\nopen(f'/proc/{os.getppid()}/mem', 'rb')\n",
    "in the memory, from beside": "import os\nos.chdir(f'/proc/{os.getppid()}')\n"
                                  "open('mem', 'rb')\n",
    "by a text that lies": "class Text(str):\n"
                           "    def rpartition(self, *args): return '.', '/', ''\n"
                           "    __str__ = __format__ = __fspath__ = lambda *args: '/dev/null'\n"
                           f"open(Text({SECRET!r}))\n",
    "with other builtins": "import builtins, os\nos.stat = os.lstat = lambda *args: 1 / 0\n"
                           "builtins.any = builtins.isinstance = lambda *args: False\n" + READ,
    "with the hooks, found": "import gc\nfor f in gc.get_objects():\n"
                             "    if getattr(f, '__name__', '') == 'hook':\n"
                             "        f.__code__ = (lambda *args: None).__code__\n" + READ,
    "with the hooks, by what they hold":
        "import gc\nfrom minijax.course.sandbox import guard\n"
        "[defaults] = gc.get_referrers(guard.NATIVE)\n" + READ,
    "with the hooks, from an error":
        f"try: {READ}except PermissionError as error: at = error.__traceback__\n"
        "while at:\n"
        "    for name, value in list(at.tb_frame.f_locals.items()):\n"
        "        if hasattr(value, '__code__') and name != 'module':\n"
        "            value.__code__ = (lambda *args, **kwargs: None).__code__\n"
        "        if hasattr(value, 'clear') and at.tb_frame.f_code.co_name == 'hook':\n"
        "            value.clear()\n"
        "    at = at.tb_next\n" + READ,
}
LINUX = {"by a library in C", "by a symbol of this process", "by another program",
         "by a child with a terminal", "from a folder that is open", "by a symbolic link",
         *(name for name, code in READING.items() if "/proc" in code)}
WRITING = {
    "the checker itself": f"open({str(PACKAGE / 'course' / LEFT)!r}, 'w')\n",
    "a module for all programs": "import site\n"
                                 f"open(site.getsitepackages()[0] + '/{LEFT}.pth', 'w')\n",
    "beside its own folder": f"open('../{LEFT}', 'w')\n",
    "through a link": f"import os\nos.symlink({str(PACKAGE)!r}, 'd')\nopen('d/{LEFT}', 'w')\n",
    "a folder": f"import os\nos.mkdir({str(PACKAGE / LEFT)!r})\n",
    "a kernel for the solution": "from minijax.compiler import cache\n"
                                 f"open(cache.folder() / '{LEFT}', 'w')\n",
    "away": f"import os\nos.remove({str(PACKAGE / 'jvp.py')!r})\n",
    "the judge away": "import os\nos.kill(os.getppid(), 9)\n",
}


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[linux] if name in LINUX else []) for name in READING])
def test_a_solution_cannot_be_read(name, tmp_path):
    verdict = judge(exercise(tmp_path), READING[name] + HONEST)
    assert verdict.outcome == WRONG, verdict
    assert any(x in verdict.text for x in ("out of reach", "cannot start", "ended")), verdict


@pytest.mark.parametrize("name", WRITING)
def test_nothing_is_changed_but_in_its_own_folder(name, tmp_path):
    verdict = judge(exercise(tmp_path), WRITING[name] + HONEST)
    assert verdict.outcome == WRONG and "PermissionError" in verdict.text, verdict
    places = [PACKAGE, PACKAGE / "course", cache.folder(), Path(tempfile.gettempdir())]
    assert not [place for place in places if place and (place / LEFT).exists()]
    assert (PACKAGE / "jvp.py").is_file()


def test_its_own_folder_is_its_own(tmp_path):
    code = ("import os, tempfile\n"
            "open('x.txt', 'w').write('x')\nos.mkdir('d')\nos.rename('x.txt', 'd/y.txt')\n"
            "assert open('d/y.txt').read() == 'x'\nos.remove('d/y.txt')\nos.rmdir('d')\n"
            "with tempfile.TemporaryFile('w') as f, open(os.devnull, 'w') as g: f.write('x')\n")
    assert judge(exercise(tmp_path), code + HONEST).outcome == RIGHT


def test_only_the_solution_keeps_kernels(tmp_path, monkeypatch):
    """An attempt could put a kernel there that makes the solution as wrong as the attempt is."""
    monkeypatch.setenv("MINIJAX_CACHE_DIR", str(tmp_path / "kernels"))
    e = exercise(tmp_path)
    code = (f"import os\nos.environ['MINIJAX_CACHE_DIR'] = {str(tmp_path / 'kernels')!r}\n"
            "from minijax.compiler import cache\n"
            "cache.write(cache.key('no source', 1), b'no code')\n")
    for ours, there in [(False, 0), (True, 1)]:
        run(e, code, ours=ours)
        assert len(list(tmp_path.glob("kernels/*.kernel"))) == there


def test_an_operation_is_out_of_reach_with_its_function():
    """`psum` is withheld; so is what it binds."""
    code = ("from minijax.lax.all_reduce import psum_p\ndef scattered_sum(x):\n"
            "    total = psum_p.bind(x, axes=('i',), axis_index_groups=None)\n"
            "    return total[lax.axis_index('i')]\n")
    verdict = judge(COURSE["09.3"], code)
    assert verdict.outcome == WRONG and "cannot be called" in verdict.text, verdict
