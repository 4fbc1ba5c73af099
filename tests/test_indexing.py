"""x[...] and x.at[...] against JAX: values, types, errors, programs, gradients.

The index expressions are tables; `tests/calls.py` evaluates them in both libraries.
"""

from __future__ import annotations

import warnings

import jax
import numpy as np
import pytest

import minijax
import minijax.numpy as jnp
from tests.calls import (
    OURS,
    THEIRS,
    differences,
    disagreements,
    equations,
    expressions,
    report,
    text_of,
)
from tests.tiers import slow

from .tiers import heavy

# --- index expressions, for arrays of shapes (3,), (3, 4) and (2, 3, 5) --------------------------

INDICES = {
    "f3": """
    0; -1; 2; 3; -4; 1:; -2:; :2; ::2; ::-1; ::-2; 2:0:-1; 5:; 1:1; None; ...; (); None, 0;
    0, None; ..., None; None, ...; 0, ...; True; False; i; jnp.int32(-1); np.int32(1);
    np.int64(-1); np.array(1); jnp.array(7); i3; i3-1; np.array([0, 2]); jnp.array([0, -1, 7]);
    jnp.array([[0, 1], [2, 0]]); u3; b3; np.array([True, False, True]); jnp.array([True, False]);
    [0]; [0, 1]; [True, False, True]; []; (0,); ([0, 1],); ([],); 0.; 1.5; "a"; f; f3; 1j;
    jnp.array(1.); slice(None); slice(0, 2); slice(i); slice(None, None, 0); {}; object(); 0, 0;
    range(2); jnp.array([], dtype=int); b3[:, None]; i==2; jnp.zeros((0,), bool); slice(0, 2.);
    i3[:0]; True, True; None, True
""",
    "f34": """
    0; -1; i; 0, 1; -1, -1; i, i; 0, i; i, 0; :, 0; :, i; 1:, 1:; ::2, ::-1; 0, 1:; 1:, 0; i, 1:;
    1:, i; i, ::2; ::-1, i; ..., 0; 0, ...; ...; None; None, 0; :, None; :, None, 0; 0, None, 1;
    i3; i34[0]; :, i3; i3, i3; i3, 0; 0, i3; i3, 1:; 1:, i3; i3, ::2; ::-1, i3; i3[:, None], i3;
    i3[:, None], jnp.arange(4); ..., i3; i3, ...; None, i3; i3, None; i3, None, i3; b34; b3;
    :, jnp.array([True, False, True, True]); b3, 0; b3, 1:; b3, i3[:2]; f34>2; 0, 0, 0; ..., ...;
    i3, i3, i3; 0, 4; 3, 0; 5; 0:0; 1:2, 3:1; jnp.array([[0, 1], [1, 2]]);
    jnp.array([[0, 1], [1, 2]]), 0; jnp.array([[0, 1], [1, 2]]), :2;
    np.array([0, 1]), np.array([1, 2]); i3, jnp.array([0]); i3, jnp.array([0, 1]); True; False;
    True, i3; 0, True; None, None; i3>0; (i3,); (slice(1, None), 0); -4; jnp.array([5, -5]);
    jnp.array([5, -5]), jnp.array([9, 0]); ..., None, 0; [0, 1]; ([0, 1], [1, 2]); 1, [0, 1];
    b3, b3
""",
    "f235": """
    0; 0, :, 1; ..., 0; :, 0; :, 0, i3; 0, i3, 1; i3[:2], :, i3[:2]; :, i3, i3; i3[:2], i3;
    i3[:2], 0, 1; :, i, i3; None, 0, ..., None; 1, ::-1, ::2; :, i3, None; :, i3, 1:; i, 1:, i3;
    ..., i3, 0; i3[:2], None, i3; i3[:2], :, None, i3; jnp.array([[0], [1]]), i3; :, b3;
    jnp.array([True, False]); jnp.ones((2, 3), bool); :, jnp.ones((3, 5), bool);
    jnp.ones((2, 3, 5), bool); 0, 0; 0, 0, 0; -1, -1, -1; i, i, i; 0:1, 0:1, 0:1; ..., ::2;
    :, :, None, :2; i3[:2, None], :, i3; :, i3[:, None], i3[:2]; i, :, 0:2; :, 1, i; 0, :, i3;
    i3[:2], 0, :; 0, i3, :
""",
}

# Here JAX 0.10.2 mistakes an axis, or traces a constant mask.
PRINTED_OTHERWISE = {"f3[None, True]", "f235[jnp.array([True, False])]",
                     "f34[:, jnp.array([True, False, True, True])]"}
