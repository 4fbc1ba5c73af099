"""Donated arguments: arrays that a compiled function may overwrite, and that end with the call.

The function gives the memory of a donated array to a result of the same shape and dtype. Whether
the memory is really used again is the compiler's affair; that the array is gone is not.
"""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

from minijax.core import ArrayImpl
from minijax.tree_util import tree_leaves


def give_up(donated: Any, args: Any, kwargs: Any, out: Any) -> None:
    """Delete the arrays of the pytree `donated` whose memory a result in `out` can take.

    ValueError if an array is among the other arguments, too. A warning names those that no
    result can take; they stay.
    """
    results = Counter((x.shape, x.dtype) for x in tree_leaves(out) if isinstance(x, ArrayImpl))
    others = {id(x) for x in tree_leaves((args, kwargs))}
    unused = []
    for x in tree_leaves(donated):
        if not isinstance(x, ArrayImpl):
            continue
        if id(x) in others:
            raise ValueError(f"Attempt to donate the same buffer twice: an array of type {x.aval} "
                             "is donated and is another argument, too.")
        others.add(id(x))
        if results[x.shape, x.dtype]:
            results[x.shape, x.dtype] -= 1
            x.delete()
        else:
            unused.append(x.aval)
    if unused:
        warnings.warn("Some donated buffers were not usable: no result has their shape and dtype: "
                      f"{', '.join(map(str, unused))}.", stacklevel=4)
