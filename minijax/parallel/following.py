"""Computations follow arrays: what is computed from divided arrays is divided itself.

`partition.py` says how. A program of `jit` in which every operation works on parts is run by the
devices, if it is large. All else is computed in the user's process, and the result is laid out as
it would have been.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

from minijax.core import ArrayImpl, Primitive, ShapedArray, typeof
from minijax.devices import Device
from minijax.families import Program
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal, Var, derive, derived, subprograms
from minijax.jit import Call, jit_p
from minijax.layouts import There, follow, shardings_of
from minijax.parallel import cuts as _cuts  # noqa: F401  # its rules
from minijax.parallel.constraint import as_sharding
from minijax.parallel.context import concrete
from minijax.parallel.dividing import divided, joined, part_of
from minijax.parallel.mapped import ShardMap, axes_in_scope, shard_map_p
from minijax.parallel.meshes import AbstractMesh, BaseMesh, Mesh, PartitionSpec
from minijax.parallel.partition import Layout, Part, Partition
from minijax.parallel.shardings import (
    NamedSharding,
    Sharding,
    SingleDeviceSharding,
    by_default,
    check_devices,
)

__all__ = ["Plan", "plan_of"]

LARGE = 1 << 16  # elements of the arguments: from here on it is worth to ask the devices
KEPT = 256

_plans: OrderedDict[Hashable, Plan] = OrderedDict()


class Plan:
    """How a program is run by the devices of a mesh, and how its results are divided."""

    def __init__(self, jaxpr: Jaxpr, mesh: BaseMesh, layouts: Sequence[Layout]):
        where, found = Partition(mesh), []  # type: ignore[var-annotated]
        self.types = jaxpr.out_avals
        jaxpr = untyped(jaxpr) if mesh.explicit_axes else jaxpr
        self.mesh, self.specs = mesh, list(map(as_spec, layouts))

        def local(*xs: Any) -> list[Any]:
            outs = where.run(jaxpr, list(map(Part, xs, layouts)))
            found[:] = [x.layout for x in outs]
            return [x.value for x in outs]

        avals = [part_of(a, s, mesh).update(vma=frozenset(s.mentioned()))
                 for a, s in zip(jaxpr.in_avals, self.specs)]
        with axes_in_scope(mesh, mesh.axis_names, True):
            self.jaxpr = derive(local, avals, "jit")
        self.out_specs = list(map(as_spec, found))
        self.worthwhile = (not where.whole and any(map(any, [*layouts, *found])) and
                           mesh.size > 1 and sum(a.size for a in jaxpr.in_avals) >= LARGE)

    def run(self, args: Sequence[Any], avals: Sequence[ShapedArray], name: str) -> list[Any]:
        axes = self.mesh.axis_names
        args = [divided(ArrayImpl(x._value, x.aval.update(divided=None))
                        if isinstance(x, ArrayImpl) else x, s, self.mesh, axes)
                for x, s in zip(args, self.specs)]
        outs = shard_map_p.bind(*args, jaxpr=self.jaxpr, name=name, mesh=self.mesh, axes=axes,
                                check_vma=True)
        return [joined(ArrayImpl(x._value, x.aval.update(weak_type=a.weak_type, divided=None)), s,
                       self.mesh, axes)
                for x, s, a in zip(outs, self.out_specs, self.types)]


@derived
def untyped(jaxpr: Jaxpr) -> Jaxpr:
    """The same program, with types that do not say how values are divided: those of parts."""
    new: dict[Any, Var] = {}

    def atom(x: Any) -> Any:
        if isinstance(x, Literal):
            return x
        return new.setdefault(x, Var(x.aval.update(divided=None)))

    def param(x: Any) -> Any:
        if type(x) is tuple and any(isinstance(y, Jaxpr) for y in x):
            return tuple(map(param, x))
        return untyped(x) if isinstance(x, Jaxpr) else x

    eqns = [JaxprEqn(e.primitive, [*map(atom, e.invars)],
                     {name: param(x) for name, x in e.params.items()},
                     [*map(atom, e.outvars)], e.line) for e in jaxpr.eqns]
    consts = [ArrayImpl(x._value, x.aval.update(divided=None)) if isinstance(x, ArrayImpl) else x
              for x in jaxpr.consts]
    ins, outs, constvars = ([*map(atom, xs)] for xs in (
        jaxpr.invars, jaxpr.outvars, jaxpr.constvars))
    return Jaxpr(ins, eqns, outs, constvars, consts)


def as_spec(layout: Layout) -> PartitionSpec:
    """A layout as the user sees it, without what is not divided at the end."""
    entries = [names or None for names in layout]
    while entries and entries[-1] is None:
        entries.pop()
    return PartitionSpec(*entries)


def layout_of(x: Any, mesh: BaseMesh) -> Layout:
    """How an argument is divided."""
    return layout_by(getattr(x, "_sharding", None), typeof(x).ndim, mesh)


def layout_by(sharding: Any, rank: int, mesh: BaseMesh) -> Layout:
    """How an array of this rank is divided; by the sharding of another mesh: not at all."""
    if isinstance(sharding, NamedSharding) and sharding.mesh == mesh:
        return tuple(sharding.spec.names(i) for i in range(rank))
    return ((),) * rank


def plan_of(prim: Primitive, params: dict, avals: Sequence[ShapedArray], mesh: BaseMesh,
            layouts: tuple[Layout, ...]) -> Plan:
    """The plan for an operation, or for the program that it runs; the last ones are kept."""
    if isinstance(prim, Call) and "jaxpr" in params:
        jaxpr = params["jaxpr"]
        key: Any = mesh, layouts
        if key not in jaxpr.memo:
            jaxpr.memo[key] = Plan(jaxpr, mesh, layouts)
        return jaxpr.memo[key]
    key = prim, tuple(params.items()), tuple(avals), mesh, layouts
    try:
        if key in _plans:
            return _plans[key]
    except TypeError:  # a parameter that cannot be hashed
        key = None
    ins = list(map(Var, avals))
    outs = list(map(Var, prim.out_avals(avals, params)))
    plan = Plan(Jaxpr(ins, [JaxprEqn(prim, list(ins), params, outs)], outs), mesh, layouts)
    if key is not None:
        _plans[key] = plan
        while len(_plans) > KEPT:
            _plans.popitem(last=False)
    return plan


def computed(prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
    """The results, computed in this process."""
    return prim.compute(args, params) if isinstance(prim, Call) else prim.evaluate(args, params)


@follow.register
def _(mesh: Mesh, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
    """The results are divided as follows from the arguments."""
    functions = isinstance(prim, Program) and not subprograms(params)  # each operation for itself
    if functions or isinstance(prim, ShardMap):
        return prim.evaluate(args, params)
    check_devices(params.get("name", prim.name), mesh.devices.flat, args)
    avals = list(map(typeof, args))
    plan = plan_of(prim, params, avals, mesh, tuple(layout_of(x, mesh) for x in args))
    if plan.worthwhile and isinstance(prim, Call):
        outs = plan.run(args, avals, params.get("name", prim.name))
    else:
        outs = computed(prim, args, params)
    return [NamedSharding(mesh, spec_of(mesh, s, a)).array(x._value, x.aval)
            for x, s, a in zip(outs, plan.out_specs, plan.types)]


def spec_of(mesh: BaseMesh, spec: PartitionSpec, aval: ShapedArray) -> PartitionSpec:
    """The spec of a result. If types say how all is divided, what they say: of each dimension."""
    if not mesh.are_all_axes_explicit:
        return spec
    return (PartitionSpec(*spec, *[None] * (aval.ndim - len(spec))) if aval.divided is None else
            aval.divided.spec)


@follow.register
def _(mesh: AbstractMesh, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
    return follow(concrete(mesh), prim, args, params)


@follow.register
def _(sharding: NamedSharding, prim, args, params):
    return follow(sharding.mesh, prim, args, params)


@shardings_of.register
def _(mesh: Mesh, jaxpr: Jaxpr, ins: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    ins = [NamedSharding(mesh, PartitionSpec()) if s is None else as_sharding(s, "jit")
           for s in ins]
    layouts = tuple(layout_by(s, a.ndim, mesh) for s, a in zip(ins, jaxpr.in_avals))
    plan = plan_of(jit_p, {"jaxpr": jaxpr}, jaxpr.in_avals, mesh, layouts)
    return ins, [NamedSharding(mesh, spec_of(mesh, s, a))
                 for s, a in zip(plan.out_specs, jaxpr.out_avals)]


@shardings_of.register(Sharding)
@shardings_of.register(PartitionSpec)
def _(where, jaxpr, ins):
    where = as_sharding(where, "jit")
    if isinstance(where, NamedSharding):
        return shardings_of(where.mesh, jaxpr, ins)
    return [where] * len(ins), [where] * len(jaxpr.outvars)


@shardings_of.register
def _(device: Device, jaxpr, ins):
    return shardings_of(SingleDeviceSharding(device), jaxpr, ins)


@shardings_of.register
def _(there: There, jaxpr, ins):
    return shardings_of(there.device, jaxpr, ins)


@follow.register
def _(device: Device, prim, args, params):
    """Results are on the default device, if they are not where an argument is."""
    return [by_default(x) for x in prim.evaluate(args, params)]


@follow.register
def _(sharding: Sharding, prim, args, params):
    """The results are where the argument is: on one device."""
    check_devices(params.get("name", prim.name), sharding.devices, args)
    return [sharding.array(x._value, x.aval) for x in computed(prim, args, params)]
