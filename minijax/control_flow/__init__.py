"""Branches and loops: operations that take programs. Users reach them as `minijax.lax`."""
