"""What JAX's own tests ask of its public functions, beyond values: messages, types, life times.

Each misuse is done to both libraries; classes must agree, and both messages must match.
"""

from __future__ import annotations

import gc
import importlib
import io
import re
import types
import warnings
import weakref
from collections.abc import Hashable
from contextlib import redirect_stdout
from typing import Any

import jax
import numpy as np
import pytest

import minijax
from tests.both import alike, bound, outcome

BOTH = pytest.mark.parametrize("library", [minijax, jax], ids=["minijax", "jax"])


def two(a, b):
    return a


def pair(x):
    return x, x


def masked():
    return np.ma.array([1, 2, 3], mask=[True, False, True])


def float0s(jax):
    return jax.grad(lambda x: x + 0.0, allow_int=True)(1)


SIZES = "vmap got inconsistent sizes for array axes to be mapped:\n"
MISUSES: dict[str, tuple] = {
    "vmap, most axes": (
        lambda jax, jnp: jax.vmap(lambda x, y, z: x)(jnp.ones(2), jnp.ones(3), jnp.ones(2)),
        re.escape(SIZES + "  * most axes (2 of them) had size 2, e.g. axis 0 of argument x of type "
                  "float32[2];\n  * one axis had size 3: axis 0 of argument y of type float32[3]")),
    "vmap, some axes": (
        lambda jax, jnp: jax.vmap(lambda x, y, z, w: x)(*map(jnp.ones, (2, 3, 2, 3))),
        r"some axes \(2 of them\) had size 3, e.g. axis 0 of argument y"),
    "vmap, a keyword": (
        lambda jax, jnp: jax.vmap(two)(jnp.ones(1), b=jnp.ones(2)),
        re.escape("axis 0 of argument a of type float32[1];\n  * one axis had size 2: axis 0 of "
                  "kwargs['b'] of type float32[2]")),
    "vmap, axis_size": (
        lambda jax, jnp: jax.vmap(lambda x: x, axis_size=5)(jnp.ones(2)),
        "the `axis_size` argument was 5;"),
    "vmap, a mapped result": (
        lambda jax, jnp: jax.vmap(pair, out_axes=(0, None))(jnp.ones(2)),
        r"at vmap out_axes\[1\], got axis spec None but output was batched on axis 0"),
    "vmap, a mapped result along a name": (
        lambda jax, jnp: jax.vmap(pair, out_axes=None, axis_name="n")(jnp.ones(2)),
        r"vmap has mapped output \(axis_name=n\) but out_axes is None"),
    "vmap, nothing": (lambda jax: jax.vmap(lambda x: x)({}), r"got empty \*args=\(\{\},\)"),
    "vmap, a dict as in_axes": (lambda jax: jax.vmap(two, in_axes={"a": 0}), "but got {'a': 0}"),
    "vmap, a bool as in_axes": (lambda jax: jax.vmap(two, in_axes=False), "must be an int"),
    "vmap, a word as axis": (lambda jax: jax.vmap(two, in_axes=(0, "b")), "with those types as l"),
    "vmap, a float as out_axes": (lambda jax: jax.vmap(two, out_axes=1.5), "vmap out_axes must be"),
    "jit of None": (lambda jax: jax.jit(None), "Expected a callable value"),
    "jit of a generator": (lambda jax: jax.jit(lambda x: (yield x)), "got a generator function"),
    "jit of a staticmethod": (lambda jax: jax.jit(staticmethod(two)), "staticmethod arguments"),
    "jit, positional by name": (
        lambda jax: jax.jit(lambda a, /, b: b, static_argnames="a"), "argnames"),
    "jit, static and donated": (
        lambda jax: jax.jit(two, static_argnames="a", donate_argnums=0), "cannot intersect"),
    "compiled, other types": (
        lambda jax, jnp: jax.jit(jnp.sin).lower(1.0).compile()(jnp.ones(2)),
        "Argument 'x' compiled with.*float32.*and called with.*float32"),
    "compiled, mapped": (
        lambda jax, jnp: jax.vmap(jax.jit(lambda x: x + 1).lower(1.0).compile())(jnp.ones(2)),
        "Cannot apply JAX transformations to a function lowered and compiled"),
    "grad, a leaf of integers": (
        lambda jax: jax.grad(lambda p: 1.0)({"a": 1.0, "b": 2}), "input dtype that is a sub-dtype"),
    "grad, no pair": (lambda jax: jax.grad(lambda x: x, has_aux=True)(1.0), "two-element tuple"),
    "grad, objects": (
        lambda jax: jax.grad(lambda x: x)(np.array([1, 2], object)), "is not a valid JAX type"),
    "jvp, a list": (lambda jax: jax.jvp(lambda x: x, (1.0,), [1.0]), "the same tree structure"),
    "vjp, two cotangents": (lambda jax: jax.vjp(pair, 1.0)[1](1.0, 1.0), "applied to pair"),
    "linear_transpose, not linear": (
        lambda jax: jax.linear_transpose(lambda x: 2.0 * x, 1), "linear_transpose only supports"),
    "float0 and a number": (lambda jax, jnp: float0s(jax) + jnp.ones(()), "float0s do not support"),
    "float0 in lax": (
        lambda jax, jnp: jax.lax.add(float0s(jax), jnp.ones(())), "float0s do not support"),
    "struct without dtype": (lambda jax: jax.ShapeDtypeStruct((), None), "dtype must be specified"),
    "len of a struct": (lambda jax, np: len(jax.ShapeDtypeStruct((), np.float32)), "unsized"),
    "masked array": (lambda jax: jax.jit(lambda x: x)(masked()), "numpy masked arrays are not s"),
    "integer too large": (lambda jax, jnp: jnp.float32(1) + 3_000_000_000, "3000000000"),
    "integer too large, lax": (lambda jax, jnp: jax.lax.add(jnp.float32(1), 3 * 10**9), "30000000"),
    "index, many": (
        lambda jax, jnp: jax.jit(range)(jnp.arange(3)), "Only integer scalar arrays can be conver"),
    "int, many": (
        lambda jax, jnp: jax.jit(int)(jnp.arange(3)), "Only scalar arrays can be converted to Pyt"),
    "bool, many": (
        lambda jax, jnp: jax.jit(bool)(jnp.arange(3)), "with more than one element is ambiguous"),
    "bool, none": (
        lambda jax, jnp: jax.jit(bool)(jnp.zeros(0)), "truth value of an empty array is ambiguous"),
    "deleted": (lambda jax, jnp: deleted(jnp) + 1, "Array has been deleted"),
    "device_put, both": (
        lambda jax, jnp: jax.device_put(jnp.ones(2), may_alias=True, donate=True), "may_alias and"),
    "conv, SAME with holes": (
        lambda jax, jnp: jax.lax.conv_general_dilated(
            jnp.ones((1, 1, 5)), jnp.ones((1, 1, 3)), (1,), "SAME", lhs_dilation=(2,)),
        "String padding is not implemented for transposed convolution"),
    "tree, keys": (
        lambda jax: jax.tree.structure({"a": 1}).flatten_up_to({"a": 1, "b": 2}),
        re.escape("Dict key mismatch; expected keys: ['a']; present keys: ['a', 'b'].")),
    "tree, None": (lambda jax: jax.tree.structure(None).flatten_up_to([2]), "Expected None, got"),
    "io_callback, transposed": (
        lambda jax, jnp: jax.linear_transpose(lambda x: jax.experimental.io_callback(
            lambda x: x, x, x), jnp.ones(2))(jnp.ones(2)), "IO callbacks do not support transpose"),
    "custom_jvp without a rule": (
        lambda jax: jax.custom_jvp(pair)(1.0), "No JVP defined for custom_jvp function pair using"),
    "custom_jvp, a keyword": (
        lambda jax: with_rule(jax, lambda x, *, z=1.0: x)(1.0, z=2.0),
        "(?s)custom_jvp-decorated function <lambda>.*could not be resolved to positions: z"),
    "custom_jvp, a tangent of another type": (
        lambda jax, jnp: jax.jvp(with_rule(jax, lambda x: x, lambda p, t: (p[0], jnp.ones(1))),
                                 (jnp.float32(1),), (jnp.float32(1),)),
        r"Expected float32\[\] \(tangent type of float32\[\]\) but got float32\[1\]"),
    "custom_jvp, another result": (
        lambda jax: jax.jvp(jax.jit(with_rule(jax, lambda x: x, lambda p, t: (p, t))),
                            (np.float32(1),), (np.float32(1),)),
        r"(?s)had container/pytree structure:\n    \(float32\[\],\)\nwhile.*\n    float32\[\]\."),
    "closure_convert, values as a list": (
        lambda jax: converted_with_a_list(jax), "The inputs to the closure produced by closure_co"),
}


