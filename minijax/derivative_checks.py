"""What derivatives may be asked of: the checks of their arguments and results, with all errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minijax import dtypes
from minijax.core import ShapedArray, typeof
from minijax.tree_util import tree_structure, tree_unflatten


def check_tangent(primal: Any, tangent: Any) -> None:
    x, t = typeof(primal), typeof(tangent)
    expected = x.to_tangent_aval().dtype
    if t.dtype != expected:
        raise TypeError(
            "primal and tangent arguments to jax.jvp do not match; dtypes must be equal, or in "
            "case of int/bool primal dtype the tangent dtype must be float0. Got primal dtype "
            f"{dtypes.name(x.dtype)} and so expected tangent dtype {dtypes.name(expected)}, but "
            f"got tangent dtype {dtypes.name(t.dtype)} instead.")
    if t.shape != x.shape:
        raise ValueError("jvp called with different primal and tangent shapes; Got primal shape "
                         f"{x.shape} and tangent shape as {t.shape}")


def check_linear_input(x: ShapedArray, tangent: Any) -> None:
    t = typeof(tangent).strip_weak_type()
    expected = x.to_tangent_aval().strip_weak_type()
    if t != expected:
        raise ValueError("linearized function called on tangent values inconsistent with the "
                         f"original primal values: got {t.str_short()} for a primal of type "
                         f"{x.str_short()}, but expected {expected.str_short()}.")


def check_cotangent(x: ShapedArray, ct: Any) -> None:
    c = typeof(ct).strip_weak_type()
    expected = x.to_tangent_aval().strip_weak_type()
    if c != expected:
        raise ValueError(
            "unexpected JAX type (e.g. shape/dtype) for argument to VJP function: got "
            f"{c.str_short()}, but expected {expected.str_short()} because the corresponding "
            f"output of the differentiated function had JAX type {x.str_short()}")


def check_grad_inputs(leaves: Sequence[Any], holomorphic: bool, allow_int: bool, what: str,
                      names: Callable[[], list[str]]) -> None:
    for i, x in enumerate(leaves):
        dtype = typeof(x).dtype
        kind = dtypes.kind(dtype)
        if holomorphic and kind != "c":
            raise TypeError(f"{what} with holomorphic=True requires inputs with complex dtype, but "
                            f"got {dtypes.name(dtype)} for the argument {names()[i]}.")
        if kind not in "fc" and not allow_int:
            raise TypeError(
                f"{what} requires real- or complex-valued inputs (input dtype that is a sub-dtype "
                f"of np.inexact), but got {dtypes.name(dtype)} for the argument {names()[i]}. If "
                "you want to use Boolean- or integer-valued inputs, use vjp or set allow_int to "
                "True.")


def check_grad_output(outs: Sequence[Any], out_tree: Any, holomorphic: bool) -> Any:
    if len(outs) != 1 or out_tree != tree_structure(0):
        advice = ("Does the function return its result?" if not outs else
                  "Where it is a scalar and other results, pass has_aux=True.")
        raise TypeError("Gradient only defined for scalar-output functions. Output was "
                        f"{tree_unflatten(out_tree, outs)}. {advice}")
    aval = typeof(outs[0])
    if aval.shape:
        raise TypeError("Gradient only defined for scalar-output functions. Output had shape: "
                        f"{aval.shape}.")
    kind, name = dtypes.kind(aval.dtype), dtypes.name(aval.dtype)
    if holomorphic and kind != "c":
        raise TypeError("grad with holomorphic=True requires outputs with complex dtype, but got "
                        f"{name}.")
    if not holomorphic and kind != "f":
        raise TypeError(
            "grad requires real-valued outputs (output dtype that is a sub-dtype of np.floating),"
            f" but got {name}. For differentiation of functions with integer outputs or of "
            "non-holomorphic functions involving complex outputs, use jax.vjp directly; for "
            "holomorphic differentiation, pass holomorphic=True.")
    return outs[0]


def check_kinds(xs: Sequence[Any], holomorphic: bool, what: str, side: str, instead: str,
                names: Callable) -> None:
    for i, x in enumerate(xs):
        dtype = typeof(x).dtype
        kind, found = dtypes.kind(dtype), dtypes.name(dtype)
        if holomorphic and kind != "c":
            raise TypeError(f"{what} with holomorphic=True requires {side}s with complex dtype, "
                            f"but got {found} for the {side} {names()[i]}.")
        if not holomorphic and kind != "f":
            raise TypeError(
                f"{what} requires real-valued {side}s ({side} dtype that is a sub-dtype of "
                f"np.floating), but got {found} for the {side} {names()[i]}. For holomorphic "
                "differentiation, pass holomorphic=True. For differentiation of non-holomorphic "
                f"functions involving complex or integer {side}s, use jax.{instead} directly.")
