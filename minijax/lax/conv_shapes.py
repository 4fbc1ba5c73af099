"""The axes and sizes of convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["ConvDimensionNumbers", "conv_dimension_numbers", "conv_general_permutations",
           "conv_general_shape_tuple", "conv_shape_tuple", "conv_transpose_shape_tuple",
           "padtype_to_pads"]

# --- which axis is what ----------------------------------------------------------------------


class ConvDimensionNumbers(NamedTuple):
    """The axes of the operands and of the result, each as (batch, feature, *spatial).

    Of the kernel, `rhs_spec`: (output feature, input feature, *spatial).
    """

    lhs_spec: tuple[int, ...]
    rhs_spec: tuple[int, ...]
    out_spec: tuple[int, ...]


def conv_dimension_numbers(lhs_shape: Sequence[int], rhs_shape: Sequence[int],
                           dimension_numbers: Any) -> ConvDimensionNumbers:
    """Axes from letters, such as ("NHWC", "HWIO", "NHWC"); None means ("NCHW", "OIHW", "NCHW").

    Raises:
      TypeError: letters that do not fit the ranks, or each other.
    """
    if isinstance(dimension_numbers, ConvDimensionNumbers):
        return dimension_numbers
    rank = len(lhs_shape)
    if rank != len(rhs_shape):
        raise TypeError("convolution requires lhs and rhs ndim to be equal, got "
                        f"{rank} and {len(rhs_shape)}.")
    if dimension_numbers is None:
        return ConvDimensionNumbers(*(tuple(range(rank)) for _ in range(3)))
    if not isinstance(dimension_numbers, (list, tuple)):
        raise TypeError("convolution dimension_numbers must be tuple/list or None, got "
                        f"{type(dimension_numbers)}.")
    if len(dimension_numbers) != 3:
        raise TypeError("convolution dimension_numbers list/tuple must be length 3, got "
                        f"{len(dimension_numbers)}.")
    for i, spec in enumerate(dimension_numbers):
        if not isinstance(spec, str):
            raise TypeError("convolution dimension_numbers elements must be strings, got "
                            f"{tuple(map(type, dimension_numbers))}.")
        if len(spec) != rank:
            raise TypeError(f"convolution dimension_numbers[{i}] must have len equal to the ndim "
                            f"of lhs and rhs, got {len(spec)} for lhs and rhs shapes {lhs_shape} "
                            f"and {rhs_shape}.")
    return ConvDimensionNumbers(*conv_general_permutations(dimension_numbers))


def conv_general_permutations(dimension_numbers: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The axes that letters stand for; the order of the kernel's letters is that of the axes."""
    spatial = [c for c in dimension_numbers[1] if c not in "OI"]
    perms = []
    for i, (spec, pair) in enumerate(zip(dimension_numbers, ("NC", "OI", "NC"))):
        if spec.count(pair[0]) != 1 or spec.count(pair[1]) != 1:
            raise TypeError(f"convolution dimension_numbers[{i}] must contain the characters "
                            f"'{pair[0]}' and '{pair[1]}' exactly once, got {spec}.")
        if len(set(spec)) != len(spec):
            raise TypeError(f"convolution dimension_numbers[{i}] cannot have duplicate characters, "
                            f"got {spec}.")
        if set(spec) - set(pair) != set(spatial):
            raise TypeError("convolution dimension_numbers elements must each have the same set of "
                            f"spatial characters, got {tuple(dimension_numbers)}.")
        perms.append(tuple(spec.index(c) for c in (*pair, *spatial)))
    return tuple(perms)


# --- sizes -----------------------------------------------------------------------------------


