"""Misuse: the class is JAX's, the message says what, where and what to do, the next call works.

A case is a function that raises, and pieces that the message must contain.
"""

from __future__ import annotations

import functools
import re

import jax
import numpy as np
import pytest

import minijax
from minijax.core import EvalTrace, current_trace
from tests.both import bound, f32, i32

V, M, KEY = f32(3), f32(3, 4), np.array([0, 42], np.uint32)


@pytest.fixture(autouse=True)
def the_next_call_works():
    """After an error no interpreter is left behind, and three of them nest as before."""
    yield
    assert type(current_trace()) is EvalTrace
    jnp = minijax.numpy
    f = minijax.jit(lambda x: jnp.sin(x) * x)
    xs = np.arange(3, dtype=np.float32)
    slope = minijax.grad(lambda x: jnp.sum(minijax.vmap(f)(x)))(xs)
    np.testing.assert_allclose(slope, np.cos(xs) * xs + np.sin(xs), rtol=1e-6)


# --- programs that need more than a line -----------------------------------------------------


def square(x):
    return x * x


def refusing(text, x):
    return text


def leaked_by(transform):
    def misuse(jax, jnp):
        box = []

        def leaky(x):
            box.append(x * 2.0)
            return jnp.sum(x)

        transform(jax)(leaky)(1.0)
        return box[0] + 1.0

    return misuse


def stored(jax):
    """A layer that keeps its last activation, as objects in other libraries do."""
    class Layer:
        def __call__(self, x):
            self.last = x * 2.0
            return self.last

    layer = Layer()
    jax.vmap(layer.__call__)(V)
    return jax.jit(lambda y: y + layer.last)(V)


def assign(jnp):
    x = jnp.ones(3)
    x[0] = 1.0


def assign_traced(jax):
    def f(x):
        x[0] = 1.0

    jax.jit(f)(V)


def delete(jnp):
    x = jnp.ones(3)
    del x[0]


def while_loop_in_python(jax):
    def f(x):
        while x < 3:
            x = x + 1
        return x

    return jax.jit(f)(1.0)


def generator(jax):
    def f():
        yield 1

    return jax.jit(f)()


def strict_promotion(jax, jnp):
    with jax.numpy_dtype_promotion("strict"):
        return jnp.add(V, i32(3))


def custom_jvp(rule, fun=square):
    def misuse(jax):
        f = jax.custom_jvp(fun)
        f.defjvp(rule)
        return jax.grad(f)(1.0)

    return misuse


def custom_vjp(fwd, bwd=lambda res, ct: (ct,), use=lambda jax, f: jax.grad(f)(1.0)):
    def misuse(jax):
        f = jax.custom_vjp(square)
        f.defvjp(fwd, bwd)
        return use(jax, f)

    return misuse


def keep(x):
    return x, None


def primal_closes_over_a_tracer(decorator, define):
    def misuse(jax):
        def outer(y):
            f = getattr(jax, decorator)(lambda x: x * y)
            define(f)
            return f(1.0)

        return jax.grad(outer)(2.0)

    return misuse


# --- the misuses -----------------------------------------------------------------------------

TRACERS = {
    "escaped from jit": (leaked_by(lambda jax: jax.jit),
                         "unexpected tracer", "float32[]", "leaky", "test_errors.py"),
    "escaped from grad": (leaked_by(lambda jax: jax.grad),
                          "unexpected tracer", "float32[]", "side effect"),
    "escaped into an attribute": (stored, "unexpected tracer", "float32[]", "side effect"),
    "if": (lambda jax: jax.jit(lambda x: 1 if x > 0 else 2)(1.0),
           "boolean conversion", "bool[]", "argument x", "for jit", "test_errors.py"),
    "while": (while_loop_in_python, "boolean conversion", "argument x"),
    "and": (lambda jax: jax.jit(lambda x, y: x and y)(1.0, 2.0),
            "boolean conversion", "float32[]", "argument x"),
    "if, inside a pytree": (lambda jax: jax.jit(lambda p: 1 if p["w"][0] > 0 else 2)(
        {"w": [1.0]}), "boolean conversion", "p['w'][0]"),
    "if in vmap": (lambda jax: jax.vmap(lambda x: 1 if x > 0 else 2)(V),
                   "boolean conversion", "bool[]"),
    "int": (lambda jax: jax.jit(lambda x: int(x))(1.0),
            "`int` function", "float32[]", "x.astype(int)", "argument x"),
    "float": (lambda jax: jax.jit(lambda x: float(x))(1.0), "`float` function", "argument x"),
    "complex": (lambda jax: jax.jit(lambda x: complex(x))(1.0), "`complex` function"),
    "float in vmap": (lambda jax: jax.vmap(lambda x: float(x))(V), "`float` function"),
    "a known float": (lambda jax: jax.grad(lambda n: [1.0][n])(0.0),
                      "float32[]", "Only integer scalar arrays"),
    "range": (lambda jax: jax.jit(lambda n: list(range(n)))(3),
              "__index__()", "int32[]", "argument n"),
    "index of a list": (lambda jax: jax.jit(lambda n: [1, 2, 3][n])(1),
                        "__index__()", "argument n"),
    "a shape": (lambda jax, jnp: jax.jit(lambda n: jnp.zeros(n))(3),
                "concrete values", "argument n", "static_argnums"),
    "a part of a shape": (lambda jax, jnp: jax.jit(lambda n: jnp.ones((n, 2)))(3),
                          "concrete values", "argument n", "static_argnums"),
    "reshape": (lambda jax: jax.jit(lambda x, n: x.reshape(n))(V, 3),
                "concrete values", "argument n"),
    "arange": (lambda jax, jnp: jax.jit(lambda n: jnp.arange(n))(3),
               "concrete value", "arange", "argument n"),
    "an axis": (lambda jax, jnp: jax.jit(lambda x, a: jnp.sum(x, axis=a))(M, 0),
                "concrete value", "axis", "argument a"),
    "np.sin": (lambda jax, np: jax.jit(lambda x: np.sin(x))(1.0),
               "__array__()", "float32[]", "argument x"),
    "np.asarray": (lambda jax, np: jax.jit(lambda x: np.asarray(x))(1.0), "__array__()"),
    "np.asarray in vmap": (lambda jax, np: jax.vmap(lambda x: np.asarray(x))(V), "__array__()"),
    "np.sin in grad": (lambda jax, np: jax.grad(lambda x: np.sin(x))(1.0), "__array__()"),
    "item": (lambda jax: jax.jit(lambda x: x.item())(1.0), "item()", "argument x"),
    "tolist": (lambda jax: jax.jit(lambda x: x.tolist())(V), "float32[3]", "argument x"),
    "len": (lambda jax: jax.jit(lambda x: len(x))(1.0), "len()"),
    "iteration": (lambda jax: jax.jit(lambda x: list(x))(1.0), "0-d array"),
    "hash": (lambda jax: jax.jit(lambda x: {x: 1})(1.0), "unhashable type"),
    "a mask": (lambda jax: jax.jit(lambda x: x[x > 0])(V), "bool[3]", "concrete"),
    "a slice": (lambda jax: jax.jit(lambda x, i: x[:i])(V, 1), "static integers", "slice"),
    "where of one": (lambda jax, jnp: jax.jit(lambda x: jnp.where(x > 0))(V), "size", "nonzero"),
    "nonzero": (lambda jax, jnp: jax.jit(lambda x: jnp.nonzero(x))(V), "size", "nonzero"),
    "unique": (lambda jax, jnp: jax.jit(lambda x: jnp.unique(x))(V), "size", "unique"),
    "attribute": (lambda jax: jax.jit(lambda x: x.nope)(1.0), "no attribute", "nope"),
}

