"""Donated arguments: arrays that a compiled function may overwrite, and that end with the call.

The function gives the memory of a donated array to a result of the same shape and dtype. Whether
the memory is really used again is the compiler's affair; that the array is gone is not.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

from minijax.core import ArrayImpl
from minijax.tree_util import tree_leaves


def offered(donated: Any, args: Any, kwargs: Any) -> list[ArrayImpl]:
    """The arrays of the pytree `donated`, before the call.

    ValueError if one has been deleted, or is among the other arguments, too.
    """
    others = {id(x) for x in tree_leaves((args, kwargs))}
    arrays = [x for x in tree_leaves(donated) if isinstance(x, ArrayImpl)]
    for x in arrays:
        if x.is_deleted():
            raise gone(x)
        if id(x) in others:
            raise ValueError(f"Attempt to donate the same buffer twice: an array of type {x.aval} "
                             "is donated and is another argument, too. Donate a copy, x.copy().")
        others.add(id(x))
    return arrays


def gone(x: ArrayImpl) -> ValueError:
    """The error of a call with a deleted array. (Whoever reads one gets a RuntimeError.)"""
    return ValueError(f"Invalid buffer passed to a compiled function, of type {x.aval}: Buffer has "
                      "been deleted or donated. Pass the result of the call that it was donated "
                      "to, or do not donate it there.")


def give_up(donated: Sequence[ArrayImpl], out: Any) -> None:
    """Delete the arrays whose memory a result in the pytree `out` can take.

    A warning names those that no result can take; they stay.
    """
    results = Counter((x.shape, x.dtype) for x in tree_leaves(out) if isinstance(x, ArrayImpl))
    unused = []
    for x in donated:
        if results[x.shape, x.dtype]:
            results[x.shape, x.dtype] -= 1
            x.delete()
        else:
            unused.append(x.aval)
    if unused:
        warnings.warn("Some donated buffers were not usable: no result has their shape and dtype: "
                      f"{', '.join(map(str, unused))}.", stacklevel=4)
