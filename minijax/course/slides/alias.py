"""In the process that runs a deck: `import jax` imports minijax, and the usual names are there."""

from __future__ import annotations

import builtins
import importlib
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# What decks use without importing it, as slides leave out what everybody in the room knows.
USUAL = {
    "grad": "jax", "jax": "", "jit": "jax", "jnp": "jax.numpy", "lax": "jax.lax",
    "make_jaxpr": "jax", "np": "numpy", "pmap": "jax", "random": "jax.random",
    "value_and_grad": "jax", "vmap": "jax",
}


class JaxIsMinijax(MetaPathFinder, Loader):
    """Finds `jax` and what is in it. The module is minijax's own, not a copy."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name.split(".")[0] == "jax" else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module("minijax" + spec.name.removeprefix("jax"))
        spec.loader_state = module.__spec__  # importing writes over it
        return module

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """From now on, in this process. A deck's own definitions come before the usual names."""
    sys.meta_path.insert(0, JaxIsMinijax())
    for name, place in USUAL.items():
        module = importlib.import_module(place or name)
        setattr(builtins, name, getattr(module, name, module) if place == "jax" else module)
