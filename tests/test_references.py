"""Mutable arrays: a program with references is the program without them."""

from __future__ import annotations

import gc
import itertools
import weakref

import jax
import numpy as np
import pytest

import minijax
import minijax.numpy as jnp
from tests.both import compiled
from tests.tiers import thinned

LIBRARIES = (minijax, jax)
V = np.array([0.5, -1.0, 2.0], np.float32)

# --- made inside: each function with references, and the same without --------------------------


def accumulated(lib, x):
    ref = lib.new_ref(lib.numpy.zeros(3))
    for i in range(3):
        ref[i] = lib.numpy.sin(x[i]) * x.sum()
        ref[...] += x
    first = ref[0]
    return lib.freeze(ref) * first


def accumulated_purely(lib, x):
    y = lib.numpy.zeros(3)
    for i in range(3):
        y = y.at[i].set(lib.numpy.sin(x[i]) * x.sum()) + x
    return y * y[0]


def scanned(lib, x):
    ref = lib.new_ref(lib.numpy.ones(3))

    def step(c, i):
        lib.ref.addupdate(ref, i, c * x[i])
        return c * ref[0], ref[...]

    c, ys = lib.lax.scan(step, x[1], lib.numpy.arange(3))
    return ys.sum(0) * c + ref[...]


def scanned_purely(lib, x):
    def step(state, i):
        c, y = state
        y = y.at[i].add(c * x[i])
        return (c * y[0], y), y

    (c, y), ys = lib.lax.scan(step, (x[1], lib.numpy.ones(3)), lib.numpy.arange(3))
    return ys.sum(0) * c + y


def counted(lib, x):
    ref = lib.new_ref(x)

    def body(i, _):
        ref[i] = ref[i] * ref[2 - i]

    lib.lax.fori_loop(0, 3, body, None)
    return ref[...]


def counted_purely(lib, x):
    return lib.lax.fori_loop(0, 3, lambda i, y: y.at[i].multiply(y[2 - i]), x)


def chosen(lib, x):
    a, b = lib.new_ref(x), lib.new_ref(x * 2.0)

    def yes(y):
        a[0] = y.sum()
        return y

    def no(y):
        b[...] = lib.numpy.cos(b[...]) * y
        return y * 2.0

    return lib.lax.cond(x[0] > 0, yes, no, x) * a[...] + b[...]


def chosen_purely(lib, x):
    y, a, b = lib.lax.cond(x[0] > 0, lambda: (x, x.at[0].set(x.sum()), x * 2.0),
                           lambda: (x * 2.0, x, lib.numpy.cos(x * 2.0) * x))
    return y * a + b


def jitted(lib, x):
    ref = lib.new_ref(x)

    @lib.jit
    def inner(y):
        ref[1:] = ref[:2] * y
        return lib.jit(lambda: ref[1] * y)()

    first = inner(2.0) * ref[...]
    return first + inner(x[0])


def jitted_purely(lib, x):
    y = x.at[1:].set(x[:2] * 2.0)
    z = y.at[1:].set(y[:2] * x[0])
    return y[1] * 2.0 * y + z[1] * x[0]


def passed(lib, x):
    ref = lib.new_ref(x)

    @lib.jit
    def inner(pair, y):
        old = lib.ref.swap(pair["ref"], 0, y)
        pair["ref"][1] *= old
        return old

    return inner({"ref": ref}, x[2]) * ref[...] * inner({"ref": ref}, x[1])


def passed_purely(lib, x):
    y = x.at[0].set(x[2]).at[1].multiply(x[0])
    return x[0] * y * y[0]


PROGRAMS = {f.__name__: (f, g) for f, g in (
    (accumulated, accumulated_purely), (scanned, scanned_purely), (counted, counted_purely),
    (chosen, chosen_purely), (jitted, jitted_purely), (passed, passed_purely))}


def forward(lib, f):
    return lambda x: lib.jvp(f, (x,), (lib.numpy.cos(x),))[1]


def reverse(lib, f):
    return lib.grad(lambda x: (f(x) * lib.numpy.arange(1.0, 4.0)).sum())


def batched(lib, f):
    return lambda x: lib.vmap(f)(lib.numpy.stack([x, x[::-1] * 0.5]))[0]


def linearized(lib, f):
    return lambda x: lib.linearize(f, x)[1](lib.numpy.ones_like(x))