def dilate(sizes: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """Sizes with `dilation - 1` holes between neighbours."""
    return [0 if n == 0 else 1 + d * (n - 1) for n, d in zip(sizes, dilation)]


def padtype_to_pads(in_shape: Sequence[int], window_shape: Sequence[int],
                    window_strides: Sequence[int], padding: str) -> list[tuple[int, int]]:
    """The (low, high) padding that "SAME", "SAME_LOWER" or "VALID" stands for.

    >>> padtype_to_pads((10,), (4,), (2,), "SAME")
    [(1, 1)]
    """
    kind = padding.upper()
    if kind == "VALID":
        return [(0, 0)] * len(in_shape)
    if kind not in ("SAME", "SAME_LOWER"):
        raise RuntimeError("Unrecognized padding type: expected 'VALID', 'SAME', or 'SAME_LOWER', "
                           f"got {padding}.")
    totals = [max((-(-n // s) - 1) * s + w - n, 0)
              for n, w, s in zip(in_shape, window_shape, window_strides)]
    return [(t // 2, t - t // 2) if kind == "SAME" else (t - t // 2, t // 2) for t in totals]


def conv_shape_tuple(lhs_shape: Sequence[int], rhs_shape: Sequence[int], strides: Sequence[int],
                     pads: Any, batch_group_count: int = 1) -> tuple[int, ...]:
    """The shape of a convolution, all shapes as (batch or output, feature, *spatial)."""
    if isinstance(pads, str):
        pads = padtype_to_pads(lhs_shape[2:], rhs_shape[2:], strides, pads)
    if len(pads) != len(lhs_shape) - 2:
        raise TypeError("Wrong number of explicit pads for convolution: expected "
                        f"{len(lhs_shape) - 2}, got {len(pads)}.")
    padded = [n + lo + hi for n, (lo, hi) in zip(lhs_shape[2:], pads)]
    if any(n < 0 for n in padded):
        raise ValueError("Negative padding is larger than the size of the corresponding dimension: "
                         f"got padding={pads} for lhs_shape[2:]={tuple(lhs_shape[2:])}")
    space = [max((n - w) // s + 1, 0) for n, w, s in zip(padded, rhs_shape[2:], strides)]
    return (lhs_shape[0] // batch_group_count, rhs_shape[0], *space)


def conv_general_shape_tuple(lhs_shape: Sequence[int], rhs_shape: Sequence[int],
                             window_strides: Sequence[int], padding: Any, dimension_numbers: Any
                             ) -> tuple[int, ...]:
    """The shape of a convolution, from shapes whose axes `dimension_numbers` names."""
    lhs, rhs, out = conv_dimension_numbers(lhs_shape, rhs_shape, dimension_numbers)
    shape = conv_shape_tuple([lhs_shape[i] for i in lhs], [rhs_shape[i] for i in rhs],
                             window_strides, padding)
    return tuple(shape[i] for i in np.argsort(out))


def conv_transpose_shape_tuple(lhs_shape: Sequence[int], rhs_shape: Sequence[int],
                               window_strides: Sequence[int], padding: Any,
                               dimension_numbers: Any) -> tuple[int, ...]:
    """The shape of a transposed convolution, from shapes whose axes `dimension_numbers` names."""
    lhs, rhs, out = conv_dimension_numbers(lhs_shape, rhs_shape, dimension_numbers)
    sizes, kernel = [lhs_shape[i] for i in lhs], [rhs_shape[i] for i in rhs]
    if isinstance(padding, str):
        padding = [conv_transpose_padding(k, s, padding)
                   for k, s in zip(kernel[2:], window_strides)]
    space = [(n - 1) * s - k + 2 + sum(p)
             for n, k, s, p in zip(sizes[2:], kernel[2:], window_strides, padding)]
    shape = (sizes[0], kernel[0], *space)
    return tuple(shape[i] for i in np.argsort(out))


def conv_transpose_padding(k: int, s: int, padding: Any) -> tuple[int, int]:
    """The padding that makes a convolution the transpose of one with kernel k and stride s."""
    if padding == "SAME":
        total = k + s - 2
        low = k - 1 if s > k - 1 else -(-total // 2)
    elif padding == "VALID":
        total, low = k + s - 2 + max(k - s, 0), k - 1
    elif isinstance(padding, tuple):
        low, total = k - padding[0] - 1, sum(k - p - 1 for p in padding)
    else:
        raise ValueError(f"Invalid padding mode: {padding}")
    return low, total - low