def deleted(jnp):
    x = jnp.arange(3) + 1
    x.delete()
    return x


def with_rule(jax, f, rule=lambda p, t: (p[0], t[0])):
    f = jax.custom_jvp(f)
    f.defjvp(rule)
    return f


def converted_with_a_list(jax):
    _, pull = jax.vjp(lambda x, z: z * x, 2.0, 3.0)
    pure, values = jax.closure_convert(pull, 2.0)
    return pure(2.0, values)


@pytest.mark.parametrize("name", MISUSES)
def test_a_misuse_raises_jax_s_class_with_its_words(name):
    misuse, words = MISUSES[name]
    errors = []
    for library in (minijax, jax):
        with pytest.raises(Exception) as error:
            bound(misuse, library)()
        assert re.search(words, str(error.value)), (library.__name__, error.value)
        errors.append(error.value)
    theirs = next(c for c in type(errors[1]).__mro__ if c.__module__ == "builtins")
    assert isinstance(errors[0], theirs)


def test_errors_of_derivatives_name_the_leaf():
    with pytest.raises(TypeError, match=r"int32 for the argument p\['b'\]"):
        minijax.grad(lambda x, p: 1.0, argnums=1)(0.0, {"a": 1.0, "b": 2})
    with pytest.raises(TypeError, match="complex64 for the input z"):
        minijax.jacfwd(lambda x, z: z, argnums=1)(0.0, 1j)