ARRAYS = {
    "item assignment": (assign, "immutable", "x = x.at[idx].set(y)"),
    "item assignment, traced": (assign_traced, "immutable", "x = x.at[idx].set(y)"),
    "deletion": (delete, "__delitem__"),
    "bool of many": (lambda jnp: bool(jnp.ones(3)), "ambiguous", "a.any()"),
    "bool of none": (lambda jnp: bool(jnp.ones(0)), "empty array", "array.size > 0"),
    "float of many": (lambda jnp: float(jnp.ones(3)), "scalar", "ndim=1"),
    "int of many": (lambda jnp: int(jnp.arange(3)), "scalar", "ndim=1"),
    "a float as an index": (lambda jnp: [1, 2][jnp.float32(1)], "integer scalar"),
    "len of a scalar": (lambda jnp: len(jnp.float32(1)), "len()"),
    "iteration over a scalar": (lambda jnp: list(jnp.float32(1)), "0-d array"),
    "hash": (lambda jnp: hash(jnp.ones(3)), "unhashable type"),
    "attribute": (lambda jnp: jnp.ones(3).nope, "no attribute", "nope"),
    "a string": (lambda jnp: jnp.array("abc"), "abc", "not a valid JAX"),
    "an object": (lambda jnp: jnp.array(object()), "object", "not a valid JAX"),
    "None": (lambda jnp: jnp.asarray(None), "None"),
    "ragged lists": (lambda jnp: jnp.array([[1, 2], [3]]), "inhomogeneous"),
    "an unknown dtype": (lambda jnp: jnp.zeros(3, dtype="nope"), "nope"),
    "a negative size": (lambda jnp: jnp.zeros((2, -1)), "nonnegative", "(2, -1)"),
    "a size that is no integer": (lambda jnp: jnp.zeros(2.5), "integer", "2.5"),
    "eye of a float": (lambda jnp: jnp.eye(2.5), "integer"),
    "linspace of -1": (lambda jnp: jnp.linspace(0, 1, -1), "-1", "non-negative"),
    "typeof a string": (lambda jax: jax.typeof("a"), "'a'", "<class 'str'>", "not a valid JAX"),
    "device_put of a string": (lambda jax: jax.device_put("a"), "not a valid JAX type"),
    "unpacking": (lambda jnp: (lambda a, b: a)(*jnp.ones(3)), "2 positional", "3 were given"),
}

