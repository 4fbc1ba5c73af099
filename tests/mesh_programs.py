"""Programs with meshes, for minijax and for JAX: functions of the modules, without arguments.

`python -m tests.mesh_programs file.npz` runs them in JAX with eight devices, and saves the
results. A result may be a text: how an array is divided, or a picture.
"""

from __future__ import annotations

import contextlib
import functools
import io
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.pmap_programs import main, numbers

PROGRAMS: dict[str, Callable] = {}


def program(f: Callable) -> Callable:
    PROGRAMS[f.__name__] = f
    return f


def grid(jax: Any) -> Any:
    """A mesh of 4 x 2 devices. Its axes are such that arrays may be divided as one likes."""
    auto = jax.sharding.AxisType.Auto
    return jax.make_mesh((4, 2), ("x", "y"), axis_types=(auto, auto))


def laid_out(jax: Any, x: Any, *spec: Any) -> Any:
    return jax.device_put(x, jax.NamedSharding(grid(jax), jax.P(*spec)))


# --- collectives over one axis, over both, in both orders ----------------------------------------

RING = [(0, 1), (1, 2), (2, 3), (3, 0)]
COLLECTIVES: dict[str, Callable] = {  # of an array (4, 8) on each device
    "psum x": lambda lax, x: lax.psum(x, "x"),
    "psum xy": lambda lax, x: lax.psum(x, ("x", "y")),
    "psum twice": lambda lax, x: lax.psum(lax.psum(x, "y") ** 2, "x"),
    "pmean y": lambda lax, x: lax.pmean(x, "y"),
    "all_gather y": lambda lax, x: lax.all_gather(x, "y", axis=1, tiled=True),
    "all_gather xy": lambda lax, x: lax.all_gather(x, ("x", "y")),
    "all_gather yx": lambda lax, x: lax.all_gather(x, ("y", "x")),
    "psum_scatter x": lambda lax, x: lax.psum_scatter(x, "x", tiled=True),
    "psum_scatter xy": lambda lax, x: lax.psum_scatter(x, ("x", "y"), scatter_dimension=1),
    "all_to_all x": lambda lax, x: lax.all_to_all(x, "x", 0, 1, tiled=True),
    "ppermute x": lambda lax, x: lax.ppermute(x, "x", RING),
    "ppermute y": lambda lax, x: lax.ppermute(x, "y", [(0, 1)]),
    "axis_index": lambda lax, x: x * lax.axis_index("x") + lax.axis_index(("y", "x")),
    "axis_size": lambda lax, x: x * lax.axis_size("y") + lax.axis_size(("x", "y")),
    "invariant": lambda lax, x: lax.psum(x, "x") * 2 + lax.psum(np.float32(1), ("x", "y")),
}


def of_collective(name: str) -> None:
    f = COLLECTIVES[name]

    def run(jax: Any, jnp: Any, lax: Any) -> Any:
        P = jax.P
        mesh = grid(jax)

        def local(x: Any, w: Any) -> Any:
            return f(lax, jnp.sin(x) * w)[None, None]

        mapped = jax.shard_map(local, mesh=mesh, in_specs=(P("x", "y"), P()),
                               out_specs=P("x", "y"))
        args = jnp.asarray(numbers(16, 16)), jnp.float32(1.5)
        out, pull = jax.vjp(mapped, *args)
        inner = jax.shard_map(  # gradients inside, of the device's own loss
            jax.grad(lambda w, x: jnp.sum(jnp.cos(local(x, w)))), mesh=mesh,
            in_specs=(P(), P("x", "y")), out_specs=P())
        return out, pull(jnp.cos(out)), jax.jvp(mapped, args, args)[1], inner(args[1], args[0])

    PROGRAMS[f"{name}: everything"] = run


for name in COLLECTIVES:
    of_collective(name)


# --- shard_map -----------------------------------------------------------------------------------


@program
def specs(jax, jnp, lax):
    P, mesh, x = jax.P, grid(jax), numbers(8, 16)
    out = []
    for spec in (P(), P("x"), P("y"), P(None, "x"), P("x", "y"), P("y", "x"), P(("x", "y")),
                 P(("y", "x")), P(None, ("x", "y")), P(("y",), None)):
        f = jax.shard_map(lambda b: (b * 2, b.shape), mesh=mesh, in_specs=spec,
                          out_specs=(spec, P()))
        y, shape = f(x)
        out.append((y, shape, y.sharding.shard_shape(y.shape), f"{y.sharding.is_fully_replicated}"))
    return out


@program
def trees_and_decorators(jax, jnp, lax):
    P = jax.P

    @jax.shard_map(mesh=grid(jax), in_specs=({"w": P(), "b": P("x")}, P("y")),
                   out_specs={"z": P("x", "y"), "s": P()})
    def f(p, x):
        z = p["b"][:, None] * x[None] * p["w"]
        return {"z": z, "s": lax.psum(z.sum(), ("x", "y"))}

    return f({"w": np.float32(2), "b": numbers(8)}, numbers(4)), jax.jit(f)(
        {"w": np.float32(3), "b": numbers(8)}, numbers(4))


