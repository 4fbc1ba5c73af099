"""What every call back to Python shares: arguments in leaves, no trace around it, and errors that
say where they come from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minijax.api_util import is_typed
from minijax.core import ArrayImpl, EvalTrace, interpreting, to_numpy, typeof
from minijax.errors import JaxRuntimeError, UnexpectedTracerError
from minijax.source_info import name_of, show_line, user_line
from minijax.tree_util import tree_flatten, tree_leaves, tree_unflatten


def split_leaves(args: tuple, kwargs: dict, is_operand: Callable = is_typed
                 ) -> tuple[list[Any], Any, dict[int, Any]]:
    """The leaves that are operands, the structure, and the other leaves by position."""
    leaves, in_tree = tree_flatten((args, kwargs))
    fixed = {i: x for i, x in enumerate(leaves) if not is_operand(x)}
    return [x for i, x in enumerate(leaves) if i not in fixed], in_tree, fixed


class FlatCallback:
    """A user's function as a function of the operands among the leaves of its arguments.

    The other leaves (strings, functions) are `fixed`. `what` is the user's name of the operation.
    """

    def __init__(self, what: str, fun: Callable, in_tree: Any, fixed: dict[int, Any]):
        self.what, self.callback_func, self.line = what, fun, user_line()
        self.in_tree, self.fixed = in_tree, fixed

    def __call__(self, operands: Sequence[Any], in_program: bool) -> list[Any]:
        """The leaves of the result. The function is called outside of every trace."""
        values = iter(operands)
        args, kwargs = tree_unflatten(self.in_tree, [
            self.fixed[i] if i in self.fixed else next(values)
            for i in range(self.in_tree.num_leaves)])
        with self.blamed(in_program), interpreting(EvalTrace("evaluation")):
            return tree_leaves(self.callback_func(*args, **kwargs))

    @contextlib.contextmanager
    def blamed(self, in_program: bool) -> Iterator[None]:
        """Say in errors whose they are. Those of a program have one class, that of the caller."""
        try:
            yield
        except UnexpectedTracerError:
            raise
        except Exception as error:
            where = (f"in the callback {name_of(self.callback_func)} that {self.what} was given at "
                     f"{show_line(self.line)}")
            if in_program:
                raise JaxRuntimeError("INTERNAL: CpuCallback error calling callback: "
                                      f"{type(error).__name__}: {error}\n{where}") from error
            error.add_note(where)
            raise

    def __repr__(self) -> str:
        return f"_FlatCallback(callback_func={self.callback_func}, in_tree={self.in_tree})"


def given(args: Sequence[Any]) -> list[ArrayImpl]:
    """Operands as the user's function gets them. UnexpectedTracerError: one that has escaped."""
    return [ArrayImpl(to_numpy(x), typeof(x)) for x in args]


def copied(buffers: Sequence[np.ndarray]) -> list[ArrayImpl]:
    """The same from a running program, which may use its buffers for something else."""
    return [ArrayImpl(np.array(x)) for x in buffers]
