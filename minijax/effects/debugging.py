"""Look into a running program: print values, call a function on them.

In JAX: jax/_src/debugging.py.
"""

from __future__ import annotations

import logging
import string
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.batching import batch
from minijax.core import Primitive
from minijax.effects.callbacks import FlatCallback, copied, given, split_leaves
from minijax.effects.kinds import debug_effect, ordered_debug_effect
from minijax.lax.slicing import index_in_dim
from minijax.source_info import show_line, user_line

logger = logging.getLogger(__name__)

# --- the operations --------------------------------------------------------------------------


class Debug(Primitive):
    """Shows its operands to the user, and returns nothing.

    Derivatives show the primal values; a transposed program shows nothing.
    """

    multiple_results = True

    def callback(self, params: dict) -> FlatCallback:
        """What is called on the operands."""
        raise NotImplementedError

    def evaluate(self, args, params):
        self.callback(params)(given(args), in_program=False)
        return []

    def impl(self, *buffers, **params):
        self.callback(params)(copied(buffers), in_program=True)
        return []

    def abstract_eval(self, *avals, **params):
        return []

    def linearize(self, active, *xs, **params):
        self.bind(*xs, **params)
        return [], [], None

    def transpose(self, cts, *args, **params):
        return [None] * len(args)


@batch.register
def _(prim: Debug, axis, xs, dims, /, **params):
    for i in range(axis.size):
        prim.bind(*[x if d is None else index_in_dim(x, i, d, keepdims=False)
                    for x, d in zip(xs, dims)], **params)
    return [], []


class DebugCallback(Debug):
    """Calls a function on its operands."""

    def callback(self, params):
        return params["callback"]

    def effects_of(self, params):
        return frozenset({params["effect"]})


class DebugPrint(Debug):
    """Prints its operands, formatted."""

    def callback(self, params):
        fmt = params["fmt"]

        def show(*args: Any, **kwargs: Any) -> None:
            with np.printoptions(**dict(params["np_printoptions"])):
                text = (fmt.format(*args, **kwargs) if params["has_placeholders"]
                        else " ".join([fmt, *map(str, args)]))
            if params["logging_record"]:
                logger.info("%s\nat %s", text, params["logging_record"])
            else:
                sys.stdout.write(text + "\n")

        return FlatCallback(f"jax.debug.print({fmt!r})", show, params["in_tree"],
                            dict(params["static_args"]))

    def effects_of(self, params):
        return frozenset({ordered_debug_effect if params["ordered"] else debug_effect})


debug_callback_p = DebugCallback("debug_callback")
debug_print_p = DebugPrint("debug_print")

# --- for users ---------------------------------------------------------------------------------


class FormatChecker(string.Formatter):
    """Checks that a format and its arguments belong together, before there are values."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return ""

    def check_unused_args(self, used: Any, args: Sequence[Any], kwargs: Any) -> None:
        if unused := [x for i, x in enumerate(args) if i not in used]:
            raise ValueError(f"Unused positional arguments to `jax.debug.print`: {unused}. Each "
                             "needs a place `{}` in the format.")
        if unused := [k for k in kwargs if k not in used]:
            raise ValueError(f"Unused keyword arguments to `jax.debug.print`: {unused}. Each needs "
                             "a place such as `{x}` in the format. You may be passing an f-string: "
                             "values are put in when the program runs.")


def debug_print(fmt: str | None = None, *args: Any, ordered: bool = False,
                partitioned: bool = False, skip_format_check: bool = False, **kwargs: Any) -> Any:
    """Print values when they are there: each time the program runs, not when it is traced.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> @jax.jit
    ... def f(x):
    ...     jax.debug.print("x = {x}, twice {}", 2 * x, x=x)
    ...     return jnp.sin(x)
    >>> y = jax.vmap(f)(jnp.arange(2.0))
    x = 0.0, twice 0.0
    x = 1.0, twice 2.0

    Args:
      fmt: as in `str.format`, and not an f-string, which would be filled in while tracing.
      ordered: a promise here kept always: prints come in the order of the program.
      skip_format_check: let arguments without a place follow the text.

    Without `fmt`, `debug.print(ordered=True)` returns a function of a format and its arguments.

    Raises:
      ValueError: an argument that has no place. KeyError, IndexError: a place without argument.
    """
    return printing("jax.debug.print", None, fmt, args, kwargs, ordered, partitioned,
                    skip_format_check)


def debug_log(fmt: str | None = None, *args: Any, ordered: bool = False,
              partitioned: bool = False, skip_format_check: bool = False, **kwargs: Any) -> Any:
    """`jax.debug.print` to the log: level INFO, with the line that asked for it."""
    return printing("jax.debug.log", show_line(user_line()), fmt, args, kwargs, ordered,
                    partitioned, skip_format_check)


def printing(what: str, record: Any, fmt: str | None, args: tuple, kwargs: dict, ordered: bool,
             partitioned: bool, skip_format_check: bool) -> Any:
    def bind(fmt: str, *args: Any, **kwargs: Any) -> None:
        if not skip_format_check:
            FormatChecker().format(fmt, *args, **kwargs)
        operands, in_tree, fixed = split_leaves(args, kwargs)
        debug_print_p.bind(
            *operands, fmt=fmt, ordered=ordered, partitioned=partitioned, in_tree=in_tree,
            static_args=tuple(fixed.items()), logging_record=record,
            np_printoptions=tuple(np.get_printoptions().items()),
            has_placeholders=any(name is not None
                                 for _, name, _, _ in string.Formatter().parse(fmt)))

    if fmt is not None:
        return bind(fmt, *args, **kwargs)
    return options_only(what, bind, args, kwargs)


def debug_callback(callback: Callable | None = None, *args: Any, ordered: bool = False,
                   partitioned: bool = False, **kwargs: Any) -> Any:
    """Call `callback(*args, **kwargs)` each time the program runs, for what it does.

    It gets arrays, not traced values, and what it returns is thrown away.

    >>> import minijax as jax
    >>> seen = []
    >>> jax.grad(lambda x: [x * x, jax.debug.callback(seen.append, x)][0])(3.0)
    Array(6., dtype=float32, weak_type=True)
    >>> seen
    [Array(3., dtype=float32, weak_type=True)]

    Without `callback`, `debug.callback(ordered=True)` returns a function of it and its arguments.

    Raises:
      what `callback` raises; in a program, `jax.errors.JaxRuntimeError` from that.
    """
    def bind(callback: Callable, *args: Any, **kwargs: Any) -> None:
        if not callable(callback):
            raise TypeError("first argument to jax.debug.callback must be callable, but got an "
                            f"object of type {type(callback)}")
        operands, in_tree, fixed = split_leaves(args, kwargs)
        debug_callback_p.bind(
            *operands, callback=FlatCallback("jax.debug.callback", callback, in_tree, fixed),
            effect=ordered_debug_effect if ordered else debug_effect, partitioned=partitioned)

    if callback is not None:
        return bind(callback, *args, **kwargs)
    return options_only("jax.debug.callback", bind, args, kwargs)


def options_only(what: str, bind: Callable, args: tuple, kwargs: dict) -> Callable:
    if args or kwargs:
        raise TypeError(f"{what} received unexpected arguments in the two-call form: {args=} "
                        f"{kwargs=}. The first call takes options, the second the rest.")
    return bind
