"""What an operation can do besides computing its results, and programs that do it no more.

An effect is in the `effects` of its operation, of the equation, and of every program around it, so
that the equation is never dropped. Programs run in the order in which they are written, so effects
happen in that order.
"""

from __future__ import annotations

from typing import Any

from minijax.jaxpr import Jaxpr, JaxprEqn, derived


class Effect:
    """A kind of effect. JAX keeps in order only the kinds that say so; here all are."""

    name = ""

    def __repr__(self) -> str:
        return self.name


class DebugEffect(Effect):
    """Something is shown to the user; the program learns nothing from it."""

    name = "Debug"


class OrderedDebugEffect(Effect):
    """The same, in order."""

    name = "OrderedDebug"


class IOEffect(Effect):
    """The world is changed, or asked."""

    name = "IO"


class OrderedIOEffect(Effect):
    """The same, in order."""

    name = "OrderedIO"


debug_effect, ordered_debug_effect = DebugEffect(), OrderedDebugEffect()
io_effect, ordered_io_effect = IOEffect(), OrderedIOEffect()


def forbid_io(effects: frozenset, where: str) -> None:
    """For what runs a program more often, or for more elements, than the user asked for."""
    if not effects.isdisjoint((io_effect, ordered_io_effect)):
        raise NotImplementedError(
            f"IO effect not supported in {where}: io_callback would be called more often than the "
            "program says. Call it outside, or use jax.pure_callback for a function without "
            "effects.")


@derived
def silent(jaxpr: Jaxpr, where: str) -> Jaxpr:
    """The program without its effects, to run it once more."""
    forbid_io(jaxpr.effects, where)
    eqns = []
    for e in jaxpr.eqns:
        if any(isinstance(effect, Effect) for effect in e.effects):
            if not e.outvars:
                continue
            e = JaxprEqn(e.primitive, e.invars, silent_params(e.params, where), e.outvars, e.line)
        eqns.append(e)
    return jaxpr.replace(eqns=eqns)


def silent_params(params: dict[str, Any], where: str) -> dict[str, Any]:
    def quiet(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(quiet, value))
        return silent(value, where) if isinstance(value, Jaxpr) else value

    return {k: quiet(v) for k, v in params.items()}
