"""The command line as a user meets it: real processes where it matters."""

import os
import re
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rich.console import Console

import minijax
from minijax.course import cli, places, plots, tour

from .tiers import heavy

COMMAND = [sys.executable, "-m", "minijax.course.cli"]
FIXTURE = str(Path(__file__).parent / "data")
posix = pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")


def run(*arguments):
    return CliRunner().invoke(cli.main, arguments, prog_name="minijax")


def start(*arguments, **options):
    """The command as a process."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*COMMAND, *arguments], **pipes, **options)


@heavy
def test_the_installed_script_answers():
    script = Path(sys.executable).with_name("minijax")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"minijax \d+\.\d+\.\d+\S*\n", done.stdout)
    module = subprocess.run([sys.executable, "-m", "minijax", "strat"], capture_output=True,
                            text=True)
    assert module.returncode == 2 and "python -m minijax" in module.stderr
    assert "'start'" in module.stderr


def test_the_command_imports_no_more_than_it_needs():
    """Else `minijax check` keeps a learner waiting: nbformat alone takes a second to import."""
    code = ("import sys, minijax.course.cli as cli\ncli.main.get_command(None, 'check')\n"
            "print(sorted({'nbformat', 'IPython', 'matplotlib', "
            "'numba', 'rich', 'sklearn', 'sphinx'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [
    (), ("tour",), ("train",), ("lab",), ("cache",), ("profile",), ("options",),
    ("book",), ("book", "build"), ("book", "serve"),
    ("slides",), ("slides", "build"), ("slides", "check"), ("slides", "serve")])
def test_help_says_what_to_do(arguments):
    result = run(*arguments, "--help")
    assert result.exit_code == 0
    assert f"Usage: {' '.join(('minijax', *arguments))} " in result.output
    usage, *lines = result.output.splitlines()
    assert all(len(line) <= 80 and not line.endswith("...") for line in lines), usage


def test_every_option_and_variable_is_listed():
    said = run("options").output
    assert all(f"{name} = {value!r}\n" in said for name, value in minijax.config.values.items())
    read = {name for path in Path(minijax.__file__).parent.rglob("*.py")
            for name in re.findall(r"\bMINIJAX_[A-Z_]+\b", path.read_text("utf8"))}
    missing = {name for name in read if name not in said and name.lower() not in said}
    assert read >= {"MINIJAX_CACHE_DIR"} and not missing
    assert all(len(line) <= 80 for line in said.splitlines())


# --- train


@heavy
def test_train_learns_real_digits_and_says_so_last(tmp_path):
    done = start("train", cwd=tmp_path)
    out, err = done.communicate(timeout=300)
    lines = out.splitlines()
    accuracy = re.fullmatch(r"test accuracy: (0\.\d{3}|1\.000)", lines[-1])
    assert done.returncode == 0, err
    assert accuracy and float(accuracy[1]) >= 0.96
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert len(epochs) == 20 and epochs[-1].endswith(lines[-1].replace(": ", " "))
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")
    assert err == ""


@heavy
def test_train_reads_mnist_files_and_saves_the_plot_asked_for(tmp_path):
    plot = tmp_path / "run.svg"
    result = run("train", "--mnist", FIXTURE, "--epochs", "2", "--plot", str(plot))
    assert "12 training images, 4 test images\nnetwork 64 -> " in result.output
    assert result.output.count("\nepoch ") == 2
    assert "<svg" in plot.read_text()


def test_train_fails_when_nothing_was_learned(tmp_path):
    # 12 images are less than one batch: the network stays as it began, near one in ten
    result = run("train", "--mnist", FIXTURE, "--epochs", "1", "--plot", str(tmp_path / "p.png"))
    assert result.exit_code == 1
    last = re.fullmatch(r"test accuracy: (0\.\d{3})", result.stdout.splitlines()[-1])
    assert last and float(last[1]) < 0.5


@pytest.mark.slow
def test_one_seed_gives_one_result(tmp_path):
    def epochs(seed):
        plot = str(tmp_path / "p.png")
        output = run("train", "--epochs", "2", "--seed", str(seed), "--plot", plot).output
        return re.findall("epoch .*", output)

    assert epochs(3) == epochs(3) != epochs(4)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--mnist", "nowhere"), "no folder nowhere"),
        (("--epochs", "0"), "--epochs"),
        (("--plot", "picture.txt"), "must end in one of: .*png"),
        (("--plot", "nowhere/picture.png"), "folder of .* is absent or not writable"),
    ],
)
def test_train_refuses_what_cannot_work_before_it_trains(arguments, said):
    result = run("train", *arguments)
    assert result.exit_code in (1, 2)
    assert re.search(said, result.output) and "epoch 1" not in result.output
    assert "Traceback" not in result.output


@posix
@pytest.mark.slow
def test_ctrl_c_ends_training_with_one_line(tmp_path):
    process = start("train", "--epochs", "10000", cwd=tmp_path)
    while "epoch  2" not in process.stdout.readline():
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "training stopped\n")
    assert not (tmp_path / "training.png").exists()


def test_the_picture_has_curves_and_frames_what_was_misread(tmp_path):
    history = plots.History([1.0, 0.5], [0.5, 0.75], [0.5, 0.7])
    images, labels = np.zeros((30, 8, 8)), np.arange(30) % 10
    predicted = labels.copy()
    predicted[7] = 1
    path = tmp_path / "p.svg"
    plots.plot_training(path, history, images, labels, predicted)
    comments = re.findall("<!-- (.*) -->", path.read_text())  # the text of the picture
    assert "1 of 30 test images misread (framed)" in comments
    assert "1, is 7" in comments and "test accuracy 0.700" in comments
    titles = comments[comments.index("1, is 7") + 1 :]
    assert [text for text in titles if re.fullmatch(r"\d", text)] == [
        str(label) for i, label in enumerate(labels[:28]) if i != 7
    ]


@heavy
def test_a_missing_extra_is_one_sentence_with_the_command():
    hide = "import sys; sys.modules['{0}'] = None; from minijax.course import cli; cli.main({1})"
    for module, arguments, name in (("click", [], "click"), ("nbformat", [], "nbformat"),
                                    ("psutil", [], "psutil"), ("rich", ["train"], "rich")):
        code = hide.format(module, arguments)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 1
        assert f"needs {name}: in your clone run  python -m pip install '.[course]'" in done.stderr
        assert len(done.stderr.splitlines()) == 1


# --- tour


LONG = f"y = {' + '.join(['x'] * 40)}  # wider than the screen, and not cut"


def written(path, *cells):
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def played(path):
    screen = StringIO()
    tour.run_notebook(path, Console(file=screen, width=80))
    return screen.getvalue()


@heavy
def test_the_tour_runs_to_its_end():
    done = start("tour")
    out, err = done.communicate(timeout=300)
    cells = tour.read_cells(places.chapters() / "00_tour.ipynb")
    count = sum(cell.cell_type == "code" for cell in cells)
    assert done.returncode == 0, err
    assert out.splitlines()[-1].startswith(f"{count} cells ran.")


def test_a_notebook_shows_prose_code_prints_and_values(tmp_path):
    path = written(
        tmp_path / "n.ipynb",
        new_markdown_cell("# Adding\nIt is *commutative*."),
        new_code_cell("x = [1, 2]\nprint('[red]x[/red]', x)\nx + x"),
        new_code_cell("1 + 1;"),
        new_code_cell(LONG),
        new_code_cell("from IPython.display import display\ndisplay(x)"),
        new_code_cell("import matplotlib.pyplot as plt\nplt.plot(x)\nplt.show()"),
        new_code_cell("plt.plot(x)\nplt.show()",
                      metadata={"mystnb": {"image": {"alt": "a rising line"}}}),
        new_code_cell("import sys\nsys._getframe().f_code.co_filename + ':3'"),
    )
    screen = "\n".join(line.rstrip() for line in played(path).splitlines())
    for text in ("Adding", "It is commutative.", "    x = [1, 2]",  # the code is indented more
                 "\n  [red]x[/red] [1, 2]\n  [1, 2, 1, 2]\n"):
        assert text in screen
    assert "display(x)" in screen and "\n  [1, 2]\n" in screen
    assert "\n  2\n" not in screen
    assert "".join(LONG.split()) in "".join(screen.split())
    assert "<Figure size" in screen and "[picture: a rising line]" in screen
    assert "'line 3 of this cell'" in screen


def test_a_cell_that_should_raise_shows_its_error_and_the_tour_goes_on(tmp_path):
    error = new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    screen = played(written(tmp_path / "n.ipynb", error, new_code_cell("print('and on')")))
    assert "ZeroDivisionError: division by zero" in screen and "and on" in screen
    assert "Traceback" not in screen


@pytest.mark.parametrize(
    "source, tags, said",
    [
        ("1 / 0", [], "code cell 2 of n.ipynb raised ZeroDivisionError: division by zero"),
        ("x = ", [], "code cell 2 of n.ipynb raised SyntaxError"),
        ("1 / 1", ["raises-exception"], "code cell 2 of n.ipynb should have raised and did not"),
    ],
)
def test_a_cell_that_does_otherwise_ends_the_tour(tmp_path, source, tags, said):
    cells = new_code_cell("0"), new_code_cell(source, metadata={"tags": tags})
    with pytest.raises(tour.CellError, match=said):
        played(written(tmp_path / "n.ipynb", *cells))


def test_a_tour_that_fails_says_so_without_a_traceback(tmp_path, monkeypatch):
    written(tmp_path / "00_tour.ipynb", new_code_cell("1 / 0"))
    monkeypatch.setattr(cli, "chapters", lambda: tmp_path)
    result = run("tour")
    assert result.exit_code == 1
    assert result.output.endswith("Error: code cell 1 of 00_tour.ipynb raised "
                                  "ZeroDivisionError: division by zero\n")
