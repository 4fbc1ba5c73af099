"""Cases of the elementwise operations."""

import numpy as np

from tests.operations import Case, arr, case

F, C = "float64", "complex128"


def unary(name: str, low: float = -2.0, high: float = 2.0, *, kinds: str = "fc", **options
          ) -> list[Case]:
    """One case for each kind of dtype; in the interval the real function is smooth."""
    dtypes = {"f": F, "c": C, "i": "int32", "u": "uint8", "b": "bool"}
    exact = {"low": 0, "high": 100}
    return [case(name, lambda lax, x: getattr(lax, name)(x),
                 arr(2, 3, dtype=dtypes[k], **({"low": low, "high": high} if k in "fc" else exact)),
                 **({"label": "" if k == kinds[0] else k, "rtol": 1e-12} | options))
            for k in kinds]


def binary(name: str, *dtypes: str, low: float = -2.0, high: float = 2.0, **options) -> list[Case]:
    return [case(name, lambda lax, x, y: getattr(lax, name)(x, y),
                 arr(2, 3, dtype=d, low=low, high=high), arr(2, 3, dtype=d, low=low, high=high),
                 **({"label": d if d != dtypes[0] else "", "rtol": 1e-12} | options))
            for d in dtypes]


def extremes(dtype: str):
    """Values where integer operations go wrong: the ends of the range, zero, the bits between."""
    info = np.iinfo(dtype)
    values = np.array([info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 7], dtype)
    return lambda rng: rng.permutation(values)


def integers(name: str, *dtypes: str) -> list[Case]:
    return [case(name, lambda lax, *xs: getattr(lax, name)(*xs),
                 *[arr(8, dtype=d, values=extremes(d))] * (1 if name in COUNTS else 2),
                 label=f"{d}-extremes") for d in dtypes]


def at(values: list, dtype: str = F, **options):
    """An argument of these values."""
    return arr(len(values), dtype=dtype, values=lambda rng: values, **options)


COUNTS = ("population_count", "clz", "bitwise_not")
SHIFTS = [arr(8, dtype="int32", values=extremes("int32")),
          at([0, 1, 5, 31, 32, 33, -1, 1000], "int32")]

ARITHMETIC = [
    *unary("neg", kinds="fciu"), *unary("sign", kinds="fiu"),
    *unary("sign", kinds="c", label="c", order=0), *unary("abs", 0.5, 2, kinds="fi"),
    *unary("abs", kinds="c", label="c"), *unary("square", kinds="fciu"), *unary("sqrt", 0.5, 2),
    *unary("rsqrt", 0.5, 2), *unary("cbrt", 0.5, 2, kinds="f"), *unary("floor", kinds="f"),
    *unary("ceil", kinds="f"), *unary("is_finite", kinds="f"), *unary("exp"), *unary("exp2"),
    *unary("expm1"), *unary("log", 0.5, 2), *unary("log1p", -0.5, 2), *unary("logistic"),
    *unary("sin"), *unary("cos"), *unary("tan", -1, 1), *unary("asin", -0.9, 0.9),
    *unary("acos", -0.9, 0.9), *unary("atan"), *unary("sinh"), *unary("cosh"), *unary("tanh"),
    *unary("asinh"), *unary("acosh", 1.1, 2), *unary("atanh", -0.9, 0.9),
    *binary("add", F, C, "int32", "uint8"), *binary("sub", F, C, "int32", "uint8"),
    *binary("mul", F, C, "int32", "uint8"), *binary("div", F, C, low=0.5),
    *binary("rem", F, low=0.7, high=5),
    *binary("atan2", F), *binary("atan2", C, low=0.3, label="c"),
    *binary("max", F, "int32", "bool"), *binary("min", F, "int32", "bool"),
    *binary("pow", F, C, low=0.5),
    case("integer_pow", lambda lax, x: lax.reciprocal(x), arr(3, low=0.5), label="reciprocal"),
    *[case("integer_pow", lambda lax, x, n=n: lax.integer_pow(x, n), arr(3, low=0.5),
           label=str(n)) for n in (-3, -1, 0, 1, 2, 3, 10)],
    case("integer_pow", lambda lax, x: lax.integer_pow(x, 3), arr(3, dtype=C), label="complex"),
    case("integer_pow", lambda lax, x: lax.integer_pow(x, 5), arr(3, dtype="int32"), label="int"),
    case("pow", lambda lax, x, y: lax.pow(x, y), arr(4, low=0.5),
         at([0, 1, 2, -3], "int32"), label="int"),
    case("pow", lambda lax, x, y: lax.pow(x, y), arr(2, 3, low=0.5), arr(), label="scalar"),
    case("pow", lambda lax, x: lax.pow(x, 3), arr(2, 3), label="literal"),
    case("round", lambda lax, x: lax.round(x), arr(2, 3)),
    case("round", lambda lax, x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN),
         at([0.5, 1.5, 2.5, -0.5]), label="even", order=0),
    case("round", lambda lax, x: lax.round(x), at([0.5, 1.5, -2.5, -0.0, np.nextafter(0.5, 0)]),
         label="away", order=0),
    case("clamp", lambda lax, a, x, b: lax.clamp(a, x, b), arr(2, 3, low=-2, high=-0.5),
         arr(2, 3), arr(2, 3, low=0.5, high=2)),
    case("clamp", lambda lax, x: lax.clamp(-0.5, x, 0.5), arr(2, 3), label="constants"),
    case("clamp", lambda lax, a, x, b: lax.clamp(a, x, b), arr(low=-1, high=-0.5, diff=False),
         arr(2, 3), arr(low=0.5, high=1, diff=False), label="scalar"),
    case("clamp", lambda lax, a, x, b: lax.clamp(a, x, b), *[arr(3, dtype="int32")] * 3,
         label="int"),
]

