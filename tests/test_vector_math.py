"""What kernels compute, one element at a time: elementary functions, and every operation's text.

Functions are compared with NumPy's or SciPy's in more bits, the operations with their evaluation.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest
import scipy.special

import minijax
from minijax import dtypes, lax
from minijax.compiler import expressions, intrinsics, target, vector_math
from minijax.compiler.expressions import NARROW, expression, literal
from minijax.compiler.load import native
from minijax.families import Elementwise
from minijax.lax import xla_float32
from minijax.lax.__main__ import operations as every_operation
from tests.operations import Case, elementwise
from tests.tiers import slow

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def few(cases: Iterable[tuple], fast: Iterable[tuple]) -> list[Any]:
    """The cases as params of a test: compiling takes time, so only some are fast."""
    fast = list(fast)
    return [pytest.param(*c, marks=[] if c in fast else [slow]) for c in cases]


# --- a kernel of one line --------------------------------------------------------------------


def stored(dtype: np.dtype) -> str:
    return "uint16" if dtype.name in NARROW else dtype.name


def kernel_text(line: str, ins: Sequence[np.dtype], out: np.dtype) -> str:
    """A loop that puts `line`, in terms of x0, x1, ..., into the last array."""
    n = len(ins)
    pointers = [f"p{i} = data(a{i}, {stored(d)})" for i, d in enumerate([*ins, out])]
    loads = [f"x{i} = " + (f"widen_{NARROW[d.name]}(p{i}[i])" if d.name in NARROW else f"p{i}[i]")
             for i, d in enumerate(ins)]
    value = f"narrow_{NARROW[out.name]}({line})" if out.name in NARROW else line
    return "\n".join([
        f"def kernel(lo, hi, sizes, {', '.join(f'a{i}' for i in range(n + 1))}):",
        *(f"    {p}" for p in pointers), "    for i in range(lo, hi):",
        *(f"        {x}" for x in loads), f"        p{n}[i] = {value}"])


def run(line: str, xs: Sequence[np.ndarray], out: np.dtype) -> np.ndarray:
    """The line over arrays of one shape."""
    xs = [np.ascontiguousarray(x) for x in np.broadcast_arrays(*xs)]
    kernel = native(kernel_text(line, [x.dtype for x in xs], out), len(xs) + 1)
    result = np.zeros(xs[0].shape, out)
    kernel(0, result.size, None, *map(id, [*xs, result]))
    return result


# --- elementary functions --------------------------------------------------------------------

WIDE = np.longdouble
MORE = 0 if np.finfo(WIDE).nmant > 60 else 1  # ulp, where float64 is the widest type there is

REFERENCE: dict[str, tuple[Callable, float, float]] = {  # function, bounds for float32 and float64
    "exp": (np.exp, 6, 1), "exp2": (np.exp2, 2, 2), "expm1": (np.expm1, 2, 2),
    "log": (np.log, 2, 1), "log1p": (np.log1p, 3, 2), "tanh": (np.tanh, 2, 2),
    "logistic": (lambda x: 1 / (1 + np.exp(-x)), 3, 3), "sin": (np.sin, 1, 2),
    "cos": (np.cos, 1, 2), "tan": (np.tan, 1, 3), "asin": (np.arcsin, 3, 3),
    "acos": (np.arccos, 2, 2), "atan": (np.arctan, 2, 2), "sinh": (np.sinh, 2, 2),
    "cosh": (np.cosh, 2, 2), "asinh": (np.arcsinh, 4, 4), "acosh": (np.arccosh, 4, 4),
    "atanh": (np.arctanh, 4, 4), "rsqrt": (lambda x: 1 / np.sqrt(x), 2, 2),
    "cbrt": (np.cbrt, 1, 1), "pow": (np.power, 1, 2), "atan2": (np.arctan2, 3, 3),
}
SPECIAL: dict[str, tuple[Callable, float, float]] = {  # their error in float64 is added to ours
    "erf": (np.vectorize(math.erf, "d"), 5, 3), "erfc": (np.vectorize(math.erfc, "d"), 4, 5),
    "erf_inv": (scipy.special.erfinv, 80, 12), "lgamma": (scipy.special.gammaln, 1, 8),
    "digamma": (scipy.special.psi, 1, 12),
}
POSITIVE = ("lgamma", "digamma")  # elsewhere they lose digits near their zeros


def some_floats(dtype: Any, n: int, seed: int = 0) -> np.ndarray:
    """Bits at random, and numbers of every usual size."""
    rng = np.random.default_rng(seed)
    width = np.dtype(dtype).itemsize
    anything = rng.integers(0, 256, n * width, np.uint8).view(dtype)
    return np.concatenate([
        anything, rng.normal(size=n), 30 * rng.normal(size=n), rng.uniform(-1, 1, n),
        rng.uniform(0, 100, n), rng.uniform(-750, 750, n), 1 + 1e-3 * rng.normal(size=n),
        [0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan]]).astype(dtype)


def ulps(got: np.ndarray, want: np.ndarray, flushed: bool = False) -> np.ndarray:
    """The error in units of the last place of the result; where both are nan or infinite, none."""
    info = np.finfo(got.dtype)
    exponent = np.frexp(np.maximum(np.abs(want), WIDE(info.tiny)))[1] - 1
    error = np.abs(got.astype(WIDE) - want) / np.ldexp(WIDE(1), exponent - info.nmant)
    same = (got == want.astype(got.dtype)) | (np.isnan(got) & np.isnan(want))
    if flushed:  # what is not a normal number may be zero
        same |= (np.abs(want) < info.tiny) & (got == 0)
    return np.where(same, np.where(np.isfinite(error), np.minimum(error, 0.5), 0), np.where(
        np.isnan(error), np.inf, error))


def operands(name: str, dtype: str, n: int) -> list[np.ndarray]:
    x = some_floats(dtype, n)
    if name == "pow":
        moderate = np.random.default_rng(2).uniform(-700, 700, x.size)
        moderate /= np.log(np.abs(x), dtype=float)
        y = np.where(np.arange(x.size) % 3 == 0, some_floats(dtype, n, 1), moderate.astype(dtype))
        return [x, y]
    if name == "erf_inv":
        return [np.random.default_rng(2).uniform(-1, 1, x.size).astype(dtype)]
    if name in POSITIVE:
        x = np.clip(np.abs(x), np.finfo(dtype).tiny, 1e30)
        return [np.where(np.abs(x - 1.5) < 0.8, x + 2, x)]  # SciPy is not exact there
    return [x, some_floats(dtype, n, 1)[::-1]] if name == "atan2" else [x]


def check_bound(name: str, dtype: str, n: int) -> None:
    fun, *bounds = {**REFERENCE, **SPECIAL}[name]
    xs = operands(name, dtype, n)
    suffix = "f32" if dtype == "float32" else "f64"
    line = f"{name}_{suffix}({', '.join(f'x{i}' for i in range(len(xs)))})"
    got = run(line, xs, np.dtype(dtype))
    wide = WIDE if name in REFERENCE else np.float64
    want = np.asarray(fun(*[x.astype(wide) for x in xs]), WIDE)
    error = ulps(got, want, flushed=name in ("exp", "logistic"))
    worst = np.argmax(error)
    assert error[worst] <= bounds[dtype == "float64"] + MORE, (
        f"{line} at {[x[worst] for x in xs]}: {got[worst]}, not {want[worst]}")


PAIRS = [(name, dtype) for name in [*REFERENCE, *SPECIAL] for dtype in ("float32", "float64")]
FIRST = {("sin", "float32"), ("sin", "float64"), ("exp", "float64"), ("pow", "float64"),
         ("tanh", "float32"), ("erf", "float64")}


@pytest.mark.parametrize("name,dtype", few(PAIRS, FIRST))
def test_error_bounds(name, dtype):
    check_bound(name, dtype, 2_000 if (name, dtype) in FIRST else 100_000)


EXACT = ("exp", "log", "log1p", "erf", "erf_inv")


@pytest.mark.parametrize("name", EXACT)
def test_float32_has_the_bits_of_xla(name):
    x = some_floats("float32", 20_000)
    got = run(f"{name}_f32(x0)", [x], x.dtype)
    assert_same_bits(got, getattr(xla_float32, name)(x), x)
    normal = np.abs(x) >= 3e-38  # XLA takes smaller numbers, and makes them, zero
    assert_same_bits(got[normal], np.asarray(jax.jit(getattr(jax.lax, name))(x))[normal], x[normal])


def assert_same_bits(got: np.ndarray, want: np.ndarray, x: np.ndarray) -> None:
    differs = (got.view(np.int32) != want.view(np.int32)) & ~(np.isnan(got) & np.isnan(want))
    assert not differs.any(), f"{x[differs][:3]}: {got[differs][:3]}, not {want[differs][:3]}"


ANGLES = [  # x, sin(x), cos(x), with the large and the nearly right angles
    (1e22, -0.85220084976718880177, 0.5232147853951389455),
    (1e30, 0.0093314689311758240572, -0.99995646089596646014),
    (1e300, -0.81788191211590859705, -0.57538611195754904669),
    (2.0 ** 62 + 4096, -0.14219411962929786126, -0.98983879108814932757),
    (6381956970095103 * 2.0 ** 797, 1.0, -4.6871659242546276111e-19),
    (np.finfo(float).max, 0.0049619547891840617905, -0.99998768942655993746),
    (np.pi, 1.2246467991473531772e-16, -1.0),
    (-11.0, 0.99999020655070345705, 0.0044256979880507857484),
]


def test_large_angles():
    x, sin, cos = np.array(ANGLES).T
    for line, want in (("sin_f64(x0)", sin), ("cos_f64(x0)", cos), ("1 / tan_f64(x0)", cos / sin)):
        np.testing.assert_allclose(run(line, [x], x.dtype), want, rtol=5e-16, atol=1e-29)
    x32 = np.array([1e30, 16367173 * 2.0 ** 72, np.finfo("f").max, np.pi], "f")
    np.testing.assert_array_max_ulp(
        run("sin_f32(x0)", [x32], x32.dtype),
        np.array([-0.791163438522, 1, -0.521876523334, -8.74227800037e-8], "f"), 1)
    np.testing.assert_array_max_ulp(
        run("cos_f32(x0)", [x32], x32.dtype),
        np.array([-0.611604785418, -1.61476979825e-9, 0.85302103983, -1], "f"), 1)


def test_gamma_near_its_zeros():
    x = np.array([0.9999999970718727, 1.001, 2.000001])
    np.testing.assert_allclose(
        run("lgamma_f64(x0)", [x], x.dtype),
        [1.69016095123653365e-9, -0.000576393598283306152, 4.22784657624529236e-7], 1e-15)
    got = run("digamma_f64(x0)", [np.array([1.4616])], x.dtype)
    np.testing.assert_allclose(got, [-0.0000311062512303416497], 1e-15)


def test_special_values():
    inf, nan = np.inf, np.nan
    x = np.array([0.0, -0.0, inf, -inf, nan])
    for name, want in {"exp": [1, 1, inf, 0, nan], "log": [-inf, -inf, inf, nan, nan],
                       "tanh": [0.0, -0.0, 1, -1, nan], "sin": [0.0, -0.0, nan, nan, nan],
                       "atan": [0.0, -0.0, np.pi / 2, -np.pi / 2, nan]}.items():
        got = run(f"{name}_f64(x0)", [x], x.dtype)
        np.testing.assert_array_equal(got, np.array(want, float))
        assert np.array_equal(np.signbit(got[:2]), np.signbit(np.array(want[:2], float)))
    values = [0.0, -0.0, 1, -1, 0.5, -2, 3, -3, 1e300, -1e300, inf, -inf, nan]
    x, y = map(np.array, zip(*itertools.product(values, values)))
    for dtype in ("float32", "float64"):
        with np.errstate(all="ignore"):
            a, b = x.astype(dtype), y.astype(dtype)
            want = np.power(a, b)
        got = run(f"pow_f{8 * a.itemsize}(x0, x1)", [a, b], a.dtype)
        np.testing.assert_array_max_ulp(got, want, 2)
        assert np.array_equal(np.signbit(got) | np.isnan(got), np.signbit(want) | np.isnan(want))


def test_16_bits():
    every = np.arange(1 << 16, dtype=np.uint16)
    x = np.concatenate([some_floats("float32", 50_000), 1e-5 * some_floats("float32", 50_000)])
    for name, dtype in (("f16", np.float16), ("bf16", ml_dtypes.bfloat16)):
        wide = every.view(dtype).astype(np.float32)
        np.testing.assert_array_equal(run(f"widen_{name}(x0)", [every], wide.dtype), wide)
        with np.errstate(all="ignore"):
            want = x.astype(dtype)
        got = run(f"narrow_{name}(x0)", [x], every.dtype).view(dtype)
        np.testing.assert_array_equal(got.astype(np.float32), want.astype(np.float32))


@pytest.mark.parametrize("name,dtype", few(PAIRS, FIRST))
def test_loops_become_vector_instructions(name, dtype):
    suffix = "f32" if dtype == "float32" else "f64"
    n = len(operands(name, dtype, 1))
    line = f"{name}_{suffix}({', '.join(f'x{i}' for i in range(n))})"
    names = dict(intrinsics.namespace())
    exec(kernel_text(line, [np.dtype(dtype)] * n, np.dtype(dtype)), names)
    text = str(target.instructions(names["kernel"], n + 1))
    assert re.search(r"<\d+ x (float|double)>", text)


# --- text ------------------------------------------------------------------------------------


def test_the_sources_of_a_function_are_complete():
    text = vector_math.sources(["logistic_f32", "tan_f64"])
    names = {k: v for k, v in intrinsics.namespace().items() if k not in vector_math.definitions()}
    exec(text, names)
    assert text.index("def exp_f32") < text.index("def logistic_f32")
    for node in ast.parse(vector_math.sources(vector_math.definitions())).body:
        if isinstance(node, ast.FunctionDef):
            loaded = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            assert not loaded - set(intrinsics.namespace()) - assigned(node) - {"range"}, node.name


def assigned(node: ast.FunctionDef) -> set[str]:
    return {a.arg for a in node.args.args} | {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


@pytest.mark.parametrize("value,dtype", [
    (0.1, "float32"), (0.1, "float64"), (np.nan, "float32"), (-np.inf, "float64"),
    (-0.0, "float32"), (True, "bool"), (-7, "int8"), (2 ** 64 - 1, "uint64"), (-2 ** 63, "int64"),
    (complex(0.1, -0.0), "complex64"), (complex(np.nan, -np.inf), "complex128")])
def test_literals_are_exact(value, dtype):
    want = np.array([value], dtype)
    names = {"nan": np.nan, "inf": np.inf, dtype: np.dtype(dtype).type}
    assert np.array([eval(literal(value, np.dtype(dtype)), names)]).tobytes() == want.tobytes() or (
        want != want).any()


def test_every_operation_has_a_text_or_is_listed():
    listed = set(re.findall(r"`(\w+)`", expressions.__doc__.split("Not here")[1]))
    missing = {name for name, op in every_operation().items()
               if isinstance(op, Elementwise) and name not in expressions.TABLE}
    assert missing == listed - {"nextafter"}


def test_every_kind_of_dtype_has_a_text():
    for name, op in every_operation().items():
        entry = expressions.TABLE.get(name)
        if isinstance(op, Elementwise) and isinstance(entry, dict):
            assert set(op.accepts) - {"V"} <= set("".join(entry)), name


# --- operations ------------------------------------------------------------------------------

CASES = [c for c in elementwise.CASES if c.op in expressions.TABLE and c.label != "tree"]
FIRST_CASES = [c for c in CASES if c.op in ("clamp", "rem", "eq", "select_n") and not c.label]


def check(fun: Callable, *args: np.ndarray, op: str, rtol: float = 0.0) -> None:
    """The equation of the operation gives the same over arrays, as a kernel and evaluated."""
    jaxpr = minijax.make_jaxpr(fun)(*args).jaxpr
    (eqn,) = (e for e in jaxpr.eqns if e.primitive.name == op)
    values = [np.asarray(v.val) if hasattr(v, "val") else args[jaxpr.invars.index(v)]
              for v in eqn.invars]
    out = eqn.outvars[0].aval
    with np.errstate(all="ignore"):
        want = np.asarray(eqn.primitive.impl(*values, **eqn.params)).astype(out.dtype)
    line = expression(eqn, [f"x{i}" for i in range(len(values))])
    got = run(line, [np.broadcast_to(v, want.shape) for v in values], out.dtype)
    if dtypes.is_inexact(out.dtype):
        kind = complex if out.dtype.kind == "c" else float
        np.testing.assert_allclose(got.astype(kind), want.astype(kind), rtol, err_msg=line)
    else:
        np.testing.assert_array_equal(got, want, err_msg=line)


@pytest.mark.parametrize("case", few(
    [(c,) for c in CASES], [(c,) for c in FIRST_CASES]), ids=lambda c: c.id)
def test_operations(case: Case):
    rng = np.random.default_rng(1)
    with minijax.enable_x64(True):
        args = [a.make(rng) for a in case.args]
        check(lambda *xs: case.fun(lax, *xs), *args, op=case.op, rtol=1e-6 if any(
            a.dtype == np.float32 for a in args) else 1e-13)


DTYPES = [np.dtype(d) for d in (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16",
    ml_dtypes.bfloat16, "float32", "float64", "complex64", "complex128")]
TOLERANCE = {"float16": 1e-3, "bfloat16": 8e-3, "float32": 2e-6, "complex64": 1e-5}
BINARY = {"add": lax.add, "sub": lax.sub, "mul": lax.mul, "div": lax.div, "rem": lax.rem,
          "max": lax.max, "min": lax.min, "eq": lax.eq, "lt": lax.lt, "ge": lax.ge,
          "and": lax.bitwise_and, "xor": lax.bitwise_xor, "pow": lax.pow, "mulhi": lax.mulhi,
          "shift_left": lax.shift_left, "shift_right_arithmetic": lax.shift_right_arithmetic}
UNARY = {"neg": lax.neg, "sign": lax.sign, "abs": lax.abs, "square": lax.square, "sqrt": lax.sqrt,
         "not": lax.bitwise_not, "population_count": lax.population_count, "clz": lax.clz,
         "floor": lax.floor, "is_finite": lax.is_finite, "round": lax.round,
         "integer_pow": lambda x: lax.integer_pow(x, 7)}


def edges(dtype: np.dtype) -> np.ndarray:
    """The numbers at the ends of a dtype, and some between."""
    rng, kind = np.random.default_rng(3), dtypes.kind(dtype)
    if kind == "b":
        return rng.random(64) < 0.5
    if kind in "iu":
        info = np.iinfo(dtype)
        ends = [info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 7]
        return np.concatenate([np.array(ends, dtype), rng.integers(info.min, info.max, 56, dtype)])
    if kind == "c":
        return (rng.normal(size=64) + 1j * rng.normal(size=64)).astype(dtype)
    ends = [0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, 1.5, 2.5, -2.5, 1e9, -1e9, 1e20, -1e20,
            300, -300, 65504, 65520, 255.5]
    with np.errstate(all="ignore"):
        return np.concatenate([ends, 10 * rng.normal(size=44)]).astype(dtype)


@pytest.mark.parametrize("source,target", few(
    itertools.permutations(DTYPES, 2), [(np.dtype("float32"), np.dtype("uint8"))]), ids=str)
def test_conversions(source, target):
    with minijax.enable_x64(True):
        check(lambda x: lax.convert_element_type(x, target), edges(source),
              op="convert_element_type", rtol=TOLERANCE.get(target.name, 1e-15))


@pytest.mark.parametrize("name,dtype", few(
    [(n, d) for n in {**UNARY, **BINARY} for d in DTYPES
     if dtypes.kind(d) in getattr(every_operation()[n], "accepts", "")],
    [("div", np.dtype("int32")), ("sign", np.dtype("float32")), ("max", DTYPES[10])]), ids=str)
def test_dtypes(name, dtype):
    x = np.repeat(edges(dtype), 64)
    args = [x] if name in UNARY else [x, np.tile(edges(dtype), 64)]
    with minijax.enable_x64(True):
        check({**UNARY, **BINARY}[name], *args, op=name, rtol=TOLERANCE.get(dtype.name, 1e-12))
