"""The recipes of CONTRIBUTING.md are patches: each one applies, and what it says then works."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## (Add .*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
SAID = {  # what the commands of a recipe print, among other things
    "Add an operation": ["softsign  ", "passed"],
    "Add a family": ["passed"],
    "Add a transformation": ["passed"],
    "Add or change a chapter": ["run and written", "0 problem(s) in 1 chapter(s)"],
}
TREE = [p for p in ROOT.iterdir() if p.name[0] != "." and p.name not in ("build", "dist")]


def blocks(recipe: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", recipe, re.DOTALL | re.MULTILINE)


@pytest.fixture
def tree(tmp_path):
    """A copy of the repository, without what git and the tools keep in it."""
    for path in TREE:
        if path.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(path, tmp_path / path.name, ignore=ignored)
        else:
            shutil.copy(path, tmp_path)
    return tmp_path


def run(tree: Path, command: list[str], text: str = "") -> str:
    env = {**os.environ, "PYTHONPATH": str(tree), "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    env = {name: value for name, value in env.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=tree, env=env, input=text, capture_output=True,
                          encoding="utf-8", timeout=600)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_recipe_is_a_patch_and_commands():
    assert RECIPES.keys() == SAID.keys()
    for recipe in RECIPES.values():
        assert len(blocks(recipe, "diff")) == len(blocks(recipe, "bash")) == 1
    assert len(PAGE.splitlines()) <= 240


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_works_as_it_stands(tree, name):
    [patch], [commands] = (blocks(RECIPES[name], language) for language in ("diff", "bash"))
    run(tree, ["git", "apply", "-"], patch)
    said = ""
    for line in commands.splitlines():
        python, *words = shlex.split(line)
        assert python == "python"
        said += run(tree, [sys.executable, *words])
    assert [words for words in SAID[name] if words not in said] == []


@pytest.mark.slow
def test_the_recipes_do_not_get_in_each_others_way(tree):
    """All of them, one after the other; the new operation is exported, and counted."""
    for recipe in RECIPES.values():
        run(tree, ["git", "apply", "-"], blocks(recipe, "diff")[0])
    code = """
        import minijax as jax, minijax.numpy as jnp
        from minijax.count import count
        f = lambda x: jnp.sum(jax.lax.softsign(x) * x)
        print(count(jax.grad(f), 1.0)["softsign"], jax.lax.softsign(-1.0))
        print("step_" in jax.jit(jax.lax.softsign).lower(1.0).as_text())
        print(jax.vmap(jax.lax.argsort_p.bind, 1)(jnp.array([[3.0, 1.0], [2.0, 4.0]])))
    """
    said = run(tree, [sys.executable, "-c", re.sub(r"^ +", "", code, flags=re.MULTILINE)])
    assert said.split("\n")[:4] == ["1 -0.5", "False", "[[1 0]", " [0 1]]"]
