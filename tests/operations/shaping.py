"""Cases of the operations that move, cut, join, repeat or make elements."""

import numpy as np

from tests.operations import arr, case

F32, C128, I32 = {"dtype": "float32"}, {"dtype": "complex128"}, {"dtype": "int32"}

SHAPES = [
    case("broadcast_in_dim", lambda lax, x: lax.broadcast_in_dim(x, (2, 3, 4), (0, 2)), arr(2, 4)),
    case("broadcast_in_dim", lambda lax, x: lax.broadcast_in_dim(x, (3, 4), (0, 1)), arr(1, 4),
         label="size1"),
    case("broadcast_in_dim", lambda lax, x: lax.broadcast(x, (2, 0)), arr(3), label="size0"),
    case("broadcast_in_dim", lambda lax, x: lax.broadcast(x, (2, 3)), arr(), label="rank0"),
    case("broadcast_in_dim", lambda lax, x: lax.broadcast_to_rank(x, 4), arr(2, 3), label="rank"),
    case("broadcast_in_dim", lambda lax, x, y: lax.broadcast_like(x, y), arr(3, 1),
         arr(2, 3, 4, diff=False, batch=False), label="like"),
    case("broadcast_in_dim", lambda lax, x: lax.expand_dims(x, (0, -2)), arr(2, 3),
         label="expand_dims"),
    case("reshape", lambda lax, x: lax.reshape(x, (3, 4)), arr(2, 6)),
    case("reshape", lambda lax, x: lax.reshape(x, (2, 6), (1, 2, 0)), arr(2, 3, 2),
         label="dimensions"),
    case("reshape", lambda lax, x: lax.reshape(x, (4, 0)), arr(0, 2), label="size0"),
    case("reshape", lambda lax, x: lax.reshape(x, ()), arr(1, 1), label="rank0"),
    case("reshape", lambda lax, x: lax.collapse(x, 1, 3), arr(2, 3, 4), label="collapse"),
    case("reshape", lambda lax, x: lax.collapse(x, -2), arr(2, 3, 4), label="collapse-end"),
    case("transpose", lambda lax, x: lax.transpose(x, (2, 0, 1)), arr(2, 3, 4)),
    case("transpose", lambda lax, x: lax.transpose(x, np.array([1, 0])), arr(0, 4), label="size0"),
    case("squeeze", lambda lax, x: lax.squeeze(x, (0, -1)), arr(1, 3, 1)),
    case("squeeze", lambda lax, x: lax.squeeze(x, (0,)), arr(1), label="rank0"),
    case("squeeze", lambda lax, x: lax.squeeze(x, (1,)), arr(0, 1), label="size0"),
    case("rev", lambda lax, x: lax.rev(x, (0, 2)), arr(2, 3, 4)),
    case("rev", lambda lax, x: lax.rev(x, ()), arr(2, 3), label="none"),
    case("rev", lambda lax, x: lax.rev(x, (0,)), arr(4, dtype="bool"), label="bool"),
    case("tile", lambda lax, x: lax.tile(x, (2, 3)), arr(3, 2)),
    case("tile", lambda lax, x: lax.tile(x, (0, 1)), arr(3, 2), label="size0"),
    case("tile", lambda lax, x: lax.tile(x, ()), arr(), label="rank0"),
]

JOINING = [
    case("concatenate", lambda lax, x, y, z: lax.concatenate([x, y, z], 1), arr(2, 3), arr(2, 1),
         arr(2, 0)),
    case("concatenate", lambda lax, x, y: lax.concatenate([x, y, x], 0), arr(2), arr(3, diff=False),
         label="constant"),
    case("concatenate", lambda lax, x, y: lax.concatenate([x, y], 0), arr(2, **C128),
         arr(1, **C128), label="complex"),
    case("split", lambda lax, x: lax.split(x, (1, 3, 0), 1), arr(2, 4)),
    case("split", lambda lax, x: lax.split(x, (2, 1), axis=-2), arr(3, 2), label="negative-axis"),
    case("split", lambda lax, x: lax.split(x, (2, 1))[1], arr(3, 2), label="one-used"),
    case("split", lambda lax, x: lax.split(x, (1, 2)), arr(3, **I32), label="int"),
    case("stack", lambda lax, x, y: lax.stack([x, y], 1), arr(2, 3), arr(2, 3)),
    case("stack", lambda lax, x, y: lax.stack([x, y], -1), arr(2), arr(2, diff=False),
         label="constant"),
    case("stack", lambda lax, x, y: lax.stack([x, y]), arr(), arr(), label="rank0"),
    case("unstack", lambda lax, x: lax.unstack(x, 1), arr(2, 3)),
    case("unstack", lambda lax, x: lax.unstack(x)[0], arr(2, 3), label="one-used"),
    case("unstack", lambda lax, x: lax.unstack(x, -1), arr(2), label="rank0"),
]

