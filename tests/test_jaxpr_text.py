"""Programs are printed as JAX prints them, and derivatives have no more equations than JAX's.

Each program is one function, traced by both libraries (see `tests/both.py`).
"""

from __future__ import annotations

import collections
import functools
import re
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import minijax
from tests.both import bound, f32, i32
from tests.control_flow_programs import LOOPS


def bools(*shape: int) -> np.ndarray:
    return i32(*shape) % 2 == 0


V, M, S, I, B = f32(3), f32(3, 4), np.float32(0.5), i32(3), bools(3)  # noqa: E741
KEY = np.array([0, 42], np.uint32)

# --- what is printed -------------------------------------------------------------------------

# JAX prints these, or the same as None; they describe machines or repeat the type of the result.
LEFT_OUT = ("sharding", "out_sharding", "weak_type", "preferred_element_type", "accuracy",
            "dimensions")
# `lax.reduce` shows the address of the user's function there, beside its program.
PARAM = re.compile(rf"\w+=None\b|\b(?:{'|'.join(LEFT_OUT)})=[^\s\]]+|"
                   r"computation=<function \S+ at \S+>")


def plain(text: str) -> str:
    """With 1 where JAX's batching and `split` say np.int64(1)."""
    return re.sub(r"np\.int64\((\d+)\)", r"\1", text)


def normal(text: str) -> str:
    """Without the params that are left out, and with single blanks."""
    text = re.sub(r"\[\s*\]", "[]", PARAM.sub("", plain(text)))
    text = re.sub(r"\s+", " ", text).replace("[ ", "[").replace(" ]", "]")
    return re.sub(r"(= \w+)\[\]", r"\1", text)  # `log[]`: all its params were left out


def complete(text: str) -> bool:
    """Is nothing left out or replaced?"""
    return not PARAM.search(text) and plain(text) == text


# --- programs --------------------------------------------------------------------------------


def mlp(jnp, params, x):
    for w, b in params[:-1]:
        x = jnp.maximum(0, jnp.dot(w, x) + b)
    w, b = params[-1]
    return jnp.dot(w, x) + b


LAYERS = [(f32(4, 3), f32(4)), (f32(2, 4), f32(2))]


def cross_entropy(jax, jnp, params, x, y):
    logits = mlp(jnp, params, x)
    return -jnp.sum((logits - jax.nn.logsumexp(logits)) * y)


def rnn(jnp, params, h, x):
    return jnp.tanh(params["w_x"] * x + params["w_h"] * h)


def with_custom_jvp(jax, jnp, x):
    @jax.custom_jvp
    def softplus(x):
        return jnp.log(1.0 + jnp.exp(x))

    @softplus.defjvp
    def softplus_rule(primals, tangents):
        (x,), (t,) = primals, tangents
        return softplus(x), t * (1.0 - 1.0 / (1.0 + jnp.exp(x)))

    return softplus(x) * 2.0


def with_custom_vjp(jax, jnp, x):
    @jax.custom_vjp
    def clipped(x):
        return x * 2.0

    def fwd(x):
        return clipped(x), x

    def bwd(res, ct):
        return (ct * jnp.cos(res),)

    clipped.defvjp(fwd, bwd)
    return clipped(x) + 1.0


def called_twice(jax, jnp, x):
    @jax.jit
    def helper(y):
        return jnp.sin(y) * 2.0

    return helper(x) + helper(x + 1.0)


def a_long_inner_program(jax, jnp, x):
    @jax.jit
    def chain(y):
        for _ in range(12):
            y = jnp.sin(y)
        return y

    return chain(x)


def nested_closure(jax, jnp, x):
    @jax.jit
    def outer(y):
        @jax.jit
        def inner(z):
            return x * y * z

        return inner(2.0)

    return outer(x)


def unused_results(jax, jnp, x):
    jnp.sin(x)

    @jax.jit
    def pair(y):
        return y * 2.0, y * 3.0

    first, _ = pair(x)
    return first