GRAD = {
    "a vector": (lambda jax: jax.grad(square)(V), "scalar-output", "(3,)"),
    "a tuple": (lambda jax: jax.grad(lambda x: (x, x))(1.0), "scalar-output"),
    "None": (lambda jax: jax.grad(lambda x: None)(1.0), "scalar-output", "None"),
    "a pair without has_aux": (lambda jax: jax.grad(lambda x: (x, {"a": x}))(1.0),
                               "scalar-output"),
    "value_and_grad of a vector": (lambda jax: jax.value_and_grad(square)(V), "(3,)"),
    "an integer": (lambda jax: jax.grad(square)(1), "real- or complex-valued", "int32",
                   "allow_int"),
    "a Boolean": (lambda jax: jax.grad(square)(True), "bool", "allow_int"),
    "an integer result": (lambda jax, jnp: jax.grad(lambda x: jnp.argmax(x))(V),
                          "real-valued outputs", "int32", "jax.vjp"),
    "a complex result": (lambda jax: jax.grad(square)(1j), "real-valued outputs", "complex64",
                         "holomorphic=True"),
    "holomorphic of a real": (lambda jax: jax.grad(square, holomorphic=True)(1.0),
                              "complex dtype", "float32"),
    "holomorphic to a real": (lambda jax, jnp: jax.grad(lambda z: jnp.real(z), holomorphic=True)(
        1j), "outputs with complex dtype", "float32"),
    "a string": (lambda jax: jax.grad(square)("a"), "'a'", "not a valid JAX type"),
    "an object": (lambda jax: jax.grad(lambda x: 1.0)([1.0, object()]), "not a valid JAX type"),
    "argnums": (lambda jax: jax.grad(square, argnums=1)(1.0),
                "argnums=1", "at least 2 positional arguments", "only 1"),
    "argnums, several": (lambda jax: jax.grad(square, argnums=(0, 2))(1.0),
                         "argnums=(0, 2)", "at least 3 positional"),
    "argnums, a string": (lambda jax: jax.grad(square, argnums="x")(1.0), "str", "integer"),
    "by keyword": (lambda jax: jax.grad(square)(x=1.0), "at least 1 positional", "only 0"),
    "not callable": (lambda jax: jax.grad(3), "callable", "3"),
    "has_aux without a pair": (lambda jax: jax.grad(square, has_aux=True)(1.0), "aux"),
    "has_aux with three": (lambda jax: jax.grad(lambda x: (x, x, x), has_aux=True)(1.0), "aux",
                           "tuple"),
    "jacfwd of integers": (lambda jax: jax.jacfwd(square)(i32(3)), "jacfwd", "int32"),
    "jacrev of integers": (lambda jax: jax.jacrev(square)(i32(3)), "jacrev", "int32",
                           "allow_int"),
    "jacrev of complex": (lambda jax: jax.jacrev(square)(V.astype(np.complex64)), "complex64",
                          "holomorphic=True"),
    "hessian of an integer": (lambda jax: jax.hessian(square)(3), "int32"),
}

JVP = {
    "no tuples": (lambda jax: jax.jvp(square, 1.0, 1.0), "tuples or lists", "float"),
    "shapes": (lambda jax: jax.jvp(square, (V,), (f32(2),)), "(3,)", "(2,)"),
    "dtypes": (lambda jax: jax.jvp(square, (V,), (i32(3),)), "float32", "int32"),
    "an integer tangent": (lambda jax: jax.jvp(square, (1,), (1,)), "float0", "int32"),
    "structures": (lambda jax: jax.jvp(lambda d: d["a"], ({"a": 1.0},), ({"b": 1.0},)),
                   "tree structure", "'a'", "'b'"),
    "numbers of arguments": (lambda jax: jax.jvp(square, (1.0,), (1.0, 2.0)), "tree structure"),
    "vjp structure": (lambda jax: jax.vjp(square, 1.0)[1]((1.0, 1.0)), "tree structure"),
    "vjp shape": (lambda jax: jax.vjp(square, V)[1](f32(2)), "float32[2]",
                  "expected float32[3]"),
    "vjp dtype": (lambda jax: jax.vjp(square, V)[1](i32(3)), "int32[3]", "expected float32[3]"),
    "vjp has_aux": (lambda jax: jax.vjp(square, 1.0, has_aux=True), "aux"),
    "linearize structure": (lambda jax: jax.linearize(square, 1.0)[1](1.0, 2.0), "expected",
                            "PyTreeDef((*, *))"),
    "linearize shape": (lambda jax: jax.linearize(square, V)[1](f32(2)), "float32[2]",
                        "float32[3]"),
    "transpose of what is not linear": (
        lambda jax, jnp: jax.linear_transpose(jnp.sin, 1.0)(1.0), "Transpose rule", "sin"),
    "transpose shape": (lambda jax: jax.linear_transpose(lambda x: 2.0 * x, V)(f32(2)),
                        "cotangent type", "float32[3]"),
    "transpose structure": (lambda jax: jax.linear_transpose(lambda x: 2.0 * x, V)((V, V)),
                            "cotangent tree"),
}

