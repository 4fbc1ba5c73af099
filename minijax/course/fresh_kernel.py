"""A new kernel of this interpreter, in a process of its own, that runs the cells of a notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def run_cells(nb: Any, folder: Path, paths: tuple[Path, ...] = (), **options: Any) -> None:
    """Run every code cell in order, in `folder`, and store its outputs in the cell.

    The kernel imports this minijax, and what is in `paths`. `options` are those of nbclient's
    NotebookClient. Raises its CellExecutionError where a cell raises and may not.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    specs = KernelSpecManager(kernel_dirs=[])  # no installed kernel: this interpreter
    client = NotebookClient(
        nb,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs),
        extra_arguments=["--IPKernelApp.log_level=40"],  # errors only
        store_widget_state=False,
        resources={"metadata": {"path": str(folder.resolve())}},
        **options,
    )
    here = Path(__file__).resolve().parents[2]
    imported = [*map(str, (*paths, here)), *filter(None, [os.environ.get("PYTHONPATH")])]
    client.execute(cleanup_kc=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(imported)})