# --- functions that are pytrees ----------------------------------------------------------------


@BOTH
def test_linear_maps_are_pytrees(library):
    jit = library.jit
    made = {
        "vjp": jit(lambda x: library.vjp(lambda y: 2.0 * y * x, x)[1])(3.0),
        "linearize": jit(lambda x: library.linearize(lambda y: y * y, x)[1])(3.0),
        "transpose": jit(lambda x: library.linear_transpose(lambda y: x * y, 1.0))(3.0)}
    called = jit(lambda f, x: f(x))
    assert called(made["vjp"], 1.0) == (6.0,)
    assert called(made["linearize"], 1.0) == 6.0
    assert called(made["transpose"], 1.0) == (3.0,)


def test_a_pullback_keeps_its_residuals_alone():
    x = minijax.numpy.ones(3)
    y, pull = minijax.vjp(lambda x: minijax.numpy.sin(x) + 1.0, x)
    result = weakref.ref(y)
    del y
    gc.collect()
    assert result() is None
    assert len(minijax.tree.leaves(pull)) == 1


@BOTH
def test_fwd_and_bwd(library):
    traced = []
    fwd, bwd = library.fwd_and_bwd(lambda x, w: (traced.append(1), x @ w)[1], argnums=(0, 1))
    x = library.numpy.ones((2, 3))
    for _ in range(2):
        y, residuals = fwd(x, x.T)
        dx, dw = bwd(residuals, library.numpy.ones_like(y))
    assert dx.shape == (2, 3) and dw.shape == (3, 2) and len(traced) == 1
    fwd, bwd = library.fwd_and_bwd(lambda x: x * x, argnums=0)
    assert bwd(fwd(3.0)[1], 1.0) == 6.0


