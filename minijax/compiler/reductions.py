"""How the elements of a reduction are combined, one after the other."""

from __future__ import annotations

import dataclasses

import numpy as np

from minijax import dtypes
from minijax.compiler.expressions import kernel_type, literal

__all__ = ["REDUCTIONS"]


@dataclasses.dataclass(frozen=True)
class Rule:
    """`identity(dtype)` starts; `texts` say for each kind of dtype how {0} takes in {1}."""

    identity: dict[str, object]
    texts: dict[str, str]

    def accepts(self, dtype: np.dtype) -> bool:
        return any(dtypes.kind(dtype) in kinds for kinds in self.texts)

    def start(self, dtype: np.dtype) -> str:
        value = next(x for kinds, x in self.identity.items() if dtypes.kind(dtype) in kinds)
        if callable(value):
            value = value(dtype)
        return literal(value, dtype)

    def combine(self, dtype: np.dtype, so_far: str, x: str) -> str:
        text = next(t for kinds, t in self.texts.items() if dtypes.kind(dtype) in kinds)
        return text.format(so_far, x, T=kernel_type(dtype))


def lowest(dtype: np.dtype) -> int:
    return int(dtypes.iinfo(dtype).min)


def highest(dtype: np.dtype) -> int:
    return int(dtypes.iinfo(dtype).max)


REDUCTIONS = {
    "reduce_sum": Rule({"iufc": 0}, {
        "f": "add_reordered({0}, {1})", "iu": "{T}({0} + {1})", "c": "{0} + {1}"}),
    "reduce_prod": Rule({"iufc": 1}, {
        "f": "mul_reordered({0}, {1})", "iu": "{T}({0} * {1})", "c": "{0} * {1}"}),
    "reduce_max": Rule({"f": -np.inf, "iu": lowest, "b": False}, {
        "f": "maximum({0}, {1})", "iu": "select({0} < {1}, {1}, {0})", "b": "{0} | {1}"}),
    "reduce_min": Rule({"f": np.inf, "iu": highest, "b": True}, {
        "f": "minimum({0}, {1})", "iu": "select({1} < {0}, {1}, {0})", "b": "{0} & {1}"}),
    "reduce_and": Rule({"iu": lambda dtype: np.invert(np.zeros((), dtype)), "b": True}, {
        "iu": "{T}({0} & {1})", "b": "{0} & {1}"}),
    "reduce_or": Rule({"iub": 0}, {"iu": "{T}({0} | {1})", "b": "{0} | {1}"}),
    "reduce_xor": Rule({"iub": 0}, {"iu": "{T}({0} ^ {1})", "b": "{0} ^ {1}"}),
}
