"""The rules of the house: who imports whom, and how large things may grow."""

from __future__ import annotations

import ast
import functools
import io
import subprocess
import sys
import tokenize
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "minijax"
RINGS = ["spine", "lax", "surface", "course"]  # from the inside out
LAX = {"lax", "control_flow", "effects", "custom", "custom_derivatives", "custom_batching",
       "ad_checkpoint", "parallel"}
# The rules of the compiler speak of operations. They are imported to compile the first program.
BACKEND = ("minijax.compiler.backend", "minijax.compiler.rules")
SURFACE = {"debug", "distributed", "experimental", "flatten_util", "numpy", "ops", "scipy", "nn",
           "profiler", "random", "example_libraries", "sharding", "test_util", "tree"}
# Numba's side of the compiler: it begins with Numba, and is imported to compile the first kernel.
NUMBA_SIDE = {f"minijax.compiler.{name}" for name in ("atomics", "intrinsics", "target", "tiles")}
HEAVY = {"numba", "scipy", "matplotlib", "sklearn", "jax", "rich", "jupyterlab", "nbformat",
         "mpi4py"}


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name; a package is named by its folder."""
    out = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        out[name.removesuffix(".__init__")] = path
    return out


MODULES = modules()


def ring(name: str) -> int:
    parts = name.split(".")
    if name == "minijax":
        return len(RINGS) - 1  # the list of public names sees everything but the course
    if parts[1] in ("course", "__main__"):
        return RINGS.index("course")
    if parts[1] in LAX or name.startswith(BACKEND):
        return RINGS.index("lax")
    return RINGS.index("surface" if parts[1] in SURFACE else "spine")


@functools.cache
def parsed(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text("utf8"))


@functools.cache
def imports(name: str, top_level: bool) -> set[str]:
    """The modules that a module imports, at its top level or inside its functions."""
    tree = parsed(name)
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.Lambda))
              for n in ast.walk(f)}
    found = set()
    for node in ast.walk(tree):
        if (id(node) in inside) == top_level:
            continue
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import; write it out"
            found |= {f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in MODULES
                      else str(node.module) for a in node.names}
    return found


def ours(name: str) -> set[str]:
    return {i for i in imports(name, top_level=True) if i.split(".")[0] == "minijax"}


def later(name: str) -> set[str]:
    """The modules that a module has by name, to import them when they are needed."""
    return {n.value for n in ast.walk(parsed(name)) if isinstance(n, ast.Constant)} & MODULES.keys()


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_inward(name):
    outward = {i for i in ours(name) if i != "minijax" and ring(i) > ring(name)}
    assert not outward, f"{name} ({RINGS[ring(name)]}) imports from an outer ring: {outward}"
    if ring(name) < RINGS.index("course") and name != "minijax":
        assert "minijax" not in ours(name), f"{name}: import from the module, not from the package"


def test_nothing_imports_the_course():
    assert not {n for n in MODULES if ring(n) < RINGS.index("course")
                and any(i.startswith("minijax.course") for i in ours(n))}


def test_no_cycles():
    inner = {n: {i for i in ours(n) if i != "minijax"} for n in MODULES if n != "minijax"}
    inner["minijax.course.cli"] |= later("minijax.course.cli")
    TopologicalSorter(inner).prepare()  # CycleError names the cycle


@pytest.mark.parametrize("name", MODULES)
def test_no_hidden_imports(name):
    """A function does not import our own modules: the arrows at the top of a file are all."""
    hidden = {i for i in imports(name, top_level=False) if i.split(".")[0] == "minijax"}
    hidden -= NUMBA_SIDE
    assert not hidden, f"{name}: imports inside a function: {hidden}"


@pytest.mark.parametrize("name", [n for n in MODULES if not n.startswith("minijax.course")])
def test_heavy_libraries_are_imported_where_used(name):
    heavy = {i for i in imports(name, top_level=True) if i.split(".")[0] in HEAVY}
    if name in NUMBA_SIDE:
        heavy = {i for i in heavy if i.split(".")[0] != "numba"}
    else:
        heavy |= ours(name) & NUMBA_SIDE
    assert not heavy, f"{name}: import {heavy} inside the function that uses it"


def test_import_is_light():
    code = ("import sys, minijax, minijax.numpy; "
            f"print([m for m in {sorted(HEAVY)} if m in sys.modules])")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def code_lines(path: Path) -> int:
    """Lines that hold code: no comments, no docstrings, no blank lines."""
    text = path.read_text("utf8")
    doc = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(
                body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
            doc |= set(range(body[0].lineno, body[0].end_lineno + 1))
    skip = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
            tokenize.ENCODING, tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skip:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - doc)


# What carries everything else: types, values, programs, the interpreters, and what they rest on.
# The compiler, the parallel runtime and rules that users write are rooms built onto it.
SPINE = """api_util batching config core dtypes errors families jaxpr jit jvp linearize make_jaxpr
           numerics pretty_printer promotion selection source_info transpose
           tree_registry tree_util treedef""".split()


def test_the_spine_stays_small():
    assert sum(code_lines(MODULES[f"minijax.{n}"]) for n in SPINE) <= 3000


@pytest.mark.parametrize("name", MODULES)
def test_functions_fit_a_cell(name):
    for node in ast.walk(parsed(name)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            doc = ast.get_docstring(node, clean=False)
            body = node.body[1:] if doc else node.body
            size = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert size <= 40, f"{name}.{node.name} has {size} lines"


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_rooms(name):
    assert len(MODULES[name].read_text("utf8").splitlines()) <= 500, f"{name} is too long"