# --- arrays that end ---------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("options", [{"donate_argnums": 0}, {"donate_argnames": "a"}])
def test_donated_arrays_are_gone(library, options):
    a, b = (library.numpy.full(3, v) + 0.0 for v in (1.0, 2.0))
    out = library.jit(lambda a, b: a + b, **options)(a, b)
    assert a.is_deleted() and not b.is_deleted() and not out.is_deleted()
    np.testing.assert_array_equal(out, 3.0)


@BOTH
def test_an_array_that_no_result_can_take_stays(library):
    x = library.numpy.arange(3) + 1
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        library.jit(lambda x: x.sum() * 1.0, donate_argnums=0)(x)
    assert any("Some donated buffers were not usable" in str(w.message) for w in seen)


@BOTH
@pytest.mark.parametrize("options", [{}, {"donate_argnums": 0}])
def test_a_donated_array_is_passed_again(library, options):
    given, out = library.numpy.full(3, 1.0) + 0.0, library.numpy.full(3, 2.0) + 0.0
    step = library.jit(lambda x: x * 3.0 + 1.0, **options)
    for _ in range(3):  # JAX compiles its own short way
        out = step(out)
    library.jit(lambda x: x + 5.0, donate_argnums=0)(given)
    with pytest.raises(ValueError, match="Buffer has been deleted or donated"):
        step(given)
    with pytest.raises(RuntimeError, match="Array has been deleted with shape"):
        np.asarray(given)
    assert not out.is_deleted()
    step(out)


def test_a_call_that_is_refused_deletes_nothing():
    calls = []
    step = minijax.jit(lambda a, b, c: calls.append(1) or (a, b, c), donate_argnums=(0, 1))
    a, b = minijax.numpy.ones(3), minijax.numpy.zeros(3)
    with pytest.raises(ValueError, match="donate the same buffer twice"):
        step(a, b, b)
    assert not a.is_deleted() and not b.is_deleted()


def test_donated_twice():
    x = minijax.numpy.ones(3)
    with pytest.raises(ValueError, match="donate the same buffer twice"):
        minijax.jit(lambda a, b: a + b, donate_argnums=0)(x, x)


@BOTH
def test_delete(library):
    x = library.numpy.ones(3) + 1
    assert not x.is_deleted()
    x.delete()
    x.delete()
    assert x.is_deleted()
    with pytest.raises(RuntimeError, match="deleted"):
        repr(x)
    with pytest.raises(AttributeError):
        _ = x.no_such_attribute


@BOTH
def test_arrays_are_not_hashable(library):
    x = library.numpy.ones(1)
    assert not isinstance(x, Hashable)
    with pytest.raises(TypeError, match="unhashable type"):
        hash(x)


@BOTH
def test_put_and_copied(library):
    x = library.device_put(np.arange(3))
    assert library.device_put(x) is x and library.device_put(x, may_alias=True) is x
    assert library.device_put(x, may_alias=False) is not x
    tree = [object(), 1, x]
    assert library.copy_to_host_async(tree) is tree


# --- what functions say of themselves ----------------------------------------------------------


@BOTH
def test_names_and_texts(library):
    def double(x):
        """Twice x."""
        return 2 * x

    assert repr(library.jit(double)) == f"<PjitFunction of {double!r}>"
    assert library.make_jaxpr(double).__name__ == "make_jaxpr(double)"
    text = library.vmap(double).__doc__
    assert text.startswith("Vectorized version of double") and text.endswith(double.__doc__)
    assert "numpy:" in library.print_environment_info(return_string=True)
    jitted = library.jit(double)
    jitted(1.0)
    assert jitted.lower(1.0).in_avals == jitted.lower(1.0).compile().in_avals


