"""Cases of gather, scatter and dynamic slices."""

import numpy as np

from tests.operations import arr, case

ROWS = {"offset": (1,), "dropped": (0,), "index_map": (0,)}  # of a matrix
POINTS = {"offset": (), "dropped": (0,), "index_map": (0,)}  # of a vector


def indices(*shape, low=0, high=4, dtype="int32"):
    return arr(*shape, dtype=dtype, low=low, high=high)


def gather(x, i, sizes, offset, dropped, index_map, along=(), index_along=(), label="", order=2,
           **options):
    def call(lax, x, i):
        numbers = lax.GatherDimensionNumbers(offset, dropped, index_map, along, index_along)
        return lax.gather(x, i, numbers, sizes, **options)

    return case("gather", call, x, i, label=label, rtol=0, order=order)


def scatter(op, x, i, u, offset, dropped, index_map, along=(), index_along=(), label="", order=2,
            **options):
    def call(lax, x, i, u):
        numbers = lax.ScatterDimensionNumbers(offset, dropped, index_map, along, index_along)
        return getattr(lax, op.replace("-", "_"))(x, i, u, numbers, **options)

    return case(op, call, x, i, u, label=label, rtol=1e-12, order=order)


def distinct(*shape):
    """Indices of rows, no two equal."""
    return arr(*shape, dtype="int32", values=lambda rng: rng.permutation(5)[:shape[0], None])


GATHERS = [
    gather(arr(4, 3), indices(5, 1), (1, 3), **ROWS),
    gather(arr(4, 3, dtype="complex128"), indices(5, 1), (1, 3), **ROWS, label="complex"),
    gather(arr(4, 3, dtype="int32"), indices(5, 1), (1, 3), **ROWS, label="int32"),
    gather(arr(4), indices(2, 3, 1), (1,), **POINTS, label="points"),
    gather(arr(4), indices(1), (1,), **POINTS, label="one-point"),
    gather(arr(4), indices(1, high=3), (2,), (0,), (), (0,), label="one-window"),
    gather(arr(4, 3), indices(0, 1), (1, 3), **ROWS, label="none"),
    gather(arr(4, 0), indices(5, 1), (1, 0), **ROWS, label="empty"),
    gather(arr(4, 3), indices(5, 0), (2, 3), (0, 2), (), (), label="no-index"),
    gather(arr(), indices(5, 0), (), (), (), (), label="rank-0"),
    gather(arr(5, 4, 3), indices(2, 6, 2, high=3), (1, 2, 3), (1, 2), (0,), (1, 0),
           label="windows-two-indices"),
    gather(arr(5, 4, 3), indices(2, 6, 1, high=2), (5, 1, 2), (0, 3), (1,), (2,),
           label="windows-around"),
    gather(arr(2, 4, 3), indices(2, 5, 1), (1, 1, 3), (2,), (1,), (1,), (0,), (0,), label="along"),
    gather(arr(4, 3, 2), indices(5, 2, 3, 1), (1, 1, 1), (), (0,), (0,), (1, 2), (2, 1),
           label="along-crossed"),
    gather(arr(4, 3), indices(5, 1, dtype="uint8"), (1, 3), **ROWS, label="uint8-indices"),
    *[gather(arr(4, 3), indices(9, 1, low=-9, high=9), (2, 2), (0, 1), (), (0,), mode=mode,
             fill_value=0.5, label=f"outside-{mode}") for mode in ("clip", "fill")],
    gather(arr(4), indices(9, 1, low=-9, high=9), (1,), **POINTS, mode="fill", order=0,
           label="fill-nan"),
    gather(arr(4, dtype="int32"), indices(9, 1, low=-9, high=9), (1,), **POINTS, mode="fill",
           label="fill-int32"),
    gather(arr(4, dtype="uint8", low=0), indices(9, 1, low=-9, high=9), (1,), **POINTS,
           mode="fill", label="fill-uint8"),
    gather(arr(4, dtype="bool"), indices(9, 1, low=-9, high=9), (1,), **POINTS, mode="fill",
           label="fill-bool"),
    gather(arr(5, 3), distinct(4, 1), (1, 3), **ROWS, unique_indices=True, label="unique"),
]


