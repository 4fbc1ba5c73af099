"""Kernels of single operations, one module for each kind. Importing it registers them."""

from minijax.compiler.rules import convolution, indexing, joining, scans  # noqa: F401
