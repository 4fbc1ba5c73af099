"""Matrix products: what `matmul` is called with, and what follows on each tile of the result."""

from __future__ import annotations

import math
from typing import Any

from minijax.compiler.plan import NEAR, Kernel, Plan
from minijax.compiler.views import View
from minijax.jaxpr import JaxprEqn

__all__ = ["follower", "is_product", "matrices", "move_followers"]


def is_product(e: JaxprEqn) -> bool:
    """Is it a product of matrices whose numbers are of one dtype that BLAS has?"""
    kinds = {x.aval.dtype.char for x in (*e.invars, *e.outvars)}
    return e.primitive.name == "dot_general" and len(kinds) == 1 and kinds <= set("fdFD")


def permuted(view: View, axes: tuple[int, ...]) -> View:
    return View(view.base, tuple(view.shape[i] for i in axes),
                tuple(view.strides[i] for i in axes), view.offset)


def matrices(e: JaxprEqn, plan: Plan) -> tuple[tuple[View, tuple], tuple[View, tuple], tuple]:
    """The operands as views to be reshaped to (batch, m, k) and (batch, k, n), and (batch, m, n).

    Without batch axes there is none.
    """
    (lc, rc), (lb, rb) = e.params["dimension_numbers"]
    lhs, rhs = map(plan.view, e.invars)
    lf, rf = (tuple(i for i in range(len(v.shape)) if i not in (*c, *b))
              for v, c, b in ((lhs, lc, lb), (rhs, rc, rb)))

    def size(view: View, axes: tuple[int, ...]) -> int:
        return math.prod(view.shape[i] for i in axes)

    batch = [size(lhs, lb)] if lb else []
    m, k, n = size(lhs, lf), size(lhs, lc), size(rhs, rf)
    return ((permuted(lhs, (*lb, *lf, *lc)), (*batch, m, k)),
            (permuted(rhs, (*rb, *rc, *rf)), (*batch, k, n)), (*batch, m, n))


def follower(plan: Plan, i: int, shape: tuple) -> Kernel | None:
    """The kernel that may work on rows of the product, step i, as soon as they are there."""
    (product,) = plan.steps[i].made
    later = plan.steps[i + 1:i + 1 + NEAR]
    made_later = {v for step in later for v in step.made}
    for step in later:
        bases = {plan.view(x).base for e in step.eqns for x in e.invars}
        if product not in bases:
            continue
        own = set(step.made)
        if not isinstance(step, Kernel) or step.blocks or bases & made_later - own:
            return None
        rows = step.reduced is None or (step.by_rows and step.kept == tuple(
            range(len(step.shape) - 1)))
        fits = math.prod(step.shape[:-1]) == math.prod(shape[:-1]) and step.shape[-1:] == shape[-1:]
        return step if rows and fits and reads_in_place(plan, step, product) else None
    return None


def reads_in_place(plan: Plan, step: Kernel, product: Any) -> bool:
    """Does every element of the kernel's domain read the element at its own place?"""
    return all(plan.view(x).is_whole and plan.view(x).shape == step.shape
               for e in step.eqns for x in e.invars if plan.view(x).base is product)


def move_followers(plan: Plan) -> None:
    """Let each kernel that works on a product's tiles stand directly behind the product."""
    for i, step in enumerate(plan.steps):
        if not isinstance(step, Kernel) and is_product(step.eqns[0]):
            kernel = follower(plan, i, matrices(step.eqns[0], plan)[2])
            if kernel is not None:
                plan.steps.remove(kernel)
                plan.steps.insert(i + 1, kernel)