def norm(jnp, x):
    x = x - x.mean(1, keepdims=True)
    return x / x.std(1, keepdims=True)


def attention(jax, jnp, q, k, v):
    return jax.nn.softmax(q @ k.T / jnp.sqrt(q.shape[-1])) @ v


def adam(jnp, w, g, m, v, step):
    m = (1 - 0.75) * g + 0.75 * m
    v = (1 - 0.875) * (g ** 2) + 0.875 * v
    mhat, vhat = m / (1 - 0.75 ** (step + 1)), v / (1 - 0.875 ** (step + 1))
    return (w - 0.01 * mhat / (jnp.sqrt(vhat) + 1e-8)).astype(w.dtype), (m, v)


PROGRAMS: dict[str, tuple] = {
    # arithmetic and literals
    "affine": (lambda x: 2 * x + 3, 5),
    "affine of a float": (lambda x: 2 * x + 3, 5.0),
    "identity": (lambda x: x, V),
    "no argument": (lambda jnp: jnp.multiply(2.0, 3.0),),
    "the same twice": (lambda x: (x, x, 1.0), V),
    "operators": (lambda x, y: (x + y - x * y / x, -x, abs(x)), V, V),
    "reflected operators": (lambda x: (1 + x, 1 - x, 2 * x, 1 / x), V),
    "comparisons": (lambda x, y: (x < y, x <= y, x > y, x >= y, x == y, x != y), V, V),
    "integers": (lambda x, y: (x // y, x % y, x & y, x | y, x ^ y, ~x, x << 1, x >> 1), I, I),
    "floor and remainder": (lambda x, y: (x // y, x % y), V, V),
    "powers": (lambda x: (x ** 2, x ** 3, x ** -1, x ** 0.5), V),
    "a power of arrays": (lambda x, y: x ** y, V, V),
    "an integer power": (lambda x: x ** 2, I),
    "two to the x": (lambda x: 2 ** x, V),
    "mixed dtypes": (lambda x, y: x + y, V, I),
    "a broadcast": (lambda x, y: x + y, M, f32(4)),
    "a broadcast both ways": (lambda x, y: x * y, f32(3, 1), f32(1, 4)),
    "a NumPy constant": (lambda x: x + np.float32(0.1), V),
    "an array constant": (lambda x: x * f32(3), V),
    "a jax array constant": (lambda jnp, x: x * jnp.arange(3.0), V),
    "complex": (lambda jnp, x: (jnp.real(x), jnp.imag(x), jnp.conj(x), abs(x)),
                V.astype(np.complex64)),
    # jax.numpy
    "trigonometry": (lambda jnp, x: (jnp.sin(x), jnp.cos(x), jnp.tan(x), jnp.arctan2(x, x)), V),
    "hyperbolic": (lambda jnp, x: (jnp.sinh(x), jnp.cosh(x), jnp.tanh(x), jnp.arcsinh(x)), V),
    "exponentials": (lambda jnp, x: (jnp.exp(x), jnp.log(x), jnp.expm1(x), jnp.log1p(x)), V),
    "roots": (lambda jnp, x: (jnp.sqrt(x), jnp.square(x), jnp.cbrt(x), jnp.reciprocal(x)), V),
    "rounding": (lambda jnp, x: (jnp.floor(x), jnp.ceil(x), jnp.round(x), jnp.sign(x)), V),
    "max and min": (lambda jnp, x, y: (jnp.maximum(x, y), jnp.minimum(x, 0.0)), V, V),
    "logic": (lambda jnp, x, y: (jnp.logical_and(x, y), jnp.logical_not(x), x | y), B, B),
    "isnan": (lambda jnp, x: (jnp.isnan(x), jnp.isfinite(x)), V),
    "logaddexp": (lambda jnp, x: jnp.logaddexp(x, 0.0), V),
    "where": (lambda jnp, x: jnp.where(x > 0, x, 0.0), V),
    "where of arrays": (lambda jnp, c, x, y: jnp.where(c, x, y), B, V, V),
    "clip": (lambda jnp, x: jnp.clip(x, 0.0, 1.0), V),
    "sums": (lambda jnp, x: (jnp.sum(x), jnp.sum(x, axis=0), x.sum(1, keepdims=True)), M),
    "a sum of integers": (lambda jnp, x: (jnp.sum(x), jnp.sum(x > 1)), I),
    "means": (lambda jnp, x: (jnp.mean(x), jnp.mean(x, axis=1)), M),
    "variance": (lambda jnp, x: (jnp.var(x), jnp.std(x, axis=0)), M),
    "extremes": (lambda jnp, x: (jnp.max(x, axis=1), jnp.min(x), jnp.prod(x, axis=0)), M),
    "any and all": (lambda jnp, x: (jnp.any(x), jnp.all(x)), B),
    "argmax": (lambda jnp, x: (jnp.argmax(x, axis=1), jnp.argmin(x)), M),
    "cumsum": (lambda jnp, x: (jnp.cumsum(x), jnp.cumprod(x)), V),
    "sort": (lambda jnp, x: (jnp.sort(x), jnp.argsort(x)), V),
    "dot": (lambda jnp, w, x: jnp.dot(w, x), f32(4, 3), V),
    "dot of vectors": (lambda jnp, x: jnp.dot(x, x), V),
    "matmul": (lambda x, y: x @ y, M, f32(4, 2)),
    "matmul of batches": (lambda x, y: x @ y, f32(2, 3, 4), f32(2, 4, 5)),
    "vdot and outer": (lambda jnp, x: (jnp.vdot(x, x), jnp.outer(x, x)), V),
    "tensordot": (lambda jnp, x, y: jnp.tensordot(x, y, axes=1), M, f32(4, 2)),
    "einsum": (lambda jnp, x, y: jnp.einsum("ij,jk->ik", x, y), M, f32(4, 2)),
    "reshape": (lambda jnp, x: (jnp.reshape(x, (4, 3)), x.ravel(), x.reshape(-1, 2)), M),
    "transpose": (lambda jnp, x: (x.T, jnp.transpose(x), jnp.swapaxes(x, 0, 1)), M),
    "moveaxis": (lambda jnp, x: jnp.moveaxis(x, 0, -1), f32(2, 3, 4)),
    "expand and squeeze": (lambda jnp, x: (jnp.expand_dims(x, 0), jnp.squeeze(x[None])), V),
    "concatenate": (lambda jnp, x: jnp.concatenate([x, x, x]), V),
    "stack": (lambda jnp, x: (jnp.stack([x, x]), jnp.vstack([x, x]), jnp.hstack([x, x])), V),
    "split": (lambda jnp, x: jnp.split(x, 2, axis=1), M),
    "pad": (lambda jnp, x: jnp.pad(x, 1), V),
    "tile and repeat": (lambda jnp, x: (jnp.tile(x, 2), jnp.repeat(x, 2)), V),
    "flip and roll": (lambda jnp, x: (jnp.flip(x), jnp.roll(x, 1)), V),
    "creation": (lambda jnp, x: (jnp.zeros(3), jnp.ones((2, 3)), jnp.full(2, x), jnp.eye(2)), S),
    "like": (lambda jnp, x: (jnp.zeros_like(x), jnp.ones_like(x), jnp.full_like(x, 2)), V),
    "arange": (lambda jnp, x: x + jnp.arange(3), V),
    "linspace": (lambda jnp, x: jnp.linspace(0.0, x, 5), S),
    "astype": (lambda jnp, x: (x.astype(jnp.int32), x.astype(bool)), V),
    "diagonal": (lambda jnp, x: (jnp.diag(x), jnp.trace(jnp.outer(x, x))), V),
    "triangles": (lambda jnp, x: (jnp.tril(x), jnp.triu(x)), f32(3, 3)),
    "norm of a vector": (lambda jnp, x: jnp.linalg.norm(x), V),
    "convolve": (lambda jnp, x, y: jnp.convolve(x, y), f32(5), V),
    # indexing
    "an element": (lambda x: (x[0], x[-1]), V),
    "slices": (lambda x: (x[1:], x[:, ::2], x[::-1], x[1:3, 0]), M),
    "newaxis": (lambda x: (x[None], x[:, None], x[..., None]), V),
    "a traced index": (lambda x, i: x[i], V, np.int32(1)),
    "an index array": (lambda x, i: x[i], M, i32(2)),
    "two index arrays": (lambda x, i: x[i, i], M, i32(2)),
    "take": (lambda jnp, x, i: jnp.take(x, i, axis=0), M, i32(2)),
    "at set": (lambda x: x.at[1, :].set(1.0), M),
    "at add": (lambda x, i: x.at[i].add(1.0), V, np.int32(1)),
    "at max": (lambda x: x.at[:2].max(0.5), V),
    # lax
    "lax arithmetic": (lambda lax, x, y: lax.add(lax.mul(x, y), lax.div(lax.sub(x, y), y)), V, V),
    "lax elementwise": (lambda lax, x: (lax.rsqrt(x), lax.erf(x), lax.logistic(x), lax.neg(x)), V),
    "lax integer_pow": (lambda lax, x: (lax.integer_pow(x, 3), lax.pow(x, 2.5)), V),
    "lax reduce": (lambda lax, x: (lax.reduce_sum(x, (0,)), lax.reduce_max(x, (0, 1))), M),
    "lax broadcast": (lambda lax, x: (lax.broadcast(x, (2,)),
                                      lax.broadcast_in_dim(x, (3, 2), (0,))), V),
    "lax slice": (lambda lax, x: lax.slice(x, (0, 1), (2, 4), (1, 2)), M),
    "lax dynamic slice": (lambda lax, x, i: lax.dynamic_slice(x, (i, 0), (2, 2)), M, np.int32(1)),
    "lax dynamic update": (lambda lax, x, y: lax.dynamic_update_slice(x, y, (0,)), V, f32(2)),
    "lax pad and rev": (lambda lax, x: (lax.pad(x, np.float32(0), [(1, 2, 1)]),
                                        lax.rev(x, (0,))), V),
    "lax select": (lambda lax, c, x: lax.select(c, x, x), B, V),
    "lax clamp": (lambda lax, x: lax.clamp(np.float32(0), x, np.float32(1)), V),
    "lax iota": (lambda jnp, lax: (lax.iota(jnp.int32, 3),
                                   lax.broadcasted_iota(jnp.float32, (2, 3), 1)),),
    "lax dot_general": (lambda lax, x, y: lax.dot_general(x, y, (((2,), (1,)), ((0,), (0,)))),
                        f32(2, 3, 4), f32(2, 4, 5)),
    "lax sort": (lambda lax, x, y: lax.sort((x, y), num_keys=1), V, I),
    "lax top_k": (lambda lax, x: lax.top_k(x, 2), V),
    "lax cumulative": (lambda lax, x: (lax.cumsum(x), lax.cummax(x, reverse=True)), V),
    "lax convert": (lambda jnp, lax, x: lax.convert_element_type(x, jnp.bfloat16), V),
    "lax bitcast": (lambda jnp, lax, x: lax.bitcast_convert_type(x, jnp.uint32), V),
    "lax conv": (lambda lax, x, w: lax.conv(x, w, (1, 1), "SAME"), f32(1, 2, 5, 5),
                 f32(3, 2, 3, 3)),
    "lax stop_gradient": (lambda lax, x: lax.stop_gradient(x) * x, V),
    # jit
    "jit": (lambda jax, x: jax.jit(lambda y: 2 * y + 3)(x), 5),
    "a jitted jnp function": (lambda jnp, x: jnp.where(x > 0, x, 1.67 * jnp.exp(x) - 1.67), V),
    "jit of jit": (lambda jax, jnp, x: jax.jit(lambda y: jax.jit(jnp.sin)(y) * 2.0)(x), V),
    "jit over a constant": (lambda jax, x: jax.jit(lambda y: y * f32(3))(x), V),
    "jit over a tracer": (lambda jax, x: jax.jit(lambda y: x * y)(2.0), V),
    "jit of a pytree": (lambda jax, d: jax.jit(lambda d: {"c": d["a"] + d["b"][0]})(d),
                        {"a": V, "b": [V, I]}),
    "jit called twice": (called_twice, V),
    "jit with a long body": (a_long_inner_program, S),
    "jit in jit, closing over both": (nested_closure, S),
    "unused results": (unused_results, V),
    "static argument": (lambda jax, x: jax.jit(lambda y, n: y ** n, static_argnums=1)(x, 3), V),
    # other transformations
    "vmap": (lambda jax, jnp, x: jax.vmap(jnp.sin)(x), V),
    "vmap of dot": (lambda jax, jnp, w, x: jax.vmap(jnp.dot, (None, 0))(w, x), f32(2, 4), M),
    "vmap of jit": (lambda jax, jnp, x: jax.vmap(jax.jit(lambda y: y * 2.0))(x), V),
    "vmap of a sum": (lambda jax, jnp, x: jax.vmap(jnp.sum)(x), M),
    "vmap with out_axes": (lambda jax, x: jax.vmap(lambda y: y * 2.0, 0, 1)(x), M),
    "vmap of a dense layer": (lambda jax, jnp, x, w, b: jax.vmap(
        lambda x, w, b: jnp.dot(x, w) + b, (0, None, None))(x, w, b), M, f32(4, 2), f32(2)),
    "psum in vmap": (lambda jax, lax, x: jax.vmap(
        lambda y: y / lax.psum(y, "i"), axis_name="i")(x), V),
    "jvp": (lambda jax, jnp, x: jax.jvp(jnp.sin, (x,), (x,)), V),
    "custom_jvp": (with_custom_jvp, V),
    "custom_vjp": (with_custom_vjp, V),
    # nn
    "relu": (lambda jax, x: jax.nn.relu(x), V),
    "sigmoid": (lambda jax, x: jax.nn.sigmoid(x), V),
    "softmax": (lambda jax, x: jax.nn.softmax(x), V),
    "log_softmax": (lambda jax, x: jax.nn.log_softmax(x), V),
    "logsumexp": (lambda jax, x: jax.nn.logsumexp(x), V),
    "selu and gelu": (lambda jax, x: (jax.nn.selu(x), jax.nn.gelu(x)), V),
    "silu and softplus": (lambda jax, x: (jax.nn.silu(x), jax.nn.softplus(x)), V),
    "one_hot": (lambda jax, x: jax.nn.one_hot(x, 4), I),
    # random
    "split a key": (lambda random, k: random.split(k), KEY),
    "fold_in": (lambda random, k: random.fold_in(k, 1), KEY),
    "random bits": (lambda random, k: random.bits(k, (3,)), KEY),
    "uniform": (lambda random, k: random.uniform(k, (3,)), KEY),
    "normal": (lambda random, k: random.normal(k, (3,)), KEY),
    "bernoulli": (lambda random, k: random.bernoulli(k, 0.5, (3,)), KEY),
    "randint": (lambda random, k: random.randint(k, (3,), 0, 10), KEY),
    "a key": (lambda random, i: random.key(i), 0),
    # models
    "mlp": (mlp, LAYERS, V),
    "cross entropy": (cross_entropy, LAYERS, V, f32(2)),
    "rnn": (rnn, {"w_x": S, "w_h": S}, V, V),
    "row norm": (norm, M),
    "attention": (attention, M, M, M),
    "adam": (adam, V, V, V, V, 3),
    "batched mlp": (lambda jax, jnp, p, x: jax.vmap(
        functools.partial(mlp, jnp), (None, 0))(p, x), LAYERS, f32(5, 3)),
    **LOOPS,
}


@functools.cache
def texts(name: str) -> tuple[str, str]:
    f, *args = PROGRAMS[name]
    return (str(minijax.make_jaxpr(bound(f, minijax))(*args)),
            str(jax.make_jaxpr(bound(f, jax))(*args)))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_text_is_jax_s(name):
    ours, theirs = texts(name)
    assert normal(ours) == normal(theirs)
    if complete(theirs):  # then line by line
        assert ours == theirs


def test_the_layout_is_compared_for_many_programs():
    assert sum(complete(texts(name)[1]) for name in PROGRAMS) >= 40


# --- derivatives -----------------------------------------------------------------------------


def real_sum(library: Any, tree: Any) -> Any:
    """One real number from all the floating-point leaves of a result."""
    leaves = [x for x in library.tree.leaves(tree) if library.typeof(x).dtype == np.float32]
    sums = [library.numpy.sum(x) if library.typeof(x).shape else x for x in leaves]
    return functools.reduce(lambda a, b: a + b, sums)


def loss(name: str, library: Any) -> Callable:
    f = bound(PROGRAMS[name][0], library)
    return lambda *args: real_sum(library, f(*args))


def of_jvp(library: Any, f: Callable) -> Callable:
    def pushed(x, *rest):
        return library.jvp(lambda x: f(x, *rest), (x,), (x,))

    return pushed


def of_vmap(library: Any, f: Callable) -> Callable:
    g = library.grad(f)

    def mapped(x, *rest):
        xs = library.tree.map(lambda leaf: library.numpy.stack([leaf, leaf]), x)
        return library.vmap(lambda x: g(x, *rest))(xs)

    return mapped


DERIVED: dict[str, Callable] = {
    "grad": lambda library, f: library.grad(f),
    "jvp": of_jvp,
    "vmap of grad": of_vmap,
    "grad of jit": lambda library, f: library.grad(library.jit(f)),
    "jit of grad": lambda library, f: library.jit(library.grad(f)),
    "jvp of grad": lambda library, f: of_jvp(library, library.grad(f)),
}


def is_smooth(name: str) -> bool:
    """Its first argument is of 32-bit floats, and so is some result."""
    f, *args = PROGRAMS[name]
    floats = [np.asarray(x).dtype == np.float32 for x in jax.tree.leaves(args[:1])]
    return bool(floats) and all(floats) and name not in FLAT


FLAT = {"comparisons", "isnan", "argmax", "astype", "lax bitcast", "lax convert"}  # no such result
FORWARD_ONLY = {"fori_loop up to n", "while_loop", "while_loop with fixed carries",
                "vmap of while_loop", "vmap of while_loop, one count", "vmap of while_loop in cond",
                "vmap of fori_loop up to n"}
SMOOTH = [(name, kind) for name in PROGRAMS if is_smooth(name) for kind in DERIVED
          if kind == "jvp" or name not in FORWARD_ONLY]


def size(jaxpr: Any) -> collections.Counter:
    """How many equations of each primitive, those of the programs inside included."""
    count: collections.Counter = collections.Counter()
    for e in jaxpr.eqns:
        count[str(e.primitive)] += 1
        for value in jax.tree.leaves(tuple(e.params.values()), is_leaf=is_program):
            if is_program(value):
                count += size(value)
    return count


def is_program(x: Any) -> bool:
    return hasattr(x, "eqns")


@pytest.mark.parametrize(("name", "kind"), SMOOTH)
def test_a_derivative_has_no_more_equations_than_jax_s(name, kind):
    args = PROGRAMS[name][1:]
    ours, theirs = (library.make_jaxpr(DERIVED[kind](library, loss(name, library)))(*args)
                    for library in (minijax, jax))
    got, limit = size(ours), size(theirs)
    assert got.total() <= limit.total(), f"more: {got - limit}\nfewer: {limit - got}\n{ours}"