@BOTH
def test_static_arguments_given_both_ways_are_taken_as_they_are(library):
    traced = []

    def f(x, y):
        traced.append([isinstance(v, library.core.Tracer) for v in (x, y)])
        return 1

    g = library.jit(f, static_argnums=1, static_argnames=())
    g(2, "a")
    g(2, y=3)
    assert traced == [[True, False], [True, True]]


@BOTH
def test_static_arguments_that_do_not_compare(library):
    class Odd:
        def __hash__(self):
            return 1

        def __eq__(self, other):
            raise NotImplementedError("no")

    f = library.jit(lambda x, y: x, static_argnums=1)
    with pytest.raises(ValueError, match="static arguments should be comparable using __eq__"):
        f(1, Odd())
        f(1, Odd())


@BOTH
def test_programs_of_things_with_a_shape_and_a_dtype(library):
    duck = types.SimpleNamespace(shape=(2,), dtype=np.dtype(np.float32))
    assert library.make_jaxpr(lambda x: x + 1)(duck).in_avals[0].shape == (2,)
    assert library.eval_shape(lambda x: x + 1, duck).shape == (2,)
    (back,) = library.linear_transpose(lambda x: 2 * x, duck)(np.ones(2, np.float32))
    np.testing.assert_array_equal(back, 2.0)
    program = library.make_jaxpr(lambda x: x - library.lax.psum(x, "i"), axis_env=[("i", 4)])(2)
    assert "psum" in str(program)
    assert library.core.eval_jaxpr(library.make_jaxpr(lambda x: x + 1)(1).jaxpr, [], 2) == [3]


WEAK: dict[str, Any] = {  # results and derivatives at a Python number: dtypes and weak types
    "sinc": lambda jax, jnp: [jnp.sinc(0.7), jax.grad(jnp.sinc)(0.7)],
    "round": lambda jax, jnp: [jnp.round(0.7, -1), jnp.round(0.7, 1), jnp.round(0.7)],
    "angle": lambda jax, jnp: [jax.grad(jnp.angle)(0.7), *jax.jvp(jnp.angle, (0.7,), (1.0,))],
    "real": lambda jax, jnp: [jax.grad(jnp.real)(0.7), *jax.jvp(jnp.real, (0.7,), (1.0,))],
    "scan of no step": lambda jax, jnp: [jax.grad(lambda x: jax.lax.scan(
        lambda c, _: (jnp.sin(c), None), x, None, length=0)[0])(0.7)],
}


@pytest.mark.parametrize("name", WEAK)
def test_weak_types(name):
    ours, theirs = (bound(WEAK[name], library)() for library in (minijax, jax))
    assert [(x.dtype, x.weak_type) for x in ours] == [(x.dtype, x.weak_type) for x in theirs]
    alike(outcome(lambda _: list(map(np.asarray, ours)), minijax),
          outcome(lambda _: list(map(np.asarray, theirs)), jax))


# --- leaks, and what is shown again ------------------------------------------------------------


@BOTH
def test_a_leak_says_where_the_value_was_made_and_who_holds_it(library):
    kept = {}

    def f(x):
        def g():
            return x

        kept["hi"] = [g]
        return x

    with library.checking_leaks(), pytest.raises(Exception, match=(
            r"Leaked trace(?s:.*)This BatchTracer with object id [0-9]+ was created on line:\n"
            r"  .*\n<BatchTracer [0-9]+> is referred to by")):
        library.vmap(f)(library.numpy.arange(3))


@pytest.mark.parametrize("unsaved", [(), ("y",), ("y", "z")], ids=str)
def test_a_print_is_repeated_where_all_that_it_shows_is_computed_again(unsaved):
    texts = []
    for library in (minijax, jax):
        name = importlib.import_module(f"{library.__name__}.ad_checkpoint").checkpoint_name

        def f(x, library=library, name=name):
            y = name(x + 1.0, "y")
            z = name(y * 2.0, "z")
            library.debug.print("y: {}, z: {}", y, z)
            return library.numpy.exp(z)

        def policy(prim, *_, **params):
            return params.get("name") not in unsaved if str(prim) == "name" else True

        out = io.StringIO()
        with redirect_stdout(out):
            library.grad(library.checkpoint(f, policy=policy))(2.0)
            library.effects_barrier()
        texts.append(out.getvalue())
    assert texts[0] == texts[1]


