"""`minijax.numpy` against `jax.numpy`: values, types, errors, programs, derivatives.

The calls are in `tests/numpy_calls.py`; indexing has its own tests in `test_indexing.py`.
"""

from __future__ import annotations

import sys
import warnings

import jax
import numpy as np
import pytest

import minijax
import minijax.numpy as jnp
from tests.calls import (
    OURS,
    THEIRS,
    Library,
    differences,
    disagreements,
    equations,
    expressions,
    report,
    text_of,
)
from tests.numpy_calls import CALLS, DERIVATIVES, LONGER_DERIVATIVES, PROGRAMS
from tests.tiers import slow, thinned

from .tiers import heavy

# --- the table -----------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", CALLS)
def test_calls_answer_alike(topic):
    found = disagreements(expressions(CALLS[topic]))
    assert not found, report(found)


@slow
@pytest.mark.parametrize("topic", ["operators", "choosing", "ranges", "reductions", "searching",
                                   "sets"])
def test_calls_answer_alike_in_64_bits(topic):
    with jax.enable_x64(True), minijax.enable_x64(True):
        found = disagreements(expressions(CALLS[topic]), 1e-4, Library(jax), Library(minijax))
    assert not found, report(found)


AFTERWARDS = """
    jnp.sin(f3); jnp.exp(i3); jnp.round(f4, 1); jnp.angle(c3, deg=True); jnp.modf(i3); jnp.sinc(f4);
    jnp.isposinf(f3); jnp.isreal(c3); jnp.logical_not(i3); jnp.allclose(f3, f3+1);
    jnp.where(i3, c3, 1); jnp.array([f3, f3]); jnp.array([f, 1]); jnp.stack([f3, f3]);
    jnp.full(2, f); jnp.diag(f3);
    jnp.concatenate([f3, jnp.ones(3)]); jnp.vander(f3, 4); jnp.insert(f3, 1, 9); jnp.diff(f34);
    jnp.compress(b3, f3); jnp.unique(b5); jnp.quantile(f34, 0.3, method="inverted_cdf");
    f3[i3]; f3[0]; f3[i]; f3[b3]; jnp.arange(3)[i3]; f3.at[0].set(1); f3.at[i3].add(1.);
    jnp.zeros(3).at[i3].add(1.); jnp.take_along_axis(f34, i34, axis=1); f3.astype(float);
    f3.astype("float64"); lax.convert_element_type(f3, "float64"); jnp.ones_like(i3);
    jnp.sum(f3); jnp.mean(i3); jnp.cumsum(f3); jnp.sort(-f3); f34@f34.T; jnp.linalg.det(f33);
    jax.jit(lambda x: jnp.sin(x)*x)(f3); jax.jit(lambda x: x+1)(f3); jax.jit(lambda: f3)();
    jax.vmap(lambda x: x+1)(f3); jax.jvp(jnp.sin, (f3,), (f3,)); jax.vjp(jnp.sin, f3)[1](f3);
    jax.grad(lambda x: jnp.sum(x**3/2))(f3); jax.jacfwd(jnp.sin)(f3); jax.jacrev(jnp.square)(f3);
    jax.grad(lambda x: jnp.sum(x.at[0].set(x[1]*2)**2))(f3); jax.nn.relu(f3); jax.nn.softmax(f3);
    jax.grad(lambda x: jnp.sum(jnp.convolve(x, x)))(f3); jax.linearize(jnp.cos, f3)[1](f3)
"""


@heavy
@pytest.mark.parametrize("topic", thinned(["operators", "afterwards", "joining"], lambda t: "all"))
def test_calls_answer_alike_when_64_bits_are_over(topic):
    """Arrays of 64 bits keep theirs alone, and become narrow with others, as in JAX.

    JAX itself has functions that mix the two, and fail; ours need not.
    """
    with jax.enable_x64(True), minijax.enable_x64(True):
        theirs, ours = Library(jax, wide=True), Library(minijax, wide=True)
    found = {e: d for e in expressions((CALLS | {"afterwards": AFTERWARDS})[topic])
             if (d := differences(theirs(e), ours(e))) and "the same dtypes, got" not in d}
    assert not found, report(found)


