"""The lattice of type promotion, on names: which type two types become.

It is JAX's (https://docs.jax.dev/en/latest/jep/9407-type-promotion.html), written once, as a graph.
Two types become the lowest type that is above both. The names `int`, `float` and `complex` are the
*weak* types of Python scalars: low in the graph, they give way to the dtype of an array, so that
`x + 1` has the dtype of x.

>>> least_upper_bound({"int32", "float16"}), least_upper_bound({"uint8", "int"})
('float16', 'uint8')
"""

from __future__ import annotations

import functools
from collections.abc import Set

FLOAT0_ADVICE = (
    "float0s do not support any operations by design: they are tangents of integers, and carry "
    "nothing. np.zeros(x.shape) are zeros in its place. If you did not expect a float0, look for a "
    "derivative with respect to an integer argument.")

# The narrow types combine with Python scalars and with nothing else.
NARROW_INTS = ["int1", "int2", "int4"]
NARROW_UINTS = ["uint1", "uint2", "uint4"]
NARROW_FLOATS = [
    "float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn", "float8_e3m4", "float8_e4m3",
    "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
    "float8_e8m0fnu"]

INTS = [*NARROW_INTS, "int8", "int16", "int32", "int64"]
UINTS = [*NARROW_UINTS, "uint8", "uint16", "uint32", "uint64"]
FLOATS = [*NARROW_FLOATS, "bfloat16", "float16", "float32", "float64"]
COMPLEXES = ["complex64", "complex128"]
WEAK = ["int", "float", "complex"]

ABOVE: dict[str, list[str]] = {  # each type, and the types one step above it
    "bool": ["int"],
    "int": ["uint8", "int8", *NARROW_INTS, *NARROW_UINTS],
    "uint8": ["uint16", "int16"],
    "uint16": ["uint32", "int32"],
    "uint32": ["uint64", "int64"],
    "int8": ["int16"],
    "int16": ["int32"],
    "int32": ["int64"],
    "uint64": ["float"],
    "int64": ["float"],
    "float": ["bfloat16", "float16", "complex", *NARROW_FLOATS],
    "bfloat16": ["float32"],
    "float16": ["float32"],
    "float32": ["float64", "complex64"],
    "float64": ["complex128"],
    "complex": ["complex64"],
    "complex64": ["complex128"],
}
# Without 64-bit types, no two narrower types may make one.
ABOVE_32 = ABOVE | {"uint32": ["uint64", "int32"]}
# Strict promotion: only Python scalars adapt.
ABOVE_STRICT = {"int": ["float", *INTS, *UINTS], "float": ["complex", *FLOATS],
                "complex": COMPLEXES}


class TypePromotionError(ValueError):
    """Dtypes have no common one that the rules of promotion allow."""


class InvalidPromotionError(TypePromotionError, TypeError):
    """Keys and float0 do not combine: JAX's ValueError of `result_type` and TypeError of `add`."""


def _closure(above: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    """Each type, and every type that can be reached from it, itself included."""

    @functools.cache
    def reach(node: str) -> frozenset[str]:
        return frozenset([node]).union(*map(reach, above.get(node, ())))

    return {node: reach(node) for node in ["bool", *WEAK, *INTS, *UINTS, *FLOATS, *COMPLEXES]}


_REACH, _REACH_32, _REACH_STRICT = map(_closure, (ABOVE, ABOVE_32, ABOVE_STRICT))


def least_upper_bound(types: Set[str], strict: bool = False, x64: bool = True) -> str:
    """The lowest type above all `types`. TypePromotionError if there is none."""
    reach = _REACH_STRICT if strict else _REACH if x64 else _REACH_32
    names = sorted(types)
    for name in names:
        if name not in reach:
            raise InvalidPromotionError(
                f"dtype={name} is not a valid dtype for JAX type promotion, in {tuple(names)}. "
                f"Only numbers are; keys combine with nothing, and {FLOAT0_ADVICE}")
    common = frozenset.intersection(*[reach[name] for name in names])
    for candidate in common:
        if common <= reach[candidate]:
            return candidate
    when = " when jax_numpy_dtype_promotion=strict" if strict else ""
    raise TypePromotionError(
        f"Input dtypes {tuple(names)} have no available implicit dtype promotion path{when}. "
        "Cast one of them first, for example with x.astype('float32').")