@program
def around_and_inside(jax, jnp, lax):
    P, mesh = jax.P, grid(jax)

    def local(w, x):
        return lax.psum(jnp.sum(jnp.tanh(x @ w) ** 2), ("x", "y"))

    f = jax.shard_map(local, mesh=mesh, in_specs=(P(), P(("x", "y"))), out_specs=P())
    w, x = numbers(3, 2), numbers(16, 3)
    g = jax.shard_map(jax.grad(local), mesh=mesh, in_specs=(P(), P(("x", "y"))), out_specs=P())
    each = jax.shard_map(jax.vmap(lambda r: r / lax.psum(r, "x")), mesh=mesh, in_specs=P("x"),
                         out_specs=P("x"))
    return (f(w, x), jax.grad(f)(w, x), g(w, x), jax.jit(jax.grad(f, argnums=1))(w, x),
            jax.vmap(f, (0, None))(numbers(2, 3, 2), x), jax.hessian(f)(w, x),
            jax.vmap(jax.grad(f), (None, 1))(w, numbers(16, 2, 3)), each(2 + numbers(8, 3)))


@program
def gradients_without_checks(jax, jnp, lax):
    """Inside, what every device computes counts for itself, as in pmap."""
    P, mesh = jax.P, grid(jax)

    def local(w, x):
        return lax.psum(jnp.sum(jnp.tanh(x * w)), "x")

    options = {"mesh": mesh, "in_specs": (P(), P("x")), "check_vma": False}
    f = jax.shard_map(local, out_specs=P(), **options)
    g = jax.shard_map(jax.grad(local), out_specs=P(), **options)
    args = np.float32(0.5), numbers(8)
    return f(*args), jax.grad(f, argnums=(0, 1))(*args), g(*args)


@program
def control_flow(jax, jnp, lax):
    P, mesh = jax.P, grid(jax)

    def local(w, x):
        zero = lax.pcast(jnp.zeros(x.shape[1:]), "x", to="varying")
        carry, ys = lax.scan(lambda c, r: (jnp.tanh(c * w + r), lax.psum(c * r, "x")), zero, x)
        total = lax.psum(jnp.sum(carry), "x")
        many = lax.fori_loop(0, 3, lambda i, c: c * w + i, total)
        return many + lax.cond(many > 0, jnp.sin, jnp.cos, many), ys

    f = jax.shard_map(local, mesh=mesh, in_specs=(P(), P("x")), out_specs=(P(), P()))
    g = jax.shard_map(jax.grad(lambda w, x: local(w, x)[0]), mesh=mesh, in_specs=(P(), P("x")),
                      out_specs=P())
    args = np.float32(0.5), numbers(8, 3)
    return f(*args), jax.grad(lambda w, x: f(w, x)[0], argnums=(0, 1))(*args), g(*args)


@program
def rules_of_users(jax, jnp, lax):
    P, mesh = jax.P, grid(jax)

    @jax.custom_jvp
    def twice(x):
        return jnp.sin(x)

    twice.defjvps(lambda t, out, x: 2 * t * jnp.cos(x))

    def local(w, x):
        y = jax.checkpoint(lambda x: jnp.exp(jax.nn.softplus(x * w)))(twice(x))
        return lax.psum(jnp.sum(y), ("x", "y"))

    args = np.float32(0.5), numbers(8, 4)
    options = {"mesh": mesh, "in_specs": (P(), P("x", "y")), "out_specs": P()}
    return (jax.shard_map(local, **options)(*args),
            jax.grad(jax.shard_map(local, **options))(*args),
            jax.shard_map(jax.grad(local), **options)(*args))


@program
def some_axes(jax, jnp, lax):
    f = jax.shard_map(lambda x: x / lax.psum(x, "x"), mesh=grid(jax), in_specs=jax.P("x"),
                      out_specs=jax.P("x"), axis_names={"x"})
    return jax.jit(f)(2 + numbers(8, 2))


@program
def one_axis_after_the_other(jax, jnp, lax):
    """The inner `shard_map` is on the mesh of the outer one."""
    P = jax.P

    def inner(x):
        return lax.psum(x, "y") * (1 + lax.axis_index("y")) + lax.axis_index("x")

    def outer(x):
        return jax.shard_map(inner, in_specs=P("y"), out_specs=P("y"), axis_names={"y"})(x)

    f = jax.shard_map(outer, mesh=grid(jax), in_specs=P("x"), out_specs=P("x"), axis_names={"x"})
    return jax.jit(f)(numbers(16))


