"""Run the code of a deck, block by block, and say of each what came out or why nothing did."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from minijax.course.fresh_kernel import run_cells
from minijax.course.guards import parse
from minijax.course.slides.alias import USUAL
from minijax.course.slides.deck import Block, MarkdownDeck, NotebookDeck

# Names by which decks call other libraries, where the name alone does not say which.
OTHERS = {
    "eqx": "equinox", "F": "torch.nn.functional", "hk": "haiku", "nn": "flax or torch",
    "tf": "tensorflow", "tfds": "tensorflow_datasets", "tl": "trax",
} | {name: name for name in ("elegy", "flax", "functorch", "optax", "torch", "trax")}
SETUP = "from minijax.course.slides import alias as _alias; _alias.install(); del _alias"
# Every expression of a slide is shown, as at Python's own prompt; a notebook shows the last.
SHOW_ALL = "get_ipython().ast_node_interactivity = 'all'"
CELL_LINE = re.compile(r"Cell In\[(\d+)\], line (\d+)")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Result:
    """What became of a block. It ran where `reason` is empty."""

    block: Block
    outputs: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    reason: str = ""
    line: int = 1  # of the block, that the reason is about
    supplied: list[str] = field(default_factory=list)


@dataclass
class Names:
    """The names a block binds at its top level, and those it uses."""

    bound: set[str]
    used: set[str]

    @classmethod
    def of(cls, tree: ast.Module) -> Names:
        bound: set[str] = set()
        used: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                bound.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                bound |= {(a.asname or a.name).split(".")[0] for a in node.names}
        return cls(bound, used)


def check(deck: MarkdownDeck | NotebookDeck, folder: Path, timeout: int) -> list[Result]:
    """Run the blocks of a deck in order, in one process of their own.

    `import jax` imports minijax there. A block that takes longer than `timeout` seconds is
    interrupted.
    """
    from nbformat.v4 import new_code_cell, new_notebook

    results = [Result(block) for block in deck.blocks]
    trees: dict[int, ast.Module] = {}
    runs: list[tuple[int, Any]] = []
    for at, result in enumerate(results):
        cell = new_code_cell()
        try:
            cell.source = result.block.code
            trees[at] = _parsed(cell)
        except (SyntaxError, ValueError) as error:
            result.reason = f"debris, not Python: {str(error).partition(' (')[0]}"
            result.line = getattr(error, "lineno", None) or 1
        else:
            runs.append((at, cell))
    setup = new_code_cell(SETUP if isinstance(deck, NotebookDeck) else f"{SETUP}\n{SHOW_ALL}")
    _run([setup, *(cell for _, cell in runs)], new_notebook(), folder, timeout)
    names = {at: Names.of(tree) for at, tree in trees.items()}
    last = max((n for n, (_, cell) in enumerate(runs, 2) if _times(cell)), default=1)
    for count, (at, cell) in enumerate(runs, 2):
        if count > last + 1:
            results[at].reason = "not run: the process had ended"
        else:
            _judge(results[at], cell, count, timeout)
        earlier = set().union(*(names[i].bound for i in names if i <= at))
        results[at].supplied = sorted(names[at].used & USUAL.keys() - earlier)
    _explain(results, names)
    return results


def _parsed(cell: Any) -> ast.Module:
    tree = parse(cell)
    if tree is None:
        ast.parse(cell.source)  # says what is wrong
        raise SyntaxError("invalid syntax")
    compile(tree, "deck", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)  # finds a lonely `return`
    return tree


def _run(cells: list[Any], nb: Any, folder: Path, timeout: int) -> None:
    from nbclient.exceptions import DeadKernelError

    nb.cells = cells
    try:
        run_cells(nb, folder, timeout=timeout, allow_errors=True, interrupt_on_timeout=True,
                  error_on_timeout={"ename": "TimeoutError", "evalue": "", "traceback": []})
    except DeadKernelError:
        pass  # the cell that ended the process has no time at which it ended


def _judge(result: Result, cell: Any, count: int, timeout: int) -> None:
    """What the cell's outputs and times say. `count` is its number in the kernel."""
    result.outputs = cell.outputs
    if times := _times(cell):
        result.seconds = (times[1] - times[0]).total_seconds()
    else:
        result.reason = f"ended the process, or took longer than {timeout} s"
    errors = [out for out in cell.outputs if out.output_type == "error"]
    if errors and not result.block.raises:
        result.reason = f"{errors[0].ename}: {errors[0].evalue}".split("\n")[0]
        frames = CELL_LINE.findall(ESCAPES.sub("", "\n".join(errors[0].traceback)))
        result.line = ([int(n) for cell, n in frames if int(cell) == count] or [1])[-1]
        if errors[0].ename == "KeyboardInterrupt":
            result.reason = f"interrupted after {timeout} s"
    elif result.block.raises and not errors and not result.reason:
        result.reason = "should raise, and does not"


def _times(cell: Any) -> list[datetime]:
    """When a cell began and ended; nothing if it did not end."""
    times = cell.metadata.get("execution", {})
    both = [times.get("iopub.execute_input"), times.get("shell.execute_reply")]
    return [datetime.fromisoformat(t.replace("Z", "+00:00")) for t in both if t] * all(both)


def _explain(results: list[Result], names: dict[int, Names]) -> None:
    """Say of missing names where they are: in another library, in a later block, nowhere."""
    known = set().union(*(n.bound for n in names.values()))
    for at, result in enumerate(results):
        if found := re.match(r"ModuleNotFoundError: No module named '([\w.]+)'", result.reason):
            result.reason = _module(found[1])
        elif found := re.match(r"ImportError: cannot import name '(\w+)' from '([\w.]+)'",
                               result.reason):
            result.reason = _module(f"{found[2]}.{found[1]}")
        elif found := re.match(r"NameError: name '(\w+)' is not defined", result.reason):
            foreign = names[at].used & OTHERS.keys() - known
            places = ((i, results[i]) for i in names if found[1] in names[i].bound)
            result.reason = f"{found[0]}: {_home(at, foreign, places)}"


def _module(name: str) -> str:
    package, _, rest = name.partition(".")
    if package == "minijax":
        return f"minijax has no jax.{rest}"
    return f"needs {package}, another library"


def _home(at: int, foreign: set[str], places: Iterator[tuple[int, Result]]) -> str:
    if foreign:
        libraries = ", ".join(sorted(OTHERS[name] for name in foreign))
        return f"needs {libraries}, another library"
    for i, other in places:
        if i < at and other.reason.startswith("needs "):
            return f"{other.reason}, at {other.block.where()}"
        if i < at and other.reason:
            return f"{other.block.where()} would define it, and did not run"
        if i > at:
            return f"only {other.block.where()}, further on, defines it"
    return "no block defines it"