VMAP = {
    "sizes": (lambda jax: jax.vmap(lambda x, y: x)(V, f32(2)), "inconsistent sizes",
              "size 3: axis 0 of argument x of type float32[3]",
              "size 2: axis 0 of argument y of type float32[2]"),
    "sizes in a pytree": (lambda jax: jax.vmap(lambda d: d["a"])({"a": V, "b": f32(2)}),
                          "argument d['a']", "argument d['b']"),
    "sizes by keyword": (lambda jax: jax.vmap(lambda x, y: x)(V, y=f32(2)), "size 2", "y"),
    "axis_size": (lambda jax: jax.vmap(lambda x: x, axis_size=4)(V), "axis_size", "4", "size 3"),
    "a scalar": (lambda jax: jax.vmap(square)(1.0), "axis 0", "at least 1", "only 0"),
    "an axis out of range": (lambda jax: jax.vmap(square, in_axes=1)(V), "axis 1", "at least 2",
                             "(3,)"),
    "a negative axis": (lambda jax: jax.vmap(square, in_axes=-2)(V), "axis -2", "at least 2"),
    "length of in_axes": (lambda jax: jax.vmap(square, in_axes=(0, 0))(V), "len(in_axes)=2",
                          "len(args)=1"),
    "a float": (lambda jax: jax.vmap(square, in_axes=0.5)(V), "must be an int, None", "0.5"),
    "a string": (lambda jax: jax.vmap(square, in_axes=("i",))(V), "must be an int, None", "'i'"),
    "nothing mapped": (lambda jax: jax.vmap(square, in_axes=None)(V), "at least one non-None",
                       "axis_size"),
    "no argument": (lambda jax: jax.vmap(lambda: 1.0)(), "axis_size"),
    "prefix with another key": (lambda jax: jax.vmap(
        lambda d: d["a"], in_axes=({"a": 0, "c": 0},))({"a": V, "b": V}),
        "tree prefix", "vmap in_axes[0]", "'c'"),
    "prefix of another length": (lambda jax: jax.vmap(
        lambda p, x: x, in_axes=([(0, None)], 0))([(V, V, V)], V),
        "tree prefix", "vmap in_axes[0][0]", "2", "3"),
    "prefix of another type": (lambda jax: jax.vmap(lambda p: p, in_axes=((0, 0),))([V, V]),
                               "tree prefix", "vmap in_axes[0]", "different types"),
    "out_axes out of range": (lambda jax: jax.vmap(square, out_axes=2)(V), "axis 2",
                              "dimension 1"),
    "out_axes None": (lambda jax: jax.vmap(square, out_axes=None)(V), "out_axes", "None"),
    "out_axes prefix": (lambda jax: jax.vmap(lambda x: (x, x), out_axes=(0, 0, 0))(V),
                        "vmap out_axes", "2", "3"),
    "a string as argument": (lambda jax: jax.vmap(square)("abc"), "'abc'",
                             "not a valid JAX type"),
    "a string as result": (lambda jax: jax.vmap(lambda x: "a")(V), "str",
                           "not a valid JAX type"),
    "not callable": (lambda jax: jax.vmap(3), "callable", "3"),
    "psum over no axis": (lambda lax: lax.psum(1.0, "i"), "unbound axis name: i"),
    "psum over no axis, in jit": (lambda jax, lax: jax.jit(lambda x: lax.psum(x, "i"))(1.0),
                                  "unbound axis name: i"),
    "pmean over another axis": (lambda jax, lax: jax.vmap(
        lambda x: lax.pmean(x, "j"), axis_name="i")(V), "unbound axis name: j"),
    "axis_index over no axis": (lambda lax: lax.axis_index("i"), "unbound axis name: i"),
    "all_gather over no axis": (lambda lax: lax.all_gather(1.0, "i"), "unbound axis name: i"),
    "all_to_all": (lambda jax, lax: jax.vmap(
        lambda x: lax.all_to_all(x, "i", 0, 0), axis_name="i")(M), "3", "4"),
}

JIT = {
    "a string": (lambda jax: jax.jit(square)("a"), "<class 'str'>", "path x", "static_argnums"),
    "an object in a pytree": (lambda jax: jax.jit(lambda d: 1)({"a": {"b": object()}}),
                              "<class 'object'>", "path d['a']['b']"),
    "a string as result": (lambda jax: jax.jit(lambda x: "a")(1.0), "<class 'str'>",
                           "not a valid JAX type"),
    "an object in the result": (lambda jax: jax.jit(lambda x: {"a": [x, object]})(1.0),
                                "['a'][1]", "not a valid JAX type"),
    "not callable": (lambda jax: jax.jit(3), "callable", "3"),
    "a generator": (generator, "generator"),
    "a list as a static argument": (
        lambda jax: jax.jit(lambda x, n: x, static_argnums=1)(1.0, [1, 2]),
        "Non-hashable static arguments", "<class 'list'>", "[1, 2]"),
    "a list as a static argument by name": (
        lambda jax: jax.jit(lambda x, n: x, static_argnames="n")(1.0, n=[1, 2]),
        "Non-hashable static arguments", "<class 'list'>"),
    "an array as a static argument": (
        lambda jax, jnp: jax.jit(lambda x, n: x, static_argnums=1)(1.0, jnp.ones(3)),
        "Non-hashable static arguments"),
    "static_argnums": (lambda jax: jax.jit(lambda x: x, static_argnums=3), "3",
                       "only accepts 1 positional"),
    "static_argnames": (lambda jax: jax.jit(lambda x: x, static_argnames="y"), "'y'",
                        "static_argnames"),
    "static_argnums, a string": (lambda jax: jax.jit(lambda x: x, static_argnums="x"), "str",
                                 "integer"),
    "donate_argnums": (lambda jax: jax.jit(lambda x: x, donate_argnums=[0, 3]),
                       "donate_argnums=(0, 3)", "only accepts 1 positional"),
    "a wrapped function": (
        lambda jax: jax.jit(functools.wraps(square)(lambda x: "a"))(1.0),
        f"function square at {__file__}:{square.__code__.co_firstlineno} traced for jit"),
    "a partial function": (
        lambda jax: jax.jit(functools.partial(refusing, "a"))(1.0),
        f"function refusing at {__file__}:{refusing.__code__.co_firstlineno} traced for jit"),
    "an unknown dialect": (lambda jax: jax.jit(lambda x: x).lower(V).as_text("nope"),
                           "unknown dialect: nope"),
    "a dialect that is no name": (lambda jax: jax.jit(lambda x: x).lower(V).as_text(dialect=3),
                                  "unknown dialect: 3"),
    "a missing argument": (lambda jax: jax.jit(lambda x, y: x)(1.0), "missing 1 required", "'y'"),
    "compiled for another shape": (
        lambda jax: jax.jit(lambda x: x).lower(V).compile()(f32(2)), "compiled with float32[3]",
        "called with float32[2]"),
    "compiled for another structure": (
        lambda jax: jax.jit(lambda x: x).lower(V).compile()((V, V)), "input pytree"),
    "make_jaxpr of a string": (lambda jax: jax.make_jaxpr(square)("a"), "<class 'str'>"),
    "make_jaxpr of no function": (lambda jax: jax.make_jaxpr(3), "callable"),
    "eval_shape of a string": (lambda jax: jax.eval_shape(square, "a"), "<class 'str'>"),
}