@program
def data_parallel_training(jax, jnp, lax):
    P, mesh = jax.P, grid(jax)

    def loss(params, x, y):
        hidden = jax.nn.relu(x @ params[0][0] + params[0][1])
        return -jnp.mean(jax.nn.log_softmax(hidden @ params[1][0] + params[1][1]) * y)

    @jax.jit
    @jax.shard_map(mesh=mesh, in_specs=(P(), P(("x", "y")), P(("x", "y"))), out_specs=(P(), P()))
    def step(params, x, y):
        value, grads = jax.value_and_grad(
            lambda *args: lax.pmean(loss(*args), ("x", "y")))(params, x, y)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), value

    params = [(numbers(6, 8), numbers(8)), (numbers(8, 3), numbers(3))]
    losses = []
    for _ in range(3):
        params, value = step(params, numbers(40, 6), numbers(40, 3))
        losses.append(value)
    return params, losses


# --- arrays and shardings ------------------------------------------------------------------------


@program
def where_arrays_are(jax, jnp, lax):
    out = []
    for spec in ((), ("x",), (None, "y"), ("x", "y"), (("x", "y"),), ("y", "x")):
        x = laid_out(jax, numbers(8, 16), *spec)
        out.append((x, str(x.sharding), f"{x.is_fully_replicated} {x.sharding.num_devices}",
                    [(str(s.device), s.replica_id, s.data, str(s.data.sharding),
                      [tuple(i.indices(n)) for i, n in zip(s.index, x.shape)])
                     for s in x.addressable_shards]))
    return out


@program
def texts(jax, jnp, lax):
    P, mesh = jax.P, jax.make_mesh((4, 2), ("x", "y"))
    rows = jax.NamedSharding(mesh, P("x"))
    return [str(mesh), repr(mesh), repr(grid(jax)), str(mesh.shape), str(mesh.axis_types),
            repr(P()), repr(P("x", None, ("x", "y"))), repr(rows), str(rows),
            f"{P('x') == P(('x',))} {P('x') == P('x', None)} {hash(P('x')) == hash(P('x'))}",
            f"{rows.is_equivalent_to(jax.NamedSharding(mesh, P('x', None)), 2)}",
            f"{rows == jax.NamedSharding(mesh, P('x'))} {rows.shard_shape((8, 3))}",
            str(jax.make_mesh((2,), ("i",), devices=jax.devices()[2:4]).device_ids)]


@program
def pictures(jax, jnp, lax):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for shape in (24,), (24, 24), (24, 72), (72, 24):
            for spec in ((), ("x",), ("y", "x"), (None, "x"), (("y", "x"),)):
                if len(spec) <= len(shape):
                    sharding = jax.NamedSharding(grid(jax), jax.P(*spec))
                    jax.debug.visualize_sharding(shape, sharding, use_color=False)
        jax.debug.visualize_array_sharding(laid_out(jax, numbers(8, 8), "x", "y"), use_color=False)
    return out.getvalue()


# --- computation follows arrays ------------------------------------------------------------------


def mlp(jax: Any, jnp: Any, x: Any) -> Any:
    hidden = jax.nn.relu(x @ numbers(8, 16) + numbers(16))
    return jax.nn.log_softmax(hidden @ numbers(16, 4))


FOLLOWING: dict[str, Callable] = {  # of an array (8, 8), divided along both axes
    "elementwise": lambda jax, jnp, x: jnp.sin(x) + x,
    "with a row": lambda jax, jnp, x: x + x[0],
    "with a column": lambda jax, jnp, x: x * x[:, :1],
    "choice": lambda jax, jnp, x: jnp.where(x > 0, x, 0),
    "sums": lambda jax, jnp, x: (x.sum(0), x.sum(1), x.mean(), x.max(1, keepdims=True)),
    "argmax": lambda jax, jnp, x: x.argmax(1),
    "products": lambda jax, jnp, x: (x @ x, x @ x.T, x @ numbers(8, 3), numbers(8) @ x),
    "einsum": lambda jax, jnp, x: jnp.einsum("ij,kj->ik", x, numbers(8, 8)),
    "batched product": lambda jax, jnp, x: jnp.einsum("bi,bij->bj", x, numbers(8, 8, 8)),
    "transposed": lambda jax, jnp, x: x.T,
    "reshaped": lambda jax, jnp, x: (x.reshape(-1), x.reshape(4, 2, 8), x.reshape(2, 4, 8)),
    "dimensions": lambda jax, jnp, x: (x[:, None], x[:, None].squeeze(1), x[None],
                                       jnp.broadcast_to(x, (3, 8, 8))),
    "sorted": lambda jax, jnp, x: (jnp.sort(x), jnp.cumsum(x, 0), jnp.concatenate([x, x])),
    "softmax": lambda jax, jnp, x: jax.nn.softmax(x),
    "network": mlp,
    "gradient": lambda jax, jnp, x: jax.grad(lambda x: mlp(jax, jnp, x).sum())(x),
    "constrained": lambda jax, jnp, x: jax.lax.with_sharding_constraint(
        x * 2, jax.NamedSharding(grid(jax), jax.P("y"))),
    "mapped": lambda jax, jnp, x: jax.vmap(jnp.linalg.norm)(x),
    "with shard_map": lambda jax, jnp, x: 1 + jax.shard_map(
        lambda b: jax.lax.psum(b, "y"), mesh=grid(jax), in_specs=jax.P("x", "y"),
        out_specs=jax.P("x"))(2 * x),
}


