"""Cases of reductions and cumulative operations."""

import numpy as np

from tests.operations import arr, case

C128 = {"dtype": "complex128"}


def reduction(name, *shape, axes=(1,), label="", order=2, **options):
    return case(name, lambda lax, x: getattr(lax, name)(x, axes), arr(*shape, **options),
                label=label, order=order)


def fixed(*values, dtype="float64", **options):
    """An argument with these values."""
    return arr(*np.shape(values), dtype=dtype, values=lambda rng: values, **options)


def everywhere(name, empty=2):
    """The shapes on which every reduction is tried; `empty`: how smooth it is where there is none.
    """
    return [
        reduction(name, 3, 4),
        reduction(name, 3, 2, 4, axes=(2, 0), label="two-axes"),
        reduction(name, 2, 3, axes=(0, 1), label="all"),
        reduction(name, 2, 3, axes=(), label="no-axes"),
        reduction(name, axes=(), label="rank0"),
        reduction(name, 3, 1, label="size1"),
        reduction(name, 3, 0, label="size0", order=empty),
        reduction(name, 0, 3, label="size0-kept"),
        reduction(name, 2, 5, label="int8", dtype="int8", low=-128, high=128),
    ]


FLOATS = [
    *everywhere("reduce_sum"), *everywhere("reduce_prod"),
    *everywhere("reduce_max", empty=0), *everywhere("reduce_min", empty=0),
    reduction("reduce_sum", 2, 3, label="complex", **C128),
    reduction("reduce_prod", 2, 3, label="complex", **C128),
    reduction("reduce_sum", 3, 300, label="float16", dtype="float16", order=0),
    reduction("reduce_sum", 300, 3, axes=(0,), label="bfloat16", dtype="bfloat16", low=0, order=0),
    reduction("reduce_prod", 2, 50, label="float16", dtype="float16", low=0.9, high=1.1, order=0),
    reduction("reduce_max", 2, 3, label="bfloat16", dtype="bfloat16", order=0),
    reduction("reduce_max", 2, 3, label="bool", dtype="bool"),
    reduction("reduce_min", 2, 0, label="bool-size0", dtype="bool"),
    case("reduce_prod", lambda lax, x: lax.reduce_prod(x, (0,)), fixed(2.0, 0.0, 3.0, 0.0, 5.0),
         label="zeros"),
    case("reduce_prod", lambda lax, x: lax.reduce_prod(x, (0,)), fixed(2.0, 0.0, 3.0),
         label="one-zero"),
    case("reduce_max", lambda lax, x: lax.reduce_max(x, (0,)), fixed(2.0, 3.0, 3.0, 1.0, 3.0),
         label="ties", order=0),
    case("reduce_min", lambda lax, x: lax.reduce_min(x, (0,)), fixed(1.0, np.nan, 0.0, np.nan),
         label="nan", order=0),
]

LOGIC = [
    *[case(name, lambda lax, x, name=name: getattr(lax, name)(x, (0, 2)),
           arr(3, 2, 4, dtype=dtype, low=0, high=100), label=dtype)
      for name in ("reduce_and", "reduce_or", "reduce_xor")
      for dtype in ("bool", "int32", "uint8")],
    *[reduction(name, 2, 0, dtype="int16", label="size0")
      for name in ("reduce_and", "reduce_or", "reduce_xor")],
]

POSITIONS = [
    *[c for name in ("argmax", "argmin") for c in [
        case(name, lambda lax, x, name=name: getattr(lax, name)(x, 1, "int32"), arr(2, 3, 4),
             order=0),
        case(name, lambda lax, x, name=name: getattr(lax, name)(x, 0, "uint8"),
             fixed(1.0, 3.0, -2.0, 3.0, -2.0), order=0, label="ties"),
        case(name, lambda lax, x, name=name: getattr(lax, name)(x, 0, "int16"),
             fixed(1.0, np.nan, 3.0, np.nan), order=0, label="nan"),
        case(name, lambda lax, x, name=name: getattr(lax, name)(x, 0, "int32"),
             fixed(1.0, np.nan, 3.0, dtype="bfloat16"), order=0, label="bfloat16"),
        case(name, lambda lax, x, name=name: getattr(lax, name)(x, 0, "int32"),
             arr(3, 0, dtype="bool"), label="size0"),
        case(name, lambda lax, x, name=name: getattr(lax, name)(x, 0, "int64"),
             arr(4, dtype="bool"), label="bool"),
    ]],
]