CUSTOM = {
    "no jvp rule": (lambda jax: jax.custom_jvp(square)(1.0), "square", "defjvp"),
    "no vjp rule": (lambda jax: jax.custom_vjp(square)(1.0), "square", "defvjp"),
    "jvp without a pair": (custom_jvp(lambda p, t: p[0]), "<lambda>", "square", "pair"),
    "jvp structures": (custom_jvp(lambda p, t: (p[0], (t[0], t[0]))), "square",
                       "equal container", "PyTreeDef((*, *))"),
    "jvp shapes": (custom_jvp(lambda p, t: (p[0], V)), "corresponding shapes", "float32[]",
                   "float32[3]"),
    "jvp result of another structure": (custom_jvp(lambda p, t: ((p[0],), (t[0],))), "("),
    "jvp closes over a tracer": (primal_closes_over_a_tracer(
        "custom_jvp", lambda f: f.defjvp(lambda p, t: (p[0], t[0]))),),
    "vjp closes over a tracer": (primal_closes_over_a_tracer(
        "custom_vjp", lambda f: f.defvjp(keep, lambda res, ct: (ct,))),),
    "fwd without a pair": (custom_vjp(lambda x: x), "fwd", "square", "pair", "residuals"),
    "fwd structure": (custom_vjp(lambda x: ((x, x), None)), "("),
    "bwd without a tuple": (custom_vjp(keep, lambda res, ct: ct), "bwd", "tuple"),
    "bwd with too many": (custom_vjp(keep, lambda res, ct: (ct, ct)), "bwd", "argument"),
    "bwd shape": (custom_vjp(keep, lambda res, ct: (V,)), "bwd", "float32[3]", "float32[]"),
    "bwd structure": (custom_vjp(keep, lambda res, ct: ((ct, ct),)), "bwd", "structure"),
    "forward mode": (custom_vjp(keep, use=lambda jax, f: jax.jvp(f, (1.0,), (1.0,))),
                     "forward-mode", "custom_vjp"),
}

INDEXING = {
    "a float": (lambda jnp: jnp.arange(3)[1.0], "integer or boolean", "float"),
    "an array of floats": (lambda jnp: jnp.arange(3)[jnp.array([0.5])], "integer or boolean",
                           "float32"),
    "a string": (lambda jnp: jnp.arange(3)["a"], "string indexing", "'a'"),
    "a list": (lambda jnp: jnp.arange(3)[[0, 1]], "non-tuple sequence", "array(seq)"),
    "too many": (lambda jnp: jnp.arange(3)[0, 1], "Too many indices", "1-dimensional", "2"),
    "of a scalar": (lambda jnp: jnp.float32(1)[0], "Too many indices", "0-dimensional"),
    "two ellipses": (lambda jnp: jnp.ones((2, 3))[..., ...], "single ellipsis"),
    "a mask of another shape": (lambda jnp: jnp.arange(3)[jnp.array([True, False])],
                                "boolean index", "(2,)", "3"),
    "a slice with floats": (lambda jnp: jnp.arange(3)[0.5:], "integer"),
    "a step of zero": (lambda jnp: jnp.arange(3)[::0], "slice step cannot be zero"),
    "index arrays that do not broadcast": (
        lambda jnp: jnp.ones((3, 4))[jnp.array([0, 1]), jnp.array([0, 1, 2])], "(2,)", "(3,)"),
    "set with another shape": (lambda jnp: jnp.zeros(3).at[:2].set(jnp.ones(3)),
                               "for broadcasting", "3", "2"),
    "take along another axis": (lambda jnp: jnp.take(V, 0, axis=1), "axis 1", "dimension 1"),
    "take_along_axis ranks": (lambda jnp: jnp.take_along_axis(V, i32(1, 2), axis=0), "2", "1"),
}

