"""The source of one element of an elementwise operation, as kernels compute it: one line of text.

`{0}`, `{1}`, ... are the operands, `{T}` is the type of the result, `{A}` that of the first operand
and `{f}` its short name, as in `exp_f32`. Numbers of float16 and bfloat16 are float32 in a kernel,
rounded after each operation, so that the compiled program computes what its operations do.
The functions are those of `intrinsics.py` and `vector_math/`.

>>> import minijax as jax
>>> eqn = jax.make_jaxpr(jax.lax.exp)(1.0).eqns[0]
>>> expression(eqn, ["x"])
'exp_f32(x)'

Not here, and so evaluated by NumPy and SciPy: `polygamma`, `zeta`, `hurwitz_zeta`, `igamma`,
`igammac`, `igamma_grad_a`, `random_gamma_grad`, `regularized_incomplete_beta`, `bessel_i0e`,
`bessel_i1e`, `betaln`, `dawsn`, `erfcx`, `exp1`, `expi`, `log_ndtr`, `ndtri`, `spence`. They are
rare, and each is series and fractions of many terms. Nor are integers of fewer than 8 bits, 8-bit
floats, and `nextafter` of 16-bit floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.jaxpr import JaxprEqn

NARROW = {"float16": "f16", "bfloat16": "bf16"}
SUFFIX = {"float32": "f32", "float64": "f64", "complex64": "c64", "complex128": "c128"}
PLAIN = {"bool", *(f"{s}int{n}" for s in ("", "u") for n in (8, 16, 32, 64)), *SUFFIX}


def kernel_type(dtype: np.dtype) -> str:
    """The name of the type that numbers of `dtype`, or keys, have in a kernel."""
    if dtypes.is_key_dtype(dtype):
        return "uint64"
    return "float32" if dtype.name in NARROW else dtype.name


def has_kernel_type(dtype: np.dtype) -> bool:
    return dtype.name in PLAIN or dtype.name in NARROW or dtypes.is_key_dtype(dtype)


def number(value: Any, dtype: np.dtype) -> Any:
    """A scalar as a number of Python's; a key as that which it is in a kernel."""
    x = np.asarray(value).astype(dtype)
    return (x.view(np.uint64) if dtypes.is_key_dtype(dtype) else x).item()


def literal(value: Any, dtype: np.dtype) -> str:
    """A scalar as text, exactly.

    >>> literal(0.1, np.dtype("float32"))
    'float32(0.10000000149011612)'
    """
    x, kind = number(value, dtype), kernel_type(np.dtype(dtype))
    if dtypes.kind(dtype) == "c":
        return f"{kind}(complex({x.real!r}, {x.imag!r}))"
    return f"{kind}({float(x)!r})" if dtypes.kind(dtype) == "f" else f"{kind}({x!r})"


# --- operations with parameters --------------------------------------------------------------


def _convert(eqn: JaxprEqn) -> str:
    have, want = eqn.invars[0].aval.dtype, eqn.outvars[0].aval.dtype
    source, target = dtypes.kind(have), dtypes.kind(want)
    x = "{0}"
    if source == "c" and target not in "bc":
        x, source, have = "{0}.real", "f", dtypes.to_floating_dtype(have)
    if target == "b" and source != "b":
        return f"{x} != {kernel_type(have)}(0)"
    if target in "iu" and source == "f":
        return f"saturate({x}, {{T}})"
    if want.name in NARROW and want != have:
        short = NARROW[want.name]
        return f"widen_{short}(narrow_{short}({{T}}({x})))"
    return x if want == have else f"{{T}}({x})"


def _round(eqn: JaxprEqn) -> str:
    return "rint({0})" if eqn.params["rounding_method"] == 1 else "round_away_{f}({0})"


def _select(eqn: JaxprEqn) -> str:
    which, *cases = (v.aval for v in eqn.invars)
    if which.dtype == bool:
        return "select({0}, {2}, {1})" if len(cases) == 2 else "{1}"
    text = f"{{{len(cases)}}}"
    for i in range(len(cases) - 1, 0, -1):
        text = f"select({{0}} < {{A}}({i}), {{{i}}}, {text})"
    return text


