"""The special functions that are operations here and compositions in JAX."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.operations import arr, case
from tests.operations.random_bits import library


def special(name: str) -> Callable:
    return lambda lax, *args: getattr(library(lax).scipy.special, name)(*args)


CASES = [
    case("betaln", special("betaln"), arr(3, low=0.2, high=5.0), arr(3, low=0.2, high=5.0)),
    case("betaln", special("betaln"), arr(2, 1, low=9.0, high=900.0), arr(3, low=9.0, high=90.0),
         label="large"),
    case("erfcx", special("erfcx"), arr(4)),
    case("erfcx", special("erfcx"), arr(4, low=2.0, high=60.0), label="large"),
    case("dawsn", special("dawsn"), arr(3, 2, low=-9.0, high=9.0)),
    case("ndtri", special("ndtri"), arr(5, low=0.05, high=0.95)),
    case("log_ndtr", special("log_ndtr"), arr(4, low=-4.0, high=3.0), rtol=1e-5),
    case("expi", special("expi"), arr(4, low=0.3, high=3.0)),
    case("exp1", special("exp1"), arr(4, low=0.3, high=3.0)),
    case("spence", special("spence"), arr(4, low=0.2, high=0.9)),
    case("hurwitz_zeta", special("zeta"), arr(3, low=2.0, high=5.0, diff=False),
         arr(3, low=0.5, high=4.0), rtol=1e-5),
    case("ndtri", special("ndtri"), arr(3, dtype="float32", low=0.1, high=0.9), rtol=1e-5,
         label="float32"),
    case("spence", special("spence"), arr(2, values=lambda rng: np.array([2.5, 7.0])),
         label="beyond"),
]
