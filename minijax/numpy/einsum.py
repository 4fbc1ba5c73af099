"""Sums over products, in Einstein's notation.

NumPy finds the order in which to contract the operands; each step takes two of them and is one
`dot_general`, after what only one of them has been summed over and repeated letters have been
turned into diagonals.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes, lax
from minijax.layouts import divisible
from minijax.numpy.arguments import ensure_arrays, refuse
from minijax.numpy.promotion import convert


@divisible
def einsum(subscripts: Any, /, *operands: Any, out: None = None, optimize: Any = "auto",
           precision: Any = None, preferred_element_type: Any = None,
           _dot_general: Any = lax.dot_general, out_sharding: Any = None) -> Any:
    """The sum over the letters that the result does not have of the product of the operands.

    >>> import minijax.numpy as jnp
    >>> x, y = jnp.ones((2, 3)), jnp.ones((3, 4))
    >>> jnp.einsum("ij,jk->ik", x, y).shape, jnp.einsum("ij->j", x)
    ((2, 4), Array([2., 2., 2.], dtype=float32))

    Args:
      subscripts: the letters of each operand, then "->" and those of the result. Without "->" the
        result has the letters that occur once, in alphabetical order. "..." stands for further
        axes, which broadcast. Or lists of integers, one after each operand.
    """
    refuse("einsum", out=out)
    if not isinstance(subscripts, str):
        subscripts, given = from_lists((subscripts, *operands))
        operands = tuple(given)
    arrays = ensure_arrays("einsum", *operands)
    names, result = parse_subscripts(subscripts, [x.ndim for x in arrays])
    check_sizes(names, arrays)
    weak = False
    if preferred_element_type is None:
        dtype, weak = dtypes.result_type(*arrays, return_weak_type_flag=True)
    else:
        dtype = dtypes.check_user_dtype_supported(preferred_element_type, "einsum")
    terms = list(zip(arrays, names))
    for pair in contraction_path(names, result, arrays, optimize):
        taken = [terms.pop(i) for i in sorted(pair, reverse=True)]
        kept = set(result).union(*[n for _, n in terms])
        wanted = result if not terms else "".join(
            dict.fromkeys(c for _, n in taken for c in n if c in kept))
        terms.append(contract_one(*taken[0], wanted, dtype) if len(taken) == 1 else
                     contract_two(taken[0], taken[1], wanted, dtype, precision, _dot_general))
    return convert(terms[0][0], dtype, weak)


def einsum_path(subscripts: Any, /, *operands: Any, optimize: Any = "auto") -> Any:
    """The order in which `einsum` contracts its operands, and a text that explains it."""
    return np.einsum_path(subscripts, *[stand_in(np.shape(x)) for x in operands],
                          optimize=numpy_option(optimize, len(operands)))


def numpy_option(optimize: Any, n: int) -> Any:
    if optimize == "auto" or optimize is True:
        return "optimal" if n < 5 else "greedy"
    return optimize


def stand_in(shape: tuple[int, ...]) -> np.ndarray:
    """An array of a shape that takes no memory."""
    return np.broadcast_to(np.zeros((), np.float32), shape)


# --- subscripts ------------------------------------------------------------------------------


def from_lists(args: Sequence[Any]) -> tuple[str, list[Any]]:
    """The subscripts as a string, from einsum(x, [0, 1], y, [1, 2], [0, 2])."""

    def letters(numbers: Sequence[Any]) -> str:
        return "".join("..." if n is Ellipsis else string.ascii_letters[n] for n in numbers)

    operands = list(args[0:len(args) - 1:2])
    text = ",".join(letters(x) for x in args[1::2])
    return (f"{text}->{letters(args[-1])}" if len(args) % 2 else text), operands


def parse_subscripts(text: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters for "..." as well."""
    left, arrow, result = text.replace(" ", "").partition("->")
    names = left.split(",")
    if len(names) != len(ranks):
        raise ValueError("Number of einsum subscripts, "
                         f"{len(names)}, must be equal to the number of operands, {len(ranks)}.")
    explicit = [n.replace("...", "") for n in names]
    unused = [c for c in string.ascii_letters if c not in left + result]
    extra = [rank - len(e) if "..." in n else 0 for n, e, rank in zip(names, explicit, ranks)]
    for n, e, more, rank in zip(names, explicit, extra, ranks):
        if more < 0 or ("..." not in n and len(e) != rank):
            raise ValueError(f"Einstein sum subscript '{n}' does not contain the correct number of "
                             f"indices for an operand with {rank} dimensions.")
    widest = max(extra, default=0)
    dots = "".join(unused[:widest])
    if not arrow:
        counts = Counter("".join(explicit))
        result = dots + "".join(sorted(c for c in counts if counts[c] == 1))
    full = [n.replace("...", dots[widest - more:]) for n, more in zip(names, extra)]
    result = result.replace("...", dots)
    for c in result:
        if not any(c in n for n in full):
            raise ValueError(f"Output character '{c}' did not appear in the input")
        if result.count(c) > 1:
            raise ValueError(f"Output character '{c}' appeared more than once in the output.")
    return full, result


def check_sizes(names: Sequence[str], arrays: Sequence[Any]) -> None:
    sizes: dict[str, int] = {}
    for name, x in zip(names, arrays):
        for c, n in zip(name, x.shape):
            if sizes.setdefault(c, n) == 1:
                sizes[c] = n
            elif n not in (1, sizes[c]):
                raise ValueError(f"Size of label '{c}' for operand of shape {x.shape} ({n}) does "
                                 f"not match previous terms ({sizes[c]}).")


