"""The command line: `minijax tour`, `train`, `lab`, `slides`, `cache`, `profile`, exercises."""

import importlib.util
import os
import runpy
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import click
    import psutil  # noqa: F401 - as the exercises do

    from minijax.compiler import cache as kernels
    from minijax.course import data, mnist, plots, show
    from minijax.course.exercises import commands as exercises
    from minijax.course.places import chapters, copy_chapters, has_screen, trust
    from minijax.course.slides.command import slides
    from minijax.course.tour import CellError, read_cells, run_notebook
except ModuleNotFoundError as error:
    missing = (error.name or "").split(".")[0]
    raise SystemExit(
        f"the minijax command needs {missing}: in your clone run  python -m pip install "
        "'.[course]'"
    ) from error

PASSING = 0.5  # a network below this has not learned; guessing gives 0.1


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="minijax", message="%(prog)s %(version)s")
def main() -> None:
    """Learn JAX from the inside: a small JAX you can read.

    Start with `minijax tour`. Then `minijax train`, and `minijax lab` to read the chapters and
    change them. The exercises: `minijax start`, then `minijax check`.
    """


main.add_command(slides)


@main.command()
def tour() -> None:
    """Run the tour in this terminal.

    Shows the text and code of chapter 00 and runs the code as it goes: trace, differentiate,
    vectorise, compile. To change the code, open
    the same chapter with `minijax lab`.
    """
    require("rich", "IPython", "nbformat", "matplotlib")
    from rich.console import Console

    with one_line_errors(FileNotFoundError, CellError), stoppable("tour"):
        path = chapters() / "00_tour.ipynb"
        total = sum(cell.cell_type == "code" for cell in read_cells(path))
        with progress(Console()) as bar:
            task = bar.add_task("tour", total=total)
            count = run_notebook(path, bar.console, lambda: bar.advance(task))
    click.echo(f"\n{count} cells ran. Next: minijax train, or minijax lab to change the code.")


@main.command()
@click.option("--epochs", type=click.IntRange(min=1), help="[default: 20; with --mnist 5]")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--mnist", "folder", metavar="FOLDER", help="Use the MNIST files in this folder.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    default="training.png",
    show_default=True,
    help="Where to save the picture (png, svg, pdf).",
)
def train(epochs: int | None, seed: int, folder: str | None, plot: Path) -> None:
    """Train a network to read digits.

    It learns through minijax's own grad, vmap and jit. The images are scikit-learn's 1,797
    handwritten digits, which need no download; or MNIST, if you have its files. Prints the
    accuracy after each epoch and saves a picture; fails if less than half of the test images are
    read right.
    """
    require("rich", "matplotlib", "sklearn")
    check_plot(plot)
    with one_line_errors(OSError, ValueError), stoppable("training"):
        images = data.load_mnist(folder, False) if folder else data.load_digits(False)
        result = train_and_plot(images, epochs or (5 if folder else 20), seed, plot)
    if result < PASSING:
        click.echo(f"not learned: below {PASSING}", err=True)
    click.echo(f"test accuracy: {result:.3f}")
    sys.exit(int(result < PASSING))


@main.command()
@click.argument(
    "folder", default="minijax-course", type=click.Path(file_okay=False, path_type=Path)
)
@click.option("--port", type=click.IntRange(1, 65535), default=8888, show_default=True)
@click.option("--browser/--no-browser", default=None, help="[default: if there is a screen]")
def lab(folder: Path, port: int, browser: bool | None) -> None:
    """Open the chapters in JupyterLab.

    The chapters are copied to FOLDER (minijax-course unless you name another). Files already
    there are kept, so your changes are safe. Without a screen it prints the address to open.
    Ctrl-C ends it.
    """
    require("jupyterlab", "ipykernel")
    from jupyterlab.labapp import LabApp

    with one_line_errors(OSError):
        made, old = copy_chapters(folder)
        trust(made)
    click.echo(f"{folder}: {len(made)} files copied" if made else f"{folder}: your copy, unchanged")
    for path in old:
        click.echo(f"{path}: yours is kept; the library's is newer. Move yours away to get it.")
    arguments = [
        f"--ServerApp.root_dir={folder.resolve()}",
        "--LabApp.default_url=/lab/tree/00_tour.ipynb",
        f"--ServerApp.port={port}",
        "--ServerApp.answer_yes=True",  # Ctrl-C ends it at once
        "--ServerApp.log_level=ERROR",  # leaves the address
        "--LabApp.log_level=ERROR",
    ]
    if not (has_screen() if browser is None else browser):
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    LabApp.launch_instance(arguments)


