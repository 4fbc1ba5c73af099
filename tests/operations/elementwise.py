"""Cases of the elementwise operations."""

from tests.operations import arr, case

CASES = [
    case("mul", lambda lax, x, y: lax.mul(x, y), arr(2, 3), arr(2, 3)),
    case("mul", lambda lax, x, y: lax.mul(x, y), arr(2, 3), arr(), label="rank0"),
    case("mul", lambda lax, x, y: lax.mul(x, y), arr(2, 1), arr(1, 3), label="size1"),
    case("mul", lambda lax, x, y: lax.mul(x, y), arr(3, dtype="complex128"),
         arr(3, dtype="complex128"), label="complex"),
    case("select_n", lambda lax, w, x, y: lax.select_n(w, x, y), arr(2, 3, dtype="bool"),
         arr(2, 3), arr(2, 3)),
    case("convert_element_type", lambda lax, x: lax.convert_element_type(x, "float32"), arr(3)),
]