SHAPES = {
    "add": (lambda jnp: jnp.add(V, f32(2)), "add got incompatible shapes", "(3,)", "(2,)"),
    "an operator": (lambda jnp: jnp.ones(3) + jnp.ones(4), "add got incompatible shapes",
                    "(3,), (4,)"),
    "lax.add ranks": (lambda lax: lax.add(V, M), "add: arrays must have the same number of"),
    "lax.add shapes": (lambda lax: lax.add(V, f32(2)), "add got incompatible", "(3,), (2,)"),
    "lax.add dtypes": (lambda lax: lax.add(V, i32(3)), "same dtypes", "float32, int32",
                       "jnp.add"),
    "lax.sin of integers": (lambda lax: lax.sin(i32(3)), "sin does not accept dtype int32",
                            "floating"),
    "sin of a string": (lambda jnp: jnp.sin("a"), "<class 'str'>"),
    "sin of a list": (lambda jnp: jnp.sin([1.0, 2.0]), "sin requires ndarray or scalar",
                      "<class 'list'>", "position 0"),
    "add of None": (lambda jnp: jnp.add(None, 1.0), "add requires ndarray or scalar",
                    "NoneType"),
    "sum of a list": (lambda jnp: jnp.sum([1, 2]), "sum requires ndarray or scalar", "list"),
    "and of floats": (lambda jnp: jnp.ones(3) & 1, "and does not accept dtype float32"),
    "not of floats": (lambda jnp: ~jnp.ones(3), "not does not accept dtype float32"),
    "select shapes": (lambda lax: lax.select(V > 0, V, f32(2)), "select", "(3,)", "(2,)"),
    "select predicate": (lambda lax: lax.select(f32(2) > 0, V, V), "which", "(2,)", "(3,)"),
    "select of floats": (lambda lax: lax.select(V, V, V), "which", "float32"),
    "clamp": (lambda lax: lax.clamp(f32(2), V, V), "clamp", "(2,)", "(3,)"),
    "where": (lambda jnp: jnp.where(V > 0, V, f32(2)), "Incompatible shapes", "(3,)", "(2,)"),
    "sum axis": (lambda jnp: jnp.sum(V, axis=1), "axis 1", "dimension 1"),
    "sum axis, negative": (lambda jnp: jnp.sum(V, axis=-2), "axis -2", "dimension 1"),
    "sum axis twice": (lambda jnp: jnp.sum(M, axis=(0, 0)), "duplicate", "(0, 0)"),
    "max of nothing": (lambda jnp: jnp.max(jnp.ones(0)), "zero-size", "max", "identity"),
    "argmax of nothing": (lambda jnp: jnp.argmax(jnp.ones(0)), "argmax", "empty"),
    "lax.reduce_sum": (lambda lax: lax.reduce_sum(V, (1,)), "1", "out"),
    "lax.cumsum": (lambda lax: lax.cumsum(V, axis=1), "axis 1"),
    "cumsum": (lambda jnp: jnp.cumsum(V, axis=1), "axis 1", "dimension 1"),
    "sort": (lambda jnp: jnp.sort(V, axis=1), "axis 1", "dimension 1"),
    "dot of vectors": (lambda jnp: jnp.dot(V, f32(4)), "dot_general", "(3,) and (4,)"),
    "dot of matrices": (lambda jnp: jnp.dot(M, M), "dot_general", "(4,) and (3,)"),
    "matmul": (lambda jnp: jnp.matmul(M, M), "dot_general", "(4,) and (3,)"),
    "@": (lambda jnp: jnp.ones((3, 4)) @ jnp.ones((3, 4)), "dot_general", "(4,) and (3,)"),
    "matmul of a scalar": (lambda jnp: jnp.matmul(V, 2.0), "operand 1", "ndim"),
    "lax.dot_general": (lambda lax: lax.dot_general(M, M, (((1,), (0,)), ((), ()))),
                        "contracting dimensions", "(4,) and (3,)"),
    "lax.dot": (lambda lax: lax.dot(M, M), "(3, 4)", "dimension_numbers"),
    "einsum sizes": (lambda jnp: jnp.einsum("ij,jk->ik", M, M), "'j'", "4", "3"),
    "einsum ranks": (lambda jnp: jnp.einsum("ij->i", V), "ij", "number of indices"),
    "tensordot": (lambda jnp: jnp.tensordot(M, M, axes=1), "(4,) and (3,)"),
    "reshape": (lambda jnp: jnp.reshape(jnp.ones(3), (2, 2)), "cannot reshape", "(3,)", "(2, 2)"),
    "reshape with two -1": (lambda jnp: jnp.ones(3).reshape(-1, -1), "-1", "(-1, -1)"),
    "transpose": (lambda jnp: jnp.transpose(M, (0, 0)), "permutation (0, 0)", "(3, 4)"),
    "lax.transpose": (lambda lax: lax.transpose(M, (0, 2)), "permutation (0, 2)", "(3, 4)"),
    "moveaxis": (lambda jnp: jnp.moveaxis(M, 0, 5), "axis 5", "dimension 2"),
    "expand_dims": (lambda jnp: jnp.expand_dims(V, 5), "axis 5"),
    "squeeze": (lambda jnp: jnp.squeeze(M, 0), "squeeze", "(3, 4)"),
    "concatenate ranks": (lambda jnp: jnp.concatenate([M, V]), "number", "dimensions", "(3, 4)",
                          "(3,)"),
    "concatenate sizes": (lambda jnp: jnp.concatenate([M, f32(3, 5)]), "dimension 0", "(3, 4)",
                          "(3, 5)"),
    "concatenate nothing": (lambda jnp: jnp.concatenate([]), "at least one array"),
    "concatenate axis": (lambda jnp: jnp.concatenate([V, V], axis=1), "axis 1", "dimension 1"),
    "lax.concatenate": (lambda lax: lax.concatenate([M, f32(3, 5)], 0), "(3, 4)", "(3, 5)"),
    "stack": (lambda jnp: jnp.stack([V, f32(2)]), "same shape", "(3,)", "(2,)"),
    "stack nothing": (lambda jnp: jnp.stack([]), "at least one array"),
    "split": (lambda jnp: jnp.split(V, 2), "equal division"),
    "broadcast_to": (lambda jnp: jnp.broadcast_to(V, (2, 4)), "for broadcasting", "3", "4"),
    "broadcast_shapes": (lambda jnp: jnp.broadcast_shapes((2,), (3,)), "(2,)", "(3,)"),
    "lax.broadcast_in_dim": (lambda lax: lax.broadcast_in_dim(V, (4, 2), (0,)),
                             "broadcast_in_dim", "(3,)", "(4, 2)"),
    "lax.broadcast_in_dim rank": (lambda lax: lax.broadcast_in_dim(V, (4, 3), (0, 1)),
                                  "broadcast_dimensions", "(0, 1)", "ndim"),
    "lax.slice": (lambda lax: lax.slice(V, (0,), (9,)), "slice", "9", "(3,)"),
    "lax.dynamic_slice": (lambda lax: lax.dynamic_slice(V, (0,), (9,)), "slice", "9", "(3,)"),
    "lax.dynamic_slice rank": (lambda lax: lax.dynamic_slice(M, (0,), (1,)), "indices", "(3, 4)"),
    "lax.dynamic_update_slice": (lambda lax: lax.dynamic_update_slice(V, f32(4), (0,)),
                                 "dynamic_update_slice", "(4,)", "(3,)"),
    "lax.pad": (lambda lax: lax.pad(V, np.float32(0), [(1, 1, 0), (0, 0, 0)]), "padding_config",
                "(3,)"),
    "lax.pad dtype": (lambda lax: lax.pad(V, 1, [(1, 1, 0)]), "same dtype", "float32", "int32"),
    "lax.rev": (lambda lax: lax.rev(V, (1,)), "rev", "(1,)"),
    "iota": (lambda jnp, lax: lax.broadcasted_iota(jnp.int32, (2, 3), 2), "dimension=2",
             "(2, 3)"),
    "pad mode": (lambda jnp: jnp.pad(V, 1, mode="nope"), "nope"),
    "convolution features": (lambda lax: lax.conv(
        f32(1, 2, 5, 5), f32(3, 4, 3, 3), (1, 1), "SAME"), "feature", "2", "4"),
    "convolution ranks": (lambda lax: lax.conv(
        f32(2, 5, 5), f32(3, 2, 3, 3), (1, 1), "SAME"), "ndim", "3", "4"),
    "convolution padding": (lambda lax: lax.conv(
        f32(1, 2, 5, 5), f32(3, 2, 3, 3), (1, 1), "NOPE"), "NOPE", "SAME"),
    "convolve of a matrix": (lambda jnp: jnp.convolve(M, V), "1-dimensional"),
    "convolve mode": (lambda jnp: jnp.convolve(V, V, mode="nope"), "mode", "valid"),
    "top_k": (lambda lax: lax.top_k(V, 5), "5", "3"),
    "sort keys": (lambda lax: lax.sort((V, V), num_keys=3), "num_keys=3", "2"),
    "fft axis": (lambda jnp: jnp.fft.fft(V, axis=3), "axis 3", "dimension 1"),
    "solve": (lambda jnp: jnp.linalg.solve(M, V), "4", "3"),
    "inv": (lambda jnp: jnp.linalg.inv(M), "inv", "(3, 4)"),
    "det": (lambda jnp: jnp.linalg.det(M), "det", "(3, 4)"),
    "norm of a cube": (lambda jnp: jnp.linalg.norm(f32(2, 2, 2), ord=2), "axes", "(0, 1, 2)"),
    "softmax axis": (lambda jax: jax.nn.softmax(V, axis=1), "axis 1", "dimension 1"),
    "strict promotion": (strict_promotion, "int32", "float32", "strict"),
}