@main.command()
@click.option("--clear", is_flag=True, help="Remove them all; they are compiled again when needed.")
def cache(clear: bool) -> None:
    """Show what is kept of compiled programs.

    Kernels that a program compiled are kept on disk, so that the next program starts sooner. Old
    ones go by themselves. To keep them elsewhere, set MINIJAX_CACHE_DIR; to keep none, set
    JAX_ENABLE_COMPILATION_CACHE=0.
    """
    place = kernels.folder()
    if place is None:
        click.echo("compiled kernels are not kept")
        return
    removed = kernels.clear() if clear else None
    found = kernels.entries()
    click.echo(f"folder: {place}")
    why = kernels.complaint(place) if place.exists() else None
    if why:
        click.echo(f"not used: {why}")
    if removed is not None:
        click.echo(f"removed: {removed} kernels")
    click.echo(f"kernels: {len(found)}")
    click.echo(f"size: {sum(taken for _, taken, _ in found) / 1e6:.1f} MB")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("script", type=click.Path(exists=True, dir_okay=False))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def profile(script: str, arguments: tuple[str, ...]) -> None:
    """Run a Python script and say where its time went.

    ARGUMENTS are those of the script. When it has ended, however it ends, a table of what its
    compiled programs ran is printed: each kernel, matrix product and operation, the line that asked
    for it, and how fast it was beside what this machine can do.
    """
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).resolve().parent))
    with show.profile() as found:
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as stop:
            code = stop.code
        except BaseException:
            traceback.print_exc()
            code = 1
        else:
            code = 0
    click.echo(f"\n{found}")
    sys.exit(code)


def train_and_plot(images, epochs: int, seed: int, plot: Path) -> float:
    """Train, print a line per epoch, save the picture; returns the accuracy on the test images."""
    from rich.console import Console

    flat = images._replace(
        train_images=images.train_images.reshape(len(images.train_images), -1),
        test_images=images.test_images.reshape(len(images.test_images), -1),
    )
    key = mnist.random.key(seed)
    sizes = (flat.train_images.shape[1], *mnist.HIDDEN, mnist.CLASSES)
    params = mnist.init_params(sizes, key)
    history = plots.History([], [], [])
    click.echo(f"{len(flat.train_images)} training images, {len(flat.test_images)} test images")
    click.echo(f"network {' -> '.join(map(str, sizes))}, seed {seed}")
    with progress(Console()) as bar:
        task = bar.add_task("training", total=epochs * (len(flat.train_images) // mnist.BATCH_SIZE))
        for epoch in range(1, epochs + 1):
            params, loss = mnist.train_epoch(
                params,
                mnist.random.fold_in(key, epoch),
                flat.train_images,
                flat.train_labels,
                lambda: bar.advance(task),
            )
            seen = float(mnist.accuracy(params, flat.train_images, flat.train_labels))
            new = float(mnist.accuracy(params, flat.test_images, flat.test_labels))
            for values, value in zip(history, (loss, seen, new)):
                values.append(value)
            bar.console.print(
                f"epoch {epoch:2}  loss {loss:.4f}  train accuracy {seen:.3f}  "
                f"test accuracy {new:.3f}",
                highlight=False,
            )
    predicted = mnist.batched_predict(params, flat.test_images).argmax(axis=1)
    plots.plot_training(plot, history, images.test_images, images.test_labels, predicted)
    click.echo(f"picture: {plot}")
    return history.test_accuracy[-1]


def require(*modules: str) -> None:
    """End with one sentence if a module of the course extra is missing."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"this needs {', '.join(missing)}: in your clone run  python -m pip install '.[course]'"
        )


def check_plot(path: Path) -> None:
    """Refuse a picture that could not be saved, before the training and not after it."""
    if path.suffix[1:].lower() not in plots.formats():
        raise click.BadParameter(f"{path} must end in one of: {', '.join(plots.formats())}")
    if not os.access(path.absolute().parent, os.W_OK):
        raise click.BadParameter(f"the folder of {path} is absent or not writable; give another")


def progress(console):
    """A progress bar that goes away when it is done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@contextmanager
def one_line_errors(*kinds: type[Exception]) -> Iterator[None]:
    """What a user can cause is told as a message, without a traceback."""
    try:
        yield
    except kinds as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def stoppable(what: str) -> Iterator[None]:
    """Ctrl-C ends the command with one line and the exit code shells expect."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"{what} stopped", err=True)
        sys.exit(130)


for command in exercises.COMMANDS:
    main.add_command(command)


if __name__ == "__main__":
    main()
