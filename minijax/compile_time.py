"""Compute while tracing: `ensure_compile_time_eval`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minijax.core import (
    EvalTrace,
    Primitive,
    Trace,
    Tracer,
    axis_env,
    current_trace,
    interpreting,
)


class CompileTimeTrace(Trace):
    """Evaluates operations on known values; the others go on to the parent."""

    def __init__(self, parent: Trace):
        super().__init__("compile time", parent)
        self.evaluation = EvalTrace("evaluation")

    def process_primitive(self, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
        traced = any(isinstance(x, Tracer) for x in args) or not (
            prim.effects_of(params).isdisjoint(name for name, *_ in axis_env(self)))
        trace = self.parent if traced else self.evaluation
        return trace.process_primitive(prim, args, params)  # type: ignore[union-attr]


def ensure_compile_time_eval() -> interpreting:
    """In this block, operations on known values are evaluated, also while `jit` traces.

    So their results can be used in Python, and are constants of the program.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> @jax.jit
    ... def f(x):
    ...     with jax.ensure_compile_time_eval():
    ...         positive = jnp.sin(3.0) > 0
    ...     return x if positive else -x
    >>> print(f(2.0))
    2.0
    """
    return interpreting(CompileTimeTrace(current_trace()))
