"""shard_map on real processes: against JAX with eight devices, and against vmap along each axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp
from minijax import lax
from minijax.config import enable_checks
from minijax.parallel import following
from tests.mesh_programs import COLLECTIVES, CUTTING, FOLLOWING, PROGRAMS, grid, laid_out
from tests.pmap_programs import jax_results, numbers

from .tiers import heavy

P = jax.P
ROWS = P("x")


@pytest.fixture(autouse=True)
def eight_devices() -> Iterator[None]:
    jax.config.update("jax_num_cpu_devices", 8)
    with enable_checks(True):
        yield
    jax.config.update("jax_num_cpu_devices", -1)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: Any) -> Any:
    return jax_results(tmp_path_factory, "mesh_programs")


def check(table: Any, name: str) -> None:
    want = [table[key] for key in table if key.rsplit("/", 1)[0] == name]
    got = [np.asarray(x) for x in jax.tree.leaves(PROGRAMS[name](jax, jnp, lax))]
    assert [x.shape for x in got] == [x.shape for x in want]
    for x, y in zip(got, want):
        if y.dtype.kind == "U":
            assert str(x) == str(y)
        else:
            assert x.dtype == y.dtype
            np.testing.assert_allclose(x, y, 1e-4, 1e-4)


@heavy
@pytest.mark.parametrize("name", [n for n in PROGRAMS if ":" not in n])
def test_programs_give_what_jax_gives(theirs, name):
    check(theirs, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in PROGRAMS if "everything" in n])
def test_collectives_give_what_jax_gives(theirs, name):
    check(theirs, name)


@pytest.mark.slow
@pytest.mark.parametrize("large", [0, following.LARGE])
@pytest.mark.parametrize("name", [n for n in PROGRAMS if "follows" in n])
def test_what_is_computed_from_divided_arrays(theirs, name, large, monkeypatch):
    """Results and their shardings, whether the devices do the work or not."""
    monkeypatch.setattr(following, "LARGE", large)
    check(theirs, name)


@pytest.mark.parametrize("name", [*FOLLOWING, *CUTTING])
def test_devices_compute_what_one_computes(name, monkeypatch):
    monkeypatch.setattr(following, "LARGE", 0)
    f = jax.jit(lambda x: (FOLLOWING | CUTTING)[name](jax, jnp, x))
    got, want = f(laid_out(jax, numbers(8, 8), "x", "y")), f(jnp.asarray(numbers(8, 8)))
    for x, y in zip(jax.tree.leaves(got), jax.tree.leaves(want)):
        assert isinstance(x.sharding, jax.NamedSharding) and x.aval == y.aval
        np.testing.assert_allclose(x, y, 1e-4, 1e-5)


@pytest.mark.parametrize("name", [n for n in COLLECTIVES if "xy" not in n and "yx" not in n])
def test_shard_map_is_vmap_of_the_parts(name):
    def f(x):
        return COLLECTIVES[name](lax, x)

    x = numbers(16, 16)
    got = jax.shard_map(lambda x: f(x)[None, None], mesh=grid(jax), in_specs=P("x", "y"),
                        out_specs=P("x", "y"))(x)
    parts = x.reshape(4, 4, 2, 8).swapaxes(1, 2)
    want = jax.vmap(jax.vmap(f, axis_name="y"), axis_name="x")(parts) if "index" not in name else (
        np.stack([[p * i + j * 4 + i for j, p in enumerate(row)] for i, row in enumerate(parts)]))
    np.testing.assert_allclose(got, want, 1e-4, 1e-4)


def sharded(f: Any, in_specs: Any = ROWS, out_specs: Any = ROWS, **options: Any) -> Any:
    return jax.shard_map(f, **{"mesh": grid(jax), "in_specs": in_specs, "out_specs": out_specs,
                               **options})


def test_types_say_what_varies():
    seen = {}

    def f(x, y, w):
        seen.update(x=x, y=y, w=w, both=x * y, sin=jnp.sin(w), index=lax.axis_index("y"),
                    summed=lax.psum(y, "x"), most=lax.pmax(x, "x"), mean=lax.pmean(y, ("x", "y")),
                    gathered=lax.all_gather(w, "y"), sent=lax.ppermute(w, "x", [(0, 1)]),
                    sorted=jnp.sort(x), ones=jnp.ones(2), cast=lax.pcast(w, "x", to="varying"),
                    jitted=jax.jit(lambda x: lax.psum(x, "x"))(x), cond=lax.cond(
                        x[0] > 0, jnp.sin, jnp.cos, w), carry=lax.fori_loop(
                            0, lax.axis_index("x"), lambda i, c: 2 * c, x),
                    grad=jax.grad(lambda w: jnp.sum(w * y))(w))
        return x

    sharded(f, (P("x"), P(("x", "y")), P()))(numbers(16), numbers(32), np.float32(2))
    varies = {name: "".join(sorted(jax.typeof(x).vma)) for name, x in seen.items()}
    assert varies == {
        "x": "x", "y": "xy", "w": "", "both": "xy", "sin": "", "index": "y", "summed": "y",
        "most": "", "mean": "", "gathered": "y", "sent": "x", "sorted": "x", "ones": "",
        "cast": "x", "jitted": "", "cond": "x", "carry": "x", "grad": ""}
    assert str(jax.typeof(seen["y"])) == "float32[4]{V:(x,y)}"


def test_a_cotangent_varies_as_its_variable_does():
    """What is the same for all is used by all: so cotangents are summed, once."""
    def f(w, x):
        h = lax.psum(jnp.sin(w) * x.sum(), "x")  # 4 devices along x, 2 along y that do the same
        return h * w

    w, x = np.float32(0.7), numbers(8)
    for g in (sharded(jax.grad(f), (P(), P("x")), P()), jax.grad(sharded(f, (P(), P("x")), P()))):
        np.testing.assert_allclose(g(w, x), jax.grad(lambda w: jnp.sin(w) * x.sum() * w)(w), 1e-5)


def test_inside_of_jit_scan_and_cond():
    """jit keeps a program for each way in which its arguments vary, and with_vma or without."""
    inner = jax.jit(lambda w, x: jnp.sum(w * x))
    g = jax.grad(inner)
    x = numbers(8)
    both = sharded(lambda w, x: (g(w, x), g(w, w)[None]), (P(), P("x")), (P(), P("x")))
    total, own = both(np.float32(2), x)
    np.testing.assert_allclose(total, x.sum(), 1e-5)
    np.testing.assert_allclose(own, [2] * 4)
    alone = sharded(lambda w, x: g(w, x)[None], (P(), P("x")), P("x"), check_vma=False)
    np.testing.assert_allclose(alone(np.float32(2), x), x.reshape(4, 2).sum(1), 1e-5)


def test_shard_maps_inside_of_each_other():
    outer = sharded(lambda x: sharded(lambda y: y * lax.psum(y, "y") + lax.axis_index("x"), P("y"),
                                      P("y"), axis_names={"y"})(x), axis_names={"x"})
    x = numbers(8, 3)
    pairs = x.reshape(4, 2, 3)
    want = pairs * pairs.sum(1, keepdims=True) + np.arange(4).reshape(4, 1, 1)
    np.testing.assert_allclose(outer(x), want.reshape(8, 3), 1e-5)
    inside = jax.pmap(lambda x: sharded(lambda y: y / lax.psum(y, "x"))(x), axis_name="i")
    np.testing.assert_allclose(inside(numbers(2, 4)), numbers(2, 4) / numbers(2, 4).sum(
        1, keepdims=True), 1e-5)


def test_pmap_is_shard_map_along_one_axis():
    mesh = jax.make_mesh((4,), ("i",))
    f = lambda x: x * lax.psum(x, "i")  # noqa: E731
    x = jax.pmap(f, axis_name="i")(numbers(4, 3))
    y = jax.shard_map(f, mesh=mesh, in_specs=P("i"), out_specs=P("i"))(numbers(4, 3))
    np.testing.assert_array_equal(x, y)
    assert x.sharding.is_equivalent_to(y.sharding, 2) and x.sharding.spec == P("i")


def test_every_device_counts_only_once():
    """The devices that do the same write one result; a result may come from any of a mesh."""
    cpus = jax.devices()
    mesh = jax.sharding.Mesh(np.array([[cpus[5], cpus[1]], [cpus[0], cpus[7]]]), ("x", "y"))
    f = jax.shard_map(lambda x: (x + lax.axis_index("x"), lax.psum(x, "x")), mesh=mesh,
                      in_specs=P("x"), out_specs=(P("x"), P()))
    y, total = f(np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(y, [[0] * 3, [1] * 3])
    assert [s.device.id for s in y.addressable_shards] == [5, 1, 0, 7]
    assert total.shape == (1, 3) and total.is_fully_replicated


def test_results_stay_on_their_devices():
    from minijax.parallel.engine import engine

    heap = engine().heap
    step = jax.jit(sharded(lambda x: lax.ppermute(x * 2, "x", [(0, 1), (1, 0)])))
    x = laid_out(jax, numbers(8, 3), "x")
    assert heap.offset(x._value) is not None
    for _ in range(3):
        x = step(x)
        assert heap.offset(x._value) is not None and x.sharding.spec == P("x")


def test_programs_of_jit_are_divided(monkeypatch):
    """A data-parallel step runs on the devices: matrix products by parts, sums over devices."""
    monkeypatch.setattr(following, "LARGE", 0)
    ran, run = [], following.Plan.run
    monkeypatch.setattr(following.Plan, "run",
                        lambda self, *args: (ran.append(self), run(self, *args))[1])

    def loss(w, x, y):
        return jnp.mean((jnp.tanh(x @ w) - y) ** 2)

    w, x, y = numbers(6, 2), numbers(16, 6), numbers(16, 2)
    step = jax.jit(jax.value_and_grad(loss))
    value, grad = step(w, laid_out(jax, x, ("x", "y")), laid_out(jax, y, ("x", "y")))
    want = step(w, x, y)
    np.testing.assert_allclose(value, want[0], 1e-5)
    np.testing.assert_allclose(grad, want[1], 1e-4, 1e-6)
    (plan,) = ran
    shapes = {e.primitive.name: [v.aval.shape for v in e.outvars] for e in plan.jaxpr.eqns}
    assert shapes["tanh"] == [(2, 2)]  # two of the sixteen rows
    assert sum(e.primitive.name == "psum" for e in plan.jaxpr.eqns) == 2  # the loss, the gradient
    assert grad.is_fully_replicated and value.is_fully_replicated


def test_prints_come_from_every_device(capsys):
    """In any order; devices along y do the same."""
    f = sharded(lambda x: (jax.debug.print("{} has {}", lax.axis_index("x"), x.sum()), x)[1])
    for g in (f, jax.jit(f)):
        np.testing.assert_array_equal(g(np.ones(4, np.float32)), np.ones(4))
        jax.effects_barrier()
        lines = capsys.readouterr().out.splitlines()
        assert sorted(lines) == [f"{i} has 1.0" for i in range(4) for _ in range(2)]


def test_arguments_without_a_spec():
    f = sharded(lambda x, shape, scale: x + scale * np.ones(shape, np.float32), (P("x"), None, P()))
    np.testing.assert_array_equal(f(numbers(8), (2,), 2.0), numbers(8) + 2)
    np.testing.assert_array_equal(f(numbers(16), (4,), 2.0), numbers(16) + 2)


def test_gathered_values_are_the_same_for_all():
    f = sharded(lambda x: lax.all_gather(x, "x", tiled=True, to="invarying"), out_specs=P())
    x = numbers(8)
    np.testing.assert_array_equal(f(x), x)
    g = sharded(lambda x: lax.all_gather(x, "x", to="invarying").sum(0), out_specs=P())
    for h, whole in ((f, lambda x: x), (g, lambda x: x.reshape(4, 2).sum(0))):
        np.testing.assert_allclose(jax.grad(lambda x, h=h: jnp.sum(jnp.sin(h(x))))(x),
                                   jax.grad(lambda x, h=whole: jnp.sum(jnp.sin(h(x))))(x), 1e-5)
    with pytest.raises(ValueError, match="to='all'"):
        sharded(lambda x: lax.all_gather(x, "x", to="all"))(x)


MISUSES = {
    "results that vary": (lambda: sharded(lambda x: x, out_specs=P())(numbers(8)), ValueError,
                          r"(?s)out_specs is P\(\).*along 'x', but it has type float32\[2\]{V:x}"),
    "a name in in_specs": (lambda: sharded(lambda x: x, P("z")), ValueError,
                           "(?s)in_specs argument must refer to an axis.*in_specs refers to 'z'"),
    "a name in out_specs": (lambda: sharded(lambda x: x, out_specs={"a": P("z")}), ValueError,
                            r"(?s)out_specs\['a'\] refers to 'z'"),
    "a name twice": (lambda: sharded(lambda x: x, P("x", "x")), ValueError,
                     r"in_specs is P\('x', 'x'\), which divides two dimensions along one axis"),
    "sizes": (lambda: sharded(lambda a, b: b, (P("x"), {"k": P(None, ("x", "y"))}))(
        numbers(8), {"k": numbers(3, 12)}), ValueError,
        r"the argument b\['k'\] of shape float32\[3,12\].*maps array axis 1 \(of size 12\) to mesh "
        r"axes \('x', 'y'\) \(of total size 8\), but 8 does not evenly divide 12"),
    "a long spec": (lambda: sharded(lambda x: x, P(None, "x"))(numbers(8)), ValueError,
                    r"P\(None, 'x'\), which has length 2, but the argument x has shape"),
    "a long spec of a result": (lambda: sharded(lambda x: x.sum())(numbers(8)), ValueError,
                                r"which has length 1, but <lambda>\(\*args\) has shape"),
    "no spec": (lambda: sharded(lambda x: x, 3), TypeError, "in_specs is 3 of type int"),
    "no spec inside": (lambda: sharded(lambda x: x, (P(), 3)), TypeError, r"in_specs\[1\] is 3"),
    "too few specs": (lambda: sharded(lambda x, y: x, (P("x"),))(numbers(8), numbers(8)),
                      ValueError, "shard_map in_specs specification must be a tree prefix"),
    "other results": (lambda: sharded(lambda x: (x, x), out_specs=(P("x"),))(numbers(8)),
                      ValueError, "shard_map out_specs specification must be a tree prefix"),
    "no mesh": (lambda: jax.shard_map(lambda x: x, in_specs=P("x"), out_specs=P("x"))(numbers(8)),
                ValueError, "The context mesh cannot be empty"),
    "axis_names": (lambda: sharded(lambda x: x, axis_names={"q"}), ValueError, "to be a subset of"),
    "a hidden axis": (lambda: sharded(lambda x: lax.psum(x, "y"), axis_names={"x"})(numbers(8)),
                      NameError, "unbound axis name: y. The names bound here: 'x'"),
    "a carry": (lambda: sharded(lambda x: lax.scan(lambda c, r: (c + r, c), jnp.zeros(()), x)[1])(
        numbers(8)), TypeError, r"(?s)has type float32\[\] but.*float32\[\]{V:x}.*pcast"),
    "pcast twice": (lambda: sharded(lambda x: lax.pcast(x, "x", to="varying"))(numbers(8)),
                    ValueError, "varies over 'x' already"),
    "pcast to": (lambda: sharded(lambda x: lax.pcast(x, "x", to="same"))(numbers(8)), ValueError,
                 "to='varying', got to='same'"),
    "no function": (lambda: jax.shard_map(3, mesh=grid(jax), in_specs=P(), out_specs=P()),
                    TypeError, "Expected a callable value"),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_is_explained_and_does_no_harm(name):
    f, error, text = MISUSES[name]
    with pytest.raises(error, match=text):
        f()
    np.testing.assert_allclose(sharded(lambda x: x + lax.psum(x, "x"))(np.ones(4)), [5] * 4)