STEPS = {"jit": lambda lib, f: lib.jit(f), "jvp": forward, "grad": reverse, "vmap": batched,
         "linearize": linearized}
TOWERS = [(), *((s,) for s in STEPS), *itertools.product(STEPS, repeat=2)]


def tower_of(lib, program, tower):
    f = lambda x: program(lib, x)  # noqa: E731
    for step in tower:
        f = STEPS[step](lib, f)
    return f


def apply(lib, program, tower):
    return np.asarray(tower_of(lib, program, tower)(lib.numpy.asarray(V)))


@pytest.mark.parametrize("case", thinned(
    [(n, t) for n in PROGRAMS for t in TOWERS], lambda c: (c[0], c[1] if len(c[1]) < 2 else 2),
    lambda c: "-".join((c[0], *c[1]))))
def test_references_change_nothing(case):
    """Compared with the function without references: JAX's own cannot do all of this."""
    name, tower = case
    with_refs, without = PROGRAMS[name]
    got = apply(minijax, with_refs, tower)
    want = np.asarray(compiled(tower_of(jax, without, tower))(V))
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_functions_without_references_are_the_same_in_jax(name):
    with_refs, without = PROGRAMS[name]
    np.testing.assert_allclose(apply(jax, with_refs, ()), apply(jax, without, ()), rtol=1e-5)


# --- made outside: what a program leaves in them, as in JAX ---------------------------------------


def jit_twice(lib, a, b):
    f = lib.jit(lambda x: a.__setitem__(0, a[0] + x))
    f(1.0), f(2.0)


def jit_in_jit(lib, a, b):
    @lib.jit
    def inner(x):
        a[1] *= x
        return a[1] + b[0]

    @lib.jit
    def outer(x):
        b[0] = inner(x)
        b[1] = inner(x) + a[1]

    outer(3.0)


def argument(lib, a, b):
    @lib.jit
    def f(ref, x):
        ref[...] = ref[...] + x * b[...]
        b[0] = 7.0

    f(a, 2.0), f(a, 3.0)


def in_scan(lib, a, b):
    def step(c, x):
        a[x] = c
        lib.ref.addupdate(b, 0, a[x] * 2.0)
        return c + b[0], None

    lib.lax.scan(step, 1.0, lib.numpy.arange(3), reverse=True)


def in_nested_loops(lib, a, b):
    def outer(i, _):
        def inner(j, _):
            a[j] = a[j] + b[i]

        lib.lax.fori_loop(0, 3, inner, None)
        b[i] = a.shape[0] * a[i]

    lib.jit(lambda: lib.lax.fori_loop(0, 3, outer, None))()


def in_while(lib, a, b):
    def body(i):
        a[0] = a[0] + b[i]
        return i + 1

    lib.lax.while_loop(lambda i: i < 2, body, 0)


def in_cond(lib, a, b):
    def yes():
        a[0] = 10.0

    def no():
        b[...] = -b[...]

    lib.lax.cond(True, yes, no)
    lib.jit(lambda p: lib.lax.cond(p, yes, no))(False)
    lib.lax.switch(1, [yes, yes, no])


def in_map(lib, a, b):
    def f(x):
        a[0] += x
        return x * a[0]

    b[...] = lib.lax.map(f, lib.numpy.arange(3.0))


def constant_in_grad(lib, a, b):
    def f(x):
        a[0] = lib.lax.stop_gradient(x) * 2.0
        return x * a[0] * b[1]

    b[2] = lib.grad(f)(3.0) + lib.grad(lib.jit(f))(4.0)


OUTSIDE = [jit_twice, jit_in_jit, argument, in_scan, in_nested_loops, in_while, in_cond, in_map,
           constant_in_grad]


@pytest.mark.parametrize("run", OUTSIDE, ids=lambda f: f.__name__)
def test_programs_leave_what_they_leave_in_jax(run):
    found = []
    for lib in LIBRARIES:
        a, b = lib.new_ref(lib.numpy.asarray(V)), lib.new_ref(lib.numpy.arange(3.0))
        for _ in range(2):
            run(lib, a, b)
        found.append(np.stack([a[...], b[...]]))
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_a_condition_may_read_what_the_body_writes():
    ref = minijax.new_ref(0.0)

    def body(i):
        ref[...] += 2.0
        return i + 1

    for run in (lambda f: f(), lambda f: minijax.jit(f)()):
        assert run(lambda: minijax.lax.while_loop(lambda i: ref[...] < 9.0, body, 0)) == 5
        assert ref[...] == 10.0
        ref[...] = 0.0

    def writing(i):
        ref[...] = 1.0
        return i < 3

    with pytest.raises(NotImplementedError, match="condition of a while_loop may read"):
        minijax.lax.while_loop(writing, body, 0)