# --- rules for batches -------------------------------------------------------------------------


def custom_vmapped(library, f, rule):
    f = importlib.import_module(f"{library.__name__}.custom_batching").custom_vmap(f)
    f.def_vmap(rule)
    return f


def sine(library):
    """The sine, and for a batch the cosine, so that one sees which was called."""
    jnp = library.numpy
    return custom_vmapped(library, jnp.sin, lambda n, batched, x: (jnp.cos(x), batched[0]))


@BOTH
def test_custom_vmap(library):
    jnp, seen = library.numpy, []

    def rule(axis_size, in_batched, u, v):
        seen.append((axis_size, in_batched, u.shape, v.shape))
        return (u @ v.T if not in_batched[1] else v @ u), True

    dot = custom_vmapped(library, lambda u, v: u @ v, rule)
    assert dot(jnp.ones(3), jnp.ones(3)) == 3.0 and not seen
    out = library.vmap(dot, in_axes=(1, None))(jnp.ones((3, 4)), jnp.ones(3))
    np.testing.assert_array_equal(out, np.full(4, 3.0))
    library.jit(library.vmap(dot, in_axes=(None, 0)))(jnp.ones(3), jnp.ones((4, 3)))
    assert seen == [(4, [True, False], (4, 3), (3,)), (4, [False, True], (3,), (4, 3))]


@BOTH
def test_custom_vmap_forwards(library):
    f, xs = sine(library), library.numpy.arange(3.0)
    pushed = library.jvp(library.vmap(f), (xs,), (2 * xs,))
    mapped = library.vmap(lambda x, t: library.jvp(f, (x,), (t,)))(xs, 2 * xs)
    for y, t in (pushed, mapped):
        np.testing.assert_allclose(y, np.cos(xs), rtol=1e-6)
        np.testing.assert_allclose(t, -np.sin(xs) * 2 * xs, rtol=1e-6)
    np.testing.assert_allclose(library.jacfwd(f)(xs), np.diag(-np.sin(xs)), rtol=1e-6)
    y, t = library.vmap(lambda x, t: library.jvp(f, (x,), (t,)), in_axes=(None, 0),
                        out_axes=(None, 0))(1.0, xs)
    np.testing.assert_allclose(t, -np.sin(1.0) * xs, rtol=1e-6)


@BOTH
def test_custom_vmap_rules_that_do_not_fit(library):
    def two(n, batched, x):
        return [x, x], batched

    def one(n, batched, x):
        return [x], batched

    jnp = library.numpy
    with pytest.raises(ValueError, match=r"batching specification .*\(two\) do not match"):
        library.vmap(custom_vmapped(library, jnp.sin, two))(jnp.ones(3))
    with pytest.raises(ValueError, match=r"\(one\) does not match that of original"):
        library.vmap(custom_vmapped(library, jnp.sin, one))(jnp.ones(3))


def test_custom_vmap_without_a_rule_and_with_a_closure():
    custom_vmap = minijax.custom_batching.custom_vmap
    with pytest.raises(AttributeError, match="No batching rule defined for custom_vmap function"):
        custom_vmap(minijax.numpy.sin)(1.0)
    with pytest.raises(minijax.errors.UnexpectedTracerError, match="as an argument"):
        minijax.jit(lambda y: custom_vmapped(minijax, lambda x: x * y, two)(1.0))(2.0)


@BOTH
def test_sequential_vmap(library):
    sequential_vmap = importlib.import_module(
        f"{library.__name__}.custom_batching").sequential_vmap
    xs = library.numpy.arange(3.0)
    out = library.vmap(sequential_vmap(lambda x, y: {"sum": x + y}), in_axes=(0, None))(xs, 1.0)
    np.testing.assert_array_equal(out["sum"], xs + 1)