def contraction_path(names: Sequence[str], result: str, arrays: Sequence[Any], optimize: Any
                     ) -> list[tuple[int, ...]]:
    """Which operands to contract, step by step, at most two at a time; results go to the end."""
    n = len(names)
    if n <= 2:
        return [tuple(range(n))]
    if optimize is False:
        return [(0, 1)] * (n - 1)
    if isinstance(optimize, (list, tuple)) and optimize and isinstance(optimize[0], tuple):
        path = [tuple(p) for p in optimize]
    else:
        shapes = [stand_in(x.shape) for x in arrays]
        text = f"{','.join(names)}->{result}"
        path = np.einsum_path(text, *shapes, optimize=numpy_option(optimize, n))[0][1:]
    pairs: list[tuple[int, ...]] = []
    count = n
    for step in path:
        if len(step) <= 2:
            pairs.append(tuple(step))
            count -= len(step) - 1
        else:  # NumPy contracts these at once
            pairs.append(tuple(sorted(step)[:2]))
            count -= 1
            rest = [i - sum(j < i for j in pairs[-1]) for i in sorted(step)[2:]]
            for _ in rest:
                pairs.append((rest[0], count - 1))
                rest = [i - 1 for i in rest[1:]]
                count -= 1
    return pairs


# --- one step --------------------------------------------------------------------------------


def sum_over(x: Any, names: str, letters: Sequence[str], dtype: np.dtype) -> tuple[Any, str]:
    """Sum over letters, each of which occurs once."""
    if not letters:
        return x, names
    if dtypes.result_type(x, dtype) != x.dtype:
        x = convert(x, dtype)
    axes = [names.index(c) for c in letters]
    x = lax.reduce_or(x, axes) if x.dtype.kind == "b" else lax.reduce_sum(x, axes)
    return x, "".join(c for c in names if c not in letters)


def take_diagonals(x: Any, names: str, kept: str, dtype: np.dtype) -> tuple[Any, str]:
    """A letter that is repeated runs along a diagonal: zero the rest, sum all its axes but one."""
    for c, count in Counter(names).items():
        if count == 1:
            continue
        axes = [i for i, n in enumerate(names) if n == c]
        index = [lax.broadcasted_iota(np.uint32, [x.shape[i] for i in axes], k)
                 for k in range(count)]
        same = lax.eq(index[0], index[1])
        for other in index[2:]:
            same = lax.bitwise_and(same, lax.eq(index[0], other))
        same = lax.broadcast_in_dim(same, x.shape, axes)
        x = lax.select(same, x, lax.full_like(x, 0))
        dropped = axes[:-1] if c in kept else axes
        x = lax.reduce_or(x, dropped) if x.dtype.kind == "b" else lax.reduce_sum(x, dropped)
        names = "".join(n for i, n in enumerate(names) if i not in dropped)
    return x, names


def contract_one(x: Any, names: str, wanted: str, dtype: np.dtype) -> tuple[Any, str]:
    counts = Counter(names)
    x, names = sum_over(x, names, sorted(c for c in counts if c not in wanted and counts[c] == 1),
                        dtype)
    x, names = take_diagonals(x, names, wanted, dtype)
    return in_order(x, names, wanted)


def in_order(x: Any, names: str, wanted: str) -> tuple[Any, str]:
    return lax.transpose(x, [names.index(c) for c in wanted]), wanted


def drop_singletons(x: Any, names: str, other: Any, other_names: str) -> tuple[Any, str]:
    """Without the axes of size 1 along which it is to be broadcast against the other."""
    drop = [i for i, c in enumerate(names) if x.shape[i] == 1 and c in other_names
            and other.shape[other_names.index(c)] != 1]
    return lax.squeeze(x, drop), "".join(c for i, c in enumerate(names) if i not in drop)


def contract_two(second: tuple[Any, str], first: tuple[Any, str], wanted: str, dtype: np.dtype,
                 precision: Any, dot_general: Any) -> tuple[Any, str]:
    """One product: axes of letters that both have are contracted, or batch axes if wanted."""
    (lhs, lhs_names), (rhs, rhs_names) = second, first
    lhs, lhs_names = drop_singletons(lhs, lhs_names, rhs, rhs_names)
    rhs, rhs_names = drop_singletons(rhs, rhs_names, lhs, lhs_names)
    lhs, lhs_names = keep_only(lhs, lhs_names, wanted + rhs_names, dtype)
    rhs, rhs_names = keep_only(rhs, rhs_names, wanted + lhs_names, dtype)
    both = set(lhs_names) & set(rhs_names)
    batch = [c for c in wanted if c in both]
    summed = sorted(both - set(batch))
    lhs_rest = "".join(c for c in lhs_names if c not in both)
    rhs_rest = "".join(c for c in rhs_names if c not in both)
    names = "".join(batch) + rhs_rest + lhs_rest
    if names == wanted:
        lhs, lhs_names, rhs, rhs_names = rhs, rhs_names, lhs, lhs_names
    else:
        names = "".join(batch) + lhs_rest + rhs_rest
    numbers = tuple(tuple([n.index(c) for c in letters] for n in (lhs_names, rhs_names))
                    for letters in (summed, batch))
    out = dot_general(lhs, rhs, numbers, precision=precision, preferred_element_type=dtype)
    return in_order(out, names, wanted)


def keep_only(x: Any, names: str, kept: str, dtype: np.dtype) -> tuple[Any, str]:
    counts = Counter(names)
    x, names = sum_over(x, names, sorted(c for c in counts if c not in kept and counts[c] == 1),
                        dtype)
    return take_diagonals(x, names, kept, dtype)
