"""The mesh of the context: the one that is meant where none is given."""

from __future__ import annotations

import numpy as np

from minijax.config import flags
from minijax.core import EvalTrace, current_trace
from minijax.parallel.meshes import AbstractMesh, BaseMesh, Mesh, make_mesh, use

__all__ = ["concrete", "context_mesh", "get_mesh", "set_mesh", "use_abstract_mesh"]

NO_MESH = Mesh(np.array(None, object), ())


class set_mesh:
    """Use this mesh where none is given: from now on in this thread, or in a `with` block.

    Raises:
      ValueError: it is no mesh, or this is inside of a function that is being traced.
    """

    def __init__(self, mesh: Mesh | None):
        if mesh is not None and not isinstance(mesh, Mesh):
            raise ValueError(f"Expected mesh of type `jax.sharding.Mesh`. Got {type(mesh)}")
        if type(current_trace()) is not EvalTrace:
            raise ValueError("`set_mesh` can only be used outside of `jax.jit`, and of what else "
                             "traces a function: the mesh belongs to the call.")
        self.mesh, self.before = mesh, flags.meshes
        use(() if mesh is None else (mesh,))

    def __enter__(self) -> Mesh | None:
        return self.mesh

    def __exit__(self, *exc: object) -> None:
        use(self.before)


class use_abstract_mesh:
    """Trace as if this were the mesh of the context, in a `with` block.

    Raises:
      ValueError: it has devices, or is of another size than the mesh of the context.
    """

    def __init__(self, mesh: AbstractMesh):
        if not isinstance(mesh, AbstractMesh):
            raise ValueError("Expected mesh of type `jax.sharding.AbstractMesh`. Got type: "
                             f"{type(mesh)}")
        self.mesh = mesh

    def __enter__(self) -> None:
        before = context_mesh()
        if not before.empty and not self.mesh.empty and before.size != self.mesh.size:
            raise ValueError("use_abstract_mesh cannot change the size of the mesh. Got new mesh: "
                             f"{self.mesh} with size={self.mesh.size} and prev mesh: "
                             f"{before.abstract_mesh} with size={before.size}")
        use((*flags.meshes, self.mesh))

    def __exit__(self, *exc: object) -> None:
        use(flags.meshes[:-1])


def context_mesh() -> BaseMesh:
    """The mesh of the context, with or without devices; an empty one if there is none."""
    return flags.meshes[-1] if flags.meshes else NO_MESH


def get_mesh() -> Mesh:
    """The mesh of the context, with its devices; an empty one if there is none.

    Raises:
      ValueError: this is inside of a function that is being traced.
    """
    if type(current_trace()) is not EvalTrace:
        raise ValueError("`get_mesh` can only be used outside of `jax.jit`. Maybe you want "
                         "`jax.sharding.get_abstract_mesh()`?")
    return next((m for m in reversed(flags.meshes) if isinstance(m, Mesh)), NO_MESH)


def concrete(mesh: BaseMesh) -> Mesh:
    """The mesh with devices: those of the context's mesh of this shape, or the first there are."""
    if isinstance(mesh, Mesh):
        return mesh
    there = (m for m in reversed(flags.meshes) if isinstance(m, Mesh))
    found = next((m for m in there if m.axis_sizes == mesh.axis_sizes), None)
    if found is None:
        return make_mesh(mesh.axis_sizes, mesh.axis_names, mesh.axis_types)
    return found.update(axis_names=mesh.axis_names, axis_types=mesh.axis_types)
