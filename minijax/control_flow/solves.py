"""Solutions of equations, differentiated by the implicit function theorem.

Whatever a solver does, at a solution the equation holds, and its derivative holds too. So the
derivative of a solution is the solution of a linear equation, and the solver itself need not be
differentiable. In JAX: jax/_src/lax/control_flow/solves.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minijax import dtypes
from minijax.batching import batch, batch_jaxpr, move_axis, move_to_front
from minijax.compiler import compiled
from minijax.control_flow.programs import parts, spaced, typed_leaves
from minijax.core import ShapedArray, UndefinedPrimal, typeof
from minijax.custom import custom_jvp
from minijax.families import Program, add_any, zeros
from minijax.jaxpr import Jaxpr, closed, narrow_jaxpr
from minijax.jit import Traced
from minijax.jvp import instantiate, jvp_flat
from minijax.lax.elementwise import neg
from minijax.linearize import linearize, linearize_jaxpr
from minijax.transpose import linear_transpose
from minijax.tree_util import tree_structure, tree_unflatten

# --- linear equations: the operation ----------------------------------------------------------


class _LinearSolveTuple(NamedTuple):
    """One thing for each of the functions: a program, or how many constants it has."""

    matvec: Any
    vecmat: Any
    solve: Any
    transpose_solve: Any

    def transpose(self) -> _LinearSolveTuple:
        return _LinearSolveTuple(self.vecmat, self.matvec, self.transpose_solve, self.solve)


def by_function(args: Sequence[Any], lengths: _LinearSolveTuple
                ) -> tuple[_LinearSolveTuple, list[Any]]:
    """The constants of each function, and the right-hand side."""
    *consts, b = parts(args, *lengths)
    return _LinearSolveTuple(*consts), b


class CustomLinearSolve(Program):
    """x with matvec(x) = b, as `solve` finds it. It is linear in b, and so is its derivative.

    The results of `solve` that follow x tell how it went (`has_aux`); they have no derivative.
    """

    def impl(self, *args, const_lengths, jaxprs):
        consts, b = by_function(args, const_lengths)
        return compiled(jaxprs.solve)(*consts.solve, *b)

    def abstract_eval(self, *avals, const_lengths, jaxprs):
        _, b = by_function(avals, const_lengths)
        return [*b, *jaxprs.solve.out_avals[len(b):]]

    def effects_of(self, params):
        return params["jaxprs"].solve.effects

    def open(self, args, params):
        consts, b = by_function(args, params["const_lengths"])
        pairs = [(None, []) if j is None else closed(j) for j in params["jaxprs"]]
        consts = [[*free, *given] for (_, free), given in zip(pairs, consts)]
        return [*sum(consts, []), *b], {
            "const_lengths": _LinearSolveTuple(*map(len, consts)),
            "jaxprs": _LinearSolveTuple(*(jaxpr for jaxpr, _ in pairs))}

    def linearize(self, active, *args, const_lengths, jaxprs):
        """From A x = b: A dx = db - dA x, where dA x is the derivative of matvec(x) by constants.

        How x is found does not matter, so the tangents of the other functions' constants do not.
        """
        given = active
        consts, b = by_function(args, const_lengths)
        active, b_active = by_function(active, const_lengths)
        out = self.bind(*args, const_lengths=const_lengths, jaxprs=jaxprs)
        x = out[:len(b)]
        moves = (*active.matvec, *[False] * len(b))
        fwd, lin, matvec_active = linearize_jaxpr(jaxprs.matvec, moves)
        n_residuals = len(fwd.outvars) - len(b)
        residuals = narrow_jaxpr(fwd, (False,) * len(b) + (True,) * n_residuals)(
            *consts.matvec, *x)
        moving = [m or a for m, a in zip(matvec_active, b_active)]
        solved = [any(moving) and dtypes.is_inexact(typeof(v).dtype) for v in x]

        def push(*tangents):
            dconsts, db = by_function(spaced(tangents, given), const_lengths)
            pushed = lin(*residuals, *(t for t in dconsts.matvec if t is not None))
            terms = [difference(t, d) for t, d in zip(db, spaced(pushed, matvec_active))]
            rhs = [zeros(typeof(v).strip_weak_type()) if t is None else t
                   for t, v in zip(terms, b)]
            dx = self.bind(*sum(consts, []), *rhs, const_lengths=const_lengths, jaxprs=jaxprs)
            return [t for t, s in zip(dx, solved) if s]

        return out, [*solved, *[False] * (len(out) - len(b))], push

    def transpose(self, cts, *args, const_lengths, jaxprs):
        if jaxprs.transpose_solve is None:
            raise TypeError("transpose_solve required for backwards mode automatic differentiation "
                            "of custom_linear_solve. Pass it, or symmetric=True where the matrix "
                            "is symmetric.")
        consts, b = by_function(args, const_lengths)
        rhs = [zeros(x.aval if isinstance(x, UndefinedPrimal) else typeof(x)) if ct is None else ct
               for ct, x in zip(cts, b)]
        found = self.bind(*sum(consts.transpose(), []), *rhs, jaxprs=jaxprs.transpose(),
                          const_lengths=const_lengths.transpose())
        return [None] * sum(const_lengths) + [
            ct if isinstance(x, UndefinedPrimal) else None for ct, x in zip(found, b)]


def difference(x: Any, y: Any) -> Any:
    """x - y, where None is zero."""
    if y is None:
        return x
    return neg(y) if x is None else add_any(x, neg(y))


linear_solve_p = CustomLinearSolve("custom_linear_solve")


@batch.register
def _(prim: CustomLinearSolve, axis, xs, dims, /, *, const_lengths, jaxprs):
    const_dims, b_dims = by_function([None if d is None else 0 for d in dims], const_lengths)
    mapped = tuple(d is not None for d in b_dims)
    while True:  # a part of x is mapped if it is in any of the programs, in or out
        inner = [0 if m else None for m in mapped]
        pairs = [(j, None) if j is None else batch_jaxpr(j, axis, (*ds, *inner), wanted(j, mapped))
                 for j, ds in zip(jaxprs, const_dims)]
        found = [outs for _, outs in pairs if outs is not None]
        grown = tuple(any(outs[i] is not None for outs in found) for i in range(len(mapped)))
        if grown == mapped:
            break
        mapped = grown
    n = len(xs) - len(mapped)
    consts = [x if d is None else move_axis(x, d, 0) for x, d in zip(xs[:n], dims)]
    b = [move_to_front(x, d, axis.size) if m else x for x, d, m in zip(xs[n:], dims[n:], mapped)]
    outs = prim.bind(*consts, *b, const_lengths=const_lengths,
                     jaxprs=_LinearSolveTuple(*(jaxpr for jaxpr, _ in pairs)))
    return outs, [0 if m else None for m in wanted(jaxprs.solve, mapped)]


def wanted(jaxpr: Jaxpr, mapped: tuple[bool, ...]) -> tuple[bool, ...]:
    """Which results are to be mapped: those of x that are, and what a solver tells besides."""
    return (*mapped, *[True] * (len(jaxpr.outvars) - len(mapped)))


# --- linear equations: for users ---------------------------------------------------------------


def custom_linear_solve(matvec: Callable, b: Any, solve: Callable,
                        transpose_solve: Callable | None = None, symmetric: bool = False,
                        has_aux: bool = False) -> Any:
    """`solve(matvec, b)`, differentiated as what it is: an x with `matvec(x) == b`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> def divide(b, a):  # by five steps of x = x + (b - a x) / 2
    ...     def solve(matvec, b):
    ...         return jax.lax.fori_loop(0, 25, lambda i, x: x + 0.5 * (b - matvec(x)), b)
    ...     return jax.lax.custom_linear_solve(lambda x: a * x, b, solve, symmetric=True)
    >>> print(divide(6.0, 1.5), jax.grad(divide)(6.0, 1.5))
    4.0 0.6666667

    Args:
      matvec: a linear function from pytrees like b to pytrees like b.
      b: the right-hand side.
      solve: `solve(matvec, b)` returns x. It need not be differentiable.
      transpose_solve: the same for the transpose of `matvec`; needed for reverse mode.
      symmetric: `matvec` is its own transpose, and `solve` solves both.
      has_aux: `solve` and `transpose_solve` return a pair, of x and of anything else.

    Raises:
      TypeError or ValueError: a function that does not return what b is like.
    """
    transpose_solve = solve if transpose_solve is None and symmetric else transpose_solve
    leaves, tree = typed_leaves("b of custom_linear_solve", b)
    avals, b = [typeof(x) for x in leaves], tree_unflatten(tree, leaves)

    def program(f: Callable, name: str, aux: bool = False) -> Traced:
        found = program_like("b", tree, avals, f, name, has_aux=aux)
        check_types(name, found.jaxpr.out_avals[:len(avals)], avals)
        return found

    forwards, backwards, transpose_solver = program(matvec, "matvec"), None, None
    solver = program(lambda x: solve(matvec, x), "solve", has_aux)
    if transpose_solve is not None:
        vecmat = matvec if symmetric else transposed(matvec, b)
        backwards = forwards if symmetric else program(vecmat, "vecmat")
        transpose_solver = program(lambda x: transpose_solve(vecmat, x), "transpose_solve",
                                   has_aux)
    programs = _LinearSolveTuple(forwards, backwards, solver, transpose_solver)
    consts = [p.captured if p else [] for p in programs]
    outs = linear_solve_p.bind(
        *sum(consts, []), *leaves, const_lengths=_LinearSolveTuple(*map(len, consts)),
        jaxprs=_LinearSolveTuple(*(p and p.jaxpr for p in programs)))
    return tree_unflatten(solver.out_tree, outs)


def transposed(matvec: Callable, b: Any) -> Callable:
    vecmat = linear_transpose(matvec, b)
    return lambda y: vecmat(y)[0]


def program_like(what: str, tree: Any, avals: Sequence[ShapedArray], f: Callable, name: str,
                 n_args: int = 1, has_aux: bool = False) -> Traced:
    """The program of a function that returns what its arguments are like, and perhaps more."""
    if not callable(f):
        raise TypeError(f"{name} should be callable, got {f}.")
    argument = tree_unflatten(tree, avals)
    found = Traced(f, name, (), list(avals) * n_args, tree_structure(((argument,) * n_args, {})))
    out_tree = found.out_tree
    if has_aux:
        if len(out_tree.children()) != 2:
            raise ValueError(f"{name}() produced a pytree with structure {out_tree}, but a pytree "
                             "tuple with auxiliary output was expected because has_aux was set "
                             "to True.")
        out_tree = out_tree.children()[0]
    if out_tree != tree:
        raise TypeError(f"{name}() output pytree structure must match {what}, got {out_tree} and "
                        f"{tree}.")
    return found


def check_types(name: str, got: Sequence[ShapedArray], expected: Sequence[ShapedArray]) -> None:
    for field, error in ("shape", ValueError), ("dtype", TypeError):
        found = [[getattr(a, field) for a in avals] for avals in (got, expected)]
        if found[0] != found[1]:
            raise error(f"{name}() output {field}s must match b, got {found[0]} and {found[1]}")


# --- roots -------------------------------------------------------------------------------------


class _RootTuple(NamedTuple):
    """One thing for each of the functions: a program, or how many constants it has."""

    f: Any
    solve: Any
    l_and_s: Any


def custom_root(f: Callable, initial_guess: Any, solve: Callable, tangent_solve: Callable,
                has_aux: bool = False) -> Any:
    """`solve(f, initial_guess)`, differentiated as what it is: an x with `f(x) == 0`.

    The derivatives are those by the values that `f` closes over. They follow from differentiating
    `f(x) == 0`: the tangents of x solve a linear equation.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> def root(a):
    ...     newton = lambda f, x: jax.lax.fori_loop(0, 9, lambda i, x: x - f(x) / (2 * x), x)
    ...     return jax.lax.custom_root(lambda x: x * x - a, a, newton, lambda g, y: y / g(1.0))
    >>> print(root(9.0), jax.grad(root)(9.0))
    3.0 0.16666667

    Args:
      f: from a pytree to a pytree of the same structure.
      solve: `solve(f, initial_guess)` returns x. It need not be differentiable.
      tangent_solve: `tangent_solve(g, y)` returns the t with `g(t) == y`, for a linear g.
      has_aux: `solve` returns a pair, of x and of anything else.

    Raises:
      TypeError or ValueError: a function that does not return what `initial_guess` is like.
    """
    guess, tree = typed_leaves("initial_guess of custom_root", initial_guess)
    avals = [typeof(x) for x in guess]
    solver = program_like("initial_guess", tree, avals, lambda x: solve(f, x), "solve",
                          has_aux=has_aux)
    programs = _RootTuple(
        program_like("initial_guess", tree, avals, f, "f"), solver,
        program_like("x", tree, avals, lambda x, y: tangent_solve(linearize(f, x)[1], y),
                     "tangent_solve", n_args=2))
    outs = _custom_root(
        _RootTuple(*(len(p.captured) for p in programs)), _RootTuple(*(p.jaxpr for p in programs)),
        *(x for p in programs for x in p.captured), *guess)
    return tree_unflatten(solver.out_tree, outs)


@functools.partial(custom_jvp, nondiff_argnums=(0, 1))
def _custom_root(const_lengths: _RootTuple, jaxprs: _RootTuple, *args: Any) -> list[Any]:
    _, solve_consts, _, guess = parts(args, *const_lengths)
    return jaxprs.solve(*solve_consts, *guess)


@_custom_root.defjvp
def _root_jvp(const_lengths: _RootTuple, jaxprs: _RootTuple, primals: Sequence[Any],
              tangents: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """From f(p, x) = 0: the derivative of f by x, applied to dx, is minus that by p, to dp."""
    f_consts, _, linear_consts, guess = parts(primals, *const_lengths)
    dots = [None if typeof(t).dtype == dtypes.float0 else t for t in tangents[:len(f_consts)]]
    out = _custom_root(const_lengths, jaxprs, *primals)
    x, aux = out[:len(guess)], out[len(guess):]
    values, rhs = jvp_flat(lambda *consts: jaxprs.f(*consts, *x), f_consts, dots, "custom_root")
    rhs = [instantiate(t, typeof(v)) for t, v in zip(rhs, values)]
    dx = [neg(t) for t in jaxprs.l_and_s(*linear_consts, *x, *rhs)]
    return out, [*dx, *(instantiate(None, typeof(v)) for v in aux)]