CUTTING = [
    case("slice", lambda lax, x: lax.slice(x, (1, 0), (3, 2)), arr(4, 3)),
    case("slice", lambda lax, x: lax.slice(x, (0, 1), (4, 3), (3, 1)), arr(5, 3), label="strides"),
    case("slice", lambda lax, x: lax.slice(x, (2, 1), (2, 3), (2, 2)), arr(3, 3), label="size0"),
    case("slice", lambda lax, x: lax.slice(x, (), ()), arr(), label="rank0"),
    case("slice", lambda lax, x: lax.slice_in_dim(x, -3, None, 2, axis=1), arr(2, 5),
         label="in-dim"),
    case("slice", lambda lax, x: lax.slice_in_dim(x, None, -1), arr(3, 2), label="in-dim-end"),
    case("slice", lambda lax, x: lax.slice_in_dim(x, 1, 2, axis=-1), arr(3, 2),
         label="in-dim-last"),
    case("slice", lambda lax, x: lax.index_in_dim(x, -1, 1), arr(2, 3), label="index-kept"),
    case("slice", lambda lax, x: lax.index_in_dim(x, 1, -1, keepdims=False), arr(2, 3),
         label="index"),
    case("pad", lambda lax, x, v: lax.pad(x, v, [(1, 2, 0), (0, 1, 2)]), arr(2, 3), arr()),
    case("pad", lambda lax, x, v: lax.pad(x, v, [(-1, 2, 0), (1, -2, 0)]), arr(3, 4), arr(),
         label="negative"),
    case("pad", lambda lax, x, v: lax.pad(x, v, [(-2, -3, 2), (3, -1, 1)]), arr(4, 3), arr(),
         label="negative-interior"),
    case("pad", lambda lax, x, v: lax.pad(x, v, [(-3, 0, 0), (-4, 6, 1)]), arr(3, 2), arr(),
         label="all-cut-off"),
    case("pad", lambda lax, x, v: lax.pad(x, v, [(2, 1, 3)]), arr(0), arr(), label="size0"),
    case("pad", lambda lax, x, v: lax.pad(x, v, []), arr(), arr(), label="rank0"),
    case("pad", lambda lax, x: lax.pad(x, np.float64(0), [(1, 1, 1)]), arr(3), label="zero"),
    case("pad", lambda lax, x, v: lax.pad(x, v, [(1, 0, 1)]), arr(3, dtype="bool"),
         arr(dtype="bool"), label="bool"),
    case("pad", lambda lax, x, v: lax.pad(x, v, [(1, -1, 1)]), arr(3, **C128), arr(**C128),
         label="complex"),
]


def bits(old: str, new: str, *shape: int, label: str = ""):
    return case("bitcast_convert_type", lambda lax, x: lax.bitcast_convert_type(x, new),
                arr(*shape, dtype=old, low=0, high=100), order=0, label=label or f"{old}-{new}")


MAKING = [
    case("iota", lambda lax: lax.iota("int32", 5)),
    case("iota", lambda lax: lax.iota(np.float32, 0), label="size0"),
    case("iota", lambda lax: lax.broadcasted_iota("uint8", (300, 2), 0), label="wraps"),
    case("iota", lambda lax: lax.broadcasted_iota("bfloat16", (2, 3), 1), label="bfloat16"),
    case("iota", lambda lax: lax.broadcasted_iota("complex64", (2, 3), 0), label="complex"),
    case("empty", lambda lax: lax.empty((2, 3), "float32")),
    case("broadcast_in_dim", lambda lax: lax.full((2, 3), 1.5), label="full"),
    case("broadcast_in_dim", lambda lax: lax.full((2,), 1.5, "int32"), label="full-dtype"),
    case("broadcast_in_dim", lambda lax: lax.full((2,), -1, "uint8"), label="full-wraps"),
    case("broadcast_in_dim", lambda lax, v: lax.full((2, 3), v), arr(), label="full-traced"),
    case("broadcast_in_dim", lambda lax, x: lax.full_like(x, 2), arr(2, 3, diff=False, batch=False),
         label="full_like"),
    case("broadcast_in_dim", lambda lax, x: lax.full_like(x, 2, "bool", (4,)),
         arr(2, 3, diff=False, batch=False), label="full_like-other"),
    bits("float32", "int32", 2, 3), bits("float32", "uint8", 3, 2), bits("float64", "int16"),
    bits("int16", "float32", 3, 2), bits("uint8", "float16", 2), bits("bfloat16", "int16", 0, 3),
    bits("float32", "float32", 2), bits("bool", "bool", 2), bits("int8", "uint8", 4),
]

CASES = [*SHAPES, *JOINING, *CUTTING, *MAKING]
