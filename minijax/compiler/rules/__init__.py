"""Kernels of single operations, one module for each kind. Importing it registers them."""

from minijax.compiler.rules import (
    convolution,
    indexing,
    joining,
    pooling,
    random_keys,
    scans,
    sorting,
    windows,
)  # noqa: F401