RANDOM = {
    "an integer as a key": (lambda random: random.normal(0, (3,)), "key", "0"),
    "floats as a key": (lambda random: random.normal(V, (3,)), "key"),
    "two keys": (lambda random: random.normal(np.stack([KEY, KEY]), (3,)), "single key", "vmap"),
    "a float as a seed": (lambda random: random.PRNGKey(1.5), "seed", "integer"),
    "a float as a seed of key": (lambda random: random.key(0.5), "seed", "integer"),
    "normal of integers": (lambda jnp, random: random.normal(random.key(0), (3,), jnp.int32),
                           "normal", "int32"),
    "uniform of integers": (lambda jnp, random: random.uniform(
        random.key(0), (3,), dtype=jnp.int32), "uniform", "int32"),
    "a string as a shape": (lambda random: random.normal(random.key(0), "abc"), "integer", "abc"),
    "bernoulli": (lambda random: random.bernoulli(random.key(0), f32(3), (2,)), "(2,)", "(3,)"),
    "too large a choice": (lambda random: random.choice(random.key(0), V, (4,), replace=False),
                           "4", "3", "replace=False"),
    "an unknown generator": (lambda random: random.key(0, impl="nope"), "nope", "threefry2x32"),
    "NumPy of a key": (lambda random, np: np.asarray(random.key(0)), "key_data"),
    "adding to a key": (lambda jax: jax.random.key(0) + 1, "add", "key<fry>"),
}

TREES = {
    "keys": (lambda jax: jax.tree.map(lambda a, b: a, {"a": 1}, {"b": 1}), "'a'", "'b'"),
    "types": (lambda jax: jax.tree.map(lambda a, b: a, [1, 2], (1, 2)), "different types"),
    "too few leaves": (lambda jax: jax.tree.unflatten(jax.tree.structure([1, 2]), [1]),
                       "expected 2, got 1"),
    "keys that do not compare": (lambda jax: jax.tree.leaves({1: 1, "a": 2}), "keys"),
    "a type registered twice": (lambda jax: jax.tree_util.register_pytree_node(
        dict, lambda d: ((), None), lambda aux, children: {}), "uplicate", "dict"),
}

SETTINGS = {
    "an unknown option": (lambda jax: jax.config.update("jax_nope", True), "jax_nope"),
    "a wrong value": (lambda jax: jax.config.update("jax_numpy_dtype_promotion", "nope"), "nope"),
    "an unknown backend": (lambda jax: jax.devices("nope"), "nope", "cpu"),
    "an unknown name": (lambda jnp: jnp.nope, "nope"),
}

