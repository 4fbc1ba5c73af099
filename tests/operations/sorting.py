"""Cases of sorting."""

import numpy as np

from tests.operations import arr, case


def fixed(*values, dtype="float64", **options):
    """An argument with these values."""
    return arr(*np.shape(values), dtype=dtype, values=lambda rng: values, **options)


INT = {"dtype": "int32", "low": 0, "high": 3}

CASES = [
    case("sort", lambda lax, x: lax.sort(x), arr(2, 5)),
    case("sort", lambda lax, x: lax.sort(x, dimension=0, is_stable=False), arr(4, 3), label="axis"),
    case("sort", lambda lax, x: lax.sort(x), arr(3, 0), label="size0"),
    case("sort", lambda lax, x: lax.sort(x), arr(5, dtype="complex128"), label="complex"),
    case("sort", lambda lax, x: lax.sort(x), arr(9, dtype="bfloat16"), label="bfloat16", order=0),
    case("sort", lambda lax, x: lax.sort(x), arr(9, dtype="uint8", low=0, high=256), label="uint8"),
    case("sort", lambda lax, x: lax.sort(x), arr(5, dtype="bool"), label="bool"),
    case("sort", lambda lax, x: lax.sort(x),
         fixed(np.nan, 0.0, -0.0, np.inf, -np.inf, np.nan, 0.0), label="special", order=0),
    case("sort", lambda lax, k, v: lax.sort((k, v)), fixed(0.0, -0.0, np.nan, 1.0, -0.0, np.nan),
         arr(6), label="stable", order=0),
    case("sort", lambda lax, x, i: lax.sort((x, i)),
         fixed(1 + np.nan * 1j, 2, 1 - 1j, np.nan, 1 + 2j, dtype="complex128"),
         arr(5, dtype="int32"), label="complex-special", order=0),
    case("sort", lambda lax, k, x, y: lax.sort((k, x, y)), arr(3, 4), arr(3, 4), arr(3, 4),
         label="several"),
    case("sort", lambda lax, k, x: lax.sort([k, x], 0, True, 2), arr(6, 2, **INT), arr(6, 2),
         label="two-keys"),
    case("sort", lambda lax, k, m, x: lax.sort((k, m, x), num_keys=2), arr(9, **INT), arr(9, **INT),
         arr(9), label="ties"),
    case("sort", lambda lax, k, v: lax.sort_key_val(k, v, 0), arr(4, 2), arr(4, 2),
         label="key-val"),
    case("top_k", lambda lax, x: lax.top_k(x, 2), arr(3, 4)),
    case("top_k", lambda lax, x: lax.top_k(x, 3, axis=0), arr(4, 2), label="axis"),
    case("top_k", lambda lax, x: lax.top_k(x, 0), arr(2, 3), label="none"),
    case("top_k", lambda lax, x: lax.top_k(x, 3), arr(5, dtype="uint8", low=0, high=3),
         label="ties"),
    case("top_k", lambda lax, x: lax.top_k(x, 2), arr(5, dtype="bool"), label="bool"),
    case("top_k", lambda lax, x: lax.top_k(x, 6),
         fixed(-0.0, np.nan, 0.0, np.inf, -np.inf, -0.0), label="special", order=0),
    case("top_k", lambda lax, x: lax.top_k(x, 4), arr(9, dtype="bfloat16"), label="bfloat16",
         order=0),
]
