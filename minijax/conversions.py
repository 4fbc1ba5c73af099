"""What Python may ask of an array, known or traced: `bool(x)`, `int(x)`, `range(x)`.

Each check looks at the type alone, so that it says the same while a function is traced.
"""

from __future__ import annotations

from typing import Any

from minijax import dtypes


def check_truth(aval: Any) -> None:
    """`bool(x)`, as in `if x:`, is for one element."""
    if dtypes.is_key_dtype(aval.dtype):
        raise TypeError("key array cannot be converted to boolean.")
    if aval.size != 1:
        raise ValueError(
            "The truth value of an array with more than one element is ambiguous. "
            "Use a.any() or a.all()" if aval.size else
            "The truth value of an empty array is ambiguous. Use `array.size > 0`.")


def check_scalar(aval: Any) -> None:
    """`int(x)`, `float(x)` and `complex(x)` are for arrays without axes."""
    if aval.shape:
        raise TypeError("Only scalar arrays can be converted to Python scalars; "
                        f"got arr.ndim={len(aval.shape)}")


def check_integer(aval: Any) -> None:
    """`range(x)`, `xs[x]` and `hex(x)` are for integers without axes."""
    if aval.shape or aval.dtype.kind not in "iu":
        raise TypeError("Only integer scalar arrays can be converted to a scalar index. This one "
                        f"is of type {aval.str_short()}.")
