"""Write a program once, run it in minijax and in JAX.

A function names the modules it needs as its first parameters: `jax`, `jnp`, `lax`, `random`, `np`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

MODULES: dict[str, Callable] = {
    "jax": lambda library: library,
    "jnp": lambda library: library.numpy,
    "lax": lambda library: library.lax,
    "random": lambda library: library.random,
    "np": lambda library: np,
}


def bound(f: Callable, library: Any) -> Callable:
    """`f` with the modules of one library in place."""
    parameters = list(inspect.signature(f).parameters)
    return functools.partial(f, *(MODULES[p](library) for p in parameters if p in MODULES))


def compiled(f: Callable) -> Callable:
    """`jax.jit(f)`, compiled in a fifth of the time; the last digits may differ."""
    return jax.jit(f, compiler_options={"xla_backend_optimization_level": 0,
                                        "xla_cpu_use_fusion_emitters": False})


def together(calls: dict[str, Callable], args: Any) -> dict[str, Any]:
    """JAX's result of each `call(args)`, or the error it raises, by one compilation for all.

    Most of the time of these tests is JAX's compiler, and many small programs are its worst case.
    """
    errors: dict[str, Any] = {}

    def program(args: Any) -> dict[str, Any]:
        results = {}
        for name, call in calls.items():
            try:
                results[name] = call(args)
            except Exception as error:
                errors[name] = error
        return results

    return compiled(program)(args) | errors


class Oracle:
    """`oracle[name]`: what JAX makes of the call of this name, compiled with all the others.

    A call is a function and its arguments. They are compiled when the first is asked for.
    """

    def __init__(self, calls: dict[str, tuple]):
        self.calls = calls

    @functools.cached_property
    def results(self) -> dict[str, Any]:
        return together({name: lambda args, name=name, f=f: f(*args[name])
                         for name, (f, *_) in self.calls.items()},
                        {name: args for name, (_, *args) in self.calls.items()})

    def __getitem__(self, name: str) -> Any:
        """The result; or the error is raised."""
        if isinstance(result := self.results[name], Exception):
            raise result
        return result


def f32(*shape: int) -> np.ndarray:
    """Numbers from 0.3 to 0.8."""
    return np.linspace(0.3, 0.8, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def i32(*shape: int) -> np.ndarray:
    """0, 1, 2, ..."""
    return np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)


def outcome(f: Callable, library: Any) -> Any:
    """What `f(library)` returns, as plain data; of an exception, the name of its class."""
    try:
        return plain(f(library))
    except Exception as error:
        return f"raises {type(error).__name__}"


def plain(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return [plain(i) for i in x]
    if isinstance(x, dict):
        return {k: plain(v) for k, v in sorted(x.items())}
    return x if x is None or isinstance(x, (str, bool)) else np.asarray(x)


def alike(a: Any, b: Any, rtol: float = 2e-4) -> None:
    """AssertionError unless two outcomes are equal: structures, types, and numbers nearly."""
    assert type(a) is type(b), (a, b)
    if isinstance(a, np.ndarray):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), (a, b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-5)
    elif isinstance(a, list):
        assert len(a) == len(b), (a, b)
        for x, y in zip(a, b):
            alike(x, y, rtol)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        alike(list(a.values()), list(b.values()), rtol)
    else:
        assert a == b