def every_scatter(op, order=2, unique_order=2):
    """One operation in all shapes."""
    return [
        scatter(op, arr(4, 3), indices(5, 1), arr(5, 3), **ROWS, order=order),
        scatter(op, arr(4), indices(2, 3, 1), arr(2, 3), **POINTS, order=order, label="points"),
        scatter(op, arr(4), indices(1), arr(), **POINTS, order=order, label="one-point"),
        scatter(op, arr(4), indices(1, high=3), arr(2), (0,), (), (0,), order=order,
                label="one-window"),
        scatter(op, arr(4, 3), indices(0, 1), arr(0, 3), **ROWS, order=order, label="none"),
        scatter(op, arr(4, 3), indices(2, 0), arr(2, 3, 2), (1, 2), (), (), order=order,
                label="no-index"),
        scatter(op, arr(5, 4, 3), indices(2, 3, 2, high=3), arr(2, 2, 3, 3), (1, 3), (0,), (1, 0),
                order=order, label="windows-two-indices"),
        scatter(op, arr(2, 4, 3), indices(2, 5, 1), arr(2, 5, 3), (2,), (1,), (1,), (0,), (0,),
                order=order, label="along"),
        scatter(op, arr(4, 3, 2), indices(2, 5, 3, 1), arr(2, 5, 3), (), (0,), (0,), (1, 2), (2, 0),
                order=order, label="along-crossed"),
        scatter(op, arr(4, 3), indices(9, 1, low=-4, high=9), arr(9, 2, 2), (1, 2), (), (0,),
                mode="drop", order=order, label="outside-drop"),
        scatter(op, arr(5, 3), distinct(4, 1), arr(4, 3), **ROWS, unique_indices=True,
                order=unique_order, label="unique"),
        scatter(op, arr(4, dtype="int32"), indices(5, 1), arr(5, dtype="int32"), **POINTS,
                label="int32"),
    ]


LINEAR = ("scatter", "scatter-add", "scatter-sub")
SCATTERS = [
    *every_scatter("scatter"), *every_scatter("scatter-add"), *every_scatter("scatter-sub"),
    *every_scatter("scatter-mul", order=0), *every_scatter("scatter-min"),
    *every_scatter("scatter-max"),
    *[scatter(op, arr(4, 3), indices(9, 1, low=-4, high=9), arr(9, 2, 2), (1, 2), (), (0,),
              mode="clip", label="outside-clip") for op in LINEAR],
    *[scatter(op, arr(4, dtype="complex128"), indices(5, 1), arr(5, dtype="complex128"), **POINTS,
              label="complex") for op in LINEAR],
    scatter("scatter", arr(4, dtype="bool"), indices(5, 1), arr(5, dtype="bool"), **POINTS,
            label="bool"),
    scatter("scatter-mul", arr(4), indices(5, 1), arr(5, diff=False), **POINTS, label="operand"),
]

START = arr(dtype="int32", low=-6, high=6)

SLICES = [
    case("dynamic_slice", lambda lax, x, i, j: lax.dynamic_slice(x, (i, j), (2, 3)),
         arr(4, 5), START, START, rtol=0),
    case("dynamic_slice", lambda lax, x, i: lax.dynamic_slice(x, (i, np.int32(1), np.int32(0)),
                                                               (2, 1, 3)),
         arr(4, 2, 3, dtype="complex128"), START, rtol=0, label="complex-mixed"),
    case("dynamic_slice", lambda lax, x: lax.dynamic_slice(lax.neg(x), (), ()), arr(), rtol=0,
         label="rank-0"),
    case("dynamic_slice", lambda lax, x, i: lax.dynamic_slice(x, (i,), (0,)), arr(3), START,
         rtol=0, label="empty"),
    case("dynamic_slice",
         lambda lax, x, i: lax.dynamic_slice_in_dim(x, i, 2, 1, allow_negative_indices=False),
         arr(4, 5), START, rtol=0, label="in_dim"),
    case("dynamic_slice", lambda lax, x, i: lax.dynamic_index_in_dim(x, i, 1, keepdims=False),
         arr(4, 5), START, rtol=0, label="index_in_dim"),
    case("dynamic_slice", lambda lax, x, i: lax.dynamic_index_in_dim(x, i, -1),
         arr(4, 5, dtype="int32"), arr(dtype="uint8", low=0, high=9), rtol=0, label="uint8-start"),
    case("dynamic_update_slice", lambda lax, x, u, i, j: lax.dynamic_update_slice(x, u, (i, j)),
         arr(4, 5), arr(2, 3), START, START, rtol=0),
    case("dynamic_update_slice", lambda lax, x, u: lax.dynamic_update_slice(lax.neg(x), u, ()),
         arr(), arr(), rtol=0, label="rank-0"),
    case("dynamic_update_slice", lambda lax, x, u, i: lax.dynamic_update_slice(
        x, u, (i, np.int32(-1))),
         arr(4, 5, dtype="complex128"), arr(4, 0, dtype="complex128"), START, rtol=0,
         label="complex-empty"),
    case("dynamic_update_slice",
         lambda lax, x, u, i: lax.dynamic_update_slice_in_dim(x, u, i, 1),
         arr(4, 5), arr(3, 2), START, rtol=0, label="in_dim"),
    case("dynamic_update_slice",
         lambda lax, x, u, i: lax.dynamic_update_index_in_dim(x, u, i, 1),
         arr(4, 5), arr(4), START, rtol=0, label="index_in_dim"),
    case("dynamic_update_slice",
         lambda lax, x, u, i: lax.dynamic_update_index_in_dim(x, u, np.int32(-2), 0),
         arr(4, 5, dtype="int32"), arr(1, 5, dtype="int32"), START, rtol=0, label="int32"),
]

CASES = [*GATHERS, *SCATTERS, *SLICES]