# --- the object -----------------------------------------------------------------------------------


def test_a_reference_looks_like_jax_s():
    refs = [lib.new_ref(lib.numpy.arange(6.0).reshape(2, 3)) for lib in LIBRARIES]
    for look in (repr, str, len, lambda r: r.shape, lambda r: r.ndim, lambda r: r.size,
                 lambda r: str(r.dtype), lambda r: r == r):
        assert look(refs[0]) == look(refs[1])
    for index in (0, -1, (1, 2), slice(1), (slice(None), 1), (Ellipsis, 0), Ellipsis,
                  np.array([1, 0]), (np.array([0, 1]), 1)):
        assert np.array_equal(refs[0][index], refs[1][index])
    values = [lib.ref.get(r, (0, slice(2))) for lib, r in zip(LIBRARIES, refs)]
    assert values[0].tolist() == values[1].tolist()
    for lib, r in zip(LIBRARIES, refs):
        lib.ref.set(r, 0, lib.numpy.zeros(3))
        r[1, 1:] = lib.ref.swap(r, (1, slice(2)), lib.numpy.ones(2))
        lib.ref.addupdate(r, np.array([0, 0]), lib.numpy.ones((2, 3)))
    assert repr(refs[0]) == repr(refs[1])
    assert isinstance(refs[0], minijax.Ref) and not isinstance(refs[0], minijax.Array)
    assert minijax.freeze(refs[0]).tolist() == np.asarray(refs[1][...]).tolist()


def test_what_is_not_mapped_is_done_once_for_a_batch():
    ref = minijax.new_ref(0.0)

    def f(x):
        ref[...] += 1.0
        return x * ref[...]

    assert minijax.vmap(f)(jnp.arange(3.0)).tolist() == [0.0, 1.0, 2.0] and ref[...] == 1.0


def test_an_array_that_was_read_does_not_change():
    source = np.zeros(2, np.float32)
    ref = minijax.new_ref(source)
    before = ref[...]
    source[:] = 5.0
    ref[0] = 1.0
    assert before.tolist() == [0.0, 0.0] and ref[...].tolist() == [1.0, 0.0]


def test_a_reference_keeps_its_type():
    ref = minijax.new_ref(jnp.zeros(2, jnp.int32))
    ref[...] = 3
    ref[0] = jnp.int32(3)
    assert ref[...].dtype == jnp.int32 and ref[...].tolist() == [3, 3]
    with pytest.raises(ValueError, match="Invalid shape for `swap`"):
        ref[...] = jnp.ones(3)
    with pytest.raises(ValueError):
        ref[0] = jnp.ones(2, jnp.int32)


@pytest.mark.parametrize("use", [lambda r: r + 1, jnp.sin, np.asarray, list, minijax.new_ref,
                                 lambda r: minijax.vmap(lambda r: r[...])(r),
                                 lambda r: minijax.grad(lambda r: r[...])(r),
                                 lambda r: minijax.lax.scan(lambda c, _: (c, 0), r, None, 2),
                                 lambda r: minijax.jit(lambda: r)(),
                                 lambda r: minijax.jit(lambda r: r)(r)])
def test_a_reference_is_no_array(use):
    ref = minijax.new_ref(jnp.zeros(3))
    with pytest.raises(TypeError):
        use(ref)
    assert ref[...].tolist() == [0.0, 0.0, 0.0]


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("transform", [
    minijax.grad, lambda f: minijax.vmap(f), lambda f: lambda x: minijax.jvp(f, (x,), (x,)),
    lambda f: minijax.grad(minijax.jit(f)), lambda f: minijax.vmap(minijax.jit(f)),
    lambda f: minijax.jit(minijax.vmap(f))])