def _integer_pow(eqn: JaxprEqn) -> str:
    """The product of x**1, x**2, x**4, ... that y consists of, each the square of another."""
    y, power, factors = eqn.params["y"], "{0}", []
    for bit in reversed(bin(abs(y))[2:]):
        if bit == "1":
            factors.append(power)
        power = f"square({power})"
    product = " * ".join(factors) or "1"
    kind = dtypes.kind(eqn.outvars[0].aval.dtype)
    if y < 0:
        return f"{{T}}(1) / ({product})" if kind == "f" else f"div_{{f}}({{T}}(1), {product})"
    return f"{{T}}({product})" if factors and kind in "fc" or kind in "iu" else "{T}(1)"


def _divide(eqn: JaxprEqn) -> str:
    """By the reciprocal, where the divisor is for several elements."""
    x, y, out = (v.aval for v in (*eqn.invars, *eqn.outvars))
    return "{0} * ({T}(1) / {1})" if y.shape != x.shape and y.size < out.size else "{0} / {1}"


def _pow(eqn: JaxprEqn) -> str:
    return "pow_{f}({0}, {T}({1}))"


def _random_bits(eqn: JaxprEqn) -> str:
    return f"{{T}}(threefry_{max(eqn.params['bit_width'], 32)}({{0}}, {{1}}))"


def _random_seed(eqn: JaxprEqn) -> str:
    wide = eqn.invars[0].aval.dtype.itemsize == 8
    return "halves_swapped(uint64({0}))" if wide else "halves_swapped(uint64(uint32({0})))"


def _reduce_precision(eqn: JaxprEqn) -> str:
    """What the dtype has no more of anyway stays as it is in float64."""
    info, params = dtypes.finfo(eqn.invars[0].aval.dtype), eqn.params
    exponent = params["exponent_bits"] if params["exponent_bits"] < info.nexp else 11
    mantissa = params["mantissa_bits"] if params["mantissa_bits"] < info.nmant else 52
    return f"reduce_precision_{{f}}({{0}}, {exponent}, {mantissa})"


def _nextafter(eqn: JaxprEqn) -> str | None:
    narrow = eqn.invars[0].aval.dtype.name in NARROW
    return None if narrow else "nextafter_{f}({0}, {1})"  # float32 has others in between


def _bitcast(eqn: JaxprEqn) -> str | None:
    have, want = eqn.invars[0].aval.dtype, eqn.outvars[0].aval.dtype
    if have.itemsize != want.itemsize or have.kind in "bc" or want.kind in "bc":
        return None
    x = f"narrow_{NARROW[have.name]}({{0}})" if have.name in NARROW else "{0}"
    if want.name in NARROW:
        return f"widen_{NARROW[want.name]}(bits({x}, uint16))"
    return f"bits({x}, {{T}})"


# --- the table -------------------------------------------------------------------------------