def larger(lax, a, b):
    """Of two pairs of a value and an index, the one with the larger value."""
    keep = lax.ge(a[0], b[0])
    return lax.select(keep, a[0], b[0]), lax.select(keep, a[1], b[1])


FOLDS = [
    case("reduce", lambda lax, x: lax.reduce(x, np.float64(0), lambda a, b: lax.sub(
        lax.add(a, b), lax.mul(a, b)), (1,)), arr(3, 4)),
    case("reduce", lambda lax, x: lax.reduce(x, np.float64(1), lambda a, b: lax.mul(b, a), (2, 0)),
         arr(3, 2, 5), label="two-axes"),
    case("reduce", lambda lax, x: lax.reduce(x, np.float64(1), lambda a, b: lax.mul(b, a), (0,)),
         arr(0, 2), label="size0"),
    case("reduce", lambda lax, x, i: lax.reduce(
        (x, i), (np.float64(-np.inf), np.int32(0)), lambda a, b: larger(lax, a, b), (0,)),
         arr(5, 2, diff=False), arr(5, 2, dtype="int32"), label="index"),
    case("reduce", lambda lax, x, y: lax.reduce(
        (x, y), (np.float64(-np.inf), np.float64(0)), lambda a, b: larger(lax, a, b), (0,)),
         arr(5, 2), arr(5, 2), label="pairs"),
    case("reduce", lambda lax, x: lax.reduce(x, np.int32(3), lax.add, (0,)),
         arr(3, 2, dtype="int32"), label="not-the-identity"),
    case("reduce_sum", lambda lax, x: lax.reduce(x, 0.0, lax.add, (0,)), arr(3, 2), label="monoid"),
    case("reduce_max", lambda lax, x: lax.reduce(x, -np.inf, lax.max, (0,)), arr(3, 2),
         label="monoid"),
    case("reduce_and", lambda lax, x: lax.reduce(x, np.int32(-1), lax.bitwise_and, (1,)),
         arr(3, 2, dtype="int32", low=0, high=9), label="monoid"),
]


def cumulative(name, *shape, axis=0, reverse=False, label="", order=2, **options):
    return case(name, lambda lax, x: getattr(lax, name)(x, axis, reverse), arr(*shape, **options),
                label=label, order=order)


CUMULATIVE = [
    *[c for name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp") for c in [
        cumulative(name, 5), cumulative(name, 2, 4, axis=1, label="axis"),
        cumulative(name, 3, 2, reverse=True, label="reverse"),
        cumulative(name, 0, 2, label="size0"), cumulative(name, 1, 2, label="size1"),
    ]],
    *[cumulative(name, 5, dtype="int8", low=-9, high=9, label="int8")
      for name in ("cumsum", "cumprod", "cummax", "cummin")],
    *[cumulative(name, 4, label="complex", **C128)
      for name in ("cumsum", "cumprod", "cumlogsumexp")],
    cumulative("cumsum", 300, dtype="bfloat16", low=0, label="bfloat16", order=0),
    cumulative("cumprod", 9, dtype="float16", low=0.9, high=1.1, label="float16", order=0),
    case("cumprod", lambda lax, x: lax.cumprod(x, 0), fixed(2.0, 0.0, 3.0, 0.0, 5.0),
         label="zeros"),
    *[case(name, lambda lax, x, name=name: getattr(lax, name)(x, 0),
           fixed(1.0, 1.0, 2.0, 2.0, 2.0, 0.0, 0.0), label="ties", order=0)
      for name in ("cummax", "cummin")],
    case("cummax", lambda lax, x: lax.cummax(x, 0), fixed(1.0, np.nan, 2.0), label="nan", order=0),
    case("cumlogsumexp", lambda lax, x: lax.cumlogsumexp(x, 0),
         fixed(-np.inf, 1000.0, -1000.0, 1000.0), label="extremes", order=0),
]

CASES = [*FLOATS, *LOGIC, *POSITIONS, *FOLDS, *CUMULATIVE]