SHAPES = [
    case(op, lambda lax, x, y, op=op: getattr(lax, op)(x, y), arr(*a, low=0.5), arr(*b, low=0.5),
         label=label)
    for op in ("add", "sub", "mul", "div", "max", "atan2")
    for label, a, b in (("rank0", (2, 3), ()), ("rank0-first", (), (2, 3)), ("size0", (0, 3), ()),
                        ("size1", (2, 1), (1, 3)), ("scalars", (), ()))
] + [
    case("sin", lambda lax, x: lax.sin(x), arr(), label="rank0"),
    case("sin", lambda lax, x: lax.sin(x), arr(2, 0), label="size0"),
]

LOGIC = [
    *binary("eq", F, C, "int32", "bool"), *binary("ne", F, C, "int32", "bool"),
    *binary("ge", F, "int32", "bool"), *binary("gt", F, "uint8"), *binary("le", F, "uint8"),
    *binary("lt", F, "int32", "bool"),
    *[case(op, lambda lax, x, y, op=op: getattr(lax, f"bitwise_{op}")(x, y), arr(9, dtype=d),
           arr(9, dtype=d), label=d)
      for op in ("and", "or", "xor") for d in ("bool", "int32", "uint8")],
    *[case("not", lambda lax, x: lax.bitwise_not(x), arr(9, dtype=d), label=d)
      for d in ("bool", "int32", "uint8")],
    case("select_n", lambda lax, w, x, y: lax.select_n(w, x, y), arr(2, 3, dtype="bool"),
         arr(2, 3), arr(2, 3)),
    case("select_n", lambda lax, w, x, y, z: lax.select_n(w, x, y, z),
         arr(5, dtype="int32", low=0, high=3), *[arr(5)] * 3, label="three"),
    case("select_n", lambda lax, w, x, y: lax.select(w, x, y), arr(dtype="bool"),
         arr(2, 3), arr(2, 3), label="scalar"),
    case("select_n", lambda lax, w, x, y: lax.select(w, x, y), arr(3, dtype="bool"),
         *[arr(3, dtype="int32")] * 2, label="int"),
]

BITS = [
    *integers("add", "int32", "uint8"), *integers("sub", "int32", "uint8"),
    *integers("mul", "int32", "uint8"), *integers("div", "int32", "uint8", "int64"),
    *integers("rem", "int32", "uint8", "int64"), *integers("max", "int8"),
    *integers("mulhi", "int32", "uint8", "int64", "uint64"),
    *integers("population_count", "int32", "uint8", "int64"), *integers("clz", "int32", "uint8",
                                                                        "int64", "int16"),
    *[case(op, lambda lax, x, y, op=op: getattr(lax, op)(x, y), *SHIFTS)
      for op in ("shift_left", "shift_right_arithmetic", "shift_right_logical")],
    *[case(op, lambda lax, x, y, op=op: getattr(lax, op)(x, y), *[
        arr(8, dtype="uint8", values=extremes("uint8"))] * 2, label="unsigned")
      for op in ("shift_left", "shift_right_arithmetic", "shift_right_logical")],
    case("nextafter", lambda lax, x, y: lax.nextafter(x, y), arr(3), arr(3), order=0),
    case("reduce_precision", lambda lax, x: lax.reduce_precision(x, 5, 10), arr(2, 3), order=0),
    case("reduce_precision", lambda lax, x: lax.reduce_precision(x, 4, 3), at(
        [1e-3, 0.014, 0.0157, 240, 249, -1e9, 1.0625, 1.1875], "float32"), order=0, label="small"),
]