GROUPS = {"tracer": TRACERS, "array": ARRAYS, "grad": GRAD, "jvp": JVP, "vmap": VMAP, "jit": JIT,
          "custom": CUSTOM, "index": INDEXING, "shape": SHAPES, "random": RANDOM, "tree": TREES,
          "setting": SETTINGS}
MISUSES = {f"{group}: {name}": case for group, cases in GROUPS.items()
           for name, case in cases.items()}

# JAX fails in these too, but by accident: an assertion, the compiler, an index of its own.
OURS = {
    "argnums, negative": (lambda jax: jax.grad(square, argnums=-2)(1.0), TypeError,
                          "argnums=-2", "at least 2 positional", "only 1"),
    "argnums of jacfwd": (lambda jax: jax.jacfwd(square, 1)(V), TypeError, "argnums=1",
                          "at least 2 positional", "only 1"),
    "reshape of lax": (lambda lax: lax.reshape(V, (2, 2)), TypeError, "reshape", "(3,)", "(2, 2)"),
    "swapaxes": (lambda jnp: jnp.swapaxes(M, 0, 2), ValueError, "axis 2", "dimension 2"),
    "argmax axis": (lambda jnp: jnp.argmax(V, axis=1), ValueError, "axis 1", "dimension 1"),
    "lax.slice rank": (lambda lax: lax.slice(M, (0,), (1,)), TypeError, "slice", "(3, 4)"),
    "cholesky": (lambda jnp: jnp.linalg.cholesky(M), ValueError, "cholesky", "(3, 4)"),
    "ppermute over no axis": (lambda lax: lax.ppermute(1.0, "i", [(0, 1)]), NameError,
                              "unbound axis name: i"),
    "ppermute to one place twice": (lambda jax, lax: jax.vmap(
        lambda x: lax.ppermute(x, "i", [(0, 1), (2, 1)]), axis_name="i")(V), ValueError,
        "ppermute", "1"),
    "ppermute out of range": (lambda jax, lax: jax.vmap(
        lambda x: lax.ppermute(x, "i", [(0, 7)]), axis_name="i")(V), ValueError,
        "ppermute", "7", "3"),
}


# --- the tests -------------------------------------------------------------------------------


def builtin_base(cls: type) -> type:
    return next(c for c in cls.__mro__ if c.__module__ == "builtins")


@pytest.mark.parametrize("name", MISUSES)
def test_the_class_is_jax_s_and_the_message_says_what_and_where(name):
    misuse, *pieces = MISUSES[name]
    with pytest.raises(Exception) as theirs:
        bound(misuse, jax)()
    with pytest.raises(builtin_base(theirs.type)) as ours:
        bound(misuse, minijax)()
    assert ours.type.__name__ == theirs.type.__name__, ours.value
    assert builtin_base(ours.type) is builtin_base(theirs.type)
    for piece in pieces:
        assert piece in str(ours.value)


@pytest.mark.parametrize("name", OURS)
def test_where_jax_fails_by_accident_the_message_is_ours(name):
    misuse, expected, *pieces = OURS[name]
    with pytest.raises(expected) as ours:
        bound(misuse, minijax)()
    assert ours.type is expected
    for piece in pieces:
        assert piece in str(ours.value)


ADVICE = {
    "tracer: escaped from jit": "Return the value from the function",
    "tracer: if": "jnp.where",
    "tracer: while": "lax.while_loop",
    "tracer: int": "static_argnums",
    "tracer: range": "lax.fori_loop",
    "tracer: np.sin": "jax.numpy",
    "tracer: item": "return the array",
    "grad: a pair without has_aux": "has_aux=True",
    "jit: a list as a static argument": "a tuple",
    "vmap: psum over no axis": "axis_name",
    "custom: bwd without a tuple": "return (ct,)",
    "custom: jvp closes over a tracer": "as an argument",
    "shape: strict promotion": "astype",
    "setting: an unknown option": "jax.config.values",
}


@pytest.mark.parametrize("name", ADVICE)
def test_the_message_says_what_to_do(name):
    with pytest.raises(Exception, match=re.escape(ADVICE[name])):
        bound(MISUSES[name][0], minijax)()


def test_an_error_class_can_be_caught_as_in_jax():
    ours = {name for name in vars(minijax.errors) if name[0].isupper()}
    theirs = {name for name in vars(jax.errors) if name[0].isupper()}
    assert {"ConcretizationTypeError", "NonConcreteBooleanIndexError", "TracerArrayConversionError",
            "TracerBoolConversionError", "TracerIntegerConversionError",
            "UnexpectedTracerError"} <= ours & theirs
    for name in ours & theirs:
        assert builtin_base(getattr(minijax.errors, name)) is builtin_base(
            getattr(jax.errors, name))


@pytest.mark.parametrize("maker", ["fori_loop", "map", "scan"])
def test_a_leak_names_what_the_user_called(maker):
    leaked = []
    lax, jnp = minijax.lax, minijax.numpy
    {"fori_loop": lambda: lax.fori_loop(0, 3, lambda i, x: leaked.append(x) or x, 1.0),
     "map": lambda: lax.map(lambda x: leaked.append(x) or x, jnp.ones(2)),
     "scan": lambda: lax.scan(lambda c, x: (leaked.append(x) or c, x), 0.0, jnp.ones(2)),
     }[maker]()
    with pytest.raises(minijax.errors.UnexpectedTracerError, match=f"for {maker}, and was"):
        leaked[0] + 1
