"""From what users write to what interpreters see: functions of pytrees to functions of leaves."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minijax.core import Array, typeof
from minijax.source_info import name_of
from minijax.tree_util import keystr, tree_flatten, tree_flatten_with_path, tree_map, tree_unflatten


class FlatFun:
    """`f` as a function from leaves to leaves. After a call `out_tree` is the result's structure.

    With `has_aux`, `f` returns a pair, and its second half is set aside in `aux`.
    """

    def __init__(self, f: Callable, in_tree: Any, kind: str, has_aux: bool = False):
        self.f, self.in_tree, self.kind, self.has_aux = f, in_tree, kind, has_aux
        self.__name__ = name_of(f)
        self.out_tree: Any = None
        self.aux: Any = None

    def __call__(self, *leaves: Any) -> list[Any]:
        args, kwargs = tree_unflatten(self.in_tree, leaves)
        out = self.f(*args, **kwargs)
        if self.has_aux:
            out, self.aux = check_aux(out, self.f)
        outs, self.out_tree = tree_flatten(out)
        for x in outs:
            if not isinstance(x, Array):
                self.check_output(x, out)
        return outs

    def map_aux(self, f: Callable) -> None:
        """What is set aside is made by the same trace as the result, and must leave it too."""
        if self.has_aux:
            self.aux = tree_map(f, self.aux)

    def leaf_names(self) -> list[str]:
        return leaf_names(self.f, self.in_tree)

    def check_output(self, leaf: Any, out: Any) -> None:
        if not is_typed(leaf):
            path = next(p for p, x in tree_flatten_with_path(out)[0] if x is leaf)
            where = f" at output component {keystr(path)}" if path else ""
            raise TypeError(f"function {place_of(self.f)} traced for {self.kind} returned a value "
                            f"of type {type(leaf)}{where}, which is not a valid JAX type")


def check_aux(out: Any, f: Callable) -> tuple[Any, Any]:
    if not isinstance(out, (list, tuple)) or len(out) != 2:
        raise TypeError(f"with has_aux=True, {name_of(f)} should return a two-element tuple "
                        f"(output, aux), but it returned {type(out).__name__}: {out!r}")
    return out[0], out[1]


def describe_function(f: Callable, kind: str) -> str:
    """`function f at file.py:3 for jit`: the name of a trace, as messages print it."""
    return f"function {place_of(f)} for {kind}"


def place_of(f: Callable) -> str:
    """`f at file.py:3`: the function, behind all that wraps it, and where it is written."""
    f = inspect.unwrap(getattr(f, "func", f))
    code = getattr(f, "__code__", None)
    return name_of(f) + (f" at {code.co_filename}:{code.co_firstlineno}" if code else "")


def leaf_names(f: Callable, in_tree: Any) -> list[str]:
    """What the user calls each leaf of the arguments `(args, kwargs)`: `x`, `params[0]['w']`."""
    names = positional_names(f, len(in_tree.children()[0].children()))
    out = []
    for path, _ in tree_flatten_with_path(in_tree.unflatten(range(in_tree.num_leaves)))[0]:
        first, rest = path[1], path[2:]
        position = getattr(first, "idx", None)
        out.append((first.key if position is None else names[position]) + keystr(rest))
    return out


def positional_names(f: Callable, n: int) -> list[str]:
    """What the user calls the first n arguments given by position: `x`, `xs[1]`."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
    return [*names, *(f"{rest}[{i}]" for i in range(n - len(names)))]


def check_callable(f: Any) -> None:
    if isinstance(f, staticmethod):  # callable, and no function yet
        raise TypeError(f"staticmethod arguments are not supported, got {f}: transform the "
                        "function first, and make it a staticmethod then.")
    if not callable(f):
        raise TypeError(f"Expected a callable value, got {f}")


def flatten_args(args: Sequence[Any], kwargs: dict) -> tuple[list[Any], Any]:
    return tree_flatten((tuple(args), kwargs))


def is_typed(x: Any) -> bool:
    """Is `x` an array, or something that stands for one?"""
    try:
        typeof(x)
    except TypeError:
        return False
    return True


def argnums_partial(f: Callable, argnums: int | Sequence[int], args: Sequence[Any],
                    kwargs: dict) -> tuple[Callable, tuple[Any, ...]]:
    """`f` as a function of the arguments `argnums` only, and these arguments."""
    nums = positions(argnums)
    needed = max((n + 1 if n >= 0 else -n for n in nums), default=0)
    if needed > len(args):
        raise TypeError(f"differentiating with respect to argnums={argnums} requires at least "
                        f"{needed} positional arguments to be passed by the caller, but got only "
                        f"{len(args)} positional arguments.")
    nums = tuple(n % len(args) for n in nums)
    if len(set(nums)) < len(nums):
        raise TypeError(f"differentiating with respect to argnums={argnums}: an argument occurs "
                        "twice")

    def partial(*chosen: Any) -> Any:
        full = list(args)
        for n, x in zip(nums, chosen):
            full[n] = x
        return f(*full, **kwargs)

    partial.__name__ = name_of(f)
    partial.__wrapped__ = f  # type: ignore[attr-defined]
    return partial, tuple(args[n] for n in nums)


def chosen_names(f: Callable, argnums: int | Sequence[int], args: Sequence[Any]) -> list[str]:
    """What the user calls each leaf of the arguments `argnums`."""
    names = positional_names(f, len(args))
    return [names[n] + keystr(path) for n in positions(argnums)
            for path, _ in tree_flatten_with_path(args[n])[0]]


def positions(nums: int | Iterable[int] | None) -> tuple[int, ...]:
    """None, one position of an argument, or several, as a tuple."""
    if nums is None:
        return ()
    return tuple(map(operator.index, nums if isinstance(nums, Iterable) else (nums,)))


def keywords(x: str | Iterable[str] | None) -> tuple[str, ...]:
    """None, one name of an argument, or several, as a tuple."""
    return (x,) if isinstance(x, str) else tuple(x or ())