COMPLEX = [
    *unary("real", kinds="c"), *unary("imag", kinds="c"),
    case("conj", lambda lax, z: lax.conj(z), arr(3, dtype=C)),
    case("conj", lambda lax, x: lax.conj(x), arr(3), label="real"),
    case("complex", lambda lax, x, y: lax.complex(x, y), arr(2, 3), arr(2, 3)),
    case("complex", lambda lax, x, y: lax.complex(x, y), arr(2, 3), arr(), label="rank0"),
    case("convert_element_type", lambda lax, x: lax.convert_element_type(x, "float32"), arr(3)),
    case("convert_element_type", lambda lax, x: lax.convert_element_type(x, "complex128"), arr(3),
         label="complex"),
    case("convert_element_type", lambda lax, x: lax.convert_element_type(x, "int32"), arr(3),
         label="int", order=0),
    case("convert_element_type", lambda lax, x: lax.convert_element_type(x, "float64"),
         arr(3, dtype="bool"), label="from-bool"),
    case("copy", lambda lax, x: lax.copy_p.bind(x), arr(2, 3)),
    case("stop_gradient", lambda lax, x: lax.stop_gradient(x), arr(2, 3), order=0),
    case("stop_gradient", lambda lax, x: lax.stop_gradient({"a": x, "b": (x,)}), arr(2, 3),
         order=0, label="tree"),
    case("optimization_barrier", lambda lax, x, n: lax.optimization_barrier([x, {"n": n}]),
         arr(2, 3), arr(3, dtype="int32")),
]

SPECIAL = [
    *unary("lgamma", 0.5, 4, kinds="f"), *unary("digamma", 0.5, 4, kinds="f"),
    *unary("erf", kinds="f"), *unary("erfc", kinds="f"), *unary("erf_inv", -0.9, 0.9, kinds="f"),
    *unary("bessel_i0e", kinds="f"), *unary("bessel_i1e", kinds="f"),
    case("bessel_i1e", lambda lax, x: lax.bessel_i1e(x), at([0.0, 1e-20, -3.0]), order=0,
         label="zero"),
    case("polygamma", lambda lax, m, x: lax.polygamma(m, x), at([0, 1, 3], diff=False),
         arr(3, low=0.5)),
    case("polygamma", lambda lax, m, x: lax.polygamma(m, x), arr(low=1), arr(low=1), order=0,
         label="no-derivative"),
    case("zeta", lambda lax, x, q: lax.zeta(x, q), arr(3, low=1.5), arr(3, low=0.5), order=0),
    *[case(op, lambda lax, a, x, op=op: getattr(lax, op)(a, x), arr(4, low=0.5, high=4),
           arr(4, low=0.1, high=6), order=1) for op in ("igamma", "igammac")],
    *[case(op, lambda lax, a, x, op=op: getattr(lax, op)(a, x),
           arr(4, low=0.5, high=4, diff=False), arr(4, low=0.1, high=6), label="x")
      for op in ("igamma", "igammac")],
    case("igamma_grad_a", lambda lax, a, x: lax.igamma_grad_a(a, x), arr(6, low=0.1, high=20),
         arr(6, low=0.1, high=25), order=0, rtol=1e-9),
    case("random_gamma_grad", lambda lax, a, x: lax.random_gamma_grad(a, x),
         arr(6, low=0.1, high=20, diff=False), arr(6, low=0.1, high=25, diff=False), rtol=1e-9),
    case("regularized_incomplete_beta", lambda lax, a, b, x: lax.betainc(a, b, x),
         *[arr(3, low=0.5, diff=False)] * 2, arr(3, low=0.1, high=0.9)),
    case("regularized_incomplete_beta", lambda lax, a, b, x: lax.betainc(a, b, x),
         arr(3, low=0.5), arr(3, low=0.5), arr(3, low=0.1, high=0.9), label="no-derivative",
         order=0),
]

CASES = [*ARITHMETIC, *SHAPES, *LOGIC, *BITS, *COMPLEX, *SPECIAL]
