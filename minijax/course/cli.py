"""The command line: `minijax tour`, `train`, `cache`, `profile`, and those of other modules."""

import os
import runpy
import sys
import traceback
from pathlib import Path

from minijax.course.missing import install

try:
    import click
    import psutil  # noqa: F401 - as the exercises do

    from minijax.compiler import cache as kernels
    from minijax.course import data, mnist, plots, show
    from minijax.course.lazy import LazyGroup
    from minijax.course.places import chapters
    from minijax.course.terminal import one_line_errors, progress, require, stoppable
    from minijax.course.tour import CellError, read_cells, run_notebook
except ModuleNotFoundError as error:
    raise SystemExit(install(str(error.name).split(".")[0])) from error

PASSING = 0.5  # a network below this has not learned; guessing gives 0.1
# Commands of other modules, of which some take a second to import.
ELSEWHERE = {
    "book": "minijax.course.publish.command",
    "lab": "minijax.course.lab",
    "options": "minijax.course.options",
    "release": "minijax.course.teaching.release",
    "slides": "minijax.course.slides.command",
    "statistics": "minijax.course.teaching.statistics",
    **dict.fromkeys(("check", "hint", "progress", "reset", "start"),
                    "minijax.course.exercises.commands"),
}


@click.group(cls=LazyGroup, modules=ELSEWHERE,
             context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="minijax", message="%(prog)s %(version)s")
def main() -> None:
    """Learn JAX from the inside: a small JAX you can read.

    Start with `minijax tour`. Then `minijax train`, and `minijax lab` to read the chapters and
    change them. The exercises: `minijax start`, then `minijax check`.
    """


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


def check_plot(path: Path) -> None:
    """Refuse a picture that could not be saved, before the training and not after it."""
    if path.suffix[1:].lower() not in plots.formats():
        raise click.BadParameter(f"{path} must end in one of: {', '.join(plots.formats())}")
    if not os.access(path.absolute().parent, os.W_OK):
        raise click.BadParameter(f"the folder of {path} is absent or not writable; give another")


if __name__ == "__main__":
    main()
