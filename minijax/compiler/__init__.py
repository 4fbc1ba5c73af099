"""From a program to something that runs on buffers."""

from minijax.compiler.steps import compiled

__all__ = ["compiled"]