READS = [f"{x}[{i}]" for x, table in INDICES.items() for i in expressions(table)]
VALID = [e for e in READS if not isinstance(OURS(e), Exception)]


@heavy
def test_reading_answers_alike():
    found = disagreements(READS)
    assert not found, report(found)
    assert len(VALID) > 120


def test_reading_prints_alike():
    found = {}
    for e in VALID:
        theirs, ours = text_of(THEIRS.program(e)), text_of(OURS.program(e))
        if theirs != ours and e not in PRINTED_OTHERWISE:
            found[e] = f"{theirs}\n    ours {ours}"
    assert not found, report(found)


def gradient(read: str) -> str:
    array, _, index = read.partition("[")
    return f"jax.grad(lambda y: jnp.sum(jnp.cos(y[{index}) ** 2))({array})"


@heavy
def test_gradients_through_reading():
    found = disagreements(map(gradient, VALID))
    assert not found, report(found)


@slow
def test_gradients_through_reading_are_not_longer():
    found = {}
    for e in VALID:
        program = gradient(e).replace("jax.grad(", "jax.make_jaxpr(jax.grad(").replace(
            ")(f", "))(f")
        theirs, ours = THEIRS(program), OURS(program)
        if not isinstance(theirs, Exception) and equations(ours) > equations(theirs):
            found[e] = f"{equations(theirs)} equations, ours {equations(ours)}"
    assert not found, report(found)


def test_reading_is_what_numpy_reads():
    """Where NumPy accepts the expression, it finds the same elements."""
    count = 0
    names = {k: np.asarray(v) for k, v in OURS.names.items() if isinstance(v, jnp.ndarray)}
    for e in VALID:
        if "jnp" in e or e == "f3[None, True]":  # the latter is JAX's own mistake
            continue
        try:
            expected = eval(e, {"np": np, **names})
        except (IndexError, TypeError, ValueError):
            continue  # out of bounds, for one
        count += 1
        assert np.array_equal(expected, OURS(e)), e
    assert count > 80


def test_vmap_of_reading_is_a_loop():
    for e in VALID:
        name = e.partition("[")[0]
        if e.count(name) > 1:  # x[x > 0]: a mask that is mapped
            continue
        f, args = OURS.function(e)
        x = OURS.names[name]
        k = [a is x for a in args].index(True)
        axes = tuple(0 if n == k else None for n in range(len(args)))
        both = jnp.stack([x, 2 * x + 1])
        rows = [f(*[both[n] if m == k else a for m, a in enumerate(args)]) for n in (0, 1)]
        mapped = minijax.vmap(f, axes)(*[both if m == k else a for m, a in enumerate(args)])
        assert not differences(jnp.stack(rows), mapped), e


# --- x.at[...] -----------------------------------------------------------------------------------

PLACES = {
    "f3": """0; -1; 5; i; 1:; ::2; ::-1; None; ...; (); i3; i3-1; b3; jnp.array([0, 0, 2]); True;
             jnp.array([5, -5, 1]); 1.5; 0, 0; [0]; np.array([0, 2]); u3; slice(i); i3[:0]; 1:1""",
    "f34": """0; i; :, 1; 0, 1; i3; i3, i3; i3, 0; 1:, ::2; ::-1, 1; b34; b3; :, i3; ..., 0;
              i3[:, None], i3; None, 0; 0, None; i3, 1:; i3, ::2; f34 > 2; b3, i3[:2]; 0, 0, 0;
              jnp.array([0, 0, 1]); jnp.array([0, 0]), 1""",
    "f235": "0, :, 1; i3[:2], :, i3[:2]; :, 0, i3; ..., i3; i, 1:, i3; None, 0, ..., None",
}
METHODS = """
    set(1); set(1.5); set(i3); add(f3); subtract(1.); multiply(2.); mul(2.); divide(2.); min(1.);
    power(2); power(2.5); max(1.); get(); get(mode="fill"); get(mode="fill", fill_value=7);
    get(mode="clip"); get(mode="drop"); get(mode="promise_in_bounds"); get(mode="wrap");
    set(1, mode="clip"); set(1, mode="drop"); set(1, mode="fill"); set(1, mode="xx");
    add(1, unique_indices=True); add(1, indices_are_sorted=True); set([1, 2, 3]); set(f34);
    get(wrap_negative_indices=False); set("a"); foo(1)
"""
APPLIED = [f"{x}.at[{p}].apply(jnp.sin)" for x in ("f3", "c3")
           for p in ("0", "i3", "jnp.array([0, 5, -1])", "jnp.array([1, 1])", "1:")]