CUTTING: dict[str, Callable] = {  # how XLA divides these results is its own affair
    "cut": lambda jax, jnp, x: (x[2:6], x[:, 1:], x[::2], jax.lax.dynamic_slice(
        x, (1, 0), (2, 8)), jax.lax.dynamic_slice(x, (0, 3), (4, 4))),
    "filled up": lambda jax, jnp, x: (
        jnp.pad(x, 2), jnp.pad(x, ((0, 0), (1, 0))), jax.lax.dynamic_update_slice(
            x, x[:2] * 0, (3, 0))),
    "picked": lambda jax, jnp, x: (
        jnp.take(x, np.array([5, 0, 5]), 0), x[:, np.array([[1, 2], [0, 7]])],
        jnp.ones((9, 3))[(x * 4).astype(int)], x[np.array([1, 9]), np.array([2, 0])],
        jnp.take(x, np.array([3, 11]), 1, mode="fill")),
    "pieces": lambda jax, jnp, x: (jnp.split(x, 2, 1), jnp.split(x, [3]), jax.lax.top_k(x, 2)),
}


def following(name: str) -> None:
    f = FOLLOWING[name]

    def run(jax: Any, jnp: Any, lax: Any) -> Any:
        x = laid_out(jax, numbers(8, 8), "x", "y")
        outs = f(jax, jnp, x), jax.jit(lambda x: f(jax, jnp, x))(x)
        return outs, jax.tree.map(lambda y: str(y.sharding.spec), outs)

    PROGRAMS[f"{name}: follows"] = run


for name in FOLLOWING:
    following(name)


@program
def shardings_of_jit(jax, jnp, lax):
    P, mesh = jax.P, grid(jax)
    rows, columns = (jax.NamedSharding(mesh, P(*spec)) for spec in (("x",), (None, "x")))
    f = jax.jit(lambda x, y: (x @ y, {"t": x.T}), in_shardings=(rows, None),
                out_shardings=(columns, rows))
    outs = f(numbers(8, 8), numbers(8, 4))
    with jax.set_mesh(mesh):
        z = jax.jit(lambda x: x + 1, out_shardings=P("y"))(numbers(8))
        inside = jax.jit(lambda x: lax.with_sharding_constraint(x + 1, P("x")))(numbers(8))
    lowered = jax.jit(lambda x: x + 1, in_shardings=rows, out_shardings=rows).lower(
        jax.ShapeDtypeStruct((8,), np.float32))
    outs = *outs, z, inside, jax.jit(lambda x: x, in_shardings=rows)(numbers(8)), (
        lowered.compile()(numbers(8)))
    return outs, jax.tree.map(lambda x: str(x.sharding.spec), outs)


@program
def places_that_are_asked_for(jax, jnp, lax):
    cpu, rows = jax.devices()[2], jax.NamedSharding(grid(jax), jax.P("x"))
    parts = [jax.device_put(numbers(2) + d.id, d) for d in jax.devices()[:4][::-1]]
    line = jax.NamedSharding(jax.sharding.Mesh(jax.devices()[:4], "x"), jax.P("x"))
    scaled = jax.jit(lambda n, x: x * n, static_argnums=0, in_shardings=rows)
    outs = (jnp.zeros(4, device=cpu), jnp.ones(4, device=rows), jnp.full(4, 2, device=cpu),
            jnp.arange(3, device=cpu), jnp.arange(0, 8, 2, device=rows), jnp.eye(4, device=rows),
            jnp.linspace(0, 1, 4, device=rows), jnp.array([1.0], device=cpu),
            jnp.asarray(numbers(4), device=rows), jnp.ones_like(numbers(2), device=cpu),
            jnp.astype(numbers(2), int, device=cpu), jnp.fft.fftfreq(4, device=cpu),
            jnp.asarray(jnp.ones(2), device=cpu),
            jax.make_array_from_single_device_arrays((8,), line, parts),
            jax.make_array_from_process_local_data(rows, numbers(8)), scaled(3, numbers(8)))
    return outs, jax.tree.map(lambda x: [
        str(x.sharding), str(sorted(d.id for d in x.devices()))], outs)


