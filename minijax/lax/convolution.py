"""Convolutions of any rank, with strides, dilation and groups."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.batching import batch, move_to_front
from minijax.core import ShapedArray, typeof
from minijax.families import Contraction, broadcast_in_dim, convert, full, reshape, transpose
from minijax.lax.contraction import canonicalize_precision, sum_dtype
from minijax.lax.conv_shapes import (
    ConvDimensionNumbers,
    conv_dimension_numbers,
    conv_shape_tuple,
    conv_transpose_padding,
    dilate,
    padtype_to_pads,
)
from minijax.lax.shaping import rev

__all__ = ["conv", "conv_general_dilated", "conv_general_dilated_p",
           "conv_general_dilated_patches", "conv_transpose", "conv_with_general_padding"]

# --- the operation ---------------------------------------------------------------------------


class ConvGeneralDilated(Contraction):
    """Sum of products of a kernel with the windows of an array."""

    def impl(self, lhs, rhs, *, window_strides, padding, lhs_dilation, rhs_dilation,
             dimension_numbers, feature_group_count, batch_group_count, precision,
             preferred_element_type):
        lhs_spec, rhs_spec, out_spec = dimension_numbers
        dtype = sum_dtype(lhs.dtype, rhs.dtype, preferred_element_type)
        x = lhs.transpose([lhs_spec[0], *lhs_spec[2:], lhs_spec[1]]).astype(dtype, copy=False)
        w = rhs.transpose([rhs_spec[0], *rhs_spec[2:], rhs_spec[1]]).astype(dtype, copy=False)
        patches = windows(padded(x, padding, lhs_dilation), w.shape[1:-1], window_strides,
                          rhs_dilation)
        out = grouped_products(patches, w, feature_group_count, batch_group_count)
        spatial = range(1, out.ndim - 1)
        return out.transpose([0, out.ndim - 1, *spatial]).transpose(np.argsort(out_spec))

    def abstract_eval(self, lhs, rhs, *, window_strides, padding, lhs_dilation, rhs_dilation,
                      dimension_numbers, feature_group_count, batch_group_count, precision,
                      preferred_element_type):
        if lhs.ndim != rhs.ndim:
            raise ValueError("conv_general_dilated lhs and rhs must have the same number of "
                             f"dimensions, but got {lhs.shape} and {rhs.shape}.")
        lhs_spec, rhs_spec, out_spec = dimension_numbers
        n, c, *space = (lhs.shape[i] for i in lhs_spec)
        o, i, *kernel = (rhs.shape[i] for i in rhs_spec)
        check_groups(n, c, o, i, feature_group_count, batch_group_count)
        check_window(kernel, window_strides, lhs_dilation, rhs_dilation)
        shape = conv_shape_tuple([n, c, *dilate(space, lhs_dilation)],
                                 [o, i, *dilate(kernel, rhs_dilation)], window_strides, padding,
                                 batch_group_count)
        dtype = conv_dtype(lhs.dtype, rhs.dtype, preferred_element_type)
        return ShapedArray([shape[d] for d in np.argsort(out_spec)], dtype)

    # Leaving the spatial axes aside, a convolution is a product [n, c] [c, o] -> [n, o], and
    # transposes like one. Groups of features of the kernel turn into groups of features or
    # batches of the transpose.

    def transpose_lhs(self, ct, lhs, rhs, *, window_strides, padding, lhs_dilation, rhs_dilation,
                      dimension_numbers, feature_group_count, batch_group_count, **params):
        lhs_spec, rhs_spec, out_spec = dimension_numbers
        kernel = [typeof(rhs).shape[i] for i in rhs_spec[2:]]
        ct_space = [typeof(ct).shape[i] for i in out_spec[2:]]
        groups = max(feature_group_count, batch_group_count)
        if groups > 1:  # they move from the output features to the input features
            rhs = merge(split(rhs, rhs_spec[0], groups), rhs_spec[0], rhs_spec[1])
        extents = zip(dilate([lhs.shape[i] for i in lhs_spec[2:]], lhs_dilation),
                      dilate(kernel, rhs_dilation), dilate(ct_space, window_strides), padding)
        pads = tuple((w - lo - 1, n + lo - m) for n, w, m, (lo, _) in extents)
        out = self.bind(
            ct, convert(rev(rhs, rhs_spec[2:]), typeof(ct).dtype, False),
            window_strides=lhs_dilation, padding=pads, lhs_dilation=window_strides,
            rhs_dilation=rhs_dilation, feature_group_count=groups, batch_group_count=1,
            dimension_numbers=ConvDimensionNumbers(out_spec, swap(rhs_spec), lhs_spec), **params)
        if batch_group_count > 1:
            out = merge(split(out, lhs_spec[1], groups), lhs_spec[1], lhs_spec[0])
        return convert(out, lhs.dtype, False)

    def transpose_rhs(self, ct, lhs, rhs, *, window_strides, padding, lhs_dilation, rhs_dilation,
                      dimension_numbers, feature_group_count, batch_group_count, **params):
        if not typeof(ct).size:
            return None
        lhs_spec, rhs_spec, out_spec = dimension_numbers
        lhs_space = [typeof(lhs).shape[i] for i in lhs_spec[2:]]
        ct_space = [typeof(ct).shape[i] for i in out_spec[2:]]
        extents = zip(dilate(lhs_space, lhs_dilation),
                      dilate([rhs.shape[i] for i in rhs_spec[2:]], rhs_dilation),
                      dilate(ct_space, window_strides), padding)
        pads = tuple((lo, m - n + w - lo - 1) for n, w, m, (lo, _) in extents)
        out = self.bind(
            convert(lhs, typeof(ct).dtype, False), ct, window_strides=rhs_dilation, padding=pads,
            lhs_dilation=lhs_dilation, rhs_dilation=window_strides,
            feature_group_count=batch_group_count, batch_group_count=feature_group_count,
            dimension_numbers=ConvDimensionNumbers(*map(swap, (lhs_spec, out_spec, rhs_spec))),
            **params)
        return convert(out, rhs.dtype, False)


conv_general_dilated_p = ConvGeneralDilated("conv_general_dilated")


def swap(spec: tuple[int, ...]) -> tuple[int, ...]:
    return (spec[1], spec[0], *spec[2:])


def check_groups(n: int, c: int, o: int, i: int, feature_groups: int, batch_groups: int) -> None:
    for name, groups in ("feature", feature_groups), ("batch", batch_groups):
        if groups <= 0:
            raise ValueError(f"conv_general_dilated {name}_group_count must be a positive integer, "
                             f"got {groups}.")
        if o % groups:
            raise ValueError("conv_general_dilated rhs output feature dimension size must be a "
                             f"multiple of {name}_group_count, but {o} is not a multiple of "
                             f"{groups}.")
    if c % feature_groups:
        raise ValueError("conv_general_dilated feature_group_count must divide lhs feature "
                         f"dimension size, but {feature_groups} does not divide {c}.")
    if c // feature_groups != i:
        raise ValueError("conv_general_dilated lhs feature dimension size divided by "
                         "feature_group_count must equal the rhs input feature dimension size, "
                         f"but {c} // {feature_groups} != {i}.")
    if n % batch_groups:
        raise ValueError("conv_general_dilated batch_group_count must divide lhs batch dimension "
                         f"size, but {batch_groups} does not divide {n}.")
    if batch_groups > 1 and feature_groups > 1:
        raise ValueError("At most one of batch_group_count and feature_group_count may be > 1, got "
                         f"batch_group_count={batch_groups} and "
                         f"feature_group_count={feature_groups}")


def check_window(kernel: Sequence[int], strides: Sequence[int], *dilations: Sequence[int]) -> None:
    if len(kernel) != len(strides):
        raise ValueError("conv_general_dilated window and window_strides must have the same number "
                         f"of dimensions, but got {len(kernel)} and {len(strides)}")
    if any(s <= 0 for s in strides):
        raise ValueError(f"conv_general_dilated window_strides must be positive, got {strides}.")
    for dilation in dilations:
        if len(dilation) != len(kernel) or any(d <= 0 for d in dilation):
            raise TypeError(f"All dilations must be positive, got {tuple(dilation)}.")


def conv_dtype(lhs: np.dtype, rhs: np.dtype, preferred: np.dtype | None) -> np.dtype:
    if lhs != rhs:
        raise TypeError("lax.conv_general_dilated requires arguments to have the same dtypes, got "
                        f"{dtypes.name(lhs)}, {dtypes.name(rhs)}.")
    if preferred is None or preferred == lhs:
        return lhs
    kinds = dtypes.kind(lhs) + dtypes.kind(preferred)
    if kinds not in ("ii", "uu", "if", "uf", "ff", "cc"):
        raise TypeError("Input type is incompatible with `preferred_element_type`. The compatible "
                        "combinations of (input_type, preferred_element_type) are (integral, "
                        "integral), (integral, floating), (floating, floating), (complex, complex.")
    if preferred.itemsize < lhs.itemsize:
        raise TypeError("`preferred_element_type` must not be narrower than the original type, got "
                        f"preferred_element_type of {dtypes.name(preferred)} for result type of "
                        f"{dtypes.name(lhs)}.")
    return preferred


# --- on buffers, whose axes are batch, space, features -----------------------------------------


def padded(x: np.ndarray, padding: Sequence[tuple[int, int]], dilation: Sequence[int]
           ) -> np.ndarray:
    """`x` with holes between neighbours, then zeros around it; negative padding takes away."""
    space = x.shape[1:-1]
    if all(p == (0, 0) for p in padding) and all(d == 1 for d in dilation):
        return np.ascontiguousarray(x)
    sizes = [n + max(lo, 0) + max(hi, 0) for n, (lo, hi) in zip(dilate(space, dilation), padding)]
    out = np.zeros((x.shape[0], *sizes, x.shape[-1]), x.dtype)
    inner = [slice(max(lo, 0), max(lo, 0) + d * n, d)
             for n, d, (lo, _) in zip(space, dilation, padding)]
    out[(slice(None), *inner)] = x
    kept = [slice(max(-lo, 0), n - max(-hi, 0)) for n, (lo, hi) in zip(sizes, padding)]
    return out[(slice(None), *kept)]


def windows(x: np.ndarray, kernel: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
            ) -> np.ndarray:
    """A view of the windows of `x`: axes batch, place, position in the window, feature."""
    space = [max((n - w) // s + 1, 0)
             for n, w, s in zip(x.shape[1:-1], dilate(kernel, dilation), strides)]
    steps = x.strides[1:-1]
    return np.lib.stride_tricks.as_strided(
        x, [x.shape[0], *space, *kernel, x.shape[-1]],
        [x.strides[0], *(a * s for a, s in zip(steps, strides)),
         *(a * d for a, d in zip(steps, dilation)), x.strides[-1]])


PATCH_SIZE = 1 << 21  # elements that are copied at once: large products, small buffers


def grouped_products(patches: np.ndarray, w: np.ndarray, feature_groups: int, batch_groups: int
                     ) -> np.ndarray:
    """Each group's windows times its part of the kernel, as matrix products."""
    groups, rank = max(feature_groups, batch_groups), w.ndim - 2
    n, space = patches.shape[0], patches.shape[1:1 + rank]
    o = w.shape[0] // groups
    out = np.empty((n // batch_groups, *space, groups, o), w.dtype)
    for g in range(groups):
        x = patches
        if feature_groups > 1:
            x = x[..., g * w.shape[-1]:(g + 1) * w.shape[-1]]
        elif batch_groups > 1:
            x = x[g * len(out):(g + 1) * len(out)]
        kernel = w[g * o:(g + 1) * o].reshape(o, math.prod(w.shape[1:])).T
        at_once = max(PATCH_SIZE // max(math.prod(x.shape[1:]), 1), 1)
        for i in range(0, len(x), at_once):
            part = x[i:i + at_once]
            rows = part.reshape(math.prod(part.shape[:1 + rank]), kernel.shape[0])
            out[i:i + at_once, ..., g, :] = np.dot(rows, kernel).reshape(*part.shape[:1 + rank], o)
    return out.reshape(*out.shape[:-2], groups * o)


# --- batching --------------------------------------------------------------------------------


def split(x: Any, axis: int, n: int) -> Any:
    """`axis` as two axes, the first of size n."""
    shape = typeof(x).shape
    return reshape(x, (*shape[:axis], n, shape[axis] // n, *shape[axis + 1:]))


def merge(x: Any, source: int, destination: int) -> Any:
    """The axis `source` taken into another one, whose number without it is `destination`."""
    shape = typeof(x).shape
    order = [i for i in range(len(shape)) if i != source]
    sizes = [shape[i] for i in order]
    sizes[destination] *= shape[source]
    order.insert(destination, source)
    return reshape(x, sizes, order)


@batch.register
def _(prim: ConvGeneralDilated, axis, xs, dims, /, *, dimension_numbers, feature_group_count,
      batch_group_count, **params):
    """A batch of arrays is more batch; of kernels, more features; of both, more groups."""
    (lhs, rhs), (ld, rd) = xs, dims
    params = {**params, "dimension_numbers": dimension_numbers,
              "feature_group_count": feature_group_count, "batch_group_count": batch_group_count}
    if not axis.size:
        avals = [ShapedArray(np.delete(a.shape, [] if d is None else d).tolist(), a.dtype)
                 for a, d in zip(map(typeof, xs), dims)]
        out = prim.abstract_eval(*avals, **params)
        return [full((0, *out.shape), 0, out.dtype)], [0]
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    grouped = max(feature_group_count, batch_group_count) > 1
    if rd is None and batch_group_count == 1:
        out = prim.bind(merge(lhs, ld, lhs_spec[0]), rhs, **params)
        return [split(out, out_spec[0], axis.size)], [out_spec[0]]
    if ld is None and not grouped:
        out = prim.bind(lhs, merge(rhs, rd, rhs_spec[0]), **params)
        return [split(out, out_spec[1], axis.size)], [out_spec[1]]
    (lhs, ld), (rhs, rd) = ((x, d) if d is not None else (move_to_front(x, None, axis.size), 0)
                            for x, d in zip(xs, dims))
    kind = "batch_group_count" if batch_group_count > 1 else "feature_group_count"
    params[kind] *= axis.size
    lhs = merge(lhs, ld, lhs_spec[0 if batch_group_count > 1 else 1])
    out = prim.bind(lhs, merge(rhs, rd, rhs_spec[0]), **params)
    return [split(out, out_spec[1], axis.size)], [out_spec[1]]


# --- what users call -------------------------------------------------------------------------


def conv_general_dilated(lhs: Any, rhs: Any, window_strides: Sequence[int], padding: Any,
                         lhs_dilation: Sequence[int] | None = None,
                         rhs_dilation: Sequence[int] | None = None, dimension_numbers: Any = None,
                         feature_group_count: int = 1, batch_group_count: int = 1,
                         precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The convolution of `lhs` with the kernel `rhs` (which is not reversed).

    >>> import minijax as jax, minijax.numpy as jnp
    >>> x, edge = jnp.array([[[1.0, 2.0, 4.0, 8.0]]]), jnp.array([[[-1.0, 1.0]]])
    >>> jax.lax.conv_general_dilated(x, edge, (1,), "VALID")
    Array([[[1., 2., 4.]]], dtype=float32)

    Args:
      lhs: by default of shape (batch, feature, *space).
      rhs: by default of shape (output feature, input feature, *space).
      window_strides: steps between windows, one for each axis of space.
      padding: "SAME", "SAME_LOWER", "VALID", or a (low, high) pair for each axis of space.
      lhs_dilation, rhs_dilation: put `dilation - 1` holes between neighbours.
      dimension_numbers: where the axes are, such as ("NHWC", "HWIO", "NHWC").
      feature_group_count, batch_group_count: so many groups of features, or batches, go through
        as many parts of the kernel's output features.

    Raises:
      TypeError, ValueError: shapes, dtypes or numbers that do not fit.
    """
    lhs_shape, rhs_shape = typeof(lhs).shape, typeof(rhs).shape
    numbers = conv_dimension_numbers(lhs_shape, rhs_shape, dimension_numbers)
    ones = (1,) * (len(lhs_shape) - 2)
    if isinstance(padding, str) and lhs_dilation is not None and set(lhs_dilation) != {1}:
        raise ValueError("String padding is not implemented for transposed convolution using this "
                         "op. Please either exactly specify the required padding or use "
                         "conv_transpose.")
    lhs_dilation = ones if lhs_dilation is None else tuple(lhs_dilation)
    rhs_dilation = ones if rhs_dilation is None else tuple(rhs_dilation)
    if isinstance(padding, str):
        kernel = dilate([rhs_shape[i] for i in numbers.rhs_spec[2:]], rhs_dilation)
        padding = padtype_to_pads([lhs_shape[i] for i in numbers.lhs_spec[2:]], kernel,
                                  window_strides, padding)
    if preferred_element_type is not None:
        preferred_element_type = dtypes.check_user_dtype_supported(preferred_element_type,
                                                                   "conv_general_dilated")
    return conv_general_dilated_p.bind(
        lhs, rhs, window_strides=tuple(window_strides), padding=pairs(padding),
        lhs_dilation=lhs_dilation, rhs_dilation=rhs_dilation, dimension_numbers=numbers,
        feature_group_count=feature_group_count, batch_group_count=batch_group_count,
        precision=canonicalize_precision(precision), preferred_element_type=preferred_element_type)


def pairs(padding: Any) -> tuple[tuple[int, int], ...]:
    try:
        return tuple((operator.index(lo), operator.index(hi)) for lo, hi in padding)
    except (ValueError, TypeError) as e:
        raise ValueError("padding argument to conv_general_dilated should be a string or a "
                         f"sequence of (low, high) pairs, got {padding}") from e


def conv(lhs: Any, rhs: Any, window_strides: Sequence[int], padding: str, precision: Any = None,
         preferred_element_type: Any = None) -> Any:
    """`conv_general_dilated` with the default order of axes, without dilation."""
    return conv_general_dilated(lhs, rhs, window_strides, padding, precision=precision,
                                preferred_element_type=preferred_element_type)


def conv_with_general_padding(lhs: Any, rhs: Any, window_strides: Sequence[int], padding: Any,
                              lhs_dilation: Any, rhs_dilation: Any, precision: Any = None,
                              preferred_element_type: Any = None) -> Any:
    """`conv_general_dilated` with the default order of axes."""
    return conv_general_dilated(lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation,
                                precision=precision,
                                preferred_element_type=preferred_element_type)


def conv_transpose(lhs: Any, rhs: Any, strides: Sequence[int], padding: Any,
                   rhs_dilation: Sequence[int] | None = None, dimension_numbers: Any = None,
                   transpose_kernel: bool = False, precision: Any = None,
                   preferred_element_type: Any = None, use_consistent_padding: bool = False) -> Any:
    """A convolution that takes small images to large ones, with fractional strides.

    Args:
      strides: how many times larger the result is, for each axis of space.
      padding: "SAME" or "VALID" as of the convolution that goes the other way, or a (low, high)
        pair for each axis of space (as of the other with `use_consistent_padding`).
      dimension_numbers: by default the features are the last axis: ("NHWC", "HWIO", "NHWC").
      transpose_kernel: reverse the kernel and swap its features, so that the result is exactly
        the gradient of the convolution that goes the other way.

    Reference: https://arxiv.org/abs/1603.07285, section 4.
    """
    lhs_shape, rhs_shape = typeof(lhs).shape, typeof(rhs).shape
    if dimension_numbers is None:
        if len(lhs_shape) > 5:
            raise ValueError("No 4+ dimensional dimension_number defaults.")
        letters = ["", "H", "HW", "HWD"][len(lhs_shape) - 2]
        dimension_numbers = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    numbers = conv_dimension_numbers(lhs_shape, rhs_shape, dimension_numbers)
    o, i, *space = numbers.rhs_spec
    rhs_dilation = tuple(rhs_dilation or (1,) * len(space))
    if use_consistent_padding or padding in ("SAME", "VALID"):
        each = [padding] * len(strides) if isinstance(padding, str) else map(tuple, padding)
        kernel = dilate([rhs_shape[d] for d in space], rhs_dilation)
        padding = [conv_transpose_padding(k, s, p) for k, s, p in zip(kernel, strides, each)]
    if transpose_kernel:
        order = list(range(len(rhs_shape)))
        order[o], order[i] = i, o
        rhs = transpose(rev(rhs, space), order)
    return conv_general_dilated(lhs, rhs, (1,) * len(space), padding, strides, rhs_dilation,
                                numbers, precision=precision,
                                preferred_element_type=preferred_element_type)


def conv_general_dilated_patches(lhs: Any, filter_shape: Sequence[int],
                                 window_strides: Sequence[int], padding: Any,
                                 lhs_dilation: Any = None, rhs_dilation: Any = None,
                                 dimension_numbers: Any = None, precision: Any = None,
                                 preferred_element_type: Any = None) -> Any:
    """The windows of `lhs`, each laid out along the feature axis: features, then space."""
    aval, filter_shape = typeof(lhs), tuple(filter_shape)
    numbers = conv_dimension_numbers(aval.shape, (1, 1, *filter_shape), dimension_numbers)
    size, channels = math.prod(filter_shape), aval.shape[numbers.lhs_spec[1]]
    one_each = broadcast_in_dim(np.eye(size, dtype=aval.dtype), (channels, size, size), (1, 2))
    rhs = reshape(one_each, (channels * size, 1, *filter_shape))
    rhs = transpose(rhs, np.argsort(numbers.rhs_spec))
    return conv_general_dilated(lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation,
                                numbers, feature_group_count=channels, precision=precision,
                                preferred_element_type=preferred_element_type)