@pytest.mark.parametrize("topic", PROGRAMS)
def test_programs_print_alike(topic):
    found = {}
    for e in expressions(PROGRAMS[topic]):
        theirs, ours = text_of(THEIRS.program(e)), text_of(OURS.program(e))
        if theirs != ours:
            found[e] = f"{theirs}\n    ours {ours}"
    assert not found, report(found)


@heavy
def test_derivatives_agree():
    found = disagreements([f"jax.grad(lambda y: jnp.sum({e}))(f34)"
                           for e in expressions(DERIVATIVES + ";" + LONGER_DERIVATIVES)], 1e-3)
    assert not found, report(found)


@slow
def test_derivatives_are_not_longer():
    found = {}
    for e in expressions(DERIVATIVES):
        program = f"jax.make_jaxpr(jax.grad(lambda y: jnp.sum({e})))(f34)"
        theirs, ours = equations(THEIRS(program)), equations(OURS(program))
        if ours > theirs:
            found[e] = f"{theirs} equations, ours {ours}"
    assert not found, report(found)


# --- laws ----------------------------------------------------------------------------------------

ALL_PROGRAMS = [e for text in PROGRAMS.values() for e in expressions(text)
                if not isinstance(OURS.program(e), Exception)]


@heavy
def test_jit_changes_nothing():
    found = {}
    for e in ALL_PROGRAMS:
        f, args = OURS.function(e)
        if d := differences(OURS(e), minijax.jit(f)(*args)):
            found[e] = d
    assert not found, report(found)


@slow
def test_vmap_is_a_loop():
    """Mapped over all arrays of numbers, or over the first one only."""
    found = {}
    for e in ALL_PROGRAMS:
        f, args = OURS.function(e)
        numbers = [k for k, x in enumerate(args) if x.dtype.kind in "fci"]
        for mapped in (numbers, numbers[:1]) if len(numbers) > 1 else (numbers,):
            if not mapped:
                continue
            axes = tuple(0 if k in mapped else None for k in range(len(args)))
            both = [jnp.stack([x, 2 * x + 1]) if k in mapped else x for k, x in enumerate(args)]
            rows = [f(*[x[n] if k in mapped else x for k, x in enumerate(both)]) for n in (0, 1)]
            loop = minijax.tree.map(lambda *r: jnp.stack(r), *rows)
            if d := differences(loop, minijax.vmap(f, axes)(*both), 1e-3):
                found[f"{e} over {mapped}"] = d.replace("ours", "vmap")
    assert not found, report(found)


# --- names ---------------------------------------------------------------------------------------

NOT_OURS: dict[str, set[str]] = {"numpy": set(), "numpy.linalg": set(), "numpy.fft": set()}


@pytest.mark.parametrize("module", NOT_OURS)
def test_every_name_is_there(module):
    path = module.split(".")
    theirs, ours = jax, minijax
    for part in path:
        theirs, ours = getattr(theirs, part), getattr(ours, part)
    missing = {n for n in dir(theirs) if not n.startswith("_")} - set(dir(ours))
    assert missing == NOT_OURS[module]


def test_arrays_have_the_methods_of_arrays():
    missing = {n for n in dir(jax.Array) if not n.startswith("_")} - set(dir(minijax.numpy.ones(1)))
    assert not missing


def test_traced_values_have_the_operators_of_arrays():
    dunders = {n for n in vars(jax.core.Tracer) if n.startswith("__")}
    operators = {n for n in dunders if n.strip("_").removeprefix("r") in (
        "add sub mul truediv floordiv mod divmod pow matmul and or xor lshift shift neg pos abs "
        "invert eq ne lt le gt ge").split()}
    assert len(operators) > 30 and operators <= set(dir(minijax.core.Tracer))


# --- single facts --------------------------------------------------------------------------------


def test_array_is_a_copy():
    source = np.zeros(3)
    x, y = jnp.array(source), jnp.asarray(source)
    source[0] = 7
    assert x[0] == 0 and y[0] == 0


def test_explicit_64_bits_warn():
    for make in (lambda np_: np_.zeros(2, "float64"), lambda np_: np_.array(1, "int64"),
                 lambda np_: np_.arange(2, dtype=np.float64), lambda np_: np_.ones(1).astype("f8")):
        with pytest.warns(UserWarning, match="will be truncated to dtype") as ours:
            make(jnp)
        with pytest.warns(UserWarning) as theirs:
            make(jax.numpy)
        assert str(ours[0].message).split(".")[0] == str(theirs[0].message).split(".")[0]