# operation: the text, or for each kind of operand (biufc) the text; a function makes it
TABLE: dict[str, Any] = {
    "add": {"iu": "{T}({0} + {1})", "fc": "{0} + {1}"},
    "sub": {"iu": "{T}({0} - {1})", "fc": "{0} - {1}"},
    "mul": {"b": "{0} & {1}", "iu": "{T}({0} * {1})", "fc": "{0} * {1}"},
    "div": {"iu": "quotient({0}, {1})", "f": _divide, "c": "div_{f}({0}, {1})"},
    "rem": {"iu": "remainder({0}, {1})", "f": "rem_{f}({0}, {1})"},
    "fma": {"f": "fma({0}, {1}, {2})", "c": "{0} * {1} + {2}"},
    "neg": {"iu": "{T}(-{0})", "fc": "-{0}"},
    "square": {"iu": "{T}({0} * {0})", "fc": "{0} * {0}"},
    "integer_pow": _integer_pow,
    "sign": {"i": "{T}({T}({0} > {T}(0)) - {T}({0} < {T}(0)))", "u": "{T}({0} != {T}(0))",
             "f": "select({0} == {0}, copysign({T}({0} != {T}(0)), {0}), {0})",
             "c": "sign_{f}({0})"},
    "abs": {"i": "select({0} < {T}(0), {T}(-{0}), {0})", "f": "fabs({0})", "c": "abs_{f}({0})"},
    "max": {"b": "{0} | {1}", "iu": "select({0} < {1}, {1}, {0})", "f": "maximum({0}, {1})",
            "c": "max_{f}({0}, {1})"},
    "min": {"b": "{0} & {1}", "iu": "select({0} < {1}, {0}, {1})", "f": "minimum({0}, {1})",
            "c": "min_{f}({0}, {1})"},
    "clamp": {"b": "({0} | {1}) & {2}", "c": "min_{f}(max_{f}({0}, {1}), {2})",
              "f": "minimum(maximum({0}, {1}), {2})",
              "iu": "select({2} < {1}, {2}, select({1} < {0}, select({2} < {0}, {2}, {0}), {1}))"},
    "floor": "floor({0})", "ceil": "ceil({0})", "round": _round,
    "sqrt": {"f": "sqrt({0})", "c": "sqrt_{f}({0})"},
    "is_finite": "fabs({0}) < inf",
    "eq": "{0} == {1}", "ne": "{0} != {1}", "lt": "{0} < {1}", "le": "{0} <= {1}",
    "gt": "{0} > {1}", "ge": "{0} >= {1}",
    "not": {"b": "not {0}", "iu": "{T}(~{0})"},
    "and": {"b": "{0} & {1}", "iu": "{T}({0} & {1})"},
    "or": {"b": "{0} | {1}", "iu": "{T}({0} | {1})"},
    "xor": {"b": "{0} ^ {1}", "iu": "{T}({0} ^ {1})"},
    "shift_left": "shift_left({0}, {1})",
    "shift_right_logical": "shift_right_logical({0}, {1})",
    "shift_right_arithmetic": "shift_right_arithmetic({0}, {1})",
    "population_count": "population_count({0})", "clz": "clz({0})", "mulhi": "mulhi({0}, {1})",
    "select_n": _select, "convert_element_type": _convert, "reduce_precision": _reduce_precision,
    "pow": _pow, "bitcast_convert_type": _bitcast, "nextafter": _nextafter,
    "gcd": "{T}(gcd({0}, {1}))", "lcm": "{T}(lcm({0}, {1}))",
    "real": "{0}.real", "imag": "{0}.imag", "complex": "pair({0}, {1})",
    "conj": {"f": "pair({0}, {A}(0))", "c": "pair({0}.real, -{0}.imag)"},
    "iota": "{T}({0})",
    "random_bits": _random_bits, "random_seed": _random_seed,
    "random_split": "threefry_key({0}, {1})", "random_fold_in": "threefry_key({0}, {1})",
    "random_wrap": "uint64({0}) | (uint64({1}) << uint64(32))",
    "random_unwrap": "{T}({0} >> uint64(32 * {1}))",
    **dict.fromkeys(("copy", "random_clone", "stop_gradient", "name"), "{0}"),
    **{name: f"{name}_{{f}}({{0}})" for name in (
        "exp exp2 expm1 log log1p logistic tanh sin cos tan asin acos atan sinh cosh asinh acosh "
        "atanh rsqrt cbrt erf erfc erf_inv lgamma digamma").split()},
    "atan2": "atan2_{f}({0}, {1})",
}
TABLE["add_any"] = {"b": "{0} | {1}", **TABLE["add"]}


AS_IT_IS = set("""abs bitcast_convert_type ceil clamp convert_element_type copy floor max min name
                  neg reduce_precision round select_n sign stop_gradient""".split())


def expression(eqn: JaxprEqn, operands: Sequence[str]) -> str | None:
    """The text of one element of the result of `eqn`, given those of its operands.

    Where the elements are numbered (see `numbering`), their number comes last.
    None if there is no kernel for the operation or its dtype.
    """
    kinds = [v.aval.dtype for v in (*eqn.invars, *eqn.outvars)]
    if not kinds or not all(map(has_kernel_type, kinds)):
        return None
    text = _text(TABLE.get(eqn.primitive.name), eqn, dtypes.kind(kinds[0]))
    if text is None:
        return None
    first, short = kernel_type(kinds[0]), NARROW.get(kinds[-1].name)
    line = text.format(*operands, T=kernel_type(kinds[-1]), A=first, f=SUFFIX.get(first, first))
    rounded = short and eqn.primitive.name not in AS_IT_IS
    return f"widen_{short}(narrow_{short}({line}))" if rounded else line


def binary(name: str, dtype: np.dtype, x: str, y: str) -> str | None:
    """The text of an operation on two elements of one dtype, which needs no parameters."""
    text = _text(TABLE[name], None, dtypes.kind(dtype))
    kind = kernel_type(dtype)
    return text and text.format(x, y, T=kind, A=kind, f=SUFFIX.get(kind, kind))


def _text(entry: Any, eqn: JaxprEqn | None, kind: str) -> str | None:
    if isinstance(entry, dict):
        entry = next((v for k, v in entry.items() if kind in k), None)
    return entry(eqn) if callable(entry) else entry