@program
def meshes_of_the_context(jax, jnp, lax):
    """A function that has been traced for one mesh is not run on another."""
    f = jax.jit(lambda x: lax.with_sharding_constraint(x + 1, jax.P("x")))
    two = jax.make_mesh((2,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    outs = []
    for mesh in grid(jax), two, grid(jax):
        with jax.set_mesh(mesh):
            outs.append(f(numbers(8)))
    return outs, [str(x.sharding) for x in outs]


@program
def meshes_without_devices(jax, jnp, lax):
    P, sharding = jax.P, jax.sharding
    explicit, mesh = sharding.AxisType.Explicit, grid(jax)
    abstract = sharding.AbstractMesh((4, 2), ("x", "y"))
    double = jax.shard_map(lambda x: 2 * x, mesh=mesh.abstract_mesh, in_specs=P("x"),
                           out_specs=P("x"))
    x = laid_out(jax, numbers(8), "x")
    found = []

    def inside(x):
        there = sharding.get_abstract_mesh()
        found.append(f"{there.shape_tuple} {there.axis_types} {there.manual_axes}")
        return lax.psum(x, "x")

    with jax.set_mesh(mesh):
        found.append(str(sharding.get_abstract_mesh()))
        y = jax.jit(double)(numbers(8))
        jax.shard_map(inside, in_specs=P("x"), out_specs=P(), axis_names={"x"})(numbers(8))
        with sharding.use_abstract_mesh(mesh.abstract_mesh.update(axis_names=("a", "b"))):
            found.append(str(sharding.get_abstract_mesh().axis_names))
    return double(x), y, found, [str(z) for z in (
        abstract, repr(mesh.abstract_mesh), sharding.get_abstract_mesh(), abstract.size,
        abstract.update_axis_types({"y": explicit}), abstract.update(axis_sizes=(2, 1)),
        mesh.update(axis_names=("a", "b")), abstract == sharding.AbstractMesh((4, 2), ("x", "y")),
        dict(abstract.shape), abstract.auto_axes, mesh.are_all_axes_auto, abstract.empty,
        jax.NamedSharding(abstract, P("x")).shard_shape((8, 2)))], [error_of(f) for f in (
            lambda: abstract.devices, lambda: sharding.AbstractMesh((4,), ("x",), (3,)),
            lambda: sharding.use_abstract_mesh(mesh), lambda: jax.set_mesh(abstract),
            lambda: jax.jit(lambda: sharding.get_mesh() and 1)())]


@program
def one_axis_at_a_time(jax, jnp, lax):
    def inner(x):
        return lax.psum(x, "y") * (1 + lax.axis_index("y")) + lax.axis_index("x")

    both = jax.smap(jax.smap(inner, in_axes=1, out_axes=1, axis_name="y"), in_axes=0, out_axes=0,
                    axis_name="x")
    pair = jax.smap(lambda x, w: (x * w, lax.psum(x.sum(), "x")), in_axes=(0, None),
                    out_axes=(0, None), axis_name="x")
    with jax.set_mesh(grid(jax)):
        return jax.jit(both)(numbers(8, 4)), jax.jit(pair)(numbers(8), np.float32(3)), [error_of(f)
            for f in (lambda: jax.smap(inner, in_axes="x", out_axes=0, axis_name="x"),
                      lambda: jax.smap(inner, in_axes=0, out_axes="x", axis_name="x"),
                      lambda: jax.smap(inner, in_axes=0, out_axes=0, axis_name=("x", "y")),
                      lambda: jax.smap(inner, out_axes=0, axis_name="x")(numbers(8)))]


@program
def where_a_compiled_program_wants_its_arguments(jax, jnp, lax):
    P, mesh = jax.P, grid(jax)
    rows, columns = (jax.NamedSharding(mesh, P(*spec)) for spec in (("x",), (None, "x")))
    first, struct = jax.devices()[0], jax.ShapeDtypeStruct

    def f(x, y):
        return x @ y, {"t": x * 2}

    plain = jax.jit(f).lower(struct((8, 8), np.float32), struct((8, 4), np.float32)).compile()
    asked = jax.jit(f, in_shardings=(rows, None), out_shardings=(columns, None)).lower(
        numbers(8, 8), numbers(8, 4)).compile()
    typed = jax.jit(lambda x: x * 2).lower(struct((8, 8), np.float32, sharding=rows)).compile()
    there = jax.jit(lambda x, k=1: x * k).lower(
        jax.device_put(numbers(8), jax.devices()[3]), k=2).compile()

    def texts(compiled):
        return [str(s) for s in jax.tree.leaves((compiled.input_shardings,
                                                 compiled.output_shardings))]

    return [texts(plain), texts(there), texts(typed)[-1:], texts(asked)[2:3],
            f"{asked.input_shardings[0][0] == rows} {typed.input_shardings[0][0] == rows} "
            f"{first in plain.output_shardings[0].device_set}",
            str(struct((8,), np.float32, sharding=rows)),
            f"{struct((8,), np.float32, sharding=rows) == struct((8,), np.float32)}",
            error_of(lambda: struct((7,), np.float32, sharding=rows))]


@program
def the_default_device(jax, jnp, lax):
    second, third = jax.devices()[1:3]
    first, on_third = jnp.ones(4), jax.device_put(numbers(4), third)
    made = []

    def look(*arrays):
        made.extend(f"{sorted(d.id for d in x.devices())} {x.committed} {x.sharding}"
                    for x in arrays)

    with jax.default_device(second):
        x = jnp.arange(4.0)
        look(x, jnp.array([1.0]), jax.device_put(numbers(4)), jnp.asarray(numbers(4)), x + first,
             jax.jit(lambda x: x * 2)(x), x * on_third, jax.random.normal(jax.random.key(0), (2,)),
             jnp.asarray(first), x[1], jax.jit(jnp.sum)(first), jnp.linalg.norm(x))
        with jax.default_device("cpu"):
            look(jnp.ones(2))
    look(x, x + first, x + on_third, jax.jit(lambda x: x)(on_third))
    jax.config.update("jax_default_device", third)
    twice = jax.jit(lambda x: x * 2)
    look(jnp.zeros(3), twice(first), twice(first), twice(first))
    jax.config.update("jax_default_device", None)
    look(twice(first), x + 1)
    return made, x, [error_of(f) for f in (
        lambda: jax.devices("gpu"), lambda: jax.devices("none"), lambda: jax.device_count("tpu"),
        lambda: jax.config.update("jax_default_device", 3))], str(jax.devices("cpu")[:2])


@program
def devices_that_are_asked_of_jit_and_pmap(jax, jnp, lax):
    second = jax.devices()[1]

    def places(x):
        return f"{sorted(d.id for d in x.devices())} {x.committed}"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f = jax.jit(lambda x, y: x + y, device=second)
        outs = (f(numbers(3), np.float32(1)), f(numbers(3), y=2.0),
                jax.jit(lambda x: x, backend="cpu")(numbers(2)), jax.jit(f)(numbers(3), 1.0))
        errors = [error_of(g) for g in (
            lambda: jax.jit(f, device=second, backend="cpu"), lambda: jax.jit(f, backend="gpu")(1),
            lambda: jax.jit(f, device=second, in_shardings=jax.NamedSharding(grid(jax), jax.P())))]
    return outs, list(map(places, outs[:3])), errors, jax.pmap(
        lambda x: x, backend="cpu")(numbers(2)), [error_of(f) for f in (
            lambda: jax.pmap(lambda x: x, backend="gpu")(numbers(2)),
            lambda: jax.pmap(lambda x: x, devices=[])(numbers(2)))]


TYPED: dict[str, Callable] = {  # of x: f32[8@x,2@y], y: f32[8@x,2], z: f32[8@y,2], w: f32[2@y,8@x]
    "sum of two": lambda jax, jnp, x, y, z, w: x + y,
    "with a scalar": lambda jax, jnp, x, y, z, w: jnp.where(x > 0, x * 2, 0),
    "sums": lambda jax, jnp, x, y, z, w: (x.sum(0), x.max(1), x.mean(), x.argmax(0)),
    "products": lambda jax, jnp, x, y, z, w: (y @ np.ones((2, 3), np.float32),
                                              x @ np.ones((2, 3), np.float32)),
    "chosen": lambda jax, jnp, x, y, z, w: (
        jnp.einsum("ij,jk->ik", x, w, out_sharding=jax.P("x", None)),
        jnp.matmul(x, w, out_sharding=jax.P(None, "y")),
        jnp.reshape(y.T, (16,), out_sharding=jax.P("x"))),
    "shapes": lambda jax, jnp, x, y, z, w: (x.T, x[:, None], x.reshape(8, 2, 1), x.reshape(4, 2, 2),
                                            jnp.broadcast_to(x, (3, 8, 2)), y.ravel()),
    "joined": lambda jax, jnp, x, y, z, w: (jnp.concatenate([x, x]), jnp.stack([x, x])),
    "parts of what is whole": lambda jax, jnp, x, y, z, w: (y[:, :1], y[:, 0], y[..., None]),
    "softmax": lambda jax, jnp, x, y, z, w: jax.nn.softmax(x),
    "rows": lambda jax, jnp, x, y, z, w: jax.vmap(lambda r: r.sum() * r)(x),
    "made": lambda jax, jnp, x, y, z, w: (jnp.zeros(8, out_sharding=jax.P("x")),
                                          jnp.arange(8, out_sharding=jax.P("x")), jnp.ones((8, 2))),
    "resharded": lambda jax, jnp, x, y, z, w: (jax.reshard(x, jax.P("y", None)),
                                               jax.reshard(x, jax.P())),
    "gradient": lambda jax, jnp, x, y, z, w: jax.grad(
        lambda w, x: jnp.sum(jnp.tanh(x @ w)), argnums=(0, 1))(jnp.ones((2, 3)), y),
    "labels": lambda jax, jnp, x, y, z, w: jax.value_and_grad(lambda y: jnp.take_along_axis(
        jax.nn.log_softmax(y), jnp.arange(8)[:, None] % 2, 1).mean())(y),
    "labels of others": lambda jax, jnp, x, y, z, w: jnp.take_along_axis(
        y, jax.reshard(jnp.zeros((8, 1), int), jax.P("y")), 1),
    "loop": lambda jax, jnp, x, y, z, w: jax.lax.fori_loop(0, 3, lambda i, a: a * 2, x),
    "mapped": lambda jax, jnp, x, y, z, w: jax.shard_map(lambda a: a * 2, out_specs=jax.P(
        "x", "y"))(x),
    "asserted": lambda jax, jnp, x, y, z, w: jax.lax.with_sharding_constraint(x, jax.P("x", "y")),
    "by rules": lambda jax, jnp, x, y, z, w: jax.sharding.auto_axes(
        lambda x, w: (x @ w).reshape(64), out_sharding=jax.P("x"))(x, w),
    "other sharding": lambda jax, jnp, x, y, z, w: x + z,
    "one axis twice": lambda jax, jnp, x, y, z, w: y[:2] + w,
    "contracted": lambda jax, jnp, x, y, z, w: x @ w,
    "a product cut twice": lambda jax, jnp, x, y, z, w: y @ y.T,
    "parts of parts": lambda jax, jnp, x, y, z, w: x[:2],
    "a row": lambda jax, jnp, x, y, z, w: x[0],
    "cut evenly": lambda jax, jnp, x, y, z, w: (
        jax.lax.slice(x, (0, 0), (4, 2)), jax.lax.pad(x, 0.0, ((2, 2, 0), (0, 0, 0)))),
    "scan": lambda jax, jnp, x, y, z, w: jax.lax.scan(
        lambda c, r: (c * r.sum(0), r * 2), jax.reshard(jnp.ones(2), jax.P("y")),
        jax.reshard(x, jax.P(None, "y"))[:, None]),
    "one element": lambda jax, jnp, x, y, z, w: jax.vmap(lambda r: r.astype(
        str(jax.typeof(r)).split("[")[0]))(x),
    "scan along parts": lambda jax, jnp, x, y, z, w: jax.lax.scan(lambda c, r: (c, r), 0.0, x),
    "padded unevenly": lambda jax, jnp, x, y, z, w: jnp.pad(x, 1),
    "other cases": lambda jax, jnp, x, y, z, w: jnp.where(x > 0, x, z),
    "sorted": lambda jax, jnp, x, y, z, w: jnp.sort(x, 0),
    "added up": lambda jax, jnp, x, y, z, w: jnp.cumsum(x, 0),
    "unequal parts": lambda jax, jnp, x, y, z, w: jnp.concatenate([x, y], 1),
    "merged": lambda jax, jnp, x, y, z, w: y.T.reshape(16),
    "wrongly asserted": lambda jax, jnp, x, y, z, w: jax.lax.with_sharding_constraint(
        x, jax.P("y")),
    "resharded to nothing": lambda jax, jnp, x, y, z, w: jax.reshard(x, None),
}


@program
def sharding_in_types(jax, jnp, lax):
    """What types say outside of `jit` and inside, and which operations are refused."""
    P, specs = jax.P, (("x", "y"), ("x",), ("y",), ("y", "x"))
    texts, values = [], []
    with jax.set_mesh(jax.make_mesh((4, 2), ("x", "y"))):
        args = [jax.device_put(numbers(*shape), P(*spec))
                for shape, spec in zip(((8, 2), (8, 2), (8, 2), (2, 8)), specs)]
        for name, f in TYPED.items():
            g = functools.partial(f, jax, jnp)
            try:
                out = g(*args)
            except (Exception, AssertionError) as error:
                texts.append(f"{name}: {type(error).__name__}")
                continue
            values.append(out)
            inside = []
            jax.jit(lambda *a, g=g, inside=inside: inside.append(g(*a)) or 1)(*args)
            texts += [f"{name}: {[str(jax.typeof(y)) for y in jax.tree.leaves(z)]}"
                      for z in (out, inside)]
            texts.append(str([y.sharding.spec for y in jax.tree.leaves(out)
                              if y.sharding.num_devices > 1 and not y.is_fully_replicated]))
    x = args[0]
    program = jax.make_jaxpr(lambda x: jnp.sin(x).sum(0) * 2)(x)
    return values, texts, str(program.out_avals), str(jax.typeof(x).sharding), str(
        jax.eval_shape(jnp.sin, x)), str(jax.typeof(x + 1))


@program
def sharding_in_types_of_some_axes(jax, jnp, lax):
    P, kind = jax.P, jax.sharding.AxisType
    show = []
    look = jax.sharding.explicit_axes(
        lambda x: show.append(str(jax.typeof(x * 2))) or x * 2, in_sharding=P("x"))
    rules = jax.sharding.auto_axes(
        lambda x: show.append(str(jax.typeof(x)) + str(jax.sharding.get_abstract_mesh())) or x * 2,
        axes="x", out_sharding=P("y", "x"))
    with jax.set_mesh(jax.make_mesh((4, 2), ("x", "y"))):
        x = jax.device_put(numbers(8, 8), P("x", "y"))
        show += [str(jax.typeof(rules(x))), str(jax.typeof(jax.jit(rules)(x)))]
        try:
            jnp.zeros((8, 8), out_sharding=P("x")) + jnp.zeros((8, 8), out_sharding=P(None, "x"))
        except Exception as error:
            show.append(str(error))
    with jax.set_mesh(jax.make_mesh((4, 2), ("x", "y"), (kind.Auto, kind.Explicit))):
        x = jax.device_put(numbers(8, 8), P("x", "y"))
        show += [str(jax.typeof(x)), str(jax.typeof(jax.reshard(x, P("y"))))]
        refused = error_of(lambda: jax.reshard(x, P("x")))
    with jax.set_mesh(grid(jax)):
        y = jax.jit(look)(numbers(8))
    return x, y, show, refused, str(jax.typeof(y))


def error_of(f: Callable) -> str:
    """The name of the class of built-in errors that it raises."""
    try:
        f()
    except Exception as error:
        return next(c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins")
    return "none"


@program
def refusals(jax, jnp, lax):
    P, mesh, x, devices = jax.P, grid(jax), numbers(8), jax.devices()
    rows, columns = (jax.NamedSharding(mesh, P(name)) for name in ("x", "y"))
    line = jax.NamedSharding(jax.sharding.Mesh(devices[:4], "x"), P("x"))
    on_rows, on_line = jax.device_put(x, rows), jax.device_put(x, line)
    first, second = (jax.device_put(x, d) for d in devices[:2])
    parts = [jax.device_put(x[:2], d) for d in devices[4:]]
    halves = [jax.device_put(x[:2].astype(np.float16 if d.id else np.float32), d)
              for d in devices[:4]]
    keys = jax.random.split(jax.random.key(0), 2)

    def double(x):
        return x * 2

    def added(y, z):
        return lambda: y + z

    def mapped(y, mesh=mesh):
        return lambda: jax.shard_map(double, mesh=mesh, in_specs=P("x"), out_specs=P("x"))(y)

    def jitted(y, sharding=rows):
        return lambda: jax.jit(double, in_shardings=sharding)(y)

    def set_inside():
        with jax.set_mesh(mesh):
            return 0

    return [error_of(f) for f in (
        added(first, second), added(on_rows, first), added(on_rows, on_line), added(first, x),
        added(second, x), lambda: jnp.stack([first, second]), lambda: first[second.astype(int)],
        mapped(first), mapped(second), mapped(on_line),
        mapped(on_rows), mapped(jax.device_put(x, columns)), mapped(x, mesh=3),
        jitted(on_rows), jitted(jax.device_put(x, columns)), jitted(first), jitted(second),
        jitted(x), jitted(jax.device_put(x, rows.update(spec=P()))), jitted(x, "x"),
        jitted(x, devices[1]), lambda: jax.jit(double, in_shardings=rows)(x=x),
        lambda: jax.jit(lambda y: lax.with_sharding_constraint(y * 2, line))(on_rows),
        lambda: jax.make_array_from_single_device_arrays((8,), line, parts),
        lambda: jax.make_array_from_single_device_arrays((8,), line, halves),
        lambda: jax.make_array_from_single_device_arrays((8,), line, [x[:2]] * 4),
        lambda: jax.make_array_from_callback((8,), rows, lambda i: x[i], dtype=np.int32),
        lambda: jax.make_array_from_process_local_data(rows, x, (16,)),
        lambda: jax.sharding.Mesh(np.array(devices[:2]).reshape(1, 2), ("x", None)),
        lambda: jax.make_mesh((-1,), ("x",)), lambda: jax.set_mesh(3),
        lambda: jax.jit(set_inside)(), lambda: jax.device_put(x, P("x")),
        lambda: jax.pmap(double, devices=devices[:1] * 2)(x[:2]),
        lambda: jax.pmap(double, devices=devices[:3])(x[:2]),
        lambda: jax.pmap(double, devices=devices[:1])(x[:2]),
        lambda: jax.pmap(lambda k: lax.psum(k, "i"), axis_name="i")(keys))]


ONLY_ARRAYS = {"trees_and_decorators", "around_and_inside", "gradients_without_checks",
               "control_flow", "rules_of_users"}


def at_once(name: str) -> Callable:
    """A program for JAX, which compiles each operation of a shard_map by itself: a minute in all.

    As one program it gives the same arrays. Shardings, texts and errors are those of its parts.
    """
    f = PROGRAMS[name]
    if name not in ONLY_ARRAYS and "everything" not in name:
        return f
    return lambda jax, jnp, lax: jax.jit(lambda: f(jax, jnp, lax))()


if __name__ == "__main__":
    main(*sys.argv[1:], programs={name: at_once(name) for name in PROGRAMS})
