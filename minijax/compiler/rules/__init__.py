"""Kernels of single operations, one module for each kind. Importing it registers them."""

from minijax.compiler.rules import convolution, indexing, joining, pooling, scans, sorting  # noqa: F401
