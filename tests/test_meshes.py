"""Meshes, and arrays divided along them. What JAX prints of them is in `mesh_programs.py`."""

from __future__ import annotations

import itertools
import math
import pickle
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp
from minijax.experimental.mesh_utils import create_device_mesh
from minijax.parallel import following
from minijax.parallel.dividing import divided, joined, part_of
from minijax.parallel.partition import reshaped
from minijax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec, SingleDeviceSharding
from tests.mesh_programs import grid
from tests.pmap_programs import numbers

P = jax.P


@pytest.fixture(autouse=True)
def eight_devices() -> Iterator[None]:
    jax.config.update("jax_num_cpu_devices", 8)
    yield
    jax.config.update("jax_num_cpu_devices", -1)


ENTRIES = [None, "x", "y", ("x", "y"), ("y", "x")]
SPECS = [P(*e) for n in range(3) for e in itertools.product(ENTRIES, repeat=n)
         if len(set(P(*e).mentioned())) == len(P(*e).mentioned())]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_parts_make_the_whole(spec):
    """Cut and put together: the same. Each part is what its device has."""
    mesh, x = grid(jax), jnp.asarray(numbers(8, 16))
    parts = divided(x, spec, mesh, ("x", "y"))
    if spec.mentioned():
        np.testing.assert_array_equal(joined(parts, spec, mesh, ("x", "y")), x)
    put = jax.device_put(x, NamedSharding(mesh, spec))
    local = part_of(x.aval, spec, mesh).shape
    rows = np.broadcast_to(parts, (4, 2, *local)).reshape(8, *local)
    for part, shard in zip(rows, put.addressable_shards):
        np.testing.assert_array_equal(part, shard.data)
        np.testing.assert_array_equal(part, x[shard.index])
        assert part.shape == put.sharding.shard_shape(x.shape)
        assert shard.data.sharding == SingleDeviceSharding(shard.device)
    copies = 8 // mesh.count(spec.mentioned())
    assert sorted(s.replica_id for s in put.addressable_shards) == sorted(
        list(range(copies)) * (8 // copies))
    assert put.is_fully_replicated == (copies == 8)


def test_equivalence_is_having_the_same_parts():
    shardings = [NamedSharding(grid(jax), s) for s in SPECS]
    for a, b in itertools.product(shardings, repeat=2):
        same = a.devices_indices_map((64, 64)) == b.devices_indices_map((64, 64))
        assert a.is_equivalent_to(b, 2) == same
        assert (a == b) == (a.spec == b.spec) and (a != b or hash(a) == hash(b))
    one = jax.make_mesh((1,), ("i",))
    assert NamedSharding(one, P("i")).is_equivalent_to(SingleDeviceSharding(jax.devices()[0]), 1)


def test_shards_share_the_memory_of_the_array():
    x = jax.device_put(numbers(8, 4), NamedSharding(grid(jax), P("x")))
    assert all(np.shares_memory(s.data._value, x._value) for s in x.addressable_shards)
    assert x.committed and x.devices() == set(jax.devices())
    np.testing.assert_array_equal(x.addressable_data(3), x[2:4])


def test_specs():
    assert P("x") == P(("x",)) == P(["x"]) != P("x", None)
    assert [*P("x", None)] == ["x", None] and P("x", "y")[1] == "y" and len(P("x", None)) == 2
    assert P("x") + P("y") == P("x", "y") and P is PartitionSpec is jax.sharding.PartitionSpec
    assert jax.tree.leaves({"a": P("x")}) == [P("x")]  # a leaf, and no container
    assert pickle.loads(pickle.dumps(P("x", ("y", "z")))) == P("x", ("y", "z"))


def test_meshes():
    mesh = grid(jax)
    assert mesh == grid(jax) and hash(mesh) == hash(grid(jax)) and mesh.size == 8
    assert mesh.shape == {"x": 4, "y": 2} and mesh.axis_names == ("x", "y") and not mesh.empty
    assert mesh.axis_types == (AxisType.Auto,) * 2 and mesh.device_ids.tolist()[3] == [6, 7]
    assert jax.make_mesh((4, 2), ("x", "y")).axis_types == (AxisType.Explicit,) * 2
    assert mesh != jax.make_mesh((2, 4), ("x", "y"))


def test_the_mesh_of_the_context():
    assert jax.sharding.get_mesh().empty
    mesh = grid(jax)
    double = jax.shard_map(lambda x: 2 * x, in_specs=P("x"), out_specs=P("x"))
    with jax.set_mesh(mesh):
        assert jax.sharding.get_mesh() is mesh
        assert double(numbers(8)).sharding == NamedSharding(mesh, P("x"))
        assert jax.device_put(numbers(8), P("y")).sharding.spec == P("y")
    with mesh:
        np.testing.assert_allclose(double(numbers(8)), 2 * numbers(8))
    assert jax.sharding.get_mesh().empty
    jax.set_mesh(mesh)
    assert jax.sharding.get_mesh() is mesh
    found = []
    thread = threading.Thread(target=lambda: found.append(jax.sharding.get_mesh().empty))
    thread.start()
    thread.join()
    jax.set_mesh(None)
    assert found == [True]  # the context is that of a thread
    with pytest.raises(ValueError, match="`set_mesh` can only be used outside of `jax.jit`"):
        jax.jit(lambda x: jax.set_mesh(mesh) and x)(1.0)
    with pytest.raises(ValueError, match="Expected mesh of type"):
        jax.set_mesh(3)


@pytest.mark.parametrize("f", [
    lambda x: jax.lax.with_sharding_constraint(x + 1, P("x")),
    lambda x: jax.shard_map(lambda x: x, in_specs=P("x"), out_specs=P("x"))(x),
    lambda x: x * jax.sharding.get_abstract_mesh().shape["x"]],
    ids=["constraint", "shard_map", "shape"])
def test_in_another_context_a_program_is_another_one(f):
    jitted, x = jax.jit(f), jnp.asarray(numbers(8))
    line = jax.make_mesh((8,), ("x",), (AxisType.Auto,))
    for mesh in (line, grid(jax), line):
        for _ in range(2):
            with jax.set_mesh(mesh):
                out, want = jitted(x), f(x)
            np.testing.assert_allclose(out, want, 1e-6)
            assert out.sharding == want.sharding


def test_specs_that_follow_the_arguments():
    mesh = jax.make_mesh((4, 2), ("x", "y"))
    x = jax.device_put(numbers(8, 4), NamedSharding(mesh, P("x", "y")))
    shapes = []
    jax.shard_map(lambda *xs: shapes.extend(x.shape for x in xs), mesh=mesh, out_specs=P())(
        x, numbers(3))
    assert shapes == [(2, 2), (3,)]
    with pytest.raises(TypeError, match="it was not specified when .* of type AxisType.Auto"):
        jax.shard_map(lambda x: x, mesh=grid(jax), out_specs=P("x"))(x)
    with jax.set_mesh(grid(jax)):
        with pytest.raises(ValueError, match="The context mesh .* should match the mesh passed"):
            jax.shard_map(lambda x: x, mesh=mesh, in_specs=P("x"), out_specs=P("x"))(x)


def test_pytrees_of_shardings():
    mesh = grid(jax)
    rows = NamedSharding(mesh, P("x"))
    tree = jax.device_put({"a": numbers(8), "b": [numbers(4), 1.0]}, {"a": rows, "b": None})
    assert tree["a"].sharding == rows and not tree["b"][0].committed
    tree = jax.lax.with_sharding_constraint((numbers(8), numbers(4)), rows)
    assert all(x.sharding == rows for x in tree)
    f = jax.jit(jax.vmap(jax.grad(lambda x: jnp.sum(jax.lax.with_sharding_constraint(
        x ** 2, rows)))))
    np.testing.assert_allclose(f(numbers(3, 8)), 2 * numbers(3, 8), 1e-6)


def test_arrays_made_of_parts():
    sharding, y = NamedSharding(grid(jax), P("x", "y")), numbers(8, 4)
    x = jax.make_array_from_callback(y.shape, sharding, lambda index: y[index])
    again = jax.make_array_from_single_device_arrays(
        y.shape, sharding, [s.data for s in x.addressable_shards])
    for z in (x, again, jnp.array(x, copy=True), jnp.zeros_like(x) + x):
        np.testing.assert_array_equal(z, y)
        assert z.sharding == sharding
    assert [row.sharding.spec for row in x] == [P("y")] * 8
    with pytest.raises(ValueError, match=r"Expected shard shape \(2, 2\) doesn't match"):
        jax.make_array_from_callback(y.shape, sharding, lambda index: y)
    with pytest.raises(ValueError, match="Expected 8 per-device arrays .* but got 1"):
        jax.make_array_from_single_device_arrays(y.shape, sharding, [y])


@pytest.mark.parametrize("make", [
    lambda **where: jnp.array([[1.0] * 4] * 8, **where), lambda **where: jnp.ones((8, 4), **where),
    lambda **where: jnp.asarray(jnp.ones((8, 4)), **where), lambda **where: jnp.eye(8, 4, **where),
    lambda **where: jnp.zeros_like(numbers(8, 4), **where), lambda **where: jnp.full(8, 2, **where),
    lambda **where: jnp.arange(8, **where), lambda **where: jnp.linspace(0, 1, 8, **where)])
def test_arrays_are_made_where_they_should_be(make):
    assert make(out_sharding=sharding("x")).sharding == sharding("x")
    assert make(device=sharding("x")).sharding == sharding("x")
    assert make(device=jax.devices()[3]).devices() == {jax.devices()[3]}
    np.testing.assert_array_equal(make(device=sharding("x")), make())


def test_in_shardings_are_of_arguments_that_are_traced():
    rows = sharding("x")
    scaled = jax.jit(lambda x, n, d: (x * n, d), static_argnums=1, in_shardings=(rows, None))
    out, d = scaled(numbers(8), 2, {"a": 1.0})
    assert out.sharding == rows and d["a"] == 1.0
    scaled = jax.jit(lambda n, x, *, k: x * n * k, static_argnums=0, static_argnames="k",
                     in_shardings=rows)
    assert scaled(2, numbers(8), k=3).sharding == rows
    assert grid(jax).shape_tuple == (("x", 4), ("y", 2))


def test_arrays_that_one_process_has_loaded():
    rows, data = NamedSharding(grid(jax), P("x")), {"images": numbers(8, 4), "labels": numbers(8)}
    shapes = {"images": (8, 4), "labels": None}
    for tree in (jax.make_array_from_process_local_data(rows, data),
                 jax.make_array_from_process_local_data(rows, data, shapes)):
        for name, x in tree.items():
            assert x.sharding == rows
            np.testing.assert_array_equal(x, data[name])
    with pytest.raises(ValueError, match=r"Got \(16,\) and \(8,\)"):
        jax.make_array_from_process_local_data(rows, numbers(8), (16,))
    devices = create_device_mesh((4, 2))
    assert devices.tolist() == grid(jax).devices.tolist()
    with pytest.raises(ValueError, match="Number of devices 8 must equal the product"):
        create_device_mesh((2, 2))


def test_computations_stay_on_the_device_of_their_array():
    cpu = jax.devices()[3]
    x = jax.device_put(numbers(4), cpu)
    assert (x + 1).device == jax.jit(jnp.sin)(x).device == (x + jnp.ones(4)).device == cpu
    one = jax.sharding.Mesh(np.array([cpu]), ("x",))
    y = jax.device_put(numbers(4), NamedSharding(one, P("x")))
    assert (y * 2).sharding == y.sharding and all(row.devices() == {cpu} for row in y)


def test_donated_arguments_that_are_divided():
    x = jnp.arange(16)
    y = jax.jit(lambda x: x * 2, in_shardings=sharding("x"), donate_argnums=0)(x)
    assert x.is_deleted() and y.sharding == sharding("x")


def test_values_survive_whatever_is_done_to_them():
    """A divided array is an array."""
    x = jax.device_put(numbers(8, 4), NamedSharding(grid(jax), P("x")))
    y = numbers(8, 4)
    np.testing.assert_allclose(jax.jit(lambda x: jax.lax.scan(
        lambda c, r: (c + r, c * r), x[0], x))(x)[1], jax.lax.scan(
            lambda c, r: (c + r, c * r), y[0], y)[1], 1e-5)
    for f in (lambda x: x[jnp.array([3, 1])], jnp.linalg.norm, lambda x: x.at[0].set(1.0),
              lambda x: jax.nn.relu(x).sum(), lambda x: jnp.fft.fft(x).real, jnp.unique,
              lambda x: jax.random.permutation(jax.random.key(0), x), jnp.linalg.pinv,
              lambda x: jax.pmap(lambda r: r * 2)(x), lambda x: jax.vmap(jnp.dot)(x, x),
              lambda x: jax.checkpoint(jnp.sin)(x), lambda x: jnp.convolve(x[:, 0], x[0])):
        np.testing.assert_allclose(f(x), f(jnp.asarray(y)), 1e-4, 1e-5)
        if f is not jnp.unique:
            np.testing.assert_allclose(jax.jit(f)(x), f(jnp.asarray(y)), 1e-4, 1e-5)
    assert pickle.loads(pickle.dumps(x)).shape == (8, 4) and float(x[0, 1]) == float(y[0, 1])


@pytest.mark.parametrize("f", [
    lambda x: jax.lax.reshape(x, (4, 2, 16), (1, 0)), jax.grad(lambda x: jnp.prod(x, 1).sum()),
    lambda x: (x, jnp.sum(x) * 0 + jnp.prod(x, 0), 2.0),
], ids=["reshape in an order", "grad of prod", "constants"])
@pytest.mark.parametrize("spec", [P("x"), P("y", "x")], ids=str)
def test_devices_compute_what_one_does(monkeypatch, f, spec):
    """Values and types are those of the program of undivided arrays."""
    monkeypatch.setattr(following, "LARGE", 0)
    x = numbers(16, 8)
    outs = jax.jit(f)(jax.device_put(x, NamedSharding(grid(jax), spec)))
    for y, want in zip(jax.tree.leaves(outs), jax.tree.leaves(jax.jit(f)(x)), strict=True):
        np.testing.assert_allclose(y, want, 1e-5)
        assert y.weak_type == want.weak_type


@pytest.mark.parametrize("f, out", [
    (lambda x: jnp.argmax(x), ()), (lambda x: x.ravel(), (("x", "y"),)),
    (lambda x: jnp.prod(x), ()), (lambda x: x.at[0].set(1.0), ("x", "y")),
    (lambda x: jax.lax.cond(x.sum() > 0, jnp.sin, jnp.cos, x) + x, ("x", "y")),
    (lambda x: jax.grad(lambda x: (jax.lax.fori_loop(
        0, 3, lambda i, c: jnp.sin(c) * i, x) ** 2).sum())(x)[:8], ("x", "y")),
    (lambda x: jnp.reshape(x, (8, 16), out_sharding=P("x")), ("x", None)),
    (lambda x: jax.reshard(numbers(4, 4), P("y")), ("y", None)),
], ids=["argmax", "ravel", "prod", "set", "cond", "loop", "reshape", "constant"])
@pytest.mark.parametrize("large", [0, 1 << 16])
def test_types_say_how_results_are_divided(monkeypatch, f, out, large):
    """Of devices and of this process, of operations, and of programs in programs."""
    monkeypatch.setattr(following, "LARGE", large)
    with jax.set_mesh(jax.make_mesh((4, 2), ("x", "y"))):
        x = jax.device_put(numbers(16, 8), P("x", "y"))
        y, alone = jax.jit(f)(x), jax.jit(f)(jnp.asarray(numbers(16, 8)))
        assert y.sharding.spec == P(*out) and jax.typeof(y).sharding.spec == P(*out)
        np.testing.assert_allclose(y, alone, 1e-5)


def test_what_has_no_arguments_is_divided_as_its_type_says():
    key, shape = jax.random.key(0), (8, 4)
    with jax.set_mesh(jax.make_mesh((4, 2), ("x", "y"))):
        for f in (lambda: jnp.array(numbers(*shape), out_sharding=P("x")),
                  lambda: jax.random.bernoulli(key, 0.5, shape, out_sharding=P("x")),
                  lambda: jax.random.categorical(key, numbers(8, 4, 3), out_sharding=P("x")),
                  lambda: jax.random.gamma(key, 2.0, shape, out_sharding=P("x"))):
            for x in (f(), jax.jit(f)()):
                assert x.sharding.shard_shape(shape) == (2, 4)
                assert str(jax.typeof(x)).endswith("[8@x,4]")


@pytest.mark.parametrize("f", [
    lambda x: x.at[0].set(1.0), lambda x: jnp.fft.fft(x, axis=1),
    lambda x: jax.lax.reduce_window(x, 0.0, jax.lax.add, (1, 2), (1, 2), "VALID"),
    lambda x: jax.lax.conv(x[:, None, :, None], jnp.ones((2, 1, 3, 1)), (1, 1), "SAME"),
    lambda x: jax.vmap(jax.random.bits)(jax.random.wrap_key_data(x[:, :2].astype("uint32"))),
], ids=["set", "fft", "window", "conv", "keys"])
def test_whatever_computes_the_whole_leaves_it_divided(f):
    x = jax.device_put(jnp.ones((8, 4)), NamedSharding(grid(jax), P("x")))
    assert f(x).sharding.spec == jax.jit(f)(x).sharding.spec == P("x")
    with jax.set_mesh(jax.make_mesh((4, 2), ("x", "y"))):
        assert jax.typeof(f(jax.device_put(jnp.ones((8, 4)), P("x")))).sharding.spec[0] == "x"


SHAPES = [(8, 8), (4, 2, 8), (64,), (2, 4, 1, 8), (16, 4), (3, 8), (24,), (0, 8), (0,)]


@pytest.mark.parametrize("before, after, spec", [
    (a, b, s) for a in SHAPES for b in SHAPES for s in SPECS
    if math.prod(a) == math.prod(b) and len(s) <= len(a)
    and not any(n % math.prod({"x": 4, "y": 2}[k] for k in s.names(i)) for i, n in enumerate(a))])
def test_reshapes_of_parts(before, after, spec):
    """Whatever stays divided, the parts of the reshaped array are the reshaped parts."""
    mesh, sizes = grid(jax), {"x": 4, "y": 2}
    layout = tuple(spec.names(i) for i in range(len(before)))
    kept, layout = reshaped(before, layout, after, sizes)
    x = jnp.arange(np.prod(before)).reshape(before)
    parts = divided(x, P(*(names or None for names in kept)), mesh, ("x", "y"))
    want = divided(x.reshape(after), P(*(names or None for names in layout)), mesh, ("x", "y"))
    np.testing.assert_array_equal(parts.reshape(want.shape), want)


def sharding(*spec):
    return NamedSharding(grid(jax), P(*spec))


MISUSES = {
    "devices": (lambda: jax.make_mesh((16,), ("x",)), ValueError,
                r"Number of devices 8 must be >= .*update\('jax_num_cpu_devices', 16\)"),
    "names": (lambda: jax.make_mesh((4, 2), ("x",)), ValueError, "Number of axis names"),
    "dimensions": (lambda: Mesh(np.array(jax.devices()), ("x", "y")), ValueError, "ndim == 1"),
    "a name twice": (lambda: Mesh(np.array(jax.devices()).reshape(4, 2), ("x", "x")), ValueError,
                     "a different name for each axis"),
    "types": (lambda: Mesh(np.array(jax.devices()), "x", (AxisType.Auto,) * 2), ValueError,
              "should match the number of axis_types"),
    "unknown": (lambda: sharding("q"), ValueError, "q of P.* is not found in mesh"),
    "twice": (lambda: sharding("x", "x"), ValueError, "has duplicate entries for `x`"),
    "no spec": (lambda: NamedSharding(grid(jax), "x"), TypeError, "a PartitionSpec is wanted"),
    "size": (lambda: jax.device_put(numbers(6, 2), sharding("x")), ValueError,
             r"axis 0 is partitioned 4 times, but the dimension size is 6 \(full shape: \(6, 2\)"),
    "rank": (lambda: jax.device_put(numbers(8), sharding(None, "x")), ValueError,
             "rank at least 2, but was applied to a value of rank 1"),
    "size in jit": (lambda: jax.jit(lambda x: jax.lax.with_sharding_constraint(x, sharding("x")))(
        numbers(3)), ValueError, "partitioned 4 times"),
    "in_shardings": (lambda: jax.jit(lambda x: x, in_shardings=sharding("x"))(numbers(3)),
                     ValueError, "partitioned 4 times"),
    "divided otherwise": (lambda: jax.jit(lambda x: x, in_shardings=sharding("x"))(
        jax.device_put(numbers(8), sharding("y"))), ValueError, "does not match the sharding on"),
    "on another device": (lambda: jax.jit(lambda x: x, in_shardings=sharding("x"))(
        jax.device_put(numbers(8), jax.devices()[1])), ValueError, "arg sharding: SingleDevice"),
    "by name": (lambda: jax.jit(lambda x: x, in_shardings=sharding("x"))(x=numbers(8)), ValueError,
                "does not support kwargs when in_shardings is specified"),
    "no sharding in jit": (lambda: jax.jit(lambda x: x, in_shardings=3)(numbers(8)), TypeError,
                           "jit wants shardings or PartitionSpecs, got 3"),
    "prefix": (lambda: jax.jit(lambda x: x, in_shardings=(sharding("x"),) * 2)(numbers(8)),
               ValueError, "jit in_shardings specification must be a tree prefix"),
    "no mesh": (lambda: jax.jit(lambda x: x, out_shardings=P("x"))(numbers(8)), RuntimeError,
                "jit requires a non-empty mesh in context"),
    "no sharding": (lambda: jax.lax.with_sharding_constraint(numbers(8), 3), TypeError,
                    "wants shardings or PartitionSpecs, got 3"),
    "a picture": (lambda: jax.debug.visualize_array_sharding(jnp.ones((2, 2, 2))), ValueError,
                  "1 and 2 dimensions"),
    "a traced picture": (lambda: jax.jit(jax.debug.visualize_array_sharding)(numbers(8)),
                         NotImplementedError, "look at the result"),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_is_explained(name):
    f, error, text = MISUSES[name]
    with pytest.raises(error, match=text):
        f()


def test_resharding_changes_no_value_and_no_derivative():
    """Its gradient is divided as the argument is."""
    with jax.set_mesh(jax.make_mesh((4, 2), ("x", "y"))):
        x = jax.device_put(numbers(8, 4), P("x", "y"))

        def f(x):
            return jnp.sum(jnp.sin(jax.reshard(x, P("y", None))))

        for g in jax.grad(f), jax.jit(jax.grad(f)), jax.grad(jax.jit(f)):
            np.testing.assert_allclose(g(x), np.cos(x), 1e-5)
            assert g(x).sharding == x.sharding
        rows = jax.vmap(lambda r: jax.reshard(r, P("x")))(numbers(3, 8))
        np.testing.assert_array_equal(rows, numbers(3, 8))
        assert str(jax.typeof(rows)) == "float32[3,8@x]"


def test_an_array_may_go_where_it_is_wanted_until_it_is_put():
    second, third = jax.devices()[1:3]
    with jax.default_device(second):
        x = jnp.arange(4)
        assert not x.committed and x.devices() == {second} and (x + 1).devices() == {second}
    assert (x + 1).devices() == {jax.devices()[0]}
    y = x + jax.device_put(1, third)
    assert y.committed and y.devices() == {third}
    with pytest.raises(ValueError, match="incompatible devices"):
        y + jax.device_put(1, second)
    with pytest.raises(RuntimeError, match="Unknown backend: 'gpu' requested"):
        jax.default_device("gpu").__enter__()
    np.testing.assert_array_equal(jax.device_get(x), np.arange(4))


def test_what_a_constraint_leaves_open_stays_as_it_is():
    """`vmap` says nothing of the dimension of the batch."""
    mesh, open_ = grid(jax), P.UNCONSTRAINED
    x = jax.device_put(numbers(8, 4, 2), NamedSharding(mesh, P("x")))
    for f in (jax.vmap(lambda r: jax.lax.with_sharding_constraint(r, NamedSharding(mesh, P("y")))),
              lambda x: jax.lax.with_sharding_constraint(
                  x, NamedSharding(mesh, P(open_, "y", None)))):
        y = jax.jit(f)(x)
        np.testing.assert_array_equal(y, x)
        assert y.sharding.is_equivalent_to(NamedSharding(mesh, P("x", "y")), 3)
    typed = jax.make_mesh((4, 2), ("x", "y"))
    x = jax.device_put(numbers(8, 4), NamedSharding(typed, P("x")))
    y = jax.vmap(lambda r: jax.reshard(r, NamedSharding(typed, P("y"))))(x)
    assert str(jax.typeof(y)) == "float32[8@x,4@y]"