def test_a_value_of_an_inner_transformation_does_not_get_out(transform):
    ref = minijax.new_ref(0.0)

    def f(x):
        ref[...] = x * 2.0
        return x

    x = jnp.float32(3.0)
    with pytest.raises(minijax.errors.UnexpectedTracerError, match="array reference"):
        try:
            transform(f)(x)
        except ValueError:  # vmap needs an axis
            transform(f)(jnp.ones(2))
    assert ref[...] == 0.0
    minijax.jit(f)(3.0)
    assert ref[...] == 6.0


def test_the_same_reference_twice_is_an_error():
    ref = minijax.new_ref(jnp.zeros(3))
    f = minijax.jit(lambda a, b: a.__setitem__(0, b[0]))
    for call in (lambda: f(ref, ref), lambda: minijax.jit(lambda a: a[0] + ref[0])(ref)):
        with pytest.raises(ValueError, match="only one reference to a mutable array"):
            call()
    f(ref, minijax.new_ref(jnp.ones(3)))
    assert ref[0] == 1.0


def with_rule(f):
    f.defjvps(lambda t, out, x: t)
    return f


@pytest.mark.parametrize("transform", [
    minijax.make_jaxpr, minijax.checkpoint, lambda f: with_rule(minijax.custom_jvp(f)),
    lambda f: lambda x: minijax.eval_shape(f, x)])
def test_where_references_of_outside_cannot_be_used_is_said(transform):
    ref = minijax.new_ref(0.0)

    def f(x):
        ref[...] = x
        return x

    with pytest.raises(NotImplementedError, match="A reference from outside was used while"):
        minijax.jit(lambda x: transform(f)(x))(1.0)
    assert ref[...] == 0.0


def test_an_error_leaves_the_reference_as_it_was():
    ref = minijax.new_ref(0.0)

    def broken(x):
        ref[...] = x
        raise ZeroDivisionError

    def f(x, _=None):
        ref[...] = x
        return minijax.lax.scan(lambda c, _: broken(c), x, None, length=2)

    for call in (minijax.jit(broken), minijax.jit(f), f):
        with pytest.raises(ZeroDivisionError):
            call(1.0)
    assert ref[...] == 1.0  # the last ran up to its error
    minijax.jit(lambda x: ref.__setitem__(..., x))(2.0)
    assert ref[...] == 2.0


def test_a_reference_of_a_program_does_not_outlive_it():
    escaped = []
    minijax.jit(lambda x: escaped.append(minijax.new_ref(x)))(1.0)
    with pytest.raises(minijax.errors.UnexpectedTracerError):
        escaped[0][...] + 1.0


def test_programs_are_traced_once_and_hold_no_argument():
    calls = []

    @minijax.jit
    def f(ref, x):
        calls.append(x)
        ref[0] += x

    def use() -> weakref.ref:
        ref = minijax.new_ref(jnp.zeros(1000))
        f(ref, 1.0)
        return weakref.ref(ref)

    first, second = use(), use()
    assert len(calls) == 2  # once to see which references there are, and once with their values
    gc.collect()
    assert first() is None and second() is None


def test_a_function_is_freed_with_the_references_that_it_closes_over():
    def use() -> weakref.ref:
        ref = minijax.new_ref(jnp.zeros(1000))
        f = minijax.jit(lambda x: ref.__setitem__(0, x))
        f(1.0)
        minijax.lax.fori_loop(0, 2, lambda i, _: ref.__setitem__(i, 2.0), None)
        assert ref[:2].tolist() == [2.0, 2.0]
        return weakref.ref(ref)

    alive = use()
    gc.collect()
    assert alive() is None


def test_static_arguments_methods_and_callable_objects():
    class Counter:
        __slots__ = ("ref",)

        def __init__(self):
            self.ref = minijax.new_ref(0.0)

        def __call__(self, x):
            self.ref[...] += x

        def add(self, x, n):
            self.ref[...] += x * n

    counter = Counter()
    by_call, by_method = minijax.jit(counter), minijax.jit(counter.add, static_argnums=1)
    for _ in range(2):
        by_call(1.0)
        by_method(2.0, 3)
    assert counter.ref[...] == 14.0
    f = minijax.jit(lambda x: counter.ref[...] * x).lower(2.0).compile()
    gc.collect()
    with pytest.raises(ReferenceError, match="does not exist any more"):
        f(2.0)
