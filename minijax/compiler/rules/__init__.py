"""Kernels of single operations, one module for each kind. Importing it registers them."""

from minijax.compiler.rules import (  # noqa: F401
    contraction,
    convolution,
    indexing,
    joining,
    loops,
    pooling,
    random_keys,
    scans,
    sorting,
    windows,
)