@heavy
def test_writing_answers_alike():
    found = disagreements([f"{x}.at[{place}].{method}" for x, table in PLACES.items()
                           for place in expressions(table) for method in ("set(9.)", "add(2)")])
    assert not found, report(found)


@pytest.mark.parametrize("x", ["f3", "i3", "c3"])
def test_methods_answer_alike(x):
    calls = [f"{x}.at[{p}].{m}" for p in ("0", "i3", "jnp.array([0, 5, -1])", "1:")
             for m in expressions(METHODS)] + [e for e in APPLIED if e.startswith(x)]
    found = disagreements(calls)
    assert not found, report(found)


def test_writing_prints_alike():
    found = {}
    for x, table in PLACES.items():
        for place in expressions(table):
            e = f"{x}.at[{place}].add(2)"
            theirs, ours = text_of(THEIRS.program(e)), text_of(OURS.program(e))
            if theirs != ours:
                found[e] = f"{theirs}\n    ours {ours}"
    assert not found, report(found)


@pytest.mark.parametrize("method", ["set(3 * z)", "add(z)", "multiply(z)", "max(z)", "divide(z)"])
def test_gradients_through_writing(method):
    """With respect to the array and to what is written."""
    found = disagreements([f"jax.grad(lambda x, z: jnp.sum(x.at[{place}].{method} ** 2), (0, 1))"
                           "(f34 + 0.25, jnp.array(1.5))"
                           for place in ("0", "i", "1:", "i3", "b3", "jnp.array([0, -1])")])
    assert not found, report(found)


# --- single facts --------------------------------------------------------------------------------


def test_an_update_leaves_the_array_alone():
    x = jnp.zeros(3)
    y = x.at[0].set(1)
    assert x[0] == 0 and y[0] == 1


def test_assignment_is_refused():
    with pytest.raises(TypeError, match=r"x = x\.at\[idx\]\.set\(y\)"):
        jnp.zeros(3)[0] = 1


def test_out_of_bounds():
    """Reading takes the nearest element, writing does nothing; `mode` says otherwise."""
    x = jnp.arange(3.0)
    i = jnp.array([-5, 5])
    assert x[i].tolist() == [0, 2] and x[5] == 2
    assert x.at[i].set(9).tolist() == [0, 1, 2]
    assert x.at[i].set(9, mode="clip").tolist() == [9, 1, 9]
    assert x.at[5].get(mode="fill", fill_value=-1) == -1
    assert np.isnan(x.at[5].get(mode="fill"))


def test_traced_masks_need_a_size():
    x = jnp.arange(3.0)
    with pytest.raises(minijax.errors.NonConcreteBooleanIndexError, match=r"jnp\.where"):
        minijax.jit(lambda x: x[x > 1])(x)
    assert minijax.grad(lambda x: jnp.sum(x[x > 0] ** 2))(x).tolist() == [0, 2, 4]


def test_traced_bounds_are_refused():
    with pytest.raises(IndexError, match="lax.dynamic_slice"):
        minijax.jit(lambda x, n: x[:n])(jnp.arange(3), 2)


def test_writing_a_wider_dtype_warns():
    with pytest.warns(FutureWarning, match="scatter inputs have incompatible types") as ours:
        jnp.arange(3).at[0].set(1.5)
    with pytest.warns(FutureWarning) as theirs:
        jax.numpy.arange(3).at[0].set(1.5)
    assert str(ours[0].message) == str(theirs[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jnp.arange(3.0).at[0].set(1)


def test_elements_repeat_as_often_as_they_are_indexed():
    x = jnp.zeros(2).at[jnp.array([1, 1, 1])]
    assert x.add(1).tolist() == [0, 3]
    assert x.apply(lambda v: 2 * v + 1).tolist() == [0, 7]
    twice = minijax.jit(lambda i: jnp.zeros(2).at[i].apply(lambda v: v + 1))
    assert twice(jnp.array([0, 0])).tolist() == [2, 0]


def test_iteration_takes_rows():
    rows = list(jnp.arange(6).reshape(3, 2))
    assert [r.tolist() for r in rows] == [[0, 1], [2, 3], [4, 5]]
    assert minijax.jit(lambda x: sum(iter(x)))(jnp.arange(4)) == 6