def test_implicit_64_bits_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jnp.array(np.zeros(2)).dtype == jnp.array([1.0]).dtype == np.float32


def test_rank_promotion_can_be_refused():
    with minijax.numpy_rank_promotion("raise"):
        with pytest.raises(ValueError, match="could not be broadcast together for add"):
            jnp.ones((2, 3)) + jnp.ones(3)
        assert (jnp.ones(3) + 1).shape == (3,)
    with minijax.numpy_rank_promotion("warn"), pytest.warns(UserWarning, match="rank promotion"):
        jnp.ones((2, 3)) * jnp.ones(3)


def test_strict_dtype_promotion():
    with minijax.numpy_dtype_promotion("strict"):
        assert (jnp.ones(2) * 2).dtype == np.float32
        with pytest.raises(minijax.dtypes.TypePromotionError):
            jnp.ones(2) + jnp.arange(2)


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "complex64", "bfloat16"])
def test_save_and_load(tmp_path, dtype):
    x = jnp.arange(3).astype(dtype)
    jnp.save(tmp_path / "x.npy", x)
    y = jnp.load(tmp_path / "x.npy")
    assert y.dtype == x.dtype and jnp.array_equal(x, y)


def test_savez(tmp_path):
    jnp.savez(tmp_path / "x.npz", a=jnp.ones(2))
    assert np.array_equal(jnp.load(tmp_path / "x.npz")["a"], [1, 1])


def test_print_options():
    with jnp.printoptions(precision=2):
        assert str(jnp.array([1 / 3])) == "[0.33]"


def test_dlpack_shares_memory():
    x = jnp.arange(4.0)
    assert np.shares_memory(np.from_dlpack(x), np.asarray(x))
    assert jnp.array_equal(jnp.from_dlpack(np.arange(3)), jnp.arange(3))


def test_mixing_with_numpy():
    """An operator of both is ours; a function of NumPy is NumPy's."""
    assert isinstance(np.ones(3) + jnp.ones(3), jnp.ndarray)
    assert isinstance(np.float32(2) * jnp.ones(3), jnp.ndarray)
    assert isinstance(np.sin(jnp.ones(3)), np.ndarray)


def test_scalar_classes_make_arrays():
    x = jnp.float32(3)
    assert isinstance(x, jnp.ndarray) and x.dtype == jnp.float32 and not x.weak_type
    assert jnp.zeros(2, jnp.bfloat16).dtype == jnp.bfloat16


def test_objects_with_jax_array():
    class Boxed:
        def __jax_array__(self):
            return jnp.arange(3.0)

    assert jnp.array_equal(jnp.sin(Boxed()), jnp.sin(jnp.arange(3.0)))
    assert jnp.array_equal(jnp.ones(3) + Boxed(), 1 + jnp.arange(3.0))
    assert jnp.array([Boxed(), Boxed()]).shape == (2, 3)


def test_a_list_does_not_repeat_itself():
    """A scalar array has `__index__`, so Python could take `[1] * x` for a repetition."""
    with pytest.raises(TypeError, match="unsupported operand"):
        [1] * jnp.array(3)


def test_ufuncs_compare_by_what_they_are():
    assert jnp.add == jnp.add != jnp.multiply and len({jnp.add, jnp.add, jnp.negative}) == 2
    assert isinstance(jnp.add, jnp.ufunc) and repr(jnp.add) == "<jnp.ufunc 'add'>"


@pytest.mark.parametrize(("expression", "most"), [
    ("x + y", 25), ("x * 2.0", 60), ("jnp.sin(x)", 25), ("x.reshape(3, 1)", 45), ("x[0]", 100)])
def test_operations_are_few_python_calls(expression, most):
    names = {"x": jnp.arange(3.0), "y": jnp.ones(3), "jnp": jnp}
    code, count = compile(expression, "", "eval"), 0
    eval(code, names)

    def profile(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        eval(code, names)
    finally:
        sys.setprofile(None)
    assert count <= most
