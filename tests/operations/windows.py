"""Cases of reductions over windows."""

import numpy as np

from tests.operations import arr, case

OPERATIONS = {"reduce_window_sum": ("add", 0.0), "reduce_window_max": ("max", -np.inf),
              "reduce_window_min": ("min", np.inf)}


def window(name, *shape, sizes, strides=None, padding="VALID", base=None, dilation=None, label="",
           order=2, **options):
    computation, init = OPERATIONS[name]
    return case(name, lambda lax, x: lax.reduce_window(
        x, init, getattr(lax, computation), sizes, strides, padding, base, dilation),
        arr(*shape, **options), label=label, order=order)


MONOIDS = [c for name in OPERATIONS for c in [
    window(name, 4, 5, sizes=(2, 3)),
    window(name, 7, sizes=(3,), strides=(2,), padding="SAME", label="same"),
    window(name, 6, 3, sizes=(2, 1), strides=(1, 1), padding="SAME_LOWER", label="same-lower"),
    window(name, 5, 6, sizes=(2, 2), strides=(2, 3), padding=((1, 1), (0, 1)), label="pads"),
    window(name, 4, sizes=(3,), strides=(2,), base=(2,), padding=((1, 1),), label="base-dilation"),
    window(name, 2, sizes=(4,), label="no-window"),
    window(name, 0, 3, sizes=(1, 2), label="size0"),
    window(name, sizes=(), padding=(), label="rank0"),
    window(name, 5, sizes=(2,), dtype="int32", low=-9, high=9, label="int"),
    window(name, 9, sizes=(3,), dtype="bfloat16", label="bfloat16", order=0),
]]

SUMS = [
    window("reduce_window_sum", 6, sizes=(2,), padding=((-1, -2),), label="negative-pads"),
    window("reduce_window_sum", 9, sizes=(3,), strides=(2,), dilation=(2,), label="dilation"),
    window("reduce_window_sum", 4, 3, sizes=(2, 2), strides=(3, 1), base=(3, 2), dilation=(2, 1),
           padding=((1, 0), (2, 3)), label="everything"),
    window("reduce_window_sum", 5, sizes=(2,), dtype="complex128", label="complex"),
]

EXTREMA = [  # JAX has no vjp where windows are dilated, and needs a second pass for the first
    case("reduce_window_max", lambda lax, x: lax.reduce_window(
        x, -np.inf, lax.max, (2, 2), window_dilation=(2, 1)), arr(4, 3, diff=False),
        label="dilation"),
    case("reduce_window_max", lambda lax, x: lax.reduce_window(x, -np.inf, lax.max, (2,)),
         arr(6, values=lambda rng: [1.0, 1.0, 0.0, 2.0, 2.0, 2.0]), label="ties", order=0),
    case("reduce_window_min", lambda lax, x: lax.reduce_window(x, np.inf, lax.min, (2,)),
         arr(6, values=lambda rng: [1.0, np.nan, 0.0, 2.0, -0.0, 0.0]), label="nan",
         order=0),
]


def general(sizes, *shape, label="", **options):
    """By a function that is not known to be associative, though it is. JAX has no vjp of it."""
    return case("reduce_window", lambda lax, x: lax.reduce_window(
        x, np.float64(1), lambda a, b: lax.mul(b, a), sizes, **options), arr(*shape), label=label,
        order=0)


GENERAL = [
    general((2, 2), 3, 4), general((3,), 7, window_strides=(2,), padding="SAME", label="same"),
    general((2,), 5, padding=((1, 1),), base_dilation=(2,), window_dilation=(2,), label="dilation"),
    general((3,), 2, label="no-window"),
    case("reduce_window", lambda lax, x: lax.reduce_window(x, np.int32(3), lax.add, (2,)),
         arr(5, dtype="int32"), label="not-the-identity"),
    case("reduce_window", lambda lax, x, y: lax.reduce_window(
        (x, y), (np.float64(0), np.float64(1)),
        lambda a, b: (lax.add(a[0], b[0]), lax.mul(a[1], b[1])), (2,)), arr(4), arr(4),
        label="pairs", order=0),
]

SELECTIONS = [  # not called by users: the derivative of max-pooling, and its transpose
    case("select_and_gather_add", lambda lax, t, x: lax.select_and_gather_add_p.bind(
        t, x, select_prim=lax.ge_p, window_dimensions=(2, 2), window_strides=(2, 1),
        padding=((1, 0), (0, 1)), base_dilation=(1, 1), window_dilation=(1, 1)),
        arr(4, 3), arr(4, 3, diff=False)),
    case("select_and_gather_add", lambda lax, t, x: lax.select_and_gather_add_p.bind(
        t, x, select_prim=lax.le_p, window_dimensions=(3,), window_strides=(1,),
        padding=((0, 0),), base_dilation=(2,), window_dilation=(1,)),
        arr(4), arr(4, diff=False), label="base-dilation"),
    case("select_and_scatter_add", lambda lax, s, x: lax.select_and_scatter_add_p.bind(
        s, x, select_prim=lax.ge_p, window_dimensions=(2, 2), window_strides=(2, 1),
        padding=((1, 0), (0, 1))), arr(2, 3), arr(4, 3, diff=False)),
    case("select_and_scatter_add", lambda lax, s, x: lax.select_and_scatter_add_p.bind(
        s, x, select_prim=lax.le_p, window_dimensions=(3,), window_strides=(1,),
        padding=((1, 0),)), arr(5), arr(6, diff=False), label="overlap"),
]

CASES = [*MONOIDS, *SUMS, *EXTREMA, *GENERAL, *SELECTIONS]
