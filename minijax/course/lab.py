"""`minijax lab`: the chapters in JupyterLab, in a copy that is the reader's."""

import os
from pathlib import Path

import click

from minijax.course.places import STATIC, copy_chapters, trust
from minijax.course.terminal import has_screen, require

WITH, WITHOUT = "minijax-course", "minijax-course-unrun"  # the folders, unless one is named


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--without-outputs", is_flag=True,
              help=f"Copy the chapters without their results (to {WITHOUT} unless you name a "
              "FOLDER), so that you can predict each before you run its cell.")
@click.option("--port", type=click.IntRange(1, 65535), default=8888, show_default=True)
@click.option("--browser/--no-browser", default=None, help="[default: if there is a screen]")
def lab(folder: Path | None, without_outputs: bool, port: int, browser: bool | None) -> None:
    """Open the chapters in JupyterLab.

    The chapters are copied to FOLDER (minijax-course unless you name another). Files already
    there are kept if you changed them, so your changes are safe. Without a screen it prints the
    address to open. Ctrl-C ends it.
    """
    require("jupyterlab", "ipykernel", "nbformat")
    from jupyterlab.labapp import LabApp

    folder = folder or Path(WITHOUT if without_outputs else WITH)
    try:
        made, old = copy_chapters(folder, without_outputs)
        trust(made)
    except OSError as error:
        raise click.ClickException(f"{error}: name a folder that can be written, "
                                   "minijax lab FOLDER") from error
    click.echo(f"{folder}: {len(made)} files copied" if made else f"{folder}: your copy, unchanged")
    for path in old:
        click.echo(f"{path}: yours is kept; the library's is newer. Move yours away to get it.")
    if browser is None:
        browser = has_screen()
    # Jupyter shall not offer news: nothing here asks another host.
    paths = [str(STATIC / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    LabApp.launch_instance(settings(folder, port, browser))


def settings(folder: Path, port: int, browser: bool) -> list[str]:
    """What JupyterLab is told on its command line."""
    arguments = [
        f"--ServerApp.root_dir={folder.resolve()}",
        "--LabApp.default_url=/lab/tree/00_tour.ipynb",
        f"--ServerApp.port={port}",
        # The only kernel is this Python, which has minijax. An installed "python3" may be another.
        "--KernelSpecManager.kernel_dirs=[]",
        "--ServerApp.answer_yes=True",  # Ctrl-C ends it at once
        "--ServerApp.log_level=ERROR",  # leaves the address
        "--LabApp.log_level=ERROR",
    ]
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    return arguments
